/** How other mints report errors that have a code in the NUTs: their codes, texts and HTTP statuses. */
import { codes } from '../../cashu/codes.ts'
import type { Answer } from '../../mint-server/http/request.ts'

/**
 * The words that a mint uses. `nut`: the codes of the NUTs, with 400. `nutshell`: Nutshell up to 0.16. `cdk`: cdk 0.18.
 * `coded500`: the codes of the NUTs, all with HTTP 500, as cdk did until 2025. `text`: a text, and no code.
 */
export const WORDS = ['nut', 'nutshell', 'cdk', 'coded500', 'text'] as const
/** How a mint words its refusals. */
export type Words = (typeof WORDS)[number]

/** The request, as far as the wording of a refusal depends on it. */
export type Asked = 'swap' | 'issue' | 'melt' | 'other'

interface Worded {
  readonly code: number
  readonly detail: string
}

/** The answer of a mint to a request with a list that is too long. */
export interface TooLong {
  readonly list: 'inputs' | 'outputs' | 'Ys'
  readonly most: number
  readonly found: number
}

/**
 * How a mint refuses a request that is too long. `coded`: 11014 or 11015. `listed`: HTTP 422 with a list of errors, as
 * FastAPI sends it. `entity`: HTTP 413 with a page of a proxy. `text`: code 0 and a text.
 */
export const OVERSIZE = ['coded', 'listed', 'entity', 'text'] as const
/** How a mint says that a list in a request is too long. */
export type Oversize = (typeof OVERSIZE)[number]

/** Nutshell's codes: 11000 for nearly every error of a transaction, and 0 for an error without a class. */
const NUTSHELL: Readonly<Record<number, Worded>> = {
  [codes.proofInvalid]: { code: 11000, detail: 'could not verify proofs.' },
  [codes.alreadySpent]: { code: 11001, detail: 'Token already spent.' },
  [codes.proofsPending]: { code: 11000, detail: 'proofs are pending.' },
  [codes.alreadySigned]: { code: 10002, detail: 'outputs have already been signed before.' },
  [codes.outputsPending]: { code: 11000, detail: 'outputs are pending.' },
  [codes.unbalanced]: { code: 11000, detail: 'inputs (8) - fees (1) vs outputs (8) are not balanced.' },
  [codes.amountOutOfRange]: { code: 10000, detail: 'Maximum mint amount is 100000 sat.' },
  [codes.duplicateInputs]: { code: 11000, detail: 'duplicate proofs.' },
  [codes.duplicateOutputs]: { code: 11000, detail: 'duplicate outputs.' },
  [codes.severalUnits]: { code: 11005, detail: 'inputs have different units.' },
  [codes.unitMismatch]: { code: 11005, detail: 'input and output keysets have different units.' },
  [codes.unitUnsupported]: { code: 10000, detail: "unit 'usd' not supported in any keyset." },
  [codes.keysetUnknown]: { code: 0, detail: 'keyset 00ad268c4d1f5826 unknown' },
  [codes.keysetInactive]: { code: 11000, detail: 'keyset id inactive.' },
  [codes.keysetExpired]: { code: 12000, detail: 'keyset error' },
  [codes.quoteNotPaid]: { code: 2001, detail: 'quote not paid' },
  [codes.quoteIssued]: { code: 11000, detail: 'Mint quote already issued.' },
  [codes.mintingDisabled]: { code: 10000, detail: 'Mint does not allow minting new tokens.' },
  [codes.paymentFailed]: { code: 20000, detail: 'Lightning payment failed.' },
  [codes.quotePending]: { code: 11000, detail: 'melt quote is pending' },
  [codes.invoicePaid]: { code: 11000, detail: 'melt quote already paid' },
  [codes.quoteExpired]: { code: 11000, detail: 'quote expired' },
  [codes.signatureInvalid]: { code: 20008, detail: 'Signature for mint request invalid' },
}

/** cdk's texts. Its codes are those of the NUTs, except for duplicates that its database finds. */
const CDK: Readonly<Record<number, string>> = {
  [codes.proofInvalid]: 'Token not verified',
  [codes.alreadySpent]: 'Token Already Spent',
  [codes.proofsPending]: 'Token Pending',
  [codes.unbalanced]: 'Inputs: 8, Outputs: 8, expected_fee: 1. Transaction inputs should equal outputs less fee',
  [codes.amountOutOfRange]: 'Amount must be between `1` and `500000` is `0`',
  [codes.duplicateInputs]: 'Duplicate Inputs',
  [codes.duplicateOutputs]: 'Duplicate outputs',
  [codes.severalUnits]: 'Cannot have multiple units',
  [codes.unitMismatch]: 'Input unit must match output',
  [codes.unitUnsupported]: 'Unit unsupported',
  [codes.keysetUnknown]: 'Unknown Keyset',
  [codes.keysetInactive]: 'Inactive Keyset',
  [codes.keysetExpired]: 'Expired Keyset',
  [codes.quoteNotPaid]: 'Quote not paid',
  [codes.quoteIssued]: 'Quote already issued',
  [codes.paymentFailed]: 'Payment failed',
  [codes.quotePending]: 'Quote pending',
  [codes.invoicePaid]: 'Quote is already paid',
  [codes.quoteExpired]: 'Expired quote: Expired: `1750000000`, Time: `1750000001`',
  [codes.signatureInvalid]: 'Signature missing or invalid',
}

function cdk({ code, detail }: Worded, asked: Asked): Worded {
  const isTwice = code === codes.alreadySigned || code === codes.outputsPending
  if (isTwice && asked === 'swap') return { code: codes.duplicateOutputs, detail: 'Duplicate outputs' }
  if (isTwice) return { code: codes.invoicePaid, detail: 'Invoice already paid or pending' }
  const known = CDK[code]
  return known ? { code, detail: known } : { code: codes.unclassified, detail }
}

/** Rewords a refusal of the mint. */
export function reworded(refusal: Worded, words: Words, asked: Asked, status = 400): Answer {
  const answer = (body: object, as = status): Answer => ({ status: as, body: JSON.stringify(body) })
  switch (words) {
    case 'nut':
      return answer(refusal)
    case 'nutshell':
      return answer(NUTSHELL[refusal.code] ?? { code: 0, detail: refusal.detail })
    case 'cdk':
      return answer(cdk(refusal, asked))
    case 'coded500':
      return answer(refusal, 500)
    case 'text':
      return answer({ detail: NUTSHELL[refusal.code]?.detail ?? refusal.detail })
  }
}

/** The refusal of a request that is too long. */
export function tooLong(at: TooLong, words: Words, how: Oversize = words === 'nutshell' ? 'listed' : 'coded'): Answer {
  const { list, most, found } = at
  const noun = list === 'outputs' ? 'outputs' : 'inputs'
  const code = list === 'outputs' ? codes.tooManyOutputs : codes.tooManyInputs
  const detail = `Maximum ${noun} exceeded: ${found} provided, max ${most}`
  switch (how) {
    case 'coded':
      return words === 'text'
        ? { status: 400, body: JSON.stringify({ detail }) }
        : { status: words === 'coded500' ? 500 : 400, body: JSON.stringify({ code, detail }) }
    case 'listed': {
      const msg = `List should have at most ${most} items after validation, not ${found}`
      const ctx = { field_type: 'List', max_length: most, actual_length: found }
      return {
        status: 422,
        body: JSON.stringify({ detail: [{ type: 'too_long', loc: ['body', list], msg, input: [], ctx }] }),
      }
    }
    case 'entity':
      return { status: 413, body: '<html><head><title>413 Request Entity Too Large</title></head></html>' }
    case 'text':
      return { status: 400, body: JSON.stringify({ code: 0, detail: `too many ${noun}` }) }
  }
}

/** The answer of an endpoint that the mint does not have. */
export function absent(words: Words): Answer {
  return { status: 404, body: words === 'cdk' ? '' : JSON.stringify({ detail: 'Not Found' }) }
}

/**
 * Goal: a refusal means the same whichever mint says it. The rows are what Nutshell (0.16 to 0.21) and cdk (0.9 to
 * 0.18) have sent, and what proxies and other mints say.
 */
import { describe, expect, test } from 'vitest'
import {
  codes,
  isAlreadySigned,
  isKeysetGone,
  isOfInputs,
  isTooLarge,
  limitIn,
  meaningOf,
  type Meaning,
  type RequestName,
} from '../../src/cashu/codes.ts'

type Said = readonly [code: number, detail: string, status?: number]
const meant = (request: RequestName, [code, detail, status = 400]: Said): Meaning =>
  meaningOf({ request, code, detail, status })

const rows: readonly (readonly [Meaning, RequestName, ...Said[]])[] = [
  [
    'spent',
    'swap',
    [11001, 'proofs already spent'],
    [11001, 'Token Already Spent'],
    [11001, ''],
    [0, 'Token already spent.'],
    [0, 'Token is already spent'],
    [11000, 'proof already used'],
    [50000, 'Token Already Spent'],
  ],
  ['pending', 'swap', [11002, 'proofs are pending'], [0, 'proofs are pending.'], [11000, 'Token Pending'], [11002, '']],
  [
    'alreadySigned',
    'swap',
    [11003, 'outputs already signed'],
    [10002, 'outputs have already been signed before.'],
    [11000, 'outputs have already been signed before.'],
    [0, 'outputs have already been signed before.'],
    [11005, 'outputs have already been signed before'],
    [11003, 'Blinded Message is already signed'],
    [0, 'Blinded Message is already signed'],
    [11008, 'Duplicate outputs'],
    [20006, 'Invoice already paid or pending'],
    [0, 'Invoice already paid or pending'],
  ],
  ['alreadySigned', 'issue', [20006, 'Invoice already paid or pending'], [11003, ''], [10002, '']],
  ['outputsPending', 'swap', [11004, 'outputs are pending'], [0, 'outputs are pending']],
  [
    'unbalanced',
    'swap',
    [11005, 'inputs (8) - fees (1) vs outputs (8) are not balanced.'],
    [11002, 'inputs (8) - fees (0) vs outputs (9) are not balanced'],
    [11000, 'input amounts (7) less than output amounts (8).'],
    [11005, 'Inputs: 8, Outputs: 8, expected_fee: 1. Transaction inputs should equal outputs less fee'],
  ],
  [
    'keysetUnknown',
    'swap',
    [12001, 'keyset not found: 00aa'],
    [0, 'keyset 00aabbccddeeff00 unknown'],
    [11000, 'keyset id unknown.'],
    [50000, 'Keyset id not known: `00aa`'],
    [12000, 'no public keys for this keyset'],
    [0, 'Unknown Keyset'],
  ],
  ['keysetUnknown', 'keys', [0, 'Not Found', 404], [12001, '', 404]],
  [
    'keysetInactive',
    'swap',
    [12002, 'keyset is inactive, cannot sign messages'],
    [0, 'keyset id inactive.'],
    [12000, 'No active keyset found.'],
    [50000, 'Inactive Keyset'],
  ],
  ['keysetExpired', 'swap', [12003, ''], [0, 'keyset 00aa has expired']],
  [
    'tooManyInputs',
    'swap',
    [11014, 'Maximum inputs exceeded: 180 provided, max 100'],
    [0, 'body.inputs: List should have at most 100 items after validation, not 180', 422],
    [0, 'too many inputs'],
  ],
  ['tooManyInputs', 'checkState', [0, 'body.Ys: ensure this value has at most 1000 items', 422], [11014, '']],
  [
    'tooManyOutputs',
    'swap',
    [11015, ''],
    [0, 'body.outputs: List should have at most 100 items after validation, not 101', 422],
  ],
  [
    'tooLarge',
    'swap',
    [0, 'HTTP 413', 413],
    [0, 'Failed to buffer the request body: length limit exceeded', 413],
    [0, 'Request body too large'],
  ],
  ['duplicate', 'swap', [11007, 'Duplicate inputs provided'], [0, 'duplicate proofs.']],
  ['proofInvalid', 'swap', [10001, 'proofs could not be verified'], [10003, ''], [11003, 'secret too long. max: 512']],
  ['witnessInvalid', 'swap', [20008, 'Signature missing or invalid'], [11000, 'no signatures in proof.']],
  ['witnessInvalid', 'melt', [20008, 'Sig all cannot be used in melt'], [11000, 'HTLC preimage does not match.']],
  ['signatureInvalid', 'issue', [20008, 'Signature for mint request invalid']],
  ['quoteUnknown', 'mintQuote', [50000, 'Unknown quote'], [0, 'quote not found'], [0, 'Not Found', 404]],
  ['quoteUnknown', 'melt', [11000, 'Melt quote not found.']],
  [
    'quoteNotPaid',
    'issue',
    [20001, 'quote not paid'],
    [2001, 'quote not paid'],
    [0, 'Lightning invoice not paid yet.'],
  ],
  ['quoteIssued', 'issue', [20002, 'Quote already issued'], [0, 'quote already issued']],
  ['quotePaid', 'melt', [20006, 'melt quote already paid'], [0, 'Quote is already paid']],
  ['quotePaid', 'createMeltQuote', [20006, 'Invoice already paid.']],
  ['quotePending', 'melt', [20005, ''], [0, 'melt quote is pending'], [20005, 'Payment pending']],
  ['quoteExpired', 'issue', [20007, 'quote expired'], [0, 'Expired quote: Expired: `1`, Time: `2`']],
  ['pubkeyRequired', 'createMintQuote', [20009, 'Pubkey required for mint quote']],
  [
    'paymentFailed',
    'melt',
    [20004, 'Lightning payment failed'],
    [20000, 'Lightning error'],
    [0, 'Lightning payment failed: temporary channel failure'],
  ],
  ['amountOutOfRange', 'createMintQuote', [11006, ''], [50000, 'Amount must be between `1` and `5` is `9`']],
  ['amountMismatch', 'createMeltQuote', [11011, ''], [11012, ''], [0, 'invoice has no amount.']],
  [
    'unitUnsupported',
    'createMintQuote',
    [11013, ''],
    [0, 'Unit unsupported'],
    [10000, "no support for method 'bolt12'"],
  ],
  ['unsupported', 'restore', [0, 'Not Found', 404], [0, 'Method Not Allowed', 405], [0, '', 501]],
  ['unsupported', 'checkState', [0, 'Not Found', 404]],
  [
    'authRequired',
    'swap',
    [30001, ''],
    [30002, ''],
    [31001, ''],
    [31002, ''],
    [31003, ''],
    [31004, ''],
    [0, 'Missing clear auth token.'],
    [0, 'no', 401],
  ],
  ['disabled', 'createMintQuote', [20003, ''], [0, 'Mint has reached maximum balance.']],
  ['disabled', 'melt', [10000, 'Melt is disabled. Please contact the operator.'], [20003, 'Melting is disabled']],
  [
    'passing',
    'swap',
    [0, 'database is locked'],
    [50000, 'Concurrent update detected'],
    [0, 'Rate limit exceeded'],
    [50000, 'Internal Error'],
  ],
  ['passing', 'createMintQuote', [20000, 'could not fetch bolt11 payment request from backend'], [0, '', 503]],
  ['unclassified', 'swap', [11000, 'no'], [0, ''], [12345, ''], [50000, 'something else']],
]

describe('a refusal', () => {
  for (const [meaning, request, ...said] of rows)
    test(`of ${request} means ${meaning}`, () => {
      for (const one of said) expect(meant(request, one), JSON.stringify(one)).toBe(meaning)
    })

  test('of every code that the NUTs name has a meaning', () => {
    const silent = Object.values(codes).filter((code) => meant('swap', [code, '']) === 'unclassified')
    expect(silent).toEqual([codes.unclassified])
  })

  test('of a known code is not read by its text', () => {
    expect(meant('swap', [11001, 'keyset id unknown.'])).toBe('spent')
  })
})

test('meanings fall into the groups that charts go by', () => {
  const all = [...new Set(rows.map(([meaning]) => meaning))]
  expect(all.filter(isTooLarge)).toEqual(['tooManyInputs', 'tooManyOutputs', 'tooLarge'])
  expect(all.filter(isKeysetGone)).toEqual(['keysetUnknown', 'keysetInactive', 'keysetExpired'])
  expect(all.filter(isAlreadySigned)).toEqual(['alreadySigned', 'outputsPending'])
  expect(all.filter(isOfInputs)).toEqual(['spent', 'keysetUnknown', 'keysetExpired', 'duplicate', 'proofInvalid', 'witnessInvalid']) // prettier-ignore
})

test('a refusal for size says how much is taken', () => {
  expect(limitIn('Maximum inputs exceeded: 180 provided, max 100')).toBe(100)
  expect(limitIn('body.Ys: List should have at most 1000 items after validation, not 1101')).toBe(1000)
  expect(limitIn('the limit is 64')).toBe(64)
  for (const detail of ['too many inputs', 'HTTP 413', 'max 0', '']) expect(limitIn(detail)).toBeUndefined()
})

test('no code has two names', () => {
  expect(new Set(Object.values(codes)).size).toBe(Object.keys(codes).length)
})

/** `hardshell wallet decode`: what a token or an invoice says, without asking anybody. */
import { decodeToken, type Token } from '../../cashu/codec.ts'
import { invoiceText, readInvoice } from '../../cashu/invoice.ts'
import { readOffer } from '../../cashu/offer.ts'
import { command, type Call } from '../command.ts'
import { Refused } from '../errors.ts'
import { textOrStdin } from '../prompt.ts'
import { amountText, plain } from '../terminal.ts'

const OPTIONS = {} as const

export const decode = command({
  summary: 'what a token or an invoice says; asks nobody',
  usage: '[TEXT]',
  words: [0, 1],
  about: `TEXT is a token, an invoice (bolt11) or an offer (bolt12); - reads it from stdin. No wallet is opened, and no secret is shown.`,
  options: OPTIONS,
  async run(call) {
    const text = await textOrStdin(call.given.words[0], 'The token or invoice', call.signal)
    if (/^(?:(?:web\+)?cashu:(?:\/\/)?)?cashu[AB]/.test(text)) return tokenShown(call, decodeToken(text))
    const offer = readOffer(text)
    if (offer) return offerShown(call, offer)
    if (/^ln/i.test(invoiceText(text))) return invoiceShown(call, text)
    throw new Refused('TEXT_UNKNOWN', 'this is no token, invoice or offer', 'A token begins with cashu, an invoice or an offer with ln.') // prettier-ignore
  },
})

function tokenShown({ out }: Call, { mintUrl, unit, memo, proofs }: Token): number {
  const amount = proofs.reduce((sum, proof) => sum + proof.amount, 0)
  const keysets = [...new Set(proofs.map(({ id }) => id))]
  const amounts = proofs.map((proof) => proof.amount).toSorted((a, b) => b - a)
  out.say(`A token of ${amountText(amount, unit)}, of ${plain(mintUrl)}`)
  if (memo !== undefined) out.say(`memo     "${plain(memo)}"`)
  out.say(`proofs   ${proofs.length}: ${amounts.join(', ')}`)
  out.say(`keysets  ${keysets.join(', ')}`)
  out.say('Whether it was spent: hardshell wallet check -')
  out.give({ kind: 'token', mintUrl, unit, amount, memo: memo ?? null, proofs: amounts, keysets })
  return 0
}

function invoiceShown({ out }: Call, text: string): number {
  const { msat, paymentHash } = readInvoice(text)
  out.say(msat === undefined ? 'An invoice whose amount the payer chooses' : `An invoice of ${satText(msat)}`)
  if (paymentHash !== undefined) out.say(`payment hash  ${paymentHash}`)
  out.give({ kind: 'bolt11', msat: msat ?? null, paymentHash: paymentHash ?? null })
  return 0
}

function offerShown({ out }: Call, { amount, currency }: NonNullable<ReturnType<typeof readOffer>>): number {
  const asks = amount === undefined ? 'whose amount the payer chooses' : `of at least ${currency === undefined ? satText(Number(amount)) : `${amount} ${plain(currency)}`}` // prettier-ignore
  out.say(`An offer ${asks}`)
  out.give({ kind: 'bolt12', amount: amount === undefined ? null : Number(amount), currency: currency ?? 'msat' })
  return 0
}

/** Parts of a sat are said in millisatoshi. */
const satText = (msat: number): string =>
  msat % 1_000 === 0 ? amountText(msat / 1_000, 'sat') : amountText(msat, 'msat')

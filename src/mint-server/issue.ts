/** Minting (NUT-04, NUT-20, NUT-23): a Lightning payment in, ecash out. UNPAID → PAID → ISSUED. */
import { codes } from '../cashu/codes.ts'
import { amount as parseAmount, field, lenient, optional, point, text } from '../cashu/shape.ts'
import type { Context, Endpoint, View } from './context.ts'
import { outputsOf, quoteIdOf, refuse, textUpTo, type Output } from './request.ts'
import { transact, type MintQuoteRow } from './tables.ts'

/** Whatever its characters, a memo of this length fits into an invoice. */
const MAX_MEMO_LENGTH = 200

function answerOf(quote: MintQuoteRow): object {
  return {
    quote: quote.id,
    request: quote.request,
    amount: quote.amount,
    unit: quote.unit,
    state: quote.state,
    expiry: Math.floor(quote.expiryAt / 1000),
    pubkey: quote.pubkey,
    amount_paid: quote.state === 'UNPAID' ? 0 : quote.amount,
    amount_issued: quote.state === 'ISSUED' ? quote.amount : 0,
    updated_at: Math.floor(quote.updatedAt / 1000),
  }
}

export function createIssue({ store, ledger, backend, crypto, clock, ...context }: Context) {
  const quote: Endpoint = async (request) => {
    const unit = field(request, 'unit', text, '')
    const amount = field(request, 'amount', parseAmount, '')
    const memo = field(request, 'description', optional(textUpTo(MAX_MEMO_LENGTH)), '')
    context.checkQuotable(unit, amount)
    const lock = context.has(20) ? (request['pubkey'] ?? null) : null
    const pubkey =
      lock && (lenient(point)(lock) ?? refuse(codes.pubkeyRequired, 'the pubkey is not a compressed point'))
    const expiryAt = clock() + context.quoteTtlMs
    const invoice = await backend.createInvoice({ amountSat: amount, expiryAt, memo })
    const id = context.newId()
    const row: MintQuoteRow = { id, unit, amount, state: 'UNPAID', ...invoice, pubkey, expiryAt, updatedAt: clock() }
    await store.commit([{ put: 'mintQuotes', row, if: 'absent' }])
    return answerOf(row)
  }

  /** A quote as stored, and as it is by what the backend knows now. */
  async function read(id: string): Promise<{ before: MintQuoteRow; now: MintQuoteRow }> {
    const before = (await store.get<MintQuoteRow>('mintQuotes', [id])) ?? refuse(codes.unclassified, 'no such quote')
    const paid = before.state === 'UNPAID' && (await backend.incoming(before.paymentHash)) === 'paid'
    return { before, now: paid ? { ...before, state: 'PAID', updatedAt: clock() } : before }
  }

  const check: View = (id) =>
    transact(store, async () => {
      const { before, now } = await read(id)
      const news = now === before ? [] : [{ put: 'mintQuotes', row: now, if: { state: before.state } }]
      return { writes: news, result: answerOf(now) }
    })

  function isSigned({ pubkey, id }: MintQuoteRow, signature: unknown, messages: readonly Output[]): boolean {
    if (pubkey === null) return true
    if (typeof signature !== 'string') return false
    try {
      return crypto.verifyMintRequest(pubkey, id, messages, signature)
    } catch {
      // A key or a signature that is none.
      return false
    }
  }

  /** Issues a paid quote, once; also one that was paid late. */
  const issue: Endpoint = (request, key) =>
    context.once(key, async () => {
      const messages = outputsOf(request)
      const { before, now } = await read(quoteIdOf(request))
      if (!isSigned(now, request['signature'], messages)) refuse(codes.signatureInvalid, 'the quote is locked to a key')
      if (now.state === 'ISSUED') refuse(codes.quoteIssued, 'the quote was issued')
      if (now.state === 'UNPAID')
        refuse(now.expiryAt > clock() ? codes.quoteNotPaid : codes.quoteExpired, 'the quote is not paid')
      const made = await ledger.outputs(messages)
      if (made.unit !== now.unit) refuse(codes.unitMismatch, `the quote is in ${now.unit}`)
      if (made.amount !== now.amount)
        refuse(codes.unbalanced, `the quote is for ${now.amount}, outputs are ${made.amount}`)
      const { signatures, writes } = made.sign()
      const row: MintQuoteRow = { ...now, state: 'ISSUED', updatedAt: clock() }
      return { writes: [{ put: 'mintQuotes', row, if: { state: before.state } }, ...writes], answer: { signatures } }
    })

  return { quote, check, issue }
}

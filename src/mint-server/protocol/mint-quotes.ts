/** Mint quotes (NUT-04, NUT-20, NUT-23, NUT-25): somebody pays the mint, and may have ecash issued for it. */
import { codes } from '../../cashu/codes.ts'
import { amount as parseAmount, field, lenient, optional, point, text } from '../../cashu/shape.ts'
import { sleep } from '../../kernel/util/ports.ts'
import type { Context, Endpoint, Party } from '../context.ts'
import type { Incoming, PaymentMethod } from '../lightning/payment-backend.ts'
import { KNOWN_FOR_MS, POLL_LIMIT_MS } from '../lightning/time-limit.ts'
import { has } from '../ports.ts'
import { refuse, textUpTo } from '../http/request.ts'
import type { MeltQuoteRow, MintPaymentRow, MintQuoteRow, Reader, Write } from '../db/tables.ts'
import { transact } from '../db/transact.ts'

/** Whatever its characters, a memo of this length fits into an invoice. */
const MAX_MEMO_LENGTH = 200

/** The party of the backend's calls for subscribers. No client has this name. */
const SUBSCRIBERS = 'subscribers'

/** The state that NUT-23 knows; quotes that are paid in parts are told apart by their amounts alone. */
export const stateOf = ({ amountPaid, amountIssued }: MintQuoteRow): 'UNPAID' | 'PAID' | 'ISSUED' =>
  amountPaid === 0 ? 'UNPAID' : amountIssued < amountPaid ? 'PAID' : 'ISSUED'

const seconds = (ms: number | null): number | null => (ms === null ? null : Math.floor(ms / 1000))

export const mintAnswer = (quote: MintQuoteRow): object => ({
  quote: quote.id,
  request: quote.request,
  amount: quote.amount,
  unit: quote.unit,
  method: quote.method,
  ...(quote.method === 'bolt11' && { state: stateOf(quote) }),
  expiry: seconds(quote.expiryAt),
  pubkey: quote.pubkey,
  amount_paid: quote.amountPaid,
  amount_issued: quote.amountIssued,
  updated_at: seconds(quote.updatedAt),
})

/**
 * The quote of our own that a request for payment belongs to, if there is one.
 * @throws {MintError} The request only has the payment hash of ours. Anybody can write such an invoice, for less: paid
 *   by the mint itself, it would stand for the payment that is to come.
 */
export async function ownQuote(
  read: Reader,
  { method, request, requestId }: Pick<MeltQuoteRow, 'method' | 'request' | 'requestId'>,
): Promise<MintQuoteRow | undefined> {
  const query = { table: 'mintQuotes', index: 'byRequest', prefix: [requestId], limit: 1 } as const
  const [row] = await read.query(query)
  // An offer's id is a hash over all of its fields.
  const isSame = method === 'bolt12' || row?.request.toLowerCase() === request.toLowerCase()
  if (row && (row.method !== method || !isSame))
    refuse(codes.unclassified, 'not the request of ours that it looks like')
  return row
}

/** Each payment once, in whole units, and of an invoice no more than it asks for: that is what wallets will have issued. */
function counted({ method, amount }: MintQuoteRow, payments: readonly Incoming[]): Incoming[] {
  const most = method === 'bolt11' ? (amount ?? Infinity) : Infinity
  const byId = new Map(payments.map(({ paymentId, amountSat }) => [paymentId, Math.min(Math.floor(amountSat), most)]))
  // A malformed amount is not counted. The other payments are.
  return [...byId].flatMap(([paymentId, amountSat]) => (amountSat > 0 ? { paymentId, amountSat } : []))
}

/** The writes that count payments for a quote, each once. */
export function credited(quote: MintQuoteRow, payments: readonly Incoming[], nowMs: number): Write[] {
  const { id, unit, amountPaid } = quote
  const set = { amountPaid: payments.reduce((sum, { amountSat }) => sum + amountSat, amountPaid), updatedAt: nowMs }
  return [
    { patch: 'mintQuotes', key: [id], set, if: { amountPaid } },
    ...payments.map(({ paymentId, amountSat }): Write => {
      const row: MintPaymentRow = { id: paymentId, quoteId: id, unit, amount: amountSat }
      return { put: 'mintPayments', row, if: 'absent' }
    }),
  ]
}

export function mintQuotes({ store, crypto, calls, settings, clock, newId, checkIssuable }: Context) {
  /** The key that a quote is to be locked to (NUT-20). */
  function lockOf(given: unknown): string | null {
    if (given === null) return null
    const key = lenient(point)(given)
    // Nobody can sign for a key that is not a point.
    return key !== undefined && crypto.isPoint(key) ? key : refuse(codes.pubkeyRequired, 'the pubkey is not a point')
  }

  const quote =
    (method: PaymentMethod): Endpoint =>
    async (request, party) => {
      const unit = field(request, 'unit', text, '')
      const amount = field(request, 'amount', method === 'bolt11' ? parseAmount : optional(parseAmount), '') ?? null
      const memo = field(request, 'description', optional(textUpTo(MAX_MEMO_LENGTH)), '')
      checkIssuable(unit, amount)
      const pubkey = has(settings, 20) ? lockOf(request['pubkey'] ?? null) : null
      // Whoever knows of an offer may pay it, and sees what it is paid: without a key its quote is anybody's (NUT-25).
      if (method === 'bolt12' && pubkey === null) refuse(codes.pubkeyRequired, 'a quote for an offer needs a pubkey')
      const ttlMs = method === 'bolt12' ? settings.offerTtlMs : settings.quoteTtlMs
      const expiryAt = ttlMs === null ? null : clock.now() + ttlMs
      const wish = { method, amountSat: amount ?? undefined, expiryAt: expiryAt ?? undefined, memo }
      const wanted = await calls.createRequest(wish, party)
      const row: MintQuoteRow = {
        ...{ id: newId(), method, unit, amount, amountPaid: 0, amountIssued: 0, operationId: null },
        ...{ request: wanted.request, requestId: wanted.requestId, pubkey, expiryAt, updatedAt: clock.now() },
        preimage: wanted.preimage ?? null,
      }
      await store.commit([{ put: 'mintQuotes', row, if: 'absent' }])
      return mintAnswer(row)
    }

  /** The quote as it was left. @throws {MintError} There is none. */
  async function stored(method: PaymentMethod, id: string): Promise<MintQuoteRow> {
    const row = await store.get('mintQuotes', [id])
    return row?.method === method ? row : refuse(codes.unclassified, 'no such quote')
  }

  /** Counts what has come in for a quote; each payment once. */
  const count = (quote: MintQuoteRow, payments: readonly Incoming[]): Promise<void> =>
    transact(store, async () => {
      const known = await Promise.all(payments.map(({ paymentId }) => store.get('mintPayments', [paymentId])))
      const fresh = payments.filter((_, at) => known[at] === undefined)
      if (fresh.length === 0) return { writes: [], result: undefined }
      const row = await stored(quote.method, quote.id)
      // An invoice is paid once, here or there.
      if (row.method === 'bolt11' && row.amountPaid > 0) return { writes: [], result: undefined }
      return { writes: credited(row, fresh, clock.now()), result: undefined }
    })

  async function askNow(quote: MintQuoteRow, party: Party): Promise<void> {
    await count(quote, counted(quote, await calls.incoming(quote.requestId, party)))
  }

  interface BackendCall {
    readonly answer: Promise<void>
    readonly sinceMs: number
    /** The call after this one, for those who asked meanwhile. */
    next?: Promise<void>
  }
  /** The calls that are under way, by quote. */
  const asking = new Map<string, BackendCall>()
  /** A call that takes longer is not waited for: it may never end. */
  const young = (call: BackendCall | undefined): BackendCall | undefined =>
    call && clock.monotonicMs() - call.sinceMs < POLL_LIMIT_MS ? call : undefined

  /** Asks the backend what came in until now, however long that takes; one call at a time, for all who ask. */
  function ask(quote: MintQuoteRow, party: Party): Promise<void> {
    const under = young(asking.get(quote.id))
    if (under) return (under.next ??= under.answer.catch(() => {}).then(() => ask(quote, party)))
    const answer = askNow(quote, party).finally(() => {
      if (asking.get(quote.id) === call) asking.delete(quote.id)
    })
    const call: BackendCall = { answer, sinceMs: clock.monotonicMs() }
    asking.set(quote.id, call)
    return answer
  }

  /** Whether a call came to an end in time. @throws What the call throws. */
  async function answered(call: Promise<void>, forMs: number): Promise<boolean> {
    const late = new AbortController()
    const timeout = sleep(clock, forMs, late.signal).then(() => false)
    call.catch(() => {})
    return Promise.race([call.then(() => true), timeout]).finally(() => late.abort())
  }

  /**
   * The quote, after the backend was asked for payments. Payments known here are returned even if the backend is away.
   * @throws {MintError} There is none. @throws {Error} Nothing is known here, and the backend gave no answer in time.
   */
  async function current(method: PaymentMethod, id: string, party: Party): Promise<MintQuoteRow> {
    const row = await stored(method, id)
    // An invoice is paid once.
    if (method === 'bolt11' && row.amountPaid > 0) return row
    const isKnown = row.amountPaid > 0
    const isAnswered = await answered(ask(row, party), isKnown ? KNOWN_FOR_MS : POLL_LIMIT_MS).catch(
      (error: unknown) => {
        if (isKnown) return true
        throw error
      },
    )
    if (!isAnswered && !isKnown) throw new Error('no answer in time')
    return stored(method, id)
  }

  /** Checks with the backend that the amount was paid. Payments that are known here need no call. */
  async function ready(method: PaymentMethod, id: string, amount: number, party: Party): Promise<void> {
    const row = await stored(method, id)
    const isEnough = method === 'bolt11' || row.amountPaid - row.amountIssued >= amount
    if (row.amountPaid > 0 && isEnough) return
    if (!(await answered(ask(row, party), POLL_LIMIT_MS))) throw new Error('no answer in time')
  }

  /** Asks the backend on behalf of subscribers. False if there was no answer in time. */
  const asked = (row: MintQuoteRow): Promise<boolean> =>
    answered(young(asking.get(row.id))?.answer ?? ask(row, SUBSCRIBERS), POLL_LIMIT_MS).catch(() => false)

  /** A payment came in. A call under way may have begun before it, so the backend is asked again. */
  const heard = (row: MintQuoteRow): Promise<void> => ask(row, SUBSCRIBERS)

  return { quote, stored, current, ready, asked, heard }
}

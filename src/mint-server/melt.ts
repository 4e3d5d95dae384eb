/**
 * Melting (NUT-05, NUT-08): ecash in, a Lightning payment out.
 *
 *   UNPAID ── commit 1 ──▶ PENDING ── commit 2 ──▶ PAID
 *      ▲                      │
 *      └────── commit 2 ──────┘  where the payment failed for good
 *
 * Commit 1 sets the inputs and the blank outputs aside and counts the attempt; only then is the backend asked to pay.
 * Commit 2 follows from a final answer alone, whoever gets it: this request, or a later look at the quote, after a
 * crash too. An attempt's payment has one id at the backend, so that asking it again to pay never pays twice.
 */
import { codes } from '../cashu/codes.ts'
import { amount as parseAmount, field, optional, record, text } from '../cashu/shape.ts'
import type { Write } from '../store/port.ts'
import type { Outgoing } from './backend.ts'
import type { Context, Endpoint, View } from './context.ts'
import { ascii, inputsOf, outputsOf, quoteIdOf, refuse, type Fields } from './request.ts'
import { transact, type MeltQuoteRow } from './tables.ts'

const MAX_INVOICE_LENGTH = 8192

function answerOf(quote: MeltQuoteRow): object {
  return {
    quote: quote.id,
    request: quote.request,
    amount: quote.amount,
    unit: quote.unit,
    fee_reserve: quote.feeReserve,
    state: quote.state,
    expiry: Math.floor(quote.expiryAt / 1000),
    payment_preimage: quote.preimage,
    ...(quote.change.length > 0 ? { change: quote.change } : {}),
  }
}

/** Refuses wishes of a quote request that the mint cannot fulfil: partial payments, another amount than the invoice's. */
function checkOptions(options: Fields, amount: number): void {
  if (options['mpp'] !== undefined) refuse(codes.unclassified, 'partial payments are not supported')
  if (options['amountless'] === undefined) return
  const amountMsat = field(field(options, 'amountless', record, ''), 'amount_msat', parseAmount, '')
  if (amountMsat !== amount * 1000) refuse(codes.amountMismatch, 'the invoice has another amount')
}

export function createMelt({ store, ledger, backend, clock, ...context }: Context) {
  const quote: Endpoint = async (wanted) => {
    const unit = field(wanted, 'unit', text, '')
    const request = field(wanted, 'request', ascii(MAX_INVOICE_LENGTH), '')
    const { amountSat: amount, ...decoded } = backend.decode(request) ?? refuse(codes.unclassified, 'not an invoice')
    if (amount === undefined) return refuse(codes.amountlessUnsupported, 'the invoice has no amount')
    context.checkQuotable(unit, amount)
    checkOptions(field(wanted, 'options', optional(record), '') ?? {}, amount)
    const row: MeltQuoteRow = {
      id: context.newId(),
      unit,
      amount,
      feeReserve: context.feeReserve(amount),
      state: 'UNPAID',
      request,
      paymentHash: decoded.paymentHash,
      expiryAt: Math.min(decoded.expiryAt, clock() + context.quoteTtlMs),
      attempt: 0,
      claim: null,
      inputs: [],
      net: 0,
      blanks: [],
      paidOut: 0,
      preimage: null,
      change: [],
    }
    await store.commit([{ put: 'meltQuotes', row, if: 'absent' }])
    return answerOf(row)
  }

  const read = async (id: string): Promise<MeltQuoteRow> =>
    (await store.get<MeltQuoteRow>('meltQuotes', [id])) ?? refuse(codes.unclassified, 'no such quote')

  async function checkPayable({ state, expiryAt, paymentHash }: MeltQuoteRow): Promise<void> {
    if (state === 'PENDING') refuse(codes.quotePending, 'the quote is being paid')
    if (state === 'PAID') refuse(codes.invoicePaid, 'the quote is paid')
    if (expiryAt <= clock()) refuse(codes.quoteExpired, 'the quote is expired')
    const claims = { table: 'meltQuotes', index: 'byClaim', prefix: [paymentHash], limit: 1 }
    const [other] = await store.query<MeltQuoteRow>(claims)
    if (other) refuse(other.state === 'PAID' ? codes.invoicePaid : codes.quotePending, 'another quote has this invoice')
  }

  /** Commit 1. Gives the quote as it is then, or the answer kept from an earlier identical request. */
  const begin = (request: Fields, key: string): Promise<MeltQuoteRow | string> =>
    transact<MeltQuoteRow | string>(store, async () => {
      const kept = await context.replay(key)
      if (kept !== undefined) return { writes: [], result: kept }

      const before = await read(quoteIdOf(request))
      const blanks = context.has(8) && (request['outputs'] ?? null) !== null ? outputsOf(request) : []
      const inputs = inputsOf(request)
      await checkPayable(before)
      const spent = await ledger.inputs(inputs)
      const change = blanks.length > 0 ? await ledger.outputs(blanks, true) : undefined
      const { id, unit, amount, feeReserve, attempt } = before
      if (spent.unit !== unit || (change && change.unit !== unit)) refuse(codes.unitMismatch, `the quote is in ${unit}`)
      if (spent.net < amount + feeReserve) refuse(codes.unbalanced, 'the inputs are less than amount, reserve and fee')

      const row: MeltQuoteRow = {
        ...before,
        state: 'PENDING',
        attempt: attempt + 1,
        claim: before.paymentHash,
        inputs: spent.Ys,
        net: spent.net,
        blanks: blanks.map(({ id, B_ }) => ({ id, B_ })),
      }
      const begun: Write = { put: 'meltQuotes', row, if: { state: 'UNPAID', attempt } }
      return { writes: [begun, ...spent.take('PENDING', id), ...(change?.hold(id) ?? [])], result: row }
    })

  /** Commit 2, where the outcome is final and the attempt still open. Gives the quote as it is then. */
  const settle = (id: string, attempt: number, outcome: Outgoing, key?: string): Promise<MeltQuoteRow> =>
    transact(store, async () => {
      const before = await read(id)
      const isOpen = before.state === 'PENDING' && before.attempt === attempt
      if (!isOpen || (outcome.state !== 'paid' && outcome.state !== 'failed')) return { writes: [], result: before }

      const isPaid = outcome.state === 'paid'
      const paidOut = isPaid ? before.amount + (outcome.feeSat ?? 0) : 0
      const change = await ledger.change(before.blanks, isPaid ? before.net - paidOut : 0, id)
      const row: MeltQuoteRow = {
        ...before,
        state: isPaid ? 'PAID' : 'UNPAID',
        claim: isPaid ? before.claim : null,
        inputs: [],
        net: 0,
        blanks: [],
        paidOut,
        preimage: outcome.preimage ?? null,
        change: change.signatures,
      }
      const mine = { state: 'PENDING', quoteId: id }
      const inputs = before.inputs.map((Y): Write => {
        return isPaid
          ? { patch: 'proofs', key: [Y], set: { state: 'SPENT' }, if: mine }
          : { delete: 'proofs', key: [Y], if: mine }
      })
      const kept = isPaid && key !== undefined ? await context.keep(key, JSON.stringify(answerOf(row))) : []
      const settled: Write = { put: 'meltQuotes', row, if: { state: 'PENDING', attempt } }
      return { writes: [settled, ...inputs, ...change.writes, ...kept], result: row }
    })

  const paymentId = ({ id, attempt }: MeltQuoteRow): string => `${id}:${attempt}`

  /** A call that fails says nothing about the payment. */
  async function ask(call: () => Promise<Outgoing>): Promise<Outgoing> {
    try {
      return await call()
    } catch {
      return { state: 'unknown' }
    }
  }

  /** Has the attempt paid. A failure, and less than an answer, is confirmed by asking. */
  async function pay(quote: MeltQuoteRow): Promise<Outgoing> {
    const id = paymentId(quote)
    const payment = { request: quote.request, maxFeeSat: quote.feeReserve, id }
    const told = await ask(() => backend.pay(payment))
    return told.state === 'paid' || told.state === 'pending' ? told : ask(() => backend.outgoing(id))
  }

  const melt: Endpoint = async (request, key) => {
    const begun = await begin(request, key)
    if (typeof begun === 'string') return begun
    const settled = await settle(begun.id, begun.attempt, await pay(begun), key)
    const failed = settled.state === 'UNPAID' || settled.attempt > begun.attempt
    return failed ? refuse(codes.paymentFailed, 'the payment failed') : answerOf(settled)
  }

  /** A pending quote is first asked for at the backend, and its payment begun where that never happened. */
  const check: View = async (id) => {
    const quote = await read(id)
    if (quote.state !== 'PENDING') return answerOf(quote)
    const seen = await ask(() => backend.outgoing(paymentId(quote)))
    return answerOf(await settle(id, quote.attempt, seen.state === 'unknown' ? await pay(quote) : seen))
  }

  return { quote, melt, check }
}

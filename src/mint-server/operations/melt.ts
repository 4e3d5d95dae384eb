/** Melt at the mint (NUT-05, NUT-08): the kind, and its steps on the mint's tables. */
import {
  melt,
  type MeltContext,
  type MeltInput,
  type MeltPayment,
  type PaymentEvent,
  type Settlement,
} from '../../../machines/mint-server/melt.ts'
import { drop } from '../../../machines/mint-server/signing.ts'
import { codes } from '../../cashu/codes.ts'
import { defineOperation } from '../../kernel/define/operation.ts'
import { changeOf, hold, KEYS_STAY, record, reserve, spend } from '../protocol/ledger.ts'
import { meltAnswer } from '../protocol/melt-quotes.ts'
import { credited, ownQuote } from '../protocol/mint-quotes.ts'
import type { Outgoing, PaymentMethod } from '../lightning/payment-backend.ts'
import { type EffectArgs, type LocalArgs, type LocalReader, type MintPorts, has } from '../ports.ts'
import { moved } from '../protocol/quote-states.ts'
import { refuse } from '../http/request.ts'
import type { MeltQuoteRow, MintQuoteRow, Write } from '../db/tables.ts'
import { columns, kept, signingEffect } from './signing.ts'
import { sure } from '../../sure.ts'

const kind = 'mint-melt'

const quoteRow = async (read: LocalReader, id: string): Promise<MeltQuoteRow> =>
  (await read.get('meltQuotes', [id])) ?? refuse(codes.unclassified, 'no such quote')

/** An invoice is paid once, whatever the quotes for it; an offer as often as somebody wants to. */
const claimOf = ({ method, requestId }: MeltQuoteRow): string | null => (method === 'bolt11' ? requestId : null)

/** @throws {MintError} */
async function checkPayable(read: LocalReader, quote: MeltQuoteRow, nowMs: number): Promise<void> {
  if (quote.state === 'PENDING') refuse(codes.quotePending, 'the quote is being paid')
  if (quote.state === 'PAID') refuse(codes.invoicePaid, 'the quote is paid')
  if (quote.expiryAt <= nowMs) refuse(codes.quoteExpired, 'the quote is expired')
  const claim = claimOf(quote)
  if (claim === null) return
  const claims = { table: 'meltQuotes', index: 'byClaim', prefix: [claim], limit: 1 } as const
  const [other] = await read.loose('an index lets one quote claim an invoice').query(claims)
  if (other) refuse(other.state === 'PAID' ? codes.invoicePaid : codes.quotePending, 'another quote has this invoice')
}

/** Whether a quote of our own can be settled here: an invoice of it only while it is unpaid. */
const isOpen = ({ method, amountPaid }: MintQuoteRow): boolean => method !== 'bolt11' || amountPaid === 0

export const meltSteps = (ports: MintPorts) => ({
  async 'melt.setUp'({
    input: { id, quoteId, inputs, messages },
    read,
    nowMs,
  }: LocalArgs<Pick<MeltInput, 'id' | 'quoteId' | 'inputs' | 'messages'>>) {
    const owner = { id, kind } as const
    const quote = await quoteRow(read, quoteId)
    await checkPayable(read, quote, nowMs)
    const spent = await hold(read, owner, inputs)
    const of = { ...ports, read }
    const blanks = messages.length > 0 ? await reserve(of, owner, messages, true) : undefined
    const { unit, amount, feeReserve, method, request } = quote
    if (spent.unit !== unit || (blanks && blanks.unit !== unit)) refuse(codes.unitMismatch, `the quote is in ${unit}`)
    if (spent.net < amount + feeReserve) refuse(codes.unbalanced, 'the inputs are less than amount, reserve and fee')
    await spent.assertUnspent()
    await blanks?.assertFree()

    const state = moved(quote.state, 'PENDING')
    const begun: Write = {
      patch: 'meltQuotes',
      key: [quoteId],
      set: { state, operationId: id, claim: claimOf(quote) },
      if: { state: quote.state, operationId: quote.operationId },
    }
    const ready = {
      ...{ unit, net: spent.net, blanks: blanks?.held ?? [] },
      payment: { method, request, amount, maxFee: feeReserve },
      writes: [begun, ...spent.writes, ...(blanks?.writes ?? [])],
    }
    const own = await ownQuote(read.loose('a request of ours has its quote before anybody can ask to pay it'), quote)
    if (!own) return { answer: 'external' as const, ...ready }
    if (own.unit !== unit) refuse(codes.unitMismatch, `the quote that it pays is in ${own.unit}`)
    if (!isOpen(own)) refuse(codes.invoicePaid, 'the invoice is paid')
    return { answer: 'internal' as const, ...ready, ownQuoteId: own.id, preimage: own.preimage }
  },

  async 'melt.change'({
    input: { net, payment, settlement, blanks },
    read,
  }: LocalArgs<Pick<MeltContext, 'net' | 'payment' | 'settlement' | 'blanks'>>) {
    const { fee } = sure(settlement, 'settlement')
    const value = Math.max(0, net - sure(payment, 'payment').amount - fee)
    const outputs = await changeOf(read.loose(KEYS_STAY), blanks, value)
    return outputs.length > 0 ? { answer: 'owed' as const, outputs } : { answer: 'none' as const }
  },

  async 'melt.settle'({
    input: { id, request, quoteId, inputs, blanks, outputs, signed, ownQuoteId, settlement },
    read,
    nowMs,
  }: LocalArgs<
    Pick<
      MeltContext,
      'id' | 'request' | 'quoteId' | 'inputs' | 'blanks' | 'outputs' | 'signed' | 'ownQuoteId' | 'settlement'
    >
  >) {
    const owner = { id, kind } as const
    const before = await quoteRow(read, quoteId)
    const own = ownQuoteId === null ? undefined : await read.get('mintQuotes', [ownQuoteId])
    if (own && !isOpen(own)) return { answer: 'elsewhere' as const }
    const { signatures, writes } = record(owner, outputs, signed, has(ports.settings, 12))
    const { fee, preimage } = sure(settlement, 'settlement')
    const set = {
      state: moved(before.state, 'PAID'),
      paidOut: before.amount + fee,
      preimage,
      change: signatures,
    }
    const paymentId = before.method === 'bolt11' ? before.requestId : id
    const answer = kept(ports, request, meltAnswer({ ...before, ...set }), nowMs)
    const settling: Write[] = [
      { patch: 'meltQuotes', key: [quoteId], set, if: { state: 'PENDING', operationId: id } },
      ...spend(owner, inputs),
      ...writes,
      ...drop(id, blanks.slice(outputs.length)),
      ...(own ? credited(own, [{ paymentId, amountSat: before.amount }], nowMs) : []),
      ...answer.writes,
    ]
    return { answer: 'settled' as const, body: answer.body, writes: settling }
  },
})

/**
 * How a payment was settled. A fee in parts of a unit is rounded up, and of one that is no number all that was set aside is
 * taken: the payment is made, and its melt must end.
 */
function settled({ feeSat = 0, preimage }: Outgoing, { maxFee }: MeltPayment): Settlement {
  const fee = Number.isFinite(feeSat) ? Math.max(0, Math.ceil(feeSat)) : maxFee
  return { fee, preimage: preimage ?? null }
}

type PayAnswer = { answer: 'paid'; fee: number; preimage: string | null } | { answer: 'failed' | 'pending' | 'unknown' }

export const meltKind = defineOperation({
  kind,
  version: 1,
  machine: melt,
  effects: (ports: MintPorts) => ({
    ...signingEffect(ports),
    ...meltSteps(ports),
    async 'backend.pay'({
      input: { id, payment },
      signal,
    }: EffectArgs<{ id: string; payment: MeltPayment }>): Promise<PayAnswer> {
      try {
        const { method, request, amount, maxFee } = payment
        const asked = { id, method: method as PaymentMethod, request, amountSat: amount, maxFeeSat: maxFee }
        const outgoing = await ports.calls.pay(asked, signal)
        if (outgoing.state === 'paid') return { answer: 'paid', ...settled(outgoing, payment) }
        return { answer: outgoing.state === 'none' ? 'unknown' : outgoing.state }
      } catch {
        // A call that fails says nothing about the payment.
        return { answer: 'unknown' }
      }
    },
  }),
  polls: ({ calls }: MintPorts) => ({
    payment: {
      ...{ firstMs: 250, maxMs: 60_000, most: 1 },
      sends: ['payment.paid', 'payment.failed', 'payment.none'],
      async ask({ contexts, signal }): Promise<readonly (PaymentEvent | undefined)[]> {
        // A call that fails says nothing about the payment.
        const { id, payment } = sure(contexts[0], 'context')
        const outgoing = await calls.outgoing(id, signal).catch((): Outgoing => ({ state: 'unknown' }))
        const { state } = outgoing
        if (state === 'paid') return [{ type: 'payment.paid', ...settled(outgoing, sure(payment, 'payment')) }]
        if (state === 'failed' || state === 'none') return [{ type: `payment.${state}` }]
        return [undefined]
      },
    },
  }),
  // Calls to the backend are bounded where they are made.
  lane: ({ id, settlement }: MeltContext) => (settlement ? 'signatory' : `backend ${id}`),
  columns: ({ request, quoteId }: MeltContext) => columns(request, quoteId),
})

/** Melt quotes (NUT-05, NUT-08, NUT-23, NUT-25): what it takes to have somebody paid by the mint. */
import { codes } from '../../cashu/codes.ts'
import { amount as parseAmount, field, optional, record, text } from '../../cashu/shape.ts'
import type { Context, Endpoint } from '../context.ts'
import { ownQuote } from './mint-quotes.ts'
import type { PaymentMethod } from '../lightning/payment-backend.ts'
import { ascii, refuse, type Fields } from '../http/request.ts'
import type { MeltQuoteRow } from '../db/tables.ts'

const MAX_REQUEST_LENGTH = 8192

export const meltAnswer = (quote: MeltQuoteRow): object => ({
  quote: quote.id,
  request: quote.request,
  amount: quote.amount,
  unit: quote.unit,
  method: quote.method,
  fee_reserve: quote.feeReserve,
  state: quote.state === 'FAILED' ? 'UNPAID' : quote.state,
  expiry: Math.floor(quote.expiryAt / 1000),
  payment_preimage: quote.preimage,
  ...(quote.change.length > 0 && { change: quote.change }),
})

/**
 * What the payee gets, by the request and the wish of the payer.
 * @throws {MintError} A wish that cannot be fulfilled: a partial payment (NUT-15), another amount than is asked for.
 */
function amountOf(method: PaymentMethod, requested: number | undefined, options: Fields): number {
  if ((options['mpp'] ?? null) !== null) refuse(codes.unclassified, 'partial payments are not supported')
  const amountless = field(options, 'amountless', optional(record), 'options')
  if (!amountless) return requested ?? refuse(codes.amountlessUnsupported, 'the request has no amount')
  const amountMsat = field(amountless, 'amount_msat', parseAmount, 'options.amountless')
  if (requested !== undefined && amountMsat !== requested * 1000)
    return refuse(codes.amountMismatch, 'the request has another amount')
  if (requested === undefined && method === 'bolt11')
    return refuse(codes.amountlessUnsupported, 'the invoice has no amount')
  if (amountMsat % 1000 !== 0) return refuse(codes.amountMismatch, 'the amount is not whole')
  return amountMsat / 1000
}

export function meltQuotes({ store, backend, settings, clock, newId, checkPayable }: Context) {
  const quote =
    (method: PaymentMethod): Endpoint =>
    async (wanted) => {
      const unit = field(wanted, 'unit', text, '')
      const request = field(wanted, 'request', ascii(MAX_REQUEST_LENGTH), '')
      const read = backend.decode(method, request) ?? refuse(codes.unclassified, `not a ${method} request`)
      if (read.expiryAt !== undefined && read.expiryAt <= clock.now())
        refuse(codes.quoteExpired, `the ${method === 'bolt11' ? 'invoice' : 'offer'} has expired`)
      const amount = amountOf(method, read.amountSat, field(wanted, 'options', optional(record), '') ?? {})
      await checkPayable(unit, amount)
      // What is paid within the mint costs nothing.
      const own = await ownQuote(store, { method, request, requestId: read.requestId })
      const row: MeltQuoteRow = {
        ...{ id: newId(), method, unit, amount, feeReserve: own ? 0 : settings.feeReserve(amount), state: 'UNPAID' },
        ...{ request, requestId: read.requestId, operationId: null, claim: null },
        ...{ paidOut: 0, preimage: null, change: [] },
        expiryAt: Math.min(read.expiryAt ?? Infinity, clock.now() + settings.quoteTtlMs),
      }
      await store.commit([{ put: 'meltQuotes', row, if: 'absent' }])
      return meltAnswer(row)
    }

  return { quote }
}

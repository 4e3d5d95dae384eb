/** Checks a mint quote against the request. A payer must get the invoice that the wallet asked for (NUT-04). */
import type { Quoted, Wanted } from '../../machines/wallet/mint-model.ts'
import { expiresAtMs } from '../cashu/mint-time.ts'
import { readOffer } from '../cashu/offer.ts'
import type { MintQuote } from '../cashu/parse.ts'
import type { WalletPorts } from './ports.ts'

type Check = Pick<WalletPorts, 'crypto' | 'invoiceAmount'>
interface Clocks {
  readonly nowMs: number
  readonly mintNowMs: number | undefined
}

/** A mint's answer about a quote, as the chart needs it. */
export function quotedOf({ crypto, invoiceAmount }: Check, wanted: Wanted, quote: MintQuote, clocks: Clocks): Quoted {
  const { quote: id, request, expiry, state, pubkey } = quote
  const ours = wanted.privateKey === null ? undefined : crypto.publicKey(wanted.privateKey)
  return {
    quote: { quote: id, request, expiry, endsAtMs: expiresAtMs({ expiryS: expiry, ...clocks }) ?? null },
    state,
    flaw: quoteFlaw(wanted, quote) ?? requestFlaw(wanted, request, invoiceAmount) ?? null,
    lockedElsewhere: pubkey !== undefined && pubkey !== ours,
  }
}

function quoteFlaw({ asked, unit }: Wanted, quote: MintQuote): string | undefined {
  if (quote.amount !== undefined && quote.amount !== asked)
    return `the quote is for ${quote.amount} ${unit}, and ${asked} were asked for`
  if (quote.unit !== undefined && quote.unit !== unit) return `the quote is in another unit than ${unit}`
  return undefined
}

/** Why a request must not be shown to a payer; undefined where it is fine. */
function requestFlaw(
  { asked, unit, method }: Wanted,
  request: string,
  invoiceAmount: Check['invoiceAmount'],
): string | undefined {
  // In a unit other than bitcoin, only the mint knows the price of a request.
  const due = unit === 'sat' ? asked * 1000 : unit === 'msat' ? asked : undefined
  if (method === 'bolt11') {
    const msat = amountIn(request, invoiceAmount)
    if (msat === undefined) return 'the request is not a bolt11 invoice'
    if (msat === null) return 'the invoice leaves the amount to the payer'
    return due === undefined || msat === due ? undefined : `the invoice asks for ${msat} msat, and ${due} are due`
  }
  if (method === 'bolt12') return offerFlaw(request, due)
  return isPlainText(request) ? undefined : 'the request is not a text that can be handed on'
}

/** An offer without an amount can be paid with any amount, and repeatedly. All that was paid is issued. */
function offerFlaw(request: string, due: number | undefined): string | undefined {
  const offer = isBreakable(request) ? readOffer(request) : undefined
  if (!offer) return 'the request is not a bolt12 offer'
  const { amount, currency } = offer
  if (due === undefined || amount === undefined) return undefined
  if (currency !== undefined) return 'the offer asks for an amount that is none of bitcoin'
  return amount === BigInt(due) ? undefined : `the offer asks for ${amount} msat, and ${due} are due`
}

/** Null where the invoice has no amount, undefined where it is none. */
function amountIn(request: string, invoiceAmount: Check['invoiceAmount']): number | null | undefined {
  if (!isPlainText(request)) return undefined
  try {
    return invoiceAmount(request).msat ?? null
  } catch {
    return undefined
  }
}

const LONGEST_REQUEST = 16_384
/** Schemes under which a text is run or opened instead of paid. */
const RUNS = /^\s*(javascript|vbscript|data|file|blob|about|view-source|ms-[a-z-]+)\s*:/i

/** The same for an offer, which may have line breaks in it. */
const isBreakable = (request: string): boolean => isPlainText(request.replaceAll(/\+\s+/g, '+'))

/** No control characters, nothing that changes the direction of what follows, and no scheme that is run when it is opened. */
const isPlainText = (text: string): boolean =>
  text.length <= LONGEST_REQUEST && !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text) && !RUNS.test(text)

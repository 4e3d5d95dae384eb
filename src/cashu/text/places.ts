/** Finds where something may begin in a text, and reads what is there. */
import type { Pieces } from '../../time-slices.ts'
import { CashuError } from '../errors.ts'
import { readInvoice } from '../invoice.ts'
import { readOffer } from '../offer.ts'
import { compact } from '../shape.ts'
import { readBitcoinUri } from './bitcoin-uri.ts'
import type { FoundInvoice, FoundOffer } from './found.ts'
import { urlOfLnurl, urlOfScheme } from './lnurl.ts'
import { decodePaymentRequest } from './payment-request.ts'
import { growing, MOST_PLACES, placesIn, runAt, unmarked, wordAt } from './scan.ts'
import { tokenPlace, unreadable, type Other, type Place, type Read } from './token-text.ts'

/** How everything begins. */
const BEGIN = /bitcoin:|cashu|creqa|creqb1|ln(?:bcrt|bc|tbs|tb|sb)[0-9]{0,16}[munp]?1|lno1|lnurl1|lnurlp:/gi

/** A longer invoice, offer or request is refused. */
const MOST_CHARACTERS = 20_000

const BASE64 = /[\w+/-]+/
const BECH32 = /[a-zA-Z0-9]+/
/** An offer may be broken behind any `+`. */
const OFFER = /[a-zA-Z0-9]+(?:\+\s{0,100}[a-zA-Z0-9]+)*/
const ANOTHER = /^(?:cashu[A-Z]|creq[abAB]|ln(?:bc|o1|url1))/

/** Everything in a text that says what it is. */
export const allIn = (text: string): Pieces<readonly Read[]> => placesIn(text, BEGIN, placeAt)

function* placeAt(text: string, at: number, begin: string): Pieces<Place | undefined> {
  const first = begin.toLowerCase()
  if (first.startsWith('cashu')) return yield* tokenPlace(text, at)
  if (first === 'bitcoin:') {
    const uri = unmarked(wordAt(text, at, /[^\s"'`<>]+/))
    return { read: yield* waysIn(uri), end: at + uri.length }
  }
  if (first === 'lnurlp:') {
    const rest = unmarked(wordAt(text, at + first.length, /[^\s"'`<>]+/))
    const url = attempt(() => urlOfScheme(rest.replace(/^\/\//, '')))
    return { read: [typeof url === 'string' ? { type: 'lnurl', url } : url], end: at + first.length + rest.length }
  }
  const read = first === 'lno1' ? offer : first === 'lnurl1' ? lnurl : first.startsWith('creq') ? request : invoice
  const characters = first === 'lno1' ? OFFER : first === 'creqa' ? BASE64 : BECH32
  return yield* checkedAt(text, at, characters, read)
}

/** What shows by a checksum, or by its own end, whether it is whole: where it is not, it may go on in the next line. */
function* checkedAt(text: string, at: number, characters: RegExp, read: (found: string) => Other): Pieces<Place> {
  const run = yield* runAt(text, at, characters, MOST_CHARACTERS, ANOTHER)
  let failed: Other | undefined
  for (const part of growing(run)) {
    const found = attempt(() => read(part.text))
    if (found.type !== 'unreadable') return { read: [found], end: part.at }
    failed ??= found
    yield
  }
  failed ??= { type: 'unreadable', code: 'TEXT_TOO_LARGE', message: `more than ${MOST_CHARACTERS} characters` }
  return { read: [failed], end: run.ends[0]?.at ?? at }
}

function attempt<T>(read: () => T): T | ReturnType<typeof unreadable> {
  try {
    return read()
  } catch (cause) {
    return unreadable(cause)
  }
}

function request(found: string): Other {
  return { type: 'paymentRequest', request: found, asks: decodePaymentRequest(found) }
}

function invoice(found: string): Other {
  return compact<FoundInvoice>({ type: 'invoice', request: found, msat: readInvoice(found).msat })
}

function lnurl(found: string): Other {
  return { type: 'lnurl', url: urlOfLnurl(found) }
}

function offer(found: string): Other {
  const terms = readOffer(found)
  if (!terms) throw new CashuError('OFFER_MALFORMED', 'not a bolt12 offer')
  const { amount, currency } = terms
  const msat = amount === undefined || currency !== undefined ? undefined : Number(amount)
  return compact<FoundOffer>({ type: 'offer', request: found.replaceAll(/\+\s*/g, ''), msat })
}

/** The ways to pay that a `bitcoin:` link has. */
function* waysIn(uri: string): Pieces<readonly Read[]> {
  const read = attempt(() => readBitcoinUri(uri))
  if ('code' in read) return [read]
  const found: Read[] = []
  for (const way of read.ways.slice(0, MOST_PLACES)) {
    const first = new RegExp(BEGIN).exec(way)
    // A link in a link is none.
    if (first?.index !== 0 || /^(?:bitcoin|cashu)/i.test(way)) {
      found.push({
        type: 'unreadable',
        code: 'BITCOIN_URI_MALFORMED',
        message: 'the link has a way to pay that cannot be read',
      })
      continue
    }
    found.push(...((yield* placeAt(way, 0, first[0]))?.read ?? []))
  }
  return read.onChain ? [...found, read.onChain] : found
}

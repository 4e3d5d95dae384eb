/** Invoices (BOLT11): what one asks for, and what proves that it was paid. */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { bech32 } from '@scure/base'
import { CashuError } from './errors.ts'

/** What a request asks for. */
export interface InvoiceTerms {
  /** In millisatoshi; left out where the payer chooses. */
  readonly msat?: number
  /** The SHA-256 of the preimage, in hex. Without it a preimage cannot be checked. */
  readonly paymentHash?: string
}

/** Tenths of a millisatoshi, which are picobitcoins, in one of an invoice's units. */
const PICO_IN: Record<string, bigint> = { '': 10n ** 12n, m: 10n ** 9n, u: 10n ** 6n, n: 10n ** 3n, p: 1n }

const TIMESTAMP_WORDS = 7
/** The signature of 520 bits, in words of 5. */
const SIGNATURE_WORDS = 104
/** The field of the payment hash: its tag, and the words of 256 bits. */
const HASH = { tag: 1, words: 52 }

/**
 * Reads a bolt11 invoice. The checksum is verified, the signature is not.
 * @throws {CashuError} `INVOICE_MALFORMED`
 */
export function readInvoice(request: string): InvoiceTerms {
  const { prefix, words } = readBech32(invoiceText(request))
  const match = /^ln(?:bcrt|bc|tbs|tb|sb)(?:([1-9][0-9]*)([munp]?))?$/.exec(prefix)
  if (!match || words.length < TIMESTAMP_WORDS + SIGNATURE_WORDS) throw malformed('wrong prefix or length')
  const [, digits, unit = ''] = match
  const paymentHash = hashIn(words.slice(TIMESTAMP_WORDS, -SIGNATURE_WORDS))
  const terms = paymentHash === undefined ? {} : { paymentHash }
  if (digits === undefined) return terms
  const pico = BigInt(digits) * PICO_IN[unit]!
  const msat = Number(pico / 10n)
  if (pico % 10n || !Number.isSafeInteger(msat)) throw malformed('no whole number of millisatoshi')
  return { msat, ...terms }
}

/** The invoice itself, where it came with spaces around it or as a link. */
export const invoiceText = (request: string): string => request.trim().replace(/^lightning:/i, '')

/** Fields are a tag, their length in two words, and their content; of several with one tag the first one counts. */
function hashIn(fields: readonly number[]): string | undefined {
  for (let at = 0; at + 3 <= fields.length;) {
    const [tag, high, low] = fields.slice(at, at + 3) as [number, number, number]
    const length = high * 32 + low
    if (tag === HASH.tag && length === HASH.words) {
      const bytes = bech32.fromWordsUnsafe(fields.slice(at + 3, at + 3 + length))
      return bytes ? bytesToHex(bytes) : undefined
    }
    at += 3 + length
  }
  return undefined
}

function readBech32(invoice: string): { readonly prefix: string; readonly words: readonly number[] } {
  try {
    return bech32.decode(invoice as `${string}1${string}`, false)
  } catch {
    throw malformed('wrong checksum')
  }
}

const malformed = (why: string) => new CashuError('INVOICE_MALFORMED', `not a bolt11 invoice: ${why}`)

/**
 * What an invoice asks for in a unit. Parts of a sat are rounded up by some mints and down by others. What it comes to in
 * a unit that is no bitcoin only the mint knows: undefined.
 */
export function askedIn(unit: string, msat: number): { readonly least: number; readonly most: number } | undefined {
  if (unit === 'msat') return { least: msat, most: msat }
  if (unit === 'sat') return { least: Math.floor(msat / 1000), most: Math.ceil(msat / 1000) }
  return undefined
}

/** Whether a text is the preimage of a payment hash (both in hex), which only a paid payee reveals. */
export function isPreimage(text: string, paymentHash: string): boolean {
  if (!/^[0-9a-fA-F]{64}$/.test(text)) return false
  return bytesToHex(sha256(hexToBytes(text.toLowerCase()))) === paymentHash.toLowerCase()
}

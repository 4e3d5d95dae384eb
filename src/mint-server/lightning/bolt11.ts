/** Invoices as text: BOLT11, and a cheap plain form where nobody looks inside. */
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { bech32 } from '@scure/base'
import { sure } from '../../sure.ts'

/** What the fake Lightning backend writes into an invoice and reads from one. */
export interface Invoice {
  /** Hex, 32 bytes. */
  readonly paymentHash: string
  /** Hex, 32 bytes. */
  readonly paymentSecret: string
  /** Rounded up to whole sat; undefined where the payer chooses. */
  readonly amountSat: number | undefined
  /** What it is for. */
  readonly memo: string
  /** Milliseconds since the Unix epoch; BOLT11 keeps whole seconds. */
  readonly createdAt: number
  /** When it expires, in epoch ms. */
  readonly expiryAt: number
}

/** Writes invoices, and reads them. */
export interface InvoiceCodec {
  /**
   * Writes an invoice.
   *
   * @throws {RangeError} The memo is longer than 639 bytes.
   */
  encode(invoice: Invoice): string
  /** Undefined where the text is no invoice of this kind. */
  decode(request: string): Invoice | undefined
}

/** Field tags of BOLT11, as the values of their bech32 characters. */
const TAG = { paymentHash: 1, features: 5, expiry: 6, memo: 13, paymentSecret: 16, finalCltv: 24 }
/** Payments need a payment secret and variable-length onions: feature bits 14 and 8. */
const FEATURES = [16, 8, 0]
const FINAL_CLTV = 18
const SIGNATURE_WORDS = 104
const TIMESTAMP_WORDS = 7
const DEFAULT_EXPIRY_SECONDS = 3600
/** Units of an amount, largest first, by what one of it is worth in tenths of a millisatoshi. */
const UNITS = [
  ['', 1_000_000_000_000n],
  ['m', 1_000_000_000n],
  ['u', 1_000_000n],
  ['n', 1_000n],
  ['p', 1n],
] as const
const SAT = 10_000n
/** No node has this key; it only makes the signatures well-formed. */
const NODE_KEY = sha256(utf8ToBytes('hardshell: a fake Lightning node'))

/** 5-bit words to bytes; bits left over are padded with zeros to a byte, or dropped. */
function bytesOf(words: readonly number[], pad = false): Uint8Array {
  const bytes: number[] = []
  let value = 0
  let bits = 0
  for (const word of words) {
    value = ((value << 5) | word) & 0xfff
    bits += 5
    if (bits >= 8) bytes.push((value >> (bits -= 8)) & 0xff)
  }
  if (pad && bits > 0) bytes.push((value << (8 - bits)) & 0xff)
  return Uint8Array.from(bytes)
}

/** A number as big-endian 5-bit words, at least `width` of them. */
function wordsOf(value: number, width = 1): number[] {
  const words: number[] = []
  for (let rest = value; rest > 0 || words.length < width; rest = Math.floor(rest / 32)) words.unshift(rest % 32)
  return words
}

const numberOf = (words: readonly number[]): number => words.reduce((value, word) => value * 32 + word, 0)

function field(tag: number, words: readonly number[]): number[] {
  if (words.length > 1023) throw new RangeError('the memo is longer than 639 bytes')
  return [tag, ...wordsOf(words.length, 2), ...words]
}

function amountText(amountSat: number | undefined): string {
  if (amountSat === undefined) return ''
  const amount = BigInt(amountSat) * SAT
  const [letter, worth] = sure(
    UNITS.find(([, worth]) => amount % worth === 0n),
    'unit',
  )
  return `${amount / worth}${letter}`
}

/** Sat, rounded up; undefined where there is no amount, null where it is malformed. */
function amountOf(digits: string, letter: string): number | undefined | null {
  if (digits === '') return letter === '' ? undefined : null
  const [, worth] = sure(
    UNITS.find(([unit]) => unit === letter),
    'unit',
  )
  const amount = BigInt(digits) * worth
  const sat = Number((amount + SAT - 1n) / SAT)
  return digits.startsWith('0') || amount % 10n !== 0n || !Number.isSafeInteger(sat) ? null : sat
}

/** Signed, well-formed BOLT11. The signature of a foreign invoice is not checked. */
export const bolt11: InvoiceCodec = {
  encode({ paymentHash, paymentSecret, amountSat, memo, createdAt, expiryAt }) {
    const prefix = `lnbc${amountText(amountSat)}`
    const created = Math.floor(createdAt / 1000)
    const words = [
      ...wordsOf(created, TIMESTAMP_WORDS),
      ...field(TAG.paymentHash, bech32.toWords(hexToBytes(paymentHash))),
      ...field(TAG.paymentSecret, bech32.toWords(hexToBytes(paymentSecret))),
      ...field(TAG.memo, bech32.toWords(utf8ToBytes(memo))),
      ...field(TAG.expiry, wordsOf(Math.max(0, Math.floor(expiryAt / 1000) - created))),
      ...field(TAG.finalCltv, wordsOf(FINAL_CLTV)),
      ...field(TAG.features, FEATURES),
    ]
    const digest = sha256(concatBytes(utf8ToBytes(prefix), bytesOf(words, true)))
    const signed = secp256k1.sign(digest, NODE_KEY, { prehash: false, format: 'recovered' })
    // BOLT11 wants the recovery id last, where the library puts it first.
    const signature = concatBytes(signed.subarray(1), signed.subarray(0, 1))
    return bech32.encode(prefix, [...words, ...bech32.toWords(signature)], false)
  },

  decode(request) {
    const decoded = bech32.decodeUnsafe(request.toLowerCase(), false)
    const prefix = /^ln[a-z]+?(\d*)([munp]?)$/.exec(decoded?.prefix ?? '')
    if (!decoded || !prefix || decoded.words.length < TIMESTAMP_WORDS + SIGNATURE_WORDS) return undefined
    const [, digits = '', letter = ''] = prefix
    const amountSat = amountOf(digits, letter)
    const words = decoded.words.slice(0, -SIGNATURE_WORDS)
    const fields = new Map<number, readonly number[]>()
    for (let at = TIMESTAMP_WORDS; at + 3 <= words.length;) {
      const length = numberOf(words.slice(at + 1, at + 3))
      // A field that comes twice: the first one counts.
      if (!fields.has(words[at]!)) fields.set(words[at]!, words.slice(at + 3, at + 3 + length))
      at += 3 + length
    }
    const paymentHash = bytesToHex(bytesOf(fields.get(TAG.paymentHash) ?? []))
    if (amountSat === null || paymentHash.length !== 64) return undefined
    const created = numberOf(words.slice(0, TIMESTAMP_WORDS))
    const expiry = fields.get(TAG.expiry)
    return {
      paymentHash,
      paymentSecret: bytesToHex(bytesOf(fields.get(TAG.paymentSecret) ?? [])),
      amountSat,
      memo: new TextDecoder().decode(bytesOf(fields.get(TAG.memo) ?? [])),
      createdAt: created * 1000,
      expiryAt: (created + (expiry ? numberOf(expiry) : DEFAULT_EXPIRY_SECONDS)) * 1000,
    }
  },
}

/** The fields as JSON behind a prefix: no hashing, no curve. For simulations that never leave the process. */
export const plainInvoice: InvoiceCodec = {
  encode: (invoice) => `plain:${JSON.stringify(invoice)}`,
  decode: (request) => (request.startsWith('plain:') ? (JSON.parse(request.slice(6)) as Invoice) : undefined),
}

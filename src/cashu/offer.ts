/** Offers (BOLT12): what one asks for. */

/** What an offer asks of whoever pays it. */
export interface OfferTerms {
  /** The least that is to be paid, in millisatoshi, or in the currency’s smallest unit; left out where the payer chooses. */
  readonly amount?: bigint
  /** ISO 4217; left out for bitcoin. */
  readonly currency?: string
}

const PREFIX = 'lno1'
const CHARSET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
const TYPE = { currency: 6n, amount: 8n }

/** Reads an offer's amount; undefined for what is no offer. A long one may be broken after any character, as a `+` with white space behind it. */
export function readOffer(request: string): OfferTerms | undefined {
  const text = request.trim().replaceAll(/\+\s*/g, '')
  if (text !== text.toLowerCase() && text !== text.toUpperCase()) return undefined
  const lower = text.toLowerCase()
  if (!lower.startsWith(PREFIX)) return undefined
  const bytes = bytesOf(lower.slice(PREFIX.length))
  return bytes && termsOf(bytes)
}

/** Five bits a character; what is over at the end is no byte. */
function bytesOf(words: string): number[] | undefined {
  const bytes: number[] = []
  let [value, bits] = [0, 0]
  for (const letter of words) {
    const word = CHARSET.indexOf(letter)
    if (word < 0) return undefined
    value = (value << 5) | word
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes.push((value >> bits) & 0xff)
    value &= (1 << bits) - 1
  }
  return bytes.length > 0 ? bytes : undefined
}

/** Fields are a type, a length and a value, in ascending order of their types. */
function termsOf(bytes: readonly number[]): OfferTerms | undefined {
  const fields = new Map<bigint, readonly number[]>()
  for (let at = 0, last = -1n; at < bytes.length;) {
    const type = bigSize(bytes, at)
    const length = type && bigSize(bytes, type.end)
    if (!length || type.value <= last || length.value > BigInt(bytes.length - length.end)) return undefined
    at = length.end + Number(length.value)
    last = type.value
    fields.set(type.value, bytes.slice(length.end, at))
  }
  const [amount, currency] = [fields.get(TYPE.amount), fields.get(TYPE.currency)]
  if (amount && amount.length > 8) return undefined
  return {
    ...(amount && { amount: numberOf(amount) }),
    ...(currency && { currency: String.fromCharCode(...currency).slice(0, 8) }),
  }
}

function bigSize(bytes: readonly number[], at: number): { readonly value: bigint; readonly end: number } | undefined {
  const first = bytes[at]
  if (first === undefined) return undefined
  if (first < 0xfd) return { value: BigInt(first), end: at + 1 }
  const end = at + 1 + 2 ** (first - 0xfc)
  return end > bytes.length ? undefined : { value: numberOf(bytes.slice(at + 1, end)), end }
}

const numberOf = (bytes: readonly number[]): bigint => bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)

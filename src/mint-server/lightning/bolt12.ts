/** Offers as text: BOLT 12, and a cheap plain form where nobody looks inside. */
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { bech32 } from '@scure/base'
import { sure } from '../../sure.ts'

/** What the fake Lightning backend writes into an offer and reads from one. */
export interface Offer {
  /** Hex; whatever the issuer wants to have in it. */
  readonly metadata?: string | undefined
  /** The least that a payment brings, rounded up to whole sat; undefined where the payer chooses. */
  readonly amountSat: number | undefined
  /** What it is for; empty where it does not say. */
  readonly memo: string
  /** Milliseconds since the Unix epoch; BOLT 12 keeps whole seconds. Undefined where it has no end. */
  readonly expiryAt: number | undefined
  /** Who wants to be paid, for people. */
  readonly issuer?: string | undefined
  /** The node to ask for an invoice, hex; undefined where blinded paths lead to it. */
  readonly issuerId: string | undefined
}

/** An offer as read, with what it is known by: hex, 32 bytes. */
export interface ReadOffer extends Offer {
  readonly offerId: string
}

export interface OfferCodec {
  /** @throws {RangeError} A field is longer than 65,535 bytes. */
  encode(offer: Offer): string
  /** Undefined where the text is no offer of this kind, or one that nobody here can pay. */
  decode(request: string): ReadOffer | undefined
}

const PREFIX = 'lno1'
const CHARSET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
/** A long offer may be broken after any character, as a `+` with white space behind it. */
const BREAK = /(?<=[a-z0-9])\+\s*(?=[a-z0-9])/gi
const TYPE = {
  chains: 2,
  metadata: 4,
  currency: 6,
  amount: 8,
  description: 10,
  features: 12,
  expiry: 14,
  paths: 16,
  issuer: 18,
  quantityMax: 20,
  issuerId: 22,
}
const BITCOIN = '6fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000'
const MSAT_PER_SAT = 1000n

/** Reads from the front. Every method throws where the bytes do not have what is asked for. */
class Reader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get at(): number {
    return this.#at
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw new RangeError('cut off')
    return this.#bytes.subarray(this.#at, (this.#at += length))
  }

  byte(): number {
    return sure(this.take(1)[0], 'byte')
  }

  /** A big-endian number of so many bytes; beyond the safe integers only roughly. */
  number(length: number): number {
    return this.take(length).reduce((value, byte) => value * 256 + byte, 0)
  }

  /** A number in the fewest bytes that hold it, led by one that says how many. */
  bigSize(): number {
    const first = this.byte()
    if (first < 0xfd) return first
    const length = 2 ** (first - 0xfc)
    const value = this.number(length)
    if (value < (length === 2 ? 0xfd : 256 ** (length / 2))) throw new RangeError('not the shortest form')
    return value
  }

  /** A public key, compressed. */
  point(): string {
    const bytes = this.take(33)
    secp256k1.Point.fromBytes(bytes)
    return bytesToHex(bytes)
  }
}

interface Field {
  readonly type: number
  readonly value: Uint8Array
  /** The bytes of the type alone, and of the whole field. */
  readonly typeBytes: Uint8Array
  readonly bytes: Uint8Array
}

/** @throws {RangeError} They are malformed, or not in ascending order. */
function fieldsOf(bytes: Uint8Array): Field[] {
  const fields: Field[] = []
  const reader = new Reader(bytes)
  while (!reader.isAtEnd) {
    const start = reader.at
    const type = reader.bigSize()
    const typeBytes = bytes.subarray(start, reader.at)
    const value = reader.take(reader.bigSize())
    if (type <= (fields.at(-1)?.type ?? -1)) throw new RangeError('out of order')
    fields.push({ type, value, typeBytes, bytes: bytes.subarray(start, reader.at) })
  }
  return fields
}

/** A hash that is of use for one purpose only (BIP 340). */
function hash(tag: Uint8Array, ...message: Uint8Array[]): Uint8Array {
  const tagged = sha256(tag)
  return sha256(concatBytes(tagged, tagged, ...message))
}

const LEAF = utf8ToBytes('LnLeaf')
const NONCE = utf8ToBytes('LnNonce')
const BRANCH = utf8ToBytes('LnBranch')

/** The smaller hash comes first, so that a proof need not say which side it stands on. */
function branch(one: Uint8Array, other: Uint8Array): Uint8Array {
  return bytesToHex(one) < bytesToHex(other) ? hash(BRANCH, one, other) : hash(BRANCH, other, one)
}

/**
 * The Merkle root over a stream of fields without signatures, hex: what BOLT 12 signs, and what an offer is known by.
 * @throws {RangeError} There are none, or they are malformed.
 */
export function merkleRoot(stream: Uint8Array): string {
  const fields = fieldsOf(stream)
  const [first] = fields
  if (first === undefined) throw new RangeError('no fields')
  const nonce = concatBytes(NONCE, first.bytes)
  let row = fields.map(({ typeBytes, bytes }) => branch(hash(LEAF, bytes), hash(nonce, typeBytes)))
  while (row.length > 1)
    row = row.flatMap((one, at) =>
      at % 2 > 0 ? [] : at + 1 < row.length ? [branch(one, sure(row[at + 1], 'branch'))] : [one],
    )
  return bytesToHex(sure(row[0], 'root'))
}

/** An unsigned number without leading zeros, of 64 bits at most. */
function numberOf(bytes: Uint8Array): bigint {
  if (bytes.length > 8 || bytes[0] === 0) throw new RangeError('not a number')
  return BigInt(`0x0${bytesToHex(bytes)}`)
}

function safe(value: bigint): number {
  if (value > Number.MAX_SAFE_INTEGER) throw new RangeError('too large')
  return Number(value)
}

const textOf = (bytes: Uint8Array): string => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)

/** @throws {Error} There is no path, or one that is malformed or leads nowhere. */
function checkPaths(value: Uint8Array): void {
  const reader = new Reader(value)
  do {
    // Its first node is a public key or, where these bytes are 0 or 1, one end of a channel.
    if (value[reader.at]! <= 1) reader.take(9)
    else reader.point()
    reader.point()
    const hops = reader.byte()
    if (hops === 0) throw new RangeError('a path without hops')
    for (let hop = 0; hop < hops; hop++) {
      reader.point()
      reader.take(reader.number(2))
    }
  } while (!reader.isAtEnd)
}

/** @throws {Error} The chains are malformed, or Bitcoin is not among them. */
function checkChains(value: Uint8Array): void {
  const chains: readonly string[] = bytesToHex(value).match(/.{64}/g) ?? []
  if (value.length % 32 > 0 || !chains.includes(BITCOIN)) throw new RangeError('not for Bitcoin')
}

/** Whether a bit is set that must be understood: one with an even number. */
const hasDemands = (features: Uint8Array): boolean => features.some((byte) => (byte & 0b01010101) > 0)

const KNOWN = new Set(Object.values(TYPE))
const isAllowed = (type: number): boolean =>
  KNOWN.has(type) || (type % 2 === 1 && (type < 80 || (type >= 1_000_000_000 && type < 2_000_000_000)))

/** @throws {Error} It is none, or one that a reader must not answer to. */
function read(bytes: Uint8Array): ReadOffer {
  const fields = fieldsOf(bytes)
  if (!fields.every(({ type }) => isAllowed(type))) throw new RangeError('what it wants is unknown')
  const values = new Map(fields.map(({ type, value }) => [type, value]))
  const field = <T>(type: number, parse: (value: Uint8Array) => T): T | undefined => {
    const value = values.get(type)
    return value && parse(value)
  }
  field(TYPE.chains, checkChains)
  field(TYPE.paths, checkPaths)
  field(TYPE.quantityMax, numberOf)
  const amount = field(TYPE.amount, numberOf)
  const memo = field(TYPE.description, textOf)
  const expiry = field(TYPE.expiry, numberOf)
  const issuerId = field(TYPE.issuerId, (value) => {
    if (value.length !== 33) throw new RangeError('not a public key')
    return new Reader(value).point()
  })
  if (values.has(TYPE.currency)) throw new RangeError('in another currency')
  if (field(TYPE.features, hasDemands)) throw new RangeError('a feature is unknown')
  if (amount !== undefined && memo === undefined) throw new RangeError('an amount for nothing')
  if (issuerId === undefined && !values.has(TYPE.paths)) throw new RangeError('nobody to ask')
  return {
    offerId: merkleRoot(bytes),
    metadata: field(TYPE.metadata, bytesToHex),
    amountSat: amount === undefined ? undefined : safe((amount + MSAT_PER_SAT - 1n) / MSAT_PER_SAT),
    memo: memo ?? '',
    expiryAt: expiry === undefined ? undefined : safe(expiry * 1000n),
    issuer: field(TYPE.issuer, textOf),
    issuerId,
  }
}

function numberBytes(value: bigint): Uint8Array {
  const digits = value === 0n ? '' : value.toString(16)
  return hexToBytes(digits.length % 2 > 0 ? `0${digits}` : digits)
}

function fieldBytes(type: number, value: Uint8Array | undefined): Uint8Array {
  if (value === undefined) return new Uint8Array()
  const { length } = value
  if (length > 0xffff) throw new RangeError('a field is longer than 65,535 bytes')
  return concatBytes(Uint8Array.of(type, ...(length < 0xfd ? [length] : [0xfd, length >> 8, length & 0xff])), value)
}

/** BOLT 12. An offer carries no signature. */
export const bolt12: OfferCodec = {
  encode({ metadata, amountSat, memo, expiryAt, issuer, issuerId }) {
    const hasMemo = memo !== '' || amountSat !== undefined
    const bytes = concatBytes(
      fieldBytes(TYPE.metadata, metadata === undefined ? undefined : hexToBytes(metadata)),
      fieldBytes(TYPE.amount, amountSat === undefined ? undefined : numberBytes(BigInt(amountSat) * MSAT_PER_SAT)),
      fieldBytes(TYPE.description, hasMemo ? utf8ToBytes(memo) : undefined),
      fieldBytes(TYPE.expiry, expiryAt === undefined ? undefined : numberBytes(BigInt(Math.floor(expiryAt / 1000)))),
      fieldBytes(TYPE.issuer, issuer === undefined ? undefined : utf8ToBytes(issuer)),
      fieldBytes(TYPE.issuerId, issuerId === undefined ? undefined : hexToBytes(issuerId)),
    )
    return (
      PREFIX +
      bech32
        .toWords(bytes)
        .map((word) => CHARSET[word])
        .join('')
    )
  },

  decode(request) {
    const text = request.replace(BREAK, '')
    const lower = text.toLowerCase()
    if ((text !== lower && text !== text.toUpperCase()) || !lower.startsWith(PREFIX)) return undefined
    try {
      const words = Array.from(lower.slice(PREFIX.length), (character) => CHARSET.indexOf(character))
      return read(bech32.fromWords(words))
    } catch {
      // Whatever is wrong with it: it cannot be paid.
      return undefined
    }
  },
}

/** The fields as JSON behind a prefix, known by their metadata. For simulations that never leave the process. */
export const plainOffer: OfferCodec = {
  encode: (offer) => `plain-offer:${JSON.stringify(offer)}`,
  decode(request) {
    if (!request.startsWith('plain-offer:')) return undefined
    const offer = JSON.parse(request.slice(12)) as Offer
    return { ...offer, offerId: offer.metadata ?? '' }
  },
}

/** Reads CBOR (RFC 8949) as tokens and payment requests use it: definite lengths, no tags. One pass, and no deeper than a token is. */
import type { Pieces } from '../time-slices.ts'
import { expected } from './shape.ts'

const DEEPEST = 8
const UTF8 = new TextDecoder('utf-8', { fatal: true })

/** Entries of a list that are read in one piece. */
const PIECE = 100

/** How much is read at most. */
export interface CborLimits {
  /** Entries of all lists together. */
  readonly entries: number
  /** Called where a list begins with which there are more: nothing of it is read. */
  readonly tooMany: () => never
}

/** Keys of all objects together: more than the largest token has. */
const MOST_KEYS = 100_000

/**
 * The value that the bytes begin with, and where it ends; objects by their keys, which are texts.
 * @throws {Malformed}; {TypeError} for wrong UTF-8
 */
export function* cborPieces(
  bytes: Uint8Array,
  limits: CborLimits,
): Pieces<{ readonly value: unknown; readonly end: number }> {
  const reader = new Reader(bytes, limits)
  const value = yield* reader.pieces(0)
  return { value, end: reader.at }
}

/** Reads short ASCII texts by hand, because the platform's decoder is slow for them. */
function textOf(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) {
    if (byte > 127 || text.length > 256) return UTF8.decode(bytes)
    text += String.fromCharCode(byte)
  }
  return text
}

const LIST = 4
const MAP = 5
/** A token, its list of keysets, one of them, its list of proofs. */
const IN_PIECES = 4

class Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #limits: CborLimits
  #at = 0
  #entries = 0
  #keys = 0

  constructor(bytes: Uint8Array, limits: CborLimits) {
    this.#bytes = bytes
    this.#limits = limits
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get at(): number {
    return this.#at
  }

  /** The same as `value`, in pieces: those of the outer lists. */
  *pieces(depth: number): Pieces<unknown> {
    const kind = (this.#bytes[this.#at] ?? 0) >> 5
    if (depth >= IN_PIECES || (kind !== LIST && kind !== MAP)) return this.value(depth)
    const count = this.#countOf(kind)
    if (kind === LIST) {
      const list: unknown[] = []
      for (let entry = 0; entry < count; entry++) {
        if (entry > 0 && entry % PIECE === 0) yield
        list.push(yield* this.pieces(depth + 1))
      }
      return list
    }
    const entries: [string, unknown][] = []
    for (let entry = 0; entry < count; entry++) {
      const key = this.#key(depth + 1)
      entries.push([key, yield* this.pieces(depth + 1)])
    }
    return Object.fromEntries(entries)
  }

  value(depth: number): unknown {
    if (depth > DEEPEST) expected('cbor', 'less depth')
    const first = this.#bytes[this.#at] ?? expected('cbor', 'its whole')
    const kind = first >> 5
    if (kind === LIST || kind === MAP) {
      const count = this.#countOf(kind)
      if (kind === LIST) return Array.from({ length: count }, () => this.value(depth + 1))
      return Object.fromEntries(Array.from({ length: count }, () => [this.#key(depth + 1), this.value(depth + 1)]))
    }
    this.#at++
    if (kind === 7) return this.#simple(first & 31)
    const count = this.#count(first & 31)
    if (kind === 0) return count
    if (kind === 1) return -1 - count
    if (kind === 2) return this.#take(count)
    return kind === 3 ? textOf(this.#take(count)) : expected('cbor', 'no tags')
  }

  #key(depth: number): string {
    const key = this.value(depth)
    return typeof key === 'string' ? key : expected('cbor', 'keys that are texts')
  }

  /** How many entries a list or an object has; refused before any of them is read. */
  #countOf(kind: number): number {
    const count = this.#count(this.#take(1)[0]! & 31)
    // Every entry takes at least one byte, so a larger count is malformed.
    if (count > this.#bytes.length - this.#at) expected('cbor', 'its whole')
    if (kind === LIST) {
      this.#entries += count
      if (this.#entries > this.#limits.entries) this.#limits.tooMany()
    } else {
      this.#keys += count
      if (this.#keys > MOST_KEYS) expected('cbor', `at most ${MOST_KEYS} keys`)
    }
    return count
  }

  #take(count: number): Uint8Array {
    const end = this.#at + count
    if (end > this.#bytes.length) expected('cbor', 'its whole')
    const taken = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return taken
  }

  /** The number may exceed the safe integers. It is then rejected as an amount. */
  #count(short: number): number {
    if (short < 24) return short
    if (short > 27) return expected('cbor', 'definite lengths')
    const at = this.#at
    const size = 2 ** (short - 24)
    this.#take(size)
    if (size === 1) return this.#view.getUint8(at)
    if (size === 2) return this.#view.getUint16(at)
    if (size === 4) return this.#view.getUint32(at)
    return Number(this.#view.getBigUint64(at))
  }

  #simple(short: number): unknown {
    if (short === 20 || short === 21) return short === 21
    if (short === 22) return null
    if (short === 23) return undefined
    return expected('cbor', 'no fractions')
  }
}

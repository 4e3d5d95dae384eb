/**
 * A message in endlessly many fragments, of which any that are enough give it back (BCR-2020-005). The first ones are its parts; each later
 * one is the exclusive or of some of them. Which those are follows from its number and the message's checksum, for both sides alike.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { u32 } from './bytewords.ts'

/** What of a transfer is the same in all its frames. */
export interface Transfer {
  /** How many parts the message has. */
  readonly parts: number
  readonly messageBytes: number
  /** The message's CRC-32. */
  readonly checksum: number
}

/** Chooses the parts of which the fragments of a transfer are made. */
export function chooser({ parts, checksum }: Transfer): (sequence: number) => readonly number[] {
  const degree = parts > 1 ? degrees(parts) : undefined
  return (sequence) => {
    if (sequence <= parts || !degree) return [(sequence - 1) % parts]
    const random = randoms(Uint8Array.from([...u32(sequence), ...u32(checksum)]))
    const count = degree(random)
    const left = Array.from({ length: parts }, (_, part) => part)
    return Array.from({ length: count }, () => left.splice(Math.floor(random() * left.length), 1)).flat()
  }
}

/**
 * How many parts a fragment is made of: n with a probability in proportion to 1/n. It is drawn with two random numbers from a table (Walker and
 * Vose), whose order of entries is part of the format.
 */
function degrees(parts: number): (random: () => number) => number {
  const weights = Array.from({ length: parts }, (_, at) => 1 / (at + 1))
  const sum = weights.reduce((total, weight) => total + weight, 0)
  const share = weights.map((weight) => (weight * parts) / sum)
  const own = Array.from({ length: parts }, () => 1)
  const other = Array.from({ length: parts }, () => 0)
  const small: number[] = []
  const large: number[] = []
  for (let at = parts - 1; at >= 0; at--) (share[at]! < 1 ? small : large).push(at)
  for (let a = small.pop(), b = large.pop(); a !== undefined && b !== undefined; a = small.pop(), b = large.pop()) {
    own[a] = share[a]!
    other[a] = b
    const rest = share[b]! + share[a]! - 1
    share[b] = rest
    ;(rest < 1 ? small : large).push(b)
  }
  return (random) => {
    const at = Math.floor(random() * parts)
    return (random() < own[at]! ? at : other[at]!) + 1
  }
}

/** Random numbers below 1 (xoshiro256**), the same ones for the same seed. */
function randoms(seed: Uint8Array): () => number {
  const view = new DataView(Uint8Array.from(sha256(seed)).buffer)
  let [a, b, c, d] = [view.getBigUint64(0), view.getBigUint64(8), view.getBigUint64(16), view.getBigUint64(24)]
  return () => {
    const drawn = u64(rotated(u64(b * 5n), 7n) * 9n)
    const shifted = u64(b << 17n)
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = rotated(d, 45n)
    // The largest ones would be rounded to 1.
    return Math.min(Number(drawn) / 2 ** 64, 1 - 2 ** -53)
  }
}

const u64 = (number: bigint): bigint => BigInt.asUintN(64, number)
const rotated = (number: bigint, by: bigint): bigint => u64((number << by) | (number >> (64n - by)))

/** Adds one to the other, which is subtracting it as well. */
export function xor(into: Uint8Array, other: Uint8Array): void {
  for (let at = 0; at < into.length; at++) into[at] = into[at]! ^ other[at]!
}

interface Row {
  /** The parts that it is made of. */
  readonly mask: Uint8Array
  readonly data: Uint8Array
}

/**
 * Puts a message together from its fragments, each an equation: they are solved as they come, so that any that say something new help, and no
 * more are kept than there are parts.
 */
export class Equations {
  readonly #parts: number
  readonly #rows = new Map<number, Row>()

  constructor(parts: number) {
    this.#parts = parts
  }

  /** How many parts the fragments so far are enough for. */
  get known(): number {
    return this.#rows.size
  }

  /** Whether it said something new. */
  add(indexes: readonly number[], data: Uint8Array): boolean {
    const row = { mask: new Uint8Array(this.#parts), data: Uint8Array.from(data) }
    for (const index of indexes) row.mask[index] = 1
    for (let first = row.mask.indexOf(1); first >= 0; first = row.mask.indexOf(1, first)) {
      const known = this.#rows.get(first)
      if (!known) {
        this.#rows.set(first, row)
        return true
      }
      xor(row.mask, known.mask)
      xor(row.data, known.data)
    }
    return false
  }

  /** The parts in their order; undefined while some are missing. */
  solved(): Uint8Array[] | undefined {
    if (this.known < this.#parts) return undefined
    const parts: Uint8Array[] = []
    // A row is made of its first part and later ones.
    for (let part = this.#parts - 1; part >= 0; part--) {
      const { mask, data } = this.#rows.get(part)!
      for (let later = part + 1; later < this.#parts; later++) if (mask[later]) xor(data, parts[later]!)
      parts[part] = data
    }
    return parts
  }
}

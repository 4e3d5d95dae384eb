/**
 * The seam of the crypto port: the arithmetic of one curve. What is no arithmetic (derivation, challenges, signatures) is
 * written once above it, in `wallet-crypto.ts` and `mint-crypto.ts`, whatever library does the sums.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { CashuError } from './errors.ts'

/**
 * A group of prime order. `P` is a point as the library has it; scalars are from 1 to the order − 1. The point at infinity is
 * none: whatever would give it throws `POINT_MALFORMED`.
 */
export interface Curve<P> {
  /** Names the library in logs. */
  readonly name: string
  /** How many points there are. */
  readonly order: bigint
  /** Reads the encoding of the protocol. @throws {CashuError} `POINT_MALFORMED` */
  parse(hex: string): P
  /** The encoding of the protocol, in lower case. @throws {CashuError} `POINT_MALFORMED` */
  hex(point: P): string
  /** The encoding that challenges hash, in lower case: of secp256k1, both coordinates. */
  plain(point: P): string
  /** The point of a secret (NUT-00). */
  hashToCurve(message: Uint8Array): P
  /** k·G. In no constant time. */
  timesG(k: bigint): P
  /** P + k·G. In no constant time. */
  plusG(point: P, k: bigint): P
  /** P + k·A, where A is met often: the public key of a mint. In no constant time. */
  plusKey(point: P, A: P, k: bigint): P
  /** a·G + b·A, where A is met often. In no constant time. */
  sumWithKey(a: bigint, b: bigint, A: P): P
  /** a·P + b·Q. In no constant time. */
  sum(a: bigint, P: P, b: bigint, Q: P): P
  /** k·G for a private key k: in constant time, where the library has such a way. */
  secretTimesG(k: bigint): P
  /** k·P for a private key k: in constant time, where the library has such a way. */
  secretTimes(point: P, k: bigint): P
}

/** A scalar as the protocol writes it: 32 bytes, big-endian. */
export const scalarHex = (scalar: bigint): string => scalar.toString(16).padStart(64, '0')

/** @throws {CashuError} `SCALAR_MALFORMED` unless it is 32 bytes of hex for a number from 1 to the order − 1. */
export function parseScalar(hex: string, { order }: Pick<Curve<unknown>, 'order'>): bigint {
  const scalar = /^[0-9a-fA-F]{64}$/.test(hex) ? BigInt(`0x${hex}`) : 0n
  if (scalar === 0n || scalar >= order) throw new CashuError('SCALAR_MALFORMED', 'not a scalar')
  return scalar
}

/** What is malformed about a point. */
export const noPoint = (message = 'not on the curve', cause?: unknown): CashuError =>
  new CashuError('POINT_MALFORMED', message, { cause })

/** @throws {CashuError} `POINT_MALFORMED` unless it has the shape of a compressed point of secp256k1 */
export function checkCompressed(hex: string): void {
  if (!/^0[23][0-9a-fA-F]{64}$/.test(hex)) throw noPoint('not a compressed point')
}

const DOMAIN_SEPARATOR = utf8ToBytes('Secp256k1_HashToCurve_Cashu_')

/** The first x in a chain of hashes that is on the curve (NUT-00). `lift` gives its point with an even y, if it is. */
export function firstOnCurve<P>(message: Uint8Array, lift: (x: Uint8Array) => P | undefined): P {
  const start = sha256(concatBytes(DOMAIN_SEPARATOR, message))
  const counter = new Uint8Array(4)
  const view = new DataView(counter.buffer)
  for (let i = 0; i < 2 ** 16; i++) {
    view.setUint32(0, i, true)
    const point = lift(sha256(concatBytes(start, counter)))
    if (point) return point
  }
  throw new Error('no point found; this happens once in 2^65536')
}

/** The results of a function of a text. The result that was unused longest is dropped. */
export class Kept<T extends object> {
  readonly #kept = new Map<string, T>()
  readonly #atMost: number
  readonly #of: (text: string) => T

  constructor(atMost: number, of: (text: string) => T) {
    this.#atMost = atMost
    this.#of = of
  }

  get(text: string): T {
    return this.keep(text, this.#kept.get(text) ?? this.#of(text))
  }

  /** Keeps a result that was found in another way. */
  keep(text: string, result: T): T {
    this.#kept.delete(text)
    this.#kept.set(text, result)
    for (const [unused] of this.#kept) {
      if (this.#kept.size <= this.#atMost) break
      this.#kept.delete(unused)
    }
    return result
  }

  clear(): void {
    this.#kept.clear()
  }
}

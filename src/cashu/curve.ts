/**
 * secp256k1 as the NUTs use it: points to and from hex, hash_to_curve, the DLEQ challenge. Used by the two halves of the
 * crypto port only.
 */
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { CashuError } from './errors.ts'

export const Point = secp256k1.Point
export type Point = InstanceType<typeof Point>
export const { Fn } = Point

/** A scalar as the protocol writes it: 32 bytes, big-endian. */
export const scalarHex = (scalar: bigint): string => scalar.toString(16).padStart(64, '0')

/** @throws {CashuError} `SCALAR_MALFORMED` unless it is 32 bytes of hex for a number from 1 to n − 1. */
export function parseScalar(hex: string): bigint {
  const scalar = /^[0-9a-fA-F]{64}$/.test(hex) ? BigInt(`0x${hex}`) : 0n
  if (!Fn.isValidNot0(scalar)) throw new CashuError('SCALAR_MALFORMED', 'not a scalar')
  return scalar
}

/** The compressed encoding. Cheaper than the library's own, which normalizes twice and checks the equation again. */
export function pointHex(point: Point): string {
  if (point.is0()) throw new CashuError('POINT_MALFORMED', 'the point at infinity has no encoding')
  const { x, y } = point.toAffine()
  return (y & 1n ? '03' : '02') + scalarHex(x)
}

/** Caches the results of a function of a text. The result that was unused longest is dropped. */
export function keeping<T extends object>(atMost: number, of: (text: string) => T): (text: string) => T {
  const kept = new Map<string, T>()
  return (text) => {
    const found = kept.get(text) ?? of(text)
    kept.delete(text)
    kept.set(text, found)
    if (kept.size > atMost) kept.delete(kept.keys().next().value!)
    return found
  }
}

function decode(hex: string): Point {
  if (!/^0[23][0-9a-fA-F]{64}$/.test(hex)) throw new CashuError('POINT_MALFORMED', 'not a compressed point')
  try {
    return Point.fromHex(hex)
  } catch (cause) {
    throw new CashuError('POINT_MALFORMED', 'not on the curve', { cause })
  }
}

/**
 * A point of one output. Finding y takes a square root, and one exchange names the same points more than once: a B_ or C_
 * at unblinding and at the DLEQ. @throws {CashuError} `POINT_MALFORMED`
 */
export const parsePoint = keeping(256, decode)

/** A mint's public key, for `timesKey`; each output names it again. @throws {CashuError} `POINT_MALFORMED` */
export const parseKey = keeping(128, decode)

/**
 * k·G from the library's table. The number of additions does not depend on k, but k is not masked as in `multiply`:
 * for blinding factors and derivation, not for keys that sign at the request of strangers.
 */
export const timesG = (k: bigint): Point => Point.BASE.multiplyUnsafe(k)

const uses = new WeakMap<Point, number>()
const USES_BEFORE_TABLE = 12

/**
 * k·A for a mint's public key A. A table of its multiples makes this three times faster, and takes 5 ms and some
 * 100 kB, which a dozen uses pay back: it is made once A has been used that often. It goes when A goes.
 */
export function timesKey(A: Point, k: bigint): Point {
  const used = (uses.get(A) ?? 0) + 1
  uses.set(A, used)
  if (used === USES_BEFORE_TABLE) A.precompute(5)
  return A.multiplyUnsafe(k)
}

const DOMAIN_SEPARATOR = utf8ToBytes('Secp256k1_HashToCurve_Cashu_')
const EVEN_Y = Uint8Array.of(2)

/** Y: the first x in a chain of hashes that is on the curve, with an even y (NUT-00). */
export function secretPoint(secret: string): Point {
  const message = sha256(concatBytes(DOMAIN_SEPARATOR, utf8ToBytes(secret)))
  const counter = new Uint8Array(4)
  const view = new DataView(counter.buffer)
  for (let i = 0; i < 2 ** 16; i++) {
    view.setUint32(0, i, true)
    const x = sha256(concatBytes(message, counter))
    try {
      return Point.fromBytes(concatBytes(EVEN_Y, x))
    } catch {
      // Half of all x are on the curve.
    }
  }
  throw new Error('no point found; this happens once in 2^65536')
}

/** e = hash(R1, R2, A, C_), over the hex of the uncompressed points (NUT-12). */
export function dleqChallenge(points: readonly Point[]): string {
  const hex = points.map((point) => {
    const { x, y } = point.toAffine()
    return `04${scalarHex(x)}${scalarHex(y)}`
  })
  return bytesToHex(sha256(utf8ToBytes(hex.join(''))))
}

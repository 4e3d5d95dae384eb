/** What is made of `tiny-secp256k1`, however it was loaded. */
import type { CryptoHalves } from '../cashu/crypto.ts'
import { halvesOn, hasAll, loaded, unavailable } from './byte-curve.ts'

/** What is used of the package. */
interface Tiny {
  isPoint(point: Uint8Array): boolean
  pointCompress(point: Uint8Array, isCompressed: false): Uint8Array
  pointAdd(point: Uint8Array, other: Uint8Array, isCompressed: false): Uint8Array | null
  pointMultiply(point: Uint8Array, k: Uint8Array, isCompressed: false): Uint8Array | null
  pointFromScalar(k: Uint8Array, isCompressed: false): Uint8Array | null
}

const NEEDED = ['isPoint', 'pointCompress', 'pointAdd', 'pointMultiply', 'pointFromScalar']

const isTiny = (value: unknown): value is Tiny => hasAll(value, NEEDED)

/** @throws {HardshellError} `CRYPTO_UNAVAILABLE` */
export async function wasmOf(load: () => Promise<unknown>): Promise<CryptoHalves> {
  const tiny = await loaded('tiny-secp256k1', load, (reason) => `tiny-secp256k1 does not load here: ${reason}`)
  if (!isTiny(tiny))
    throw unavailable('tiny-secp256k1 is of a version that lacks what is needed: 2.2.4 or later has it')
  return halvesOn('wasm', {
    isPoint: (bytes) => tiny.isPoint(bytes),
    plain: (bytes) => tiny.pointCompress(bytes, false),
    plus: (point, other) => tiny.pointAdd(point, other, false),
    times: (point, k) => tiny.pointMultiply(point, k, false),
    // It has no product in constant time with another point than G.
    secretTimes: (point, k) => tiny.pointMultiply(point, k, false),
    secretTimesG: (k) => tiny.pointFromScalar(k, false),
  })
}

/** What is made of `tiny-secp256k1`, however it was loaded. */
import type { CryptoHalves } from '../cashu/crypto.ts'
import { halvesOn, reasonOf, unavailable } from './byte-curve.ts'

/** What is used of the package. */
interface Tiny {
  isPoint(point: Uint8Array): boolean
  pointCompress(point: Uint8Array, isCompressed: false): Uint8Array
  pointAdd(point: Uint8Array, other: Uint8Array, isCompressed: false): Uint8Array | null
  pointMultiply(point: Uint8Array, k: Uint8Array, isCompressed: false): Uint8Array | null
  pointFromScalar(k: Uint8Array, isCompressed: false): Uint8Array | null
}

const NEEDED = ['isPoint', 'pointCompress', 'pointAdd', 'pointMultiply', 'pointFromScalar']

function isTiny(value: unknown): value is Tiny {
  return typeof value === 'object' && value !== null && NEEDED.every((name) => typeof Reflect.get(value, name) === 'function') // prettier-ignore
}

/** @throws {HardshellError} `CRYPTO_UNAVAILABLE` */
export async function wasmOf(load: () => Promise<unknown>): Promise<CryptoHalves> {
  const tiny = await load().catch((cause: unknown) => {
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND'
    throw unavailable(
      isMissing
        ? 'tiny-secp256k1 is not installed: npm install tiny-secp256k1'
        : `tiny-secp256k1 does not load here: ${reasonOf(cause)}`,
      cause,
    )
  })
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

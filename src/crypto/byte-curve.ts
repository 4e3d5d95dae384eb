/** secp256k1 on a library that takes bytes: what the native one and the WASM one have in common. */
import { bytesToHex, concatBytes, hexToBytes } from '@noble/hashes/utils.js'
import type { CryptoHalves } from '../cashu/crypto.ts'
import { checkCompressed, firstOnCurve, noPoint, scalarHex, type Curve } from '../cashu/curve.ts'
import { mintCrypto } from '../cashu/mint-crypto.ts'
import { walletCrypto } from '../cashu/wallet-crypto.ts'
import { HardshellError, messageOf } from '../kernel/util/errors.ts'

/** What such a library does. Points have 65 bytes, scalars 32; infinity is undefined or thrown. */
export interface ByteSums {
  /** Whether 33 bytes are a point. */
  isPoint(bytes: Uint8Array): boolean
  /** The 65 bytes of a point of 33. */
  plain(bytes: Uint8Array): Uint8Array
  plus(point: Uint8Array, other: Uint8Array): Uint8Array | null
  times(point: Uint8Array, k: Uint8Array): Uint8Array | null
  /** In constant time, where the library has such a way. */
  secretTimes(point: Uint8Array, k: Uint8Array): Uint8Array | null
  secretTimesG(k: Uint8Array): Uint8Array | null
}

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const EVEN_Y = Uint8Array.of(2)
const TWICE_G = '02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5'
const SIX_G = '03fff97bd5755eeea420453a14355235d382f6472f8568a18b2f057a1460297556'

const bytesOf = (scalar: bigint): Uint8Array => hexToBytes(scalarHex(scalar))

function sure(point: Uint8Array | null): Uint8Array {
  if (!point) throw noPoint('the point at infinity has no encoding')
  return point
}

function byteCurve(name: string, sums: ByteSums): Curve<Uint8Array> {
  const timesG = (k: bigint): Uint8Array => sure(sums.secretTimesG(bytesOf(k)))
  const plus = (point: Uint8Array, other: Uint8Array): Uint8Array => {
    try {
      return sure(sums.plus(point, other))
    } catch (cause) {
      throw noPoint('the point at infinity has no encoding', cause)
    }
  }
  const times = (point: Uint8Array, k: bigint): Uint8Array => sure(sums.times(point, bytesOf(k)))
  return {
    name,
    order: ORDER,
    parse(hex) {
      checkCompressed(hex)
      const bytes = hexToBytes(hex)
      if (!sums.isPoint(bytes)) throw noPoint()
      return sums.plain(bytes)
    },
    hex: (point) => ((point[64] ?? 0) & 1 ? '03' : '02') + bytesToHex(point.subarray(1, 33)),
    plain: bytesToHex,
    hashToCurve: (message) =>
      firstOnCurve(message, (x) => {
        const bytes = concatBytes(EVEN_Y, x)
        return sums.isPoint(bytes) ? sums.plain(bytes) : undefined
      }),
    timesG,
    plusG: (point, k) => plus(point, timesG(k)),
    plusKey: (point, A, k) => plus(point, times(A, k)),
    sumWithKey: (a, b, A) => plus(timesG(a), times(A, b)),
    sum: (a, P, b, Q) => plus(times(P, a), times(Q, b)),
    secretTimesG: timesG,
    secretTimes: (point, k) => sure(sums.secretTimes(point, bytesOf(k))),
  }
}

/** A library is not there, or not the one that it should be. */
export const unavailable = (message: string, cause?: unknown): HardshellError =>
  new HardshellError('CRYPTO_UNAVAILABLE', message, { cause })

/** Why a library could not be loaded, in one line: loaders name every place where they looked. */
export const reasonOf = (error: unknown): string => messageOf(error).split('\n')[0] ?? ''

/**
 * Loads a package that may be missing. `broken` says what is wrong where it is there and does not load.
 *
 * @throws {HardshellError} `CRYPTO_UNAVAILABLE`
 */
export async function loaded(
  name: string,
  load: () => Promise<unknown>,
  broken: (reason: string) => string,
): Promise<unknown> {
  try {
    return await load()
  } catch (cause) {
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND'
    throw unavailable(isMissing ? `${name} is not installed: npm install ${name}` : broken(reasonOf(cause)), cause)
  }
}

/** Whether a package has these functions. */
export const hasAll = (value: unknown, names: readonly string[]): value is object =>
  typeof value === 'object' && value !== null && names.every((name) => typeof Reflect.get(value, name) === 'function')

/** Whether each function of a library gives what is known: 6G in several ways, and that there is no point with x = 5. */
function computes(curve: Curve<Uint8Array>, sums: ByteSums): boolean {
  const [G, twice] = [curve.timesG(1n), curve.parse(TWICE_G)]
  const sixes = [curve.sum(2n, G, 2n, twice), curve.plusKey(twice, twice, 2n), curve.secretTimes(twice, 3n)]
  const isRight = curve.hex(curve.timesG(2n)) === TWICE_G && sixes.every((point) => curve.hex(point) === SIX_G)
  return isRight && !sums.isPoint(hexToBytes(`02${scalarHex(5n)}`))
}

/** Both halves of the port on a library, which is asked first for what is known. @throws {HardshellError} `CRYPTO_UNAVAILABLE` */
export function halvesOn(name: string, sums: ByteSums): CryptoHalves {
  const curve = byteCurve(name, sums)
  try {
    if (computes(curve, sums)) return { name, wallet: walletCrypto(curve), mint: mintCrypto(curve) }
  } catch (cause) {
    throw unavailable(`${name} does not compute: ${reasonOf(cause)}`, cause)
  }
  throw unavailable(`${name} computes wrongly`)
}

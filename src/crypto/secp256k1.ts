/**
 * The crypto port on Bitcoin's own library, bound to Node by the package `secp256k1`. Node only; needs `secp256k1` beside
 * this package.
 */
import type { CryptoHalves } from '../cashu/crypto.ts'
import { concatBytes } from '@noble/hashes/utils.js'
import { halvesOn, hasAll, loaded, unavailable } from './byte-curve.ts'

export type { CryptoHalves }

/** What is used of the package's binding. It has no types of its own. */
interface Binding {
  publicKeyVerify(point: Uint8Array): boolean
  publicKeyConvert(point: Uint8Array, isCompressed: false): Uint8Array
  publicKeyCreate(k: Uint8Array, isCompressed: false): Uint8Array
  publicKeyCombine(points: readonly Uint8Array[], isCompressed: false): Uint8Array
  publicKeyTweakMul(point: Uint8Array, k: Uint8Array, isCompressed: false): Uint8Array
  ecdh(
    point: Uint8Array,
    k: Uint8Array,
    options: {
      readonly hashfn: (x: Uint8Array, y: Uint8Array) => Uint8Array
      readonly xbuf: Uint8Array
      readonly ybuf: Uint8Array
    },
    output: Uint8Array,
  ): Uint8Array
}

const NEEDED = [
  'publicKeyVerify',
  'publicKeyConvert',
  'publicKeyCreate',
  'publicKeyCombine',
  'publicKeyTweakMul',
  'ecdh',
]

const isBinding = (value: unknown): value is Binding => hasAll(value, NEEDED)

/** By a name that no bundler follows: the package is optional. */
const BINDING = 'secp256k1/bindings.js'
const UNCOMPRESSED = Uint8Array.of(4)

/**
 * Both halves of the crypto port, native: the fastest there is. Private keys are multiplied in constant time; blinding factors
 * are not, when signatures are unblinded.
 *
 * The package falls back to JavaScript, slower than this package's own, where it has no binding for the machine. This
 * function does not: it says so.
 *
 * @throws {HardshellError} `CRYPTO_UNAVAILABLE` where `secp256k1` is not installed, or has no native binding that loads
 * @example
 * const { wallet: crypto } = await nativeCrypto()
 * await using wallet = await openWallet({ store, seed, crypto })
 */
export const nativeCrypto = (): Promise<CryptoHalves> => nativeOf(() => import(BINDING))

/**
 * As `nativeCrypto`, with the binding that a function loads.
 *
 * @throws {HardshellError} `CRYPTO_UNAVAILABLE` as `nativeCrypto`
 */
export async function nativeOf(load: () => Promise<unknown>): Promise<CryptoHalves> {
  const module = await loaded(
    'secp256k1',
    load,
    (reason) =>
      `secp256k1 has no native binding here (${reason}): npm rebuild secp256k1 builds one, with Python, make and a C++ compiler`,
  )
  const binding: unknown = typeof module === 'object' && module && 'default' in module ? module.default : module
  if (!isBinding(binding))
    throw unavailable('secp256k1 is of a version that lacks what is needed: 5.0.2 or later has it')
  return halvesOn('secp256k1', {
    isPoint: (bytes) => binding.publicKeyVerify(bytes),
    plain: (bytes) => binding.publicKeyConvert(bytes, false),
    plus: (point, other) => binding.publicKeyCombine([point, other], false),
    times: (point, k) => binding.publicKeyTweakMul(point, k, false),
    // The only product with a point other than G that the library makes in constant time, here without a hash.
    secretTimes: (point, k) =>
      binding.ecdh(
        point,
        k,
        {
          hashfn: (x, y) => concatBytes(UNCOMPRESSED, x, y),
          xbuf: new Uint8Array(32),
          ybuf: new Uint8Array(32),
        },
        new Uint8Array(65),
      ),
    secretTimesG: (k) => binding.publicKeyCreate(k, false),
  })
}

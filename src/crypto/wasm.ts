/**
 * The crypto port on Bitcoin's own library as WebAssembly, by the package `tiny-secp256k1`: for browsers, workers and Node.
 * Needs `tiny-secp256k1` beside this package.
 */
import type { CryptoHalves } from '../cashu/crypto.ts'
import { wasmOf } from './wasm-of.ts'

export type { CryptoHalves }

/**
 * Both halves of the crypto port, by WebAssembly. Private keys and blinding factors are in constant time only where they are multiplied
 * with the generator: a mint that signs for strangers takes another one.
 *
 * @throws {HardshellError} `CRYPTO_UNAVAILABLE` where `tiny-secp256k1` is not installed, or WebAssembly is not to be had
 * @example
 * const { wallet: crypto } = await wasmCrypto()
 * await using wallet = await openWallet({ store, seed, crypto })
 */
export const wasmCrypto = (): Promise<CryptoHalves> => wasmOf(() => import('tiny-secp256k1'))

/** The quickest crypto that is installed. */
import type { CryptoHalves, CryptoInUse, MintCrypto, SignatoryCrypto, WalletCrypto } from '../cashu/crypto.ts'
import { nobleCrypto } from '../cashu/noble-crypto.ts'
import { nobleMintCrypto } from '../cashu/noble-mint-crypto.ts'
import { reasonOf, unavailable } from './byte-curve.ts'
import { nativeCrypto } from './secp256k1.ts'
import { wasmOf } from './wasm-of.ts'

/** A crypto, and how it came to be taken. */
export interface Chosen<C> {
  readonly crypto: C
  readonly inUse: CryptoInUse
}

/** What may be there, the quickest first. */
export type Candidates = readonly (readonly [name: string, load: () => Promise<CryptoHalves>])[]

/** By a name that no bundler follows: whoever asks for the quickest need not have the package. */
const TINY = 'tiny-secp256k1'
const wasm = (): Promise<CryptoHalves> => wasmOf(() => import(/* @vite-ignore */ /* webpackIgnore: true */ TINY))
const noConstantTime = (): Promise<never> =>
  Promise.reject(unavailable('it multiplies private keys in no constant time: a mint has to ask for it by name'))

const FOR_WALLETS: Candidates = [
  ['secp256k1', nativeCrypto],
  ['wasm', wasm],
]
const FOR_MINTS: Candidates = [
  ['secp256k1', nativeCrypto],
  ['wasm', noConstantTime],
]

/** The first that loads, or this package's own; and why those before it were passed over. */
export async function quickest(candidates: Candidates): Promise<Chosen<CryptoHalves>> {
  const passedOver: { readonly name: string; readonly reason: string }[] = []
  for (const [name, load] of candidates) {
    try {
      return { crypto: await load(), inUse: { name, passedOver } }
    } catch (error) {
      passedOver.push({ name, reason: reasonOf(error) })
    }
  }
  const name = 'noble'
  return { crypto: { name, wallet: nobleCrypto, mint: nobleMintCrypto }, inUse: { name, passedOver } }
}

/** In a browser it is this package's own: bundlers do not bring along what may be missing. */
export async function autoWalletCrypto(): Promise<Chosen<WalletCrypto>> {
  const { crypto, inUse } = await quickest(FOR_WALLETS)
  return { crypto: crypto.wallet, inUse }
}

/** Native, or this package's own. */
export async function autoMintCrypto(): Promise<Chosen<MintCrypto & SignatoryCrypto>> {
  const { crypto, inUse } = await quickest(FOR_MINTS)
  return { crypto: crypto.mint, inUse }
}

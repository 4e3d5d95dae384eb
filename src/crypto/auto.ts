/** The quickest crypto that is installed. */
import type { CryptoHalves, CryptoInUse } from '../cashu/crypto.ts'
import { nobleCrypto } from '../cashu/noble-crypto.ts'
import { nobleMintCrypto } from '../cashu/noble-mint-crypto.ts'
import { reasonOf } from './byte-curve.ts'
import { nativeCrypto } from './secp256k1.ts'
import { wasmOf } from './wasm-of.ts'

/** By a name that no bundler follows: whoever asks for the quickest need not have the package. */
const TINY = 'tiny-secp256k1'

const CANDIDATES: readonly (readonly [name: string, load: () => Promise<CryptoHalves>])[] = [
  ['secp256k1', nativeCrypto],
  ['wasm', () => wasmOf(() => import(/* @vite-ignore */ /* webpackIgnore: true */ TINY))],
]

/**
 * The first of native, WASM and JavaScript that there is, and why those before it were passed over. In a browser it is
 * JavaScript: bundlers do not bring along what may be missing.
 *
 * @example
 * const { mint: crypto, name, passedOver } = await autoCrypto()
 */
export async function autoCrypto(candidates = CANDIDATES): Promise<CryptoHalves & CryptoInUse> {
  const passedOver: { readonly name: string; readonly reason: string }[] = []
  for (const [name, load] of candidates) {
    try {
      return { ...(await load()), passedOver }
    } catch (error) {
      passedOver.push({ name, reason: reasonOf(error) })
    }
  }
  return { name: 'noble', wallet: nobleCrypto, mint: nobleMintCrypto, passedOver }
}

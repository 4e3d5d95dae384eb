/** The optional crypto libraries that load on this machine. One that does not is left out, with a word on how to get it. */
import type { CryptoHalves } from '../../src/cashu/crypto.ts'
import { nativeCrypto } from '../../src/crypto/secp256k1.ts'
import { wasmCrypto } from '../../src/crypto/wasm.ts'
import { messageOf } from '../../src/kernel/util/errors.ts'

export const libraries: CryptoHalves[] = []
for (const load of [wasmCrypto, nativeCrypto])
  await load().then(
    (halves) => libraries.push(halves),
    (error: unknown) => console.warn(`not tested: ${messageOf(error)}`),
  )

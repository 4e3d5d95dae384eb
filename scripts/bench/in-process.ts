/** A mint in this process, and a transport that carries requests to it: nothing but the wallet's own work is measured. */
import type { Transport } from '../../src/index.ts'
import { nobleMintCrypto } from '../../src/cashu/noble-mint-crypto.ts'
import { createMint, fakeBackend, localSignatory, mintSchema, type FakeBackend } from '../../src/mint-server/index.ts'
import { memoryStore } from '../../src/store/memory.ts'

export const MINT_URL = 'http://mint.test'

export async function inProcessMint(options: {
  readonly autoPayMs?: number
}): Promise<{ transport: Transport; backend: FakeBackend }> {
  const store = await memoryStore().open(mintSchema)
  const random = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length))
  const backend = fakeBackend({ store, clock: Date.now, random, ...options })
  const signatory = localSignatory({ seed: new Uint8Array(32).fill(7), crypto: nobleMintCrypto })
  const mint = await createMint({ store, crypto: nobleMintCrypto, signatory, backend, feePpk: 100 })
  return { backend, transport: ({ method, url, body }) => mint.handle(method, new URL(url).pathname, body) }
}

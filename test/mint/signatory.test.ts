/** Signatories that are the wrong one, come back, or lie: what the mint does until the right one signs. */
import { expect, test, vi } from 'vitest'
import { systemClock } from '../../src/kernel/util/ports.ts'
import { localSignatory, mintSchema, type Signatory } from '../../src/mint-server/index.ts'
import { WrongSignatures } from '../../src/mint-server/signatory/signatory.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { stubCrypto } from '../../src/testing/environments/stub-crypto.ts'
import { simulated, type MintQuote } from '../kits/mint-server-client.ts'

const of = (byte: number): Signatory => localSignatory({ seed: new Uint8Array(32).fill(byte), crypto: stubCrypto })

/** A signatory that can be exchanged, or be away. */
function changing(first: Signatory | undefined) {
  const now = { signatory: first, signed: 0 }
  const current = (): Signatory => {
    if (!now.signatory) throw new Error('nobody is there')
    return now.signatory
  }
  const port: Signatory = {
    publicKeys: async (...asked) => current().publicKeys(...asked),
    verify: async (...asked) => current().verify(...asked),
    async sign(...asked) {
      now.signed++
      return current().sign(...asked)
    },
  }
  return { now, port }
}

/** A clock whose steady reading is moved by hand. */
function steady() {
  const time = { monotonicMs: 1_000 }
  const clock = { ...systemClock, now: () => 1_800_000_000_000, monotonicMs: () => time.monotonicMs }
  return { time, clock }
}

/** A store whose keysets are those of the first signatory. */
async function founded() {
  const store = await memoryStore().open(mintSchema)
  const { mint } = await simulated({ store, signatory: of(1) })
  await mint.close()
  return store
}

test('a mint that found other keys goes on when the right signatory is back', async () => {
  const store = await founded()
  const { now, port } = changing(undefined)
  const { time, clock } = steady()
  const { client } = await simulated({ store, signatory: port, clock }, undefined, 1)
  const { quote } = await client.post<MintQuote>('/v1/mint/quote/bolt11', { amount: 8, unit: 'sat' })
  now.signatory = of(2)
  await expect(client.issue(quote, [8])).rejects.toThrow('other keys')
  now.signatory = of(1)
  // It is not asked at every request.
  await expect(client.issue(quote, [8])).rejects.toThrow('other keys')
  time.monotonicMs += 2_000
  expect(await client.issue(quote, [8])).toHaveLength(1)
})

test('a replica that never met the right signatory holds no quote, and another issues it', async () => {
  const store = await founded()
  const { now, port } = changing(undefined)
  const wrong = await simulated({ store, signatory: port }, undefined, 1)
  const right = await simulated({ store, signatory: of(1) }, undefined, 2)
  const { quote } = await wrong.client.post<MintQuote>('/v1/mint/quote/bolt11', { amount: 8, unit: 'sat' })
  await expect(wrong.client.issue(quote, [8])).rejects.toThrow('nobody is there')
  now.signatory = of(2)
  await expect(wrong.client.issue(quote, [8])).rejects.toThrow('other keys')
  expect(now.signed).toBe(0)
  expect(await store.query({ table: 'operations' })).toEqual([])
  await right.client.keyset()
  right.client.blind([1], 'used by the other')
  expect(await right.client.issue(quote, [8])).toHaveLength(1)
})

test('a signatory that shows one key and signs with another is found out before anything is given out', async () => {
  const reported = vi.fn<(error: unknown) => void>()
  vi.stubGlobal('reportError', reported)
  try {
    const store = await founded()
    const honest = of(1)
    const { now, port } = changing({ ...honest, sign: async (outputs) => of(2).sign(outputs.map(({ key: _, ...rest }) => rest)) }) // prettier-ignore
    const { client, mint, pass } = await simulated({ store, signatory: port, waitMs: 20 }, undefined, 1)
    const { quote } = await client.post<MintQuote>('/v1/mint/quote/bolt11', { amount: 8, unit: 'sat' })
    await expect(client.issue(quote, [8])).rejects.toThrow('longer than the wallet will wait')
    expect(reported.mock.calls).toEqual([[expect.any(WrongSignatures)]])
    expect(await store.query({ table: 'signatures' })).toMatchObject([{ C_: null }])
    // What comes now is not even begun, and is told why.
    const other = await client.post<MintQuote>('/v1/mint/quote/bolt11', { amount: 4, unit: 'sat' })
    await expect(client.issue(other.quote, [4])).rejects.toThrow(WrongSignatures)
    expect(await store.query({ table: 'operations' })).toHaveLength(1)

    now.signatory = honest
    pass(60_000)
    const missing = async (): Promise<number> =>
      (await store.query({ table: 'signatures' })).filter(({ C_ }) => C_ === null).length
    await expect.poll(missing).toBe(0)
    expect(await client.issue(other.quote, [4])).toHaveLength(1)
    expect((await mint.balanceSheet()).units['sat']!.outstanding).toBe(12)
  } finally {
    vi.unstubAllGlobals()
  }
})

test('one that begins to lie later is found out after some signatures', async () => {
  const reported = vi.fn<(error: unknown) => void>()
  vi.stubGlobal('reportError', reported)
  try {
    const honest = of(1)
    const { now, port } = changing(honest)
    const { client, mint } = await simulated({ store: await founded(), signatory: port, waitMs: 20 }, undefined, 1)
    await client.mint([1])
    now.signatory = { ...honest, sign: async (outputs) => of(2).sign(outputs.map(({ key: _, ...rest }) => rest)) } // prettier-ignore
    const { id } = await client.keyset()
    let given = 0
    for (; reported.mock.calls.length === 0; given++) {
      const { quote } = await client.post<MintQuote>('/v1/mint/quote/bolt11', { amount: 1, unit: 'sat' })
      const outputs = client.blind([1], id).map(({ message }) => message)
      await mint.handle('POST', '/v1/mint/bolt11', JSON.stringify({ quote, outputs })).catch(() => {})
    }
    expect(given).toBeLessThanOrEqual(32)
  } finally {
    vi.unstubAllGlobals()
  }
})

/**
 * Goal: of requests that want the same at the same moment one is carried out, and nobody is left in the middle. Method:
 * two mints on one store, of which fast-check says in what order each read and each commit gets its turn.
 */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codes } from '../../src/cashu/codes.ts'
import { mintSchema } from '../../src/mint-server/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/port.ts'
import { stubCrypto } from '../../src/testing/environments/stub-crypto.ts'
import { blanksOf, issueBody, key, meltQuote, messages, mintQuote, outputsOf, paid } from '../kits/mint-protocol-kit.ts'
import { client, simulated, sum, type Client, type MeltQuote, type Output, type Proof, type Simulated } from '../kits/mint-server-client.ts' // prettier-ignore

interface Request {
  readonly path: string
  readonly body: object
}
interface World extends Simulated {
  readonly outputs: (amount: number) => Promise<Output[]>
}

interface Two {
  readonly world: World
  /** Sends all at one moment, to one mint and the other in turn, and gives the answers' codes; 0 is no refusal. */
  readonly race: (requests: readonly Request[]) => Promise<number[]>
  readonly close: () => Promise<unknown>
}

/** Two mints of which every access to the store waits for its turn, once they are `held`. */
async function two(scheduler: fc.Scheduler): Promise<Two> {
  const rows = await memoryStore().open(mintSchema)
  let isHeld = false
  const turns = (inner: Store): Store => {
    const waits = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => {
      const scheduled = scheduler.scheduleFunction(call)
      return (...args: A): Promise<R> => (isHeld ? scheduled(...args) : call(...args))
    }
    return {
      ...inner,
      get: waits((...of: Parameters<Store['get']>) => inner.get(...of)) as Store['get'],
      query: waits((...of: Parameters<Store['query']>) => inner.query(...of)) as Store['query'],
      commit: waits((...of: Parameters<Store['commit']>) => inner.commit(...of)),
    }
  }
  const first = await simulated({ store: turns(rows) })
  const second = await simulated({ store: turns(rows) }, undefined, 1)
  const world: World = { ...first, outputs: async (amount) => messages(await outputsOf(first.client, amount)) }
  return {
    world,
    async race(requests) {
      isHeld = true
      const sent = requests.map(({ path, body }, at) =>
        [first, second][at % 2]!.mint.handle('POST', path, JSON.stringify(body)),
      )
      const answers = await scheduler.waitFor(Promise.all(sent))
      isHeld = false
      await scheduler.waitIdle()
      return answers.map(({ status, body }) => (status === 200 ? 0 : (JSON.parse(body) as { code: number }).code))
    },
    close: () => Promise.all([first.mint.close(), second.mint.close()]),
  }
}

/** In any order of turns. */
const always = (prove: (both: Two) => Promise<void>): Promise<void> =>
  fc.assert(
    fc.asyncProperty(fc.scheduler(), async (scheduler) => {
      const both = await two(scheduler)
      await prove(both)
      await both.close()
    }),
    { numRuns: 40, seed: 13 },
  )

const winners = (told: readonly number[]): number => told.filter((code) => code === 0).length
const losers = (told: readonly number[]): number[] => told.filter((code) => code !== 0)
const swap = (inputs: readonly Proof[], outputs: readonly Output[]): Request => ({ path: '/v1/swap', body: { inputs, outputs } }) // prettier-ignore

/** All ecash that there is can be used, and adds up. */
async function sound({ mint, client: wallet }: World, proofs: readonly Proof[]): Promise<void> {
  const states = await wallet.states(proofs)
  expect(states).not.toContain('PENDING')
  const left = proofs.filter((_, at) => states[at] === 'UNSPENT')
  const { received, outstanding, paidOut, kept, pending } = (await mint.balanceSheet()).units['sat']!
  expect({ pending, received }).toEqual({ pending: 0, received: outstanding + paidOut + kept })
  expect(left.length > 0 ? sum(await wallet.swap(left)) : 0).toBe(sum(left))
}

describe('at the same moment', () => {
  test('the same output, in swaps of other inputs', () =>
    always(async ({ world, race }) => {
      const proofs = await world.client.mint([8, 8, 8])
      const outputs = await world.outputs(8)
      const told = await race(proofs.map((proof) => swap([proof], outputs)))
      expect(winners(told)).toBe(1)
      for (const code of losers(told)) expect([codes.outputsPending, codes.alreadySigned]).toContain(code)
      expect(await world.client.post<{ signatures: object[] }>('/v1/restore', { outputs })).toMatchObject({ signatures: [{}] }) // prettier-ignore
      await sound(world, proofs)
    }))

  test('the same output, in a swap, an issue and the change of a melt', () =>
    always(async ({ world, race }) => {
      const proofs = await world.client.mint([8, 16])
      const { quote } = await paid(world, await mintQuote(world, 'bolt11', { amount: 8 }))
      const melt = await meltQuote(world, 6)
      const outputs = await world.outputs(8)
      const told = await race([
        swap([proofs[0]!], outputs),
        { path: '/v1/mint/bolt11', body: { quote, outputs } },
        { path: '/v1/melt/bolt11', body: { quote: melt.quote, inputs: [proofs[1]], outputs } },
      ])
      expect(winners(told)).toBe(1)
      for (const code of losers(told)) expect([codes.outputsPending, codes.alreadySigned]).toContain(code)
      await sound(world, proofs)
    }))

  test('the same inputs, in swaps and melts', () =>
    always(async ({ world, race }) => {
      const proofs = await world.client.mint([16])
      const melts = [await meltQuote(world, 8), await meltQuote(world, 8)]
      const told = await race([
        swap(proofs, await world.outputs(16)),
        ...melts.map(({ quote }) => ({ path: '/v1/melt/bolt11', body: { quote, inputs: proofs } })),
        swap(proofs, await world.outputs(16)),
      ])
      expect(winners(told)).toBe(1)
      for (const code of losers(told)) expect([codes.proofsPending, codes.alreadySpent]).toContain(code)
      expect(Object.values((await world.mint.balanceSheet()).payments).length).toBe(
        told[1] === 0 || told[2] === 0 ? 1 : 0,
      )
      await sound(world, proofs)
    }))

  test('one quote, issued alone and in batches', () =>
    always(async ({ world, race }) => {
      const quotes = [await mintQuote(world, 'bolt11', { amount: 8 }), await mintQuote(world, 'bolt11', { amount: 8 })]
      const ids = quotes.map(({ quote }) => quote)
      const batch = async (of: string[]) => ({ path: '/v1/mint/bolt11/batch', body: { quotes: of, outputs: await world.outputs(16) } }) // prettier-ignore
      const alone = async (quote: string) => ({ path: '/v1/mint/bolt11', body: { quote, outputs: await world.outputs(8) } }) // prettier-ignore
      const told = await race([await batch(ids), await alone(ids[0]!), await batch(ids.toReversed()), await alone(ids[1]!)]) // prettier-ignore
      const { received, outstanding, unissued } = (await world.mint.balanceSheet()).units['sat']!
      expect({ received, all: outstanding + unissued }).toEqual({ received: outstanding, all: 16 })
      expect(winners(told)).toBeGreaterThan(0)
      for (const code of losers(told)) expect([codes.quotePending, codes.quoteIssued]).toContain(code)
    }))

  test('an offer that is paid, issued and paid by the mint itself', () =>
    always(async ({ world, race }) => {
      const { client: wallet, backend } = world
      const offer = await mintQuote(world, 'bolt12', { pubkey: stubCrypto.publicKey(key(1)) })
      await paid(world, offer, 8)
      const inputs = await wallet.mint([4])
      const { quote } = await wallet.post<MeltQuote>('/v1/melt/quote/bolt12', {
        ...{ request: offer.request, unit: 'sat', options: { amountless: { amount_msat: 4000 } } },
      })
      const issue = async (amount: number) => ({ path: '/v1/mint/bolt12', body: issueBody(offer.quote, await world.outputs(amount), key(1)) }) // prettier-ignore
      const told = await race([
        await issue(5),
        { path: '/v1/melt/bolt12', body: { quote, inputs } },
        await issue(3),
        { path: '/v1/mint/quote/bolt12/check', body: { quotes: [offer.quote] } },
      ])
      await backend.settle(backend.decode('bolt12', offer.request)!.requestId, 2)
      expect([told[1], told[3]]).toEqual([0, 0])
      const after = await wallet.get<{ amount_paid: number; amount_issued: number }>(`/v1/mint/quote/bolt12/${offer.quote}`) // prettier-ignore
      expect(after).toMatchObject({ amount_paid: 14, amount_issued: (told[0] === 0 ? 5 : 0) + (told[2] === 0 ? 3 : 0) })
      await wallet.post('/v1/mint/bolt12', (await issue(14 - after.amount_issued)).body)
      await sound(world, inputs)
    }))

  test('a new keyset and outputs for the old one', () =>
    always(async ({ world, race }) => {
      const proofs = await world.client.mint([8, 8])
      const rotated = world.mint.rotate('sat')
      const told = await race(await Promise.all(proofs.map(async (proof) => swap([proof], await world.outputs(8)))))
      await rotated
      for (const code of losers(told)) expect(code).toBe(codes.keysetInactive)
      await sound(world, proofs)
    }))

  test('blanks of one wallet in two melts', () =>
    always(async ({ world, race }) => {
      const proofs = await world.client.mint([16, 16])
      const melts = [await meltQuote(world, 8), await meltQuote(world, 8)]
      const outputs = messages(await blanksOf(world.client, 3))
      const told = await race(
        melts.map(({ quote }, at) => ({ path: '/v1/melt/bolt11', body: { quote, inputs: [proofs[at]], outputs } })),
      )
      expect(winners(told)).toBe(1)
      for (const code of losers(told)) expect([codes.outputsPending, codes.alreadySigned]).toContain(code)
      await sound(world, proofs)
    }))
})

test('a wallet reads what the other mint wrote', async () => {
  const store = await memoryStore().open(mintSchema)
  const [first, second] = [await simulated({ store }), await simulated({ store }, undefined, 1)]
  const proofs = await first.client.mint([8])
  const other: Client = client((...request) => second.mint.handle(...request), stubCrypto)
  await other.keyset()
  expect(await other.states(proofs)).toEqual(['UNSPENT'])
  await first.client.swap(proofs)
  expect(await other.states(proofs)).toEqual(['SPENT'])
})

/**
 * Goal: a restore brings back what can be had now, names what cannot, and ends. Method: keysets whose keys are missing or
 * that the mint refuses, mints that lack NUT-07 or NUT-09, and small limits. Over HTTP, on SQLite, with true crypto where
 * what is restored is looked at closely.
 */
import { describe, expect, test } from 'vitest'
import type { Dialect } from '../../src/testing/faults/dialects.ts'
import {
  bench,
  eventually,
  failure,
  forged,
  money,
  plain,
  type Answer,
  type Bench,
  type Opened,
} from '../kits/wallet-kit.ts'

/** Another file with the seed of alice: nothing is in it. */
async function heir(on: Bench, dialect: Dialect = {}, factor = 200, name = 'heir'): Promise<Opened> {
  const seed = Uint8Array.from({ length: 64 }, (_, at) => 'alice'.charCodeAt(at % 5) + at)
  const process = await on.open(name, { seed, factor })
  process.wire.dialect = dialect
  await process.wallet.mints.trust(on.mintUrl)
  return process
}

const restoring = ({ wallet }: Opened, { mintUrl }: Bench) => wallet.restore.prepare({ mintUrl })

describe('one keyset that cannot be had', () => {
  test.each([404, 500, 'other', 'empty'] as const)(
    'keys answered with %s: the rest is restored, the one named',
    async (how) => {
      const on = await bench({ stub: true })
      await on.server.mint.rotate('sat')
      await on.funded(800)
      const process = await heir(on, { keysMissing: { keyset: 'first', how } })
      const restore = await restoring(process, on)
      const done = await restore.execute()
      expect([done.state, done.amount.toNumber(), (await money(process)).spendable]).toEqual(['incomplete', 800, 800])
      expect(done.unavailable).toEqual([{ keysetId: expect.any(String) as unknown, reason: expect.stringMatching(/key/) as unknown }]) // prettier-ignore
      expect(plain(await process.wallet.history.list())).toMatchObject([
        { status: 'done', state: 'incomplete', amount: '800' },
      ])
      expect(await process.wallet.operations.explain(restore.id)).toMatchObject({ needsHuman: false })
      // Later the keys can be had.
      process.wire.dialect = {}
      await process.wallet.operations.resume(restore.id)
      await eventually('it is restored', async () => (await restore.refresh()).state === 'restored')
      expect([restore.amount.toNumber(), restore.unavailable]).toEqual([800, []])
    },
  )

  test('and never will be: it is looked for so many times, and then that ends', async () => {
    const on = await bench({ stub: true })
    await on.server.mint.rotate('sat')
    await on.funded(800)
    const process = await heir(on, { keysMissing: { keyset: 'first', how: 404 } })
    const restore = await restoring(process, on)
    await restore.execute()
    let looks = 0
    await eventually('it ends', async () => {
      const { state } = await restore.refresh()
      if (state === 'incomplete') looks++
      if (state === 'incomplete') await process.wallet.operations.resume(restore.id)
      return state === 'restored'
    })
    expect(looks).toBeGreaterThan(1)
    expect([restore.amount.toNumber(), restore.unavailable.length]).toEqual([800, 1])
  })

  test('and has money: it comes when its keys can be had again, by itself', async () => {
    const on = await bench()
    const alice = await on.funded(33)
    await on.server.mint.rotate('sat')
    await alice.wallet.mints.refresh(on.mintUrl)
    await (await alice.wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 800 })).finished()
    const process = await heir(on, { keysMissing: { keyset: 'first', how: 404 } })
    const restore = await restoring(process, on)
    expect((await restore.execute()).amount.toNumber()).toBe(800)
    process.wire.dialect = {}
    await eventually('it is restored', async () => (await restore.refresh()).state === 'restored')
    expect([restore.amount.toNumber(), (await money(process)).spendable]).toEqual([833, 833])
  })

  test('that never can be: it is looked for again for a time, and then the restore ends with it named', async () => {
    const on = await bench({ stub: true })
    await on.server.mint.rotate('sat')
    await on.funded(8)
    const process = await heir(on, { keysMissing: { keyset: 'first', how: 404 } }, 20_000)
    const restore = await restoring(process, on)
    await restore.execute()
    await eventually('it ends', async () => (await restore.refresh()).state === 'restored')
    expect(restore.unavailable).toHaveLength(1)
    expect((await process.wallet.operations.get(restore.id)).status).toBe('done')
  })
})

describe('a mint that lacks what a restore needs', () => {
  test('NUT-09: it ends with a named error', async () => {
    const on = await bench({ stub: true })
    await on.funded(8)
    const process = await heir(on, { without: [9] })
    const restore = await restoring(process, on)
    expect(await failure(restore.execute())).toMatchObject({ code: 'UNSUPPORTED' })
    expect(plain(await process.wallet.history.list())).toMatchObject([{ status: 'failed', amount: '0' }])
  })

  test('NUT-07: what it signed is held, for it may be spent', async () => {
    const on = await bench({ stub: true })
    const { wallet } = await on.funded(8)
    await (await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [1] })).execute()
    const process = await heir(on, { without: [7] })
    const done = await (await restoring(process, on)).execute()
    expect(done.unavailable).toMatchObject([{ reason: expect.stringMatching(/NUT-07/) as unknown }])
    expect(await money(process)).toMatchObject({ spendable: 0, held: 16 })
    expect(done.amount.toNumber()).toBe(0)
    // Another restore, when it has it, sets free what is not spent.
    process.wire.dialect = {}
    const other = await (await restoring(process, on)).execute()
    expect(await money(process)).toMatchObject({ spendable: 8, held: 0 })
    expect(other.amount.toNumber()).toBe(8)
  })
})

test('a mint that refuses every batch for good ends it; what was refused is named', async () => {
  const on = await bench({ stub: true })
  await on.funded(8)
  const process = await heir(on)
  process.wire.plan = Array.from({ length: 8 }, () => [/restore/, { code: 0, detail: 'not for you' }])
  const restore = await restoring(process, on)
  expect(plain(await restore.execute())).toMatchObject({
    state: 'incomplete',
    amount: '0',
    unavailable: [{ reason: 'the mint refuses: not for you' }],
  })
  await process.wallet.operations.resume(restore.id)
  await eventually('it is restored', async () => (await restore.refresh()).state === 'restored')
  expect((await money(process)).spendable).toBe(8)
})

test('of a unit without keysets is refused by name', async () => {
  const on = await bench({ stub: true, units: ['usd'] })
  const { wallet } = await heir(on)
  expect(await failure(wallet.restore.prepare({ mintUrl: on.mintUrl }))).toMatchObject({ code: 'UNIT_UNKNOWN' })
})

test.each([1, 40])('finds all of it where there are %d keysets', async (count) => {
  const on = await bench({ stub: true })
  for (let made = 1; made < count; made++) await on.server.mint.rotate('sat')
  await on.funded(21)
  const restore = await restoring(await heir(on), on)
  expect((await restore.execute()).amount.toNumber()).toBe(21)
})

const asked = (most: number): NonNullable<Dialect['limits']> => ({
  inputs: most,
  outputs: most,
  states: most,
  restore: most,
})

test('of 1,100 coins of 1 sat, whatever the mint takes at once and says of it: all are restored', async () => {
  const on = await bench({ stub: true, amounts: [1] })
  const { wallet } = await on.open()
  await wallet.mints.trust(on.mintUrl)
  for (let minted = 0; minted < 1_100; minted += 100)
    await (await (await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 100 })).refresh()).finished()
  const dialects: readonly Dialect[] = [
    { limits: { restore: 40, states: 70 }, words: 'nutshell' },
    { limits: asked(100), tellsLimits: true },
    { limits: asked(1_000) },
  ]
  for (const [at, dialect] of dialects.entries()) {
    const process = await heir(on, dialect, 200, `heir ${at}`)
    const done = await (await restoring(process, on)).execute()
    expect(plain(done)).toMatchObject({ state: 'restored', amount: '1100', unavailable: [] })
    expect((await money(process)).spendable).toBe(1_100)
  }
})

test('some of whose signatures do not verify: the rest comes, the keyset is named, and asked about again', async () => {
  const on = await bench()
  await on.funded(7)
  const process = await heir(on)
  const spoilt = (body: Answer): Answer => {
    const [first, ...rest] = body.signatures ?? []
    return first ? { ...body, signatures: [...(forged({ signatures: [first] }).signatures ?? []), ...rest] } : body
  }
  process.wire.plan = Array.from({ length: 4 }, () => [/restore/, spoilt])
  const restore = await restoring(process, on)
  const done = await restore.execute()
  expect(plain(done)).toMatchObject({
    state: 'incomplete',
    unavailable: [{ reason: expect.stringMatching(/verify/) as unknown }],
  })
  expect(done.amount.toNumber()).toBeLessThan(7)
  await process.wallet.operations.resume(restore.id)
  await eventually('it is restored', async () => (await restore.refresh()).state === 'restored')
  expect([restore.amount.toNumber(), (await money(process)).spendable, restore.unavailable]).toEqual([7, 7, []])
})

/**
 * Goal: a wallet of many small coins can do everything at a mint that takes little at once. Method: the project's own mint
 * behind a dialect with limits; the wallet learns them, from the mint's info or from refusals.
 */
import { describe, expect, test } from 'vitest'
import { WORDS } from '../../src/testing/faults/dialect-words.ts'
import type { Dialect } from '../../src/testing/faults/dialects.ts'
import { bench, eventually, failure, money, reached, type Bench, type Opened } from '../kits/wallet-kit.ts'

const PORTION = 64

const limited = (most: number, more: Dialect = {}): Dialect => ({
  limits: { inputs: most, outputs: most, states: most, restore: most },
  ...more,
})

/** A mint, and a wallet with as many coins of 1, which from then on meets the dialect. */
async function ones(count: number, dialect: Dialect, name = 'alice'): Promise<{ on: Bench; process: Opened }> {
  const on = await bench({ stub: true })
  const process = await on.open(name)
  const { wallet, wire } = process
  await wallet.mints.trust(on.mintUrl)
  for (let left = count; left > 0; left -= PORTION) {
    const amount = Math.min(PORTION, left)
    const mint = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount })
    await mint.refresh()
    await mint.finished()
    const swap = await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: Array.from({ length: amount }, () => 1) })
    await swap.execute()
  }
  const { proofs } = await on.rows(name)
  if (proofs!.filter(({ state }) => state === 'spendable').length !== count) throw new Error('not all coins are of 1')
  wire.dialect = dialect
  return { on, process }
}

const nothingElse = { reserved: 0, outstanding: 0, held: 0 }

describe('at a mint that takes 20 of each at once', () => {
  for (const words of WORDS)
    test(`and refuses more in the words of ${words}, 90 coins are swapped in rounds`, async () => {
      const { on, process } = await ones(90, limited(20, { words }))
      const { wallet, wire } = process
      const swap = await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [64] })
      await swap.execute()
      const { proofs } = await on.rows()
      expect(proofs!.filter(({ state, amount }) => state === 'spendable' && amount === 64)).toHaveLength(1)
      expect(await money({ wallet })).toEqual({ spendable: 90, ...nothingElse })
      // What was learnt is kept: the next one begins with it.
      const before = wire.count(/swap$/)
      const [mint] = (await on.rows())['mints']!
      expect((mint!['limits'] as { inputs: number }).inputs).toBeLessThanOrEqual(20)
      await (await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [1] })).execute()
      expect(wire.count(/swap$/)).toBe(before + 1)
    })

  test('and says so in its info, no request is refused', async () => {
    const { on, process } = await ones(90, limited(20, { tellsLimits: true }))
    const { wallet, wire } = process
    await wallet.mints.refresh(on.mintUrl)
    let refused = 0
    wire.plan = []
    const swap = await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [64] })
    wallet.on('operation', ({ state }) => void (/checking|refreshing/.test(state) && refused++))
    await swap.execute()
    expect(refused).toBe(0)
  })
})

test('5,000 coins of 1 are sent, received, reclaimed and restored, 100 at once', async () => {
  const { on, process } = await ones(5_000, limited(100, { words: 'cdk' }))
  const { wallet } = process
  const send = await wallet.send.prepare({ mintUrl: on.mintUrl, amount: 3_000 })
  const { token } = await send.execute()
  expect(await money({ wallet })).toEqual({ spendable: 2_000, reserved: 0, outstanding: 3_000, held: 0 })
  const bob = await on.open('bob')
  bob.wire.dialect = limited(20)
  await bob.wallet.mints.trust(on.mintUrl)
  await (await bob.wallet.receive.prepare({ token })).execute()
  expect(await money(bob)).toEqual({ spendable: 3_000, ...nothingElse })
  // A token of more proofs than the mint takes at once is taken back in rounds, too.
  const exact = await wallet.send.prepare({ mintUrl: on.mintUrl, amount: 60 })
  await exact.execute()
  process.wire.dialect = limited(25, { words: 'cdk' })
  await exact.reclaim()
  expect(await money({ wallet })).toMatchObject({ spendable: 2_000, reserved: 0 })
  const again = await on.open('alice again', { seed: seedOf('alice') })
  again.wire.dialect = limited(100)
  await again.wallet.mints.trust(on.mintUrl)
  await (await again.wallet.restore.prepare({ mintUrl: on.mintUrl })).execute()
  expect(await money(again)).toMatchObject({ spendable: 2_000 })
}, 120_000)

test('1,101 coins of 1 are swapped and sent at a mint that takes 1,000 at once, as Nutshell does', async () => {
  const { on, process } = await ones(1_101, limited(1_000, { words: 'nutshell' }))
  const { wallet } = process
  await (await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [1_024] })).execute()
  expect(await money({ wallet })).toEqual({ spendable: 1_101, ...nothingElse })
  const send = await wallet.send.prepare({ mintUrl: on.mintUrl, amount: 1_101 })
  await send.execute()
  await send.reclaim()
  expect(await money({ wallet })).toEqual({ spendable: 1_101, ...nothingElse })
}, 60_000)

const seedOf = (name: string): Uint8Array =>
  Uint8Array.from({ length: 64 }, (_, at) => name.charCodeAt(at % name.length) + at)

test('a wallet that is killed between rounds has all of its money, and goes on', async () => {
  const { on, process } = await ones(90, limited(20))
  const { wallet } = process
  const swap = await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [64] })
  const states: string[] = []
  let rounds = 0
  wallet.on('operation', ({ kind, state }) => {
    states.push(`${kind} ${state}`)
    if (kind === 'swap' && state === 'exchanging.swapping' && ++rounds === 4) process.drop()
  })
  void swap.execute().catch(() => {})
  await eventually('four rounds', () => rounds >= 4)
  const after = await on.open()
  after.wire.dialect = limited(20)
  expect((await money(after)).spendable + (await money(after)).reserved).toBe(90)
  const done = await after.wallet.operations.get(swap.id)
  if (done?.state !== 'swapped') await reached(after, 'swap', 'swapped')
  expect(await money(after)).toEqual({ spendable: 90, ...nothingElse })
})

test('a mint that takes too little for any round is named, and the inputs are free again', async () => {
  const { on, process } = await ones(90, limited(1))
  const { wallet } = process
  const swap = await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [64] })
  expect(await failure(swap.execute())).toMatchObject({ code: 'TOO_LARGE' })
  expect(await money({ wallet })).toEqual({ spendable: 90, ...nothingElse })
})

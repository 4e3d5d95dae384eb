/**
 * Goal: a wallet that goes on from an old copy of its store, whose counters the mint has signed long since, does everything
 * and loses nothing. Method: the copy of a closed file; the original goes on alone; afterwards a restore from the seed
 * counts all that there is.
 */
import { copyFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { bench, money, type Bench, type Opened } from '../kits/wallet-kit.ts'

const seed = Uint8Array.from({ length: 64 }, (_, at) => 'alice'.charCodeAt(at % 5) + at)

const next = async (on: Bench, name: string): Promise<number> =>
  (await on.rows(name))['counters']![0]!['next'] as number

async function minted(on: Bench, { wallet }: Opened, amount: number): Promise<void> {
  const mint = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount })
  await mint.refresh()
  await mint.finished()
}

/** A store whose counters are so far behind what the mint has signed for the seed, and whose coins are good. */
async function backup(on: Bench, behind: number): Promise<Opened> {
  const { wallet } = await on.funded(255)
  await wallet.close()
  copyFileSync(on.path('alice'), on.path('backup'))
  const original = await on.open('alice')
  while ((await next(on, 'alice')) < (await next(on, 'backup')) + behind) await minted(on, original, 2047)
  await original.wallet.close()
  return on.open('backup', { seed, factor: 2_000 })
}

test('a backup that is 450 counters behind mints, swaps, receives and pays at once; nothing is lost', async () => {
  const on = await bench({ stub: true })
  const { mintUrl } = on
  const process = await backup(on, 450)
  const bob = await on.funded(64, 'bob')
  const { wallet } = process
  const { token } = await (await bob.wallet.send.prepare({ mintUrl, amount: 21 })).execute()
  const [mint, swap, receive, melt] = await Promise.all([
    wallet.mint.prepare({ mintUrl, amount: 31 }),
    wallet.swap.prepare({ mintUrl, amounts: [32, 16, 8] }),
    wallet.receive.prepare({ token }),
    wallet.melt.prepare({ mintUrl, request: on.invoice(100) }),
  ])
  const ends = await Promise.all([mint.finished(), swap.execute(), receive.execute(), melt.execute()])
  expect(ends.map(({ state }) => state)).toEqual(['issued', 'swapped', 'received', 'paid'])
  expect(await wallet.operations.list({ status: 'active' })).toEqual([])
  expect(await money(process)).toEqual({
    spendable: 255 + 31 + 21 - 100 - ends[3].fee.toNumber(),
    reserved: 0,
    outstanding: 0,
    held: 0,
  })
  const heir = await on.open('heir', { seed })
  await heir.wallet.mints.trust(mintUrl)
  await (await heir.wallet.restore.prepare({ mintUrl })).execute()
  expect((await money(heir)).spendable + (await money(bob)).spendable).toBe(await on.outstanding())
}, 120_000)

test('where the mint takes a hundred proofs of one output each, it mints all the same', async () => {
  const on = await bench({ stub: true, amounts: [1] })
  const { wallet } = await on.funded(100)
  await wallet.close()
  copyFileSync(on.path('alice'), on.path('backup'))
  const original = await on.open('alice')
  for (let times = 0; times < 5; times++) await minted(on, original, 90)
  const process = await on.open('backup', { seed, factor: 2_000 })
  await minted(on, process, 100)
  expect((await money(process)).spendable).toBe(200)
}, 120_000)

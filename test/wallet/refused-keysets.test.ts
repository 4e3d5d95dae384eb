/**
 * Goal: coins of a keyset that the mint does not take any more are held, named, and in nobody's way; they come back when
 * it takes them again. Method: the project's own mint behind a dialect in which one keyset is dead.
 */
import { describe, expect, test } from 'vitest'
import { codes } from '../../src/cashu/codes.ts'
import type { Dialect } from '../../src/testing/faults/dialects.ts'
import { bench, failure, money, type Bench, type Opened } from '../kits/wallet-kit.ts'

const HOUR_MS = 3_600_000
const nothingElse = { reserved: 0, outstanding: 0 }

const dead = (code: NonNullable<Dialect['dead']>['code'], more: Dialect = {}): Dialect => ({
  ...more,
  dead: { keyset: 'first', code },
})

/** Four coins of 2 of the mint's first keyset, and as many of its second. */
async function halves(): Promise<{ on: Bench; process: Opened }> {
  const on = await bench({ stub: true })
  const process = await on.funded(8)
  const { wallet } = process
  const twos = async (): Promise<void> => {
    await (await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [2, 2, 2, 2] })).execute()
  }
  await twos()
  await on.server.mint.rotate('sat')
  await wallet.mints.refresh(on.mintUrl)
  const mint = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 8 })
  await mint.refresh()
  await mint.finished()
  return { on, process }
}

describe.each([
  ['12001', dead(codes.keysetUnknown)],
  ['12003, in the words of cdk', dead(codes.keysetExpired, { words: 'cdk' })],
  ['12003 with HTTP 500', dead(codes.keysetExpired, { words: 'coded500' })],
  ['a text', dead(codes.proofInvalid, { words: 'text' })],
])('where the mint refuses half of the coins with %s', (_, dialect) => {
  test('a swap is made of the others', async () => {
    const { on, process } = await halves()
    const { wallet, wire } = process
    wire.dialect = dialect
    await (await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [1, 1] })).execute()
    expect(await money(process)).toEqual({ spendable: 8, held: 8, ...nothingElse })
    const [known] = await wallet.mints.list()
    expect(known!.keysets.map(({ reason }) => reason?.split(':')[0])).toContain('KEYSET_REFUSED')
    // Once it knows, nothing is refused any more.
    const before = wire.count(/swap$/)
    await (await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [1] })).execute()
    expect(wire.count(/swap$/)).toBe(before + 1)
  })

  test('a send is made of the others', async () => {
    const { on, process } = await halves()
    process.wire.dialect = dialect
    const send = await process.wallet.send.prepare({ mintUrl: on.mintUrl, amount: 3 })
    await send.execute()
    expect(await money(process)).toEqual({ spendable: 5, held: 8, reserved: 0, outstanding: 3 })
  })

  test('what is more than the others are worth ends by name, and they are free', async () => {
    const { on, process } = await halves()
    process.wire.dialect = dialect
    const swap = await process.wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [8, 1] })
    expect(await failure(swap.execute())).toMatchObject({ code: 'KEYSET_REFUSED' })
    expect(await money(process)).toEqual({ spendable: 8, held: 8, ...nothingElse })
  })
})

// With HTTP 500 a payment counts as under way, and its inputs stay with it.
test.each([
  ['12001', dead(codes.keysetUnknown)],
  ['12003, in the words of cdk', dead(codes.keysetExpired, { words: 'cdk' })],
  ['a text', dead(codes.proofInvalid, { words: 'text' })],
])('where the mint refuses half of the coins with %s, a payment is made of the others', async (_, dialect) => {
  const { on, process } = await halves()
  process.wire.dialect = dialect
  const melt = await process.wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(3) })
  const { fee, state } = await melt.execute()
  expect(state).toBe('paid')
  expect(await money(process)).toMatchObject({ spendable: 5 - fee.toNumber(), held: 8, reserved: 0 })
})

test('they are tried again after an hour', async () => {
  const { on, process } = await halves()
  const { wallet, wire, clock } = process
  wire.dialect = dead(codes.keysetUnknown)
  await (await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [1, 1] })).execute()
  expect((await money(process)).held).toBe(8)
  wire.dialect = {}
  await wallet.mints.refresh(on.mintUrl)
  expect((await money(process)).held).toBe(8)
  clock.jump(HOUR_MS)
  await wallet.mints.refresh(on.mintUrl)
  expect(await money(process)).toEqual({ spendable: 16, held: 0, ...nothingElse })
  await (await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [8, 4, 2, 2] })).execute()
  expect(await money(process)).toEqual({ spendable: 16, held: 0, ...nothingElse })
})

test('of a token with such coins the others come, and the rest is named', async () => {
  const { on, process } = await halves()
  const send = await process.wallet.send.prepare({ mintUrl: on.mintUrl, amount: 16 })
  const { token } = await send.execute()
  const bob = await on.open('bob')
  await bob.wallet.mints.trust(on.mintUrl)
  bob.wire.dialect = dead(codes.keysetUnknown)
  const receive = await bob.wallet.receive.prepare({ token })
  await receive.execute()
  expect(receive.state).toBe('receivedPartly')
  expect(receive.amount.toNumber()).toBe(8)
  expect(await money(bob)).toEqual({ spendable: 8, held: 0, ...nothingElse })
})

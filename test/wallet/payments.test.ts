/**
 * Goal: a payment keeps to what its mint takes at once, pays whatever the wallet is made of, and gives nothing up that may
 * have been paid. Over HTTP, with the project's own mint speaking dialects.
 */
import { describe, expect, test } from 'vitest'
import { encodeToken, type TokenProof } from '../../src/cashu/codec.ts'
import type { Dialect } from '../../src/testing/faults/dialects.ts'
import { bench, eventually, failure, money, type Answer, type Bench, type Opened } from '../kits/wallet-kit.ts'

const PAYING = /POST \/v1\/melt\/bolt11/
const HOUR_MS = 3_600_000
const GETTING = /GET \/v1\/melt\/quote/

/** Somebody with another seed takes what the wallet has reserved. */
async function steal(on: Bench): Promise<void> {
  const thief = await on.open('thief', { seed: new Uint8Array(64).fill(9) })
  await thief.wallet.mints.trust(on.mintUrl)
  const rows = (await on.rows())['proofs']!.filter(({ state }) => state === 'reserved')
  const proofs = rows.map(({ keysetId, amount, secret, C }) => ({ id: keysetId, amount, secret, C }) as TokenProof)
  const token = encodeToken({ mintUrl: on.mintUrl, unit: 'sat', proofs })
  await (await thief.wallet.receive.prepare({ token })).execute()
}

/** A mint, and a wallet with as many coins of 1. */
async function ofOnes(count: number): Promise<{ on: Bench; process: Opened }> {
  const on = await bench({ stub: true })
  const process = await on.funded(count, 'alice', { factor: 20 })
  const { wallet } = process
  for (let left = count; left > 0; left -= 64)
    await (
      await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: Array<number>(Math.min(64, left)).fill(1) })
    ).execute()
  const coins = (await on.rows())['proofs']!.filter(({ state }) => state === 'spendable')
  expect([coins.length, new Set(coins.map(({ amount }) => amount)).size]).toEqual([count, 1])
  return { on, process }
}

const sums = async ({ wallet }: Pick<Opened, 'wallet'>) => {
  const { spendable, reserved } = await money({ wallet })
  return { spendable, reserved }
}

const HUNDRED = { inputs: 100, states: 100 }
const THOUSAND = { inputs: 1_000, outputs: 1_000, states: 1_000, restore: 1_000 }

describe('a payment at a mint that takes little at once', () => {
  const dialects: readonly (readonly [string, Dialect])[] = [
    ['and says so', { limits: HUNDRED, tellsLimits: true }],
    ['in the words of Nutshell', { limits: HUNDRED, words: 'nutshell' }],
    ['in the words of cdk', { limits: HUNDRED, words: 'cdk' }],
    ['in text alone', { limits: HUNDRED, words: 'text' }],
    ['with HTTP 500', { limits: HUNDRED, words: 'coded500' }],
    ['with HTTP 413', { limits: HUNDRED, oversize: 'entity' }],
  ]
  for (const [how, dialect] of dialects)
    test(`${how}: 180 coins of 1 pay 150, at most 100 at once`, async () => {
      const { on, process } = await ofOnes(180)
      const { wallet, wire } = process
      wire.dialect = dialect
      await wallet.mints.refresh(on.mintUrl)
      const melt = await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(150) })
      const paid = await melt.execute()
      await melt.finished()
      expect([paid.state, paid.amount.toNumber()]).toEqual(['paid', 150])
      expect(await sums(process)).toEqual({ spendable: await on.outstanding(), reserved: 0 })
      // The next one begins with what was learnt.
      const asked = wire.count(PAYING)
      await (await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(20) })).execute()
      expect(wire.count(PAYING)).toBe(asked + 1)
    })

  test('20 at once, said with HTTP 500: the first payment of 60 coins is made', async () => {
    const { on, process } = await ofOnes(60)
    const { wallet, wire } = process
    wire.dialect = { limits: { inputs: 20 }, words: 'coded500' }
    const melt = await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(40) })
    expect((await melt.execute()).state).toBe('paid')
    await melt.finished()
    expect(await sums(process)).toEqual({ spendable: await on.outstanding(), reserved: 0 })
    expect(wire.count(PAYING)).toBe(2)
  })

  test('and says so with HTTP 500, although it has paid, is not paid again', async () => {
    const { on, process } = await ofOnes(60)
    const { wallet, wire } = process
    wire.dialect = { limits: { inputs: 20 }, words: 'coded500' }
    wire.before = async (what, body) => {
      if (PAYING.test(what)) await fetch(`${on.mintUrl}/v1/melt/bolt11`, { method: 'POST', body: body ?? '' })
    }
    const melt = await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(40) })
    expect((await melt.execute()).state).toBe('paid')
    await melt.finished()
    expect(await sums(process)).toEqual({ spendable: await on.outstanding(), reserved: 0 })
    expect(wire.count(PAYING)).toBe(1)
  })

  test('1,101 coins of 1 pay 1,080, at most 1,000 at once', async () => {
    const { on, process } = await ofOnes(1_101)
    const { wallet, wire } = process
    wire.dialect = { limits: THOUSAND, words: 'nutshell' }
    const melt = await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(1_080) })
    await melt.execute()
    expect((await melt.finished()).state).toBe('paid')
    expect(await sums(process)).toEqual({ spendable: await on.outstanding(), reserved: 0 })
  }, 60_000)

  test('that signs two outputs at once gets two blank ones', async () => {
    const on = await bench({ stub: true, feeReserve: () => 2 })
    const process = await on.funded(64, 'alice', { factor: 20 })
    const { wallet, wire } = process
    wire.dialect = { limits: { outputs: 2 } }
    const melt = await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(61) })
    await melt.execute()
    expect((await melt.finished()).state).toBe('paid')
    expect(await sums(process)).toEqual({ spendable: await on.outstanding(), reserved: 0 })
  })
})

describe('where all inputs are spent, and the mint says that it has not paid', () => {
  const unpaid = (body: Answer): Answer => ({ ...body, state: 'UNPAID', payment_preimage: null, change: undefined })

  test('a request without an answer is for a person to decide; given up, the inputs are written off', async () => {
    const on = await bench({ stub: true })
    const process = await on.funded(64, 'alice', { factor: 20 })
    const { wallet, wire } = process
    const melt = await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(10) })
    await steal(on)
    wire.plan = [[PAYING, 'lost']]
    expect(await failure(melt.execute())).toMatchObject({ code: 'QUARANTINED' })
    const { state, why, needsHuman, takes } = await wallet.operations.explain(melt.id)
    expect([state, needsHuman]).toEqual(['spentQuarantined', true])
    expect(why).toMatch(/inputs are spent.*has not paid/)
    expect(takes).toEqual(expect.arrayContaining(['cancel', 'resume']))
    expect(await sums(process)).toEqual({ spendable: 0, reserved: 64 })
    await melt.cancel()
    expect(await failure(melt.finished())).toMatchObject({ code: 'SPENT_ELSEWHERE' })
    expect(await sums(process)).toEqual({ spendable: 0, reserved: 0 })
    expect(wire.count(PAYING)).toBe(1)
  })

  test('a mint that paid, and denies it for a while, is believed when it says so', async () => {
    const on = await bench({ stub: true })
    const process = await on.funded(64, 'alice', { factor: 20 })
    const { wallet, wire } = process
    const melt = await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(10) })
    wire.plan = [
      [PAYING, 'lost'],
      [GETTING, unpaid],
      [GETTING, unpaid],
    ]
    expect(await failure(melt.execute())).toMatchObject({ code: 'QUARANTINED' })
    await eventually('it is paid', async () => (await melt.refresh()).state === 'paid')
    expect(await sums(process)).toEqual({ spendable: await on.outstanding(), reserved: 0 })
  })
})

describe('a mint that knows the quote no more', () => {
  const forgotten = (times: number) =>
    Array.from({ length: times }, () => [GETTING, { code: 0, detail: 'quote not found' }] as const)

  test('and refuses to pay it: the inputs are given back', async () => {
    const on = await bench({ stub: true })
    const process = await on.funded(64, 'alice', { factor: 20 })
    const { wallet, wire } = process
    const melt = await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(10) })
    wire.plan = [[PAYING, { code: 0, detail: 'quote not found' }], ...forgotten(1)]
    expect(await failure(melt.execute())).toMatchObject({ code: 'REFUSED' })
    expect(await sums(process)).toEqual({ spendable: 64, reserved: 0 })
    expect(wire.count(PAYING)).toBe(1)
  })

  test('or keeps refusing to tell of it: so often in a row that is meant', async () => {
    const on = await bench({ stub: true })
    const process = await on.funded(64)
    const { wallet, wire } = process
    const melt = await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(10) })
    const refused = Array.from({ length: 40 }, () => [GETTING, { code: 0, detail: 'no' }] as const)
    wire.plan = [[PAYING, 'down'], ...refused]
    expect(await failure(melt.execute())).toMatchObject({ code: 'PAYMENT_FENCED' })
    expect(await sums(process)).toEqual({ spendable: 64, reserved: 0 })
  })

  test('and did not answer the request: the inputs are taken back, or are for a person to decide about', async () => {
    const on = await bench({ stub: true })
    const process = await on.funded(64, 'alice', { factor: 20 })
    const { wallet, wire } = process
    const { mintUrl } = on
    const lost = await wallet.melt.prepare({ mintUrl, request: on.invoice(10) })
    wire.plan = [[PAYING, 'down'], ...forgotten(2)]
    expect(await failure(lost.execute())).toMatchObject({ code: 'PAYMENT_FENCED' })
    expect(await sums(process)).toEqual({ spendable: 64, reserved: 0 })
    expect(wire.count(PAYING)).toBe(1)

    const paid = await wallet.melt.prepare({ mintUrl, request: on.invoice(10) })
    wire.plan = [[PAYING, 'lost'], ...forgotten(2)]
    expect(await failure(paid.execute())).toMatchObject({ code: 'QUARANTINED' })
    expect((await wallet.operations.explain(paid.id)).why).toMatch(/knows nothing of it/)
    await eventually('it is known again', async () => (await paid.refresh()).state === 'paid')
    expect((await sums(process)).spendable).toBe(await on.outstanding())
  })
})

describe('change', () => {
  test('of which there is none, for the fee is the whole reserve: the first answer is the end', async () => {
    const on = await bench({ stub: true, feeReserve: () => 1 })
    const { wallet, wire } = await on.funded(11, 'alice', { factor: 20 })
    wire.plan = [[PAYING, ({ change: _, ...body }: Answer) => body]]
    const paid = await (await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(10) })).execute()
    expect([paid.state, paid.fee.toNumber(), paid.owed.toNumber()]).toEqual(['paid', 1, 0])
    expect(wire.count(/restore/)).toBe(0)
  })

  test('is given by a mint whose info says nothing of it, or is not needed', async () => {
    for (const dialect of [{ without: [8], isSilent: true }, { info: 'missing' }] satisfies Dialect[]) {
      const on = await bench({ stub: true, feeReserve: () => 2 })
      const process = await on.open('alice', { factor: 20 })
      const { wallet, wire } = process
      wire.dialect = dialect
      await wallet.mints.trust(on.mintUrl)
      const mint = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 64 })
      await mint.refresh()
      await mint.finished()
      const melt = await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(10) })
      await melt.execute()
      const paid = await melt.finished()
      expect([paid.state, paid.fee.toNumber() <= 2]).toEqual(['paid', true])
      expect(await sums(process)).toEqual({ spendable: 64 - 10 - paid.fee.toNumber(), reserved: 0 })
    }
  })
})

test('a clock that is two hours slow changes nothing', async () => {
  const on = await bench({ stub: true })
  const process = await on.funded(64, 'alice', { factor: 20 })
  process.clock.jump(-2 * HOUR_MS)
  const melt = await process.wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(10) })
  const { timers } = await process.wallet.operations.explain(melt.id)
  const expiry = timers.find(({ name }) => name === 'quoteExpiry')!
  expect(expiry.inMs).toBeLessThan(2 * HOUR_MS)
  expect((await melt.execute()).state).toBe('paid')
})

test('a backup that is 450 counters old pays', async () => {
  const on = await bench({ stub: true })
  const { wallet } = await on.funded(256, 'alice', { factor: 20 })
  const { mintUrl } = on
  const [before] = (await on.rows())['counters']!
  while (((await on.rows())['counters']![0]!['next'] as number) < (before!['next'] as number) + 450)
    await (await wallet.swap.prepare({ mintUrl, amounts: Array<number>(60).fill(1) })).execute()
  await on.tamper((store) => store.commit([{ put: 'counters', row: before! }]))
  const melt = await wallet.melt.prepare({ mintUrl, request: on.invoice(100) })
  expect((await melt.execute()).state).toBe('paid')
  expect((await money({ wallet })).spendable).toBe(await on.outstanding())
})

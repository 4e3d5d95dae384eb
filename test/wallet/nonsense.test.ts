/**
 * Goal: what a mint answers with nonsense for ever comes to a person, with a true reason, and goes on by itself once the
 * mint answers well; a mint that does not answer is waited for. Over HTTP, on SQLite, with answers that a portal gives.
 */
import { expect, test } from 'vitest'
import { bench, eventually, failure, money, type Bench, type Fault, type Opened } from '../kits/wallet-kit.ts'

const SWAP = /POST \/v1\/swap/
const CHECK = /POST \/v1\/checkstate/
const RESTORE = /POST \/v1\/restore/
const PAYING = /POST \/v1\/melt\/bolt11/
const GETTING = /GET \/v1\/melt\/quote/
const NO = { code: 0, detail: 'not today' }
/** A list of wrong length. */
const emptied = (body: object): object => ({ ...body, states: [] })
/** More questions than any chart asks before it gives up. */
const MANY = 40

/** Answers to all questions of a kind, from the first on. */
const always = (what: RegExp, fault: Fault) => Array.from({ length: MANY }, () => [what, fault] as const)

async function swapped(plan: Opened['wire']['plan']) {
  const on = await bench({ stub: true })
  const process = await on.funded(64, 'alice', { factor: 2_000 })
  const { wallet, wire } = process
  const swap = await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [16, 16, 8] })
  wire.plan = plan
  return { on, process, swap, ended: swap.execute() }
}

const comesTo = async ({ wallet }: Opened, id: string, wanted: string) =>
  eventually(`it comes to ${wanted}`, async () => (await wallet.operations.get(id)).state === wanted)

const explained = async ({ wallet }: Opened, id: string) => {
  const { state, needsHuman, why } = await wallet.operations.explain(id)
  return { state, needsHuman, why }
}

const sums = async (on: Bench, process: Opened) => {
  const { spendable, reserved } = await money(process)
  return { spendable, reserved, outstanding: await on.outstanding() }
}

const sizeOf = async (on: Bench, id: string) =>
  JSON.stringify((await on.rows())['operations']?.find((row) => row['id'] === id)?.['snapshot']).length

for (const [how, question, fault, why] of [
  ['checks with a page', CHECK, 'portal', /answers make no sense where it is asked/],
  ['checks with a list of wrong length', CHECK, emptied, /answers make no sense where it is asked/],
  ['checks as if that were forbidden', CHECK, { status: 403 }, /refuses to say what became of an earlier request/],
  ['restores with a page', RESTORE, 'portal', /answers make no sense where it is asked/],
] as const)
  test(`a swap at a mint that answers ${how} comes to a person after eight, and goes on when the mint does`, async () => {
    const { on, process, swap, ended } = await swapped([[SWAP, NO], ...always(question, fault as Fault)])
    const { wire } = process
    await comesTo(process, swap.id, 'exchanging.blocked')
    expect(wire.count(question)).toBe(8)
    const explanation = await explained(process, swap.id)
    expect(explanation).toMatchObject({ state: 'exchanging.blocked', needsHuman: true })
    expect(explanation.why).toMatch(why)
    // Nobody resumes it: an hour later it asks again, eight times, and nothing grows.
    const sizes: number[] = []
    for (const questions of [16, 24]) {
      await eventually('it is asked again', () => wire.count(question) === questions)
      await comesTo(process, swap.id, 'exchanging.blocked')
      sizes.push(await sizeOf(on, swap.id))
    }
    expect(sizes[1]).toBe(sizes[0])
    wire.plan = []
    expect((await ended).state).toBe('swapped')
    expect(await sums(on, process)).toEqual({ spendable: 64, reserved: 0, outstanding: 64 })
  })

test('an outage is waited for, however long, and what came before it does not count', async () => {
  const bare = { status: 502 } as const
  const { on, process, swap, ended } = await swapped([
    [SWAP, NO],
    ...always(CHECK, 'portal').slice(0, 7),
    ...['down', bare, { status: 429 } as const].flatMap((fault) => always(CHECK, fault as Fault).slice(0, 8)),
    ...always(CHECK, 'portal').slice(0, 7),
  ])
  const seen = new Set<string>()
  process.wallet.on('operation', ({ id, state }) => void (id === swap.id && seen.add(state)))
  expect((await ended).state).toBe('swapped')
  expect([...seen].filter((state) => state.endsWith('blocked'))).toEqual([])
  expect(await sums(on, process)).toEqual({ spendable: 64, reserved: 0, outstanding: 64 })
})

const paying = async (plan: Opened['wire']['plan']) => {
  const on = await bench({ stub: true })
  const process = await on.funded(64, 'alice', { factor: 2_000 })
  const melt = await process.wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(10) })
  process.wire.plan = plan
  return { on, process, melt, ended: melt.execute() }
}

test('a payment behind a portal comes to a person, and goes on when the portal is gone', async () => {
  const { on, process, melt, ended } = await paying([[PAYING, 'lost'], ...always(/./, 'portal')])
  const { wire } = process
  await comesTo(process, melt.id, 'blocked')
  const { needsHuman, why } = await explained(process, melt.id)
  expect(needsHuman).toBe(true)
  expect(why).toMatch(/answers make no sense where it is asked what became of the payment/)
  wire.plan = []
  expect((await ended).state).toBe('paid')
  expect(await sums(on, process)).toMatchObject({ reserved: 0, spendable: await on.outstanding() })
  expect(wire.count(PAYING)).toBe(1)
})

test('a payment at a mint whose state checks make no sense is settled by what its quote says', async () => {
  const { on, process, ended } = await paying([[PAYING, 'lost'], ...always(CHECK, 'portal').slice(0, 8)])
  expect((await ended).state).toBe('paid')
  expect(process.wire.count(CHECK)).toBe(8)
  expect(await sums(on, process)).toMatchObject({ reserved: 0, spendable: await on.outstanding() })
})

test('a payment whose quote is answered with nonsense is not taken for unpaid', async () => {
  const { on, process, melt, ended } = await paying([[PAYING, 'lost'], ...always(GETTING, 'portal')])
  await comesTo(process, melt.id, 'blocked')
  process.wire.plan = []
  expect((await ended).state).toBe('paid')
  expect(await sums(on, process)).toMatchObject({ reserved: 0, spendable: await on.outstanding() })
})

test('a payment that was taken back, and is asked about in vain, comes to a person, and ends by itself', async () => {
  const { on, process, melt, ended } = await paying([
    [PAYING, 'down'],
    [PAYING, 'down'],
    [SWAP, (body) => body],
    ...always(GETTING, 'portal'),
  ])
  const { wire } = process
  const failed = failure(ended)
  await comesTo(process, melt.id, 'unconfirmed')
  const { needsHuman, why } = await explained(process, melt.id)
  expect(needsHuman).toBe(true)
  expect(why).toMatch(/answers make no sense where it is asked whether the payment was made/)
  expect(await sums(on, process)).toMatchObject({ spendable: 64, reserved: 0 })
  wire.plan = []
  expect(await failed).toMatchObject({ code: 'PAYMENT_FENCED' })
  expect(await sums(on, process)).toEqual({ spendable: 64, reserved: 0, outstanding: 64 })
})

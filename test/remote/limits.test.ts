/**
 * Goal: a far side does what `allow` says and nothing else, whichever way it tries. Method: each verb is taken away in turn, and every method
 * called; limits are tried at their edge, through other processes' operations, by many calls at once, and after a restart.
 */
import { expect, test, vi } from 'vitest'
import { HardshellError, type Wallet } from '../../src/index.ts'
import { serveWallet, type Allow } from '../../src/remote/index.ts'
import { VERBS } from '../../src/remote/limits.ts'
import { table } from '../../src/remote/methods.ts'
import { bench, failure } from '../kits/wallet-kit.ts'
import { EVERYTHING, linked } from '../kits/remote-kit.ts'

/** One call of each method that needs no handle, by its name. */
const CALLS: Readonly<Record<string, (wallet: Wallet) => Promise<unknown>>> = {
  balances: (wallet) => wallet.balances(),
  'history.get': (wallet) => wallet.history.get('1'),
  'history.list': (wallet) => wallet.history.list(),
  'kv.get': (wallet) => wallet.kv.get({ key: 'a' }),
  'kv.set': (wallet) => wallet.kv.set({ key: 'a' }, 1),
  'kv.delete': (wallet) => wallet.kv.delete({ key: 'a' }),
  'kv.change': (wallet) => wallet.kv.change([{ key: 'a', value: 1 }]),
  'kv.list': (wallet) => wallet.kv.list(),
  'mints.get': (wallet) => wallet.mints.get('https://a.example'),
  'mints.list': (wallet) => wallet.mints.list(),
  'mints.refresh': (wallet) => wallet.mints.refresh('https://a.example'),
  'mints.trust': (wallet) => wallet.mints.trust('x'),
  'mints.distrust': (wallet) => wallet.mints.distrust('x'),
  'mints.rebind': (wallet) => wallet.mints.rebind('x', 'y'),
  'operations.list': (wallet) => wallet.operations.list(),
  'operations.get': (wallet) => wallet.operations.get('1'),
  'operations.explain': (wallet) => wallet.operations.explain('1'),
  'operations.export': (wallet) => wallet.operations.export('1'),
  'operations.resumed': (wallet) => wallet.operations.resumed(),
  'operations.resume': (wallet) => wallet.operations.resume('1'),
  'operations.cancel': (wallet) => wallet.operations.cancel('1'),
  ...Object.fromEntries(
    (['mint', 'melt', 'receive', 'restore', 'send', 'swap'] as const).map((kind) => [
      `${kind}.get`,
      (wallet: Wallet) => wallet[kind].get('1'),
    ]),
  ),
}

/** Whether a call ends as `NOT_ALLOWED`; any other end is one of the wallet's. */
async function isRefused(call: () => Promise<unknown>): Promise<boolean> {
  try {
    await call()
    return false
  } catch (error) {
    return error instanceof HardshellError && error.code === 'NOT_ALLOWED'
  }
}

test('without its verb no method answers, with it alone those of the verb do', async () => {
  const on = await bench({ stub: true })
  const { wallet } = await on.open()
  for (const verb of VERBS) {
    const { far } = await linked(wallet, { [verb]: true } as Allow)
    expect(far.allowed).toEqual([verb])
    const open: string[] = []
    for (const [name, call] of Object.entries(CALLS)) if (!(await isRefused(() => call(far)))) open.push(name)
    if (!(await isRefused(() => Promise.resolve(far.on('balance', () => {})())))) open.push('on')
    const own = Object.keys(CALLS).filter((name) => table.get(name)?.verb === verb)
    expect(open).toEqual(verb === 'events' ? ['on'] : own)
  }
  // What is called through handles is of the same verbs.
  expect([...table.keys()].filter((name) => !(name in CALLS))).toEqual(
    expect.arrayContaining(['send.execute', 'melt.payWithoutChange']),
  )
})

test('no key and no secret is given or taken, whatever is allowed', async () => {
  const on = await bench({ stub: true })
  const { wallet } = await on.funded(8)
  const { far } = await linked(wallet)
  const { mintUrl } = on
  expect(
    await failure(far.mint.prepare({ mintUrl, amount: 1, quoteId: 'a', privateKey: '11'.repeat(32) })),
  ).toMatchObject({
    code: 'NOT_ALLOWED',
  })
  const [operation] = await far.operations.list()
  expect(await failure(far.operations.export(operation!.id, { secrets: true }))).toMatchObject({ code: 'NOT_ALLOWED' })
})

test('upTo: one operation, its fee included; prepared by whomever; nothing stays reserved', async () => {
  const on = await bench({ stub: true, feePpk: 1000 })
  const { wallet } = await on.funded(1000)
  const { mintUrl } = on
  const { far } = await linked(wallet, { ...EVERYTHING, send: { upTo: 100 }, melt: { upTo: { sat: 100 } } })
  const exceeded = { code: 'LIMIT_EXCEEDED' }
  const fine = await far.send.prepare({ mintUrl, amount: 90 })
  expect(fine.asked.toNumber() + fine.fee.toNumber()).toBeLessThanOrEqual(100)
  await fine.execute()
  // The amount fits, and the fee does not.
  expect(await failure(far.send.prepare({ mintUrl, amount: 100 }))).toMatchObject(exceeded)
  expect(await failure(far.melt.prepare({ mintUrl, request: on.invoice(100) }))).toMatchObject(exceeded)
  expect((await far.operations.list({ state: 'prepared' })).length).toBe(0)

  // What the near side prepared is beyond reach, its token too; and is left as it is, also where its key is guessed.
  const large = await wallet.send.prepare({ mintUrl, amount: 300, key: 'rent' })
  expect(await failure(far.send.get(large.id))).toMatchObject({ ...exceeded, operationId: large.id })
  expect(await failure(far.send.prepare({ mintUrl, amount: 300, key: 'rent' }))).toMatchObject(exceeded)
  expect((await wallet.operations.get(large.id)).state).toBe('prepared')
  const { token } = await large.execute()
  expect(await failure(far.send.get(large.id))).toMatchObject(exceeded)
  expect(token.length).toBeGreaterThan(100)
  const bill = await wallet.melt.prepare({ mintUrl, request: on.invoice(200) })
  expect(await failure(far.melt.get(bill.id))).toMatchObject(exceeded)
  // Within the limits, another's operation is as good as one's own.
  const small = await wallet.send.prepare({ mintUrl, amount: 10 })
  expect((await (await far.send.get(small.id)).execute()).token).toMatch(/^cashuB/)
  const paid = await far.melt.prepare({ mintUrl, request: on.invoice(20) })
  expect((await paid.execute()).amount.toNumber()).toBe(20)
  // What it costs to pay without change nobody knows before.
  expect(await failure(paid.payWithoutChange())).toMatchObject({ code: 'NOT_ALLOWED' })
})

test('upTo does not take calls of handles by their id either', async () => {
  const on = await bench({ stub: true })
  const { wallet } = await on.funded(1000)
  const open = await linked(wallet)
  const { far } = open
  const large = await far.send.prepare({ mintUrl: on.mintUrl, amount: 300 })
  // The same handle, served again with a limit.
  open.stop()
  open.serve(wallet, { send: { upTo: 100 } })
  for (const call of [large.execute(), large.reclaim(), large.refresh(), large.finished(), large.cancel()])
    expect((await failure(call)).code).toMatch(/LIMIT_EXCEEDED|UNAVAILABLE/)
  for (const call of [() => large.execute(), () => large.reclaim(), () => large.refresh(), () => large.cancel()])
    expect(await failure(call())).toMatchObject({ code: 'LIMIT_EXCEEDED' })
  expect((await wallet.operations.get(large.id)).state).toBe('prepared')
})

test('a unit that is not named has no allowance', async () => {
  const on = await bench({ stub: true })
  const { wallet } = await on.funded(10)
  const { far } = await linked(wallet, { ...EVERYTHING, send: { upTo: { usd: 100 } } })
  expect(await failure(far.send.prepare({ mintUrl: on.mintUrl, amount: 1 }))).toMatchObject({ code: 'LIMIT_EXCEEDED' })
})

test('perDay: together, by many calls at once, after a restart, and for 24 hours', async () => {
  const on = await bench({ stub: true })
  const alice = await on.funded(1000)
  const { mintUrl } = on
  const allow: Allow = { ...EVERYTHING, send: { upTo: 40, perDay: 100 } }
  const { far } = await linked(alice.wallet, allow)
  /** Prepares and executes, and says what came of it. */
  const pay = async (wallet: Wallet): Promise<number> => {
    try {
      const send = await wallet.send.prepare({ mintUrl, amount: 30 })
      return (await send.execute()).amount.toNumber()
    } catch (error) {
      if (!(error instanceof HardshellError && error.code === 'LIMIT_EXCEEDED')) throw error
      return 0
    }
  }
  const sum = (amounts: readonly number[]): number => amounts.reduce((one, other) => one + other, 0)
  expect(await pay(far)).toBe(30)
  const atOnce = sum(await Promise.all(Array.from({ length: 12 }, () => pay(far))))
  expect(30 + atOnce).toBeLessThanOrEqual(100)
  let total = 30 + atOnce
  while (total + 30 <= 100) {
    expect(await pay(far)).toBe(30)
    total += 30
  }
  expect(await pay(far)).toBe(0)
  // What failed does not count, what came back does not either.
  const [token] = await far.operations.list({ kind: 'send', state: 'tokenCreated' })
  await (await far.send.get(token!.id)).reclaim()
  expect(await pay(far)).toBe(30)
  expect(await pay(far)).toBe(0)
  // Sends of the near side count, and are not held up. Their tokens are not shown, others are.
  const own = await (await alice.wallet.send.prepare({ mintUrl, amount: 31 })).execute()
  expect(await failure(far.send.get(own.id))).toMatchObject({ code: 'LIMIT_EXCEEDED' })
  const [, mine] = await far.operations.list({ kind: 'send', state: 'tokenCreated' })
  expect((await far.send.get(mine!.id)).token).toMatch(/^cashuB/)

  alice.drop()
  const again = await on.open()
  const { far: later } = await linked(again.wallet, allow)
  expect(await pay(later)).toBe(0)
  again.clock.jump(24 * 3600_000 + 60_000)
  expect(await pay(later)).toBe(30)
})

test('perDay: a payment whose quote is late is waited for by those after it', async () => {
  const on = await bench({ stub: true })
  const alice = await on.funded(1000)
  const { mintUrl } = on
  const { far } = await linked(alice.wallet, { ...EVERYTHING, melt: { perDay: 100 } })
  const hold = Promise.withResolvers<void>()
  const quotes: string[] = []
  alice.wire.before = async (what) => {
    if (!/melt\/quote/.test(what)) return
    quotes.push(what)
    if (quotes.length === 1) await hold.promise
  }
  const asked = far.melt.prepare({ mintUrl, request: on.invoice(70) })
  await vi.waitFor(() => expect(quotes.length).toBe(1))
  alice.clock.jump(1_000)
  const second = await far.melt.prepare({ mintUrl, request: on.invoice(70) })
  const executed = failure(second.execute())
  hold.resolve()
  const first = await asked
  expect((await first.execute()).amount.toNumber()).toBe(70)
  expect(await executed).toMatchObject({ code: 'LIMIT_EXCEEDED', operationId: second.id })
})

test('kv: one namespace, and those within it', async () => {
  const on = await bench({ stub: true })
  const { wallet } = await on.open()
  const { far } = await linked(wallet, { kv: { primary: 'ui' } })
  await far.kv.set({ primary: 'ui', key: 'a' }, 1)
  await far.kv.set({ primary: 'ui', secondary: 'deep', key: 'a' }, 2)
  expect(await far.kv.list({ primary: 'ui' })).toEqual(['a'])
  for (const call of [
    far.kv.get({ key: 'a' }),
    far.kv.set({ primary: 'other', key: 'a' }, 1),
    far.kv.delete({ primary: 'other', key: 'a' }),
    far.kv.list(),
    far.kv.change([
      { primary: 'ui', key: 'b', value: 1 },
      { primary: 'other', key: 'b', value: 1 },
    ]),
  ])
    expect(await failure(call)).toMatchObject({ code: 'NOT_ALLOWED' })
  expect(await far.kv.list({ primary: 'ui' })).toEqual(['a'])
})

test.each<[string, unknown]>([
  ['allow: an object', undefined],
  ['sendd: not among', { sendd: true }],
  ['send: an object', { send: 'yes' }],
  ['balances: true', { balances: false }],
  ['mint: true', { mint: { upTo: 5 } }],
  ['upTO: not among', { send: { upTO: 5 } }],
  ['send.upTo: a whole number from 0', { send: { upTo: -1 } }],
  ['melt.perDay.sat: a whole number from 0', { melt: { perDay: { sat: 1.5 } } }],
  ['kv.primary: a text', { kv: {} }],
])('a wrong allow is refused: %s', async (message, allow) => {
  const on = await bench({ stub: true })
  const { wallet } = await on.open()
  const { port1 } = new MessageChannel()
  expect(() => serveWallet(wallet, port1, { allow: allow as Allow })).toThrow(message)
  port1.close()
})

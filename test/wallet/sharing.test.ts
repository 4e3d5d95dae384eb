/**
 * Goal: two wallets on one store never do a thing twice and never use a thing twice; what one has handled, the
 * other sees. Method: the same file is opened twice, each with a wire and a mind of its own, and both do the same.
 */
import { expect, test } from 'vitest'
import type { CounterRow, ProofRow } from '../../src/wallet/tables.ts'
import { bench, eventually, failure, money, type Bench, type Opened } from '../kits/wallet-kit.ts'

async function twice(amount: number): Promise<{ on: Bench; one: Opened; two: Opened }> {
  const on = await bench()
  return { on, one: await on.funded(amount), two: await on.open() }
}

test('each sees what the other has done: operations, money, history, tokens', async () => {
  const { on, one, two } = await twice(64)
  const send = await one.wallet.send.prepare({ mintUrl: on.mintUrl, amount: 21 })
  const { token } = await send.execute()
  const seen = await two.wallet.send.get(send.id)
  expect([seen.state, seen.version, seen.token]).toEqual(['tokenCreated', send.version, token])
  expect(await money(two)).toEqual({ spendable: 43, reserved: 0, outstanding: 21, held: 0 })
  expect((await two.wallet.history.list()).map(({ kind }) => kind)).toEqual(['send', 'mint'])
})

test('one prepares, the other executes, and the first hears of the end', async () => {
  const { on, one, two } = await twice(64)
  const swap = await one.wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [8] })
  const waiting = swap.finished()
  await (await two.wallet.swap.get(swap.id)).execute()
  expect((await waiting).state).toBe('swapped')
  expect(one.wire.count(/POST \/v1\/swap/) + two.wire.count(/POST \/v1\/swap/)).toBe(1)
})

test('a stale handle is told "somebody else handled it", and changes nothing', async () => {
  const { on, one, two } = await twice(64)
  const send = await one.wallet.send.prepare({ mintUrl: on.mintUrl, amount: 8 })
  const stale = await two.wallet.send.get(send.id)
  await send.cancel()
  expect(stale.state).toBe('prepared')
  const { version } = await one.wallet.operations.get(send.id)
  expect(await failure(stale.cancel())).toMatchObject({ code: 'INVALID_STATE' })
  expect(await failure(stale.execute())).toMatchObject({ code: 'CANCELLED' })
  expect((await one.wallet.operations.get(send.id)).version).toBe(version)
  expect(two.wire.requests).toEqual([])
})

test('both execute the same melt at the same moment: it is paid once', async () => {
  const { on, one, two } = await twice(64)
  const melt = await one.wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(20) })
  const other = await two.wallet.melt.get(melt.id)
  await Promise.all([melt.execute(), other.execute()])
  await eventually('it is paid', async () => (await one.wallet.operations.get(melt.id)).state === 'paid')
  const { payments } = await on.server.mint.balanceSheet()
  expect(Object.values(payments)).toEqual([{ attempts: 1, paid: 1 }])
  expect(one.wire.count(/POST \/v1\/melt\/bolt11/) + two.wire.count(/POST \/v1\/melt\/bolt11/)).toBe(1)
  expect((await money(one)).spendable).toBe(43)
  expect(await on.outstanding()).toBe(43)
})

test('both execute the same send at the same moment: one token', async () => {
  const { on, one, two } = await twice(64)
  const send = await one.wallet.send.prepare({ mintUrl: on.mintUrl, amount: 21 })
  const other = await two.wallet.send.get(send.id)
  const [a, b] = await Promise.all([send.execute(), other.execute()])
  expect(a.token).toBe(b.token)
  expect(await money(one)).toEqual({ spendable: 43, reserved: 0, outstanding: 21, held: 0 })
  expect(await on.outstanding()).toBe(64)
})

test('both spend from the same money: no proof is taken twice, no counter used twice', async () => {
  const { on, one, two } = await twice(0x3ff)
  const { mintUrl } = on
  const sends = await Promise.all(
    [one, two, one, two, one, two].map(async ({ wallet }, at) => {
      const send = await wallet.send.prepare({ mintUrl, amount: 5 + at })
      return send.execute()
    }),
  )
  expect(new Set(sends.map(({ token }) => token)).size).toBe(6)
  const { proofs, counters } = (await on.rows()) as unknown as { proofs: ProofRow[]; counters: CounterRow[] }
  const used = proofs.map(({ keysetId, counter }) => `${keysetId}/${counter}`)
  expect(new Set(used).size).toBe(used.length)
  expect(Math.max(...proofs.map(({ counter }) => counter!))).toBeLessThan(counters[0]!.next)
  const total = 5 + 6 + 7 + 8 + 9 + 10
  expect(await money(one)).toEqual({ spendable: 0x3ff - total, reserved: 0, outstanding: total, held: 0 })
  expect(await on.outstanding()).toBe(0x3ff)
})

test('of two that want the last coin one gets it', async () => {
  const { on, one, two } = await twice(64)
  const prepared = await Promise.allSettled(
    [one, two].map(({ wallet }) => wallet.send.prepare({ mintUrl: on.mintUrl, amount: 64 })),
  )
  expect(prepared.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  expect(prepared.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'INSUFFICIENT_FUNDS' } })
})

test('the same key in both makes one operation', async () => {
  const { on, one, two } = await twice(64)
  const sends = await Promise.all(
    [one, two, one].map(({ wallet }) => wallet.send.prepare({ mintUrl: on.mintUrl, amount: 8, key: 'k' })),
  )
  expect(new Set(sends.map(({ id }) => id)).size).toBe(1)
})

test('a quote is minted once, though both watch it', async () => {
  const on = await bench({ lightning: {} })
  // Slow enough that neither takes the other for dead.
  const one = await on.open(undefined, { factor: 20 })
  await one.wallet.mints.trust(on.mintUrl)
  const mint = await one.wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21 })
  const two = await on.open(undefined, { factor: 20 })
  const waiting = [mint.finished(), (await two.wallet.mint.get(mint.id)).finished()]
  await on.server.backend.settle(on.server.backend.decode('bolt11', mint.quote.request)!.requestId)
  expect((await Promise.all(waiting)).map(({ state }) => state)).toEqual(['issued', 'issued'])
  expect(one.wire.count(/POST \/v1\/mint\/bolt11/) + two.wire.count(/POST \/v1\/mint\/bolt11/)).toBe(1)
  expect(await money(two)).toEqual({ spendable: 21, reserved: 0, outstanding: 0, held: 0 })
})

test('a wallet that was stopped in the middle and comes back late changes nothing that the other has done', async () => {
  const { on, one, two } = await twice(64)
  // One sends its request and is suspended before the answer is there.
  let letGo = (): void => {}
  const held = new Promise<void>((resolve) => (letGo = resolve))
  one.wire.before = async (what) => {
    if (what === 'POST /v1/swap') await held
  }
  const send = await one.wallet.send.prepare({ mintUrl: on.mintUrl, amount: 21 })
  const executing = send.execute()
  await eventually('one is at it', () => one.wire.count(/swap/) === 1)
  two.drop()
  const three = await on.open()
  const { token } = await (await three.wallet.send.get(send.id)).execute()
  const before = await on.rows()
  letGo()
  expect((await executing).token).toBe(token)
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(await on.rows()).toEqual(before)
  expect(await money(three)).toEqual({ spendable: 43, reserved: 0, outstanding: 21, held: 0 })
})

test('a commit of the other moves an operation on here, too: nobody goes on from old rows', async () => {
  const { on, one, two } = await twice(64)
  const send = await one.wallet.send.prepare({ mintUrl: on.mintUrl, amount: 64 })
  await (await two.wallet.send.get(send.id)).execute()
  // The handle's memory says `prepared`. Its next event meets the other's version, and is judged by what is there.
  expect(send.state).toBe('prepared')
  await send.reclaim()
  expect(send.state).toBe('reclaimed')
  expect(await money(two)).toEqual({ spendable: 64, reserved: 0, outstanding: 0, held: 0 })
})

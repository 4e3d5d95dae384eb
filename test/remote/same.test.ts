/**
 * Goal: a wallet that is elsewhere is used as one that is here. Method: what an application does with a wallet is done on the far side
 * of a channel, with a mint over HTTP; amounts, errors, handles, events, signals and disposal are compared with those of the near side.
 */
import { inspect } from 'node:util'
import { Amount } from '@cashu/cashu-ts'
import { expect, test } from 'vitest'
import { CashuError, HardshellError, StoreError, type Json, type Wallet } from '../../src/index.ts'
import { bench, eventually, failure, plain } from '../kits/wallet-kit.ts'
import { connectWallet, serveWallet } from '../../src/remote/index.ts'
import { linked } from '../kits/remote-kit.ts'

test('mint, send, receive, reclaim, melt, swap and restore, with their amounts', async () => {
  const on = await bench({ stub: true })
  const { mintUrl } = on
  const [alice, bob] = [await on.open('alice'), await on.open('bob')]
  const { far } = await linked(alice.wallet)
  const { far: friend } = await linked(bob.wallet)
  expect((await far.mints.trust(mintUrl)).trusted).toBe(true)
  await friend.mints.trust(mintUrl)

  const mint = await far.mint.prepare({ mintUrl, amount: 1000, key: 'order-42' })
  expect(mint.quote.request).toMatch(/^lnbc/)
  const issued = await mint.finished()
  expect(issued.state).toBe('issued')
  expect(issued.amount).toBeInstanceOf(Amount)
  expect(mint.state).toBe('issued')

  const send = await far.send.prepare({ mintUrl, amount: Amount.from(100), memo: 'for the tea' })
  expect([send.state, send.token, send.fee.toNumber(), send.asked.toNumber()]).toEqual(['prepared', undefined, 0, 100])
  const { token } = await send.execute()
  expect(send.token).toBe(token)
  expect((await far.send.get(send.id)).token).toBe(token)

  const receive = await friend.receive.prepare({ token })
  expect((await receive.execute()).amount.toNumber()).toBe(100)
  expect((await send.refresh()).state).toBe('claimed')
  expect((await send.finished()).state).toBe('claimed')

  const second = await far.send.prepare({ mintUrl, amount: 50n })
  await second.execute()
  expect((await second.reclaim()).state).toBe('reclaimed')
  expect(second.reclaimed.toNumber()).toBe(50)

  const melt = await far.melt.prepare({ mintUrl, request: on.invoice(200), maxFee: 20 })
  expect((await melt.quoted()).state).toBe('prepared')
  await melt.execute()
  const paid = await melt.finished()
  expect(paid.evidence).toBe('preimage')
  expect(paid.change).toBeInstanceOf(Amount)

  const swap = await far.swap.prepare({ mintUrl, amounts: [64, 64, 32] })
  await swap.execute()
  const restore = await far.restore.prepare({ mintUrl })
  expect((await restore.execute()).unavailable).toEqual([])
  expect(restore.unavailable).toEqual([])

  // What both sides say is the same, to the letter.
  const { wallet } = alice
  for (const ask of [
    (each: Wallet) => each.balances(),
    (each: Wallet) => each.history.list(),
    (each: Wallet) => each.history.list({ kind: 'send', limit: 1 }),
    (each: Wallet) => each.history.get(melt.id),
    (each: Wallet) => each.operations.list({ kind: 'send' }),
    (each: Wallet) => each.operations.get(swap.id),
    (each: Wallet) => each.operations.explain(send.id),
    (each: Wallet) => each.operations.export(melt.id),
    (each: Wallet) => each.operations.resumed(),
    (each: Wallet) => each.mints.list(),
    (each: Wallet) => each.mints.get(mintUrl),
  ])
    expect(await ask(far)).toEqual(await ask(wallet))
  for (const [one, other] of [
    [mint, await wallet.mint.get(mint.id)],
    [send, await wallet.send.get(send.id)],
    [restore, await wallet.restore.get(restore.id)],
  ] as const) {
    expect(plain(one)).toEqual(plain(other))
    expect(inspect(one)).toContain(inspect(other).split(' ').slice(1).join(' '))
  }
  const page = await far.history.list({ limit: 2 })
  expect(await far.history.list({ limit: 2, before: page.at(-1) })).toEqual(
    await wallet.history.list({ limit: 2, before: page.at(-1) }),
  )
  expect(far.role).toBe(wallet.role)
})

test('errors keep their class, code, message and operation; a key gives the same operation', async () => {
  const on = await bench({ stub: true })
  const { wallet } = await on.funded(64)
  const { far } = await linked(wallet)
  const { mintUrl } = on
  const send = await far.send.prepare({ mintUrl, amount: 4, key: 'a' })
  await send.cancel()
  for (const wrong of [
    (each: Wallet) => each.send.prepare({ mintUrl, amount: 1_000_000 }),
    (each: Wallet) => each.send.prepare({ mintUrl, amount: 5, key: 'a' }),
    (each: Wallet) => each.send.prepare({ mintUrl: 'nowhere', amount: 5 }),
    (each: Wallet) => each.send.prepare({ mintUrl, amount: 0 }),
    (each: Wallet) => each.receive.prepare({ token: 'cashuB' }),
    (each: Wallet) => each.send.get('nobody'),
    (each: Wallet) => each.operations.cancel(send.id),
    (each: Wallet) => each.mints.get('https://unknown.example'),
    (each: Wallet) => each.history.get('nobody'),
    (each: Wallet) => each.send.get(send.id).then((handle) => handle.reclaim()),
    (each: Wallet) => each.send.get(send.id).then((handle) => handle.finished()),
    (each: Wallet) => each.kv.set({ primary: 'a b', key: 'c' }, 1),
  ]) {
    const [here, there] = [await failure(wrong(wallet)), await failure(wrong(far))]
    expect(Object.getPrototypeOf(there)).toBe(Object.getPrototypeOf(here))
    const { name, code, message, operationId } = here
    expect([there.name, there.message, there.code, there.operationId]).toEqual([name, message, code, operationId])
  }
  expect(await failure(far.receive.prepare({ token: 'x' }))).toBeInstanceOf(CashuError)
  expect((await far.send.prepare({ mintUrl, amount: 4, key: 'a' })).id).toBe(send.id)
})

test('errors of the store come as such; those without a code are told to the near side alone', async () => {
  const on = await bench({ stub: true })
  const { wallet } = await on.funded(64)
  let error: Error = new StoreError('FULL', 'no space')
  const { port1, port2 } = new MessageChannel()
  const reported: unknown[] = []
  Object.assign(wallet, { balances: () => Promise.reject(error) })
  using _served = serveWallet(wallet, port1, {
    allow: { balances: true },
    onError: (given) => void reported.push(given),
  })
  await using far = await connectWallet(port2)
  expect(await failure(far.balances())).toBeInstanceOf(StoreError)
  expect(await failure(far.balances())).toMatchObject({ code: 'FULL', message: 'no space' })
  expect(reported).toEqual([])
  error = new Error('the secret is 42')
  const told = await failure(far.balances())
  expect(told).toMatchObject({ code: 'DEFECT' })
  expect(told.message).not.toContain('42')
  expect(reported).toEqual([error])
  port1.close()
})

test('a signal ends the waiting on both sides, never the operation', async () => {
  const on = await bench({ stub: true, lightning: {} })
  const { wallet, wire } = await on.open()
  const { far } = await linked(wallet)
  await far.mints.trust(on.mintUrl)
  const mint = await far.mint.prepare({ mintUrl: on.mintUrl, amount: 5 })
  const stop = new AbortController()
  const waiting = failure(mint.finished({ signal: stop.signal }))
  stop.abort(new Error('enough'))
  expect(await waiting).toMatchObject({ message: 'enough' })
  expect((await far.operations.get(mint.id)).state).toBe('unpaid')
  expect(await failure(mint.finished({ signal: stop.signal }))).toMatchObject({ message: 'enough' })
  wire.always = 'hang'
  const early = new AbortController()
  const preparing = failure(far.mint.prepare({ mintUrl: on.mintUrl, amount: 6, signal: early.signal }))
  await eventually('it is asked for', async () => (await far.operations.list({ kind: 'mint' })).length === 2)
  early.abort(new Error('no more'))
  expect(await preparing).toMatchObject({ message: 'no more' })
  expect(await failure(far.mints.refresh(on.mintUrl, AbortSignal.abort(new Error('before'))))).toMatchObject({
    message: 'before',
  })
})

test('events and subscriptions come, in order, and stop', async () => {
  const on = await bench({ stub: true })
  const { wallet } = await on.funded(64)
  const { far } = await linked(wallet)
  const [here, there]: [string[], string[]] = [[], []]
  const tell = (to: string[]) => (event: object) => void to.push(JSON.stringify(event))
  const names = ['operation', 'balance', 'quote'] as const
  for (const name of names) wallet.on(name, tell(here))
  const stops = names.map((name) => far.on(name, tell(there)))
  const states: string[] = []
  const send = await far.send.prepare({ mintUrl: on.mintUrl, amount: 8 })
  const stop = send.subscribe(({ state }) => void states.push(state))
  await send.execute()
  await send.reclaim()
  await (await far.mint.prepare({ mintUrl: on.mintUrl, amount: 3 })).finished()
  await eventually('all is heard', () => there.length === here.length && states.at(-1) === 'reclaimed')
  expect(there.toSorted()).toEqual(here.toSorted())
  for (const each of [stop, ...stops]) each()
  const count = there.length
  await (await far.send.prepare({ mintUrl: on.mintUrl, amount: 8 })).cancel()
  await far.balances()
  expect(there.length).toBe(count)
})

test('values of the application', async () => {
  const on = await bench({ stub: true })
  const { wallet } = await on.open()
  const { far } = await linked(wallet)
  const name = { primary: 'app', key: 'theme' }
  await far.kv.set(name, { dark: true, list: [null, 1, 'a'] })
  expect(await far.kv.get(name)).toEqual({ dark: true, list: [null, 1, 'a'] })
  expect(await wallet.kv.get(name)).toEqual({ dark: true, list: [null, 1, 'a'] })
  await far.kv.change([
    { ...name, key: 'other', value: null },
    { ...name, value: undefined },
  ])
  expect(await far.kv.list({ primary: 'app' })).toEqual(['other'])
  expect(await far.kv.get({ primary: 'app', key: 'other' })).toBe(null)
  await far.kv.delete({ primary: 'app', key: 'other' })
  expect(await far.kv.get({ primary: 'app', key: 'other' })).toBe(undefined)
  expect(await failure(far.kv.set(name, JSON.parse('{"__proto__":{"a":1}}') as Json))).toBeInstanceOf(TypeError)
})

test('closing the far side ends the connection, and neither the wallet nor its operations', async () => {
  const on = await bench({ stub: true, lightning: {} })
  const { wallet } = await on.open()
  const { far } = await linked(wallet)
  await far.mints.trust(on.mintUrl)
  const mint = await far.mint.prepare({ mintUrl: on.mintUrl, amount: 5 })
  const waiting = failure(mint.finished())
  const answered = far.balances()
  await far.close({ deadlineMs: 50 })
  expect(await answered).toEqual([])
  expect(await waiting).toMatchObject({ code: 'CLOSED' })
  expect(far.connection).toBe('closed')
  expect(await failure(far.balances())).toMatchObject({ code: 'CLOSED' })
  expect(await failure(mint.refresh())).toBeInstanceOf(HardshellError)
  expect((await wallet.operations.get(mint.id)).state).toBe('unpaid')
})

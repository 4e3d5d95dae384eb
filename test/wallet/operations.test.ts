/**
 * Goal: every operation is one row, with fees known before it is committed to; it can be found, cancelled,
 * waited for and asked for again by its key, in one process or the next. Over HTTP, with true crypto, on SQLite.
 */
import { describe, expect, test } from 'vitest'
import { Amount } from '@cashu/cashu-ts'
import type { Row } from '../../src/store/port.ts'
import { bench, eventually, failure, money, plain, type Bench, type Opened } from '../kits/wallet-kit.ts'

const rowOf = async (on: Bench, id: string, name?: string): Promise<Row> =>
  (await on.rows(name))['operations']!.find((row) => row['id'] === id)!

/** A token of a payer's. */
async function token(on: Bench, amount: number): Promise<string> {
  const { wallet } = await on.funded(amount, `payer of ${amount}`)
  return (await (await wallet.send.prepare({ mintUrl: on.mintUrl, amount })).execute()).token
}

describe('one row per operation', () => {
  test('with id, kind, state, amount, mint, unit, quote id, times, data and version', async () => {
    const on = await bench()
    const { mintUrl } = on
    const startedMs = Date.now()
    const { wallet } = await on.funded(100)
    const send = await wallet.send.prepare({ mintUrl, amount: 21 })
    await send.execute()
    const swap = await wallet.swap.prepare({ mintUrl, amounts: [8, 4] })
    await swap.execute()
    const melt = await wallet.melt.prepare({ mintUrl, request: on.invoice(20) })
    await melt.execute()
    const receive = await wallet.receive.prepare({ token: await token(on, 10) })
    const restore = await wallet.restore.prepare({ mintUrl })
    const rows = (await on.rows())['operations']!
    const seen = rows.map(({ kind, state, status, amount, quoteId }) => [
      kind,
      [state, status, amount, quoteId !== null],
    ])
    expect(Object.fromEntries(seen)).toEqual({
      mint: ['issued', 'done', 100, true],
      send: ['tokenCreated', 'active', 21, false],
      swap: ['swapped', 'done', 12, false],
      melt: ['paid', 'done', 20, true],
      receive: ['prepared', 'active', 10, false],
      restore: ['prepared', 'active', 0, false],
    })
    expect(rows).toHaveLength(6)
    for (const row of rows) {
      expect(row).toMatchObject({ mintUrl, unit: 'sat', lane: mintUrl, kindVersion: 1, parent: null, reason: null })
      expect(row['id']).toMatch(/^[0-9a-f]{32}$/)
      expect(row['createdAt']).toBeGreaterThanOrEqual(startedMs)
      expect(row['updatedAt']).toBeGreaterThanOrEqual(row['createdAt'] as number)
      expect(row['version']).toBeGreaterThanOrEqual(1)
      expect(JSON.parse(row['snapshot'] as string)).toMatchObject({ context: { id: row['id'] } })
    }
    for (const handle of [send, swap, melt, receive, restore]) {
      const row = rows.find(({ id }) => id === handle.id)!
      expect([handle.kind, handle.state, handle.version]).toEqual([row['kind'], row['state'], row['version']])
    }
  })

  test('each commit adds one to the version', async () => {
    const on = await bench()
    const { wallet } = await on.funded(64)
    const versions: number[] = []
    wallet.on('operation', ({ kind, version }) => kind === 'swap' && versions.push(version))
    await (await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [8] })).execute()
    expect(versions).toEqual([1, 2, 3])
  })
})

describe('fees are known when it is prepared', () => {
  test('and what it costs in the end is what was shown, or less', async () => {
    const on = await bench({ feePpk: 600 })
    const { mintUrl } = on
    const { wallet } = await on.funded(120)
    const exact = await wallet.send.prepare({ mintUrl, amount: 72 })
    expect(exact.fee.toNumber()).toBe(0)
    await exact.cancel()

    const send = await wallet.send.prepare({ mintUrl, amount: 61 })
    const shown = send.fee.toNumber()
    expect(shown).toBeGreaterThan(0)
    expect((await send.execute()).fee.toNumber()).toBe(shown)

    const swap = await wallet.swap.prepare({ mintUrl, amounts: [2, 2] })
    const swapShown = swap.fee.toNumber()
    expect((await swap.execute()).fee.toNumber()).toBe(swapShown)

    const receive = await wallet.receive.prepare({ token: await token(on, 12) })
    const receiveShown = receive.fee.toNumber()
    expect(receiveShown).toBe(2)
    expect((await receive.execute()).fee.toNumber()).toBe(receiveShown)

    const melt = await wallet.melt.prepare({ mintUrl, request: on.invoice(10) })
    const most = melt.fee.toNumber()
    const paid = await melt.execute()
    expect(paid.fee.toNumber()).toBeGreaterThan(0)
    expect(paid.fee.toNumber()).toBeLessThanOrEqual(most)
    expect(paid.preimage).toMatch(/^[0-9a-f]{64}$/)

    const { spendable, outstanding } = await money({ wallet })
    expect(spendable).toBe(120 - 61 - shown - swapShown + 12 - receiveShown - 10 - paid.fee.toNumber())
    expect(outstanding).toBe(61)
  })

  test('preparing contacts the mint for quotes only', async () => {
    const on = await bench()
    const text = await token(on, 10)
    const { wallet, wire } = await on.funded(100)
    const before = wire.requests.length
    await wallet.send.prepare({ mintUrl: on.mintUrl, amount: 3 })
    await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [4] })
    await wallet.receive.prepare({ token: text })
    await wallet.restore.prepare({ mintUrl: on.mintUrl })
    expect(wire.requests.slice(before)).toEqual([])
    await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(10) })
    expect(wire.requests.slice(before)).toEqual(['POST /v1/melt/quote/bolt11'])
  })

  test('an invoice is taken as people hand it over: with its scheme, in capitals, with blanks around it', async () => {
    const on = await bench()
    const { wallet } = await on.funded(64)
    const forms = [
      (invoice: string) => invoice.toUpperCase(),
      (invoice: string) => `lightning:${invoice}`,
      (invoice: string) => `LIGHTNING:${invoice.toUpperCase()}`,
      (invoice: string) => ` ${invoice}\n`,
    ]
    for (const form of forms) {
      const melt = await wallet.melt.prepare({ mintUrl: on.mintUrl, request: form(on.invoice(5)) })
      expect(melt.amount.toNumber()).toBe(5)
      await melt.cancel()
    }
  })

  test('amounts come in as cashu-ts takes them, and out as its Amount', async () => {
    const on = await bench()
    const { wallet } = await on.funded(64)
    for (const amount of [5, 5n, '5', Amount.from(5)]) {
      const send = await wallet.send.prepare({ mintUrl: on.mintUrl, amount })
      expect([send.amount, send.fee]).toEqual([Amount.from(5), Amount.from(0)])
      await send.cancel()
    }
  })
})

describe('cancel gives everything back, where nothing was sent', () => {
  test.each(['send', 'swap', 'melt', 'receive', 'restore'] as const)('of a %s', async (kind) => {
    const on = await bench()
    const { mintUrl } = on
    const { wallet } = await on.funded(64)
    const prepare = {
      send: () => wallet.send.prepare({ mintUrl, amount: 8 }),
      swap: () => wallet.swap.prepare({ mintUrl, amounts: [8] }),
      melt: () => wallet.melt.prepare({ mintUrl, request: on.invoice(10) }),
      receive: async () => wallet.receive.prepare({ token: await token(on, 5) }),
      restore: () => wallet.restore.prepare({ mintUrl }),
    }
    const handle = await prepare[kind]()
    const takes = kind === 'receive' || kind === 'restore' ? 0 : 64
    expect(await money({ wallet })).toEqual({ spendable: 64 - takes, reserved: takes, outstanding: 0, held: 0 })
    expect((await handle.cancel()).state).toBe('cancelled')
    expect(await money({ wallet })).toEqual({ spendable: 64, reserved: 0, outstanding: 0, held: 0 })
    expect(await failure(handle.cancel())).toMatchObject({ code: 'INVALID_STATE', operationId: handle.id })
    expect(await failure(handle.execute())).toMatchObject({ code: 'CANCELLED', operationId: handle.id })
    expect(await failure(wallet.operations.cancel(handle.id))).toMatchObject({
      code: 'INVALID_STATE',
      operationId: handle.id,
    })
  })

  test('comes by itself ten minutes after preparing, also where nobody was there meanwhile', async () => {
    const on = await bench()
    const first = await on.funded(64)
    const { id } = await first.wallet.send.prepare({ mintUrl: on.mintUrl, amount: 8 })
    first.drop()
    const later = await on.open()
    later.clock.jump(599_000)
    await later.wallet.operations.resumed()
    expect((await later.wallet.send.get(id)).state).toBe('prepared')
    later.drop()
    const last = await on.open()
    last.clock.jump(601_000)
    await eventually('it is cancelled', async () => (await last.wallet.send.get(id)).state === 'cancelled')
    expect((await money(last)).spendable).toBe(64)
  })
})

describe('found again', () => {
  test('by id and kind, in the next process; with the same token, however often it is asked for', async () => {
    const on = await bench()
    const first = await on.funded(64)
    const { wallet } = first
    const send = await wallet.send.prepare({ mintUrl: on.mintUrl, amount: 5, memo: 'for tea' })
    const { token } = await send.execute()
    expect((await send.execute()).token).toBe(token)
    expect(send.token).toBe(token)
    first.drop()
    const second = await on.open()
    const again = await second.wallet.send.get(send.id)
    expect([again.token, (await again.execute()).token]).toEqual([token, token])
    expect(second.wire.count(/swap/)).toBe(0)
    expect(await failure(second.wallet.receive.get(send.id))).toMatchObject({ code: 'NOT_FOUND', operationId: send.id })
    expect(await failure(second.wallet.send.get('0'.repeat(32)))).toMatchObject({ code: 'NOT_FOUND' })
  })

  test('by kind, state, status, quote and mint', async () => {
    const [on, other] = [await bench(), await bench()]
    const { wallet } = await on.funded(64)
    await wallet.mints.trust(other.mintUrl)
    const far = await wallet.mint.prepare({ mintUrl: other.mintUrl, amount: 8 })
    await far.refresh()
    await far.finished()
    const send = await wallet.send.prepare({ mintUrl: on.mintUrl, amount: 8 })
    const ids = async (filter: Parameters<typeof wallet.operations.list>[0]) =>
      (await wallet.operations.list(filter)).map(({ id }) => id)
    expect(await ids({ kind: 'send' })).toEqual([send.id])
    expect(await ids({ state: 'prepared' })).toEqual([send.id])
    expect(await ids({ status: 'active' })).toEqual([send.id])
    expect(await ids({ mintUrl: other.mintUrl })).toEqual([far.id])
    expect(await ids({ mintUrl: `${other.mintUrl}/` })).toEqual([far.id])
    expect(await ids({ quoteId: far.quote.quote })).toEqual([far.id])
    expect(await ids({ kind: 'mint', mintUrl: on.mintUrl })).toHaveLength(1)
    expect(await ids({})).toHaveLength(3)
    expect(await ids({ limit: 2 })).toHaveLength(2)
    expect(await ids({ kind: 'melt' })).toEqual([])
    expect(await wallet.operations.get(send.id)).toMatchObject({
      id: send.id,
      kind: 'send',
      amount: Amount.from(8),
      mintUrl: on.mintUrl,
    })
  })

  test('and explained: why it is there, what it takes, when it goes on', async () => {
    const on = await bench({ lightning: {} })
    const { wallet } = await on.open(undefined, { factor: 1 })
    await wallet.mints.trust(on.mintUrl)
    const mint = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 8 })
    expect(await wallet.operations.explain(mint.id)).toMatchObject({
      kind: 'mint',
      state: 'unpaid',
      status: 'active',
      why: expect.stringContaining('paid') as unknown,
      watching: 'quote',
      underWay: [],
      takes: ['quote.updated', 'cancel'],
      timers: [{ name: 'quoteExpiry' }],
      needsHuman: false,
      laneClosed: false,
    })
  })

  test('and exported: all there is of one, without its secrets unless asked for them', async () => {
    const on = await bench()
    const { wallet, wire } = await on.funded(64)
    wire.plan = [[/swap/, 'down']]
    const send = await wallet.send.prepare({ mintUrl: on.mintUrl, amount: 5, memo: 'for tea' })
    const executing = send.execute()
    await eventually('the request is out', () => wire.count(/swap/) > 0)
    const exported = plain(await wallet.operations.export(send.id))
    expect(exported).toMatchObject({
      operation: { id: send.id, kind: 'send', amount: 5 },
      history: { id: send.id, memo: 'for tea', status: 'pending' },
      explanation: { id: send.id, kind: 'send' },
    })
    expect(JSON.stringify(exported)).not.toContain('secret')
    const whole = await wallet.operations.export(send.id, { secrets: true })
    expect(whole).toMatchObject({ snapshot: { context: { id: send.id } } })
    expect(whole['outputs']).not.toEqual([])
    await executing
  })
})

describe('an idempotency key', () => {
  type Prepare = (on: Bench, process: Opened, other: boolean) => Promise<{ id: string; state: string }>
  const kinds: Record<string, Prepare> = {
    mint: ({ mintUrl }, { wallet }, other) => wallet.mint.prepare({ mintUrl, amount: other ? 2 : 1, key: 'k' }),
    send: ({ mintUrl }, { wallet }, other) => wallet.send.prepare({ mintUrl, amount: other ? 2 : 1, key: 'k' }),
    swap: ({ mintUrl }, { wallet }, other) => wallet.swap.prepare({ mintUrl, amounts: other ? [2] : [1], key: 'k' }),
    restore: ({ mintUrl }, { wallet }, other) =>
      wallet.restore.prepare({ mintUrl, ...(other && { unit: 'usd' }), key: 'k' }),
  }

  test.each(Object.entries(kinds))(
    'leads to the same %s, and takes no other input, nor another kind',
    async (kind, prepare) => {
      const on = await bench({ units: ['sat', 'usd'] })
      const first = await on.funded(64)
      const { id } = await prepare(on, first, false)
      expect((await prepare(on, first, false)).id).toBe(id)
      const count = (await on.rows())['operations']!.length
      expect(await failure(prepare(on, first, true))).toMatchObject({ code: 'KEY_REUSED', operationId: id })
      for (const [, of] of Object.entries(kinds).filter(([name]) => name !== kind))
        expect(await failure(of(on, first, false))).toMatchObject({ code: 'KEY_REUSED', operationId: id })
      first.drop()
      const second = await on.open()
      expect((await prepare(on, second, false)).id).toBe(id)
      expect(await failure(prepare(on, second, true))).toMatchObject({ code: 'KEY_REUSED', operationId: id })
      expect((await on.rows())['operations']).toHaveLength(count)
    },
  )

  test('of a melt and of a receive', async () => {
    const on = await bench()
    const { wallet } = await on.funded(64)
    const [one, two] = [on.invoice(5), on.invoice(5)]
    const melt = await wallet.melt.prepare({ mintUrl: on.mintUrl, request: one, key: 'bill' })
    await melt.execute()
    const again = await wallet.melt.prepare({ mintUrl: on.mintUrl, request: one, key: 'bill' })
    expect([again.id, again.state]).toEqual([melt.id, 'paid'])
    expect(plain(await again.execute())).toEqual(plain(await melt.finished()))
    expect(await failure(wallet.melt.prepare({ mintUrl: on.mintUrl, request: two, key: 'bill' }))).toMatchObject({
      code: 'KEY_REUSED',
    })
    const [here, there] = [await token(on, 4), await token(on, 8)]
    const receive = await wallet.receive.prepare({ token: here, key: 'gift' })
    expect((await wallet.receive.prepare({ token: here, key: 'gift' })).id).toBe(receive.id)
    expect(await failure(wallet.receive.prepare({ token: there, key: 'gift' }))).toMatchObject({ code: 'KEY_REUSED' })
  })

  test('used at the same moment makes one operation', async () => {
    const on = await bench()
    const { wallet } = await on.funded(64)
    const sends = await Promise.all(
      [1, 2, 3].map(() => wallet.send.prepare({ mintUrl: on.mintUrl, amount: 8, key: 'k' })),
    )
    expect(new Set(sends.map(({ id }) => id)).size).toBe(1)
    expect(await money({ wallet })).toMatchObject({ spendable: 0, reserved: 64 })
  })
})

describe('waiting for the end', () => {
  test('can be given up; the operation goes on', async () => {
    const on = await bench()
    const { wallet, wire } = await on.funded(64)
    wire.plan = [[/swap/, 'down']]
    const swap = await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [8] })
    const stop = new AbortController()
    const executing = failure(swap.execute({ signal: stop.signal }))
    stop.abort(new Error('gave up'))
    expect(await executing).toMatchObject({ message: 'gave up' })
    expect(await failure(swap.finished({ signal: AbortSignal.abort(new Error('none at all')) }))).toMatchObject({
      message: 'none at all',
    })
    expect(plain(await swap.finished())).toEqual({ id: swap.id, kind: 'swap', state: 'swapped', mintUrl: on.mintUrl, unit: 'sat', amount: '8', asked: '8', spentElsewhere: '0', fee: '0', owed: '0' }) // prettier-ignore
  })

  test('for a quote can be given up, too', async () => {
    const on = await bench()
    const { wallet, wire } = await on.open()
    await wallet.mints.trust(on.mintUrl)
    wire.plan = [[/mint\/quote/, 'down']]
    const stop = new AbortController()
    const preparing = failure(wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 8, key: 'k', signal: stop.signal }))
    stop.abort(new Error('gave up'))
    expect(await preparing).toMatchObject({ message: 'gave up' })
    const mint = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 8, key: 'k' })
    await mint.finished()
    expect((await on.rows())['operations']).toHaveLength(1)
  })

  test('resolves for as many as wait, and at once when it has ended', async () => {
    const on = await bench()
    const { wallet } = await on.funded(64)
    const swap = await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [8] })
    const ends = await Promise.all([swap.finished(), swap.execute(), (await wallet.swap.get(swap.id)).finished()])
    expect(new Set(ends.map((end) => JSON.stringify(end))).size).toBe(1)
    expect((await swap.finished()).state).toBe('swapped')
  })

  test('rejects when the wallet closes', async () => {
    const on = await bench({ lightning: {} })
    const { wallet } = await on.open()
    await wallet.mints.trust(on.mintUrl)
    const mint = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 8 })
    const waiting = failure(mint.finished())
    await wallet.close()
    expect(await waiting).toMatchObject({ code: 'CLOSED' })
    expect(await rowOf(on, mint.id)).toMatchObject({ state: 'unpaid', status: 'active' })
  })

  test('rejects with the failure’s own code', async () => {
    const on = await bench()
    const { wallet } = await on.funded(64)
    const request = on.invoice(10, { pay_invoice_state: 'FAILED', check_payment_state: 'FAILED' })
    const melt = await wallet.melt.prepare({ mintUrl: on.mintUrl, request })
    expect(await failure(melt.execute())).toMatchObject({
      name: 'HardshellError',
      code: 'PAYMENT_FAILED',
      operationId: melt.id,
    })
    expect(await failure(melt.finished())).toMatchObject({ code: 'PAYMENT_FAILED' })
    expect((await money({ wallet })).spendable).toBe(64)
  })
})

test('a wallet is disposed of as it is closed', async () => {
  const on = await bench()
  const { wallet } = await on.open()
  {
    await using inner = wallet
    expect(await inner.balances()).toEqual([])
  }
  expect(await failure(wallet.balances())).toMatchObject({ code: 'CLOSED' })
  await wallet.close()
})

test('the application’s own values are in the wallet’s file, and outlast its process', async () => {
  const on = await bench({ stub: true })
  const first = await on.open()
  const name = { primary: 'app', key: 'theme' }
  await first.wallet.kv.set(name, { dark: true })
  first.drop()
  const again = await on.open()
  expect(await again.wallet.kv.get(name)).toEqual({ dark: true })
  expect(await again.wallet.kv.list({ primary: 'app' })).toEqual(['theme'])
  await again.wallet.kv.delete(name)
  expect(await again.wallet.kv.get(name)).toBeUndefined()
  expect((await on.rows())['kv']).toEqual([])
})

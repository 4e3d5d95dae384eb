/**
 * Goal: one record per operation, written in the operation's own commits, so that failures, expiries and what is
 * under way show too; read in pages. Over HTTP, with true crypto, on SQLite.
 */
import { expect, test } from 'vitest'
import type { HistoryPage, HistoryRecord } from '../../src/index.ts'
import { bench, failure, plain, reached } from '../kits/wallet-kit.ts'

const Y = /^0[23][0-9a-f]{64}$/

test('each kind’s record says what went where, at what price, and by what it can be proven', async () => {
  const on = await bench({ feePpk: 500 })
  const { mintUrl } = on
  const { wallet } = await on.funded(100)
  const bob = await on.funded(40, 'bob')
  const { token } = await (await bob.wallet.send.prepare({ mintUrl, amount: 32, memo: 'for the tea' })).execute()
  await (await wallet.receive.prepare({ token })).execute()
  await (await wallet.send.prepare({ mintUrl, amount: 5, memo: 'change' })).execute()
  const request = on.invoice(10)
  const melt = await wallet.melt.prepare({ mintUrl, request })
  const paid = await melt.execute()
  await (await wallet.swap.prepare({ mintUrl, amounts: [2, 2] })).execute()
  await (await wallet.restore.prepare({ mintUrl })).execute()
  const records = await wallet.history.list()
  expect(records.map(({ kind }) => kind)).toEqual(['restore', 'swap', 'melt', 'send', 'receive', 'mint'])
  const of = (kind: string): HistoryRecord => records.find((record) => record.kind === kind)!
  for (const record of records) {
    expect(record).toMatchObject({ mintUrl, unit: 'sat', error: null })
    expect(record.updatedAt).toBeGreaterThanOrEqual(record.createdAt)
    for (const each of record.ys) expect(each).toMatch(Y)
  }
  expect(plain(of('mint'))).toMatchObject({
    direction: 'in',
    status: 'done',
    state: 'issued',
    amount: '100',
    fee: '0',
    method: 'bolt11',
  })
  expect(of('mint').request).toMatch(/^ln/)
  expect(of('mint').quoteId).toEqual((await wallet.operations.list({ kind: 'mint' }))[0]!.quoteId)
  expect(of('mint').ys).toHaveLength(3)
  expect(plain(of('receive'))).toMatchObject({
    direction: 'in',
    status: 'done',
    amount: '31',
    asked: '32',
    fee: '1',
    memo: 'for the tea',
  })
  expect(plain(of('send'))).toMatchObject({
    direction: 'out',
    status: 'pending',
    state: 'tokenCreated',
    amount: '5',
    memo: 'change',
  })
  expect(of('send').ys.length).toBeGreaterThan(0)
  expect(of('melt')).toMatchObject({
    direction: 'out',
    status: 'done',
    state: 'paid',
    request,
    paymentProof: paid.preimage,
    method: 'bolt11',
  })
  expect(of('melt').fee).toEqual(paid.fee)
  expect(plain(of('swap'))).toMatchObject({ direction: 'self', status: 'done', amount: '4' })
  expect(plain(of('restore'))).toMatchObject({ direction: 'self', status: 'done', amount: '0' })
})

test('what failed and what was cancelled show, with the reason', async () => {
  const on = await bench()
  const { mintUrl } = on
  const { wallet } = await on.funded(64)
  await (await wallet.send.prepare({ mintUrl, amount: 8 })).cancel()
  const melt = await wallet.melt.prepare({
    mintUrl,
    request: on.invoice(9, { pay_invoice_state: 'FAILED', check_payment_state: 'FAILED' }),
  })
  await failure(melt.execute())
  const bob = await on.funded(8, 'bob')
  const { token } = await (await bob.wallet.send.prepare({ mintUrl, amount: 8 })).execute()
  await (await bob.wallet.receive.prepare({ token })).execute()
  await failure((await wallet.receive.prepare({ token })).execute())
  expect(plain(await wallet.history.list())).toMatchObject([
    { kind: 'receive', status: 'failed', state: 'rejected', error: { code: 'ALREADY_SPENT' } },
    { kind: 'melt', status: 'failed', state: 'failed', fee: '0', error: { code: 'PAYMENT_FAILED' } },
    { kind: 'send', status: 'failed', state: 'cancelled' },
    { kind: 'mint', status: 'done' },
  ])
})

test('the record changes in the operation’s own commits: a crash between the two cannot be', async () => {
  const on = await bench()
  const first = await on.funded(64)
  const swapping = reached(first, 'swap', 'exchanging.swapping')
  const swap = await first.wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [8] })
  void swap.execute().catch(() => {})
  await swapping
  first.drop()
  const { operations, history } = await on.rows()
  for (const operation of operations!) {
    const record = history!.find(({ id }) => id === operation['id'])!
    expect([record['state'], record['updatedAt'], record['createdAt']]).toEqual([operation['state'], operation['updatedAt'], operation['createdAt']]) // prettier-ignore
  }
  expect(history!.map(({ status }) => status as string).toSorted()).toEqual(['done', 'pending'])
  const second = await on.open()
  await (await second.wallet.swap.get(swap.id)).finished()
  expect(await second.wallet.history.list()).toMatchObject([
    { id: swap.id, status: 'done', state: 'swapped' },
    { kind: 'mint' },
  ])
})

test('pages are complete, without doubles, the newest first, whatever came at the same moment', async () => {
  const on = await bench()
  const { wallet } = await on.funded(64)
  const { mintUrl } = on
  await wallet.send.prepare({ mintUrl, amount: 64 }).then((send) => send.cancel())
  await Promise.all(Array.from({ length: 21 }, () => wallet.restore.prepare({ mintUrl })))
  const all = await wallet.history.list({ limit: 100 })
  expect(all).toHaveLength(23)
  expect(all.map(({ createdAt }) => createdAt)).toEqual(all.map(({ createdAt }) => createdAt).toSorted((a, b) => b - a))
  for (const limit of [1, 2, 5, 22, 23]) {
    const found: HistoryRecord[] = []
    for (let before: HistoryRecord | undefined; ; before = found.at(-1)) {
      const page = await wallet.history.list({ limit, ...(before && { before }) })
      if (page.length === 0) break
      expect(page.length).toBeLessThanOrEqual(limit)
      found.push(...page)
    }
    expect(found.map(({ id }) => id)).toEqual(all.map(({ id }) => id))
  }
  expect(await wallet.history.list()).toHaveLength(23)
})

test('the newest page takes in what has come meanwhile; older pages stay as they were', async () => {
  const on = await bench()
  const { wallet } = await on.funded(64)
  const { mintUrl } = on
  const [mint] = await wallet.history.list({ limit: 1 })
  const restore = await wallet.restore.prepare({ mintUrl })
  expect((await wallet.history.list({ limit: 1 })).map(({ id }) => id)).toEqual([restore.id])
  expect(
    await wallet.history.list({
      before: { id: restore.id, createdAt: (await wallet.history.list({ limit: 1 }))[0]!.createdAt },
    }),
  ).toEqual([mint])
})

test('a page has only what it is asked for, however much lies between; a record is found by its operation', async () => {
  const on = await bench({ stub: true })
  const { wallet } = await on.funded(64)
  const { mintUrl } = on
  const first = await wallet.send.prepare({ mintUrl, amount: 4 })
  await first.cancel()
  for (let n = 0; n < 230; n++) await wallet.restore.prepare({ mintUrl })
  const second = await wallet.send.prepare({ mintUrl, amount: 8 })
  const ids = async (page: HistoryPage): Promise<string[]> => (await wallet.history.list(page)).map(({ id }) => id)
  expect(await ids({ kind: 'send' })).toEqual([second.id, first.id])
  expect(await ids({ kind: 'send', limit: 1 })).toEqual([second.id])
  expect(await ids({ kind: 'send', limit: 1, before: (await wallet.history.list({ kind: 'send', limit: 1 })).at(-1) })).toEqual([first.id]) // prettier-ignore
  expect(await ids({ status: 'failed' })).toEqual([first.id])
  expect(await ids({ direction: 'out', status: 'pending', mintUrl: `${mintUrl}/` })).toEqual([second.id])
  expect(await ids({ unit: 'usd' })).toEqual([])
  expect(await wallet.history.get(first.id)).toMatchObject({ kind: 'send', status: 'failed' })
  expect(await failure(wallet.history.get('nothing'))).toMatchObject({ code: 'NOT_FOUND' })
  expect(await failure(wallet.history.list({ status: 'gone' as 'done' }))).toMatchObject({ message: 'status: one of pending, done, failed' }) // prettier-ignore
})

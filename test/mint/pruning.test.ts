/** What a mint forgets, and what it keeps: tried on rows alone, and on a mint in process whose clock is moved. */
import { expect, test } from 'vitest'
import type { OperationRow } from '../../src/kernel/define/operation.ts'
import { systemClock } from '../../src/kernel/util/ports.ts'
import { Pruner } from '../../src/mint-server/db/pruning.ts'
import { mintSchema } from '../../src/mint-server/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { StoreError, type Row, type Store } from '../../src/store/port.ts'
import { decide, simulated, type MeltQuote } from '../kits/mint-server-client.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

const operation = (id: string, status: string, createdAt: number, updatedAt: number): Row => ({
  ...{ id, kind: 'mint-swap', kindVersion: 1, version: 2, commitId: id, owner: 'x', attempt: 1, status, state: 'any' },
  ...{ lane: 'signatory', dueAt: null, timers: '{}', reason: null, parent: null, key: null, request: null },
  ...{ createdAt, updatedAt, snapshot: '{}', requestKey: id, quoteId: null },
})

const step = (of: string, version: number): Row => ({
  ...{
    operation: of,
    version,
    at: 1,
    event: 'xstate.init',
    src: null,
    answer: null,
    from: null,
    to: 'any',
    attempt: 1,
  },
  ...{ owner: 'x', tookMs: null, detail: null, kindVersion: 1, snapshot: null },
})

const answer = (key: string, expiresAt: number): Row => ({ key, body: '{}', expiresAt })

/** A store with these rows, and its pruner at a time that is set. */
async function house(
  rows: { operations?: readonly Row[]; responses?: readonly Row[]; steps?: readonly Row[] },
  wrap = (store: Store) => store,
) {
  const adapter = memoryStore()
  adapter.load(rows)
  const time = { nowMs: 10 * DAY_MS }
  const store = wrap(await adapter.open(mintSchema))
  const pruner = new Pruner({
    store,
    clock: { ...systemClock, now: () => time.nowMs, monotonicMs: () => time.nowMs },
  })
  const left = (table: string): unknown[] =>
    adapter.dump()[table]!.map((row) => row['id'] ?? row['key'] ?? row['operation'])
  return { pruner, time, left }
}

test('operations go a day after their end, but none that is not done', async () => {
  const old = 9 * DAY_MS
  const { pruner, time, left } = await house({
    operations: [
      operation('long over', 'done', 0, 1),
      operation('over for a day', 'done', 0, old),
      operation('over', 'done', 0, old + 1),
      operation('under way', 'active', 0, 1),
      operation('set aside', 'quarantined', 0, 1),
    ],
  })
  await pruner.pruneIfDue()
  expect(left('operations')).toEqual(['over', 'set aside', 'under way'])
  time.nowMs += HOUR_MS
  await pruner.pruneIfDue()
  expect(left('operations')).toEqual(['set aside', 'under way'])
})

test('the steps of an operation go with it', async () => {
  const { pruner, left } = await house({
    operations: [operation('long over', 'done', 0, 1), operation('under way', 'active', 0, 1)],
    steps: [step('long over', 1), step('long over', 2), step('under way', 1)],
  })
  await pruner.pruneIfDue()
  expect([left('operations'), left('steps')]).toEqual([['under way'], ['under way']])
})

test('answers go when they are not given any more', async () => {
  const now = 10 * DAY_MS
  const { pruner, left } = await house({ responses: [answer('old', now), answer('good', now + 1)] })
  await pruner.pruneIfDue()
  expect(left('responses')).toEqual(['good'])
})

test('many go in commits that hold up nobody for long', async () => {
  const commits: number[] = []
  const { pruner, left } = await house(
    { operations: Array.from({ length: 250 }, (_, i) => operation(`${i}`, 'done', i, i)) },
    (store) => ({
      ...store,
      commit: (writes) => {
        commits.push(writes.length)
        return store.commit(writes)
      },
    }),
  )
  await pruner.pruneIfDue()
  expect(left('operations')).toEqual([])
  expect(commits).toEqual([100, 100, 50])
})

test('those that took days do not hold up the ones behind them', async () => {
  const recent = 10 * DAY_MS - 1
  const long = Array.from({ length: 150 }, (_, i) => operation(`long ${i}`, 'done', i, recent))
  const { pruner, left } = await house({ operations: [...long, operation('over', 'done', 200, 200)] })
  await pruner.pruneIfDue()
  expect(left('operations')).toHaveLength(150)
  expect(left('operations')).not.toContain('over')
})

test('as many of one moment as go in a commit end the sweep', async () => {
  const long = Array.from({ length: 150 }, (_, i) => operation(`long ${i}`, 'done', 1, 10 * DAY_MS - 1))
  const { pruner, left } = await house({ operations: long })
  await pruner.pruneIfDue()
  expect(left('operations')).toHaveLength(150)
})

test('it sweeps once an hour, and again where the store was away', async () => {
  let queries = 0
  let isAway = true
  const { pruner, time, left } = await house({ operations: [operation('over', 'done', 0, 1)] }, (store) => ({
    ...store,
    query: (query) => {
      // The steps of what it deletes are read for each.
      if (query.table !== 'steps') queries++
      return isAway ? Promise.reject(new StoreError('UNAVAILABLE', 'away')) : store.query(query)
    },
  }))
  await pruner.pruneIfDue()
  isAway = false
  time.nowMs += HOUR_MS - 1
  await pruner.pruneIfDue()
  expect([queries, left('operations')]).toEqual([1, ['over']])
  time.nowMs += 1
  await Promise.all([pruner.pruneIfDue(), pruner.pruneIfDue()])
  expect([queries, left('operations')]).toEqual([3, []])
})

test('stopped, it ends with the commit under way', async () => {
  let stopped: Promise<void> | undefined
  const { pruner, left } = await house(
    { operations: Array.from({ length: 250 }, (_, i) => operation(`${i}`, 'done', i, i)) },
    (store) => ({
      ...store,
      commit: (writes) => {
        stopped ??= pruner.stop()
        return store.commit(writes)
      },
    }),
  )
  await pruner.pruneIfDue()
  await stopped
  expect(left('operations')).toHaveLength(150)
  await pruner.pruneIfDue()
  expect(left('operations')).toHaveLength(150)
})

test('a mint forgets what it did and keeps what came of it; a payment that is pending goes on', async () => {
  const adapter = memoryStore()
  const simulation = await simulated({ store: await adapter.open(mintSchema), cacheTtlMs: HOUR_MS })
  const { mint, backend, client, pass } = simulation
  const [four, sixteen] = await client.mint([4, 16])
  await client.swap([four!])
  const request = backend.foreignInvoice({ amountSat: 8, memo: '{"pay_invoice_state":"PENDING"}' })
  const { quote } = await client.post<MeltQuote>('/v1/melt/quote/bolt11', { request, unit: 'sat' })
  await client.post('/v1/melt/bolt11', { quote, inputs: [sixteen] })
  const kinds = (): string[] => (adapter.dump()['operations'] as OperationRow[]).map(({ kind }) => kind).toSorted()
  expect(kinds()).toEqual(['mint-issue', 'mint-melt', 'mint-swap'])
  const sheet = await mint.balanceSheet()

  pass(DAY_MS)
  // Any request has it look after the house.
  expect(await client.states([four!, sixteen!])).toEqual(['SPENT', 'PENDING'])
  await expect.poll(kinds).toEqual(['mint-melt'])
  expect(adapter.dump()['responses']).toEqual([])
  expect(await mint.balanceSheet()).toEqual(sheet)
  expect(await decide(simulation, quote, 'paid')).toBe(true)
  expect(await client.get(`/v1/melt/quote/bolt11/${quote}`)).toMatchObject({ state: 'PAID' })
  expect(await client.states([four!, sixteen!])).toEqual(['SPENT', 'SPENT'])
})

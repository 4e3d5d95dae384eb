/**
 * Goal: lists are by any index, refuse what none serves, and lose nothing between two pages, whatever moves; counts and
 * watched lists agree with them. Method: operations of many times, states and columns on stores in memory and in SQLite,
 * which change while they are read; fast-check draws them. The rows that a list reads are counted.
 */
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { assign, setup } from 'xstate'
import {
  defineOperation,
  openOperations,
  operationsTable,
  type ListFilter,
  type Operations,
} from '../../src/kernel/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { StoreError, type Query, type Row, type Store, type StoreAdapter } from '../../src/store/port.ts'
import { sqliteStore } from '../../src/store/sqlite/index.ts'
import { VirtualClock } from '../../src/testing/explorer/life.ts'
import { pass, START_MS } from '../kits/kernel-shop.ts'

const tables = {
  operations: operationsTable(
    { customer: 'text', basket: 'integer?', note: 'text', ref: 'text?', papers: 'json' },
    {
      byCustomer: { columns: ['customer', 'createdAt'] },
      byBasket: { columns: ['basket'] },
      byRef: { columns: ['customer', 'ref'], unique: true },
    },
  ),
} as const
interface Context {
  id: string
  customer: string
  basket: number | null
  ref: string | null
}
const machine = setup({
  types: {} as { context: Context; input: Context; events: { type: 'go' } | { type: 'end' } },
  actions: { none: assign({}) },
}).createMachine({
  context: ({ input }) => input,
  initial: 'open',
  on: { end: '.ended' },
  states: { open: { on: { go: 'paid' } }, paid: { on: { go: 'open' } }, ended: { type: 'final' } },
})
const columns = ({ customer, basket, ref }: Context): Row => ({ customer, basket, ref, note: 'x', papers: [] })
const order = defineOperation({ kind: 'order', version: 1, machine, effects: () => ({}), columns })
const other = defineOperation({ ...order, kind: 'other' })

const closing: (() => void)[] = []
afterEach(() => closing.splice(0).forEach((close) => close()))

/** What a store is asked, and what is done before each query. */
interface Asked {
  rows: number
  queries: Query[]
  before: () => Promise<void> | void
}

async function opened(adapter: StoreAdapter = memoryStore(), clock = new VirtualClock(START_MS)) {
  const inner = await adapter.open({ version: 1, tables })
  const asked: Asked = { rows: 0, queries: [], before: () => {} }
  const store: Store = {
    get: (table, key) => inner.get(table, key),
    sum: (table, prefix) => inner.sum(table, prefix),
    commit: (writes) => inner.commit(writes),
    watch: (table, changed) => inner.watch(table, changed),
    close: () => inner.close(),
    async query<R extends Row>(query: Query) {
      await asked.before()
      const rows = await inner.query<R>(query)
      asked.rows += rows.length
      asked.queries.push(query)
      return rows
    },
  }
  const operations = openOperations({ store, tables, kinds: [order, other], ports: undefined, clock })
  closing.push(() => operations.close())
  await operations.resumed
  asked.queries.length = asked.rows = 0
  return { operations, clock, asked, store, orders: operations.of(order), others: operations.of(other) }
}
type Opened = Awaited<ReturnType<typeof opened>>

const wanting = (customer: string, basket: number | null = null, ref: string | null = null): Omit<Context, 'id'> => ({ customer, basket, ref }) // prettier-ignore
const idsOf = (views: readonly { readonly id: string }[]): string[] => views.map(({ id }) => id)

/** Thirty operations, three at each time: of two customers, in five baskets, every third of the other kind. */
async function thirty({ orders, others, clock }: Opened): Promise<string[]> {
  const ids: string[] = []
  for (let at = 0; at < 30; at++) {
    if (at % 3 === 0) clock.sleep(1)
    const input = wanting(at % 2 === 0 ? 'ann' : 'bob', at % 5)
    ids.push((at % 3 === 2 ? await others.create(input) : await orders.create(input)).id)
  }
  return ids
}

/** All pages, one after the other; something may happen between them. */
async function paged(operations: Operations<never>, filter: ListFilter, between: () => Promise<void> = async () => {}) {
  const ids: string[] = []
  for (let after: string | undefined; ;) {
    const page = await operations.page({ ...filter, after })
    expect(page.operations.length).toBeLessThanOrEqual(filter.limit ?? 100)
    ids.push(...idsOf(page.operations))
    if (page.next === undefined) return ids
    after = page.next
    await between()
  }
}

describe('a filter', () => {
  test.each<[string, object, RegExp]>([
    ['a column that there is not', { where: { custmer: 'ann' } }, /^custmer: not among id, kind.*customer/],
    ['a column that no index begins with', { where: { note: 'x' } }, /^where: no index .* serves note/],
    ['a null alone, which no index is asked for', { where: { basket: null } }, /^where: no index .* serves basket/],
    ['an index’s second column alone', { where: { ref: 'r' } }, /^where: no index .* serves ref/],
    ['JSON', { where: { papers: [] } }, /^where\.papers: JSON/],
    ['a value of another type', { where: { basket: '1' } }, /^where\.basket: must be integer/],
    ['something else', { stat: 'open' }, /^stat: not among/],
    ['a cursor that is none', { after: 'x' }, /^after: a cursor/],
    ['a cursor without a time', { after: '.x' }, /^after: a cursor/],
    ['a cursor of another form', { after: '00.x' }, /^after: a cursor/],
  ])('is refused with %s', async (_, filter, why) => {
    const { operations, orders } = await opened()
    for (const call of [() => operations.list(filter), () => operations.page(filter), () => orders.list(filter)])
      await expect(call()).rejects.toThrow(why)
    expect(() => operations.watch(filter)).toThrow(why)
    expect(() => orders.watch(filter)).toThrow(why)
  })

  test('of a count has no limit and no cursor, that of a watched list no age', async () => {
    const { operations } = await opened()
    await expect(operations.count({ limit: 1 } as object)).rejects.toThrow(/^limit: not among/)
    await expect(operations.count({ after: 'a.b' } as object)).rejects.toThrow(/^after: not among/)
    expect(() => operations.watch({ stuckForMs: 1 } as object)).toThrow(/^stuckForMs: not among/)
    expect(() => operations.watch({}, AbortSignal.abort(new Error('too late')))).toThrow('too late')
  })
})

describe.each<[string, () => StoreAdapter]>([
  ['memory', memoryStore],
  ['sqlite', () => sqliteStore({ path: ':memory:' })],
])('in %s', (_, adapter) => {
  test('a list is by the index that serves it best, and reads few rows more than it gives', async () => {
    const made = await opened(adapter())
    const { operations, asked } = made
    const ids = await thirty(made)
    const newest = (await operations.list()).map(({ id }) => id)
    expect(newest.toSorted()).toEqual(ids.toSorted())
    const isOf = (customer: string) => (id: string) => ids.indexOf(id) % 2 === (customer === 'ann' ? 0 : 1)
    for (const [filter, index, expected, rows] of [
      [{ where: { customer: 'bob' }, limit: 4 }, 'byCustomer', newest.filter(isOf('bob')).slice(0, 4), 4],
      [{ where: { basket: 3 } }, 'byBasket', newest.filter((id) => ids.indexOf(id) % 5 === 3), 6],
      [{ where: { basket: 3 }, limit: 2 }, 'byBasket', newest.filter((id) => ids.indexOf(id) % 5 === 3).slice(0, 2), 6],
      [{ kind: 'other', limit: 3 }, 'byKind', newest.filter((id) => ids.indexOf(id) % 3 === 2).slice(0, 3), 3],
      [{ where: { customer: 'ann', ref: null }, kind: 'other' }, 'byCustomer', newest.filter(isOf('ann')).filter((id) => ids.indexOf(id) % 3 === 2), 15],
    ] as const) {
      asked.queries.length = asked.rows = 0
      expect(idsOf(await operations.list(filter))).toEqual(expected)
      expect(new Set(asked.queries.map((query) => query.index))).toEqual(new Set([index]))
      expect(asked.rows).toBe(rows)
      const { limit: _limit, ...all } = filter as ListFilter
      expect(await operations.count(all)).toBe((await operations.list(all)).length)
    } // prettier-ignore
  })

  test('one that moves while a list is read is in it all the same', async () => {
    const made = await opened(adapter())
    const { operations, orders, asked } = made
    await thirty(made)
    const oldest = (await operations.list({ kind: 'order', where: { basket: 0 } })).at(-1)!.id
    let moves = 0
    asked.before = async () => {
      made.clock.sleep(1)
      if (moves++ === 2) await orders.send(oldest, { type: 'go' })
      if (moves++ === 7) await orders.send(oldest, { type: 'end' })
    }
    expect(idsOf(await operations.list({ where: { basket: 0 } }))).toContain(oldest)
    moves = 0
    expect(idsOf(await operations.list({ limit: 30 }))).toContain(oldest)
    expect(await operations.count()).toBe(30)
  })

  test('pages give everything that stays as it was asked for, once and in order, whatever happens between', async () => {
    const step = fc.record({ at: fc.nat(), what: fc.constantFrom('go', 'end', 'create', 'age') })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 25 }),
        fc.array(step, { maxLength: 25 }),
        fc.integer({ min: 1, max: 6 }),
        async (gaps, steps, limit) => {
          const made = await opened(adapter())
          const { operations, orders, clock } = made
          const ids: string[] = []
          for (const [at, gapMs] of gaps.entries()) {
            clock.sleep(gapMs)
            ids.push((await orders.create(wanting(at % 2 === 0 ? 'ann' : 'bob', at % 3))).id)
          }
          const left = [...steps]
          const between = async (): Promise<void> => {
            for (const { at, what } of left.splice(0, 4)) {
              if (what === 'age') clock.sleep(at % 3)
              else if (what === 'create') await orders.create(wanting('ann', 1))
              else await orders.send(ids[at % ids.length]!, { type: what as 'go' })
            }
          }
          for (const filter of [{}, { kind: 'order' }, { where: { customer: 'ann' } }, { where: { basket: 1 } }, { status: 'active' }, { changedSince: 0 }] as ListFilter[]) {
            const before = idsOf(await operations.list(filter))
            const found = await paged(operations, { ...filter, limit }, between)
            const after = idsOf(await operations.list(filter))
            const stayed = before.filter((id) => after.includes(id))
            expect(found.filter((id) => stayed.includes(id))).toEqual(stayed)
            expect(new Set(found).size).toBe(found.length)
            expect(await operations.count(filter)).toBe(after.length)
          }
          operations.close()
        },
      ),
      { numRuns: 20 },
    ) // prettier-ignore
  })
})

describe('a watched list', () => {
  const real = (adapter?: StoreAdapter) => opened(adapter, new VirtualClock(START_MS))
  /** What is under way goes on, and the clock with it. */
  const turn = (made: Opened): Promise<void> => pass(made, 1_000)

  test('is given at once, and again when it has changed, for whatever reason', async () => {
    const made = await real()
    const { orders } = made
    const { id } = await orders.create(wanting('ann'))
    const seen: (readonly string[])[] = []
    const over = new AbortController()
    const reading = (async () => {
      for await (const list of orders.watch({ where: { customer: 'ann' } }, over.signal))
        seen.push(list.map(({ state, snapshot }) => `${snapshot?.context.customer} ${state}`))
    })()
    await turn(made)
    await orders.send(id, { type: 'go' })
    await turn(made)
    await orders.create(wanting('bob')) // not in the list: nobody hears of it
    await turn(made)
    await orders.create(wanting('ann'))
    await turn(made)
    expect(seen).toEqual([['ann open'], ['ann paid'], ['ann open', 'ann paid']])
    over.abort()
    await reading
  })

  test('is the latest one for who is slow, and is not read until it is asked for', async () => {
    const made = await real()
    const { orders, asked } = made
    const lists = orders.watch({ status: 'active' })
    expect((await lists.next()).value).toEqual([])
    asked.queries.length = 0
    for (let at = 0; at < 25; at++) await orders.create(wanting('ann'))
    await turn(made)
    expect(asked.queries).toEqual([])
    const next = lists.next()
    await turn(made)
    expect((await next).value).toHaveLength(25)
    await lists.return?.()
  })

  test('hears of other processes', async () => {
    const rows = memoryStore()
    const [mine, theirs] = [await real(rows), await real(rows)]
    const lists = mine.operations.watch()
    expect((await lists.next()).value).toEqual([])
    const next = lists.next()
    const { id } = await theirs.orders.create(wanting('bob'))
    await turn(mine)
    expect(idsOf((await next).value ?? [])).toEqual([id])
    await lists.return?.()
  })

  test('goes on once a store that was away is back, and ends with an error that stays', async () => {
    const made = await real()
    const { operations, asked, orders } = made
    await orders.create(wanting('ann'))
    let away = 2
    asked.before = () => {
      if (away-- > 0) throw new StoreError('UNAVAILABLE', 'away')
    }
    const lists = operations.watch()
    const first = lists.next()
    await turn(made)
    expect((await first).value).toHaveLength(1)
    asked.before = () => {
      throw new StoreError('CORRUPT', 'a row')
    }
    const next = lists.next()
    await orders.create(wanting('ann'))
    const caught = next.catch((error: unknown) => error)
    await turn(made)
    expect(await caught).toMatchObject({ code: 'CORRUPT' })
  })

  test('ends where the signal aborts, where nobody reads on, and with CLOSED', async () => {
    const made = await real()
    const over = new AbortController()
    const [aborted, left, closed] = [made.orders.watch({}, over.signal), made.orders.watch(), made.operations.watch()]
    for (const lists of [aborted, closed]) expect((await lists.next()).value).toEqual([])
    for await (const list of left) {
      expect(list).toEqual([])
      break
    }
    const [end, failure] = [aborted.next(), closed.next()]
    const caught = failure.catch((error: unknown) => error)
    over.abort()
    expect(await end).toEqual({ done: true, value: undefined })
    made.operations.close()
    expect(await caught).toMatchObject({ code: 'CLOSED' })
    expect(() => made.operations.watch()).toThrow(expect.objectContaining({ code: 'CLOSED' }))
  })
})

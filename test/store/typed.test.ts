/**
 * Goal: what the tables' description does not allow does not compile. Method: each mistake stands under a
 * `@ts-expect-error`, which is an error itself where the line below compiles; so `tsc` runs these tests. What is right stands
 * beside it, and is carried out on a store, which shows that the types say what a store gives.
 */
import { setup } from 'xstate'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { operationsTable, tx } from '../../src/kernel/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store, Write } from '../../src/store/port.ts'
import {
  json,
  jsonOrNull,
  text,
  textOrNull,
  type ReaderOf,
  type RowOf,
  type StoreOf,
  type Tables,
  type WriteOf,
} from '../../src/store/typed.ts'

const tables = {
  operations: operationsTable({ shop: 'text' }, { byShop: { columns: ['shop', 'status'] } }),
  orders: {
    columns: {
      id: 'text',
      state: text<'open' | 'paid'>(),
      amount: 'integer',
      paidAt: 'time?',
      how: textOrNull<'card' | 'cash'>(),
      items: json<readonly string[]>(),
      note: jsonOrNull<{ readonly by: string }>(),
    },
    key: ['id'],
    indexes: { byState: { columns: ['state', 'amount'] } },
    total: { of: 'amount', by: ['state'] },
  },
  lines: { columns: { orderId: 'text', place: 'integer' }, key: ['orderId', 'place'] },
} as const satisfies Tables

type Shop = WriteOf<typeof tables>
type Order = RowOf<(typeof tables)['orders']>

const row: Order = { id: 'a', state: 'open', amount: 3, paidAt: null, how: null, items: ['tea'], note: { by: 'me' } }
const open = (): Promise<Store> => memoryStore().open({ version: 1, tables })

test('a described column is the plain column type at run time', () => {
  expect(tables.orders.columns).toEqual({
    ...{ id: 'text', state: 'text', amount: 'integer', paidAt: 'time?', how: 'text?', items: 'json', note: 'json?' },
  })
})

test('a row has the columns’ types', () => {
  expectTypeOf<Order>().toEqualTypeOf<{
    readonly id: string
    readonly state: 'open' | 'paid'
    readonly amount: number
    readonly paidAt: number | null
    readonly how: 'card' | 'cash' | null
    readonly items: readonly string[]
    readonly note: { readonly by: string } | null
  }>()
})

describe('a write', () => {
  test('that fits its table is a write of the port, and lands', async () => {
    const writes: Shop[] = [
      { put: 'orders', row, if: 'absent' },
      {
        patch: 'orders',
        key: ['a'],
        set: { state: 'paid', how: 'card' },
        if: { state: 'open', amount: { atMost: 3 } },
      },
      { check: 'orders', key: ['a'], if: { paidAt: null, how: 'card' } },
      { put: 'lines', row: { orderId: 'a', place: 1 } },
      { delete: 'lines', key: ['a', 1] },
    ]
    expectTypeOf<Shop>().toExtend<Write>()
    const store: StoreOf<typeof tables> = await open()
    await store.commit(writes)
    expect(await store.get('orders', ['a'])).toEqual({ ...row, state: 'paid', how: 'card' })
    expect(await store.query({ table: 'lines' })).toEqual([])
  })

  test('that does not fit does not compile', () => {
    const wrong: Shop[] = [
      // @ts-expect-error no such table
      { put: 'order', row },
      // @ts-expect-error a column is missing
      { put: 'lines', row: { orderId: 'a' } },
      // @ts-expect-error a column is misspelt
      { put: 'lines', row: { orderId: 'a', place: 1, plaice: 1 } },
      // @ts-expect-error a number where a text belongs
      { put: 'lines', row: { orderId: 1, place: 1 } },
      // @ts-expect-error null where the column takes none
      { put: 'orders', row: { ...row, amount: null } },
      // @ts-expect-error no such state
      { put: 'orders', row: { ...row, state: 'gone' } },
      // @ts-expect-error JSON of another shape
      { put: 'orders', row: { ...row, items: [1] } },
      // @ts-expect-error a column is misspelt
      { patch: 'orders', key: ['a'], set: { stat: 'paid' } },
      // @ts-expect-error a column is misspelt beside one that is right
      { patch: 'orders', key: ['a'], set: { state: 'paid', amont: 1 } },
      // @ts-expect-error the key's columns are not changed
      { patch: 'orders', key: ['a'], set: { id: 'b' } },
      // @ts-expect-error undefined is no value of a column
      { patch: 'orders', key: ['a'], set: { amount: undefined } },
      // @ts-expect-error the key has two columns
      { delete: 'lines', key: ['a'] },
      // @ts-expect-error the key's second column is an integer
      { delete: 'lines', key: ['a', 'b'] },
      // @ts-expect-error a condition on a column that there is not
      { delete: 'lines', key: ['a', 1], if: { state: 'open' } },
      // @ts-expect-error a condition that can never hold
      { check: 'orders', key: ['a'], if: { state: 'gone' } },
      // @ts-expect-error only numbers are at most something
      { check: 'orders', key: ['a'], if: { state: { atMost: 1 } } },
      // @ts-expect-error a condition on JSON of another shape
      { check: 'orders', key: ['a'], if: { items: 'tea' } },
      // @ts-expect-error a check without a condition
      { check: 'orders', key: ['a'] },
    ]
    expect(wrong).toHaveLength(18)
  })

  test('in a chart is checked against the tables, too', () => {
    const chart = setup({ types: {} as { context: { id: string } }, actions: { tx: tx<Shop> } })
    const right = chart.createMachine({
      context: { id: 'a' },
      entry: { type: 'tx', params: ({ context: { id } }) => [{ delete: 'lines', key: [id, 1] }] },
    })
    const wrong = chart.createMachine({
      context: { id: 'a' },
      // @ts-expect-error no such table
      entry: { type: 'tx', params: ({ context: { id } }) => [{ delete: 'line', key: [id, 1] }] },
    })
    expect(wrong.config.entry).not.toEqual(right.config.entry)
  })
})

describe('a read', () => {
  test('returns rows of its table', async () => {
    const store: StoreOf<typeof tables> = await open()
    await store.commit([{ put: 'orders', row }])
    expectTypeOf(await store.get('orders', ['a'])).toEqualTypeOf<Order | undefined>()
    const found = await store.query({ table: 'orders', index: 'byState', prefix: ['open'], from: 2, limit: 1 })
    expectTypeOf(found).toEqualTypeOf<Order[]>()
    expect(found).toEqual([row])
    const [total] = await store.sum('orders', ['open'])
    expectTypeOf(total!.key).toEqualTypeOf<readonly ['open' | 'paid']>()
    expect(total).toEqual({ key: ['open'], sum: 3, count: 1 })
    expect(await store.query({ table: 'operations', index: 'byShop', prefix: ['here', 'active'] })).toEqual([])
  })

  test('of an undescribed table or column does not compile', () => {
    const wrong = [
      // @ts-expect-error no such table
      (read: Reads) => read.get('order', ['a']),
      // @ts-expect-error the key is a text
      (read: Reads) => read.get('orders', [1]),
      // @ts-expect-error the key has two columns
      (read: Reads) => read.get('lines', ['a']),
      // @ts-expect-error no such table
      (read: Reads) => read.query({ table: 'line' }),
      // @ts-expect-error no such index
      (read: Reads) => read.query({ table: 'orders', index: 'byStat' }),
      // @ts-expect-error an index of another table
      (read: Reads) => read.query({ table: 'lines', index: 'byState' }),
      // @ts-expect-error no such state
      (read: Reads) => read.query({ table: 'orders', index: 'byState', prefix: ['gone'] }),
      // @ts-expect-error the index has two columns
      (read: Reads) => read.query({ table: 'orders', index: 'byState', prefix: ['open', 1, 1] }),
      // @ts-expect-error no such option
      (read: Reads) => read.query({ table: 'orders', limits: 1 }),
      // @ts-expect-error the table has no running total
      (read: Reads) => read.sum('lines'),
      // @ts-expect-error the total is by state
      (read: Reads) => read.sum('orders', ['gone']),
    ]
    expect(wrong).toHaveLength(11)
  })
})

type Reads = ReaderOf<typeof tables>

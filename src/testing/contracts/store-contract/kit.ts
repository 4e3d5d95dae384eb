/** The tables of the store contract, and what its cases are written with. Nothing here needs Node. */
import { kvTable } from '../../../store/kv.ts'
import {
  StoreError,
  type Key,
  type Query,
  type Row,
  type Schema,
  type Store,
  type StoreAdapter,
  type StoreErrorCode,
  type Table,
  type Write,
} from '../../../store/port.ts'

export const coins: Table = {
  columns: {
    id: 'text',
    mint: 'text',
    state: 'text',
    amount: 'integer',
    version: 'integer',
    label: 'text?',
    at: 'time?',
    data: 'json',
    more: 'json?',
  },
  key: ['id'],
  indexes: {
    byState: { columns: ['mint', 'state', 'amount'] },
    byAmount: { columns: ['amount'] },
    byAt: { columns: ['at'] },
    byLabel: { columns: ['mint', 'label'], unique: true },
  },
  total: { of: 'amount', by: ['mint', 'state'] },
}

export const events: Table = { columns: { op: 'text', seq: 'integer', text: 'text' }, key: ['op', 'seq'] }

export const schema: Schema = { version: 1, tables: { coins, events, kv: kvTable } }

export const coin = (id: string, more: Row = {}): Row => ({
  id,
  mint: 'm',
  state: 'free',
  amount: 1,
  version: 1,
  label: null,
  at: null,
  data: null,
  more: null,
  ...more,
})

export const putCoin = (id: string, more: Row = {}): Write => ({ put: 'coins', row: coin(id, more) })
export const putEvent = (op: string, seq: number): Write => ({ put: 'events', row: { op, seq, text: '' } })

/** Adds a case, which runs on a new store. */
export type Test = (name: string, body: (store: Store, adapter: StoreAdapter) => Promise<void>) => void

/** Both tables and the totals, as they can be read. */
export const everything = (store: Store): Promise<unknown[]> =>
  Promise.all([store.query({ table: 'coins' }), store.query({ table: 'events' }), store.sum('coins')])

export async function ids(store: Store, query: Query): Promise<unknown[]> {
  return (await store.query(query)).map(({ id }) => id)
}

export function totalsOf(rows: readonly Row[]): { key: Key; sum: number; count: number }[] {
  const groups = Map.groupBy(rows, (row) => JSON.stringify([row['mint'], row['state']]))
  return [...groups]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, group]) => ({
      key: JSON.parse(key) as Key,
      sum: group.reduce((sum, { amount }) => sum + (amount as number), 0),
      count: group.length,
    }))
}

export function fail(message: string): never {
  throw new Error(message)
}

export function equal(actual: unknown, expected: unknown, what = 'value'): void {
  const [is, should] = [canonical(actual), canonical(expected)]
  if (is !== should) fail(`${what}: expected ${should}, got ${is}`)
}

/** JSON with sorted properties. */
export const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1))
      : item,
  ) ?? 'undefined'

export const codeOf = (error: unknown): string =>
  error instanceof StoreError ? error.code : `no StoreError but ${String(error)}`

/** Expects a rejection by a code, or by a class of errors whose message names the place. */
export async function rejects(
  promise: Promise<unknown>,
  expected: StoreErrorCode | (new (message: string) => Error),
  place = '',
): Promise<void> {
  const error: unknown = await promise.then(
    () => fail(`expected ${typeof expected === 'string' ? expected : `${expected.name} (${place})`}, but it resolved`),
    (reason: unknown) => reason,
  )
  if (typeof expected === 'string') equal(codeOf(error), expected)
  else if (!(error instanceof expected && error.message.includes(place)))
    fail(`expected ${expected.name} naming ${place}, got ${String(error)}`)
}

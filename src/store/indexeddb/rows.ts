/**
 * Tables, rows and migrations in IndexedDB. All rows of all tables are in one object store. Their keys are the table's
 * name and the primary key. A record holds its own index keys, so every native index holds rows of one table only, and
 * leaves out rows that a unique index exempts.
 */
import { promisifyRequest } from 'idb-keyval'
import {
  StoreError,
  type Key,
  type Query,
  type Row,
  type Scalar,
  type Schema,
  type Table,
  type Total,
} from '../port.ts'
import {
  encode,
  keyOf,
  orderOf,
  outcome,
  safe,
  TotalChanges,
  type CheckedQuery,
  type CheckedWrite,
  type Tables,
} from '../kit/rows.ts'
import { migrateRows, plan, type Dump } from '../kit/schema.ts'
import { refused } from './errors.ts'

/** The one object store. */
export const OBJECTS = 'hardshell'

/** The version of the schema, and the description of the tables. No table's name has a colon. */
const SCHEMA_KEY = ['hardshell:schema']
/** The number of commits that changed something. */
const COMMITS_KEY = ['hardshell:commits']

interface Described {
  readonly version: number
  readonly tables: Tables
}

/** A row, and its key in each native index that has it. */
interface IdbRecord {
  readonly row: Row
  readonly keys: { readonly [index: string]: readonly (string | number)[] }
}

/** The name of an index as a property that is valid in a key path. No table's name has a dollar sign. */
const propertyOf = (table: string, index: string): string => `${table}$${index}`

function recordOf(name: string, table: Table, row: Row): IdbRecord {
  const keys: Record<string, (string | number)[]> = {}
  for (const index of Object.keys(table.indexes ?? {})) {
    const { columns, present } = orderOf(name, table, index)
    if (present.some((column) => row[column] === null)) continue
    keys[propertyOf(name, index)] = columns.map((column) => part(row[column] as Scalar))
  }
  return { row, keys }
}

/** A value as part of a key: null first, numbers by size, text by code point. */
function part(value: Scalar): string | number {
  if (value === null) return -Infinity
  return typeof value === 'string' ? value.replace(/[\ud800-\uffff]/g, byCodePoint) : value
}

/**
 * IndexedDB orders text by UTF-16 units. That is code point order except for surrogates, which encode code points above
 * U+E000 to U+FFFF. So surrogates change places with these units.
 */
const byCodePoint = (unit: string): string => {
  const code = unit.charCodeAt(0)
  return String.fromCharCode(code < 0xe000 ? code + 0x2000 : code - 0x800)
}

const keyIn = (name: string, key: Key): IDBValidKey[] => [name, ...key.map(part)]
const totalsOf = (name: string): string => `${name}:total`

/** The range of keys that begin with some values. An array sorts after all other values. */
const beginning = (values: readonly IDBValidKey[]): IDBKeyRange => IDBKeyRange.bound([...values], [...values, []])

export async function readRow(rows: IDBObjectStore, name: string, key: Key): Promise<Row | undefined> {
  return ((await promisifyRequest(rows.get(keyIn(name, key)))) as IdbRecord | undefined)?.row
}

export async function readRows(rows: IDBObjectStore, query: Query, checked: CheckedQuery): Promise<Row[]> {
  const { table: name, index, reverse = false, limit = Infinity } = query
  const { prefix, from, to } = checked
  if (limit === 0) return []
  const source = index === undefined ? rows : rows.index(propertyOf(name, index))
  const first = index === undefined ? keyIn(name, prefix) : prefix.map(part)
  // A null is outside any bound.
  const low = from !== undefined ? [...first, part(from)] : to !== undefined ? [...first, -Infinity, []] : first
  const high = to === undefined ? [...first, []] : [...first, part(to), []]
  if (indexedDB.cmp(low, high) > 0) return []
  const range = IDBKeyRange.bound(low, high)
  if (reverse && limit < Infinity) return lastRows(source, range, limit)
  // No database holds 2³² rows, and no more can be asked for.
  const inOrder = await allRows(source, range, limit < 2 ** 32 ? limit : undefined)
  return reverse ? inOrder.toReversed() : inOrder
}

async function allRows(source: IDBObjectStore | IDBIndex, range: IDBKeyRange, limit?: number): Promise<Row[]> {
  const found = (await promisifyRequest(source.getAll(range, limit))) as IdbRecord[]
  return found.map(({ row }) => row)
}

function lastRows(source: IDBObjectStore | IDBIndex, range: IDBKeyRange, limit: number): Promise<Row[]> {
  const found: Row[] = []
  const request = source.openCursor(range, 'prev')
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => {
      const cursor = request.result
      if (cursor) found.push((cursor.value as IdbRecord).row)
      if (cursor && found.length < limit) cursor.continue()
      else resolve(found)
    })
    request.addEventListener('error', () => reject(request.error!))
  })
}

export function readTotals(rows: IDBObjectStore, name: string, prefix: Key): Promise<Total[]> {
  return promisifyRequest<Total[]>(rows.getAll(beginning(keyIn(totalsOf(name), prefix))))
}

/** The number of commits that changed something. It shows a poll that another tab has committed. */
export async function readCommits(rows: IDBObjectStore): Promise<number> {
  return (await promisifyRequest<number | undefined>(rows.get(COMMITS_KEY))) ?? 0
}

/**
 * Lands a commit within the transaction, or throws with nothing written. All reads come before all writes. It resolves
 * when the last write was accepted; the transaction has not ended then.
 */
export async function land(rows: IDBObjectStore, tables: Tables, writes: readonly CheckedWrite[]): Promise<void> {
  const idOf = ({ table, key }: CheckedWrite): string => encode([table, ...key])
  const touched = new Map(writes.map((write) => [idOf(write), write]))
  const [commits, ...found] = await Promise.all([
    readCommits(rows),
    ...Array.from(touched, async ([id, { table, key }]) => [id, await readRow(rows, table, key)] as const),
  ])
  const now = new Map(found)
  const totals = new TotalChanges()
  const changes: (() => void)[] = []
  for (const write of writes) {
    const { table: name, key } = write
    const table = tables[name]!
    const before = now.get(idOf(write))
    const after = outcome(write, before)
    if (after === before) continue
    now.set(idOf(write), after)
    totals.add(name, table, before, after)
    if (after) changes.push(() => rows.put(recordOf(name, table, after), keyIn(name, key)))
    else changes.push(() => rows.delete(keyIn(name, key)))
  }
  const groups = await Promise.all(
    Array.from(totals, async (change) => {
      const id = keyIn(totalsOf(change.table), change.key)
      const { sum, count } = ((await promisifyRequest(rows.get(id))) as Total | undefined) ?? { sum: 0, count: 0 }
      const total = { key: change.key, sum: safe(change.table, sum + change.sum), count: count + change.count }
      return { id, total }
    }),
  )
  if (changes.length === 0) return
  try {
    for (const change of changes) change()
    for (const { id, total } of groups) {
      if (total.count === 0) rows.delete(id)
      else rows.put(total, id)
    }
  } catch (error) {
    throw refused(error)
  }
  await promisifyRequest(rows.put(commits + 1, COMMITS_KEY))
}

/** @throws {StoreError} `CORRUPT` where the database is not one of ours. */
async function described(rows: IDBObjectStore): Promise<Described> {
  const found = (await promisifyRequest(rows.get(SCHEMA_KEY))) as Described | undefined
  return found ?? notOurs()
}

export function notOurs(): never {
  throw new StoreError('CORRUPT', 'the database is not one of ours')
}

/** @throws {TypeError} where the database has other tables than the schema of its version. */
export async function checkTables(rows: IDBObjectStore, schema: Schema): Promise<void> {
  const { version, tables } = await described(rows)
  plan(version, tables, schema)
}

/** Makes the tables of a new database. */
export function create(db: IDBDatabase, schema: Schema): void {
  fill(db.createObjectStore(OBJECTS), schema, {})
}

/** Migrates an older database to the schema: it reads, changes and rewrites all rows, indexes and totals. */
export async function migrate(rows: IDBObjectStore, schema: Schema): Promise<void> {
  const { version, tables } = await described(rows)
  const steps = plan(version, tables, schema)
  const dump: Record<string, readonly Row[]> = {}
  for (const name of Object.keys(tables)) dump[name] = await allRows(rows, beginning([name]))
  const migrated = migrateRows(dump, steps)
  for (const index of [...rows.indexNames]) rows.deleteIndex(index)
  rows.clear()
  fill(rows, schema, migrated)
}

function fill(rows: IDBObjectStore, { version, tables }: Schema, dump: Dump): void {
  const totals = new TotalChanges()
  for (const [name, table] of Object.entries(tables)) {
    for (const index of Object.keys(table.indexes ?? {})) {
      const { unique } = orderOf(name, table, index)
      rows.createIndex(propertyOf(name, index), `keys.${propertyOf(name, index)}`, { unique })
    }
    for (const row of dump[name] ?? []) {
      // `add` rather than `put`: it fails for two rows with one key.
      rows.add(recordOf(name, table, row), keyIn(name, keyOf(table, row)))
      totals.add(name, table, undefined, row)
    }
  }
  for (const { table, key, sum, count } of totals) rows.add({ key, sum, count }, keyIn(totalsOf(table), key))
  rows.add({ version, tables } satisfies Described, SCHEMA_KEY)
}

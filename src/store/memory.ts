/**
 * Rows in memory. They live as long as the adapter: closing a store and opening it again through the same adapter is a
 * restart. All work is done within microtasks, no row is ever mutated, and a dump shares its rows with the store.
 */
import {
  StoreError,
  type Key,
  type Query,
  type Row,
  type Scalar,
  type Schema,
  type Store,
  type StoreAdapter,
  type Table,
  type Total,
} from './port.ts'
import {
  checkKey,
  checkQuery,
  checkRow,
  checkTotal,
  checkWrites,
  compare,
  compareKeys,
  encode,
  keyOf,
  orderOf,
  outcome,
  safe,
  scalarOf,
  tableOf,
  TotalChanges,
  type CheckedQuery,
  type CheckedWrite,
  type Order,
} from './kit/rows.ts'
import { checkSchema, migrateRows, plan, type Dump } from './kit/schema.ts'
import { watchers, type Watchers } from './kit/watchers.ts'
import { sure } from '../sure.ts'

export type { Dump }

/** A store in memory, with `dump` and `load` for all of its rows. */
export interface MemoryStore extends StoreAdapter {
  /** All current rows. Rows are frozen and shared: a dump costs little and never changes. */
  dump(): Dump
  /**
   * Replaces all rows by those of a dump. Before the first `open`, it sets what that call finds. Frozen rows are taken
   * without a check; others are checked.
   * @throws {TypeError} where they do not fit the schema.
   */
  load(dump: Dump): void
}

/**
 * A store in memory, for tests and for programs that need no disk.
 *
 * @example
 * await using wallet = await openWallet({ store: memoryStore(), seed })
 */
export function memoryStore(): MemoryStore {
  let schema: Schema | undefined
  let tables = new Map<string, Rows>()
  let loaded: Dump = {}
  /** The watchers of every open handle. */
  const watching = new Set<Watchers>()

  const dump = (): Dump => {
    if (schema === undefined) return loaded
    const rows: Record<string, readonly Row[]> = {}
    for (const [name, table] of tables) rows[name] = table.copy()
    return rows
  }

  const handle = (mine: Schema): Store => {
    const own = watchers()
    watching.add(own)
    const open = (): void => {
      if (!watching.has(own)) throw new StoreError('CLOSED', 'the store is closed')
    }
    const use = (name: string): Rows => {
      open()
      tableOf(mine.tables, name)
      return sure(tables.get(name), 'table')
    }
    return {
      async get<R extends Row>(name: string, key: Key) {
        return use(name).byId.get(encode(checkKey(name, tableOf(mine.tables, name), key))) as R | undefined
      },
      async query<R extends Row>(query: Query) {
        return use(query.table).select(query, checkQuery(mine.tables, query)) as R[]
      },
      async sum<K extends Key>(name: string, prefix: Key = []) {
        return use(name).sum(checkTotal(mine.tables, name, prefix)) as Total<K>[]
      },
      async commit(writes) {
        open()
        if (schema!.version > mine.version) throw newer(schema!)
        const touched = land(tables, checkWrites(mine.tables, writes))
        for (const each of watching) each.touched(touched)
      },
      watch(name, changed) {
        use(name)
        return own.add(name, changed)
      },
      async close() {
        own.clear()
        watching.delete(own)
      },
    }
  }

  return {
    dump,
    load(rows) {
      if (schema) tables = build(schema, rows)
      else loaded = rows
    },
    async open(wanted) {
      checkSchema(wanted)
      if (schema === undefined) tables = build(wanted, loaded)
      else if (schema.version > wanted.version) throw newer(schema)
      else if (schema !== wanted)
        tables = build(wanted, migrateRows(dump(), plan(schema.version, schema.tables, wanted)))
      schema = wanted
      return handle(wanted)
    },
  }
}

const newer = ({ version }: Schema): StoreError => new StoreError('NEWER', `the rows are of version ${version}`)

function build(schema: Schema, dump: Dump): Map<string, Rows> {
  for (const name of Object.keys(dump)) tableOf(schema.tables, name)
  return new Map(
    Object.entries(schema.tables).map(([name, table]) => {
      const rows = (dump[name] ?? []).map((row) => (Object.isFrozen(row) ? row : checkRow(name, table, row)))
      return [name, new Rows(name, table, rows)]
    }),
  )
}

/** @throws {TypeError} where there is no such table. */
function rowsOf(tables: ReadonlyMap<string, Rows>, name: string): Rows {
  const rows = tables.get(name)
  if (!rows) throw new TypeError(`there is no table ${name}`)
  return rows
}

/** Applies all writes, or none if one is refused. Returns the tables that they touched. */
function land(tables: Map<string, Rows>, writes: readonly CheckedWrite[]): Set<string> {
  const undo: (() => void)[] = []
  const touched = new Set<string>()
  const totals = new TotalChanges()
  try {
    for (const write of writes) {
      const rows = rowsOf(tables, write.table)
      const id = encode(write.key)
      const before = rows.byId.get(id)
      const after = outcome(write, before)
      if (after === before) continue
      rows.change(id, before, after)
      undo.push(() => rows.change(id, after, before))
      touched.add(write.table)
      totals.add(write.table, rows.table, before, after)
    }
    for (const change of totals) {
      const rows = rowsOf(tables, change.table)
      rows.count(change)
      undo.push(() => rows.count({ ...change, sum: -change.sum, count: -change.count }))
    }
  } catch (error) {
    for (const back of undo.toReversed()) back()
    throw error
  }
  return touched
}

/** The rows of one table. */
class Rows {
  readonly table: Table
  /** By their encoded primary keys. */
  readonly byId = new Map<string, Row>()
  readonly #name: string
  readonly #unique: { readonly order: Order; readonly rows: Map<string, Row> }[] = []
  /** The rows in the order of each index; built at the first query of the index. */
  readonly #sorted = new Map<string | undefined, { readonly order: Order; readonly rows: Row[] }>()
  readonly #totals = new Map<string, Total>()
  /** The list of all rows; built at most once between two changes. */
  #copy: readonly Row[] | undefined

  constructor(name: string, table: Table, rows: readonly Row[]) {
    this.#name = name
    this.table = table
    for (const [index, { unique }] of Object.entries(table.indexes ?? {}))
      if (unique) this.#unique.push({ order: orderOf(name, table, index), rows: new Map() })
    const totals = new TotalChanges()
    for (const row of rows) {
      const id = encode(keyOf(table, row))
      if (this.byId.has(id)) throw new StoreError('CONFLICT', `${name} has two rows of one key`)
      this.change(id, undefined, row)
      totals.add(name, table, undefined, row)
    }
    for (const change of totals) this.count(change)
  }

  /** Puts one row in the place of another. @throws {StoreError} `CONFLICT`, with nothing changed. */
  change(id: string, before: Row | undefined, after: Row | undefined): void {
    const unique = this.#unique.map(({ order, rows }) => {
      const was = before && isIn(order, before) ? encode(values(order.columns, before)) : undefined
      const is = after && isIn(order, after) ? encode(values(order.columns, after)) : undefined
      if (is !== undefined && is !== was && rows.has(is))
        throw new StoreError('CONFLICT', `${this.#name} has a row of the same ${order.columns.join(', ')}`)
      return { rows, was, is }
    })
    this.#copy = undefined
    for (const { rows, was, is } of unique) {
      if (was !== undefined) rows.delete(was)
      if (is !== undefined && after) rows.set(is, after)
    }
    if (after) this.byId.set(id, after)
    else this.byId.delete(id)
    for (const { order, rows } of this.#sorted.values()) {
      if (before && isIn(order, before)) rows.splice(placeOf(before, order, rows), 1)
      if (after && isIn(order, after)) rows.splice(placeOf(after, order, rows), 0, after)
    }
  }

  /** Adds to one group of the total. @throws {RangeError} with nothing changed. */
  count({ key, sum, count }: Total): void {
    const id = encode(key)
    const group = this.#totals.get(id)
    const total = { key, sum: safe(this.#name, sum + (group?.sum ?? 0)), count: count + (group?.count ?? 0) }
    if (total.count === 0) this.#totals.delete(id)
    else this.#totals.set(id, total)
  }

  sum(prefix: Key): Total[] {
    const groups = [...this.#totals.values()].filter(({ key }) => prefix.every((value, i) => value === key[i]))
    return groups.toSorted((a, b) => compareKeys(a.key, b.key))
  }

  /** All rows, in the order of the primary key. */
  copy(): readonly Row[] {
    return (this.#copy ??= this.inOrder().slice())
  }

  /** The rows in the order of an index, or of the primary key. The caller must not change the list. */
  inOrder(index?: string): readonly Row[] {
    let sorted = this.#sorted.get(index)
    if (sorted === undefined) {
      const order = orderOf(this.#name, this.table, index)
      const rows = [...this.byId.values()].filter((row) => isIn(order, row))
      sorted = { order, rows: rows.toSorted((a, b) => compareTo(a, order.by, values(order.by, b))) }
      this.#sorted.set(index, sorted)
    }
    return sorted.rows
  }

  select({ index, reverse, limit = Infinity }: Query, { order, prefix, bounded, from, to }: CheckedQuery): Row[] {
    const rows = this.inOrder(index)
    const least = typeof to === 'string' ? '' : -Infinity
    const low = bounded === undefined ? prefix : [...prefix, from ?? least]
    const high = to === undefined ? prefix : [...prefix, to]
    const start = search(rows, (row) => compareTo(row, order.by, low) >= 0)
    const end = search(rows, (row) => compareTo(row, order.by, high) > 0)
    if (reverse) return rows.slice(Math.max(start, end - limit), Math.max(start, end)).toReversed()
    return rows.slice(start, Math.min(end, start + limit))
  }
}

const values = (columns: readonly string[], row: Row): Scalar[] => columns.map((column) => scalarOf(row, column))

const isIn = (order: Order, row: Row): boolean => order.present.every((column) => row[column] !== null)

/** The position of a row, or the position at which it would be inserted. */
function placeOf(row: Row, order: Order, rows: readonly Row[]): number {
  const wanted = values(order.by, row)
  return search(rows, (other) => compareTo(other, order.by, wanted) >= 0)
}

/** Compares a row's first columns with as many values. */
function compareTo(row: Row, columns: readonly string[], wanted: readonly Scalar[]): number {
  for (const [i, column] of columns.slice(0, wanted.length).entries()) {
    const difference = compare(scalarOf(row, column), wanted[i] ?? null)
    if (difference !== 0) return difference
  }
  return 0
}

/** The position of the first row that meets a condition. All rows after it meet the condition too. */
function search(rows: readonly Row[], isThere: (row: Row) => boolean): number {
  let [low, high] = [0, rows.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    const row = rows[middle]
    if (row && isThere(row)) high = middle
    else low = middle + 1
  }
  return low
}

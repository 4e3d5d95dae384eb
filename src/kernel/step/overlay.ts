/**
 * The store as it will be when a step's writes so far have landed. One step may run several local steps; each sees
 * what those before it are going to write.
 */
import type { Key, Query, Row, Scalar, Write } from '../../store/port.ts'
import {
  checkQuery,
  checkWrites,
  compare,
  encode,
  keyOf,
  outcome,
  tableOf,
  type CheckedWrite,
  type Tables,
} from '../../store/kit/rows.ts'
import { HardshellError } from '../util/errors.ts'
import type { Reader } from '../define/operation.ts'

export function overlay(read: Reader, tables: Tables, pending: readonly Write[]): Reader {
  return pending.length === 0 ? read : new Overlay(read, tables).add(pending).reader
}

/** An overlay to which writes are added: a step's own, then those of each child that it starts. */
export class Overlay {
  readonly #read: Reader
  readonly #tables: Tables
  /** The writes of each table, by the key of their row. */
  readonly #writes = new Map<string, Map<string, CheckedWrite[]>>()
  readonly reader: Reader = {
    get: (table, key) => this.#get(table, key) as Promise<never>,
    query: (query) => this.#query(query) as Promise<never[]>,
    sum: (table, prefix) => {
      if (this.#writes.has(table))
        throw new HardshellError('DEFECT', `a local step sums '${table}', which an earlier one of its step writes`)
      return this.#read.sum(table, prefix)
    },
  }

  constructor(read: Reader, tables: Tables) {
    this.#read = read
    this.#tables = tables
  }

  add(writes: readonly Write[]): this {
    for (const write of checkWrites(this.#tables, writes)) {
      const rows = this.#writes.get(write.table) ?? new Map<string, CheckedWrite[]>()
      this.#writes.set(write.table, rows)
      const id = encode(write.key)
      const known = rows.get(id)
      if (known) known.push(write)
      else rows.set(id, [write])
    }
    return this
  }

  async #get(table: string, key: Key): Promise<Row | undefined> {
    let row = await this.#read.get(table, key)
    for (const write of this.#writes.get(table)?.get(encode(key)) ?? []) row = outcome(write, row)
    return row
  }

  async #query(query: Query): Promise<Row[]> {
    const touched = this.#writes.get(query.table)
    if (!touched) return this.#read.query(query)
    const table = tableOf(this.#tables, query.table)
    const { order, prefix, bounded, from, to } = checkQuery(this.#tables, query)
    const { limit, ...unlimited } = query
    const rows = new Map<string, Row>(
      (await this.#read.query(unlimited)).map((row) => [encode(keyOf(table, row)), row]),
    )
    for (const [id, [write]] of touched) {
      const row = write && (await this.#get(query.table, write.key))
      const at = bounded === undefined ? undefined : (row?.[bounded] as Scalar | undefined)
      const inside =
        row !== undefined &&
        prefix.every((value, place) => row[order.columns[place]!] === value) &&
        (from === undefined || (at !== null && compare(at!, from) >= 0)) &&
        (to === undefined || (at !== null && compare(at!, to) <= 0))
      if (inside) rows.set(id, row)
      else rows.delete(id)
    }
    const direction = query.reverse ? -1 : 1
    const sorted = [...rows.values()].toSorted((a, b) => {
      const column = order.by.find((name) => compare(a[name] as Scalar, b[name] as Scalar) !== 0)
      return column === undefined ? 0 : direction * compare(a[column] as Scalar, b[column] as Scalar)
    })
    return sorted.slice(0, limit)
  }
}

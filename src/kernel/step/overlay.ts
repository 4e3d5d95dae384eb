/**
 * The store as it will be when a step's writes so far have landed. One step may run several local steps; each sees
 * what those before it are going to write.
 */
import type { Key, Row, Scalar, Write } from '../../store/port.ts'
import { checkQuery, checkWrites, compare, encode, keyOf, outcome, tableOf, type Tables } from '../../store/kit/rows.ts'
import { HardshellError } from '../util/errors.ts'
import type { Reader } from '../define/operation.ts'

export function overlay(read: Reader, tables: Tables, pending: readonly Write[]): Reader {
  if (pending.length === 0) return read
  const writes = checkWrites(tables, pending)
  const get = async (table: string, key: Key): Promise<Row | undefined> => {
    let row = await read.get(table, key)
    const id = encode(key)
    for (const write of writes) if (write.table === table && encode(write.key) === id) row = outcome(write, row)
    return row
  }
  return {
    get: (table, key) => get(table, key) as Promise<never>,
    async query(query) {
      const touched = writes.filter(({ table }) => table === query.table)
      if (touched.length === 0) return read.query(query)
      const table = tableOf(tables, query.table)
      const { order, prefix, bounded, from, to } = checkQuery(tables, query)
      const { limit, ...unlimited } = query
      const rows = new Map<string, Row>((await read.query(unlimited)).map((row) => [encode(keyOf(table, row)), row]))
      for (const { key } of touched) {
        const row = await get(query.table, key)
        const at = bounded === undefined ? undefined : (row?.[bounded] as Scalar | undefined)
        const inside =
          row !== undefined &&
          prefix.every((value, place) => row[order.columns[place]!] === value) &&
          (from === undefined || (at !== null && compare(at!, from) >= 0)) &&
          (to === undefined || (at !== null && compare(at!, to) <= 0))
        if (inside) rows.set(encode(key), row)
        else rows.delete(encode(key))
      }
      const direction = query.reverse ? -1 : 1
      const sorted = [...rows.values()].toSorted((a, b) => {
        const column = order.by.find((name) => compare(a[name] as Scalar, b[name] as Scalar) !== 0)
        return column === undefined ? 0 : direction * compare(a[column] as Scalar, b[column] as Scalar)
      })
      return sorted.slice(0, limit) as never[]
    },
    sum(table, prefix) {
      if (writes.some((write) => write.table === table))
        throw new HardshellError('DEFECT', `a local step sums '${table}', which an earlier one of its step writes`)
      return read.sum(table, prefix)
    },
  }
}

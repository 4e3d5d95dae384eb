/** Reads and replaces all rows of a store in PostgreSQL at once, so that tests can store worlds in it. */
import type { Dump } from '../memory.ts'
import type { Row, Schema } from '../port.ts'
import { retryFor } from '../kit/retry.ts'
import { beginning, Connections, type Transaction } from './connections.ts'
import { isPassing } from './errors.ts'
import { namespaceOf, PostgresTable } from './tables.ts'
import type { PostgresStoreOptions } from './index.ts'
import { checkRow, tableOf } from '../kit/rows.ts'
import { list } from '../kit/sql.ts'
import { sure } from '../../sure.ts'

export interface PostgresRows {
  /** Replaces all rows by those of a dump, in two round trips. @throws {TypeError} where they do not fit the schema. */
  load(dump: Dump): Promise<void>
  /** All rows at one moment, in the order of their primary keys, in two round trips. */
  dump(): Promise<Dump>
  close(): Promise<void>
}

/** The rows of a store that has been opened with this schema before. Open stores are not notified of loaded rows. */
export function postgresRows(options: PostgresStoreOptions, schema: Schema): PostgresRows {
  const connections = new Connections(options)
  const tables = Object.entries(schema.tables).map(
    ([name, table]) => new PostgresTable(name, table, namespaceOf(options)),
  )
  const transact = <T>(work: (transaction: Transaction) => Promise<T>): Promise<T> =>
    retryFor(options.busyTimeoutMs, isPassing, () => connections.transaction(work))
  return {
    load(dump) {
      return transact(async (transaction) => {
        for (const name of Object.keys(dump)) tableOf(schema.tables, name)
        const statements = tables.flatMap((it) => [
          { sql: it.clear },
          { sql: it.insert, values: it.arrays(rowsOf(it, dump), it.columns) },
          ...(it.totals ? [{ sql: it.totals.clear }, { sql: it.totals.recount }] : []),
        ])
        await transaction.run({ sql: beginning(options) }, ...statements)
        await transaction.commit()
      })
    },
    dump() {
      return transact(async (transaction) => {
        const all = tables.map((it) => ({ sql: it.select(it.columns, `ORDER BY ${list(it.table.key)}`) }))
        const [, ...answers] = await transaction.run(
          { sql: beginning(options, { isolation: 'REPEATABLE READ' }) },
          ...all,
        )
        return Object.fromEntries(
          tables.map((table, i) => [table.name, sure(answers[i], 'answer').rows.map((row) => table.decode(row))]),
        )
      })
    },
    close: () => connections.close(),
  }
}

const rowsOf = ({ name, table }: PostgresTable, dump: Dump): Row[] =>
  (dump[name] ?? []).map((row) => (Object.isFrozen(row) ? row : checkRow(name, table, row)))

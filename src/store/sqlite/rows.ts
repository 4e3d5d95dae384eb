/** Reads and replaces all rows of a SQLite file at once, so that tests can store worlds in it. */
import { DatabaseSync } from 'node:sqlite'
import type { Dump } from '../memory.ts'
import type { Schema } from '../port.ts'
import { checkRow, tableOf, TotalChanges } from '../kit/rows.ts'
import { SqliteTable } from './tables.ts'
import { list, quote } from '../kit/sql.ts'

export interface SqliteRows {
  /** Replaces all rows by those of a dump, in one transaction. @throws {TypeError} where they do not fit the schema. */
  load(dump: Dump): void
  /** All rows at one moment, in the order of their primary keys. */
  dump(): Dump
  close(): void
}

/** The rows of a file that has been opened as a store with this schema before. */
export function sqliteRows(path: string, schema: Schema): SqliteRows {
  const db = new DatabaseSync(path)
  const tables = Object.entries(schema.tables).map(([name, table]) => new SqliteTable(name, table))
  const replace = (dump: Dump, sql: SqliteTable): void => {
    const { name, table, totals } = sql
    const sums = new TotalChanges()
    db.exec(`DELETE FROM ${quote(name)}`)
    for (const row of dump[name] ?? []) {
      const checked = Object.isFrozen(row) ? row : checkRow(name, table, row)
      db.prepare(sql.insert).run(...sql.encode(checked))
      sums.add(name, table, undefined, checked)
    }
    if (!totals) return
    db.exec(`DELETE FROM ${totals.table}`)
    for (const { key, sum, count } of sums) db.prepare(totals.put).run(...key, sum, count)
  }
  return {
    load(dump) {
      for (const name of Object.keys(dump)) tableOf(schema.tables, name)
      db.exec('BEGIN IMMEDIATE')
      try {
        for (const sql of tables) replace(dump, sql)
        db.exec('COMMIT')
      } finally {
        if (db.isTransaction) db.exec('ROLLBACK')
      }
    },
    dump: () =>
      Object.fromEntries(
        tables.map((sql) => {
          const found = db.prepare(sql.select(sql.columns, `ORDER BY ${list(sql.table.key)}`)).all()
          return [sql.name, found.map((row) => sql.decode(row))]
        }),
      ),
    close: () => db.close(),
  }
}

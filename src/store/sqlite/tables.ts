/** Tables, rows and migrations in SQLite. */
import { StoreError, type Schema, type Table } from '../port.ts'
import { checkQuery, checkRow, type Tables } from '../kit/rows.ts'
import type { PlannedStep } from '../kit/schema.ts'
import type { SqliteConnection } from './connection.ts'
import {
  checkVersion,
  countAnew,
  equal,
  list,
  quote,
  SqlTable,
  SqlTotals,
  statementsOf,
  stepsTo,
  where,
  type Dialect,
} from '../kit/sql.ts'
import { sure } from '../../sure.ts'

/** A table with one row about the database itself: the version of its schema, and the description of its tables. */
export const SCHEMA = '"hardshell:schema"'

const dialect: Dialect = {
  table: quote,
  mark: (n) => `?${n}`,
  literal: (text) => `'${text.replaceAll("'", "''")}'`,
  types: { text: 'TEXT', integer: 'INTEGER' },
  nullsFirst: '',
  suffix: ' STRICT',
}

const marks = (count: number): string => Array.from({ length: count }, (_, i) => dialect.mark(i + 1)).join(', ')

/** The statements for one table. */
export class SqliteTable extends SqlTable {
  /** Reads the columns that conditions and totals can use. */
  readonly find: string
  readonly insert: string
  readonly delete: string
  readonly totals: SqliteTotals | undefined

  constructor(name: string, table: Table) {
    super(name, table, dialect)
    this.totals = table.total && new SqliteTotals(name, table.total, dialect)
    const byKey = where(equal(dialect, table.key))
    this.find = this.select(this.scalars, byKey)
    this.insert = `INSERT INTO ${quote(name)} (${list(this.columns)}) VALUES (${marks(this.columns.length)})`
    this.delete = `DELETE FROM ${quote(name)} ${byKey}`
  }

  update(columns: readonly string[]): string {
    const byKey = where(equal(dialect, this.table.key, columns.length))
    return `UPDATE ${quote(this.name)} SET ${equal(dialect, columns).join(', ')} ${byKey}`
  }
}

class SqliteTotals extends SqlTotals {
  readonly #byKey = where(equal(dialect, this.columns))
  readonly find = `SELECT sum, count FROM ${this.table} ${this.#byKey}`
  readonly put = `INSERT OR REPLACE INTO ${this.table} VALUES (${marks(this.columns.length + 2)})`
  readonly delete = `DELETE FROM ${this.table} ${this.#byKey}`
}

/** The columns of each key and unique index, as SQLite lists them where a row is refused. */
export const uniqueColumns = (tables: Tables): ReadonlySet<string> =>
  new Set(
    Object.entries(tables).flatMap(([name, { key, indexes = {} }]) => {
      const unique = Object.values(indexes).flatMap(({ columns, unique: isUnique }) => (isUnique ? [columns] : []))
      return [key, ...unique].map((columns) => columns.map((column) => `${name}.${column}`).join(', '))
    }),
  )

/**
 * The version and the tables of a database; undefined if it is empty.
 * @throws {StoreError} `NEWER`, `CORRUPT` where it is not ours.
 */
export function described(db: SqliteConnection, schema: Schema): { version: number; tables: Tables } | undefined {
  const names = db.all(`SELECT name FROM sqlite_schema WHERE type = 'table'`)
  if (names.length === 0) return undefined
  if (!names.some(({ name }) => quote(name as string) === SCHEMA))
    throw new StoreError('CORRUPT', 'the database belongs to another program')
  const found = sure(db.all(`SELECT version, tables FROM ${SCHEMA}`)[0], 'schema')
  const version = Number(found['version'])
  checkVersion(version, schema)
  return { version, tables: JSON.parse(found['tables'] as string) as Tables }
}

/** Brings the database to the schema. Runs inside a transaction. */
export function migrate(db: SqliteConnection, schema: Schema): void {
  const found = described(db, schema)
  const steps = stepsTo(schema, found)
  if (found?.version === schema.version) return
  for (const step of steps) apply(db, step)
  for (const [name, table] of Object.entries(schema.tables))
    for (const sql of countAnew(name, table, dialect)) db.exec(sql)
  db.exec(`DROP TABLE IF EXISTS ${SCHEMA}; CREATE TABLE ${SCHEMA} (version INTEGER, tables TEXT) STRICT`)
  db.run(`INSERT INTO ${SCHEMA} VALUES (?, ?)`, [schema.version, JSON.stringify(schema.tables)])
}

function apply(db: SqliteConnection, planned: PlannedStep): void {
  for (const sql of statementsOf(planned, dialect)) db.exec(sql)
  const { step, name, table } = planned
  if (!('rewrite' in step)) return
  const sql = new SqliteTable(name, table)
  const rows = db.all(sql.query(checkQuery({ [name]: table }, { table: name }), false), [-1])
  db.exec(`DELETE FROM ${quote(name)}`)
  for (const row of rows) db.run(sql.insert, sql.encode(checkRow(name, table, step.row(sql.decode(row)))))
}

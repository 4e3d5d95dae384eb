/** Tables, rows and migrations as SQLite has them. */
import type { DatabaseSync, SQLInputValue, SQLOutputValue } from 'node:sqlite'
import { StoreError, type ColumnType, type Row, type Schema, type Table } from './port.ts'
import { checkQuery, checkRow, isJson, isNullable, keyOf, orderOf, type CheckedQuery, type Tables } from './rows.ts'
import { plan, type PlannedStep } from './schema.ts'

/** A row as SQLite gives it. */
export type SqlRow = Record<string, SQLOutputValue>

/** Holds one row about the database itself: the version of its schema, and the tables as they were described. */
export const SCHEMA = '"hardshell:schema"'

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`
const list = (columns: readonly string[]): string => columns.map(quote).join(', ')
const marks = (columns: readonly string[]): string => columns.map(() => '?').join(', ')
const equal = (columns: readonly string[]): string[] => columns.map((column) => `${quote(column)} = ?`)
const where = (terms: readonly string[]): string => (terms.length > 0 ? `WHERE ${terms.join(' AND ')}` : '')

/** The statements for one table, and the values they take. */
export class SqlTable {
  readonly name: string
  readonly table: Table
  readonly get: string
  /** The columns that conditions and totals can ask for: all but JSON. */
  readonly find: string
  readonly insert: string
  readonly delete: string
  readonly totals: SqlTotals | undefined
  readonly #columns: readonly string[]
  readonly #select: string
  readonly #byKey: string

  constructor(name: string, table: Table) {
    this.name = name
    this.table = table
    this.totals = table.total && new SqlTotals(name, table.total.by.length)
    this.#columns = Object.keys(table.columns)
    this.#select = `SELECT ${list(this.#columns)} FROM ${quote(name)}`
    this.#byKey = where(equal(table.key))
    const scalars = this.#columns.filter((column) => !isJson(table.columns[column]!))
    this.get = `${this.#select} ${this.#byKey}`
    this.find = `SELECT ${list(scalars)} FROM ${quote(name)} ${this.#byKey}`
    this.insert = `INSERT INTO ${quote(name)} (${list(this.#columns)}) VALUES (${marks(this.#columns)})`
    this.delete = `DELETE FROM ${quote(name)} ${this.#byKey}`
  }

  update(columns: readonly string[]): string {
    return `UPDATE ${quote(this.name)} SET ${equal(columns).join(', ')} ${this.#byKey}`
  }

  query({ order, prefix, bounded, from, to }: CheckedQuery, reverse: boolean): string {
    const terms = equal(order.columns.slice(0, prefix.length))
    if (from !== undefined) terms.push(`${quote(bounded!)} >= ?`)
    if (to !== undefined) terms.push(`${quote(bounded!)} <= ?`)
    for (const column of order.present) terms.push(`${quote(column)} IS NOT NULL`)
    const by = order.by.map((column) => quote(column) + (reverse ? ' DESC' : ''))
    return `${this.#select} ${where(terms)} ORDER BY ${by.join(', ')} LIMIT ?`
  }

  /** A row's values for some columns, all of them unless said otherwise. */
  encode(row: Row, columns = this.#columns): SQLInputValue[] {
    return columns.map((column) => encode(this.table.columns[column]!, row[column]))
  }

  /** @throws {StoreError} `CORRUPT`; it tells where, and nothing of what stands there. */
  decode<R extends Row>(found: SqlRow): R {
    const row: Record<string, unknown> = {}
    for (const column of this.#columns) {
      const value = found[column]
      try {
        row[column] = isJson(this.table.columns[column]!) && value !== null ? JSON.parse(value as string) : value
      } catch {
        const key = keyOf(this.table, found as Row).join(', ')
        throw new StoreError('CORRUPT', `${this.name}.${column} of ${key} is not JSON`)
      }
    }
    return row as R
  }
}

const encode = (type: ColumnType, value: unknown): SQLInputValue =>
  isJson(type) && !(value === null && isNullable(type)) ? JSON.stringify(value) : (value as SQLInputValue)

/** The statements for the groups of one table's running total, which are rows of a table of their own. */
class SqlTotals {
  readonly columns: readonly string[]
  readonly find: string
  readonly put: string
  readonly delete: string
  readonly #table: string

  constructor(name: string, width: number) {
    this.columns = Array.from({ length: width }, (_, i) => `k${i}`)
    this.#table = totalsOf(name)
    const byKey = where(equal(this.columns))
    this.find = `SELECT sum, count FROM ${this.#table} ${byKey}`
    this.put = `INSERT OR REPLACE INTO ${this.#table} VALUES (${marks([...this.columns, 'sum', 'count'])})`
    this.delete = `DELETE FROM ${this.#table} ${byKey}`
  }

  query(prefix: number): string {
    const terms = equal(this.columns.slice(0, prefix))
    return `SELECT * FROM ${this.#table} ${where(terms)} ORDER BY ${list(this.columns)}`
  }
}

/** No table can be called so: the names of tables are words. */
const totalsOf = (name: string): string => quote(`${name}:totals`)

/**
 * The version and the tables of a database; undefined where it is empty.
 * @throws {StoreError} `NEWER`, `CORRUPT` where it is not ours.
 */
export function described(db: DatabaseSync, schema: Schema): { version: number; tables: Tables } | undefined {
  const names = db.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table'`).all()
  if (names.length === 0) return undefined
  if (!names.some(({ name }) => quote(name as string) === SCHEMA))
    throw new StoreError('CORRUPT', 'the database belongs to another program')
  const found = db.prepare(`SELECT version, tables FROM ${SCHEMA}`).get()!
  checkVersion(found['version'] as number, schema)
  return { version: found['version'] as number, tables: JSON.parse(found['tables'] as string) as Tables }
}

/** Makes the database what the schema says. Runs inside a transaction. */
export function migrate(db: DatabaseSync, schema: Schema): void {
  const found = described(db, schema)
  const fresh = (): PlannedStep[] =>
    Object.entries(schema.tables).map(([name, table]) => ({ step: { addTable: name, as: table }, name, table }))
  const steps = found ? plan(found.version, found.tables, schema) : fresh()
  if (found?.version === schema.version) return
  for (const step of steps) apply(db, step)
  for (const [name, table] of Object.entries(schema.tables)) countAnew(db, name, table)
  db.exec(`DROP TABLE IF EXISTS ${SCHEMA}; CREATE TABLE ${SCHEMA} (version INTEGER, tables TEXT) STRICT`)
  db.prepare(`INSERT INTO ${SCHEMA} VALUES (?, ?)`).run(schema.version, JSON.stringify(schema.tables))
}

/** @throws {StoreError} `NEWER` */
export function checkVersion(found: number, { version }: Schema): void {
  if (found > version)
    throw new StoreError('NEWER', `the database is of version ${found}, and this program of ${version}`)
}

function apply(db: DatabaseSync, { step, name, table }: PlannedStep): void {
  if ('addTable' in step) {
    const columns = Object.entries(table.columns).map(([column, type]) => definition(column, type))
    db.exec(`CREATE TABLE ${quote(name)} (${columns.join(', ')}, PRIMARY KEY (${list(table.key)})) STRICT`)
    for (const index of Object.keys(table.indexes ?? {})) addIndex(db, name, table, index)
  } else if ('addIndex' in step) addIndex(db, name, table, step.addIndex)
  else if ('addColumn' in step) {
    const { value } = db.prepare('SELECT quote(?) AS value').get(encode(step.type, step.value))!
    db.exec(`ALTER TABLE ${quote(name)} ADD COLUMN ${definition(step.addColumn, step.type)} DEFAULT ${value as string}`)
  } else {
    const sql = new SqlTable(name, table)
    const rows = db.prepare(sql.query(checkQuery({ [name]: table }, { table: name }), false)).all(-1)
    db.exec(`DELETE FROM ${quote(name)}`)
    for (const row of rows) db.prepare(sql.insert).run(...sql.encode(checkRow(name, table, step.row(sql.decode(row)))))
  }
}

function definition(column: string, type: ColumnType): string {
  const sqlType = type.startsWith('integer') || type.startsWith('time') ? 'INTEGER' : 'TEXT'
  return `${quote(column)} ${sqlType}${isNullable(type) ? '' : ' NOT NULL'}`
}

function addIndex(db: DatabaseSync, name: string, table: Table, index: string): void {
  const { columns, by, unique } = orderOf(name, table, index)
  const on = `${quote(`${name}.${index}`)} ON ${quote(name)}`
  db.exec(unique ? `CREATE UNIQUE INDEX ${on} (${list(columns)})` : `CREATE INDEX ${on} (${list(by)})`)
}

function countAnew(db: DatabaseSync, name: string, { columns, total }: Table): void {
  const totals = totalsOf(name)
  db.exec(`DROP TABLE IF EXISTS ${totals}`)
  if (total === undefined) return
  const keys = total.by.map((column, i) => definition(`k${i}`, columns[column]!))
  const key = list(total.by.map((_, i) => `k${i}`))
  db.exec(
    `CREATE TABLE ${totals} (${keys.join(', ')}, sum INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (${key}))
    STRICT, WITHOUT ROWID;
    INSERT INTO ${totals} SELECT ${list(total.by)}, sum(${quote(total.of)}), count(*)
    FROM ${quote(name)} GROUP BY ${list(total.by)}`,
  )
}

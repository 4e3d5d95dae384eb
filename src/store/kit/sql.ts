/** Makes SQL from the description of a table, for all SQL adapters. */
import { StoreError, type ColumnType, type Row, type Scalar, type Schema, type Table } from '../port.ts'
import { isJson, isNullable, keyOf, orderOf, typeOf, type CheckedQuery, type Tables } from './rows.ts'
import { plan, type PlannedStep } from './schema.ts'

/** The differences between databases. */
export interface Dialect {
  /** A table's name in a statement. */
  readonly table: (name: string) => string
  /** The place of the n-th value, from 1. */
  readonly mark: (n: number) => string
  /** A text between quotes. */
  readonly literal: (text: string) => string
  readonly types: { readonly text: string; readonly integer: string }
  /** The suffix of an index's column that puts nulls first. */
  readonly nullsFirst: string
  /** The suffix of CREATE TABLE after the columns. */
  readonly suffix: string
}

export const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`
export const list = (columns: readonly string[]): string => columns.map(quote).join(', ')
export const where = (terms: readonly string[]): string => (terms.length > 0 ? `WHERE ${terms.join(' AND ')}` : '')

/** `column = ?` for each column. The places of their values begin after `taken` others. */
export const equal = (dialect: Dialect, columns: readonly string[], taken = 0): string[] =>
  columns.map((column, i) => `${quote(column)} = ${dialect.mark(taken + i + 1)}`)

/** Statements that read one table, and the encoding of its values. */
export class SqlTable {
  readonly name: string
  readonly table: Table
  readonly columns: readonly string[]
  /** The columns that conditions and totals can use: all but JSON columns. */
  readonly scalars: readonly string[]
  /** Takes the values of a primary key. */
  readonly get: string
  readonly #dialect: Dialect

  constructor(name: string, table: Table, dialect: Dialect) {
    this.name = name
    this.table = table
    this.columns = Object.keys(table.columns)
    this.scalars = this.columns.filter((column) => !isJson(typeOf(name, table, column)))
    this.#dialect = dialect
    this.get = this.select(this.columns, where(equal(dialect, table.key)))
  }

  protected typeOf(column: string): ColumnType {
    return typeOf(this.name, this.table, column)
  }

  select(columns: readonly string[], rest: string): string {
    return `SELECT ${list(columns)} FROM ${this.#dialect.table(this.name)} ${rest}`
  }

  /** Takes the values of the prefix, those of the given bounds, and a limit. */
  query({ order, prefix, bounded, from, to }: CheckedQuery, reverse: boolean): string {
    const terms = equal(this.#dialect, order.columns.slice(0, prefix.length))
    let taken = prefix.length
    const bound = (comparison: string): string => `${quote(bounded ?? '')} ${comparison} ${this.#dialect.mark(++taken)}`
    if (from !== undefined) terms.push(bound('>='))
    if (to !== undefined) terms.push(bound('<='))
    for (const column of order.present) terms.push(`${quote(column)} IS NOT NULL`)
    const direction = (column: string): string =>
      isNullable(this.typeOf(column)) ? (reverse ? ' DESC NULLS LAST' : ' NULLS FIRST') : reverse ? ' DESC' : ''
    const by = order.by.map((column) => quote(column) + direction(column))
    return this.select(this.columns, `${where(terms)} ORDER BY ${by.join(', ')} LIMIT ${this.#dialect.mark(taken + 1)}`)
  }

  /** A row's values for some columns, or for all columns by default. */
  encode(row: Row, columns = this.columns): Scalar[] {
    return columns.map((column) => encode(this.typeOf(column), row[column]))
  }

  /** @throws {StoreError} `CORRUPT`; it tells where, and nothing of what stands there. */
  decode<R extends Row>(found: { readonly [column: string]: unknown }): R {
    const row: Record<string, unknown> = {}
    for (const column of this.columns) {
      const value = found[column]
      try {
        row[column] = isJson(this.typeOf(column)) && value !== null ? JSON.parse(textOf(value)) : value
      } catch {
        const key = keyOf(this.table, found as Row).join(', ')
        throw new StoreError('CORRUPT', `${this.name}.${column} of ${key} is not JSON`)
      }
    }
    return row as R
  }
}

/** A value that is not a text is not JSON. */
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

const encode = (type: ColumnType, value: unknown): Scalar =>
  isJson(type) && !(value === null && isNullable(type)) ? JSON.stringify(value) : (value as Scalar)

/** The groups of one table's running total. They are rows of a separate table. */
export class SqlTotals {
  /** The values of the total's `by` columns, in order. */
  readonly columns: readonly string[]
  readonly table: string
  readonly #dialect: Dialect

  constructor(name: string, total: NonNullable<Table['total']>, dialect: Dialect) {
    this.columns = total.by.map((_, i) => `k${i}`)
    this.table = dialect.table(totalsOf(name))
    this.#dialect = dialect
  }

  /** Takes the values of the group's first columns. */
  query(prefix: number): string {
    const terms = equal(this.#dialect, this.columns.slice(0, prefix))
    return `SELECT * FROM ${this.table} ${where(terms)} ORDER BY ${list(this.columns)}`
  }
}

/** No schema can have a table with this name: names of tables are words. */
const totalsOf = (name: string): string => `${name}:totals`

/** @throws {StoreError} `NEWER` */
export function checkVersion(found: number, { version }: Schema): void {
  if (found > version)
    throw new StoreError('NEWER', `the database is of version ${found}, and this program of ${version}`)
}

/**
 * The steps that bring a database to the schema. Without `found` the database is empty.
 * @throws {StoreError} `NEWER`; {TypeError} where there is no way.
 */
export function stepsTo(schema: Schema, found: { version: number; tables: Tables } | undefined): PlannedStep[] {
  if (found === undefined)
    return Object.entries(schema.tables).map(([name, table]) => ({ step: { addTable: name, as: table }, name, table }))
  checkVersion(found.version, schema)
  return plan(found.version, found.tables, schema)
}

/** The statements of one step. A rewrite has none, since it is not done in SQL. */
export function statementsOf({ step, name, table }: PlannedStep, dialect: Dialect): string[] {
  if ('rewrite' in step) return []
  if ('addIndex' in step) return [addIndex(name, table, step.addIndex, dialect)]
  const of = dialect.table(name)
  if ('addColumn' in step) {
    const value = encode(step.type, step.value)
    const sql = typeof value === 'string' ? dialect.literal(value) : String(value)
    return [`ALTER TABLE ${of} ADD COLUMN ${definition(step.addColumn, step.type, dialect)} DEFAULT ${sql}`]
  }
  const columns = Object.entries(table.columns).map(([column, type]) => definition(column, type, dialect))
  return [
    `CREATE TABLE ${of} (${columns.join(', ')}, PRIMARY KEY (${list(table.key)}))${dialect.suffix}`,
    ...Object.keys(table.indexes ?? {}).map((index) => addIndex(name, table, index, dialect)),
  ]
}

function definition(column: string, type: ColumnType, { types }: Dialect): string {
  const sqlType = type.startsWith('integer') || type.startsWith('time') ? types.integer : types.text
  return `${quote(column)} ${sqlType}${isNullable(type) ? '' : ' NOT NULL'}`
}

function addIndex(name: string, table: Table, index: string, dialect: Dialect): string {
  const { columns, by, unique } = orderOf(name, table, index)
  const ordered = (unique ? columns : by).map(
    (column) => quote(column) + (isNullable(typeOf(name, table, column)) ? dialect.nullsFirst : ''),
  )
  const on = `${quote(`${name}.${index}`)} ON ${dialect.table(name)} (${ordered.join(', ')})`
  return `CREATE ${unique ? 'UNIQUE ' : ''}INDEX ${on}`
}

/** Recounts a table's running total, whatever it was before. */
export function countAnew(name: string, table: Table, dialect: Dialect): string[] {
  const { total } = table
  const totals = dialect.table(totalsOf(name))
  const drop = `DROP TABLE IF EXISTS ${totals}`
  if (total === undefined) return [drop]
  const { integer } = dialect.types
  const keys = total.by.map((column, i) => definition(`k${i}`, typeOf(name, table, column), dialect))
  const key = list(total.by.map((_, i) => `k${i}`))
  return [
    drop,
    `CREATE TABLE ${totals} (${keys.join(', ')}, sum ${integer} NOT NULL, count ${integer} NOT NULL,
    PRIMARY KEY (${key}))${dialect.suffix}`,
    recount(name, total, dialect),
  ]
}

/** Fills an empty table of totals. */
export const recount = (name: string, total: NonNullable<Table['total']>, { table }: Dialect): string =>
  `INSERT INTO ${table(totalsOf(name))} SELECT ${list(total.by)}, sum(${quote(total.of)}), count(*)
  FROM ${table(name)} GROUP BY ${list(total.by)}`

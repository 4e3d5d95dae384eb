/** Tables, rows and migrations in PostgreSQL. */
import type { Client } from 'pg'
import { StoreError, type Key, type Row, type Scalar, type Schema, type Table } from '../port.ts'
import { ask, type Found, type Value } from './connections.ts'
import { checkQuery, checkRow, isJson, partOf, typeOf, type Tables, type TotalChange } from '../kit/rows.ts'
import type { PlannedStep } from '../kit/schema.ts'
import {
  countAnew,
  list,
  quote,
  recount,
  SqlTable,
  SqlTotals,
  statementsOf,
  stepsTo,
  type Dialect,
} from '../kit/sql.ts'
import { sure } from '../../sure.ts'

const dialectOf = (namespace: string): Dialect => ({
  table: (name) => `${quote(namespace)}.${quote(name)}`,
  mark: (n) => `$${n}`,
  literal: (text) => `E'${escape(text).replaceAll('\\', '\\\\').replaceAll("'", "''")}'`,
  types: { text: 'TEXT COLLATE "C"', integer: 'BIGINT' },
  nullsFirst: ' NULLS FIRST',
  suffix: '',
})

/** PostgreSQL's texts cannot hold U+0000. It is encoded with U+0001 in a way that keeps the order of texts. */
const escape = (text: string): string => text.replaceAll('\u0001', '\u0001\u0002').replaceAll('\0', '\u0001\u0001')
const unescape = (text: string): string => text.replaceAll('\u0001\u0001', '\0').replaceAll('\u0001\u0002', '\u0001')

/** A column's value as it is sent. */
export const sent = (value: Scalar): string | number | null => (typeof value === 'string' ? escape(value) : value)

const isInteger = (type: string): boolean => type.startsWith('integer') || type.startsWith('time')

/** The statements for one table. They take one array for each column, so any number of rows. */
export class PostgresTable extends SqlTable {
  /** Reads rows by primary keys, in any order. */
  readonly getAll: string
  /** Reads by primary keys all columns that are not JSON, and locks the rows. */
  readonly lock: string
  /** The same, with all columns. */
  readonly lockWhole: string
  readonly insert: string
  readonly delete: string
  readonly clear: string
  readonly totals: PostgresTotals | undefined
  /** Columns whose changes may conflict with other rows. */
  readonly unique: ReadonlySet<string>
  /** The names of its unique indexes as the database has them, which keeps 63 bytes of a name. */
  readonly uniqueNames: ReadonlySet<string>
  readonly #name: string

  constructor(name: string, table: Table, namespace: string) {
    const dialect = dialectOf(namespace)
    super(name, table, dialect)
    this.#name = dialect.table(name)
    this.totals = table.total && new PostgresTotals(name, table, table.total, dialect)
    this.unique = new Set(Object.values(table.indexes ?? {}).flatMap((index) => (index.unique ? index.columns : [])))
    const uniqueIndexes = Object.keys(table.indexes ?? {}).filter((index) => table.indexes?.[index]?.unique)
    this.uniqueNames = new Set(uniqueIndexes.map((index) => `${name}.${index}`.slice(0, 63)))
    const keys = `(${list(table.key)}) IN (SELECT * FROM ${this.#arrays(table.key)})`
    this.getAll = this.select(this.columns, `WHERE ${keys}`)
    const locked = `WHERE ${keys} ORDER BY ${list(table.key)} FOR UPDATE`
    this.lock = this.select(this.scalars, locked)
    this.lockWhole = this.select(this.columns, locked)
    this.insert = `INSERT INTO ${this.#name} (${list(this.columns)}) SELECT * FROM ${this.#arrays(this.columns)}
      ON CONFLICT (${list(table.key)}) DO NOTHING`
    this.delete = `DELETE FROM ${this.#name} WHERE ${keys}`
    this.clear = `DELETE FROM ${this.#name}`
  }

  /** Takes the key's columns, then those that change. */
  update(columns: readonly string[]): string {
    const { key } = this.table
    const set = columns.map((column, i) => `${quote(column)} = v.c${key.length + i}`)
    const match = key.map((column, i) => `t.${quote(column)} = v.c${i}`)
    const all = [...key, ...columns]
    return `UPDATE ${this.#name} AS t SET ${set.join(', ')}
      FROM ${this.#arrays(all)} AS v (${all.map((_, i) => `c${i}`).join(', ')}) WHERE ${match.join(' AND ')}`
  }

  /** The values of some columns of many rows, column by column. */
  arrays(rows: readonly Row[], columns: readonly string[]): Value[] {
    return columns.map((column) => rows.map((row) => sent(this.encode(row, [column])[0] ?? null)))
  }

  /** Primary keys, column by column. */
  keys(keys: readonly Key[]): Value[] {
    return this.table.key.map((_, i) => keys.map((key) => sent(key[i] ?? null)))
  }

  #arrays(columns: readonly string[]): string {
    return unnest(columns.map((column) => this.typeOf(column)))
  }

  /** What was found as it was written: all columns of a row. @throws {StoreError} `CORRUPT` */
  override decode<R extends Row>(found: Found): R {
    return super.decode(this.scalarsOf(found))
  }

  /** The primary key of a row. */
  keyOf(found: Found): Key {
    const { name, table } = this
    return table.key.map((column) => partOf({ [column]: received(name, table, column, found[column] ?? null) }, column))
  }

  /** What was found, with its integers and texts as they were written. @throws {StoreError} `CORRUPT` */
  scalarsOf(found: Found): Row {
    const row: Record<string, Scalar> = {}
    for (const [column, value] of Object.entries(found)) row[column] = received(this.name, this.table, column, value)
    return row
  }
}

function unnest(types: readonly string[]): string {
  const arrays = types.map((type, i) => `$${i + 1}::${isInteger(type) ? 'bigint' : 'text'}[]`)
  return `unnest(${arrays.join(', ')})`
}

function received(name: string, table: Table, column: string, value: string | null): Scalar {
  const type = typeOf(name, table, column)
  if (value === null || isJson(type)) return value
  if (!isInteger(type)) return unescape(value)
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw new StoreError('CORRUPT', `${name}.${column} is beyond the safe integers`)
  return number
}

/** The statements for the groups of one table's running total. */
class PostgresTotals extends SqlTotals {
  readonly #name: string
  readonly #source: Table
  /** Adds to groups, and returns the groups that it changed. */
  readonly add: string
  /** Removes a group that has no rows. */
  readonly clean = `DELETE FROM ${this.table} WHERE count = 0`
  readonly clear = `DELETE FROM ${this.table}`
  /** Fills the empty table. */
  readonly recount: string

  constructor(name: string, table: Table, total: NonNullable<Table['total']>, dialect: Dialect) {
    super(name, total, dialect)
    this.#name = name
    this.#source = table
    const types = [...total.by.map((column) => typeOf(name, table, column)), 'integer', 'integer']
    this.add = `INSERT INTO ${this.table} AS t SELECT * FROM ${unnest(types)}
      ON CONFLICT (${list(this.columns)}) DO UPDATE SET sum = t.sum + excluded.sum, count = t.count + excluded.count
      RETURNING sum, count`
    this.recount = recount(name, total, dialect)
  }

  arrays(changes: readonly TotalChange[]): Value[] {
    const keys = this.columns.map((_, i) => changes.map(({ key }) => sent(key[i] ?? null)))
    return [...keys, changes.map(({ sum }) => sum), changes.map(({ count }) => count)]
  }

  keyOf(found: Found): Key {
    const { by } = this.#source.total!
    return by.map((column, i) => received(this.#name, this.#source, column, found[this.columns[i]!]!) as string)
  }
}

/** @throws {TypeError} */
export function namespaceOf({ namespace = 'hardshell' }: { readonly namespace?: string | undefined }): string {
  if (typeof namespace !== 'string' || !/^[A-Za-z]\w{0,49}$/.test(namespace))
    throw new TypeError('namespace: must be a word of at most 50 letters')
  return namespace
}

/** The store's own tables: its schema, and the last changes of each open handle. */
export const ownTables = (namespace: string): { schema: string; changes: string } => {
  const { table } = dialectOf(namespace)
  return { schema: table('hardshell:schema'), changes: table('hardshell:changes') }
}

/** Makes the database what the schema says, once, all or nothing. @throws {StoreError}, {TypeError} */
export async function migrate(client: Client, begin: string, namespace: string, schema: Schema): Promise<void> {
  await ask(client, begin)
  try {
    const found = await described(client, namespace)
    const steps = stepsTo(schema, found)
    if (found?.version !== schema.version) {
      for (const step of steps) await apply(client, namespace, step)
      for (const [name, table] of Object.entries(schema.tables))
        for (const sql of countAnew(name, table, dialectOf(namespace))) await ask(client, sql)
      const { schema: own } = ownTables(namespace)
      const values = [schema.version, JSON.stringify(schema.tables)]
      await ask(client, `UPDATE ${own} SET version = $1, tables = $2 WHERE id = 1`, values)
    }
    await ask(client, 'COMMIT')
  } catch (error) {
    await ask(client, 'ROLLBACK').catch(() => {})
    throw error
  }
}

/** The version and the tables of a database; undefined if it was empty. */
async function described(client: Client, namespace: string): Promise<{ version: number; tables: Tables } | undefined> {
  const sql = 'SELECT table_name FROM information_schema.tables WHERE table_schema = $1'
  const names = (await ask(client, sql, [namespace])).rows.map((row) => row['table_name'])
  if (names.length === 0) return make(client, namespace)
  if (!names.includes('hardshell:schema'))
    throw new StoreError('CORRUPT', `the tables of ${namespace} belong to another program`)
  // Every commit takes a shared lock on this row, so a migration waits for commits, and commits wait for it.
  const own = ownTables(namespace).schema
  const row = (await ask(client, `SELECT version, tables FROM ${own} WHERE id = 1 FOR UPDATE`)).rows[0]
  if (row === undefined) throw new StoreError('CORRUPT', `the schema of ${namespace} is gone`)
  return { version: Number(row['version']), tables: JSON.parse(sure(row['tables'], 'tables')) as Tables }
}

/** Creates the store's own tables. If two processes create them at once, one has to check again. */
async function make(client: Client, namespace: string): Promise<undefined> {
  const own = ownTables(namespace)
  const there = await ask(client, 'SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1', [namespace])
  try {
    // Creating a schema needs a permission, even if it exists. A program need not have it.
    if (there.count === 0) await ask(client, `CREATE SCHEMA ${quote(namespace)}`)
    await ask(
      client,
      `CREATE TABLE ${own.schema} (id BIGINT PRIMARY KEY, version BIGINT NOT NULL, tables TEXT NOT NULL);
      CREATE TABLE ${own.changes} (handle TEXT, name TEXT, seq BIGINT NOT NULL,
        at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (handle, name));
      INSERT INTO ${own.schema} VALUES (1, 0, '{}')`,
    )
  } catch (error) {
    if (!(error instanceof StoreError) || (error.code !== 'CONFLICT' && error.code !== 'CORRUPT')) throw error
    throw new StoreError('BUSY', 'somebody else makes the tables', { cause: error })
  }
}

async function apply(client: Client, namespace: string, planned: PlannedStep): Promise<void> {
  const dialect = dialectOf(namespace)
  for (const sql of statementsOf(planned, dialect)) await ask(client, sql)
  const { step, name, table } = planned
  if (!('rewrite' in step)) return
  const sql = new PostgresTable(name, table, namespace)
  const query = sql.query(checkQuery({ [name]: table }, { table: name }), false)
  const { rows } = await ask(client, query, [null])
  const rewritten = rows.map((row) => checkRow(name, table, step.row(sql.decode(row))))
  await ask(client, sql.clear)
  const { count } = await ask(client, sql.insert, sql.arrays(rewritten, sql.columns))
  if (count !== rows.length) throw new StoreError('CONFLICT', `two rows of ${name} are rewritten to one key`)
}

/** Checks a schema, and migrates rows from an older one. */
import type { MigrationStep, Row, Schema, Table } from '../port.ts'
import { differences } from './differences.ts'
import { checkRow, checkValue, isJson, isNullable, tableOf, typeOf, type Tables } from './rows.ts'

const checked = new WeakSet<Schema>()

/** @throws {TypeError} where a schema contradicts itself. */
export function checkSchema(schema: Schema): void {
  if (checked.has(schema)) return
  if (!Number.isSafeInteger(schema.version) || schema.version < 1) throw new TypeError('a schema version is 1 or more')
  for (const [name, table] of Object.entries(schema.tables)) checkTable(name, table)
  checked.add(schema)
}

function checkTable(name: string, table: Table): void {
  const named = [name, ...Object.keys(table.columns), ...Object.keys(table.indexes ?? {})]
  for (const word of named) if (!/^[A-Za-z]\w*$/.test(word)) throw new TypeError(`${name}: ${word} is not a name`)
  const scalar = (columns: readonly string[], nullable: boolean): void => {
    if (columns.length === 0) throw new TypeError(`${name} has a key, an index or a total without columns`)
    for (const column of columns) {
      const type = typeOf(name, table, column)
      if (isJson(type) || (!nullable && isNullable(type)))
        throw new TypeError(`${name}.${column} cannot be ${type} there`)
    }
  }
  scalar(table.key, false)
  for (const index of Object.values(table.indexes ?? {})) scalar(index.columns, true)
  if (table.total === undefined) return
  scalar(table.total.by, false)
  if (typeOf(name, table, table.total.of) !== 'integer')
    throw new TypeError(`${name}.${table.total.of} must be integer`)
}

/** A step, and its table after the step. */
export interface PlannedStep {
  readonly step: MigrationStep
  readonly name: string
  readonly table: Table
}

/**
 * The steps that lead a database of `version`, whose tables are described by `from`, to the schema.
 * @throws {TypeError} where there is no way, or it leads elsewhere.
 */
export function plan(version: number, from: Tables, schema: Schema): PlannedStep[] {
  const tables: Record<string, Table> = { ...from }
  const steps: PlannedStep[] = []
  for (let at = version; at < schema.version; at++) {
    const migration = schema.migrations?.[at]
    if (migration === undefined) throw new TypeError(`there is no migration from version ${at}`)
    for (const step of migration) {
      const name = 'addTable' in step ? step.addTable : 'rewrite' in step ? step.rewrite : step.to
      if ('addTable' in step && Object.hasOwn(tables, name)) throw new TypeError(`there is a table ${name} already`)
      const table = 'addTable' in step ? step.as : changed(name, tableOf(tables, name), step)
      checkTable(name, table)
      tables[name] = table
      steps.push({ step, name, table })
    }
  }
  // Totals are computed from the rows, so they change without steps. They still need a new version.
  const withTotals = version === schema.version
  const wrong = differences(tables, schema.tables, withTotals)
  if (wrong.length > 0) throw new TypeError(`${whence(version, schema)}: ${wrong.join('; ')}`)
  return steps
}

/** The rows of every table, in the order of their primary keys. Plain JSON. */
export interface Dump {
  /** The rows of each table. */
  readonly [table: string]: readonly Row[]
}

/** What the steps make of the rows. @throws {TypeError} where a row does not fit its table as a step leaves it. */
export function migrateRows(dump: Dump, steps: readonly PlannedStep[]): Dump {
  const rows: Record<string, readonly Row[]> = { ...dump }
  for (const { step, name, table } of steps) {
    if ('addTable' in step) rows[name] = []
    const rewrite =
      'rewrite' in step ? step.row : 'addColumn' in step && ((row: Row) => ({ ...row, [step.addColumn]: step.value }))
    if (rewrite) rows[name] = rows[name]!.map((row) => checkRow(name, table, rewrite(row)))
  }
  return rows
}

function changed(name: string, table: Table, step: Exclude<MigrationStep, { addTable: string }>): Table {
  if ('rewrite' in step) return table
  if ('addColumn' in step) {
    if (Object.hasOwn(table.columns, step.addColumn)) throw new TypeError(`${name} has ${step.addColumn} already`)
    checkValue(name, step.addColumn, step.type, step.value)
    return { ...table, columns: { ...table.columns, [step.addColumn]: step.type } }
  }
  if (Object.hasOwn(table.indexes ?? {}, step.addIndex)) throw new TypeError(`${name} has ${step.addIndex} already`)
  const { columns, unique = false } = step
  return { ...table, indexes: { ...table.indexes, [step.addIndex]: { columns, unique } } }
}

/** What the schema's tables are held against. */
const whence = (from: number, { version }: Schema): string =>
  from === version
    ? `version ${version} is not what the database has; it takes another version, and a migration`
    : `version ${version} is not what its migrations lead to`

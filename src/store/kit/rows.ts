/**
 * What all adapters share: checks of arguments, the order of keys, conditions and totals. An adapter receives plain
 * values and only has to store rows.
 */
import {
  StoreError,
  type ColumnType,
  type Condition,
  type Json,
  type Key,
  type Query,
  type Row,
  type Scalar,
  type Schema,
  type Table,
  type Total,
  type Write,
} from '../port.ts'

export type Tables = Schema['tables']

/** @throws {TypeError} where there is no such table. */
export function tableOf(tables: Tables, name: string): Table {
  const table = Object.hasOwn(tables, name) ? tables[name] : undefined
  if (!table) throw new TypeError(`there is no table ${name}`)
  return table
}

export const isJson = (type: ColumnType): boolean => type === 'json' || type === 'json?'
export const isNullable = (type: ColumnType): boolean => type.endsWith('?')

/** The type of a column. @throws {TypeError} where there is no such column. */
export function typeOf(name: string, table: Table, column: string): ColumnType {
  const type = Object.hasOwn(table.columns, column) ? table.columns[column] : undefined
  if (!type) throw new TypeError(`${name} has no column ${column}`)
  return type
}

/** A value that a key, an index or a condition may hold. None of them has JSON columns. */
export const isScalar = (value: Json | undefined): value is Scalar =>
  typeof value === 'string' || typeof value === 'number' || value === null

/** A row's value in a column that is not JSON. @throws {TypeError} where it is no scalar. */
export function scalarOf(row: Row, column: string): Scalar {
  const value = row[column]
  if (isScalar(value)) return value
  throw new TypeError(`${column} is no scalar`)
}

/** A row's value in a column of its key or of a total's groups. @throws {TypeError} where it is null, or no scalar. */
export function partOf(row: Row, column: string): string | number {
  const value = scalarOf(row, column)
  if (value !== null) return value
  throw new TypeError(`${column} is null`)
}

/** The value as it is kept: JSON is copied and frozen, −0 becomes 0. @throws {TypeError} where it is not of the type. */
export function checkValue(name: string, column: string, type: ColumnType, value: unknown): Json {
  if (value === null && isNullable(type)) return null
  switch (type) {
    case 'text':
    case 'text?':
      if (typeof value === 'string' && value.isWellFormed()) return value
      break
    case 'integer':
    case 'integer?':
    case 'time':
    case 'time?':
      if (typeof value === 'number' && Number.isSafeInteger(value)) return value + 0
      break
    case 'json':
    case 'json?':
      if (value !== undefined) return frozen(name, column, value)
  }
  throw new TypeError(`${name}.${column} must be ${type}, not ${value === null ? 'null' : typeof value}`)
}

/** A frozen copy of a JSON value: later changes to the caller's value do not affect it. */
function frozen(name: string, column: string, value: unknown): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value + 0
  if (Array.isArray(value)) return Object.freeze(Array.from(value, (item) => frozen(name, column, item)))
  if (typeof value !== 'object' || !isPlain(value)) throw new TypeError(`${name}.${column} holds what is not JSON`)
  const copy: Record<string, Json> = {}
  for (const [property, item] of Object.entries(value)) {
    if (item === undefined) continue
    const kept = frozen(name, column, item)
    // Assigning to this name would set the prototype, and the name may come from an untrusted answer.
    if (property === '__proto__') Object.defineProperty(copy, property, { value: kept, enumerable: true })
    else copy[property] = kept
  }
  return Object.freeze(copy)
}

/** Whether an object is a literal, of any realm. No store gives back an instance of a class as that class. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** The row as it is stored: all columns, in the table's order, frozen. */
export function checkRow(name: string, table: Table, row: Row): Row {
  const kept: Record<string, Json> = {}
  let count = 0
  for (const [column, type] of Object.entries(table.columns)) {
    if (row[column] === undefined) throw new TypeError(`${name}.${column} is missing`)
    kept[column] = checkValue(name, column, type, row[column])
    count++
  }
  if (Object.keys(row).length !== count) for (const column of Object.keys(row)) typeOf(name, table, column)
  return Object.freeze(kept)
}

/** The columns that a patch sets, as they are stored. */
function checkSet(name: string, table: Table, set: Row): Row {
  const kept: Record<string, Json> = {}
  for (const column of Object.keys(set)) {
    if (table.key.includes(column)) throw new TypeError(`${name}.${column} is of the key and cannot be patched`)
    kept[column] = checkValue(name, column, typeOf(name, table, column), set[column])
  }
  return kept
}

/** Checks values for the first of some columns, in order. */
function checkValues(name: string, table: Table, columns: readonly string[], values: Key): Key {
  if (values.length > columns.length) throw new TypeError(`${name} is asked for more than ${columns.join(', ')}`)
  return values.map((value, i) => checkBound(name, table, columns[i] ?? '', value))
}

function checkBound(name: string, table: Table, column: string, value: string | number): string | number {
  const kept = checkValue(name, column, typeOf(name, table, column), value)
  if (typeof kept === 'string' || typeof kept === 'number') return kept
  throw new TypeError(`${name}.${column} cannot be asked for by ${kept === null ? 'null' : 'JSON'}`)
}

/** A whole primary key. */
export function checkKey(name: string, table: Table, key: Key): Key {
  if (key.length !== table.key.length) throw new TypeError(`the key of ${name} is ${table.key.join(', ')}`)
  return checkValues(name, table, table.key, key)
}

/** A condition as it is checked. */
export interface CheckedCondition {
  readonly isAbsent: boolean
  readonly equal: readonly (readonly [column: string, value: Scalar])[]
  readonly atMost: readonly (readonly [column: string, most: number])[]
  /** What columns hold as JSON. Only a row that was read as a whole tells. */
  readonly json: readonly (readonly [column: string, text: string])[]
}

function checkCondition(name: string, table: Table, condition: Condition | undefined): CheckedCondition | undefined {
  if (condition === undefined) return undefined
  const isAbsent = condition === 'absent'
  const [equal, atMost, json]: [[string, Scalar][], [string, number][], [string, string][]] = [[], [], []]
  for (const [column, wanted] of isAbsent ? [] : Object.entries(condition)) {
    const type = typeOf(name, table, column)
    if (isJson(type)) json.push([column, JSON.stringify(checkValue(name, column, type, wanted))])
    else if (wanted === null) equal.push([column, null])
    else if (!isBound(wanted))
      equal.push([column, scalarOf({ [column]: checkValue(name, column, type, wanted) }, column)])
    else if (type.startsWith('text')) throw new TypeError(`${name}.${column} is text and never at most a number`)
    else atMost.push([column, Number(checkValue(name, column, 'integer', wanted.atMost))])
  }
  return { isAbsent, equal, atMost, json }
}

const isBound = (wanted: unknown): wanted is { readonly atMost: unknown } =>
  typeof wanted === 'object' && wanted !== null && 'atMost' in wanted

/** Whether the row must be read as a whole to tell what becomes of it; of others, all but JSON columns will do. */
export const needsJson = (write: CheckedWrite): boolean => (write.if?.json.length ?? 0) > 0

/** A checked write: a known table, a whole key, and values as they are stored. */
export interface CheckedWrite {
  readonly verb: 'put' | 'patch' | 'delete' | 'check'
  readonly table: string
  readonly key: Key
  /** The row of a put, the columns that a patch sets. */
  readonly row?: Row
  readonly if: CheckedCondition | undefined
}

/** @throws {TypeError} where a write does not fit the tables. */
export function checkWrites(tables: Tables, writes: readonly Write[]): CheckedWrite[] {
  return writes.map((write) => {
    if ('put' in write) {
      const name = write.put
      const table = tableOf(tables, name)
      const row = checkRow(name, table, write.row)
      return { verb: 'put', table: name, key: keyOf(table, row), row, if: checkCondition(name, table, write.if) }
    }
    const [verb, name]: ['patch' | 'delete' | 'check', string] =
      'patch' in write ? ['patch', write.patch] : 'delete' in write ? ['delete', write.delete] : ['check', write.check]
    const table = tableOf(tables, name)
    const key = checkKey(name, table, write.key)
    const condition = checkCondition(name, table, write.if)
    return { verb, table: name, key, ...('set' in write && { row: checkSet(name, table, write.set) }), if: condition }
  })
}

/** The primary key of a row. */
export const keyOf = (table: Table, row: Row): Key => table.key.map((column) => partOf(row, column))

/** What becomes of a row by a write; a check leaves it as it was. @throws {StoreError} `CONFLICT` */
export function outcome(write: CheckedWrite, before: Row | undefined): Row | undefined {
  if (!holds(write.if, before) || (write.verb === 'patch' && before === undefined))
    throw new StoreError('CONFLICT', `${write.verb} of ${write.table} ${write.key.join(', ')} is refused`)
  switch (write.verb) {
    case 'put':
      return write.row
    case 'patch':
      return Object.freeze({ ...before, ...write.row })
    case 'delete':
      return undefined
    default:
      return before
  }
}

function holds(condition: CheckedCondition | undefined, row: Row | undefined): boolean {
  if (condition === undefined) return true
  const { isAbsent, equal, atMost, json } = condition
  if (row === undefined) return equal.length === 0 && json.length === 0
  const isAtMost = (found: Json | undefined, most: number): boolean => typeof found === 'number' && found <= most
  return (
    !isAbsent &&
    equal.every(([column, value]) => row[column] === value) &&
    atMost.every(([column, most]) => isAtMost(row[column], most)) &&
    json.every(([column, text]) => JSON.stringify(row[column]) === text)
  )
}

/** A checked query. */
export interface CheckedQuery {
  readonly order: Order
  readonly prefix: Key
  /** The column after the prefix, if there are bounds on it. */
  readonly bounded: string | undefined
  readonly from: string | number | undefined
  readonly to: string | number | undefined
}

/** @throws {TypeError} where the query does not fit its table. */
export function checkQuery(tables: Tables, query: Query): CheckedQuery {
  const name = query.table
  const table = tableOf(tables, name)
  const order = orderOf(name, table, query.index)
  const prefix = checkValues(name, table, order.columns, query.prefix ?? [])
  const { from, to, limit } = query
  const bounded = from === undefined && to === undefined ? undefined : order.columns[prefix.length]
  if (bounded === undefined && (from !== undefined || to !== undefined))
    throw new TypeError(`no column of ${name} is left for the bounds`)
  for (const bound of [from, to]) if (bound !== undefined) checkBound(name, table, bounded ?? '', bound)
  if (limit !== undefined && (!Number.isSafeInteger(limit) || limit < 0))
    throw new TypeError('limit must be a whole number, 0 or more')
  return { order, prefix, bounded, from, to }
}

/** One way to order a table's rows. */
export interface Order {
  /** The index's columns. */
  readonly columns: readonly string[]
  /** The index's columns that must not be null for a row to be in the index. */
  readonly present: readonly string[]
  /** The columns that order the rows: the index's columns, then the primary key's for ties. */
  readonly by: readonly string[]
  readonly unique: boolean
}

/** The order that an index gives; without a name the primary key's. @throws {TypeError} where there is no such index. */
export function orderOf(name: string, table: Table, index: string | undefined): Order {
  if (index === undefined) return { columns: table.key, present: [], by: table.key, unique: true }
  const { indexes = {} } = table
  const found = Object.hasOwn(indexes, index) ? indexes[index] : undefined
  if (!found) throw new TypeError(`${name} has no index ${index}`)
  const { columns, unique = false } = found
  const present = unique ? columns.filter((column) => isNullable(typeOf(name, table, column))) : []
  const ties = unique ? [] : table.key.filter((column) => !columns.includes(column))
  return { columns, present, by: [...columns, ...ties], unique }
}

/** Null first, numbers by size, text by code point. */
export function compare(a: Scalar, b: Scalar): number {
  if (a === b) return 0
  if (a === null) return -1
  if (b === null) return 1
  if (typeof a === 'number') return typeof b === 'number' ? a - b : -1
  return typeof b === 'string' ? compareText(a, b) : 1
}

export function compareKeys(a: Key, b: Key): number {
  for (const [i, value] of a.entries()) {
    const difference = compare(value, b[i] ?? null)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/** UTF-16 order is code point order except for surrogates: they encode code points above U+E000 to U+FFFF. */
function compareText(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length)
  let i = 0
  while (i < shorter && a.charCodeAt(i) === b.charCodeAt(i)) i++
  if (i === shorter) return a.length - b.length
  const x = a.charCodeAt(i)
  const y = b.charCodeAt(i)
  return Number(isSurrogate(x)) - Number(isSurrogate(y)) || x - y
}

const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff

/** Encodes values of known types as one string. Different values give different strings. */
export function encode(values: readonly Scalar[]): string {
  let text = ''
  for (const value of values) text += typeof value === 'string' ? `${value.length}:${value}` : `${value};`
  return text
}

/** Values for the first columns of a total's groups. @throws {TypeError} where the table has no total. */
export function checkTotal(tables: Tables, name: string, prefix: Key): Key {
  const table = tableOf(tables, name)
  if (table.total === undefined) throw new TypeError(`${name} has no total`)
  return checkValues(name, table, table.total.by, prefix)
}

/** A change of one group of a table's total: what is added to its sum and its count. */
export interface TotalChange extends Total {
  readonly table: string
}

/** The changes of totals by the writes of one commit, one entry for each group. */
export class TotalChanges {
  readonly #groups = new Map<string, TotalChange>()

  /** Counts one row out and another in. */
  add(name: string, table: Table, before: Row | undefined, after: Row | undefined): void {
    if (table.total === undefined) return
    if (before) this.#add(name, table.total, before, -1)
    if (after) this.#add(name, table.total, after, 1)
  }

  #add(name: string, { of, by }: NonNullable<Table['total']>, row: Row, sign: 1 | -1): void {
    const key = by.map((column) => partOf(row, column))
    const id = encode([name, ...key])
    const { sum, count } = this.#groups.get(id) ?? { sum: 0, count: 0 }
    this.#groups.set(id, { table: name, key, sum: safe(name, sum + sign * Number(row[of])), count: count + sign })
  }

  *[Symbol.iterator](): Generator<TotalChange> {
    for (const change of this.#groups.values()) if (change.sum !== 0 || change.count !== 0) yield change
  }
}

/** @throws {RangeError} where a total's sum is beyond the safe integers. */
export function safe(name: string, sum: number): number {
  if (!Number.isSafeInteger(sum)) throw new RangeError(`a total of ${name} is beyond the safe integers`)
  return sum
}

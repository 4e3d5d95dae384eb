/**
 * The port's types for the tables of one program. The program describes its tables once, `as const satisfies Tables`,
 * and derives the types of rows, writes and readers from them. A wrong table, column or kind of value does not compile.
 *
 * @example
 * const shopTables = {
 *   orders: { columns: { id: 'text', state: text<'open' | 'paid'>(), amount: 'integer' }, key: ['id'] },
 * } as const satisfies Tables
 * type Write = WriteOf<typeof shopTables>
 * const store: StoreOf<typeof shopTables> = await memoryStore().open({ version: 1, tables: shopTables })
 */
import type { Json, Key, Query, Schema, Store, Table, Total } from './port.ts'

/** Tables by name. */
export type Tables = Schema['tables']

declare const holds: unique symbol

/** A column type with a narrower type of values. At run time it is the plain column type. */
export type Column<Type, Value> = Type & { readonly [holds]: Value }

/** A text column that holds only some texts: `text<'open' | 'paid'>()`. */
export const text = <Value extends string>() => 'text' as Column<'text', Value>
/** The same, or null. */
export const textOrNull = <Value extends string>() => 'text?' as Column<'text?', Value | null>
/** A JSON column whose values have a shape: `json<readonly string[]>()`. */
export const json = <Value extends Json>() => 'json' as Column<'json', Value>
/** The same, or null. */
export const jsonOrNull = <Value extends Json>() => 'json?' as Column<'json?', Value | null>

interface Plain {
  text: string
  integer: number
  time: number
  json: Json
}

type PlainOf<Type> = Type extends keyof Plain ? Plain[Type] : never
type ValueOf<Type> = Type extends { readonly [holds]: infer Value }
  ? Value
  : Type extends `${infer Filled}?`
    ? PlainOf<Filled> | null
    : PlainOf<Type>

/** One row of a table. */
export type RowOf<T extends Table> = { readonly [C in keyof T['columns']]: ValueOf<T['columns'][C]> }

/** The values of some columns, in order. */
type Values<T extends Table, Columns extends readonly string[]> = {
  readonly [At in keyof Columns]: Extract<ValueOf<T['columns'][Columns[At]]>, string | number>
}
type KeyOf<T extends Table> = Values<T, T['key']>
/** Every prefix of a list of values: none of them, the first, the first two, and so on. */
type PrefixOf<All extends readonly unknown[]> = All extends readonly [infer First, ...infer Rest]
  ? readonly [] | readonly [First, ...PrefixOf<Rest>]
  : readonly []

type Compared<Value> = Value extends number ? Value | { readonly atMost: number } : Value
/** The condition of a write. */
export type ConditionOf<T extends Table> = 'absent' | { readonly [C in keyof RowOf<T>]?: Compared<RowOf<T>[C]> }

type WriteTo<N extends string, T extends Table> =
  | { readonly put: N; readonly row: RowOf<T>; readonly if?: ConditionOf<T> | undefined }
  | {
      readonly patch: N
      readonly key: KeyOf<T>
      readonly set: Partial<Omit<RowOf<T>, T['key'][number]>>
      readonly if?: ConditionOf<T> | undefined
    }
  | { readonly delete: N; readonly key: KeyOf<T>; readonly if?: ConditionOf<T> | undefined }
  | { readonly check: N; readonly key: KeyOf<T>; readonly if: ConditionOf<T> }

type NameIn<T extends Tables> = keyof T & string

/** One write to one of the tables. */
export type WriteOf<T extends Tables> = { [N in NameIn<T>]: WriteTo<N, T[N]> }[NameIn<T>]

type IndexesOf<T extends Table> = T extends { readonly indexes: infer Indexes } ? Indexes : object
type IndexedBy<T extends Table, Index> = Index extends keyof IndexesOf<T>
  ? IndexesOf<T>[Index] extends { readonly columns: infer Columns extends readonly string[] }
    ? Columns
    : never
  : T['key']
type GroupsOf<T> = T extends { readonly total: { readonly by: infer By extends readonly string[] } } ? By : never

/** A query of one table, by one of its indexes or by its key. */
type QueryOf<T extends Tables, N extends NameIn<T>, Index> = Omit<Query, 'table' | 'index' | 'prefix'> & {
  readonly table: N
  readonly index?: Index
  readonly prefix?: (Key & PrefixOf<Values<T[N], IndexedBy<T[N], Index>>>) | undefined
}

type Rows<T extends Tables> = { readonly [N in NameIn<T>]: RowOf<T[N]> }
type Keys<T extends Tables> = { readonly [N in NameIn<T>]: KeyOf<T[N]> }
/** The keys of groups in tables that have a running total. */
type Groups<T extends Tables> = {
  readonly [N in NameIn<T> as T[N] extends { readonly total: object } ? N : never]: Values<T[N], GroupsOf<T[N]>>
}

/** Reads the tables: a store, or the reader of a local step. */
export interface ReaderOf<T extends Tables> {
  /**
   * One row by its primary key, or undefined.
   *
   * @throws {StoreError} where the database fails
   */
  get<N extends NameIn<T>>(table: N, key: Keys<T>[N]): Promise<Rows<T>[N] | undefined>
  /**
   * Rows in the order of an index.
   *
   * @throws {StoreError} where the database fails
   */
  query<N extends NameIn<T>, Index extends (keyof IndexesOf<T[N]> & string) | undefined = undefined>(
    query: QueryOf<T, N, Index>,
  ): Promise<Rows<T>[N][]>
  /**
   * The groups of the table's running total whose first columns equal the prefix, in order.
   *
   * @throws {StoreError} where the database fails
   */
  sum<N extends keyof Groups<T>>(table: N, prefix?: Key & PrefixOf<Groups<T>[N]>): Promise<Total<Groups<T>[N]>[]>
}

/** A store that was opened with the tables. */
export interface StoreOf<T extends Tables> extends ReaderOf<T>, Pick<Store, 'ownership' | 'close'> {
  /**
   * Writes all of it or nothing. It is durable when the call resolves.
   *
   * @throws {StoreError} as `Store.commit` does
   */
  commit(writes: readonly WriteOf<T>[]): Promise<void>
  /** Calls back after commits that changed the table. Returns a function that stops it. */

  watch(table: NameIn<T>, changed: () => void): () => void
}

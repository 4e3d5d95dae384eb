/**
 * The store port: exactly the methods that the kernel needs of a store of rows.
 *
 * An adapter promises
 * - a commit is all or nothing, and durable when its promise resolves;
 * - commits are serializable: the conditions of one hold at the moment it lands;
 * - `get`, `query` and `sum` see every commit that resolved before they were called;
 * - a commit that rejects did not land; only `IN_DOUBT` leaves that open;
 * - a call that names an unknown table, column or index, or carries a value that is not of its column's type, is a
 *   programming mistake: it rejects with a `TypeError` that names the place, never the value.
 */
import { HardshellError } from '../kernel/util/errors.ts'

/** A scalar as a column holds it. Integers are safe integers (|n| ≤ 2^53 − 1); text is well-formed Unicode. */
export type Scalar = string | number | null

/** Any JSON value, in plain objects and arrays. A property that is `undefined` is absent when read back. */
export type Json = Scalar | boolean | readonly Json[] | { readonly [key: string]: Json | undefined }

/** One row: every column of its table by name. */
export type Row = { readonly [column: string]: Json | undefined }

/** A primary key or an index prefix: the values of its columns, in order. */
export type Key = readonly (string | number)[]

/** `time` is an integer of milliseconds since the Unix epoch; a trailing `?` allows null. */
export type ColumnType = 'text' | 'integer' | 'time' | 'json' | 'text?' | 'integer?' | 'time?' | 'json?'

/** A table, described as data. Adapters derive what they need from it. */
export interface Table {
  /** The type of each column. */
  readonly columns: { readonly [column: string]: ColumnType }
  /** The primary key's columns. */
  readonly key: readonly string[]
  /** Named indexes, over columns that are not JSON. Rows with a null in a unique index's columns are not in it. */
  readonly indexes?: { readonly [name: string]: { readonly columns: readonly string[]; readonly unique?: boolean } }
  /**
   * A running total: the sum of an integer column and the number of rows, grouped by other columns. None of these
   * columns is nullable. A commit that brings a sum beyond the safe integers rejects with a `RangeError`.
   */
  readonly total?: { readonly of: string; readonly by: readonly string[] }
}

/** One step of a migration. Running totals need no step: they are recounted after the last one. */
export type MigrationStep =
  | { readonly addTable: string; readonly as: Table }
  | { readonly addColumn: string; readonly to: string; readonly type: ColumnType; readonly value: Scalar }
  | { readonly addIndex: string; readonly to: string; readonly columns: readonly string[]; readonly unique?: boolean }
  | { readonly rewrite: string; readonly row: (row: Row) => Row }

/** The tables of one database, and the migrations from older databases. */
export interface Schema {
  /** The version that `tables` describes, from 1. */
  readonly version: number
  /** The tables by name. */
  readonly tables: { readonly [table: string]: Table }
  /**
   * `migrations[n]` leads from version n to n + 1. They run in order, once, under a lock, all or nothing. If they do
   * not lead to `tables`, or if `tables` changed and `version` did not, opening rejects with a `TypeError`.
   */
  readonly migrations?: { readonly [from: number]: readonly MigrationStep[] }
}

/**
 * The condition of a write. It is checked with the commit's earlier writes applied: the row does not exist, or columns
 * equal values, or an integer column is at most a number. A row that does not exist passes `atMost` and fails every
 * equality. A null fails `atMost`. A JSON column equals the value that was read of it; the same properties in another order
 * are another value.
 */
export type Condition = 'absent' | { readonly [column: string]: Json | { readonly atMost: number } }

/** One write of a commit. All writes of a commit land, or none does. A failed `if` rejects with `CONFLICT`. */
export type Write =
  /** Inserts the row, or replaces the one with its key. */
  | { readonly put: string; readonly row: Row; readonly if?: Condition | undefined }
  /**
   * Changes some columns of an existing row, but not those of its key. Without such a row the commit rejects with
   * `CONFLICT`.
   */
  | { readonly patch: string; readonly key: Key; readonly set: Row; readonly if?: Condition | undefined }
  /** Removes the row. Without such a row nothing happens, unless `if` says otherwise. */
  | { readonly delete: string; readonly key: Key; readonly if?: Condition | undefined }
  /** Checks a condition and changes nothing. */
  | { readonly check: string; readonly key: Key; readonly if: Condition }

/** The rows to read, and their order. */
export interface Query {
  /** The table that is read. */
  readonly table: string
  /**
   * An index of the table; without it, the primary key. Rows come in the order of the index: null first, numbers by
   * size, text by code point. Rows that are equal in the index come in the order of the primary key.
   */
  readonly index?: string | undefined
  /** Values for the index's first columns. */
  readonly prefix?: Key | undefined
  /** Bounds on the column after the prefix, both inclusive. A row with null there is outside any bound. */
  readonly from?: string | number | undefined
  /** The upper bound. */
  readonly to?: string | number | undefined
  /** Reads the last rows first. */
  readonly reverse?: boolean | undefined
  /** The largest number of rows. */
  readonly limit?: number | undefined
}

/** One group of a table's running total. */
export interface Total<K extends Key = Key> {
  /** The values of the total's `by` columns, in order. */
  readonly key: K
  /** The sum of the `of` column over the group's rows. */
  readonly sum: number
  /** How many rows the group has. Groups without rows are not reported. */
  readonly count: number
}

/**
 * A lock that one process of all that share a database holds, and that the system lets go when the process dies.
 * Undefined where somebody else holds it and `wait` is false, or where the signal aborted. It rejects where it cannot be
 * asked for.
 */
export type OwnerLock = (options: { wait: boolean; signal: AbortSignal }) => Promise<HeldLock | undefined>

/** A lock that this process holds. */
export interface HeldLock {
  /** Aborts when the lock is lost although it was not released. */
  readonly lost: AbortSignal
  /** Whether it is held still, looked up now; where it is not, `lost` has aborted. Where left out, `lost` comes in time. */
  check?(): boolean
  /**
   * Releases the lock.
   *
   * @throws {Error} where the system does not let it go
   */
  release(): Promise<void> | void
}

/** How the processes on one database agree on which of them runs the effects of an operation. */
export type Ownership =
  /** One process runs the effects of all operations. */
  | { readonly by: 'lock'; readonly lock: OwnerLock }
  /**
   * Each process runs the effects of operations that it began or took over. The `owners` table of the kernel says who
   * is alive.
   */
  | { readonly by: 'heartbeats' }

/**
 * Reads rows: a store, or the reader of a local step. The caller states the type of a row, unchecked; `ReaderOf`
 * derives it.
 */
export interface Reader {
  /**
   * One row by its primary key, or undefined.
   *
   * @throws {StoreError} where the database fails
   */
  get<R extends Row = Row>(table: string, key: Key): Promise<R | undefined>
  /**
   * Rows in the order of an index.
   *
   * @throws {StoreError} where the database fails
   */
  query<R extends Row = Row>(query: Query): Promise<R[]>
  /**
   * The groups of the table's running total whose first columns equal the prefix, in order. Reads no rows of the table.
   *
   * @throws {StoreError} where the database fails
   */
  sum<K extends Key = Key>(table: string, prefix?: Key): Promise<Total<K>[]>
}

/** An open database of rows. */
export interface Store extends Reader {
  /** Without it, each process assumes exclusive ownership: safe, but they contend. */
  readonly ownership?: Ownership
  /**
   * Writes all of it or nothing. It is durable when the call resolves.
   *
   * @throws {StoreError} `CONFLICT`, `BUSY`, `FULL`, `UNAVAILABLE`, `UNSTORABLE`, `GONE`, `NEWER` where a later program has
   * migrated the database since (none landed), or `IN_DOUBT`.
   */
  commit(writes: readonly Write[]): Promise<void>
  /**
   * Calls back after commits of any process that changed the named table. It may call once for several commits, or
   * without one. Returns a function that stops it.
   */
  watch(table: string, changed: () => void): () => void
  /**
   * Waits for commits under way, then closes the database. Later calls reject with `CLOSED`.
   *
   * @throws {StoreError} where the database fails
   */
  close(): Promise<void>
}

/** Opens a store. The caller of the library provides it. */
export interface StoreAdapter {
  /**
   * Opens the database, or creates it, and migrates it to the schema.
   *
   * @throws {StoreError} `NEWER` where the database was written by a later version; it is left as it was.
   */
  open(schema: Schema): Promise<Store>
}

/** Why a store failed. Messages may change; codes do not. */
export type StoreErrorCode =
  /** A condition or a unique index refused the commit. */
  | 'CONFLICT'
  /** Another process has locked the store. Nothing landed; try again later. */
  | 'BUSY'
  /** No space; nothing landed. */
  | 'FULL'
  /** The connection or the disk failed during a commit: the commit may have landed. */
  | 'IN_DOUBT'
  /**
   * The database cannot be opened, read or written, because of its path, its permissions or its disk. Nothing landed.
   */
  | 'UNAVAILABLE'
  /**
   * The database refuses this commit, and will again until somebody changes the commit or the database: a value is too
   * large for it, or it has a constraint, a trigger or rights that are not ours. Nothing landed.
   */
  | 'UNSTORABLE'
  /** The database was deleted or replaced while it was open: what is written goes nowhere. Open it again, or repair it. */
  | 'GONE'
  /** A row cannot be read, or the file is not a database, or the database belongs to another program. */
  | 'CORRUPT'
  /** The key does not open the database, or the file is not encrypted. */
  | 'WRONG_KEY'
  /** A passphrase was given, but the file with its salt is missing beside the database, or is damaged. */
  | 'SALT_MISSING'
  /** The database has a later schema version than this program. */
  | 'NEWER'
  /** The store was closed. */
  | 'CLOSED'

/** Every failure of a store. Match by `code`; messages may change. */
export class StoreError extends HardshellError {
  /** The name of the class, which tells it apart in logs. */
  override readonly name = 'StoreError'
  /** Why, as a stable code. */
  declare readonly code: StoreErrorCode
  // eslint-disable-next-line no-useless-constructor -- narrows the code
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options)
  }
}

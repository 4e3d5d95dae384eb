/** A connection to SQLite: as little of it as every library for it has. */

/** A value as SQLite takes and gives it; blobs are not used. */
export type SqlValue = string | number | null

/** A row as SQLite gives it. */
export type SqlRow = Record<string, SqlValue>

/** All calls are synchronous, and throw what `coded` understands. Statements are kept for when they are asked for again. */
export interface SqliteConnection {
  /** Every row that a statement gives. */
  all(sql: string, values?: readonly SqlValue[]): SqlRow[]
  run(sql: string, values?: readonly SqlValue[]): void
  /** Runs statements that take no values and give no rows. */
  exec(sql: string): void
  readonly isTransaction: boolean
  /** Lets go of the file. No call may follow. */
  close(): Promise<void>
}

/** A connection to SQLite, with the calls that every SQLite library has. */

/** A value of SQLite. Blobs are not used. */
export type SqlValue = string | number | null

/** A row as SQLite returns it. */
export type SqlRow = Record<string, SqlValue>

/** All calls but `close` are synchronous. Their errors are those that `coded` knows. Prepared statements are cached. */
export interface SqliteConnection {
  /** All rows of a statement. */
  all(sql: string, values?: readonly SqlValue[]): SqlRow[]
  run(sql: string, values?: readonly SqlValue[]): void
  /** Runs statements that take no values and give no rows. */
  exec(sql: string): void
  readonly isTransaction: boolean
  /** Closes the file. No call may follow. */
  close(): Promise<void>
}

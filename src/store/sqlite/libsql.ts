/** A connection to an encrypted SQLite file. */
import Database from 'libsql'
import { StoreError } from '../port.ts'
import { Collected } from './collected.ts'
import type { SqliteConnection, SqlRow, SqlValue } from './connection.ts'
import { tooLarge } from './errors.ts'
import { IN_MEMORY } from './file.ts'
import type { CipherKey } from './secret.ts'

interface Cursor {
  readonly next: () => IteratorResult<SqlRow, unknown>
}

export class LibsqlConnection implements SqliteConnection {
  readonly #db: Database.Database
  readonly #statements = new Map<string, Database.Statement>()
  /** Statements and cursors: each of them holds the file open until it is collected. */
  readonly #holders = new Collected()

  /** @throws {StoreError} `UNAVAILABLE` */
  constructor(path: string, key: CipherKey) {
    try {
      const options = { timeout: 0, ...('text' in key && { encryptionKey: key.text }) }
      this.#db = new Database(path, options as Database.Options)
      // Only 32 bytes of a text would count, so the key is passed as bytes.
      if ('hex' in key && path !== IN_MEMORY) this.#db.exec(`PRAGMA hexkey = '${key.hex}'`)
    } catch (cause) {
      throw new StoreError('UNAVAILABLE', 'the database cannot be opened', { cause })
    }
  }

  /**
   * Reads to the end: a statement that is left in the middle holds its read transaction open, as `get` of this library
   * does. `all` of this library is not called: while V8 compiles a function of a cursor, its thread holds that
   * function, and through it the cursor. The one function that is called here is counted, so `close` waits for it.
   */
  all(sql: string, values: readonly SqlValue[] = []): SqlRow[] {
    return lettingGo(() => {
      const cursor = this.#statement(sql).iterate(values.map(bound)) as Cursor
      this.#holders.add(cursor.next)
      const rows: SqlRow[] = []
      for (let next = cursor.next(); next.done !== true; next = cursor.next()) rows.push(next.value)
      return rows.map(readable)
    })
  }

  run(sql: string, values: readonly SqlValue[] = []): void {
    lettingGo(() => void this.#statement(sql).run(values.map(bound)))
  }

  exec(sql: string): void {
    lettingGo(() => void this.#db.exec(sql))
  }

  get isTransaction(): boolean {
    return this.#db.inTransaction
  }

  /** The library closes the file, and lets go of its lock, when the last statement has been collected. */
  close(): Promise<void> {
    this.#statements.clear()
    this.#db.close()
    return this.#holders.all()
  }

  #statement(sql: string): Database.Statement {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      this.#statements.set(sql, (statement = this.#db.prepare(sql)))
      this.#holders.add(statement)
    }
    return statement
  }
}

/**
 * An error keeps the objects whose methods were called, statements among them, until its stack is read. Whoever holds
 * such an error would hold the file open.
 */
function lettingGo<T>(call: () => T): T {
  try {
    return call()
  } catch (error) {
    if (error instanceof Error) void error.stack
    throw error
  }
}

/**
 * The library reads a text up to its first NUL. Therefore NUL, and the character U+0001, are each written as two
 * characters. The order of texts stays the same.
 */
const MARK = '\u0001'
const NUL_MARKED = MARK + MARK
const MARK_MARKED = `${MARK}\u0002`

const bound = (value: SqlValue): SqlValue =>
  typeof value === 'string' && (value.includes('\0') || value.includes(MARK))
    ? value.replaceAll(MARK, MARK_MARKED).replaceAll('\0', NUL_MARKED)
    : value

// Every pair begins with a mark, and pairs are found from the left, so no pair is split.
const unmarked = (text: string): string => text.replaceAll(NUL_MARKED, '\0').replaceAll(MARK_MARKED, MARK)

function readable(row: SqlRow): SqlRow {
  for (const column in row) {
    const value = row[column]
    if (typeof value === 'number' && !Number.isSafeInteger(value)) throw tooLarge()
    if (typeof value === 'string' && value.includes(MARK)) row[column] = unmarked(value)
  }
  return row
}

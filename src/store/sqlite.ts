/** Rows in a SQLite file, through `node:sqlite`. */
import { closeSync, openSync, readSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { StoreError, type StoreAdapter } from './port.ts'
import type { SqliteConnection, SqlRow, SqlValue } from './sqlite-connection.ts'
import { openStore, type SqliteOptions } from './sqlite-store.ts'

export type { SlowCall } from './slow.ts'

export interface SqliteStoreOptions extends SqliteOptions {
  /** Prepares a fresh connection before anything else: a limit of size, say. */
  readonly prepare?: ((db: DatabaseSync) => void) | undefined
}

/** A store in a SQLite file. */
export function sqliteStore(options: SqliteStoreOptions): StoreAdapter {
  const connect = (): NodeConnection => {
    assertPlain(options.path)
    return new NodeConnection(options)
  }
  return { open: (schema) => openStore(connect, schema, options) }
}

const MAGIC = Buffer.from('SQLite format 3\0')

/** What begins otherwise is encrypted, or no database: SQLite would put into it what a journal beside it says. */
function assertPlain(path: string): void {
  const bytes = Buffer.alloc(MAGIC.length)
  let length = 0
  try {
    const file = openSync(path, 'r')
    length = readSync(file, bytes)
    closeSync(file)
  } catch {
    // Why it cannot be read, SQLite says.
  }
  if (length > 0 && !bytes.equals(MAGIC)) throw new StoreError('CORRUPT', 'the file is encrypted, or is no database')
}

class NodeConnection implements SqliteConnection {
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor({ path, prepare }: SqliteStoreOptions) {
    this.#db = new DatabaseSync(path, { timeout: 0 })
    try {
      prepare?.(this.#db)
    } catch (error) {
      this.#db.close()
      throw error
    }
  }

  all(sql: string, values: readonly SqlValue[] = []): SqlRow[] {
    return this.#statement(sql).all(...values) as SqlRow[]
  }

  run(sql: string, values: readonly SqlValue[] = []): void {
    this.#statement(sql).run(...values)
  }

  exec(sql: string): void {
    this.#db.exec(sql)
  }

  get isTransaction(): boolean {
    return this.#db.isTransaction
  }

  close(): Promise<void> {
    this.#db.close()
    return Promise.resolve()
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) this.#statements.set(sql, (statement = this.#db.prepare(sql)))
    return statement
  }
}

/** Rows in a SQLite file, through `node:sqlite`. */
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { StoreAdapter } from './port.ts'
import type { SqliteConnection, SqlRow, SqlValue } from './sqlite-connection.ts'
import { openStore, type SqliteOptions } from './sqlite-store.ts'

export type { SlowCall } from './slow.ts'

export interface SqliteStoreOptions extends SqliteOptions {
  /** Prepares a fresh connection before anything else: a limit of size, say. */
  readonly prepare?: ((db: DatabaseSync) => void) | undefined
}

/** A store in a SQLite file. */
export function sqliteStore(options: SqliteStoreOptions): StoreAdapter {
  return { open: (schema) => openStore(() => new NodeConnection(options), schema, options) }
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

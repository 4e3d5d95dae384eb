/** A connection to a SQLite file, through `node:sqlite`. */
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { SqliteConnection, SqlRow, SqlValue } from './connection.ts'

interface Options {
  readonly path: string
  /** Called with each new connection before it is used. */
  readonly prepare?: ((db: DatabaseSync) => void) | undefined
}

export class NodeConnection implements SqliteConnection {
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor({ path, prepare }: Options) {
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

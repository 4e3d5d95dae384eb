/** A connection to an encrypted SQLite file. */
import Database from 'libsql'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { StoreError } from '../port.ts'
import type { SqliteConnection, SqlRow, SqlValue } from './connection.ts'
import { tooLarge } from './errors.ts'
import { IN_MEMORY } from './file.ts'
import type { CipherKey } from './secret.ts'

const MOST_ROUNDS = 10
/** Rounds that find no statement any more: now and then what the library keeps behind one is collected later than it. */
const LAST_ROUNDS = 3

export class LibsqlConnection implements SqliteConnection {
  readonly #db: Database.Database
  readonly #statements = new Map<string, Database.Statement>()

  /** @throws {StoreError} `UNAVAILABLE` */
  constructor(path: string, key: CipherKey) {
    try {
      const options = { timeout: 0, ...('text' in key && { encryptionKey: key.text }) }
      this.#db = new Database(path, options as Database.Options)
      // Of a text only 32 bytes count, so bytes are handed over as such.
      if ('hex' in key && path !== IN_MEMORY) this.#db.exec(`PRAGMA hexkey = '${key.hex}'`)
    } catch (cause) {
      throw new StoreError('UNAVAILABLE', 'the database cannot be opened', { cause })
    }
  }

  /** Reads to the end: what is left in the middle holds its read transaction open, as `get` of this library does. */
  all(sql: string, values: readonly SqlValue[] = []): SqlRow[] {
    const rows = this.#statement(sql).all(values.map(bound)) as SqlRow[]
    for (const row of rows)
      for (const column in row) {
        const value = row[column]
        if (typeof value === 'number' && !Number.isSafeInteger(value)) throw tooLarge()
        if (typeof value === 'string' && value.includes(MARK)) row[column] = unmarked(value)
      }
    return rows
  }

  run(sql: string, values: readonly SqlValue[] = []): void {
    this.#statement(sql).run(values.map(bound))
  }

  exec(sql: string): void {
    this.#db.exec(sql)
  }

  get isTransaction(): boolean {
    return this.#db.inTransaction
  }

  /** The library closes the file, and lets go of its lock, when the last statement has been collected. */
  async close(): Promise<void> {
    const left = Array.from(this.#statements.values(), (statement) => new WeakRef(statement))
    this.#statements.clear()
    this.#db.close()
    for (let round = 0, last = left.length > 0 ? LAST_ROUNDS : 0; round < MOST_ROUNDS && last > 0; round++) {
      // What was looked at stays until the loop turns; what was collected is let go of when it turns again.
      await setImmediate()
      collectGarbage()
      await setImmediate()
      if (!left.some((statement) => statement.deref())) last--
    }
  }

  #statement(sql: string): Database.Statement {
    let statement = this.#statements.get(sql)
    if (statement === undefined) this.#statements.set(sql, (statement = this.#db.prepare(sql)))
    return statement
  }
}

/**
 * The library reads a text to its first NUL. So that none is there, NUL and the character after it are written as two,
 * in a way that keeps the order of texts.
 */
const MARK = '\u0001'
const NUL_MARKED = MARK + MARK
const MARK_MARKED = `${MARK}\u0002`

const bound = (value: SqlValue): SqlValue =>
  typeof value === 'string' && (value.includes('\0') || value.includes(MARK))
    ? value.replaceAll(MARK, MARK_MARKED).replaceAll('\0', NUL_MARKED)
    : value

// Pairs are found from the left, where every pair begins with a mark: none is torn.
const unmarked = (text: string): string => text.replaceAll(NUL_MARKED, '\0').replaceAll(MARK_MARKED, MARK)

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
}

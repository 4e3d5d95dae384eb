/** Rows in a SQLite file, through `node:sqlite`. */
import { closeSync, openSync, readSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { checkFunction, checkObject } from '../../arguments.ts'
import { StoreError, type StoreAdapter } from '../port.ts'
import { coded, NOT_A_DATABASE, resultOf } from './errors.ts'
import { databasePath, fileAt, IN_MEMORY, realPath } from './file.ts'
import { NodeConnection } from './node-connection.ts'
import { checkOptions, openStore, type SqliteOptions } from './store.ts'

export type { SqliteOptions } from './store.ts'
export type { SlowCall, SlowOptions } from '../kit/slow.ts'

/** The file, and how long its lock is waited for. */
export interface SqliteStoreOptions extends SqliteOptions {
  /** Called with each new connection before it is used, for example to limit the size. */
  readonly prepare?: ((db: DatabaseSync) => void) | undefined
}

/**
 * A store in a SQLite file.
 *
 * @throws {TypeError} naming the argument
 * @example
 * await using wallet = await openWallet({ store: sqliteStore({ path: 'wallet.db' }), seed })
 */
export function sqliteStore(given: SqliteStoreOptions): StoreAdapter {
  checkObject(given, 'options')
  const options = { ...given, path: databasePath(given.path) }
  checkOptions(options)
  checkFunction(options.prepare, 'prepare')
  return {
    open(schema) {
      const real = { ...options, path: realPath(options.path) }
      const connect = (): NodeConnection => {
        assertPlain(real.path)
        return new NodeConnection(real)
      }
      return openStore(connect, schema, real)
    },
  }
}

const MAGIC = Buffer.from('SQLite format 3\0')

/**
 * A file that begins otherwise is encrypted, or is not a database. SQLite would apply a journal beside it to it.
 *
 * If this process already has the file open, there is a log beside it, and the file is read through SQLite. Otherwise,
 * closing the file would release all locks that the process has on it, and others would take the log for an unused one.
 */
function assertPlain(path: string): void {
  if (path === IN_MEMORY) return
  if (fileAt(`${path}-wal`)) return assertReadable(path)
  const bytes = Buffer.alloc(MAGIC.length)
  let length = 0
  try {
    const file = openSync(path, 'r')
    length = readSync(file, bytes)
    closeSync(file)
  } catch {
    // SQLite reports why it cannot be read.
  }
  if (length > 0 && !bytes.equals(MAGIC)) throw notPlain()
}

function assertReadable(path: string): void {
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(path, { timeout: 0, readOnly: true })
    db.exec('SELECT 1 FROM sqlite_schema LIMIT 1')
  } catch (error) {
    if (resultOf(error) === NOT_A_DATABASE) throw notPlain(error)
    const failure = coded(error)
    // SQLite reports any other error again.
    if (failure instanceof StoreError && failure.code === 'BUSY') throw failure
  } finally {
    db?.close()
  }
}

const notPlain = (cause?: unknown): StoreError =>
  new StoreError('CORRUPT', 'the file is encrypted, or is no database', { cause })

/**
 * Rows in an encrypted SQLite file, through `libsql`: all that `sqliteStore` promises, and nothing on the disk that can
 * be read without the key. Pages are encrypted with AES-256, in the file, its log and its journals.
 */
import { chmodSync, closeSync, fsyncSync, openSync, renameSync, rmSync, statSync, type BigIntStats } from 'node:fs'
import { dirname } from 'node:path'
import { StoreError, type Schema, type Store, type StoreAdapter } from './port.ts'
import { assertKey } from './sqlite-key.ts'
import { LibsqlConnection } from './sqlite-libsql.ts'
import { coded, NOT_A_DATABASE, patiently, resultOf } from './sqlite-errors.ts'
import { openStore, type SqliteOptions } from './sqlite-store.ts'

export type { SlowCall } from './slow.ts'

export interface EncryptedSqliteStoreOptions extends SqliteOptions {
  /** Any text but the empty one. Best are 32 random bytes in hexadecimal: what can be remembered can be guessed. */
  readonly key: string
}

/**
 * A store in an encrypted SQLite file. Needs the package `libsql`. Opening rejects with `WRONG_KEY` where the key is
 * another than the file's, or the file is not encrypted.
 *
 * @example
 * const store = encryptedSqliteStore({ path: 'wallet.db', key })
 */
export function encryptedSqliteStore(options: EncryptedSqliteStoreOptions): StoreAdapter {
  checkKey('key', options.key)
  return { open: (schema) => open(options, schema) }
}

async function open(options: EncryptedSqliteStoreOptions, schema: Schema): Promise<Store> {
  const { path, key } = options
  for (;;) {
    const before = fileAt(path)
    await assertKey(path, key, options.busyTimeoutMs).catch(explained)
    const store = await openStore(() => new LibsqlConnection(path, key), schema, options).catch(explained)
    if (path === ':memory:') return store
    // From here on it holds a lock that keeps others from changing the key. What it opened may have been replaced before.
    if (isSame(before, fileAt(path))) {
      removeCopy(path)
      return store
    }
    await store.close()
  }
}

export interface ChangeKey {
  readonly path: string
  /** The key as it is. */
  readonly from: string
  /** The key as it shall be. */
  readonly to: string
  /** How long to wait for those who have the database open before rejecting with `BUSY`. 5,000 ms unless given. */
  readonly busyTimeoutMs?: number | undefined
}

/**
 * Gives an encrypted database another key. Nobody may have it open meanwhile, and it takes its size once more on the
 * disk. Whatever happens, the database is whole under one of the keys: a copy is made and synced, and takes the place
 * of the database at one blow. The disk may still hold what was there before, under the former key.
 *
 * @throws {StoreError} `WRONG_KEY`; `BUSY` where somebody has it open; `FULL`; `UNAVAILABLE`
 */
export async function changeKey({ path, from, to, busyTimeoutMs }: ChangeKey): Promise<void> {
  checkKey('from', from)
  checkKey('to', to)
  const before = fileAt(path)
  if (before === undefined) throw new StoreError('UNAVAILABLE', 'there is no database')
  await assertKey(path, from, busyTimeoutMs).catch(explained)
  const db = new LibsqlConnection(path, from)
  try {
    await patiently(busyTimeoutMs, () => {
      // Reading tells whether the key is still right. What comes next writes, and under whatever key.
      db.all('SELECT 1 FROM sqlite_schema LIMIT 1')
      db.exec(ALONE)
    })
    // A log or a journal that is left would be taken for the new file's.
    const left = ['-wal', '-journal'].some((suffix) => fileAt(path + suffix) !== undefined)
    if (left || !isSame(before, fileAt(path))) throw new StoreError('BUSY', 'somebody else has opened the database')
    removeCopy(path)
    const copy = copyOf(path)
    db.run('VACUUM INTO ?1', [copy])
    await rekey(copy, from, to)
    chmodSync(copy, Number(before.mode) & 0o777)
    sync(copy)
    renameSync(copy, path)
    sync(dirname(path))
  } catch (error) {
    removeCopy(path)
    return explained(error)
  } finally {
    await db.close()
  }
}

/**
 * Moves all of the log into the file, which SQLite allows to whoever is alone, and keeps the file locked. In this order,
 * for who has it locked for good does not delete journals.
 */
const ALONE =
  'PRAGMA locking_mode = NORMAL; PRAGMA journal_mode = DELETE; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT'

/** Encrypts a database that nobody else knows with another key, and reads it all. */
async function rekey(path: string, from: string, to: string): Promise<void> {
  const db = new LibsqlConnection(path, from)
  try {
    db.exec(`PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA rekey = '${to.replaceAll("'", "''")}'`)
  } finally {
    await db.close()
  }
  const again = new LibsqlConnection(path, to)
  try {
    const [found] = again.all('PRAGMA integrity_check')
    if (found?.['integrity_check'] !== 'ok') throw new StoreError('CORRUPT', 'the database is damaged')
  } finally {
    await again.close()
  }
}

const copyOf = (path: string): string => `${path}-rekey`

/** Removes what a change of the key left that did not come to its end. */
function removeCopy(path: string): void {
  for (const suffix of ['', '-journal']) rmSync(copyOf(path) + suffix, { force: true })
}

function sync(path: string): void {
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

const fileAt = (path: string): BigIntStats | undefined => statSync(path, { bigint: true, throwIfNoEntry: false })

const isSame = (one: BigIntStats | undefined, other: BigIntStats | undefined): boolean =>
  one !== undefined && one.ino === other?.ino && one.dev === other.dev

/** An empty key would mean no encryption. */
function checkKey(name: string, key: string): void {
  if (typeof key !== 'string' || key === '' || key.includes('\0') || !key.isWellFormed())
    throw new TypeError(`${name}: a text that is not empty`)
}

/** What does not decrypt is no database to SQLite. */
function explained(error: unknown): never {
  const failure = systemError(error) ?? coded(error)
  if (resultOf(failure.cause) !== NOT_A_DATABASE) throw failure
  throw new StoreError('WRONG_KEY', 'the key is not that of the database, or the file is none', { cause: failure })
}

function systemError(error: unknown): StoreError | undefined {
  const { code } = error as NodeJS.ErrnoException
  if (!(error instanceof Error) || (error as NodeJS.ErrnoException).syscall === undefined) return undefined
  return new StoreError(code === 'ENOSPC' ? 'FULL' : 'UNAVAILABLE', error.message, { cause: error })
}

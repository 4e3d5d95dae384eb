/**
 * Rows in an encrypted SQLite file, through `libsql`: all that `sqliteStore` promises, and nothing on the disk that can
 * be read without the key. Pages are encrypted with AES-256, in the file, its log and its journals.
 */
import { chmodSync, closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { StoreError, type Schema, type Store, type StoreAdapter } from '../port.ts'
import { checkDuration, checkObject } from '../../arguments.ts'
import { databasePath, fileAt, IN_MEMORY, isSame, makeFile, realPath } from './file.ts'
import { assertKey, opensWith, undisturbed } from './key.ts'
import { LibsqlConnection } from './libsql.ts'
import { coded, NOT_A_DATABASE, patiently, resultOf } from './errors.ts'
import {
  cipherKey,
  formerSecretOf,
  hexKey,
  secretOf,
  type CipherKey,
  type EncryptionKey,
  type FormerKey,
  type HexKey,
  type Secret,
} from './secret.ts'
import { checkOptions, openStore, type SqliteOptions } from './store.ts'

export type { SqliteOptions } from './store.ts'
export type { SlowCall, SlowOptions } from '../kit/slow.ts'
export type { EncryptionKey, FormerKey } from './secret.ts'

/** Where an encrypted database is, and its key. */
export interface EncryptedSqliteStoreOptions extends SqliteOptions {
  /**
   * 32 random bytes, or their text in hexadecimal or base64: all of them count. Or `{ passphrase }` of at least 12
   * characters, which goes through scrypt; its salt is in a file beside the database (`-salt`), to be kept and copied with
   * it: without the salt nothing opens it.
   */
  readonly key: EncryptionKey
  /**
   * The text by which an earlier version encrypted the file, of which 32 bytes counted. A file that it opens, and `key`
   * does not, is changed to `key` first, as by `changeKey`.
   */
  readonly formerKey?: string | undefined
}

/**
 * A store in an encrypted SQLite file. Needs the package `libsql`. Opening rejects with `WRONG_KEY` where the key is
 * another than the file's, or the file is not encrypted, and with `SALT_MISSING` where a passphrase has lost its salt.
 *
 * @throws {TypeError} naming the argument
 * @example
 * const store = encryptedSqliteStore({ path: 'wallet.db', key })
 */
export function encryptedSqliteStore(given: EncryptedSqliteStoreOptions): StoreAdapter {
  checkObject(given, 'options')
  const { key, formerKey, ...options } = { ...given, path: databasePath(given.path) }
  checkOptions(options)
  const secret = secretOf(key, 'key')
  const former = formerKey === undefined ? undefined : formerSecretOf({ text: formerKey }, 'formerKey')
  return { open: (schema) => open({ ...options, path: realPath(options.path) }, { secret, former }, schema) }
}

interface Secrets {
  readonly secret: Secret
  readonly former: FormerKey | Secret | undefined
}

async function open(options: SqliteOptions, { secret, former }: Secrets, schema: Schema): Promise<Store> {
  const { path, busyTimeoutMs } = options
  // A salt that is not there yet is made where the former key still has to open the file.
  const opensFormer = former && (await opensWith(path, await cipherKey(path, former), busyTimeoutMs).catch(explained))
  const key = await hexKey(path, secret, opensFormer)
  if (former && opensFormer && !(await opensWith(path, key, busyTimeoutMs).catch(explained)))
    await change({ path, from: former, to: secret, busyTimeoutMs })
  for (;;) {
    makeFile(path)
    const before = fileAt(path)
    await assertKey(path, key, busyTimeoutMs).catch(explained)
    const store = await openStore(() => new LibsqlConnection(path, key), schema, options).catch(explained)
    if (path === IN_MEMORY) return store
    // From here on it holds a lock that keeps others from changing the key. What it opened may have been replaced before.
    if (isSame(before, fileAt(path))) {
      removeCopy(path)
      return store
    }
    await store.close()
  }
}

/** Of which database the key is changed, from what to what. */
export interface ChangeKey {
  /** The file of the database. */
  readonly path: string
  /** The key as it is; `{ text }` where an earlier version encrypted the file by a text, of which 32 bytes counted. */
  readonly from: EncryptionKey | FormerKey
  /** The key as it shall be. */
  readonly to: EncryptionKey
  /** How long to wait for those who have the database open before rejecting with `BUSY`. 5,000 ms unless given. */
  readonly busyTimeoutMs?: number | undefined
}

/**
 * Gives an encrypted database another key. Nobody may have it open meanwhile, and it takes its size once more on the
 * disk. Whatever happens, the database is whole under one of the keys: a copy is made and synced, and takes the place
 * of the database at one blow. The disk may still hold what was there before, under the former key.
 *
 * @throws {TypeError} naming the argument; {StoreError} `WRONG_KEY`; `SALT_MISSING`; `BUSY` where somebody has it open;
 *   `FULL`; `UNAVAILABLE`
 */
export async function changeKey(options: ChangeKey): Promise<void> {
  checkObject(options, 'options')
  const { path, from, to, busyTimeoutMs } = options
  checkDuration(busyTimeoutMs, 'busyTimeoutMs', { endless: true })
  const secrets = { from: formerSecretOf(from, 'from'), to: secretOf(to, 'to') }
  await change({ path: realPath(databasePath(path)), ...secrets, busyTimeoutMs })
}

interface Change {
  readonly path: string
  readonly from: Secret | FormerKey
  readonly to: Secret
  readonly busyTimeoutMs: number | undefined
}

async function change({ path, from: was, to: becomes, busyTimeoutMs }: Change): Promise<void> {
  if (fileAt(path) === undefined) throw new StoreError('UNAVAILABLE', 'there is no database')
  const from = await cipherKey(path, was)
  await assertKey(path, from, busyTimeoutMs).catch(explained)
  const to = await hexKey(path, becomes, true)
  await undisturbed(path, () => replace({ path, from, to, busyTimeoutMs }))
}

type Replacement = Omit<Change, 'from' | 'to'> & { readonly from: CipherKey; readonly to: HexKey }

async function replace({ path, from, to, busyTimeoutMs }: Replacement): Promise<void> {
  const before = fileAt(path)
  if (before === undefined) throw new StoreError('UNAVAILABLE', 'there is no database')
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
    makeFile(copy)
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
async function rekey(path: string, from: CipherKey, to: HexKey): Promise<void> {
  const db = new LibsqlConnection(path, from)
  try {
    db.exec(`PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA hexrekey = '${to.hex}'`)
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

/**
 * Rows in an encrypted SQLite file, through `libsql`. It keeps all promises of `sqliteStore`, and nothing on the disk
 * can be read without the key: pages are encrypted with AES-256 in the file, its log and its journals.
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
   * 32 random bytes, or their text in hexadecimal or base64; all of the bytes count. Or `{ passphrase }` of at least 12
   * characters, which goes through scrypt. Its salt is in a file beside the database (`-salt`). Keep and copy it with
   * the database: without the salt nothing opens it.
   */
  readonly key: EncryptionKey
  /**
   * The text with which an earlier version encrypted the file; only 32 of its bytes counted. A file that this text
   * opens, and `key` does not, is changed to `key` first, as by `changeKey`.
   */
  readonly formerKey?: string | undefined
}

/**
 * A store in an encrypted SQLite file. It needs the package `libsql`. Opening rejects with `WRONG_KEY` if the key is
 * not the file's or the file is not encrypted, and with `SALT_MISSING` if the salt of a passphrase is missing.
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
  // If the former key opens the file, a missing salt for the new passphrase is made.
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
    // From here on the store holds a lock, so nobody can change the key. The file may have been replaced before that.
    if (isSame(before, fileAt(path))) {
      removeCopy(path)
      return store
    }
    await store.close()
  }
}

/** A change of a database's key. */
export interface ChangeKey {
  /** The file of the database. */
  readonly path: string
  /** The current key; `{ text }` if an earlier version encrypted the file with a text, of which 32 bytes counted. */
  readonly from: EncryptionKey | FormerKey
  /** The new key. */
  readonly to: EncryptionKey
  /** How long to wait for processes that have the database open before rejecting with `BUSY`. 5,000 ms unless given. */
  readonly busyTimeoutMs?: number | undefined
}

/**
 * Gives an encrypted database another key. Nobody may have the database open meanwhile, and the disk needs room for a
 * second copy. Whatever happens, the database is whole under one of the keys: a copy is written and synced, and
 * replaces the database atomically. Blocks of the old file, under the former key, may remain on the disk.
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
      // Reading checks that the key is still right. The next statement writes, with a right or a wrong key.
      db.all('SELECT 1 FROM sqlite_schema LIMIT 1')
      db.exec(ALONE)
    })
    // SQLite would apply a remaining log or journal to the new file.
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
 * Moves the whole log into the file, which SQLite allows only to the one connection, and keeps the file locked. The
 * order matters: a connection that holds the exclusive lock for good does not delete journals.
 */
const ALONE =
  'PRAGMA locking_mode = NORMAL; PRAGMA journal_mode = DELETE; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT'

/** Encrypts the copy with another key, and checks that all of it can be read. Nobody else uses the copy. */
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

/** Removes the files that an unfinished change of the key left. */
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

/** SQLite reports a file that it cannot decrypt as not being a database. */
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

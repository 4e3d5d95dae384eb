/**
 * Finds out whether a key opens an encrypted database, without writing to it.
 *
 * The next process that opens a database applies the log or journal of a dead process to the file. SQLite decrypts and
 * encrypts these pages on the way. With a wrong key that destroys the first page, and so the database. Therefore the
 * key is tried on connections that cannot write.
 */
import { constants, copyFileSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { StoreError } from '../port.ts'
import { coded, NOT_A_DATABASE, patiently, resultOf } from './errors.ts'
import { fileAt, IN_MEMORY } from './file.ts'
import { LibsqlConnection } from './libsql.ts'
import type { CipherKey } from './secret.ts'

/** Any key fits a database that does not exist yet. @throws {StoreError} `WRONG_KEY`; `BUSY` */
export async function assertKey(path: string, key: CipherKey, busyTimeoutMs: number | undefined): Promise<void> {
  if (await opensWith(path, key, busyTimeoutMs)) return
  throw new StoreError('WRONG_KEY', 'the key is not that of the database, or the file is none')
}

/** @throws {StoreError} `BUSY` */
export async function opensWith(path: string, key: CipherKey, busyTimeoutMs: number | undefined): Promise<boolean> {
  if (path === IN_MEMORY || sizeOf(path) === 0) return true
  return patiently(busyTimeoutMs, () => isKeyOf(path, key))
}

const changing = new Set<string>()

/**
 * While `work` changes the key, nobody in this process tries one: closing the file would release the locks of `work`.
 */
export async function undisturbed<T>(path: string, work: () => Promise<T>): Promise<T> {
  if (changing.has(path)) throw new StoreError('BUSY', 'its key is being changed')
  changing.add(path)
  try {
    return await work()
  } finally {
    changing.delete(path)
  }
}

async function isKeyOf(path: string, key: CipherKey): Promise<boolean> {
  if (changing.has(path)) throw new StoreError('BUSY', 'its key is being changed')
  // The first page may be in the log only. While there is a log, the file is read under SQLite's own locks. Without a
  // log nobody has the database open, so this process has no locks that the next lines could release.
  if (fileAt(`${path}-wal`)) return opens(uri(path, 'mode=ro'), key)
  const before = marksOf(path)
  if (await opens(uri(path, 'immutable=1'), key)) return true
  let found = false
  try {
    // A power cut may have torn the page. The journal has a copy of it.
    found = sizeOf(`${path}-journal`) > 0 && (await opensCopy(path, key))
  } catch (error) {
    if (before === marksOf(path)) throw error
  }
  if (!found && before !== marksOf(path)) throw new StoreError('BUSY', 'somebody else writes to the database')
  return found
}

async function opensCopy(path: string, key: CipherKey): Promise<boolean> {
  const folder = mkdtempSync(`${path}-check-`)
  try {
    const copy = join(folder, basename(path))
    for (const suffix of ['', '-journal']) copyFileSync(path + suffix, copy + suffix, constants.COPYFILE_FICLONE)
    return await opens(copy, key)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Whether the first page can be decrypted. Other faults of the database are found when it is opened. */
async function opens(at: string, key: CipherKey): Promise<boolean> {
  const db = new LibsqlConnection(at, key)
  try {
    // `exec` leaves no statement behind, which would keep the file open for a while.
    db.exec('SELECT 1 FROM sqlite_schema LIMIT 1')
    return true
  } catch (error) {
    const failure = coded(error)
    if (failure instanceof StoreError && failure.code === 'BUSY') throw failure
    return resultOf(error) !== NOT_A_DATABASE
  } finally {
    await db.close()
  }
}

const uri = (path: string, how: string): string => `${pathToFileURL(path).href}?${how}`

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0

/** A text that changes when somebody writes to the database. */
const marksOf = (path: string): string =>
  ['', '-wal', '-journal']
    .map((suffix) => {
      const found = statSync(path + suffix, { bigint: true, throwIfNoEntry: false })
      return found ? [found.ino, found.size, found.mtimeNs, found.ctimeNs].join() : ''
    })
    .join(';')

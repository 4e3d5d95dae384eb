/** The file of a SQLite database: what it may be called, who may read it, and whether it is still there. */
import { closeSync, openSync, readlinkSync, realpathSync, statSync, type BigIntStats } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { StoreError } from '../port.ts'

export const IN_MEMORY = ':memory:'

/**
 * The absolute path, so that a later change of the working folder does not matter.
 *
 * @throws {TypeError} for what SQLite would take for something else: no name is a database that is deleted when it is
 *   closed, and a URL may be one in memory, or on a server.
 */
export function databasePath(path: unknown): string {
  if (path === IN_MEMORY) return IN_MEMORY
  if (typeof path !== 'string' || path.trim() === '' || path.includes('\0') || /[/\\]$/.test(path))
    throw new TypeError(`path: the name of a file, or '${IN_MEMORY}'`)
  if (/^[a-z][a-z\d+.-]+:/i.test(path)) throw new TypeError("path: the name of a file, not a URL; './' in front makes it one") // prettier-ignore
  return resolve(path)
}

/** Links that lead in a circle end somewhere. */
const MOST_LINKS = 40

/**
 * The one path of a file, whatever links lead to it: SQLite's log and the owner's lock stand beside that, and so all
 * processes find them. A file that is not there yet has the path at which it will be made.
 */
export function realPath(path: string, links = 0): string {
  if (path === IN_MEMORY) return path
  try {
    return realpathSync.native(path)
  } catch {
    const folder = tried(() => realpathSync.native(dirname(path))) ?? dirname(path)
    const target = links < MOST_LINKS ? tried(() => readlinkSync(path)) : undefined
    return target === undefined ? join(folder, basename(path)) : realPath(resolve(folder, target), links + 1)
  }
}

function tried(call: () => string): string | undefined {
  try {
    return call()
  } catch {
    return undefined
  }
}

/**
 * A file that has two names would have two logs, of which SQLite would see one at a time.
 *
 * @throws {StoreError} `UNAVAILABLE`
 */
export function assertOneName(file: BigIntStats | undefined): void {
  if (file !== undefined && file.nlink > 1n)
    throw new StoreError('UNAVAILABLE', 'the file of the database has another name (a hard link); open a copy of it')
}

/**
 * Creates a missing file that only its user can read. SQLite gives its log, its index and its journals the permissions
 * of the file. An existing file keeps its permissions.
 */
export function makeFile(path: string): void {
  if (path === IN_MEMORY) return
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch {
    // The file exists. Or it cannot be created, and SQLite reports the reason.
  }
}

export const fileAt = (path: string): BigIntStats | undefined => statSync(path, { bigint: true, throwIfNoEntry: false })

export const isSame = (one: BigIntStats | undefined, other: BigIntStats | undefined): boolean =>
  one !== undefined && one.ino === other?.ino && one.dev === other.dev

/** Checks that the files of a database are still the same. @throws {StoreError} `GONE`, `UNAVAILABLE` */
export type Presence = () => void

/**
 * Watches an open database. If its file is deleted or replaced, commits are lost and SQLite reports no error. If its
 * log or index is deleted, other processes no longer see what is written. `before` is the file as it was before it was
 * opened.
 *
 * @throws {StoreError} `GONE` where it was replaced while it was opened.
 */
export function presenceOf(path: string, before: BigIntStats | undefined): Presence {
  if (path === IN_MEMORY) return () => {}
  const checked = (suffix: string, was: BigIntStats | undefined): void => {
    if (!was || isSame(was, stat(path + suffix))) return
    throw new StoreError('GONE', `the database${suffix} was deleted or replaced while it was open`)
  }
  checked('', before)
  // Log and index exist while somebody has the database open.
  const files = [['', before] as const, ...['-wal', '-shm'].map((suffix) => [suffix, stat(path + suffix)] as const)]
  return () => {
    for (const [suffix, was] of files) checked(suffix, was)
  }
}

function stat(path: string): BigIntStats | undefined {
  try {
    return fileAt(path)
  } catch (cause) {
    throw new StoreError('UNAVAILABLE', 'the folder of the database cannot be read', { cause })
  }
}

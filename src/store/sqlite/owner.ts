/** The owner's lock of a SQLite database: a lock on a file beside it, which the system lets go when the process dies. */
import { accessSync, constants } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { StoreError, type HeldLock, type OwnerLock } from '../port.ts'
import { coded } from './errors.ts'
import { fileAt, isSame, makeFile } from './file.ts'

/** The pause between two tries to get a lock that another process holds. */
const AGAIN_MS = 250
/** How often a holder that does nothing looks for the file of its lock. */
const LOOK_MS = 1_000

/**
 * Of all processes that have a database open, one holds its owner's lock. The file itself stays empty: what counts is
 * SQLite's exclusive lock on it, kept by a transaction that is never committed. A file that is deleted takes its lock
 * with it, for the next process makes another one: the holder looks whether it is there.
 *
 * It rejects with `UNAVAILABLE` where the file cannot be made or written, which is not to say that nobody has the lock.
 */
export function sqliteOwnerLock(path: string): OwnerLock {
  return async ({ wait, signal }) => {
    while (!signal.aborted) {
      const lock = held(`${path}-owner`)
      if (lock || !wait) return lock
      await pause(AGAIN_MS, signal)
    }
    return undefined
  }
}

/** @throws {StoreError} `UNAVAILABLE` */
function held(path: string): HeldLock | undefined {
  makeFile(path)
  const before = fileAt(path)
  const db = opened(path)
  try {
    db.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    db.close()
    const failure = coded(error)
    if (failure instanceof StoreError && failure.code === 'BUSY') return undefined
    throw cannot(failure)
  }
  const isThere = (): boolean => isSame(before, fileAt(path))
  if (!isThere()) {
    db.close()
    return undefined
  }
  const lost = new AbortController()
  const end = (): void => {
    clearInterval(timer)
    if (db.isOpen) db.close()
  }
  const check = (): boolean => {
    if (lost.signal.aborted || isThere()) return !lost.signal.aborted
    end()
    lost.abort(new StoreError('GONE', "the file of the owner's lock was deleted or replaced"))
    return false
  }
  const timer = setInterval(check, LOOK_MS).unref()
  return { lost: lost.signal, check, release: end }
}

/** Of a file that it may only read SQLite takes no exclusive lock, and does not say so. @throws {StoreError} */
function opened(path: string): DatabaseSync {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
    return new DatabaseSync(path, { timeout: 0 })
  } catch (cause) {
    throw cannot(cause)
  }
}

const cannot = (cause: unknown): StoreError =>
  new StoreError('UNAVAILABLE', 'the file beside the database that ends in -owner cannot be made or written', { cause })

const pause = (forMs: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(end, forMs).unref()
    signal.addEventListener('abort', end, { once: true })
    function end(): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
  })

/** The owner's lock of a SQLite database: a lock on a file beside it. The system releases it when the process dies. */
import { DatabaseSync } from 'node:sqlite'
import type { OwnerLock } from '../port.ts'
import { makeFile } from './file.ts'

/** The pause between two tries to get a lock that another process holds. */
const AGAIN_MS = 250

/**
 * Of all processes that have a database open, one holds its owner's lock. The file itself stays empty. The lock is
 * SQLite's exclusive lock on that file, held by a transaction that is never committed.
 */
export function sqliteOwnerLock(path: string): OwnerLock {
  return async ({ wait, signal }) => {
    while (!signal.aborted) {
      const db = held(`${path}-owner`)
      // A living process cannot lose this lock.
      if (db) return { lost: new AbortController().signal, release: () => db.close() }
      if (!wait) return undefined
      await pause(AGAIN_MS, signal)
    }
    return undefined
  }
}

function held(path: string): DatabaseSync | undefined {
  makeFile(path)
  const db = new DatabaseSync(path, { timeout: 0 })
  try {
    db.exec('BEGIN EXCLUSIVE')
    return db
  } catch {
    db.close()
    return undefined
  }
}

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

/** What SQLite's errors mean, and how a lock is waited for. */
import { setTimeout } from 'node:timers/promises'
import { StoreError, type StoreErrorCode } from './port.ts'

const LONGEST_PAUSE_MS = 50

/** Tries again while the database is locked, with growing pauses. @throws {StoreError} */
export async function patiently<T>(busyTimeoutMs = 5_000, attempt: () => T): Promise<T> {
  const deadlineMs = performance.now() + busyTimeoutMs
  for (let pauseMs = 1; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      return attempt()
    } catch (error) {
      const failure = coded(error)
      const isBusy = failure instanceof StoreError && failure.code === 'BUSY'
      if (!isBusy || performance.now() >= deadlineMs) throw failure
    }
    await setTimeout(pauseMs * (0.5 + Math.random()))
  }
}

/** SQLite's result codes (the low byte), and what they mean where nothing can have landed. */
const CODES: { readonly [errcode: number]: StoreErrorCode } = {
  5: 'BUSY',
  6: 'BUSY',
  11: 'CORRUPT',
  13: 'FULL',
  15: 'BUSY',
  19: 'CONFLICT',
  26: 'CORRUPT',
}

/** SQLite's errors as the port names them; any other as it is. */
export function coded(error: unknown, committing = false): Error {
  if (!(error instanceof Error)) return new Error('not an error was thrown', { cause: error })
  const { code, errcode } = error as { code?: unknown; errcode?: unknown }
  // An integer that others wrote, too large to be read.
  if (code === 'ERR_OUT_OF_RANGE') return new StoreError('CORRUPT', 'an integer is beyond the safe integers')
  if (code !== 'ERR_SQLITE_ERROR' || typeof errcode !== 'number') return error
  const meaning = CODES[errcode & 0xff] ?? 'UNAVAILABLE'
  const isSettled = !committing || meaning === 'BUSY' || meaning === 'FULL'
  return new StoreError(isSettled ? meaning : 'IN_DOUBT', error.message, { cause: error })
}

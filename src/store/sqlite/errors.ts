/** What SQLite's errors mean, and how a lock is waited for. */
import { retryFor } from '../kit/retry.ts'
import { StoreError, type StoreErrorCode } from '../port.ts'

/** Tries again while the database is locked. @throws {StoreError} */
export function patiently<T>(busyTimeoutMs: number | undefined, attempt: () => T): Promise<T> {
  return retryFor(busyTimeoutMs, isBusy, () => {
    try {
      return attempt()
    } catch (error) {
      throw coded(error)
    }
  })
}

const isBusy = (error: unknown): boolean => error instanceof StoreError && error.code === 'BUSY'

export const NOT_A_DATABASE = 26

/** The meaning of SQLite's result codes (the low byte), when nothing can have landed. */
const CODES: { readonly [errcode: number]: StoreErrorCode } = {
  5: 'BUSY',
  6: 'BUSY',
  11: 'CORRUPT',
  13: 'FULL',
  15: 'BUSY',
  19: 'CONFLICT',
  [NOT_A_DATABASE]: 'CORRUPT',
}

/** Turns SQLite's errors into those of the port. Other errors stay as they are. */
export function coded(error: unknown, committing = false): Error {
  if (!(error instanceof Error)) return new Error('not an error was thrown', { cause: error })
  // Another program wrote an integer that is too large to read.
  if ((error as { code?: unknown }).code === 'ERR_OUT_OF_RANGE') return tooLarge()
  const result = resultOf(error)
  if (result === undefined) return error
  const meaning = CODES[result] ?? 'UNAVAILABLE'
  const isSettled = !committing || meaning === 'BUSY' || meaning === 'FULL'
  return new StoreError(isSettled ? meaning : 'IN_DOUBT', error.message, { cause: error })
}

export const tooLarge = (): StoreError => new StoreError('CORRUPT', 'an integer is beyond the safe integers')

/** SQLite's primary result code, without the extended part. `node:sqlite` and `libsql` put it in different fields. */
export function resultOf(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined
  const { code, errcode, rawCode } = error as { code?: unknown; errcode?: unknown; rawCode?: unknown }
  const result = code === 'ERR_SQLITE_ERROR' ? errcode : rawCode
  return typeof result === 'number' ? result & 0xff : undefined
}

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
const CONSTRAINT = 19

/**
 * SQLite's result codes (the low byte), and what they mean where nothing can have landed. What is not here passes, or a
 * person mends it under the program: a disk that may only be read (8), one that fails (10), a file that does not open (14).
 */
const CODES: { readonly [errcode: number]: StoreErrorCode } = {
  // A statement that does not fit the database: a table or a column is gone.
  1: 'CORRUPT',
  5: 'BUSY',
  6: 'BUSY',
  11: 'CORRUPT',
  13: 'FULL',
  15: 'BUSY',
  // A value or a row that is too large.
  18: 'UNSTORABLE',
  // CHECK, NOT NULL, FOREIGN KEY and triggers, none of which are ours; and unique indexes, see `ownConflict`.
  [CONSTRAINT]: 'UNSTORABLE',
  // A value of another type than the column's.
  20: 'UNSTORABLE',
  [NOT_A_DATABASE]: 'CORRUPT',
}

/** Settled even by a COMMIT: what is refused, or never begun. */
const SETTLED: readonly StoreErrorCode[] = ['BUSY', 'FULL', 'UNSTORABLE']

/** What SQLite says of a unique index: its columns, each with the name of its table. */
const UNIQUE = /^UNIQUE constraint failed: (.+)$/

/**
 * `CONFLICT` where one of our unique indexes refused a row. `ours` has the columns of each as SQLite lists them; all are
 * ours unless given.
 */
export function ownConflict(error: unknown, ours?: ReadonlySet<string>): unknown {
  if (!(error instanceof Error) || resultOf(error) !== CONSTRAINT) return error
  const columns = UNIQUE.exec(error.message)?.[1]
  if (columns === undefined || ours?.has(columns) === false) return error
  return new StoreError('CONFLICT', error.message, { cause: error })
}

/** SQLite's errors as the port names them; any other as it is. */
export function coded(error: unknown, committing = false): Error {
  if (!(error instanceof Error)) return new Error('not an error was thrown', { cause: error })
  // Another program wrote an integer that is too large to read.
  if ((error as { code?: unknown }).code === 'ERR_OUT_OF_RANGE') return tooLarge()
  const result = resultOf(error)
  if (result === undefined) return error
  const meaning = CODES[result] ?? 'UNAVAILABLE'
  const isSettled = !committing || SETTLED.includes(meaning)
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

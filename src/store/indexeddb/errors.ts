/** What IndexedDB's errors mean. */
import { StoreError, type StoreErrorCode } from '../port.ts'

/** The meaning of exceptions by their names, when nothing can have landed. */
const CODES: { readonly [name: string]: StoreErrorCode } = {
  ConstraintError: 'CONFLICT',
  QuotaExceededError: 'FULL',
  VersionError: 'NEWER',
  // The browser throws this for a value that it can no longer read.
  DataError: 'CORRUPT',
  NotReadableError: 'CORRUPT',
}

/**
 * Turns IndexedDB's errors into those of the port. Other errors stay as they are. `committing` means that the commit
 * was requested after all writes were accepted: then only a refusal proves that nothing landed.
 */
export function coded(error: unknown, committing = false): Error {
  if (!(error instanceof DOMException))
    return error instanceof Error ? error : new Error('not an error was thrown', { cause: error })
  const meaning = CODES[error.name] ?? 'UNAVAILABLE'
  const isSettled = !committing || meaning === 'CONFLICT' || meaning === 'FULL'
  return new StoreError(isSettled ? meaning : 'IN_DOUBT', `${error.name}: ${error.message}`, { cause: error })
}

/** Whether a transaction failed because the browser has closed the connection or is closing it. */
const LOST = ['InvalidStateError', 'AbortError', 'UnknownError']

export const isLost = (error: unknown): boolean => error instanceof DOMException && LOST.includes(error.name)

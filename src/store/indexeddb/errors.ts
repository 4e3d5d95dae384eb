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

/** What Chromium says, by an `UnknownError`, of a key or a value for which it has no room in a message. */
const TOO_LARGE = /too large/i
/** Settled even by the end of a transaction: what is refused. */
const SETTLED: readonly StoreErrorCode[] = ['CONFLICT', 'FULL', 'UNSTORABLE']

/**
 * Turns IndexedDB's errors into those of the port. Other errors stay as they are. `committing` means that the commit
 * was requested after all writes were accepted: then only a refusal proves that nothing landed.
 */
export function coded(error: unknown, committing = false): Error {
  if (!(error instanceof DOMException))
    return error instanceof Error ? error : new Error('not an error was thrown', { cause: error })
  const meaning = TOO_LARGE.test(error.message) ? 'UNSTORABLE' : (CODES[error.name] ?? 'UNAVAILABLE')
  const isSettled = !committing || SETTLED.includes(meaning)
  return new StoreError(isSettled ? meaning : 'IN_DOUBT', `${error.name}: ${error.message}`, { cause: error })
}

/** Whether a transaction failed because the browser has closed the connection or is closing it. */
const LOST = ['InvalidStateError', 'AbortError', 'UnknownError']

export const isLost = (error: unknown): boolean => error instanceof DOMException && LOST.includes(error.name)

/** A write that is refused before it is begun, for its key or its value, is refused again. Any other error as it is. */
export function refused(error: unknown): unknown {
  if (!(error instanceof DOMException)) return error
  const isOfValue = ['DataError', 'DataCloneError'].includes(error.name)
  return isOfValue ? new StoreError('UNSTORABLE', `${error.name}: ${error.message}`, { cause: error }) : error
}

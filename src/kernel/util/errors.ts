/** Why a call failed. Messages may change, codes don't. */
export type ErrorCode =
  /** No operation has this id. */
  | 'NOT_FOUND'
  /** The idempotency key belongs to an operation with another kind or input. */
  | 'KEY_REUSED'
  /** The id that was asked for belongs to an operation already. */
  | 'ID_REUSED'
  /** The operation runs on another version of its kind than the one that it was asked by. */
  | 'OTHER_VERSION'
  /** The operation cannot take this event in its state. */
  | 'INVALID_STATE'
  /** The row cannot be loaded by this program; it is kept as it is. */
  | 'UNLOADABLE'
  /** A human has to look: the reason stands with the operation. */
  | 'QUARANTINED'
  /** Rows changed under a new operation, again and again. */
  | 'CONTENTION'
  /** Closed. */
  | 'CLOSED'
  /** The machine or an effect did what it must not. */
  | 'DEFECT'
  | (string & {})

/** The base of every failure that has a code: those of the wallet, of operations, of Cashu data and of stores. Match by `code`. */
export class HardshellError extends Error {
  /** The name of the class, which tells it apart in logs. */
  override readonly name: string = 'HardshellError'
  /** Why, as a stable code. */
  readonly code: ErrorCode
  /** The operation that it is about, where there is one. */
  readonly operationId: string | undefined
  constructor(code: ErrorCode, message: string, options?: ErrorOptions & { operationId?: string | undefined }) {
    super(message, options)
    this.code = code
    this.operationId = options?.operationId
  }
}

/** What an error says. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

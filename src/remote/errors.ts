/** Errors on their way: of the same class and code on the other side. Their causes and stacks stay. */
import { CashuError, type CashuErrorCode } from '../cashu/errors.ts'
import { HardshellError } from '../kernel/util/errors.ts'
import { StoreError, type StoreErrorCode } from '../store/port.ts'
import { optional, record, text, type Shape } from './shapes.ts'

/** Of calls that were under way when the near side went. */
export const unavailable = (): HardshellError =>
  new HardshellError('UNAVAILABLE', 'the wallet went away; what was asked may have been done: repeat it by its key')

/** Of calls that were not made. */
export const unreachable = (): HardshellError =>
  new HardshellError('UNAVAILABLE', 'no wallet answers at this port; nothing was asked')

/** What is not in `allow`. */
export const notAllowed = (what: string): HardshellError => new HardshellError('NOT_ALLOWED', what)

interface Told {
  readonly name: string
  readonly code: string | undefined
  readonly message: string
  readonly operationId: string | undefined
}

/** The most characters of an error's words, and of an id in it, that cross: both may repeat what a caller gave. */
const LONGEST_WORDS = 10_000
const LONGEST_ID = 600

const words = (message: string): string => message.slice(0, LONGEST_WORDS).toWellFormed()

const told = record<Told>({ name: text, code: optional(text), message: text, operationId: optional(text) })

/** An error. One that has no code may quote anything, so nothing is told of it but that there was one. */
export const failure: Shape<Error> = {
  is: told.is,
  encode(error, at) {
    if (error instanceof HardshellError) {
      const { name, code, message, operationId } = error
      // That the wallet there is closed is no matter of this connection: it may be opened again.
      if (code === 'CLOSED') return failure.encode(unavailable(), at)
      const id = operationId === undefined || operationId.length > LONGEST_ID ? undefined : operationId
      return told.encode({ name, code, message: words(message), operationId: id }, at)
    }
    if (error instanceof TypeError) return told.encode({ name: 'TypeError', message: words(error.message) }, at)
    return told.encode({ name: 'HardshellError', code: 'DEFECT', message: 'the wallet met an error of no code' }, at)
  },
  decode(given, at) {
    const { name, code, message, operationId } = told.decode(given, at)
    if (name === 'TypeError') return new TypeError(message)
    const error =
      name === 'StoreError'
        ? new StoreError(code as StoreErrorCode, message)
        : name === 'CashuError'
          ? new CashuError(code as CashuErrorCode, message)
          : undefined
    return error ?? new HardshellError(code ?? 'DEFECT', message, { operationId })
  },
}

/** Whether an error may be told in its own words. */
export const isCoded = (error: unknown): boolean => error instanceof HardshellError || error instanceof TypeError

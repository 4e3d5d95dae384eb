/** What ends a command otherwise than well, and the exit code of each. */
import { HardshellError, messageOf } from '../kernel/util/errors.ts'

/** How a command ends. `docs/cli.md` says so to its users. */
export const EXIT = { done: 0, failed: 1, misused: 2, pending: 3, interrupted: 130 } as const

/** The command line is wrong: the message says where, in one line, and never shows a value. */
export class Misused extends Error {
  override readonly name = 'Misused'
}

/** A command cannot do what it is for. What to do about it stands in `advice`. */
export class Refused extends HardshellError {
  override readonly name: string = 'Refused'
  /** What a person can do about it. */
  readonly advice: string | undefined

  constructor(code: string, message: string, advice?: string, operationId?: string) {
    super(code, message, { operationId })
    this.advice = advice
  }
}

/** The waiting ended before the operation did: it goes on. */
export class StillPending extends Refused {}

/** Somebody pressed Ctrl-C. The operation that was waited for, if any, goes on. */
export class Interrupted extends Refused {}

/** What to do about a failure, by its code. */
const ADVICE: Readonly<Record<string, string>> = {
  INSUFFICIENT_FUNDS: '`hardshell wallet balance` says what is there, `hardshell wallet invoice AMOUNT` adds to it.',
  MINT_UNKNOWN: '`hardshell wallet mints trust URL` lets the wallet contact a mint.',
  MINT_NOT_TRUSTED: '`hardshell wallet mints trust URL` lets the wallet contact it again.',
  MINT_UNREACHABLE: 'Try again later: nothing is lost. `hardshell doctor` says which mints answer.',
  MINT_MOVED: 'Ask whoever runs the mint for its address. Nothing is sent to the new one by itself.',
  MINT_URL_MALFORMED: 'A mint is named by its URL, such as https://mint.example.',
  SEED_MISMATCH: 'Take the seed that this wallet was made with, or another folder (--home).',
  PHRASE_INVALID: 'Look at the words again: 12, 15, 18, 21 or 24 of them, in their order.',
  TOKEN_MALFORMED: 'A token begins with cashuA or cashuB. Was all of it copied?',
  INVOICE_MALFORMED: 'An invoice begins with lnbc. Was all of it copied?',
  AMOUNT_MISSING: 'Ask the payee for an invoice with an amount.',
  FEE_TOO_HIGH: 'Nothing was paid. --max-fee allows more.',
  ALREADY_SPENT: 'Somebody has redeemed it. Ask the sender for another one.',
  NOT_FOUND: '`hardshell ops list` has the ids.',
  KEY_REUSED: 'The same --key stands for the same request. Take another key for another one.',
  QUARANTINED: '`hardshell ops explain ID` says why, `hardshell ops resume ID` tries again.',
  BUSY: 'Another program holds the database. Try again.',
  NEWER: 'A later version of hardshell has used this database. Take that one.',
  CORRUPT: 'If the file is encrypted: this command opens none that is.',
}

/** An error as a command shows it. */
export interface ShownError {
  readonly code: string
  readonly message: string
  readonly operationId?: string
  /** What a person can do. */
  readonly advice?: string
}

/** What an error says to whoever ran the command, and the exit code. */
export function shown(error: unknown): { readonly error: ShownError; readonly code: number } {
  if (error instanceof Misused)
    return { error: { code: 'MISUSED', message: error.message, advice: '--help explains.' }, code: EXIT.misused }
  if (error instanceof HardshellError) {
    const { code, message, operationId } = error
    const advice = (error instanceof Refused ? error.advice : undefined) ?? ADVICE[code]
    const told = {
      code,
      message,
      ...(operationId !== undefined && { operationId }),
      ...(advice !== undefined && { advice }),
    }
    return { error: told, code: exitOf(error) }
  }
  // The package's own checks name the argument, and never show its value.
  if (error instanceof TypeError && /^[\w.]+: /.test(error.message))
    return { error: { code: 'MISUSED', message: error.message }, code: EXIT.misused }
  return { error: { code: systemCode(error) ?? 'UNEXPECTED', message: messageOf(error) }, code: EXIT.failed }
}

function exitOf(error: HardshellError): number {
  if (error instanceof Interrupted) return EXIT.interrupted
  return error instanceof StillPending ? EXIT.pending : EXIT.failed
}

/** Such as EACCES. */
function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' && /^[A-Z_]{2,40}$/.test(error.code) ? error.code : undefined
}

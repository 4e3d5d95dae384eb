/** The meaning of errors of PostgreSQL and of the network. */
import { StoreError, type StoreErrorCode } from '../port.ts'

/** What was under way when it failed. Only a COMMIT that was sent can have landed. */
export type Phase = 'connecting' | 'reading' | 'working' | 'committing'

/** By SQLSTATE, or by its class (the first two characters), where nothing can have landed. */
const MEANINGS: { readonly [sqlState: string]: StoreErrorCode } = {
  // Broken connections: class 08, and 57P01 and similar codes of an administrator's command.
  '08': 'BUSY',
  '57': 'BUSY',
  '25P03': 'BUSY',
  // Serialization failures and deadlocks.
  '40': 'BUSY',
  // A lock that was not available in time; 57014 is a statement that took too long.
  '55P03': 'BUSY',
  '53100': 'FULL',
  '23505': 'CONFLICT',
  XX001: 'CORRUPT',
  XX002: 'CORRUPT',
  // Tables, columns or namespaces that are missing, or exist already.
  '42P01': 'CORRUPT',
  '42P06': 'CORRUPT',
  '42P07': 'CORRUPT',
  '42703': 'CORRUPT',
  '42710': 'CORRUPT',
  '3F000': 'CORRUPT',
}

/**
 * Classes of errors that the same statement meets again, until somebody changes it or the database: values and sizes
 * that are not allowed, constraints, triggers, rights.
 */
const REFUSALS = ['09', '0A', '21', '22', '23', '27', '2F', '38', '39', '42', '44', '54', 'P0']
/** Those of them that are about a value, whose texts may quote the row. */
const OF_DATA = ['22', '23', '44', 'P0']

/** Errors by which a server that cannot be had now says that it can be had later. */
const LATER = ['57P03', '53300']

/** The SQLSTATE of a server's error; undefined for other errors. */
function sqlStateOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('severity' in error)) return undefined
  return (error as unknown as { readonly code?: string }).code
}

/**
 * Turns an error of a statement or a connection into one of the port. The server's own error is not given as its cause,
 * because it may quote the row.
 */
export function coded(error: unknown, phase: Phase): StoreError {
  const sqlState = sqlStateOf(error)
  const text = error instanceof Error ? error.message : 'not an error was thrown'
  if (sqlState === undefined) {
    const meaning = { connecting: 'UNAVAILABLE', reading: 'BUSY', working: 'BUSY', committing: 'IN_DOUBT' } as const
    return new StoreError(meaning[phase], text, { cause: new Refusal(text, true) })
  }
  const kind = sqlState.slice(0, 2)
  const isRefusal = REFUSALS.includes(kind)
  // The last one: the transaction had waited for too long, and was over before the COMMIT came.
  const isSettled = isRefusal || (kind === '40' && sqlState !== '40003') || sqlState === '25P03'
  const { constraint } = error as { readonly constraint?: string }
  const by = constraint === undefined ? '' : ` by '${constraint}'`
  const message = OF_DATA.includes(kind) ? `the database refused a value${by} (${sqlState})` : `${text} (${sqlState})`
  const cause = new Refusal(`SQLSTATE ${sqlState}`, LATER.includes(sqlState), constraint)
  if (phase === 'committing' && !isSettled) return new StoreError('IN_DOUBT', message, { cause })
  if (phase === 'connecting') return new StoreError('UNAVAILABLE', message, { cause })
  const refused = phase === 'reading' ? 'UNAVAILABLE' : 'UNSTORABLE'
  const meaning = MEANINGS[sqlState] ?? MEANINGS[kind] ?? (isRefusal ? refused : 'UNAVAILABLE')
  return new StoreError(meaning, message, { cause })
}

/** What the server or the network said, without the row. */
class Refusal extends Error {
  override readonly name = 'Refusal'
  /** Whether the server is not available, which may change by itself. */
  readonly passes: boolean
  /** The constraint or the unique index that was violated. */
  readonly constraint: string | undefined
  constructor(message: string, passes: boolean, constraint?: string) {
    super(message)
    this.passes = passes
    this.constraint = constraint
  }
}

/** The constraint or the unique index that refused a commit. */
export const constraintOf = ({ cause }: StoreError): string | undefined =>
  cause instanceof Refusal ? cause.constraint : undefined

/** Whether nothing has landed, and trying again may help. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof StoreError)) return false
  return (
    error.code === 'BUSY' || (error.code === 'UNAVAILABLE' && (error.cause as Refusal | undefined)?.passes === true)
  )
}

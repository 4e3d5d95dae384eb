/** What operations write to a log: structured events of fixed words, ids, states and codes. Never what anybody sent. */
import type { OperationRow, OperationStatus } from '../define/operation.ts'
import type { Role } from '../share/ownership.ts'
import { failureOf, type Failure } from '../util/failure.ts'

/** How urgent an event is. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** The levels, the least urgent first. */
export const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

/** What operations tell of themselves. */
export type OperationLogEvent =
  | {
      /** Level `debug`: this process committed a step. */
      readonly event: 'step'
      /** The operation's id. */
      readonly operation: string
      readonly kind: string
      /** The operation's version after the step. */
      readonly version: number
      /** The state before, dotted; null for a new operation. */
      readonly from: string | null
      /** The state after, dotted. */
      readonly to: string
      readonly status: OperationStatus
      /** How often the effects of the state after were started. */
      readonly attempt: number
    }
  | {
      /** Level `info`, at the start: what became of the unfinished operations. A count is left out where it is 0. */
      readonly event: 'resumed'
      readonly resumed?: number
      readonly waiting?: number
      readonly elsewhere?: number
      readonly quarantined?: number
      readonly unloadable?: number
    }
  | {
      /** Level `info`: this process became the owner, or another one did. */
      readonly event: 'role'
      readonly role: Role
    }
  | ({
      /** Level `warn`: an error keeps an operation from going on; the kernel tries it again, or sets it aside. */
      readonly event: 'failure'
      /** The operation's kind and state. */
      readonly at: string
      readonly operation: string
    } & Failure)
  | {
      /** Level `error`: an operation was set aside. `operations.explain` says why. */
      readonly event: 'quarantined'
      readonly operation: string
      readonly kind: string
      readonly state: string
    }

/** Gets what is logged; `Event` is what those may log who take it. */
export type Log<Event extends { readonly event: string } = OperationLogEvent> = (level: LogLevel, event: Event) => void

/** Level `warn`. */
export const failureEvent = ({ id, kind, state }: OperationRow, error: unknown): OperationLogEvent => ({
  event: 'failure',
  at: `${kind} ${state}`,
  operation: id,
  ...failureOf(error),
})

/** Level `debug`. */
export const stepEvent = (before: OperationRow | undefined, row: OperationRow): OperationLogEvent => ({
  event: 'step',
  operation: row.id,
  kind: row.kind,
  version: row.version,
  from: before?.state ?? null,
  to: row.state,
  status: row.status,
  attempt: row.attempt,
})

type Resumed = Extract<OperationLogEvent, { readonly event: 'resumed' }>
type Outcome = Exclude<keyof Resumed, 'event'>

/** Level `info`; undefined where nothing was unfinished. */
export function resumedEvent(report: readonly { readonly outcome: Outcome }[]): OperationLogEvent | undefined {
  if (report.length === 0) return undefined
  const counts: { [outcome in Outcome]?: number } = {}
  for (const { outcome } of report) counts[outcome] = (counts[outcome] ?? 0) + 1
  return { event: 'resumed', ...counts }
}

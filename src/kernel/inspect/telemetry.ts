/**
 * What telemetry hears of operations: each commit and each request as it begins and as it ends. `hardshell/otel` makes traces and
 * metrics of it, the mint's server metrics. It decides nothing, and gets no secrets: of an answer only its name.
 */
import type { OperationRow } from '../define/operation.ts'
import type { LaneLoad } from '../run/request-limiter.ts'

/** What is shown of an operation's row: neither its snapshot nor what was asked for. */
export type SeenOperation = Pick<
  OperationRow,
  'id' | 'kind' | 'state' | 'status' | 'version' | 'attempt' | 'parent' | 'lane' | 'createdAt'
>

/** Follows operations, as `openOperations` takes it; `openTelemetry` of `hardshell/otel` makes one. */
export interface Telemetry {
  /** For the kernel: follows one store's operations, until they are closed. */
  begin(of: Measured): Probe
}

/** The operations that telemetry follows. */
export interface Measured {
  /** The time, in epoch ms. */
  readonly nowMs: () => number
  /** The steady reading of the clock, for durations, in ms. */
  readonly steadyMs: () => number
  /** Aborts when the operations are closed. */
  readonly signal: AbortSignal
  /** Calls back with the row after each commit, of other processes too. Returns the way to stop. */
  readonly on: (listener: (row: SeenOperation) => void) => () => void
  /** How many requests each lane has. */
  readonly lanes: () => readonly LaneLoad[]
  /** The traces that were kept with an operation's steps, the newest first, as `Committing.trace` gave them. */
  readonly traces: (id: string) => Promise<readonly string[]>
}

/** A step that is about to be committed. */
export interface CommitBegun {
  /** The row before; undefined for a new operation. */
  readonly before: SeenOperation | undefined
  /** The row as the commit writes it. */
  readonly row: SeenOperation
  /** The type of the step's event, or the kernel's name for what it does. */
  readonly event: string
  /** The effect whose answer the event is. */
  readonly src?: string | undefined
  /** What that answered. */
  readonly answer?: string | undefined
}

/** A commit that has begun. */
export interface Committing {
  /** What is kept with the step, for a later process to find: a W3C `traceparent`. */
  readonly trace?: string | undefined
  /** The commit landed, met a conflict, or came too late. */
  ended(outcome: 'landed' | 'conflict' | 'superseded'): void
  /** It was given up. */
  failed(error: unknown): void
}

/** A request of an effect that is about to be made. */
export interface RequestBegun {
  /** The operation's row. */
  readonly row: SeenOperation
  /** The effect. */
  readonly src: string
  /** Aborted where nobody waits for its answer any more. */
  readonly signal: AbortSignal
}

/** Hears of one store's operations. It throws nothing. */
export interface Probe {
  /** The unfinished operations that the start found, and one that was set aside and that a person has go on. */
  found(rows: readonly SeenOperation[]): void
  /** A commit begins. */
  committing(begun: CommitBegun): Committing
  /**
   * Makes a request; `answerOf` names its answer, and gives undefined where it was not made after all.
   *
   * @throws what the request throws
   */
  request<T>(begun: RequestBegun, make: () => Promise<T>, answerOf: (made: T) => string | undefined): Promise<T>
  /** An error keeps an operation from going on. */
  erred(row: SeenOperation, error: unknown): void
}

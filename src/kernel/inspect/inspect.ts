/**
 * The inspector's feed: committed steps in XState's inspection format, so that inspectors draw them. A step that was
 * computed and not committed is never seen.
 */
import type { Change } from '../kernel.ts'
import type { Move } from '../step/step.ts'

/** Gets one inspection event, JSON-safe: `@xstate.actor`, `@xstate.event`, `@xstate.microstep` or `@xstate.snapshot`. */
export type Inspect = (event: InspectionEvent) => void

/** A committed step in XState's inspection format. */
export interface InspectionEvent {
  /** XState's name of what is told. */
  readonly type: '@xstate.actor' | '@xstate.event' | '@xstate.microstep' | '@xstate.snapshot'
  /** The root of all actors: the supervisor. */
  readonly rootId: string
  /** The operation's id. */
  readonly sessionId: string
  /** ISO 8601. */
  readonly createdAt: string
  /** The kind of operation, and its id. */
  readonly name: string
  /** The event of a microstep, or one that the chart emitted; whole where it is told whole, and its type otherwise. */
  readonly event?: { readonly type: string; readonly [field: string]: unknown }
  /** The transition of a microstep. */
  readonly move?: Omit<Move, 'given'>
  /** The state after the step, without secrets. */
  readonly snapshot?: {
    readonly status: string
    readonly value: unknown
    readonly context: unknown
    readonly children: object
  }
}

export function publish(change: Change, inspect: Inspect, whole: boolean): void {
  const { row, snapshot, before } = change
  const { id, kind, state, version, amount, unit } = row
  const base = {
    rootId: 'supervisor',
    sessionId: id,
    createdAt: new Date(row.updatedAt).toISOString(),
    name: `${kind} ${id}`,
  }
  if (!before) inspect({ type: '@xstate.actor', ...base })
  const context: unknown = whole ? snapshot.context : { id, kind, state, version, amount, unit }
  for (const { given, ...move } of change.moves)
    inspect({ type: '@xstate.microstep', ...base, event: whole ? given : { type: move.event }, move })
  for (const { type } of change.emitted) inspect({ type: '@xstate.event', ...base, event: { type } })
  inspect({
    type: '@xstate.snapshot',
    ...base,
    snapshot: { status: snapshot.status, value: snapshot.value, context, children: {} },
  })
}

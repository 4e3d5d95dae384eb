/**
 * The inspector's feed: committed steps in XState's inspection format, so that inspectors draw them. A step that was
 * computed and not committed is never seen.
 */
import type { AnyMachineSnapshot, EventObject } from 'xstate'
import type { OperationRow } from '../define/operation.ts'
import type { Change } from '../kernel.ts'
import type { Move } from '../step/step.ts'
import { definitionText } from './definition-text.ts'

/** Gets one inspection event, JSON-safe: `@xstate.actor`, `@xstate.event`, `@xstate.microstep` or `@xstate.snapshot`. */
export type Inspect = (event: InspectionEvent) => void

/** An event as an inspector sees it; whole where it is told whole, and its type otherwise. */
export interface InspectedEvent {
  /** The event's type. */
  readonly type: string
  /** What else it carries, where it is told whole. */
  readonly [field: string]: unknown
}

/** Where an operation stands, as an inspector sees it. An operation that was set aside has stopped. */
export type InspectedSnapshot = {
  /** The chart's state, as XState has it. */
  readonly value: unknown
  /** Id, kind, state, version, amount and unit, and no secrets; the chart's own context where it is told whole. */
  readonly context: unknown
  /** None: effects are no actors here. */
  readonly children: object
} & (
  | { readonly status: 'active' | 'stopped'; readonly output: undefined; readonly error: undefined }
  | { readonly status: 'done'; readonly output: unknown; readonly error: undefined }
)

/** What all inspection events have. */
export interface InspectionBase {
  /** The root of all actors: the supervisor. */
  readonly rootId: string
  /** The operation's id; `supervisor` for the root itself. */
  readonly sessionId: string
  /** Milliseconds since the Unix epoch, as text. */
  readonly createdAt: string
  /** The kind of operation, and its id. */
  readonly name: string
  /** The event's own id: no two of a feed have the same. */
  readonly id: string
  /** The version of the protocol: that of the package `@statelyai/inspect` that has these events. */
  readonly _version: string
}

/** An operation that the feed speaks of from now on: a new one, or one that was there. */
export interface InspectedActor extends InspectionBase {
  /** XState's name of what is told. */
  readonly type: '@xstate.actor'
  /** The operation that it belongs to, if that goes on, else the supervisor; undefined for the supervisor. */
  readonly parentId: string | undefined
  /** The chart as JSON text, with named guards, actions, delays and effects. */
  readonly definition: string
  /** Where it stands. */
  readonly snapshot: InspectedSnapshot
}

/** An event that an operation took, or one that its chart emitted: that one goes to the supervisor. */
export interface InspectedEventEvent extends InspectionBase {
  /** XState's name of what is told. */
  readonly type: '@xstate.event'
  /** Who sent it: the operation itself for its timers and for what it emits, the supervisor for the first one; undefined for others. */
  readonly sourceId: string | undefined
  /** The event. */
  readonly event: InspectedEvent
}

/** A transition that a step took. Of the package's own events there is none like it: leave it out for its adapters. */
export interface InspectedMicrostep extends InspectionBase {
  /** XState's name of what is told. */
  readonly type: '@xstate.microstep'
  /** The event that led to it. */
  readonly event: InspectedEvent
  /** The transition, and where the chart has it. */
  readonly move: Omit<Move, 'given'>
}

/** Where an operation stands after a step. */
export interface InspectedSnapshotEvent extends InspectionBase {
  /** XState's name of what is told. */
  readonly type: '@xstate.snapshot'
  /** The event that began the step; `hardshell.commit` where another process committed it, or no event led to it. */
  readonly event: InspectedEvent
  /** Where it stands. */
  readonly snapshot: InspectedSnapshot
}

/** A committed step in XState's inspection format. */
export type InspectionEvent = InspectedActor | InspectedEventEvent | InspectedMicrostep | InspectedSnapshotEvent

const ROOT = 'supervisor'
/** The version of `@statelyai/inspect` whose protocol this is. */
const PROTOCOL = '0.7.2'

/** One inspector's feed: it is told of each operation before anything else of it. */
export class InspectionFeed {
  readonly #inspect: Inspect
  readonly #whole: boolean
  /** The operations that it was told of, and that have not ended. */
  readonly #known = new Set<string>()
  #isRootKnown = false

  /** `whole` shows contexts and events as they are, secrets included. */
  constructor(inspect: Inspect, whole: boolean) {
    this.#inspect = inspect
    this.#whole = whole
  }

  /** An operation that was there when this process began. */
  found(row: OperationRow, snapshot: AnyMachineSnapshot): void {
    if (!this.#known.has(row.id)) this.#introduce(row, snapshot)
  }

  /** A step was committed. */
  step({ before, row, snapshot, moves, emitted }: Change): void {
    const { id, version, updatedAt } = row
    this.found(row, snapshot)
    const base = baseOf(row)
    const init: EventObject = { type: 'xstate.init' }
    let [count, last]: [number, EventObject | undefined] = [0, before ? undefined : init]
    const begun = moves[0]?.given ?? last ?? { type: 'hardshell.commit' }
    const numbered = () => ({ ...base, id: `${id}.${version}.${++count}` })
    const event = (given: EventObject, sessionId: string, sourceId: string | undefined): void =>
      this.#inspect({ type: '@xstate.event', ...numbered(), sessionId, sourceId, event: this.#shown(given) })
    if (last) event(init, id, base.rootId)
    for (const { given, ...move } of moves) {
      if (given !== last) event(given, id, given.type.startsWith('xstate.after.') ? id : undefined)
      last = given
      this.#inspect({ type: '@xstate.microstep', ...numbered(), event: this.#shown(given), move })
    }
    for (const given of emitted) event(given, ROOT, id)
    this.#inspect({
      type: '@xstate.snapshot',
      ...numbered(),
      createdAt: String(updatedAt),
      event: this.#shown(begun),
      snapshot: this.#snapshotOf(row, snapshot),
    })
    if (row.status === 'done') this.#known.delete(id)
  }

  #introduce(row: OperationRow, snapshot: AnyMachineSnapshot): void {
    const base = baseOf(row)
    if (!this.#isRootKnown) {
      this.#isRootKnown = true
      const root: InspectedSnapshot = { status: 'active', value: ROOT, context: {}, children: {}, output: undefined, error: undefined } // prettier-ignore
      const definition = JSON.stringify({ id: ROOT })
      const self = { ...base, sessionId: ROOT, name: ROOT, id: `${ROOT}.actor`, parentId: undefined }
      this.#inspect({ type: '@xstate.actor', ...self, definition, snapshot: root })
    }
    this.#known.add(row.id)
    this.#inspect({
      type: '@xstate.actor',
      ...base,
      id: `${row.id}.${row.version}.actor`,
      // Nobody could find one that ended before.
      parentId: row.parent !== null && this.#known.has(row.parent) ? row.parent : ROOT,
      definition: definitionText(snapshot.machine),
      snapshot: this.#snapshotOf(row, snapshot),
    })
  }

  #shown(event: EventObject): InspectedEvent {
    return this.#whole ? event : { type: event.type }
  }

  #snapshotOf(row: OperationRow, snapshot: AnyMachineSnapshot): InspectedSnapshot {
    const { id, kind, state, version, amount, unit } = row
    const context: unknown = this.#whole ? snapshot.context : { id, kind, state, version, amount, unit }
    const { value } = snapshot as { readonly value: unknown }
    const shown = { value, context, children: {}, error: undefined }
    const output: unknown = this.#whole ? snapshot.output : undefined
    if (snapshot.status === 'done') return { ...shown, status: 'done', output }
    return { ...shown, status: row.status === 'quarantined' ? 'stopped' : 'active', output: undefined }
  }
}

const baseOf = ({ id, kind, updatedAt }: OperationRow) => ({
  rootId: ROOT,
  sessionId: id,
  createdAt: String(updatedAt),
  name: `${kind} ${id}`,
  _version: PROTOCOL,
})

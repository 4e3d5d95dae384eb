/** What the parts of a running kernel share. */
import type { AnyMachineSnapshot, AnyStateMachine, EventObject } from 'xstate'
import type { Write } from '../store/port.ts'
import type { Tables } from '../store/kit/rows.ts'
import { HardshellError, messageOf } from './util/errors.ts'
import type { RequestLimiter } from './run/request-limiter.ts'
import type { Poller } from './run/poller.ts'
import { declaration, isStart, pollOf, stateNodes } from './define/chart.ts'
import type { Start } from './define/children.ts'
import type { KernelStore, OperationKind, OperationRow, PersistedSnapshot, Reader, Poll } from './define/operation.ts'
import { fraction, type Clock, type Random } from './util/ports.ts'
import type { Outcome } from './step/commit.ts'
import { settled, stepper, type Move, type Stepper } from './step/step.ts'
import { storedTimers, type Timers } from './step/timers.ts'
import type { Probe } from './inspect/telemetry.ts'
import type { StepHistory } from './run/step-history.ts'
import type { Alarms } from './run/timer-heap.ts'

/** A committed step, as those who listen get it. */
export interface Change {
  /** The row before; undefined for a new operation. */
  readonly before: OperationRow | undefined
  /** The row after the step. */
  readonly row: OperationRow
  /** The snapshot after the step. */
  readonly snapshot: AnyMachineSnapshot
  /** The events that the chart emitted. */
  readonly emitted: readonly EventObject[]
  /** The transitions that the step took, where an inspector wants to know. */
  readonly moves: readonly Move[]
  /** The tables that the commit wrote, beside the operation's own row. */
  readonly tables: readonly string[]
}

/** A request of an effect. */
export interface Request {
  /** The operation's id. */
  readonly id: string
  /** The effect. */
  readonly src: string
  /** Aborted where nobody waits for its answer any more. */
  readonly signal: AbortSignal
}

export interface Kernel {
  readonly store: KernelStore
  readonly clock: Clock
  /** This process, in the rows whose effects it runs. */
  readonly owner: string
  /** Whether it runs effects, polls and timers; another one does for all where it does not. */
  leads(): boolean
  readonly limiter: RequestLimiter
  readonly poller: Poller
  readonly alarms: Alarms
  /** Requests of effects, each until its answer is committed, and whose they are. */
  readonly underWay: Map<Promise<void>, Request>
  /** What each operation's step, or its next start, waits for in this process. */
  readonly hindrances: Map<string, unknown>
  newId(): string
  /** A number in [0, 1). */
  chance(): number
  readonly kinds: ReadonlyMap<string, LoadedKind>
  readonly tables: Tables
  /** Records each commit of an operation, where the database keeps step history. */
  readonly history: StepHistory | undefined
  /** Hears of each commit and each request, where telemetry follows the operations. */
  readonly probe: Probe | undefined
  /** The store, as local steps read it. */
  readonly reader: Reader
  /** Stores new operations and starts them; see `Supervisor`. */
  begin<T extends { readonly rows: readonly OperationRow[] }>(
    ids: readonly string[],
    store: () => Promise<T>,
  ): Promise<T>
  /** Starts those of the operations that are stored under this process' name and do not run. */
  startOwn(ids: readonly string[]): void
  /** Hands an event to an operation of a kind; see `KindOperations.send`. */
  send(id: string, event: EventObject, kind: Pick<OperationKind, 'kind' | 'machine'>): Promise<boolean>
  /** Calls back after each commit. Returns the way to stop. */
  on(listener: (change: Change) => void): () => void
  /** A step was committed. */
  changed(change: Change): void
  /** An operation's actor failed. Its row, as last committed, is sound. */
  failed(row: OperationRow, error: unknown): void
  /** An operation met an error and goes on from its last committed state. */
  erred(row: OperationRow, error: unknown): void
  /** An operation was set aside, for the reason in its row. */
  setAside(before: OperationRow, row: OperationRow): void
}

/** A call of an effect that the kernel does itself. */
export interface Call {
  /** The operation that asks. */
  readonly id: string
  /** What its chart hands over. */
  readonly input: unknown
}

/**
 * How the kernel does an effect itself (`join`). Its declaration in the chart's setup carries it, as the action `start` carries
 * `StartChildren`: so a program whose charts have no children does not carry either.
 */
export interface Provided {
  /** Gives the answer; none once the signal has aborted. It takes no place in a lane. */
  run(kernel: Kernel, call: Call & { readonly signal: AbortSignal }): Promise<Done | undefined>
  /** What it waits for, for people; an empty text where that is nothing. */
  explain(kernel: Kernel, call: Call): Promise<Awaiting>
}

/** What an effect answers. */
export interface Done {
  readonly output: unknown
  /** Whether it still does, when its step is to be computed: other steps may have come before. Where not, the effect runs again. */
  holds?(): boolean
}

/** What an operation waits for. */
export interface Awaiting {
  /** In words. */
  readonly why: string
  /** It does not come before a person has decided something. */
  readonly needsHuman: boolean
}

/** A step that starts children: its row, and all that its commit writes beside it. */
export interface Parent {
  readonly row: OperationRow
  readonly writes: readonly Write[]
}

/** Children that are computed and not yet stored. */
export interface NewChildren {
  /** What the parent's commit writes for them. */
  readonly writes: readonly Write[]
  /** Has the parent's commit made, and the children run once it has landed. */
  land(commit: () => Promise<Outcome>): Promise<Outcome>
}

/** Computes the first steps of children, and of theirs. */
export type StartChildren = (kernel: Kernel, parent: Parent, starts: readonly Start[]) => Promise<NewChildren>

const isProvided = (logic: object): logic is { readonly provided: Provided } => 'provided' in logic

/** How the kernel does an effect itself; undefined where the kind does it. */
export function providedOf(machine: AnyStateMachine, src: string): Provided | undefined {
  const logic = declaration(machine, src)
  return logic && isProvided(logic) ? logic.provided : undefined
}

const startsChildren = (action: unknown): action is { readonly startChildren: StartChildren } => isStart(action)

/** How the children of a chart are started; undefined where it starts none. */
function startChildrenOf(machine: AnyStateMachine): StartChildren | undefined {
  const action: unknown = machine.implementations.actions['start']
  return startsChildren(action) ? action.startChildren : undefined
}

/** A kind bound to the ports that its effects use. */
export interface LoadedKind {
  readonly kind: OperationKind
  readonly stepper: Stepper
  readonly runs: { readonly [src: string]: (args: unknown) => unknown }
  readonly polls: { readonly [name: string]: Poll<unknown, EventObject> }
  readonly reader: Reader
  /** How its chart's children are started; undefined where it starts none. */
  readonly startChildren: StartChildren | undefined
  /** All versions of the kind that there are here, the newest first. */
  readonly versions: readonly LoadedKind[]
  /** The version that a row runs on. */
  of(row: OperationRow): LoadedKind
  /** @throws {HardshellError} `UNLOADABLE` where the row is of an unknown version, or cannot be read. */
  restore(row: OperationRow): AnyMachineSnapshot
  /** The timers of a row. @throws {HardshellError} as `restore` */
  timers(row: OperationRow): Timers
}

export function loadKind(
  kind: OperationKind,
  env: { ports: unknown; reader: Reader; tables: Tables; clock: Clock; random: Random; inspected: boolean },
): LoadedKind {
  const runs = kind.effects(env.ports) as LoadedKind['runs']
  const polls = kind.polls?.(env.ports) ?? {}
  const { reader, clock } = env
  const steps = stepper({
    kind,
    runs,
    read: reader,
    tables: env.tables,
    clock,
    random: () => fraction(env.random),
    inspected: env.inspected,
  })
  const park = (row: OperationRow, why: string, cause?: unknown): never => {
    throw new HardshellError('UNLOADABLE', `${row.kind} of version ${row.kindVersion}: ${why}`, {
      operationId: row.id,
      cause,
    })
  }
  const attempted = <T>(row: OperationRow, what: string, work: () => T): T => {
    try {
      return work()
    } catch (error) {
      if (error instanceof HardshellError && error.code === 'UNLOADABLE') throw error
      return park(row, `${what}: ${messageOf(error)}`, error)
    }
  }
  const migrated = (row: OperationRow): PersistedSnapshot => {
    if (row.kindVersion > kind.version) park(row, `this program knows version ${kind.version}`)
    let persisted =
      parsed(row.snapshot, isPersisted) ?? park(row, 'the snapshot does not restore: it is no JSON of one')
    for (let version = row.kindVersion; version < kind.version; version++) {
      const step = kind.migrate?.[version]
      if (!step) return park(row, `no migration from version ${version}`)
      const before = persisted
      persisted = attempted(row, `the migration from version ${version} failed`, () => step(before))
    }
    return persisted
  }
  const loaded = new WeakMap<OperationRow, { readonly snapshot: AnyMachineSnapshot; readonly timers: Timers }>()
  /** All that an actor of the row starts with: what fails here fails where it is told, and not in the actor. */
  const load = (row: OperationRow): { readonly snapshot: AnyMachineSnapshot; readonly timers: Timers } => {
    const known = loaded.get(row)
    if (known) return known
    const persisted = migrated(row)
    const snapshot = attempted(row, 'the snapshot does not restore', () => settled(steps.restore(persisted)))
    const running = storedTimers(row.timers) ?? park(row, 'its timers are no JSON of timers')
    const timers = attempted(row, 'a delay cannot be told', () => steps.timersOf(snapshot, running, row.updatedAt))
    attempted(row, 'the input of an effect cannot be told', () => steps.invokes(snapshot))
    const found = { snapshot, timers }
    loaded.set(row, found)
    return found
  }
  const missing = missingRuns(kind, runs, polls)
  if (missing.length > 0) throw new HardshellError('DEFECT', `kind '${kind.kind}': ${missing.join('; ')}`)
  const only: LoadedKind = {
    kind,
    stepper: steps,
    runs,
    polls,
    reader,
    startChildren: startChildrenOf(kind.machine),
    get versions() {
      return [only]
    },
    of: () => only,
    restore: (row) => load(row).snapshot,
    timers: (row) => load(row).timers,
  }
  return only
}

const isPersisted = (value: unknown): value is PersistedSnapshot =>
  typeof value === 'object' && value !== null && 'value' in value && 'context' in value

/** Undefined where it is no JSON of such a thing. What the parser says of it quotes it, and is told to nobody. */
function parsed<T>(json: string, isSuch: (value: unknown) => value is T): T | undefined {
  try {
    const value: unknown = JSON.parse(json)
    return isSuch(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Effects, local steps and polls that the chart names and the kind lacks. */
function missingRuns({ machine }: OperationKind, runs: LoadedKind['runs'], polls: LoadedKind['polls']): string[] {
  return stateNodes(machine).flatMap(({ id, invoke, meta }) => {
    const poll = pollOf(meta)
    const named = invoke.flatMap(({ src }) => (typeof src === 'string' ? src : []))
    return [
      ...named
        .filter((src) => typeof runs[src] !== 'function' && !providedOf(machine, src))
        .map((src) => `state '${id}' invokes '${src}', which effects() does not give`),
      ...(poll !== undefined && !polls[poll]
        ? [`state '${id}' is polled by '${poll}', which polls() does not give`]
        : []),
    ]
  })
}

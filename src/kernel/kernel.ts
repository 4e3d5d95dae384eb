/** What the parts of a running kernel share. */
import type { AnyMachineSnapshot, EventObject } from 'xstate'
import type { Store } from '../store/port.ts'
import type { Tables } from '../store/kit/rows.ts'
import { HardshellError } from './util/errors.ts'
import type { RequestLimiter } from './run/request-limiter.ts'
import type { Poller } from './run/poller.ts'
import type { KernelStore, OperationKind, OperationRow, PersistedSnapshot, Reader, Poll } from './define/operation.ts'
import { fraction, type Clock, type Random } from './util/ports.ts'
import { stepper, type Move, type Stepper } from './step/step.ts'
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
  /** By operation: what its step, or its next start, waits for here. */
  readonly hindrances: Map<string, unknown>
  newId(): string
  /** A number in [0, 1). */
  chance(): number
  /** A step was committed. */
  changed(change: Change): void
  /** An operation cannot go on in memory; what is stored, its row as last committed, is sound. */
  failed(row: OperationRow, error: unknown): void
  /** Something went wrong in an operation that goes on as it was. */
  erred(row: OperationRow, error: unknown): void
  /** An operation was set aside, for the reason in its row. */
  setAside(before: OperationRow, row: OperationRow): void
}

/** A kind bound to the ports that its effects use. */
export interface LoadedKind {
  readonly kind: OperationKind
  readonly stepper: Stepper
  readonly runs: { readonly [src: string]: (args: unknown) => unknown }
  readonly polls: { readonly [name: string]: Poll<unknown, EventObject> }
  readonly reader: Reader
  /** @throws {HardshellError} `UNLOADABLE` where the row is of an unknown version, or cannot be read. */
  restore(row: OperationRow): AnyMachineSnapshot
}

export function loadKind(
  kind: OperationKind,
  env: { ports: unknown; store: Store; tables: Tables; clock: Clock; random: Random; inspected: boolean },
): LoadedKind {
  const runs = kind.effects(env.ports) as LoadedKind['runs']
  const polls = kind.polls?.(env.ports) ?? {}
  const { store, clock } = env
  const reader: Reader = {
    get: (table, key) => store.get(table, key),
    query: (query) => store.query(query),
    sum: (table, prefix) => store.sum(table, prefix),
  }
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
  const restored = new WeakMap<OperationRow, AnyMachineSnapshot>()
  const restore = (row: OperationRow): AnyMachineSnapshot => {
    const known = restored.get(row)
    if (known) return known
    if (row.kindVersion > kind.version) park(row, `this program knows version ${kind.version}`)
    try {
      let persisted = JSON.parse(row.snapshot) as PersistedSnapshot
      for (let version = row.kindVersion; version < kind.version; version++) {
        const step = kind.migrate?.[version]
        if (!step) return park(row, `no migration from version ${version}`)
        persisted = step(persisted)
      }
      JSON.parse(row.timers)
      const snapshot = steps.restore(persisted)
      restored.set(row, snapshot)
      return snapshot
    } catch (error) {
      if (error instanceof HardshellError && error.code === 'UNLOADABLE') throw error
      return park(row, 'the snapshot does not restore', error)
    }
  }
  return { kind, stepper: steps, runs, polls, reader, restore }
}

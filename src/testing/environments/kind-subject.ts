/** A subject of a caller's own kinds of operations, and their environment. */
import { operationsTable, type OperationKind, type OperationRow } from '../../kernel/define/operation.ts'
import type { LaneRates } from '../../kernel/run/lane-rates.ts'
import { openOperations, type Operations } from '../../kernel/operations.ts'
import { HardshellError } from '../../kernel/util/errors.ts'
import type { Dump } from '../../store/memory.ts'
import type { Schema } from '../../store/port.ts'
import { arriveLate, faultyPort, type LateCall, type OwnFault } from '../faults/faulty-port.ts'
import { VirtualClock } from '../explorer/life.ts'
import type { Stage, Subject } from '../explorer/subject.ts'
import type { Likeness } from '../explorer/world.ts'
import { defectsTold } from '../invariants/defects.ts'
import { operationsIn } from '../invariants/rows.ts'

/** What a caller of operations can use. */
export interface KindStage<Outside> extends Stage {
  /** The operations. */
  readonly operations: Operations
  /** The state outside. Other people change it in place. */
  readonly outside: Outside
}

/** The operations, as calls of ports may use them. */
export type PortOperations = Pick<Operations, 'of' | 'get' | 'list' | 'until' | 'poll' | 'resume'>

/** What the explorer needs for kinds of your own. */
export interface KindSubjectOptions<Ports, Outside> {
  /** The kinds of operations. */
  readonly kinds: readonly OperationKind<Ports>[]
  /** The tables of the kinds; an `operations` table without columns of its own unless given. */
  readonly tables?: Schema['tables']
  /** The initial state outside, as plain JSON. */
  readonly outside: () => Outside
  /**
   * The ports to the outside, which act on its state. Each function is one request, at which faults may be injected. Its calls may
   * start operations and ask how they stand.
   */
  readonly ports: (outside: Outside, clock: VirtualClock, operations: PortOperations) => Ports
  /** How many requests of each lane may be made in a time. */
  readonly rates?: LaneRates
  /** More faults of a request, by the name of the port (`ports.pay`) and of the fault. */
  readonly faults?: { readonly [port: string]: { readonly [fault: string]: OwnFault } }
  /**
   * Compares the state outside with the rows at the end. Returns violations; each begins with the name of an invariant.
   */
  readonly judge: (end: {
    readonly outside: Outside
    readonly rows: Dump
    readonly operations: readonly OperationRow[]
  }) => readonly string[]
  /** What may differ between worlds that are merged. */
  readonly alike?: Likeness
}

interface Held {
  readonly books: unknown
  readonly late: readonly LateCall[]
}

/** Operations that are opened after their ports are made, and closed before the last late call arrives. */
function within(process: { readonly operations?: Operations } = {}): PortOperations {
  const running = (): Operations => {
    if (process.operations) return process.operations
    throw new HardshellError('CLOSED', 'no process runs')
  }
  return {
    of: (kind) => running().of(kind),
    get: async (id) => running().get(id),
    list: async (filter) => running().list(filter),
    until: async (id, as, signal) => running().until(id, as, signal),
    poll: async (id) => running().poll(id),
    resume: async (id) => running().resume(id),
  }
}

/**
 * A subject of kinds of operations and of the services that their effects call.
 *
 * @example
 * const shop = kindSubject({
 *   kinds: [order],
 *   outside: () => ({ charged: {} as Record<string, number> }),
 *   ports: ({ charged }) => ({ charge: async (id: string) => void (charged[id] = (charged[id] ?? 0) + 1) }),
 *   judge: ({ outside }) => Object.entries(outside.charged).flatMap(([id, times]) => times > 1 ? [`payment: ${id} charged ${times} times`] : []),
 * })
 */
export function kindSubject<Ports, Outside extends object>(
  of: KindSubjectOptions<Ports, Outside>,
): Subject<KindStage<Outside>> {
  const tables: Schema['tables'] = { operations: operationsTable(), ...of.tables }
  return {
    kinds: of.kinds,
    ...(of.alike && { alike: of.alike }),
    async open() {
      let outside = of.outside()
      let late: readonly LateCall[] = []
      return {
        enter(held) {
          const from = held as Held
          outside = structuredClone(from.books) as Outside
          late = from.late
        },
        leave: (): Held => ({ books: structuredClone(outside), late }),
        async start({ stage, store, clock, ownClock, random, life, inject, inspect, overtake, requested }) {
          const process: { operations?: Operations } = {}
          const ports = faultyPort('ports', of.ports(outside, clock, within(process)), {
            ...{ inject, life, clock, overtake, requested, faults: of.faults },
            late: { get: () => late, set: (calls) => void (late = calls) },
          })
          const opened = await store.open({ version: 1, tables })
          const operations = openOperations({
            ...{ store: opened, tables, kinds: of.kinds, ports, clock: ownClock, random },
            onError: defectsTold(stage),
            ...(inspect && { inspect }),
            ...(of.rates && { rates: of.rates }),
          })
          process.operations = operations
          return {
            stage: { ...stage, operations, outside },
            resume: (id) => operations.resume(id),
            sharer: {
              role: () => operations.role,
              resumed: () => operations.resumed,
              hear: (heard) => void operations.on(({ row }) => heard(row)),
            },
            async close() {
              operations.close()
              await opened.close()
            },
          }
        },
        async judge({ rows, outside: held, nowMs }) {
          const { books, late: calls } = structuredClone(held) as Held
          await arriveLate('ports', of.ports(books as Outside, new VirtualClock(nowMs), within()), calls)
          return of.judge({
            outside: books as Outside,
            rows,
            operations: operationsIn(rows),
          })
        },
      }
    },
  }
}

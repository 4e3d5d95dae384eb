/** A subject of a caller's own kinds of operations, and their environment. */
import { checkNames } from '../../arguments.ts'
import { operationsTable, type OperationKind, type OperationRow } from '../../kernel/define/operation.ts'
import type { LaneRates } from '../../kernel/run/lane-rates.ts'
import { openOperations, type Operations } from '../../kernel/operations.ts'
import { HardshellError } from '../../kernel/util/errors.ts'
import type { Dump } from '../../store/memory.ts'
import type { RowOf, Tables } from '../../store/typed.ts'
import { sure } from '../../sure.ts'
import { arriveLate, faultyPort, type LateCall, type OwnFault } from '../faults/faulty-port.ts'
import { VirtualClock } from '../explorer/life.ts'
import type { Stage, Subject } from '../explorer/subject.ts'
import type { Likeness } from '../explorer/world.ts'
import { defectsTold } from '../invariants/defects.ts'
import { kindOf, operationsIn } from '../invariants/rows.ts'

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
export interface KindSubjectOptions<Ports, Outside, T extends Tables = Tables> {
  /** The kinds of operations. */
  readonly kinds: readonly OperationKind<Ports>[]
  /** The tables of the kinds; an `operations` table without columns of its own unless given. */
  readonly tables?: T
  /** The rows that the store has at the beginning, by table; none unless given. */
  readonly rows?: () => RowsIn<T>
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
  readonly alike?: KindLikeness<Outside>
}

/** What makes two worlds of kinds and their outside count as one. */
export interface KindLikeness<Outside> extends Omit<Likeness, 'matters'> {
  /**
   * The part of the outside on which the future depends, as plain JSON. All of it, unless given. For kinds that recur:
   * what an old period left outside is judged at once and left out here, or worlds are new for ever.
   */
  readonly matters?: (outside: Outside, nowMs: number) => object
}

/** Rows by table. */
export type RowsIn<T extends Tables> = { readonly [N in keyof T]?: readonly RowOf<T[N]>[] }

const OPTIONS = ['kinds', 'tables', 'rows', 'outside', 'ports', 'rates', 'faults', 'judge', 'alike']

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
export function kindSubject<Ports, Outside extends object, const T extends Tables = Tables>(
  of: KindSubjectOptions<Ports, Outside, T>,
): Subject<KindStage<Outside>> {
  checkNames(of, 'options', OPTIONS)
  const tables: Tables = { operations: operationsTable(), ...of.tables }
  const { rows } = of
  return {
    kinds: of.kinds,
    alike: likenessOf(of.alike ?? {}),
    ...(rows && { rows: () => dumpOf(tables, rows()) }),
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
        async start({
          stage,
          store,
          clock,
          ownClock,
          random,
          life,
          inject,
          inspect,
          inspectWhole,
          overtake,
          requested,
        }) {
          const process: { operations?: Operations } = {}
          const ports = faultyPort('ports', of.ports(outside, clock, within(process)), {
            ...{ inject, life, clock, overtake, requested, faults: of.faults },
            late: { get: () => late, set: (calls) => void (late = calls) },
          })
          const opened = await store.open({ version: 1, tables })
          const operations = openOperations({
            ...{ store: opened, tables, kinds: of.kinds, ports, clock: ownClock, random },
            // A timer that always runs would hide that nothing else does.
            keepSteps: { days: Infinity },
            onError: defectsTold(stage),
            ...(inspect && { inspect }),
            ...(of.rates && { rates: of.rates }),
            ...(inspectWhole && { unsafeInspect: inspectWhole }),
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
            send: (operation, event) =>
              operations.of(sure(kindOf(of.kinds, operation), `kind '${operation.kind}'`)).send(operation.id, event),
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

/** What is outside is kept beside the requests that the network holds. */
function likenessOf<Outside extends object>({ matters = (all) => all, ...alike }: KindLikeness<Outside>): Likeness {
  return {
    ...alike,
    matters(held, _, nowMs) {
      const { books, late } = held as Held
      return [matters(books as Outside, nowMs), late]
    },
  }
}

/** @throws {TypeError} where a table is none of the subject's */
function dumpOf<T extends Tables>(tables: Tables, rows: RowsIn<T>): Dump {
  checkNames(rows, 'rows', Object.keys(tables))
  return rows as Dump
}

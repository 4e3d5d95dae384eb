/** Operation kinds and the rows in which their runs are kept. */
import type { AnyMachineSnapshot, AnyStateMachine, EventObject, StateMachine } from 'xstate'
import type { Json, Reader, Row, Store, Table, Write } from '../../store/port.ts'
import { text, type ReaderOf, type RowOf, type WriteOf } from '../../store/typed.ts'
import type { Declared } from './authoring.ts'
import { takes } from './chart.ts'
import { misfits } from './definition.ts'
import type { stepsTable } from './steps.ts'
import type { ContextOf, SnapshotOf, StateOf } from './typed.ts'
import { HardshellError } from '../util/errors.ts'

/** Where a row stands: being run; ended; or set aside until a human says otherwise. */
export type OperationStatus = 'active' | 'done' | 'quarantined'

const columns = {
  /** The operation's id. */
  id: 'text',
  /** The kind of operation, `send` say. */
  kind: 'text',
  /** The version of the kind that wrote the snapshot. */
  kindVersion: 'integer',
  /** Goes up by one with each commit; every commit checks it. */
  version: 'integer',
  /** Names the commit that wrote the row, so that a commit in doubt can be recognised. */
  commitId: 'text',
  /** The process that runs the effects; empty where a process that runs none wrote the row, for the owner to find. */
  owner: 'text',
  /** How often the effects of this state were started; above 1 they are told that they are a replay. */
  attempt: 'integer',
  /** Where the row stands. */
  status: text<OperationStatus>(),
  /** The chart's state, dotted. */
  state: 'text',
  /** Effects of one lane (a mint, say) share its limits. */
  lane: 'text',
  /** When the next timer ends. */
  dueAt: 'time?',
  /** Timer id → when it ends. */
  timers: 'text',
  /** Why the kernel set the row aside. */
  reason: 'text?',
  /** The operation that it belongs to; null where there is none. */
  parent: 'text?',
  /** The caller's idempotency key. */
  key: 'text?',
  /** What the key was used for, as JSON with its keys in order. */
  request: 'text?',
  /** When it was created, in epoch ms. */
  createdAt: 'time',
  /** When it changed last, in epoch ms. */
  updatedAt: 'time',
  /** The chart's persisted snapshot, as JSON. */
  snapshot: 'text',
} as const

const indexes = {
  byStatus: { columns: ['status', 'createdAt'] },
  byKind: { columns: ['kind', 'createdAt'] },
  byUpdate: { columns: ['updatedAt'] },
  byParent: { columns: ['parent'] },
  byDue: { columns: ['dueAt'] },
  byKey: { columns: ['key'], unique: true },
  byOwner: { columns: ['owner', 'status'] },
} as const

type Columns = Table['columns']
type Indexes = NonNullable<Table['indexes']>

/** The operations table, with the columns and indexes that the kinds of one database add. */
export interface OperationsTable<C = {}, I = {}> {
  readonly columns: typeof columns & C
  readonly key: readonly ['id']
  readonly indexes: typeof indexes & I
}

/** The operations table; a database may add columns and indexes of its own. */
export function operationsTable<const C extends Columns = {}, const I extends Indexes = {}>(
  more?: C,
  moreIndexes?: I,
): OperationsTable<C, I>
export function operationsTable(more?: Columns, moreIndexes?: Indexes): Table {
  return { columns: { ...columns, ...more }, key: ['id'], indexes: { ...indexes, ...moreIndexes } }
}

/** The table of processes; a store whose ownership goes by heartbeats needs it under the name `owners`. */
export const ownersTable = () =>
  ({
    columns: {
      id: 'text',
      /** Goes up every second while the process lives. */
      beat: 'integer',
      /** Who takes up the operations of this process, now that it is dead; empty while it lives. */
      heir: 'text',
    },
    key: ['id'],
  }) as const

/** The table of replies; callers who give events a key need it under the name `replies`. */
export const repliesTable = () =>
  ({
    columns: {
      /** The operation's id. */
      operation: 'text',
      /** The caller's idempotency key. */
      key: 'text',
      /** The event, as JSON with its keys in order. */
      event: 'text',
      /** What its step replied, as JSON; null where it replied nothing. */
      reply: 'text?',
      /** When its step was computed, in epoch ms. */
      at: 'time',
    },
    key: ['operation', 'key'],
    indexes: { byTime: { columns: ['operation', 'at'] } },
  }) as const

/** The table of lanes, under the name `lanes`: by it the processes of a store share the rates of lanes (`laneRates`). */
export const lanesTable = () =>
  ({
    columns: {
      lane: 'text',
      /** When the next request may be made for which no process has a slot yet. */
      nextAt: 'time',
    },
    key: ['lane'],
  }) as const

/** The kernel's own tables, under the names that every schema gives them. */
export type KernelTables = {
  readonly operations: OperationsTable
  readonly owners: ReturnType<typeof ownersTable>
  readonly replies: ReturnType<typeof repliesTable>
  readonly lanes: ReturnType<typeof lanesTable>
  readonly steps: ReturnType<typeof stepsTable>
}
export type KernelWrite = WriteOf<KernelTables>
/** A store as the kernel uses it: it reads its own tables, and commits what kinds write. */
export type KernelStore = ReaderOf<KernelTables> & Omit<Store, keyof Reader>

/**
 * One operation, as stored, with the columns that the database adds. The snapshot and the timers are JSON texts, so that
 * one bad row spoils no other.
 */
export type OperationRow = RowOf<OperationsTable> & Row
/** What a database's operations table has beside the kernel's columns: what `columns` of its kinds give. */
export type ColumnsOf<T extends Table> = Omit<RowOf<T>, keyof RowOf<OperationsTable>>
/** One of the processes that share the operations of a store without an owner's lock. */
export type OwnerRow = RowOf<ReturnType<typeof ownersTable>>

interface Operation<M extends AnyStateMachine> {
  /** The operation's id. */
  readonly id: string
  /** The kind of operation, `send` say. */
  readonly kind: string
  /** The chart's state, dotted. */
  readonly state: StateOf<M>
  /** Goes up by one with each commit. */
  readonly version: number
  /** The row, as stored. */
  readonly row: OperationRow
}

/** An operation that this program can load. */
export interface LoadedOperation<M extends AnyStateMachine = AnyStateMachine> extends Operation<M> {
  /** Where it stands. */
  readonly status: OperationStatus
  /** The chart's snapshot: its context, tags and output. */
  readonly snapshot: SnapshotOf<M>
}

/** An operation that this program cannot load: it is corrupt, or a later version wrote it, whose states may be others. */
export interface UnloadableOperation<M extends AnyStateMachine = AnyStateMachine> extends Operation<M> {
  /** Why there is no snapshot. */
  readonly status: 'unloadable'
  /** None: the row could not be read. */
  readonly snapshot: undefined
}

/** One operation as it stands. */
export type OperationView<M extends AnyStateMachine = AnyStateMachine> = LoadedOperation<M> | UnloadableOperation<M>

/** What a kind may say of a committed step in rows of its own (a history record, say). */
export interface Projection<Context> {
  /** The operation's id. */
  readonly id: string
  /** The chart's state, dotted. */
  readonly state: string
  /** Whether it goes on, has ended or was set aside. */
  readonly status: OperationStatus
  /** The chart's tags of the state. */
  readonly tags: ReadonlySet<string>
  /** The chart's context. */
  readonly context: Context
  /** When it was created, in epoch ms. */
  readonly createdAt: number
  /** When it changed last, in epoch ms. */
  readonly updatedAt: number
}

/** What an effect is called with. */
export interface EffectArgs<In, Read = Reader> {
  /** What the chart hands over. */
  readonly input: In
  /** Aborted when the chart leaves the state, the operation is taken over, or the process closes. */
  readonly signal: AbortSignal
  /** The same effect may have run before with this input, up to any point. */
  readonly replay: boolean
  /** The store, for reading. */
  readonly read: Read
  /** The time, in epoch ms. */
  readonly nowMs: number
}

/**
 * The reader of a local step. The step's commit lands only while each row that it got is as it was read, or is absent where
 * it was; else the step runs again. A condition that the step itself writes for a row stands in place of the kernel's.
 */
export interface LocalReader<Read extends { readonly get: unknown } = Reader> {
  /**
   * One row by its primary key, or undefined; asked again within the step, the same.
   *
   * @throws {StoreError} where the database fails
   */
  readonly get: Read['get']
  /**
   * Reads without conditions. Queries and totals are read this way alone: no store can promise cheaply that no other row
   * comes into their range. `why` says what makes that safe, for those who read the code: conditions of the step's own
   * writes, say.
   *
   * @throws {TypeError} where it gives no reason
   * @example
   * const pick = async ({ input, read }: LocalArgs<{ shelf: string }>) => {
   *   const onShelf = { table: 'stock', index: 'byShelf', prefix: [input.shelf], limit: 1 }
   *   const [first] = await read.loose('what is taken is got below').query<{ item: string }>(onShelf)
   *   const found = first && (await read.get('stock', [first.item]))
   *   return found ? { answer: 'ok', found } : { answer: 'none' }
   * }
   */
  loose(why: string): Read
}

/** What a local step is called with. */
export interface LocalArgs<In, Read extends { readonly get: unknown } = Reader> {
  /** What the chart hands over. */
  readonly input: In
  /** The store, for reading what the step's commit depends upon. */
  readonly read: LocalReader<Read>
  /** The time, in epoch ms. */
  readonly nowMs: number
}

export type { EventObject, Reader }

/** Asks the outside again and again whether something has happened for operations; a question changes nothing there. */
export interface Poll<Context, Event> {
  /** The first question is asked this long after the state was entered or resumed; each next one a half later. */
  readonly firstMs: number
  /** The longest pause between two questions, in ms. */
  readonly maxMs: number
  /** For how many operations of one lane it asks in one request. */
  readonly most: number
  /** The events it may send; tests derive what must be covered from this list. */
  readonly sends: readonly string[]
  /** One request; the event for each operation, in their order, or nothing. */
  readonly ask: (args: {
    contexts: readonly Context[]
    signal: AbortSignal
    read: Reader
  }) => Promise<readonly (Event | undefined)[]>
}

type ActorsOf<M> = M extends StateMachine<infer _C, infer _E, infer _K, infer A, infer _Ac, infer _G, infer _D, infer _S, infer _T, infer _I, infer _O, infer _Em, infer _M, infer _Co> ? A : never // prettier-ignore
/** The effects and local steps that a machine declares. */
export type DeclaredOf<M> = { [A in ActorsOf<M> as A['src']]: A['logic'] }

/** Those that the kernel does not do itself, as it does `join`. */
type DoneByKind<M> = {
  [A in ActorsOf<M> as A['logic'] extends { readonly provided: unknown } ? never : A['src']]: A['logic']
}

/** How each declared effect and local step of a machine is done, but for what the kernel does itself (`join`). */
export type Runs<M> = {
  [K in keyof DoneByKind<M>]: DoneByKind<M>[K] extends Declared<infer Out, infer In, infer Local>
    ? (args: Local extends true ? LocalArgs<In> : EffectArgs<In>) => Promise<Out> | Out
    : never
}

/** A kind of operation: a chart, how its effects are done, and what its rows show. */
export interface OperationKind<
  Ports = unknown,
  M extends AnyStateMachine = AnyStateMachine,
  C extends EventObject | undefined = EventObject | undefined,
> {
  /** The name of the kind. */
  readonly kind: string
  /** Goes up whenever the chart changes; `migrate` then leads from each older version to the next. */
  readonly version: number
  /** The chart. */
  readonly machine: M
  /** How each effect and local step is done, with the ports at hand. */
  readonly effects: (ports: Ports) => Runs<M>
  /** Watches by name; a state is polled where its `meta` says `{ poll: name }`. */
  readonly polls?: (ports: Ports) => { readonly [name: string]: Poll<ContextOf<M>, EventObject> }
  /** The operation's lane. */
  readonly lane?: (context: ContextOf<M>) => string
  /**
   * Who goes first where requests of its lane wait: the higher, the sooner; 0 unless given. Those of one priority go in the order
   * in which they came. Read from the committed context before each request.
   */
  readonly priority?: (context: ContextOf<M>) => number
  /** Values for the columns that the database adds to its operations table. */
  readonly columns?: (context: ContextOf<M>) => Row
  /** Why it is in its state, where the state's own description cannot say; for people, and without secrets. */
  readonly because?: (context: ContextOf<M>) => string | null
  /** Rows written with every commit. */
  readonly project?: (step: Projection<ContextOf<M>>) => readonly Write[]
  /**
   * Whether an operation that has ended in this state gives its idempotency key back, because nothing came of it: the same
   * key then starts another one. Never unless given.
   */
  readonly freesKey?: (context: ContextOf<M>, state: string) => boolean
  /** The event that asks an operation of the kind to end before its time; where it is left out, the kind cannot be cancelled. */
  readonly cancel?: C
  /**
   * How long an operation is kept once it has ended, in ms: then the owner deletes it, with the replies to its events, and its
   * key starts another one. Never while the operation that it belongs to is not over. For ever unless given.
   */
  readonly keepMs?: number
  /**
   * How long replies to events with a key are kept while their operation goes on, in ms: an event that comes again after that
   * is another one. As long as the operation unless given.
   */
  readonly keepRepliesMs?: number
  /**
   * Whether each step of its history keeps the snapshot as well (`operations.stepSnapshot`): the database grows by one for each
   * commit. Never unless given.
   */
  readonly keepSnapshots?: boolean
  /**
   * Whether an operation may be forked from a step of another one (`fork`), which takes `keepSnapshots`. The fork's context is the
   * step's, or what this function makes of it: an id that names what was asked of others must be the fork's own. Never unless given.
   */
  readonly forks?: true | ((context: ContextOf<M>, fork: { readonly id: string }) => ContextOf<M>)
  /** `migrate[n]` leads a persisted snapshot from version n to n + 1. Pure. */
  readonly migrate?: { readonly [from: number]: (snapshot: PersistedSnapshot) => PersistedSnapshot }
}

/** What of an XState snapshot is kept. Children are derived again from the chart. */
export interface PersistedSnapshot {
  /** Whether the chart goes on. */
  readonly status: string
  /** The chart's state. */
  readonly value: Json
  /** The chart's context. */
  readonly context: { readonly [key: string]: Json | undefined }
  /** What history states remember. */
  readonly historyValue?: Json
  /** What the chart ended with. */
  readonly output?: Json | undefined
}

/**
 * Defines a kind of operation.
 *
 * @throws {HardshellError} `DEFECT` where the machine does what the kernel cannot make durable, by its name: an undeclared actor,
 *   an unnamed delay, a local step outside a state tagged `local`, a side effect, an `onError`, an unknown `meta`.
 */
export function defineOperation<Ports, M extends AnyStateMachine, C extends EventObject | undefined = undefined>(
  kind: OperationKind<Ports, M, C>,
): OperationKind<Ports, M, C> {
  const defect = (what: string): never => {
    throw new HardshellError('DEFECT', `kind '${kind.kind}': ${what}`)
  }
  if (!Number.isSafeInteger(kind.version) || kind.version < 1) defect('version must be an integer from 1')
  for (const name of ['keepMs', 'keepRepliesMs'] as const) {
    const { [name]: ms = 0 } = kind
    if (!Number.isFinite(ms) || ms < 0) defect(`${name} must be milliseconds from 0`)
  }
  if (kind.forks !== undefined && kind.keepSnapshots !== true) defect('forks: it keeps no snapshots (keepSnapshots)')
  if (kind.cancel && !takes(kind.machine, kind.cancel.type))
    defect(`cancel: no state of the chart takes '${kind.cancel.type}'`)
  for (const misfit of misfits(kind.machine, kind.polls !== undefined)) defect(misfit)
  return kind
}

/** How urgent an operation is. @throws {HardshellError} `DEFECT` where its kind gives no number */
export function priorityOf({ kind, priority }: OperationKind, context: unknown): number {
  const given = priority?.(context) ?? 0
  if (typeof given === 'number' && !Number.isNaN(given)) return given
  throw new HardshellError('DEFECT', `${kind}: the priority is no number`)
}

/** The chart's state as dotted text: `melting`, `swapping.reconciling.checking`. */
export function dotted(value: AnyMachineSnapshot['value']): string {
  if (typeof value === 'string') return value
  const parts = Object.entries(value as Record<string, AnyMachineSnapshot['value']>).map(([key, inner]) => {
    const rest = dotted(inner)
    return rest === '' ? key : `${key}.${rest}`
  })
  return parts.join('|')
}

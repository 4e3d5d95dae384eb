/** What operations are opened, created, listed and closed with, and the checks of it. */
import {
  checkClock,
  checkCount,
  checkFunction,
  checkKeys,
  checkMethods,
  checkNames,
  checkObject,
  checkSignal,
} from '../arguments.ts'
import type { Row, Store } from '../store/port.ts'
import type { Tables } from '../store/kit/rows.ts'
import type { OperationKind, OperationStatus } from './define/operation.ts'
import { checkKeepSteps, type StepsKept } from './define/steps.ts'
import type { Inspect } from './inspect/inspect.ts'
import type { Log } from './inspect/log.ts'
import type { Telemetry } from './inspect/telemetry.ts'
import type { LaneRates } from './run/lane-rates.ts'
import type { Clock, Random } from './util/ports.ts'

/** What operations are opened with. */
export interface OperationsOptions<Ports> {
  /** An open store. */
  readonly store: Store
  /** The store's tables: an `operationsTable()` named `operations`, and those that the kinds write. */
  readonly tables: Tables
  /** The kinds that this program knows. */
  readonly kinds: readonly OperationKind<Ports>[]
  /** What the effects of the kinds use. */
  readonly ports: Ports
  /** What time it is; the platform's clock unless given. */
  readonly clock?: Clock
  /** Bytes of randomness; the platform's unless given. */
  readonly random?: Random
  /** Requests of one lane that may be under way at once; 8 unless given. */
  readonly laneLimit?: number
  /** How many requests of each lane may be made in a time: `laneRates(...)`. As many as there are, unless given. */
  readonly rates?: LaneRates
  /** Whether requests of a lane may be made; asked before each. Always, unless given. */
  readonly laneOpen?: (lane: string) => Promise<boolean>
  /** Gets every committed step in XState's inspection format, without secrets. */
  readonly inspect?: Inspect
  /** Like `inspect`, with whole contexts and events: it shows secrets. */
  readonly unsafeInspect?: Inspect
  /**
   * How long the steps of operations are kept, where the tables have a `stepsTable()` under the name `steps`; 200 of each
   * operation, until 90 days after its end, unless given. `false`: none are recorded.
   */
  readonly keepSteps?: StepsKept | false | undefined
  /**
   * Hears of each error that keeps an operation from going on: of a defect, for which it is set aside, and of others,
   * after which it is tried again. Unless it or `log` is given, what is set aside is reported to the platform (`reportError`, or
   * the console).
   */
  readonly onError?: OnError
  /** Gets structured events with a level: steps, what the start resumed, errors. They hold ids, states and codes, and no secrets. */
  readonly log?: Log
  /** Follows each commit and each request: `openTelemetry(...)` of `hardshell/otel`. */
  readonly telemetry?: Telemetry
}

/** What a client is opened with. */
export interface ClientOptions<Ports> extends Omit<OperationsOptions<Ports>, 'ports' | 'laneLimit' | 'laneOpen'> {
  /** What local steps of the kinds use, where they use any; no effect gets them. */
  readonly ports?: Ports | undefined
}

/** What keeps an operation from going on. */
export interface OperationError {
  /** The operation's id. */
  readonly id: string
  /** The kind of operation, `send` say. */
  readonly kind: string
  /** The chart's state, dotted. */
  readonly state: string
  /** How often the effects of this state were started. */
  readonly attempt: number
  /** As it was thrown: its message may quote anything, secrets too. */
  readonly error: unknown
}

/** Hears of what keeps operations from going on. */
export type OnError = (error: OperationError) => void

/** Which operations: all that are as each given field says. */
export interface ListFilter {
  /** Of one kind. */
  readonly kind?: string
  /** Dotted; also matches the states inside it. */
  readonly state?: string
  /** Whether they go on, have ended or were set aside. */
  readonly status?: OperationStatus
  /** Changed at this time or later, in epoch ms. */
  readonly changedSince?: number
  /** Unfinished, and in the same state for at least this long (ms). */
  readonly stuckForMs?: number
  /** Those that belong to this operation: its children, and what was created with it as `parent`. */
  readonly parent?: string
  /**
   * Values of other columns of the row, of which an index must begin with one (or with the status or the kind that is given,
   * and then with one). Where it goes on with `createdAt`, it is read page by page.
   */
  readonly where?: Row
  /** How many at most. */
  readonly limit?: number
  /** Those that come after this cursor, as `page` gives it. */
  readonly after?: string | undefined
}

/** Which operations, where all of them are meant. */
export type CountFilter = Omit<ListFilter, 'limit' | 'after'>

/** Which operations are watched. Time alone changes no list. */
export type WatchFilter = Omit<ListFilter, 'stuckForMs'>

/** A part of a list. */
export interface Page<View> {
  /** Newest first. */
  readonly operations: readonly View[]
  /** The cursor by which the next page is asked for; undefined where this is the last one. */
  readonly next: string | undefined
}

/** How operations are closed. */
export interface CloseOptions {
  /** How long requests under way may still take, in milliseconds; 0 unless given. */
  readonly deadlineMs?: number | undefined
}

/** How an operation is created. */
export interface CreateOptions {
  /** The operation's id; a new one unless given. */
  readonly id?: string | undefined
  /** Same key and same request → the operation that is there. One that ended with nothing done may give it back (`freesKey`). */
  readonly key?: string | undefined
  /** What the caller asked for, to compare when the key is used again. */
  readonly request?: unknown
  /** The id of the operation that it belongs to. */
  readonly parent?: string | undefined
  /** Looked at before each try: the id of an operation that already does what is asked. */
  readonly existing?: (() => Promise<string | undefined>) | undefined
}

/** How an operation is forked. */
export interface ForkOptions {
  /** The version of the other operation after the step. */
  readonly at: number
  /** The new operation's id; a new one unless given. */
  readonly id?: string | undefined
  /** Same key and same step → the operation that is there. */
  readonly key?: string | undefined
}

/** @throws {TypeError} naming the argument */
export function checkForking(options: ForkOptions): void {
  checkNames(options, 'options', ['at', 'id', 'key'])
  const { at, id, key } = options
  checkCount(at ?? null, 'at')
  checkKeys({ id, key })
}

/** How an event is sent. */
export interface SendOptions {
  /**
   * The event's idempotency key, of its operation: the same key and event lead to one step, however often they are sent.
   * It needs a `repliesTable()` among the tables, under the name `replies`. A refused event leaves its key free.
   */
  readonly key?: string | undefined
  /** Stops the waiting, never the event. */
  readonly signal?: AbortSignal | undefined
}

/** @throws {TypeError} naming the argument; the signal's reason where it has aborted already */
export function checkSending(options: SendOptions): void {
  checkNames(options, 'options', ['key', 'signal'])
  checkKeys({ key: options.key })
  checkSignal(options.signal)
}

/** A place in a list: an operation's, which never moves. */
export interface Position {
  readonly createdAt: number
  readonly id: string
}

/** A position as a cursor. */
export const cursorOf = ({ createdAt, id }: Position): string => `${createdAt.toString(36)}.${id}`

/** The position that a cursor names. @throws {TypeError} */
export function positionOf(after: string): Position {
  const at = after.indexOf('.')
  const position = { createdAt: Number.parseInt(after.slice(0, at), 36), id: after.slice(at + 1) }
  if (at < 1 || !Number.isSafeInteger(position.createdAt) || cursorOf(position) !== after)
    throw new TypeError('after: a cursor, as a page gives it')
  return position
}

const CLIENT: readonly (keyof ClientOptions<unknown>)[] = [
  'store',
  'tables',
  'kinds',
  'ports',
  'clock',
  'random',
  'inspect',
  'unsafeInspect',
  'keepSteps',
  'onError',
  'log',
  'telemetry',
]

/** @throws {TypeError} naming the argument */
export function checkClient<Ports>(options: ClientOptions<Ports>): void {
  checkNames(options, 'options', CLIENT)
  checkOptions(options)
}

/** @throws {TypeError} naming the argument */
export function checkOptions<Ports>(options: Omit<OperationsOptions<Ports>, 'ports'>): void {
  checkObject(options, 'options')
  if (typeof options.store?.commit !== 'function') throw new TypeError('store: an open store')
  checkObject(options.tables, 'tables')
  if (!Array.isArray(options.kinds)) throw new TypeError('kinds: a list of kinds')
  checkClock(options.clock)
  for (const name of ['random', 'laneOpen', 'inspect', 'unsafeInspect', 'onError', 'log'] as const)
    checkFunction(options[name], name)
  if (options.telemetry !== undefined) checkMethods(options.telemetry, 'telemetry', ['begin'])
  checkCount(options.laneLimit, 'laneLimit')
  checkKeepSteps(options.keepSteps)
  if (options.rates === undefined) return
  checkMethods(options.rates, 'rates', ['begin'])
  if (options.store.ownership?.by === 'heartbeats' && !Object.hasOwn(options.tables, 'lanes'))
    throw new TypeError("tables: a lanesTable() named 'lanes', for the processes of this store share the rates")
}

/** The operations of one kind, with the types of its chart. */
import type { AnyStateMachine, EventObject } from 'xstate'
import { checkText } from '../arguments.ts'
import { eventsOf, takes } from './define/chart.ts'
import { isReserved } from './define/definition.ts'
import type { OperationRow, OperationView } from './define/operation.ts'
import type { StepRecord, StepsPage } from './define/steps.ts'
import type { Around, EventOf, InputOf, OutputOf, ReplyOf, StateOf } from './define/typed.ts'
import {
  checkForking,
  checkSending,
  type CountFilter,
  type CreateOptions,
  type ForkOptions,
  type ListFilter,
  type Page,
  type SendOptions,
  type WatchFilter,
} from './options.ts'
import type { BulkOutcome } from './run/bulk.ts'
import { checkKind } from './run/reads.ts'
import type { Delivered } from './run/replies.ts'
import { HardshellError, messageOf } from './util/errors.ts'
import { own } from './util/own.ts'

/** What is typed of a kind: its name, its chart, and whether it can be cancelled. */
export interface KindOf<M extends AnyStateMachine, C extends EventObject | undefined = EventObject | undefined> {
  /** The name of the kind. */
  readonly kind: string
  /** The chart. */
  readonly machine: M
  /** The event that cancels its operations. */
  readonly cancel?: C
}

/** Which operations of a kind: all that are as each given field says. */
export interface KindFilter<M extends AnyStateMachine> extends Omit<ListFilter, 'kind' | 'state'> {
  /** Dotted; also matches the states inside it. */
  readonly state?: Around<StateOf<M>>
}

/** Which operations of a kind are to be cancelled: of those that go on, all that are as each given field says. */
export type CancelFilter<M extends AnyStateMachine> = Omit<KindFilter<M>, 'status'>

/** The calls of operations of any kind, as the kernel makes them. */
export interface UntypedCalls {
  create(kind: string, input: object, options: CreateOptions): Promise<OperationView>
  get(id: string): Promise<OperationView>
  /** Those that run on this chart; the same with the calls that follow. */
  list(filter: ListFilter, machine: AnyStateMachine): Promise<OperationView[]>
  /** Those that go on. */
  onEach(
    filter: ListFilter,
    machine: AnyStateMachine,
    act: (row: OperationRow) => Promise<void>,
    signal?: AbortSignal,
  ): Promise<BulkOutcome[]>
  page(filter: ListFilter, machine: AnyStateMachine): Promise<Page<OperationView>>
  count(filter: CountFilter, machine: AnyStateMachine): Promise<number>
  watch(
    filter: WatchFilter,
    machine: AnyStateMachine,
    signal?: AbortSignal,
  ): AsyncGenerator<readonly OperationView[], void, undefined>
  /** `kind` is the one that the operation has to be of. */
  deliver(
    id: string,
    event: EventObject,
    options: SendOptions & { readonly kind: KindOf<AnyStateMachine> },
  ): Promise<Delivered>
  until<T>(id: string, as: (view: OperationView) => T | undefined, signal?: AbortSignal): Promise<T>
  steps(id: string, page: StepsPage): Promise<StepRecord[]>
  fork(
    kind: KindOf<AnyStateMachine>,
    origin: { readonly id: string; readonly version: number },
    options: Pick<CreateOptions, 'id' | 'key'>,
  ): Promise<OperationView>
}

/** One version of a kind. */
interface Versioned extends KindOf<AnyStateMachine> {
  readonly version: number
}

/** The operations of one kind, typed by its chart: input, events, context, states, tags and output. Made by `operations.of`. */
export class KindOperations<M extends AnyStateMachine, C extends EventObject | undefined = EventObject | undefined> {
  readonly #kind: KindOf<M, C>
  readonly #calls: UntypedCalls
  readonly #versions: readonly Versioned[]

  /** Use `operations.of`. */
  constructor(kind: KindOf<M, C>, calls: UntypedCalls, versions: readonly Versioned[]) {
    this.#kind = kind
    this.#calls = calls
    this.#versions = versions
  }

  /**
   * Starts an operation: its first step is committed, or nothing is. New ones start on the newest version of the kind. An input that is a function is called where the
   * operation is not there yet: what it checks counts for new operations only. `request` must be given with it.
   *
   * @throws {TypeError} naming the argument
   * @throws {HardshellError} `KEY_REUSED`; `OTHER_VERSION` where the key’s operation runs on another version of the
   *   kind; `CONTENTION`; and whatever coded error a local step of the kind rejects with
   * @throws {StoreError} where the database fails
   * @example
   * const { state } = await operations.of(order).create({ item: 'tea' }, { key: 'basket 7' })
   */
  async create(
    input: InputOf<M> | (() => Promise<InputOf<M>>),
    options: CreateOptions = {},
  ): Promise<OperationView<M>> {
    const { kind, machine } = this.#kind
    const [newest] = this.#versions
    if (newest && newest.machine !== machine)
      throw new TypeError(`kind: new operations of '${kind}' start on version ${newest.version}`)
    return this.#typed(await this.#calls.create(kind, input, options))
  }

  /**
   * One operation as it stands.
   *
   * @throws {HardshellError} `NOT_FOUND`, also where it is of another kind, `OTHER_VERSION` where it runs on another version of it; `CLOSED`
   * @throws {StoreError} where the database fails
   * @example
   * const { id } = await operations.of(order).create({ item: 'tea' })
   * console.log((await operations.of(order).get(id)).state)
   */
  async get(id: string): Promise<OperationView<M>> {
    return this.#typed(await this.#calls.get(id))
  }

  /**
   * Newest first.
   *
   * @throws {TypeError} naming the argument
   * @throws {HardshellError} `CLOSED`
   * @throws {StoreError} where the database fails
   * @example
   * const active = await operations.of(order).list({ status: 'active' })
   */
  async list(filter: KindFilter<M> = {}): Promise<OperationView<M>[]> {
    const { kind, machine } = this.#kind
    return (await this.#calls.list({ ...filter, kind }, machine)).map((view) => this.#typed(view))
  }

  /**
   * A part of a list, of 100 operations unless `limit` says otherwise, and the cursor of the next one. What is created
   * after the first page is on none of the others; what is as the filter says all the while is on one of them.
   *
   * @throws as `list`
   * @example
   * const orders = operations.of(order)
   * const { operations: newest, next } = await orders.page({ status: 'done', limit: 20 })
   * const older = next && (await orders.page({ status: 'done', limit: 20, after: next }))
   */
  async page(filter: KindFilter<M> = {}): Promise<Page<OperationView<M>>> {
    const { kind, machine } = this.#kind
    const found = await this.#calls.page({ ...filter, kind }, machine)
    return { ...found, operations: found.operations.map((view) => this.#typed(view)) }
  }

  /**
   * How many there are. Each of them is read, a thousand at once.
   *
   * @throws as `list`
   * @example
   * const waiting = await operations.of(order).count({ status: 'active' })
   */
  async count(filter: Omit<KindFilter<M>, 'limit' | 'after'> = {}): Promise<number> {
    const { kind, machine } = this.#kind
    return this.#calls.count({ ...filter, kind }, machine)
  }

  /**
   * The list as it stands, and again whenever it has changed, by whatever process: at most every 50 ms. Who is slow gets
   * the list that is there when the next one is asked for, and none between. It ends where the signal aborts.
   *
   * @throws as `list`; {HardshellError} `CLOSED` where the operations are closed
   * @example
   * for await (const active of operations.of(order).watch({ status: 'active' }, AbortSignal.timeout(60_000)))
   *   console.log(active.map(({ id, state }) => `${id}: ${state}`))
   */
  watch(
    filter: Omit<KindFilter<M>, 'stuckForMs'> = {},
    signal?: AbortSignal,
  ): AsyncGenerator<readonly OperationView<M>[], void, undefined> {
    const { kind, machine } = this.#kind
    const lists = this.#calls.watch({ ...filter, kind }, machine, signal)
    return each(lists, (found) => found.map((view) => this.#typed(view)))
  }

  /**
   * Hands an event to an operation's chart. True once the step it led to is committed; false where the chart takes
   * no notice of it in its state: `ask` says why.
   *
   * @throws {TypeError} naming the argument; where no state of the chart takes such an event
   * @throws {HardshellError} `NOT_FOUND`, also where it is of another kind; `KEY_REUSED`, `UNLOADABLE`, `QUARANTINED`, `CLOSED`
   * @throws the signal's reason
   * @throws {StoreError} where the database fails
   * @example
   * const orders = operations.of(order)
   * const { id } = await orders.create({ item: 'tea' })
   * if (!(await orders.send(id, { type: 'cancel' }))) console.log('too late')
   */
  async send(id: string, event: EventOf<M>, options: SendOptions = {}): Promise<boolean> {
    return !('refused' in (await this.#deliver(id, event, options)))
  }

  /**
   * Hands an event to an operation's chart, and resolves with what the step replied (the action `reply`) once that is
   * committed; undefined where it replied nothing. The same key and event get the same reply and no other step, also
   * after a restart, in another process, and once the operation has ended.
   *
   * @throws {TypeError} naming the argument; where no state of the chart takes such an event
   * @throws {HardshellError} `INVALID_STATE` where the chart takes no notice of the event: the message says the state, and
   *   what it takes; `KEY_REUSED` where the key was given with another event of the operation; otherwise as `send`
   * @throws {StoreError} where the database fails
   * @throws the signal's reason
   * @example
   * const { id } = await operations.of(order).create({ item: 'tea' })
   * const refund = await operations.of(order).ask(id, { type: 'cancel' }, { key: 'recall of tea' })
   */
  async ask(id: string, event: EventOf<M>, options: SendOptions = {}): Promise<ReplyOf<M> | undefined> {
    const delivered = await this.#deliver(id, event, options)
    if ('refused' in delivered) throw refused(id, delivered.refused)
    // The chart's types say what it replies.
    return delivered.reply as ReplyOf<M> | undefined
  }

  async #deliver(id: string, event: EventOf<M>, options: SendOptions): Promise<Delivered> {
    const kind = this.#kind
    const { machine } = kind
    checkSending(options)
    const given: EventObject = event
    if (typeof (given as Partial<EventObject> | undefined)?.type !== 'string')
      throw new TypeError('event: an object with a type')
    checkEventType(given.type)
    if (!takes(machine, given.type))
      throw new TypeError(`event: one of ${eventsOf(machine).join(', ')} of '${kind.kind}', not '${given.type}'`)
    return this.#calls.deliver(id, options.key === undefined ? given : kept(given), { ...options, kind })
  }

  /**
   * Asks an operation to end before its time: sends it the event that its kind names for that (`cancel` of
   * `defineOperation`). True once the step it led to is committed, after which the operation may still have things to
   * undo; false where the chart takes no notice of it in its state. A kind that names no such event has no such call.
   *
   * @throws {TypeError} naming the argument; where the kind cannot be cancelled
   * @throws {HardshellError} as `send`
   * @throws {StoreError} where the database fails
   * @throws the signal's reason
   * @example
   * const { id } = await operations.of(order).create({ item: 'tea' })
   * if (await operations.of(order).cancel(id)) await operations.of(order).finished(id)
   */
  async cancel(this: Cancellable<M, C>, id: string, options: SendOptions = {}): Promise<boolean> {
    checkSending(options)
    const { cancel } = this.#cancellable()
    return !('refused' in (await this.#calls.deliver(id, cancel, { ...options, kind: this.#kind })))
  }

  /**
   * Asks many operations to end before their time: of those that go on, all that are as the filter says, newest first. It tells
   * what came of each, and goes on where one fails. Calling it again does the rest; with a key, what was done stays done.
   *
   * @throws {TypeError} naming the argument; where the kind cannot be cancelled
   * @throws {HardshellError} `CLOSED`
   * @throws {StoreError} where the rows cannot be read
   * @throws the signal's reason
   * @example
   * const outcomes = await operations.of(order).cancelAll({ state: 'waiting' }, { key: 'recall of tea' })
   * for (const { id, outcome, error } of outcomes) if (outcome === 'failed') console.error(id, error)
   */
  async cancelAll(
    this: Cancellable<M, C>,
    filter: CancelFilter<M> = {},
    options: SendOptions = {},
  ): Promise<BulkOutcome[]> {
    checkSending(options)
    const kind = this.#cancellable()
    if ('status' in filter) throw new TypeError('status: those that go on, and no others')
    const act = async ({ id }: OperationRow): Promise<void> => {
      const delivered = await this.#calls.deliver(id, kind.cancel, { ...options, kind })
      if ('refused' in delivered) throw refused(id, delivered.refused)
    }
    return this.#calls.onEach({ ...filter, kind: kind.kind }, kind.machine, act, options.signal)
  }

  /** The kind, with the event that cancels it. @throws {TypeError} where it has none */
  #cancellable(): KindOf<M, C> & { readonly cancel: EventObject } {
    const { kind, machine, cancel } = this.#kind
    if (!cancel) throw new TypeError(`kind: '${kind}' names no event that cancels it`)
    return { kind, machine, cancel }
  }

  /**
   * Waits for the operation's end, and resolves with its chart's output. Aborting stops the waiting, never the operation.
   *
   * @throws {HardshellError} `QUARANTINED` with the reason where it was set aside, which only a person ends: wait again
   *   once it is resumed; `UNLOADABLE`; `NOT_FOUND`, also where it is of another kind; `CLOSED`
   * @throws the signal's reason
   * @example
   * const { id } = await operations.of(order).create({ item: 'tea' })
   * await operations.of(order).cancel(id)
   * const output = await operations.of(order).finished(id, AbortSignal.timeout(10_000))
   */
  async finished(id: string, signal?: AbortSignal): Promise<OutputOf<M>> {
    const { output } = await this.until(id, ended, signal)
    return output
  }

  /**
   * Waits until the operation is as asked. Aborting stops the waiting, never the operation.
   *
   * @throws the signal's reason; {HardshellError} `NOT_FOUND`, also where it is of another kind; `CLOSED`
   * @example
   * const { id } = await operations.of(order).create({ item: 'tea' })
   * const state = await operations.of(order).until(id, (view) => (view.version > 0 ? view.state : undefined))
   */
  async until<T>(id: string, as: (view: OperationView<M>) => T | undefined, signal?: AbortSignal): Promise<T> {
    if (typeof as !== 'function') throw new TypeError('as: a function')
    return this.#calls.until(id, (view) => as(this.#typed(view)), signal)
  }

  /**
   * The steps of an operation, the newest last, as far as its history is kept: none where the tables lack `steps`, a
   * `stepsTable()`. Shows no secrets.
   *
   * @throws {TypeError} naming the argument
   * @throws {HardshellError} `NOT_FOUND`, also where it is of another kind; `OTHER_VERSION` where it runs on another version of it; `CLOSED`
   * @throws {StoreError} where the database fails
   * @example
   * const { id } = await operations.of(order).create({ item: 'tea' })
   * const [first] = await operations.of(order).steps(id, { limit: 1 })
   */
  async steps(id: string, page: StepsPage = {}): Promise<StepRecord[]> {
    await this.get(id)
    return this.#calls.steps(id, page)
  }

  /**
   * Starts an operation from where another one of the kind was at a step: with its chart's state and context then, and delays that
   * begin anew. It is committed whole, or not at all; its first step says in `detail` where it comes from. What the other one did
   * outside and to rows is neither done again nor undone, and a kind must say that it can be forked (`forks`).
   *
   * @throws {TypeError} naming the argument; where the kind cannot be forked
   * @throws {HardshellError} `NOT_FOUND`, also where no snapshot of the step is kept; `INVALID_STATE` where the other one had ended
   *   then, or waited for its children; `KEY_REUSED`, `ID_REUSED`, `OTHER_VERSION`, `UNLOADABLE`, `CLOSED`
   * @throws {StoreError} where the database fails
   * @example
   * const orders = operations.of(order)
   * const { id, version } = await orders.create({ item: 'tea' })
   * const second = await orders.fork(id, { at: version })
   */
  async fork(id: string, options: ForkOptions): Promise<OperationView<M>> {
    checkText(id, 'id')
    checkForking(options)
    const { at, ...more } = options
    return this.#typed(await this.#calls.fork(this.#kind, { id, version: at }, more))
  }

  #typed(view: OperationView): OperationView<M> {
    const { machine } = this.#kind
    checkKind(view, view.snapshot?.machine, this.#kind)
    if (isOf(machine, view)) return view
    throw new TypeError('kind: one of another chart')
  }
}

/** The operations of a kind, where it may name an event that cancels them. */
type Cancellable<M extends AnyStateMachine, C extends EventObject | undefined> = [C] extends [undefined]
  ? never
  : KindOperations<M, C>

const refused = (operationId: string, why: string): HardshellError =>
  new HardshellError('INVALID_STATE', why, { operationId })

/** What an operation ended with; undefined where it goes on. @throws {HardshellError} where it does not */
function ended<M extends AnyStateMachine>(view: OperationView<M>): { readonly output: OutputOf<M> } | undefined {
  const { id, kind, state, status, row } = view
  const failed = (code: string, why: string): HardshellError =>
    new HardshellError(code, `${kind} in '${state}': ${why}`, { operationId: id })
  if (status === 'quarantined') throw failed('QUARANTINED', row.reason ?? '')
  if (status === 'unloadable') throw failed('UNLOADABLE', 'this program cannot load it')
  if (status !== 'done') return undefined
  const output: unknown = view.snapshot.output
  // The chart's types say what it ends with.
  return { output: output as OutputOf<M> }
}

/** A copy of an event, which is kept with its key. @throws {TypeError} where it is no JSON */
function kept(event: EventObject): EventObject {
  try {
    return own(event, 'event')
  } catch (error) {
    throw new TypeError(messageOf(error), { cause: error })
  }
}

async function* each<T, To>(items: AsyncIterable<T>, of: (item: T) => To): AsyncGenerator<To, void, undefined> {
  for await (const item of items) yield of(item)
}

/** Whether an operation's chart is this one. */
const isOf = <M extends AnyStateMachine>(machine: M, view: OperationView): view is OperationView<M> =>
  view.status === 'unloadable' || view.snapshot.machine === machine

/** @throws {TypeError} where an event of such a type is not for callers. */
function checkEventType(type: string): void {
  if (isReserved(type)) throw new TypeError(`event.type: '${type}' is one of XState's or the kernel's own`)
  if (type === '' || type.includes('*')) throw new TypeError(`event.type: '${type}' is no name of one event`)
}

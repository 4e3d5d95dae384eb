/** The operations of one kind, with the types of its chart. */
import type { AnyStateMachine, EventObject } from 'xstate'
import { eventsOf, takes } from './define/chart.ts'
import { isReserved } from './define/definition.ts'
import type { OperationView } from './define/operation.ts'
import type { Around, EventOf, InputOf, StateOf } from './define/typed.ts'
import type { CountFilter, CreateOptions, ListFilter, Page, WatchFilter } from './options.ts'
import { ofAnotherKind } from './run/reads.ts'

/** What is typed of a kind: its name, and its chart. */
export interface KindOf<M extends AnyStateMachine> {
  /** The name of the kind. */
  readonly kind: string
  /** The chart. */
  readonly machine: M
}

/** Which operations of a kind: all that are as each given field says. */
export interface KindFilter<M extends AnyStateMachine> extends Omit<ListFilter, 'kind' | 'state'> {
  /** Dotted; also matches the states inside it. */
  readonly state?: Around<StateOf<M>>
}

/** The calls of operations of any kind, as the kernel makes them. */
export interface UntypedCalls {
  create(kind: string, input: object, options: CreateOptions): Promise<OperationView>
  get(id: string): Promise<OperationView>
  list(filter: ListFilter): Promise<OperationView[]>
  page(filter: ListFilter): Promise<Page<OperationView>>
  count(filter: CountFilter): Promise<number>
  watch(filter: WatchFilter, signal?: AbortSignal): AsyncGenerator<readonly OperationView[], void, undefined>
  /** `kind` is the one that the operation has to be of. */
  send(id: string, event: EventObject, kind: string): Promise<boolean>
  until<T>(id: string, as: (view: OperationView) => T | undefined, signal?: AbortSignal): Promise<T>
}

/** The operations of one kind, typed by its chart: input, events, context, states, tags and output. Made by `operations.of`. */
export class KindOperations<M extends AnyStateMachine> {
  readonly #kind: KindOf<M>
  readonly #calls: UntypedCalls

  /** Use `operations.of`. */
  constructor(kind: KindOf<M>, calls: UntypedCalls) {
    this.#kind = kind
    this.#calls = calls
  }

  /**
   * Starts an operation: its first step is committed, or nothing is. An input that is a function is called where the
   * operation is not there yet: what it checks counts for new operations only. `request` must be given with it.
   *
   * @throws {TypeError} naming the argument
   * @throws {HardshellError} `KEY_REUSED`; `CONTENTION`; and whatever coded error a local step of the kind rejects with
   * @throws {StoreError} where the database fails
   * @example
   * const { state } = await operations.of(order).create({ item: 'tea' }, { key: 'basket 7' })
   */
  async create(
    input: InputOf<M> | (() => Promise<InputOf<M>>),
    options: CreateOptions = {},
  ): Promise<OperationView<M>> {
    return this.#typed(await this.#calls.create(this.#kind.kind, input, options))
  }

  /**
   * One operation as it stands.
   *
   * @throws {HardshellError} `NOT_FOUND`, also where it is of another kind; `CLOSED`
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
    const found = await this.#calls.list({ ...filter, kind: this.#kind.kind })
    return found.map((view) => this.#typed(view))
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
    const found = await this.#calls.page({ ...filter, kind: this.#kind.kind })
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
    return this.#calls.count({ ...filter, kind: this.#kind.kind })
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
    const lists = this.#calls.watch({ ...filter, kind: this.#kind.kind }, signal)
    return each(lists, (found) => found.map((view) => this.#typed(view)))
  }

  /**
   * Hands an event to an operation's chart. True once the step it led to is committed; false where the chart takes
   * no notice of it in its state.
   *
   * @throws {TypeError} naming the argument; where no state of the chart takes such an event
   * @throws {HardshellError} `NOT_FOUND`, also where it is of another kind; `UNLOADABLE`, `QUARANTINED`, `CLOSED`
   * @throws {StoreError} where the database fails
   * @example
   * const orders = operations.of(order)
   * const { id } = await orders.create({ item: 'tea' })
   * if (!(await orders.send(id, { type: 'cancel' }))) console.log('too late')
   */
  async send(id: string, event: EventOf<M>): Promise<boolean> {
    const { kind, machine } = this.#kind
    const given: EventObject = event
    if (typeof (given as Partial<EventObject> | undefined)?.type !== 'string')
      throw new TypeError('event: an object with a type')
    checkEventType(given.type)
    if (!takes(machine, given.type))
      throw new TypeError(`event: one of ${eventsOf(machine).join(', ')} of '${kind}', not '${given.type}'`)
    return this.#calls.send(id, given, kind)
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

  #typed(view: OperationView): OperationView<M> {
    const { kind, machine } = this.#kind
    if (view.kind !== kind) throw ofAnotherKind(view, kind)
    if (isOf(machine, view)) return view
    throw new TypeError(`kind: '${kind}' has another chart`)
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

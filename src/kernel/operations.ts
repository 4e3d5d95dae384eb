/** Opens the operations of a database: resumes what is unfinished, starts new ones, tells how each stands. */
import type { AnyStateMachine, EventObject } from 'xstate'
import { checkDuration, checkListener, checkNames, checkSignal } from '../arguments.ts'
import type {
  KernelStore,
  OperationKind,
  OperationRow,
  OperationStatus,
  OperationView,
  Reader,
} from './define/operation.ts'
import type { Explanation } from './inspect/explain.ts'
import { Standings } from './inspect/standings.ts'
import { StepRecords } from './inspect/step-records.ts'
import { Telling, type Listener } from './inspect/telling.ts'
import type { StepRecord, StepSnapshot, StepsPage } from './define/steps.ts'
import { KindOperations, type KindOf, type UntypedCalls } from './kind-operations.ts'
import { loadKind, type Change, type Kernel, type LoadedKind } from './kernel.ts'
import {
  checkClient,
  checkOptions,
  type ClientOptions,
  type CloseOptions,
  type CountFilter,
  type ListFilter,
  type OperationsOptions,
  type Page,
  type WatchFilter,
} from './options.ts'
import { onEach, type BulkOutcome } from './run/bulk.ts'
import { Creation } from './run/creation.ts'
import { EventDelivery } from './run/event-delivery.ts'
import { Poller } from './run/poller.ts'
import { Reads } from './run/reads.ts'
import { Retention } from './run/retention.ts'
import { RequestLimiter } from './run/request-limiter.ts'
import { historyOf } from './run/step-history.ts'
import { Supervisor, type Resumed } from './run/supervisor.ts'
import { Alarms } from './run/timer-heap.ts'
import { loadVersions } from './run/versions.ts'
import { Waits } from './run/waits.ts'
import { watched } from './run/watching.ts'
import { Ownership, type Role } from './share/ownership.ts'
import { noPorts } from './share/no-ports.ts'
import { RemoteChanges } from './share/remote-changes.ts'
import { HardshellError } from './util/errors.ts'
import { fraction, hex, sleep, systemClock, systemRandom, withSteadyReading, type Clock } from './util/ports.ts'
import { reportError } from './util/report.ts'
import { untilAnswered } from './util/retry.ts'

export type { Listener }

/** What runs the operations, for the package alone. */
export let partsIn: (operations: Operations) => {
  readonly supervisor: Supervisor
  readonly limiter: RequestLimiter
  readonly clock: Clock
  readonly kinds: ReadonlyMap<string, LoadedKind>
  readonly reads: Reads
  readonly delivery: EventDelivery
  /** See `Kernel`. */
  readonly hindrances: ReadonlyMap<string, unknown>
}

/** The operations of a store: starts new ones, hands them events, and tells how each stands. Made by `openOperations`. */
export class Operations<Ports = unknown> {
  readonly #kernel: Kernel
  readonly #store: KernelStore
  readonly #kinds: ReadonlyMap<string, LoadedKind>
  readonly #roleListeners = new Set<(role: Role) => void>()
  readonly #telling: Telling
  readonly #stop = new AbortController()
  readonly #ownership: Ownership
  readonly #remoteChanges: RemoteChanges
  #closing: Promise<void> | undefined
  readonly #supervisor: Supervisor
  readonly #limiter: RequestLimiter
  readonly #clock: Clock
  readonly #reads: Reads
  readonly #creation: Creation
  readonly #waits: Waits
  readonly #delivery: EventDelivery
  readonly #calls: UntypedCalls
  readonly #standings: Standings
  readonly #steps: StepRecords
  /** What the supervisor found at the start; resolves when all are taken up. A client takes up nothing. */
  readonly resumed: Promise<readonly Resumed[]>

  static {
    partsIn = (operations) => ({
      supervisor: operations.#supervisor,
      limiter: operations.#limiter,
      clock: operations.#clock,
      kinds: operations.#kinds,
      reads: operations.#reads,
      delivery: operations.#delivery,
      hindrances: operations.#kernel.hindrances,
    })
  }

  /** Use `openOperations` or `openClient`. */
  constructor(options: Omit<OperationsOptions<Ports>, 'ports'> & { readonly ports: unknown }, client = false) {
    const { store, random = systemRandom } = options
    const clock = withSteadyReading(options.clock ?? systemClock)
    this.#store = store
    this.#clock = clock
    const open = options.laneOpen ?? (() => Promise.resolve(true))
    const { ports, tables } = options
    const isShared = Object.hasOwn(tables, 'lanes')
    const { signal } = this.#stop
    const pace = (ready: (lane: string) => void) => options.rates?.begin({ store, clock, signal, isShared, ready })
    this.#limiter = new RequestLimiter({ limit: options.laneLimit ?? 8, open, clock, pace })
    const inspected = options.inspect !== undefined || options.unsafeInspect !== undefined
    const newId = (): string => hex(random(16))
    const reader: Reader = {
      get: (table, key) => store.get(table, key),
      query: (query) => store.query(query),
      sum: (table, prefix) => store.sum(table, prefix),
    }
    this.#kinds = loadVersions(options.kinds, (kind) =>
      loadKind(kind as OperationKind, { ports, reader, tables, clock, random, inspected }),
    )
    this.#telling = new Telling({ to: options, kinds: this.#kinds, tables: Object.keys(tables) })
    this.#steps = new StepRecords({ store, tables })
    this.#telling.follow(options.telemetry, { clock, signal, limiter: this.#limiter, steps: this.#steps })
    const { keepSteps } = options
    this.#kernel = {
      store,
      clock,
      owner: newId(),
      leads: () => this.#ownership.leads(),
      limiter: this.#limiter,
      poller: new Poller(this.#limiter),
      alarms: new Alarms(clock, (id) => this.#supervisor.wake(id)),
      underWay: new Map(),
      hindrances: new Map(),
      newId,
      chance: () => fraction(random),
      kinds: this.#kinds,
      tables,
      history: historyOf({ store, clock, tables, keepSteps, signal }),
      probe: this.#telling.probe,
      reader,
      begin: (ids, write) => this.#supervisor.begin(ids, write),
      startOwn: (ids) => this.#supervisor.startOwn(ids),
      send: async (id, event, kind) => 'reply' in (await this.#delivery.deliver(id, event, { kind })),
      on: (listener) => this.on(listener),
      changed: (change) => this.#changed(change),
      failed: (row, error) => this.#supervisor.send({ type: 'operation.failed', row, error }),
      erred: (row, error) => this.#telling.erred(row, error),
      setAside: (before, row) => this.#setAside(before, row),
    }
    this.#supervisor = new Supervisor(this.#kernel)
    this.#reads = new Reads({ store, clock, tables, kinds: this.#kinds })
    this.#creation = new Creation({ kernel: this.#kernel, reads: this.#reads, signal })
    const keeps = Object.hasOwn(tables, 'replies')
    this.#delivery = new EventDelivery({
      ...{ kernel: this.#kernel, supervisor: this.#supervisor, signal },
      get: (id) => this.get(id),
      asks: !client,
      keeps,
      unloadable: (view) => this.#reads.unloadable(view),
      resumed: () => this.resumed,
    })
    const retention = new Retention({ kernel: this.#kernel, reads: this.#reads, tables, signal })
    this.#waits = new Waits({
      ...{ store, clock, signal },
      get: (id) => this.get(id),
      on: (listener) => this.on(listener),
    })
    this.#calls = {
      get: (id) => this.get(id),
      list: async (filter, machine) => this.#opened().list(filter, machine),
      page: async (filter, machine) => this.#opened().page(filter, machine),
      count: async (filter, machine) => this.#opened().count(filter, machine),
      watch: (filter, machine, signal) => this.#watch(filter, machine, signal),
      until: (id, as, signal) => this.until(id, as, signal),
      onEach: (filter, machine, act, signal) => this.#onEach({ ...filter, status: 'active' }, machine, act, signal),
      deliver: (id, event, options) => this.#delivery.deliver(id, event, options),
      steps: (id, page) => this.steps(id, page),
      fork: async (kind, origin, options) => {
        this.#assertOpen()
        return this.#creation.fork(kind, origin, options)
      },
      create: async (kind, input, options) => {
        this.#assertOpen()
        return this.#creation.create(kind, input, options)
      },
    }
    this.#ownership = new Ownership({
      ...{ store, clock, owner: this.#kernel.owner, client },
      adopt: (rows) => this.#supervisor.adopt(rows),
      changed: (role) => void this.#roleChanged(role),
    })
    this.#remoteChanges = new RemoteChanges({
      ...{ store, clock, signal },
      onChange: (before, row) => this.#remoteChange(before, row),
      afterRead: () => this.#ownership.takeUpLeft(),
    })
    this.#standings = new Standings({
      ...{ kernel: this.#kernel, supervisor: this.#supervisor, ownership: this.#ownership },
      ...{ limiter: this.#limiter, reads: this.#reads, steps: this.#steps },
    })
    this.resumed = this.#resume()
    this.resumed.then(() => retention.begin()).catch(() => {})
  }

  async #resume(): Promise<readonly Resumed[]> {
    const aside = this.role === 'client' ? [] : await this.#unfinished('quarantined')
    const { active, ours } = await this.#ownership.begin(() => this.#unfinished('active'))
    this.#telling.found([...active, ...aside])
    const report = await this.#supervisor.resume(ours)
    const known = new Set(ours.map(({ id }) => id))
    for (const { id, kind, state } of active) if (!known.has(id)) report.push({ id, kind, state, outcome: 'elsewhere' })
    if (this.#store.ownership) this.#remoteChanges.begin()
    const quarantined = aside.map(({ id, kind, state, reason }) => ({
      id,
      kind,
      state,
      outcome: 'quarantined' as const,
      reason: reason ?? '',
    }))
    const resumed = [...report, ...quarantined]
    this.#telling.resumed(resumed)
    return resumed
  }

  #unfinished(status: OperationStatus): Promise<OperationRow[]> {
    const query = { table: 'operations', index: 'byStatus', prefix: [status] } as const
    return untilAnswered({ clock: this.#clock, signal: this.#stop.signal }, () => this.#store.query(query))
  }

  /**
   * The operations of one kind, with the types of its chart: the way to start operations and to hand them events. Of a kind
   * that was opened in several versions, each has its own operations.
   *
   * @throws {TypeError} where the operations were opened without this kind
   * @example
   * const orders = operations.of(order)
   * const { state } = await orders.create({ item: 'tea' })
   */
  of<M extends AnyStateMachine, C extends EventObject | undefined = undefined>(
    kind: KindOf<M, C>,
  ): KindOperations<M, C> {
    const newest = this.#kinds.get(kind?.kind)
    if (!newest?.versions.some((known) => known.kind.machine === kind.machine))
      throw new TypeError(`kind: one of ${[...this.#kinds.keys()].join(', ')}`)
    return new KindOperations(
      kind,
      this.#calls,
      newest.versions.map((version) => version.kind),
    )
  }

  /**
   * One operation as it stands.
   *
   * @throws {HardshellError} `NOT_FOUND`
   */
  async get(id: string): Promise<OperationView> {
    return this.#opened().get(id)
  }

  /**
   * Newest first. An operation that is as the filter says all the while is in it once, whatever else changes meanwhile.
   *
   * @throws {TypeError} naming the argument; where there is no such column, or no index serves what is asked for
   * @throws {HardshellError} `CLOSED`
   * @throws {StoreError} where the database fails
   */
  async list(filter: ListFilter = {}): Promise<OperationView[]> {
    return this.#opened().list(filter)
  }

  /**
   * A part of a list, of 100 operations unless `limit` says otherwise, and the cursor of the next one. What is created
   * after the first page is on none of the others; what is as the filter says all the while is on one of them.
   *
   * @throws as `list`
   */
  async page(filter: ListFilter = {}): Promise<Page<OperationView>> {
    return this.#opened().page(filter)
  }

  /** How many there are. Each of them is read, a thousand at once. @throws as `list` */
  async count(filter: CountFilter = {}): Promise<number> {
    return this.#opened().count(filter)
  }

  /**
   * The list as it stands, and again whenever it has changed, by whatever process: at most every 50 ms. Who is slow gets
   * the list that is there when the next one is asked for, and none between. It ends where the signal aborts.
   *
   * @throws as `list`; {HardshellError} `CLOSED` where the operations are closed
   */
  watch(filter: WatchFilter = {}, signal?: AbortSignal): AsyncGenerator<readonly OperationView[], void, undefined> {
    return this.#watch(filter, undefined, signal)
  }

  #watch(
    filter: WatchFilter,
    machine: AnyStateMachine | undefined,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly OperationView[], void, undefined> {
    this.#opened().checkWatched(filter)
    checkSignal(signal)
    const list = async (asked: WatchFilter): Promise<OperationView[]> => this.#opened().list(asked, machine)
    return watched({ store: this.#store, clock: this.#clock, closed: this.#stop.signal, list }, filter, signal)
  }

  /**
   * Whether this process runs effects: `follower` where another one does for all, `client` where it was opened as one; never
   * `pending` after `resumed`.
   */
  get role(): Role {
    return this.#ownership.role
  }

  /**
   * Why this process cannot ask for the lock that would make it the owner, where it cannot: a folder that may only be
   * read, say. Then it may be that no process runs effects.
   */
  get roleReason(): string | undefined {
    return this.#ownership.reason
  }

  /** Calls back when the role changed. Returns the way to stop. */
  onRole(listener: (role: Role) => void): () => void {
    checkListener(listener)
    this.#roleListeners.add(listener)
    return () => this.#roleListeners.delete(listener)
  }

  async #roleChanged(role: Role): Promise<void> {
    // What was loaded to hand an event over, or ran until just now.
    this.#supervisor.leave()
    for (const listener of this.#roleListeners) listener(role)
    this.#telling.log('info', { event: 'role', role })
    if (role !== 'owner') return
    try {
      const rows = await this.#unfinished('active')
      this.#telling.found(rows)
      await this.#supervisor.resume(rows)
    } catch (error) {
      if (!this.#stop.signal.aborted) reportError(error)
    }
  }

  /** Another process committed a step. */
  #remoteChange(before: OperationRow | undefined, row: OperationRow): void {
    // The former owner had not yet noticed that it lost the lock. (What followers left is looked for.)
    const isLate = this.#store.ownership?.by === 'lock' && this.#kernel.leads() && !['', this.#kernel.owner].includes(row.owner) // prettier-ignore
    if (isLate && row.status === 'active') this.#supervisor.moved(row.id)
    if (row.owner === '' && row.status === 'active') this.#ownership.left()
    this.#telling.row(before, row)
  }

  /** Asks again whether lanes are open (`laneOpen`): requests that wait for one that is now are made. */
  recheck(): void {
    this.#limiter.recheck()
  }

  /**
   * Polls for the operation now. Resolves when what came of it is committed, or nothing did; no
   * failure to ask rejects. A client asks nothing.
   *
   * @throws {TypeError} naming the argument
   */
  async poll(id: string): Promise<void> {
    return this.#delivery.poll(id)
  }

  /**
   * Puts an operation that the kernel set aside back to work, or wakes one up that pauses.
   *
   * @throws {TypeError} naming the argument
   * @throws {HardshellError} `NOT_FOUND`, `CLOSED`
   * @throws {StoreError} where the database fails
   */
  async resume(id: string): Promise<void> {
    return this.#delivery.resume(id)
  }

  /**
   * Puts many operations back to work: all that are as the filter says, newest first; those that were set aside, unless it
   * asks for `active` ones. It tells what came of each, and goes on where one fails.
   *
   * @throws {TypeError} naming the argument
   * @throws {HardshellError} `CLOSED`
   * @throws {StoreError} where the rows cannot be read
   * @example
   * const outcomes = await operations.resumeAll({ kind: 'order' })
   * for (const { id, outcome, error } of outcomes) if (outcome === 'failed') console.error(id, error)
   */
  async resumeAll(filter: ListFilter = {}): Promise<BulkOutcome[]> {
    const { status = 'quarantined' } = filter
    if (status === 'done') throw new TypeError('status: one of active, quarantined')
    return this.#onEach({ ...filter, status }, undefined, ({ id }) => this.resume(id))
  }

  async #onEach(
    filter: ListFilter & { readonly status: OperationStatus },
    machine: AnyStateMachine | undefined,
    act: (row: OperationRow) => Promise<void>,
    signal?: AbortSignal,
  ): Promise<BulkOutcome[]> {
    return onEach(this.#opened().rows(filter, machine), act, { limit: filter.limit, closed: this.#stop.signal, signal })
  }

  /**
   * Why an operation is where it is, what comes next, and when. Shows no secrets.
   *
   * @throws {TypeError} naming the argument
   * @throws {HardshellError} `NOT_FOUND`, `CLOSED`
   * @throws {StoreError} where the database fails
   */
  async explain(id: string): Promise<Explanation> {
    const current = await this.get(id)
    return this.#standings.explain(current)
  }

  /**
   * The steps of an operation, the newest last, as far as its history is kept: none where the tables lack `steps`, a
   * `stepsTable()`. Shows no secrets.
   *
   * @throws {TypeError} naming the argument
   * @throws {HardshellError} `NOT_FOUND`, `CLOSED`
   * @throws {StoreError} where the database fails
   * @example
   * const { id } = await operations.of(order).create({ item: 'tea' })
   * for (const { from, to, event, answer } of await operations.steps(id)) console.log(from, '→', to, answer ?? event)
   */
  async steps(id: string, page: StepsPage = {}): Promise<StepRecord[]> {
    this.#assertOpen()
    return this.#steps.list(id, page)
  }

  /**
   * The state of an operation after one of its steps; undefined where its kind kept none (`keepSnapshots`), or not any more. Of
   * texts and lists it tells how long they are: all of it, secrets too, with `unsafe`.
   *
   * @throws {TypeError} naming the argument
   * @throws {HardshellError} `UNLOADABLE`, `CLOSED`
   * @throws {StoreError} where the database fails
   * @example
   * const { id, version } = await operations.of(order).create({ item: 'tea' })
   * const then = await operations.stepSnapshot(id, version)
   */
  async stepSnapshot(
    id: string,
    version: number,
    options: { readonly unsafe?: boolean } = {},
  ): Promise<StepSnapshot | undefined> {
    this.#assertOpen()
    return this.#steps.snapshot(id, version, options)
  }

  /**
   * Waits until the operation is as asked. Aborting stops the waiting, never the operation.
   *
   * @throws the signal's reason; {HardshellError} `NOT_FOUND`, `CLOSED`
   */
  async until<T>(id: string, as: (view: OperationView) => T | undefined, signal?: AbortSignal): Promise<T> {
    return this.#waits.until(id, as, signal)
  }

  /** Calls back after each commit. A listener that throws harms nothing. Returns the way to stop. */
  on(listener: Listener): () => void {
    checkListener(listener)
    return this.#telling.on(listener)
  }

  /** This process committed a step. */
  #changed(change: Change): void {
    this.#remoteChanges.written(change.row)
    if (change.before?.state !== change.row.state) this.#supervisor.progressed(change.row.id)
    if (change.row.status !== 'active') this.#supervisor.send({ type: 'operation.ended', id: change.row.id })
    this.#kernel.history?.landed(change.row)
    this.#telling.step(change)
  }

  #setAside(before: OperationRow, row: OperationRow): void {
    this.#remoteChanges.written(row)
    this.#telling.setAside(before, row)
  }

  /**
   * Begins no more requests, gives those under way until the deadline to be answered, aborts them then, and stops; every
   * row stays resumable. Without a deadline they are aborted at once. The store stays open.
   */
  close(options: CloseOptions = {}): void {
    checkNames(options, 'options', ['deadlineMs'])
    const { deadlineMs = 0 } = options
    checkDuration(deadlineMs, 'deadlineMs', { least: -Infinity, endless: true })
    if (this.#closing) return
    this.#limiter.finish()
    if (deadlineMs <= 0) this.#closing = this.#halt()
    else this.#closing = this.#finished(deadlineMs).then(() => this.#halt())
  }

  /** Waits for requests under way, and for what their answers lead to. */
  async #finished(deadlineMs: number): Promise<void> {
    const { underWay } = this.#kernel
    const inTime = new AbortController()
    const deadline = sleep(this.#clock, deadlineMs, inTime.signal)
    await Promise.race([Promise.all(underWay.keys()), deadline])
    inTime.abort()
  }

  async #halt(): Promise<void> {
    this.#stop.abort(new HardshellError('CLOSED', 'closed'))
    this.#supervisor.stop()
    this.#kernel.alarms.stop()
    this.#telling.clear()
    this.#roleListeners.clear()
    await this.#ownership.end().catch(reportError)
  }

  /** Resolves when others may take over what this process ran. */
  get closed(): Promise<void> {
    return this.#closing ?? Promise.resolve()
  }

  /** @throws {HardshellError} `CLOSED` */
  #opened(): Reads {
    this.#assertOpen()
    return this.#reads
  }

  #assertOpen(): void {
    if (this.#stop.signal.aborted) throw new HardshellError('CLOSED', 'closed')
  }
}

/** Opens the operations of a store and takes up what is unfinished; does not wait for that. */
export function openOperations<Ports>(options: OperationsOptions<Ports>): Operations<Ports> {
  checkOptions(options)
  return new Operations(options)
}

/**
 * Opens the operations of a store as a client: it creates operations, hands them events and tells how they stand, and runs
 * no effects, polls or timers. It asks for no owner's lock, writes no heartbeat, and needs no ports; what its callers
 * commit the owner takes up. A step runs the local steps that belong to it: where those use ports, give it those.
 *
 * @throws {TypeError} naming the argument
 * @example
 * const tables = { operations: operationsTable() }
 * const client = openClient({ store: await store.open({ version: 1, tables }), tables, kinds: [order] })
 * const { id } = await client.of(order).create({ item: 'tea' })
 * await client.of(order).send(id, { type: 'cancel' })
 * client.close()
 */
export function openClient<Ports>(options: ClientOptions<Ports>): Operations<Ports> {
  checkClient(options)
  return new Operations({ ...options, ports: options.ports ?? noPorts() }, true)
}

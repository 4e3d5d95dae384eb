/** Opens the operations of a database: resumes what is unfinished, starts new ones, tells how each stands. */
import type { AnyMachineSnapshot, EventObject } from 'xstate'
import {
  checkDuration,
  checkListener,
  checkNames,
  checkObject,
  checkSignal,
  checkText,
  checkTexts,
} from '../arguments.ts'
import { StoreError, type Row } from '../store/port.ts'
import { canonical } from './util/canonical.ts'
import { untilAnswered } from './util/retry.ts'
import { commitRow } from './step/commit.ts'
import { rowOf, tablesOf, type Delivery, type PollNow } from './run/durable.ts'
import { HardshellError } from './util/errors.ts'
import { explain, type Explanation } from './inspect/explain.ts'
import { publish } from './inspect/inspect.ts'
import {
  checkFilter,
  checkOptions,
  matches,
  type CloseOptions,
  type CreateOptions,
  type ListFilter,
  type OperationsOptions,
} from './options.ts'
import { loadKind, type Change, type Kernel, type LoadedKind } from './kernel.ts'
import { RequestLimiter } from './run/request-limiter.ts'
import { RemoteChanges } from './share/remote-changes.ts'
import type {
  KernelStore,
  KernelWrite,
  OperationKind,
  OperationRow,
  OperationStatus,
  OperationView,
} from './define/operation.ts'
import { Ownership, type Role } from './share/ownership.ts'
import { fraction, hex, sleep, systemClock, systemRandom, withSteadyReading, type Clock } from './util/ports.ts'
import { Poller } from './run/poller.ts'
import { reportError } from './util/report.ts'
import { Supervisor, type Resumed } from './run/supervisor.ts'
import { Alarms } from './run/timer-heap.ts'

const MOST_CREATE_TRIES = 200
const READ_AGAIN_MS = 250
const LOAD_AGAIN_MS = 5
const CREATE_PATIENCE_MS = 5_000

type Inspectors = 'inspect' | 'unsafeInspect'

/** Called after each commit. */
export type Listener = (change: Change) => void

/** What runs the operations, for the package alone. */
export let partsIn: (operations: Operations) => {
  readonly supervisor: Supervisor
  readonly limiter: RequestLimiter
  readonly clock: Clock
}

/** The operations of a store: starts new ones, hands them events, and tells how each stands. Made by `openOperations`. */
export class Operations<Ports = unknown> {
  readonly #kernel: Kernel
  readonly #store: KernelStore
  readonly #kinds = new Map<string, LoadedKind>()
  readonly #listeners = new Set<Listener>()
  readonly #roleListeners = new Set<(role: Role) => void>()
  readonly #tables: readonly string[]
  readonly #options: Pick<OperationsOptions<Ports>, Inspectors>
  readonly #stop = new AbortController()
  readonly #ownership: Ownership
  readonly #remoteChanges: RemoteChanges
  #closing: Promise<void> | undefined
  readonly #supervisor: Supervisor
  readonly #limiter: RequestLimiter
  readonly #clock: Clock
  /** What the supervisor found at the start; resolves when all are taken up. */
  readonly resumed: Promise<readonly Resumed[]>

  static {
    partsIn = (operations) => ({
      supervisor: operations.#supervisor,
      limiter: operations.#limiter,
      clock: operations.#clock,
    })
  }

  /** Use `openOperations`. */
  constructor(options: OperationsOptions<Ports>) {
    const { store, random = systemRandom } = options
    const clock = withSteadyReading(options.clock ?? systemClock)
    this.#store = store
    this.#tables = Object.keys(options.tables)
    this.#options = options
    this.#clock = clock
    const open = options.laneOpen ?? (() => Promise.resolve(true))
    this.#limiter = new RequestLimiter({ limit: options.laneLimit ?? 8, open, clock })
    const inspected = options.inspect !== undefined || options.unsafeInspect !== undefined
    const newId = (): string => hex(random(16))
    this.#kernel = {
      store,
      clock,
      owner: newId(),
      leads: () => this.#ownership.role !== 'follower',
      limiter: this.#limiter,
      poller: new Poller(this.#limiter),
      alarms: new Alarms(clock, (id) => this.#supervisor.wake(id)),
      underWay: new Set(),
      newId,
      chance: () => fraction(random),
      changed: (change) => this.#changed(change),
      failed: (id, error) => this.#supervisor.send({ type: 'operation.failed', id, error }),
    }
    for (const kind of options.kinds)
      this.#kinds.set(
        kind.kind,
        loadKind(kind as OperationKind, {
          ports: options.ports,
          store,
          tables: options.tables,
          clock,
          random,
          inspected,
        }),
      )
    this.#supervisor = new Supervisor(this.#kernel, this.#kinds)
    this.#ownership = new Ownership({
      ...{ store, clock, owner: this.#kernel.owner },
      adopt: (rows) => this.#supervisor.adopt(rows),
      changed: (role) => void this.#roleChanged(role),
    })
    this.#remoteChanges = new RemoteChanges({
      ...{ store, clock, signal: this.#stop.signal },
      onChange: (before, row) => this.#told(before, row),
      afterRead: () => this.#ownership.takeUpLeft(),
    })
    this.resumed = this.#resume()
    this.resumed.catch(() => {})
  }

  async #resume(): Promise<readonly Resumed[]> {
    const aside = await this.#unfinished('quarantined')
    const { active, ours } = await this.#ownership.begin(() => this.#unfinished('active'))
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
    return [...report, ...quarantined]
  }

  #unfinished(status: OperationStatus): Promise<OperationRow[]> {
    const query = { table: 'operations', index: 'byStatus', prefix: [status] } as const
    return untilAnswered({ clock: this.#clock, signal: this.#stop.signal }, () => this.#store.query(query))
  }

  /**
   * Starts an operation: its first step is committed, or nothing is. An input that is a function is called where the
   * operation is not there yet: what it checks counts for new operations only. `request` must be given with it.
   *
   * @throws {HardshellError} `KEY_REUSED`; `CONTENTION`; and whatever coded error a local step of the kind rejects with.
   */
  async create(
    kindName: string,
    input: Row | (() => Promise<Row>),
    options: CreateOptions = {},
  ): Promise<OperationView> {
    this.#assertOpen()
    checkObject(options, 'options')
    checkTexts({ key: options.key, id: options.id, parent: options.parent })
    if (typeof input !== 'function') checkObject(input, 'input')
    const loaded = this.#kinds.get(kindName)
    if (!loaded) throw new TypeError(`kind: one of ${[...this.#kinds.keys()].join(', ')}`)
    const id = options.id ?? this.#kernel.newId()
    const request = options.key === undefined ? null : canonical(options.request ?? input)
    let made: Row | undefined
    for (let tries = 1; ; tries++) {
      const there = (await this.#byKey(kindName, options.key, request)) ?? (await options.existing?.())
      if (there !== undefined) return this.get(there)
      made ??= typeof input === 'function' ? await input() : input
      const step = await loaded.stepper.first({ ...made, id })
      const nowMs = this.#clock.now()
      const blank = {
        id,
        kind: kindName,
        version: 0,
        reason: null,
        parent: options.parent ?? null,
        key: options.key ?? null,
        request,
        createdAt: nowMs,
        updatedAt: nowMs,
      } as unknown as OperationRow
      const { row, writes } = rowOf(this.#kernel, loaded, blank, step)
      const env = { store: this.#store, clock: this.#clock, signal: this.#stop.signal }
      const { outcome } = await this.#supervisor.begin(id, async () => {
        const { outcome } = await commitRow(env, { row, before: 0, writes, patienceMs: CREATE_PATIENCE_MS })
        if (outcome !== 'landed') return { outcome }
        if (this.#stop.signal.aborted)
          throw new HardshellError('CLOSED', 'closed; the operation is stored', { operationId: id })
        const { snapshot, emitted, moves } = step
        this.#kernel.changed({ before: undefined, row, snapshot, emitted, moves, tables: tablesOf(writes) })
        return { outcome, row }
      })
      if (outcome === 'landed') return view(row, step.snapshot)
      if (outcome === 'superseded' || tries >= MOST_CREATE_TRIES)
        throw new HardshellError('CONTENTION', `the rows of a new '${kindName}' kept changing`)
      if (tries > 2) await sleep(this.#clock, 1 + (tries % 16) * 2 * this.#kernel.chance(), this.#stop.signal)
    }
  }

  async #byKey(kind: string, key: string | undefined, request: string | null): Promise<string | undefined> {
    if (key === undefined) return undefined
    const [row] = await this.#store.query({ table: 'operations', index: 'byKey', prefix: [key], limit: 1 })
    if (!row) return undefined
    if (row.kind === kind && row.request === request) return row.id
    throw new HardshellError('KEY_REUSED', `key '${key}' was used for another request`, { operationId: row.id })
  }

  /**
   * One operation as it stands.
   *
   * @throws {HardshellError} `NOT_FOUND`
   */
  async get(id: string): Promise<OperationView> {
    this.#assertOpen()
    checkText(id, 'id')
    const row = await this.#store.get('operations', [id])
    if (!row) throw new HardshellError('NOT_FOUND', `no operation '${id}'`, { operationId: id })
    return this.#view(row)
  }

  #view(row: OperationRow): OperationView {
    try {
      const loaded = this.#kinds.get(row.kind)
      if (!loaded) return { ...view(row, undefined), status: 'unloadable' }
      return view(row, loaded.restore(row))
    } catch {
      return { ...view(row, undefined), status: 'unloadable' }
    }
  }

  /** Newest first. @throws {TypeError} naming the argument */
  async list(filter: ListFilter = {}): Promise<OperationView[]> {
    this.#assertOpen()
    checkFilter(filter)
    const { kind, status, changedSince, stuckForMs, limit = Infinity } = filter
    const table = 'operations'
    const wanted = stuckForMs === undefined ? status : 'active'
    const rows = await this.#store.query(
      wanted !== undefined
        ? { table, index: 'byStatus', prefix: [wanted], reverse: true }
        : kind !== undefined
          ? { table, index: 'byKind', prefix: [kind], reverse: true }
          : { table, index: 'byUpdate', from: changedSince ?? 0, reverse: true },
    )
    const nowMs = this.#clock.now()
    const found = rows.filter((row) => matches(row, filter, nowMs))
    return found.slice(0, limit).map((row) => this.#view(row))
  }

  /**
   * Hands an event to an operation's chart. True once the step it led to is committed; false where the chart takes
   * no notice of it in its state.
   *
   * @throws {TypeError} naming the argument
   * @throws {HardshellError} `NOT_FOUND`, `UNLOADABLE`, `QUARANTINED`, `CLOSED`
   * @throws {StoreError} where the database fails
   */
  async send(id: string, event: EventObject): Promise<boolean> {
    checkText(id, 'id')
    if (typeof (event as Partial<EventObject> | undefined)?.type !== 'string')
      throw new TypeError('event: an object with a type')
    for (;;) {
      this.#assertOpen()
      await this.resumed
      const actor = this.#supervisor.get(id)
      if (!actor) {
        const { status } = await this.get(id)
        if (status === 'unloadable')
          throw new HardshellError('UNLOADABLE', this.#supervisor.unloadable(id) ?? 'unloadable', { operationId: id })
        if (status === 'quarantined')
          throw new HardshellError('QUARANTINED', 'resume the operation first', { operationId: id })
        if (status === 'done') return false
        await this.#supervisor.load(id)
        if (!this.#supervisor.get(id)) await sleep(this.#clock, LOAD_AGAIN_MS, this.#stop.signal)
        continue
      }
      try {
        const took = await new Promise<boolean>((taken, lost) => {
          const delivery: Delivery = { type: '@hardshell.deliver', event, taken, lost }
          actor.send(delivery)
        })
        // What follows is the owner's to do, and what was loaded here would be out of date soon.
        if (!this.#kernel.leads()) this.#supervisor.send({ type: 'operation.ended', id })
        return took
      } catch (error) {
        if (error instanceof StoreError || !(error instanceof HardshellError)) throw error
        const again = error.code === 'SUPERSEDED' || (error.code === 'CLOSED' && !this.#stop.signal.aborted)
        if (!again) throw error
      }
    }
  }

  /** Whether this process runs effects: `follower` where another one does for all; never `pending` after `resumed`. */
  get role(): Role {
    return this.#ownership.role
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
    if (role !== 'owner') return
    try {
      await this.#supervisor.resume(await this.#unfinished('active'))
    } catch (error) {
      if (!this.#stop.signal.aborted) reportError(error)
    }
  }

  /** Another process committed a step. */
  #told(before: OperationRow | undefined, row: OperationRow): void {
    // The former owner had not yet noticed that it lost the lock. (What followers left is looked for.)
    const isLate = this.#store.ownership?.by === 'lock' && this.#kernel.leads() && !['', this.#kernel.owner].includes(row.owner) // prettier-ignore
    if (isLate && row.status === 'active') this.#supervisor.moved(row.id)
    const loaded = this.#kinds.get(row.kind)
    if (!loaded) return
    try {
      const change = { before, row, snapshot: loaded.restore(row), emitted: [], moves: [], tables: this.#tables }
      this.#tell(change)
    } catch {
      // A row that cannot be loaded is listed as unloadable.
    }
  }

  /** Asks again whether lanes are open (`laneOpen`): requests that wait for one that is now are made. */
  recheck(): void {
    this.#limiter.recheck()
  }

  /**
   * Polls for the operation now. Resolves when what came of it is committed, or nothing did; no
   * failure to ask rejects.
   *
   * @throws {TypeError} naming the argument
   */
  async poll(id: string): Promise<void> {
    checkText(id, 'id')
    const actor = this.#supervisor.get(id)
    if (actor) return new Promise((polled) => actor.send({ type: '@hardshell.poll', polled } as PollNow))
    return this.#ask(id).catch((error: unknown) => {
      // The owner asks again; so does who can read the row.
      const passes = error instanceof StoreError || (error instanceof HardshellError && error.code === 'UNLOADABLE')
      if (!passes && !this.#stop.signal.aborted) reportError(error)
    })
  }

  /** Asks for the process that runs the operation, which will find the step that comes of it. */
  async #ask(id: string): Promise<void> {
    const row = await this.#store.get('operations', [id])
    const loaded = row && this.#kinds.get(row.kind)
    if (!loaded || row.status !== 'active' || row.owner === this.#kernel.owner) return
    const snapshot = loaded.restore(row)
    const poll = loaded.polls[loaded.stepper.poll(snapshot) ?? '']
    if (!poll) return
    const context: unknown = snapshot.context
    const of = { context, signal: this.#stop.signal }
    const event = await this.#kernel.poller.ask(poll, row.lane, loaded.reader, of)
    if (event) await this.send(id, event)
  }

  /**
   * Puts an operation that the kernel set aside back to work, or wakes one up that pauses.
   *
   * @throws {TypeError} naming the argument
   * @throws {HardshellError} `NOT_FOUND`, `CLOSED`
   * @throws {StoreError} where the database fails
   */
  async resume(id: string): Promise<void> {
    const { row, status } = await this.get(id)
    if (status === 'quarantined') {
      const again: KernelWrite = {
        patch: 'operations',
        key: [id],
        set: {
          status: 'active',
          reason: null,
          version: row.version + 1,
          commitId: this.#kernel.newId(),
          updatedAt: this.#clock.now(),
          // Who had it does not know that it is to go on.
          owner: this.#kernel.leads() ? this.#kernel.owner : '',
        },
        if: { version: row.version, status: 'quarantined' },
      }
      await this.#store.commit([again])
    }
    const isAside = status !== 'active'
    const isOurs = row.owner === this.#kernel.owner
    // One that pauses after a crash starts from its row; what others run is told by an event, as what runs here.
    if (isAside || (isOurs && !this.#supervisor.get(id))) void this.#supervisor.load(id)
    else if (!(await this.send(id, { type: 'resume' }))) void this.poll(id)
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
    const loaded = this.#kinds.get(current.kind)
    const { lane } = current.row
    return explain({ view: current, loaded, unloadable: this.#supervisor.unloadable(id), laneClosed: this.#limiter.closed.includes(lane), pause: this.#limiter.pauseOf(lane), nowMs: this.#clock.now() }) // prettier-ignore
  }

  /**
   * Waits until the operation is as asked. Aborting stops the waiting, never the operation.
   *
   * @throws the signal's reason; {HardshellError} `NOT_FOUND`, `CLOSED`
   */
  async until<T>(id: string, as: (view: OperationView) => T | undefined, signal?: AbortSignal): Promise<T> {
    if (typeof as !== 'function') throw new TypeError('as: a function')
    for (;;) {
      checkSignal(signal)
      let wake = (): void => {}
      const change = new Promise<void>((resolve) => (wake = resolve))
      const unlisten = this.on((it) => it.row.id === id && wake())
      const unwatch = this.#store.watch('operations', wake)
      const letGo = this.#clock.hold?.()
      signal?.addEventListener('abort', wake)
      this.#stop.signal.addEventListener('abort', wake)
      try {
        const found = as(await this.get(id))
        if (found !== undefined) return found
        await change
      } catch (error) {
        // Whoever waits goes on waiting while the store cannot be read.
        if (!(error instanceof StoreError) || (error.code !== 'BUSY' && error.code !== 'UNAVAILABLE')) throw error
        await sleep(this.#clock, READ_AGAIN_MS, this.#stop.signal)
      } finally {
        unlisten()
        unwatch()
        letGo?.()
        signal?.removeEventListener('abort', wake)
        this.#stop.signal.removeEventListener('abort', wake)
      }
    }
  }

  /** Calls back after each commit. A listener that throws harms nothing. Returns the way to stop. */
  on(listener: Listener): () => void {
    checkListener(listener)
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** This process committed a step. */
  #changed(change: Change): void {
    this.#remoteChanges.written(change.row)
    if (change.before?.state !== change.row.state) this.#supervisor.progressed(change.row.id)
    if (change.row.status !== 'active') this.#supervisor.send({ type: 'operation.ended', id: change.row.id })
    this.#tell(change)
  }

  #tell(change: Change): void {
    const { inspect, unsafeInspect } = this.#options
    for (const call of [
      ...[...this.#listeners].map((listener) => () => listener(change)),
      () => inspect && publish(change, inspect, false),
      () => unsafeInspect && publish(change, unsafeInspect, true),
    ])
      try {
        call()
      } catch (error) {
        reportError(error)
      }
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
    await Promise.race([Promise.all(underWay), deadline])
    inTime.abort()
  }

  async #halt(): Promise<void> {
    this.#stop.abort(new HardshellError('CLOSED', 'closed'))
    this.#supervisor.stop()
    this.#kernel.alarms.stop()
    this.#listeners.clear()
    this.#roleListeners.clear()
    await this.#ownership.end().catch(reportError)
  }

  /** Resolves when others may take over what this process ran. */
  get closed(): Promise<void> {
    return this.#closing ?? Promise.resolve()
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

const view = (row: OperationRow, snapshot: AnyMachineSnapshot | undefined): OperationView => ({
  id: row.id,
  kind: row.kind,
  state: row.state,
  status: row.status,
  version: row.version,
  row,
  snapshot,
})

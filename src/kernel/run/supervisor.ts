/**
 * The supervisor: an actor that owns the actors of all unfinished operations. It rehydrates them, reloads one that
 * crashed from its row with growing pauses, and sets aside one that keeps crashing.
 */
import { createActor, fromCallback, type AnyActorRef, type CallbackActorLogic, type EventObject } from 'xstate'
import { StoreError } from '../../store/port.ts'
import { CANNOT_BE_STORED, isDefect, textOf } from './defects.ts'
import { CHECK, DUE, durable, type DurableInput } from './durable.ts'
import { HardshellError, messageOf } from '../util/errors.ts'
import type { Kernel, LoadedKind } from '../kernel.ts'
import { momentIn } from './moments.ts'
import { isUnstorable } from '../util/retry.ts'
import type { KernelWrite, OperationRow } from '../define/operation.ts'
import { KERNEL_STEPS } from '../define/steps.ts'

/** What became of an unfinished operation when the supervisor took it up. */
export interface Resumed {
  /** The operation's id. */
  readonly id: string
  /** The kind of operation, `send` say. */
  readonly kind: string
  /** The chart's state, dotted. */
  readonly state: string
  /**
   * `resumed`: its effects run again; `waiting`: for an event or a time; `elsewhere`: another process runs it;
   * `unloadable`, `quarantined`: see `reason`.
   */
  readonly outcome: 'resumed' | 'waiting' | 'elsewhere' | 'unloadable' | 'quarantined'
  /** Why it cannot be loaded, or was set aside. */
  readonly reason?: string
}

export type SupervisorEvent =
  | { readonly type: 'operation.failed'; readonly row: OperationRow; readonly error: unknown }
  | { readonly type: 'operation.ended'; readonly id: string }

const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 60_000
/** Crashes in one state after which an operation is set aside. */
const MOST_CRASHES = 6
/** How long another process's operation is left alone before its effects are taken over. */
const FOLLOW_MS = 30_000
const BATCH = 250

/** The errors of an operation since it entered its state. */
interface Crash {
  readonly times: number
  /** The last error: whether it would come again, its text, the row's version, and when. */
  readonly isDefect: boolean
  readonly error: string
  readonly version: number
  readonly attempt: number
  readonly atMs: number
}

interface Found {
  readonly row: OperationRow
  /** Whether its state has effects. */
  readonly effects: boolean
}

export class Supervisor {
  readonly #kernel: Kernel
  readonly #actors = new Map<string, AnyActorRef>()
  readonly #crashes = new Map<string, Crash>()
  readonly #unloadable = new Map<string, string>()
  readonly #pauses = new Map<string, unknown>()
  /** Operations that are being stored, loaded or taken over. */
  readonly #held = new Map<string, Promise<void>>()
  readonly #forward: (event: SupervisorEvent) => void
  readonly actor: AnyActorRef
  #stopped = false

  constructor(kernel: Kernel) {
    this.#kernel = kernel
    const logic: CallbackActorLogic<EventObject> = fromCallback(({ receive }) => {
      receive((event) => this.#handle(event as unknown as SupervisorEvent))
      return () => this.#stopAll()
    })
    this.actor = createActor(logic, { id: 'supervisor', systemId: 'supervisor' }).start()
    this.#forward = (event) => this.actor.send(event)
  }

  send(event: SupervisorEvent): void {
    // A step may still come back when all is over.
    if (!this.#stopped) this.#forward(event)
  }

  get(id: string): AnyActorRef | undefined {
    return this.#actors.get(id)
  }

  /** Why an operation's row cannot be loaded. */
  unloadable(id: string): string | undefined {
    return this.#unloadable.get(id)
  }

  /** What last kept a running operation from going on. */
  crashOf(id: string): Pick<Crash, 'error' | 'attempt' | 'atMs'> | undefined {
    return this.#crashes.get(id)
  }

  get size(): number {
    return this.#actors.size
  }

  /** Stores new operations and starts them; `store` gives the rows of those that are committed. */
  begin<T extends { readonly rows: readonly OperationRow[] }>(
    ids: readonly string[],
    store: () => Promise<T>,
  ): Promise<T> {
    const { clock, owner } = this.#kernel
    return this.#exclusively(ids, async () => {
      const began = momentIn(clock, 0)
      const stored = await store()
      for (const row of stored.rows)
        if (row.status === 'active' && this.#kernel.leads() && !this.#stopped)
          this.#spawn({ row, ...(row.owner === owner && { owned: began }) })
      return stored
    })
  }

  /** Starts those of the operations that are stored under this process' name and do not run. */
  startOwn(ids: readonly string[]): void {
    if (this.#kernel.leads()) for (const id of ids) void this.#reload(id, true)
  }

  /** Loads an operation that this process does not run so far. */
  async load(id: string): Promise<void> {
    if (this.#actors.has(id) || this.#stopped) return
    this.#unpause(id)
    await this.#reload(id)
  }

  /** Another process moved an operation that is this one's to run. */
  moved(id: string): void {
    const actor = this.#actors.get(id)
    if (actor) actor.send(CHECK)
    else void this.load(id)
  }

  /** An operation reached another state: whatever it crashed of is behind it. */
  progressed(id: string): void {
    this.#crashes.delete(id)
  }

  /** An operation's timer or poll is due. */
  wake(id: string): void {
    this.#actors.get(id)?.send(DUE)
  }

  /** Takes up every unfinished operation: effects left running are taken over in batches, then all actors start. */
  async resume(rows: readonly OperationRow[]): Promise<Resumed[]> {
    const report: Resumed[] = []
    await this.#takeUp(rows, { report, named: false })
    return report
  }

  /**
   * Takes up operations that were another process' or nobody's, and puts this process' name on all of them. False
   * where somebody else moved one of them meanwhile.
   */
  adopt(rows: readonly OperationRow[]): Promise<boolean> {
    return this.#takeUp(rows, { report: [], named: true })
  }

  /** Forgets all operations: another process runs them. */
  leave(): void {
    for (const id of [...this.#actors.keys(), ...this.#pauses.keys()]) this.#drop(id)
  }

  async #takeUp(
    rows: readonly OperationRow[],
    { report, named }: { report: Resumed[]; named: boolean },
  ): Promise<boolean> {
    let all = true
    for (let from = 0; from < rows.length; from += BATCH) {
      const batch = rows.slice(from, from + BATCH).flatMap((row) => this.#inspect(row, report) ?? [])
      const ids = batch.map(({ row }) => row.id)
      all = (await this.#exclusively(ids, () => this.#takeUpBatch(batch, named))) && all
      if (this.#stopped) break
    }
    return all
  }

  async #takeUpBatch(batch: readonly Found[], named: boolean): Promise<boolean> {
    const due = batch.filter(({ effects }) => named || effects)
    const owned = momentIn(this.#kernel.clock, 0)
    const taken = await this.#takeOver(due)
    if (this.#stopped) return false
    for (const { row } of batch) {
      const { id } = row
      const mine = taken?.get(id)
      const actor = this.#actors.get(id)
      if (mine) this.#spawn({ row: mine, owned })
      // Somebody was faster, it may be the one that runs here.
      else if (actor) actor.send(CHECK)
      else if (this.#pauses.has(id)) continue
      else if (taken) this.#spawn({ row })
      else await this.#start(id, (found) => found.version === row.version || found.owner === this.#kernel.owner)
    }
    return due.every(({ row }) => taken?.has(row.id))
  }

  /** One at a time stores, loads or takes over an operation: what another one read meanwhile would be out of date. */
  async #exclusively<T>(ids: readonly string[], work: () => Promise<T>): Promise<T> {
    for (let other; (other = ids.find((id) => this.#held.has(id))) !== undefined;) await this.#held.get(other)
    const { promise, resolve } = Promise.withResolvers<void>()
    for (const id of ids) this.#held.set(id, promise)
    try {
      return await work()
    } finally {
      for (const id of ids) this.#held.delete(id)
      resolve()
    }
  }

  stop(): void {
    this.#stopped = true
    this.actor.stop()
  }

  #inspect(row: OperationRow, report: Resumed[]): Found | undefined {
    const { id, kind, state } = row
    try {
      const loaded = this.#kind(row)
      const effects = loaded.stepper.invokes(loaded.restore(row)).length > 0
      report.push({ id, kind, state, outcome: effects ? 'resumed' : 'waiting' })
      return { row, effects }
    } catch (error) {
      const reason = messageOf(error)
      this.#unloadable.set(id, reason)
      report.push({ id, kind, state, outcome: 'unloadable', reason })
      return undefined
    }
  }

  /**
   * One commit for many rows; where somebody was faster with one of them, each is left to its own actor. So is what a
   * former version of its kind wrote: before effects start it is written anew. Undefined where nothing is known to have
   * landed.
   */
  async #takeOver(batch: readonly Found[]): Promise<Map<string, OperationRow> | undefined> {
    const { owner, store } = this.#kernel
    const taken = new Map<string, OperationRow>()
    const writes: KernelWrite[] = []
    for (const { row, effects } of batch) {
      if (effects && row.kindVersion !== this.#kind(row).kind.version) continue
      const set = {
        owner,
        attempt: row.attempt + (effects ? 1 : 0),
        version: row.version + 1,
        commitId: this.#kernel.newId(),
      }
      const mine = { ...row, ...set }
      writes.push({ patch: 'operations', key: [row.id], set, if: { version: row.version } })
      writes.push(...this.#recorded(KERNEL_STEPS.takenOver, row, mine))
      taken.set(row.id, mine)
    }
    if (writes.length === 0) return taken
    try {
      await store.commit(writes)
      return taken
    } catch (error) {
      if (error instanceof StoreError && error.code === 'CLOSED') throw error
      return undefined
    }
  }

  #kind(row: OperationRow): LoadedKind {
    const loaded = this.#kernel.kinds.get(row.kind)
    if (!loaded)
      throw new HardshellError('UNLOADABLE', `this program has no kind '${row.kind}'`, { operationId: row.id })
    return loaded.of(row)
  }

  #handle(event: SupervisorEvent): void {
    if (this.#stopped) return
    if (event.type === 'operation.ended') this.#drop(event.id)
    // The operations' actors tell their parent of their ends as well; that comes with the commit.
    else if (event.type === 'operation.failed') this.#failed(event.row.id, event.error, event.row)
  }

  #spawn(input: DurableInput): void {
    const { id } = input.row
    this.#drop(id)
    try {
      const loaded = this.#kind(input.row)
      loaded.restore(input.row)
      const actor = createActor(durable(this.#kernel, loaded), { id, parent: this.actor, input })
      this.#actors.set(id, actor)
      this.#unloadable.delete(id)
      actor.start()
      // XState keeps an actor that cannot start, and nothing it is sent ever comes to anything.
      const { status, error } = actor.getSnapshot()
      if (status === 'error') throw error
    } catch (error) {
      this.#drop(id)
      this.#unloadable.set(id, messageOf(error))
    }
  }

  #drop(id: string): void {
    const actor = this.#actors.get(id)
    this.#actors.delete(id)
    this.#kernel.hindrances.delete(id)
    this.#unpause(id)
    // XState lets only a parent stop its children; the operations are this actor's own.
    ;(actor as unknown as { _stop(): void } | undefined)?._stop()
  }

  #unpause(id: string): void {
    this.#kernel.clock.clearTimeout(this.#pauses.get(id))
    this.#pauses.delete(id)
  }

  #stopAll(): void {
    this.#stopped = true
    for (const id of [...this.#actors.keys(), ...this.#pauses.keys()]) this.#drop(id)
  }

  /** `row` is what it failed with, as last committed; none where it could not be loaded. */
  #failed(id: string, error: unknown, row?: OperationRow): void {
    this.#drop(id)
    if ((error instanceof StoreError && error.code === 'CLOSED') || !this.#kernel.leads()) return
    const superseded = error instanceof HardshellError && error.code === 'SUPERSEDED'
    // A store that is away for a while is no fault of the operation.
    const away =
      error instanceof StoreError && error.code !== 'CORRUPT' && error.code !== 'CONFLICT' && !isUnstorable(error)
    if (!superseded && !away) this.#crashed(id, error, row)
    if (!superseded) this.#kernel.hindrances.set(id, error)
    if (row && isDefect(error)) return void this.#reload(id)
    const { times = 0 } = this.#crashes.get(id) ?? {}
    const pauseMs = superseded ? 0 : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.max(0, times - 1))
    this.#after(id, pauseMs, () => this.#reload(id, superseded))
  }

  #crashed(id: string, error: unknown, row: OperationRow | undefined): void {
    const before = this.#crashes.get(id)
    const times = (before?.times ?? 0) + 1
    // A failed attempt to set it aside is not the reason to set it aside.
    if (!row && before) return void this.#crashes.set(id, { ...before, times })
    const { version = 0, attempt = 0 } = row ?? {}
    const said = isUnstorable(error) ? `${CANNOT_BE_STORED}: ${messageOf(error)}` : textOf(error)
    const met = { error: said, version, attempt, atMs: this.#kernel.clock.now() }
    this.#crashes.set(id, { ...met, times, isDefect: isDefect(error) })
    if (row) this.#kernel.erred(row, error)
  }

  #after(id: string, pauseMs: number, call: () => Promise<void>): void {
    const timer = this.#kernel.clock.setTimeout(() => {
      this.#pauses.delete(id)
      if (!this.#stopped) void call()
    }, pauseMs)
    this.#pauses.set(id, timer)
  }

  /** Starts an operation from what is stored. */
  async #reload(id: string, superseded = false): Promise<void> {
    await this.#exclusively([id], () => this.#start(id, ({ owner }) => !superseded || owner === this.#kernel.owner))
  }

  async #start(id: string, isOurs: (row: OperationRow) => boolean): Promise<void> {
    if (this.#stopped || this.#actors.has(id) || this.#pauses.has(id)) return
    try {
      const row = await this.#kernel.store.get('operations', [id])
      if (!row || this.#stopped) return
      if (row.status !== 'active') return void this.#crashes.delete(id)
      const why = this.#whyAside(row)
      if (why !== undefined) return await this.#quarantine(row, why)
      // Another process is at it. Where they know of each other, that is its business; where one has the lock, it is
      // this one's all the same. Else: look again later, and take over only where nothing has moved since.
      const policy = this.#kernel.store.ownership?.by
      if (isOurs(row) || policy === 'lock') this.#spawn({ row })
      else if (!policy) this.#follow(row)
    } catch (failure) {
      this.#failed(id, failure)
    }
  }

  /** Why an operation is to be set aside; a defect counts for the row that it was met with, and others may have moved that on. */
  #whyAside({ id, version }: OperationRow): string | undefined {
    const crash = this.#crashes.get(id)
    if (crash?.isDefect === true && crash.version === version) return crash.error
    return crash && crash.times >= MOST_CRASHES ? `crashed ${MOST_CRASHES} times: ${crash.error}` : undefined
  }

  #follow({ id, version }: OperationRow): void {
    this.#after(id, FOLLOW_MS, () =>
      this.#exclusively([id], () => this.#start(id, (found) => found.version === version)),
    )
  }

  async #quarantine(row: OperationRow, reason: string): Promise<void> {
    const set = {
      status: 'quarantined' as const,
      reason,
      version: row.version + 1,
      commitId: this.#kernel.newId(),
      updatedAt: this.#kernel.clock.now(),
    }
    const aside: KernelWrite = { patch: 'operations', key: [row.id], set, if: { version: row.version } }
    const after = { ...row, ...set }
    await this.#kernel.store.commit([aside, ...this.#recorded(KERNEL_STEPS.setAside, row, after)])
    this.#crashes.delete(row.id)
    this.#drop(row.id)
    this.#kernel.setAside(row, after)
  }

  /** What a commit that changes the row alone writes to the step history. */
  #recorded(event: string, before: OperationRow, row: OperationRow): KernelWrite[] {
    const { history, kinds } = this.#kernel
    return history ? [history.write({ cause: { event }, before, row, kind: kinds.get(row.kind)?.of(row).kind })] : []
  }
}

/**
 * `durable(kind)`: actor logic whose prototype is the machine itself. An event is queued; its step is computed, and
 * committed; only then does the actor's snapshot change, do observers hear of it and do effects start. Whoever checks
 * at the actor sees committed states, and nothing else.
 */
import type { ActorLogic, AnyMachineSnapshot, EventObject, AnyActorScope } from 'xstate'
import type { Write } from '../../store/port.ts'
import { answerOf, checkAnswer, contextOf } from '../define/chart.ts'
import { HardshellError } from '../util/errors.ts'
import { providedOf, type Done, type Kernel, type LoadedKind } from '../kernel.ts'
import { dotted, priorityOf, type OperationRow } from '../define/operation.ts'
import { KERNEL_STEPS } from '../define/steps.ts'
import type { Committing } from '../inspect/telemetry.ts'
import { afterConflict } from './contention.ts'
import { isDefect } from './defects.ts'
import { isOver, momentIn, sinceMs, wholeMsSince, type Moment } from './moments.ts'
import { checkKind, type KindOf } from './reads.ts'
import { refusalOf, type Delivered, type KeyedEvent } from './replies.ts'
import { commitStep, unlessConflict } from './step-commit.ts'
import type { Cause } from './step-history.ts'
import { doneEvent, type Invoke, type Step } from '../step/step.ts'
import { fired, running, stored, type Timers } from '../step/timers.ts'

/** An event with somebody waiting to hear whether the chart took it. */
export interface Delivery {
  readonly type: '@hardshell.deliver'
  readonly event: EventObject
  /** The kind that the sender takes the operation for. */
  readonly kind: KindOf | undefined
  /** What makes its step happen once; without it the event is applied whenever it comes. */
  readonly keyed: KeyedEvent | undefined
  readonly came: (delivered: Delivered) => void
  readonly lost: (error: unknown) => void
}
interface Committed {
  readonly type: '@hardshell.committed'
  readonly snapshot: AnyMachineSnapshot
}
/** What the kernel itself sends an operation's actor. */
type KernelEvent = Delivery | Committed | PollNow | typeof DUE | typeof CHECK | { readonly type: 'xstate.stop' }

/** The kernel's own events are told apart by their types, which no chart may have. */
const isKernelEvent = <T extends KernelEvent['type']>(
  event: EventObject,
  type: T,
): event is Extract<KernelEvent, { readonly type: T }> => event.type === type
/** The heap's call: some timer of the operation, or its poll, is due. */
export const DUE = { type: '@hardshell.due' } as const
/** Asks whether the row still is what the operation made of it; where it is not, the operation starts from the row. */
export const CHECK = { type: '@hardshell.check' } as const
/** Asks the poll now. */
export interface PollNow {
  readonly type: '@hardshell.poll'
  /** Called when what came of it is committed, or nothing did. */
  readonly polled: () => void
}

export interface DurableInput {
  readonly row: OperationRow
  /** When the commit began that put this process' name on the row, which therefore may start its effects. */
  readonly owned?: Moment
}

type Logic = ActorLogic<AnyMachineSnapshot, EventObject, DurableInput>

/** Re-verify ownership before an effect once this much time has passed. */
const LONG_WAIT_MS = 1_000
const MOST_CHECKS = 5
/** Why a request is aborted that nobody waits for any more. Made once: each of its own would cost a stack trace. */
const OVER = new DOMException('nobody waits for the answer any more', 'AbortError')

const answerIn = (done: Done | undefined): string | undefined => done && answerOf(done.output)

/** A kind of operation as actor logic, for `createActor`. */
export function durable(kernel: Kernel, loaded: LoadedKind): Logic {
  const operations = new WeakMap<object, Operation>()
  const logic: Partial<Logic> = {
    getInitialSnapshot(scope, input) {
      const operation = new Operation(kernel, loaded, input, (event) => scope.self.send(event))
      operations.set(scope.self, operation)
      return operation.snapshot
    },
    start(_, scope) {
      operations.get(scope.self)?.start()
    },
    transition(snapshot, event, scope: AnyActorScope) {
      const operation = operations.get(scope.self)
      if (isKernelEvent(event, '@hardshell.committed')) return event.snapshot
      if (event.type === 'xstate.stop') {
        operation?.stop()
        return stopped(snapshot)
      }
      operation?.take(event)
      return snapshot
    },
  }
  // The prototype has what is missing in `logic`.
  return Object.assign(Object.create(loaded.kind.machine), logic) as Logic
}

const stopped = (snapshot: AnyMachineSnapshot): AnyMachineSnapshot =>
  Object.assign({ ...snapshot }, { status: 'stopped' as const })

/** The row that a step makes of the row before it, and what is written beside it. */
export function rowOf(
  kernel: Kernel,
  loaded: LoadedKind,
  before: OperationRow,
  step: Step,
  cause: Cause,
): { row: OperationRow; writes: Write[]; committing: Committing | undefined } {
  const { kind, stepper } = loaded
  const { snapshot } = step
  const timers = stored(step.timers)
  const ends = running(timers).map(([, atMs]) => atMs)
  const kept = stepper.invokes(snapshot).some((invoke) => !step.entered.has(invoke.id))
  const nowMs = kernel.clock.now()
  const isOver = snapshot.status !== 'active'
  const row: OperationRow = {
    ...before,
    ...kind.columns?.(snapshot.context),
    kindVersion: kind.version,
    version: before.version + 1,
    commitId: kernel.newId(),
    ...ownership(kernel, before, kept),
    status: isOver ? 'done' : 'active',
    state: dotted(snapshot.value),
    lane: kind.lane?.(snapshot.context) ?? '',
    dueAt: ends.length > 0 ? Math.min(...ends) : null,
    timers: JSON.stringify(timers),
    updatedAt: Math.max(nowMs, before.updatedAt),
    snapshot: JSON.stringify(stepper.persist(snapshot)),
    ...(isOver && kind.freesKey?.(snapshot.context, dotted(snapshot.value)) === true && { key: null }),
  }
  const { id, state, status, createdAt, updatedAt } = row
  const view = { id, state, status, createdAt, updatedAt, tags: snapshot.tags, context: contextOf(snapshot) }
  // Of the operation's own row the version is checked.
  const checks = step.checks.filter(({ check, key }) => check !== 'operations' || key[0] !== id)
  const writes = [...checks, ...step.writes, ...(kind.project?.(view) ?? [])]
  const committing = kernel.probe?.committing({ ...cause, before: before.version > 0 ? before : undefined, row })
  const trace = committing?.trace
  if (kernel.history) writes.push(kernel.history.write({ cause, before, row, kind, step, trace }))
  return { row: Object.freeze(row), writes, committing }
}

/** A step that leaves the chart where it is. */
export const unmoved = (snapshot: AnyMachineSnapshot, timers: Timers, entered = new Set<string>()): Step => ({
  ...{ snapshot, timers, entered },
  ...{ writes: [], checks: [], emitted: [], starts: [], locals: [], moves: [] },
})

/** Whose row it is, and how often its effects were started: by one that runs none, not at all. */
function ownership(kernel: Kernel, before: OperationRow, kept: boolean): Pick<OperationRow, 'owner' | 'attempt'> {
  if (!kernel.leads()) return { owner: '', attempt: kept ? before.attempt : 0 }
  const { owner } = kernel
  return { owner, attempt: !kept ? 1 : before.owner === owner ? before.attempt : before.attempt + 1 }
}

/** The tables that writes change. */
export const tablesOf = (writes: readonly Write[]): string[] => [
  ...new Set(
    writes.flatMap((write) =>
      'put' in write ? write.put : 'patch' in write ? write.patch : 'delete' in write ? write.delete : [],
    ),
  ),
]

interface Running {
  readonly invoke: Invoke
  readonly controller: AbortController
}
interface Task {
  readonly run: () => Promise<void>
  /** Told where the task will never run here. */
  readonly lost?: ((error: unknown) => void) | undefined
  /** Called when it has run, whatever came of it, or never will. */
  readonly over: () => void
}

/** One operation that this process runs. */
class Operation {
  snapshot: AnyMachineSnapshot
  #row: OperationRow
  #timers: Timers
  /** Start of the last call that confirmed ownership. */
  #owned: Moment | undefined
  readonly #kernel: Kernel
  readonly #loaded: LoadedKind
  readonly #send: (event: EventObject) => void
  readonly #tasks: Task[] = []
  readonly #running = new Map<string, Running>()
  readonly #stop = new AbortController()
  #pumping = false
  #poll:
    | {
        readonly name: string
        readonly state: string
        waitMs: number
        next: Moment | undefined
        readonly abort: AbortController
      }
    | undefined

  constructor(kernel: Kernel, loaded: LoadedKind, input: DurableInput, send: (event: EventObject) => void) {
    this.#kernel = kernel
    this.#loaded = loaded
    this.#send = send
    this.#row = input.row
    this.#owned = input.owned
    this.snapshot = loaded.restore(input.row)
    this.#timers = loaded.timers(input.row)
  }

  start(): void {
    if (!this.#kernel.leads()) return
    if (this.#owned) this.#follow(new Set())
    else void this.#enqueue(() => this.#takeOver())
  }

  stop(): void {
    this.#stop.abort(OVER)
    for (const { lost, over } of this.#tasks.splice(0)) {
      lost?.(new HardshellError('CLOSED', 'the operation stopped before the event'))
      over()
    }
    for (const { controller } of this.#running.values()) controller.abort(OVER)
    this.#poll?.abort.abort(OVER)
    this.#kernel.alarms.set(this.#row.id, null)
  }

  take(event: EventObject): void {
    if (event.type === DUE.type) this.#due()
    else if (event.type === CHECK.type) void this.#enqueue(() => this.#assertCurrent())
    else if (isKernelEvent(event, '@hardshell.poll')) void this.#pollNow(event.polled)
    else if (isKernelEvent(event, '@hardshell.deliver')) {
      void this.#enqueue(() => this.#deliver(event), event.lost)
    } else void this.#enqueue(() => this.#apply(event).then(() => {}))
  }

  async #deliver({ event, kind, keyed, came, lost }: Delivery): Promise<void> {
    let recorded: Delivered | undefined
    try {
      if (kind) checkKind(this.#row, this.#loaded.kind.machine, kind)
      recorded = await keyed?.recorded()
      if (!recorded) await keyed?.findOld(this.#loaded.kind.keepRepliesMs, this.#kernel.clock.now())
    } catch (error) {
      // The operation is none the worse for it.
      return lost(error)
    }
    if (recorded) return came(recorded)
    try {
      const step = await this.#apply(event, { keyed })
      if (!step) await this.#assertCurrent()
      came(step ? { reply: step.reply } : { refused: refusalOf(this.snapshot, event) })
    } catch (error) {
      lost(error)
      if (!isDefect(error)) throw error
      // Nothing came of the event, and its sender was told: the operation is as it was before.
      this.#kernel.erred(this.#row, error)
    }
  }

  /** Resolves when it is over. */
  #enqueue(run: () => Promise<void>, lost?: (error: unknown) => void): Promise<void> {
    return new Promise((over) => {
      this.#tasks.push({ run, lost, over })
      void this.#pump()
    })
  }

  /** Ends the actor by an error, after what was asked for before. */
  #fail(error: unknown): Promise<void> {
    return this.#enqueue(async () => {
      throw error
    })
  }

  async #pump(): Promise<void> {
    if (this.#pumping) return
    this.#pumping = true
    try {
      for (let task = this.#tasks.shift(); task && !this.#stop.signal.aborted; task = this.#tasks.shift())
        await task.run().finally(task.over)
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#kernel.failed(this.#row, error)
    } finally {
      this.#pumping = false
    }
  }

  /** Computes the event's step and commits it; undefined where the chart takes no notice of the event. */
  async #apply(
    event: EventObject,
    { keyed, cause = { event: event.type } }: { keyed?: KeyedEvent | undefined; cause?: Cause } = {},
  ): Promise<Step | undefined> {
    for (let tries = 1; ; tries++) {
      const step = await unlessConflict(this.#loaded.stepper.next(this.snapshot, this.#timers, event))
      if (!step) return undefined
      if (step === 'conflict') await this.#assertCurrent()
      else {
        this.#checkInputs(step)
        const outcome = await this.#commit(keyed?.record(step, this.#kernel.clock.now()) ?? step, cause)
        if (outcome === 'landed') return step
        if (outcome === 'superseded') throw new HardshellError('SUPERSEDED', 'somebody else moved the operation on')
      }
      const gaveUp = `'${event.type}' met a conflict ${tries} times`
      await afterConflict(this.#kernel, tries, { signal: this.#stop.signal, gaveUp })
    }
  }

  /** What the chart takes no notice of here it might in the state to which another process has moved it. */
  async #assertCurrent(): Promise<void> {
    const asked = momentIn(this.#kernel.clock, 0)
    const row = await this.#kernel.store.get('operations', [this.#row.id])
    if (row?.version !== this.#row.version)
      throw new HardshellError('SUPERSEDED', 'somebody else moved the operation on')
    if (this.#owned) this.#owned = asked
  }

  async #commit(step: Step, cause: Cause): Promise<'landed' | 'superseded' | 'conflict'> {
    const kernel = this.#kernel
    const before = this.#row
    const began = momentIn(kernel.clock, 0)
    const { row, writes, committing } = rowOf(kernel, this.#loaded, before, step, cause)
    const { hindrances } = kernel
    const { signal } = this.#stop
    const waiting = (error: unknown): void => void hindrances.set(row.id, error)
    const commit = { row, before: before.version, writes, retryMs: Infinity, signal, waiting, committing }
    const outcome = await commitStep(kernel, this.#loaded, step, commit, () => {
      if (signal.aborted) return
      this.#row = row
      this.#timers = step.timers
      this.#owned = began
      this.snapshot = step.snapshot
      const landed: Committed = { type: '@hardshell.committed', snapshot: step.snapshot }
      this.#send(landed)
      const { snapshot, emitted, moves } = step
      kernel.changed({ before, row, snapshot, emitted, moves, tables: tablesOf(writes) })
      this.#follow(step.entered)
    })
    hindrances.delete(row.id)
    return outcome
  }

  /** While an invoke stays active its input must stay what it was: its request is under way with those bytes. */
  #checkInputs(step: Step): void {
    const { stepper } = this.#loaded
    const kept = stepper.invokes(step.snapshot).filter(({ id }) => !step.entered.has(id))
    if (kept.length === 0) return
    const before = new Map(stepper.invokes(this.snapshot).map(({ id, input }) => [id, input]))
    for (const invoke of kept) {
      if (JSON.stringify(before.get(invoke.id)) !== JSON.stringify(invoke.input))
        throw new HardshellError('DEFECT', `the input of '${invoke.src}' changed while it was running`)
    }
  }

  /** Starting effects on a row that another process left is a commit of its own (one attempt more, our name on it). */
  async #takeOver(): Promise<void> {
    if (this.#loaded.stepper.invokes(this.snapshot).length === 0) return this.#follow(new Set())
    this.#row = { ...this.#row, owner: '' }
    await this.#record(this.#timers, KERNEL_STEPS.takenOver)
  }

  /** Commits the state as it is, with these timers. */
  async #record(timers: Timers, event: string): Promise<void> {
    const outcome = await this.#commit(unmoved(this.snapshot, timers), { event })
    if (outcome !== 'landed') throw new HardshellError('SUPERSEDED', 'somebody else moved the operation on')
  }

  /** Makes what runs and what is due agree with the committed state. */
  #follow(entered: ReadonlySet<string>): void {
    if (!this.#kernel.leads()) return
    const wanted = new Map(this.#loaded.stepper.invokes(this.snapshot).map((invoke) => [invoke.id, invoke]))
    for (const [id, { controller }] of this.#running)
      if (!wanted.has(id) || entered.has(id)) {
        this.#running.delete(id)
        controller.abort(OVER)
      }
    for (const invoke of wanted.values()) if (!this.#running.has(invoke.id)) this.#run(invoke)
    this.#setPoll()
    this.#setDue()
  }

  #run(invoke: Invoke): void {
    const running: Running = { invoke, controller: new AbortController() }
    this.#running.set(invoke.id, running)
    const { signal } = running.controller
    const replay = this.#row.attempt > 1
    const { runs, reader } = this.#loaded
    const { clock } = this.#kernel
    const startedMs = clock.monotonicMs()
    const request = async (): Promise<Done | undefined> => {
      // Who waited for its lane or for its store, or was frozen, may have been taken for dead meanwhile. A store that is
      // never quicker than that must not hold up everything: so it is not asked for ever.
      for (let checks = 0; checks < MOST_CHECKS && this.#isLongOwned(); checks++) {
        if (signal.aborted) break
        await this.#assertCurrent()
      }
      if (signal.aborted || !this.#kernel.leads()) return undefined
      const { input } = invoke
      return { output: await runs[invoke.src]?.({ input, signal, replay, read: reader, nowMs: clock.now() }) }
    }
    const provided = providedOf(this.#loaded.kind.machine, invoke.src)
    const { id } = this.#row
    const { probe } = this.#kernel
    const { src } = invoke
    const make = probe ? () => probe.request({ row: this.#row, src, signal }, request, answerIn) : request
    const begun = provided
      ? provided.run(this.#kernel, { id, input: invoke.input, signal })
      : this.#kernel.limiter.run(this.#row.lane, signal, make, this.#priority())
    const over = begun.then(
      (done) => {
        if (signal.aborted || done === undefined) return undefined
        const { output } = done
        return this.#enqueue(async () => {
          if (this.#running.get(invoke.id) !== running) return // a later state's request is under way
          if (done.holds?.() === false) return this.#run(invoke)
          checkAnswer(this.#loaded.kind.machine, invoke.src, output)
          const event = doneEvent(invoke.id, output)
          const answer = answerOf(output)
          const cause = { event: event.type, src: invoke.src, answer, tookMs: wholeMsSince(startedMs, clock) }
          if (!(await this.#apply(event, { cause })))
            throw new HardshellError('DEFECT', `no way on from '${invoke.src}' answering '${String(answer)}'`)
        })
      },
      (error: unknown) => {
        if (signal.aborted) return undefined
        return this.#fail(error)
      },
    )
    if (provided) return
    const { underWay } = this.#kernel
    underWay.set(over, { id, src, signal })
    void over.then(() => underWay.delete(over))
  }

  #priority(): number {
    return priorityOf(this.#loaded.kind, contextOf(this.snapshot))
  }

  #isLongOwned(): boolean {
    return !this.#owned || sinceMs(this.#owned, this.#kernel.clock) > LONG_WAIT_MS
  }

  #setPoll(): void {
    const name = this.#loaded.stepper.poll(this.snapshot)
    if (this.#poll && (this.#poll.name !== name || this.#poll.state !== this.#row.state)) {
      this.#poll.abort.abort(OVER)
      this.#poll = undefined
    }
    if (!name || this.#poll) return
    const waitMs = this.#loaded.polls[name]!.firstMs
    this.#poll = {
      name,
      state: this.#row.state,
      waitMs,
      next: momentIn(this.#kernel.clock, waitMs),
      abort: new AbortController(),
    }
  }

  #setDue(): void {
    // By now another actor may run the operation, and wakes up at other times.
    if (this.#stop.signal.aborted) return
    const next = this.#poll?.next
    const ends = running(this.#timers).map(([, end]) => end)
    this.#kernel.alarms.set(this.#row.id, next ? [...ends, next] : ends)
  }

  #due(): void {
    const { clock } = this.#kernel
    if (this.#poll?.next && isOver(this.#poll.next, clock)) void this.#pollNow()
    void this.#enqueue(async () => {
      const late = running(this.#timers).filter(([, end]) => isOver(end, clock))
      for (const [id, end] of late.toSorted(([, a], [, b]) => a.atMs - b.atMs)) {
        // A step before it may have left its state, or entered it anew.
        if (this.#timers[id] !== end) continue
        if (!(await this.#apply({ type: id }))) await this.#record(fired(this.#timers, id), id)
        if (this.#stop.signal.aborted) return
      }
      this.#setDue()
    })
  }

  /** Polls now; what comes of it is an event like any other. */
  async #pollNow(polled = (): void => {}): Promise<void> {
    const poll = this.#poll
    if (!poll) return polled()
    poll.next = undefined
    this.#setDue()
    const asking = this.#loaded.polls[poll.name]!
    const { firstMs, maxMs } = asking
    const { signal } = poll.abort
    signal.addEventListener('abort', polled)
    const context = contextOf(this.snapshot)
    const priority = this.#priority()
    try {
      const event = await this.#kernel.poller.ask(asking, this.#row.lane, this.#loaded.reader, {
        context,
        signal,
        priority,
      })
      if (signal.aborted) return
      void this.#enqueue(async () => {
        if (this.#poll !== poll) return
        if (event && !asking.sends.includes(event.type))
          throw new HardshellError('DEFECT', `the poll '${poll.name}' sent '${event.type}', which is not in its sends`)
        if (event) await this.#apply(event)
        polled()
        if (this.#poll !== poll) return
        poll.waitMs = Math.min(maxMs, Math.max(firstMs, Math.round(poll.waitMs * 1.5)))
        poll.next = momentIn(this.#kernel.clock, poll.waitMs)
        this.#setDue()
      })
    } catch (error) {
      if (!signal.aborted) void this.#fail(error)
      polled()
    }
  }
}

/** Hands events to operations, whether this process runs them or not. */
import type { EventObject } from 'xstate'
import { checkText } from '../../arguments.ts'
import { StoreError } from '../../store/port.ts'
import { priorityOf, type KernelWrite, type OperationRow, type OperationView } from '../define/operation.ts'
import { KERNEL_STEPS } from '../define/steps.ts'
import type { Kernel } from '../kernel.ts'
import { HardshellError } from '../util/errors.ts'
import { sleep, unlessAborted } from '../util/ports.ts'
import { reportError } from '../util/report.ts'
import { stays } from '../util/retry.ts'
import { RESUME } from '../step/step.ts'
import type { Delivery, PollNow } from './durable.ts'
import { checkKind, type KindOf } from './reads.ts'
import { hasEnded, KeyedEvent, type Delivered } from './replies.ts'
import type { Supervisor } from './supervisor.ts'

/** The pause before an operation that could not be loaded is loaded again. */
const LOAD_AGAIN_MS = 5

interface DeliveryOptions {
  readonly kernel: Kernel
  readonly supervisor: Supervisor
  /** Aborts when the operations are closed. */
  readonly signal: AbortSignal
  /** @throws {HardshellError} `NOT_FOUND`, `CLOSED` */
  readonly get: (id: string) => Promise<OperationView>
  /** Whether this process may ask the outside. */
  readonly asks: boolean
  /** Whether the store has a table of replies. */
  readonly keeps: boolean
  /** Why an operation cannot be loaded. */
  readonly unloadable: (view: OperationView) => string | undefined
  /** Resolves when the start has resumed the unfinished operations. */
  readonly resumed: () => Promise<unknown>
}

interface DeliverOptions {
  /** The kind that the operation has to be of. */
  readonly kind?: KindOf
  readonly key?: string | undefined
  readonly signal?: AbortSignal | undefined
}

export class EventDelivery {
  readonly #of: DeliveryOptions

  constructor(of: DeliveryOptions) {
    this.#of = of
  }

  /** See `KindOperations.ask`. */
  async deliver(id: string, event: EventObject, options: DeliverOptions = {}): Promise<Delivered> {
    checkText(id, 'id')
    const { kind, key, signal } = options
    const { kernel, keeps } = this.#of
    if (key !== undefined && !keeps)
      throw new TypeError(`key: the tables lack 'replies', a repliesTable(), in which replies are kept by key`)
    const keyed = key === undefined ? undefined : new KeyedEvent(kernel.store, id, key, event)
    const delivered = this.#deliver(id, event, kind, keyed)
    return signal ? unlessAborted(signal, delivered) : delivered
  }

  async #deliver(
    id: string,
    event: EventObject,
    kind: KindOf | undefined,
    keyed: KeyedEvent | undefined,
  ): Promise<Delivered> {
    const { kernel, supervisor, signal, get, unloadable, resumed } = this.#of
    for (;;) {
      if (signal.aborted) throw new HardshellError('CLOSED', 'closed')
      await resumed()
      const actor = supervisor.get(id)
      if (!actor) {
        const view = await get(id)
        const { status } = view
        if (kind) checkKind(view, view.snapshot?.machine, kind)
        // Nobody runs it: what is recorded by now stays all there is.
        const recorded = status === 'active' ? undefined : await keyed?.recorded()
        if (recorded) return recorded
        if (status === 'unloadable')
          throw new HardshellError('UNLOADABLE', unloadable(view) ?? 'unloadable', { operationId: id })
        if (status === 'quarantined')
          throw new HardshellError('QUARANTINED', 'resume the operation first', { operationId: id })
        if (status === 'done') return { refused: hasEnded(view.state) }
        await supervisor.load(id)
        const why = supervisor.unloadable(id)
        if (why !== undefined) throw new HardshellError('UNLOADABLE', why, { operationId: id })
        const hindrance = kernel.hindrances.get(id)
        if (!supervisor.get(id) && stays(hindrance)) throw hindrance
        if (!supervisor.get(id)) await sleep(kernel.clock, LOAD_AGAIN_MS, signal)
        continue
      }
      try {
        return await new Promise<Delivered>((came, lost) => {
          const delivery: Delivery = { type: '@hardshell.deliver', event, keyed, came, lost, kind }
          actor.send(delivery)
        })
      } catch (error) {
        if (error instanceof StoreError || !(error instanceof HardshellError)) throw error
        const isRetried = error.code === 'SUPERSEDED' || (error.code === 'CLOSED' && !signal.aborted)
        if (!isRetried) throw error
      } finally {
        // The owner does what follows. The actor loaded here would soon be out of date.
        if (!kernel.leads()) supervisor.send({ type: 'operation.ended', id })
      }
    }
  }

  /** See `Operations.poll`. */
  async poll(id: string): Promise<void> {
    checkText(id, 'id')
    const actor = this.#of.supervisor.get(id)
    if (actor) return new Promise((polled) => actor.send({ type: '@hardshell.poll', polled } as PollNow))
    if (!this.#of.asks) return
    return this.#pollForOwner(id).catch((error: unknown) => {
      // The owner polls again, and so does a process that can read the row.
      const passes = error instanceof StoreError || (error instanceof HardshellError && error.code === 'UNLOADABLE')
      if (!passes && !this.#of.signal.aborted) reportError(error)
    })
  }

  /** See `Operations.resume`. */
  async resume(id: string): Promise<void> {
    const { kernel, supervisor, get } = this.#of
    const { row, status } = await get(id)
    if (status === 'quarantined') await this.#reactivate(row)
    const isAside = status !== 'active'
    const isOurs = row.owner === kernel.owner
    supervisor.progressed(id)
    // An operation that pauses after a crash starts from its row. A running one gets an event, wherever it runs.
    if (isAside || (isOurs && !supervisor.get(id))) void supervisor.load(id)
    else if ('refused' in (await this.deliver(id, { type: RESUME }))) void this.poll(id)
  }

  async #reactivate(before: OperationRow): Promise<void> {
    const { kernel } = this.#of
    const { id, version } = before
    const set = {
      status: 'active' as const,
      reason: null,
      version: version + 1,
      commitId: kernel.newId(),
      updatedAt: kernel.clock.now(),
      // The former owner does not know that the operation goes on.
      owner: kernel.leads() ? kernel.owner : '',
    }
    const active: KernelWrite = { patch: 'operations', key: [id], set, if: { version, status: 'quarantined' } }
    const row = { ...before, ...set }
    const kind = kernel.kinds.get(row.kind)?.of(row).kind
    const step = kernel.history?.write({ cause: { event: KERNEL_STEPS.resumed }, before, row, kind })
    await kernel.store.commit(step ? [active, step] : [active])
    kernel.probe?.found([row])
  }

  /** Polls for an operation that another process runs. That process notices the step that the event leads to. */
  async #pollForOwner(id: string): Promise<void> {
    const { kernel, signal } = this.#of
    const row = await kernel.store.get('operations', [id])
    const loaded = row && kernel.kinds.get(row.kind)?.of(row)
    if (!loaded || row.status !== 'active' || row.owner === kernel.owner) return
    const snapshot = loaded.restore(row)
    const poll = loaded.polls[loaded.stepper.poll(snapshot) ?? '']
    if (!poll) return
    const context: unknown = snapshot.context
    const priority = priorityOf(loaded.kind, context)
    const event = await kernel.poller.ask(poll, row.lane, loaded.reader, { context, signal, priority })
    if (event) await this.deliver(id, event)
  }
}

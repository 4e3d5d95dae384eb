/** What a caller holds of an operation. The operation itself lives in the store, whoever holds it. */
import { Amount } from '@cashu/cashu-ts'
import { checkListener, checkNames, checkSignal } from '../arguments.ts'
import { HardshellError } from '../kernel/util/errors.ts'
import { unlessAborted } from '../kernel/util/ports.ts'
import { reportError } from '../kernel/util/report.ts'
import type { OperationView } from '../kernel/define/operation.ts'
import type { WalletEnv } from './env.ts'
import type { WalletContext } from './history.ts'
import { summary } from './wallet-operations.ts'

/** How an operation ended. Amounts are in the operation's unit. */
export interface Finished {
  /** The operation's id. */
  readonly id: string
  /** The kind of operation, `send` say. */
  readonly kind: string
  /** The chart's state, dotted. */
  readonly state: string
  /** The mint's URL. */
  readonly mintUrl: string
  /** The unit, `sat` say. */
  readonly unit: string
  /** What moved: what came in, went out or was made. */
  readonly amount: Amount
  /** What was asked for. */
  readonly asked: Amount
  /** Of that, what somebody else had spent. */
  readonly spentElsewhere: Amount
  /** What it cost; while something is owed, the most that it can cost. */
  readonly fee: Amount
  /** What the mint owes for certain, and has not given yet. */
  readonly owed: Amount
}

/** How long a call waits. */
export interface Waiting {
  /** Aborting stops the waiting, never the operation. A signal that has already aborted rejects before anything starts. */
  readonly signal?: AbortSignal
}

/** The signal of a call that waits. @throws {TypeError} naming the argument; the signal's reason where it has aborted */
export function signalOf(waiting: Waiting): AbortSignal | undefined {
  checkNames(waiting, 'waiting', ['signal'])
  checkSignal(waiting.signal)
  return waiting.signal
}

/** What every kind of operation can be told. */
interface Cancel {
  readonly type: 'cancel'
}
interface Execute {
  readonly type: 'execute'
}
/** What a handle needs of its kind: that its operations take these events. */
interface Calls<E extends { readonly type: string }> {
  send(id: string, event: E): Promise<boolean>
}

/** The operation's context, for the package alone: it has secrets. */
export let contextIn: <C extends WalletContext>(handle: OperationHandle<C>) => C

const INSPECT = Symbol.for('nodejs.util.inspect.custom')

/** What a handle shows of itself, in JSON and in print. Amounts are texts, in the operation's unit. */
export interface ShownHandle {
  /** The kind of operation, `send` say. */
  readonly kind: string
  /** The operation's id. */
  readonly id: string
  /** The chart's state, dotted. */
  readonly state: string
  /** The mint's URL. */
  readonly mintUrl: string
  /** The unit, `sat` say. */
  readonly unit: string
  /** What moved, or is to move. */
  readonly amount: string
}

/** An operation as this process sees it; `api-handles.ts` says what its members do. */
export class OperationHandle<C extends WalletContext = WalletContext, E extends { readonly type: string } = never> {
  /** For the compiler only: makes the handle types distinct. */
  declare protected readonly '~context'?: C
  readonly #env: WalletEnv
  readonly #calls: Calls<E | Cancel>
  #view: OperationView

  static {
    contextIn = (handle) => handle.#context
  }

  constructor(env: WalletEnv, calls: Calls<E | Cancel>, view: OperationView) {
    this.#env = env
    this.#calls = calls
    this.#view = view
  }

  get id(): string {
    return this.#view.id
  }
  get kind(): string {
    return this.#view.kind
  }
  get state(): string {
    return this.#view.state
  }
  get version(): number {
    return this.#view.version
  }
  get amount(): Amount {
    return Amount.from(this.#context.amount)
  }
  get asked(): Amount {
    return Amount.from(this.#context.asked ?? this.#context.amount)
  }
  get spentElsewhere(): Amount {
    return Amount.from(this.#context.spentElsewhere ?? 0)
  }
  get fee(): Amount {
    return Amount.from(this.#context.fee)
  }
  get owed(): Amount {
    return Amount.from(this.#context.owed ?? 0)
  }

  get #context(): C {
    return contextOf<C>(this.#view)
  }

  toJSON(): ShownHandle {
    const { kind, id, state, mintUrl, unit, amount } = summary(this.#view)
    return { kind, id, state, mintUrl, unit, amount: String(amount) }
  }

  /** How Node prints it. */
  [INSPECT](_depth: number, options: object, inspect: (value: unknown, options: object) => string): string {
    return `${this.constructor.name} ${inspect(this.toJSON(), options)}`
  }

  subscribe(listener: (handle: this) => void): () => void {
    checkListener(listener)
    return this.#env.operations.on(({ row }) => {
      if (row.id !== this.id) return
      this.reload()
        .then(() => listener(this))
        .catch((error: unknown) => {
          if (!(error instanceof Error && 'code' in error && error.code === 'CLOSED')) reportError(error)
        })
    })
  }

  async refresh(waiting: Waiting = {}): Promise<this> {
    const signal = signalOf(waiting)
    const polled = this.#env.operations.poll(this.id)
    await (signal ? unlessAborted(signal, polled) : polled)
    return this.reload()
  }

  protected async reload(): Promise<this> {
    this.#view = await this.#env.operations.get(this.id)
    return this
  }

  async cancel(): Promise<this> {
    await this.tell({ type: 'cancel' })
    return this
  }

  async finished(waiting: Waiting = {}): Promise<Finished> {
    const signal = signalOf(waiting)
    await this.until((view) => ended(view) && !failure(view), signal)
    return this.result()
  }

  protected result(): Finished {
    const { id, kind, state, amount, asked, spentElsewhere, fee, owed } = this
    const { mintUrl, unit } = this.#context
    return { id, kind, state, mintUrl, unit, amount, asked, spentElsewhere, fee, owed }
  }

  /** Hands an event to the chart; false where it takes no notice of that. */
  protected async send(event: E | Cancel): Promise<boolean> {
    const taken = await this.#calls.send(this.id, event)
    await this.reload()
    return taken
  }

  protected async tell(event: E | Cancel): Promise<void> {
    if (!(await this.send(event)))
      throw new HardshellError('INVALID_STATE', `'${this.state}' takes no '${event.type}'`, { operationId: this.id })
  }

  /** Waits until the operation is as asked; rejects once it failed without getting there. */
  protected async until(as: (view: OperationView) => boolean, signal: AbortSignal | undefined): Promise<void> {
    this.#view = await this.#env.operations.until(
      this.id,
      (view) => (as(view) || failure(view) ? view : undefined),
      signal,
    )
    if (!as(this.#view)) throw failure(this.#view)!
  }
}

/** Operations that wait in `prepared` for their caller. */
export class ExecutableHandle<
  C extends WalletContext = WalletContext,
  E extends { readonly type: string } = never,
> extends OperationHandle<C, E | Execute> {
  /** Starts it; harmless where it was started before. */
  protected async start(): Promise<void> {
    const taken = await this.send({ type: 'execute' })
    if (!taken && this.state === 'prepared')
      throw new HardshellError('INVALID_STATE', 'cannot be executed', { operationId: this.id })
  }

  async execute(waiting: Waiting = {}): Promise<Finished> {
    signalOf(waiting)
    await this.start()
    return this.finished(waiting)
  }
}

export const contextOf = <C>(view: OperationView): C => {
  if (!view.snapshot)
    throw new HardshellError('UNLOADABLE', 'this program cannot load the operation', { operationId: view.id })
  return view.snapshot.context as C
}

const ended = (view: OperationView): boolean => view.snapshot?.hasTag('ended') === true

/** The error that waiting calls reject with once the operation cannot succeed without a person. */
function failure(view: OperationView): HardshellError | undefined {
  const of = { operationId: view.id }
  if (view.status === 'unloadable')
    return new HardshellError('UNLOADABLE', 'this program cannot load the operation', of)
  if (view.status === 'quarantined') return new HardshellError('QUARANTINED', view.row.reason ?? 'set aside', of)
  if (view.snapshot.hasTag('quarantined'))
    return new HardshellError('QUARANTINED', 'the mint contradicts itself; see explain()', of)
  if (!view.snapshot.hasTag('failed')) return undefined
  const { error } = contextOf<WalletContext>(view)
  return new HardshellError(error?.code ?? 'CANCELLED', error?.detail ?? `ended as '${view.state}'`, of)
}

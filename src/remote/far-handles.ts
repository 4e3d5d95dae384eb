/** Handles of the far side: live objects, whose methods are calls, and whose state is as the near side last told it. */
import type { Amount } from '@cashu/cashu-ts'
import { checkListener, checkNames, checkSignal } from '../arguments.ts'
import { HardshellError } from '../kernel/util/errors.ts'
import { reportError } from '../kernel/util/report.ts'
import type {
  ExecutableHandle,
  MeltHandle,
  MintHandle,
  OperationHandle,
  ReceiveHandle,
  RestoreHandle,
  SendHandle,
  ShownQuote,
  SwapHandle,
} from '../wallet/api-handles.ts'
import type { Finished, ShownHandle, Waiting } from '../wallet/handle.ts'
import type { PaidMelt } from '../wallet/kinds/melt.ts'
import type { RestoredFunds } from '../wallet/kinds/restore.ts'
import type { SentToken } from '../wallet/kinds/send.ts'
import type { Link } from './link.ts'
import { melt, mint, receive, restore, send, swap, type Method, type Told } from './methods.ts'
import type { Amounts, View } from './views.ts'

/** A method of a handle that shows `E` beside what all show. */
type Act<E, R> = Method<{ readonly id: string }, Told<E, R>>

/** What every handle of a kind calls. */
interface Acts<E, F> {
  readonly get: Method<{ readonly id: string }, View<E>>
  readonly refresh: Act<E, void>
  readonly cancel: Act<E, void>
  readonly finished: Act<E, F>
}

const INSPECT = Symbol.for('nodejs.util.inspect.custom')

/** @throws {TypeError} naming the argument; the signal's reason where it has aborted */
export function signalOf(waiting: Waiting): AbortSignal | undefined {
  checkNames(waiting, 'waiting', ['signal'])
  checkSignal(waiting.signal)
  return waiting.signal
}

/** Errors that say that the connection is away, which whoever listens will hear of otherwise. */
const isAway = (error: unknown): boolean =>
  error instanceof HardshellError && (error.code === 'UNAVAILABLE' || error.code === 'CLOSED')

abstract class FarHandle<E, F extends Finished> implements OperationHandle {
  readonly #link: Link
  readonly #acts: Acts<E, F>
  #view: View<E>

  constructor(link: Link, acts: Acts<E, F>, view: View<E>) {
    this.#link = link
    this.#acts = acts
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
    return this.#amounts.amount
  }
  get asked(): Amount {
    return this.#amounts.asked
  }
  get spentElsewhere(): Amount {
    return this.#amounts.spentElsewhere
  }
  get fee(): Amount {
    return this.#amounts.fee
  }
  get owed(): Amount {
    return this.#amounts.owed
  }

  get #amounts(): Amounts {
    return this.#view.amounts ?? this.#unloadable()
  }
  protected get extra(): E {
    return this.#view.extra ?? this.#unloadable()
  }
  #unloadable(): never {
    throw new HardshellError('UNLOADABLE', 'the near side cannot load the operation', { operationId: this.id })
  }

  toJSON(): ShownHandle {
    const { kind, id, state, mintUrl, unit, shown } = this.#view
    return { kind, id, state, mintUrl, unit, amount: shown }
  }

  [INSPECT](_depth: number, options: object, inspect: (value: unknown, options: object) => string): string {
    return `${this.constructor.name} ${inspect(this.toJSON(), options)}`
  }

  subscribe(listener: (handle: this) => void): () => void {
    checkListener(listener)
    const reload = (): void => {
      const { version } = this
      this.#link
        .call(this.#acts.get, { id: this.id })
        .then((view) => {
          this.#view = view
          if (view.version !== version) listener(this)
        })
        .catch((error: unknown) => {
          if (!isAway(error)) reportError(error)
        })
    }
    const ends = [
      this.#link.listen(`id:${this.id}`, reload),
      // What happened while nobody could tell.
      this.#link.watch((state) => state === 'open' && reload()),
    ]
    return () => {
      for (const end of ends) end()
    }
  }

  async refresh(waiting: Waiting = {}): Promise<this> {
    await this.act(this.#acts.refresh, waiting)
    return this
  }

  async cancel(): Promise<this> {
    await this.act(this.#acts.cancel)
    return this
  }

  finished(waiting: Waiting = {}): Promise<F> {
    return this.act(this.#acts.finished, waiting)
  }

  /** Calls a method, and keeps what it tells of the operation, also where it fails. */
  protected async act<R>(method: Act<E, R>, waiting: Waiting = {}): Promise<R> {
    const told = await this.#link.call(method, { id: this.id }, signalOf(waiting))
    this.#view = told.view
    if (told.error) throw told.error
    return told.result as R
  }
}

abstract class FarExecutable<E, F extends Finished> extends FarHandle<E, F> implements ExecutableHandle {
  readonly #execute: Act<E, F>

  constructor(link: Link, acts: Acts<E, F> & { readonly execute: Act<E, F> }, view: View<E>) {
    super(link, acts, view)
    this.#execute = acts.execute
  }

  execute(waiting: Waiting = {}): Promise<F> {
    return this.act(this.#execute, waiting)
  }
}

type MintExtra = { quote: ShownQuote | undefined }

export class FarMint extends FarHandle<MintExtra, Finished> implements MintHandle {
  constructor(link: Link, view: View<MintExtra>) {
    super(link, mint, view)
  }

  get quote(): ShownQuote {
    const { quote } = this.extra
    if (!quote)
      throw new HardshellError('INVALID_STATE', 'the mint has not given a quote yet', { operationId: this.id })
    return quote
  }

  async quoted(waiting: Waiting = {}): Promise<this> {
    await this.act(mint.quoted, waiting)
    return this
  }
}

export class FarMelt extends FarExecutable<object, PaidMelt> implements MeltHandle {
  constructor(link: Link, view: View<object>) {
    super(link, melt, view)
  }

  async quoted(waiting: Waiting = {}): Promise<this> {
    await this.act(melt.quoted, waiting)
    return this
  }

  payWithoutChange(waiting: Waiting = {}): Promise<PaidMelt> {
    return this.act(melt.payWithoutChange, waiting)
  }
}

export class FarReceive extends FarExecutable<object, Finished> implements ReceiveHandle {
  constructor(link: Link, view: View<object>) {
    super(link, receive, view)
  }
}

type RestoreExtra = { unavailable: RestoredFunds['unavailable'][number][] }

export class FarRestore extends FarExecutable<RestoreExtra, RestoredFunds> implements RestoreHandle {
  constructor(link: Link, view: View<RestoreExtra>) {
    super(link, restore, view)
  }

  get unavailable(): RestoredFunds['unavailable'] {
    return this.extra.unavailable
  }
}

type SendExtra = { token: string | undefined; reclaimed: Amount }

export class FarSend extends FarHandle<SendExtra, Finished> implements SendHandle {
  constructor(link: Link, view: View<SendExtra>) {
    super(link, send, view)
  }

  get token(): string | undefined {
    return this.extra.token
  }

  get reclaimed(): Amount {
    return this.extra.reclaimed
  }

  execute(waiting: Waiting = {}): Promise<SentToken> {
    return this.act(send.execute, waiting)
  }

  reclaim(waiting: Waiting = {}): Promise<Finished> {
    return this.act(send.reclaim, waiting)
  }
}

export class FarSwap extends FarExecutable<object, Finished> implements SwapHandle {
  constructor(link: Link, view: View<object>) {
    super(link, swap, view)
  }
}

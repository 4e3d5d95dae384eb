/** The far side: a wallet that is somewhere else. */
import {
  checkDuration,
  checkList,
  checkListener,
  checkNames,
  checkObject,
  checkOneOf,
  checkSignal,
} from '../arguments.ts'
import type { CryptoInUse } from '../cashu/crypto.ts'
import type { CloseOptions } from '../kernel/options.ts'
import type { Role } from '../kernel/share/ownership.ts'
import type { KeyValues, Namespace } from '../store/kv.ts'
import type {
  History,
  MeltOperations,
  MintOperations,
  ReceiveOperations,
  RestoreOperations,
  SendOperations,
  SwapOperations,
  Wallet,
  WalletMints,
  WalletOperations,
} from '../wallet/api.ts'
import type { Balance } from '../wallet/balances.ts'
import type { WalletEvents } from '../wallet/events.ts'
import { notAllowed } from './errors.ts'
import { FarMelt, FarMint, FarReceive, FarRestore, FarSend, FarSwap } from './far-handles.ts'
import { VERBS, type Verb } from './limits.ts'
import { Link, type ConnectionState } from './link.ts'
import * as methods from './methods.ts'
import type { Method } from './methods.ts'
import { checkPort, type Port } from './port.ts'
import { events } from './values.ts'
import type { View } from './views.ts'

/** How a far side waits. */
export interface ConnectOptions {
  /**
   * How long a call waits for a near side that is away, in milliseconds, before it ends as `UNAVAILABLE`; 10,000 unless given, and
   * `connectWallet` itself waits as long.
   */
  readonly waitMs?: number | undefined
  /**
   * How often the near side is asked whether it is there, in milliseconds; 5,000 unless given. After three of these without an answer
   * it counts as gone. A port that says that it is closed is believed at once.
   */
  readonly pingMs?: number | undefined
  /** Ends the waiting of `connectWallet`. */
  readonly signal?: AbortSignal | undefined
}

/** A wallet that is somewhere else: the same interface, and where the connection stands. */
export interface RemoteWallet extends Wallet {
  /** `waiting` while the near side is away: calls wait for it then. `closed` for good. */
  readonly connection: ConnectionState
  /** The verbs that the near side allows, as it last said. */
  readonly allowed: readonly Verb[]
  /**
   * Calls back whenever `connection` changes. Returns the way to stop.
   *
   * @throws {TypeError} naming the argument
   * @example
   * const { port1, port2 } = new MessageChannel()
   * serveWallet(wallet, port1, { allow: { balances: true } })
   * const far = await connectWallet(port2)
   * const stop = far.onConnection((state) => console.log(state))
   * stop()
   * await far.close()
   * port1.close()
   */
  onConnection(listener: (state: ConnectionState) => void): () => void
}

/**
 * Connects to a wallet that `serveWallet` serves at the other end. A function is asked for a port, now and whenever the near side
 * went: where a new near side comes with a new port. Ports that it gives are closed here; a port that is given stays open.
 *
 * `close` ends the connection, and neither the wallet nor its operations.
 *
 * @throws {TypeError} naming the argument; the signal's reason
 * @throws {HardshellError} `UNAVAILABLE` where nobody answers, `PROTOCOL_MISMATCH`
 * @example
 * const { port1, port2 } = new MessageChannel()
 * serveWallet(wallet, port1, { allow: { balances: true } })
 * const far = await connectWallet(port2)
 * console.log(await far.balances())
 * await far.close()
 * port1.close()
 */
export async function connectWallet(
  port: Port | (() => Port | Promise<Port>),
  options: ConnectOptions = {},
): Promise<RemoteWallet> {
  checkNames(options, 'options', ['waitMs', 'pingMs', 'signal'])
  const { waitMs = 10_000, pingMs = 5_000, signal } = options
  checkDuration(waitMs, 'waitMs', { endless: true })
  checkDuration(pingMs, 'pingMs', { least: 1 })
  checkSignal(signal)
  if (typeof port !== 'function') checkPort(port)
  const link = new Link({
    waitMs,
    pingMs,
    ownsPorts: typeof port === 'function',
    async port() {
      const found = typeof port === 'function' ? await port() : port
      checkPort(found)
      return found
    },
  })
  try {
    await link.open(waitMs, signal)
  } catch (error) {
    await link.close(0)
    throw error
  }
  return new FarWallet(link)
}

interface Ids {
  readonly id: string
}

class FarWallet implements RemoteWallet {
  readonly #link: Link
  readonly mints: WalletMints
  readonly mint: MintOperations
  readonly melt: MeltOperations
  readonly receive: ReceiveOperations
  readonly restore: RestoreOperations
  readonly send: SendOperations
  readonly swap: SwapOperations
  readonly operations: WalletOperations
  readonly history: History
  readonly kv: Pick<KeyValues, keyof KeyValues>

  constructor(link: Link) {
    this.#link = link
    const call = <A, R>(method: Method<A, R>, args: A, signal?: AbortSignal): Promise<R> =>
      link.call(method, args, signal)
    const kind = <O, E, H>(
      { prepare, get }: { readonly prepare: Method<O, View<E>>; readonly get: Method<Ids, View<E>> },
      Handle: new (link: Link, view: View<E>) => H,
    ) => ({
      prepare: async (options: O) => new Handle(link, await call(prepare, options)),
      get: async (id: string) => new Handle(link, await call(get, { id })),
    })
    // Signals do not cross: what crosses is that they abort.
    this.mint = {
      ...kind(methods.mint, FarMint),
      async prepare(given) {
        checkObject(given, 'options')
        const { signal, privateKey, ...options } = given
        if (privateKey !== undefined) throw notAllowed('privateKey: no key crosses')
        checkSignal(signal)
        return new FarMint(link, await call(methods.mint.prepare, options, signal))
      },
    }
    this.melt = {
      ...kind(methods.melt, FarMelt),
      async prepare(given) {
        checkObject(given, 'options')
        const { signal, ...options } = given
        checkSignal(signal)
        return new FarMelt(link, await call(methods.melt.prepare, options, signal))
      },
    }
    this.receive = kind(methods.receive, FarReceive)
    this.restore = kind(methods.restore, FarRestore)
    this.send = kind(methods.send, FarSend)
    this.swap = kind(methods.swap, FarSwap)
    this.history = {
      get: (id) => call(methods.history.get, { id }),
      list: (page = {}) => call(methods.history.list, page),
    }
    this.mints = {
      get: (mintUrl) => call(methods.mints.get, { mintUrl }),
      list: () => call(methods.mints.list, {}),
      trust: (mintUrl) => call(methods.mints.trust, { mintUrl }),
      distrust: (mintUrl) => call(methods.mints.distrust, { mintUrl }),
      rebind: (mintUrl, address) => call(methods.mints.rebind, { mintUrl, address }),
      async refresh(mintUrl, signal) {
        checkSignal(signal)
        await call(methods.mints.refresh, { mintUrl }, signal)
      },
    }
    this.operations = {
      list: (filter = {}) => call(methods.operations.list, filter),
      get: (id) => call(methods.operations.get, { id }),
      explain: (id) => call(methods.operations.explain, { id }),
      steps: (id, page = {}) => call(methods.operations.steps, { id, page }),
      resume: (id) => call(methods.operations.resume, { id }),
      cancel: (id) => call(methods.operations.cancel, { id }),
      resumed: () => call(methods.operations.resumed, {}),
      async export(id, options = {}) {
        checkNames(options, 'options', ['secrets'])
        if (options.secrets === true) throw notAllowed('secrets: none of them crosses')
        return call(methods.operations.export, { id })
      },
    }
    this.kv = {
      get: (name) => call(methods.kv.get, name),
      set: (name, value) => call(methods.kv.set, { name, value }),
      delete: (name) => call(methods.kv.delete, name),
      async change(changes) {
        checkList(changes, 'changes', () => {})
        await call(methods.kv.change, { changes: [...changes] })
      },
      list: (namespace?: Namespace) => call(methods.kv.list, namespace ?? {}),
    }
  }

  on<E extends keyof WalletEvents>(event: E, listener: (event: WalletEvents[E]) => void): () => void {
    checkOneOf(event, 'event', Object.keys(events))
    checkListener(listener)
    if (!this.allowed.includes('events')) throw notAllowed('events are not allowed')
    return this.#link.listen(event, (value) => listener(value as WalletEvents[E]))
  }

  get role(): Role {
    return this.#link.role
  }

  get roleReason(): string | undefined {
    return this.#link.roleReason
  }

  get crypto(): CryptoInUse {
    return { name: this.#link.crypto, passedOver: [] }
  }

  get connection(): ConnectionState {
    return this.#link.state
  }

  get allowed(): readonly Verb[] {
    return VERBS.filter((verb) => this.#link.verbs.includes(verb))
  }

  onConnection(listener: (state: ConnectionState) => void): () => void {
    checkListener(listener)
    return this.#link.watch(listener)
  }

  balances(): Promise<Balance[]> {
    return this.#link.call(methods.balances, {})
  }

  async close(options: CloseOptions = {}): Promise<void> {
    checkNames(options, 'options', ['deadlineMs'])
    checkDuration(options.deadlineMs, 'deadlineMs', { least: -Infinity, endless: true })
    await this.#link.close(options.deadlineMs ?? 0)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

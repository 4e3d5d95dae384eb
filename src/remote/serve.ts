/** The near side: a wallet that others call through a port. */
import { checkFunction, checkMethods, checkNames } from '../arguments.ts'
import { HardshellError } from '../kernel/util/errors.ts'
import { reportError } from '../kernel/util/report.ts'
import type { Wallet } from '../wallet/api.ts'
import { failure, isCoded, notAllowed } from './errors.ts'
import { EventQueue } from './event-queue.ts'
import { Permissions, type Allow } from './limits.ts'
import {
  LONGEST_ID,
  newId,
  PROTOCOL,
  readFar,
  writeNear,
  type Content,
  type FarMessage,
  type NearMessage,
} from './messages.ts'
import { table } from './methods.ts'
import { checkPort, openPort, type OpenPort, type Port } from './port.ts'
import { events } from './values.ts'

/** What a wallet is served with. */
export interface ServeOptions {
  /** What the far sides of this port may do. */
  readonly allow: Allow
  /** Hears of errors without a code, of which the far side is told nothing; the platform's `reportError` unless given. */
  readonly onError?: ((error: unknown) => void) | undefined
}

/** A wallet that is served. */
export interface ServedWallet {
  /**
   * Serves no more: to the far sides it is as if the wallet paused. The wallet and the port stay open.
   *
   * @example
   * const { port1 } = new MessageChannel()
   * const served = serveWallet(wallet, port1, { allow: { balances: true } })
   * served.close()
   */
  close(): void
  /** As `close`. */
  [Symbol.dispose](): void
}

/** Far sides at one port; beyond that the one that was silent longest is forgotten. */
const MOST_CONNECTIONS = 64
/** Calls of one far side that are under way at once. */
const MOST_CALLS = 256
/** The longest name of what is listened to. */
const LONGEST_NAME = 600
/** What one far side listens to at once. */
export const MOST_LISTENED = 1_000

/**
 * Lets others call the wallet through a port, as far as `allow` says, until the port ends or `close` is called. Seed, keys and the secrets of proofs never cross; a token
 * crosses where `send` is allowed, to those who make it or find its operation.
 *
 * @throws {TypeError} naming the argument
 * @example
 * const { port1, port2 } = new MessageChannel()
 * const served = serveWallet(wallet, port1, { allow: { balances: true, send: { upTo: 1000 } } })
 * const far = await connectWallet(port2)
 * console.log(await far.balances())
 * await far.close()
 * served.close()
 * port1.close()
 */
export function serveWallet(wallet: Wallet, port: Port, options: ServeOptions): ServedWallet {
  checkMethods(wallet, 'wallet', ['on', 'balances', 'close'])
  checkPort(port)
  checkNames(options, 'options', ['allow', 'onError'])
  checkFunction(options.onError, 'onError')
  const near = new NearSide(wallet, port, new Permissions(wallet, options.allow), options.onError ?? reportError)
  return { close: () => near.close(), [Symbol.dispose]: () => near.close() }
}

class NearSide {
  readonly #id = newId()
  readonly #port: OpenPort
  readonly #wallet: Wallet
  readonly #permissions: Permissions
  readonly #onError: (error: unknown) => void
  /** By the far sides' ids; the one that spoke last is last. */
  readonly #connections = new Map<string, Connection>()

  constructor(wallet: Wallet, port: Port, permissions: Permissions, onError: (error: unknown) => void) {
    this.#wallet = wallet
    this.#permissions = permissions
    this.#onError = onError
    const heard = (message: string): void => {
      try {
        this.#hear(message)
      } catch (error) {
        onError(error)
      }
    }
    this.#port = openPort(port, { heard, ended: () => this.#forgetAll() })
    this.#say(undefined, { type: 'here' })
  }

  close(): void {
    this.#say(undefined, { type: 'gone' })
    this.#port.stop()
    this.#forgetAll()
  }

  #say(to: string | undefined, content: Content<NearMessage>): void {
    this.#port.post(writeNear({ ...content, from: this.#id, to }))
  }

  #hear(given: string): void {
    const message = readFar(given)
    if (!message || message.from.length > LONGEST_ID) return
    if (message.type === 'hello') return this.#welcome(message)
    if (message.to !== this.#id) return
    const connection = this.#connections.get(message.from)
    if (!connection) {
      if (message.type !== 'bye') this.#say(message.from, { type: 'unknown' })
      return
    }
    this.#connections.delete(message.from)
    if (message.type === 'bye') return connection.end()
    this.#connections.set(message.from, connection)
    connection.hear(message)
  }

  #welcome({ from, version }: { readonly from: string; readonly version: number }): void {
    if (version !== PROTOCOL) return this.#say(from, { type: 'refused', version: PROTOCOL })
    if (!this.#connections.has(from)) {
      const [silent] = this.#connections
      if (silent && this.#connections.size >= MOST_CONNECTIONS) {
        this.#connections.delete(silent[0])
        silent[1].end()
      }
      const say = (content: Content<NearMessage>): void => this.#say(from, content)
      this.#connections.set(from, new Connection(this.#wallet, this.#permissions, say, this.#onError))
    }
    this.#connections.get(from)?.tellRole()
    this.#say(from, { type: 'welcome', verbs: [...this.#permissions.verbs] })
  }

  #forgetAll(): void {
    for (const connection of this.#connections.values()) connection.end()
    this.#connections.clear()
  }
}

type Call = Extract<FarMessage, { readonly type: 'call' }>

/** One far side, as the near side knows it. */
class Connection {
  readonly #wallet: Wallet
  readonly #permissions: Permissions
  readonly #say: (content: Content<NearMessage>) => void
  readonly #onError: (error: unknown) => void
  readonly #calls = new Map<number, AbortController>()
  readonly #listened = new Set<string>()
  readonly #stops: (() => void)[] = []
  readonly #queue: EventQueue
  #role = ''

  constructor(
    wallet: Wallet,
    permissions: Permissions,
    say: (content: Content<NearMessage>) => void,
    onError: (error: unknown) => void,
  ) {
    this.#wallet = wallet
    this.#permissions = permissions
    this.#say = say
    this.#onError = onError
    this.#queue = new EventQueue((at, { event, value }) => say({ type: 'event', at, event, value }))
    this.#stops.push(
      wallet.on('operation', (given) => {
        if (this.#permissions.allows(given.kind)) this.#tell(`id:${given.id}`, '', given.id)
        this.#tell('operation', given.id, events.operation.encode(given, 'event'))
      }),
      wallet.on('balance', (given) =>
        this.#tell('balance', `${given.mintUrl} ${given.unit}`, events.balance.encode(given, 'event')),
      ),
      wallet.on('quote', (given) => this.#tell('quote', given.operationId, events.quote.encode(given, 'event'))),
    )
  }

  /** Nobody waits for its calls any more; their operations go on. */
  end(): void {
    for (const stop of this.#stops) stop()
    for (const call of this.#calls.values()) call.abort()
    this.#calls.clear()
  }

  tellRole(): void {
    const { role, roleReason: reason, crypto } = this.#wallet
    const now = `${role} ${reason ?? ''}`
    if (now === this.#role) return
    this.#role = now
    this.#say({ type: 'role', role, reason, crypto: crypto.name })
  }

  hear(message: Exclude<FarMessage, { readonly type: 'hello' | 'bye' }>): void {
    switch (message.type) {
      case 'call':
        return void this.#answer(message).catch(this.#onError)
      case 'abort':
        return this.#calls.get(message.n)?.abort()
      case 'listen':
        for (const name of message.end) this.#listened.delete(name)
        for (const name of message.begin)
          if (this.#listened.size < MOST_LISTENED && name.length <= LONGEST_NAME) this.#listened.add(name)
        return undefined
      case 'heard':
        return this.#queue.heard(message.at)
      case 'ping':
        this.tellRole()
        return this.#say({ type: 'pong' })
    }
  }

  #tell(name: string, about: string, value: Parameters<EventQueue['push']>[0]['value'] | undefined): void {
    if (!this.#listened.has(name) || value === undefined) return
    if (Object.hasOwn(events, name) && !this.#permissions.allows('events')) return
    this.#queue.push({ event: name, about, value })
  }

  async #answer({ n, method, args, hasSignal }: Call): Promise<void> {
    // The same number again is no call.
    if (this.#calls.has(n)) return
    const call = new AbortController()
    const made = new Set<string>()
    const stop = this.#wallet.on('operation', ({ id, what }) => void (what === 'created' && made.add(id)))
    try {
      if (this.#calls.size >= MOST_CALLS) throw new HardshellError('TOO_MANY_CALLS', `at most ${MOST_CALLS} at once`)
      this.#calls.set(n, call)
      const found = table.get(method)
      if (!found || !this.#permissions.allows(found.verb)) throw notAllowed('this call is not allowed')
      const { signal } = call
      const beside = { wallet: this.#wallet, permissions: this.#permissions, signal, hasSignal }
      const value = await found.answer({ ...beside, created: (id) => made.has(id) }, args)
      this.#settle(call, { type: 'result', n, value })
    } catch (error) {
      if (!isCoded(error) && !call.signal.aborted) this.#onError(error)
      this.#settle(call, { type: 'failed', n, error: failure.encode(error, 'error') ?? null })
    } finally {
      stop()
      if (this.#calls.get(n) === call) this.#calls.delete(n)
    }
  }

  /** Where nobody waits any more, nothing is said. */
  #settle(call: AbortController, content: Content<NearMessage>): void {
    if (call.signal.aborted) return
    this.tellRole()
    this.#say(content)
  }
}

/** The far side's connection: calls and events over a port, found again when the other side was away. */
import { HardshellError } from '../kernel/util/errors.ts'
import { unharmed } from '../kernel/util/report.ts'
import type { Role } from '../kernel/share/ownership.ts'
import { timerFor } from '../timer.ts'
import type { WalletEvents } from '../wallet/events.ts'
import { failure, unavailable, unreachable } from './errors.ts'
import { newId, PROTOCOL, readNear, writeFar, type Content, type FarMessage, type NearMessage } from './messages.ts'
import type { Method } from './methods.ts'
import { openPort, type OpenPort, type Port } from './port.ts'
import { events } from './values.ts'

/** Where a connection stands: `waiting` for a near side, `open`, or `closed` for good. */
export type ConnectionState = 'waiting' | 'open' | 'closed'

export interface LinkOptions {
  /** A port, the same or another each time that the near side went. @throws {TypeError} where it is none */
  readonly port: () => Port | Promise<Port>
  /** Whether the ports are to be closed. */
  readonly ownsPorts: boolean
  readonly waitMs: number
  readonly pingMs: number
}

/** How often an unanswered hello is said again. */
const HELLO_MS = 500
/** Hellos to one port that may stay unanswered; where another port can be had, it is asked for then. */
const MOST_HELLOS = 120
/** Pings without an answer after which the near side counts as gone. */
const MOST_UNANSWERED = 3
/** How soon a near side answers where another one has just begun. */
const PROBE_MS = 2_000
/** Events that are heard before this is said. */
const HEARD_TOGETHER = 16
/** What is listened to at most. */
const MOST_LISTENED = 1_000

/** A call that was made. */
interface Pending {
  readonly answered: Promise<unknown>
  readonly resolve: (given: unknown) => void
  readonly reject: (error: unknown) => void
}

type Timer = ReturnType<typeof setTimeout>

export class Link {
  readonly #options: LinkOptions
  readonly #pending = new Map<number, Pending>()
  /** Who listens to what, by its name. */
  readonly #listeners = new Map<string, Set<(value: unknown) => void>>()
  readonly #watchers = new Set<(state: ConnectionState) => void>()
  /** Calls that wait for the connection. */
  readonly #waiting = new Set<() => void>()
  #state: ConnectionState = 'waiting'
  #why: Error | undefined
  #id = ''
  #near = ''
  #port: OpenPort | undefined
  #opened: Port | undefined
  #timer: Timer | undefined
  #hellos = 0
  #unanswered = 0
  #calls = 0
  #heard = 0
  /** As the near side last said. */
  verbs: readonly string[] = []
  role: Role = 'pending'
  roleReason: string | undefined
  /** The name of the crypto library beside the money. */
  crypto = ''

  constructor(options: LinkOptions) {
    this.#options = options
    void this.#attach()
  }

  get state(): ConnectionState {
    return this.#state
  }

  /** Calls back whenever the connection stands otherwise. */
  watch(watcher: (state: ConnectionState) => void): () => void {
    this.#watchers.add(watcher)
    return () => void this.#watchers.delete(watcher)
  }

  /** Calls a method. Rejects with `UNAVAILABLE` where the near side goes before its answer. */
  async call<A, R>(method: Method<A, R>, args: A, signal?: AbortSignal): Promise<R> {
    signal?.throwIfAborted()
    const asked = method.ask(args)
    // It may go again before this goes on.
    while (this.#state !== 'open') await this.open(this.#options.waitMs, signal)
    const n = ++this.#calls
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const aborted = (): void => {
      if (this.#pending.delete(n)) this.#post({ type: 'abort', n })
      reject(signal?.reason)
    }
    this.#pending.set(n, { answered: promise, resolve, reject })
    signal?.addEventListener('abort', aborted)
    try {
      this.#post({ type: 'call', n, method: method.name, args: asked, hasSignal: signal !== undefined })
      const given = await promise
      return understood(() => method.read(given))
    } finally {
      signal?.removeEventListener('abort', aborted)
      this.#pending.delete(n)
    }
  }

  /** Waits for the connection, so long at most. @throws {HardshellError} `UNAVAILABLE`, `CLOSED`, `PROTOCOL_MISMATCH` */
  async open(waitMs: number, signal?: AbortSignal): Promise<void> {
    if (this.#state === 'waiting')
      await new Promise<void>((resolve, reject) => {
        const end = (): void => {
          clearTimeout(timer)
          signal?.removeEventListener('abort', aborted)
          this.#waiting.delete(end)
          if (this.#state === 'waiting') reject(unreachable())
          else resolve()
        }
        const aborted = (): void => {
          reject(signal?.reason as Error)
          end()
        }
        const timer = timerFor(end, waitMs)
        signal?.addEventListener('abort', aborted, { once: true })
        this.#waiting.add(end)
      })
    signal?.throwIfAborted()
    if (this.#state === 'closed') throw this.#why ?? new HardshellError('CLOSED', 'this connection is closed')
  }

  /** Listens to a name of the near side's events, or to `id:` with an operation's id. */
  listen(name: string, listener: (value: unknown) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set()
    if (listeners.size === 0) {
      if (this.#listeners.size >= MOST_LISTENED)
        throw new HardshellError('TOO_MANY_CALLS', `at most ${MOST_LISTENED} operations are subscribed to at once`)
      this.#listeners.set(name, listeners)
      this.#post({ type: 'listen', begin: [name], end: [] })
    }
    listeners.add(listener)
    return () => {
      if (!listeners.delete(listener) || listeners.size > 0) return
      this.#listeners.delete(name)
      this.#post({ type: 'listen', begin: [], end: [name] })
    }
  }

  /** Waits so long for calls under way, then ends the connection. */
  async close(deadlineMs: number): Promise<void> {
    const answered = Promise.allSettled([...this.#pending.values()].map(({ answered }) => answered))
    if (deadlineMs > 0 && this.#pending.size > 0) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = timerFor(resolve, deadlineMs)
      await Promise.race([answered, promise])
      clearTimeout(timer)
    }
    this.#end(undefined)
  }

  #end(why: Error | undefined): void {
    if (this.#state === 'closed') return
    this.#why = why
    this.#post({ type: 'bye' })
    this.#detach()
    this.#turn('closed')
    this.#rejectAll(why ?? new HardshellError('CLOSED', 'this connection is closed'))
    this.#listeners.clear()
  }

  #turn(state: ConnectionState): void {
    if (this.#state === state) return
    this.#state = state
    if (state !== 'waiting') for (const end of [...this.#waiting]) end()
    for (const watcher of [...this.#watchers]) unharmed(() => watcher(state))
  }

  #rejectAll(error: Error): void {
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const { reject } of pending) reject(error)
  }

  #detach(): void {
    clearTimeout(this.#timer)
    this.#port?.stop()
    if (this.#options.ownsPorts) this.#opened?.close?.()
    this.#port = undefined
    this.#opened = undefined
  }

  /** The near side went: what is under way ends, and the next one is looked for. */
  #lost(): void {
    if (this.#state === 'closed') return
    this.#detach()
    this.#near = ''
    this.#turn('waiting')
    this.#rejectAll(unavailable())
    void this.#attach()
  }

  async #attach(): Promise<void> {
    const id = newId()
    this.#id = id
    this.#heard = 0
    this.#hellos = 0
    try {
      const port = await this.#options.port()
      if (this.#id !== id || this.#state === 'closed') {
        if (this.#options.ownsPorts) port.close?.()
        return
      }
      this.#opened = port
      this.#port = openPort(port, {
        heard: (message) => this.#id === id && this.#hear(message),
        ended: () => this.#id === id && this.#ended(),
      })
      this.#hello()
    } catch (error) {
      if (error instanceof TypeError) return this.#end(error)
      this.#again(() => void this.#attach(), HELLO_MS)
    }
  }

  /** A port that was given ends once; of others there may be a next one. */
  #ended(): void {
    if (this.#state === 'open') this.#lost()
    else if (this.#options.ownsPorts) this.#again(() => this.#lost(), HELLO_MS)
  }

  #again(act: () => void, delayMs: number): void {
    clearTimeout(this.#timer)
    if (this.#state !== 'closed') this.#timer = timerFor(act, delayMs)
  }

  #hello(): void {
    if (this.#options.ownsPorts && ++this.#hellos > MOST_HELLOS) return this.#lost()
    this.#port?.post(writeFar({ type: 'hello', from: this.#id, to: undefined, version: PROTOCOL }))
    this.#again(() => this.#hello(), HELLO_MS)
  }

  #post(content: Content<FarMessage>): void {
    if (this.#near !== '') this.#port?.post(writeFar({ ...content, from: this.#id, to: this.#near }))
  }

  #ping(everyMs: number): void {
    if (this.#unanswered >= MOST_UNANSWERED) return this.#lost()
    this.#unanswered++
    this.#post({ type: 'ping' })
    this.#again(() => this.#ping(this.#options.pingMs), everyMs)
  }

  #hear(given: string): void {
    const message = readNear(given)
    if (!message) return
    if (message.type === 'here') return this.#hearOfAnother()
    if (this.#state === 'open' && message.from !== this.#near) return
    if (message.type === 'gone') return this.#state === 'open' ? this.#lost() : undefined
    if (message.to !== this.#id) return
    this.#unanswered = 0
    this.#take(message)
  }

  /** A near side begins: maybe in the place of ours. */
  #hearOfAnother(): void {
    if (this.#state === 'waiting') return this.#hello()
    this.#unanswered = MOST_UNANSWERED - 1
    this.#ping(PROBE_MS)
  }

  #take(message: Exclude<NearMessage, { readonly type: 'here' | 'gone' }>): void {
    switch (message.type) {
      case 'welcome':
        return this.#welcomed(message)
      case 'refused':
        return this.#end(
          new HardshellError(
            'PROTOCOL_MISMATCH',
            `the near side speaks version ${message.version}, this one ${PROTOCOL}`,
          ),
        )
      case 'unknown':
        return this.#lost()
      case 'role':
        this.role = message.role
        this.roleReason = message.reason
        this.crypto = message.crypto
        return undefined
      case 'result':
        return this.#pendingCall(message.n)?.resolve(message.value)
      case 'failed':
        return this.#pendingCall(message.n)?.reject(errorOf(message.error))
      case 'event':
        return this.#deliver(message)
      case 'pong':
        return undefined
    }
  }

  #pendingCall(n: number): Pending | undefined {
    const pending = this.#pending.get(n)
    this.#pending.delete(n)
    return pending
  }

  #welcomed({ from, verbs }: { readonly from: string; readonly verbs: readonly string[] }): void {
    if (this.#state !== 'waiting') return
    this.#near = from
    this.verbs = verbs
    this.#unanswered = 0
    this.#again(() => this.#ping(this.#options.pingMs), this.#options.pingMs)
    // What is listened to is known there before a call is made.
    if (this.#listeners.size > 0) this.#post({ type: 'listen', begin: [...this.#listeners.keys()], end: [] })
    this.#turn('open')
  }

  #deliver({ at, event, value }: { readonly at: number; readonly event: string; readonly value: unknown }): void {
    const decode = (): unknown =>
      Object.hasOwn(events, event) ? events[event as keyof WalletEvents].decode(value, 'event') : undefined
    for (const listener of [...(this.#listeners.get(event) ?? [])]) unharmed(() => listener(decode()))
    if (at - this.#heard < HEARD_TOGETHER) return
    this.#heard = at
    this.#post({ type: 'heard', at })
  }
}

/** What the near side said. @throws {HardshellError} `DEFECT` where it is nothing that it may say */
function understood<R>(read: () => R): R {
  try {
    return read()
  } catch (cause) {
    throw new HardshellError('DEFECT', 'the near side gave no answer of this method', { cause })
  }
}

/** The error that the near side told. */
function errorOf(given: unknown): unknown {
  try {
    return understood(() => failure.decode(given, 'error'))
  } catch (error) {
    return error
  }
}

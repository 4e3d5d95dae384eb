/** Carries out requests that move ecash: each as one durable operation, however often it is repeated (NUT-19). */
import type { OperationView } from '../kernel/define/operation.ts'
import type { Operations } from '../kernel/operations.ts'
import { sleep } from '../kernel/util/ports.ts'
import type { Context, Party } from './context.ts'
import { MintError } from './http/request.ts'
import type { Asked } from './http/requests.ts'
import { replay } from './http/responses.ts'
import type { Engine } from './http/routes.ts'
import { POLL_LIMIT_MS } from './lightning/time-limit.ts'
import type { HandleOptions } from './mint-api.ts'
import { issueKind } from './operations/issue.ts'
import { meltKind } from './operations/melt.ts'
import { swapKind } from './operations/swap.ts'
import { has } from './ports.ts'
import { meltAnswer } from './protocol/melt-quotes.ts'
import { ResultWaiters } from './protocol/results.ts'

interface EngineOptions {
  readonly context: Context
  readonly operations: Operations<never>
  /** Throws where another process signs with the same seed on another database. */
  readonly assertAlone: () => void
  /** How long a request waits for its operation. */
  readonly waitMs: number
  /** Aborts when the mint closes: requests wait no longer, operations go on at the next start. */
  readonly stopped: AbortSignal
}

/** The reason that ends a request's timers. It is shared, because making an error costs more than a request. */
const OVER = new Error('the request is answered')

export class OperationEngine implements Engine {
  readonly #of: EngineOptions
  readonly #waiters: ResultWaiters
  /** The polls of payments that are under way: one for each operation, however many ask. */
  readonly #polls = new Map<string, Promise<void>>()

  constructor(of: EngineOptions) {
    this.#of = of
    const { operations, context } = of
    this.#waiters = new ResultWaiters({ operations, kept: (key) => this.#kept(key) })
    operations.on(({ row }) => {
      if (row.status !== 'active') context.calls.ended(row.id)
    })
  }

  async carryOut(key: string, asked: () => Promise<Asked>, options: HandleOptions): Promise<object | string> {
    this.#of.assertAlone()
    const before = await this.#kept(key)
    if (before !== undefined) return before
    const wanted = await asked()
    try {
      return await this.#answerOf(key, wanted, options)
    } catch (error) {
      // The same request may have been carried out since.
      const now = error instanceof MintError ? await this.#kept(key) : undefined
      if (now !== undefined) return now
      throw error
    }
  }

  async ask({ operationId }: { readonly operationId: string | null }): Promise<void> {
    if (operationId !== null) await this.#poll(operationId)
  }

  /** The stored answer to a request (NUT-19). */
  async #kept(key: string): Promise<string | undefined> {
    const { store, clock, settings } = this.#of.context
    return has(settings, 19) ? replay(store, key, clock.now()) : undefined
  }

  async #answerOf(key: string, wanted: Asked, options: HandleOptions): Promise<object | string> {
    const { waitMs, stopped } = this.#of
    const { store, clock, newId } = this.#of.context
    const { respondAsync = false, signal, client } = options
    const isMelt = wanted.kind === 'mint-melt'
    const id = newId()
    const limit = new AbortController()
    const limited = AbortSignal.any([limit.signal, stopped, ...(signal ? [signal] : [])])
    const answer = this.#waiters.answerOf(id, limited)
    answer.catch(() => {})
    try {
      const running = await this.#begun(id, wanted, key, client)
      const timeout = sleep(clock, respondAsync && isMelt ? 0 : waitMs, limited).then(() => undefined)
      const result = await Promise.race([running === id ? answer : this.#joined(running, isMelt, limited), timeout])
      if (result !== undefined) return result
      signal?.throwIfAborted()
      stopped.throwIfAborted()
      if (!isMelt) throw new Error('the operation takes longer than the wallet will wait')
      const { quoteId } = wanted.input
      return meltAnswer((await store.get('meltQuotes', [quoteId]))!)
    } finally {
      limit.abort(OVER)
    }
  }

  /** Begins an operation and returns its id. Returns the id of the running one if the same request has begun it already. */
  async #begun(id: string, wanted: Asked, key: string, client: Party): Promise<string> {
    const { context } = this.#of
    for (let tries = 1; ; tries++)
      try {
        context.calls.began(id, client)
        await this.#create(id, wanted, key)
        return id
      } catch (error) {
        if (!(error instanceof MintError)) throw error
        context.calls.ended(id)
        // The rows that the same request reserved may be the cause of the refusal.
        const other = await this.#underWay(key)
        if (other !== undefined) return other
        if (tries > 1) throw error
      }
  }

  #create(id: string, { kind, input }: Asked, request: string): Promise<OperationView> {
    const { operations } = this.#of
    switch (kind) {
      case 'mint-swap':
        return operations.of(swapKind).create({ ...input, request }, { id })
      case 'mint-issue':
        return operations.of(issueKind).create({ ...input, request }, { id })
      case 'mint-melt':
        return operations.of(meltKind).create({ ...input, request }, { id })
    }
  }

  /** The operation that the same request began, while it runs. */
  async #underWay(key: string): Promise<string | undefined> {
    const { store, settings } = this.#of.context
    const query = { table: 'operations', index: 'byRequest', prefix: [key, 'active'], limit: 1 } as const
    const [row] = has(settings, 19) ? await store.query(query) : []
    return row?.id
  }

  /** A melt returns its current status; every other call returns its result. */
  async #joined(id: string, isMelt: boolean, signal: AbortSignal): Promise<string | undefined> {
    if (!isMelt) return this.#waiters.joined(id, signal)
    await this.#poll(id)
    return undefined
  }

  #poll(id: string): Promise<void> {
    const poll = this.#polls.get(id) ?? this.#pollOnce(id).finally(() => this.#polls.delete(id))
    this.#polls.set(id, poll)
    return poll
  }

  /** Asks the backend for a payment's state, and gives up after `POLL_LIMIT_MS`. */
  async #pollOnce(id: string): Promise<void> {
    const { operations, context } = this.#of
    const limit = new AbortController()
    const polled = async (): Promise<void> => {
      await operations.poll(id)
      const { state } = await operations.get(id)
      // Once the payment is decided, the operation ends soon.
      if (!state.startsWith('paymentAttempted')) await this.#waiters.joined(id, limit.signal)
    }
    await Promise.race([polled().catch(() => {}), sleep(context.clock, POLL_LIMIT_MS, limit.signal)])
    limit.abort()
  }
}

/**
 * Polls of many operations share requests: what is due at the same moment, by the same poll in the same lane, goes out
 * as one request for as many operations as the poll takes at once.
 */
import type { EventObject } from 'xstate'
import type { RequestLimiter } from './request-limiter.ts'
import type { Reader, Poll } from '../define/operation.ts'

interface Waiter {
  readonly context: unknown
  readonly priority: number
  readonly signal: AbortSignal
  readonly answer: (event: EventObject | undefined) => void
  readonly failed: (error: unknown) => void
}

export class Poller {
  readonly #limiter: RequestLimiter
  /** By poll, and by lane. */
  readonly #waiting = new Map<Poll<unknown, EventObject>, Map<string, Waiter[]>>()

  constructor(limiter: RequestLimiter) {
    this.#limiter = limiter
  }

  /** The event for one operation, if there is one; none where the signal aborts first. */
  ask(
    poll: Poll<unknown, EventObject>,
    lane: string,
    read: Reader,
    of: { readonly context: unknown; readonly signal: AbortSignal; readonly priority: number },
  ): Promise<EventObject | undefined> {
    const { signal } = of
    const { promise, resolve: answer, reject: failed } = Promise.withResolvers<EventObject | undefined>()
    const drop = (): void => answer(undefined)
    if (signal.aborted) drop()
    else {
      signal.addEventListener('abort', drop)
      const lanes = this.#waiting.get(poll) ?? new Map<string, Waiter[]>()
      this.#waiting.set(poll, lanes)
      const waiters = lanes.get(lane)
      if (waiters) waiters.push({ ...of, answer, failed })
      else {
        lanes.set(lane, [{ ...of, answer, failed }])
        // Whatever is due at this moment is asked before the microtasks run.
        queueMicrotask(() => this.#flush(poll, lane, read))
      }
    }
    return promise.finally(() => signal.removeEventListener('abort', drop))
  }

  #flush(poll: Poll<unknown, EventObject>, lane: string, read: Reader): void {
    const waiters = this.#waiting.get(poll)?.get(lane) ?? []
    this.#waiting.get(poll)?.delete(lane)
    const live = waiters.filter(({ signal }) => !signal.aborted)
    for (let from = 0; from < live.length; from += poll.most)
      void this.#send(poll, lane, read, live.slice(from, from + poll.most))
  }

  async #send(poll: Poll<unknown, EventObject>, lane: string, read: Reader, waiters: readonly Waiter[]): Promise<void> {
    // The request is given up only when nobody wants its answer any more.
    const controller = new AbortController()
    const drop = (): void => {
      if (waiters.every(({ signal }) => signal.aborted)) controller.abort()
    }
    for (const { signal } of waiters) signal.addEventListener('abort', drop)
    try {
      const { signal } = controller
      const contexts = waiters.map(({ context }) => context)
      const ask = () => poll.ask({ contexts, signal, read })
      const events = await this.#limiter.run(lane, signal, ask, Math.max(...waiters.map(({ priority }) => priority)))
      for (const [at, { answer }] of waiters.entries()) answer(events?.[at])
    } catch (error) {
      for (const { failed } of waiters) failed(error)
    } finally {
      for (const { signal } of waiters) signal.removeEventListener('abort', drop)
    }
  }
}

/**
 * Questions of many operations that travel together: what is asked at the same moment, of the same watch in the same
 * lane, goes out as one request for as many operations as the watch takes at once.
 */
import type { EventObject } from 'xstate'
import type { Lanes } from './lanes.ts'
import type { Reader, Watch } from '../define/operation.ts'

interface Question {
  readonly context: unknown
  readonly signal: AbortSignal
  readonly answer: (news: EventObject | undefined) => void
  readonly failed: (error: unknown) => void
}

export class Questions {
  readonly #lanes: Lanes
  /** By watch, and by lane. */
  readonly #waiting = new Map<Watch<unknown, EventObject>, Map<string, Question[]>>()

  constructor(lanes: Lanes) {
    this.#lanes = lanes
  }

  /** The news for one operation, if there are any; none where the signal aborts first. */
  ask(
    watch: Watch<unknown, EventObject>,
    lane: string,
    read: Reader,
    of: { readonly context: unknown; readonly signal: AbortSignal },
  ): Promise<EventObject | undefined> {
    const { signal } = of
    const { promise, resolve: answer, reject: failed } = Promise.withResolvers<EventObject | undefined>()
    const drop = (): void => answer(undefined)
    if (signal.aborted) drop()
    else {
      signal.addEventListener('abort', drop)
      const lanes = this.#waiting.get(watch) ?? new Map<string, Question[]>()
      this.#waiting.set(watch, lanes)
      const questions = lanes.get(lane)
      if (questions) questions.push({ ...of, answer, failed })
      else {
        lanes.set(lane, [{ ...of, answer, failed }])
        // Whatever is due at this moment is asked before the microtasks run.
        queueMicrotask(() => this.#flush(watch, lane, read))
      }
    }
    return promise.finally(() => signal.removeEventListener('abort', drop))
  }

  #flush(watch: Watch<unknown, EventObject>, lane: string, read: Reader): void {
    const questions = this.#waiting.get(watch)?.get(lane) ?? []
    this.#waiting.get(watch)?.delete(lane)
    const live = questions.filter(({ signal }) => !signal.aborted)
    for (let from = 0; from < live.length; from += watch.most)
      void this.#send(watch, lane, read, live.slice(from, from + watch.most))
  }

  async #send(
    watch: Watch<unknown, EventObject>,
    lane: string,
    read: Reader,
    questions: readonly Question[],
  ): Promise<void> {
    // The request is given up only when nobody wants its answer any more.
    const controller = new AbortController()
    const drop = (): void => {
      if (questions.every(({ signal }) => signal.aborted)) controller.abort()
    }
    for (const { signal } of questions) signal.addEventListener('abort', drop)
    try {
      const { signal } = controller
      const contexts = questions.map(({ context }) => context)
      const news = await this.#lanes.run(lane, signal, () => watch.ask({ contexts, signal, read }))
      for (const [at, { answer }] of questions.entries()) answer(news?.[at])
    } catch (error) {
      for (const { failed } of questions) failed(error)
    } finally {
      for (const { signal } of questions) signal.removeEventListener('abort', drop)
    }
  }
}

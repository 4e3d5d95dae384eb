/** Crypto takes milliseconds, and the thread that does it does everything else as well. */
import { setImmediate } from 'node:timers/promises'
import type { Signatory } from './signatory.ts'

/** How long the thread is held before others get their turn: the more requests come by in that, the more share a commit. */
const SLICE_MS = 100
/** So that calls that are long come to an end, however many short ones there are. */
const LONG_EVERY = 4

/** What to wait for between two pieces of work: others get their turn where the last one of theirs is a while ago. */
export function taker(): () => Promise<void> {
  let untilMs = performance.now() + SLICE_MS
  return async () => {
    if (performance.now() < untilMs) return
    await setImmediate()
    untilMs = performance.now() + SLICE_MS
  }
}

/**
 * A signatory of this thread that lets requests come in, timers ring and commits be made in between: many requests at once
 * would else hold up all of it until the last one was done. One call is done after the other, but for those that take longer
 * than a slice, as a thousand forged inputs do: they let go first who has not had a slice yet, but for every fourth slice.
 */
export function inTurns(signatory: Signatory): Signatory {
  /** Each does one item, and says whether it was the last one. */
  const waiting: (() => Promise<boolean>)[] = []
  /** Those that have had a slice. */
  const long: (() => Promise<boolean>)[] = []
  let slices = 0
  const take = (): (() => Promise<boolean>) | undefined =>
    (++slices % LONG_EVERY === 0 ? long.shift() : undefined) ?? waiting.shift() ?? long.shift()
  let isWorking = false
  let untilMs = 0

  async function work(): Promise<void> {
    if (isWorking) return
    isWorking = true
    for (let next = take(); next; next = take()) {
      let isOver = false
      do {
        if (performance.now() >= untilMs) {
          await setImmediate()
          untilMs = performance.now() + SLICE_MS
        }
        isOver = await next()
      } while (!isOver && performance.now() < untilMs)
      if (!isOver) long.push(next)
    }
    isWorking = false
  }

  function queued<I, O>(
    items: readonly I[],
    call: (items: readonly I[]) => Promise<readonly O[]>,
    signal: AbortSignal | undefined,
  ): Promise<O[]> {
    const { promise, resolve, reject } = Promise.withResolvers<O[]>()
    const results: O[] = []
    let at = 0
    waiting.push(async () => {
      try {
        signal?.throwIfAborted()
        if (at < items.length) results.push(...(await call([items[at++]!])))
        if (at < items.length) return false
        resolve(results)
      } catch (error) {
        reject(error)
      }
      return true
    })
    void work()
    return promise
  }

  return {
    publicKeys: (...asked) => signatory.publicKeys(...asked),
    verify: (proofs, signal) => queued(proofs, (items) => signatory.verify(items, signal), signal),
    sign: (outputs, signal) => queued(outputs, (items) => signatory.sign(items, signal), signal),
  }
}

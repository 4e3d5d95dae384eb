/** Time slicing: crypto takes milliseconds on the one thread that does everything else. */
import { setImmediate } from 'node:timers/promises'
import { taker as sharedTaker } from '../../time-slices.ts'
import type { Signatory } from '../signatory/signatory.ts'

/**
 * How long the thread is held before others get their turn: the more requests come by in that, the more share a commit. With the piece of
 * work that is begun at the end, it is held for less than 50 ms.
 */
const SLICE_MS = 40

/** As the wallet's, with the mint's slices. */
export const taker = (): (() => Promise<void>) => sharedTaker(SLICE_MS)

/** Every n-th slice goes to the oldest call, so that long calls end however many short ones there are. */
const OLDEST_EVERY = 4

/** A call that is under way. */
interface Work {
  /** How many items are still to be done. */
  left: number
  /** Does one item. */
  readonly step: () => Promise<void>
}

/**
 * A signatory of this thread that lets requests come in, timers ring and commits be made in between: many requests at once
 * would else hold up all of it until the last one was done. The call of which the least is left goes first: a thousand
 * forged inputs hold up nobody who asks for two signatures, and of many calls alike one after the other ends, not all of
 * them late.
 */
export function inTimeSlices(signatory: Signatory): Signatory {
  /** In the order in which they came. */
  const waiting = new Set<Work>()
  let isWorking = false
  let untilMs = 0
  let slices = 0

  function next(): Work | undefined {
    const [oldest] = waiting
    if (!oldest || ++slices % OLDEST_EVERY === 0) return oldest
    let least = oldest
    for (const work of waiting) if (work.left < least.left) least = work
    return least
  }

  async function work(): Promise<void> {
    if (isWorking) return
    isWorking = true
    for (let now = next(); now; now = next())
      do {
        if (performance.now() >= untilMs) {
          await setImmediate()
          untilMs = performance.now() + SLICE_MS
        }
        await now.step()
        if (now.left === 0) waiting.delete(now)
      } while (now.left > 0 && performance.now() < untilMs)
    isWorking = false
  }

  function queued<I, O>(
    items: readonly I[],
    call: (items: readonly I[]) => Promise<readonly O[]>,
    signal: AbortSignal | undefined,
  ): Promise<O[]> {
    const { promise, resolve, reject } = Promise.withResolvers<O[]>()
    const results: O[] = []
    const mine: Work = {
      left: items.length,
      async step() {
        try {
          signal?.throwIfAborted()
          if (mine.left > 0) results.push(...(await call([items[items.length - mine.left]!])))
          mine.left = Math.max(0, mine.left - 1)
          if (mine.left === 0) resolve(results)
        } catch (error) {
          mine.left = 0
          reject(error)
        }
      },
    }
    waiting.add(mine)
    void work()
    return promise
  }

  return {
    publicKeys: (...asked) => signatory.publicKeys(...asked),
    verify: (proofs, signal) => queued(proofs, (items) => signatory.verify(items, signal), signal),
    sign: (outputs, signal) => queued(outputs, (items) => signatory.sign(items, signal), signal),
  }
}

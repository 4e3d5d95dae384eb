/** Crypto takes milliseconds, and the thread that does it does everything else as well. */
import { setImmediate } from 'node:timers/promises'
import type { Signatory } from './signatory.ts'

/** How long the thread is held before others get their turn: the more requests come by in that, the more share a commit. */
const SLICE_MS = 100

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
 * A signatory of this thread that does one call after the other, and in between lets requests come in, timers ring and
 * commits be made: many requests at once would else hold up all of it until the last one was done.
 */
export function inTurns(signatory: Signatory): Signatory {
  let last: Promise<unknown> = Promise.resolve()
  let untilMs = 0

  function queued<I, O>(
    items: readonly I[],
    call: (items: readonly I[]) => Promise<readonly O[]>,
    signal: AbortSignal | undefined,
  ): Promise<O[]> {
    const done = last.then(async () => {
      const results: O[] = []
      for (const item of items) {
        signal?.throwIfAborted()
        if (performance.now() >= untilMs) {
          await setImmediate()
          untilMs = performance.now() + SLICE_MS
        }
        results.push(...(await call([item])))
      }
      return results
    })
    last = done.catch(() => {})
    return done
  }

  return {
    publicKeys: (...asked) => signatory.publicKeys(...asked),
    verify: (proofs, signal) => queued(proofs, (items) => signatory.verify(items, signal), signal),
    sign: (outputs, signal) => queued(outputs, (items) => signatory.sign(items, signal), signal),
  }
}

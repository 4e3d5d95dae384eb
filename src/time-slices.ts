/** Crypto takes milliseconds, and the thread that does it does everything else as well. */

/** Ends when timers have rung, answers have come in and others have gone on. */
export const nextTurn = (): Promise<void> => new Promise(soon)

function soon(go: () => void): void {
  // Node has it, and browsers do not.
  const { setImmediate: immediately } = globalThis as { setImmediate?: (call: () => void) => unknown }
  if (immediately) immediately(go)
  else {
    // Browsers let timers of tabs that nobody looks at wait for a second.
    const { port1, port2 } = new MessageChannel()
    const heard = (): void => {
      port1.close()
      go()
    }
    port1.addEventListener('message', heard, { once: true })
    port1.start()
    port2.postMessage(undefined)
  }
}

/** What to wait for between two pieces of work: others get their turn where the last one of theirs is a while ago. */
export function taker(sliceMs: number): () => Promise<void> {
  let untilMs = performance.now() + sliceMs
  return async () => {
    if (performance.now() < untilMs) return
    await nextTurn()
    untilMs = performance.now() + sliceMs
  }
}

/** Work in pieces: between two of them others may have their turn. What it comes to is what it returns. */
export type Pieces<T> = Generator<void, T, void>

/** Does all pieces at once. */
export function atOnce<T>(pieces: Pieces<T>): T {
  for (;;) {
    const next = pieces.next()
    if (next.done) return next.value
  }
}

/** Does all pieces, and awaits a turn between two of them. */
export async function inTurns<T>(pieces: Pieces<T>, turn: () => Promise<void>): Promise<T> {
  for (;;) {
    const next = pieces.next()
    if (next.done) return next.value
    await turn()
  }
}

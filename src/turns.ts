/** Crypto takes milliseconds, and the thread that does it does everything else as well. */

/** Ends when timers have rung, answers have come in and others have gone on. */
export const nextTurn = (): Promise<void> => new Promise(soon)

function soon(go: () => void): void {
  // Node has it, and browsers do not.
  const immediately: unknown = Reflect.get(globalThis, 'setImmediate')
  if (typeof immediately === 'function') immediately(go)
  else {
    // Browsers let timers of tabs that nobody looks at wait for a second.
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      go()
    }
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

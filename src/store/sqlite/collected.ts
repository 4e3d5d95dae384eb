/** Waits for objects that only the garbage collector ends. */
import { setImmediate, setTimeout } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** What stands behind an object may be collected later than the object: so many rounds follow the last one. */
const LAST_ROUNDS = 3
/** The first rounds follow each other at once. Later ones wait: a compiler's thread may hold an object until it is done. */
const FAST_ROUNDS = 10
const PAUSE_MS = 20
/** Gives up after about ten seconds: something else holds an object, a debugger for example. */
const MOST_ROUNDS = 500

export class Collected {
  #count = 0
  readonly #registry = new FinalizationRegistry<undefined>(() => void this.#count--)

  add(object: object): void {
    this.#count++
    this.#registry.register(object, undefined)
  }

  /** Resolves when all objects that were added have been collected. The caller must not hold any of them. */
  async all(): Promise<void> {
    let last = this.#count > 0 ? LAST_ROUNDS : 0
    for (let round = 0; round < MOST_ROUNDS && last > 0; round++) {
      if (round >= FAST_ROUNDS) await setTimeout(PAUSE_MS)
      // The caller's own stack may hold objects until the loop turns. What was collected is finalized in later turns.
      await setImmediate()
      collectGarbage()
      await setImmediate()
      if (this.#count === 0) last--
    }
  }
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
}

/** Waits for objects that only the garbage collector ends. */
import { setImmediate, setTimeout } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Native data of an object may be released later than the object: this many rounds follow when no object is left. */
const LAST_ROUNDS = 3
/**
 * The first rounds follow each other at once. Later ones pause: V8's compiler thread may hold an object until it is
 * done.
 */
const FAST_ROUNDS = 10
const PAUSE_MS = 20
/** After about ten seconds it gives up: something else holds an object, for example a debugger. */
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

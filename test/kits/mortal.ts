/** A process that can be killed in the middle of anything: whatever it waits for then never comes. */
import type { Store } from '../../src/store/port.ts'

const never = (): Promise<never> => new Promise(() => {})

export class Mortal {
  readonly #clock: { while<T>(work: () => Promise<T>): Promise<T> }
  #dead = false

  /** `clock` stands still while a call is worked on. */
  constructor(clock: { while<T>(work: () => Promise<T>): Promise<T> } = { while: (work) => work() }) {
    this.#clock = clock
  }

  /** SIGKILL. */
  kill(): void {
    this.#dead = true
  }

  get dead(): boolean {
    return this.#dead
  }

  /** Runs an asynchronous call of the process: not at all once it is dead, and its result never reaches a dead one. */
  async call<T>(run: () => Promise<T>): Promise<T> {
    if (this.#dead) return never()
    try {
      const result = await this.#clock.while(run)
      return this.#dead ? await never() : result
    } catch (error) {
      if (this.#dead) return never()
      throw error
    }
  }

  /** A store as the process sees it. Closing goes through, so that a test can clean up after a dead process. */
  store(inner: Store): Store {
    return {
      get: (table, key) => this.call(() => inner.get(table, key)),
      query: (query) => this.call(() => inner.query(query)),
      sum: (table, prefix) => this.call(() => inner.sum(table, prefix)),
      commit: (writes) => this.call(() => inner.commit(writes)),
      watch: (table, changed) => inner.watch(table, () => this.#dead || changed()),
      close: () => inner.close(),
    }
  }
}

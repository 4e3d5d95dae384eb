/** Who mends a database that refused a commit, and has those operations go on that were set aside for it. */
import type { Dump } from '../../store/memory.ts'
import { StoreError } from '../../store/port.ts'
import { operationsIn } from '../invariants/rows.ts'
import type { VirtualClock } from './life.ts'

/** A person takes a while. */
const MENDED_AFTER_MS = 60_000

interface Of {
  readonly clock: VirtualClock
  readonly rows: () => Dump
  readonly resume: (id: string) => Promise<void>
}

export class Administrator {
  readonly #of: Of
  #work: Promise<void> | undefined

  constructor(of: Of) {
    this.#of = of
  }

  /** Operations that the kernel has set aside. */
  get aside(): readonly string[] {
    return operationsIn(this.#of.rows()).flatMap(({ id, status }) => (status === 'quarantined' ? [id] : []))
  }

  /** Told of a refusal: comes a while later, and again as long as something is set aside. */
  call(): Promise<void> {
    this.#work ??= this.#mend().finally(() => (this.#work = undefined))
    return this.#work
  }

  /** Resolves when the last call is over, and nothing is set aside any more. */
  async over(): Promise<void> {
    await this.#work
    if (this.aside.length > 0) await this.call()
  }

  async #mend(): Promise<void> {
    const { clock, resume } = this.#of
    do {
      await clock.pause(MENDED_AFTER_MS)
      for (const id of this.aside)
        await resume(id).catch((error: unknown) => {
          // The next time.
          if (!(error instanceof StoreError)) throw error
        })
    } while (this.aside.length > 0)
  }
}

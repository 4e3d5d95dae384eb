/** Who mends a database that refused a commit, and has those operations go on that were set aside for it. */
import { CANNOT_BE_STORED } from '../../kernel/run/defects.ts'
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
  /** Somebody has called since the last visit. */
  #isCalled = false
  /** Told to go on, and not heard of: told again. */
  readonly #unheard = new Set<string>()

  constructor(of: Of) {
    this.#of = of
  }

  /** Operations that the kernel has set aside because the database refused a step. Nobody mends a defect. */
  get aside(): readonly string[] {
    return operationsIn(this.#of.rows()).flatMap(({ id, status, reason }) =>
      status === 'quarantined' && reason?.startsWith(CANNOT_BE_STORED) === true ? [id] : [],
    )
  }

  /** Told of a refusal: comes a while later, and again as long as something is set aside. */
  call(): Promise<void> {
    this.#isCalled = true
    this.#work ??= this.#mend()
    return this.#work
  }

  /** Resolves when the last call is over, and nothing is set aside any more. */
  async over(): Promise<void> {
    await this.#work
    if (this.aside.length > 0) await this.call()
  }

  async #mend(): Promise<void> {
    const { clock } = this.#of
    while (this.#isCalled || this.#unheard.size > 0 || this.aside.length > 0) {
      this.#isCalled = false
      await clock.pause(MENDED_AFTER_MS)
      for (const id of new Set([...this.aside, ...this.#unheard])) await this.#resume(id)
    }
    // At once: who calls from now on needs another visit.
    this.#work = undefined
  }

  async #resume(id: string): Promise<void> {
    this.#unheard.add(id)
    try {
      await this.#of.resume(id)
      this.#unheard.delete(id)
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
    }
  }
}

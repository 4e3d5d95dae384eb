/** Two processes on one store: one is paused while the other goes on. */

/** The process that the caller calls, and another one. It decides which of them goes on. */
export class Processes {
  readonly #ours = new Gate()
  readonly #theirs = new Gate()
  readonly #begin: (paused: () => Promise<void>) => Promise<void>
  #other: Promise<void> | undefined
  #overtaken = false

  /** `begin` runs another process to its end; `paused` pauses it there, until it is its turn again. */
  constructor(begin: (paused: () => Promise<void>) => Promise<void>) {
    this.#begin = begin
  }

  /** Another process has run beside the first. */
  get overtaken(): boolean {
    return this.#overtaken
  }

  /** The first process is paused while another one begins, or goes on. */
  async overtake(): Promise<void> {
    this.#overtaken = true
    // Other work of this process that stops during the pause waits with it.
    if (!this.#ours.waitedAt) {
      if (this.#other) this.#theirs.open()
      else this.#other = this.#run()
    }
    await this.#ours.closed()
  }

  async #run(): Promise<void> {
    await this.#begin(async () => {
      this.#ours.open()
      await this.#theirs.closed()
    })
    this.#other = undefined
    this.#ours.open()
  }

  /** Lets a paused process come to its end, too. */
  async end(): Promise<void> {
    this.#theirs.open()
    await this.#other
  }
}

/** Lets all waiters through, once. If there are none, it lets the next one through. */
class Gate {
  #open = false
  readonly #waiting = new Set<() => void>()

  get waitedAt(): boolean {
    return this.#waiting.size > 0
  }

  open(): void {
    this.#open = !this.waitedAt
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }

  async closed(): Promise<void> {
    if (this.#open) this.#open = false
    else await new Promise<void>((resolve) => this.#waiting.add(resolve))
  }
}

/**
 * Lanes keep operations apart: the requests of one lane (one mint) are bounded in number, and a lane that is closed
 * (its mint is not trusted at the moment) or slow holds up nobody else's.
 */
export class Lanes {
  readonly #limit: number
  readonly #open: (lane: string) => Promise<boolean>
  readonly #running = new Map<string, number>()
  /** Those that wait for room, and those that wait for their lane to open. */
  readonly #full = new Map<string, Set<() => void>>()
  readonly #closed = new Map<string, Set<() => void>>()
  #rechecks = 0
  #finishing = false

  constructor(options: { limit: number; open: (lane: string) => Promise<boolean> }) {
    this.#limit = options.limit
    this.#open = options.open
  }

  /**
   * Runs one request when the lane is open and has room; whether it is open is asked each time, just before.
   * Undefined where the signal aborted first, or no more requests are let in.
   */
  async run<T>(lane: string, signal: AbortSignal, request: () => Promise<T>): Promise<T | undefined> {
    let woken = false
    try {
      while (!signal.aborted && !this.#finishing) {
        const asked = this.#rechecks
        if (!(await this.#open(lane))) {
          // It may have opened after it was looked at.
          if (asked !== this.#rechecks) continue
          if (woken) this.#next(lane)
          woken = false
          await turn(this.#closed, lane, signal)
        } else if (this.#busy(lane) >= this.#limit) {
          await turn(this.#full, lane, signal)
          woken = true
        } else if (!signal.aborted && !this.#finishing) {
          this.#running.set(lane, this.#busy(lane) + 1)
          woken = true
          try {
            return await request()
          } finally {
            const left = this.#busy(lane) - 1
            if (left > 0) this.#running.set(lane, left)
            else this.#running.delete(lane)
          }
        }
      }
      return undefined
    } finally {
      // Whoever was let in, or was to be, lets in the next.
      if (woken) this.#next(lane)
    }
  }

  #next(lane: string): void {
    const [next] = this.#full.get(lane) ?? []
    next?.()
  }

  /** Looks again which lanes are open. */
  recheck(): void {
    this.#rechecks++
    for (const waiting of [...this.#closed.values()]) for (const go of [...waiting]) go()
  }

  /** Lets no more requests in; those under way go on, and those that wait are let go. */
  finish(): void {
    this.#finishing = true
    for (const waiting of [...this.#closed.values(), ...this.#full.values()]) for (const go of [...waiting]) go()
  }

  /** Lanes that were found closed, with something waiting in them. */
  get closed(): readonly string[] {
    return [...this.#closed.keys()]
  }

  #busy(lane: string): number {
    return this.#running.get(lane) ?? 0
  }
}

function turn(line: Map<string, Set<() => void>>, lane: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const waiting = line.get(lane) ?? new Set()
    line.set(lane, waiting)
    const go = (): void => {
      waiting.delete(go)
      if (waiting.size === 0 && line.get(lane) === waiting) line.delete(lane)
      signal.removeEventListener('abort', go)
      resolve()
    }
    waiting.add(go)
    signal.addEventListener('abort', go)
  })
}

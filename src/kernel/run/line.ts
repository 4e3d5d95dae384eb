/** Who waits for a lane: by priority, then in the order in which they came. */

/** Where a request stands among those that wait. */
export interface Rank {
  /** The higher, the sooner. */
  readonly priority: number
  /** The lower, the sooner. */
  readonly order: number
}

interface Waiting {
  readonly rank: Rank
  readonly go: () => void
}

const isBefore = (one: Rank, other: Rank): boolean =>
  one.priority === other.priority ? one.order < other.order : one.priority > other.priority

export class Line {
  readonly #lanes = new Map<string, Waiting[]>()

  /** Resolves when it is called, or as soon as the signal aborts. */
  wait(lane: string, rank: Rank, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve()
      const waiting = this.#lanes.get(lane) ?? []
      this.#lanes.set(lane, waiting)
      const go = (): void => {
        const at = this.#place(waiting, rank)
        if (waiting[at]?.rank === rank) waiting.splice(at, 1)
        if (waiting.length === 0 && this.#lanes.get(lane) === waiting) this.#lanes.delete(lane)
        signal.removeEventListener('abort', go)
        resolve()
      }
      waiting.splice(this.#place(waiting, rank), 0, { rank, go })
      signal.addEventListener('abort', go)
    })
  }

  /** How many of those that wait come before such a one. */
  #place(waiting: readonly Waiting[], rank: Rank): number {
    let [from, to] = [0, waiting.length]
    while (from < to) {
      const middle = (from + to) >> 1
      const there = waiting[middle]
      if (there && isBefore(there.rank, rank)) from = middle + 1
      else to = middle
    }
    return from
  }

  /** Whether somebody waits who comes before. */
  hasBefore(lane: string, rank: Rank): boolean {
    const [first] = this.#lanes.get(lane) ?? []
    return first !== undefined && isBefore(first.rank, rank)
  }

  /** Calls the first one. */
  callFirst(lane: string): void {
    this.#lanes.get(lane)?.[0]?.go()
  }

  /** Calls all that wait for a lane, the first one first. */
  callAll(lane: string): void {
    for (const { go } of [...(this.#lanes.get(lane) ?? [])]) go()
  }

  /** The lanes for which somebody waits. */
  get lanes(): readonly string[] {
    return [...this.#lanes.keys()]
  }

  has(lane: string): boolean {
    return this.#lanes.has(lane)
  }

  /** How many wait for a lane. */
  count(lane: string): number {
    return this.#lanes.get(lane)?.length ?? 0
  }
}

/**
 * One heap of wake-up times for all operations, and one timer of the clock for its top. Times are absolute, by one of the
 * clock's two readings. The clock's timer is never trusted further than a minute, so a clock that jumps (a suspended
 * machine, a corrected time) is noticed and what it made due wakes up.
 */
import type { Moment } from './moments.ts'
import type { Clock } from '../util/ports.ts'

/** Wakes ids up at moments: one heap for each reading. */
export class Alarms {
  readonly #byDay: TimerHeap
  readonly #steady: TimerHeap

  constructor(clock: Clock, wake: (id: string) => void) {
    this.#byDay = new TimerHeap(clock, wake)
    this.#steady = new TimerHeap(clock, wake, () => clock.monotonicMs())
  }

  /** Sets, moves or (with null) removes the moment at which an id wakes up: the first of these. */
  set(id: string, moments: readonly Moment[] | null): void {
    const first = (of: (moment: Moment) => number): number | null => {
      const least = Math.min(...(moments ?? []).map(of))
      return least === Infinity ? null : least
    }
    this.#byDay.set(
      id,
      first(({ atMs }) => atMs),
    )
    this.#steady.set(
      id,
      first(({ steadyMs }) => steadyMs),
    )
  }

  stop(): void {
    this.#byDay.stop()
    this.#steady.stop()
  }
}

interface Entry {
  readonly id: string
  atMs: number
  /** Where it stands in the heap. */
  index: number
}

const LONGEST_WAIT_MS = 60_000

export class TimerHeap {
  readonly #clock: Clock
  readonly #now: () => number
  readonly #wake: (id: string) => void
  readonly #heap: Entry[] = []
  readonly #byId = new Map<string, Entry>()
  #timer: { readonly handle: unknown; readonly atMs: number } | undefined

  /** `wake` is called once for each id whose time has come; the id is then gone until set again. */
  constructor(clock: Clock, wake: (id: string) => void, now: () => number = () => clock.now()) {
    this.#clock = clock
    this.#now = now
    this.#wake = wake
  }

  /** Sets, moves or (with null) removes the time at which an id wakes up. */
  set(id: string, atMs: number | null): void {
    const entry = this.#byId.get(id)
    if (entry && entry.atMs === atMs) return
    if (entry) this.#remove(entry)
    if (atMs !== null) {
      const added = { id, atMs, index: this.#heap.length }
      this.#byId.set(id, added)
      this.#heap.push(added)
      this.#up(added)
    }
    this.#arm()
  }

  /** The earliest time set. */
  get nextMs(): number | undefined {
    return this.#heap[0]?.atMs
  }

  stop(): void {
    this.#heap.length = 0
    this.#byId.clear()
    this.#arm()
  }

  #arm(): void {
    const atMs = this.nextMs
    if (atMs === this.#timer?.atMs) return
    if (this.#timer) this.#clock.clearTimeout(this.#timer.handle)
    this.#timer = undefined
    if (atMs === undefined) return
    const delayMs = Math.min(this.#clock.longestWaitMs ?? LONGEST_WAIT_MS, Math.max(0, atMs - this.#now()))
    this.#timer = { handle: this.#clock.setTimeout(() => this.#ring(), delayMs), atMs }
  }

  #ring(): void {
    this.#timer = undefined
    for (let top = this.#heap[0]; top && top.atMs <= this.#now(); top = this.#heap[0]) {
      this.#remove(top)
      this.#wake(top.id)
    }
    this.#arm()
  }

  #remove(entry: Entry): void {
    this.#byId.delete(entry.id)
    const last = this.#heap.pop()!
    if (last === entry) return
    this.#place(last, entry.index)
    this.#up(last)
    this.#down(last)
  }

  #place(entry: Entry, index: number): void {
    entry.index = index
    this.#heap[index] = entry
  }

  #up(entry: Entry): void {
    while (entry.index > 0) {
      const above = this.#heap[(entry.index - 1) >> 1]!
      if (above.atMs <= entry.atMs) return
      const index = above.index
      this.#place(above, entry.index)
      this.#place(entry, index)
    }
  }

  #down(entry: Entry): void {
    for (;;) {
      const [left, right] = [this.#heap[entry.index * 2 + 1], this.#heap[entry.index * 2 + 2]]
      const least = left && right && right.atMs < left.atMs ? right : left
      if (!least || entry.atMs <= least.atMs) return
      const index = least.index
      this.#place(least, entry.index)
      this.#place(entry, index)
    }
  }
}

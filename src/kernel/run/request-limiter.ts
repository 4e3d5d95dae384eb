/**
 * Bounds the requests of each lane (a mint's URL; elsewhere called a concurrency key). A lane that is closed (its mint is
 * not trusted at the moment), paused or slow does not delay the others.
 */
import { systemClock, type Clock } from '../util/ports.ts'

/** Why a lane lets nothing through for a while. */
export interface LanePause {
  /** Says who asked for it, or what is wrong; without secrets. */
  readonly why: string
  /** A person can end it. */
  readonly needsHuman: boolean
  /** What is left of it, in milliseconds. */
  readonly leftMs: number
}

interface Paused extends Omit<LanePause, 'leftMs'> {
  /** By the clock's steady reading. */
  readonly endsMs: number
  /** Set while somebody waits for the end. */
  timer: unknown
}

/** The longest pause, whatever is asked for. */
export const LONGEST_LANE_PAUSE_MS = 3_600_000

export class RequestLimiter {
  readonly #limit: number
  readonly #open: (lane: string) => Promise<boolean>
  readonly #clock: Clock
  readonly #running = new Map<string, number>()
  /** Those that wait for room, those that wait for their lane to open, and those that wait for the end of a pause. */
  readonly #full = new Map<string, Set<() => void>>()
  readonly #closed = new Map<string, Set<() => void>>()
  readonly #waiting = new Map<string, Set<() => void>>()
  readonly #paused = new Map<string, Paused>()
  #rechecks = 0
  #finishing = false

  constructor(options: { limit: number; open: (lane: string) => Promise<boolean>; clock?: Clock }) {
    this.#limit = options.limit
    this.#open = options.open
    this.#clock = options.clock ?? systemClock
  }

  /**
   * Runs one request when the lane is open and has room; whether it is open is asked each time, just before.
   * Undefined where the signal aborted first, or no more requests are let in. A request that goes on after its signal aborted
   * takes no more room.
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
        } else if (this.pauseOf(lane)) {
          if (woken) this.#next(lane)
          woken = false
          const over = turn(this.#waiting, lane, signal)
          this.#arm(lane)
          await over
        } else if (this.#busy(lane) >= this.#limit) {
          await turn(this.#full, lane, signal)
          woken = true
        } else if (!signal.aborted && !this.#finishing) {
          this.#running.set(lane, this.#busy(lane) + 1)
          woken = true
          try {
            return await heard(signal, request())
          } finally {
            const left = this.#busy(lane) - 1
            if (left > 0) this.#running.set(lane, left)
            else this.#running.delete(lane)
          }
        }
      }
      return undefined
    } finally {
      // Hand the slot on, even if this request was aborted while it waited.
      if (woken) this.#next(lane)
    }
  }

  /**
   * Lets no more requests of a lane through for a while, an hour at most; those under way go on. The time is measured, so
   * nothing that is done to the clock changes it. False where the lane is paused for as long already.
   */
  pause(lane: string, delayMs: number, because: Pick<LanePause, 'why'> & { readonly needsHuman?: boolean }): boolean {
    const { why, needsHuman = false } = because
    const endsMs = this.#clock.monotonicMs() + Math.min(delayMs, LONGEST_LANE_PAUSE_MS)
    const before = this.#paused.get(lane)
    if (this.#finishing || delayMs <= 0 || (before && before.endsMs >= endsMs)) return false
    this.#clock.clearTimeout(before?.timer)
    this.#paused.set(lane, { why, needsHuman, endsMs, timer: undefined })
    if (this.#waiting.has(lane)) this.#arm(lane)
    return true
  }

  /** Ends a pause before its time. */
  unpause(lane: string): void {
    this.#clock.clearTimeout(this.#paused.get(lane)?.timer)
    this.#paused.delete(lane)
    for (const go of [...(this.#waiting.get(lane) ?? [])]) go()
  }

  /** Why a lane lets nothing through at the moment; undefined where it does. */
  pauseOf(lane: string): LanePause | undefined {
    const paused = this.#paused.get(lane)
    const leftMs = paused ? paused.endsMs - this.#clock.monotonicMs() : 0
    return paused && leftMs > 0 ? { why: paused.why, needsHuman: paused.needsHuman, leftMs } : undefined
  }

  #arm(lane: string): void {
    const paused = this.#paused.get(lane)
    if (!paused || paused.timer !== undefined || this.#finishing) return
    const leftMs = Math.max(0, Math.ceil(paused.endsMs - this.#clock.monotonicMs()))
    const ring = (): void => {
      paused.timer = undefined
      // A timer may ring too early by a little.
      if (this.pauseOf(lane)) this.#arm(lane)
      else this.unpause(lane)
    }
    paused.timer = this.#clock.setTimeout(ring, leftMs)
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
    for (const lane of [...this.#paused.keys()]) this.unpause(lane)
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

/** What a request comes to; undefined as soon as nobody waits for it, whether or not it takes notice of that. */
async function heard<T>(signal: AbortSignal, request: Promise<T>): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const abort = (): void => resolve(undefined)
  signal.addEventListener('abort', abort)
  if (signal.aborted) abort()
  // What comes of it afterwards, an error too, is nobody's concern.
  return Promise.race([request, promise]).finally(() => signal.removeEventListener('abort', abort))
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

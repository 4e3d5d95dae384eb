/**
 * Bounds the requests of each lane (a mint's URL; elsewhere called a concurrency key), in number and in time. A lane that is
 * closed (its mint is not trusted at the moment), paused, full or slow does not delay the others. Who waits goes by priority, then in order.
 */
import { systemClock, type Clock } from '../util/ports.ts'
import { Line, type Rank } from './line.ts'

/** Why a lane lets nothing through for a while. */
export interface LanePause {
  /** Says who asked for it, or what is wrong; without secrets. */
  readonly why: string
  /** A person can end it. */
  readonly needsHuman: boolean
  /** What is left of it, in milliseconds. */
  readonly leftMs: number
}

/** How many requests a lane has at the moment. */
export interface LaneLoad {
  /** The lane: a mint's URL, say. */
  readonly lane: string
  /** Those that were made and are not answered. */
  readonly underWay: number
  /** Those that wait for room, for their rate, for the lane to open or for the end of a pause. */
  readonly waiting: number
}

/** Says when requests may go. */
export interface Pace {
  /** Lets one request go, or refuses it and calls `ready` later. @throws {TypeError} where the rate is none */
  take(lane: string): boolean
  /** Why a lane lets nothing through at the moment. */
  pauseOf(lane: string): LanePause | undefined
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
  readonly #pace: Pace | undefined
  /** Those that wait for room or for their rate, those that wait for their lane to open, and those that wait for the end of a pause. */
  readonly #full = new Line()
  readonly #closed = new Line()
  readonly #waiting = new Line()
  readonly #paused = new Map<string, Paused>()
  #rechecks = 0
  #asked = 0
  #finishing = false

  constructor(options: {
    limit: number
    open: (lane: string) => Promise<boolean>
    clock?: Clock
    /** Makes what keeps lanes to their rates; `ready` calls the next one that waits. */
    pace?: (ready: (lane: string) => void) => Pace | undefined
  }) {
    this.#limit = options.limit
    this.#open = options.open
    this.#pace = options.pace?.((lane) => this.#full.callFirst(lane))
    this.#clock = options.clock ?? systemClock
  }

  /**
   * Runs one request when the lane is open, has room and is not beyond its rate; whether it is open is asked each time, just
   * before. Undefined where the signal aborted first, or no more requests are let in. A request that goes on after its signal
   * aborted takes no more room.
   *
   * @throws {TypeError} where the lane's rate is none; and what the request throws
   */
  async run<T>(lane: string, signal: AbortSignal, request: () => Promise<T>, priority = 0): Promise<T | undefined> {
    const rank = { priority, order: this.#asked++ }
    let woken = false
    try {
      while (!signal.aborted && !this.#finishing) {
        const asked = this.#rechecks
        if (!(await this.#open(lane))) {
          // It may have opened after it was looked at.
          if (asked !== this.#rechecks) continue
          if (woken) this.#full.callFirst(lane)
          woken = false
          await this.#closed.wait(lane, rank, signal)
        } else if (this.pauseOf(lane)) {
          if (woken) this.#full.callFirst(lane)
          woken = false
          const over = this.#waiting.wait(lane, rank, signal)
          this.#arm(lane)
          await over
        } else if (signal.aborted || this.#finishing) {
          break
        } else if (!this.#hasRoom(lane, rank)) {
          const turn = this.#full.wait(lane, rank, signal)
          // Who was called, and stands behind somebody who came meanwhile, calls that one.
          if (woken && this.#full.hasBefore(lane, rank)) this.#full.callFirst(lane)
          await turn
          woken = true
        } else {
          this.#running.set(lane, this.#busy(lane) + 1)
          woken = true
          if (this.#busy(lane) < this.#limit) this.#full.callFirst(lane)
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
      if (woken) this.#full.callFirst(lane)
    }
  }

  /** Whether a request of this rank may be made now. */
  #hasRoom(lane: string, rank: Rank): boolean {
    if (this.#busy(lane) >= this.#limit || this.#full.hasBefore(lane, rank)) return false
    return this.#pace?.take(lane) !== false
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
    this.#waiting.callAll(lane)
  }

  /** Why a lane lets nothing through at the moment; undefined where it does. */
  pauseOf(lane: string): LanePause | undefined {
    const paused = this.#paused.get(lane)
    const leftMs = paused ? paused.endsMs - this.#clock.monotonicMs() : 0
    return paused && leftMs > 0 ? { why: paused.why, needsHuman: paused.needsHuman, leftMs } : undefined
  }

  /** Why requests that wait in a lane are not made yet: it is paused, or slow. */
  heldBack(lane: string): LanePause | undefined {
    return this.pauseOf(lane) ?? (this.#full.has(lane) ? this.#pace?.pauseOf(lane) : undefined)
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

  /** Looks again which lanes are open. */
  recheck(): void {
    this.#rechecks++
    for (const lane of this.#closed.lanes) this.#closed.callAll(lane)
  }

  /** Lets no more requests in; those under way go on, and those that wait are let go. */
  finish(): void {
    this.#finishing = true
    for (const lane of [...this.#paused.keys()]) this.unpause(lane)
    for (const line of [this.#closed, this.#full]) for (const lane of line.lanes) line.callAll(lane)
  }

  /** Lanes that were found closed, with something waiting in them. */
  get closed(): readonly string[] {
    return this.#closed.lanes
  }

  /** The lanes that have requests, and how many. */
  get loads(): readonly LaneLoad[] {
    const lines = [this.#full, this.#closed, this.#waiting]
    const lanes = new Set([...this.#running.keys(), ...lines.flatMap((line) => line.lanes)])
    const waiting = (lane: string): number => lines.reduce((sum, line) => sum + line.count(lane), 0)
    return [...lanes].map((lane) => ({ lane, underWay: this.#busy(lane), waiting: waiting(lane) }))
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

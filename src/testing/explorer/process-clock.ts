/** The clock of one process: its timers stand still while the process is paused. */
import type { Clock } from '../../kernel/util/ports.ts'
import type { VirtualClock } from './life.ts'

/**
 * A process's view of the world's clock. Timers that would have rung during a pause ring after it, as after SIGCONT.
 */
export class ProcessClock implements Clock {
  readonly longestWaitMs: number
  readonly #world: VirtualClock
  /** Timers of the world, by this clock's own numbers. */
  readonly #timers = new Map<number, unknown>()
  /** The timers that rang during the pause. */
  readonly #missed = new Map<number, () => void>()
  #order = 0
  #pauses = 0

  constructor(world: VirtualClock) {
    this.#world = world
    this.longestWaitMs = world.longestWaitMs
  }

  now(): number {
    return this.#world.now()
  }

  monotonicMs(): number {
    return this.#world.monotonicMs()
  }

  setTimeout(call: () => void, delayMs: number): number {
    const order = ++this.#order
    this.#set(order, call, delayMs)
    return order
  }

  clearTimeout(timer: unknown): void {
    const order = timer as number
    this.#world.clearTimeout(this.#timers.get(order))
    this.#timers.delete(order)
    this.#missed.delete(order)
  }

  turn(): Promise<void> {
    return this.#world.turn()
  }

  /** Ends all timers for good: the process is dead. */
  stop(): void {
    for (const timer of this.#timers.values()) this.#world.clearTimeout(timer)
    this.#timers.clear()
    this.#missed.clear()
  }

  /** Holds all timers until this resolves. Answers that came meanwhile are delivered before overdue timers. */
  async standing<T>(pause: () => Promise<T>): Promise<T> {
    this.#pauses++
    try {
      return await pause()
    } finally {
      if (--this.#pauses === 0) {
        const missed = [...this.#missed]
        this.#missed.clear()
        for (const [order, call] of missed) this.#set(order, call, 0)
      }
    }
  }

  #set(order: number, call: () => void, delayMs: number): void {
    const ring = (): void => {
      this.#timers.delete(order)
      if (this.#pauses > 0) this.#missed.set(order, call)
      else call()
    }
    this.#timers.set(order, this.#world.setTimeout(ring, delayMs))
  }
}

/** One life of a process: its clock is virtual, and it can die at any moment, after which nothing of it goes on. */
import type { Clock, Random } from '../../kernel/util/ports.ts'

/** A promise that is never settled: what a dead process awaits. */
const never = (): Promise<never> => new Promise(() => {})

/** Calls to the outside without a pause, beyond which a process is taken to go round in circles. */
const MOST_CALLS = 5_000

/** One life of a process: it ends when its choices say so. */
export class Life {
  #dead = false
  #calls = 0
  #acts = 0
  /** It died of calling the outside without end, and without ever letting time go on. */
  endless = false

  /** Whether it has ended. */
  get dead(): boolean {
    return this.#dead
  }

  /** Kills the process; whoever called this waits for ever. */
  die(): Promise<never> {
    this.#dead = true
    return never()
  }

  /** Everything that could happen without time going on has happened. */
  paused(): void {
    this.#calls = 0
  }

  /** Of the calls that change something, more than one is under way. */
  get busy(): boolean {
    return this.#acts > 1
  }

  /** As `call`, where something outside is changed: a commit, a request. */
  act<T>(run: () => Promise<T>): Promise<T> {
    return this.call(async () => {
      this.#acts++
      try {
        return await run()
      } finally {
        this.#acts--
      }
    })
  }

  /** Runs an asynchronous call of the process: not at all once it is dead, and its result never reaches a dead one. */
  async call<T>(run: () => Promise<T>): Promise<T> {
    if (++this.#calls > MOST_CALLS) {
      this.endless = true
      return this.die()
    }
    if (this.#dead) return never()
    try {
      const result = await run()
      return this.#dead ? await never() : result
    } catch (error) {
      if (this.#dead) return never()
      throw error
    }
  }
}

interface Timer {
  readonly atMs: number
  readonly order: number
  readonly call: () => void
}

/** A clock that stands still until it is told to go on. It may be wrong, by `skewMs`. */
export class VirtualClock implements Clock {
  /** The longest wait so far, in ms. */
  readonly longestWaitMs = Infinity
  #nowMs: number
  #order = 0
  #skewMs: number
  readonly #timers = new Map<number, Timer>()

  constructor(nowMs: number, skewMs = 0) {
    this.#nowMs = nowMs
    this.#skewMs = skewMs
  }

  /** The time of the world, in epoch ms. */
  now(): number {
    return this.#nowMs + this.#skewMs
  }

  /** A reading that never goes back, in ms. */
  monotonicMs(): number {
    return this.#nowMs
  }

  /** How far it is ahead of a clock that is right. */
  get skewMs(): number {
    return this.#skewMs
  }

  /** Somebody sets it: from now on it is ahead by so much. Its steady reading and its timers know nothing of that. */
  set(skewMs: number): void {
    this.#skewMs = skewMs
  }

  /** What a clock that is right would say. */
  get rightMs(): number {
    return this.#nowMs
  }

  /** Calls once the time of the world has come there. */
  setTimeout(call: () => void, delayMs: number): number {
    const order = ++this.#order
    this.#timers.set(order, { atMs: this.#nowMs + Math.max(0, delayMs), order, call })
    return order
  }

  /** Resolves when so much time has gone by. */
  pause(forMs: number): Promise<void> {
    return new Promise((resolve) => void this.setTimeout(resolve, forMs))
  }

  /** Cancels a timer. */
  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as number)
  }

  /** Work takes no time here: nobody has to be let go first. */
  turn(): Promise<void> {
    return Promise.resolve()
  }

  /** When the timers will ring, by a clock that is right. */
  get ringsMs(): number[] {
    return Array.from(this.#timers.values(), ({ atMs }) => atMs)
  }

  /** The machine sleeps: nothing runs, and time goes on. */
  sleep(forMs: number): void {
    this.#nowMs += forMs
  }

  /** Goes on to the next timer and calls it; false where there is none. */
  advance(): boolean {
    let next: Timer | undefined
    for (const timer of this.#timers.values())
      if (!next || timer.atMs < next.atMs || (timer.atMs === next.atMs && timer.order < next.order)) next = timer
    if (!next) return false
    this.#timers.delete(next.order)
    this.#nowMs = Math.max(this.#nowMs, next.atMs)
    next.call()
    return true
  }
}

/** Random bytes that are never the same twice within a world, and always the same in the same world. */
export function worldRandom(world: { entropy: number }): Random {
  return (bytes) => {
    const drawn = ++world.entropy
    const out = new Uint8Array(bytes)
    let state = Math.imul(drawn, 0x9e3779b1) ^ 0x51ed270b
    for (let at = 0; at < bytes; at++) {
      state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x5bd1e995
      out[at] = state >>> 24
    }
    // The count comes first, so that ids sort in the order they were drawn in.
    for (let at = 0; at < Math.min(4, bytes); at++) out[at] = (drawn >>> (24 - at * 8)) & 0xff
    return out
  }
}

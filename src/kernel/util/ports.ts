/** The kernel's clock and randomness, which tests replace. */
import { LONGEST_TIMER_MS } from '../../timer.ts'

/** The time, and timers. Tests replace it. */
export interface Clock {
  /** Timers are set no further ahead than this, so that a jump of the clock is noticed; a minute unless given. */
  readonly longestWaitMs?: number
  /** Milliseconds since the Unix epoch. It may jump, both ways. */
  now(): number
  /** Milliseconds since some point in the past. It never goes back and never jumps, so differences of it are durations. */
  monotonicMs(): number
  /** Calls once, no sooner than `delayMs` later. The kernel sets no timer beyond the 2^31 − 1 ms that platforms take. */
  setTimeout(call: () => void, delayMs: number): unknown
  /** Cancels a timer. */
  clearTimeout(timer: unknown): void
  /**
   * Lets others go on between two pieces of long work; by the thread's own means unless given.
   *
   * @throws nothing
   */
  turn?(): Promise<void>
  /** Keeps the process alive until the function it gives is called: somebody waits for what another process does. */
  hold?(): () => void
}

/** That many random bytes. */
export type Random = (bytes: number) => Uint8Array

/** The platform's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimeout: (call, delayMs) => globalThis.setTimeout(call, delayMs),
  clearTimeout: (timer) => globalThis.clearTimeout(timer as number),
  hold() {
    const timer = globalThis.setInterval(() => {}, LONGEST_TIMER_MS)
    return () => globalThis.clearInterval(timer)
  },
}

/** A clock of one's own, in JavaScript, may lack the steady reading: time during which it goes back counts for nothing then. */
export function withSteadyReading(clock: Clock): Clock {
  if (typeof clock.monotonicMs === 'function') return clock
  let steadyMs = 0
  let lastMs = clock.now()
  return {
    ...(clock.longestWaitMs !== undefined && { longestWaitMs: clock.longestWaitMs }),
    ...(clock.turn && { turn: () => clock.turn?.() ?? Promise.resolve() }),
    ...(clock.hold && { hold: () => clock.hold?.() ?? (() => {}) }),
    now: () => clock.now(),
    monotonicMs() {
      const nowMs = clock.now()
      steadyMs += Math.max(0, nowMs - lastMs)
      lastMs = nowMs
      return steadyMs
    },
    setTimeout: (call, delayMs) => clock.setTimeout(call, delayMs),
    clearTimeout: (timer) => clock.clearTimeout(timer),
  }
}

/** The platform's randomness. */
export const systemRandom: Random = (bytes) => globalThis.crypto.getRandomValues(new Uint8Array(bytes))

export const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

/** A number in [0, 1) from a source of bytes. */
export const fraction = (random: Random): number => {
  const [a = 0, b = 0, c = 0, d = 0] = random(4)
  return (a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d) / 2 ** 32
}

/** Resolves after `delayMs`, or as soon as the signal aborts; with the signal alone where no timer is that long. */
export const sleep = (clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const end = (): void => {
      clock.clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = delayMs <= LONGEST_TIMER_MS ? clock.setTimeout(end, delayMs) : undefined
    signal.addEventListener('abort', end)
  })

/** The call's answer; rejects as soon as the signal aborts, whether or not the call takes notice of that. */
export function unlessAborted<T>(signal: AbortSignal, call: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<T>()
  const abort = (): void => reject(signal.reason as Error)
  signal.addEventListener('abort', abort)
  if (signal.aborted) abort()
  return Promise.race([call, promise]).finally(() => signal.removeEventListener('abort', abort))
}

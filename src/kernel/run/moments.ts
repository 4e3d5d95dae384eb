/** Points in time by both of a clock's readings, so that neither a clock that is set nor a machine that sleeps misleads. */
import type { Clock } from '../util/ports.ts'

type Readings = Pick<Clock, 'now' | 'monotonicMs'>

/** One point in time by both readings of the clock. It has come when either reading has reached it. */
export interface Moment {
  /** By the clock that shows the time of day, and that somebody may set. */
  readonly atMs: number
  /** By the reading that never goes back; `Infinity` for what has an end by the time of day alone. */
  readonly steadyMs: number
}

/** The moment so long after now. */
export const momentIn = (clock: Readings, delayMs: number): Moment => ({
  atMs: clock.now() + delayMs,
  steadyMs: clock.monotonicMs() + delayMs,
})

/** A moment is over by whichever reading is first: a clock set back makes no pause longer, a suspended machine none either. */
export const isOver = ({ atMs, steadyMs }: Moment, clock: Readings): boolean =>
  atMs <= clock.now() || steadyMs <= clock.monotonicMs()

/** The whole milliseconds since a steady reading; null by a clock whose reading is none. */
export function wholeMsSince(steadyMs: number, clock: Pick<Clock, 'monotonicMs'>): number | null {
  const passedMs = Math.round(clock.monotonicMs() - steadyMs)
  return Number.isSafeInteger(passedMs) ? Math.max(0, passedMs) : null
}

/** The time since a moment: the larger of what the two readings say. */
export const sinceMs = ({ atMs, steadyMs }: Moment, clock: Readings): number =>
  Math.max(clock.now() - atMs, clock.monotonicMs() - steadyMs)

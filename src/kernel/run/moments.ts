/** Points in time by both of a clock's readings, so that neither a clock that is set nor a machine that sleeps misleads. */
import type { Clock } from '../util/ports.ts'

type Readings = Pick<Clock, 'now' | 'monotonicMs'>

/** One time by both of the clock's readings. What has such an end is over when either of them is there. */
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

/** How much time has gone by since a moment: the more of what the two readings say. */
export const sinceMs = ({ atMs, steadyMs }: Moment, clock: Readings): number =>
  Math.max(clock.now() - atMs, clock.monotonicMs() - steadyMs)

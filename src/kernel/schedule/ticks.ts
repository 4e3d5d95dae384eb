/** When a schedule fires: by a cron expression in a time zone, or at an interval. Pure, but for what the platform knows of time zones. */
import { Cron } from 'croner'

/** The ticks of a schedule, in epoch ms. */
export interface Ticks {
  /** The first one after a time; null where there is none. */
  readonly after: (ms: number) => number | null
  /** The last one that is no later than a time; null where there is none. */
  readonly upTo: (ms: number) => number | null
}

/** When a schedule fires, as its context has it. */
export type Timing =
  | { readonly cron: string; readonly timeZone: string }
  /** `anchorMs` and whole intervals after it. */
  | { readonly everyMs: number; readonly anchorMs: number }

/** From when until when, both inclusive; null is without end. */
export interface Bounds {
  readonly fromMs: number | null
  readonly untilMs: number | null
}

const read = (cron: string, timeZone: string): Cron => new Cron(cron, { timezone: timeZone, paused: true })

/** @throws {TypeError} `cron`, `timeZone` */
export function checkCron(cron: string, timeZone: string): void {
  const attempt = (zone: string, wrong: string): void => {
    try {
      read(cron, zone).nextRun(new Date(0))
    } catch (cause) {
      throw new TypeError(wrong, { cause })
    }
  }
  attempt('UTC', 'cron: an expression of five to seven fields')
  attempt(timeZone, 'timeZone: the name of a time zone, Europe/Berlin say')
}

/**
 * Where clocks are set forward, what would come in the hour that is missing comes at its end; where they are set back, a time of
 * day comes once, the first time, and what comes every hour or more often comes in both.
 */
function cronOf(cron: string, timeZone: string): Ticks {
  const expression = read(cron, timeZone)
  return {
    after: (ms) => expression.nextRun(new Date(ms))?.getTime() ?? null,
    // It gives what is before a time.
    upTo: (ms) => expression.previousRuns(1, new Date(ms + 1))[0]?.getTime() ?? null,
  }
}

const intervalOf = (everyMs: number, anchorMs: number): Ticks => ({
  after: (ms) => anchorMs + Math.max(0, Math.floor((ms - anchorMs) / everyMs) + 1) * everyMs,
  upTo: (ms) => (ms < anchorMs ? null : anchorMs + Math.floor((ms - anchorMs) / everyMs) * everyMs),
})

/** The ticks of a timing that was checked. */
export function ticksOf(timing: Timing, { fromMs, untilMs }: Bounds): Ticks {
  const all = 'cron' in timing ? cronOf(timing.cron, timing.timeZone) : intervalOf(timing.everyMs, timing.anchorMs)
  const inBounds = (ms: number | null): number | null =>
    ms === null || ms < (fromMs ?? -Infinity) || ms > (untilMs ?? Infinity) ? null : ms
  return {
    after: (ms) => inBounds(all.after(fromMs === null ? ms : Math.max(ms, fromMs - 1))),
    upTo: (ms) => inBounds(all.upTo(untilMs === null ? ms : Math.min(ms, untilMs))),
  }
}

/** What a schedule does at a moment: which children it starts, and when it looks again. */
import type { Json } from '../../store/port.ts'
import { ticksOf, type Bounds, type Ticks, type Timing } from './ticks.ts'

/** A range of ticks that somebody asks for. */
export interface TickRange {
  /** The first time that belongs to it, in epoch ms. It goes up as the ticks are fired. */
  readonly fromMs: number
  /** The last one. */
  readonly toMs: number
}

/** A schedule, as its context has it. */
export interface Schedule extends Bounds {
  readonly id: string
  readonly timing: Timing | { readonly everyMs: number; readonly anchorMs: null }
  readonly missed: Missed
  readonly overlap: Overlap
  readonly graceMs: number
  readonly data: Json
  readonly paused: boolean
  /** The next tick that was not dealt with; null where there is none. */
  readonly nextMs: number | null
  readonly backfills: readonly TickRange[]
  /** How often it was fired by hand. */
  readonly triggered: number
  /** The name of the child that was started last; null before the first. */
  readonly last: string | null
}

/** What becomes of ticks that come late, because no process ran: none is made up for, the last one, or all. */
export type Missed = 'skip' | 'one' | 'all'
/** What becomes of a tick that comes while the child that was started last still runs. */
export type Overlap = 'allow' | 'skip'

/** Why it is looked at: it is new, a tick is due, somebody fires it, resumes it, or has it look again although it is not paused. */
export type Reason = 'begin' | 'tick' | 'trigger' | 'resume' | 'look'

/** A child that is to be started. */
export interface Firing {
  readonly name: string
  readonly tickMs: number
}

/** What comes of it. */
export interface Plan {
  readonly keep: Pick<Schedule, 'timing' | 'nextMs' | 'backfills' | 'triggered' | 'last'>
  readonly firings: readonly Firing[]
}

/** So many ticks are dealt with in one step: each is a row of its commit. */
export const MOST_TICKS = 100

/** What a plan is made of. */
export interface Moment {
  readonly schedule: Schedule
  readonly reason: Reason
  readonly nowMs: number
  /** Where a child of this name stands; undefined where there is none. */
  readonly statusOf: (name: string) => Promise<string | undefined>
}

/** The name of a tick's child. */
export const nameOf = (tickMs: number): string => new Date(tickMs).toISOString()

export async function planned(of: Moment): Promise<Plan> {
  const { schedule, reason, nowMs } = of
  const { timing: given } = schedule
  const timing: Timing = 'everyMs' in given ? { ...given, anchorMs: given.anchorMs ?? schedule.fromMs ?? nowMs } : given
  const ticks = ticksOf(timing, schedule)
  const plan = new Planning(of, ticks, { ...schedule, timing })
  // Where it has no anchor, the first tick is an interval away.
  if (reason === 'begin' || reason === 'resume') plan.nextMs = ticks.after(nowMs)
  else if (reason === 'look') plan.look()
  else if (reason === 'trigger') plan.trigger()
  else await plan.tick()
  return plan.result(timing)
}

class Planning {
  nextMs: number | null
  readonly #of: Moment
  readonly #ticks: Ticks
  readonly #firings: Firing[] = []
  #backfills: readonly TickRange[]
  #triggered: number
  #last: string | null

  constructor(of: Moment, ticks: Ticks, { nextMs, backfills, triggered, last }: Schedule) {
    this.#of = of
    this.#ticks = ticks
    this.nextMs = nextMs
    this.#backfills = backfills
    this.#triggered = triggered
    this.#last = last
  }

  result(timing: Timing): Plan {
    const keep = {
      timing,
      nextMs: this.nextMs,
      backfills: this.#backfills,
      triggered: this.#triggered,
      last: this.#last,
    }
    return { keep, firings: this.#firings }
  }

  /** A clock that was ahead for a while may have it wait for long: what comes before is fired, unless it was. */
  look(): void {
    const soonMs = this.#ticks.after(this.#of.nowMs)
    if (soonMs !== null) this.nextMs = Math.min(this.nextMs ?? Infinity, soonMs)
  }

  /** Whatever runs, and however often: each time is another one. */
  trigger(): void {
    this.#start({ name: `trigger-${++this.#triggered}`, tickMs: this.#of.nowMs })
  }

  async tick(): Promise<void> {
    let left = MOST_TICKS
    const isLate = this.nextMs !== null && this.nextMs <= this.#of.nowMs
    if (isLate) left -= await (this.#of.schedule.missed === 'all' ? this.#allDue(left) : this.#lastDue())
    const [first, ...rest] = this.#backfills
    if (first === undefined || left <= 0) return
    const nextMs = await this.#backfill(first, left)
    this.#backfills = nextMs === null ? rest : [{ ...first, fromMs: nextMs }, ...rest]
  }

  /** Gives how many ticks were dealt with. */
  async #allDue(most: number): Promise<number> {
    let count = 0
    for (; count < most && this.nextMs !== null && this.nextMs <= this.#of.nowMs; count++) {
      await this.#fire(this.nextMs)
      this.nextMs = this.#ticks.after(this.nextMs)
    }
    return count
  }

  /** Of many that are due it looks at the last one only. */
  async #lastDue(): Promise<number> {
    const { schedule, nowMs } = this.#of
    const { missed, graceMs } = schedule
    const tickMs = this.#ticks.upTo(nowMs)
    if (tickMs !== null && (missed === 'one' || nowMs - tickMs <= graceMs)) await this.#fire(tickMs)
    this.nextMs = this.#ticks.after(nowMs)
    return 1
  }

  /** The tick at which it goes on; null where the range is done. */
  async #backfill({ fromMs, toMs }: TickRange, most: number): Promise<number | null> {
    // What is to come is fired when it is there.
    const untilMs = Math.min(toMs, this.#of.nowMs)
    let tickMs = this.#ticks.after(fromMs - 1)
    for (let count = 0; tickMs !== null && tickMs <= untilMs; count++) {
      if (count >= most) return tickMs
      const name = nameOf(tickMs)
      if ((await this.#of.statusOf(name)) === undefined) this.#start({ name, tickMs })
      tickMs = this.#ticks.after(tickMs)
    }
    return null
  }

  /** Fires a tick, unless that was done, or the last child is in its way. */
  async #fire(tickMs: number): Promise<void> {
    const name = nameOf(tickMs)
    if ((await this.#of.statusOf(name)) !== undefined) return
    if (this.#of.schedule.overlap === 'skip' && (await this.#isRunning())) return
    this.#start({ name, tickMs })
  }

  /** That it ends while the step is committed changes nothing: it ran when the tick came. */
  async #isRunning(): Promise<boolean> {
    if (this.#last === null) return false
    if (this.#firings.length > 0) return true
    const status = await this.#of.statusOf(this.#last)
    return status !== undefined && status !== 'done'
  }

  #start(firing: Firing): void {
    if (this.#firings.some(({ name }) => name === firing.name)) return
    this.#firings.push(firing)
    this.#last = firing.name
  }
}

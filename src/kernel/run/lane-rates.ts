/**
 * Bounds how many requests of a lane are made in a time. A lane's slots lie on a line, one interval apart, and each is given
 * out once: a request takes one that has come, and that is not older than a burst of intervals. So however slots are handed out, no window of time
 * has more requests than its length has intervals, rounded up, and one burst. A slot that is never used, of a process that died say, is lost, and harms nothing.
 *
 * Where the store has the table of lanes, the next free slot is a row of it, which all processes share: each takes some slots by one
 * commit. Beside that each process keeps to the rate by its clock's steady reading, whatever the time of day is set to.
 */
import { StoreError } from '../../store/port.ts'
import { checkCount, checkFunction, checkKeys, checkNames } from '../../arguments.ts'
import type { KernelStore } from '../define/operation.ts'
import { messageOf } from '../util/errors.ts'
import { sleep, type Clock } from '../util/ports.ts'
import { reportLasting } from '../util/report.ts'
import type { LanePause, Pace } from './request-limiter.ts'

/** How many requests of a lane may be made in a time. */
export interface LaneRate {
  /** So many a second, in the long run; less than one is one every so many seconds. */
  readonly perSecond: number
  /** So many at once, after a time without any. */
  readonly burst: number
}

/** What rates are kept with. */
export interface RatesEnv {
  readonly store: KernelStore
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Whether the store has the table of lanes. */
  readonly isShared: boolean
  /** A request that was refused may be tried again. */
  readonly ready: (lane: string) => void
}

/** The rates of lanes, as `openOperations` takes them. Made by `laneRates`. */
export interface LaneRates {
  /** For the kernel. */
  begin(env: RatesEnv): Pace
}

/**
 * The rates of lanes: `of` says for each lane how many requests it takes, or undefined where there is no such limit.
 *
 * The processes of a store share a rate where its tables have a `lanesTable()` under the name `lanes`. Otherwise each keeps to it
 * alone, from a full burst at its start; a store whose processes all make requests is refused without that table.
 *
 * @example
 * const tables = { operations: operationsTable(), lanes: lanesTable() }
 * const store = await memoryStore().open({ version: 1, tables })
 * const rates = laneRates((lane) => (lane === 'https://card.example' ? { perSecond: 5, burst: 10 } : undefined))
 * openOperations({ store, tables, kinds: [], ports: {}, rates })
 */
export function laneRates(of: (lane: string) => LaneRate | undefined): LaneRates {
  checkFunction(of ?? null, 'of')
  return { begin: (env) => new Rates(of, env) }
}

/** A process takes the slots of so much time at once, one at least. */
const SHARE_MS = 1_000
/** Slots are taken at most so far ahead of time, and one interval: clocks of processes differ, and each process has a share for later. */
const AHEAD_MS = 30_000
/** No commit is expected to take longer. */
const SLOWEST_MS = 30_000
const LONGEST_WAIT_MS = 60_000
const RETRY_MS = 1_000

interface Lane {
  /** When each slot that this process has may be used, by the time of day. */
  slots: readonly number[]
  /** How many slots were taken last, and how many of them were used. */
  taken: number
  used: number
  /** How long that took. */
  tookMs: number
  isTaking: boolean
  /** The next slot by the clock's steady reading: of this process alone. */
  steadyMs: number
  timer: unknown
  /** When it may go on, by the steady reading. */
  againMs: number
  rate: LaneRate
}

class Rates implements Pace {
  readonly #of: (lane: string) => LaneRate | undefined
  readonly #env: RatesEnv
  readonly #lanes = new Map<string, Lane>()
  /** Failures of the store that were reported. */
  readonly #told = new Set<string>()

  constructor(of: (lane: string) => LaneRate | undefined, env: RatesEnv) {
    this.#of = of
    this.#env = env
    env.signal.addEventListener('abort', () => {
      for (const { timer } of this.#lanes.values()) env.clock.clearTimeout(timer)
    })
  }

  take(name: string): boolean {
    const rate = this.#of(name)
    if (rate === undefined) return true
    const lane = this.#lane(name, rate)
    const { clock, isShared } = this.#env
    const steadyMs = clock.monotonicMs()
    const everyMs = intervalOf(rate)
    const slotMs = Math.max(lane.steadyMs, steadyMs - (rate.burst - 1) * everyMs)
    if (slotMs > steadyMs) return this.#later(name, lane, slotMs - steadyMs)
    if (isShared) {
      const nowMs = clock.now()
      const [first, ...rest] = lane.slots.filter(
        (atMs) => atMs > nowMs - rate.burst * everyMs && atMs < tooFarMs(nowMs, rate),
      )
      if (first === undefined) return this.#takeSlots(name, lane)
      if (first > nowMs) return this.#later(name, lane, first - nowMs)
      lane.slots = rest
      lane.used++
    }
    lane.steadyMs = slotMs + everyMs
    return true
  }

  pauseOf(name: string): LanePause | undefined {
    const lane = this.#lanes.get(name)
    if (!lane) return undefined
    const leftMs = lane.againMs - this.#env.clock.monotonicMs()
    if (leftMs <= 0 && !lane.isTaking) return undefined
    return { why: `its lane takes ${inWords(lane.rate)}`, needsHuman: false, leftMs: Math.max(0, leftMs) }
  }

  /** @throws {TypeError} */
  #lane(name: string, rate: LaneRate): Lane {
    let lane = this.#lanes.get(name)
    if (lane?.rate !== rate) checkRate(rate)
    if (!lane) {
      if (this.#env.isShared && name !== '') checkKeys({ lane: name })
      lane = { slots: [], taken: 1, used: 0, tookMs: 0, isTaking: false, steadyMs: -Infinity, timer: undefined, againMs: -Infinity, rate } // prettier-ignore
      this.#lanes.set(name, lane)
    }
    lane.rate = rate
    return lane
  }

  /** Asks again in a while. */
  #later(name: string, lane: Lane, delayMs: number): false {
    const { clock, ready, signal } = this.#env
    lane.againMs = clock.monotonicMs() + delayMs
    if (signal.aborted) return false
    clock.clearTimeout(lane.timer)
    const ring = (): void => {
      lane.timer = undefined
      ready(name)
    }
    lane.timer = clock.setTimeout(ring, Math.min(Math.ceil(delayMs), clock.longestWaitMs ?? LONGEST_WAIT_MS))
    return false
  }

  /** Takes slots that nobody has: as many as were used of the last ones, twice as many where all of them were. */
  #takeSlots(name: string, lane: Lane): false {
    if (lane.isTaking) return false
    lane.isTaking = true
    const { perSecond } = lane.rate
    const most = Math.max(1, Math.floor((perSecond * SHARE_MS) / 1_000))
    const wanted = Math.min(most, lane.used >= lane.taken ? lane.taken * 2 : Math.max(1, lane.used))
    void this.#taken(name, lane, wanted).then((slots) => {
      lane.isTaking = false
      lane.slots = slots
      lane.taken = Math.max(1, slots.length)
      lane.used = 0
      this.#env.ready(name)
    })
    return false
  }

  /** A store that fails is asked again; nothing goes meanwhile. What landed unheard is lost, and harms nothing. */
  async #taken(name: string, lane: Lane, wanted: number): Promise<readonly number[]> {
    const { clock, signal } = this.#env
    while (!signal.aborted)
      try {
        const slots = await this.#commit(name, lane, wanted)
        if (slots) return slots
      } catch (error) {
        if (signal.aborted) break
        if (error instanceof StoreError && (error.code === 'CONFLICT' || error.code === 'IN_DOUBT')) continue
        const what = messageOf(error)
        if (!this.#told.has(what)) reportLasting(error)
        this.#told.add(what)
        await sleep(clock, RETRY_MS, signal)
      }
    return []
  }

  /** Undefined where others have all that come for a while. */
  async #commit(name: string, lane: Lane, wanted: number): Promise<readonly number[] | undefined> {
    const { store, clock, signal } = this.#env
    const { rate } = lane
    const everyMs = intervalOf(rate)
    const beganMs = clock.monotonicMs()
    const row = await store.get('lanes', [name])
    const nowMs = clock.now()
    const freeMs = row && row.nextAt < tooFarMs(nowMs, rate) ? row.nextAt : -Infinity
    // In a store that is slow the slots that have come now are over when they are had.
    const fromMs = Math.max(freeMs, nowMs + lane.tookMs - (rate.burst - 1) * everyMs)
    const earlyMs = fromMs - (nowMs + lane.tookMs + AHEAD_MS + everyMs)
    if (earlyMs > 0) {
      const delayMs = Math.min(LONGEST_WAIT_MS, Math.ceil(earlyMs))
      lane.againMs = clock.monotonicMs() + delayMs
      await sleep(clock, delayMs, signal)
      return undefined
    }
    const next = { lane: name, nextAt: Math.ceil(fromMs + wanted * everyMs) }
    await store.commit([{ put: 'lanes', row: next, if: row ? { nextAt: row.nextAt } : 'absent' }])
    lane.tookMs = Math.min(SLOWEST_MS, clock.monotonicMs() - beganMs)
    return Array.from({ length: wanted }, (_, at) => fromMs + at * everyMs)
  }
}

const intervalOf = ({ perSecond }: LaneRate): number => 1_000 / perSecond

/** No slot is as far ahead: one that is was taken by a clock that was wrong. */
const tooFarMs = (nowMs: number, rate: LaneRate): number =>
  nowMs + 2 * (AHEAD_MS + intervalOf(rate)) + SLOWEST_MS + SHARE_MS

const inWords = ({ perSecond }: LaneRate): string =>
  perSecond >= 1 ? `${perSecond} requests a second` : `a request every ${1 / perSecond} seconds`

/** @throws {TypeError} naming what is wrong */
function checkRate(rate: LaneRate): void {
  checkNames(rate, 'rate', ['perSecond', 'burst'])
  const { perSecond, burst } = rate
  if (typeof perSecond !== 'number' || !Number.isFinite(perSecond) || perSecond <= 0)
    throw new TypeError('rate.perSecond: a number above 0')
  checkCount(burst ?? null, 'rate.burst')
}

/** A store that is unavailable for a while, according to a scenario. */
import { StoreError } from '../../store/port.ts'
import { noteOf, type Notes } from '../explorer/notes.ts'
import type { Stage } from '../explorer/subject.ts'

/** A fault of the next commits with a name. */
interface Outage {
  /** The prefix of the commit's name: a kind and a state. */
  readonly at: string
  /** `busy`: nothing landed. `landed` and `lost`: the commit is in doubt. */
  readonly how: 'busy' | 'landed' | 'lost'
  /** How long the store can neither be written nor read after that. */
  readonly forMs: number
  /** The number of commits that will still fail. */
  readonly times: number
}

/** Times at which it is unavailable: the end of each period of this length, this many times. */
interface Recurring {
  readonly fromMs: number
  readonly everyMs: number
  readonly awayMs: number
  readonly times: number
}

const recurring = noteOf<Recurring>('recurring outages')
const planned = noteOf<Outage>('outage')
const until = noteOf<number>('outUntil')

/** From now on, each of this many commits with a name meets an outage. */
export const outage = (stage: Stage, of: Outage): void => planned.write(stage, of)

/** From now on, the store is unavailable at the end of each period of this length. */
export const recurringOutages = (stage: Stage, of: Omit<Recurring, 'fromMs'>): void =>
  recurring.write(stage, { ...of, fromMs: stage.clock.rightMs })

function isIn(of: Recurring | undefined, nowMs: number): boolean {
  if (!of) return false
  const sinceMs = nowMs - of.fromMs
  return sinceMs < of.everyMs * of.times && sinceMs % of.everyMs >= of.everyMs - of.awayMs
}

/** Whether the store can neither be written nor read. */
export const isAway = (notes: Notes, nowMs: number): boolean =>
  nowMs < (until.in(notes) ?? 0) || isIn(recurring.in(notes), nowMs)

/** Applies the outages of the scenario to the store. */
export class Outages {
  readonly #stage: Stage

  constructor(stage: Stage) {
    this.#stage = stage
  }

  /** @throws {StoreError} `BUSY` while the store is away. */
  check(): void {
    const { notes, clock } = this.#stage
    if (isAway(notes, clock.rightMs)) throw new StoreError('BUSY', 'the store is away')
  }

  /** Whether the store becomes unavailable with this commit. */
  begin(about: string): boolean {
    const found = planned.in(this.#stage.notes)
    return found !== undefined && found.times > 0 && about.startsWith(found.at)
  }

  /** The result of that commit. */

  async meet(land: () => Promise<void>): Promise<void> {
    const { notes, clock } = this.#stage
    const found = planned.in(notes)
    if (!found) return land()
    if (found.how === 'landed') await land()
    planned.write(this.#stage, { ...found, times: found.times - 1 })
    until.write(this.#stage, clock.rightMs + found.forMs)
    throw new StoreError(found.how === 'busy' ? 'BUSY' : 'IN_DOUBT', 'the store went away')
  }
}

/**
 * Measures one store's operations: how many there are in which state, how long commits take, what requests came to. It keeps
 * numbers of what it hears, and reads nothing from the store, however often it is asked.
 */
import type {
  Committing,
  CommitBegun,
  Measured,
  Probe,
  RequestBegun,
  SeenOperation,
} from '../kernel/inspect/telemetry.ts'
import { failureOf } from '../kernel/util/failure.ts'
import { ATTRIBUTES, COMMIT_BOUNDS, METRICS, type Attributes, type Metric } from './names.ts'
import { Gauge, Histogram, Tally, type Distribution, type Point } from './tally.ts'

type Unfinished = Pick<SeenOperation, 'kind' | 'state' | 'status' | 'version' | 'createdAt'>

/** What a metric shows at the moment. */
export interface Reading {
  readonly metric: Metric
  readonly points: readonly Point[]
}

/** Lanes that are told apart. */
const MOST_LANES = 100
/** What all further ones are counted as. */
const OTHER_LANES = 'others'
/** An id that the kernel gives. */
const NEW_ID = /^[0-9a-f]{32}$/

interface MeasuresOptions {
  /** Hears how long each commit took, in seconds. */
  readonly onCommit?: (seconds: number, attributes: Attributes) => void
}

export class Measures implements Probe {
  readonly #of: Measured
  readonly #onCommit: MeasuresOptions['onCommit']
  readonly #unfinished = new Map<string, Unfinished>()
  /** What ended before the start told what it found. */
  #early: Set<string> | undefined = new Set()
  readonly #ended = new Tally()
  readonly #requests = new Tally()
  readonly #retries = new Tally()
  readonly #commits = new Histogram(COMMIT_BOUNDS)
  readonly #operations = new Gauge()
  readonly #oldest = new Gauge()
  readonly #lanes = new Gauge()
  readonly #laneNames = new Set<string>()

  constructor(of: Measured, { onCommit }: MeasuresOptions = {}) {
    this.#of = of
    this.#onCommit = onCommit
    of.on((row) => this.#changed(row))
  }

  found(rows: readonly SeenOperation[]): void {
    for (const row of rows)
      if ((this.#unfinished.get(row.id)?.version ?? 0) < row.version && !this.#early?.has(row.id))
        this.#unfinished.set(row.id, unfinishedOf(row))
    this.#early = undefined
  }

  #changed(row: SeenOperation): void {
    const { id, kind, state, status } = row
    if (status !== 'done') return void this.#unfinished.set(id, unfinishedOf(row))
    this.#unfinished.delete(id)
    this.#early?.add(id)
    this.#ended.add({ [ATTRIBUTES.kind]: kind, [ATTRIBUTES.state]: state })
  }

  committing({ row: { kind } }: CommitBegun): Committing {
    const beganMs = this.#of.steadyMs()
    const over = (outcome: string): void => {
      const seconds = Math.max(0, this.#of.steadyMs() - beganMs) / 1_000
      const attributes = { [ATTRIBUTES.kind]: kind, [ATTRIBUTES.outcome]: outcome }
      this.#commits.add(attributes, seconds)
      this.#onCommit?.(seconds, attributes)
    }
    return {
      ended: (outcome) => {
        over(outcome)
        if (outcome === 'conflict') this.#retried(kind, 'conflict')
      },
      failed: () => over('failed'),
    }
  }

  async request<T>(
    { row: { kind, attempt }, src }: RequestBegun,
    make: () => Promise<T>,
    answerOf: (made: T) => string | undefined,
  ): Promise<T> {
    if (attempt > 1) this.#retried(kind, 'replay')
    const of = { [ATTRIBUTES.kind]: kind, [ATTRIBUTES.effect]: src }
    try {
      const made = await make()
      const answer = answerOf(made)
      if (answer !== undefined) this.#requests.add({ ...of, [ATTRIBUTES.answer]: answer })
      return made
    } catch (error) {
      this.#requests.add({ ...of, [ATTRIBUTES.error]: failureOf(error).error })
      throw error
    }
  }

  erred({ kind }: SeenOperation): void {
    this.#retried(kind, 'error')
  }

  #retried(kind: string, retry: 'replay' | 'conflict' | 'error'): void {
    this.#retries.add({ [ATTRIBUTES.kind]: kind, [ATTRIBUTES.retry]: retry })
  }

  /** All that is not a distribution. */
  get readings(): readonly Reading[] {
    const operations = new Tally()
    const oldest = new Map<string, number>()
    for (const { kind, state, status, createdAt } of this.#unfinished.values()) {
      operations.add({ [ATTRIBUTES.kind]: kind, [ATTRIBUTES.state]: state, [ATTRIBUTES.status]: status })
      oldest.set(kind, Math.min(createdAt, oldest.get(kind) ?? Infinity))
    }
    const nowMs = this.#of.nowMs()
    const ages = [...oldest].map(([kind, createdAt]) => ({
      attributes: { [ATTRIBUTES.kind]: kind },
      value: Math.max(0, nowMs - createdAt) / 1_000,
    }))
    const lanes = new Tally()
    for (const { lane, underWay, waiting } of this.#of.lanes()) {
      const name = this.#laneName(lane)
      lanes.add({ [ATTRIBUTES.lane]: name, [ATTRIBUTES.place]: 'under_way' }, underWay)
      lanes.add({ [ATTRIBUTES.lane]: name, [ATTRIBUTES.place]: 'waiting' }, waiting)
    }
    return [
      { metric: METRICS.operations, points: this.#operations.points(operations.points) },
      { metric: METRICS.oldest, points: this.#oldest.points(ages) },
      { metric: METRICS.ended, points: this.#ended.points },
      { metric: METRICS.requests, points: this.#requests.points },
      { metric: METRICS.retries, points: this.#retries.points },
      { metric: METRICS.lanes, points: this.#lanes.points(lanes.points) },
    ]
  }

  /** What a lane is called in metrics: without an operation's id, and of a limited number, for each name is kept for good. */
  #laneName(lane: string): string {
    const words = lane.split(' ').filter((word) => !this.#unfinished.has(word) && !NEW_ID.test(word))
    const name = words.length > 0 ? words.join(' ') : 'operation'
    if (this.#laneNames.size < MOST_LANES) this.#laneNames.add(name)
    return this.#laneNames.has(name) ? name : OTHER_LANES
  }

  /** How long commits took, in seconds, in buckets that end at `COMMIT_BOUNDS`. */
  get commits(): readonly Distribution[] {
    return this.#commits.distributions
  }
}

const unfinishedOf = ({ kind, state, status, version, createdAt }: SeenOperation): Unfinished => ({
  ...{ kind, state, status, version, createdAt },
})

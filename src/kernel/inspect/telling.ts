/** Tells listeners, inspectors and whoever hears of errors what was committed, and what keeps operations from going on. */
import type { OperationRow } from '../define/operation.ts'
import type { Change, LoadedKind } from '../kernel.ts'
import type { OperationsOptions } from '../options.ts'
import { HardshellError } from '../util/errors.ts'
import { reportError, unharmed } from '../util/report.ts'
import { InspectionFeeds } from './feeds.ts'
import type { RequestLimiter } from '../run/request-limiter.ts'
import type { Resumed } from '../run/supervisor.ts'
import type { Clock } from '../util/ports.ts'
import { guarded, seen } from './guarded.ts'
import { failureEvent, resumedEvent, stepEvent, type LogLevel, type OperationLogEvent } from './log.ts'
import type { StepRecords } from './step-records.ts'
import type { Probe, Telemetry } from './telemetry.ts'

/** Called after each commit. */
export type Listener = (change: Change) => void

interface TellingOptions {
  readonly to: Pick<OperationsOptions<unknown>, 'inspect' | 'unsafeInspect' | 'onError' | 'log'>
  readonly kinds: ReadonlyMap<string, LoadedKind>
  /** The names of all tables. */
  readonly tables: readonly string[]
}

/** What telemetry is told of. */
interface Followed {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly limiter: RequestLimiter
  readonly steps: StepRecords
}

export class Telling {
  readonly #of: TellingOptions
  readonly #feeds: InspectionFeeds
  readonly #listeners = new Set<Listener>()
  #probe: Probe | undefined

  constructor(of: TellingOptions) {
    this.#of = of
    this.#feeds = new InspectionFeeds(of.to)
  }

  /** Hears of each commit and each request, where telemetry follows the operations. */
  get probe(): Probe | undefined {
    return this.#probe
  }

  /** Has the operations followed. */
  follow(telemetry: Telemetry | undefined, { clock, signal, limiter, steps }: Followed): void {
    const probe = telemetry?.begin({
      ...{ nowMs: () => clock.now(), steadyMs: () => clock.monotonicMs(), signal },
      on: (listener) => this.on(({ row }) => listener(seen(row))),
      lanes: () => limiter.loads,
      traces: (id) => steps.traces(id),
    })
    this.#probe = probe && guarded(probe)
  }

  /** Calls back for each change. Returns the way to stop. */
  on(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Calls no listener back any more. */
  clear(): void {
    this.#listeners.clear()
  }

  /** Operations that were there when this process began; to be told before anything comes of them. */
  found(rows: readonly OperationRow[]): void {
    this.#feeds.found(rows, this.#of.kinds)
    this.#probe?.found(rows)
  }

  /** This process committed a step. */
  step(change: Change): void {
    if (this.#of.to.log) this.log('debug', stepEvent(change.before, change.row))
    this.#change(change)
  }

  /** Logs an event. A log that throws harms nothing. */
  log(level: LogLevel, event: OperationLogEvent): void {
    unharmed(() => this.#of.to.log?.(level, event))
  }

  /** The start has looked at what was unfinished. */
  resumed(report: readonly Resumed[]): void {
    const event = resumedEvent(report)
    if (event) this.log('info', event)
  }

  /** A row has changed. A listener that throws harms nothing. */
  #change(change: Change): void {
    for (const call of [
      ...[...this.#listeners].map((listener) => () => listener(change)),
      () => this.#feeds.step(change),
    ])
      unharmed(call)
  }

  /** A row was committed otherwise than by a step of this process. */
  row(before: OperationRow | undefined, row: OperationRow): void {
    const { kinds, tables } = this.#of
    const loaded = kinds.get(row.kind)?.of(row)
    if (!loaded) return
    try {
      this.#change({ before, row, snapshot: loaded.restore(row), emitted: [], moves: [], tables })
    } catch {
      // A row that cannot be loaded is listed as unloadable.
    }
  }

  /** An operation met an error. */
  erred(row: OperationRow, error: unknown): void {
    const { id, kind, state, attempt } = row
    this.#probe?.erred(row, error)
    this.log('warn', failureEvent(row, error))
    unharmed(() => this.#of.to.onError?.({ id, kind, state, attempt, error }))
  }

  /** An operation was set aside. Where nobody hears of errors, whoever looks after the program does. */
  setAside(before: OperationRow, row: OperationRow): void {
    this.row(before, row)
    const { id, kind, state, reason } = row
    this.log('error', { event: 'quarantined', operation: id, kind, state })
    if (this.#of.to.onError ?? this.#of.to.log) return
    reportError(new HardshellError('QUARANTINED', `${kind} ${id} in '${state}': ${reason}`, { operationId: id }))
  }
}

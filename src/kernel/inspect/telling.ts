/** Tells listeners, inspectors and whoever hears of errors what was committed, and what keeps operations from going on. */
import type { OperationRow } from '../define/operation.ts'
import type { Change, LoadedKind } from '../kernel.ts'
import type { OperationsOptions } from '../options.ts'
import { HardshellError } from '../util/errors.ts'
import { reportError } from '../util/report.ts'
import { InspectionFeeds } from './feeds.ts'

/** Called after each commit. */
export type Listener = (change: Change) => void

interface TellingOptions {
  readonly to: Pick<OperationsOptions<unknown>, 'inspect' | 'unsafeInspect' | 'onError'>
  readonly kinds: ReadonlyMap<string, LoadedKind>
  /** The names of all tables. */
  readonly tables: readonly string[]
}

export class Telling {
  readonly #of: TellingOptions
  readonly #feeds: InspectionFeeds
  readonly #listeners = new Set<Listener>()

  constructor(of: TellingOptions) {
    this.#of = of
    this.#feeds = new InspectionFeeds(of.to)
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
  }

  /** A step was committed. A listener that throws harms nothing. */
  change(change: Change): void {
    for (const call of [
      ...[...this.#listeners].map((listener) => () => listener(change)),
      () => this.#feeds.step(change),
    ])
      try {
        call()
      } catch (error) {
        reportError(error)
      }
  }

  /** A row was committed otherwise than by a step of this process. */
  row(before: OperationRow | undefined, row: OperationRow): void {
    const { kinds, tables } = this.#of
    const loaded = kinds.get(row.kind)?.of(row)
    if (!loaded) return
    try {
      this.change({ before, row, snapshot: loaded.restore(row), emitted: [], moves: [], tables })
    } catch {
      // A row that cannot be loaded is listed as unloadable.
    }
  }

  /** An operation met an error. */
  erred({ id, kind, state, attempt }: OperationRow, error: unknown): void {
    try {
      this.#of.to.onError?.({ id, kind, state, attempt, error })
    } catch (failure) {
      reportError(failure)
    }
  }

  /** An operation was set aside. Where nobody hears of errors, whoever looks after the program does. */
  setAside(before: OperationRow, row: OperationRow): void {
    this.row(before, row)
    if (this.#of.to.onError) return
    const { id, kind, state, reason } = row
    reportError(new HardshellError('QUARANTINED', `${kind} ${id} in '${state}': ${reason}`, { operationId: id }))
  }
}

/** The inspectors of a process: one that is told without secrets, one that is told all. None of them does harm. */
import type { OperationRow } from '../define/operation.ts'
import type { Change, LoadedKind } from '../kernel.ts'
import type { OperationsOptions } from '../options.ts'
import { unharmed } from '../util/report.ts'
import { InspectionFeed } from './inspect.ts'

export class InspectionFeeds {
  readonly #feeds: readonly InspectionFeed[]

  constructor({ inspect, unsafeInspect }: Pick<OperationsOptions<unknown>, 'inspect' | 'unsafeInspect'>) {
    this.#feeds = [
      ...(inspect ? [new InspectionFeed(inspect, false)] : []),
      ...(unsafeInspect ? [new InspectionFeed(unsafeInspect, true)] : []),
    ]
  }

  /** Operations that were there when this process began; to be told before anything comes of them. */
  found(rows: readonly OperationRow[], kinds: ReadonlyMap<string, LoadedKind>): void {
    if (this.#feeds.length === 0) return
    for (const row of parentsFirst(rows))
      try {
        const snapshot = kinds.get(row.kind)?.of(row).restore(row)
        if (snapshot) this.#tell((feed) => feed.found(row, snapshot))
      } catch {
        // What cannot be loaded has nothing to show: it is listed as unloadable.
      }
  }

  /** A step was committed. */
  step(change: Change): void {
    this.#tell((feed) => feed.step(change))
  }

  #tell(tell: (feed: InspectionFeed) => void): void {
    for (const feed of this.#feeds) unharmed(() => tell(feed))
  }
}

/** Each row after the one that it belongs to, where that is among them. */
function parentsFirst(rows: readonly OperationRow[]): ReadonlySet<OperationRow> {
  const byId = new Map(rows.map((row) => [row.id, row]))
  const sorted = new Set<OperationRow>()
  for (const row of rows) {
    const line: OperationRow[] = []
    let at: OperationRow | undefined = row
    while (at && !sorted.has(at) && !line.includes(at)) {
      line.unshift(at)
      at = at.parent === null ? undefined : byId.get(at.parent)
    }
    for (const each of line) sorted.add(each)
  }
  return sorted
}

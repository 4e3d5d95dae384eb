/** Does something with many operations, one after the other, whatever comes of each. */
import { checkFilter, matches, type ListFilter } from '../options.ts'
import type { KernelStore, OperationRow, OperationStatus } from '../define/operation.ts'
import { HardshellError } from '../util/errors.ts'
import type { Clock } from '../util/ports.ts'
import { pagesOf } from './pages.ts'

/** How many are at work at once. */
const AT_ONCE = 16

/** What came of one of many operations. */
export interface BulkOutcome {
  /** The operation's id. */
  readonly id: string
  /** The kind of operation, `send` say. */
  readonly kind: string
  /** The chart's state before, dotted. */
  readonly state: string
  /** `refused`: the chart took no notice of it; `failed`: see `error`. */
  readonly outcome: 'done' | 'refused' | 'failed'
  /** Why it failed, or was refused. */
  readonly error?: unknown
}

interface Env {
  readonly store: KernelStore
  readonly clock: Clock
  /** Aborts when the operations are closed. */
  readonly closed: AbortSignal
  readonly signal?: AbortSignal | undefined
}

/**
 * Acts on all operations of a status that are as the filter says; what happens to others meanwhile is none of its business.
 *
 * @throws {TypeError} naming the argument. @throws {HardshellError} `CLOSED`. @throws {StoreError} where rows cannot be read
 * @throws the signal's reason
 */
export async function onEach(
  { store, clock, closed, signal }: Env,
  filter: ListFilter & { readonly status: OperationStatus },
  act: (row: OperationRow) => Promise<void>,
): Promise<BulkOutcome[]> {
  checkFilter(filter)
  const { limit = Infinity, status } = filter
  const nowMs = clock.now()
  const outcomes: BulkOutcome[] = []
  for await (const page of pagesOf(store, { index: 'byStatus', name: status })) {
    const rows = page.filter((row) => matches(row, filter, nowMs))
    for (let from = 0; from < rows.length && outcomes.length < limit; from += AT_ONCE) {
      const some = rows.slice(from, Math.min(from + AT_ONCE, from + limit - outcomes.length))
      outcomes.push(...(await Promise.all(some.map((row) => outcomeOf(row, act)))))
      if (closed.aborted) throw new HardshellError('CLOSED', 'closed')
      signal?.throwIfAborted()
    }
    if (outcomes.length >= limit) break
  }
  return outcomes
}

async function outcomeOf(row: OperationRow, act: (row: OperationRow) => Promise<void>): Promise<BulkOutcome> {
  const { id, kind, state } = row
  try {
    await act(row)
    return { id, kind, state, outcome: 'done' }
  } catch (error) {
    const isRefused = error instanceof HardshellError && error.code === 'INVALID_STATE'
    return { id, kind, state, outcome: isRefused ? 'refused' : 'failed', error }
  }
}

/** Does something with many operations, one after the other, whatever comes of each. */
import type { OperationRow } from '../define/operation.ts'
import { HardshellError } from '../util/errors.ts'

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

/**
 * Acts on all of the rows, at most `limit` of them; what happens to others meanwhile is none of its business.
 *
 * @throws {HardshellError} `CLOSED`. @throws {StoreError} where rows cannot be read
 * @throws the signal's reason
 */
export async function onEach(
  rows: AsyncIterable<OperationRow>,
  act: (row: OperationRow) => Promise<void>,
  { limit = Infinity, closed, signal }: Bounds,
): Promise<BulkOutcome[]> {
  const outcomes: BulkOutcome[] = []
  let waiting: OperationRow[] = []
  const flush = async (): Promise<void> => {
    outcomes.push(...(await Promise.all(waiting.map((row) => outcomeOf(row, act)))))
    waiting = []
    if (closed.aborted) throw new HardshellError('CLOSED', 'closed')
    signal?.throwIfAborted()
  }
  if (limit > 0)
    for await (const row of rows) {
      waiting.push(row)
      if (outcomes.length + waiting.length >= limit) break
      if (waiting.length === AT_ONCE) await flush()
    }
  await flush()
  return outcomes
}

interface Bounds {
  readonly limit: number | undefined
  /** Aborts when the operations are closed. */
  readonly closed: AbortSignal
  readonly signal: AbortSignal | undefined
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

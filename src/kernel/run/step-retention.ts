/**
 * Deletes the steps of operations that ended so many days ago (`keepSteps`), in the order of their ends. A row of the table itself
 * says up to which time that is done, so that no sweep goes through all operations.
 */
import type { KernelWrite } from '../define/operation.ts'
import type { StepRow } from '../define/steps.ts'
import type { Kernel } from '../kernel.ts'

const DAY_MS = 86_400_000
/** By so much the clocks of processes may differ. */
const LATE_MS = 3_600_000
/** How many operations are read at once, unless more of them changed last at one time. */
const PAGE = 100
/** The most rows that one commit deletes. */
const MOST_DELETED = 200

/** No operation has this id. */
const DONE_TO: Pick<StepRow, 'operation' | 'version'> = { operation: '', version: 0 }

/** @throws {StoreError} `CONFLICT` where another owner deletes at the same time: what is left is found the next time */
export async function sweepSteps(kernel: Kernel, days: number, signal: AbortSignal): Promise<void> {
  const { store, clock } = kernel
  const to = Math.floor(clock.now() - days * DAY_MS)
  const { operation, version } = DONE_TO
  const done = await store.get('steps', [operation, version])
  // A clock that was ahead and was set back leaves a mark that is of no use.
  let from = done && done.at <= to ? Math.max(0, done.at - LATE_MS) : 0
  let isWorthMarking = false
  for (let limit = PAGE; from <= to;) {
    const rows = await store.query({ table: 'operations', index: 'byUpdate', from, to, limit })
    let deletions: KernelWrite[] = []
    for (const { id, status } of rows) {
      if (signal.aborted || !kernel.leads()) return
      // What goes on, or was set aside, has its time when it has ended.
      if (status !== 'done') continue
      for (const step of await store.query({ table: 'steps', prefix: [id] })) {
        deletions.push({ delete: 'steps', key: [id, step.version], if: { at: step.at } })
        if (deletions.length < MOST_DELETED) continue
        await store.commit(deletions)
        deletions = []
      }
    }
    if (deletions.length > 0) await store.commit(deletions)
    // What is looked through once more costs little, and a process that has nothing to delete writes nothing.
    isWorthMarking ||= deletions.length > 0 || rows.length === limit
    const last = rows.at(-1)
    if (!last || rows.length < limit) break
    if (last.updatedAt === from) limit *= 2
    else limit = PAGE
    from = last.updatedAt
  }
  if (isWorthMarking) await store.commit([{ put: 'steps', row: markOf(to) }])
}

const markOf = (at: number): StepRow => ({
  ...{ ...DONE_TO, at, event: '@hardshell.sweep', src: null, answer: null, from: null, to: '' },
  ...{ attempt: 0, owner: '', tookMs: null, detail: null, kindVersion: 0, snapshot: null },
})

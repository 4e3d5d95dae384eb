/**
 * Deletes the steps of operations that ended so many days ago (`keepSteps`), in the order of their ends. A row of the table itself
 * says up to which time that is done, so that no sweep goes through all operations.
 */
import type { KernelWrite } from '../define/operation.ts'
import type { StepRow } from '../define/steps.ts'
import type { Kernel } from '../kernel.ts'
import { sleep } from '../util/ports.ts'

const DAY_MS = 86_400_000
/** By so much the clocks of processes may differ. */
const LATE_MS = 3_600_000
/** How many operations are read at once, unless more of them changed last at one time. */
const PAGE = 100
/** The most rows that one commit deletes. */
const MOST_DELETED = 200
/** Others get their turn before the next page. */
const PAUSE_MS = 20
/** After so many pages it notes how far it is: a process may not live to the end of a first sweep. */
const PAGES_MARKED = 50

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
  const marked = (at: number): Promise<void> => store.commit([{ put: 'steps', row: markOf(at) }])
  let hasDeleted = false
  for (let [limit, pages] = [PAGE, 1]; ; pages++) {
    const rows = await store.query({ table: 'operations', index: 'byUpdate', from, to, limit })
    let deletions: KernelWrite[] = []
    for (const { id, status } of rows) {
      if (signal.aborted || !kernel.leads()) return
      // What goes on, or was set aside, has its time when it has ended.
      if (status !== 'done') continue
      for (const step of await store.query({ table: 'steps', prefix: [id] })) {
        deletions.push({ delete: 'steps', key: [id, step.version], if: { at: step.at } })
        hasDeleted = true
        if (deletions.length < MOST_DELETED) continue
        await store.commit(deletions)
        deletions = []
      }
    }
    if (deletions.length > 0) await store.commit(deletions)
    const last = rows.at(-1)
    // A process that has nothing to delete writes nothing: what is one page is soon looked through again.
    if (!last || rows.length < limit) return hasDeleted || pages > 1 ? marked(to) : undefined
    limit = last.updatedAt === from ? limit * 2 : PAGE
    from = last.updatedAt
    if (pages % PAGES_MARKED === 0) await marked(from)
    await sleep(clock, PAUSE_MS, signal)
  }
}

const markOf = (at: number): StepRow => ({
  ...{ ...DONE_TO, at, event: '@hardshell.sweep', src: null, answer: null, from: null, to: '' },
  ...{ attempt: 0, owner: '', tookMs: null, detail: null, kindVersion: 0, snapshot: null },
})

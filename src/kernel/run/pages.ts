/** Reads many rows, a page at a time. */
import type { KernelStore, OperationRow } from '../define/operation.ts'

/** How many rows are read at once. */
const PAGE = 250

/** Where to read: all of a status, or all of a kind, created at this time or before. */
interface Range {
  readonly index: 'byStatus' | 'byKind'
  readonly name: string
  readonly to?: number
}

/** Rows, oldest first, each once. Those that are changed or deleted meanwhile do no harm. */
export async function* pagesOf(store: KernelStore, { index, name, to }: Range): AsyncGenerator<OperationRow[]> {
  let seen = new Set<string>()
  let from: number | undefined
  for (let limit = PAGE; ;) {
    const read = { table: 'operations', from, to, limit } as const
    const rows = await (index === 'byKind'
      ? store.query({ ...read, index, prefix: [name] })
      : store.query({ ...read, index, prefix: [name as OperationRow['status']] }))
    const fresh = rows.filter(({ id }) => !seen.has(id))
    if (fresh.length > 0) yield fresh
    const last = rows.at(-1)
    if (!last || rows.length < limit) return
    // The next page begins with those of the time at which this one ended, of which there may be more than a page.
    limit = fresh.length === 0 ? limit * 4 : PAGE
    if (from !== last.createdAt) seen = new Set()
    for (const { id, createdAt } of rows) if (createdAt === last.createdAt) seen.add(id)
    from = last.createdAt
  }
}

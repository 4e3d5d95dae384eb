/** Gathers what is committed, and tells the pages of it at once, or after a moment where much is committed. */
import type { Clients } from './clients.ts'
import type { Summary } from './feed.ts'
import type { Source } from './source.ts'

/** Commits within this time are told together. */
const TOGETHER_MS = 10
/** Figures are read no more often. */
const TOTALS_EVERY_MS = 250

/** Follows the operations of a source. Returns the way to stop. */
export function followChanges(source: Source, clients: Clients): () => void {
  const changed = new Map<string, Summary>()
  let telling: NodeJS.Timeout | undefined
  let reading: NodeJS.Timeout | undefined

  const tell = (): void => {
    telling = undefined
    const operations = [...changed.values()]
    changed.clear()
    clients.tell({ type: 'changes', nowMs: source.parts.clock.now(), operations })
  }
  const readTotals = async (): Promise<void> => {
    const totals = await source.of.totals?.()
    if (totals) clients.tell({ type: 'totals', totals })
  }
  const stop = source.of.operations.on(({ row }) => {
    if (clients.size === 0) return
    const { id } = row
    const known = changed.get(id)
    if (!known || known.version < row.version) changed.set(id, source.summary(row))
    telling ??= setTimeout(tell, TOGETHER_MS)
    if (!source.of.totals) return
    reading ??= setTimeout(() => {
      reading = undefined
      // A store that cannot be read now is read after the next commit.
      readTotals().catch(() => {})
    }, TOTALS_EVERY_MS)
  })
  return () => {
    stop()
    clearTimeout(telling)
    clearTimeout(reading)
  }
}

/** Who wants to know of changes to which table. */
export interface Watchers {
  add(table: string, changed: () => void): () => void
  /** Calls back those who watch one of the tables, or all of them, soon and at most once each. */
  touched(tables?: Iterable<string>): void
  clear(): void
  readonly size: number
}

export function watchers(): Watchers {
  const watching = new Set<{ readonly table: string; readonly changed: () => void }>()
  const due = new Set<object>()
  return {
    add(table, changed) {
      const watcher = { table, changed }
      watching.add(watcher)
      return () => {
        watching.delete(watcher)
      }
    },
    touched(tables) {
      if (watching.size === 0) return
      const names = tables && new Set(tables)
      for (const watcher of watching) {
        if (due.has(watcher) || (names && !names.has(watcher.table))) continue
        due.add(watcher)
        // In its own microtask: what a callback throws is nobody's commit.
        queueMicrotask(() => {
          due.delete(watcher)
          if (watching.has(watcher)) watcher.changed()
        })
      }
    },
    clear() {
      watching.clear()
    },
    get size() {
      return watching.size
    },
  }
}

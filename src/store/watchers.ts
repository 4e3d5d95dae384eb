/** Who wants to know of changes to which table. */
export interface Watchers {
  add(table: string, changed: () => void): () => void
  /** Calls back those who watch one of the tables, or without tables everybody, once each and soon. */
  touched(tables?: Iterable<string>): void
  clear(): void
  readonly size: number
}

export function watchers(): Watchers {
  const watching = new Set<{ readonly table: string; readonly changed: () => void }>()
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
        if (names && !names.has(watcher.table)) continue
        // In its own microtask: what a callback throws is nobody's commit.
        queueMicrotask(() => {
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

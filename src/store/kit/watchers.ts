/** Who wants to know of changes to which table. */
export interface Watchers {
  add(table: string, changed: () => void): () => void
  /** Calls back those who watch one of the tables, or without tables everybody, once each and soon. */
  touched(tables?: Iterable<string>): void
  clear(): void
}

/** `begin` is called with the first watcher, where commits of others have to be looked for; what it gives ends that after the last. */
export function watchers(begin?: () => () => void): Watchers {
  let end: (() => void) | undefined
  const settle = (): void => {
    if (watching.size > 0) return
    end?.()
    end = undefined
  }
  const watching = new Set<{ readonly table: string; readonly changed: () => void }>()
  return {
    add(table, changed) {
      const watcher = { table, changed }
      watching.add(watcher)
      end ??= begin?.()
      return () => {
        watching.delete(watcher)
        settle()
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
      settle()
    },
  }
}

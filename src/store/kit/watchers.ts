/** Callbacks for changes of tables. */
export interface Watchers {
  add(table: string, changed: () => void): () => void
  /** Calls each callback of the given tables once, soon. Without tables, it calls all callbacks. */
  touched(tables?: Iterable<string>): void
  clear(): void
}

/**
 * `begin` is called with the first watcher, for stores that must poll for commits of others. It returns a function that
 * ends the polling, which is called after the last watcher.
 */
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
        // It runs in its own microtask: an error that a callback throws must not fail a commit.
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

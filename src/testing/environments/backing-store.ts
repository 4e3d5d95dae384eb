/** Stores the rows of a life: in memory, or in a store under test with memory beside it to compare. */
import { tablesOf } from '../../kernel/run/durable.ts'
import { memoryStore, type Dump, type MemoryStore } from '../../store/memory.ts'
import { StoreError, type Row, type Schema, type Store, type StoreAdapter, type Write } from '../../store/port.ts'
import { miscounted } from '../invariants/totals.ts'

/** A real store on which lives take place, one after the other. */
export interface TestedStore extends StoreAdapter {
  /** Replaces all rows: the next `open` finds exactly these. */
  load(rows: Dump): void
  /** All current rows. */
  dump(): Promise<Dump>
}

/** The rows of one life. */
export interface BackingStore extends StoreAdapter {
  /** The current rows. */
  dump(): Dump
  /** Resolves when everything that can happen at the present time has happened. */
  quiet(): Promise<void>
  /** Ends the life. Returns the store's breaches of its contract. */
  end(): Promise<readonly string[]>
}

/** Rows in memory: every call is over within microtasks. */
export function inMemory(rows: Dump): BackingStore {
  const memory = memoryStore()
  memory.load(rows)
  const wrong: string[] = []
  const counts: Promise<unknown>[] = []
  return {
    async open(schema) {
      const store = await memory.open(schema)
      return {
        ...store,
        commit(writes) {
          const landing = store.commit(writes)
          // The commit has landed by now, or never will. Its caller does not wait for this line.
          const counted = miscounted({ store, schema, tables: tablesOf(writes), rows: memory.dump() })
          counts.push(counted.then((found) => wrong.push(...found)))
          return landing
        },
      }
    },
    dump: () => memory.dump(),
    quiet: turn,
    end: () => Promise.all(counts).then(() => wrong),
  }
}

/**
 * Rows in a store under test. As soon as a commit is over, it is tried in memory too. Both stores must take or refuse
 * it, and must have the same rows at the end. Watchers are called by the memory store, which calls them at once and in
 * the same order in every run.
 */
export function onStore(tested: TestedStore, rows: Dump): BackingStore {
  const memory = memoryStore()
  memory.load(rows)
  tested.load(rows)
  const wrong: string[] = []
  const handles: Store[] = []
  /**
   * The last call, and the number of unanswered calls. Calls run one after the other, so that runs repeat themselves.
   */
  let last: Promise<unknown> = Promise.resolve()
  let open = 0
  const called = <T>(call: () => Promise<T>): Promise<T> => {
    open++
    const answer = last.then(call).finally(() => open--)
    last = answer.catch(() => {})
    return answer
  }
  const both = async (store: Store, shadow: Store, schema: Schema, writes: readonly Write[]): Promise<void> => {
    const landing = store.commit(writes)
    const outcome = await codeOf(landing)
    const expected = await codeOf(shadow.commit(writes))
    if (outcome !== expected) wrong.push(`store: a commit was ${outcome}, and ${expected} in memory`)
    const tables = tablesOf(writes)
    for (const it of [store, shadow])
      wrong.push(...(await miscounted({ store: it, schema, tables, rows: memory.dump() })))
    return landing
  }
  const quiet = async (): Promise<void> => {
    for (;;) {
      await turn()
      if (open === 0) return
      await last
    }
  }
  return {
    dump: () => memory.dump(),
    quiet,
    open: (schema) =>
      called(async () => {
        const [store, shadow] = [await tested.open(schema), await memory.open(schema)]
        handles.push(store, shadow)
        return {
          ...(store.ownership && { ownership: store.ownership }),
          ...calling({ store, memory: shadow, called, commit: (writes) => both(store, shadow, schema, writes) }),
        }
      }),
    async end() {
      await quiet()
      return [...wrong, ...(await closed({ handles, tested, memory }))]
    },
  }
}

/** A store under test. Each of its calls goes through `called`; the memory store calls its watchers. */
export function calling(of: {
  readonly store: Store
  readonly memory: Store
  readonly called: <T>(call: () => Promise<T>) => Promise<T>
  readonly commit: Store['commit']
}): Store {
  const { store, memory, called, commit } = of
  return {
    get: <R extends Row>(table: string, key: Parameters<Store['get']>[1]) => called(() => store.get<R>(table, key)),
    query: <R extends Row>(query: Parameters<Store['query']>[0]) => called(() => store.query<R>(query)),
    sum: (table, prefix) => called(() => store.sum(table, prefix)),
    commit: (writes) => called(() => commit(writes)),
    watch: (table, changed) => memory.watch(table, changed),
    close: () => called(() => store.close().then(() => memory.close())),
  }
}

/** Closes the connections, which a dead process left open. Returns the violations in the remaining rows. */
export async function closed(of: {
  readonly handles: readonly Store[]
  readonly tested: TestedStore
  readonly memory: MemoryStore
}): Promise<string[]> {
  const { handles, tested, memory } = of
  await Promise.all(handles.map((store) => store.close()))
  if (handles.length === 0 || canonical(await tested.dump()) === canonical(memory.dump())) return []
  return ['store: its rows are not those that were committed']
}

/** How a commit ended: `landed`, or the code of its error. */
export const codeOf = (commit: Promise<void>): Promise<string> =>
  commit.then(
    () => 'landed',
    (error: unknown) => (error instanceof StoreError ? error.code : String(error)),
  )

/** Rows as a text that does not depend on the order of columns. */
const canonical = (rows: Dump): string =>
  JSON.stringify(rows, (_, value: unknown) =>
    value && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )

/** Waits until all microtasks are done. */
export const turn = (): Promise<void> => new Promise((resolve) => soon(resolve))

/** Browsers have no `setImmediate`; the replacement waits a little longer. */
const soon: (call: () => void) => void =
  (globalThis as { setImmediate?: (call: () => void) => void }).setImmediate ?? ((call) => void setTimeout(call, 0))

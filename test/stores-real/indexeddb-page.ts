/** Runs in a page: the store contract on IndexedDB, and what other tests need there. */
import { indexedDbStore, type IndexedDbStoreOptions } from '../../src/store/indexeddb/index.ts'
import { StoreError, type Row, type Schema, type Store, type Table, type Write } from '../../src/store/port.ts'
import { storeContract } from '../../src/testing/contracts/store-contract.ts'

const contract = storeContract(async () => {
  const name = `contract ${crypto.randomUUID()}`
  return { adapter: indexedDbStore({ name }), dispose: () => deleted(name) }
})

const notes: Table = { columns: { id: 'integer', text: 'text' }, key: ['id'], total: { of: 'id', by: ['text'] } }
const longer: Table = { ...notes, columns: { ...notes.columns, size: 'integer' } }

/** By version. */
const schemas: readonly Schema[] = [
  { version: 1, tables: { notes } },
  {
    version: 2,
    tables: { notes: longer },
    migrations: {
      1: [
        { addColumn: 'size', to: 'notes', type: 'integer', value: 0 },
        { rewrite: 'notes', row: (row) => ({ ...row, size: (row['text'] as string).length }) },
      ],
    },
  },
]

function deleted(name: string): Promise<void> {
  const request = indexedDB.deleteDatabase(name)
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve())
    request.addEventListener('error', () => reject(request.error!))
  })
}

/** Every call by which a migration asks something of an object store. */
const CALLS = ['get', 'getAll', 'getAllKeys', 'openCursor', 'clear', 'add', 'put', 'delete'] as const

/** Stops the page for good: it asks a server that does not answer, and waits. */
function stop(url: string): void {
  const request = new XMLHttpRequest()
  request.open('GET', url, false)
  request.send()
}

export const kit = {
  /**
   * Counts a migration's calls from now on; stops for good before the n-th of them, or when what it asked for is done.
   */
  countMigration(end?: { readonly n: number; readonly when: 'before' | 'after'; readonly url: string }): void {
    window.calls = 0
    const called = (call: (...args: unknown[]) => IDBRequest, self: IDBObjectStore, args: unknown[]): IDBRequest => {
      const isEnd = self.transaction.mode === 'versionchange' && ++window.calls === end?.n
      if (isEnd && end.when === 'before') stop(end.url)
      const request = Reflect.apply(call, self, args)
      if (isEnd) request.addEventListener('success', () => stop(end.url))
      return request
    }
    for (const name of CALLS) {
      const proxied = new Proxy(IDBObjectStore.prototype[name], { apply: called })
      Object.assign(IDBObjectStore.prototype, { [name]: proxied })
    }
  },
  stop,
  open: (version: 1 | 2, options: IndexedDbStoreOptions): Promise<Store> =>
    indexedDbStore(options).open(schemas[version - 1]!),
  notes: (from: number, count: number, text = ''): Write[] =>
    Array.from({ length: count }, (_, i) => ({ put: 'notes', row: { id: from + i, text } })),
  /** 100,000 characters that no database makes smaller. */
  noise: (): string =>
    Array.from({ length: 10 }, () =>
      String.fromCharCode(...crypto.getRandomValues(new Uint16Array(10_000)).map((code) => 0x4e00 + (code % 0x5000))),
    ).join(''),
  ids: async (store: Store): Promise<number[]> =>
    (await store.query<Row & { id: number }>({ table: 'notes' })).map(({ id }) => id),
  deleted,
  /** How a call ended: 'fine', or a store error's code. */
  async codeOf(call: Promise<unknown>): Promise<string> {
    try {
      await call
      return 'fine'
    } catch (error) {
      return error instanceof StoreError ? error.code : `no StoreError but ${String(error)}`
    }
  },
}

declare global {
  interface Window {
    readonly contract: typeof contract
    readonly kit: typeof kit
    /** Kept between the calls of one test. */
    store: Store
    calls: number
  }
}
Object.assign(window, { contract, kit })

/**
 * Rows in a browser's IndexedDB. Several tabs may share the database.
 *
 * Every commit is one strictly durable transaction that reads, checks and writes. It has landed when the transaction
 * reports `complete`. A tab that dies before that is a crash before or after the commit. Only the transaction's own
 * requests are awaited inside: IndexedDB ends a transaction that has nothing to do.
 */
import { checkDuration, checkFunction, checkObject, checkText } from '../../arguments.ts'
import { abort, closed, connect, unlessClosed, type Connection } from './connection.ts'
import { coded } from './errors.ts'
import { webLock } from './owner.ts'
import { land, readCommits, readRow, readRows, readTotals } from './rows.ts'
import {
  StoreError,
  type Key,
  type Ownership,
  type Query,
  type Row,
  type Schema,
  type Store,
  type StoreAdapter,
  type Total,
  type Write,
} from '../port.ts'
import { checkKey, checkQuery, checkTotal, checkWrites, tableOf, type CheckedWrite } from '../kit/rows.ts'
import { checkSchema } from '../kit/schema.ts'
import { watchers } from '../kit/watchers.ts'

/** The database, and how long it is waited for. */
export interface IndexedDbStoreOptions {
  /** The name of the database in this origin. A missing database is created. */
  readonly name: string
  /** How long to wait for other tabs that block the opening, before rejecting with `BUSY`. 5,000 ms unless given. */
  readonly busyTimeoutMs?: number | undefined
  /**
   * Called if the browser may delete the database when space runs short. Each opening asks the browser to keep this
   * origin's data (`navigator.storage.persist()`); this is called if the browser refuses or cannot be asked. Browsers
   * grant it to sites that are installed, bookmarked or used often, so a later start may succeed.
   */
  readonly onEvictable?: (() => void) | undefined
}

const POLL_MS = 1_000

/**
 * A store in a browser's IndexedDB, for windows and workers.
 *
 * Beyond the errors of every store, it rejects with `UNAVAILABLE` if the database was deleted while it was open: the
 * store never creates an empty one in its place. It rejects with `CORRUPT` if the browser has deleted a damaged one.
 *
 * @example
 * const wallet = await openWallet({ store: indexedDbStore({ name: 'wallet' }), seed })
 */
export function indexedDbStore(options: IndexedDbStoreOptions): StoreAdapter {
  checkObject(options, 'options')
  const { name, busyTimeoutMs = 5_000, onEvictable } = options
  checkText(name, 'name')
  checkDuration(busyTimeoutMs, 'busyTimeoutMs', { endless: true })
  checkFunction(onEvictable, 'onEvictable')
  return {
    async open(schema) {
      checkSchema(schema)
      if (globalThis.indexedDB === undefined) throw new StoreError('UNAVAILABLE', 'there is no IndexedDB here')
      const connection = await connect({ name, schema, busyTimeoutMs })
      // This is not awaited: some browsers ask the user, which may take long.
      void isKept().then((kept) => kept || onEvictable?.())
      return new IndexedDbStore(name, schema, connection)
    },
  }
}

/** Asks the browser to keep this origin's storage. Workers cannot ask; they only read the current setting. */
async function isKept(): Promise<boolean> {
  try {
    const { storage } = navigator
    return await ('persist' in storage ? storage.persist() : (storage as StorageManager).persisted())
  } catch {
    return false
  }
}

class IndexedDbStore implements Store {
  readonly ownership?: Ownership
  readonly #schema: Schema
  readonly #connection: Connection
  readonly #watchers = watchers(() => this.#poll())
  /** Tells other tabs of commits. A tab that dies after its commit cannot tell them, so they also poll. */
  readonly #channel: BroadcastChannel
  readonly #committing = new Set<Promise<void>>()
  #closing: Promise<void> | undefined

  constructor(name: string, schema: Schema, connection: Connection) {
    const ownership = webLock(name)
    if (ownership) this.ownership = ownership
    this.#schema = schema
    this.#connection = connection
    this.#channel = new BroadcastChannel(`hardshell ${name}`)
    this.#channel.addEventListener('message', ({ data }) => this.#watchers.touched(data as string[]))
  }

  async get<R extends Row>(name: string, key: Key): Promise<R | undefined> {
    this.#open()
    const checked = checkKey(name, tableOf(this.#schema.tables, name), key)
    return (await this.#connection.use('readonly', (rows) => readRow(rows, name, checked))) as R | undefined
  }

  async query<R extends Row>(query: Query): Promise<R[]> {
    this.#open()
    const checked = checkQuery(this.#schema.tables, query)
    return (await this.#connection.use('readonly', (rows) => readRows(rows, query, checked))) as R[]
  }

  async sum<K extends Key>(name: string, prefix: Key = []): Promise<Total<K>[]> {
    this.#open()
    const checked = checkTotal(this.#schema.tables, name, prefix)
    return (await this.#connection.use('readonly', (rows) => readTotals(rows, name, checked))) as Total<K>[]
  }

  async commit(writes: readonly Write[]): Promise<void> {
    this.#open()
    const checked = checkWrites(this.#schema.tables, writes)
    const commit = this.#connection.use('readwrite', (rows) => transact(rows, this.#schema, checked))
    this.#committing.add(commit)
    try {
      await commit
    } finally {
      this.#committing.delete(commit)
    }
    const touched = [...new Set(checked.map(({ table }) => table))]
    this.#watchers.touched(touched)
    this.#channel.postMessage(touched)
  }

  watch(name: string, changed: () => void): () => void {
    this.#open()
    tableOf(this.#schema.tables, name)
    return this.#watchers.add(name, changed)
  }

  close(): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#committing).then(() => {
      this.#watchers.clear()
      this.#channel.close()
      this.#connection.close()
    })
    return this.#closing
  }

  #open(): void {
    if (this.#closing) throw new StoreError('CLOSED', 'the store is closed')
  }

  #poll(): () => void {
    let seen: number | undefined
    const compare = async (): Promise<void> => {
      const found = await this.#connection.use('readonly', readCommits)
      if (seen !== undefined && found !== seen) this.#watchers.touched()
      seen = found
    }
    // While it cannot be read, nothing is reported.
    const poll = (): void => void compare().catch(() => {})
    poll()
    const timer = setInterval(poll, POLL_MS)
    return () => clearInterval(timer)
  }
}

/** One commit, from its first read to the end of its transaction. @throws {StoreError} */
async function transact(rows: IDBObjectStore, schema: Schema, writes: readonly CheckedWrite[]): Promise<void> {
  const { transaction } = rows
  const { db } = transaction
  const completed = new Promise<boolean>((resolve) => {
    transaction.addEventListener('complete', () => resolve(true))
    transaction.addEventListener('abort', () => resolve(false))
  })
  const ended = unlessClosed(db, completed).catch(() => false)
  let failure: unknown
  // A transaction cannot land before its commit is requested.
  let isCommitting = false
  try {
    await unlessClosed(db, land(rows, schema.tables, writes))
    isCommitting = true
    transaction.commit()
  } catch (error) {
    failure = error
    abort(transaction)
  }
  // The transaction's own error is the most precise. There is none if this code aborted it or the connection closed.
  if (!(await ended)) throw coded(transaction.error ?? failure ?? closed(), isCommitting)
  if (failure !== undefined) throw coded(failure)
}

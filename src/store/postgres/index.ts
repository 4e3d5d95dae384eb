/**
 * Rows in PostgreSQL, through `pg`, in a namespace (`CREATE SCHEMA`) of their own. Any number of processes may share it.
 *
 * Each transaction has a connection to itself. Commits that wait at the same moment share one, and with it its round
 * trips. Nothing here needs a session for longer, so that a pooler may be in between: no advisory locks, no named
 * statements, no settings. What is asked of the database is READ COMMITTED with row locks (or more),
 * UTF-8, and a disk that keeps what it acknowledges.
 */
import { checkDuration, checkFunction, checkObject } from '../../arguments.ts'
import {
  StoreError,
  type Key,
  type Ownership,
  type Query,
  type Row,
  type Schema,
  type Store,
  type StoreAdapter,
  type StoreErrorCode,
  type Total,
  type Write,
} from '../port.ts'
import { CommitQueue, tablesOf, type WaitingCommit } from '../kit/commit-queue.ts'
import { retryFor } from '../kit/retry.ts'
import { land, NeedsExclusion, type Target } from './commit.ts'
import { ask, beginning, connect, Connections, type ConnectionOptions, type Found, type Value } from './connections.ts'
import { isPassing } from './errors.ts'
import { Gets } from './gets.ts'
import { migrate, namespaceOf, ownTables, PostgresTable, sent } from './tables.ts'
import { Changes } from './watch.ts'
import { checkKey, checkQuery, checkTotal, checkWrites, tableOf, type CheckedWrite } from '../kit/rows.ts'
import { checkSchema } from '../kit/schema.ts'
import { timed, type SlowCall, type SlowOptions } from '../kit/slow.ts'
import { sure } from '../../sure.ts'

export type { ConnectionOptions } from './connections.ts'
export type { SlowCall, SlowOptions } from '../kit/slow.ts'

/** The database, its namespace, and how long it is waited for. */
export interface PostgresStoreOptions extends ConnectionOptions, SlowOptions {
  /** The namespace of the tables. A missing one is created. `hardshell` unless given. */
  readonly namespace?: string | undefined
}

/**
 * A store in PostgreSQL. Needs the package `pg`.
 *
 * @example
 * const store = postgresStore({ connection: 'postgres://wallet@localhost/wallet' })
 */
export function postgresStore(options: PostgresStoreOptions): StoreAdapter {
  checkObject(options, 'options')
  if (typeof options.connection !== 'string') checkObject(options.connection, 'connection')
  checkDuration(options.busyTimeoutMs, 'busyTimeoutMs', { endless: true })
  checkDuration(options.statementTimeoutMs, 'statementTimeoutMs')
  checkDuration(options.slowMs, 'slowMs')
  checkFunction(options.onSlow, 'onSlow')
  const namespace = namespaceOf(options)
  return {
    async open(schema) {
      checkSchema(schema)
      const server = await retryFor(options.busyTimeoutMs, isPassing, () => setUp(options, namespace, schema))
      return new PostgresStore(options, namespace, schema, server)
    },
  }
}

/** What the store needs to know about a server. */
interface Server {
  readonly hasNotify: boolean
  /** Whether it is configured to write a commit to disk before it acknowledges it. */
  readonly isDurable: boolean
}

async function setUp(options: PostgresStoreOptions, namespace: string, schema: Schema): Promise<Server> {
  const client = await connect(options)
  try {
    const { rows } = await ask(
      client,
      `SELECT current_setting('server_encoding') AS encoding, current_setting('synchronous_commit', true) AS sync,
      pg_backend_pid() AS pid, (SELECT count(*) FROM pg_catalog.pg_proc WHERE proname = 'pg_notify') AS notifies`,
    )
    const { encoding, sync, notifies, pid } = sure(rows[0], 'answer')
    // A pooler in between gives a number of its own. The session is not ours then: it hears nothing for us, and the next
    // one may be set otherwise.
    const isOurs = Number(pid) === Reflect.get(client, 'processID')
    if (encoding !== 'UTF8') throw new StoreError('UNAVAILABLE', `the database is in ${encoding}, not in UTF8`)
    await migrate(client, beginning(options, { thinks: true }), namespace, schema)
    return { hasNotify: isOurs && Number(notifies) > 0, isDurable: isOurs && sync !== 'off' }
  } finally {
    await client.end().catch(() => {})
  }
}

/** Failures of a transaction that may be the doing of one of its commits. */
const OF_ONE: readonly StoreErrorCode[] = ['CONFLICT', 'CORRUPT', 'UNSTORABLE']

class PostgresStore implements Store {
  /** The server does not notice when a process on another machine dies, so it does not release that process's locks. */
  readonly ownership: Ownership = { by: 'heartbeats' }
  readonly #schema: Schema
  readonly #options: PostgresStoreOptions
  readonly #connections: Connections
  readonly #target: Target
  readonly #changes: Changes
  readonly #commits = new CommitQueue(() => this.#land())
  readonly #reading = new Set<Promise<unknown>>()
  readonly #gets = new Gets((table, keys) =>
    keys.length === 1
      ? this.#read('get', table.name, table.get, sure(keys[0], 'key').map(sent))
      : this.#read('get', table.name, table.getAll, table.keys(keys)),
  )
  #closing: Promise<void> | undefined

  constructor(options: PostgresStoreOptions, namespace: string, schema: Schema, { hasNotify, isDurable }: Server) {
    this.#options = options
    this.#schema = schema
    this.#connections = new Connections(options)
    this.#changes = new Changes(options, this.#connections, namespace, hasNotify)
    const tables = Object.entries(schema.tables).map(
      ([name, table]) => [name, new PostgresTable(name, table, namespace)] as const,
    )
    this.#target = {
      schema,
      tables: new Map(tables),
      // A database may be set to acknowledge what it has not written yet; money is not such a case.
      begin: `${beginning(options)}${isDurable ? '' : 'SET LOCAL synchronous_commit = on; '}`,
      gate: `SELECT version FROM ${ownTables(namespace).schema} WHERE id = 1`,
      mark: (touched) => this.#changes.mark(touched),
    }
  }

  async get<R extends Row>(name: string, key: Key): Promise<R | undefined> {
    const table = this.#use(name)
    return this.#waited(this.#gets.get<R>(table, checkKey(name, table.table, key)))
  }

  async query<R extends Row>(query: Query): Promise<R[]> {
    const table = this.#use(query.table)
    const checked = checkQuery(this.#schema.tables, query)
    const bounds = [checked.from, checked.to].filter((bound) => bound !== undefined)
    const values = [...[...checked.prefix, ...bounds].map(sent), query.limit ?? null]
    const rows = await this.#read('query', query.table, table.query(checked, query.reverse === true), values)
    return rows.map((row) => table.decode<R>(row))
  }

  async sum<K extends Key>(name: string, prefix: Key = []): Promise<Total<K>[]> {
    const { totals } = this.#use(name)
    const checked = checkTotal(this.#schema.tables, name, prefix)
    const rows = await this.#read('sum', name, sure(totals, 'totals').query(checked.length), checked.map(sent))
    return rows.map((row) => ({
      key: sure(totals, 'totals').keyOf(row) as readonly unknown[] as K,
      sum: Number(row['sum']),
      count: Number(row['count']),
    }))
  }

  async commit(writes: readonly Write[]): Promise<void> {
    this.#open()
    await this.#commits.add(checkWrites(this.#schema.tables, writes))
  }

  watch(name: string, changed: () => void): () => void {
    this.#use(name)
    return this.#changes.watch(name, changed)
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      this.#changes.end()
      await this.#commits.drained()
      await Promise.allSettled(this.#reading)
      await this.#connections.close()
    })()
    return this.#closing
  }

  #open(): void {
    if (this.#closing) throw new StoreError('CLOSED', 'the store is closed')
  }

  #use(name: string): PostgresTable {
    this.#open()
    tableOf(this.#schema.tables, name)
    return sure(this.#target.tables.get(name), 'table')
  }

  async #read(call: SlowCall['call'], name: string, sql: string, values: readonly Value[]): Promise<readonly Found[]> {
    const startedMs = performance.now()
    let count = 0
    const reading = retryFor(this.#options.busyTimeoutMs, isPassing, () => this.#connections.read(sql, values))
    try {
      const { rows } = await this.#waited(reading)
      count = rows.length
      return rows
    } finally {
      timed(this.#options, startedMs, { call, tables: [name], count })
    }
  }

  /** Closing waits for it. */
  async #waited<T>(reading: Promise<T>): Promise<T> {
    this.#reading.add(reading)
    try {
      return await reading
    } finally {
      this.#reading.delete(reading)
    }
  }

  /** Commits that arrive before the loop turns join the same group. */
  async #land(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    await this.#settle(this.#commits.take())
  }

  async #settle(members: readonly WaitingCommit[]): Promise<void> {
    const startedMs = performance.now()
    const tables = tablesOf(members)
    try {
      const refusals = await this.#transact(members.map(({ writes }) => writes))
      for (const [i, { resolve, reject }] of members.entries()) {
        if (refusals[i]) reject(refusals[i])
        else resolve()
      }
      this.#changes.touched(tablesOf(members.filter((_, i) => refusals[i] === undefined)))
    } catch (error) {
      // One of them was refused by the database, met a bad row, or is a mistake; only by themselves they tell which.
      const isOfOne = !(error instanceof StoreError) || OF_ONE.includes(error.code)
      if (isOfOne && members.length > 1) for (const member of members) await this.#settle([member])
      else for (const { reject } of members) reject(error)
    } finally {
      timed(this.#options, startedMs, { call: 'commit', tables, count: members.length })
    }
  }

  #transact(commits: readonly (readonly CheckedWrite[])[]): Promise<(StoreError | undefined)[]> {
    let isExclusive = false
    return retryFor(this.#options.busyTimeoutMs, isPassing, async () => {
      try {
        return await this.#connections.transaction((it) => land(it, this.#target, commits, isExclusive))
      } catch (error) {
        if (!(error instanceof NeedsExclusion)) throw error
        isExclusive = true
        return this.#connections.transaction((it) => land(it, this.#target, commits, isExclusive))
      }
    })
  }
}

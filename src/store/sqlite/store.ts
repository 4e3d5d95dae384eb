/**
 * A store on a connection to a SQLite file, made by any library. Several processes may share the file.
 *
 * Every transaction runs synchronously from BEGIN IMMEDIATE to COMMIT: nothing is awaited inside. Only the lock is
 * waited for, between tries, without blocking. Commits that wait at the same moment share one transaction and its
 * fsync, each in a savepoint of its own.
 */
import { setImmediate } from 'node:timers/promises'
import { checkDuration, checkFunction } from '../../arguments.ts'
import {
  StoreError,
  type Key,
  type Ownership,
  type Query,
  type Row,
  type Schema,
  type Store,
  type Total,
  type Write,
} from '../port.ts'
import { CommitQueue, tablesOf, type WaitingCommit } from '../kit/commit-queue.ts'
import {
  checkKey,
  checkQuery,
  checkTotal,
  checkWrites,
  needsJson,
  outcome,
  safe,
  tableOf,
  TotalChanges,
} from '../kit/rows.ts'
import type { CheckedWrite, TotalChange } from '../kit/rows.ts'
import { checkSchema } from '../kit/schema.ts'
import { timed, type SlowCall, type SlowOptions } from '../kit/slow.ts'
import type { SqliteConnection, SqlRow, SqlValue } from './connection.ts'
import { coded, ownConflict, patiently } from './errors.ts'
import { checkVersion } from '../kit/sql.ts'
import { assertOneName, fileAt, IN_MEMORY, makeFile, presenceOf, type Presence } from './file.ts'
import { sqliteOwnerLock } from './owner.ts'
import { described, migrate, SCHEMA, SqliteTable, uniqueColumns } from './tables.ts'
import { watchers } from '../kit/watchers.ts'
import { sure } from '../../sure.ts'

/** Options of every SQLite store. */
export interface SqliteOptions extends SlowOptions {
  /**
   * The path of the file, not a URL; `:memory:` for a database that ends with its store. A missing file is created,
   * readable by its user only (0600), like all files beside it. An existing file keeps its permissions.
   */
  readonly path: string
  /** How long to wait for another process's lock before rejecting with `BUSY`. 5,000 ms unless given. */
  readonly busyTimeoutMs?: number | undefined
}

/** @throws {TypeError} naming the argument */
export function checkOptions({ busyTimeoutMs, slowMs, onSlow }: SqliteOptions): void {
  checkDuration(busyTimeoutMs, 'busyTimeoutMs', { endless: true })
  checkDuration(slowMs, 'slowMs')
  checkFunction(onSlow, 'onSlow')
}

const POLL_MS = 200

/** Opens the store on a new connection. If that fails, it closes the connection. */
export async function openStore(
  connect: () => SqliteConnection,
  schema: Schema,
  options: SqliteOptions,
): Promise<Store> {
  checkSchema(schema)
  let connection: SqliteConnection | undefined
  try {
    makeFile(options.path)
    const before = fileAt(options.path)
    assertOneName(before)
    const db = (connection = await patiently(options.busyTimeoutMs, connect))
    await patiently(options.busyTimeoutMs, () => setUp(db, schema))
    return new SqliteStore(db, schema, options, presenceOf(options.path, before))
  } catch (error) {
    await connection?.close()
    throw coded(error)
  }
}

function setUp(db: SqliteConnection, schema: Schema): void {
  // The check comes first: WAL changes the file, and a file of another program must stay as it was.
  described(db, schema)
  // SQLite sorts in memory, so no secret reaches a temporary file.
  db.exec('PRAGMA temp_store = MEMORY')
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON')
  db.exec('BEGIN IMMEDIATE')
  try {
    migrate(db, schema)
    db.exec('COMMIT')
  } catch (error) {
    // A migration goes through indexes that the schema does not have any more.
    throw ownConflict(error)
  } finally {
    if (db.isTransaction) db.exec('ROLLBACK')
  }
}

class SqliteStore implements Store {
  readonly ownership?: Ownership
  readonly #db: SqliteConnection
  readonly #schema: Schema
  readonly #options: SqliteOptions
  readonly #presence: Presence
  /** The last check found the files deleted or replaced. Reads check them too then. */
  #isAway = false
  readonly #tables: Map<string, SqliteTable>
  readonly #unique: ReadonlySet<string>
  readonly #commits = new CommitQueue(() => this.#landGroup())
  readonly #watchers = watchers(() => this.#poll())
  #closing: Promise<void> | undefined

  constructor(db: SqliteConnection, schema: Schema, options: SqliteOptions, presence: Presence) {
    if (options.path !== IN_MEMORY) this.ownership = { by: 'lock', lock: sqliteOwnerLock(options.path) }
    this.#db = db
    this.#schema = schema
    this.#options = options
    this.#presence = presence
    this.#tables = new Map(Object.entries(schema.tables).map(([name, table]) => [name, new SqliteTable(name, table)]))
    this.#unique = uniqueColumns(schema.tables)
  }

  async get<R extends Row>(name: string, key: Key): Promise<R | undefined> {
    const table = this.#use(name)
    const rows = await this.#read('get', name, table.get, checkKey(name, table.table, key))
    return rows[0] && table.decode<R>(rows[0])
  }

  async query<R extends Row>(query: Query): Promise<R[]> {
    const table = this.#use(query.table)
    const checked = checkQuery(this.#schema.tables, query)
    const bounds = [checked.from, checked.to].filter((bound) => bound !== undefined)
    const values = [...checked.prefix, ...bounds, query.limit ?? -1]
    const rows = await this.#read('query', query.table, table.query(checked, query.reverse === true), values)
    return rows.map((row) => table.decode<R>(row))
  }

  async sum<K extends Key>(name: string, prefix: Key = []): Promise<Total<K>[]> {
    const { totals } = this.#use(name)
    const checked = checkTotal(this.#schema.tables, name, prefix)
    const rows = await this.#read('sum', name, sure(totals, 'totals').query(checked.length), checked)
    return rows.map((row) => ({
      key: sure(totals, 'totals').columns.map((column) => row[column]) as readonly unknown[] as K,
      ...sumOf(row),
    }))
  }

  async commit(writes: readonly Write[]): Promise<void> {
    this.#open()
    await this.#commits.add(checkWrites(this.#schema.tables, writes))
  }

  watch(name: string, changed: () => void): () => void {
    this.#use(name)
    return this.#watchers.add(name, changed)
  }

  close(): Promise<void> {
    this.#closing ??= this.#commits.drained().then(() => {
      this.#watchers.clear()
      return this.#db.close()
    })
    return this.#closing
  }

  #open(): void {
    if (this.#closing) throw new StoreError('CLOSED', 'the store is closed')
  }

  #use(name: string): SqliteTable {
    this.#open()
    tableOf(this.#schema.tables, name)
    return sure(this.#tables.get(name), 'table')
  }

  async #read(call: SlowCall['call'], name: string, sql: string, values: readonly SqlValue[]): Promise<SqlRow[]> {
    const startedMs = performance.now()
    let count = 0
    try {
      return await patiently(this.#options.busyTimeoutMs, () => {
        this.#open()
        if (this.#isAway) this.#assertThere()
        const rows = this.#db.all(sql, values)
        count = rows.length
        return rows
      })
    } finally {
      timed(this.#options, startedMs, { call, tables: [name], count })
    }
  }

  /** Commits that arrive before the loop turns, or while the lock is waited for, join the same group. */
  async #landGroup(): Promise<void> {
    await setImmediate()
    const startedMs = performance.now()
    const before = this.#commits.length
    let members: readonly WaitingCommit[] = []
    let apart: readonly WaitingCommit[] = []
    try {
      await patiently(this.#options.busyTimeoutMs, () => {
        this.#assertThere()
        this.#run('BEGIN IMMEDIATE')
        apart = this.#transact((members = this.#commits.take()))
      })
      for (const member of apart)
        await patiently(this.#options.busyTimeoutMs, () => {
          this.#run('BEGIN IMMEDIATE')
          this.#transact([member])
        }).catch(member.reject)
    } catch (error) {
      // Commits that arrived in the meantime have their own time to wait.
      members = this.#commits.take(before)
      for (const { reject } of members) reject(coded(error))
    }
    timed(this.#options, startedMs, { call: 'commit', tables: tablesOf(members), count: members.length })
  }

  /**
   * Lands what it can of a group in the transaction that has begun. One member may have been refused for what another
   * wrote, so a refusal stands only once the group has landed: what befalls the transaction befalls all of them. Where its
   * end was refused, as by a constraint that is checked then, nobody knows whose doing it was: gives those to be landed
   * apart.
   */
  #transact(members: readonly WaitingCommit[]): readonly WaitingCommit[] {
    const refusals = new Map<WaitingCommit, Error>()
    let committing = false
    try {
      checkVersion(Number(sure(this.#first(`SELECT version FROM ${SCHEMA}`), 'schema')['version']), this.#schema)
      for (const member of members) {
        try {
          if (members.length === 1) this.#land(member.writes)
          else this.#landApart(member.writes)
        } catch (error) {
          // A full or failing disk ends the whole transaction, not only the savepoint.
          if (members.length === 1 || !this.#db.isTransaction) throw error
          refusals.set(member, coded(ownConflict(error, this.#unique)))
        }
      }
      committing = true
      this.#run('COMMIT')
      this.#assertLanded()
    } catch (error) {
      const failure = coded(ownConflict(error, this.#unique), committing)
      const isOfOne = committing && failure instanceof StoreError && failure.code === 'UNSTORABLE'
      const apart = isOfOne && members.length > 1 ? members : []
      if (apart.length === 0) for (const member of members) member.reject(failure)
      if (this.#db.isTransaction) this.#run('ROLLBACK')
      return apart
    }
    for (const member of members) {
      const refusal = refusals.get(member)
      if (refusal) member.reject(refusal)
      else member.resolve()
    }
    this.#watchers.touched(tablesOf(members.filter((member) => !refusals.has(member))))
    return []
  }

  /** @throws {StoreError} `GONE`, `UNAVAILABLE` */
  #assertThere(): void {
    this.#isAway = true
    this.#presence()
    this.#isAway = false
  }

  /** If the file was deleted meanwhile, nobody may ever see the commit. */
  #assertLanded(): void {
    try {
      this.#assertThere()
    } catch (cause) {
      throw new StoreError('IN_DOUBT', 'the database went away during the commit', { cause })
    }
  }

  #landApart(writes: readonly CheckedWrite[]): void {
    this.#run('SAVEPOINT member')
    try {
      this.#land(writes)
    } catch (error) {
      if (this.#db.isTransaction) this.#run('ROLLBACK TO member')
      throw error
    } finally {
      if (this.#db.isTransaction) this.#run('RELEASE member')
    }
  }

  #land(writes: readonly CheckedWrite[]): void {
    const totals = new TotalChanges()
    for (const write of writes) {
      const sql = sure(this.#tables.get(write.table), 'table')
      const before = this.#before(sql, write)
      const after = outcome(write, before)
      if (after === before) continue
      if (after === undefined) this.#run(sql.delete, write.key)
      else if (before === undefined) this.#run(sql.insert, sql.encode(after))
      else {
        // It writes only changed columns, so that the indexes of the others are not touched.
        const changed = Object.keys(write.row ?? {}).filter((column) => after[column] !== before[column])
        if (changed.length > 0) this.#run(sql.update(changed), [...sql.encode(after, changed), ...write.key])
      }
      totals.add(write.table, sql.table, before, after)
    }
    for (const change of totals) this.#count(change)
  }

  #before(sql: SqliteTable, write: CheckedWrite): Row | undefined {
    if (!needsJson(write)) return this.#first(sql.find, write.key) as Row | undefined
    const whole = this.#first(sql.get, write.key)
    return whole && sql.decode(whole)
  }

  #count({ table, key, sum, count }: TotalChange): void {
    const sql = sure(this.#tables.get(table)?.totals, 'totals')
    const group = this.#first(sql.find, key)
    const before = group ? sumOf(group) : { sum: 0, count: 0 }
    const after = { sum: safe(table, before.sum + sum), count: before.count + count }
    if (after.count === 0) this.#run(sql.delete, key)
    else this.#run(sql.put, [...key, after.sum, after.count])
  }

  #run(sql: string, values: readonly SqlValue[] = []): void {
    this.#db.run(sql, values)
  }

  #first(sql: string, values: readonly SqlValue[] = []): SqlRow | undefined {
    return this.#db.all(sql, values)[0]
  }

  /** Commits of other processes change SQLite's data version. It does not tell which tables they changed. */
  #poll(): () => void {
    const dataVersion = (): unknown => {
      try {
        return sure(this.#first('PRAGMA data_version'), 'answer')['data_version']
      } catch {
        return undefined
      }
    }
    let seen = dataVersion()
    const timer = setInterval(() => {
      const found = dataVersion()
      if (found !== seen) this.#watchers.touched()
      seen = found
    }, POLL_MS)
    timer.unref()
    return () => clearInterval(timer)
  }
}

const sumOf = (row: SqlRow): { sum: number; count: number } => ({
  sum: row['sum'] as number,
  count: row['count'] as number,
})

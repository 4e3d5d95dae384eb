/** The real stores that lives can take place on. Each worker thread has a database of its own. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Dump } from '../../src/store/memory.ts'
import type { Schema, StoreAdapter } from '../../src/store/port.ts'
import { postgresRows } from '../../src/store/postgres/rows.ts'
import { postgresStore } from '../../src/store/postgres/index.ts'
import { sqliteRows } from '../../src/store/sqlite/rows.ts'
import { sqliteStore } from '../../src/store/sqlite/index.ts'
import type { TestedStore } from '../../src/testing/environments/backing-store.ts'
import { startPostgres } from '../postgres-server.ts'

/** A machine that is slow, or stood still, must not look like a store that fails: then runs would not repeat themselves. */
const PATIENT_MS = 300_000

/** What a thread needs to have a database of its own; it travels as JSON. */
export type StorePlace =
  | { readonly store: 'sqlite'; readonly dir: string }
  | { readonly store: 'postgres'; readonly connection: string }

export interface StorePlaces extends AsyncDisposable {
  readonly place: StorePlace
}

/** @throws {TypeError} where there is no store of this name. */
export async function startStore(store: string): Promise<StorePlaces> {
  if (store === 'sqlite') {
    const dir = mkdtempSync(join(tmpdir(), 'hardshell-crash-'))
    const remove = (): void => rmSync(dir, { recursive: true, force: true })
    process.on('exit', remove)
    return { place: { store, dir }, [Symbol.asyncDispose]: () => Promise.resolve(remove()) }
  }
  if (store === 'postgres') {
    const server = await startPostgres()
    return { place: { store, connection: server.connection }, [Symbol.asyncDispose]: () => server.stop() }
  }
  throw new TypeError(`--store is memory, sqlite or postgres, not ${store}`)
}

/** The databases of one thread. */
export function testedStore(place: StorePlace, thread: number): TestedStore {
  if (place.store === 'sqlite')
    return tested((subject, schema) => {
      const path = join(place.dir, `${thread}-${subject}.db`)
      return { adapter: sqliteStore({ path }), rows: () => sqliteRows(path, schema) }
    })
  const { connection } = place
  return tested((subject, schema) => {
    const namespace = `thread${thread}_${subject}`
    const options = { connection, namespace, busyTimeoutMs: PATIENT_MS, statementTimeoutMs: PATIENT_MS }
    return { adapter: postgresStore(options), rows: () => postgresRows(options, schema) }
  })
}

interface Rows {
  load(dump: Dump): void | Promise<void>
  dump(): Dump | Promise<Dump>
}

interface Database {
  readonly adapter: StoreAdapter
  /** Once it has been opened. */
  readonly rows: () => Rows
}

/** Each subject has tables of its own, and so a database of its own; they are told apart by a number. */
export function tested(databaseOf: (subject: number, schema: Schema) => Database): TestedStore {
  const databases = new Map<string, Database>()
  const rows = new Map<Database, Rows>()
  let open: Database | undefined
  let waiting: Dump | undefined
  const rowsOf = (database: Database): Rows => {
    const found = rows.get(database) ?? database.rows()
    rows.set(database, found)
    return found
  }
  return {
    load: (dump) => void (waiting = dump),
    async open(schema) {
      const tables = JSON.stringify(schema.tables)
      const database = databases.get(tables) ?? databaseOf(databases.size, schema)
      databases.set(tables, database)
      open = database
      const store = await database.adapter.open(schema)
      const dump = waiting
      waiting = undefined
      if (dump) await rowsOf(database).load(dump)
      return store
    },
    dump: async () => rowsOf(open!).dump(),
  }
}

/** A database that a command line names: where it is, and what it says of itself. */
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import type { StoreAdapter } from '../store/port.ts'
import { describedEncrypted, describedFile, describedNamespace, type Described } from './described.ts'
import { Misused } from './errors.ts'
import { ask, canAsk } from './prompt.ts'

/** Where a database is. */
export interface Place {
  readonly adapter: StoreAdapter
  /** Undefined where the database is empty, or another program's. */
  readonly described: Described | undefined
}

const NAMED = '--store: sqlite:PATH or postgres://…'

/** A database that is there: none is made. @throws {Misused}; {StoreError} */
export async function placeOf(store: string, namespace: string | undefined): Promise<Place> {
  const [, kind, where = ''] = /^(sqlite|postgres|postgresql):(.+)$/s.exec(store) ?? []
  if (kind === undefined) throw new Misused(NAMED)
  // postgres://… is a URL itself.
  if (kind !== 'sqlite') return inPostgres(where.startsWith('//') ? store : where, namespace)
  if (namespace !== undefined) throw new Misused('--namespace: of PostgreSQL only')
  if (!existsSync(where)) throw new Misused(`there is no file ${where}`)
  // To open a pipe would wait for whoever writes to it.
  if (!statSync(where).isFile()) throw new Misused(`${where} is no file`)
  if (isEncrypted(where)) return encrypted(where)
  const { sqliteStore } = await import('../store/sqlite/index.ts')
  return { adapter: sqliteStore({ path: where }), described: describedFile(where) }
}

async function inPostgres(connection: string, named: string | undefined): Promise<Place> {
  const { postgresStore } = await import('../store/postgres/index.ts')
  const { namespace, described } = (await describedNamespace(connection, named)) ?? {}
  return { adapter: postgresStore({ connection, namespace }), described }
}

const MAGIC = 'SQLite format 3\0'

/** A file that begins otherwise is encrypted, or no database. */
function isEncrypted(path: string): boolean {
  const bytes = Buffer.alloc(MAGIC.length)
  const file = openSync(path, 'r')
  const length = readSync(file, bytes)
  closeSync(file)
  return length > 0 && bytes.toString('latin1') !== MAGIC
}

async function encrypted(path: string): Promise<Place> {
  const { encryptedSqliteStore } = await import('../store/sqlite/encrypted.ts')
  const said = canAsk() ? await ask('key or passphrase of the database: ', { hidden: true }) : await text(process.stdin)
  const typed = said.replace(/\r?\n$/, '')
  if (typed === '') throw new Misused('no key was given')
  const isKey = /^([0-9a-f]{64}|[A-Za-z0-9+/]{43}=)$/i.test(typed)
  const key = isKey ? typed : { passphrase: typed }
  return { adapter: encryptedSqliteStore({ path, key }), described: await describedEncrypted(path, key) }
}

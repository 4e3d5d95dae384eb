/** The stores that are measured. One more joins by its line in the list. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryStore } from '../../src/store/memory.ts'
import type { StoreAdapter } from '../../src/store/port.ts'
import { postgresStore } from '../../src/store/postgres.ts'
import { encryptedSqliteStore } from '../../src/store/sqlite-encrypted.ts'
import { sqliteStore } from '../../src/store/sqlite.ts'

/** A place for the rows of one run. */
export interface Place extends AsyncDisposable {
  /** What `adapter` understands, also in another process. */
  readonly at: string
}

export interface ScaleStore {
  /** What it promises; others are only printed. */
  readonly budget: boolean
  /** Whether another process finds the rows again, so that it can measure a cold start. */
  readonly outlives: boolean
  /** Makes an empty place. @throws {Error} that says what is missing on this machine. */
  start(): Promise<Place>
  adapter(at: string): StoreAdapter
}

const KEY = 'a key for the benchmark only'

const file = (): Promise<Place> => {
  const dir = mkdtempSync(join(tmpdir(), 'hardshell-scale-'))
  const remove = async (): Promise<void> => rmSync(dir, { recursive: true, force: true })
  return Promise.resolve({ at: join(dir, 'wallet.db'), [Symbol.asyncDispose]: remove })
}

const memory = memoryStore()

export const stores: Readonly<Record<string, ScaleStore>> = {
  memory: {
    budget: false,
    outlives: false,
    start: () => Promise.resolve({ at: '', [Symbol.asyncDispose]: () => Promise.resolve() }),
    adapter: () => memory,
  },
  sqlite: { budget: true, outlives: true, start: file, adapter: (path) => sqliteStore({ path }) },
  'sqlite-encrypted': {
    budget: true,
    outlives: true,
    start: file,
    adapter: (path) => encryptedSqliteStore({ path, key: KEY }),
  },
  /** The server of `PGURL`, in a namespace that is dropped first and last; or one of its own. */
  postgres: {
    budget: false,
    outlives: true,
    async start() {
      const given = process.env['PGURL']
      const { Client } = await import('pg')
      const drop = async (connection: string): Promise<void> => {
        const client = new Client(connection)
        await client.connect()
        await client.query('DROP SCHEMA IF EXISTS hardshell_scale CASCADE')
        await client.end()
      }
      if (given !== undefined) {
        await drop(given)
        return { at: given, [Symbol.asyncDispose]: () => drop(given) }
      }
      const { startPostgres } = await import('../postgres-server.ts')
      const server = await startPostgres()
      return { at: server.connection, [Symbol.asyncDispose]: () => server.stop() }
    },
    adapter: (connection) => postgresStore({ connection, namespace: 'hardshell_scale' }),
  },
}

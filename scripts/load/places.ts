/** Where the rows of the mints are that are put under load. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryStore } from '../../src/store/memory.ts'
import type { StoreAdapter } from '../../src/store/port.ts'
import { postgresStore } from '../../src/store/postgres/index.ts'
import { sqliteStore } from '../../src/store/sqlite/index.ts'
import { startPostgres } from '../postgres-server.ts'

export type StoreName = 'memory' | 'sqlite' | 'postgres'

/** A database, so that a process of its own can be told of it. */
export interface Place {
  readonly store: StoreName
  /** A path or a connection; empty where there is neither. */
  readonly at: string
}

/** An empty database, which goes with the run. */
export async function startPlace(store: StoreName): Promise<Place & AsyncDisposable> {
  if (store === 'memory') return { store, at: '', [Symbol.asyncDispose]: () => Promise.resolve() }
  if (store === 'postgres') {
    // What it acknowledges is on disk, as with SQLite.
    const server = await startPostgres({ settings: { fsync: 'on' } })
    return { store, at: server.connection, [Symbol.asyncDispose]: () => server.stop() }
  }
  const dir = mkdtempSync(join(tmpdir(), 'hardshell-load-'))
  const remove = async (): Promise<void> => rmSync(dir, { recursive: true, force: true })
  return { store, at: join(dir, 'mint.db'), [Symbol.asyncDispose]: remove }
}

export function adapterOf({ store, at }: Place): StoreAdapter {
  if (store === 'memory') return memoryStore()
  return store === 'sqlite' ? sqliteStore({ path: at }) : postgresStore({ connection: at })
}

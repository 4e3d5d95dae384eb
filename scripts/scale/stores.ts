/** The stores that are measured. One more joins by its line in the list. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import { memoryStore } from '../../src/store/memory.ts'
import type { StoreAdapter } from '../../src/store/port.ts'
import { postgresStore } from '../../src/store/postgres/index.ts'
import { encryptedSqliteStore } from '../../src/store/sqlite/encrypted.ts'
import { sqliteStore } from '../../src/store/sqlite/index.ts'
import { fill, type Rows, type Size } from './fill.ts'
import { measure, type Figures } from './measure.ts'

/** A place for the rows of one run. */
export interface Place extends AsyncDisposable {
  fill(size: Size, real: Rows): Promise<void>
  /** From a cold start, where the rows outlive a process. */
  measure(): Promise<Figures>
}

export interface ScaleStore {
  /** Whether it must keep what is promised; others are only printed. */
  readonly budget: boolean
  /** Makes an empty place. @throws {Error} that says what is missing on this machine. */
  start(): Promise<Place>
}

const KEY = 'be'.repeat(32)

/** Stores whose rows another process finds where this one left them. */
const adapters = {
  sqlite: (path: string) => sqliteStore({ path }),
  'sqlite-encrypted': (path: string) => encryptedSqliteStore({ path, key: KEY }),
  postgres: (connection: string) => postgresStore({ connection, namespace: 'hardshell_scale' }),
} satisfies Readonly<Record<string, (at: string) => StoreAdapter>>

export type Elsewhere = keyof typeof adapters

/** Measures in this process what another one has filled. */
export const measureAt = (name: Elsewhere, at: string): Promise<Figures> => measure(adapters[name](at))

const outliving = (name: Elsewhere, at: string, remove: () => Promise<void>): Place => ({
  fill: (size, real) => fill(adapters[name](at), size, real),
  async measure() {
    const script = fileURLToPath(new URL('../scale.ts', import.meta.url))
    const { stdout } = await promisify(execFile)(process.execPath, [script, '--store', name, '--at', at])
    return JSON.parse(stdout) as Figures
  },
  [Symbol.asyncDispose]: remove,
})

function temporary(): { readonly dir: string; readonly remove: () => Promise<void> } {
  const dir = mkdtempSync(join(tmpdir(), 'hardshell-scale-'))
  return { dir, remove: async () => rmSync(dir, { recursive: true, force: true }) }
}

const file = (name: Elsewhere) => (): Promise<Place> => {
  const { dir, remove } = temporary()
  return Promise.resolve(outliving(name, join(dir, 'wallet.db'), remove))
}

export const stores: Readonly<Record<string, ScaleStore>> = {
  memory: {
    budget: false,
    start() {
      const memory = memoryStore()
      return Promise.resolve({
        fill: (size, real) => fill(memory, size, real),
        measure: () => measure(memory),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      })
    },
  },
  sqlite: { budget: true, start: file('sqlite') },
  'sqlite-encrypted': { budget: true, start: file('sqlite-encrypted') },
  /** The server of `PGURL`, in a namespace that is dropped first and last; or one of its own. */
  postgres: {
    budget: false,
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
        return outliving('postgres', given, () => drop(given))
      }
      const { startPostgres } = await import('../postgres-server.ts')
      const server = await startPostgres()
      return outliving('postgres', server.connection, () => server.stop())
    },
  },
  /** In a tab of Chromium, and measured in another one. */
  indexeddb: {
    budget: false,
    async start() {
      const { serve, startChromium } = await import('../kill-lab/browser/chromium.ts')
      await using stack = new AsyncDisposableStack()
      const { dir, remove } = temporary()
      stack.defer(remove)
      const site = stack.use(await serve(new URL('page.ts', import.meta.url)))
      const chromium = stack.use(await startChromium(join(dir, 'profile')))
      const all = stack.move()
      return {
        async fill(size, real) {
          const page = await chromium.open(site.url)
          await page.evaluate((of) => window.scale.fill(of), JSON.stringify({ size, real }))
          await page.close()
        },
        async measure() {
          const page = await chromium.open(site.url)
          return page.evaluate(() => window.scale.measure())
        },
        [Symbol.asyncDispose]: () => all.disposeAsync(),
      }
    },
  },
}

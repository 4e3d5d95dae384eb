/** Fake backends that share a store, on a clock that stands still. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { plainInvoice } from '../../src/mint-server/lightning/bolt11.ts'
import { plainOffer } from '../../src/mint-server/lightning/bolt12.ts'
import { fakeBackend, type FakeBackendOptions } from '../../src/mint-server/lightning/fake-backend.ts'
import { fakeBackendTables } from '../../src/mint-server/lightning/fake-backend-tables.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Schema, StoreAdapter } from '../../src/store/port.ts'
import { sqliteStore } from '../../src/store/sqlite/index.ts'

const schema: Schema = { version: 1, tables: fakeBackendTables }

/** For requests that nobody looks into. */
export const PLAIN = { invoiceCodec: plainInvoice, offerCodec: plainOffer }

const ends: (() => void | Promise<void>)[] = []

/** Closes and deletes what the functions here have opened. */
export async function cleanUp(): Promise<void> {
  for (const end of ends.splice(0).toReversed()) await end()
}

/** Stores that may be opened many times; each call makes another. */
export const adapters = {
  memory: (): StoreAdapter => memoryStore(),
  sqlite(): StoreAdapter {
    const directory = mkdtempSync(join(tmpdir(), 'backend-'))
    ends.push(() => rmSync(directory, { recursive: true }))
    return sqliteStore({ path: join(directory, 'mint.db') })
  },
}

function time() {
  let now = 1_800_000_000_000
  const sleepers = new Set<{ readonly until: number; readonly wake: () => void }>()
  return {
    clock: () => now,
    sleep: (delayMs: number, signal: AbortSignal) =>
      new Promise<void>((resolve) => {
        const sleeper = { until: now + delayMs, wake: resolve }
        sleepers.add(sleeper)
        signal.addEventListener('abort', () => {
          sleepers.delete(sleeper)
          resolve()
        })
      }),
    /** Those who wait for time to pass. */
    sleepers,
    pass: (ms: number): void => {
      now += ms
      for (const sleeper of sleepers) {
        if (sleeper.until > now) continue
        sleepers.delete(sleeper)
        sleeper.wake()
      }
    },
  }
}

/** Two backends on one store, each with a connection of its own, started. */
export async function twoFakes(adapter: StoreAdapter, options: Partial<FakeBackendOptions> = {}) {
  const { pass, sleepers, ...ports } = time()
  let drawn = 0
  const random = (length: number): Uint8Array => {
    drawn++
    return Uint8Array.from({ length }, (_, place) => (place < 4 ? drawn >>> (8 * place) : 0) & 0xff)
  }
  async function start() {
    const store = await adapter.open(schema)
    ends.push(() => store.close())
    const fake = fakeBackend({ store, random, ...ports, ...options })
    await fake.start()
    return { fake, store }
  }
  const [{ fake, store }, { fake: other }] = [await start(), await start()]
  let meanwhile: (() => Promise<unknown>) | undefined
  const commit = store.commit.bind(store)
  store.commit = async (writes) => {
    const now = meanwhile
    meanwhile = undefined
    await now?.()
    await commit(writes)
  }
  return {
    fake,
    other,
    clock: ports.clock,
    pass,
    sleepers,
    /** Has something happen after the first backend has read and before it commits, once. */
    interrupt: (by: () => Promise<unknown>): void => {
      meanwhile = by
    },
  }
}

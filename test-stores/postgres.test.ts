/** The store contract on a real PostgreSQL server. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { memoryStore } from '../src/store/memory.ts'
import type { Write } from '../src/store/port.ts'
import { postgresRows } from '../src/store/postgres-rows.ts'
import { postgresStore } from '../src/store/postgres.ts'
import { everything, putCoin, putEvent, schema } from '../src/testing/store-contract/kit.ts'
import { storeContract, type NewStore } from '../src/testing/store-contract.ts'
import { startPostgres, type PostgresServer } from '../scripts/postgres-server.ts'

let server: PostgresServer
let count = 0

beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server?.stop())

const newStore: NewStore = async () => {
  const adapter = postgresStore({ connection: server.connection, namespace: `contract${++count}` })
  return { adapter, dispose: async () => {} }
}

describe('the contract', () => {
  test.each(storeContract(newStore))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})

describe('all rows at once', () => {
  test('a world is put in and taken out as it was, totals and all', async () => {
    const options = { connection: server.connection, namespace: 'rows' }
    const store = await postgresStore(options).open(schema)
    const memory = memoryStore()
    const twin = await memory.open(schema)
    const writes = [
      ...Array.from({ length: 300 }, (_, i) =>
        putCoin(`c${i}`, { mint: `m${i % 3}`, amount: i, at: i % 2 ? i : null, data: { text: `"{\\},\0\ud800${i}` } }),
      ),
      ...['', 'a,b', '{}', 'NULL', '"', '\\', '\0', '\u0001', '\u{1f600}'].map((op) => putEvent(op, 1)),
    ]
    await twin.commit(writes)
    const rows = postgresRows(options, schema)
    await store.commit([putCoin('gone'), putEvent('gone', 1)])
    await rows.load(memory.dump())
    expect(await rows.dump()).toEqual(memory.dump())
    expect(await everything(store)).toEqual(await everything(twin))
    const change: Write[] = [
      { patch: 'coins', key: ['c7'], set: { amount: 70 }, if: { amount: 7 } },
      putEvent('new', 1),
    ]
    await Promise.all([store.commit(change), twin.commit(change)])
    expect(await rows.dump()).toEqual(memory.dump())
    expect(await store.sum('coins')).toEqual(await twin.sum('coins'))
    const startedMs = performance.now()
    for (let round = 0; round < 20; round++) await rows.load(await rows.dump())
    console.log(`300 rows out and in again: ${((performance.now() - startedMs) / 20).toFixed(1)} ms`)
    await expect(rows.load({ nothing: [] })).rejects.toThrow(TypeError)
    await expect(rows.load({ coins: [{ id: 1 }] })).rejects.toThrow('coins.id')
    expect(await rows.dump()).toEqual(memory.dump())
    await rows.load({})
    expect(await everything(store)).toEqual([[], [], []])
    await Promise.all([rows.close(), store.close()])
  })
})

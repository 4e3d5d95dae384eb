/** The store contract on a real PostgreSQL server. */
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { memoryStore } from '../../src/store/memory.ts'
import type { Write } from '../../src/store/port.ts'
import { postgresRows } from '../../src/store/postgres/rows.ts'
import { postgresStore } from '../../src/store/postgres/index.ts'
import { everything, putCoin, putEvent, schema } from '../../src/testing/contracts/store-contract/kit.ts'
import { storeContract, type NewStore } from '../../src/testing/contracts/store-contract.ts'
import { startPostgres, type PostgresServer } from '../../scripts/postgres-server.ts'

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

describe('gets', () => {
  test('those that are asked for at once are one statement for each table; one that cannot be read fails alone', async () => {
    const store = await postgresStore({ connection: server.connection, namespace: 'gets' }).open(schema)
    const ids = Array.from({ length: 1_000 }, (_, i) => `c${i}`)
    await store.commit([...ids.map((id, i) => putCoin(id, { amount: i })), putEvent('a', 1), putEvent('a', 2)])
    await server.run(`UPDATE gets.coins SET data = '{' WHERE id = 'c7'`)
    const query = vi.spyOn(Client.prototype, 'query')
    onTestFinished(() => query.mockRestore())
    const [coins, events, missing, again] = await Promise.all([
      Promise.allSettled(ids.map((id) => store.get('coins', [id]))),
      Promise.all([2, 1].map((seq) => store.get('events', ['a', seq]))),
      store.get('coins', ['none']),
      store.get('coins', ['c1']),
    ])
    expect(query.mock.calls.filter(([sql]) => sql.startsWith('SELECT'))).toHaveLength(2)
    expect(coins.flatMap((it, i) => (it.status === 'fulfilled' && it.value?.['amount'] === i ? [] : [i]))).toEqual([7])
    expect(coins[7]).toMatchObject({ status: 'rejected', reason: { code: 'CORRUPT' } })
    expect(events).toMatchObject([{ seq: 2 }, { seq: 1 }])
    expect([missing, again]).toEqual([undefined, expect.objectContaining({ id: 'c1', amount: 1 })])
    // What was asked for before is answered before it closes.
    const last = store.get('coins', ['c2'])
    await store.close()
    expect(await last).toMatchObject({ id: 'c2' })
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

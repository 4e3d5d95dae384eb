/**
 * Goal: what a SQLite file refuses for good is told apart from what passes, whoever put the refusal there. Method: real
 * files, with constraints, triggers and tables as an administrator leaves them, under a store and under the kernel.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openOperations, type Operations } from '../../src/kernel/index.ts'
import type { Schema, Store, StoreAdapter, Write } from '../../src/store/port.ts'
import { encryptedSqliteStore } from '../../src/store/sqlite/encrypted.ts'
import { sqliteStore } from '../../src/store/sqlite/index.ts'
import { goodCard, orderKind, shopSchema, type ShopPorts } from '../kits/kernel-shop.ts'

/** The parcel is on its way; by the clock of today it is late. */
const isCharged = ({ state }: { readonly state: string }): true | undefined =>
  state === 'shipping' || state === 'late' || undefined

const schema: Schema = {
  version: 1,
  tables: {
    counters: {
      columns: { id: 'text', n: 'integer', name: 'text?' },
      key: ['id'],
      indexes: { byName: { columns: ['name', 'n'], unique: true } },
    },
  },
}
const put = (id: string, n: number, name: string | null = null): Write => ({ put: 'counters', row: { id, n, name } })
const code = (wanted: string): unknown => expect.objectContaining({ name: 'StoreError', code: wanted })

let folder: string
let path: string
const stores: Store[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'refusals-'))
  path = join(folder, 'shop.db')
})
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close()
  rmSync(folder, { recursive: true })
})

async function open(adapter: StoreAdapter, as: Schema = schema): Promise<Store> {
  const store = await adapter.open(as)
  stores.push(store)
  return store
}

/** What an administrator does, by a connection of his own. */
function administer(sql: string): void {
  const db = new DatabaseSync(path, { timeout: 5_000 })
  db.exec(`PRAGMA foreign_keys = ON; ${sql}`)
  db.close()
}

const TRIGGER = `CREATE TRIGGER counters_small BEFORE INSERT ON counters WHEN new.n > 9
  BEGIN SELECT RAISE(ABORT, 'no more than nine'); END`

describe('a commit that is refused for good is UNSTORABLE', () => {
  test('by a trigger: alone, and in a group of which the others land', async () => {
    const store = await open(sqliteStore({ path }))
    administer(TRIGGER)
    await expect(store.commit([put('a', 10)])).rejects.toEqual(code('UNSTORABLE'))
    const group = [[put('b', 1)], [put('c', 11)], [put('d', 2), put('e', 12)]]
    const outcomes = await Promise.allSettled(group.map((writes) => store.commit(writes)))
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
    for (const outcome of outcomes.slice(1)) expect(outcome).toMatchObject({ reason: code('UNSTORABLE') })
    expect(await store.query({ table: 'counters' })).toHaveLength(1)
    administer('DROP TRIGGER counters_small')
    await store.commit([put('a', 10)])
  })

  test('by a unique index that is not ours; by one of ours it is a CONFLICT', async () => {
    const store = await open(sqliteStore({ path }))
    await store.commit([put('a', 1, 'x')])
    administer('CREATE UNIQUE INDEX once ON counters (n); CREATE UNIQUE INDEX lower ON counters (lower(name))')
    await expect(store.commit([put('b', 1, 'y')])).rejects.toEqual(code('UNSTORABLE'))
    await expect(store.commit([put('b', 2, 'X')])).rejects.toEqual(code('UNSTORABLE'))
    administer('DROP INDEX once; DROP INDEX lower')
    await expect(store.commit([put('b', 1, 'x')])).rejects.toEqual(code('CONFLICT'))
    await store.commit([put('b', 2, 'x')])
  })

  test('by what is checked at the COMMIT: of a group, only the one that it is about', async () => {
    let mine: DatabaseSync | undefined
    const store = await open(sqliteStore({ path, prepare: (db) => (mine = db) }))
    mine?.exec('PRAGMA foreign_keys = ON')
    administer(`CREATE TABLE known (n INTEGER PRIMARY KEY); INSERT INTO known VALUES (1), (2);
      CREATE TABLE links (n INTEGER REFERENCES known DEFERRABLE INITIALLY DEFERRED);
      CREATE TRIGGER linked AFTER INSERT ON counters BEGIN INSERT INTO links VALUES (new.n); END`)
    const group = [[put('a', 1)], [put('b', 3)], [put('c', 2)]]
    const outcomes = await Promise.allSettled(group.map((writes) => store.commit(writes)))
    expect(outcomes).toMatchObject([{ status: 'fulfilled' }, { reason: code('UNSTORABLE') }, { status: 'fulfilled' }])
    expect(await store.query({ table: 'counters' })).toMatchObject([{ id: 'a' }, { id: 'c' }])
    await store.commit([put('d', 1)])
  })

  test('for its size', async () => {
    const store = await open(sqliteStore({ path }))
    // Texts end at 1,000,000,000 bytes, which no test writes: a row as large as that is refused by the same code.
    administer(`CREATE TRIGGER large BEFORE INSERT ON counters WHEN new.n = 7
      BEGIN SELECT length(zeroblob(1000000001)); END`)
    await expect(store.commit([put('a', 7)])).rejects.toEqual(code('UNSTORABLE'))
    await store.commit([put('a', 8)])
  })

  test('in an encrypted file, too', async () => {
    const store = await open(encryptedSqliteStore({ path, key: '0a'.repeat(32) }))
    const { default: Database } = await import('libsql')
    const db = new Database(path)
    db.exec(`PRAGMA hexkey = '${'0a'.repeat(32)}'`)
    db.exec(TRIGGER)
    db.close()
    await store.commit([put('a', 1, 'x')])
    await expect(store.commit([put('b', 10)])).rejects.toEqual(code('UNSTORABLE'))
    await expect(store.commit([put('b', 1, 'x')])).rejects.toEqual(code('CONFLICT'))
  })
})

test('a table or a column that is gone is CORRUPT, for those who read and for those who write', async () => {
  const store = await open(sqliteStore({ path }))
  administer('ALTER TABLE counters RENAME COLUMN n TO m')
  await expect(store.commit([put('a', 1)])).rejects.toEqual(code('CORRUPT'))
  await expect(store.get('counters', ['a'])).rejects.toEqual(code('CORRUPT'))
  administer('DROP TABLE counters')
  await expect(store.query({ table: 'counters' })).rejects.toEqual(code('CORRUPT'))
})

describe('under the kernel', () => {
  const opened: Operations<ShopPorts>[] = []
  afterEach(async () => {
    for (const operations of opened.splice(0)) {
      operations.close()
      await operations.closed
    }
  })

  async function shop(): Promise<Operations<ShopPorts>> {
    const store = await open(sqliteStore({ path }), shopSchema)
    await store.commit([{ put: 'stock', row: { item: 'tea', left: 5 } }])
    const operations = openOperations({
      store,
      tables: shopSchema.tables,
      kinds: [orderKind],
      ports: { card: goodCard },
    })
    opened.push(operations)
    await operations.resumed
    return operations
  }

  test('an answer that cannot be stored sets its operation aside, and it goes on once the file is mended', async () => {
    const operations = await shop()
    administer(`CREATE TRIGGER closed BEFORE INSERT ON parcels BEGIN SELECT RAISE(ABORT, 'no parcels today'); END`)
    const { id } = await operations.of(orderKind).create({ item: 'tea' })
    await operations.of(orderKind).send(id, { type: 'pay' })
    const wait = (status: string) => operations.until(id, (view) => (view.status === status ? view : undefined))
    await wait('quarantined')
    expect(await operations.explain(id)).toMatchObject({
      state: 'charging',
      why: 'its next step cannot be stored: no parcels today',
      needsHuman: true,
    })
    administer('DROP TRIGGER closed')
    await operations.resume(id)
    await operations.until(id, isCharged)
  })

  test('one whose table is gone says so, and events reject', async () => {
    const operations = await shop()
    const { id } = await operations.of(orderKind).create({ item: 'tea' })
    administer('ALTER TABLE log RENAME TO old_log')
    await expect(operations.of(orderKind).send(id, { type: 'pay' })).rejects.toEqual(code('CORRUPT'))
    await expect(operations.of(orderKind).create({ item: 'tea' })).rejects.toEqual(code('CORRUPT'))
    expect((await operations.explain(id)).why).toContain('no such table: log')
    administer('ALTER TABLE old_log RENAME TO log')
    expect(await operations.of(orderKind).send(id, { type: 'pay' })).toBe(true)
  })
})

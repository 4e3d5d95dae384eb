/**
 * Goal: what a PostgreSQL server refuses for good is told apart from what passes, whoever put the refusal there. Method: a
 * real server, with values that its indexes do not take, and constraints, triggers and rights as an administrator sets them.
 */
import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { openOperations, type Operations } from '../../src/kernel/index.ts'
import type { Schema, Write } from '../../src/store/port.ts'
import { goodCard, orderKind, shopSchema, type ShopPorts } from '../kits/kernel-shop.ts'
import { bench, code } from './postgres-kit.ts'

/** The parcel is on its way; by the clock of today it is late. */
const isCharged = ({ state }: { readonly state: string }): true | undefined =>
  state === 'shipping' || state === 'late' || undefined

const pg = bench()

const named: Schema = {
  version: 1,
  tables: {
    people: {
      columns: { id: 'text', name: 'text', age: 'integer' },
      key: ['id'],
      indexes: { byName: { columns: ['name'] }, byAge: { columns: ['age'], unique: true } },
    },
  },
}
const person = (id: string, name: string, age: number): Write => ({ put: 'people', row: { id, name, age } })
/** Nothing that could be made shorter, so that an index of PostgreSQL does not take it. */
const LONG = randomBytes(4_000).toString('latin1').replaceAll('\0', 'x')
const administer = (sql: string): Promise<unknown> => pg.server.run(`SET search_path TO ${pg.namespace}; ${sql}`)

describe('a commit that is refused for good is UNSTORABLE', () => {
  test('for a text that an index does not take: alone at once, and in a group of which the others land', async () => {
    const store = await pg.open({}, named)
    const startedMs = performance.now()
    await expect(store.commit([person('a', LONG, 1)])).rejects.toEqual(code('UNSTORABLE'))
    expect(performance.now() - startedMs).toBeLessThan(4_000)
    const group = [person('b', 'Bea', 2), person('c', LONG, 3), person('d', 'Dan', 4)]
    const outcomes = await Promise.allSettled(group.map((write) => store.commit([write])))
    expect(outcomes).toMatchObject([{ status: 'fulfilled' }, { reason: code('UNSTORABLE') }, { status: 'fulfilled' }])
    expect(await store.query({ table: 'people' })).toMatchObject([{ id: 'b' }, { id: 'd' }])
  })

  test.each([
    ['a CHECK', 'ALTER TABLE people ADD CONSTRAINT adult CHECK (age > 17)'],
    ['a length', 'ALTER TABLE people ALTER COLUMN id TYPE varchar(1)'],
    ['a unique index of others', 'CREATE UNIQUE INDEX once ON people (lower(name))'],
    ['a trigger', "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$; CREATE TRIGGER no BEFORE INSERT ON people FOR EACH ROW EXECUTE FUNCTION no()"], // prettier-ignore
    ['a trigger that waits for the COMMIT', "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$; CREATE CONSTRAINT TRIGGER no AFTER INSERT ON people DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION no()"], // prettier-ignore
    ['a foreign key that waits for the COMMIT', 'CREATE TABLE ages (age bigint PRIMARY KEY); INSERT INTO ages VALUES (40); ALTER TABLE people ADD FOREIGN KEY (age) REFERENCES ages DEFERRABLE INITIALLY DEFERRED'], // prettier-ignore
    ['a column that must be filled', 'ALTER TABLE people ADD COLUMN shoe text; UPDATE people SET shoe = 1; ALTER TABLE people ALTER COLUMN shoe SET NOT NULL'], // prettier-ignore
  ])('by %s', async (_, sql) => {
    const store = await pg.open({}, named)
    await store.commit([person('a', 'Al', 40)])
    await administer(sql)
    const refused = store.commit([person('bb', 'AL', 7)])
    await expect(refused).rejects.toEqual(code('UNSTORABLE'))
    // What the row holds is nobody's business.
    await expect(refused).rejects.not.toThrow(/AL|\b7\b/)
    expect(await store.query({ table: 'people' })).toHaveLength(1)
  })

  test('by one of our own unique indexes it is a CONFLICT', async () => {
    const store = await pg.open({}, named)
    await store.commit([person('a', 'Al', 40)])
    await expect(store.commit([person('b', 'Bea', 40)])).rejects.toEqual(code('CONFLICT'))
  })

  test('by rights that were taken away; what is read then is UNAVAILABLE', async () => {
    await (await pg.open({}, named)).commit([person('a', 'Al', 40)])
    const role = `clerk_${pg.namespace}`
    await administer(`CREATE ROLE ${role} LOGIN; GRANT ALL ON SCHEMA ${pg.namespace} TO ${role};
      GRANT ALL ON ALL TABLES IN SCHEMA ${pg.namespace} TO ${role}`)
    const connection = pg.server.connection.replace('postgres@', `${role}@`)
    const store = await pg.open({ connection }, named)
    await store.commit([person('b', 'Bea', 41)])
    await administer(`REVOKE INSERT ON people FROM ${role}`)
    await expect(store.commit([person('c', 'Cy', 42)])).rejects.toEqual(code('UNSTORABLE'))
    await administer(`REVOKE SELECT ON people FROM ${role}`)
    await expect(store.get('people', ['a'])).rejects.toEqual(code('UNAVAILABLE'))
    await administer(`GRANT ALL ON people TO ${role}`)
    await store.commit([person('c', 'Cy', 42)])
  })
})

describe('under the kernel', () => {
  const opened: Operations<ShopPorts>[] = []
  afterEach(async () => {
    for (const operations of opened.splice(0)) {
      operations.close()
      await operations.closed
    }
  })

  const withOwners: Schema = { ...shopSchema, tables: { ...shopSchema.tables, owners: { columns: { id: 'text', beat: 'integer', heir: 'text' }, key: ['id'] } } } // prettier-ignore

  async function shop(): Promise<Operations<ShopPorts>> {
    const store = await pg.open({}, withOwners)
    await store.commit([{ put: 'stock', row: { item: 'tea', left: 5 } }])
    const operations = openOperations({
      store,
      tables: withOwners.tables,
      kinds: [orderKind],
      ports: { card: goodCard },
    })
    opened.push(operations)
    await operations.resumed
    return operations
  }

  test('creating with a key that is too long is a TypeError, and one at the limit is taken', async () => {
    const operations = await shop()
    await expect(operations.of(orderKind).create({ item: 'tea' }, { key: LONG })).rejects.toThrow(
      new TypeError('key: at most 512 bytes of UTF-8'),
    )
    const key = randomBytes(256).toString('hex')
    const control = '\u0001'.repeat(512)
    const { id } = await operations.of(orderKind).create({ item: 'tea' }, { key, id: control, parent: control })
    expect((await operations.of(orderKind).create({ item: 'tea' }, { key, id: control })).id).toBe(id)
  })

  test('an answer that a CHECK refuses sets its operation aside, and it goes on once that is gone', async () => {
    const operations = await shop()
    await administer('ALTER TABLE parcels ADD CONSTRAINT light CHECK (weight < 5)')
    const { id } = await operations.of(orderKind).create({ item: 'tea' })
    expect(await operations.of(orderKind).send(id, { type: 'pay' })).toBe(true)
    await operations.until(id, ({ status }) => status === 'quarantined' || undefined)
    const { why, needsHuman } = await operations.explain(id)
    expect(why).toBe("its next step cannot be stored: the database refused a value by 'light' (23514)")
    expect(needsHuman).toBe(true)
    await administer('ALTER TABLE parcels DROP CONSTRAINT light')
    await operations.resume(id)
    await operations.until(id, isCharged)
  })

  test('an event that a CHECK refuses rejects, and those behind it are handled', async () => {
    const operations = await shop()
    await administer("ALTER TABLE log ADD CONSTRAINT free CHECK (state <> 'charging')")
    const { id } = await operations.of(orderKind).create({ item: 'tea' })
    const paying = operations.of(orderKind).send(id, { type: 'pay' })
    const behind = operations.of(orderKind).send(id, { type: 'cancel' })
    await expect(paying).rejects.toEqual(code('UNSTORABLE'))
    expect(await behind).toBe(true)
    expect((await operations.get(id)).state).toBe('cancelled')
  })
})

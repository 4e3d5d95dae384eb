/**
 * Goal: however a SQLite file is named, its processes find one log and one owner's lock; a lock whose file goes is not
 * held any more, and where no lock can be had, that is said. Method: real files, links and folders, a shop on each.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, linkSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs' // prettier-ignore
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { openOperations, type Operations } from '../../src/kernel/index.ts'
import type { Store, StoreAdapter } from '../../src/store/port.ts'
import { encryptedSqliteStore } from '../../src/store/sqlite/encrypted.ts'
import { sqliteStore } from '../../src/store/sqlite/index.ts'
import { goodCard, orderKind, shopSchema, type Card, type ShopPorts } from '../kits/kernel-shop.ts'

/** The parcel is on its way; by the clock of today it is late. */
const isCharged = ({ state }: { readonly state: string }): true | undefined =>
  state === 'shipping' || state === 'late' || undefined

const unavailable = expect.objectContaining({ name: 'StoreError', code: 'UNAVAILABLE' }) as unknown

let folder: string
let path: string
let opened: { readonly operations: Operations<ShopPorts>; readonly store: Store }[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'identity-'))
  path = join(folder, 'shop.db')
  opened = []
})
afterEach(async () => {
  for (const { operations, store } of opened) {
    operations.close()
    await operations.closed
    await store.close()
  }
  rmSync(folder, { recursive: true })
})

async function shop(adapter: StoreAdapter, card: Card = goodCard): Promise<Operations<ShopPorts>> {
  const store = await adapter.open(shopSchema)
  const ports = { card }
  const operations = openOperations({ store, tables: shopSchema.tables, kinds: [orderKind], ports })
  opened.push({ operations, store })
  await operations.resumed
  if (!(await store.get('stock', ['tea']))) await store.commit([{ put: 'stock', row: { item: 'tea', left: 5 } }])
  return operations
}

const key = '0a'.repeat(32)
/** Both kinds of store, by path. */
const adapters: readonly (readonly [string, (at: string) => StoreAdapter])[] = [
  ['plain', (at) => sqliteStore({ path: at })],
  ['encrypted', (at) => encryptedSqliteStore({ path: at, key })],
]

describe.each(adapters)('a %s file', (_, adapter) => {
  test.each(['the file', 'its folder', 'a file that is not there yet'])('and a link to %s: one owner', async (to) => {
    const links = join(folder, 'links')
    let other = join(links, 'shop.db')
    if (to === 'its folder') symlinkSync(folder, links)
    else {
      mkdirSync(links)
      other = join(links, 'other.db')
      symlinkSync(join('..', 'shop.db'), other)
    }
    const ways = to === 'a file that is not there yet' ? [other, path] : [path, other]
    const [first, second] = [await shop(adapter(ways[0]!)), await shop(adapter(ways[1]!))]
    expect([first.role, second.role]).toEqual(['owner', 'follower'])
    const { id } = await second.of(orderKind).create({ item: 'tea' })
    expect((await first.get(id)).state).toBe('placed')
    expect(existsSync(`${other}-owner`)).toBe(to === 'its folder')
  })

  test('with a hard link is not opened: it would have two logs', async () => {
    await (await adapter(path).open(shopSchema)).close()
    linkSync(path, join(folder, 'other.db'))
    await expect(adapter(join(folder, 'other.db')).open(shopSchema)).rejects.toEqual(unavailable)
    rmSync(join(folder, 'other.db'))
    await (await adapter(path).open(shopSchema)).close()
  })

  test.each(['file:shop.db', 'FILE:///shop.db?mode=rwc', 'libsql://shop'])('is no URL: %s', (url) => {
    expect(() => adapter(url)).toThrow(TypeError)
    expect(() => adapter(new URL('file:///shop.db') as unknown as string)).toThrow(TypeError)
  })
})

test('the process may change its folder between two openings of one store', () => {
  const source = `
    import { sqliteStore } from ${JSON.stringify(import.meta.resolve('../../src/store/sqlite/index.ts'))}
    const adapter = sqliteStore({ path: 'shop.db' })
    const schema = { version: 1, tables: { notes: { columns: { id: 'text' }, key: ['id'] } } }
    const now = { wait: false, signal: new AbortController().signal }
    const first = await adapter.open(schema)
    process.stdout.write((await first.ownership.lock(now)) ? 'held' : 'not held')
    process.chdir('elsewhere')
    const second = await adapter.open(schema)
    process.stdout.write((await second.ownership.lock(now)) ? ', held twice' : ', held once')
    await second.commit([{ put: 'notes', row: { id: 'a' } }])
    process.stdout.write((await first.get('notes', ['a'])) ? ', one file' : ', two files')
    process.exit()`
  mkdirSync(join(folder, 'elsewhere'))
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', source], { cwd: folder, encoding: 'utf8' })
  expect(said).toBe('held, held once, one file')
})

describe('the file of the lock', () => {
  test('deleted: the former owner asks nothing of the outside any more, and one of the two goes on', async () => {
    const charged: string[] = []
    const charging =
      (name: string): Card =>
      (args) => {
        charged.push(`${name}${args.replay ? ' again' : ''}`)
        return goodCard(args)
      }
    const first = await shop(sqliteStore({ path }), charging('first'))
    const orders = await Promise.all([1, 2, 3].map(() => first.of(orderKind).create({ item: 'tea' })))
    rmSync(`${path}-owner`)
    const second = await shop(sqliteStore({ path }), charging('second'))
    expect(second.role).toBe('owner')
    for (const { id } of orders) await first.of(orderKind).send(id, { type: 'pay' })
    await Promise.all(orders.map(({ id }) => first.until(id, isCharged)))
    expect(charged).toEqual(['second', 'second', 'second'])
    expect([first.role, second.role]).toEqual(['follower', 'owner'])
  })

  test('deleted while a request waits for its lane: it is not made by the former owner', async () => {
    const charged: string[] = []
    const answer = Promise.withResolvers<void>()
    const card: Card = async (args) => {
      charged.push(args.input.id)
      await answer.promise
      return goodCard(args)
    }
    const store = await sqliteStore({ path }).open(shopSchema)
    await store.commit([{ put: 'stock', row: { item: 'tea', left: 5 } }])
    const of = { store, tables: shopSchema.tables, kinds: [orderKind], ports: { card }, laneLimit: 1 }
    const first = openOperations<ShopPorts>(of)
    opened.push({ operations: first, store })
    await first.resumed
    const [one, two] = [
      await first.of(orderKind).create({ item: 'tea' }),
      await first.of(orderKind).create({ item: 'tea' }),
    ]
    await first.of(orderKind).send(one.id, { type: 'pay' })
    await first.of(orderKind).send(two.id, { type: 'pay' })
    expect((await first.explain(two.id)).underWay).toEqual(['card.charge'])
    rmSync(`${path}-owner`)
    const second = await shop(sqliteStore({ path }))
    expect(second.role).toBe('owner')
    answer.resolve()
    await second.until(two.id, isCharged)
    expect(charged).toEqual([one.id])
  })

  test('deleted, and nobody else is there: the owner takes the lock again, by itself', async () => {
    const roles: string[] = []
    const first = await shop(sqliteStore({ path }))
    first.onRole((role) => roles.push(role))
    rmSync(`${path}-owner`)
    await vi.waitUntil(() => roles.includes('owner'), { timeout: 10_000 })
    expect(roles).toEqual(['follower', 'owner'])
    const second = await shop(sqliteStore({ path }))
    expect(second.role).toBe('follower')
    const { id } = await second.of(orderKind).create({ item: 'tea' })
    await second.of(orderKind).send(id, { type: 'pay' })
    await second.until(id, isCharged)
  })

  test('replaced by another: the same', async () => {
    const first = await shop(sqliteStore({ path }))
    writeFileSync(`${path}-new`, '')
    renameSync(`${path}-new`, `${path}-owner`)
    const second = await shop(sqliteStore({ path }))
    expect(second.role).toBe('owner')
    await vi.waitUntil(() => first.role === 'follower', { timeout: 10_000 })
  })
})

describe('where the lock cannot be asked for', () => {
  /** What is reported, for as long as the test lasts. */
  function reports(): unknown[] {
    const told: unknown[] = []
    const spy = vi.spyOn(console, 'error').mockImplementation((error: unknown) => void told.push(error))
    onTestFinished(() => spy.mockRestore())
    return told
  }

  test.each(['a folder', 'a file that is none'])(
    'because %s is in its place: that is said, once, until it is gone',
    async (what) => {
      const told = reports()
      if (what === 'a folder') mkdirSync(`${path}-owner`)
      else writeFileSync(`${path}-owner`, 'not a database of SQLite, and so nothing that it takes a lock of')
      const first = await shop(sqliteStore({ path }))
      const { id } = await first.of(orderKind).create({ item: 'tea' })
      await first.of(orderKind).send(id, { type: 'pay' })
      expect(first.role).toBe('follower')
      expect(first.roleReason).toMatch(/-owner cannot be made or written/)
      expect(await first.explain(id)).toMatchObject({
        state: 'charging',
        underWay: [],
        why: expect.stringMatching(/^The card is being charged\. \(no effects run here, for the owner's lock cannot be had: /) as unknown, // prettier-ignore
        needsHuman: true,
      })
      await new Promise((resolve) => setTimeout(resolve, 1_200))
      expect(told).toEqual([unavailable])
      rmSync(`${path}-owner`, { recursive: true })
      await first.until(id, isCharged)
      expect([first.role, first.roleReason]).toEqual(['owner', undefined])
    },
  )

  test('somebody may have it all the same: a process that is one of two says so, too', async () => {
    const told = reports()
    const first = await shop(sqliteStore({ path }))
    const second = await shop(sqliteStore({ path }))
    expect([first.role, second.role, second.roleReason]).toEqual(['owner', 'follower', undefined])
    const { id } = await second.of(orderKind).create({ item: 'tea' })
    expect((await second.explain(id)).why).toBe('Waits to be paid. (another process runs it)')
    expect(told).toEqual([])
  })

  test.skipIf(process.getuid?.() === 0)(
    'because its file may only be read: no two take themselves for the owner',
    async () => {
      reports()
      writeFileSync(`${path}-owner`, '')
      chmodSync(`${path}-owner`, 0o444)
      const [first, second] = [await shop(sqliteStore({ path })), await shop(sqliteStore({ path }))]
      expect([first.role, second.role]).toEqual(['follower', 'follower'])
      expect(first.roleReason).toMatch(/cannot be made or written/)
    },
  )
})

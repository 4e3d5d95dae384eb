/**
 * Goal: a SQLite database is where it was said to be, for its user's eyes only, and missed when it goes. Method: real
 * files, which are deleted, replaced, moved and read behind the store's back; for wallets, a real mint that must not
 * hear of what could not be written down.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Row, Schema, Store, StoreAdapter } from '../../src/store/port.ts'
import { changeKey, encryptedSqliteStore } from '../../src/store/sqlite/encrypted.ts'
import { sqliteStore } from '../../src/store/sqlite/index.ts'
import { bench, failure } from '../kits/wallet-kit.ts'

const schema: Schema = { version: 1, tables: { notes: { columns: { id: 'text', n: 'integer' }, key: ['id'] } } }
const put = (id: string, n = 1): { put: string; row: Row } => ({ put: 'notes', row: { id, n } })
const KEY = '0123456789abcdef'.repeat(4)

const kinds: Readonly<Record<string, (path: string) => StoreAdapter>> = {
  plain: (path) => sqliteStore({ path, busyTimeoutMs: 500 }),
  encrypted: (path) => encryptedSqliteStore({ path, key: KEY, busyTimeoutMs: 500 }),
}

let directory: string
let path: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'file-'))
  path = join(directory, 'folder', 'store.db')
  mkdirSync(join(directory, 'folder'))
})

afterEach(() => {
  rmSync(directory, { recursive: true })
})

describe.each(Object.entries(kinds))('%s', (_, make) => {
  test.each([
    '',
    '  ',
    'file:store.db',
    'file::memory:?cache=shared',
    'FILE:/tmp/x.db',
    'http://localhost/db',
    'libsql://db',
    'wallet:1.db',
    'folder/',
    'a\0b',
    undefined,
    5,
    null,
  ])('a path that is %j is refused by its name', (wrong) => {
    expect(() => make(wrong as string)).toThrow(TypeError)
    expect(() => make(wrong as string)).toThrow(/^path: /)
    expect(readdirSync(join(directory, 'folder'))).toEqual([])
  })

  test("':memory:' is a database that ends with its store, and leaves no file", async () => {
    const there = readdirSync('.')
    const store = await make(':memory:').open(schema)
    await store.commit([put('a')])
    expect(await store.query({ table: 'notes' })).toEqual([{ id: 'a', n: 1 }])
    await store.close()
    expect(readdirSync('.')).toEqual(there)
  })

  test('a relative path is resolved against the working folder of the moment it was given', async () => {
    await another(`
      process.chdir(${JSON.stringify(join(directory, 'folder'))})
      const adapter = make('store.db')
      process.chdir(${JSON.stringify(directory)})
      await (await adapter.open(schema)).close()`)
    expect(readdirSync(directory)).toEqual(['folder'])
    expect(existsSync(path)).toBe(true)
  })

  test('new files are readable by their user only, whatever the umask; existing files keep their permissions', async () => {
    const modes = (): Record<string, string> =>
      Object.fromEntries(
        readdirSync(join(directory, 'folder')).map((name) => [
          name,
          (statSync(join(directory, 'folder', name)).mode & 0o777).toString(8),
        ]),
      )
    await another(`
      process.umask(0)
      const store = await make(path).open(schema)
      const held = await store.ownership.lock({ wait: false, signal: new AbortController().signal })
      await store.commit([{ put: 'notes', row: { id: 'a', n: 1 } }])
      process.exit(held ? 0 : 1)`)
    expect(Object.keys(modes())).toEqual(
      expect.arrayContaining(['store.db', 'store.db-owner', 'store.db-shm', 'store.db-wal']),
    )
    expect(new Set(Object.values(modes()))).toEqual(new Set(['600']))
    await (await make(path).open(schema)).close()
    chmodSync(path, 0o640)
    const again = await make(path).open(schema)
    await again.commit([put('b')])
    expect(modes()).toMatchObject({ 'store.db': '640', 'store.db-wal': '640', 'store.db-shm': '640' })
    await again.close()
  })

  /** What may befall the files of an open store. */
  const losses: Readonly<Record<string, () => void>> = {
    'is deleted': () => rmSync(path),
    'is deleted with all that stands beside it': () => {
      for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix)
    },
    'is replaced by a copy': () => {
      copyFileSync(path, `${path}.copy`)
      renameSync(`${path}.copy`, path)
    },
    'is moved away': () => renameSync(path, `${path}.old`),
    'goes with its folder': () => rmSync(join(directory, 'folder'), { recursive: true }),
    'goes with its folder, which is made anew': () => {
      rmSync(join(directory, 'folder'), { recursive: true })
      mkdirSync(join(directory, 'folder'))
      writeFileSync(path, '')
    },
    'loses its log': () => rmSync(`${path}-wal`),
    'loses its index': () => rmSync(`${path}-shm`),
  }

  test.each(Object.keys(losses))('a database that %s is missed: the next commit rejects with GONE', async (how) => {
    const store = await make(path).open(schema)
    await store.commit([put('a')])
    losses[how]!()
    const codes = await Promise.all([store.commit([put('b')]), store.commit([put('c')])].map(failure))
    expect(codes.map(({ code }) => code)).toEqual(['GONE', 'GONE'])
    // And from then on nothing is read of it either.
    expect(await failure(store.query({ table: 'notes' }))).toMatchObject({ code: 'GONE' })
    await store.close()
  })

  test('a database that is moved away and back goes on', async () => {
    const store = await make(path).open(schema)
    await store.commit([put('a')])
    renameSync(join(directory, 'folder'), join(directory, 'elsewhere'))
    expect(await failure(store.commit([put('b')]))).toMatchObject({ code: 'GONE' })
    renameSync(join(directory, 'elsewhere'), join(directory, 'folder'))
    await store.commit([put('c')])
    expect(await store.query({ table: 'notes' })).toEqual([put('a').row, put('c').row])
    await store.close()
  })

  test('a database stays usable when other processes open and close it, and when its log is checkpointed', async () => {
    const store = await make(path).open(schema)
    for (let n = 0; n < 3; n++) {
      const other = await make(path).open(schema)
      await other.commit([put(`other ${n}`)])
      await other.close()
      await store.commit([put(`mine ${n}`)])
    }
    await store.close()
    const again = await make(path).open(schema)
    expect(await again.query({ table: 'notes' })).toHaveLength(6)
    await again.close()
  })

  test('a database that is open twice in one process keeps its locks: another process that closes it does not delete the log', async () => {
    // An open that reads the file by itself, and closes it, would let go of the locks of the one before.
    await (await make(path).open(schema)).close()
    const first = await make(path).open(schema)
    const second = await make(path).open(schema)
    await another(`
      const store = await make(path).open(schema)
      await store.commit([{ put: 'notes', row: { id: 'theirs', n: 1 } }])
      await store.close()`)
    expect(existsSync(`${path}-wal`)).toBe(true)
    await first.commit([put('mine')])
    await second.commit([put('also mine')])
    await first.close()
    await second.close()
    const again = await make(path).open(schema)
    expect(await again.query({ table: 'notes' })).toHaveLength(3)
    await again.close()
  })

  /** Another process that does something with the database. */
  async function another(what: string): Promise<void> {
    const source = `
      import { sqliteStore } from ${JSON.stringify(new URL('../../src/store/sqlite/index.ts', import.meta.url).href)}
      import { encryptedSqliteStore } from ${JSON.stringify(new URL('../../src/store/sqlite/encrypted.ts', import.meta.url).href)}
      const path = ${JSON.stringify(path)}
      const schema = ${JSON.stringify(schema)}
      const make = (path) => ${make === kinds['plain'] ? 'sqliteStore({ path })' : `encryptedSqliteStore({ path, key: '${KEY}' })`}
      ${what}`
    const child = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', 'inherit', 'inherit'] }) // prettier-ignore
    const [exit] = (await once(child, 'close')) as [number | null]
    expect(exit).toBe(0)
  }
})

test.each(Object.keys(kinds))('a wallet sends nothing once its %s database is gone, and says why', async (kind) => {
  const on = await bench()
  const { wallet, wire } = await on.funded(64, 'alice', { store: kinds[kind]!(path) })
  const swap = await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [32, 8] })
  const requests = wire.count(/POST/)
  rmSync(path)
  expect(await failure(swap.execute())).toMatchObject({ name: 'StoreError', code: 'GONE' })
  expect(await failure(wallet.send.prepare({ mintUrl: on.mintUrl, amount: 8 }))).toMatchObject({ code: 'GONE' })
  expect(await failure(wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 8 }))).toMatchObject({ code: 'GONE' })
  expect(wire.count(/POST/)).toBe(requests)
})

test('a change of the key keeps the permissions of the file, and nobody else can read its copy', async () => {
  const store: Store = await kinds['encrypted']!(path).open(schema)
  await store.close()
  await changeKey({ path, from: KEY, to: 'ff'.repeat(32) })
  expect((statSync(path).mode & 0o777).toString(8)).toBe('600')
})

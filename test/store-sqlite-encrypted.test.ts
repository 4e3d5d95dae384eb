/**
 * What encryption is for, and what a change of the key must survive.
 *
 * Processes really die here: a child counts every call that its change of the key makes to the disk and to SQLite, and
 * ends itself with SIGKILL before the n-th of them, for every n.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Row, Schema, Store, StoreError, Write } from '../src/store/port.ts'
import { changeKey, encryptedSqliteStore } from '../src/store/sqlite-encrypted.ts'
import { LibsqlConnection } from '../src/store/sqlite-libsql.ts'
import { sqliteStore } from '../src/store/sqlite.ts'
import { bench, money } from './wallet-kit.ts'

const OLD = "the old key, with a ' in it"
const NEW = 'the "new" key; DROP TABLE notes'
const schema: Schema = {
  version: 1,
  tables: {
    notes: {
      columns: { id: 'text', text: 'text', n: 'integer' },
      key: ['id'],
      indexes: { byText: { columns: ['text'], unique: true } },
      total: { of: 'n', by: ['id'] },
    },
  },
}
const COUNT = 300
const note = (i: number): Row => ({ id: `n${String(i).padStart(4, '0')}`, text: `a secret thing, number ${i}`, n: i })
const notes = Array.from({ length: COUNT }, (_, i) => note(i))
const puts = notes.map((row): Write => ({ put: 'notes', row }))
const code = (code: string): unknown => expect.objectContaining({ name: 'StoreError', code })

let directory: string
let path: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'encrypted-'))
  path = join(directory, 'store.db')
})

afterEach(() => rm(directory, { recursive: true }))

const open = (key: string, more: { path?: string; busyTimeoutMs?: number } = {}): Promise<Store> =>
  encryptedSqliteStore({ path, key, ...more }).open(schema)

async function filled(key: string): Promise<void> {
  const store = await open(key)
  await store.commit(puts)
  await store.close()
}

/** The files of the folder, without a journal that SQLite has not begun to use: its mark is still to be written. */
async function files(): Promise<string[]> {
  const names = await readdir(directory)
  const marks = await Promise.all(names.map(async (name) => (await readFile(join(directory, name)))[0] ?? 0))
  return names.filter((name, i) => !name.endsWith('-journal') || marks[i] !== 0)
}

/** The files of a folder in which one of some texts can be read. */
async function readable(folder: string, texts: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const name of await readdir(folder)) {
    const bytes = await readFile(join(folder, name))
    if (texts.some((text) => bytes.includes(text))) found.push(name)
  }
  return found
}

describe('what lies on the disk', () => {
  test('shows no secret, token, quote or key of a wallet: not the file, nor its log, nor what is left of both', async () => {
    const mint = await bench()
    const stores = {
      plain: () => sqliteStore({ path: `${directory}/plain.db` }),
      encrypted: () => encryptedSqliteStore({ path: `${directory}/encrypted.db`, key: OLD }),
    }
    for (const [name, store] of Object.entries(stores)) {
      const { wallet } = await mint.funded(100, name, { store: store() })
      const send = await wallet.send.prepare({ mintUrl: mint.mintUrl, amount: 21, memo: 'for the tea' })
      const { token } = await send.execute()
      const { snapshot, outputs } = (await wallet.operations.export(send.id, { secrets: true })) as unknown as {
        snapshot: object
        outputs: { secret: string; r: string }[]
      }
      const secrets = JSON.stringify(snapshot).match(/[0-9a-f]{64}/g)!
      const texts = [
        token,
        ...secrets,
        ...outputs.flatMap(({ secret, r }) => [secret, r]),
        'for the tea',
        'secret',
        OLD,
      ]
      expect(secrets.length).toBeGreaterThan(3)
      const shown = name === 'plain' ? ['plain.db', 'plain.db-wal'] : []
      const mine = async (): Promise<string[]> => (await readable(directory, texts)).filter((file) => file.startsWith(name)) // prettier-ignore
      // All is still in the log, and then in the file.
      expect(await mine()).toEqual(shown.slice(1))
      await wallet.close()
      expect(await mine()).toEqual(shown.slice(0, 1))
    }
  })
})

describe('the key', () => {
  test('is asked for: with another, or for a file that is not encrypted, opening is refused and harms nothing', async () => {
    await filled(OLD)
    await expect(open(NEW)).rejects.toEqual(code('WRONG_KEY'))
    await expect(changeKey({ path, from: NEW, to: OLD })).rejects.toEqual(code('WRONG_KEY'))
    await expect(sqliteStore({ path }).open(schema)).rejects.toEqual(code('CORRUPT'))
    const store = await open(OLD)
    expect(await store.query({ table: 'notes' })).toEqual(notes)
    await store.close()
    await writeFile(path, 'no database, but text '.repeat(400))
    await expect(open(OLD)).rejects.toEqual(code('WRONG_KEY'))
    const plain = join(directory, 'plain.db')
    const db = new DatabaseSync(plain)
    db.exec('CREATE TABLE t (x)')
    db.close()
    await expect(open(OLD, { path: plain })).rejects.toEqual(code('WRONG_KEY'))
  })

  /** Makes a database as it was left, with the rows of the notes. */
  const left: Readonly<Record<string, () => Promise<void>>> = {
    'closed in order': () => filled(OLD),
    'with a log': () => abandoned(async () => (await open(OLD)).commit(puts)),
    'with a log, and without its index': async () => {
      await left['with a log']!()
      await rm(`${path}-shm`)
    },
    'with a journal': async () => {
      await filled(OLD)
      await abandoned(async () => {
        const db = new LibsqlConnection(path, OLD)
        // So small a cache that the transaction has to write what it may have to take back.
        db.exec('PRAGMA journal_mode = DELETE; PRAGMA cache_size = 1; BEGIN; CREATE TABLE t (x)')
        db.exec("UPDATE notes SET text = text || ', and more'")
      })
    },
    'with a journal, and its first page torn': async () => {
      await left['with a journal']!()
      await writeFile(path, (await readFile(path)).fill(7, 0, 512))
    },
  }

  /** Leaves in the folder what was in it while a process had the database open. */
  async function abandoned(process: () => Promise<void>): Promise<void> {
    const there = path
    path = join(directory, 'process', 'store.db')
    await mkdir(dirname(path))
    if (existsSync(there)) await rename(there, path)
    await process()
    for (const name of await readdir(dirname(path))) await copyFile(join(dirname(path), name), join(directory, name))
    await rm(dirname(path), { recursive: true })
    path = there
  }

  test.each(Object.keys(left))('is tried without a change to a byte of a database %s', async (how) => {
    await left[how]!()
    const suffixes = (await readdir(directory)).map((name) => name.slice('store.db'.length))
    const parts = ['-wal', '-journal'].filter((part) => suffixes.includes(part))
    expect(parts).toEqual(how.includes('log') ? ['-wal'] : how.includes('journal') ? ['-journal'] : [])
    const bytes = (): Promise<Buffer[]> =>
      Promise.all(suffixes.filter((it) => !['-shm', '-owner'].includes(it)).map((suffix) => readFile(path + suffix)))
    const before = await bytes()
    for (let round = 0; round < 2; round++) {
      await expect(open(NEW)).rejects.toEqual(code('WRONG_KEY'))
      await expect(changeKey({ path, from: NEW, to: OLD })).rejects.toEqual(code('WRONG_KEY'))
      await expect(sqliteStore({ path }).open(schema)).rejects.toEqual(code('CORRUPT'))
    }
    expect((await bytes()).map((now, i) => now.equals(before[i]!))).toEqual(before.map(() => true))
    const store = await open(OLD)
    expect(await store.query({ table: 'notes' })).toEqual(notes)
    await store.close()
    expect(await files()).toEqual(['store.db'])
  })

  test('is a text that is not empty, for without one nothing would be encrypted', async () => {
    for (const key of ['', undefined as unknown as string, 'a\0b', '\ud800'])
      expect(() => encryptedSqliteStore({ path, key })).toThrow(TypeError)
    await expect(changeKey({ path, from: OLD, to: '' })).rejects.toThrow(TypeError)
    expect(await readdir(directory)).toEqual([])
  })

  test('stands in no error', async () => {
    await filled(OLD)
    const error = (await open(NEW).catch((reason: unknown) => reason)) as Error
    expect(`${error.stack} ${String(error.cause)} ${JSON.stringify(error)}`).not.toContain('new')
  })
})

describe('a change of the key', () => {
  test('leaves all rows, totals and rights to the file, and nothing under the former key', async () => {
    await filled(OLD)
    await chmod(path, 0o600)
    await changeKey({ path, from: OLD, to: NEW })
    expect(await readdir(directory)).toEqual(['store.db'])
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    await expect(open(OLD)).rejects.toEqual(code('WRONG_KEY'))
    const store = await open(NEW)
    expect(await store.query({ table: 'notes' })).toEqual(notes)
    expect(await store.sum('notes', ['n0007'])).toEqual([{ key: ['n0007'], sum: 7, count: 1 }])
    await expect(store.commit([{ put: 'notes', row: { ...note(1), id: 'x' } }])).rejects.toEqual(code('CONFLICT'))
    await store.commit([{ put: 'notes', row: note(COUNT) }])
    await store.close()
    expect(await readable(directory, ['a secret thing', 'CREATE TABLE'])).toEqual([])
  })

  test('waits for whoever has the database open, and gives up with BUSY', async () => {
    const store = await open(OLD)
    await expect(changeKey({ path, from: OLD, to: NEW, busyTimeoutMs: 30 })).rejects.toEqual(code('BUSY'))
    await store.commit(puts)
    const changing = changeKey({ path, from: OLD, to: NEW, busyTimeoutMs: 20_000 })
    await store.close()
    await changing
    const after = await open(NEW)
    expect(await after.query({ table: 'notes' })).toEqual(notes)
    await after.close()
  })

  test('refuses to begin where there is no database', async () => {
    await expect(changeKey({ path, from: OLD, to: NEW })).rejects.toEqual(code('UNAVAILABLE'))
    expect(await readdir(directory)).toEqual([])
  })

  test('goes past nobody: who opens the database while it is replaced does not write into the file that is gone', async () => {
    await filled(OLD)
    // It has to wait for the lock, with the file open that is about to be replaced.
    const results: string[] = []
    const opening = (key: string): Promise<void> =>
      open(key, { busyTimeoutMs: 20_000 }).then(
        async (store) => {
          await store.commit([{ put: 'notes', row: note(COUNT + results.length) }])
          results.push('written')
          await store.close()
        },
        (error: unknown) => void results.push((error as StoreError).code),
      )
    await Promise.all([changeKey({ path, from: OLD, to: NEW, busyTimeoutMs: 20_000 }), opening(OLD), opening(OLD)])
    const store = await open(NEW)
    const written = results.filter((result) => result === 'written').length
    expect(await store.query({ table: 'notes' })).toHaveLength(COUNT + written)
    await store.close()
  })

  /** A process that changes the key, and ends itself before its n-th call; it prints how many there were. */
  async function changing(from: string, to: string, dieBefore: number): Promise<string> {
    const source = `
      import fs from 'node:fs'
      import { syncBuiltinESMExports } from 'node:module'
      import Database from 'libsql'
      let calls = 0
      const counted = (owner, names) => {
        for (const name of names) {
          const original = owner[name]
          owner[name] = function (...args) {
            if (++calls === ${dieBefore}) process.kill(process.pid, 'SIGKILL')
            return original.apply(this, args)
          }
        }
      }
      counted(fs, ['statSync', 'rmSync', 'chmodSync', 'openSync', 'fsyncSync', 'closeSync', 'renameSync'])
      counted(Database.prototype, ['exec', 'prepare', 'close'])
      counted(Object.getPrototypeOf(new Database(':memory:').prepare('SELECT 1')), ['all', 'run'])
      syncBuiltinESMExports()
      calls = 0
      const { changeKey } = await import(${JSON.stringify(new URL('../src/store/sqlite-encrypted.ts', import.meta.url).href)})
      await changeKey(${JSON.stringify({ path, from, to })})
      process.stdout.write(String(calls))`
    const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let printed = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text))
    const closed = once(child, 'close') as Promise<[number | null, string | null]>
    const [exit, signal] = await closed
    expect([0, 'SIGKILL']).toContain(signal ?? exit)
    return printed
  }

  /** The one key that opens the database; all rows must be there, and no file beside it. */
  async function whole(): Promise<string> {
    const ends: string[] = []
    const rows: Row[] = []
    for (const key of [OLD, NEW])
      try {
        const store = await open(key)
        rows.push(...(await store.query({ table: 'notes' })))
        await store.close()
        ends.push(key)
      } catch (error) {
        ends.push((error as StoreError).code)
      }
    expect([`${OLD},WRONG_KEY`, `WRONG_KEY,${NEW}`]).toContain(ends.join())
    expect(rows).toEqual(notes)
    expect(await files()).toEqual(['store.db'])
    return ends.find((end) => end !== 'WRONG_KEY')!
  }

  test('killed before any of its calls leaves the database whole under one key', { timeout: 180_000 }, async () => {
    await filled(OLD)
    let before = OLD
    const ends: string[] = []
    for (let n = 1; ; n++) {
      const to = before === OLD ? NEW : OLD
      const calls = await changing(before, to, n)
      const after = await whole()
      ends.push(after === before ? 'before' : 'after')
      before = after
      if (calls !== '') break
    }
    // First nothing has changed, and from one call on all has.
    const first = ends.indexOf('after')
    expect(first).toBeGreaterThan(10)
    expect(ends.slice(first)).toEqual(ends.slice(first).fill('after'))
    expect(ends.length - first).toBeGreaterThan(3)
  })
})

test('a wallet lives on it, is killed in the middle of a swap, and goes on after a change of the key', async () => {
  const mint = await bench()
  const store = (key: string) => encryptedSqliteStore({ path, key })
  const first = await mint.funded(64, 'alice', { store: store(OLD) })
  first.wire.plan = [[/swap$/, 'applied']]
  const struck = new Promise<void>((resolve) => (first.wire.onApplied = resolve))
  const swap = await first.wallet.swap.prepare({ mintUrl: mint.mintUrl, amounts: [32, 16, 8, 4, 2, 1] })
  void swap.execute().catch(() => {})
  await struck
  first.drop()
  await first.wallet.close()
  await changeKey({ path, from: OLD, to: NEW })
  const again = await mint.open('alice', { store: store(NEW) })
  await (await again.wallet.swap.get(swap.id)).finished()
  expect((await money(again)).spendable).toBe(await mint.outstanding())
  await again.wallet.close()
  expect(await readable(directory, ['secret', mint.mintUrl])).toEqual([])
})

/** What only a file, other processes and a disk can show. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Row, Schema, Store, StoreError, Write } from '../../src/store/port.ts'
import { sqliteStore, type SlowCall } from '../../src/store/sqlite/index.ts'

interface Counter extends Row {
  readonly id: string
  readonly n: number
}

const schema: Schema = {
  version: 1,
  tables: {
    counters: { columns: { id: 'text', n: 'integer', more: 'json?' }, key: ['id'], total: { of: 'n', by: ['id'] } },
    steps: { columns: { by: 'text', seq: 'integer', bulk: 'text' }, key: ['by', 'seq'] },
  },
}

const put = (id: string, n: number, more: Row = {}): Write => ({ put: 'counters', row: { id, n, more: null, ...more } })
const step = (by: string, seq: number, bulk = ''): Write => ({ put: 'steps', row: { by, seq, bulk }, if: 'absent' })
const code = (code: string): unknown => expect.objectContaining({ name: 'StoreError', code })

let directory: string
let path: string
const children = new Set<ChildProcess>()

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sqlite-'))
  path = join(directory, 'store.db')
})

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  children.clear()
  await chmod(directory, 0o700)
  await rm(directory, { recursive: true })
})

/** Another process, running a script in which `sqliteStore`, `schema`, `path` and `say` stand ready. */
function script(body: string): ChildProcess & { readonly lines: string[] } {
  const source = `
    import { sqliteStore } from ${JSON.stringify(new URL('../../src/store/sqlite/index.ts', import.meta.url).href)}
    const schema = ${JSON.stringify(schema)}
    const path = ${JSON.stringify(path)}
    const say = (line) => process.stdout.write(line + '\\n')
    ${body}`
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.add(child)
  const lines: string[] = []
  let rest = ''
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    const all = (rest + text).split('\n')
    rest = all.pop()!
    lines.push(...all)
  })
  return Object.assign(child, { lines })
}

async function exitCode(child: ChildProcess): Promise<number | null> {
  const [exit] = (await once(child, 'close')) as [number | null]
  return exit
}

/** The transactions in the write-ahead log, told by the mark that each one's last frame carries. */
async function transactions(): Promise<number> {
  const log = await readFile(`${path}-wal`)
  const frameSize = 24 + log.readUInt32BE(8)
  let count = 0
  for (let at = 32; at + frameSize <= log.length; at += frameSize)
    if (log.subarray(at + 8, at + 16).equals(log.subarray(16, 24)) && log.readUInt32BE(at + 4) !== 0) count++
  return count
}

const everything = (store: Store): Promise<unknown[]> =>
  Promise.all([store.query({ table: 'counters' }), store.query({ table: 'steps' }), store.sum('counters')])

describe('processes', () => {
  test('two processes that increment one counter lose no step', async () => {
    const hammer = (name: string): string => `
      const store = await sqliteStore({ path, busyTimeoutMs: 20_000 }).open(schema)
      let seq = 0
      const climb = async () => {
        for (let landed = 0; landed < 40; ) {
          const row = await store.get('counters', ['a'])
          const n = row?.n ?? 0
          try {
            await store.commit([
              { put: 'steps', row: { by: '${name}', seq: seq++, bulk: '' }, if: 'absent' },
              { put: 'counters', row: { id: 'a', n: n + 1, more: null }, if: row ? { n } : 'absent' },
            ])
            landed++
          } catch (error) {
            if (error.code !== 'CONFLICT') throw error
          }
        }
      }
      await Promise.all([climb(), climb(), climb()])
      await store.close()`
    // Both also find no database and make it.
    const both = [script(hammer('one')), script(hammer('two'))]
    expect(await Promise.all(both.map(exitCode))).toEqual([0, 0])
    const store = await sqliteStore({ path }).open(schema)
    expect(await store.get('counters', ['a'])).toEqual({ id: 'a', n: 240, more: null })
    expect(await store.query({ table: 'steps' })).toHaveLength(240)
    expect(await store.sum('counters')).toEqual([{ key: ['a'], sum: 240, count: 1 }])
    await store.close()
  })

  test('a process that is killed while writing leaves only whole commits, and all that resolved', async () => {
    const writer = `
      const store = await sqliteStore({ path }).open(schema)
      const names = Array.from({ length: 30 }, (_, i) => 'c' + i)
      for (let n = (await store.get('counters', ['c0']))?.n ?? 0; ; n++) {
        const rows = names.map((id) => ({ put: 'counters', row: { id, n: n + 1, more: null }, if: n === 0 ? 'absent' : { n } }))
        const one = store.commit([...rows, { put: 'steps', row: { by: 'me', seq: n + 1, bulk: 'x'.repeat(2000) } }])
        const two = store.commit([{ put: 'steps', row: { by: 'left', seq: n + 1, bulk: '' } }, { put: 'steps', row: { by: 'right', seq: n + 1, bulk: '' } }])
        await Promise.all([one, two])
        say(n + 1)
      }`
    let last = 0
    for (let round = 0; round < 6; round++) {
      const child = script(writer)
      while (child.lines.length === 0) await setTimeout(1)
      await setTimeout(5 + Math.random() * 60)
      child.kill('SIGKILL')
      await exitCode(child)
      const told = Number(child.lines.at(-1))
      expect(told).toBeGreaterThan(last)
      const store = await sqliteStore({ path }).open(schema)
      const counters = await store.query<Counter>({ table: 'counters' })
      const n = counters[0]!.n
      expect(n).toBeGreaterThanOrEqual(told)
      expect(counters.map((row) => row.n)).toEqual(Array(30).fill(n))
      expect(await store.sum('counters')).toEqual(counters.map(({ id }) => ({ key: [id], sum: n, count: 1 })))
      expect(await store.query({ table: 'steps', prefix: ['me'] })).toHaveLength(n)
      const sides = await Promise.all(['left', 'right'].map((by) => store.query({ table: 'steps', prefix: [by] })))
      expect(sides[0]!.map(({ seq }) => seq)).toEqual(sides[1]!.map(({ seq }) => seq))
      expect(sides[0]!.length).toBeGreaterThanOrEqual(told)
      await store.close()
      last = n
    }
  })

  test('two processes that open an older database at once migrate it once', async () => {
    const old = await sqliteStore({ path }).open(schema)
    await old.commit(Array.from({ length: 500 }, (_, i) => put(`c${i}`, 0)))
    await old.close()
    const migrator = `
      const migrations = { 1: [{ rewrite: 'counters', row: (row) => ({ ...row, n: row.n + 1 }) }] }
      const store = await sqliteStore({ path }).open({ ...schema, version: 2, migrations })
      say(JSON.stringify((await store.query({ table: 'counters' })).every(({ n }) => n === 1)))
      await store.close()`
    const both = [script(migrator), script(migrator), script(migrator)]
    expect(await Promise.all(both.map(exitCode))).toEqual([0, 0, 0])
    expect(both.map(({ lines }) => lines)).toEqual([['true'], ['true'], ['true']])
  })

  describe('that migrate', () => {
    const COUNT = 200
    /** Two versions further: each rewrites all rows, and between them a table comes and a column. */
    const later = `{
      version: 3,
      tables: {
        ...schema.tables,
        counters: { ...schema.tables.counters, columns: { ...schema.tables.counters.columns, unit: 'text' } },
        marks: { columns: { id: 'text' }, key: ['id'] },
      },
      migrations: {
        1: [{ addTable: 'marks', as: { columns: { id: 'text' }, key: ['id'] } }, { rewrite: 'counters', row: (row) => (passed(), { ...row, n: row.n + 1 }) }],
        2: [{ addColumn: 'unit', to: 'counters', type: 'text', value: 'sat' }, { rewrite: 'counters', row: (row) => (passed(), { ...row, n: row.n * 2 }) }],
      },
    }`
    /** Opens the database with a later program that ends itself at the n-th row it rewrites, or at the commit. */
    const migrator = (dieAt: number | 'COMMIT' | undefined): string => `
      let rows = 0
      const die = () => process.kill(process.pid, 'SIGKILL')
      const passed = () => ++rows === ${JSON.stringify(dieAt)} && die()
      const prepare = (db) => db.setAuthorizer((action, what) => (action === 22 && what === '${dieAt}' && die(), 0))
      const store = await sqliteStore({ path, busyTimeoutMs: 30_000, prepare }).open(${later})
      const found = await store.query({ table: 'counters' })
      say(JSON.stringify([found.length, found.every(({ n, unit }, i) => n === 2 * (i + 1) && unit === 'sat'), (await store.sum('counters'))[0].sum]))
      await store.close()`
    const migrated = [JSON.stringify([COUNT, true, 2])]

    test.each([1, COUNT, COUNT + 1, 2 * COUNT, 'COMMIT'] as const)(
      'and one is killed at %s: all is as it was, and the next one does all of it, once',
      async (dieAt) => {
        const store = await sqliteStore({ path }).open(schema)
        await store.commit(Array.from({ length: COUNT }, (_, i) => put(`c${String(i).padStart(3, '0')}`, i)))
        const before = await everything(store)
        await store.close()
        const killed = script(migrator(dieAt))
        expect(await exitCode(killed)).toBeNull()
        expect(killed.signalCode).toBe('SIGKILL')
        const again = await sqliteStore({ path }).open(schema)
        expect(await everything(again)).toEqual(before)
        await again.close()
        // Two that come after it, at once.
        const both = [script(migrator(undefined)), script(migrator(undefined))]
        expect(await Promise.all(both.map(exitCode))).toEqual([0, 0])
        expect(both.map(({ lines }) => lines)).toEqual([migrated, migrated])
        await expect(sqliteStore({ path }).open(schema)).rejects.toEqual(code('NEWER'))
      },
    )

    test('if one is killed during the migration, the one that waits for it takes over', async () => {
      const store = await sqliteStore({ path }).open(schema)
      await store.commit(Array.from({ length: COUNT }, (_, i) => put(`c${String(i).padStart(3, '0')}`, i)))
      await store.close()
      const all = [script(migrator(COUNT)), script(migrator(undefined)), script(migrator(COUNT + 5))]
      await Promise.all(all.map(exitCode))
      expect(all[1]!.lines).toEqual(migrated)
    })
  })

  test('a process that only watches may end', async () => {
    const child = script(`
      const store = await sqliteStore({ path }).open(schema)
      store.watch('counters', () => {})`)
    expect(await exitCode(child)).toBe(0)
  })
})

describe('group commit', () => {
  test('commits of one moment share a transaction; later ones have their own', async () => {
    const calls: SlowCall[] = []
    const store = await sqliteStore({ path, slowMs: 0, onSlow: (call) => calls.push(call) }).open(schema)
    const before = await transactions()
    // Each comes out of its own chain of promises, as operations do.
    await Promise.all(
      Array.from({ length: 64 }, async (_, i) => {
        await store.get('counters', ['a'])
        await store.commit([put(`c${i}`, i), step('one', i)])
      }),
    )
    expect((await transactions()) - before).toBe(1)
    for (let i = 0; i < 5; i++) await store.commit([put('a', i)])
    expect((await transactions()) - before).toBe(6)
    expect(calls.filter(({ call }) => call === 'commit').map(({ count }) => count)).toEqual([64, 1, 1, 1, 1, 1])
    expect(calls.find(({ call }) => call === 'commit')).toMatchObject({ tables: ['counters', 'steps'] })
    expect(await store.query({ table: 'counters' })).toHaveLength(65)
    await store.close()
  })

  test('a very large group is split, so that other work gets its turn', async () => {
    const store = await sqliteStore({ path }).open(schema)
    const before = await transactions()
    await Promise.all(Array.from({ length: 600 }, (_, i) => store.commit([step('many', i)])))
    expect((await transactions()) - before).toBe(3)
    await store.close()
  })

  test('commits that queue while another process holds the lock share a transaction', async () => {
    const store = await sqliteStore({ path }).open(schema)
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    const before = await transactions()
    const commits = [store.commit([step('one', 1)])]
    await setTimeout(30)
    commits.push(store.commit([step('one', 2)]))
    await setTimeout(30)
    other.exec('ROLLBACK')
    await Promise.all(commits)
    expect((await transactions()) - before).toBe(1)
    other.close()
    await store.close()
  })
})

describe('faults', () => {
  test('a locked database rejects with BUSY in time, without blocking, and works afterwards', async () => {
    const store = await sqliteStore({ path, busyTimeoutMs: 150 }).open(schema)
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    let nowMs = 0
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => nowMs)
    try {
      const commit = store.commit([put('a', 1)])
      let isOver = false
      void commit.catch(() => (isOver = true))
      expect(await store.get('counters', ['a'])).toBeUndefined()
      // It is tried again and again, and timers ring in between.
      await setTimeout(100)
      nowMs = 149
      await setTimeout(100)
      expect(isOver).toBe(false)
      const later = store.commit([put('later', 1)])
      nowMs = 150
      await expect(commit).rejects.toEqual(code('BUSY'))
      await expect(sqliteStore({ path, busyTimeoutMs: 0 }).open(schema)).rejects.toEqual(code('BUSY'))
      other.exec('ROLLBACK')
      await later
    } finally {
      clock.mockRestore()
    }
    await store.commit([put('a', 1)])
    expect(await store.get('counters', ['a'])).toEqual({ id: 'a', n: 1, more: null })
    other.close()
    await store.close()
  })

  test('a full disk rejects a lone commit and a whole group with FULL, and nothing of them lands', async () => {
    let pages = 40
    let db: DatabaseSync | undefined
    const limit = (): unknown => db!.prepare(`PRAGMA max_page_count = ${pages}`).get()
    const prepare = (fresh: DatabaseSync): void => {
      db = fresh
      limit()
    }
    const store = await sqliteStore({ path, prepare }).open(schema)
    await store.commit([put('a', 1)])
    const before = await everything(store)
    const bulk = 'x'.repeat(300_000)
    await expect(store.commit([put('a', 2), step('big', 1, bulk)])).rejects.toEqual(code('FULL'))
    expect(await everything(store)).toEqual(before)
    const group = [[put('b', 1)], [put('c', 1), step('big', 1, bulk)], [put('d', 1)], [put('a', 3), step('a', 1)]]
    for (const result of await Promise.allSettled(group.map((writes) => store.commit(writes))))
      expect(result).toEqual({ status: 'rejected', reason: code('FULL') })
    expect(await everything(store)).toEqual(before)
    pages = 1_000
    limit()
    await Promise.all(group.map((writes) => store.commit(writes)))
    expect((await store.query<Counter>({ table: 'counters' })).map(({ id, n }) => [id, n])).toEqual([
      ['a', 3],
      ['b', 1],
      ['c', 1],
      ['d', 1],
    ])
    await store.close()
  })

  test('a failure of COMMIT itself leaves all commits of the group in doubt, also the refused ones', async () => {
    let fails = true
    const prepare = (db: DatabaseSync): void =>
      db.setAuthorizer((action, operation) => (fails && action === 22 && operation === 'COMMIT' ? 1 : 0))
    await (await sqliteStore({ path }).open(schema)).close()
    const opening = sqliteStore({ path, prepare }).open(schema)
    await expect(opening).rejects.toEqual(code('UNAVAILABLE'))
    fails = false
    const store = await sqliteStore({ path, prepare }).open(schema)
    fails = true
    await expect(store.commit([put('a', 1)])).rejects.toEqual(code('IN_DOUBT'))
    const twice = [store.commit([step('one', 1)]), store.commit([step('one', 1)])]
    for (const result of await Promise.allSettled(twice)) expect(result).toMatchObject({ reason: code('IN_DOUBT') })
    fails = false
    expect(await everything(store)).toEqual([[], [], []])
    await store.commit([put('a', 1)])
    await store.close()
  })

  test('a file that is not a database, or is another program’s, is refused and not changed', async () => {
    const text = 'not a database, for sure '.repeat(100)
    await writeFile(path, text)
    await expect(sqliteStore({ path }).open(schema)).rejects.toEqual(code('CORRUPT'))
    expect(await readFile(path, 'utf8')).toBe(text)
    const foreign = join(directory, 'foreign.db')
    const db = new DatabaseSync(foreign)
    db.exec('CREATE TABLE counters (x); PRAGMA user_version = 7')
    db.close()
    const bytes = await readFile(foreign)
    await expect(sqliteStore({ path: foreign }).open(schema)).rejects.toEqual(code('CORRUPT'))
    expect((await readFile(foreign)).equals(bytes)).toBe(true)
    const nowhere = sqliteStore({ path: join(directory, 'none', 'store.db') })
    await expect(nowhere.open(schema)).rejects.toEqual(code('UNAVAILABLE'))
  })

  test('a file of a later program is not changed by a byte', async () => {
    const later = await sqliteStore({ path }).open({ ...schema, version: 2 })
    await later.commit([put('a', 1)])
    await later.close()
    const bytes = await readFile(path)
    await expect(sqliteStore({ path }).open(schema)).rejects.toEqual(code('NEWER'))
    expect((await readFile(path)).equals(bytes)).toBe(true)
  })

  test.skipIf(process.getuid === undefined)(
    'a directory that may not be written to rejects with UNAVAILABLE',
    async () => {
      await (await sqliteStore({ path }).open(schema)).close()
      await mkdir(join(directory, 'empty'), { mode: 0o555 })
      await chmod(path, 0o444)
      await chmod(directory, 0o555)
      const child = script(`
      // Root may write anywhere.
      if (process.getuid() === 0) process.setuid(65534)
      for (const each of [path, ${JSON.stringify(join(directory, 'empty', 'store.db'))}])
        await sqliteStore({ path: each, busyTimeoutMs: 100 }).open(schema).then(() => say('opened'), (error) => say(error.code))`)
      expect(await exitCode(child)).toBe(0)
      expect(child.lines).toEqual(['UNAVAILABLE', 'UNAVAILABLE'])
    },
  )

  test('reading a corrupt row rejects with CORRUPT and names the place, but not the content', async () => {
    const store = await sqliteStore({ path }).open(schema)
    await store.commit([put('a', 1, { more: [1] }), put('b', 1), put('c', 1)])
    const other = new DatabaseSync(path)
    other.exec(
      `UPDATE counters SET more = 'jq7w{' WHERE id = 'a'; UPDATE counters SET n = 9007199254740993 WHERE id = 'b'`,
    )
    other.close()
    const error: unknown = await store.get('counters', ['a']).catch((reason: unknown) => reason)
    expect(error).toEqual(code('CORRUPT'))
    expect((error as StoreError).message).toMatch(/counters\.more of a/)
    expect(String((error as StoreError).stack) + String((error as StoreError).cause)).not.toMatch('jq7w')
    await expect(store.get('counters', ['b'])).rejects.toEqual(code('CORRUPT'))
    await expect(store.query({ table: 'counters' })).rejects.toEqual(code('CORRUPT'))
    expect(await store.get('counters', ['c'])).toEqual({ id: 'c', n: 1, more: null })
    await store.commit([put('a', 2)])
    expect(await store.get('counters', ['a'])).toEqual({ id: 'a', n: 2, more: null })
    await store.close()
  })
})

test('commits are synced to the disk before they resolve', async () => {
  let db: DatabaseSync | undefined
  const store = await sqliteStore({ path, prepare: (fresh) => (db = fresh) }).open(schema)
  expect(db!.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
  expect(db!.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 })
  await store.close()
})

test('opening a database that is up to date writes nothing', async () => {
  const store = await sqliteStore({ path }).open(schema)
  await store.commit([put('a', 1)])
  const before = await transactions()
  await (await sqliteStore({ path }).open({ ...schema })).close()
  expect(await transactions()).toBe(before)
  await store.close()
})

test('a database in memory ends with its store', async () => {
  const adapter = sqliteStore({ path: ':memory:' })
  const store = await adapter.open(schema)
  await store.commit([put('a', 1)])
  expect(await store.get('counters', ['a'])).toEqual({ id: 'a', n: 1, more: null })
  await store.close()
  const again = await adapter.open(schema)
  expect(await again.query({ table: 'counters' })).toEqual([])
  await again.close()
})

/** Many processes on one database in PostgreSQL, and what they may find there. */
import { setTimeout } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Row, Store, StoreError } from '../../src/store/port.ts'
import type { SlowCall } from '../../src/store/postgres/index.ts'
import { bench, code, everything, exitCode, outcomeOf, put, schema, step, until, type Counter } from './postgres-kit.ts'
import { first } from './tcp-proxy.ts'

const pg = bench()

describe('processes', () => {
  test('two that hammer one counter lose no step', async () => {
    const hammer = (name: string): string => `
      const store = await open()
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
    // Both also find no tables and make them.
    const both = [pg.script(hammer('one')), pg.script(hammer('two'))]
    expect(await Promise.all(both.map(exitCode))).toEqual([0, 0])
    const store = await pg.open()
    expect(await store.get('counters', ['a'])).toEqual({ id: 'a', n: 240, more: null })
    expect(await store.query({ table: 'steps' })).toHaveLength(240)
    expect(await store.sum('counters')).toEqual([{ key: ['a'], sum: 240, count: 1 }])
  })

  test('one that is killed while writing leaves whole commits only, and all that it was told of', async () => {
    const writer = `
      const store = await open()
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
      const child = pg.script(writer)
      await until(() => child.lines.length > 0)
      await setTimeout(5 + Math.random() * 60)
      child.kill('SIGKILL')
      await exitCode(child)
      const told = Number(child.lines.at(-1))
      expect(told).toBeGreaterThan(last)
      const store = await pg.open()
      // What the server was told to commit may still be on its way; a commit of the same rows waits for it.
      const now = (await store.get<Counter>('counters', ['c0']))!.n
      await store.commit([{ check: 'counters', key: ['c0'], if: { n: now } }]).catch(() => {})
      const counters = await store.query<Counter>({ table: 'counters' })
      const n = counters[0]!.n
      expect(n).toBeGreaterThanOrEqual(told)
      expect(counters.map((row) => row.n)).toEqual(Array(30).fill(n))
      expect(await store.sum('counters')).toEqual(
        counters
          .map(({ id }) => ({ key: [id], sum: n, count: 1 }))
          .toSorted((a, b) => (a.key[0]! < b.key[0]! ? -1 : 1)),
      )
      expect(await store.query({ table: 'steps', prefix: ['me'] })).toHaveLength(n)
      const sides = await Promise.all(['left', 'right'].map((by) => store.query({ table: 'steps', prefix: [by] })))
      expect(sides[0]!.map(({ seq }) => seq)).toEqual(sides[1]!.map(({ seq }) => seq))
      expect(sides[0]!.length).toBeGreaterThanOrEqual(told)
      last = n
    }
  })

  test('one that is killed in mid-transaction leaves nothing, and holds up nobody', async () => {
    const store = await pg.open()
    await store.commit([put('a', 1)])
    const hold = first('COMMIT\0', 'hold')
    const victim = `
      const store = await open()
      await store.commit([{ patch: 'counters', key: ['a'], set: { n: 2 } }, { put: 'steps', row: { by: 'x', seq: 1, bulk: '' } }])`
    pg.proxy.rules = { request: hold.rule }
    const child = pg.script(victim, pg.throughProxy)
    await until(hold.met)
    const waiting = store.commit([{ patch: 'counters', key: ['a'], set: { n: 3 }, if: { n: 1 } }])
    await setTimeout(50)
    child.kill('SIGKILL')
    await exitCode(child)
    await pg.proxy.drop()
    await waiting
    expect(await everything(store)).toEqual([[{ id: 'a', n: 3, more: null }], [], [{ key: ['a'], sum: 3, count: 1 }]])
  })

  test('three that open an older database at once migrate it once', async () => {
    const old = await pg.open()
    await old.commit(Array.from({ length: 500 }, (_, i) => put(`c${i}`, 0)))
    const migrator = `
      const migrations = { 1: [{ rewrite: 'counters', row: (row) => ({ ...row, n: row.n + 1 }) }] }
      const store = await open({ ...schema, version: 2, migrations })
      say(JSON.stringify((await store.query({ table: 'counters' })).every(({ n }) => n === 1)))
      await store.close()`
    const all = [pg.script(migrator), pg.script(migrator), pg.script(migrator)]
    expect(await Promise.all(all.map(exitCode))).toEqual([0, 0, 0])
    expect(all.map(({ lines }) => lines)).toEqual([['true'], ['true'], ['true']])
    await expect(old.commit([put('late', 1)])).rejects.toEqual(code('NEWER'))
  })

  test('one killed in the middle of a migration leaves the old database; the next one migrates it', async () => {
    const old = await pg.open()
    await old.commit([put('a', 1)])
    const hold = first('COMMIT\0', 'hold')
    pg.proxy.rules = { request: hold.rule }
    const next = `{ ...schema, version: 2, migrations: { 1: [{ rewrite: 'counters', row: (row) => ({ ...row, n: row.n + 1 }) }] } }`
    const child = pg.script(`await open(${next})`, pg.throughProxy)
    await until(hold.met)
    child.kill('SIGKILL')
    await exitCode(child)
    await pg.proxy.drop()
    await old.commit([put('b', 1)])
    const again = pg.script(
      `const store = await open(${next}); say(JSON.stringify(await store.query({ table: 'counters' }))); await store.close()`,
    )
    expect(await exitCode(again)).toBe(0)
    expect(JSON.parse(again.lines[0]!)).toEqual([
      { id: 'a', n: 2, more: null },
      { id: 'b', n: 2, more: null },
    ])
  })

  test('commits under way while another program migrates are migrated, or refused', async () => {
    const old = await pg.open()
    const stop = new AbortController()
    const outcomes: string[] = []
    const writing = (async () => {
      for (let i = 0; !stop.signal.aborted; i++) outcomes.push(await outcomeOf(old.commit([put(`c${i}`, 0)])))
    })()
    await until(() => outcomes.length > 20)
    const migrations = { 1: [{ rewrite: 'counters', row: (row: Row) => ({ ...row, n: 1 }) }] }
    const later = await pg.open({}, { ...schema, version: 2, migrations })
    await until(() => outcomes.includes('NEWER')).finally(() => stop.abort())
    await writing
    expect(new Set(outcomes)).toEqual(new Set(['landed', 'NEWER']))
    const landed = outcomes.filter((outcome) => outcome === 'landed').length
    const rows = await later.query<Counter>({ table: 'counters' })
    expect(rows.length).toBe(landed)
    expect(rows.every(({ n }) => n === 1)).toBe(true)
    expect(await later.sum('counters')).toHaveLength(landed)
  })

  test('many that find no tables and make them at once all come to open them', async () => {
    for (let round = 0; round < 5; round++) {
      const namespace = `${pg.namespace}x${round}`
      const all = await Promise.all(Array.from({ length: 8 }, () => pg.open({ namespace })))
      await Promise.all(all.map((store, i) => store.commit([put(`c${i}`, 1)])))
      expect(await all[0]!.query({ table: 'counters' })).toHaveLength(8)
    }
  })

  test('one that only watches may end', async () => {
    const child = pg.script(`
      const store = await open()
      store.watch('counters', () => {})
      await new Promise((resolve) => setTimeout(resolve, 300))`)
    expect(await exitCode(child)).toBe(0)
  })
})

describe('commits at once', () => {
  test('of one moment share a transaction, others have their own', async () => {
    const calls: SlowCall[] = []
    const store = await pg.open({ connection: pg.throughProxy, slowMs: 0, onSlow: (call) => calls.push(call) })
    let commits = 0
    pg.proxy.rules = {
      request(text) {
        commits += text.split('COMMIT\0').length - 1
        return 'pass'
      },
    }
    await Promise.all(
      Array.from({ length: 64 }, async (_, i) => {
        await Promise.resolve()
        await store.commit([put(`c${i}`, i), step('one', i)])
      }),
    )
    expect(commits).toBe(1)
    for (let i = 0; i < 5; i++) await store.commit([put('a', i)])
    expect(commits).toBe(6)
    expect(calls.filter(({ call }) => call === 'commit').map(({ count }) => count)).toEqual([64, 1, 1, 1, 1, 1])
    expect(calls.find(({ call }) => call === 'commit')).toMatchObject({ tables: ['counters', 'steps'] })
    expect(await store.query({ table: 'counters' })).toHaveLength(65)
  })

  test('that each rely on what the other makes absent never both land', async () => {
    const [one, two] = await Promise.all([pg.open(), pg.open()])
    for (let seq = 0; seq < 60; seq++) {
      const outcomes = await Promise.all([
        outcomeOf(one.commit([{ check: 'steps', key: ['right', seq], if: 'absent' }, step('left', seq)])),
        outcomeOf(two.commit([{ check: 'steps', key: ['left', seq], if: 'absent' }, step('right', seq)])),
      ])
      expect(outcomes.toSorted()).toEqual(['CONFLICT', 'landed'])
    }
    expect(await one.query({ table: 'steps' })).toHaveLength(60)
  })

  test('that take the same rows in different orders do not stop each other', async () => {
    const [one, two] = await Promise.all([pg.open(), pg.open()])
    const names = Array.from({ length: 20 }, (_, i) => `c${i}`)
    await one.commit(names.map((id) => put(id, 0)))
    const climb = async (store: Store, order: readonly string[]): Promise<void> => {
      for (let i = 0; i < 25; i++)
        await store.commit(order.map((id) => ({ patch: 'counters', key: [id], set: { n: i } })))
    }
    await Promise.all([climb(one, names), climb(two, names.toReversed())])
    expect(await one.sum('counters', ['c0'])).toEqual([{ key: ['c0'], sum: 24, count: 1 }])
    const [deadlocks] = await pg.server.run('SELECT sum(deadlocks) AS count FROM pg_stat_database')
    expect(Number(deadlocks!['count'])).toBe(0)
  })
})

describe('watchers', () => {
  test('hear of commits though the connection that tells of them is broken', async () => {
    const [one, two] = await Promise.all([pg.open(), pg.open()])
    let calls = 0
    one.watch('counters', () => calls++)
    const listeners = `FROM pg_stat_activity WHERE query LIKE 'LISTEN%${pg.namespace}%' AND pid <> pg_backend_pid()`
    await until(async () => calls > 0 && (await pg.server.run(`SELECT pid ${listeners}`)).length === 1)
    await pg.server.run(`SELECT pg_terminate_backend(pid) ${listeners}`)
    const before = calls
    await two.commit([put('a', 1)])
    await expect(until(() => calls > before)).resolves.toBeUndefined()
  })
})

describe('what is in the database', () => {
  test('a namespace that is not ours is refused and left alone', async () => {
    await pg.server.run(`CREATE SCHEMA ${pg.namespace}; CREATE TABLE ${pg.namespace}.counters (x TEXT)`)
    await expect(pg.open()).rejects.toEqual(code('CORRUPT'))
    const tables = await pg.server.run(`SELECT tablename FROM pg_tables WHERE schemaname = '${pg.namespace}'`)
    expect(tables).toEqual([{ tablename: 'counters' }])
  })

  test('a database that cannot hold every text is refused', async () => {
    await pg.server.run(
      `CREATE DATABASE ${pg.namespace} ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER 'libc' TEMPLATE template0`,
    )
    const connection = pg.server.connection.replace(/postgres$/, pg.namespace)
    await expect(pg.open({ connection })).rejects.toEqual(code('UNAVAILABLE'))
  })

  test('an up-to-date database needs no more than the rights to its rows', async () => {
    await (await pg.open()).commit([put('a', 1)])
    await pg.server.run(`CREATE ROLE ${pg.namespace} LOGIN; GRANT USAGE ON SCHEMA ${pg.namespace} TO ${pg.namespace};
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${pg.namespace} TO ${pg.namespace}`)
    const store = await pg.open({ connection: pg.server.connection.replace('postgres@', `${pg.namespace}@`) })
    await store.commit([put('a', 2)])
    expect(await store.get('counters', ['a'])).toMatchObject({ n: 2 })
  })

  test('a row that cannot be read rejects with CORRUPT, says where, and keeps its content to itself', async () => {
    const store = await pg.open()
    await store.commit([put('a', 1, { more: [1] }), put('b', 1), put('c', 1)])
    await pg.server.run(`UPDATE ${pg.namespace}.counters SET more = 'secret{' WHERE id = 'a';
      UPDATE ${pg.namespace}.counters SET n = 9007199254740993 WHERE id = 'b'`)
    const error: unknown = await store.get('counters', ['a']).catch((reason: unknown) => reason)
    expect(error).toEqual(code('CORRUPT'))
    expect((error as StoreError).message).toMatch(/counters\.more of a/)
    // The folder of the repository may be called so.
    const { message, cause, stack = '' } = error as StoreError
    expect(`${message} ${String(cause)} ${stack.replace(/^ +at .*$/gm, '')}`).not.toMatch('secret')
    await expect(store.get('counters', ['b'])).rejects.toEqual(code('CORRUPT'))
    await expect(store.query({ table: 'counters' })).rejects.toEqual(code('CORRUPT'))
    expect(await store.get('counters', ['c'])).toEqual({ id: 'c', n: 1, more: null })
    const commits = [store.commit([put('a', 2)]), store.commit([put('b', 2)]), store.commit([put('c', 2)])]
    expect(await Promise.all(commits.map(outcomeOf))).toEqual(['landed', 'CORRUPT', 'landed'])
    expect(await store.get('counters', ['a'])).toEqual({ id: 'a', n: 2, more: null })
  })

  test('a server that would acknowledge before it has written is told not to', async () => {
    await pg.server.run(`CREATE DATABASE ${pg.namespace}`)
    await pg.server.run(`ALTER DATABASE ${pg.namespace} SET synchronous_commit = off`)
    let asked = ''
    pg.proxy.rules = { request: (text) => ((asked += text), 'pass') }
    const connection = pg.throughProxy.replace(/postgres$/, pg.namespace)
    const store = await pg.open({ connection })
    await store.commit([put('a', 1)])
    expect(asked).toContain('SET LOCAL synchronous_commit = on')
  })
})

/** What only a wire, a server and a disk can do to a store in PostgreSQL. */
import { chownSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { Client } from 'pg'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Row } from '../../src/store/port.ts'
import { bench, code, everything, outcomeOf, put, step, until, type Counter } from './postgres-kit.ts'
import { first } from './tcp-proxy.ts'

const pg = bench()

/** For longer than a transaction may idle here, nothing of this process goes on. */
function standStill(when: string): string {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 900)
  return when
}

describe('the wire', () => {
  test('cut before COMMIT was sent: the transaction is done again, and lands once', async () => {
    const store = await pg.open({ connection: pg.throughProxy })
    await store.commit([put('a', 1)])
    for (const text of ['BEGIN', 'INSERT INTO', 'UPDATE']) {
      const cut = first(text, 'cut')
      pg.proxy.rules = { request: cut.rule }
      const n = (await store.get<Counter>('counters', ['a']))!.n
      await store.commit([put('a', n + 1), step(text, n), put(`b${n}`, 1)])
      expect(cut.met()).toBe(true)
    }
    expect(await store.get('counters', ['a'])).toMatchObject({ n: 4 })
    expect(await store.query({ table: 'steps' })).toHaveLength(3)
    expect(await store.sum('counters', ['a'])).toEqual([{ key: ['a'], sum: 4, count: 1 }])
  })

  test('cut again and again before COMMIT: BUSY, and nothing lands', async () => {
    const store = await pg.open({ connection: pg.throughProxy, busyTimeoutMs: 1_000 })
    pg.proxy.rules = { request: (text) => (text.includes('INSERT INTO') ? 'cut' : 'pass') }
    await expect(store.commit([put('a', 1)])).rejects.toEqual(code('BUSY'))
    pg.proxy.rules = {}
    expect(await everything(store)).toEqual([[], [], []])
    await store.commit([put('a', 1)])
  })

  test('cut once COMMIT was sent: IN_DOUBT, whether it landed or not', async () => {
    const store = await pg.open({ connection: pg.throughProxy })
    pg.proxy.rules = { request: first('COMMIT\0', 'cut').rule }
    await expect(store.commit([put('a', 1)])).rejects.toEqual(code('IN_DOUBT'))
    expect(await store.get('counters', ['a'])).toBeUndefined()

    pg.proxy.rules = { answer: first('COMMIT\0', 'cut').rule }
    const both = await Promise.allSettled([store.commit([put('a', 1)]), store.commit([step('b', 1)])])
    for (const result of both) expect(result).toMatchObject({ reason: code('IN_DOUBT') })
    expect(await store.get('counters', ['a'])).toMatchObject({ n: 1 })
    expect(await store.query({ table: 'steps' })).toHaveLength(1)
    await store.commit([put('a', 2)])
  })

  test('gone silent: a read is asked again, a commit is in doubt, both in time', async () => {
    const store = await pg.open({ connection: pg.throughProxy, statementTimeoutMs: 300 })
    await store.commit([put('a', 1)])
    pg.proxy.rules = { request: first('SELECT', 'hold').rule }
    expect(await store.get('counters', ['a'])).toMatchObject({ n: 1 })
    pg.proxy.rules = { answer: first('COMMIT\0', 'hold').rule }
    await expect(store.commit([put('a', 2)])).rejects.toEqual(code('IN_DOUBT'))
    expect(await store.get('counters', ['a'])).toMatchObject({ n: 2 })
  })

  test('a client that stood still for too long, and then sent its COMMIT: nothing was in doubt, and it lands once', async () => {
    const store = await pg.open({ statementTimeoutMs: 300 })
    await store.commit([put('a', 1)])
    const { query } = Client.prototype as unknown as { query: (...args: unknown[]) => unknown }
    const stood: string[] = []
    onTestFinished(() => void vi.restoreAllMocks())
    vi.spyOn(Client.prototype, 'query').mockImplementation(function (this: Client, ...args: unknown[]) {
      const sql = args[0] as string
      // As it sends it; or before it has read the answers to what it sent before, and that its session is over.
      if (sql === 'COMMIT' && stood.length === 0) stood.push(standStill('at the COMMIT'))
      const answer = query.apply(this, args)
      if (sql.includes('hardshell:changes') && stood.length === 1)
        setImmediate(() => stood.push(standStill('before it')))
      return answer as never
    })
    await store.commit([put('a', 2), step('first', 1)])
    await store.commit([put('a', 3), step('second', 1)])
    expect(stood).toEqual(['at the COMMIT', 'before it'])
    expect(await store.query({ table: 'steps' })).toHaveLength(2)
    expect(await store.get('counters', ['a'])).toMatchObject({ n: 3 })
  })

  test('a client that vanished in mid-transaction loses its locks to the limit of time', async () => {
    const frozen = await pg.open({ connection: pg.throughProxy, statementTimeoutMs: 500 })
    await frozen.commit([put('a', 1)])
    const hold = first('COMMIT\0', 'hold')
    pg.proxy.rules = { request: hold.rule }
    const lost = frozen.commit([put('a', 2)]).catch((error: unknown) => error)
    await until(hold.met)
    const store = await pg.open()
    await store.commit([{ patch: 'counters', key: ['a'], set: { n: 3 }, if: { n: 1 } }])
    expect(await lost).toEqual(code('IN_DOUBT'))
    expect(await store.get('counters', ['a'])).toMatchObject({ n: 3 })
  })
})

describe('the server', () => {
  test.each(['fast', 'kill'] as const)('that restarts (%s) loses no commit that it acknowledged', async (how) => {
    const store = await pg.open({ busyTimeoutMs: 40_000 })
    const stop = new AbortController()
    const outcomes = new Map<number, string>()
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let seq = 1_000_000 * writer; !stop.signal.aborted; seq++)
        outcomes.set(seq, await outcomeOf(store.commit([step('me', seq), put(`w${writer}`, seq)])))
    })
    try {
      for (let round = 0; round < 2; round++) {
        const { size } = outcomes
        await until(() => outcomes.size > size + 50)
        await pg.server.halt(how)
        await setTimeout(200)
        await pg.server.start()
      }
      const { size } = outcomes
      await until(() => outcomes.size > size + 50)
    } finally {
      stop.abort()
      await Promise.all(writers)
    }
    const landed = new Set((await store.query<Row & { seq: number }>({ table: 'steps' })).map(({ seq }) => seq))
    expect([...outcomes].filter(([seq, outcome]) => outcome === 'landed' && !landed.has(seq))).toEqual([])
    expect([...outcomes].filter(([, outcome]) => outcome !== 'landed' && outcome !== 'IN_DOUBT')).toEqual([])
    const rows = await store.query<Counter>({ table: 'counters' })
    expect(await store.sum('counters')).toEqual(rows.map(({ id, n }) => ({ key: [id], sum: n, count: 1 })))
  })

  test('that is not there: UNAVAILABLE after the wait, and all is well when it is back', async () => {
    const store = await pg.open({ busyTimeoutMs: 1_000 })
    await store.commit([put('a', 1)])
    await pg.server.halt('fast')
    await expect(store.commit([put('a', 2)])).rejects.toEqual(code('UNAVAILABLE'))
    await expect(store.get('counters', ['a'])).rejects.toEqual(code('UNAVAILABLE'))
    await expect(pg.open({ busyTimeoutMs: 1_000 })).rejects.toEqual(code('UNAVAILABLE'))
    await pg.server.start()
    expect(await store.get('counters', ['a'])).toMatchObject({ n: 1 })
    await store.commit([put('a', 2)])
  })

  test('that does not know us, or not the database: UNAVAILABLE at once', async () => {
    // If the opening were retried, it would never reject.
    const busyTimeoutMs = Infinity
    const elsewhere = pg.server.connection.replace(/postgres$/, 'nowhere')
    await expect(pg.open({ connection: elsewhere, busyTimeoutMs })).rejects.toEqual(code('UNAVAILABLE'))
    const stranger = pg.server.connection.replace('postgres@', 'stranger@')
    await expect(pg.open({ connection: stranger, busyTimeoutMs })).rejects.toEqual(code('UNAVAILABLE'))
  })

  test('sessions ended by pg_terminate_backend: commits land all the same, or are in doubt', async () => {
    const store = await pg.open()
    const outcomes: string[] = []
    const lost: number[] = []
    const stop = new AbortController()
    const ending = (async () => {
      while (!stop.signal.aborted) {
        await pg.endSessions()
        // However slow the machine is, something is done between one blow and the next.
        const { length } = outcomes
        await until(() => outcomes.length > length || stop.signal.aborted)
      }
    })()
    try {
      for (let seq = 0; seq < 100;) {
        const outcome = await outcomeOf(store.commit([step('me', seq), put('a', seq)]))
        outcomes.push(outcome)
        const [found] = await store.query({ table: 'steps', prefix: ['me', seq] })
        if (outcome === 'landed' && !found) lost.push(seq)
        if (found) seq++
      }
    } finally {
      stop.abort()
      await ending
    }
    expect(lost).toEqual([])
    expect(outcomes.filter((outcome) => outcome !== 'landed' && outcome !== 'IN_DOUBT')).toEqual([])
    expect(await store.query({ table: 'steps' })).toHaveLength(100)
    expect(await store.sum('counters')).toEqual([{ key: ['a'], sum: 99, count: 1 }])
  })

  test('that is read-only for now: reads go on, commits are UNAVAILABLE', async () => {
    const store = await pg.open()
    await store.commit([put('a', 1)])
    await pg.server.run('ALTER DATABASE postgres SET default_transaction_read_only = on')
    await pg.endSessions()
    await expect(store.commit([put('a', 2)])).rejects.toEqual(code('UNAVAILABLE'))
    expect(await store.get('counters', ['a'])).toMatchObject({ n: 1 })
    await pg.server.run('BEGIN READ WRITE; ALTER DATABASE postgres RESET default_transaction_read_only; COMMIT')
    await pg.endSessions()
    await store.commit([put('a', 2)])
  })

  test('whose disk is full: FULL, nothing of the transaction lands, and it goes on when there is room', async () => {
    const store = await pg.open()
    await store.commit([put('a', 1)])
    const before = await everything(store)
    const [place] = await pg.server.run(
      `SELECT current_setting('data_directory') || '/' || pg_relation_filepath('${pg.namespace}.steps') AS path`,
    )
    const path = place!['path'] as string
    // The table's file is one on which the kernel has no space left, ever.
    const { uid, gid } = statSync(path)
    await pg.server.halt('fast')
    unlinkSync(path)
    symlinkSync('/dev/full', path)
    await pg.server.start()
    await expect(store.commit([put('a', 2), step('b', 1)])).rejects.toEqual(code('FULL'))
    const group = [[put('b', 1)], [put('c', 1), step('c', 1)], [put('a', 3)]]
    for (const result of await Promise.allSettled(group.map((writes) => store.commit(writes))))
      expect(result).toEqual({ status: 'rejected', reason: code('FULL') })
    expect(await everything(store)).toEqual(before)
    await store.commit([put('a', 4)])
    await pg.server.halt('fast')
    unlinkSync(path)
    writeFileSync(path, '', { mode: 0o600 })
    if (process.getuid?.() === 0) chownSync(path, uid, gid)
    await pg.server.start()
    await store.commit([put('a', 5), step('b', 1)])
    expect(await store.get('counters', ['a'])).toMatchObject({ n: 5 })
  })

  test('a row held by another: BUSY in time, nothing lands, and it works afterwards', async () => {
    const store = await pg.open({ busyTimeoutMs: 1_000 })
    await store.commit([put('a', 1), put('b', 1)])
    const other = new Client(pg.server.connection)
    await other.connect()
    await other.query(`BEGIN; UPDATE ${pg.namespace}.counters SET n = 7 WHERE id = 'a'`)
    const startedMs = performance.now()
    await expect(store.commit([put('b', 2), put('a', 2)])).rejects.toEqual(code('BUSY'))
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(1_000)
    expect(await store.get('counters', ['b'])).toMatchObject({ n: 1 })
    await store.commit([put('b', 2)])
    await other.query('ROLLBACK')
    await other.end()
    await store.commit([put('a', 2)])
  })

  test('a row held by another is waited for without end, where that is asked for', async () => {
    const store = await pg.open({ busyTimeoutMs: Infinity })
    await store.commit([put('a', 1)])
    const other = new Client(pg.server.connection)
    await other.connect()
    await other.query(`BEGIN; UPDATE ${pg.namespace}.counters SET n = 7 WHERE id = 'a'`)
    const waiting = store.commit([put('a', 2)])
    await setTimeout(1_000)
    await other.query('ROLLBACK')
    await other.end()
    await waiting
    expect(await store.get('counters', ['a'])).toMatchObject({ n: 2 })
  })
})

/**
 * Goal: lives take place on a real store just as in memory, and a store that does other than memory is found out.
 * Method: one scenario explored with one fault in memory and on a SQLite file; then on stores that are made to err.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { testedStore } from '../../scripts/crash/stores.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { StoreError, type Store } from '../../src/store/port.ts'
import { exploreCrashes } from '../../src/testing/explorer/explorer.ts'
import type { TestedStore } from '../../src/testing/environments/backing-store.ts'
import { scenarios } from '../../src/testing/scenarios/index.ts'

const scenario = scenarios.find(({ kind, name }) => kind === 'swap' && name === 'plain')!

function file(): TestedStore {
  const dir = mkdtempSync(join(tmpdir(), 'hardshell-ground-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  return testedStore({ store: 'sqlite', dir }, 1)
}

/** A store whose commits go wrong in some way. */
function erring(commit: (store: Store, writes: Parameters<Store['commit']>[0]) => Promise<void>): TestedStore {
  const inner = file()
  return {
    ...inner,
    async open(schema) {
      const store = await inner.open(schema)
      return {
        get: (table, key) => store.get(table, key),
        query: (query) => store.query(query),
        sum: (table, prefix) => store.sum(table, prefix),
        commit: (writes) => commit(store, writes),
        watch: (table, changed) => store.watch(table, changed),
        close: () => store.close(),
      }
    },
  }
}

/** Rows in memory that take some turns of the event loop to be had. */
function slow(): TestedStore {
  const rows = memoryStore()
  const aWhile = async (): Promise<void> => {
    for (let turns = 0; turns < 3; turns++) await new Promise((resolve) => setImmediate(resolve))
  }
  return {
    load: (dump) => rows.load(dump),
    dump: () => Promise.resolve(rows.dump()),
    async open(schema) {
      const store = await rows.open(schema)
      return {
        get: (table, key) => aWhile().then(() => store.get(table, key)),
        query: (query) => aWhile().then(() => store.query(query)),
        sum: (table, prefix) => aWhile().then(() => store.sum(table, prefix)),
        commit: (writes) => aWhile().then(() => store.commit(writes)),
        watch: (table, changed) => store.watch(table, changed),
        close: () => store.close(),
      }
    },
  }
}

test('on a SQLite file as many lives, worlds and places as in memory, and nothing is wrong', async () => {
  const options = { depth: 1, spare: false }
  const [memory, real] = [
    await exploreCrashes(scenario, options),
    await exploreCrashes(scenario, { ...options, store: file() }),
  ]
  expect(real.violations).toEqual([])
  expect(real.lives).toBeGreaterThan(30)
  expect({ ...real, visited: [...real.visited] }).toEqual({ ...memory, visited: [...memory.visited] })
})

test('where time-outs are over before the store answers, now and then, runs repeat themselves all the same', async () => {
  let timers = 0
  vi.stubGlobal('setTimeout', (call: () => void) => (++timers % 3 === 0 ? setImmediate(call) : undefined))
  onTestFinished(() => void vi.unstubAllGlobals())
  // Where one process is held at a request while another goes on, a time-out that there must not be would strike.
  const { violations, closed, lives } = await exploreCrashes(scenario, { owners: true, store: slow() })
  expect({ violations, closed }).toEqual({ violations: [], closed: true })
  expect(lives).toBeGreaterThan(30)
})

test('subjects with other tables have another database, and the first one finds its own again', async () => {
  const store = file()
  const bounty = scenarios.find(({ kind }) => kind === 'bounty')!
  for (const each of [scenario, bounty, scenario])
    expect(await exploreCrashes(each, { depth: 0, quick: true, store })).toMatchObject({
      violations: [],
      closed: true,
    })
})

test.each([
  {
    mistake: 'a write of a commit is lost',
    what: 'store: its rows are not those that were committed',
    commit: (store: Store, writes: Parameters<Store['commit']>[0]) =>
      store.commit(writes.filter((write) => !('put' in write && write.put === 'history'))),
  },
  {
    mistake: 'a commit is refused for nothing',
    what: 'store: a commit was CONFLICT, and landed in memory',
    commit: () => Promise.reject(new StoreError('CONFLICT', 'for nothing')),
  },
])('$mistake: found', async ({ commit, what }) => {
  const exploring = exploreCrashes(scenario, { depth: 0, quick: true, store: erring(commit) })
  const found = await exploring.then(
    ({ violations }) => violations.map((it) => it.what).join('; '),
    (error: unknown) => String(error),
  )
  expect(found).toContain(what)
})

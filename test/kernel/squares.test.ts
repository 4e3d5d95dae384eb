/**
 * Goal: what is done for many operations costs so much for each, and not more the more there are. Method: calls of the
 * store are counted while many wait, and while lists are read of which few rows are wanted.
 */
import { expect, test } from 'vitest'
import { operationsTable, openOperations, type Operations } from '../../src/kernel/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Row, Store } from '../../src/store/port.ts'
import { VirtualClock, worldRandom } from '../../src/testing/explorer/life.ts'
import { setup } from 'xstate'
import { anyKind, ofAny, type AnyOperations } from '../kits/any-kind.ts'
import { pass, START_MS, type ShopPorts } from '../kits/kernel-shop.ts'

const machine = setup({
  types: {} as { context: { id: string }; input: { id: string }; events: { type: 'go' } },
}).createMachine({
  context: ({ input: { id } }) => ({ id }),
  initial: 'a',
  states: { a: { on: { go: 'b' } }, b: { on: { go: 'c' } }, c: { type: 'final' } },
})

async function counted(): Promise<{
  operations: Operations<ShopPorts>
  any: AnyOperations
  store: Store
  clock: VirtualClock
  calls: { gets: number; rows: number }
}> {
  const tables = { operations: operationsTable({ item: 'text' }) }
  const inner = await memoryStore().open({ version: 1, tables })
  const calls = { gets: 0, rows: 0 }
  const store: Store = {
    ...inner,
    get: (table, key) => ((calls.gets += 1), inner.get(table, key)),
    async query<R extends Row>(query: Parameters<Store['query']>[0]) {
      const rows = await inner.query<R>(query)
      calls.rows += rows.length
      return rows
    },
  }
  const clock = new VirtualClock(START_MS)
  const kind = anyKind(machine)
  const options = { store, tables, clock, random: worldRandom({ entropy: 0 }), kinds: [kind] }
  const operations = openOperations<ShopPorts>({ ...options, ports: { card: () => new Promise(() => {}) } })
  await operations.resumed
  return { operations, any: ofAny(operations, kind), store, clock, calls }
}

test('many who wait read what they wait for, each so often as it moves', async () => {
  const { operations, any, clock, calls } = await counted()
  const MANY = 500
  const ids = await Promise.all(Array.from({ length: MANY }, async () => (await any.create({})).id))
  calls.gets = 0
  const ends = ids.map((id) => operations.until(id, ({ state }) => (state === 'c' ? state : undefined)))
  for (const id of ids) for (const _ of [1, 2]) await any.send(id, { type: 'go' })
  await pass({ clock }, 0)
  expect(await Promise.all(ends)).toEqual(ids.map(() => 'c'))
  expect(calls.gets).toBeLessThanOrEqual(4 * MANY)
})

test('many who wait hear of what another process did, within the time that they take turns in', async () => {
  const { operations, any, store, clock } = await counted()
  const ids = await Promise.all(Array.from({ length: 100 }, async () => (await any.create({})).id))
  const ended = ids.map((id) => operations.until(id, ({ status }) => (status === 'quarantined' ? id : undefined)))
  await pass({ clock }, 1)
  // As another process would: nothing tells this one of its steps but the store.
  await store.commit(ids.map((id) => ({ patch: 'operations', key: [id], set: { status: 'quarantined' } })))
  await pass({ clock }, 20)
  expect(await Promise.all(ended)).toEqual(ids)
  operations.close()
})

test('the first of a list are read, and few more than those', async () => {
  const { operations, any, clock, calls } = await counted()
  const ids: string[] = []
  for (let at = 0; at < 400; at++) {
    // Ten at each time.
    if (at % 10 === 0) clock.sleep(1)
    ids.push((await any.create({})).id)
  }
  for (const id of ids.slice(0, 5)) await any.send(id, { type: 'go' })
  const listed = async (filter: Parameters<typeof operations.list>[0]): Promise<string[]> =>
    (await operations.list(filter)).map(({ id }) => id)
  const all = await listed({ kind: 'any' })
  const active = await listed({ status: 'active' })
  const changed = await listed({})
  calls.rows = 0
  for (const [filter, whole] of [[{ kind: 'any' }, all], [{ status: 'active' as const }, active], [{}, changed]] as const) {
    expect(await listed({ ...filter, limit: 1 })).toEqual(whole.slice(0, 1))
    expect(await listed({ ...filter, limit: 7 })).toEqual(whole.slice(0, 7))
  } // prettier-ignore
  expect(calls.rows).toBe(3 * 8)
  // What is wanted may be anywhere, and pages may end amid those of one time.
  for (const limit of [1, 3, 4, 5, 6]) {
    const found = await listed({ kind: 'any', state: 'b', limit })
    expect(found).toEqual(all.filter((id) => ids.indexOf(id) < 5).slice(0, limit))
  }
  expect(await listed({ kind: 'any', limit: 1_000 })).toEqual(all)
})

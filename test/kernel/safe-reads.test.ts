/**
 * Goal: a step's commit relies on every row that its local steps got, without a condition of theirs: whatever changes
 * between reading and committing has the step run again. Reading without that is said. Method: counters that many draw
 * numbers from at once, on stores in memory and in SQLite; stores that change a row just before a commit; the explorer,
 * with a step that reads as it should, and the same step reading loosely.
 */
import { describe, expect, test } from 'vitest'
import { assign, setup } from 'xstate'
import {
  defineOperation,
  json,
  local,
  openOperations,
  operationsTable,
  tx,
  type LocalArgs,
  type Operations,
  type ReaderOf,
  type WriteOf,
} from '../../src/kernel/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store, StoreAdapter, Write } from '../../src/store/port.ts'
import { sqliteStore } from '../../src/store/sqlite/index.ts'
import { exploreCrashes } from '../../src/testing/explorer/explorer.ts'
import { kindSubject, type KindStage } from '../../src/testing/environments/kind-subject.ts'

const tables = {
  operations: operationsTable(),
  counters: { columns: { name: 'text', next: 'integer', note: json<{ readonly by?: string }>() }, key: ['name'] },
  marks: { columns: { name: 'text' }, key: ['name'] },
} as const
type Tables = typeof tables
type Args = LocalArgs<{ id: string }, ReaderOf<Tables>>
type Drawn = { answer: 'ok'; drawn: number; writes: readonly WriteOf<Tables>[] }

const machine = setup({
  types: {} as { context: { id: string; drawn: number }; input: { id: string } },
  actors: { draw: local<Drawn, { id: string }>({ answers: { ok: true } }) },
  actions: { tx: tx<WriteOf<Tables>>, keep: assign((_, kept: { drawn: number }) => kept) },
}).createMachine({
  context: ({ input: { id } }) => ({ id, drawn: 0 }),
  initial: 'drawing',
  states: {
    drawing: {
      tags: ['local'],
      invoke: {
        src: 'draw',
        input: ({ context: { id } }) => ({ id }),
        onDone: {
          target: 'drawn',
          actions: [
            { type: 'tx', params: ({ event }) => event.output.writes },
            { type: 'keep', params: ({ event }) => ({ drawn: event.output.drawn }) },
          ],
        },
      },
    },
    drawn: { type: 'final' },
  },
})

type Draw = (args: Args) => Promise<Drawn>
const ticket = (draw: Draw) =>
  defineOperation({ kind: 'ticket', version: 1, machine, effects: (_: unknown) => ({ draw }) })

/** No condition is written by hand. */
const drawn = (next: number): Drawn => ({
  answer: 'ok',
  drawn: next,
  writes: [{ put: 'counters', row: { name: 'tickets', next: next + 1, note: {} } }],
})
const nextOf = async (read: Pick<ReaderOf<Tables>, 'get'>): Promise<number> =>
  (await read.get('counters', ['tickets']))?.next ?? 0
const safely: Draw = async ({ read }) => drawn(await nextOf(read))
const loosely: Draw = async ({ read }) => drawn(await nextOf(read.loose('a mistake')))

/** Operations whose store does something before each commit that has more than the operation's own row. */
async function opened(draw: Draw, adapter: StoreAdapter = memoryStore(), before?: (store: Store) => Promise<void>) {
  const store = await adapter.open({ version: 1, tables })
  const commits: (readonly Write[])[] = []
  const meddled: Store = {
    ownership: undefined as never,
    get: (table, key) => store.get(table, key),
    query: (query) => store.query(query),
    sum: (table, prefix) => store.sum(table, prefix),
    watch: (table, changed) => store.watch(table, changed),
    close: () => store.close(),
    async commit(writes) {
      if (writes.length > 1) await before?.(store)
      commits.push(writes)
      await store.commit(writes)
    },
  }
  const operations: Operations = openOperations({ store: meddled, tables, kinds: [ticket(draw)], ports: undefined })
  return { operations, tickets: operations.of(ticket(draw)), store, commits }
}
/** What a store does once. */
const once = (writes: readonly Write[]) => {
  let left = 1
  return async (store: Store): Promise<void> => {
    if (left-- > 0) await store.commit(writes)
  }
}

describe('what a local step gets', () => {
  test.each([
    ['memory', memoryStore()],
    ['sqlite', sqliteStore({ path: ':memory:' })],
  ])('is as it was when the step lands, whoever else draws at once: %s', async (_, adapter) => {
    const { operations, tickets } = await opened(safely, adapter)
    const made = await Promise.all(Array.from({ length: 16 }, () => tickets.create({})))
    expect(made.map(({ snapshot }) => snapshot?.context.drawn).toSorted((a, b) => a! - b!)).toEqual([...made.keys()])
    operations.close()
  })

  test.each<[string, Write, number]>([
    ['is there now', { put: 'counters', row: { name: 'tickets', next: 5, note: {} } }, 5],
    ['has changed', { patch: 'counters', key: ['tickets'], set: { next: 7 } }, 7],
    ['has changed in JSON alone', { patch: 'counters', key: ['tickets'], set: { note: { by: 'a person' } } }, 3],
    ['is gone', { delete: 'counters', key: ['tickets'] }, 0],
  ])('has the step run again where the row %s', async (change, write, expected) => {
    const { operations, tickets, store, commits } = await opened(safely, memoryStore(), once([write]))
    if (change !== 'is there now') await store.commit([{ put: 'counters', row: { name: 'tickets', next: 3, note: {} } }]) // prettier-ignore
    const { snapshot } = await tickets.create({})
    expect(snapshot?.context.drawn).toBe(expected)
    expect(commits).toHaveLength(2)
    operations.close()
  })

  test('is a condition of the write of its row, and a check before all writes of others', async () => {
    const draw: Draw = async ({ read }) => {
      await read.get('marks', ['unwritten'])
      return drawn(await nextOf(read))
    }
    const { operations, tickets, commits } = await opened(draw)
    await tickets.create({})
    await tickets.create({})
    const row = { name: 'tickets', next: 1, note: {} }
    expect(commits.map(([, ...writes]) => writes)).toEqual([
      [
        { check: 'marks', key: ['unwritten'], if: 'absent' },
        { put: 'counters', row, if: 'absent' },
      ],
      [
        { check: 'marks', key: ['unwritten'], if: 'absent' },
        { put: 'counters', row: { ...row, next: 2 }, if: row },
      ],
    ])
    operations.close()
  })

  test('gets no second condition where the step has written one', async () => {
    const draw: Draw = async ({ read }) => {
      const next = await nextOf(read)
      const { writes, ...rest } = drawn(next)
      return { ...rest, writes: writes.map((write) => ({ ...write, if: { next: { atMost: next } } }) as never) }
    }
    const { operations, tickets, commits } = await opened(draw)
    await tickets.create({})
    expect(commits[0]?.slice(1)).toEqual([expect.objectContaining({ if: { next: { atMost: 0 } } })])
    operations.close()
  })

  test('is the same when it is asked for again, whatever has changed, and the step is run again', async () => {
    const seen: number[] = []
    const draw: Draw = async ({ read }) => {
      seen.push(await nextOf(read))
      if (seen.length === 1) await made.store.commit([{ put: 'counters', row: { name: 'tickets', next: 9, note: {} } }])
      seen.push(...(await Promise.all([nextOf(read), nextOf(read)])))
      return drawn(sureOf(seen.at(-1)))
    }
    const made = await opened(draw)
    expect((await made.tickets.create({})).snapshot?.context.drawn).toBe(9)
    expect(seen).toEqual([0, 0, 0, 9, 9, 9])
    made.operations.close()
  })

  test('of operations is checked by the version, and of the own row not at all', async () => {
    const draw: Draw = async ({ input, read }) => {
      await read.get('operations', [input.id])
      await read.get('operations', ['first'])
      return drawn(await nextOf(read))
    }
    const { operations, tickets, commits } = await opened(draw)
    await tickets.create({}, { id: 'first' })
    await tickets.create({}, { id: 'second' })
    expect(commits.map((writes) => writes.filter((write) => 'check' in write))).toEqual([
      [],
      [{ check: 'operations', key: ['first'], if: { version: 1 } }],
    ])
    operations.close()
  })

  test('is not told as a table that the commit wrote', async () => {
    const draw: Draw = async ({ read }) => {
      await read.get('marks', ['unwritten'])
      return drawn(await nextOf(read))
    }
    const { operations, tickets } = await opened(draw)
    const told: (readonly string[])[] = []
    operations.on(({ tables: changed }) => told.push(changed))
    await tickets.create({})
    expect(told).toEqual([['counters']])
    operations.close()
  })
})

describe('reading without conditions', () => {
  test('adds none, and is how queries are asked', async () => {
    const draw: Draw = async ({ read }) => {
      const all = await read.loose('tickets are counted for show').query({ table: 'counters' })
      return drawn(all.length + (await nextOf(read.loose('for show'))))
    }
    const { operations, tickets, commits } = await opened(draw)
    await tickets.create({})
    expect(commits[0]?.[1]).toEqual({ put: 'counters', row: { name: 'tickets', next: 1, note: {} } })
    operations.close()
  })

  test.each<[string, Draw, RegExp]>([
    ['without a reason', async ({ read }) => drawn(await nextOf(read.loose(' '))), /why: a text/],
    [
      'of a query that does not say so',
      async ({ read }) => drawn((await (read as unknown as Store).query({ table: 'counters' })).length),
      /read\.query.*read\.loose\(why\)\.query/,
    ],
  ])('is refused %s', async (_, draw, why) => {
    const { operations, tickets, store } = await opened(draw)
    await expect(tickets.create({})).rejects.toThrow(why)
    expect(await store.query({ table: 'operations' })).toEqual([])
    operations.close()
  })
})

describe('the explorer', () => {
  const explore = (draw: Draw) => {
    const kind = ticket(draw)
    const subject = kindSubject({
      tables,
      kinds: [kind],
      outside: () => ({}),
      ports: () => undefined,
      judge: ({ operations }) => {
        const numbers = operations.map(({ snapshot }) => /"drawn":(\d+)/.exec(snapshot)?.[1])
        return new Set(numbers).size === numbers.length ? [] : [`tickets: ${numbers.join(', ')} were drawn`]
      },
    })
    const drive = async ({ operations }: KindStage<object>): Promise<void> => {
      const tickets = operations.of(kind)
      await Promise.all(['a', 'b', 'c'].map((key) => tickets.create({}, { key, request: key })))
    }
    return exploreCrashes({ kind: 'ticket', name: 'three at once', subject, drive }, { faults: 1 })
  }

  test('finds no number drawn twice, at any crash', async () => {
    const { violations, closed, lives } = await explore(safely)
    expect(violations).toEqual([])
    expect(closed).toBe(true)
    expect(lives).toBeGreaterThan(10)
  })

  test('finds the step that reads loosely', async () => {
    const { violations } = await explore(loosely)
    expect(violations.map(({ what }) => what)).toContainEqual(expect.stringMatching(/^tickets: /))
  })
})

const sureOf = (found: number | undefined): number => found ?? Number.NaN

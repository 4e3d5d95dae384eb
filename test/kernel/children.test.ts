/**
 * Goal: an operation's children are there with the commit that starts them, run by themselves, and wake it when they end.
 * Method: shipments of parcels, on a store in memory and a clock that stands still until told to go on; several processes by a
 * lock, by heartbeats, or unknown to each other. Every crash between is explored in `test/explorer/children.test.ts`.
 */
import { describe, expect, test } from 'vitest'
import { assign, setup } from 'xstate'
import {
  answered,
  defineOperation,
  HardshellError,
  isAnswered,
  join,
  local,
  on,
  openOperations,
  operationsTable,
  ownersTable,
  start,
  starts,
  tx,
  type OperationKind,
  type Operations,
} from '../../src/kernel/index.ts'
import { memoryStore, type MemoryStore } from '../../src/store/memory.ts'
import { StoreError, type Ownership, type Store, type Write } from '../../src/store/port.ts'
import { VirtualClock, worldRandom } from '../../src/testing/explorer/life.ts'
import { machineContract } from '../../src/testing/index.ts'
import { operationsIn } from '../../src/testing/invariants/rows.ts'
import { queue } from '../kits/owners-kit.ts'
import { parcel, shipment, type Carrier } from '../kits/parcels.ts'

const tables = { operations: operationsTable(), owners: ownersTable() }

/** Processes on one store, whose carrier refuses anvils and counts what it is sent. */
class Depot {
  readonly rows: MemoryStore = memoryStore()
  readonly clock = new VirtualClock(1_750_000_000_000)
  readonly #random = worldRandom({ entropy: 0 })
  readonly sent: string[] = []
  readonly commits: (readonly Write[])[] = []
  /** In place of the commit. */
  meets: (land: () => Promise<void>, writes: readonly Write[]) => Promise<void> = (land) => land()
  readonly carrier: { send: Carrier['send'] } = {
    send: async (_, item) => {
      this.sent.push(item)
      return item.startsWith('anvil') ? 'refused' : 'ok'
    },
  }

  async process(
    ownership?: Ownership,
    kinds: readonly OperationKind<Carrier>[] = [shipment, parcel],
  ): Promise<Operations<Carrier>> {
    const store = await this.rows.open({ version: 1, tables })
    const mine: Store = {
      ...store,
      ...(ownership && { ownership }),
      commit: async (writes) => {
        this.commits.push(writes)
        await this.meets(() => store.commit(writes), writes)
      },
    }
    const { clock, carrier } = this
    const operations = openOperations({
      ...{ store: mine, tables, kinds, ports: carrier, clock, random: this.#random },
      onError: ({ error }) => void this.errors.push(error),
    })
    await operations.resumed
    return operations
  }

  readonly errors: unknown[] = []

  /** id → state, without the parent's id. */
  states(parent: string): Record<string, string> {
    const rows = operationsIn(this.rows.dump())
    const ours = rows.filter(({ id }) => id.startsWith(parent))
    return Object.fromEntries(ours.map(({ id, state }) => [id.slice(parent.length), state]))
  }

  async pass(forMs = 0): Promise<void> {
    const endMs = this.clock.now() + forMs
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve))
      if (!(Math.min(...this.clock.ringsMs) <= endMs)) break
      this.clock.advance()
    }
    this.clock.sleep(endMs - this.clock.now())
  }
}

const begun = async (operations: Operations<Carrier>, items: readonly string[]): Promise<string> => {
  const { id } = await operations.of(shipment).create({ items })
  await operations.of(shipment).send(id, { type: 'go' })
  return id
}

describe('start', () => {
  test('children are in the commit of the step that starts them, and run', async () => {
    const depot = new Depot()
    const operations = await depot.process()
    const id = await begun(operations, ['cups', 'tea'])
    expect(depot.commits).toHaveLength(2)
    expect(depot.states(id)).toEqual({ '': 'shipping', '/cups': 'packing', '/tea': 'packing' })
    const [tea] = await operations.of(parcel).list({ parent: id, limit: 1 })
    expect(tea?.row).toMatchObject({
      parent: id,
      request: '{"item":"tea"}',
      key: null,
      attempt: 1,
    })
    await depot.pass(60_000)
    expect(depot.states(id)).toEqual({ '': 'shipped', '/cups': 'sent', '/tea': 'sent' })
    expect((await operations.of(shipment).get(id)).snapshot?.context.children).toEqual([
      { name: 'cups', id: `${id}/cups`, kind: 'parcel', state: 'sent', output: { item: 'cups' } },
      { name: 'tea', id: `${id}/tea`, kind: 'parcel', state: 'sent', output: { item: 'tea' } },
    ])
    // The last child's commit woke it: no pause went by.
    expect((await operations.get(id)).row.updatedAt).toBe((await operations.get(`${id}/tea`)).row.updatedAt)
  })

  test('listeners hear of the parent first, then of its children', async () => {
    const depot = new Depot()
    const operations = await depot.process()
    const heard: string[] = []
    operations.on(({ before, row }) => heard.push(`${row.kind} ${before?.state ?? 'new'} ${row.state}`))
    await begun(operations, ['cups', 'tea'])
    expect(heard.slice(1)).toEqual(['shipment open shipping', 'parcel new packing', 'parcel new packing'])
  })

  test('a name that is there with the same input is left alone, also after it has ended; with another it is a defect', async () => {
    const depot = new Depot()
    const operations = await depot.process()
    const id = await begun(operations, ['cups', 'tea'])
    const shipments = operations.of(shipment)
    expect(await shipments.send(id, { type: 'add', name: 'tea', item: 'tea' })).toBe(true)
    await operations.of(parcel).send(`${id}/tea`, { type: 'cancel' })
    expect(await shipments.send(id, { type: 'add', name: 'tea', item: 'tea' })).toBe(true)
    expect(depot.states(id)).toEqual({ '': 'shipping', '/cups': 'packing', '/tea': 'cancelled' })
    const reused = shipments.send(id, { type: 'add', name: 'tea', item: 'cups' })
    await expect(reused).rejects.toThrow(/shipment in 'shipping' starts the child 'tea': there is one already/)
    expect((await operations.get(id)).status).toBe('active')
  })

  test.each([
    ['a/b', /a text that is not empty, without a slash/],
    ['', /a text that is not empty/],
    ['x'.repeat(500), /longer than 512 bytes/],
  ])("the name '%s' is a defect", async (name, why) => {
    const depot = new Depot()
    const operations = await depot.process()
    const id = await begun(operations, ['cups'])
    await expect(operations.of(shipment).send(id, { type: 'add', name, item: 'tea' })).rejects.toThrow(why)
  })

  test('a kind that the program does not know is a defect, by its name', async () => {
    const depot = new Depot()
    const operations = await depot.process(undefined, [shipment])
    const { id } = await operations.of(shipment).create({ items: ['tea'] })
    const sent = operations.of(shipment).send(id, { type: 'go' })
    await expect(sent).rejects.toThrow(/starts the child 'tea': this program has no kind 'parcel'/)
  })

  test('another input than the child’s does not compile; start has its own name', () => {
    const machine = setup({ actions: { begin: start } }).createMachine({ entry: { type: 'begin', params: [] } })
    const define = () => defineOperation({ kind: 'wrong', version: 1, machine, effects: () => ({}) })
    expect(define).toThrow(/has start under the name 'begin'; its name must be 'start'/)
  })

  test('a commit in doubt doubles nothing, and its children run', async () => {
    const depot = new Depot()
    const operations = await depot.process()
    const { id } = await operations.of(shipment).create({ items: ['cups', 'tea'] })
    let doubts = 0
    depot.meets = async (land) => {
      if (doubts++ === 0) await land()
      if (doubts === 1) throw new StoreError('IN_DOUBT', 'the connection broke')
      await land()
    }
    await operations.of(shipment).send(id, { type: 'go' })
    await depot.pass(60_000)
    expect(depot.states(id)).toEqual({ '': 'shipped', '/cups': 'sent', '/tea': 'sent' })
    expect(depot.sent).toEqual(['cups', 'tea'])
  })
})

describe('join', () => {
  test('one that fails has the rest cancelled, where the chart says so', async () => {
    const depot = new Depot()
    const operations = await depot.process()
    const id = await begun(operations, ['anvil', 'tea'])
    await depot.pass(4_000)
    await operations.of(shipment).send(id, { type: 'add', name: 'later', item: 'tea' })
    await depot.pass(1_000)
    // What was begun goes on, and is waited for.
    expect(depot.states(id)).toEqual({ '': 'cancelled', '/anvil': 'refused', '/tea': 'sent', '/later': 'cancelled' })
  })

  test.each([0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20])(
    'a child that is started while the last one ends is waited for, %i turns later',
    async (turns) => {
      const depot = new Depot()
      const operations = await depot.process()
      const id = await begun(operations, ['tea'])
      await depot.pass(1_000)
      const cancelled = operations.of(parcel).send(`${id}/tea`, { type: 'cancel' })
      for (let turn = 0; turn < turns; turn++) await null
      const [, took] = await Promise.all([
        cancelled,
        operations.of(shipment).send(id, { type: 'add', name: 'late', item: 'tea' }),
      ])
      await depot.pass()
      const late = took ? { '': 'shipping', '/late': 'packing' } : { '': 'shipped' }
      expect(depot.states(id)).toEqual({ '/tea': 'cancelled', ...late })
      await depot.pass(5_000)
      expect(depot.states(id)['']).toBe('shipped')
    },
  )

  test('an operation that ends without a join leaves its children to themselves', async () => {
    const depot = new Depot()
    const operations = await depot.process()
    const id = await begun(operations, ['tea'])
    await operations.of(shipment).send(id, { type: 'leave' })
    await depot.pass(60_000)
    expect(depot.states(id)).toEqual({ '': 'left', '/tea': 'sent' })
  })

  test('explain says how many it waits for, and that some are set aside', async () => {
    const depot = new Depot()
    const operations = await depot.process()
    const id = await begun(operations, ['cups', 'tea'])
    const told = async () => {
      const { why, needsHuman } = await operations.explain(id)
      return { why, needsHuman }
    }
    const why = 'Its parcels are on their way. (it waits for'
    expect(await told()).toEqual({ why: `${why} 2 of 2 children)`, needsHuman: false })
    const { send } = depot.carrier
    depot.carrier.send = (to, item) => (item === 'tea' ? unheardOf() : send(to, item))
    await depot.pass(60_000)
    expect(await told()).toEqual({ why: `${why} 1 of 2 children, 1 of them set aside)`, needsHuman: true })
    depot.carrier.send = send
    await operations.resume(`${id}/tea`)
    await depot.pass()
    expect(depot.states(id)['']).toBe('shipped')
  })

  test('names say which children it waits for; one that was never started is a defect', async () => {
    const depot = new Depot()
    const operations = await depot.process(undefined, [family, parcel])
    const { id } = await operations.of(family).create({ names: ['b', 'a'] })
    await operations.of(parcel).send(`${id}/a`, { type: 'cancel' })
    await operations.of(parcel).send(`${id}/b`, { type: 'cancel' })
    await depot.pass()
    expect(depot.states(id)).toEqual({ '': 'done', '/a': 'cancelled', '/b': 'cancelled', '/c': 'packing' })
    expect((await operations.of(family).get(id)).snapshot?.output).toEqual({ names: ['b', 'a'] })
    const { id: lonely } = await operations.of(family).create({ names: ['d'] })
    await depot.pass()
    expect((await operations.get(lonely)).row).toMatchObject({
      status: 'quarantined',
      reason: "DEFECT: it joins the child 'd', which it has not started",
    })
  })

  test('a child that ends in its first step, and none at all, are joined at once', async () => {
    const depot = new Depot()
    const operations = await depot.process(undefined, [nest, egg])
    const full = await operations.of(nest).create({ eggs: 3 })
    const bare = await operations.of(nest).create({ eggs: 0 })
    await depot.pass()
    expect(depot.states(full.id)).toEqual({ '': 'done', '/0': 'hatched', '/1': 'hatched', '/2': 'hatched' })
    expect(depot.states(bare.id)).toEqual({ '': 'done' })
  })
})

describe('several processes', () => {
  test('a follower’s children are nobody’s until the owner finds them', async () => {
    const depot = new Depot()
    const { lock } = queue()
    const owner = await depot.process({ by: 'lock', lock })
    const follower = await depot.process({ by: 'lock', lock })
    expect([owner.role, follower.role]).toEqual(['owner', 'follower'])
    const id = await begun(follower, ['cups', 'tea'])
    expect((await follower.get(`${id}/tea`)).row).toMatchObject({ owner: '', attempt: 0 })
    await depot.pass(60_500)
    expect(depot.states(id)).toEqual({ '': 'shipped', '/cups': 'sent', '/tea': 'sent' })
  })

  test('a child’s commit in another process wakes its parent', async () => {
    const depot = new Depot()
    const first = await depot.process({ by: 'heartbeats' })
    const second = await depot.process({ by: 'heartbeats' })
    await depot.pass(100)
    const id = await begun(first, ['tea'])
    await depot.pass(3_000)
    await second.of(parcel).send(`${id}/tea`, { type: 'cancel' })
    await depot.pass(60)
    expect(depot.states(id)).toEqual({ '': 'shipped', '/tea': 'cancelled' })
  })

  test('where a store tells of no other process, the parent looks after pauses of at most 30 s', async () => {
    const depot = new Depot()
    const first = await depot.process()
    const second = await depot.process()
    const id = await begun(first, ['tea'])
    await second.of(parcel).send(`${id}/tea`, { type: 'cancel' })
    await depot.pass()
    expect(depot.states(id)).toEqual({ '': 'shipping', '/tea': 'cancelled' })
    await depot.pass(30_000)
    expect(depot.states(id)).toEqual({ '': 'shipped', '/tea': 'cancelled' })
  })

  test('children whose commit landed unseen run, though another process has moved the parent on', async () => {
    const depot = new Depot()
    const first = await depot.process({ by: 'heartbeats' })
    const second = await depot.process({ by: 'heartbeats' })
    const { id } = await first.of(shipment).create({ items: ['tea'] })
    depot.meets = async (land) => {
      depot.meets = (other) => other()
      await land()
      await second.of(shipment).send(id, { type: 'leave' })
      throw new StoreError('IN_DOUBT', 'the connection broke')
    }
    expect(await first.of(shipment).send(id, { type: 'go' })).toBe(false)
    await depot.pass(61_000)
    expect(depot.states(id)).toEqual({ '': 'left', '/tea': 'sent' })
  })

  test('the next process takes up parent and children, and goes on cancelling', async () => {
    const depot = new Depot()
    const first = await depot.process()
    const id = await begun(first, ['cups', 'tea'])
    // It ends in the middle: the children are not told.
    depot.meets = (land, writes) => (writes.length === 1 && depot.states(id)[''] === 'cancelling' ? never() : land())
    await first.of(shipment).send(id, { type: 'cancel' })
    await depot.pass()
    expect(depot.states(id)).toEqual({ '': 'cancelling', '/cups': 'packing', '/tea': 'packing' })
    first.close()
    depot.meets = (land) => land()
    await depot.process()
    await depot.pass()
    expect(depot.states(id)).toEqual({ '': 'cancelled', '/cups': 'cancelled', '/tea': 'cancelled' })
  })
})

describe('kinds', () => {
  const joined = (answer: 'ended' | 'failed') => ({ answer, children: [] })
  const cases = machineContract(shipment, {
    inputs: [{ items: ['cups', 'tea'] }],
    answers: { join: [joined('ended'), joined('failed')] },
    events: [{ type: 'go' }, { type: 'cancel' }, { type: 'leave' }, { type: 'add', name: 'late', item: 'cups' }],
  })
  for (const { name, run } of cases) test(name, run)

  test('a child that is no JSON is named by the contract', async () => {
    const machine = setup({ actions: { start } }).createMachine({
      entry: { type: 'start', params: [{ kind: 'parcel', name: 'tea', input: { weight: NaN } }] },
      initial: 'done',
      states: { done: { type: 'final' } },
    })
    const kind = defineOperation({ kind: 'odd', version: 1, machine, effects: () => ({}) })
    const found = machineContract(kind, { inputs: [{}] }).find(({ name }) => name.includes('is JSON'))
    await expect(found?.run()).rejects.toThrow(/a child/)
  })

  test('a child’s children, local steps, columns, projections and rows are of the one commit', async () => {
    const rows = memoryStore()
    const store = await rows.open({ version: 1, tables: stockTables })
    await store.commit([{ put: 'stock', row: { item: 'tea', left: 2 } }])
    const commits: (readonly Write[])[] = []
    const operations = openOperations({
      store: { ...store, commit: (writes) => (commits.push(writes), store.commit(writes)) },
      tables: stockTables,
      kinds: [stall, sale],
      ports: undefined,
    })
    const { id, state } = await operations.of(stall).create({ sales: 3 }, { key: 'today' })
    expect(commits).toHaveLength(1)
    const { operations: made = [], stock, told } = rows.dump()
    // Each sale sees what those before it take, and the third finds nothing left.
    expect(made.map(({ state: now, item }) => [now, item])).toEqual([
      [state, ''],
      ['sold', 'tea'],
      ['over', 'tea'],
      ['sold', 'tea'],
      ['over', 'tea'],
      ['soldOut', 'tea'],
    ])
    expect(made.map((row) => row['id'])).toEqual(['', '/0', '/0/tip', '/1', '/1/tip', '/2'].map((end) => id + end))
    expect(stock).toEqual([{ item: 'tea', left: 0 }])
    expect(told).toHaveLength(6)
    expect((await operations.of(stall).create({ sales: 3 }, { key: 'today' })).id).toBe(id)
    expect((await operations.list({ parent: `${id}/0` })).map((it) => it.id)).toEqual([`${id}/0/tip`])
    operations.close()
  })

  test('what a child’s first step rejects with is what the parent’s caller is told, and nothing is stored', async () => {
    const rows = memoryStore()
    const store = await rows.open({ version: 1, tables: stockTables })
    const operations = openOperations({ store, tables: stockTables, kinds: [stall, sale], ports: undefined })
    const created = operations.of(stall).create({ sales: 1 })
    await expect(created).rejects.toThrow(/there is no tea/)
    expect(rows.dump()['operations']).toEqual([])
    operations.close()
  })
})

const never = (): Promise<never> => new Promise(() => {})
const unheardOf = (): never => {
  throw new TypeError('no such method')
}

/** Starts three parcels, and joins those that are named. */
const family = defineOperation({
  kind: 'family',
  version: 1,
  machine: setup({
    types: {} as {
      context: { names: string[] }
      input: { id: string; names: string[] }
      output: { names: string[] }
    },
    actors: { join: join() },
    actions: { start, keep: assign((_, kept: { names?: string[] }) => kept) },
    guards: { answered: isAnswered },
  }).createMachine({
    context: ({ input: { names } }) => ({ names }),
    entry: starts(parcel, () => ['a', 'b', 'c'].map((name) => ({ name, input: { item: name } }))),
    initial: 'waiting',
    states: {
      waiting: {
        invoke: {
          src: 'join',
          input: ({ context: { names } }) => ({ names }),
          onDone: on({
            target: 'done',
            keep: ({ output: { children } }) => ({ names: children.map(({ name }) => name) }),
          }),
        },
      },
      done: { type: 'final' },
    },
    output: ({ context: { names } }) => ({ names }),
  }),
  effects: (_: Carrier) => ({}),
})

const egg = defineOperation({
  kind: 'egg',
  version: 1,
  machine: setup({ types: {} as { context: {}; input: { id: string } } }).createMachine({
    context: {},
    initial: 'hatched',
    states: { hatched: { type: 'final' } },
  }),
  effects: (_: Carrier) => ({}),
})

const nest = defineOperation({
  kind: 'nest',
  version: 1,
  machine: setup({
    types: {} as { context: { eggs: number }; input: { id: string; eggs: number } },
    actors: { join: join() },
    actions: { start },
  }).createMachine({
    context: ({ input: { eggs } }) => ({ eggs }),
    entry: starts('egg', ({ eggs }: { eggs: number }) =>
      Array.from({ length: eggs }, (_, at) => ({ name: String(at), input: {} })),
    ),
    initial: 'waiting',
    states: { waiting: { invoke: { src: 'join', input: {}, onDone: 'done' } }, done: { type: 'final' } },
  }),
  effects: (_: Carrier) => ({}),
})

const stockTables = {
  operations: operationsTable({ item: 'text' }),
  stock: { columns: { item: 'text', left: 'integer' }, key: ['item'] },
  told: { columns: { id: 'text', state: 'text' }, key: ['id'] },
} as const

type Taken = { answer: 'ok'; left: number } | { answer: 'none' }

/** Takes one of what is left, and starts a child of its own. */
const sale = defineOperation({
  kind: 'sale',
  version: 1,
  machine: setup({
    types: {} as { context: { tip: boolean }; input: { id: string; tip: boolean }; tags: 'local' },
    actors: { take: local<Taken, {}>({ answers: { ok: true, none: true } }) },
    actions: { start, tx },
  }).createMachine({
    context: ({ input: { tip } }) => ({ tip }),
    initial: 'begun',
    states: {
      begun: { always: [{ guard: ({ context: { tip } }) => tip, target: 'over' }, { target: 'taking' }] },
      taking: {
        tags: 'local',
        invoke: {
          src: 'take',
          input: {},
          onDone: [
            {
              guard: answered('ok'),
              target: 'sold',
              actions: {
                type: 'tx',
                params: ({ event: { output } }) =>
                  output.answer === 'ok'
                    ? [
                        {
                          patch: 'stock',
                          key: ['tea'],
                          set: { left: output.left },
                          if: { left: output.left + 1 },
                        },
                      ]
                    : [],
              },
            },
            { target: 'soldOut' },
          ],
        },
      },
      sold: { entry: { type: 'start', params: [{ kind: 'sale', name: 'tip', input: { tip: true } }] }, type: 'final' },
      soldOut: { type: 'final' },
      over: { type: 'final' },
    },
  }),
  effects: () => ({
    take: async ({ read }) => {
      const row = await read.get<{ item: string; left: number }>('stock', ['tea'])
      if (!row) throw new HardshellError('NO_TEA', 'there is no tea')
      return row.left === 0 ? { answer: 'none' } : { answer: 'ok', left: row.left - 1 }
    },
  }),
  columns: () => ({ item: 'tea' }),
  project: ({ id, state }) => [{ put: 'told', row: { id, state } }],
  freesKey: () => true,
})

const stall = defineOperation({
  kind: 'stall',
  version: 1,
  machine: setup({
    types: {} as { context: { sales: number }; input: { id: string; sales: number }; events: { type: 'close' } },
    actions: { start },
  }).createMachine({
    context: ({ input: { sales } }) => ({ sales }),
    entry: starts('sale', ({ sales }: { sales: number }) =>
      Array.from({ length: sales }, (_, at) => ({ name: String(at), input: { tip: false } })),
    ),
    initial: 'open',
    states: { open: { on: { close: 'closed' } }, closed: { type: 'final' } },
  }),
  effects: () => ({}),
  columns: () => ({ item: '' }),
  project: ({ id, state }) => [{ put: 'told', row: { id, state } }],
})

/** What does not compile. */
export const misspelt = [
  // @ts-expect-error: a parcel takes no such input
  starts(parcel, () => [{ name: 'tea', input: { itme: 'tea' } }]),
  // @ts-expect-error: a child has a name
  starts(parcel, () => [{ input: { item: 'tea' } }]),
]

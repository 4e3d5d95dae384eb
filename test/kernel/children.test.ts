/**
 * Goal: an operation's children are there with the commit that starts them, run by themselves, and wake it when they end.
 * Method: shipments of parcels, on a store in memory and a clock that stands still until told to go on; several processes by a
 * lock, by heartbeats, or unknown to each other. Every crash between is explored in `test/explorer/children.test.ts`.
 */
import { describe, expect, test } from 'vitest'
import { setup } from 'xstate'
import {
  answered,
  defineOperation,
  HardshellError,
  local,
  openClient,
  openOperations,
  operationsTable,
  start,
  starts,
  tx,
} from '../../src/kernel/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { StoreError, type Write } from '../../src/store/port.ts'
import { machineContract } from '../../src/testing/index.ts'
import { begun, Depot, egg, family, flock, letter, nest, sheep } from '../kits/depot.ts'
import { queue } from '../kits/owners-kit.ts'
import { parcel, shipment, type Carrier } from '../kits/parcels.ts'

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
    const newest = await operations.list({ parent: id })
    expect(newest.map((it) => it.id.slice(id.length))).toEqual(['/later', '/tea', '/anvil'])
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
      for (let turn = 0; turn < turns; turn++) await Promise.resolve()
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

  test('one that this program cannot load is waited for, and taken for what it is by one that can', async () => {
    const depot = new Depot()
    const first = await depot.process()
    const id = await begun(first, ['cups', 'tea'])
    await first.of(parcel).send(`${id}/tea`, { type: 'cancel' })
    first.close()
    const second = await depot.process(undefined, [shipment])
    await depot.pass(60_000)
    const { why, needsHuman } = await second.explain(id)
    expect([why, needsHuman]).toEqual([
      'Its parcels are on their way. (it waits for 2 of 2 children, 2 of them not to be loaded by this program)',
      true,
    ])
    second.close()
    await depot.process()
    await depot.pass()
    expect(depot.states(id)).toEqual({ '': 'shipped', '/cups': 'sent', '/tea': 'cancelled' })
  })

  test('a child that takes no notice in one state is told again in the next', async () => {
    const depot = new Depot()
    const operations = await depot.process(undefined, [flock, sheep])
    const { id } = await operations.of(flock).create({ cancel: true })
    await depot.pass(500)
    // It takes no notice while it grazes, and strays on.
    expect(depot.states(id)).toEqual({ '': 'calling', '/a': 'grazing' })
    await operations.of(sheep).send(`${id}/a`, { type: 'stray' })
    await depot.pass()
    expect(depot.states(id)).toEqual({ '': 'done', '/a': 'home' })
  })

  test('a child that would take notice later, in the same state, is told again after a pause', async () => {
    const depot = new Depot()
    const operations = await depot.process(undefined, [flock, sheep])
    const { id } = await operations.of(flock).create({ cancel: true })
    await depot.pass()
    await operations.of(sheep).send(`${id}/a`, { type: 'tire' })
    await depot.pass()
    expect(depot.states(id)).toEqual({ '': 'calling', '/a': 'grazing' })
    await depot.pass(30_000)
    expect(depot.states(id)).toEqual({ '': 'done', '/a': 'home' })
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
    await operations.of(parcel).create({ item: 'tea' }, { id: 'lonely/d' })
    const { id: lonely } = await operations.of(family).create({ names: ['d'] }, { id: 'lonely' })
    await depot.pass()
    expect((await operations.get(lonely)).row).toMatchObject({
      status: 'quarantined',
      reason: "DEFECT: it joins the child 'd', which it has not started",
    })
  })

  test('a join of a child that was not started is explained also before anybody runs it', async () => {
    const depot = new Depot()
    const store = await depot.rows.open({ version: 1, tables: { operations: operationsTable() } })
    const client = openClient({ store, tables: { operations: operationsTable() }, kinds: [family, parcel] })
    const { id } = await client.of(family).create({ names: ['d'] })
    const { why, needsHuman } = await client.explain(id)
    expect(why).toContain("(it joins the child 'd', which it has not started)")
    expect(needsHuman).toBe(true)
    client.close()
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

describe('what happens between', () => {
  test('a row that appears under a child’s id is not overwritten', async () => {
    const depot = new Depot()
    const [operations, second] = [await depot.process(), await depot.process()]
    const { id } = await operations.of(shipment).create({ items: ['tea'] })
    depot.meets = async (land) => {
      depot.meets = (other) => other()
      await second.of(parcel).create({ item: 'coal' }, { id: `${id}/tea` })
      await land()
    }
    await expect(operations.of(shipment).send(id, { type: 'go' })).rejects.toThrow(/there is one already/)
    expect(depot.states(id)).toEqual({ '': 'open', '/tea': 'packing' })
  })

  test('a child that was deleted while it was found to be there is started anew', async () => {
    const depot = new Depot()
    const operations = await depot.process()
    const id = await begun(operations, ['cups', 'tea'])
    await operations.of(parcel).send(`${id}/tea`, { type: 'cancel' })
    depot.meets = async (land) => {
      depot.meets = (other) => other()
      await depot.remove(`${id}/tea`)
      await land()
    }
    await operations.of(shipment).send(id, { type: 'add', name: 'tea', item: 'tea' })
    expect(depot.states(id)).toEqual({ '': 'shipping', '/cups': 'packing', '/tea': 'packing' })
  })

  test('a child that ends while its row is read is not waited for', async () => {
    const depot = new Depot()
    const operations = await depot.process(undefined, [flock, sheep])
    const { promise: read, resolve: go } = Promise.withResolvers<void>()
    depot.asks = async (ask, { index }) => {
      const rows = await ask()
      if (index === 'byParent') await read
      return rows
    }
    const { id } = await operations.of(flock).create({ cancel: false })
    for (const type of ['stray', 'call'] as const) await operations.of(sheep).send(`${id}/a`, { type })
    expect(depot.states(id)).toEqual({ '': 'calling', '/a': 'home' })
    go()
    await depot.pass()
    expect(depot.states(id)).toEqual({ '': 'done', '/a': 'home' })
  })

  test('a child with effects is started by the parent’s commit, and none of its own', async () => {
    const depot = new Depot()
    const kind = defineOperation({
      kind: 'office',
      version: 1,
      machine: setup({ types: {} as { context: {}; input: { id: string } }, actions: { start } }).createMachine({
        context: {},
        entry: starts(letter, () => [{ name: 'one', input: {} }]),
        initial: 'open',
        states: { open: { type: 'final' } },
      }),
      effects: (_: Carrier) => ({}),
    })
    const operations = await depot.process(undefined, [kind, letter])
    const { id } = await operations.of(kind).create({})
    await depot.pass()
    expect(depot.states(id)).toEqual({ '': 'open', '/one': 'sent' })
    expect(depot.commits).toHaveLength(2)
    expect(depot.sent).toEqual(['letter'])
  })

  test('close does not wait for a join', async () => {
    const depot = new Depot()
    const operations = await depot.process()
    const id = await begun(operations, ['tea'])
    await depot.pass()
    expect((await operations.explain(id)).underWay).toEqual([])
    operations.close({ deadlineMs: 60_000 })
    let closed = false
    void operations.closed.then(() => (closed = true))
    await depot.pass()
    expect(closed).toBe(true)
  })
})

describe('several processes', () => {
  test.each([true, false])('a child that another process moves unheard is found; cancelled: %s', async (cancel) => {
    const depot = new Depot()
    const [first, second] = [await depot.process(undefined, [flock, sheep]), await depot.process(undefined, [sheep])]
    const { id } = await first.of(flock).create({ cancel })
    await depot.pass(100)
    await second.of(sheep).send(`${id}/a`, { type: 'stray' })
    if (!cancel) await second.of(sheep).send(`${id}/a`, { type: 'call' })
    await depot.pass()
    expect(depot.states(id)['']).toBe('calling')
    await depot.pass(30_000)
    expect(depot.states(id)).toEqual({ '': 'done', '/a': 'home' })
  })

  test('a child that was deleted is not waited for', async () => {
    const depot = new Depot()
    const operations = await depot.process(undefined, [flock, sheep])
    const { id } = await operations.of(flock).create({ cancel: false })
    await depot.pass()
    await depot.remove(`${id}/a`)
    await depot.pass(30_000)
    expect(depot.states(id)).toEqual({ '': 'done' })
  })

  test('one that fails unheard is found among those that go on', async () => {
    const depot = new Depot()
    const operations = await depot.process()
    const id = await begun(operations, ['anvil', 'tea'])
    await depot.pass()
    await depot.patch(`${id}/tea`, { status: 'done', state: 'refused' }, ['"packing"', '"refused"'])
    await depot.pass(4_000)
    expect(depot.states(id)).toEqual({ '': 'cancelled', '/anvil': 'cancelled', '/tea': 'refused' })
  })

  test('a child whose commit landed unseen is left to the process that has moved it since', async () => {
    const depot = new Depot()
    const kinds = [flock, sheep]
    const first = await depot.process({ by: 'heartbeats' }, kinds)
    const second = await depot.process({ by: 'heartbeats' }, kinds)
    depot.meets = async (land, writes) => {
      if (writes.length < 2) return land()
      depot.meets = (other) => other()
      await land()
      await second.of(sheep).send('flock/a', { type: 'stray' })
      await second.of(flock).send('flock', { type: 'note' })
      throw new StoreError('IN_DOUBT', 'the connection broke')
    }
    await expect(first.of(flock).create({ cancel: false }, { id: 'flock' })).rejects.toThrow(/already/)
    const { row } = await second.get('flock/a')
    await depot.pass(1_000)
    expect((await second.get('flock/a')).row).toMatchObject({ owner: row.owner, version: row.version })
  })

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
  test.each(cases)('a shipment: $name', async ({ run }) => expect(await run()).toBeUndefined())

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

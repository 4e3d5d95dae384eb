/**
 * Goal: a kind that does what cannot be made durable is refused, at its definition where that can be seen there, else at
 * the step, before anything is committed; lanes bound requests; a step's local steps see what it is going to write;
 * calls are idempotent by key. Method: kinds with one mistake each, and shops with lanes of their own.
 */
import { ofAny } from '../kits/any-kind.ts'
import { describe, expect, test } from 'vitest'
import { assign, log, raise, sendTo, setup } from 'xstate'
import {
  defineOperation,
  effect,
  local,
  tx,
  type Clock,
  type HardshellError,
  type InspectionEvent,
  type OperationKind,
  type Runs,
} from '../../src/kernel/index.ts'
import { RequestLimiter } from '../../src/kernel/run/request-limiter.ts'
import { VirtualClock } from '../../src/testing/explorer/life.ts'
import { overlay } from '../../src/kernel/step/overlay.ts'
import type { Reader } from '../../src/kernel/define/operation.ts'
import type { Write } from '../../src/store/port.ts'
import {
  goodCard,
  left,
  newWorld,
  orderKind,
  orderRow,
  pass,
  PAY_WITHIN_MS,
  rowsOf,
  settled,
  shopSchema,
  start,
  stocked,
  type Card,
  type ShopPorts,
} from '../kits/kernel-shop.ts'

type Chart = Parameters<typeof defineOperation>[0]['machine']
const kindOf = (machine: Chart, effects: object = {}): OperationKind<ShopPorts> =>
  defineOperation(undefinedKind(machine, effects))
/** A kind that was not checked at its definition. */
const undefinedKind = (machine: Chart, effects: object = {}): OperationKind<ShopPorts> =>
  ({ kind: 'wrong', version: 1, machine, effects: () => effects as Runs<Chart>, columns: () => ({ item: '' }) }) // prettier-ignore

const types = {} as {
  context: { id: string; n: number }
  input: { id: string }
  events: { type: 'go' } | { type: 'more' }
}
const ask = effect<{ answer: 'ok' | 'no' }, { n: number }>({ answers: { ok: true, no: true } })
const look = local<{ answer: 'ok' }, { n: number }>({ answers: { ok: true } })
const chart = setup({ types, actions: { tx }, actors: { ask, look }, delays: { soon: 1_000 } })
const context = ({ input }: { input: { id: string } }): { id: string; n: number } => ({ id: input.id, n: 0 })

describe('a definition is refused', () => {
  test.each<[string, () => unknown, RegExp]>([
    [
      'that invokes an actor which was not declared',
      () => kindOf(setup({ types }).createMachine({ context, invoke: { src: 'nobody' } as never })),
      /'nobody', which is not declared/,
    ],
    [
      'that invokes logic in place',
      () => kindOf(chart.createMachine({ context, invoke: { src: ask, input: { n: 1 } } as never })),
      /not declared/,
    ],
    [
      'with a delay that has no name',
      () =>
        kindOf(chart.createMachine({ context, initial: 'a', states: { a: { after: { 500: 'b' as never } }, b: {} } })),
      /unnamed delay of 500 ms/,
    ],
    [
      'with a local step in a state that is not tagged local',
      () => kindOf(chart.createMachine({ context, invoke: { src: 'look', input: { n: 1 } } })),
      /not tagged local/,
    ],
    [
      'with an effect in a local state',
      () => kindOf(chart.createMachine({ context, initial: 'a', states: { a: { tags: ['local'], invoke: { src: 'ask', input: { n: 1 } } } } })), // prettier-ignore
      /tagged local/,
    ],
    [
      'with a local state that has no step',
      () => kindOf(chart.createMachine({ context, initial: 'a', states: { a: { tags: ['local'] } } })),
      /must invoke one local step/,
    ],
    [
      'whose version is no version',
      () =>
        defineOperation({
          kind: 'k',
          version: 0,
          machine: chart.createMachine({ context }),
          effects: () => ({}) as never,
        }),
      /version must be an integer from 1/,
    ],
  ])('%s', (_, define, why) => {
    let refused: unknown
    try {
      define()
    } catch (error) {
      refused = error
    }
    expect(refused).toMatchObject({ code: 'DEFECT', message: expect.stringMatching(why) as unknown })
  })
})

describe('a step is refused, and nothing of it is committed,', () => {
  async function refused(kind: OperationKind<ShopPorts>): Promise<{ code: string; message: string }> {
    const world = newWorld()
    const shop = await start(world, { kinds: [kind] })
    const error = await shop.operations
      .of(kind)
      .create({})
      .catch((reason: unknown) => reason as HardshellError)
    expect(rowsOf(world, 'operations')).toEqual([])
    return error as HardshellError
  }

  test.each<[string, () => Chart]>([
    ['that calls a function', () => chart.createMachine({ context, entry: () => {} })],
    ['that logs', () => chart.createMachine({ context, entry: log('x') })],
    [
      'that sends to an actor',
      () => chart.createMachine({ context, entry: sendTo(({ self }) => self, { type: 'go' }) }),
    ],
    [
      'that raises an event for later',
      () => chart.createMachine({ context, entry: raise({ type: 'go' }, { delay: 50 }) }),
    ],
  ])('%s', async (_, machine) => {
    const error = await refused(undefinedKind(machine(), { ask: () => ({ answer: 'ok' }) }))
    expect(error).toMatchObject({ code: 'DEFECT' })
  })

  test('whose local steps go round in circles', async () => {
    const machine = chart.createMachine({
      context,
      initial: 'a',
      states: {
        a: { tags: ['local'], invoke: { src: 'look', input: ({ context: { n } }) => ({ n }), onDone: 'b' } },
        b: { tags: ['local'], invoke: { src: 'look', input: ({ context: { n } }) => ({ n }), onDone: 'a' } },
      },
    })
    expect(await refused(kindOf(machine, { look: () => ({ answer: 'ok' }) }))).toMatchObject({ code: 'DEFECT', message: expect.stringContaining('circles') as unknown }) // prettier-ignore
  })

  test('whose local step gives an answer that leads nowhere', async () => {
    const machine = chart.createMachine({
      context,
      initial: 'a',
      states: {
        a: {
          tags: ['local'],
          invoke: {
            src: 'look',
            input: { n: 1 },
            onDone: { guard: ({ event }) => event.output.answer !== 'ok', target: 'b' },
          },
        },
        b: {},
      },
    })
    expect(await refused(kindOf(machine, { look: () => ({ answer: 'ok' }) }))).toMatchObject({ code: 'DEFECT', message: expect.stringContaining('no way on') as unknown }) // prettier-ignore
  })

  test('whose local step fails: the caller gets its error', async () => {
    const machine = chart.createMachine({
      context,
      initial: 'a',
      states: { a: { tags: ['local'], invoke: { src: 'look', input: { n: 1 }, onDone: 'b' } }, b: {} },
    })
    const look = (): never => {
      throw new RangeError('nothing there')
    }
    expect(await refused(kindOf(machine, { look }))).toBeInstanceOf(RangeError)
  })

  test('whose writes do not fit the tables', async () => {
    const machine = chart.createMachine({ context, entry: { type: 'tx', params: [{ put: 'nowhere', row: {} }] } })
    expect(await refused(kindOf(machine))).toBeInstanceOf(TypeError)
  })

  test('that changes the input of a request under way: the request would not be the one that was stored', async () => {
    const machine = chart.createMachine({
      context,
      initial: 'asking',
      states: {
        asking: {
          invoke: { src: 'ask', input: ({ context: { n } }) => ({ n }), onDone: 'done' },
          on: { more: { actions: assign({ n: ({ context }) => context.n + 1 }) }, go: {} },
        },
        done: { type: 'final' },
      },
    })
    const world = newWorld()
    const kind = { ...kindOf(machine, { ask: () => new Promise(() => {}) }), machine }
    const wrong = (await start(world, { kinds: [kind] })).operations.of(kind)
    const { id } = await wrong.create({})
    await expect(wrong.send(id, { type: 'more' })).rejects.toMatchObject({ code: 'DEFECT', message: expect.stringContaining("input of 'ask' changed") as unknown }) // prettier-ignore
    expect(orderRow(world, id)).toMatchObject({ version: 1, state: 'asking' })
    expect(JSON.parse(orderRow(world, id).snapshot)).toMatchObject({ context: { n: 0 } })
  })

  test('where an effect gives an answer that leads nowhere: the operation is set aside, not stuck', async () => {
    const machine = chart.createMachine({
      context,
      initial: 'asking',
      states: {
        asking: {
          invoke: {
            src: 'ask',
            input: { n: 1 },
            onDone: { guard: ({ event }) => event.output.answer === 'ok', target: 'done' },
          },
        },
        done: { type: 'final' },
      },
    })
    const world = newWorld()
    const kind = kindOf(machine, { ask: () => ({ answer: 'no' }) })
    const shop = await start(world, { kinds: [kind] })
    const { id } = await shop.operations.of(kind).create({})
    await pass(world, 60_000)
    expect(orderRow(world, id)).toMatchObject({
      status: 'quarantined',
      reason: expect.stringContaining("'ask' answering 'no'") as unknown,
    })
  })
})

describe('lanes', () => {
  test('run a limited number of requests of one lane at once, and delay no other lane', async () => {
    const world = newWorld()
    await stocked(world, 'tea', 9)
    await stocked(world, 'rice', 9)
    const underWay: { item: string; end: () => void }[] = []
    const card: Card = ({ read, input }) =>
      new Promise((resolve) => {
        void read
          .get('operations', [input.id])
          .then((row) => underWay.push({ item: row!['item'] as string, end: () => resolve({ answer: 'declined' }) }))
      })
    const shop = await start(world, { laneLimit: 2, ports: { card } })
    const teas: string[] = []
    for (let n = 0; n < 5; n++) teas.push((await shop.orders.create({ item: 'tea' })).id)
    const rice = await shop.orders.create({ item: 'rice' })
    for (const id of [...teas, rice.id]) await shop.orders.send(id, { type: 'pay' })
    await settled()
    expect(underWay.map(({ item }) => item)).toEqual(['tea', 'tea', 'rice'])
    underWay[0]!.end()
    await settled()
    expect(underWay.map(({ item }) => item)).toEqual(['tea', 'tea', 'rice', 'tea'])
    for (let n = 1; n < 6; n++) {
      underWay[n]!.end()
      await settled()
    }
    expect((await shop.operations.list({ state: 'declined' })).length).toBe(6)
  })

  test('are no longer held by effects that take no notice of their signal, once their state is left', async () => {
    const world = newWorld()
    const deaf = setup({ types, actors: { ask }, delays: { silence: 1_000 } }).createMachine({
      context: { id: '', n: 0 },
      initial: 'asking',
      states: {
        asking: { invoke: { src: 'ask', input: { n: 1 } }, after: { silence: 'over' } },
        over: { type: 'final' },
      },
    })
    const kind = { ...kindOf(deaf, { ask: () => new Promise(() => {}) }), lane: () => 'tea' }
    await stocked(world, 'tea', 1)
    const shop = await start(world, { kinds: [kind, orderKind], ports: { card: goodCard } })
    for (let count = 0; count < 8; count++) await ofAny(shop.operations, kind).create({})
    const { id } = await shop.orders.create({ item: 'tea' })
    await shop.orders.send(id, { type: 'pay' })
    await pass(world, 999)
    expect(orderRow(world, id).state).toBe('charging')
    await pass(world, 1)
    expect(orderRow(world, id).state).toBe('shipping')
  })

  test('are asked before every request whether they are open; a closed one waits, and goes on when it opens', async () => {
    const world = newWorld()
    await stocked(world, 'tea', 9)
    let open = false
    let charges = 0
    const card: Card = async (args) => {
      charges += 1
      return charges < 3 ? { answer: 'unknown' } : goodCard(args)
    }
    const shop = await start(world, { ports: { card }, laneOpen: async () => open })
    const { id } = await shop.orders.create({ item: 'tea' })
    await shop.orders.send(id, { type: 'pay' })
    await pass(world, 100_000)
    expect([charges, orderRow(world, id).state]).toEqual([0, 'charging'])
    expect(await shop.operations.explain(id)).toMatchObject({ laneClosed: true })
    open = true
    shop.operations.recheck()
    await settled()
    expect([charges, orderRow(world, id).state]).toEqual([1, 'waiting'])
    open = false
    await pass(world, 100_000)
    expect([charges, orderRow(world, id).state]).toEqual([1, 'charging'])
    open = true
    shop.operations.recheck()
    await pass(world, 100_000)
    expect([charges, orderRow(world, id).state]).toEqual([3, 'shipping'])
    expect(await shop.operations.explain(id)).toMatchObject({ laneClosed: false })
  })

  test('ask again where a lane may have opened while it was asked', async () => {
    let opens = false
    let answer = (): void => {}
    const limiter = new RequestLimiter({
      limit: 1,
      async open() {
        const seen = opens
        await new Promise<void>((resolve) => (answer = resolve))
        return seen
      },
    })
    const ran = limiter.run('l', new AbortController().signal, async () => 'ran')
    opens = true
    limiter.recheck()
    answer()
    await settled()
    answer()
    expect(await ran).toBe('ran')
  })

  test('forget a caller that stopped waiting, and run the next one', async () => {
    const limiter = new RequestLimiter({ limit: 1, open: async () => true })
    const stop = new AbortController()
    const ran: string[] = []
    let end = (): void => {}
    const first = limiter.run('l', new AbortController().signal, () => new Promise<void>((resolve) => (end = resolve)))
    await settled()
    const second = limiter.run('l', stop.signal, async () => void ran.push('second'))
    const third = limiter.run('l', new AbortController().signal, async () => void ran.push('third'))
    await settled()
    stop.abort()
    end()
    await Promise.all([first, second, third])
    expect(ran).toEqual(['third'])
  })

  test('give back the room of a request that takes no notice of its signal, and pass over what comes of it', async () => {
    const limiter = new RequestLimiter({ limit: 1, open: () => Promise.resolve(true) })
    const deaf = new AbortController()
    let fail: (error: Error) => void = () => {}
    const first = limiter.run('a', deaf.signal, () => new Promise<string>((_, reject) => (fail = reject)))
    const second = limiter.run('a', new AbortController().signal, async () => 'second')
    await settled()
    deaf.abort()
    expect(await Promise.all([first, second])).toEqual([undefined, 'second'])
    fail(new Error('much later'))
    await settled()
  })

  test('give back the room of a request that fails', async () => {
    const limiter = new RequestLimiter({ limit: 1, open: async () => true })
    const { signal } = new AbortController()
    await expect(limiter.run('l', signal, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await limiter.run('l', signal, async () => 'room')).toBe('room')
  })
  test('let nothing through while they are paused, for as long as was said and an hour at most, however the clock is set', async () => {
    const inner = new VirtualClock(0)
    let offsetMs = 0
    const clock: Clock = {
      now: () => inner.now() + offsetMs,
      monotonicMs: () => inner.monotonicMs(),
      setTimeout: (call, delayMs) => inner.setTimeout(call, delayMs),
      clearTimeout: (timer) => inner.clearTimeout(timer),
    }
    const limiter = new RequestLimiter({ limit: 8, open: async () => true, clock })
    const { signal } = new AbortController()
    const ran: [string, number][] = []
    const run = (lane: string) => limiter.run(lane, signal, async () => void ran.push([lane, inner.now()]))
    expect(limiter.pause('l', 120_000, { why: 'it asked to wait' })).toBe(true)
    // A shorter one changes nothing, and a longer one does.
    expect(limiter.pause('l', 60_000, { why: 'soon' })).toBe(false)
    expect(limiter.pauseOf('l')).toEqual({ why: 'it asked to wait', needsHuman: false, leftMs: 120_000 })
    const waiting = [run('l'), run('l'), run('other')]
    await settled()
    offsetMs = 86_400_000
    await settled()
    expect(ran).toEqual([['other', 0]])
    expect(limiter.pause('l', 30 * 86_400_000, { why: 'for long', needsHuman: true })).toBe(true)
    expect(limiter.pauseOf('l')).toEqual({ why: 'for long', needsHuman: true, leftMs: 3_600_000 })
    offsetMs = -86_400_000
    while (inner.advance()) await settled()
    await Promise.all(waiting)
    expect(ran).toEqual([
      ['other', 0],
      ['l', 3_600_000],
      ['l', 3_600_000],
    ])
    expect(limiter.pauseOf('l')).toBeUndefined()
  })

  test('go on before the end of a pause if it is ended early, and release waiting callers when they close', async () => {
    const inner = new VirtualClock(0)
    const limiter = new RequestLimiter({ limit: 1, open: async () => true, clock: inner })
    const { signal } = new AbortController()
    limiter.pause('l', 60_000, { why: 'x' })
    const first = limiter.run('l', signal, async () => 'ran')
    await settled()
    limiter.unpause('l')
    expect(await first).toBe('ran')
    expect(inner.ringsMs).toEqual([])
    limiter.pause('l', 60_000, { why: 'x' })
    const stop = new AbortController()
    const given = limiter.run('l', stop.signal, async () => 'ran')
    const second = limiter.run('l', signal, async () => 'ran')
    await settled()
    stop.abort()
    expect(await given).toBeUndefined()
    limiter.finish()
    expect(await second).toBeUndefined()
    expect(inner.ringsMs).toEqual([])
    expect(limiter.pause('l', 60_000, { why: 'x' })).toBe(false)
  })
})

describe('local steps', () => {
  test('of one step see the writes of those before them', async () => {
    const world = newWorld()
    await stocked(world, 'tea', 9)
    const shop = await start(world, { ports: { card: goodCard } })
    for (const count of [1, 2]) {
      const { id } = await shop.orders.create({ item: 'tea' })
      await shop.orders.send(id, { type: 'pay' })
      await settled()
      expect(rowsOf(world, 'parcels').find(({ orderId }) => orderId === id)).toMatchObject({
        label: `one of ${count}, 7 kg`,
      })
    }
  })

  test('leave no trace: one commit leads from the state before to the state after', async () => {
    const { world, id } = await left('charging')
    const states: string[] = []
    await start(world, {
      ports: { card: goodCard },
      meddle: (writes, land) => {
        for (const write of writes)
          if ('put' in write && write.put === 'operations') states.push(write.row['state'] as string)
        return land()
      },
    })
    expect(states).toEqual(['shipping'])
    expect(orderRow(world, id).version).toBe(4)
  })

  test('may not sum a table that the step writes', async () => {
    const world = newWorld()
    const store = await world.rows.open(shopSchema)
    const pending: Write[] = [{ put: 'parcels', row: { orderId: 'a', item: 'tea', label: '', weight: 1 } }]
    const over = overlay(store, shopSchema.tables, pending)
    expect(() => over.sum('parcels')).toThrow(/sums 'parcels'/)
    expect(await overlay(store, shopSchema.tables, [{ delete: 'stock', key: ['tea'] }]).sum('parcels')).toEqual([])
  })
})

describe('the overlay', () => {
  const row = (orderId: string, item: string, label: string, weight = 1) => ({ orderId, item, label, weight })
  const stored = [row('a', 'tea', '1'), row('b', 'tea', '3'), row('c', 'rice', '2'), row('d', 'tea', '5')]
  const pending: Write[] = [
    { put: 'parcels', row: row('e', 'tea', '4') },
    { patch: 'parcels', key: ['a'], set: { label: '9' } },
    { delete: 'parcels', key: ['b'] },
    { put: 'parcels', row: row('c', 'tea', '2') },
    { patch: 'parcels', key: ['e'], set: { weight: 8 } },
    { check: 'stock', key: ['tea'], if: 'absent' },
  ]
  const queries: Parameters<Reader['query']>[0][] = [
    { table: 'parcels' },
    { table: 'parcels', reverse: true, limit: 2 },
    { table: 'parcels', index: 'byItem' },
    { table: 'parcels', index: 'byItem', prefix: ['tea'] },
    { table: 'parcels', index: 'byItem', prefix: ['tea'], reverse: true, limit: 1 },
    { table: 'parcels', index: 'byItem', prefix: ['tea'], from: '4' },
    { table: 'parcels', index: 'byItem', prefix: ['tea'], from: '2', to: '4' },
    { table: 'parcels', index: 'byItem', prefix: ['rice'] },
    { table: 'stock' },
  ]

  test('reads what the store will have once the writes have landed', async () => {
    const [before, after] = [newWorld(), newWorld()]
    const [mine, theirs] = [await before.rows.open(shopSchema), await after.rows.open(shopSchema)]
    for (const store of [mine, theirs]) await store.commit(stored.map((each) => ({ put: 'parcels', row: each })))
    const reader = overlay(mine, shopSchema.tables, pending)
    await theirs.commit(pending)
    for (const query of queries) expect([query, await reader.query(query)]).toEqual([query, await theirs.query(query)])
    for (const key of ['a', 'b', 'c', 'd', 'e'])
      expect(await reader.get('parcels', [key])).toEqual(await theirs.get('parcels', [key]))
    expect(before.rows.dump()).not.toEqual(after.rows.dump())
  })
})

describe('an idempotency key', () => {
  test('leads to the existing operation, whatever its state, also after a restart', async () => {
    const world = newWorld()
    await stocked(world, 'tea', 9)
    const shop = await start(world)
    const first = await shop.orders.create({ item: 'tea' }, { key: 'k' })
    expect((await shop.orders.create({ item: 'tea' }, { key: 'k' })).id).toBe(first.id)
    await shop.orders.send(first.id, { type: 'cancel' })
    shop.kill()
    const again = await start(world)
    expect(await again.orders.create({ item: 'tea' }, { key: 'k' })).toMatchObject({
      id: first.id,
      state: 'cancelled',
    })
    expect(rowsOf(world, 'stock')).toEqual([{ item: 'tea', left: 8 }])
  })

  test('belongs to one kind and one input', async () => {
    const world = newWorld()
    await stocked(world, 'tea', 9)
    const shop = await start(world)
    const { id } = await shop.orders.create({ item: 'tea' }, { key: 'k', request: { item: 'tea', n: 1 } })
    await expect(shop.orders.create({ item: 'tea' }, { key: 'k', request: { item: 'rice', n: 1 } })).rejects.toMatchObject({ code: 'KEY_REUSED', operationId: id }) // prettier-ignore
    // The order of the properties is no difference.
    expect((await shop.orders.create({ item: 'tea' }, { key: 'k', request: { n: 1, item: 'tea' } })).id).toBe(id)
    expect(rowsOf(world, 'operations')).toHaveLength(1)
  })

  test('that is used twice at the same moment makes one operation, in one process or in two', async () => {
    const world = newWorld()
    await stocked(world, 'tea', 9)
    const [one, two] = [await start(world), await start(world)]
    const orders = await Promise.all(
      [one, one, two, two].map((shop) => shop.orders.create({ item: 'tea' }, { key: 'k' })),
    )
    expect(new Set(orders.map(({ id }) => id)).size).toBe(1)
    expect(rowsOf(world, 'stock')).toEqual([{ item: 'tea', left: 8 }])
  })

  test('and an id that is there already is refused, by its name', async () => {
    const world = newWorld()
    await stocked(world, 'tea', 5)
    const { orders } = await start(world)
    await orders.create({ item: 'tea' }, { id: 'mine' })
    const again = orders.create({ item: 'tea' }, { id: 'mine' })
    await expect(again).rejects.toMatchObject({ code: 'ID_REUSED', message: "there is an operation 'mine' already", operationId: 'mine' }) // prettier-ignore
    expect(rowsOf(world, 'operations')).toHaveLength(1)
  })

  test('without one, each call is an operation of its own', async () => {
    const world = newWorld()
    await stocked(world, 'tea', 9)
    const shop = await start(world)
    const orders = [await shop.orders.create({ item: 'tea' }), await shop.orders.create({ item: 'tea' })]
    expect(orders[0]!.id).not.toBe(orders[1]!.id)
  })
})

describe('looking at operations', () => {
  test('lists them by kind, state, status, column, change and age', async () => {
    const world = newWorld()
    await stocked(world, 'tea', 9)
    await stocked(world, 'rice', 9)
    const shop = await start(world)
    const a = await shop.orders.create({ item: 'tea' })
    await pass(world, 1_000)
    const b = await shop.orders.create({ item: 'rice' })
    await shop.orders.send(b.id, { type: 'pay' })
    await pass(world, 1_000)
    const c = await shop.orders.create({ item: 'tea' })
    await shop.orders.send(c.id, { type: 'cancel' })
    const ids = async (filter: Parameters<typeof shop.operations.list>[0]): Promise<string[]> =>
      (await shop.operations.list(filter)).map(({ id }) => id)
    expect(await ids({ kind: 'order' })).toEqual([c.id, b.id, a.id])
    expect(await ids({ kind: 'gift' })).toEqual([])
    expect(await ids({ state: 'charging' })).toEqual([b.id])
    expect(await ids({ status: 'active' })).toEqual([b.id, a.id])
    expect(await ids({ status: 'done' })).toEqual([c.id])
    expect(await ids({ where: { item: 'tea' }, status: 'active' })).toEqual([a.id])
    expect(await ids({ changedSince: world.clock.now() })).toEqual([c.id])
    expect(await ids({ stuckForMs: 2_000 })).toEqual([a.id])
    expect(await ids({ kind: 'order', limit: 1 })).toEqual([c.id])
  })

  test('explains each: why it is in its state, what runs, what comes next and when, which events it takes', async () => {
    const { world, id } = await left('placed')
    const shop = await start(world)
    await pass(world, 1_000)
    expect(await shop.operations.explain(id)).toEqual({
      id,
      kind: 'order',
      state: 'placed',
      status: 'active',
      why: 'Waits to be paid.',
      underWay: [],
      watching: undefined,
      timers: [{ name: 'payDeadline', atMs: world.clock.now() - 1_000 + PAY_WITHIN_MS, inMs: PAY_WITHIN_MS - 1_000 }],
      takes: ['pay', 'cancel'],
      needsHuman: false,
      laneClosed: false,
    })
    await shop.orders.send(id, { type: 'pay' })
    expect(await shop.operations.explain(id)).toMatchObject({
      state: 'charging',
      underWay: ['card.charge'],
      timers: [],
      takes: ['note'],
    })
  })

  test('explains it with its stored reason, if the state alone does not say it', async () => {
    const { world, id } = await left('placed')
    const shop = await start(world, { ports: { card: async () => ({ answer: 'unknown' }) } })
    await shop.orders.send(id, { type: 'pay' })
    await settled()
    expect(await shop.operations.explain(id)).toMatchObject({
      state: 'waiting',
      why: 'The bank did not answer; asks again. It was tried 1 times.',
    })
  })

  test('waits for one, until told to stop, and the operation goes on', async () => {
    const { world, id } = await left('placed')
    const shop = await start(world, { ports: { card: goodCard } })
    const stop = new AbortController()
    const waiting = shop.operations.until(id, ({ state }) => (state === 'delivered' ? state : undefined), stop.signal)
    const other = shop.operations.until(id, ({ state }) => (state === 'shipping' ? state : undefined))
    await shop.orders.send(id, { type: 'pay' })
    expect(await other).toBe('shipping')
    stop.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    await expect(shop.operations.until(id, () => undefined, AbortSignal.abort(new Error('before')))).rejects.toThrow(
      'before',
    )
    expect(orderRow(world, id).state).toBe('shipping')
  })

  test('waits for what another process does, too', async () => {
    const { world, id } = await left('placed')
    const [one, two] = [await start(world), await start(world)]
    const waiting = one.operations.until(id, ({ state }) => (state === 'cancelled' ? state : undefined))
    await two.orders.send(id, { type: 'cancel' })
    expect(await waiting).toBe('cancelled')
  })

  test('an unknown id, an unknown kind', async () => {
    const shop = await start(newWorld())
    await expect(shop.operations.get('nobody')).rejects.toMatchObject({ code: 'NOT_FOUND', operationId: 'nobody' })
    await expect(shop.orders.send('nobody', { type: 'pay' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(() => shop.operations.of({ ...orderKind, kind: 'gift' })).toThrow(/^kind: one of order$/)
  })
})

describe('the inspector', () => {
  test('gets committed steps without contexts, and with contexts only on request', async () => {
    const world = newWorld()
    await stocked(world, 'tea', 9)
    const [seen, whole]: [InspectionEvent[], InspectionEvent[]] = [[], []]
    const shop = await start(world, {
      ports: { card: goodCard },
      inspect: (event) => seen.push(event),
      unsafeInspect: (event) => whole.push(event),
    })
    const { id } = await shop.orders.create({ item: 'tea' })
    await shop.orders.send(id, { type: 'pay' })
    await settled()
    const states = (events: InspectionEvent[]) => events.flatMap((event) => (event.type === '@xstate.snapshot' ? [event.snapshot.value] : [])) // prettier-ignore
    expect(seen[1]).toMatchObject({ type: '@xstate.actor', sessionId: id, name: `order ${id}` })
    expect(states(seen)).toEqual(['placed', 'charging', 'shipping'])
    expect(JSON.stringify(seen)).not.toContain('receipt of')
    expect(JSON.stringify(whole)).toContain('receipt of')
    expect(JSON.parse(JSON.stringify(seen))).toEqual(seen)
  })

  test('that throws does no harm', async () => {
    const { world, id } = await left('placed')
    const loud = console.error
    console.error = () => {}
    const shop = await start(world, {
      ports: { card: goodCard },
      inspect: () => {
        throw new Error('an inspector of the test throws')
      },
    })
    await shop.orders.send(id, { type: 'pay' })
    await settled()
    console.error = loud
    expect(orderRow(world, id).state).toBe('shipping')
  })
})

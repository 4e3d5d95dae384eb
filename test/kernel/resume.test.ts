/**
 * Goal: whatever state a process was killed in, the next one takes the operation up by itself, knows whether an effect
 * may have run before, and sets aside what it cannot load or what keeps crashing, without losing a byte.
 * Method: shops are killed and started again on the same rows; rows are spoilt in between.
 */
import { ofAny } from '../kits/any-kind.ts'
import { describe, expect, test } from 'vitest'
import { setup } from 'xstate'
import { defineOperation, effect, openOperations, operationsTable, type OperationKind } from '../../src/kernel/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import {
  goodCard,
  left,
  newWorld,
  orderKind,
  orderRow,
  pass,
  rowsOf,
  settled,
  shopSchema,
  start,
  stocked,
  tamper,
  type Card,
  type ShopPorts,
} from '../kits/kernel-shop.ts'

/** A card that notes whether it was told of a replay, and never answers. */
const noting =
  (replays: boolean[]): Card =>
  ({ replay }) => {
    replays.push(replay)
    return new Promise(() => {})
  }

describe('resume', () => {
  test('resumes every unfinished operation by itself, and reports what it did with each', async () => {
    const world = newWorld()
    await stocked(world, 'tea', 9)
    const shop = await start(world)
    const [placed, charging, cancelled] = await Promise.all([0, 1, 2].map(() => shop.orders.create({ item: 'tea' })))
    await shop.orders.send(charging!.id, { type: 'pay' })
    await shop.orders.send(cancelled!.id, { type: 'cancel' })
    shop.kill()
    const again = await start(world, { ports: { card: goodCard } })
    const report = await again.operations.resumed
    expect(report.map(({ id, state, outcome }) => `${id} ${state} ${outcome}`).toSorted()).toEqual(
      [`${placed!.id} placed waiting`, `${charging!.id} charging resumed`].toSorted(),
    )
    expect(orderRow(world, charging!.id).state).toBe('shipping')
  })

  test('tells an effect whether it may have run before', async () => {
    const world = newWorld()
    await stocked(world, 'tea', 9)
    const replays: boolean[] = []
    const shop = await start(world, { ports: { card: noting(replays) } })
    const { id } = await shop.orders.create({ item: 'tea' })
    await shop.orders.send(id, { type: 'pay' })
    expect([replays, orderRow(world, id).attempt]).toEqual([[false], 1])
    shop.kill()
    ;(await start(world, { ports: { card: noting(replays) } })).kill()
    expect([replays, orderRow(world, id).attempt]).toEqual([[false, true], 2])
    ;(await start(world, { ports: { card: noting(replays) } })).kill()
    expect([replays, orderRow(world, id).attempt]).toEqual([[false, true, true], 3])
  })

  test('counts the attempt, with its name on the row, before the effect starts', async () => {
    const { world, id } = await left('charging')
    const before = orderRow(world, id)
    const seen: unknown[] = []
    await start(world, {
      ports: {
        card: async () => {
          const { attempt, owner, version } = orderRow(world, id)
          seen.push(attempt, owner !== before.owner, version)
          return new Promise(() => {})
        },
      },
    })
    expect(seen).toEqual([2, true, before.version + 1])
  })

  test('does not start the effect where the take-over does not land', async () => {
    const { world } = await left('charging')
    let charges = 0
    const card: Card = async () => {
      charges += 1
      return new Promise(() => {})
    }
    await start(world, { ports: { card }, meddle: () => new Promise(() => {}) })
    await settled()
    expect(charges).toBe(0)
  })

  test('an effect that is entered anew is no replay', async () => {
    const { world, id } = await left('charging')
    const replays: boolean[] = []
    const shop = await start(world, {
      ports: {
        card: async ({ replay }) => {
          replays.push(replay)
          return replays.length < 3 ? { answer: 'unknown' } : { answer: 'declined' }
        },
      },
    })
    await shop.operations.resume(id)
    await pass(world, 10_000)
    expect(replays).toEqual([true, false, false])
    expect(orderRow(world, id).state).toBe('declined')
  })

  test('an effect under way goes on if its input does not change', async () => {
    const { world, id } = await left('placed')
    const replays: boolean[] = []
    const shop = await start(world, { ports: { card: noting(replays) } })
    await shop.orders.send(id, { type: 'pay' })
    await shop.orders.send(id, { type: 'note' })
    expect(rowsOf(world, 'stock').map(({ item }) => item)).toContain(`note ${id}`)
    expect(replays).toEqual([false])
    expect(orderRow(world, id)).toMatchObject({ version: 3, attempt: 1 })
    shop.kill()
    await start(world, { ports: { card: noting(replays) } })
    expect(replays).toEqual([false, true])
  })

  test('changes only owner and attempt if there is nothing to do', async () => {
    const { world, id } = await left('placed')
    const before = world.rows.dump()
    ;(await start(world)).kill()
    expect(world.rows.dump()).toEqual(before)
    expect(orderRow(world, id).state).toBe('placed')
  })

  test('of many operations is one commit for many', async () => {
    const { world, id } = await left('charging')
    const store = await world.rows.open(shopSchema)
    const copies = Array.from({ length: 599 }, (_, n) => {
      const row = orderRow(world, id)
      return { put: 'operations', row: { ...row, id: `copy${n}`, snapshot: row.snapshot.replaceAll(id, `copy${n}`) } }
    })
    await store.commit(copies)
    let commits = 0
    let charges = 0
    const card: Card = async () => {
      charges += 1
      return new Promise(() => {})
    }
    await start(world, {
      laneLimit: 600,
      ports: { card },
      meddle: (_, land) => {
        commits += 1
        return land()
      },
    })
    expect([commits, charges]).toEqual([3, 600])
    expect(rowsOf(world, 'operations').every(({ attempt }) => attempt === 2)).toBe(true)
  })

  test('goes on in a process whose first take-over of a batch met another’s', async () => {
    const world = newWorld()
    await stocked(world, 'tea', 9)
    const shop = await start(world)
    const orders = await Promise.all([0, 1, 2].map(() => shop.orders.create({ item: 'tea' })))
    for (const { id } of orders) await shop.orders.send(id, { type: 'pay' })
    shop.kill()
    let first = true
    const card: Card = async ({ input }) => ({ answer: 'ok', receipt: input.id })
    await start(world, {
      ports: { card },
      meddle: async (_, land) => {
        if (first) {
          first = false
          await tamper(world, orders[1]!.id, { version: 7, commitId: 'somebody else’s' })
        }
        await land()
      },
    })
    await pass(world, 1_000)
    const states = (): string[] => orders.map(({ id }) => orderRow(world, id).state)
    expect(states()).toEqual(['shipping', 'charging', 'shipping'])
    // Whoever had moved the second one has done nothing since.
    await pass(world, 30_000)
    expect(states()).toEqual(['shipping', 'shipping', 'shipping'])
  })
})

describe('an operation that this program cannot load is unloadable', () => {
  const spoilt: readonly [string, object, RegExp][] = [
    ['of a later version of its kind', { kindVersion: 2 }, /knows version 1/],
    ['whose snapshot is cut off', { snapshot: '{"status":"act' }, /does not restore/],
    [
      'in a state that the chart does not have',
      { snapshot: '{"status":"active","value":"flying","context":{}}' },
      /does not restore/,
    ],
    ['of a kind that is not there', { kind: 'gift' }, /no kind 'gift'/],
    ['whose snapshot is no snapshot', { snapshot: 'null' }, /does not restore: it is no JSON of one/],
    ['whose timers are none', { timers: 'null' }, /timers are no JSON of timers/],
    ['whose timers have no times', { timers: '{"a":"b"}' }, /timers are no JSON of timers/],
  ]

  test.each(spoilt)('%s', async (_, set, why) => {
    const { world, id } = await left('charging')
    await tamper(world, id, set as never)
    const before = orderRow(world, id)
    let charges = 0
    const card: Card = async () => {
      charges += 1
      return new Promise(() => {})
    }
    const shop = await start(world, { ports: { card } })
    expect(await shop.operations.resumed).toMatchObject([
      { id, outcome: 'unloadable', reason: expect.stringMatching(why) as unknown },
    ])
    // It is listed and explained, takes no events, and its bytes stay.
    expect(await shop.operations.list()).toMatchObject([{ id, status: 'unloadable' }])
    expect(await shop.operations.explain(id)).toMatchObject({
      status: 'unloadable',
      why: expect.stringMatching(why) as unknown,
      needsHuman: true,
    })
    await expect(shop.orders.send(id, { type: 'cancel' })).rejects.toMatchObject({
      code: 'kind' in set ? 'NOT_FOUND' : 'UNLOADABLE',
      operationId: id,
    })
    await shop.operations.resume(id)
    await pass(world, 100_000)
    expect(orderRow(world, id)).toEqual(before)
    expect(charges).toBe(0)
    shop.kill()
    // A program that can load it goes on.
    await tamper(world, id, {
      kind: 'order',
      kindVersion: 1,
      timers: '{}',
      snapshot: JSON.stringify({
        status: 'active',
        value: 'charging',
        context: { id, item: 'tea', receipt: '', tries: 0, promisedAt: 0 },
      }),
    })
    await start(world, { ports: { card: goodCard } })
    await pass(world, 1)
    expect(orderRow(world, id).state).toBe('late')
  })

  test('and spoils no other', async () => {
    const { world, id } = await left('charging')
    const shop = await start(world)
    const other = await shop.orders.create({ item: 'tea' })
    shop.kill()
    await tamper(world, id, { snapshot: 'not JSON', timers: 'nor this' })
    const again = await start(world)
    expect(await again.orders.send(other.id, { type: 'cancel' })).toBe(true)
    expect((await again.operations.list()).map(({ status }) => status).toSorted()).toEqual(['done', 'unloadable'])
  })

  test('also where only its timers cannot be read', async () => {
    const { world, id } = await left('placed')
    await tamper(world, id, { timers: 'not JSON' })
    const shop = await start(world)
    expect(await shop.operations.list()).toMatchObject([{ id, status: 'unloadable' }])
    expect(await shop.operations.explain(id)).toMatchObject({ status: 'unloadable', needsHuman: true })
    const told = await Promise.race([
      shop.orders.send(id, { type: 'cancel' }).catch((error: unknown) => error),
      settled(),
    ])
    expect(told).toMatchObject({ code: 'UNLOADABLE' })
  })
})

describe('an operation that keeps crashing', () => {
  const broken: Card = async () => {
    throw new Error('the card reader is on fire')
  }

  test('is loaded again from its row after growing pauses, then set aside with the reason; resume puts it back', async () => {
    const { world, id } = await left('placed')
    const crashes: number[] = []
    let broke = true
    const shop = await start(world, {
      ports: {
        card: async (args) => {
          if (!broke) return goodCard(args)
          crashes.push(world.clock.now())
          return broken(args)
        },
      },
    })
    await shop.orders.send(id, { type: 'pay' })
    await pass(world, 60_000)
    const pauses = crashes.slice(1).map((time, at) => time - crashes[at]!)
    expect(pauses).toEqual([250, 500, 1_000, 2_000, 4_000])
    expect(orderRow(world, id)).toMatchObject({
      status: 'quarantined',
      state: 'charging',
      reason: expect.stringContaining('on fire') as unknown,
    })
    expect(await shop.operations.explain(id)).toMatchObject({ status: 'quarantined', why: expect.stringContaining('on fire') as unknown, needsHuman: true, takes: ['resume'] }) // prettier-ignore
    await expect(shop.orders.send(id, { type: 'note' })).rejects.toMatchObject({ code: 'QUARANTINED' })
    shop.kill()

    // It stays set aside over a restart.
    const count = crashes.length
    const again = await start(world, {
      ports: {
        card: async (args) => {
          if (!broke) return goodCard(args)
          crashes.push(world.clock.now())
          return broken(args)
        },
      },
    })
    await pass(world, 600_000)
    expect(crashes).toHaveLength(count)
    expect(await again.operations.resumed).toMatchObject([
      { id, outcome: 'quarantined', reason: expect.stringContaining('on fire') as unknown },
    ])

    broke = false
    await again.operations.resume(id)
    await settled()
    expect(orderRow(world, id)).toMatchObject({ status: 'active', state: 'shipping', reason: null })
  })

  test('a few times and then goes on is not set aside later for old crashes', async () => {
    const { world, id } = await left('placed')
    let failures = 4
    const card: Card = async (args) => {
      if (failures-- > 0) return broken(args)
      failures = 4
      return { answer: 'unknown' }
    }
    const shop = await start(world, { ports: { card } })
    await shop.orders.send(id, { type: 'pay' })
    await pass(world, 300_000)
    expect(orderRow(world, id).status).toBe('active')
    expect(orderRow(world, id).version).toBeGreaterThan(10)
  })

  test('holds up no other', async () => {
    const { world, id } = await left('charging')
    const shop = await start(world, { ports: { card: broken } })
    const other = await shop.orders.create({ item: 'tea' })
    expect(await shop.orders.send(other.id, { type: 'cancel' })).toBe(true)
    expect(orderRow(world, id).state).toBe('charging')
  })
})

describe('migration', () => {
  const chart = setup({
    types: {} as { context: { id: string; item: string; cardOf: string }; events: { type: 'pay' } },
    actors: { charge: effect<{ answer: 'ok' }, { id: string; cardOf: string }>({ answers: { ok: true } }) },
  }).createMachine({
    id: 'order',
    context: ({ input }) => input as never,
    initial: 'charging',
    states: {
      charging: {
        invoke: { src: 'charge', input: ({ context: { id, cardOf } }) => ({ id, cardOf }), onDone: 'charged' },
        on: { pay: 'charged' },
      },
      charged: { type: 'final' },
    },
  })
  const charged: unknown[] = []
  const third = defineOperation({
    kind: 'order',
    version: 3,
    machine: chart,
    effects: ({ card: _ }: ShopPorts) => ({
      charge: ({ input, replay }) => {
        charged.push([input, replay])
        return { answer: 'ok' as const }
      },
    }),
    columns: () => ({ item: 'tea' }),
    migrate: {
      1: (snapshot) => ({ ...snapshot, context: { ...snapshot.context, card: 'of the buyer' } }),
      2: ({ context: { card, ...context }, ...snapshot }) => ({ ...snapshot, context: { ...context, cardOf: card } }),
    },
  }) as unknown as OperationKind<ShopPorts>

  test('brings an old snapshot to the present chart, step by step, and the next commit has the new version', async () => {
    const { world, id } = await left('charging')
    await start(world, { kinds: [third] })
    await pass(world, 1_000)
    expect(charged).toEqual([[{ id, cardOf: 'of the buyer' }, true]])
    expect(orderRow(world, id)).toMatchObject({ kindVersion: 3, state: 'charged', status: 'done' })
  })

  test('that is missing makes the operation unloadable', async () => {
    const { world, id } = await left('charging')
    const { migrate: _, ...gap } = third
    const shop = await start(world, { kinds: [{ ...gap, migrate: { 2: (snapshot) => snapshot } }] })
    expect(await shop.operations.resumed).toMatchObject([{ id, outcome: 'unloadable', reason: expect.stringContaining('no migration from version 1') as unknown }]) // prettier-ignore
    expect(orderRow(world, id)).toMatchObject({ kindVersion: 1, version: 2 })
  })

  test('that throws parks the operation, with what it threw', async () => {
    const { world, id } = await left('charging')
    const lost = (): never => {
      throw new RangeError('the card is nowhere')
    }
    const shop = await start(world, { kinds: [{ ...third, migrate: { 1: lost, 2: (snapshot) => snapshot } }] })
    const why = 'order of version 1: the migration from version 1 failed: the card is nowhere'
    expect(await shop.operations.resumed).toMatchObject([{ id, outcome: 'unloadable', reason: why }])
    expect(await shop.operations.explain(id)).toMatchObject({ status: 'unloadable', why })
    await expect(shop.operations.of(third).send(id, { type: 'pay' })).rejects.toMatchObject({
      code: 'UNLOADABLE',
      message: why,
    })
    expect(orderRow(world, id)).toMatchObject({ kindVersion: 1, version: 2 })
  })
})

test('one that cannot start is parked, with its reason: none of its events waits for ever', async () => {
  const { world, id } = await left('placed')
  const chart = setup({
    types: {} as { context: { id: string } },
    delays: {
      payDeadline: () => {
        throw new RangeError('no calendar')
      },
    },
  }).createMachine({
    context: { id: '' },
    initial: 'placed',
    states: { placed: { after: { payDeadline: 'over' }, on: { pay: 'over' } }, over: {} },
  })
  await tamper(world, id, { timers: '{}' })
  const kind = { ...orderKind, machine: chart } as unknown as OperationKind<ShopPorts>
  const shop = await start(world, { kinds: [kind] })
  const why = expect.stringContaining('a delay cannot be told: no calendar') as unknown
  expect(await shop.operations.resumed).toMatchObject([{ id, outcome: 'unloadable', reason: why }])
  expect(await shop.operations.list()).toMatchObject([{ id, status: 'unloadable' }])
  expect(await shop.operations.explain(id)).toMatchObject({ status: 'unloadable', why })
  await expect(ofAny(shop.operations, kind).send(id, { type: 'pay' })).rejects.toMatchObject({
    code: 'UNLOADABLE',
    message: why,
  })
})

test('a closed process starts nothing and changes nothing, and pending calls reject', async () => {
  const { world, id } = await left('charging')
  let aborted = false
  const shop = await start(world, {
    ports: {
      card: ({ signal }) =>
        new Promise(() => {
          signal.addEventListener('abort', () => (aborted = true))
        }),
    },
  })
  const ended = shop.operations.until(id, ({ state }) => state === 'delivered' || undefined)
  shop.operations.close()
  await expect(ended).rejects.toMatchObject({ code: 'CLOSED' })
  expect(aborted).toBe(true)
  const before = world.rows.dump()
  await expect(shop.orders.create({ item: 'tea' })).rejects.toMatchObject({ code: 'CLOSED' })
  await expect(shop.orders.send(id, { type: 'note' })).rejects.toMatchObject({ code: 'CLOSED' })
  await expect(shop.operations.list()).rejects.toMatchObject({ code: 'CLOSED' })
  await pass(world, 100_000)
  expect(world.rows.dump()).toEqual(before)
  // The next process goes on.
  await start(world, { ports: { card: goodCard } })
  expect(orderRow(world, id).state).toBe('shipping')
})

describe('a process that closes with a deadline', () => {
  test('commits answers that come before the deadline, begins nothing more, and closes when all are done', async () => {
    const { world, id: first } = await left('charging')
    const charged: string[] = []
    const card: Card = async ({ input }) => {
      charged.push(input.id)
      await new Promise<void>((resolve) => void world.clock.setTimeout(resolve, 2_000))
      return { answer: 'ok', receipt: 'in time' }
    }
    await stocked(world, 'tea', 9)
    const shop = await start(world, { ports: { card }, laneLimit: 1 })
    const { id: second } = await shop.orders.create({ item: 'tea' })
    await shop.orders.send(second, { type: 'pay' })
    await settled()
    const shipping = shop.operations.until(first, ({ state }) => state === 'shipping' || undefined)
    shop.operations.close({ deadlineMs: 10_000 })
    let closed = false
    void shop.operations.closed.then(() => (closed = true))
    await pass(world, 1_000)
    expect([closed, orderRow(world, first).state]).toEqual([false, 'charging'])
    await pass(world, 1_500)
    expect([closed, orderRow(world, first).state, orderRow(world, second).state]).toEqual([
      true,
      'shipping',
      'charging',
    ])
    expect(await shipping).toBe(true)
    expect(charged).toEqual([first])
    await expect(shop.operations.get(first)).rejects.toMatchObject({ code: 'CLOSED' })
    await start(world, { ports: { card: goodCard } })
    expect(orderRow(world, second).state).toBe('shipping')
  })

  test('aborts unanswered requests at the deadline, and leaves them to the next process', async () => {
    const { world, id } = await left('charging')
    let abortedMs = 0
    const silent: Card = ({ signal }) =>
      new Promise(() => signal.addEventListener('abort', () => (abortedMs = world.clock.now())))
    const shop = await start(world, { ports: { card: silent } })
    const before = orderRow(world, id)
    const beganMs = world.clock.now()
    shop.operations.close({ deadlineMs: 10_000 })
    await pass(world, 9_000)
    expect(abortedMs).toBe(0)
    await pass(world, 2_000)
    await shop.operations.closed
    expect(abortedMs - beganMs).toBe(10_000)
    expect(orderRow(world, id)).toEqual(before)
    const replays: boolean[] = []
    await start(world, { ports: { card: noting(replays) } })
    expect(replays).toEqual([true])
  })

  test.each([Infinity, 2 ** 31])(
    'waits as long as it was told: %d ms, which no timer of the platform takes',
    async (deadlineMs) => {
      const { promise, resolve: answer } = Promise.withResolvers<{ answer: 'ok' }>()
      const slow = defineOperation({
        kind: 'slow',
        version: 1,
        machine: setup({ actors: { ask: effect<{ answer: 'ok' }, {}>({ answers: { ok: true } }) } }).createMachine({
          initial: 'asking',
          states: { asking: { invoke: { src: 'ask', input: {}, onDone: 'answered' } }, answered: { type: 'final' } },
        }),
        effects: () => ({ ask: () => promise }),
      })
      const tables = { operations: operationsTable() }
      const store = await memoryStore().open({ version: 1, tables })
      const operations = openOperations({ store, tables, kinds: [slow], ports: {} })
      const { id } = await operations.of(slow).create({})
      operations.close({ deadlineMs })
      let closed = false
      void operations.closed.then(() => (closed = true))
      // A timer that overflows fires after a millisecond.
      await new Promise((resolve) => setTimeout(resolve, 20))
      expect(closed).toBe(false)
      answer({ answer: 'ok' })
      await operations.closed
      expect((await store.get('operations', [id]))?.state).toBe('answered')
    },
  )
})

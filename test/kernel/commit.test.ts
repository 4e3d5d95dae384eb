/**
 * Goal: a step is visible, and its effects start, only once its one commit has landed; whatever a store answers, the
 * operation ends where the store is. Method: a shop's store is held up or made to fail at a commit of the test's choice.
 */
import { describe, expect, test } from 'vitest'
import { StoreError, type Write } from '../../src/store/port.ts'
import { partsIn } from '../../src/kernel/operations.ts'
import {
  goodCard,
  left,
  newWorld,
  arrivedAt,
  orderRow,
  pass,
  rowsOf,
  settled,
  start,
  stocked,
  tamper,
  type Meddle,
  type Process,
} from '../kits/kernel-shop.ts'

const stateIn = (writes: readonly Write[]): unknown =>
  writes.flatMap((write) => ('put' in write && write.put === 'operations' ? [write.row['state']] : []))[0]

/** Meddles with the first commits that lead to a state, one failure each; all others land. */
function failing(state: string, ...failures: ((land: () => Promise<void>) => Promise<void>)[]): Meddle {
  return (writes, land) => {
    const failure = stateIn(writes) === state ? failures.shift() : undefined
    return failure ? failure(land) : land()
  }
}

const refuse = (code: 'BUSY' | 'FULL' | 'CONFLICT' | 'IN_DOUBT') => async (): Promise<void> => {
  throw new StoreError(code, 'as the test wants')
}
const landedInDoubt = async (land: () => Promise<void>): Promise<void> => {
  await land()
  throw new StoreError('IN_DOUBT', 'after the commit')
}

async function ordered(
  meddle?: Meddle,
  card = goodCard,
): Promise<{ world: ReturnType<typeof newWorld>; shop: Process; id: string }> {
  const world = newWorld()
  await stocked(world, 'tea', 5)
  const shop = await start(world, { ports: { card }, ...(meddle && { meddle }) })
  const { id } = await shop.orders.create({ item: 'tea' })
  return { world, shop, id }
}

describe('one step, one commit', () => {
  test('the row, the writes of the step and the projection of the kind land together', async () => {
    const commits: (readonly Write[])[] = []
    const { world, id } = await ordered(async (writes, land) => {
      await land()
      commits.push(writes)
    })
    expect(commits).toHaveLength(1)
    expect(commits[0]!.map((write) => Object.values(write)[0])).toEqual(['operations', 'stock', 'log'])
    expect(orderRow(world, id)).toMatchObject({ state: 'placed', version: 1, item: 'tea', lane: 'tea', attempt: 1 })
    expect(rowsOf(world, 'stock')).toEqual([{ item: 'tea', left: 4 }])
    expect(rowsOf(world, 'log')).toEqual([{ id, state: 'placed', status: 'active' }])
  })

  test('a first step that does not land leaves nothing, and rejects', async () => {
    const world = newWorld()
    await stocked(world, 'tea', 5)
    const before = world.rows.dump()
    const shop = await start(world, { meddle: refuse('FULL') })
    const creating = shop.orders.create({ item: 'tea' }).catch((error: unknown) => error)
    await pass(world, 10_000)
    expect(await creating).toMatchObject({ code: 'FULL' })
    expect(world.rows.dump()).toEqual(before)
    expect(await shop.operations.list()).toEqual([])
  })
})

describe('commit before visible', () => {
  test('nobody sees a step, and its effect does not start, while its commit is under way', async () => {
    let land = (): void => {}
    const held = new Promise<void>((resolve) => (land = resolve))
    const charged: string[] = []
    const heard: string[] = []
    const inspected: unknown[] = []
    const world = newWorld()
    await stocked(world, 'tea', 5)
    const shop = await start(world, {
      meddle: failing('charging', async (commit) => {
        await held
        await commit()
      }),
      inspect: (event) => event.type === '@xstate.snapshot' && inspected.push(event.snapshot.value),
      ports: {
        card: async ({ input }) => {
          charged.push(input.id)
          return new Promise(() => {})
        },
      },
    })
    const { id } = await shop.orders.create({ item: 'tea' })
    const actor = partsIn(shop.operations).supervisor.get(id)!
    const seen: unknown[] = []
    actor.subscribe((snapshot: { value: unknown }) => seen.push(snapshot.value))
    shop.operations.on(({ row }) => heard.push(row.state))

    const sent = shop.orders.send(id, { type: 'pay' })
    await settled()
    expect((actor.getSnapshot() as { value: unknown }).value).toBe('placed')
    expect([charged, heard, inspected]).toEqual([[], [], ['placed']])
    expect((await shop.operations.get(id)).state).toBe('placed')

    land()
    expect(await sent).toBe(true)
    expect((actor.getSnapshot() as { value: unknown }).value).toBe('charging')
    expect([charged, heard, inspected]).toEqual([[id], ['charging'], ['placed', 'charging']])
    expect(seen.at(-1)).toBe('charging')
    expect((await shop.operations.get(id)).state).toBe('charging')
  })

  test('events wait for the step before theirs, and are taken in order', async () => {
    let land = (): void => {}
    const held = new Promise<void>((resolve) => (land = resolve))
    const { shop, id, world } = await ordered(
      failing('charging', async (commit) => {
        await held
        await commit()
      }),
    )
    const sent = (['pay', 'cancel', 'pay'] as const).map((type) => shop.orders.send(id, { type }))
    await settled()
    expect(orderRow(world, id).state).toBe('placed')
    land()
    // `charging` takes neither of the others.
    expect(await Promise.all(sent)).toEqual([true, false, false])
  })

  test('an emitted event is delivered after the commit, and not if the commit was refused', async () => {
    const told: unknown[] = []
    const { shop, id } = await ordered(failing('shipping', refuse('CONFLICT'), refuse('CONFLICT')))
    shop.operations.on(({ row, emitted }) => told.push([row.state, ...emitted]))
    await shop.orders.send(id, { type: 'pay' })
    await settled()
    expect(told).toEqual([['charging'], ['shipping', { type: 'charged', id, receipt: `receipt of ${id}` }]])
  })

  test('a listener that throws does no harm, and the others are called', async () => {
    const { shop, id } = await ordered()
    const heard: string[] = []
    shop.operations.on(() => {
      throw new Error('a listener of the test throws')
    })
    shop.operations.on(({ row }) => heard.push(row.state))
    const loud = console.error
    const complaints: unknown[] = []
    console.error = (complaint: unknown) => void complaints.push(complaint)
    await shop.orders.send(id, { type: 'pay' })
    await settled()
    console.error = loud
    expect(heard).toEqual(['charging', 'shipping'])
    expect(complaints).toHaveLength(2)
  })

  test('a listener may send events and create operations', async () => {
    const { shop, id, world } = await ordered()
    const orders: Promise<{ id: string }>[] = []
    const off = shop.operations.on(({ row }) => {
      if (row.state !== 'shipping' || orders.length > 0) return
      orders.push(shop.orders.create({ item: 'tea' }))
      void shop.orders.send(id, arrivedAt('door'))
    })
    await shop.orders.send(id, { type: 'pay' })
    await settled()
    off()
    expect(orderRow(world, id).state).toBe('delivered')
    expect(orderRow(world, (await orders[0]!).id).state).toBe('placed')
  })
})

describe('a commit in doubt', () => {
  test.each([
    ['landed: the operation goes on, and nothing is written twice', landedInDoubt],
    ['did not land: it is tried again, under the same commit id', refuse('IN_DOUBT')],
  ])('that %s', async (_, failure) => {
    const ids: unknown[] = []
    const meddle = failing('charging', failure)
    const { world, shop, id } = await ordered((writes, land) => {
      if (stateIn(writes) === 'charging')
        ids.push(...writes.flatMap((write) => ('put' in write ? [write.row['commitId']] : [])).slice(0, 1))
      return meddle(writes, land)
    })
    const sent = shop.orders.send(id, { type: 'pay' })
    await pass(world, 100)
    expect(await sent).toBe(true)
    await settled()
    expect(orderRow(world, id)).toMatchObject({ state: 'shipping', version: 3 })
    expect(new Set(ids).size).toBe(1)
    expect(ids).toHaveLength(failure === landedInDoubt ? 1 : 2)
  })

  test('that lost to another process is given up, and the operation goes on from the stored row', async () => {
    const heard: string[] = []
    const world = newWorld()
    await stocked(world, 'tea', 5)
    const shop = await start(world, {
      ports: { card: goodCard },
      meddle: failing('charging', async () => {
        await faster()
        throw new StoreError('IN_DOUBT', 'before the commit')
      }),
    })
    const { id } = await shop.orders.create({ item: 'tea' })
    const other = await start(world)
    const faster = (): Promise<boolean> => other.orders.send(id, { type: 'cancel' })
    shop.operations.on(({ row }) => heard.push(row.state))
    const sent = shop.orders.send(id, { type: 'pay' })
    await pass(world, 1_000)
    expect(await sent).toBe(false)
    expect(heard).toEqual([])
    expect(orderRow(world, id)).toMatchObject({ state: 'cancelled', status: 'done', version: 2 })
  })

  test('stays undecided while the row cannot be read: no effect, no event, until it can', async () => {
    const world = newWorld()
    await stocked(world, 'tea', 5)
    let blind = false
    let charges = 0
    const rows = world.rows
    const open = rows.open.bind(rows)
    // The read back fails, too.
    rows.open = async (schema) => {
      const store = await open(schema)
      return {
        ...store,
        get: (table, key) =>
          blind ? Promise.reject(new StoreError('UNAVAILABLE', 'the disk is gone')) : store.get(table, key),
      }
    }
    const shop = await start(world, {
      ports: {
        card: async () => {
          charges += 1
          return { answer: 'unknown' }
        },
      },
      meddle: failing('charging', async (land) => {
        await land()
        blind = true
        throw new StoreError('IN_DOUBT', 'after the commit')
      }),
    })
    const { id } = await shop.orders.create({ item: 'tea' })
    const heard: string[] = []
    shop.operations.on(({ row }) => heard.push(row.state))
    const sent = shop.orders.send(id, { type: 'pay' })
    await pass(world, 30_000)
    expect([charges, heard]).toEqual([0, []])
    blind = false
    await pass(world, 6_000)
    expect(await sent).toBe(true)
    expect(charges).toBeGreaterThan(0)
    expect(heard[0]).toBe('charging')
  })
})

describe('a store that is busy or full', () => {
  test('retries until the step lands', async () => {
    const { world, shop, id } = await ordered(failing('charging', refuse('BUSY'), refuse('FULL'), refuse('BUSY')))
    const sent = shop.orders.send(id, { type: 'pay' })
    await settled()
    expect(orderRow(world, id).state).toBe('placed')
    await pass(world, 1_000)
    expect(await sent).toBe(true)
    expect(orderRow(world, id)).toMatchObject({ state: 'shipping', version: 3 })
  })
})

describe('a conflict', () => {
  test('on another row repeats the step with the present rows', async () => {
    const world = newWorld()
    await stocked(world, 'tea', 5)
    let taking = 0
    const shop = await start(world, {
      ports: { stepping: (step) => step === 'stock.take' && taking++ },
      meddle: failing('placed', async (land) => {
        await stocked(world, 'tea', 1)
        await land()
      }),
    })
    const { id } = await shop.orders.create({ item: 'tea' })
    expect(taking).toBe(2)
    expect(rowsOf(world, 'stock')).toEqual([{ item: 'tea', left: 0 }])
    expect(orderRow(world, id)).toMatchObject({ state: 'placed', version: 1 })
  })

  test('may lead to another state the second time', async () => {
    const world = newWorld()
    await stocked(world, 'tea', 1)
    const shop = await start(world, {
      meddle: failing('placed', async (land) => {
        await stocked(world, 'tea', 0)
        await land()
      }),
    })
    const { id } = await shop.orders.create({ item: 'tea' })
    expect(orderRow(world, id)).toMatchObject({ state: 'soldOut', status: 'done' })
  })

  test('of two orders for the last piece grants one', async () => {
    const world = newWorld()
    await stocked(world, 'tea', 1)
    const [one, two] = [await start(world), await start(world)]
    const orders = await Promise.all([one, two].map((shop) => shop.orders.create({ item: 'tea' })))
    expect(orders.map(({ state }) => state).toSorted()).toEqual(['placed', 'soldOut'])
    expect(rowsOf(world, 'stock')).toEqual([{ item: 'tea', left: 0 }])
  })

  test('of many steps at once ends: each gets its turn', async () => {
    const world = newWorld()
    await stocked(world, 'tea', 60)
    const shop = await start(world)
    const creating = Promise.all(Array.from({ length: 60 }, () => shop.orders.create({ item: 'tea' })))
    await pass(world, 60_000)
    expect((await creating).map(({ state }) => state)).toEqual(Array(60).fill('placed'))
    expect(rowsOf(world, 'stock')).toEqual([{ item: 'tea', left: 0 }])
  })

  test('without end is reported as a defect of the kind', async () => {
    const world = newWorld()
    await stocked(world, 'tea', 5)
    const shop = await start(world, { meddle: refuse('CONFLICT') })
    const creating = shop.orders.create({ item: 'tea' }).catch((error: unknown) => error)
    await pass(world, 60_000)
    expect(await creating).toMatchObject({ code: 'CONTENTION' })
    expect(rowsOf(world, 'operations')).toEqual([])
  })
})

describe('two processes on one store', () => {
  test('an event that one has handled is not handled by the other, which sees the result', async () => {
    const { world, id } = await left('placed')
    const [one, two] = [await start(world), await start(world)]
    expect(await one.orders.send(id, { type: 'cancel' })).toBe(true)
    // The other's actor still believes in `placed`; its commit is refused, and it reloads.
    expect(await two.orders.send(id, { type: 'pay' })).toBe(false)
    expect((await two.operations.get(id)).state).toBe('cancelled')
    expect(orderRow(world, id).version).toBe(2)
  })

  test('the answer of a stale owner is refused', async () => {
    const world = newWorld()
    await stocked(world, 'tea', 5)
    let answer: (charged: { answer: 'declined' }) => void = () => {}
    const one = await start(world, { ports: { card: () => new Promise((resolve) => (answer = resolve)) } })
    const { id } = await one.orders.create({ item: 'tea' })
    await one.orders.send(id, { type: 'pay' })
    await start(world, { ports: { card: goodCard } })
    expect(orderRow(world, id).state).toBe('shipping')
    answer({ answer: 'declined' })
    await pass(world, 1_000)
    expect(orderRow(world, id).state).toBe('shipping')
    expect(rowsOf(world, 'stock')).toEqual([{ item: 'tea', left: 4 }])
  })

  test('a process that lost an operation takes it back only after half a minute without a change', async () => {
    const { world, id } = await left('charging')
    const charges: string[] = []
    let answer = (): void => {}
    const one = await start(world, {
      ports: {
        card: ({ replay }) => {
          charges.push(`one${replay ? ', replay' : ''}`)
          return new Promise((resolve) => (answer = () => resolve({ answer: 'declined' })))
        },
      },
    })
    const two = await start(world, {
      ports: {
        card: () => {
          charges.push('two')
          return new Promise(() => {})
        },
      },
    })
    expect(charges).toEqual(['one, replay', 'two'])
    answer()
    await pass(world, 20_000)
    expect(await two.orders.send(id, { type: 'note' })).toBe(true)
    await pass(world, 39_000)
    expect(orderRow(world, id).state).toBe('charging')
    expect(charges).toEqual(['one, replay', 'two'])
    two.kill()
    await pass(world, 2_000)
    expect(charges).toEqual(['one, replay', 'two', 'one, replay'])
    one.kill()
  })

  test('a killed process leaves its versions behind, and the next goes on from them', async () => {
    const { world, id } = await left('charging')
    await tamper(world, id, { version: 41 })
    await start(world, { ports: { card: goodCard } })
    expect(orderRow(world, id)).toMatchObject({ state: 'shipping', version: 43 })
  })
})

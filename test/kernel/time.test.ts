/**
 * Goal: times are absolute and stored; a restart, a suspended machine or a corrected clock neither loses nor stretches
 * them. Method: a shop on a virtual clock is killed, left alone and started again; clocks that jump are put in between.
 */
import { expect, describe, test } from 'vitest'
import { systemClock, systemRandom, type Clock } from '../../src/kernel/index.ts'
import { TimerHeap } from '../../src/kernel/run/timer-heap.ts'
import { withSteadyReading } from '../../src/kernel/util/ports.ts'
import { VirtualClock } from '../../src/testing/explorer/life.ts'
import {
  goodCard,
  left,
  newWorld,
  arrivedAt,
  orderRow,
  pass,
  PAY_WITHIN_MS,
  settled,
  shopSchema,
  start,
  START_MS,
  stocked,
  tamper,
  type Card,
  type World,
} from '../kits/kernel-shop.ts'

const DAY_MS = 86_400_000

/** A clock whose time can be corrected; its timers know nothing of that. */
class JumpyClock implements Clock {
  offsetMs = 0
  readonly #inner: VirtualClock
  constructor(inner: VirtualClock) {
    this.#inner = inner
  }
  now(): number {
    return this.#inner.now() + this.offsetMs
  }
  monotonicMs(): number {
    return this.#inner.monotonicMs()
  }
  setTimeout(call: () => void, delayMs: number): unknown {
    return this.#inner.setTimeout(call, delayMs)
  }
  clearTimeout(timer: unknown): void {
    this.#inner.clearTimeout(timer)
  }
}

const timersOf = (world: World, id: string): Record<string, number> =>
  JSON.parse(orderRow(world, id).timers) as Record<string, number>

describe('timers', () => {
  test('are stored as points in time, with the step that starts them', async () => {
    const { world, id } = await left('placed')
    expect(timersOf(world, id)).toEqual({ 'xstate.after.payDeadline.order.placed': START_MS + PAY_WITHIN_MS })
    expect(orderRow(world, id).dueAt).toBe(START_MS + PAY_WITHIN_MS)
  })

  test('end when they end', async () => {
    const { world, id } = await left('placed')
    await start(world)
    await pass(world, PAY_WITHIN_MS - 1)
    expect(orderRow(world, id).state).toBe('placed')
    await pass(world, 1)
    expect(orderRow(world, id)).toMatchObject({ state: 'cancelled', dueAt: null, timers: '{}' })
  })

  test('are forgotten with the state that they belong to', async () => {
    const { world, id } = await left('placed')
    const shop = await start(world)
    await shop.orders.send(id, { type: 'pay' })
    await pass(world, 2 * PAY_WITHIN_MS)
    expect(orderRow(world, id)).toMatchObject({ state: 'charging', timers: '{}', dueAt: null })
  })

  test('go on after a restart with what was left of them, not from the start', async () => {
    const { world, id } = await left('placed')
    const shop = await start(world)
    await pass(world, PAY_WITHIN_MS - 1_000)
    shop.kill()
    await start(world)
    await pass(world, 999)
    expect(orderRow(world, id).state).toBe('placed')
    await pass(world, 1)
    expect(orderRow(world, id).state).toBe('cancelled')
  })

  test('that expired while no process ran ring at once', async () => {
    const { world, id } = await left('placed')
    await pass(world, 3 * PAY_WITHIN_MS)
    expect(orderRow(world, id).state).toBe('placed')
    await start(world)
    await pass(world, 0)
    expect(orderRow(world, id).state).toBe('cancelled')
  })

  test('that a row lacks are armed from when the row was written', async () => {
    const { world, id } = await left('placed')
    await tamper(world, id, { timers: '{}', dueAt: null })
    await pass(world, 1_000)
    await start(world)
    await pass(world, PAY_WITHIN_MS - 1_001)
    expect(orderRow(world, id).state).toBe('placed')
    await pass(world, 1)
    expect(orderRow(world, id).state).toBe('cancelled')
  })

  test('that the chart no longer has are dropped', async () => {
    const { world, id } = await left('placed')
    await tamper(world, id, { timers: JSON.stringify({ 'xstate.after.gone.order.placed': START_MS + 5 }) })
    await start(world)
    await pass(world, 10_000)
    expect(orderRow(world, id)).toMatchObject({ state: 'placed', version: 1 })
  })

  test('with until() ring at the time in the context', async () => {
    const { world, id } = await left('shipping')
    expect(timersOf(world, id)).toEqual({ 'xstate.after.promised.order.shipping': START_MS + 86_400_000 })
    await start(world)
    await pass(world, 86_399_000)
    expect(orderRow(world, id).state).toBe('shipping')
    await pass(world, 1_000)
    expect(orderRow(world, id).state).toBe('late')
  })

  test('with backoff() double, and lose up to half at random', async () => {
    const { world, id } = await left('placed')
    const shop = await start(world, { random: systemRandom, ports: { card: async () => ({ answer: 'unknown' }) } })
    const waits: number[] = []
    shop.operations.on(({ row }) => row.state === 'waiting' && waits.push(row.dueAt! - world.clock.now()))
    await shop.orders.send(id, { type: 'pay' })
    await pass(world, 600_000)
    const full = [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]
    for (const [at, mostMs] of full.entries()) {
      expect(waits[at]).toBeLessThanOrEqual(mostMs)
      expect(waits[at]).toBeGreaterThanOrEqual(mostMs / 2)
    }
    expect(new Set(waits.slice(5)).size).toBeGreaterThan(1)
  })
})

describe('a clock that jumps', () => {
  test('ahead, as after a suspended night, is noticed within a minute', async () => {
    const { world, id } = await left('placed')
    const clock = new JumpyClock(world.clock)
    await start(world, { clock })
    clock.offsetMs = 8 * 3_600_000
    await pass(world, 60_000)
    expect(orderRow(world, id).state).toBe('cancelled')
  })

  test('back makes no pause longer, and nothing due too early or twice', async () => {
    const { world, id } = await left('placed')
    const clock = new JumpyClock(world.clock)
    await start(world, { clock })
    await pass(world, 1_000)
    clock.offsetMs = -2 * DAY_MS
    await pass(world, PAY_WITHIN_MS - 1_001)
    expect(orderRow(world, id).state).toBe('placed')
    await pass(world, 1)
    expect(orderRow(world, id)).toMatchObject({ state: 'cancelled', version: 2 })
    await pass(world, 3 * DAY_MS)
    expect(orderRow(world, id).version).toBe(2)
  })

  test('back makes no back-off longer: two days back in a pause of seconds', async () => {
    const { world, id } = await left('placed')
    const clock = new JumpyClock(world.clock)
    let charges = 0
    const card: Card = async (args) => (++charges < 3 ? { answer: 'unknown' } : goodCard(args))
    const shop = await start(world, { clock, ports: { card } })
    await shop.orders.send(id, { type: 'pay' })
    await settled()
    clock.offsetMs = -2 * DAY_MS
    await pass(world, 2_000)
    expect(charges).toBe(2)
    clock.offsetMs = -4 * DAY_MS
    await pass(world, 4_000)
    expect(charges).toBe(3)
  })

  test('back makes no pause longer on a clock that has no other reading', async () => {
    const { world, id } = await left('placed')
    const jumpy = new JumpyClock(world.clock)
    const clock = {
      now: () => jumpy.now(),
      setTimeout: (call: () => void, delayMs: number) => jumpy.setTimeout(call, delayMs),
      clearTimeout: (timer: unknown) => jumpy.clearTimeout(timer),
    }
    await start(world, { clock: clock as Clock })
    jumpy.offsetMs = -2 * DAY_MS
    // What went by since the clock was last looked at is lost: a minute at most.
    await pass(world, PAY_WITHIN_MS + 60_000)
    expect(orderRow(world, id).state).toBe('cancelled')
  })

  test('back between two lives makes no pause longer than it is from the start on', async () => {
    const { world, id } = await left('placed')
    const clock = new JumpyClock(world.clock)
    clock.offsetMs = -2 * DAY_MS
    await start(world, { clock })
    await pass(world, PAY_WITHIN_MS - 1)
    expect(orderRow(world, id).state).toBe('placed')
    await pass(world, 1)
    expect(orderRow(world, id).state).toBe('cancelled')
  })

  test('leaves an end by the time of day to the time of day', async () => {
    const { world, id } = await left('shipping')
    const clock = new JumpyClock(world.clock)
    await start(world, { clock })
    clock.offsetMs = -DAY_MS
    await pass(world, DAY_MS)
    expect(orderRow(world, id).state).toBe('shipping')
    await pass(world, DAY_MS)
    expect(orderRow(world, id).state).toBe('late')
  })

  test('back holds up no poll', async () => {
    const { world } = await left('shipping')
    const clock = new JumpyClock(world.clock)
    const asked: number[] = []
    const parcel = async (): Promise<undefined> => void asked.push(world.clock.now())
    await start(world, { clock, ports: { parcel } })
    const startedMs = world.clock.now()
    await pass(world, 1_000)
    clock.offsetMs = -2 * DAY_MS
    await pass(world, 60_000)
    expect(asked.map((atMs) => atMs - startedMs)).toEqual([10_000, 25_000, 47_500])
  })

  test('back leaves the times of rows in order', async () => {
    const { world, id } = await left('placed')
    const clock = new JumpyClock(world.clock)
    const shop = await start(world, { clock })
    clock.offsetMs = -3_600_000
    await shop.orders.send(id, { type: 'pay' })
    const { createdAt, updatedAt } = orderRow(world, id)
    expect(updatedAt).toBeGreaterThanOrEqual(createdAt)
  })
})

describe('a watch', () => {
  test('asks again and again with growing pauses, and what it brings is an event', async () => {
    const { world, id } = await left('shipping')
    const asked: number[] = []
    const parcel: { at?: string } = {}
    await start(world, {
      ports: {
        parcel: async () => {
          asked.push(world.clock.now())
          return parcel.at
        },
      },
    })
    const startedMs = world.clock.now()
    await pass(world, 250_000)
    const pauses = asked.map((time, index) => time - (asked[index - 1] ?? startedMs))
    expect(pauses.slice(0, 6)).toEqual([10_000, 15_000, 22_500, 33_750, 50_625, 60_000])
    expect(orderRow(world, id).version).toBe(3)
    parcel.at = 'door'
    await pass(world, 60_000)
    expect(orderRow(world, id).state).toBe('delivered')
    const count = asked.length
    await pass(world, 600_000)
    expect(asked).toHaveLength(count)
  })

  test('asks about operations that are due at the same moment in one request, as many as it takes, lane by lane', async () => {
    const { world, id } = await left('shipping')
    const copy = (copyId: string, item: string) => {
      const row = orderRow(world, id)
      const snapshot = JSON.parse(row.snapshot) as { context: object }
      return {
        ...row,
        id: copyId,
        lane: item,
        snapshot: JSON.stringify({ ...snapshot, context: { ...snapshot.context, id: copyId, item } }),
      }
    }
    const store = await world.rows.open(shopSchema)
    const copies = [copy('b', 'tea'), copy('c', 'tea'), copy('d', 'tea'), copy('e', 'rice')]
    await store.commit(copies.map((row) => ({ put: 'operations', row })))
    const asked: (readonly string[])[] = []
    const parcel: { at?: string } = {}
    await start(world, {
      ports: {
        async parcel(ids) {
          asked.push(ids)
          return parcel.at
        },
      },
    })
    await pass(world, 10_000)
    expect(asked.map((ids) => ids.length).toSorted((a, b) => a - b)).toEqual([1, 1, 3])
    expect(asked.flat().toSorted()).toEqual([id, 'b', 'c', 'd', 'e'].toSorted())
    expect(asked.some((ids) => ids.includes('e') && ids.length === 1)).toBe(true)
    parcel.at = 'door'
    await pass(world, 15_000)
    expect([id, 'b', 'c', 'd', 'e'].map((each) => orderRow(world, each).state)).toEqual(Array(5).fill('delivered'))
  })

  test('asks at once when looked at', async () => {
    const { world, id } = await left('shipping')
    const shop = await start(world, { ports: { parcel: async () => 'door' } })
    void shop.operations.poll(id)
    await settled()
    expect(orderRow(world, id).state).toBe('delivered')
  })

  test('that fails is tried again', async () => {
    const { world, id } = await left('shipping')
    let questions = 0
    await start(world, {
      ports: {
        async parcel() {
          questions += 1
          if (questions < 3) throw new Error('no connection')
          return 'door'
        },
      },
    })
    await pass(world, 60_000)
    expect(orderRow(world, id)).toMatchObject({ state: 'delivered', version: 4 })
  })

  test('whose answer comes too late for its state says nothing', async () => {
    const { world, id } = await left('shipping')
    let say = (_: string): void => {}
    const shop = await start(world, { ports: { parcel: () => new Promise((resolve) => (say = resolve)) } })
    void shop.operations.poll(id)
    await settled()
    await shop.orders.send(id, arrivedAt('door'))
    say('door')
    await settled()
    expect(orderRow(world, id)).toMatchObject({ state: 'delivered', version: 4 })
  })

  test('does not hold up what is due', async () => {
    const { world, id } = await left('shipping')
    await start(world, { ports: { parcel: () => new Promise(() => {}) } })
    await pass(world, 86_400_000)
    expect(orderRow(world, id).state).toBe('late')
  })
})

describe('the heap', () => {
  test('wakes ids in order of their times, each once, with a single timer of the clock', async () => {
    let waiting = 0
    const inner = new VirtualClock(0)
    const clock: Clock = {
      now: () => inner.now(),
      monotonicMs: () => inner.monotonicMs(),
      setTimeout(call, delayMs) {
        waiting += 1
        return inner.setTimeout(() => {
          waiting -= 1
          call()
        }, delayMs)
      },
      clearTimeout(timer) {
        waiting -= 1
        inner.clearTimeout(timer)
      },
    }
    const woken: [string, number][] = []
    const timers = new TimerHeap(clock, (id) => woken.push([id, inner.now()]))
    // 1,000 ids in a scattered order; a third is moved, a third removed.
    const due = new Map<string, number>()
    for (let n = 0; n < 1_000; n++) {
      const [id, atMs] = [`id${n}`, ((n * 7919) % 1_000) * 50]
      timers.set(id, atMs)
      due.set(id, atMs)
    }
    for (let n = 0; n < 1_000; n += 3) {
      timers.set(`id${n}`, 60_000 + n)
      due.set(`id${n}`, 60_000 + n)
    }
    for (let n = 1; n < 1_000; n += 3) {
      timers.set(`id${n}`, null)
      due.delete(`id${n}`)
    }
    expect(waiting).toBe(1)
    expect(timers.nextMs).toBe(Math.min(...due.values()))
    while (inner.advance()) expect(waiting).toBeLessThanOrEqual(1)
    expect(woken.map(([, atMs]) => atMs)).toEqual([...due.values()].toSorted((a, b) => a - b))
    expect(new Map(woken)).toEqual(due)
    expect(waiting).toBe(0)
  })

  test('never trusts the clock’s timer further than a minute, and never wakes too early', async () => {
    const inner = new VirtualClock(0)
    const delays: number[] = []
    const woken: number[] = []
    const clock: Clock = {
      now: () => inner.now(),
      monotonicMs: () => inner.monotonicMs(),
      setTimeout(call, delayMs) {
        delays.push(delayMs)
        return inner.setTimeout(call, delayMs)
      },
      clearTimeout: (timer) => inner.clearTimeout(timer),
    }
    const timers = new TimerHeap(clock, () => woken.push(inner.now()))
    timers.set('a', 150_000)
    while (inner.advance());
    expect(delays).toEqual([60_000, 60_000, 30_000])
    expect(woken).toEqual([150_000])
    timers.set('b', 1_000_000)
    timers.stop()
    expect(inner.advance()).toBe(false)
  })
})

test('nothing is due while the clock stands still', async () => {
  const world = newWorld()
  await stocked(world, 'tea', 1)
  const shop = await start(world, { ports: { card: goodCard } })
  const { id } = await shop.orders.create({ item: 'tea' })
  await settled()
  expect(orderRow(world, id)).toMatchObject({ state: 'placed', version: 1 })
})

test('a clock without a steady reading gets one, for which it never goes back, and stays what it is otherwise', async () => {
  const done: string[] = []
  let nowMs = START_MS
  const bare = {
    now: () => nowMs,
    setTimeout: (_call: () => void, delayMs: number) => done.push(`waits ${delayMs}`),
    clearTimeout: (timer: unknown) => void done.push(`stops ${String(timer)}`),
  }
  const own = {
    ...bare,
    longestWaitMs: 5,
    turn: () => Promise.resolve(void done.push('turn')),
    hold: () => {
      done.push('hold')
      return () => void done.push('release')
    },
  }
  // As callers in JavaScript may write it.
  const clock = withSteadyReading(own as Clock)
  expect([clock.longestWaitMs, clock.now(), clock.monotonicMs()]).toEqual([5, START_MS, 0])
  nowMs += 70
  expect([clock.now(), clock.monotonicMs()]).toEqual([START_MS + 70, 70])
  nowMs -= 50
  expect([clock.now(), clock.monotonicMs()]).toEqual([START_MS + 20, 70])
  nowMs += 10
  expect(clock.monotonicMs()).toBe(80)
  clock.clearTimeout(clock.setTimeout(() => {}, 30))
  await clock.turn?.()
  clock.hold?.()()
  expect(done).toEqual(['waits 30', 'stops 1', 'turn', 'hold', 'release'])

  expect(Object.keys(withSteadyReading(bare as Clock))).toEqual(['now', 'monotonicMs', 'setTimeout', 'clearTimeout'])
  expect(withSteadyReading(systemClock)).toBe(systemClock)
})

/**
 * Goal: the requests of a lane keep to its rate, in one process and in several, whatever clocks do; and the urgent ones go first. Method:
 * limiters on virtual clocks that jump share one store in memory; every window between two requests is measured.
 */
import { setup } from 'xstate'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import {
  answered,
  defineOperation,
  effect,
  laneRates,
  lanesTable,
  openOperations,
  operationsTable,
  ownersTable,
  type Clock,
  type LaneRate,
  type Store,
  type Write,
} from '../../src/kernel/index.ts'
import { RequestLimiter } from '../../src/kernel/run/request-limiter.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { StoreError } from '../../src/store/port.ts'
import { covered, exploreCrashes, kindSubject, type KindStage } from '../../src/testing/index.ts'
import { VirtualClock } from '../../src/testing/explorer/life.ts'
import { exploreOwners } from '../../src/testing/lanes/owners.ts'

const START_MS = 1_750_000_000_000
const LANE = 'https://card.example'
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A clock that somebody sets; its steady reading and its timers know nothing of that. */
const jumpy = (inner: VirtualClock) => ({
  offsetMs: 0,
  now() {
    return inner.now() + this.offsetMs
  },
  monotonicMs: () => inner.monotonicMs(),
  setTimeout: (call: () => void, delayMs: number): unknown => inner.setTimeout(call, delayMs),
  clearTimeout: (timer: unknown) => inner.clearTimeout(timer),
})

/** What happens to the store's commits. */
type Around = (commit: () => Promise<void>) => Promise<void>

/** Processes that share a lane. */
async function sharing(
  rate: LaneRate | undefined,
  { isShared = true, limit = 1_000, isConditional = true, around = (commit: () => Promise<void>) => commit() } = {},
) {
  const tables = { operations: operationsTable(), lanes: lanesTable() }
  const store = await memoryStore().open({ version: 1, tables })
  const inner = new VirtualClock(START_MS)
  let commits = 0
  const atMs: number[] = []
  return {
    inner,
    /** When each request was made. */
    atMs,
    commits: () => commits,
    store,
    process: () => {
      const clock = jumpy(inner)
      const stop = new AbortController()
      const { signal } = stop
      const written = (writes: readonly Write[]) => (isConditional ? writes : writes.map((write) => ({ ...write, if: undefined }) as Write)) // prettier-ignore
      const counted = { ...store, commit: (writes: Parameters<Store['commit']>[0]) => around(() => (commits++, store.commit(written(writes)))) } as typeof store // prettier-ignore
      const rates = laneRates((lane) => (lane === LANE ? rate : undefined))
      const limiter = new RequestLimiter({
        ...{ limit, clock, open: async () => true },
        pace: (ready) => rates.begin({ store: counted, clock, signal, isShared, ready }),
      })
      const ask = (priority = 0, lane = LANE, aborted = signal) =>
        limiter.run(lane, aborted, async () => void atMs.push(inner.monotonicMs()), priority)
      return { clock, stop, limiter, ask }
    },
    /** Lets time go on until then. */
    until: async (ms: number) => {
      for (;;) {
        await settled()
        const [next] = inner.ringsMs.toSorted((a, b) => a - b)
        if (next === undefined || next > START_MS + ms) break
        inner.advance()
      }
      inner.sleep(START_MS + ms - inner.monotonicMs())
      await settled()
    },
  }
}

/** The most by which a window between two requests has more of them than the rate allows, without any burst. */
function excess(atMs: readonly number[], { perSecond }: LaneRate): number {
  const sorted = atMs.toSorted((a, b) => a - b)
  let most = 0
  for (const [from, fromMs] of sorted.entries())
    for (const [to, toMs] of sorted.entries())
      if (to >= from) most = Math.max(most, to - from + 1 - ((toMs - fromMs) * perSecond) / 1_000)
  return most
}

describe('the requests of a lane', () => {
  test('go at once up to a burst, and then by the rate', async () => {
    const rate = { perSecond: 2, burst: 3 }
    const { process, until, atMs } = await sharing(rate)
    const { ask } = process()
    for (let n = 0; n < 6; n++) void ask()
    await until(0)
    expect(atMs.length).toBe(3)
    await until(10_000)
    expect(atMs.map((ms) => ms - START_MS)).toEqual([0, 0, 0, 500, 1_000, 1_500])
    for (let n = 0; n < 4; n++) void ask()
    await until(10_000)
    expect(atMs.length).toBe(9)
    await until(20_000)
    expect(excess(atMs, rate)).toBeLessThanOrEqual(3)
  })

  test('of another lane, and of a lane without a rate, are not delayed', async () => {
    const { process, until, atMs } = await sharing({ perSecond: 0.1, burst: 1 })
    const { ask } = process()
    for (let n = 0; n < 3; n++) void ask()
    for (let n = 0; n < 50; n++) void ask(0, 'other')
    await until(0)
    expect(atMs.length).toBe(51)
  })

  test('of several processes together keep to it, whenever they come, and whichever of them die', async () => {
    const event = fc.record({
      at: fc.nat(60_000),
      process: fc.nat(2),
      count: fc.integer({ min: 1, max: 12 }),
      what: fc.constantFrom('ask', 'ask', 'ask', 'die'),
    })
    const property = fc.asyncProperty(
      fc.record({ perSecond: fc.constantFrom(0.2, 1, 3, 40), burst: fc.integer({ min: 1, max: 8 }) }),
      fc.array(event, { minLength: 1, maxLength: 25 }),
      async (rate, events) => {
        const shared = await sharing(rate)
        const processes = [shared.process(), shared.process(), shared.process()]
        let asked = 0
        for (const { at, process, count, what } of events.toSorted((a, b) => a.at - b.at)) {
          await shared.until(at)
          if (what === 'die') {
            processes[process]?.stop.abort()
            processes[process] = shared.process()
          } else for (let n = 0; n < count; n++, asked++) void processes[process]?.ask()
        }
        await shared.until(60_000 + (asked * 2_000 * (1 + rate.perSecond)) / rate.perSecond)
        expect(excess(shared.atMs, rate)).toBeLessThan(rate.burst + 1)
        const died = events.some(({ what }) => what === 'die')
        expect(shared.atMs.length).toBeGreaterThanOrEqual(died ? 0 : asked)
      },
    )
    await fc.assert(property, { numRuns: 40 })
  }, 60_000)

  test('exceed it where a process takes slots without a condition on their row', async () => {
    const rate = { perSecond: 1, burst: 2 }
    const { process, until, atMs } = await sharing(rate, { isConditional: false })
    for (const { ask } of [process(), process()]) for (let n = 0; n < 4; n++) void ask()
    await until(10_000)
    expect(excess(atMs, rate)).toBeGreaterThanOrEqual(rate.burst + 1)
  })

  test('use the rate that there is, with few commits', async () => {
    const rate = { perSecond: 50, burst: 5 }
    const { process, until, atMs, commits } = await sharing(rate)
    const [one, other] = [process(), process()]
    for (let n = 0; n < 2_000; n++) void one.ask()
    for (let n = 0; n < 2_000; n++) void other.ask()
    await until(20_000)
    expect(atMs.length).toBeGreaterThan(950)
    expect(excess(atMs, rate)).toBeLessThanOrEqual(rate.burst + 1e-6)
    expect(commits()).toBeLessThan(atMs.length / 10)
  })

  test('go on after a process died with slots that it never used', async () => {
    const { process, until, atMs } = await sharing({ perSecond: 10, burst: 2 })
    const dead = process()
    for (let n = 0; n < 100; n++) void dead.ask()
    await until(5_000)
    dead.stop.abort()
    dead.limiter.finish()
    const before = atMs.length
    const { ask } = process()
    for (let n = 0; n < 10; n++) void ask()
    await until(9_000)
    expect(atMs.length).toBe(before + 10)
  })

  test('wait for a store that is away, and go when it is back; a commit in doubt costs slots, and no more', async () => {
    const rate = { perSecond: 10, burst: 4 }
    let away = true
    let doubts = 3
    const around: Around = async (commit) => {
      if (away) throw new StoreError('UNAVAILABLE', 'away')
      await commit()
      if (doubts-- > 0) throw new StoreError('IN_DOUBT', 'unheard')
    }
    const { process, until, atMs } = await sharing(rate, { around })
    const { ask } = process()
    for (let n = 0; n < 20; n++) void ask()
    await until(30_000)
    expect(atMs).toEqual([])
    away = false
    await until(40_000)
    expect(atMs.length).toBe(20)
    expect(excess(atMs, rate)).toBeLessThanOrEqual(4 + 1e-6)
  })

  test('go by a store that takes longer for each commit than a burst lasts', async () => {
    const rate = { perSecond: 20, burst: 1 }
    const slow: { clock?: VirtualClock } = {}
    const around: Around = async (commit) => {
      await commit()
      await new Promise<void>((resolve) => slow.clock?.setTimeout(resolve, 3_000))
    }
    const { inner, process, until, atMs } = await sharing(rate, { around })
    slow.clock = inner
    const { ask } = process()
    for (let n = 0; n < 40; n++) void ask()
    await until(60_000)
    expect(atMs.length).toBe(40)
    expect(excess(atMs, rate)).toBeLessThanOrEqual(1 + 1e-6)
  })
})

describe('a clock that is set', () => {
  const rate = { perSecond: 5, burst: 5 }
  const DAY_MS = 86_400_000

  for (const isShared of [true, false])
    for (const jumpMs of [DAY_MS, -DAY_MS, 20_000, -20_000])
      test(`by ${jumpMs / 1_000} s neither opens the gate nor closes it for more than a minute, ${isShared ? 'shared' : 'alone'}`, async () => {
        const { process, until, atMs } = await sharing(rate, { isShared })
        const { ask, clock } = process()
        for (let n = 0; n < 1_000; n++) void ask()
        await until(10_000)
        clock.offsetMs = jumpMs
        const before = atMs.length
        await until(11_000)
        expect(atMs.length - before).toBeLessThanOrEqual(10)
        await until(110_000)
        expect(atMs.length - before).toBeGreaterThan(190)
        clock.offsetMs = 0
        const back = atMs.length
        await until(210_000)
        expect(atMs.length - back).toBeGreaterThan(190)
        expect(excess(atMs, rate)).toBeLessThanOrEqual(5 + 1e-6)
      })

  test('to and fro all the time opens it no further than a rate for each process', async () => {
    const { process, until, atMs } = await sharing(rate)
    const [one, other] = [process(), process()]
    for (let n = 0; n < 1_000; n++) void [one.ask(), other.ask()]
    for (let second = 0; second < 100; second++) {
      one.clock.offsetMs = second % 2 === 0 ? DAY_MS : -DAY_MS
      await until(second * 1_000)
    }
    expect(excess(atMs, { perSecond: 10, burst: 1 })).toBeLessThanOrEqual(10 + 1e-6)
  })

  test('that is wrong by some seconds all the time has its share, and leaves the other one its own', async () => {
    const { process, until, atMs } = await sharing(rate)
    const [one, other] = [process(), process()]
    other.clock.offsetMs = 7_000
    const made = [0, 0]
    for (let n = 0; n < 1_000; n++) {
      void one.ask().then(() => made[0]!++)
      void other.ask().then(() => made[1]!++)
    }
    await until(100_000)
    expect(Math.min(...made)).toBeGreaterThan(40)
    expect(atMs.length).toBeLessThanOrEqual(500 + 5 + 7 * 5)
  })
})

describe('those that wait', () => {
  test('go by priority, then in order, for room and for their rate', async () => {
    for (const options of [{ limit: 1 }, { limit: 1_000 }]) {
      const { process, until } = await sharing({ perSecond: 1, burst: 1 }, options)
      const { limiter, stop } = process()
      const ran: string[] = []
      const ask = (name: string, priority: number) =>
        void limiter.run(LANE, stop.signal, async () => void ran.push(name), priority)
      ask('first', 0)
      await until(0)
      for (const name of ['a', 'b', 'c']) ask(name, 0)
      ask('low', -1)
      for (const name of ['x', 'y']) ask(name, 5)
      await until(2_000)
      expect(ran).toEqual(['first', 'x', 'y'])
      ask('late', 5)
      await until(60_000)
      expect(ran).toEqual(['first', 'x', 'y', 'late', 'a', 'b', 'c', 'low'])
    }
  })

  test('are let go by their signal, and hold up nobody', async () => {
    const { process, until, atMs } = await sharing({ perSecond: 1, burst: 1 })
    const { ask } = process()
    void ask()
    await until(0)
    const stop = new AbortController()
    const dropped = ask(9, LANE, stop.signal)
    const kept = ask()
    await until(500)
    stop.abort()
    expect(await dropped).toBeUndefined()
    await until(1_000)
    await kept
    expect(atMs.length).toBe(2)
  })

  test('are told why, and how long', async () => {
    const { process, until } = await sharing({ perSecond: 0.1, burst: 1 })
    const { ask, limiter } = process()
    void ask()
    await until(0)
    expect(limiter.heldBack(LANE)).toBeUndefined()
    void ask()
    await until(4_000)
    expect(limiter.heldBack(LANE)).toEqual({
      why: 'its lane takes a request every 10 seconds',
      needsHuman: false,
      leftMs: 6_000,
    })
    await until(10_000)
    expect(limiter.heldBack(LANE)).toBeUndefined()
  })
})

const charge = effect<{ answer: 'ok' }, { id: string }>({ answers: { ok: true } })
const order = defineOperation({
  kind: 'order',
  version: 1,
  machine: setup({
    types: {} as { context: { id: string; urgent: boolean }; input: { id: string; urgent: boolean } },
    actors: { charge },
  }).createMachine({
    context: ({ input }) => input,
    initial: 'charging',
    states: {
      charging: {
        invoke: {
          src: 'charge',
          input: ({ context: { id } }) => ({ id }),
          onDone: { guard: answered('ok'), target: 'paid' },
        },
      },
      paid: { type: 'final' },
    },
  }),
  lane: () => LANE,
  priority: ({ urgent }) => (urgent ? 1 : 0),
  effects: (card: (id: string) => Promise<void>) => ({
    charge: ({ input: { id } }) => card(id).then(() => ({ answer: 'ok' as const })),
  }),
})

describe('operations', () => {
  const tables = { operations: operationsTable(), lanes: lanesTable() }
  const opened = async (clock: Clock, charged: string[]) =>
    openOperations({
      store: await memoryStore().open({ version: 1, tables }),
      ...{ tables, kinds: [order], clock },
      ports: async (id: string) => void charged.push(id),
      rates: laneRates(() => ({ perSecond: 1, burst: 1 })),
    })

  test('wait for the rate of their lane, the urgent ones less, and explain it', async () => {
    const clock = new VirtualClock(START_MS)
    const charged: string[] = []
    const operations = await opened(clock, charged)
    const orders = operations.of(order)
    await orders.create({ urgent: false }, { id: 'first' })
    await settled()
    await orders.create({ urgent: false }, { id: 'patient' })
    await orders.create({ urgent: true }, { id: 'urgent' })
    await settled()
    const lanePaused = { why: 'its lane takes 1 requests a second', untilMs: START_MS + 1_000, inMs: 1_000 }
    expect(await operations.explain('patient')).toMatchObject({ lanePaused, underWay: ['charge'] })
    expect((await operations.explain('first')).lanePaused).toEqual(lanePaused)
    do await settled()
    while (clock.advance() && charged.length < 3)
    expect(charged).toEqual(['first', 'urgent', 'patient'])
    operations.close()
  })

  test('that are polled keep to the rate of their lane, too', async () => {
    const clock = new VirtualClock(START_MS)
    const asked: number[] = []
    const waiting = setup({
      types: {} as { context: object; input: { id: string }; events: { type: 'came' } },
    }).createMachine({
      context: {},
      initial: 'waiting',
      states: { waiting: { meta: { poll: 'there' }, on: { came: 'done' } }, done: { type: 'final' } },
    })
    const parcel = defineOperation({
      kind: 'parcel',
      version: 1,
      machine: waiting,
      lane: () => LANE,
      effects: () => ({}),
      polls: () => ({
        there: {
          ...{ firstMs: 1_000, maxMs: 1_000, most: 1, sends: ['came'] },
          ask: async () => (asked.push(clock.now() - START_MS), [undefined]),
        },
      }),
    })
    const store = await memoryStore().open({ version: 1, tables })
    const rates = laneRates(() => ({ perSecond: 0.1, burst: 1 }))
    const operations = openOperations({ store, tables, kinds: [parcel], ports: {}, clock, rates })
    await Promise.all([1, 2, 3].map(() => operations.of(parcel).create({})))
    do await settled()
    while (clock.now() < START_MS + 31_000 && clock.advance())
    expect(asked).toEqual([1_000, 11_000, 21_000, 31_000])
    operations.close()
  })

  test('are not opened with rates that are none, or that their processes cannot share', async () => {
    const store = await memoryStore().open({ version: 1, tables })
    const options = { store, tables, kinds: [order], ports: async () => {} }
    const rates = laneRates(() => ({ perSecond: 1, burst: 1 }))
    // @ts-expect-error: they are made by laneRates
    expect(() => openOperations({ ...options, rates: () => ({ perSecond: 1, burst: 1 }) })).toThrow(/^rates: /)
    // @ts-expect-error: a function
    expect(() => laneRates({ perSecond: 1, burst: 1 })).toThrow(/^of: a function$/)
    const shared = { ...store, ownership: { by: 'heartbeats' } } as const
    const { lanes: _, ...without } = tables
    expect(() => openOperations({ ...options, store: shared, tables: without, rates })).toThrow(/^tables: a lanesTable/)
  })

  test('say of a rate that is none what is wrong with it', async () => {
    for (const [rate, wrong] of [
      [{ perSecond: 0, burst: 1 }, /rate\.perSecond: a number above 0/],
      [{ perSecond: 1, burst: 0 }, /rate\.burst: a whole number from 1/],
      [{ perSecond: 1 }, /rate\.burst: a whole number from 1/],
      [{ perSecond: 1, burst: 1, per: 'minute' }, /per: not among perSecond, burst/],
    ] as const) {
      const { process } = await sharing(rate as LaneRate)
      await expect(process().ask()).rejects.toThrow(wrong)
    }
  })
})

describe('every crash of orders in a slow lane is survived, and none is stuck:', () => {
  type Service = { readonly charged: string[] }
  const subject = kindSubject({
    kinds: [order],
    tables: { operations: operationsTable(), lanes: lanesTable(), owners: ownersTable() },
    outside: (): Service => ({ charged: [] }),
    ports:
      ({ charged }) =>
      async (id: string) =>
        void (charged.includes(id) || charged.push(id)),
    rates: laneRates(() => ({ perSecond: 0.5, burst: 1 })),
    judge: ({ outside: { charged }, operations }) =>
      charged.length === operations.length ? [] : [`payment: ${charged.length} of ${operations.length} charged`],
  })
  const drive = async ({ operations }: KindStage<Service>): Promise<void> => {
    const orders = operations.of(order)
    const made = await Promise.all([false, true].map((urgent) => orders.create({ urgent }, { key: `${urgent}` })))
    await Promise.all(made.map(({ id }) => orders.until(id, ({ status }) => (status === 'done' ? status : undefined))))
  }
  const scenario = { kind: 'order', name: 'slow', subject, drive }

  test('with one process', async () => {
    const told: unknown[] = []
    vi.stubGlobal('reportError', (error: unknown) => told.push(error))
    const found = await exploreCrashes(scenario, { faults: 1 })
    vi.unstubAllGlobals()
    // Of a store that refuses slots for good somebody hears.
    expect(new Set(told.map((error) => error instanceof StoreError && error.code))).toEqual(new Set(['UNSTORABLE']))
    expect(found.violations).toEqual([])
    expect(found.closed).toBe(true)
    expect(covered(order, new Set(found.visited)).uncovered).toEqual([])
    expect(found.worlds).toBeGreaterThan(3)
  }, 60_000)

  test.each([
    { by: 'lock', processes: 2, caller: 'second' },
    { by: 'heartbeats', processes: 2, caller: 'first' },
  ] as const)(
    'with two, by $by',
    async (sharing) => {
      const found = await exploreOwners(scenario, { sharings: [sharing] })
      expect(found).toMatchObject({ violations: [], closed: true })
      expect(found.lives).toBeGreaterThan(10)
    },
    60_000,
  )
})

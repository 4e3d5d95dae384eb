/**
 * Goal: each tick of a schedule is fired once, at its time, whatever befalls the processes; what was missed is made up for as was asked.
 * Method: schedules on a virtual clock, whose ticks are named by hand.
 */
import { setup } from 'xstate'
import { describe, expect, test } from 'vitest'
import { defineOperation, openOperations, operationsTable, type OperationRow } from '../../src/kernel/index.ts'
import { schedule, type ScheduleInput, type Tick } from '../../src/kernel/schedule/index.ts'
import { ticksOf } from '../../src/kernel/schedule/ticks.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/port.ts'
import { VirtualClock, worldRandom } from '../../src/testing/explorer/life.ts'

const at = (text: string): number => Date.parse(text)
const [SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS] = [1_000, 60_000, 3_600_000, 86_400_000]
const START_MS = at('2026-01-01T00:00:00Z')

/** A child that takes as long as its schedule says. */
const report = defineOperation({
  kind: 'report',
  version: 1,
  machine: setup({
    types: {} as { context: { tickMs: number; tookMs: number }; input: { id: string; tickMs: number; tookMs: number } },
    delays: { took: ({ context: { tookMs } }) => tookMs },
  }).createMachine({
    context: ({ input: { tickMs, tookMs } }) => ({ tickMs, tookMs }),
    initial: 'working',
    states: { working: { after: { took: 'reported' } }, reported: { type: 'final' } },
  }),
  effects: () => ({}),
})
const nightly = schedule({
  kind: 'nightly',
  starts: report,
  input: ({ tickMs, data }: Tick<number>) => ({ tickMs, tookMs: data }),
})

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** A process; others may share its store and its clock. */
async function process(of: { store?: Store; clock?: VirtualClock; seed?: number } = {}) {
  const tables = { operations: operationsTable() }
  const store = of.store ?? (await memoryStore().open({ version: 1, tables }))
  const clock = of.clock ?? new VirtualClock(START_MS)
  const told: unknown[] = []
  const operations = openOperations({
    ...{
      store,
      tables,
      kinds: [report, nightly],
      ports: {},
      clock,
      random: worldRandom({ entropy: (of.seed ?? 1) * 1_000_000 }),
    },
    onError: ({ error }) => told.push(error),
  })
  await operations.resumed
  const rows = () => store.query<OperationRow>({ table: 'operations', index: 'byKind', prefix: ['report'] })
  return {
    store,
    clock,
    operations,
    schedules: operations.of(nightly),
    /** Lets time go on until then. */
    until: async (ms: number) => {
      for (;;) {
        await settled()
        if (!clock.ringsMs.some((ringMs) => ringMs <= ms)) break
        clock.advance()
      }
      clock.sleep(Math.max(0, ms - clock.rightMs))
      await settled()
      expect(told).toEqual([])
    },
    /** The names of all children, in their order. */
    fired: async () => (await rows()).map(({ id }) => id.slice(id.indexOf('/') + 1)).toSorted(),
    create: async (input: Partial<ScheduleInput<number>> & ({ cron: string } | { everyMs: number }), id = 's') =>
      operations.of(nightly).create({ data: 0, ...input } as ScheduleInput<number>, { id }),
  }
}

const iso = (ms: number): string => new Date(ms).toISOString()
const hours = (...all: number[]): string[] => all.map((hour) => iso(START_MS + hour * HOUR_MS))

describe('the ticks', () => {
  /** The first so many after a time. */
  const ticks = (cron: string, timeZone: string, from: string, count: number): string[] => {
    const { after, upTo } = ticksOf({ cron, timeZone }, { fromMs: null, untilMs: null })
    const found: string[] = []
    for (let ms = after(at(from)); ms !== null && found.length < count; ms = after(ms)) {
      found.push(iso(ms))
      // It is found from behind, too, and from just before.
      expect([upTo(ms), upTo(ms + 999), after(ms - 1)]).toEqual([ms, ms, ms])
    }
    return found.map((text) => text.replace(':00.000Z', 'Z'))
  }

  test('of a time of day that is missing in spring come where the hour is over', () => {
    expect(ticks('30 2 * * *', 'Europe/Berlin', '2026-03-28T00:00Z', 3)).toEqual([
      ...['2026-03-28T01:30Z', '2026-03-29T01:00Z', '2026-03-30T00:30Z'],
    ])
    expect(ticks('30 2 * * *', 'America/New_York', '2026-03-07T00:00Z', 3)).toEqual([
      ...['2026-03-07T07:30Z', '2026-03-08T07:00Z', '2026-03-09T06:30Z'],
    ])
  })

  test('of a time of day that comes twice in autumn come once', () => {
    expect(ticks('30 2 * * *', 'Europe/Berlin', '2026-10-24T00:00Z', 3)).toEqual([
      ...['2026-10-24T00:30Z', '2026-10-25T00:30Z', '2026-10-26T01:30Z'],
    ])
    expect(ticks('30 1 * * *', 'America/New_York', '2026-10-31T00:00Z', 3)).toEqual([
      ...['2026-10-31T05:30Z', '2026-11-01T05:30Z', '2026-11-02T06:30Z'],
    ])
  })

  test('that come each half hour come each half hour in those nights, too', () => {
    for (const [zone, night] of [
      ['Europe/Berlin', '2026-03-28T23:45Z'],
      ['Europe/Berlin', '2026-10-24T23:45Z'],
      ['America/New_York', '2026-03-08T04:45Z'],
      ['America/New_York', '2026-11-01T03:45Z'],
    ] as const) {
      const found = ticks('*/30 * * * *', zone, night, 10).map(at)
      expect(found.map((ms) => (ms - at(night)) / MINUTE_MS)).toEqual([15, 45, 75, 105, 135, 165, 195, 225, 255, 285])
    }
  })

  test('of the ends of months, of a day that some months lack and of a leap day are the right ones', () => {
    expect(ticks('0 0 L * *', 'UTC', '2027-12-31T00:00Z', 4)).toEqual([
      ...['2028-01-31T00:00Z', '2028-02-29T00:00Z', '2028-03-31T00:00Z', '2028-04-30T00:00Z'],
    ])
    expect(ticks('0 0 31 * *', 'UTC', '2026-01-31T00:00Z', 3)).toEqual([
      ...['2026-03-31T00:00Z', '2026-05-31T00:00Z', '2026-07-31T00:00Z'],
    ])
    expect(ticks('0 12 29 2 *', 'Europe/Berlin', '2026-01-01T00:00Z', 2)).toEqual([
      ...['2028-02-29T11:00Z', '2032-02-29T11:00Z'],
    ])
  })

  test('of an interval lie in their bounds', () => {
    const { after, upTo } = ticksOf({ everyMs: 10, anchorMs: 100 }, { fromMs: 95, untilMs: 130 })
    expect([0, 99, 100, 109, 110, 129, 130].map(after)).toEqual([100, 100, 110, 110, 120, 130, null])
    expect([0, 99, 100, 109, 110, 129, 500].map(upTo)).toEqual([null, null, 100, 100, 110, 120, 130])
  })
})

describe('a schedule', () => {
  test('fires each tick at its time, under its name, and hands it on', async () => {
    const { create, until, fired, operations } = await process()
    await create({ cron: '0 */6 * * *', data: SECOND_MS })
    await until(START_MS + 6 * HOUR_MS - 1)
    expect(await fired()).toEqual([])
    await until(START_MS + 6 * HOUR_MS)
    expect(await fired()).toEqual(hours(6))
    expect(await operations.list({ parent: 's', status: 'active' })).toHaveLength(1)
    await until(START_MS + 18 * HOUR_MS)
    expect(await fired()).toEqual(hours(6, 12, 18))
    const child = await operations.of(report).get(`s/${iso(START_MS + 12 * HOUR_MS)}`)
    expect(child).toMatchObject({
      state: 'reported',
      snapshot: { context: { tickMs: START_MS + 12 * HOUR_MS, tookMs: SECOND_MS } },
    })
  })

  test('at an interval fires from its creation on, or from its beginning to its end', async () => {
    const { create, until, fired, schedules } = await process()
    await create({ everyMs: HOUR_MS })
    await until(START_MS + 2.5 * HOUR_MS)
    expect(await fired()).toEqual(hours(1, 2))
    const bounds = { fromMs: START_MS + 4 * HOUR_MS, untilMs: START_MS + 6 * HOUR_MS }
    await create({ everyMs: HOUR_MS, ...bounds }, 'bound')
    await schedules.send('s', { type: 'end' })
    await until(START_MS + 9 * HOUR_MS)
    expect(await fired()).toEqual(hours(1, 2, 4, 5, 6))
    expect(await schedules.get('bound')).toMatchObject({ state: 'ended', status: 'done' })
  })

  test('that is created with what is none is refused by name, and nothing is stored', async () => {
    const { schedules, operations } = await process()
    const wrong: [object, RegExp][] = [
      [{ cron: '61 * * * *' }, /^cron: an expression of five to seven fields$/],
      [{ cron: 'daily' }, /^cron: /],
      [{ cron: 7 }, /^cron: /],
      [{}, /^cron: either this or everyMs$/],
      [{ cron: '* * * * *', everyMs: HOUR_MS }, /^cron: either/],
      [{ cron: '* * * * *', timeZone: 'Mars/Olympus' }, /^timeZone: the name of a time zone/],
      [{ everyMs: HOUR_MS, timeZone: 'UTC' }, /^timeZone: of a cron expression only$/],
      [{ everyMs: 10 }, /^everyMs: a whole number from 1000$/],
      [{ everyMs: HOUR_MS, missed: 'some' }, /^missed: one of skip, one, all$/],
      [{ everyMs: HOUR_MS, overlap: 'queue' }, /^overlap: one of allow, skip$/],
      [{ everyMs: HOUR_MS, fromMs: Number.NaN }, /^fromMs: /],
      [{ everyMs: HOUR_MS, untilMs: 9e15 }, /^untilMs: a time$/],
      [{ everyMs: HOUR_MS, graceMs: -1 }, /^graceMs: /],
      [{ everyMs: HOUR_MS, zone: 'UTC' }, /^zone: not among/],
    ]
    for (const [input, message] of wrong) {
      const made = schedules.create({ data: 0, ...input } as ScheduleInput<number>)
      await expect(made).rejects.toThrow(TypeError)
      await expect(made).rejects.toThrow(message)
    }
    expect(await operations.list()).toEqual([])
    // @ts-expect-error: a function makes the input of children
    expect(() => schedule({ kind: 'x', starts: report })).toThrow(/^input: a function$/)
    // @ts-expect-error: the input is the child's
    expect(schedule({ kind: 'x', starts: report, input: () => ({ tickMs: 1 }) }).kind).toBe('x')
    // @ts-expect-error: there are data
    void schedules.create({ everyMs: HOUR_MS }).catch(() => {})
  })

  test('that has no tick to come ends', async () => {
    const { create } = await process()
    expect(await create({ cron: '0 0 31 2 *' })).toMatchObject({ state: 'ended', status: 'done' })
  })
})

describe('ticks that were missed', () => {
  /** A schedule whose processes are away for so long. */
  async function away(input: Parameters<Awaited<ReturnType<typeof process>>['create']>[0], forMs: number) {
    const first = await process()
    await first.create(input)
    first.operations.close()
    await settled()
    first.clock.sleep(forMs)
    const next = await process({ store: first.store, clock: first.clock, seed: 2 })
    await next.until(START_MS + forMs)
    return next
  }

  test('are skipped, unless they come within the grace', async () => {
    const { fired, until } = await away({ everyMs: HOUR_MS, missed: 'skip' }, 5.5 * HOUR_MS)
    expect(await fired()).toEqual([])
    await until(START_MS + 6 * HOUR_MS)
    expect(await fired()).toEqual(hours(6))
    expect(await (await away({ everyMs: HOUR_MS, missed: 'skip' }, 5 * HOUR_MS + 59_000)).fired()).toEqual(hours(5))
    const graceMs = 1_800_000
    expect(await (await away({ everyMs: HOUR_MS, missed: 'skip', graceMs }, 5.5 * HOUR_MS)).fired()).toEqual(hours(5))
  })

  test('are made up for by the last of them', async () => {
    const { fired, until } = await away({ everyMs: HOUR_MS }, 5.5 * HOUR_MS)
    expect(await fired()).toEqual(hours(5))
    await until(START_MS + 6 * HOUR_MS)
    expect(await fired()).toEqual(hours(5, 6))
  })

  test('are all made up for, a hundred in a step', async () => {
    const { fired, store } = await away({ everyMs: MINUTE_MS, missed: 'all' }, 1_050.5 * MINUTE_MS)
    expect(await fired()).toEqual(Array.from({ length: 1_050 }, (_, n) => iso(START_MS + (n + 1) * MINUTE_MS)))
    // Its creation, and eleven steps.
    expect(await store.get('operations', ['s'])).toMatchObject({ version: 12 })
  })

  test('by millions cost nothing, where they are not all made up for', async () => {
    for (const missed of ['skip', 'one'] as const) {
      const began = performance.now()
      const { fired, store } = await away(
        { cron: '* * * * * *', timeZone: 'Europe/Berlin', missed },
        1_000 * DAY_MS + 500,
      )
      expect(await fired()).toEqual([iso(START_MS + 1_000 * DAY_MS)])
      expect((await store.get<OperationRow>('operations', ['s']))?.snapshot.length).toBeLessThan(600)
      expect(performance.now() - began).toBeLessThan(5_000)
    }
  })

  test('by millions can be ended while they are made up for', async () => {
    const first = await process()
    await first.create({ everyMs: SECOND_MS, missed: 'all' })
    first.clock.sleep(1_000 * DAY_MS)
    first.clock.advance()
    await settled()
    await first.schedules.send('s', { type: 'end' })
    expect((await first.fired()).length).toBeLessThan(3_000)
    expect(await first.schedules.get('s')).toMatchObject({ state: 'ended' })
  })
})

describe('callers', () => {
  test('pause and resume it; what came in the pause is passed over', async () => {
    const { create, until, fired, schedules, operations } = await process()
    await create({ everyMs: HOUR_MS, missed: 'all' })
    await until(START_MS + HOUR_MS)
    await schedules.send('s', { type: 'pause' })
    await until(START_MS + 4 * HOUR_MS)
    expect(await fired()).toEqual(hours(1))
    expect(await operations.explain('s')).toMatchObject({
      why: 'Fires nothing until somebody resumes it.',
      needsHuman: true,
      takes: ['resume', 'trigger', 'backfill', 'end'],
    })
    await schedules.send('s', { type: 'resume' })
    await until(START_MS + 6 * HOUR_MS)
    expect(await fired()).toEqual(hours(1, 5, 6))
  })

  test('trigger it, also in a pause, each time anew', async () => {
    const { create, until, fired, schedules, operations } = await process()
    await create({ everyMs: HOUR_MS, overlap: 'skip', data: 10 * HOUR_MS })
    await until(START_MS + 1_234)
    expect(await schedules.send('s', { type: 'trigger' })).toBe(true)
    await schedules.send('s', { type: 'pause' })
    await schedules.send('s', { type: 'trigger' })
    expect((await schedules.get('s')).state).toBe('paused')
    expect(await fired()).toEqual(['trigger-1', 'trigger-2'])
    expect((await operations.of(report).get('s/trigger-1')).snapshot?.context.tickMs).toBe(START_MS + 1_234)
  })

  test('have a range of ticks fired, but for those that were, in steps of a hundred', async () => {
    const { create, until, fired, schedules, store } = await process()
    await create({ cron: '0 * * * *' })
    await until(START_MS + 2 * HOUR_MS)
    const range = { fromMs: START_MS - 300 * HOUR_MS, toMs: START_MS + 50 * HOUR_MS }
    expect(await schedules.send('s', { type: 'backfill', ...range })).toBe(true)
    await until(START_MS + 2.5 * HOUR_MS)
    const all = Array.from({ length: 303 }, (_, n) => n - 300)
    expect(await fired()).toEqual(hours(...all))
    expect(await store.get('operations', ['s'])).toMatchObject({ state: 'waiting', version: 3 + 4 })
    await schedules.send('s', { type: 'backfill', ...range })
    await until(START_MS + 3 * HOUR_MS)
    expect(await fired()).toEqual(hours(...all, 3))
  })

  test('are told that a range that is none, or one too many, is not taken', async () => {
    const { create, schedules } = await process()
    await create({ cron: '0 * * * *' })
    const ranges = [[2, 1], [0.5, 1], [0, Number.NaN], [0, 9e15]] as const // prettier-ignore
    for (const [fromMs, toMs] of ranges)
      expect(await schedules.send('s', { type: 'backfill', fromMs, toMs })).toBe(false)
    await schedules.send('s', { type: 'pause' })
    for (let n = 0; n < 16; n++) expect(await schedules.send('s', { type: 'backfill', fromMs: 0, toMs: 1 })).toBe(true)
    expect(await schedules.send('s', { type: 'backfill', fromMs: 0, toMs: 1 })).toBe(false)
  })

  test('end it; its children go on', async () => {
    const { create, until, schedules, operations, fired } = await process()
    await create({ everyMs: HOUR_MS, data: 5 * HOUR_MS })
    await until(START_MS + HOUR_MS)
    await schedules.send('s', { type: 'end' })
    await until(START_MS + 7 * HOUR_MS)
    expect(await fired()).toEqual(hours(1))
    expect((await operations.of(report).get(`s/${hours(1)[0]}`)).state).toBe('reported')
  })

  test('have it look again by resuming it, where a clock was ahead for a while', async () => {
    const { create, until, fired, operations, clock } = await process()
    await create({ everyMs: HOUR_MS })
    clock.set(30 * DAY_MS)
    await until(START_MS + HOUR_MS)
    const [early] = await fired()
    expect(at(early ?? '')).toBeGreaterThan(START_MS + 29 * DAY_MS)
    clock.set(0)
    await operations.resume('s')
    await until(START_MS + 3 * HOUR_MS)
    expect(await fired()).toEqual([...hours(2, 3), early])
  })
})

test('in the nights in which clocks are set a schedule of each night fires once', async () => {
  for (const [eve, due] of [
    ['2026-03-28T12:00Z', '2026-03-29T01:00:00.000Z'],
    ['2026-10-24T12:00Z', '2026-10-25T00:30:00.000Z'],
  ] as const) {
    const { create, until, fired } = await process({ clock: new VirtualClock(at(eve)) })
    await create({ cron: '30 2 * * *', timeZone: 'Europe/Berlin', missed: 'all' })
    await until(at(eve) + DAY_MS)
    expect(await fired()).toEqual([due])
  }
})

test('a tick that comes while the last child runs is fired all the same, or skipped', async () => {
  for (const overlap of ['allow', 'skip'] as const) {
    const { create, until, fired } = await process()
    await create({ everyMs: HOUR_MS, overlap, data: 2.5 * HOUR_MS })
    await until(START_MS + 7 * HOUR_MS)
    expect(await fired()).toEqual(overlap === 'allow' ? hours(1, 2, 3, 4, 5, 6, 7) : hours(1, 4, 7))
  }
})

test('several processes on one store fire each tick once', async () => {
  const first = await process()
  const { store, clock } = first
  const others = await Promise.all([2, 3].map((seed) => process({ store, clock, seed })))
  await first.create({ everyMs: HOUR_MS, missed: 'all' })
  for (const { operations } of others) await operations.resume('s')
  await first.until(START_MS + 20 * HOUR_MS)
  expect(await first.fired()).toEqual(hours(...Array.from({ length: 20 }, (_, n) => n + 1)))
  for (const { operations } of [first, ...others]) operations.close()
})

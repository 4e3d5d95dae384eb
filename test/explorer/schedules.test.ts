/**
 * Goal: each tick is fired once under `all`, and no other ever is, whatever befalls the processes. Method: a schedule of three ticks, and
 * one of which callers ask all that they may, with a crash before and after each commit, every fault, two processes that go on by
 * turns, and processes that share the store by lock and by heartbeats.
 */
import { setup } from 'xstate'
import { describe, expect, test } from 'vitest'
import { defineOperation, operationsTable, ownersTable } from '../../src/kernel/index.ts'
import { schedule } from '../../src/kernel/schedule/index.ts'
import { covered, exploreCrashes, kindSubject, type KindStage } from '../../src/testing/index.ts'
import { exploreOwners } from '../../src/testing/lanes/owners.ts'

const [SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS] = [1_000, 60_000, 3_600_000, 86_400_000]
const iso = (ms: number): string => new Date(ms).toISOString()

const report = defineOperation({
  kind: 'report',
  version: 1,
  machine: setup({ types: {} as { context: {}; input: { id: string } }, delays: { took: SECOND_MS } }).createMachine({
    context: {},
    initial: 'working',
    states: { working: { after: { took: 'reported' } }, reported: { type: 'final' } },
  }),
  effects: () => ({}),
})
const tick = schedule({ kind: 'tick', starts: report, input: () => ({}) })

describe('a schedule', () => {
  const scenario = (missed: 'all' | 'skip', everyMs = 10 * MINUTE_MS) => {
    const subject = kindSubject({
      kinds: [tick, report],
      tables: { operations: operationsTable(), owners: ownersTable() },
      outside: () => ({}),
      ports: () => ({}),
      judge({ operations }) {
        const made = operations.find(({ kind }) => kind === 'tick')
        const ids = operations.filter(({ kind }) => kind === 'report').map(({ id }) => id)
        if (!made) return []
        const { context } = JSON.parse(made.snapshot) as { context: { timing: { anchorMs: number } } }
        const due = [0, 1, 2].map((n) => `${made.id}/${iso(context.timing.anchorMs + n * everyMs)}`)
        return [
          ...ids.filter((id) => !due.includes(id)).map((id) => `ticks: ${id} was none`),
          ...(missed === 'all' && made.status === 'done' ? due.filter((id) => !ids.includes(id)) : []).map((id) => `ticks: ${id} was not fired`), // prettier-ignore
        ]
      },
    })
    const drive = async ({ operations, clock }: KindStage<object>): Promise<void> => {
      const ticks = operations.of(tick)
      const input = async () => {
        const fromMs = clock.now() + everyMs
        return { everyMs, missed, fromMs, untilMs: fromMs + 2 * everyMs }
      }
      const { id } = await ticks.create(input, { key: 'hourly', request: 'hourly' })
      await ticks.until(id, ({ status }) => (status === 'done' ? status : undefined))
    }
    return { kind: 'tick', name: missed, subject, drive }
  }

  for (const missed of ['all', 'skip'] as const)
    for (const [how, options] of [
      ['a crash before and after each commit', { faults: 1 }],
      ['two processes that take turns', { owners: true, faults: 0 }],
    ] as const)
      test(`${missed}, with ${how}`, async () => {
        const found = await exploreCrashes(scenario(missed), options)
        expect(found.violations).toEqual([])
        expect(found.closed).toBe(true)
        expect(found.lives).toBeGreaterThan(3)
      }, 60_000)

  test.each([
    { by: 'lock', processes: 2, caller: 'first' },
    { by: 'lock', processes: 2, caller: 'second' },
    { by: 'heartbeats', processes: 2, caller: 'first' },
  ] as const)(
    'all, by $by, $processes processes, the $caller called',
    async (sharing) => {
      const found = await exploreOwners(scenario('all', 2 * SECOND_MS), { sharings: [sharing] })
      console.log(`${sharing.by}, the ${sharing.caller} called: ${found.lives} runs`)
      expect(found).toMatchObject({ violations: [], closed: true })
    },
    120_000,
  )

  test('whatever callers ask for, with a crash before and after each commit', async () => {
    // Before the explorer's lives begin.
    const BEGAN_MS = Date.parse('2025-06-01T00:00Z')
    const subject = kindSubject({
      kinds: [tick, report],
      outside: () => ({}),
      ports: () => ({}),
      judge({ operations }) {
        const made = operations.find(({ kind }) => kind === 'tick')
        const ids = operations.filter(({ kind }) => kind === 'report').map(({ id }) => id)
        const wanted = (made?.status === 'done' ? [0, 1, 2] : []).map(
          (n) => `${made?.id}/${iso(BEGAN_MS + n * HOUR_MS)}`,
        )
        return wanted.filter((id) => !ids.includes(id)).map((id) => `ticks: ${id} was not fired`)
      },
    })
    const drive = async ({ operations }: KindStage<object>): Promise<void> => {
      const ticks = operations.of(tick)
      const input = { everyMs: HOUR_MS, fromMs: BEGAN_MS, untilMs: BEGAN_MS + 20 * 365 * DAY_MS }
      const { id } = await ticks.create(input, { key: 'hourly' })
      const toMs = BEGAN_MS + 2 * HOUR_MS
      // What was done before a crash is not done again: each trigger would be another one.
      for (;;) {
        const { state, status, snapshot } = await ticks.get(id)
        if (status !== 'active') return
        const { triggered, backfills, last } = snapshot.context
        if (triggered === 0) await ticks.send(id, { type: 'trigger' })
        else if (state === 'waiting' && triggered === 1) await ticks.send(id, { type: 'pause' })
        else if (triggered === 1) await ticks.send(id, { type: 'trigger' })
        else if (state === 'paused' && backfills.length === 0)
          await ticks.send(id, { type: 'backfill', fromMs: BEGAN_MS, toMs: BEGAN_MS })
        else if (state === 'paused') await ticks.send(id, { type: 'resume' })
        else if (last === iso(BEGAN_MS)) {
          await ticks.send(id, { type: 'resume' })
          await ticks.send(id, { type: 'backfill', fromMs: BEGAN_MS, toMs })
        } else if (last === iso(toMs)) await ticks.send(id, { type: 'end' })
        else await ticks.until(id, ({ version, snapshot }) => (snapshot?.context.last !== last ? version : undefined))
      }
    }
    const found = await exploreCrashes({ kind: 'tick', name: 'asked', subject, drive }, { faults: 1 })
    expect(found.violations).toEqual([])
    expect(found.closed).toBe(true)
    // How schedules end is above.
    const { uncovered } = covered(tick, new Set(found.visited))
    expect(uncovered.filter((what) => !/→ \(machine\)\.ended$|^answer plan: over$/.test(what))).toEqual([])
  }, 60_000)
})

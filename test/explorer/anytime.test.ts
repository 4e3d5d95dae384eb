/**
 * Goal: events that a caller may send at any time come at every place. Method: an order that can be paused while it is
 * charged. Without the events nothing pauses it; with them two scenarios cover its chart. Callers and charts that take a
 * pause wrongly are found, each by a path that replays.
 */
import { describe, expect, test } from 'vitest'
import { assign, setup } from 'xstate'
import { defineOperation, effect } from '../../src/kernel/index.ts'
import {
  covered,
  defineProof,
  exploreCrashes,
  kindSubject,
  replay,
  type Exploration,
  type KindStage,
  type Scenario,
} from '../../src/testing/index.ts'
import { drive, pausable, pausableOptions, type Bank, type Ledger } from '../kits/pausable-order.ts'

const pause = { type: 'pause', why: 'out of tea' }
const PAUSED = 'move order.charging: pause[0] → order.paused'

type OrderScenario = Scenario<KindStage<Ledger>>
const scenario = (more: Partial<OrderScenario> = {}, declines = false): OrderScenario => ({
  ...{ kind: 'order', name: declines ? 'declined' : 'paid', drive, anytime: [pause] },
  subject: kindSubject(pausableOptions({ charged: [], declines })),
  ...more,
})

describe('a chart that can be paused', () => {
  const missing = async (...found: Exploration[]): Promise<readonly string[]> => {
    expect(found.flatMap(({ violations }) => violations)).toEqual([])
    const visited = new Set(found.flatMap((it) => [...it.visited]))
    return covered(pausable, visited, { crashes: true }).uncovered
  }

  test('is covered by two scenarios with it', async () => {
    const all = [scenario(), scenario({}, true)].map((it) => exploreCrashes(it, { faults: 2 }))
    expect(await missing(...(await Promise.all(all)))).toEqual([])
  })

  test('is not covered by them without it', async () => {
    const all = [scenario({ anytime: [] }), scenario({ anytime: [] }, true)].map((it) =>
      exploreCrashes(it, { faults: 2 }),
    )
    expect(await missing(...(await Promise.all(all)))).toContain(PAUSED)
  })

  test('is paused within the depth', async () => {
    const { visited } = await exploreCrashes(scenario(), { faults: 0 })
    expect(visited).not.toContain(PAUSED)
    const one = await exploreCrashes(scenario(), { faults: 1 })
    expect(one.visited).toContain(PAUSED)
  })

  test('is paused in a quick exploration too, and not while processes take turns', async () => {
    const { visited } = await exploreCrashes(scenario(), { quick: true, depth: 1 })
    expect(visited).toContain(PAUSED)
    const byTwo = await exploreCrashes(scenario(), { owners: true })
    expect(byTwo.visited).not.toContain(PAUSED)
  })
})

describe('a path', () => {
  /** The order in which things happen. */
  const lines = async (path: string): Promise<string[]> => {
    const { trace, violations } = await replay(scenario(), path)
    expect(violations).toEqual([])
    return trace.flatMap(({ column, whole = '' }) =>
      column === 'commit' || column === 'request' ? [whole.replace(/"[0-9a-f]{32}"/, 'id')] : [],
    )
  }
  const PAID = ['order: paused → charging', 'ports.charge(id) → "ok"', 'order: charging → paid']

  test('has an event wait behind a commit', async () =>
    expect(await lines('order.paid:1.send-pause')).toEqual([
      'order: (new) → charging',
      'ports.charge(id) → "ok"',
      'order: charging → paused',
      ...PAID,
    ]))

  test('has an event come before a request is carried out', async () =>
    expect(await lines('order.paid:2.send-pause')).toEqual([
      ...['order: (new) → charging', 'order: charging → paused', 'order: paused → charging'],
      // It has lost its place in the order, and comes when all else is over.
      ...['ports.charge(id) → "ok"', 'order: charging → paid', 'ports.charge(id) → "ok"'],
    ]))

  test('has an event come before the answer of a request that was carried out', async () =>
    expect(await lines('order.paid:2.send-pause-after')).toEqual([
      'order: (new) → charging',
      'ports.charge(id) → "ok"',
      'order: charging → paused',
      ...PAID,
    ]))

  test('has an event come while an operation waits', async () =>
    expect(await lines('order.paid:2.lost,4.send-pause')).toEqual([
      'order: (new) → charging',
      'ports.charge(id) → "ok" (lost)',
      'order: charging → waiting',
      'order: waiting → paused',
      ...PAID,
    ]))

  test('tells what is sent, and what becomes of it', async () => {
    const { trace } = await replay(scenario(), 'order.paid:2.send-pause')
    expect(trace.flatMap(({ column, text }) => (column === 'event' ? [text] : []))).toEqual([
      'order is sent {"type":"pause","why":"out of tea"}',
      'order: {"type":"pause","why":"out of tea"}',
      'order: {"type":"resume"}',
      'order: charge answered {"answer":"ok"}',
    ])
  })

  test('that sends nothing here is refused', () =>
    expect(replay(scenario({ anytime: [] }), 'order.paid:2.send-pause')).rejects.toThrow(RangeError))
})

describe('is found', () => {
  test('that nobody goes on with what was paused', async () => {
    const forgetful = async ({ operations }: KindStage<Ledger>): Promise<void> => {
      const { id } = await operations.of(pausable).create({}, { key: 'basket 7' })
      await operations.of(pausable).until(id, ({ status }) => (status === 'done' ? status : undefined))
    }
    const { violations } = await exploreCrashes(scenario({ drive: forgetful }), { faults: 1 })
    expect(violations[0]?.path).toContain('send-pause')
    expect(violations[0]?.what).toBe('stuck: nothing is under way, and no timer runs')
    const path = violations[0]!.path
    expect((await replay(scenario({ drive: forgetful }), path)).violations).toContain(violations[0]!.what)
  })

  test('a chart that takes a cancelled request for one that was not made', async () => {
    const kind = defineOperation({
      kind: 'order',
      version: 1,
      machine: setup({
        types: {} as { context: { id: string }; input: { id: string }; events: { type: 'cancel' } },
        actors: { charge: effect<{ answer: 'ok' }, { id: string }>({ answers: { ok: true } }) },
      }).createMachine({
        context: ({ input: { id } }) => ({ id }),
        initial: 'charging',
        states: {
          charging: {
            invoke: { src: 'charge', input: ({ context }) => context, onDone: 'paid' },
            on: { cancel: 'cancelled' },
          },
          paid: { type: 'final' },
          cancelled: { type: 'final' },
        },
      }),
      effects: (bank: Bank) => ({
        charge: ({ input }) => bank.charge(input.id).then(() => ({ answer: 'ok' }) as const),
      }),
    })
    const { ports, outside, judge } = pausableOptions({ charged: [], declines: false })
    const proof = defineProof({ kind, ports, outside, judge, input: {}, anytime: [{ type: 'cancel' }] })
    const { violations } = await proof.scenarios[0]!.explore({ faults: 1 })
    const what = "payment: 'cancelled', and charged 1 times"
    expect(violations).toEqual([{ path: 'order.proof:2.send-cancel', what }])
    // Equal ends are judged once.
    expect((await proof.scenarios[0]!.replay('order.proof:2.send-cancel-after')).violations).toEqual([what])
  })

  /** A door that may be shut, and counts how often. */
  const door = (count: (before: number) => unknown) =>
    defineOperation({
      kind: 'door',
      version: 1,
      machine: setup({
        types: {} as { context: { id: string; shut: unknown }; input: { id: string }; events: { type: 'shut' } },
        actions: { count: assign({ shut: ({ context }) => count(context.shut as number) }) },
        delays: { soon: 1_000 },
      }).createMachine({
        context: ({ input: { id } }) => ({ id, shut: 0 }),
        initial: 'open',
        states: { open: { after: { soon: 'left' }, on: { shut: { actions: 'count' } } }, left: { type: 'final' } },
      }),
      effects: () => ({}),
    })
  const doors = (count: (before: number) => unknown, anytime: OrderScenario['anytime'] = [{ type: 'shut' }]) => {
    const kind = door(count)
    const subject = kindSubject({ kinds: [kind], outside: () => ({}), ports: () => ({}), judge: () => [] })
    const open = async ({ operations }: KindStage<object>): Promise<void> => {
      const ids: string[] = []
      for (const key of ['front', 'back']) ids.push((await operations.of(kind).create({}, { key })).id)
      for (const id of ids)
        await operations.of(kind).until(id, ({ status }) => (status === 'done' ? status : undefined))
    }
    return { kind: 'door', name: 'open', subject, drive: open, anytime: anytime ?? [] }
  }

  test('an event at which a chart breaks', async () => {
    const { violations } = await exploreCrashes(
      doors(() => new Date(0)),
      { faults: 1 },
    )
    expect(violations.map(({ what }) => what)).toContainEqual(
      expect.stringMatching(/^refused: door in 'open' sent 'shut': DEFECT: .*a Date/),
    )
  })

  test('each operation gets it by itself', async () => {
    const { trace } = await replay(
      doors((before) => before + 1),
      'door.open:3.send-shut-of2',
    )
    const contexts = trace.flatMap(({ column, text }) =>
      column === 'context' && text.includes('"shut":1') ? [text] : [],
    )
    expect(new Set(contexts.map((text) => text.replace(/^door in \w+/, ''))).size).toBe(1)
    expect(contexts[0]).not.toContain(trace.find(({ column }) => column === 'context')!.text.slice(20, 40))
  })

  test('an event that no state takes', () =>
    expect(exploreCrashes(doors(() => 1, [{ type: 'slam' }]))).rejects.toThrow(
      /^anytime: no kind of door takes 'slam'/,
    ))
})

/**
 * Goal: a chart's timers fire when and as often as under XState alone: once while their state is held, whatever the
 * chart makes of them, and no restart changes that. Method: charts with timers that lead nowhere else; then fast-check
 * draws charts, events, pauses and restarts, and a plain actor on a simulated clock says what must come of them.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { assign, createActor, setup, SimulatedClock, type AnyStateMachine } from 'xstate'
import { defineOperation } from '../../src/kernel/index.ts'
import { exploreCrashes, kindSubject, machineContract, type KindStage } from '../../src/testing/index.ts'
import { anyKind, ofAny } from '../kits/any-kind.ts'
import { newWorld, orderRow, pass, settled, start, START_MS, type World } from '../kits/kernel-shop.ts'

const { RUNS = '80', SEED } = process.env

interface Log {
  readonly n: number
  readonly log: readonly string[]
}
const parts = setup({
  types: {} as { context: Log; events: { type: 'e0' } | { type: 'e1' } | { type: 'end' } },
  actions: {
    note: assign(({ context: { n, log }, event }) => ({ n: n + 1, log: [...log, event.type] })),
    wait: () => {},
  },
  guards: {
    even: ({ context: { n } }) => n % 2 === 0,
    few: ({ context: { n } }) => n < 3,
    one: ({ context: { n } }) => n === 1,
  },
  delays: {
    short: 10,
    middle: 15,
    long: 30,
    grown: ({ context: { n } }) => 10 + 5 * n,
    again: 10,
  },
})
const context: Log = { n: 0, log: [] }

const logOf = (world: World, id: string): readonly string[] =>
  (JSON.parse(orderRow(world, id).snapshot) as { context: Log }).context.log

async function begun(machine: AnyStateMachine) {
  const world = newWorld()
  const kind = anyKind(machine)
  const shop = await start(world, { kinds: [kind] })
  const { id } = await ofAny(shop.operations, kind).create({})
  await settled()
  const send = (event: { readonly type: string }): Promise<boolean> => ofAny(shop.operations, kind).send(id, event)
  const restarted = async (): Promise<typeof shop> => {
    shop.kill()
    return start(world, { kinds: [kind] })
  }
  return { world, id, kind, shop, send, restarted }
}

describe('a timer whose transition stays in its state', () => {
  const reminding = parts.createMachine({
    context,
    initial: 'waiting',
    states: {
      waiting: {
        after: { short: { actions: 'note' }, long: 'late' },
        on: { end: 'over', e0: { actions: 'note' }, e1: { target: 'waiting', reenter: true } },
      },
      late: { after: { long: 'over' } },
      over: { type: 'final' },
    },
  })
  const SHORT = 'xstate.after.short.(machine).waiting'
  const LONG = 'xstate.after.long.(machine).waiting'

  test('fires once, is stored as fired by the step that it led to, and holds up no later one', async () => {
    const { world, id, shop, send } = await begun(reminding)
    await pass(world, 10)
    expect(logOf(world, id)).toEqual([SHORT])
    expect(orderRow(world, id)).toMatchObject({ version: 2, dueAt: START_MS + 30 })
    expect(JSON.parse(orderRow(world, id).timers)).toEqual({ [SHORT]: null, [LONG]: START_MS + 30 })
    expect((await shop.operations.explain(id)).timers.map(({ name }) => name)).toEqual(['long'])
    await send({ type: 'e0' })
    await pass(world, 19)
    expect(logOf(world, id)).toEqual([SHORT, 'e0'])
    await pass(world, 1)
    expect(orderRow(world, id).state).toBe('late')
  })

  test('does not fire again after a restart', async () => {
    const { world, id, restarted } = await begun(reminding)
    await pass(world, 10)
    await restarted()
    await pass(world, 19)
    expect(logOf(world, id)).toEqual([SHORT])
    await pass(world, 1)
    expect(orderRow(world, id).state).toBe('late')
  })

  test('fires again once its state is entered again', async () => {
    const { world, id, send } = await begun(reminding)
    await pass(world, 10)
    await send({ type: 'e1' })
    await pass(world, 10)
    expect(logOf(world, id)).toEqual([SHORT, SHORT])
    expect(orderRow(world, id).state).toBe('waiting')
  })
})

test('a timer whose guard did not hold has fired, before a restart and after it', async () => {
  const guarded = parts.createMachine({
    context: { ...context, n: 1 },
    initial: 'waiting',
    states: {
      waiting: { after: { short: { guard: 'even', target: 'over' } }, on: { e0: { actions: 'note' } } },
      over: {},
    },
  })
  const { world, id, send, restarted } = await begun(guarded)
  await pass(world, 10)
  await send({ type: 'e0' })
  await pass(world, 100)
  expect(orderRow(world, id)).toMatchObject({ state: 'waiting', dueAt: null })
  await restarted()
  await pass(world, 100)
  expect(orderRow(world, id).state).toBe('waiting')
})

test('a timer that is over as soon as it is set leaves others their turn', async () => {
  const restless = setup({ types: {} as { context: Log }, delays: { none: 0 } }).createMachine({
    context,
    initial: 'a',
    states: { a: { after: { none: { target: 'a', reenter: true } } } },
  })
  const { world, id, shop } = await begun(restless)
  let turns = 0
  shop.operations.on(() => turns++)
  world.clock.advance()
  await settled()
  expect(turns).toBe(1)
  expect(orderRow(world, id).version).toBe(2)
})

test('a delay that is no time is a defect, said so, and nothing is stored', async () => {
  const endless = setup({ types: {} as { context: Log }, delays: { never: () => Infinity } }).createMachine({
    context,
    initial: 'a',
    states: { a: { after: { never: 'b' } }, b: {} },
  })
  const world = newWorld()
  const kind = anyKind(endless)
  const { operations } = await start(world, { kinds: [kind] })
  await expect(ofAny(operations, kind).create({})).rejects.toMatchObject({
    code: 'DEFECT',
    message: /'never' is Infinity/,
  })
})

test('the machine contract says where nothing comes any more once a timer has fired', async () => {
  const once = parts.createMachine({
    context,
    initial: 'waiting',
    states: { waiting: { after: { short: { actions: 'note' } }, on: { end: 'over' } }, over: { type: 'final' } },
  })
  const cases = machineContract(anyKind(once), { inputs: [{}], events: [{ type: 'end' }] })
  const wrong: string[] = []
  for (const { run } of cases) await run().catch((error: unknown) => wrong.push(String(error)))
  expect(wrong.join('\n')).toContain('waiting: no answer, delay or polled event leads on')
})

test('wherever it crashes, a timer that stays in its state fires once, and later ones are not held up', async () => {
  const once = parts.createMachine({
    context,
    initial: 'waiting',
    states: {
      waiting: {
        after: {
          short: { actions: 'note' },
          middle: { guard: 'even' },
          long: [{ guard: 'one', target: 'once' }, { target: 'often' }],
        },
      },
      once: { type: 'final' },
      often: { type: 'final' },
    },
  })
  const kind = defineOperation({ kind: 'reminded', version: 1, machine: once, effects: () => ({}) })
  const subject = kindSubject({
    kinds: [kind],
    outside: () => ({}),
    ports: () => ({}),
    judge: ({ operations: [made] }) => (made?.state === 'once' ? [] : [`reminded: ${made?.state}`]),
  })
  const drive = async ({ operations: of }: KindStage<object>): Promise<void> => {
    const { id } = await of.of(kind).create({}, { key: 'one' })
    await of.until(id, ({ status }) => (status === 'done' ? status : undefined))
  }
  const found = await exploreCrashes({ kind: 'reminded', name: 'once', subject, drive }, { faults: 1 })
  expect(found).toMatchObject({ closed: true, violations: [] })
})

/** A transition: maybe guarded, maybe noted, and to one of the region's states or nowhere. */
const transition = (ids: readonly string[]) =>
  fc.record(
    {
      target: fc.constantFrom(...ids),
      guard: fc.constantFrom('even' as const, 'few' as const),
      reenter: fc.constant(true),
      actions: fc.constant('note' as const),
    },
    { requiredKeys: ['actions'] },
  )
const DELAYS = ['short', 'middle', 'long', 'grown', 'again']
const state = (ids: readonly string[]) => {
  const transitions = fc.array(transition(ids), { minLength: 1, maxLength: 2 })
  return fc.record({
    after: fc.dictionary(fc.constantFrom(...DELAYS), transitions, { maxKeys: 3 }),
    on: fc.dictionary(fc.constantFrom('e0', 'e1'), transitions),
  })
}
const region = (name: string) => {
  const ids = [`${name}a`, `${name}b`]
  const targets = ids.map((id) => `#${id}`)
  return fc.tuple(state(targets), state(targets), state(targets)).map(([own, a, b]) => ({
    ...own,
    initial: 'a',
    states: { a: { ...a, id: ids[0] }, b: { ...b, id: ids[1] } },
  }))
}
const charts = fc.record({
  type: fc.constant('parallel' as const),
  states: fc.record({ x: region('x'), y: region('y') }),
})
const happenings = fc.array(
  fc.oneof(
    fc.record({ what: fc.constantFrom('pass' as const, 'sleep' as const), ms: fc.integer({ min: 0, max: 25 }) }),
    fc.record({ what: fc.constantFrom('e0' as const, 'e1' as const) }),
  ),
  { minLength: 3, maxLength: 10 },
)

test('whatever the chart: it fires as under XState alone, and restarts change nothing', async () => {
  const lived = fc.asyncProperty(charts, happenings, async (drawn, all) => {
    const machine = parts.createMachine({ ...drawn, context })
    const clock = new SimulatedClock()
    const plain = createActor(machine, { clock }).start()
    const { world, id, kind, shop } = await begun(machine)
    let process = shop
    for (const happening of all) {
      if (happening.what === 'pass') {
        for (let ms = 0; ms < happening.ms; ms++) clock.increment(1)
        await pass(world, happening.ms)
      } else if (happening.what === 'sleep') {
        // The process is dead for a while: what is late then is late for both.
        process.kill()
        world.clock.sleep(happening.ms)
        clock.increment(happening.ms)
        process = await start(world, { kinds: [kind] })
        await pass(world, 0)
      } else {
        plain.send({ type: happening.what })
        await ofAny(process.operations, kind).send(id, { type: happening.what })
      }
      const { value, context: stored } = JSON.parse(orderRow(world, id).snapshot) as { value: unknown; context: Log }
      expect({ value, stored }).toEqual({ value: plain.getSnapshot().value, stored: plain.getSnapshot().context })
    }
    process.operations.close()
    await settled()
  })
  await fc.assert(lived, { numRuns: Number(RUNS), ...(SEED !== undefined && { seed: Number(SEED) }) })
})

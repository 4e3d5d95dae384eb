/**
 * Goal: nothing that a chart, an effect, a poll or a caller says is dropped without a word: it is done, or it is refused by
 * name, at the definition where that can be seen there, else at the step. Events of XState's and the kernel's own are
 * nobody's to send, and no wildcard takes them. Method: kinds with one thing each that the kernel does not do.
 */
import { describe, expect, test } from 'vitest'
import { assign, emit, enqueueActions, setup, spawnChild, stopChild, type AnyStateMachine } from 'xstate'
import { effect, local, openOperations, tx } from '../../src/kernel/index.ts'
import { anyKind, ofAny } from '../kits/any-kind.ts'
import { newWorld, orderRow, pass, rowsOf, settled, start, type World } from '../kits/kernel-shop.ts'

const types = {} as {
  context: { n: number; kept?: unknown }
  events: { type: 'go' } | { type: 'resume' } | { type: 'keep'; kept: unknown }
}
const ask = effect<{ answer: 'ok' | 'no' }, {}>({ answers: { ok: true, no: true } })
const look = local<{ answer: 'ok' }, {}>({ answers: { ok: true } })
const chart = setup({
  types,
  actions: { tx, store: tx, more: assign({ n: ({ context: { n } }) => n + 1 }), act: () => {} },
  actors: { ask, look },
  delays: { soon: 1_000 },
})
const context = { n: 0 }
const asking = { invoke: { src: 'ask', input: {}, onDone: 'over' } } as const
const machineOf = (config: object): AnyStateMachine =>
  chart.createMachine({ context, ...config } as never) as unknown as AnyStateMachine
/** The chart that waits in a state like this. */
const waiting = (state: object): AnyStateMachine =>
  machineOf({ initial: 'waiting', states: { waiting: state, asking, over: {} } })

describe('a definition is refused, by name,', () => {
  test.each<[string, object, RegExp]>([
    ['that spawns a child', { entry: spawnChild('ask', { input: {} }) }, /waiting' has the action 'xstate\.spawnChild'/],
    ['that stops a child', { exit: stopChild('ask') }, /xstate\.stopChild/],
    ['that calls a function by its name', { entry: 'act' }, /'act', a function/],
    ['that calls a function on its way', { on: { go: { target: 'over', actions: () => {} } } }, /a function/],
    ['that calls a function on its way in', { initial: { target: 'a', actions: 'act' }, states: { a: {} } }, /'act'/],
    ['with an action that setup does not have', { entry: 'nothing' }, /'nothing', which is not in setup/],
    ['that writes under another name', { entry: { type: 'store', params: [] } }, /tx under the name 'store'/],
    ['with a delay that setup does not have', { after: { later: 'over' } }, /'later', which is not in setup/],
    ['with a delay that is a number in another form', { after: { '1e3': 'over' } }, /unnamed delay of 1e3 ms/],
    ['with onError', { invoke: { src: 'ask', input: {}, onError: 'over' } }, /onError: an effect that fails runs again/],
    ['with onSnapshot', { invoke: { src: 'ask', input: {}, onSnapshot: 'over' } }, /xstate\.snapshot\..*never sends/],
    ['that takes a part of XState’s events', { on: { 'xstate.done.*': 'over' } }, /'xstate\.done\.\*', which the kernel never/],
    ['with a systemId', { invoke: { src: 'ask', systemId: 'bank', input: {} } }, /the systemId 'bank'/],
    ['with an unknown meta', { meta: { watch: 'quote' } }, /the meta 'watch', which the kernel does not know/],
    ['that is polled, and has no polls', { meta: { poll: 'quote' } }, /polled by 'quote', and the kind has no polls/],
    ['with a delay in a local state', { tags: ['local'], invoke: { src: 'look', input: {} }, after: { soon: 'over' } }, /over before its delays/],
    ['with two invokes of one id', { type: 'parallel', states: { a: { invoke: { id: 'one', src: 'ask' } }, b: { invoke: { id: 'one', src: 'ask' } } } }, /two invokes have the id 'one'/],
  ])('%s', (_, state, why) => {
    expect(() => anyKind(waiting(state))).toThrow(expect.objectContaining({ code: 'DEFECT', message: expect.stringMatching(why) as unknown })) // prettier-ignore
  }) // prettier-ignore

  test('whose effects or polls lack one that the chart names, when operations are opened', async () => {
    const store = await newWorld().rows.open({ version: 1, tables: {} })
    const options = { store, tables: {}, ports: { card: () => new Promise<never>(() => {}) } }
    expect(() => openOperations({ ...options, kinds: [anyKind(waiting(asking))] })).toThrow(
      /'ask', which effects\(\) does not give/,
    )
    const polled = anyKind(waiting({ meta: { poll: 'quote' } }), {}, { polls: () => ({}) })
    expect(() => openOperations({ ...options, kinds: [polled] })).toThrow(/'quote', which polls\(\) does not give/)
  })

  test('but not what a step does as it is', async () => {
    const { world, id, shop } = await begun(
      waiting({
        entry: enqueueActions(({ enqueue }) => enqueue('more')),
        on: { go: { actions: ['more', emit({ type: 'went' } as never)] } },
      }),
    )
    await shop.any.send(id, { type: 'go' })
    expect(contextOf(world, id)).toEqual({ n: 2 })
  })
})

const silent = { ask: () => new Promise(() => {}) }

async function begun(machine: AnyStateMachine, effects: object = silent, rest: Parameters<typeof anyKind>[2] = {}) {
  const world = newWorld()
  const kind = anyKind(machine, effects, rest)
  const { operations } = await start(world, { kinds: [kind] })
  const shop = { operations, any: ofAny(operations, kind) }
  const { id } = await shop.any.create({})
  await settled()
  return { world, shop, id }
}

const contextOf = (world: World, id: string): unknown =>
  (JSON.parse(orderRow(world, id).snapshot) as { context: unknown }).context

describe('a step is refused, and nothing of it is stored,', () => {
  test.each<[string, object, RegExp]>([
    ['that spawns where the definition does not show it', { entry: enqueueActions(({ enqueue }) => enqueue.spawnChild('ask', { id: 'child' })) }, /spawns 'child'; use invoke/],
    ['that spawns into the context', { entry: assign({ n: ({ spawn }) => (spawn('ask', { id: 'child' }) ? 1 : 0) }) }, /spawns 'child'/],
    ['with a date in its context', { entry: assign({ kept: { at: [new Date(0)] } }) }, /context\.kept\.at\[0\] is a Date/],
    ['with a map in its context', { entry: assign({ kept: new Map() }) }, /context\.kept is a Map/],
    ['with a number that is none', { entry: assign({ n: NaN }) }, /context\.n is NaN/],
    ['with a hole in a list', { entry: assign({ kept: [undefined] }) }, /context\.kept\[0\] is undefined/],
    ['that tells what is no JSON', { entry: emit({ type: 'told', of: 1n } as never) }, /what is emitted\.of is a bigint/],
  ])('%s', async (_, state, why) => {
    const world = newWorld()
    const kind = anyKind(waiting(state), { ask: () => ({ answer: 'ok' }) })
    const { operations } = await start(world, { kinds: [kind] })
    await expect(ofAny(operations, kind).create({})).rejects.toMatchObject({ code: 'DEFECT', message: expect.stringMatching(why) as unknown })
    expect(rowsOf(world, 'operations')).toEqual([])
  }) // prettier-ignore

  test('whose chart ends with what is no JSON', async () => {
    const machine = machineOf({ initial: 'over', states: { over: { type: 'final' } }, output: () => new Set() })
    const kind = anyKind(machine)
    const { operations } = await start(newWorld(), { kinds: [kind] })
    await expect(ofAny(operations, kind).create({})).rejects.toThrow(/output is a Set/)
  })

  test('that keeps of an event what is no JSON: its sender is told', async () => {
    const keep = assign({ kept: ({ event }) => (event as { kept?: unknown }).kept })
    const { world, id, shop } = await begun(waiting({ on: { keep: { actions: keep } } }))
    const event = { type: 'keep', kept: () => 1 }
    await expect(shop.any.send(id, event)).rejects.toThrow(/context\.kept is a function/)
    expect(orderRow(world, id).version).toBe(1)
  })

  test('that would make minus zero, or nothing at all, of what is stored: it is what it will be when it is read back', async () => {
    const { world, id, shop } = await begun(waiting({ entry: assign({ n: -0, kept: { gone: undefined } }) }))
    expect(contextOf(world, id)).toEqual({ n: 0, kept: {} })
    const { snapshot } = await shop.operations.get(id)
    expect(snapshot?.context).toStrictEqual({ n: 0, kept: {} })
  })
})

describe('an effect', () => {
  test.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /'ask' answered with no answer: undefined/],
    ['null', null, /no answer: null/],
    ['something without an answer', { ok: true }, /no answer: object/],
    ['what it does not declare', { answer: 'perhaps' }, /'ask' answered 'perhaps'; it declares 'ok', 'no'/],
  ])('that answers %s is a defect, and not under way for ever', async (_, output, why) => {
    const { world, id } = await begun(machineOf({ initial: 'asking', states: { asking, over: {} } }), {
      ask: () => output,
    })
    await pass(world, 1_000_000)
    expect(orderRow(world, id)).toMatchObject({ status: 'quarantined', reason: expect.stringMatching(why) as unknown })
  })

  test('of the kind of a local step is held to its answers, too', async () => {
    const machine = machineOf({
      initial: 'a',
      states: { a: { tags: ['local'], invoke: { src: 'look', onDone: 'b' } }, b: {} },
    })
    const kind = anyKind(machine, { look: () => undefined })
    const { operations } = await start(newWorld(), { kinds: [kind] })
    await expect(ofAny(operations, kind).create({})).rejects.toThrow(/'look' answered with no answer/)
  })
})

describe('an event of XState’s or the kernel’s own', () => {
  test.each(['xstate.stop', 'xstate.init', 'xstate.done.actor.0.(machine).asking', 'xstate.after.soon.(machine).asking', '@hardshell.due', '*', 'go.*', ''])(
    'is nobody’s to send: %s',
    async (type) => {
      const machine = machineOf({ initial: 'asking', states: { asking: { ...asking, after: { soon: 'over' } }, over: { type: 'final' } } })
      const { world, id, shop } = await begun(machine, { ask: () => new Promise(() => {}) })
      const event = { type, output: { answer: 'ok' } }
      await expect(shop.any.send(id, event)).rejects.toThrow(TypeError)
      await expect(shop.any.send(id, event)).rejects.toThrow(`event.type: '${type}'`)
      expect(orderRow(world, id)).toMatchObject({ state: 'asking', status: 'active', version: 1 })
      expect((await shop.operations.explain(id)).underWay).toEqual(['ask'])
    },
  ) // prettier-ignore

  test('is nothing that a poll may send', async () => {
    const poll = { firstMs: 1, maxMs: 1, most: 1, sends: ['came'], ask: async () => [{ type: 'xstate.stop' }] }
    const machine = waiting({ meta: { poll: 'quote' }, on: { came: 'over' } })
    const { world, id } = await begun(machine, silent, { polls: () => ({ quote: poll }) })
    await pass(world, 1_000_000)
    expect(orderRow(world, id)).toMatchObject({ status: 'quarantined', reason: expect.stringContaining("'quote' sent 'xstate.stop'") as unknown })
  }) // prettier-ignore

  test('is taken by no wildcard: not when somebody resumes, an effect answers or a delay ends', async () => {
    let answer: (answer: object) => void = () => {}
    const machine = waiting({
      invoke: { src: 'ask', input: {}, onDone: { guard: () => false, target: 'asking' } },
      after: { soon: { guard: () => false, target: 'asking' } },
      on: { '*': 'over' },
    })
    const { world, id, shop } = await begun(machine, {
      ask: () => new Promise<object>((resolve) => (answer = resolve)),
    })
    await shop.operations.resume(id)
    await pass(world, 2_000)
    expect(orderRow(world, id).state).toBe('waiting')
    answer({ answer: 'ok' })
    await settled()
    expect(orderRow(world, id).state).toBe('waiting')
  })

  test('is taken by its name, and other events by the wildcard', async () => {
    const machine = waiting({ on: { resume: { actions: 'more' }, '*': 'over' } })
    const { world, id, shop } = await begun(machine)
    await shop.operations.resume(id)
    expect(contextOf(world, id)).toEqual({ n: 1 })
    expect(await shop.any.send(id, { type: 'whatever' })).toBe(true)
    expect(orderRow(world, id).state).toBe('over')
  })
})

/**
 * Goal: every chart keeps to what the kernel can make durable and resume. Method: the machine suite that users have is
 * run over all kinds of the wallet and the mint, and over the shop of the kernel's tests. That each of its cases can fail
 * is shown by charts with one mistake each: that mistake is found, by the case that it is for.
 */
import { globSync } from 'node:fs'
import { describe, expect, test, vi } from 'vitest'
import { assign, emit, fromPromise, log, raise, sendTo, setup, spawnChild, StateMachine, type AnyStateMachine } from 'xstate' // prettier-ignore
import { answered, effect, local, tx, type OperationKind } from '../../src/kernel/index.ts'
import { machineContract, type Samples } from '../../src/testing/contracts/machine-contract.ts'
import { orderKind, type ShopPorts } from '../kits/kernel-shop.ts'
import { bountySamples } from '../kits/machine-samples-bounty.ts'
import { mintSamples } from '../kits/machine-samples-mint.ts'
import { walletSamples } from '../kits/machine-samples.ts'

const note = [{ put: 'log', row: { id: 'note', state: '', status: '' } }]
const order: Samples<typeof orderKind.machine> = {
  inputs: [{ item: 'tea' }],
  answers: {
    'stock.take': [{ answer: 'ok', writes: note }, { answer: 'short' }],
    'parcel.pack': [{ answer: 'ok', writes: note }],
    'parcel.label': [{ answer: 'ok', writes: note }],
    'card.charge': [{ answer: 'ok', receipt: 'r' }, { answer: 'declined' }, { answer: 'unknown' }],
  },
  events: [
    ...['pay', 'cancel', 'resume', 'note'].map((type) => ({ type })),
    ...['street', 'door'].map((at) => ({ type: 'parcel.updated', at })),
  ],
  sees: () => null,
}
const shop = [orderKind as OperationKind, order as Samples] as const

const root = new URL('../..', import.meta.url)
const machines = (
  await Promise.all(
    globSync('machines/**/*.ts', { cwd: root }).map(
      async (path) => (await import(new URL(path, root).href)) as Readonly<Record<string, unknown>>,
    ),
  )
).flatMap((exported) => Object.values(exported).filter((value) => value instanceof StateMachine))

test('no machine is left out', () => {
  const asked = new Set<unknown>([...walletSamples, ...mintSamples, ...bountySamples].map(([{ machine }]) => machine))
  expect(machines).not.toEqual([])
  expect(machines.filter((machine) => !asked.has(machine)).map(({ id }) => id)).toEqual([])
})

describe.each(
  [...walletSamples, ...mintSamples, ...bountySamples, shop].map(
    ([kind, samples]) => [kind.kind, kind, samples] as const,
  ),
)('of %s', (_, kind, samples) => {
  test.each(machineContract(kind, samples))('$name', ({ run }) => expect(run()).resolves.toBeUndefined())
})

type Types = {
  context: { n: number; more?: unknown }
  events: { type: 'go'; n?: number } | { type: 'stop' }
  tags: 'local' | 'human'
  meta: { poll?: string }
}
const types = {} as Types
const ask = effect<{ answer: 'ok' | 'no' }, { n: number }>({ answers: { ok: true, no: true } })
const look = local<{ answer: 'ok' }, { n: number }>({ answers: { ok: true } })
const chart = setup({ types, actions: { tx, more: assign({ n: 1 }) }, actors: { ask, look }, delays: { soon: 1_000 } })
const context = { n: 0 }
const input = ({ context: { n } }: { context: { n: number } }): { n: number } => ({ n })
const end = { type: 'final' } as const
/** A chart that asks, looks, ends, and does nothing wrong. */
const honest = { asking: { invoke: { src: 'ask', input, onDone: 'looking' } }, looking: { tags: ['local'], invoke: { src: 'look', input, onDone: 'over' } }, over: end } as const // prettier-ignore
const waits = { after: { soon: 'asking' } } as const

const machineOf = (config: object): AnyStateMachine =>
  chart.createMachine(config as never) as unknown as AnyStateMachine

const kindOf = (machine: AnyStateMachine): OperationKind<ShopPorts> => ({
  kind: 'wrong',
  version: 1,
  machine,
  effects: () => ({}) as never,
  polls: () => ({ parcel: { firstMs: 1, maxMs: 1, most: 1, sends: ['arrived'], ask: async () => [] } }),
})

/** A line of each case that fails. */
async function complaints(machine: AnyStateMachine, samples: Partial<Samples> = {}): Promise<string[]> {
  const cases = machineContract(kindOf(machine), { inputs: [{}], events: [{ type: 'go' }, { type: 'stop' }], ...samples }) // prettier-ignore
  const failed = await Promise.all(
    cases.map(({ name, run }) => run().then(() => [], (error: unknown) => [`${name}: ${(error as Error).message}`])), // prettier-ignore
  )
  return failed.flat()
}

test('says nothing of an honest chart', async () => {
  const { asking, looking, over } = honest
  const machine = machineOf({
    context,
    initial: 'waiting',
    entry: [{ type: 'tx', params: [] }, 'more'],
    states: {
      waiting: { ...waits, on: { go: { actions: [assign({ n: ({ event }) => (event as { n?: number }).n ?? 2 }), emit({ type: 'gone' })] } } },
      asking,
      looking,
      over,
    },
  }) // prettier-ignore
  expect(await complaints(machine)).toEqual([])
})

let count = 0

describe('finds', () => {
  const SIDE = /^its actions are assign/
  const DEFINITION = /^the kernel takes the definition/
  const PURE = /^a step is the same/
  const INPUT = /^the input of an invoke/
  const JSON_SAFE = /^what is stored/
  const RESTORES = /^every state restores/
  const COMES = /^every state has something to come/
  const ENDS = /^from every state an end/
  const LEADS = /^no step throws/
  const MET = /^every answer was given/
  /** The honest chart, begun in a state with a mistake. */
  const begun = (waiting: object, more: object = {}): AnyStateMachine =>
    machineOf({ context, initial: 'waiting', states: { waiting, ...honest }, ...more })

  test.each<[string, RegExp, RegExp, () => AnyStateMachine, Partial<Samples>?]>([
    ['an actor that was not declared', DEFINITION, /not declared/, () => begun({ invoke: { src: 'nobody', onDone: 'asking' } })],
    ['an invoke of logic in place', DEFINITION, /not declared/, () => begun({ invoke: { src: fromPromise(async () => {}), onDone: 'asking' } })],
    ['a delay without a name', DEFINITION, /unnamed delay/, () => begun({ after: { 500: 'asking' } })],
    ['a delay that setup does not have', DEFINITION, /'later', which is not in setup/, () => begun({ after: { later: 'asking' } })],
    ['a poll that the kind does not have', DEFINITION, /no poll 'card'/, () => begun({ ...waits, meta: { poll: 'card' } })],
    ['a local step in a state that is not local', DEFINITION, /not tagged local/, () => begun({ invoke: { src: 'look', input, onDone: 'asking' } })],
    ['a function', SIDE, /is a function/, () => begun({ ...waits, entry: () => {} })],
    ['a function deep inside', SIDE, /is a function/, () => begun({ initial: 'a', states: { a: { exit: () => {}, after: { soon: '#(machine).asking' } } } })],
    ['a function on an event', SIDE, /is a function/, () => begun({ ...waits, on: { go: { actions: () => {} } } })],
    ['a function when an invoke ends', SIDE, /is a function/, () => begun({ invoke: { src: 'ask', input, onDone: { target: 'asking', actions: () => {} } } })],
    ['a function on the way through', SIDE, /is a function/, () => begun({ always: { target: 'asking', actions: () => {} } })],
    ['a function in setup', SIDE, /is a function/, () => machineOf({ context, initial: 'asking', states: honest }).provide({ actions: { act: () => {} } } as never)],
    ['a log', SIDE, /xstate\.log/, () => begun({ ...waits, entry: log('x') })],
    ['a raise', SIDE, /xstate\.raise/, () => begun({ ...waits, entry: raise({ type: 'stop' }) })],
    ['a message to another actor', SIDE, /xstate\.sendTo/, () => begun({ ...waits, entry: sendTo('other', { type: 'go' }) })],
    ['a child', SIDE, /xstate\.spawnChild/, () => begun({ ...waits, entry: spawnChild('ask', { input: { n: 1 } }) })],
    ['a child in the context', SIDE, /an assign spawns/, () => begun({ ...waits, entry: assign(({ spawn }) => ({ n: spawn('ask', { input: { n: 1 } }) ? 1 : 0 })) })],
    ['an action by a name that setup does not have', SIDE, /'act' is not in setup/, () => begun({ ...waits, exit: 'act' })],
    ['a state that nothing leads to', MET, /aside was never met/, () => machineOf({ context, initial: 'asking', states: { ...honest, aside: end } })],
    ['an answer without a sample', MET, /ask never answered 'no'/, () => begun(waits), { answers: { ask: [{ answer: 'ok' }] } as never }],
    ['an answer that leads nowhere', LEADS, /answering 'no' leads nowhere/, () => begun({ invoke: { src: 'ask', input, onDone: { guard: answered('ok'), target: 'asking' } } })],
    ['a guard that throws', LEADS, /throws: [^]*nothing there/, () => begun({ ...waits, on: { go: { guard: () => { throw new RangeError('nothing there') } } } })],
    ['a context by the hour', PURE, /go/, () => begun({ ...waits, on: { go: { actions: assign({ n: () => Date.now() }) } } }), { sees: () => null }],
    ['a context by chance', PURE, /go/, () => begun({ ...waits, on: { go: { actions: assign({ n: () => Math.random() }) } } }), { sees: () => null }],
    ['a context by what was before', PURE, /go/, () => begun({ ...waits, on: { go: { actions: assign({ n: () => ++count }) } } }), { sees: () => null }],
    ['writes by the hour', PURE, /go/, () => begun({ ...waits, on: { go: { actions: { type: 'tx', params: () => [{ put: 'log', row: { at: `${new Date().getDate()}` } }] } } } })],
    ['a start by the hour', PURE, /start/, () => begun(waits, { context: () => ({ n: Date.now() }) })],
    ['a context that is changed in place', PURE, /read only/, () => begun({ ...waits, on: { go: { actions: assign(({ context: old }) => { (old.more as number[])[0] = 1; return {} }) } } }, { context: { n: 0, more: [1] } })],
    ['an event that is changed in place', PURE, /read only/, () => begun({ ...waits, on: { go: { actions: assign(({ event }) => { event.n = 1; return {} }) } } }), { events: [{ type: 'go', n: 1 }] }],
    ['input from the event', INPUT, /reads 'event'/, () => begun({ invoke: { src: 'ask', input: ({ event }: { event: { n: number } }) => ({ n: event.n }), onDone: 'asking' } })],
    ['input that changes under way', INPUT, /go changes the input/, () => begun({ invoke: { src: 'ask', input, onDone: 'asking' }, on: { go: { actions: 'more' } } })],
    ['a date in a context', JSON_SAFE, /context\.more is a Date/, () => begun(waits, { context: { n: 0, more: new Date(0) } })],
    ['a function in a context', JSON_SAFE, /more\.by is a function/, () => begun(waits, { context: { n: 0, more: { by: () => 1 } } })],
    ['undefined in an array', JSON_SAFE, /more\[1\] is undefined/, () => begun(waits, { context: { n: 0, more: [1, undefined] } })],
    ['a hole in an array', JSON_SAFE, /more\[0\] is undefined/, () => begun(waits, { context: { n: 0, more: Array.from({ length: 1 }) } })],
    ['a number that is none', JSON_SAFE, /context\.n is NaN/, () => begun(waits, { context: { n: NaN } })],
    ['an integer that is not exact', JSON_SAFE, /context\.n is 9007199254740992/, () => begun(waits, { context: { n: 2 ** 53 } })],
    ['a bigint in a write', JSON_SAFE, /a write\[0\]\.row\.n is a bigint/, () => begun({ ...waits, entry: { type: 'tx', params: [{ put: 'log', row: { n: 1n } }] } })],
    ['a map that is told', JSON_SAFE, /what is emitted\.of is a Map/, () => begun({ ...waits, entry: emit({ type: 'gone', of: new Map() } as never) })],
    ['a state that is another one when it is read back', RESTORES, /another state/, () => begun({ invoke: { src: 'ask', input: ({ context }: { context: object }) => ({ n: 'more' in context ? 1 : 0 }), onDone: 'asking' } }, { context: { n: 0, more: undefined } })],
    ['a state that goes on in another way when it is read back', RESTORES, /goes on in another way/, () => begun({ ...waits, on: { go: { guard: ({ context: { more } }: { context: { more?: unknown } }) => Object.is(more, -0), actions: 'more' } } }, { context: { n: 0, more: -0 } })],
    ['a state without a way on', COMES, /not tagged human/, () => begun({ on: { go: 'asking' } })],
    ['a delay that a guard holds up', COMES, /not tagged human/, () => begun({ after: { soon: { guard: () => false, target: 'asking' } }, on: { go: 'asking' } })],
    ['a person who can do nothing', COMES, /no event of a person/, () => begun({ tags: ['human'], on: { stop: { guard: () => false, target: 'asking' } } })],
    ['a poll that the chart does not take', COMES, /not tagged human/, () => begun({ meta: { poll: 'parcel' }, on: { go: 'asking' } })],
    ['states that go round in circles', ENDS, /waiting\.a: no end/, () => begun({ initial: 'a', states: { a: { after: { soon: 'b' } }, b: { after: { soon: 'a' } } }, on: { go: '#(machine).asking' } })],
  ])('%s', async (_, by, what, machine, samples) => {
    vi.spyOn(console, 'warn').mockImplementation(() => {})
    const found = await complaints(machine(), samples)
    vi.restoreAllMocks()
    expect(found.filter((line) => by.test(line))).toEqual([expect.stringMatching(what)])
  }) // prettier-ignore
})

/**
 * Goal: the tags of the one list mean the same to the contract of machines and to the explorer. Method: charts that use
 * them wrongly, each of which both tell by name; and charts that use them rightly, of which neither says anything.
 */
import { describe, expect, test } from 'vitest'
import { setup, type AnyStateMachine } from 'xstate'
import { defineOperation, TAGS, type OperationKind } from '../../src/kernel/index.ts'
import { exploreCrashes, kindSubject, machineContract, replay, type KindStage } from '../../src/testing/index.ts'

const chart = setup({ types: {} as { context: { id: string }; input: { id: string } }, delays: { soon: 1_000 } })
const kindOf = (states: object): OperationKind<object> => {
  const config = {
    id: 'door',
    context: ({ input: { id } }: { input: { id: string } }) => ({ id }),
    initial: 'open',
    states,
  }
  const machine = chart.createMachine(config as never) as unknown as AnyStateMachine
  return defineOperation<object, AnyStateMachine>({ kind: 'door', version: 1, machine, effects: () => ({}) })
}

const told = async (kind: OperationKind<object>): Promise<{ contract: string; explored: string[] }> => {
  const tagged = machineContract(kind, { inputs: [{}], events: [{ type: 'shut' }] }).find(({ name }) => name.startsWith('its tags')) // prettier-ignore
  const contract = await tagged!.run().then(() => '', (error: unknown) => (error as Error).message) // prettier-ignore
  const subject = kindSubject({ kinds: [kind], outside: () => ({}), ports: () => ({}), judge: () => [] })
  const drive = async ({ operations }: KindStage<object>): Promise<void> => {
    const { id } = await operations.of(kind).create({}, { key: 'front' })
    await operations.of(kind).send(id, { type: 'shut' })
    await operations.of(kind).until(id, ({ status }) => (status === 'done' ? status : undefined))
  }
  const scenario = { kind: 'door', name: 'shut', subject, drive }
  const { violations } = await exploreCrashes(scenario, { faults: 0 })
  if (violations[0]) expect((await replay(scenario, violations[0].path)).violations).toContain(violations[0].what)
  return { contract, explored: violations.map(({ what }) => what) }
}

const over = { type: 'final' }
const opens = { after: { soon: 'over' }, on: { shut: 'over' } }

test('the list says what each tag means', () =>
  expect(Object.keys(TAGS).toSorted()).toEqual(['ended', 'human', 'local']))

describe('of a chart', () => {
  test.each<[string, object, string]>([
    ['a tag that is nearly one', { open: { ...opens, tags: ['humans'] }, over }, "door in 'open' has the tag 'humans', which nobody knows: 'human' is known"],
    ['a tag in other letters', { open: { ...opens, tags: ['Ended'] }, over }, "door in 'open' has the tag 'Ended', which nobody knows: 'ended' is known"],
    ['a wait for a caller without its tag', { open: { on: { shut: 'over' } }, over }, "door in 'open' waits for a caller alone, and is not tagged 'human'"],
    ['a person who can do nothing', { open: { tags: ['human'], after: { soon: 'over' } }, over }, "door in 'open' is tagged 'human', and takes no event of a caller"],
    ['an end without its tag', { open: { ...opens, tags: ['ended'] }, over }, "door in 'over' is final, and not tagged 'ended'"],
  ])('%s is told alike', async (_, states, what) => {
    const { contract, explored } = await told(kindOf(states))
    expect(contract).toBe(`door: ${what}`)
    expect(explored).toContain(`tags: ${what}`)
  }) // prettier-ignore

  test.each<[string, object]>([
    ['tags of its own', { open: { ...opens, tags: ['ajar', 'head'] }, over: { ...over, tags: ['failed'] } }],
    ['a wait for a caller', { open: { on: { shut: 'over' }, tags: ['human'] }, over }],
    ['ends with their tag', { open: { ...opens, tags: ['ended'] }, over: { ...over, tags: ['ended'] } }],
  ])('%s are fine', async (_, states) => expect(await told(kindOf(states))).toEqual({ contract: '', explored: [] }))
})

test('a commit that leads to a wait for a caller without its tag is told where no chart shows it', async () => {
  // The other region goes on, until it has ended.
  const regions = {
    lock: { initial: 'on', states: { on: { on: { shut: 'off' } }, off: { type: 'final' } } },
    light: { initial: 'on', states: { on: { after: { soon: 'off' } }, off: { type: 'final' } } },
  }
  const kind = kindOf({ open: { type: 'parallel', states: regions, onDone: 'over' }, over })
  const subject = kindSubject({ kinds: [kind], outside: () => ({}), ports: () => ({}), judge: () => [] })
  const drive = async ({ operations, clock }: KindStage<object>): Promise<void> => {
    const { id } = await operations.of(kind).create({}, { key: 'front' })
    await clock.pause(2_000)
    await operations.of(kind).send(id, { type: 'shut' })
    await operations.of(kind).until(id, ({ status }) => (status === 'done' ? status : undefined))
  }
  const { violations } = await exploreCrashes({ kind: 'door', name: 'dark', subject, drive }, { faults: 0 })
  expect([...new Set(violations.map(({ what }) => what))]).toEqual([
    expect.stringMatching(/^stuck: door in 'open.*' waits for a caller alone, and is not tagged 'human'$/),
  ])
})

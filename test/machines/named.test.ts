/**
 * Goal: a chart that is drawn, or written as JSON, shows what each arrow means. Method: every chart in machines/ is
 * written as JSON; there, each guard and each action has a name that the chart's setup has, and two arrows of a state for one event are
 * told apart by their guards. Charts with one mistake each show that this can fail.
 */
import { describe, expect, test } from 'vitest'
import { assign, setup, type AnyStateMachine } from 'xstate'
import { isAnswered } from '../../src/kernel/define/authoring.ts'
import { stateNodes } from '../../src/kernel/define/chart.ts'
import { everyMachine } from '../kits/every-machine.ts'

const written = (value: unknown): unknown => JSON.parse(JSON.stringify(value) ?? 'null')

const nameIn = (value: unknown): string | undefined => {
  if (typeof value === 'string') return value
  const type = typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined
  return typeof type === 'string' ? type : undefined
}

/** What of a chart's arrows and actions says nothing. */
function unnamed({ machine, name }: { machine: AnyStateMachine; name?: string }): string[] {
  const { actions, guards } = machine.implementations
  return stateNodes(machine).flatMap((node) => {
    const groups = [node.always ?? [], ...node.transitions.values()]
    const transitions = groups.flat()
    // Of the state itself XState adds actions for its delays.
    const config: { readonly entry?: unknown; readonly exit?: unknown } = node.config
    const done: unknown[] = [config.entry ?? [], config.exit ?? [], ...transitions.map((to) => to.actions)].flat()
    return [
      ...done.map((action) => nameIn(written(action))).filter((type) => type === undefined || !(type in actions)).map((type) => `does ${type}`),
      ...transitions.flatMap(({ guard }) => (guard === undefined ? [] : [nameIn(written(guard))])).filter((type) => type === undefined || !(type in guards)).map((type) => `asks ${type}`),
      ...groups.filter((group) => new Set(group.map(({ guard }) => JSON.stringify(written(guard)))).size < group.length).map((group) => `arrows of one name for ${group[0]?.eventType}`),
    ].map((what) => `${name ?? node.id}: ${what}`)
  }) // prettier-ignore
}

test('machines are found', () => expect(everyMachine.length).toBeGreaterThanOrEqual(10))

test.each(everyMachine)('%s says what each of its arrows means', (_, machine) => {
  expect(unnamed({ machine })).toEqual([])
})

describe('finds', () => {
  const of = setup({
    types: {} as { context: { n: number }; events: { type: 'go' } | { type: 'stop' } },
    actions: { keep: assign((_, kept: { n: number }) => kept) },
    guards: { answered: isAnswered },
  })
  const begun = (waiting: object): AnyStateMachine =>
    of.createMachine({ context: { n: 0 }, initial: 'waiting', states: { waiting } })
  const answered = (...params: string[]) => ({ type: 'answered', params })

  test.each<[string, object, string[]]>([
    ['nothing where all has names', { entry: { type: 'keep', params: () => ({ n: 1 }) }, on: { go: [{ guard: answered('a'), target: 'waiting' }, { guard: answered('b'), actions: 'keep' }, {}] } }, []],
    ['a guard in place', { on: { go: { guard: () => true, target: 'waiting' } } }, ['asks undefined']],
    ['a guard on the way through', { always: { guard: () => false, target: 'waiting' } }, ['asks undefined']],
    ['a guard that setup does not have', { on: { go: { guard: 'isReady', target: 'waiting' } } }, ['asks isReady']],
    ['an assign in place', { on: { go: { actions: assign({ n: 1 }) } } }, ['does undefined']],
    ['an assign on entry', { entry: assign({ n: 1 }) }, ['does undefined']],
    ['an action that setup does not have', { exit: 'keeps' }, ['does keeps']],
    ['arrows of one name', { on: { go: [{ guard: answered('a'), target: 'waiting' }, { guard: answered('a') }] } }, ['arrows of one name for go']],
  ])('%s', (_, waiting, found) => {
    expect(unnamed({ machine: begun(waiting), name: 'it' })).toEqual(found.map((what) => `it: ${what}`))
  }) // prettier-ignore
})

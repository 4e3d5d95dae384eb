/**
 * Goal: a machine does nothing but what the kernel makes durable, and its file says so for every state.
 * Method: every machine in machines/ is walked state by state. Its actions may assign, emit and write rows; its invokes
 * take their input from the context alone. The file's opening comment names its NUT and every state: those in which it
 * can be found after a crash stand in the comment's crash table, or in that of a file it embeds. Machines that break a
 * rule, one each, show that the walk sees it.
 */
import { globSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  assign,
  emit,
  log,
  raise,
  sendTo,
  setup,
  spawnChild,
  StateMachine,
  type AnyStateMachine,
  type AnyStateNode,
} from 'xstate'
import { effect, tx } from '../src/kernel/authoring.ts'

const list = (value: unknown): unknown[] => (value === undefined ? [] : [value].flat())

/** Why an action is no business of a machine; undefined where it is. */
function actionDefect(action: unknown, named: ReadonlySet<string>): string | undefined {
  if (typeof action !== 'function') {
    const name = typeof action === 'string' ? action : (action as { type: string }).type
    return named.has(name) ? undefined : `the action '${name}' is not in setup`
  }
  if (action === tx) return undefined
  const { type, assignment } = action as { type?: string; assignment?: unknown }
  if (type === 'xstate.emit') return undefined
  if (type !== 'xstate.assign') return `an action is ${type ?? 'a function'}`
  const assigners = typeof assignment === 'function' ? [assignment] : Object.values(assignment as object)
  return assigners.some((assigner) => /\bspawn\b/.test(String(assigner))) ? 'an assign spawns an actor' : undefined
}

const nodesOf = (node: AnyStateNode): AnyStateNode[] => [node, ...Object.values(node.states).flatMap(nodesOf)]

/** Everything that a machine does and must not. */
function defects(machine: AnyStateMachine): string[] {
  const implemented = machine.implementations.actions as Readonly<Record<string, unknown>>
  const named = new Set(Object.keys(implemented))
  const ofSetup = Object.values(implemented).map((action) => [machine.id, actionDefect(action, named)] as const)
  const ofStates = nodesOf(machine.root).flatMap((node) => {
    const transitions = [...node.transitions.values()].flat()
    const actions = [
      ...list(node.config.entry),
      ...list(node.config.exit),
      ...transitions.flatMap((t) => list(t.actions)),
    ]
    const inputs = node.invoke.filter(({ input }) => typeof input === 'function' && /\bevent\b/.test(String(input)))
    return [
      ...actions.map((action) => [node.id, actionDefect(action, named)] as const),
      ...inputs.map(({ src }) => [node.id, `the input of '${src as string}' reads the event`] as const),
    ]
  })
  return [...ofSetup, ...ofStates].flatMap(([id, defect]) => (defect ? [`${id}: ${defect}`] : []))
}

const headOf = (source: string): string => /^\/\*\*.*?\*\//s.exec(source)?.[0] ?? ''

/** Names in the first column of a comment's tables. */
const tabled = (comment: string): string[] =>
  [...comment.matchAll(/^ \* \| ([^|]+) \|/gm)].flatMap(([, names = '']) => names.split(', '))

/** What the opening comment of a machine's file does not say; `embedded` are the files of its sub-charts. */
function unsaid(source: string, machine: AnyStateMachine, embedded: readonly string[] = []): string[] {
  const comment = headOf(source)
  const inTables = new Set([source, ...embedded].flatMap((file) => tabled(headOf(file))))
  const missing = nodesOf(machine.root)
    .slice(1)
    .filter(({ key, type, always }) => {
      if (type === 'final') return !new RegExp(`\\b${key}\\b`).test(comment)
      const passedThrough = always?.some(({ guard }) => guard === undefined) ?? false
      return !passedThrough && !inTables.has(key)
    })
  return [...(/\bNUT-\d\d\b/.test(comment) ? [] : ['the NUT']), ...missing.map(({ id }) => id)]
}

const root = new URL('..', import.meta.url)
const read = (path: string | URL): string => readFileSync(new URL(path, root), 'utf8')
const found = await Promise.all(
  globSync('machines/*/*.ts', { cwd: root }).map(async (path) => {
    const url = new URL(path, root)
    const exported = (await import(url.href)) as Readonly<Record<string, unknown>>
    const machines = Object.values(exported).filter((value) => value instanceof StateMachine)
    return machines.map((machine: AnyStateMachine) => [path, machine.id, machine, url] as const)
  }),
)

test('machines are found', () => expect(found.flat()).not.toEqual([]))

describe.each(found.flat())('%s %s', (path, _, machine, url) => {
  test('does only what is durable', () => expect(defects(machine)).toEqual([]))

  test('opens with its NUT and its states', () => {
    const source = read(path)
    const embedded = [...source.matchAll(/ from '(\.\/[^']+)'/g)].map(([, sibling = '']) => read(new URL(sibling, url)))
    expect(unsaid(source, machine, embedded)).toEqual([])
  })
})

describe('the rule', () => {
  const types = {} as { context: { n: number }; events: { type: 'go'; n: number } }
  const fetchIt = effect<{ answer: 'ok' }, { n: number }>({ answers: ['ok'] })
  const chart = setup({ types, actions: { tx, more: assign({ n: 1 }) }, actors: { fetchIt } })
  const wrong = setup({ types, actions: { tx, act: () => {}, speak: log('x') }, actors: { fetchIt } })
  const context = { n: 0 }

  test('allows assign, emit and tx, by name or in place, and input from the context', () => {
    const machine = chart.createMachine({
      context,
      entry: [{ type: 'tx', params: [] }, 'more'],
      on: { go: { actions: [assign({ n: ({ event }) => event.n }), emit({ type: 'gone' })] } },
      invoke: { src: 'fetchIt', input: ({ context: { n } }) => ({ n }) },
    })
    expect(defects(machine)).toEqual([])
  })

  test.each<[string, AnyStateMachine]>([
    ['a function', chart.createMachine({ context, entry: () => {} })],
    ['a function deep inside', chart.createMachine({ context, initial: 'a', states: { a: { exit: () => {} } } })],
    ['a function on an event', chart.createMachine({ context, on: { go: { actions: () => {} } } })],
    [
      'a function when an invoke ends',
      chart.createMachine({
        context,
        invoke: { src: 'fetchIt', input: { n: 1 }, onDone: { actions: () => {} } },
      }),
    ],
    ['a raise', chart.createMachine({ context, entry: raise({ type: 'go', n: 1 }) })],
    ['a message to another actor', chart.createMachine({ context, entry: sendTo('other', { type: 'go' }) })],
    ['a child', chart.createMachine({ context, entry: spawnChild('fetchIt', { input: { n: 1 } }) })],
    [
      'a child in the context',
      chart.createMachine({
        context,
        entry: assign(({ spawn }) => ({ n: spawn('fetchIt', { input: { n: 1 } }) ? 1 : 0 })),
      }),
    ],
    [
      'input from the event',
      chart.createMachine({
        context,
        on: { go: '.b' },
        initial: 'a',
        states: { a: {}, b: { invoke: { src: 'fetchIt', input: ({ event }) => ({ n: (event as { n: number }).n }) } } },
      }),
    ],
  ])('refuses %s', (_, machine) => expect(defects(machine)).toHaveLength(1))

  test('refuses them in setup too', () => expect(defects(wrong.createMachine({ context }))).toHaveLength(2))

  test('asks the opening comment for the NUT and every state', () => {
    const b = { initial: 'c', states: { c: {}, d: { always: 'c' } } } as const
    const machine = chart.createMachine({ id: 'm', context, initial: 'a', states: { a: {}, b, e: { type: 'final' } } })
    const head = `/**\n * NUT-03: a ─▶ e\n *\n * | crashed in | resume |\n * |---|---|\n * | a, b | waits |`
    const table = `/**\n * | c | asks |\n */`
    expect(unsaid(`${head}\n * | c | asks |\n */`, machine)).toEqual([])
    expect(unsaid(`${head}\n */`, machine, [table])).toEqual([])
    expect(unsaid(`${head}\n */\n${table}`, machine)).toEqual(['m.b.c'])
    expect(unsaid(`/** a, b, c */`, machine)).toEqual(['the NUT', 'm.a', 'm.b', 'm.b.c', 'm.e'])
  })
})

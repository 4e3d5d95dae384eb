/**
 * Goal: a machine's file says what the machine does in every state. Method: the opening comment of every file in
 * machines/ names its NUT and every state: those in which the machine can be found after a crash stand in the comment's
 * crash table, or in that of a file it embeds.
 */
import { globSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createMachine, StateMachine, type AnyStateMachine } from 'xstate'
import { stateNodes } from '../../src/kernel/define/chart.ts'

const headOf = (source: string): string => /^\/\*\*.*?\*\//s.exec(source)?.[0] ?? ''

/** Names in the first column of a comment's tables. */
const tabled = (comment: string): string[] =>
  [...comment.matchAll(/^ \* \| ([^|]+) \|/gm)].flatMap(([, names = '']) => names.split(', '))

/** What the opening comment of a machine's file does not say; `embedded` are the files of its sub-charts. */
function unsaid(
  source: string,
  machine: AnyStateMachine,
  { embedded = [], cashu = true }: { embedded?: readonly string[]; cashu?: boolean } = {},
): string[] {
  const comment = headOf(source)
  const inTables = new Set([source, ...embedded].flatMap((file) => tabled(headOf(file))))
  const missing = stateNodes(machine)
    .slice(1)
    .filter(({ key, type, always }) => {
      if (type === 'final') return !new RegExp(`\\b${key}\\b`).test(comment)
      const passedThrough = always?.some(({ guard }) => guard === undefined) ?? false
      return !passedThrough && !inTables.has(key)
    })
  return [...(!cashu || /\bNUT-\d\d\b/.test(comment) ? [] : ['the NUT']), ...missing.map(({ id }) => id)]
}

const root = new URL('../..', import.meta.url)
const read = (path: string | URL): string => readFileSync(new URL(path, root), 'utf8')
const found = await Promise.all(
  globSync('machines/**/*.ts', { cwd: root }).map(async (path) => {
    const url = new URL(path, root)
    const exported = (await import(url.href)) as Readonly<Record<string, unknown>>
    const machines = Object.values(exported).filter((value) => value instanceof StateMachine)
    return machines.map((machine: AnyStateMachine) => [path, machine.id, machine, url] as const)
  }),
)

test('machines are found', () => expect(found.flat()).not.toEqual([]))

describe.each(found.flat())('%s %s', (path, _, machine, url) => {
  test('opens with its NUT and its states', () => {
    const source = read(path)
    const embedded = [...source.matchAll(/ from '(\.\/[^']+)'/g)].map(([, sibling = '']) => read(new URL(sibling, url)))
    // What is not Cashu has no NUT, and stands beside the folders of those that are.
    expect(unsaid(source, machine, { embedded, cashu: path.split('/').length > 2 })).toEqual([])
  })
})

test('the rule asks the opening comment for the NUT and every state', () => {
  const b = { initial: 'c', states: { c: {}, d: { always: 'c' } } } as const
  const machine = createMachine({ id: 'm', initial: 'a', states: { a: {}, b, e: { type: 'final' } } })
  const head = `/**\n * NUT-03: a ─▶ e\n *\n * | crashed in | resume |\n * |---|---|\n * | a, b | waits |`
  const table = `/**\n * | c | asks |\n */`
  expect(unsaid(`${head}\n * | c | asks |\n */`, machine)).toEqual([])
  expect(unsaid(`${head}\n */`, machine, { embedded: [table] })).toEqual([])
  expect(unsaid(`${head}\n */\n${table}`, machine)).toEqual(['m.b.c'])
  expect(unsaid(`/** a, b, c */`, machine)).toEqual(['the NUT', 'm.a', 'm.b', 'm.b.c', 'm.e'])
  expect(unsaid(`/** a, b, c */`, machine, { cashu: false })).toEqual(['m.a', 'm.b', 'm.b.c', 'm.e'])
})

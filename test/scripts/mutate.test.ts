/**
 * Goal: mistakes are made as they are meant, and what is said of them is true. Method: each operator on a few lines; a toy
 * program in which one mistake is caught, one survives and one hangs; a chart's mistake that a scenario catches.
 */
import { readFileSync } from 'node:fs'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { changedLines } from '../../scripts/mutate/changed.ts'
import type { Measured } from '../../scripts/mutate/check.ts'
import { equivalentOf, equivalents, idle } from '../../scripts/mutate/equivalent.ts'
import { mutatedSource, mutationsOf, type Mutation } from '../../scripts/mutate/mutations.ts'
import { Coverage, plan } from '../../scripts/mutate/pick.ts'
import { PROBES } from '../../scripts/mutate/places.ts'
import { probed, signatures } from '../../scripts/mutate/probes.ts'
import { report, scoreOf, type Result } from '../../scripts/mutate/report.ts'
import { Lane } from '../../scripts/mutate/run.ts'
import { sampled } from '../../scripts/mutate/sample.ts'

/** The source with each of an operator's mistakes. */
const mistakes = (source: string, operator: string): string[] =>
  mutationsOf('toy.ts', source, 'kernel')
    .filter((it) => it.operator === operator)
    .map((it) => mutatedSource(source, it).replaceAll(/\s+/g, ' '))

describe('an operator', () => {
  test.each([
    ['negate a condition', 'if (a) b()', ['if (!(a)) b()']],
    ['negate a condition', 'const c = a === 1 ? 2 : 3', ['const c = a !== 1 ? 2 : 3']],
    ['negate a condition', 'when((it) => it.ok)', ['when((it) => !(it.ok))']],
    ['negate a condition', 'const is = (a: X): boolean => !a.gone', ['const is = (a: X): boolean => a.gone']],
    ['negate a condition', 'const name = (a: X) => a.name', []],
    ['drop what an if does', 'for (;;) if (a) break', ['for (;;) if (a) {}']],
    ['drop a call', 'await save(a); const b = load()', ['; const b = load()']],
    ['drop an action', `({ entry: ['a', 'b'] })`, [`({ entry: ['b'] })`, `({ entry: ['a'] })`]],
    ['drop an action', `on({ target: 'x', actions: write })`, [`on({ target: 'x' })`]],
    [
      'swap two targets',
      `[on({ if: 'a', target: 'x' }), on({ target: 'y' })]`,
      [`[on({ if: 'a', target: 'y' }), on({ target: 'x' })]`],
    ],
    ['swap two targets', `({ on: { go: 'x', stop: 'y' } })`, [`({ on: { go: 'y', stop: 'x' } })`]],
    [
      'drop a branch',
      `[{ guard: 'a', target: 'x' }, { target: 'y' }]`,
      [`[{ target: 'y' }]`, `[{ guard: 'a', target: 'x' }]`],
    ],
    ['drop a guard', `on({ if: 'a', target: 'x' })`, [`on({ target: 'x' })`]],
    ['drop a write', `f([{ put: 'a', row }, ...more])`, [`f([...more])`, `f([{ put: 'a', row }])`]],
    ['drop a write', `({ writes: [...a, ...b] })`, [`({ writes: [...b] })`, `({ writes: [...a] })`]],
    ['drop a write', `f([1, 2])`, []],
    ['drop all writes', `({ answer, writes })`, [`({ answer, writes: [] })`]],
    ['drop a condition of a write', `f({ put: 'a', row, if: 'absent' })`, [`f({ put: 'a', row })`]],
    [
      'drop a condition of a write',
      `f({ patch: 'a', key, set, if: { op: 1, state: 2 } })`,
      [`f({ patch: 'a', key, set, if: { state: 2 } })`, `f({ patch: 'a', key, set, if: { op: 1 } })`],
    ],
    ['off by one', 'const MOST = 100', ['const MOST = 101']],
    ['off by one', 'const PAUSE_MS = 5_000', []],
    ['swap < and <=', 'f(a < b)', ['f(a <= b)']],
    ['swap === and !==', 'f(a === b)', ['f(a !== b)']],
    ['swap === and !==', 'if (a === b) c = 1', []],
    ['swap && and ||', 'f(a && b)', ['f(a || b)']],
    ['drop what is after ??', 'f(a ?? b)', ['f(a)']],
    ['flip true and false', 'f(true)', ['f(false)']],
    ['swap arguments', 'f(a, b.c, 1)', ['f(b.c, a, 1)']],
    ['swap arguments', 'Math.max(a, b)', []],
    ['swap + and -', 'f(a + b)', ['f(a - b)']],
    ['swap + and -', `f(a + 'b' + c)`, []],
    ['swap some and every', 'a.some(b)', ['a.every(b)']],
  ])('%s: %s', (operator, source, expected) => expect(mistakes(source, operator)).toEqual(expected))

  test('leaves alone what is thrown, and types', () =>
    expect(mutationsOf('toy.ts', 'throw new Error(a ?? b); type A = 1 | true', 'kernel')).toEqual([]))
})

test('a mistake has the same name wherever its line stands, and another one where its text does', () => {
  const names = (source: string): string[] => mutationsOf('toy.ts', source, 'kernel').map(({ id }) => id)
  expect(names('\n\ng = a < b')).toEqual(names('g = a < b'))
  expect(new Set(names('g = a < b\ng = a < b')).size).toBe(2)
})

test('a source with probes does what it did, and says what ran', () => {
  const source = `
    export const pick = (n: number) => (n > 1 ? [n] : { n })
    export function walk(n: number) {
      if (n > 2) return 'much'
      else if (n > 1) return 'some'
      for (const it of [n]) switch (it) { case 1: return 'one' }
      return 'none'
    }`
  const ran: number[] = []
  const js = probed('toy.ts', source).replaceAll(/: number|export /g, '')
  const { pick, walk } = runInNewContext(`${js}\n;({ pick, walk })`, { [PROBES]: () => ran }) as {
    pick: (n: number) => unknown
    walk: (n: number) => string
  }
  expect(Object.keys(ran)).toEqual(['0'])
  expect(pick(1)).toEqual({ n: 1 })
  expect(Object.keys(ran)).toEqual(['0', '1', '3'])
  expect([pick(2), walk(3), walk(2), walk(1), walk(0)]).toEqual([[2], 'much', 'some', 'one', 'none'])
  expect(Object.keys(ran)).toHaveLength(10)
})

test('a probe has the same name in a source of which other parts have changed', () => {
  const before = signatures('toy.ts', 'const f = () => { a(); if (b) c() }\nconst g = () => 1')
  const after = signatures('toy.ts', '// more\nconst f = () => { a(); if (b) d() }\nconst g = () => 1')
  expect(after.map((name, at) => name === before[at])).toEqual([true, true, false, true])
  expect(new Set(signatures('toy.ts', 'const f = () => 1, g = () => 1')).size).toBe(3)
})

test('what follows a return that is early has a probe of its own', () => {
  const [first, second] = mutationsOf('toy.ts', 'function f(a) { if (a < 1) return; g = a < 2 }', 'kernel').filter(
    ({ operator }) => operator === 'swap < and <=',
  )
  expect(first?.place.probe).not.toBe(second?.place.probe)
})

describe('equivalents', () => {
  const made = mutationsOf('toy.ts', 'g = a < b', 'kernel')
  const entry = { file: 'toy.ts', before: '  g = a < b', after: 'g = a <=\n b', why: 'they are never the same' }

  test('are known by their file and lines', () => {
    expect(made.map((it) => equivalentOf(it, [entry])?.why)).toEqual([entry.why])
    expect(made.map((it) => equivalentOf({ ...it, file: 'other.ts' }, [entry]))).toEqual([undefined])
  })

  test('that are about nothing are told', () => {
    expect(idle(made, [entry])).toEqual([])
    expect(idle(made, [{ ...entry, before: 'g = 1' }])).toHaveLength(1)
  })

  test('all have a reason, and a change', () => {
    for (const { why, before, after } of equivalents) {
      expect(why.length).toBeGreaterThan(10)
      expect(after).not.toBe(before)
    }
  })
})

describe('a sample', () => {
  const all = Array.from({ length: 100 }, (_, at) => ({ id: `m${at}`, folder: at < 75 ? 'large' : 'small' }))
  const ids = (count: number, seed: string): string[] => sampled(all, count, seed).map(({ id }) => id)

  test('is the same with the same seed, and another one with another', () => {
    expect(ids(20, '1')).toEqual(ids(20, '1'))
    expect(ids(20, '1')).not.toEqual(ids(20, '2'))
  })

  test('has of each folder its share', () =>
    expect(sampled(all, 20, '1').filter(({ folder }) => folder === 'large')).toHaveLength(15))

  test('has the smaller ones in it', () => expect(ids(40, '1')).toEqual(expect.arrayContaining(ids(20, '1'))))
})

test('changed lines are read from a diff', () => {
  const diff = '--- a/src/a.ts\n+++ b/src/a.ts\n@@ -1,2 +3,4 @@ x\n+1\n@@ -9 +12 @@\n@@ -20,2 +22,0 @@\n'
  expect([...changedLines(diff)]).toEqual([['src/a.ts', [[3, 6], [12, 12]]]]) // prettier-ignore
})

describe('what is asked', () => {
  const check = (name: string, cpuMs: number, more: Partial<Measured> = {}): Measured => ({
    ...{ sort: name.endsWith('.ts') ? 'test' : 'scenario', name, cpuMs, wallMs: cpuMs, ran: {}, states: [] },
    ...more,
  })
  const file = 'machines/wallet/send.ts'
  const place = { probe: 2, keys: [], constant: undefined }
  const names = (of: Coverage, at: Parameters<Coverage['ranked']>[0]): string[] => of.ranked(at).map(({ name }) => name)

  test('is what runs the mistake, the fast and specific first', () => {
    const of = new Coverage(
      [
        check('slow.test.ts', 900, { ran: { [file]: [2] } }),
        check('wide.test.ts', 100, { ran: { [file]: [2], other: Array.from({ length: 999 }, (_, at) => at) } }),
        check('own.test.ts', 100, { ran: { [file]: [2] } }),
        check('other.test.ts', 1, { ran: { [file]: [1] } }),
      ],
      new Map(),
    )
    expect(names(of, { file, place })).toEqual(['own.test.ts', 'slow.test.ts', 'wide.test.ts'])
  })

  test('is, of a state, what visits it; of a value, what mentions it', () => {
    const of = new Coverage(
      [
        check('send.a', 1, { ran: { [file]: [0, 4] }, states: ['claimed'] }),
        check('send.b', 2, { ran: { [file]: [0, 5] }, states: ['reclaiming'] }),
      ],
      new Map([['LIMIT', [{ file, probe: 4 }, { file, probe: 0 }]]]), // prettier-ignore
    )
    const module = { probe: 0, constant: undefined, keys: [] }
    expect(names(of, { file, place: { ...module, keys: ['target', 'reclaiming', 'states'] } })).toEqual(['send.b'])
    expect(names(of, { file, place: { ...module, constant: 'LIMIT' } })).toEqual(['send.a'])
    expect(names(of, { file, place: module })).toEqual(['send.a', 'send.b'])
  })

  test('goes as far as the budget, kinds of scenarios in turn', () => {
    const all = [check('a.test.ts', 4_000), check('b.test.ts', 9_000), check('c.test.ts', 90_000), check('send.a', 10), check('send.b', 20), check('melt.a', 30)] // prettier-ignore
    const { batches, left } = plan(all, 60_000, 'scenario')
    expect(batches.map(({ checks }) => checks.map(({ name }) => name))).toEqual([
      ['send.a', 'melt.a', 'send.b'],
      ['a.test.ts'],
      ['b.test.ts'],
      ['send.a', 'melt.a', 'send.b'],
    ])
    expect(left).toBe(1)
  })
})

test('the score counts what is caught of all that are mistakes', () => {
  const [mutation] = mutationsOf('src/kernel/toy.ts', 'f(true)', 'kernel')
  const result = (of: 'caught' | 'hangs' | 'survived'): Result => ({
    mutation: mutation!,
    verdict: { result: of, asked: 1, left: 0, cpuMs: 1 },
  })
  const none: Result = { mutation: mutation!, verdict: { result: 'equivalent', why: 'it is not read' } }
  const results = [result('caught'), result('hangs'), result('survived'), none]
  expect(scoreOf(results)).toEqual({ mutants: 3, caught: 2, equivalent: 1, score: 0.666 })
  expect(report(results).isGood).toBe(false)
  expect(report([result('caught'), none]).isGood).toBe(true)
})

describe('a mistake', () => {
  const TOY = 'test/scripts/mutate-toy/prices.ts'
  const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
  const scenario = { sort: 'scenario' as const, name: 'receive.plain', cpuMs: 2_000, wallMs: 2_000 }
  const measured: Measured[] = [
    { sort: 'test', name: 'test/scripts/mutate-toy/prices.test.ts', cpuMs: 50, wallMs: 50, states: [], ran: { [TOY]: Array.from({ length: 9 }, (_, at) => at) } }, // prettier-ignore
    {
      ...scenario,
      states: ['unblinding'],
      ran: { 'machines/wallet/exchange.ts': Array.from({ length: 9 }, (_, at) => at) },
    },
  ]
  let lane: Lane
  beforeAll(() => void (lane = new Lane(new Coverage(measured, new Map()), { budgetMs: 10_000, idleMs: 5_000 })))
  afterAll(() => lane[Symbol.dispose]())
  const one = (file: string, wanted: (it: Mutation) => boolean): Mutation => {
    const found = mutationsOf(file, read(file), 'stores').find(wanted)
    if (!found) throw new Error('there is no such mistake')
    return found
  }

  test('is caught by a test that fails, and the source stands as it was', async () => {
    const source = read(TOY)
    const { result, by } = await lane.try(one(TOY, ({ before, operator }) => before.includes('isFree =') && operator === 'swap < and <=')) // prettier-ignore
    expect(result).toBe('caught')
    expect(by).toMatch(/prices\.test\.ts: children below six are free: expected true to be false/)
    expect(read(TOY)).toBe(source)
  })

  test('survives where every test passes', async () =>
    expect(await lane.try(one(TOY, ({ after }) => after.includes('count > 11')))).toMatchObject({
      ...{ result: 'survived', asked: 1, left: 0 },
    }))

  test('hangs where a test does not end', async () =>
    expect(await lane.try(one(TOY, ({ operator }) => operator === 'drop what an if does'))).toMatchObject({
      ...{ result: 'hangs', asked: 1 },
    }))

  test('is caught by a scenario', async () => {
    const isDropped = ({ operator, place, before }: Mutation): boolean =>
      operator === 'drop an action' && place.keys.includes('unblinding') && before.includes('actions: write')
    const { result, by } = await lane.try(one('machines/wallet/exchange.ts', isDropped))
    expect(result).toBe('caught')
    expect(by).toMatch(/^receive\.plain: .*--replay receive\.plain:/)
  })
})

/**
 * Goal: the scenarios vary what can vary. Method: for each kind, every pair of values of two factors is looked for
 * among the rows of its table; a pair that cannot come together is named there, with the reason.
 */
import { describe, expect, test } from 'vitest'
import { walletKinds } from '../../src/wallet/kinds/index.ts'
import { nameOf } from '../../src/testing/explorer/subject.ts'
import { dialectTables, scenarios, tables } from '../../src/testing/scenarios/index.ts'
import { table, type Table } from '../../src/testing/scenarios/table.ts'

/** All pairs of values of different factors, in the order of the table. */
function pairsOf({ factors }: Pick<Table, 'factors'>): [string, string][] {
  const values = Object.entries(factors).map(([name, all]) => all.map((value) => `${name}: ${value}`))
  return values.flatMap((ones, at) =>
    values
      .slice(at + 1)
      .flatMap((others) => ones.flatMap((one) => others.map((other): [string, string] => [one, other]))),
  )
}

function isPossible({ factors, impossible }: Pick<Table, 'factors' | 'impossible'>, pair: readonly string[]): boolean {
  const usual = Object.entries(factors).map(([name, [value]]) => `${name}: ${value}`)
  const [one, other] = pair as [string, string]
  const forbids = (a: string, b: string): boolean =>
    impossible.some(([x, y]) => x === a && (y === b || (y === '*' && !usual.includes(b))))
  return !forbids(one, other) && !forbids(other, one)
}

const rowText = (row: Readonly<Record<string, string>>): Set<string> =>
  new Set(Object.entries(row).map(([name, value]) => `${name}: ${value}`))

/** Pairs that no row has and that can be, and those that a row has and that cannot be. */
function gaps(it: Table): string[] {
  const rows = it.scenarios.map(({ row }) => rowText(row))
  return pairsOf(it)
    .filter((pair) => rows.some((row) => pair.every((value) => row.has(value))) !== isPossible(it, pair))
    .map((pair) => pair.join(' × '))
}

test('every kind has a table', () => {
  expect(tables.map(({ kind }) => kind).toSorted()).toEqual(walletKinds.map(({ kind }) => kind).toSorted())
})

test('scenarios have names of their own', () => {
  expect(new Set(scenarios.map(nameOf)).size).toBe(scenarios.length)
})

test('every kind has a table of dialects', () => {
  expect(dialectTables.map(({ kind }) => kind).toSorted()).toEqual(walletKinds.map(({ kind }) => kind).toSorted())
})

const MOST_ROWS = [
  ...tables.map((it) => [it.kind, it, 14] as const),
  ...dialectTables.map((it) => [`${it.kind} in dialects`, it, 24] as const),
]

describe.each(MOST_ROWS)('%s', (_, it, most) => {
  test('has few scenarios', () => expect(it.scenarios.length).toBeLessThanOrEqual(most))

  test('covers every pair of values', () => expect(gaps(it)).toEqual([]))

  test('excludes only what its factors have, each with a reason', () => {
    const values = new Set([...pairsOf(it).flat(), '*'])
    for (const [one, other, why] of it.impossible) {
      expect(values).toContain(one)
      expect(values).toContain(other)
      expect(why).toMatch(/\w+ \w+/)
    }
  })
})

describe('the rule', () => {
  const factors = { a: ['1', '2'], b: ['1', '2'], c: ['1', '2'] } as const
  const rule = (rows: Parameters<typeof table<typeof factors>>[0]['rows'], impossible: Table['impossible'] = []) =>
    gaps(
      table({
        kind: 'k',
        factors,
        impossible,
        rows,
        scenario: () => ({ setup: async () => {}, drive: async () => {} }),
      }),
    )
  const four = { w: {}, x: { a: '2', b: '2' }, y: { a: '2', c: '2' }, z: { b: '2', c: '2' } } as const

  test('is kept by four rows of three factors', () => expect(rule(four)).toEqual([]))

  test('names the pairs that are not covered', () => {
    const { z: _, ...three } = four
    expect(rule(three)).toEqual(['a: 1 × b: 2', 'a: 1 × c: 2', 'b: 2 × c: 2'])
  })

  test('names a row that cannot be', () => {
    expect(rule(four, [['a: 2', 'b: 2', 'it cannot be']])).toEqual(['a: 2 × b: 2'])
    expect(rule(four, [['a: 2', '*', 'it cannot be']])).toEqual(['a: 2 × b: 2', 'a: 2 × c: 2'])
  })
})

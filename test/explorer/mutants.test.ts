/**
 * Goal: the explorer finds what is wrong, and says what it is. Method: each mutant still fits the program; all
 * that went wrong elsewhere is planted, and every invariant has a mistake that breaks it; a few are planted here, and
 * those that escape, or break something else than they should, are told apart. All of them: `npm run crash -- --mutants`.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { runMutants } from '../../scripts/crash/mutants.ts'
import { bountyInvariants } from '../../src/testing/invariants/bounty-judge.ts'
import { laneInvariants } from '../../src/testing/lanes/invariants.ts'
import { groupScenarios } from '../../src/testing/lanes/scenarios.ts'
import { mintInvariants } from '../../src/testing/invariants/mint-judge.ts'
import { nameOf } from '../../src/testing/explorer/subject.ts'
import { invariants } from '../../src/testing/invariants/oracle.ts'
import { mutated, mutants, type Mutant } from '../../src/testing/mutants/index.ts'
import { scenarios } from '../../src/testing/scenarios/index.ts'

const named = (name: string): Mutant => mutants.find((mutant) => mutant.name === name)!
const quietly = (): void => {}

describe('mutants', () => {
  test.each(mutants.map((mutant) => [mutant.name, mutant] as const))(
    '%s: fits the program',
    (_, { changes, scenario }) => {
      for (const change of changes) {
        const source = readFileSync(new URL(`../../${change.file}`, import.meta.url), 'utf8')
        expect(mutated(source, change)).not.toBe(source)
      }
      expect([...scenarios, ...groupScenarios].map(nameOf)).toContain(scenario)
    },
  )

  test('have names of their own', () => expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length))

  test('are all that went wrong elsewhere, and the kernel’s own', () => {
    const rows = new Set(mutants.flatMap(({ row }) => row ?? []))
    expect([...rows].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 21 }, (_, at) => at + 1))
    expect(mutants.filter(({ row }) => row === undefined).length).toBeGreaterThanOrEqual(5)
  })

  test('break every invariant', () =>
    expect(new Set(mutants.map(({ breaks }) => breaks))).toEqual(
      new Set(Object.keys({ ...invariants, ...bountyInvariants, ...mintInvariants, ...laneInvariants })),
    ))

  test('fit however the source is broken into lines, and once', () => {
    const change = { file: 'x.ts', from: 'if (a) { b() }', to: 'b()' }
    expect(mutated('if (a) {\n  b()\n}\nc()', change)).toBe('b()\nc()')
    expect(() => mutated('if (a) b()', change)).toThrow(/0 times/)
    expect(() => mutated('if (a) { b() }\nif (a) { b() }', change)).toThrow(/2 times/)
  })

  test('are found, with the path', async () => {
    const few = ['effect before commit', 'two commits for one step', 'the replay flag is lost'].map(named)
    const lines: string[] = []
    expect(await runMutants(few, (line) => lines.push(line))).toEqual({ total: 3, caught: 3 })
    expect(lines.join('\n')).toMatch(/^kernel +the replay flag is lost +paid twice +melt\.paid:\d+\.\w+/m)
  })

  test('that change nothing escape', async () => {
    const mutant = named('effect before commit')
    const harmless = { ...mutant, changes: mutant.changes.map((change) => ({ ...change, to: change.from })) }
    expect(await runMutants([harmless], quietly)).toEqual({ total: 1, caught: 0 })
  })

  test('that break another invariant than they say are not caught', async () => {
    const lines: string[] = []
    const mutant: Mutant = { ...named('effect before commit'), breaks: 'restless', faults: 0 }
    expect(await runMutants([mutant], (line) => lines.push(line))).toEqual({ total: 1, caught: 0 })
    expect(lines.join('\n')).toMatch(/'restless' did not fire\n +unrecorded/)
  })

  test('that do not fit any more are not caught', async () => {
    const mutant = named('effect before commit')
    const lines: string[] = []
    const stale = { ...mutant, changes: mutant.changes.map((change) => ({ ...change, from: 'no such text' })) }
    expect(await runMutants([stale], (line) => lines.push(line))).toEqual({ total: 1, caught: 0 })
    expect(lines.join('\n')).toMatch(/has the text to change 0 times/)
  })
})

/**
 * Goal: kills are counted where they fell, aimed where none fell yet, and what they leave behind is held against the
 * mint. Method: the tally gets made-up reports of a process; then one short series of kills runs for real.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { KINDS } from '../../scripts/kill-lab/aim.ts'
import { Idleness } from '../../scripts/kill-lab/idleness.ts'
import type { Report, Site } from '../../scripts/kill-lab/plan.ts'
import { prng } from '../../scripts/kill-lab/prng.ts'
import { runSeries } from '../../scripts/kill-lab/series.ts'
import { labStore } from '../../scripts/kill-lab/stores/index.ts'
import { Position, Tally } from '../../scripts/kill-lab/tally.ts'
import type { Wallet } from '../../src/index.ts'

const commit: Site = { what: 'commit', id: '1', kind: 'melt', name: 'melting' }
const request: Site = { what: 'request', id: '1', kind: 'melt', name: 'POST /v1/melt/bolt11' }
const begins = (turn: number, ...sites: readonly Site[]): Report => ({ type: 'begins', turn, sites })
const ends = (turn: number, well = true): Report => ({ type: 'ends', turn, well })

/** Where a kill fell that came after these reports. */
function fell(...reports: readonly Report[]): { phases: string[]; fallen: Record<string, number> } {
  const tally = new Tally()
  const position = new Position()
  for (const report of reports) {
    tally.learn(report)
    position.hear(report)
  }
  tally.killed(position)
  const { phases } = position
  const fallen = Object.fromEntries(Object.entries(tally.fallen).filter(([, count]) => count > 0))
  return { phases: [...phases], fallen }
}

test('a second is idle where nothing moves, though the mint answers and nothing pauses: what is slow is not stuck', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  let answers = true
  vi.stubGlobal('fetch', () => (answers ? Promise.resolve() : Promise.reject(new Error('down'))))
  onTestFinished(() => void vi.unstubAllGlobals())
  let timers: readonly { inMs: number }[] = [{ inMs: 600_000 }]
  let moves = (): void => {}
  const operations = { list: () => Promise.resolve([{ id: '1' }]), explain: () => Promise.resolve({ timers }) }
  const wallet = { operations, on: (_: string, listener: () => void) => (moves = listener) } as unknown as Wallet
  const told: number[] = []
  const idleness = new Idleness('http://mint', (seconds) => told.push(seconds))
  idleness.add(wallet)
  const pass = async (forMs: number): Promise<number[]> => {
    await vi.advanceTimersByTimeAsync(forMs)
    return told.splice(0)
  }
  expect(await pass(3_000)).toEqual([1, 2, 3])
  moves()
  expect(await pass(1_000)).toEqual([1])
  timers = [{ inMs: 20_000 }]
  expect(await pass(3_000)).toEqual([])
  timers = []
  answers = false
  expect(await pass(3_000)).toEqual([])
  answers = true
  expect(await pass(1_000)).toEqual([2])
  idleness.end()
  expect(await pass(3_000)).toEqual([])
})

describe('a kill fell', () => {
  test.each([
    { when: 'in a commit', after: [begins(0, commit)], phase: 'during commit melt melting', where: 'inCommit' },
    {
      when: 'between a commit and its effect',
      after: [begins(0, commit), ends(0)],
      phase: 'after commit melt melting',
      where: 'betweenCommitAndEffect',
    },
    {
      when: 'in a request',
      after: [begins(0, commit), ends(0), begins(1, request)],
      phase: 'during request melt POST /v1/melt/bolt11',
      where: 'inRequest',
    },
    {
      when: 'between an answer and its commit',
      after: [begins(0, commit), ends(0), begins(1, request), ends(1)],
      phase: 'after request melt POST /v1/melt/bolt11',
      where: 'betweenAnswerAndCommit',
    },
    {
      when: 'where the process was armed to die',
      after: [{ type: 'dies', turn: 1, at: 'before request melt POST /v1/melt/bolt11' } as const],
      phase: 'before request melt POST /v1/melt/bolt11',
      where: 'betweenCommitAndEffect',
    },
  ])('$when', ({ after, phase, where }) => {
    expect(fell(...after)).toEqual({ phases: [phase], fallen: { [where]: 1 } })
  })

  test.each([
    { when: 'after a commit that calls for no request', after: [begins(0, { ...commit, name: 'paid' }), ends(0)] },
    { when: 'after a commit that was refused', after: [begins(0, commit), ends(0, false)] },
    { when: 'after a request without an answer', after: [begins(0, request), ends(0, false)] },
    {
      when: 'when the answer was committed',
      after: [begins(0, request), ends(0), begins(1, { ...commit, name: 'paid' }), ends(1)],
    },
  ])('elsewhere, $when', ({ after }) => {
    expect(fell(...after)).toEqual({ phases: [], fallen: { elsewhere: 1 } })
  })

  test('into all operations that were in the middle of something', () => {
    const other = { ...request, id: '2', kind: 'send', name: 'POST /v1/swap' }
    expect(fell(begins(0, other), begins(1, commit)).fallen).toEqual({ inCommit: 1, inRequest: 1 })
  })
})

test('what was hit least is aimed at', () => {
  const tally = new Tally()
  const sites = Array.from({ length: 8 }, (_, at): Site => ({ ...commit, name: `state ${at}` }))
  tally.learn(begins(0, ...sites))
  for (const site of sites.slice(1)) {
    const position = new Position()
    for (const type of ['before', 'during', 'after'] as const)
      position.hear(
        type === 'during' ? begins(0, site) : { type: 'dies', turn: 0, at: `${type} commit melt ${site.name}` },
      )
    tally.killed(position)
  }
  expect(tally.coverage.unhit).toHaveLength(3 + 7)
  const due = [...tally.due(prng('a')).keys()]
  expect(due).toHaveLength(6)
  expect(due.every((name) => tally.coverage.unhit.includes(name))).toBe(true)
})

test('a store that ends with its process is refused', () => {
  expect(() => labStore('memory')).toThrow(/nothing to resume/)
  expect(() => labStore('toString')).toThrow(/one of sqlite/)
})

test('two owners are killed, and every sat is accounted for', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'hardshell-kill-test-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  // What there is to hit is learnt as it goes: a run that knew nothing at all would begin with a dry one.
  const tally = new Tally()
  tally.learn(begins(0, commit))
  const killed: string[] = []
  const result = await runSeries({
    dir: join(dir, 'series'),
    store: 'sqlite',
    seed: '1',
    kills: 5,
    owners: 2,
    tally,
    killed: (what) => killed.push(what),
  })
  expect(result).toMatchObject({ kills: 5, violations: [], stuck: 0 })
  expect(killed.filter((what) => what === 'wallet')).toHaveLength(5)
  expect(new Set(Object.keys(result.operations).map((name) => name.split('.')[0]))).toEqual(new Set(KINDS))
  expect(tally.coverage.known).toBeGreaterThan(90)
})

/**
 * Goal: the demo shows what it says it shows. Method: aiming is checked on made-up reports; then the demo itself runs,
 * a short one, and its result is held against the mint's figures that it prints; it must leave nothing behind.
 */
import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { aims, KINDS, trigger, type Aim } from '../../scripts/kill-lab/aim.ts'
import { prng } from '../../scripts/kill-lab/prng.ts'
import type { Result } from '../../scripts/kill-lab/result.ts'

describe('chance', () => {
  const numbers = (seed: string): number[] => {
    const random = prng(seed)
    return Array.from({ length: 2_000 }, () => random.next())
  }

  test('the same seed gives the same numbers, another seed others', () => {
    expect(numbers('a')).toEqual(numbers('a'))
    expect(numbers('a')).not.toEqual(numbers('b'))
  })

  test('numbers are spread evenly over [0, 1)', () => {
    const tenths = Array.from({ length: 10 }, () => 0)
    for (const number of numbers('a')) tenths[Math.floor(number * 10)]! += 1
    for (const count of tenths) expect(Math.abs(count - 200)).toBeLessThan(60)
  })

  test('shuffling keeps every item, and comes to every order', () => {
    const random = prng('a')
    const orders = new Set(Array.from({ length: 200 }, () => random.shuffled(['x', 'y', 'z']).join('')))
    expect([...orders].toSorted()).toEqual(['xyz', 'xzy', 'yxz', 'yzx', 'zxy', 'zyx'])
  })
})

describe('aiming', () => {
  const aim = (changes: Partial<Aim>): Aim => ({ kind: undefined, onWire: true, skip: 0, delayMs: 0, ...changes })

  test('kills the kind it aims at, at a request, after the skips', () => {
    const fits = trigger(aim({ kind: 'melt', skip: 1 }))
    expect(fits({ kind: 'mint', underWay: true }, 0)).toBe(false)
    expect(fits({ kind: 'melt', underWay: false }, 0)).toBe(false)
    expect(fits({ kind: 'melt', underWay: true }, 0)).toBe(false)
    expect(fits({ kind: 'melt', underWay: true }, 0)).toBe(true)
  })

  test('in time it skips no more, then takes any kind, and still no state without a request', () => {
    const fits = trigger(aim({ kind: 'melt', skip: 9 }))
    expect(fits({ kind: 'melt', underWay: true }, 200)).toBe(false)
    expect(fits({ kind: 'melt', underWay: true }, 400)).toBe(true)
    expect(fits({ kind: 'swap', underWay: true }, 400)).toBe(false)
    expect(fits({ kind: 'swap', underWay: false }, 2_000)).toBe(false)
    expect(fits({ kind: 'swap', underWay: true }, 2_000)).toBe(true)
  })

  const plenty = (): number => 9

  test('most aims are at a request, and every kind has its turn', () => {
    const many = Array.from({ length: 200 }, (_, seed) => {
      const { next } = aims(prng(seed), 20)
      return Array.from({ length: 20 }, () => next(plenty)!)
    })
    for (const run of many) {
      const first = run.flatMap(({ kind }) => kind ?? []).slice(0, KINDS.length)
      expect(first.toSorted()).toEqual([...KINDS].toSorted())
      expect(run.every(({ delayMs }) => delayMs >= 0 && delayMs <= 20)).toBe(true)
    }
    const share = many.flat().filter(({ onWire }) => onWire).length / 4_000
    expect(share).toBeGreaterThan(0.85)
    expect(share).toBeLessThan(0.95)
  })

  test('a kind with nothing left stays due, as does one that was missed', () => {
    const { next, missed } = aims(prng('a'), 20)
    const draw = (count: number, left: (kind: string) => number): string[] => {
      const kinds: string[] = []
      for (let tries = 0; kinds.length < count && tries < 100; tries++) {
        const aim = next(left)
        if (aim?.kind !== undefined) kinds.push(aim.kind)
      }
      return kinds
    }
    const butRestore = (kind: string): number => (kind === 'restore' ? 0 : 1)
    expect(draw(6, butRestore).toSorted()).toEqual(KINDS.filter((kind) => kind !== 'restore').toSorted())
    expect(next(butRestore)).toBeUndefined()
    expect(draw(1, plenty)).toEqual(['restore'])

    missed('melt')
    expect(draw(1, plenty)).toEqual(['melt'])
  })
})

test('a short run loses nothing, agrees with the mint, and leaves nothing behind', async () => {
  const folders = (): string[] => globSync(join(tmpdir(), 'hardshell-demo-*'))
  const before = folders()
  const script = join(import.meta.dirname, '../../scripts/demo.ts')
  const run = promisify(execFile)(process.execPath, [script, '--json', '--kills', '4', '--seed', '1'])
  const { stdout, stderr } = await run
  const result = JSON.parse(stdout) as Result
  const { mint, wallets } = result

  expect(result).toMatchObject({ kills: 4, stuck: 0, conserved: true })
  expect(Object.values(result.killedIn).reduce((sum, count) => sum + count, 0)).toBe(4)
  expect(result.operations.some(({ resumed }) => resumed > 0)).toBe(true)
  expect(new Set(result.operations.map(({ kind }) => kind))).toEqual(new Set(KINDS))
  expect(mint.issued - mint.redeemed).toBe(wallets.spendable + wallets.reserved + wallets.outstanding + wallets.held)
  expect(wallets.spendable).toBeGreaterThan(0)
  expect(wallets.paid).toBeGreaterThan(0)
  expect(stderr).not.toContain('BAD')
  expect(folders()).toEqual(before)
})

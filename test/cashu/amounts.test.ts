import { Amount } from '@cashu/cashu-ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  blankOutputs,
  denominationsOf,
  feeOf,
  fromAmountLike,
  selectProofs,
  splitAmount,
  toAmount,
} from '../../src/cashu/amounts.ts'
import type { Candidate } from '../../src/cashu/amounts.ts'

const POWERS = Array.from({ length: 53 }, (_, i) => 2 ** i)
const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0)

test('amounts come from anything that is a whole number', () => {
  for (const amount of [21, '21', 21n, Amount.from(21)]) expect(fromAmountLike(amount)).toBe(21)
  expect(fromAmountLike(0)).toBe(0)
  expect(fromAmountLike(2 ** 53 - 1)).toBe(2 ** 53 - 1)
  for (const bad of [-1, 0.5, 2 ** 53, NaN, '', '1.5', 'x', -1n, 2n ** 53n, Amount.from(2n ** 60n), null, undefined]) {
    expect(() => fromAmountLike(bad as number, 'fee'), String(bad)).toThrow(/^fee: a whole number/)
    expect(() => fromAmountLike(bad as number, 'fee')).toThrow(TypeError)
  }
  expect(toAmount(2 ** 53 - 1).toString()).toBe('9007199254740991')
})

test('amounts are split into denominations, going up', () => {
  expect(splitAmount(13, POWERS)).toEqual([1, 4, 8])
  expect(splitAmount(0, POWERS)).toEqual([])
  expect(splitAmount(30, [1, 5, 10])).toEqual([10, 10, 10])
  fc.assert(
    fc.property(fc.maxSafeNat(), (amount) => {
      const parts = splitAmount(amount, POWERS)
      expect(sum(parts)).toBe(amount)
      expect(new Set(parts).size).toBe(parts.length)
      expect(parts).toEqual(parts.toSorted((a, b) => a - b))
    }),
  )
  for (const [amount, denominations] of [
    [3, [2, 4]],
    [1, []],
    [2000, [1]],
  ] as const) {
    expect(() => splitAmount(amount, denominations)).toThrow(expect.objectContaining({ code: 'AMOUNT_UNREACHABLE' }))
  }
})

test('a keyset’s denominations', () => {
  const keys = Object.fromEntries([8, 1, 2].map((amount) => [String(amount), '']))
  expect(denominationsOf({ ...keys, '9223372036854775808': '', '9007199254740992': '' })).toEqual([1, 2, 8])
})

test('fees are rounded up over all inputs together', () => {
  expect(feeOf([])).toBe(0)
  expect(feeOf([1])).toBe(1)
  expect(feeOf([100, 100, 100])).toBe(1)
  expect(feeOf([500, 501])).toBe(2)
})

test('blank outputs take back any overpayment', () => {
  expect([0, 1, 2, 3, 4, 5, 1000, 1024, 1025].map(blankOutputs)).toEqual([0, 1, 1, 2, 2, 3, 10, 10, 11])
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), (overpaid) => {
      expect(splitAmount(overpaid, POWERS).length).toBeLessThanOrEqual(blankOutputs(overpaid))
    }),
  )
})

describe('selection', () => {
  const candidates = (amounts: readonly number[], feePpk = 0): Candidate[] =>
    amounts.map((amount, i) => ({ Y: `${i}`, amount, feePpk }))

  /** All subsets, the slow way. */
  const bestExcess = (all: readonly Candidate[], target: number, includeFee: boolean): number | undefined => {
    let best: number | undefined
    for (let subset = 0; subset < 2 ** all.length; subset++) {
      const chosen = all.filter((_, i) => subset & (1 << i))
      const fee = includeFee ? feeOf(chosen.map(({ feePpk }) => feePpk)) : 0
      const excess = sum(chosen.map(({ amount }) => amount)) - fee - target
      if (excess >= 0 && (best === undefined || excess < best)) best = excess
    }
    return best
  }

  const check = (all: readonly Candidate[], target: number, includeFee: boolean) => {
    const found = selectProofs(all, target, { includeFee })
    if (!found) return undefined
    expect(new Set(found.proofs.map(({ Y }) => Y)).size).toBe(found.proofs.length)
    for (const proof of found.proofs) expect(all).toContain(proof)
    expect(found.amount).toBe(sum(found.proofs.map(({ amount }) => amount)))
    expect(found.fee).toBe(feeOf(found.proofs.map(({ feePpk }) => feePpk)))
    expect(found.excess).toBe(found.amount - (includeFee ? found.fee : 0) - target)
    expect(found.excess).toBeGreaterThanOrEqual(0)
    expect(selectProofs(all, target, { includeFee })).toEqual(found)
    return found
  }

  const targets = fc.integer({ min: 1, max: 120 })
  const powers = fc.array(fc.constantFrom(1, 2, 4, 8, 16, 32), { maxLength: 10 })

  test('the smallest excess there is, where denominations divide each other', () => {
    for (const amounts of [
      powers,
      fc.array(fc.constantFrom(1, 10, 100), { maxLength: 10 }),
      fc.array(fc.constantFrom(3, 6, 24), { maxLength: 10 }),
    ]) {
      fc.assert(
        fc.property(amounts, targets, (list, target) => {
          const all = candidates(list)
          expect(check(all, target, false)?.excess).toBe(bestExcess(all, target, false))
        }),
        { numRuns: 300 },
      )
    }
  })

  test('the smallest excess of a few proofs of any denominations', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 9 }), targets, (list, target) => {
        const all = candidates(list)
        expect(check(all, target, false)?.excess).toBe(bestExcess(all, target, false))
      }),
      { numRuns: 300 },
    )
  })

  test('the smallest excess of a few proofs with their fees', () => {
    const fees = fc.array(fc.constantFrom(0, 100, 400, 1000, 2500), { minLength: 10, maxLength: 10 })
    fc.assert(
      fc.property(powers, fees, targets, (list, feesPpk, target) => {
        const all = candidates(list).map((one, i) => ({ ...one, feePpk: feesPpk[i]! }))
        // A proof that costs more than it brings would lower the excess, by giving it away.
        const worthwhile = all.filter(({ amount, feePpk }) => amount * 1000 > feePpk)
        expect(check(all, target, true)?.excess).toBe(bestExcess(worthwhile, target, true))
      }),
      { numRuns: 500 },
    )
  })

  test('few proofs, the cheap ones first, equal ones as given', () => {
    const all = [
      { Y: 'a', amount: 4, feePpk: 100 },
      { Y: 'b', amount: 2, feePpk: 0 },
      { Y: 'c', amount: 4, feePpk: 0 },
      { Y: 'd', amount: 2, feePpk: 0 },
    ]
    const chosen = (target: number) => selectProofs(all, target, { includeFee: false })?.proofs.map(({ Y }) => Y)
    expect(chosen(4)).toEqual(['c'])
    expect(chosen(8)).toEqual(['c', 'a'])
    expect(chosen(2)).toEqual(['b'])
    expect(chosen(12)).toEqual(['c', 'a', 'b', 'd'])
    expect(chosen(13)).toBeUndefined()
    expect(selectProofs(all, 0, { includeFee: true })).toEqual({ proofs: [], amount: 0, fee: 0, excess: 0 })
  })

  test('many proofs that cost nearly what they are worth', () => {
    const all = candidates([...Array<number>(3000).fill(1), ...Array<number>(10).fill(512)], 900)
    const found = check(all, 5100, true)!
    expect(found.amount - found.fee).toBeGreaterThanOrEqual(5100)
    expect(check(all, 9000, true)).toBeUndefined()
    expect(check(candidates([1, 1, 1], 1000), 1, true)).toBeUndefined()
  })

  test('takes milliseconds of the processor among thousands', () => {
    let seed = 1
    const random = () => (seed = (seed * 48_271) % 2_147_483_647)
    const shapes = [
      Array.from({ length: 10_000 }, () => 2 ** (random() % 20)),
      Array.from({ length: 10_000 }, () => 1 + (random() % 1000)),
    ]
    for (const amounts of shapes) {
      const all = candidates(amounts, 100)
      const before = process.threadCpuUsage()
      for (const target of [1, 777, 65_537, 1_000_003]) check(all, target, true)
      // Each target is selected twice; the limit is far from what it takes. Time in which others run does not count.
      const { user, system } = process.threadCpuUsage(before)
      expect((user + system) / 8_000).toBeLessThan(250)
    }
  })
})

test('an amount is found that taking the largest first misses, and one that cannot be made is told with those close by', () => {
  expect(splitAmount(9, [3, 5])).toEqual([3, 3, 3])
  expect(splitAmount(60, [20, 50])).toEqual([20, 20, 20])
  const message = (amount: number, denominations: number[]): string => {
    try {
      return String(splitAmount(amount, denominations))
    } catch (error) {
      return (error as Error).message
    }
  }
  expect(message(155, [10, 50, 100, 1000])).toMatch(/do not make up 155; 150 or 160 can be made/)
  expect(message(3, [10, 50])).toMatch(/do not make up 3; 10 can be made/)
  expect(message(7, [])).toMatch(/do not make up 7$/)
  // No search goes on for ever.
  expect(message(99_999_999, [6, 10, 14, 22, 26, 34])).toMatch(/do not make up/)
})

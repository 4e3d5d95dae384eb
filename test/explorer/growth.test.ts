/**
 * Goal: an exploration that does not close says why. Method: a subscription that bills one more period in each life. Its
 * worlds are new for ever, and what grows is named; where it is said what makes them alike, it closes, and still finds a
 * bank that bills twice. Bounds end it, and its progress is told.
 */
import { describe, expect, test } from 'vitest'
import {
  exploreCrashes,
  kindSubject,
  type ExploreOptions,
  type Exploration,
  type KindSubjectOptions,
  type Progress,
} from '../../src/testing/index.ts'
import { drive, recurring, subscriptionOptions } from '../kits/subscription.ts'
import * as pausable from '../kits/pausable-order.ts'

type Alike = Parameters<typeof subscriptionOptions>[1]

const explore = (isCareful: boolean, alike: Alike, options: ExploreOptions): Promise<Exploration> => {
  const subject = kindSubject(subscriptionOptions(isCareful, alike))
  return exploreCrashes({ kind: 'subscription', name: 'one-more', subject, drive }, { faults: 1, ...options })
}

describe('a kind that recurs', () => {
  test('is not closed, and what grows is named', async () => {
    const { closed, unclosed, violations } = await explore(true, undefined, { mostLives: 400 })
    expect(violations).toEqual([])
    expect(closed).toBe(false)
    expect(unclosed).toMatch(
      /^not closed: growing in invoices\.period, outside\.billed\[\]\.period, subscription\.context\.period; \d+ worlds are left after 400 lives$/,
    )
  })

  test('is named by what still grows, where some of it is left out', async () => {
    const { unclosed } = await explore(true, { names: ['period'] }, { mostLives: 400 })
    expect(unclosed).toMatch(/growing in invoices, outside\.billed;/)
  })

  test('closes where it is said what makes its worlds alike', async () => {
    const { closed, unclosed, violations, lives } = await explore(true, recurring, { mostLives: 5_000 })
    expect(violations).toEqual([])
    expect(unclosed).toBeUndefined()
    expect(closed).toBe(true)
    expect(lives).toBeGreaterThan(50)
  })

  test('is found to bill twice all the same', async () => {
    const { violations } = await explore(false, recurring, { mostLives: 5_000 })
    expect(violations.map(({ what }) => what)).toContain('payment: period 1 was billed twice')
  })
})

describe('bounds', () => {
  const order = (options: ExploreOptions, rows?: KindSubjectOptions<pausable.Bank, pausable.Ledger>['rows']) => {
    const subject = kindSubject({
      ...pausable.pausableOptions({ charged: [], declines: false }),
      ...(rows && { rows }),
    })
    return exploreCrashes({ kind: 'order', name: 'paid', subject, drive: pausable.drive }, { faults: 1, ...options })
  }

  test('end an exploration after so many lives, among those of one world too', async () => {
    const { lives, closed, unclosed } = await order({ mostLives: 7 })
    expect([lives, closed]).toEqual([7, false])
    expect(unclosed).toMatch(/^not closed: \d+ worlds are left after 7 lives$/)
  })

  test('end it after so long', async () => {
    const { lives, unclosed } = await order({ deadlineMs: 1 })
    expect(lives).toBeLessThan(10)
    expect(unclosed).toContain('not closed:')
  })

  test('that are not reached leave no trace, and progress leads to the figures', async () => {
    const told: Progress[] = []
    const found = await order({ mostLives: 5_000, deadlineMs: 600_000, onProgress: (it) => void told.push(it) })
    expect([found.closed, found.unclosed]).toEqual([true, undefined])
    expect(told.map(({ lives }) => lives)).toEqual(Array.from({ length: found.lives }, (_, at) => at + 1))
    expect(told.at(-1)).toEqual({ lives: found.lives, worlds: found.worlds, open: 0 })
    expect(Math.max(...told.map(({ open }) => open))).toBeGreaterThan(0)
  })

  test('are refused where they are none', async () => {
    await expect(order({ mostLives: 0 })).rejects.toThrow(/^mostLives/)
    await expect(order({ deadlineMs: -1 })).rejects.toThrow(/^deadlineMs/)
    await expect(order({ onProgress: 1 as never })).rejects.toThrow(/^onProgress/)
  })
})

describe('rows to begin with', () => {
  const begun = (rows: () => object) => {
    const { rows: _, ...options } = subscriptionOptions(true)
    const seen: unknown[] = []
    const subject = kindSubject({ ...options, rows: rows as never })
    const look = async (stage: Parameters<typeof drive>[0]): Promise<void> => void seen.push(stage.rows()['invoices'])
    return exploreCrashes({ kind: 'subscription', name: 'rows', subject, drive: look }, { faults: 0 }).then(() => seen)
  }

  test('are there in the first life', async () => {
    const invoices = [{ id: 'old', period: 7 }]
    expect(await begun(() => ({ invoices }))).toEqual([invoices])
  })

  test('are refused by name where they do not fit', async () => {
    await expect(begun(() => ({ invioces: [] }))).rejects.toThrow(/^invioces: not among operations, invoices/)
    await expect(begun(() => ({ invoices: [{ id: 'old' }] }))).rejects.toThrow(/period/)
  })
})

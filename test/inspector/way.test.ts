/**
 * Goal: the chart shows the way that an operation took, local steps included. Method: wallets' operations run, and the arrows of each of
 * their steps are held against the states between which the step led.
 */
import { expect, test } from 'vitest'
import { describeChart } from '../../src/chart/index.ts'
import type { ChartView } from '../../src/inspector/feed.ts'
import { around, nextFrom, statesIn, wayOf } from '../../src/inspector/page/way.ts'
import { attentionOf, sorted } from '../../src/inspector/page/attention.ts'
import { agoText, inText, spanText } from '../../src/inspector/page/words.ts'
import { partsIn, type Operations } from '../../src/kernel/operations.ts'
import { inspectableOf } from '../../src/kernel/inspect/inspectable.ts'
import { bench } from '../kits/wallet-kit.ts'

const viewOf = (operations: Operations, kind: string): ChartView => {
  const machine = partsIn(operations).kinds.get(kind)?.kind.machine
  if (!machine) throw new TypeError(`there is no kind ${kind}`)
  const { states, arrows } = describeChart(machine)
  return { kind, version: 1, states, arrows, svg: null, reason: null }
}

test('each step of a wallet’s operations has a way along the arrows of its chart, from its state to the next one', async () => {
  const on = await bench()
  const { wallet, wire } = await on.open('alice')
  const { mintUrl } = on
  await wallet.mints.trust(mintUrl)
  await (await wallet.mint.prepare({ mintUrl, amount: 300 })).finished()
  wire.plan = [[/swap/, 'lost']]
  const { token } = await (await wallet.send.prepare({ mintUrl, amount: 21 })).execute()
  await (await wallet.receive.prepare({ token })).execute()
  await (await wallet.melt.prepare({ mintUrl, request: on.invoice(20) })).execute()
  await (await wallet.swap.prepare({ mintUrl, amounts: [32] })).execute()
  const operations = inspectableOf(wallet)?.operations
  if (!operations) throw new TypeError('the wallet cannot be inspected')
  let ways = 0
  for (const { id, kind } of await operations.list()) {
    const chart = viewOf(operations, kind)
    for (const step of await operations.steps(id)) {
      // Where effects are taken over nothing moves.
      if (step.from === step.to || step.event.startsWith('@hardshell.')) continue
      const arrows = wayOf(chart, step).map((index) => chart.arrows[index])
      if (step.from === null && arrows.length === 0) continue
      const told = `${kind}: ${step.from} → ${step.to} by ${step.event}`
      expect(arrows.length, told).toBeGreaterThan(0)
      expect(step.from === null || around(step.from).includes(arrows[0]?.from ?? '?'), told).toBe(true)
      expect(
        arrows.at(-1)?.to.some((target) => step.to === target || step.to.startsWith(`${target}.`)),
        told,
      ).toBe(true)
      ways++
    }
  }
  expect(ways).toBeGreaterThan(10)
})

test('a state is in all states around it, and arrows of each of them may be taken next', () => {
  expect(around('a.b.c')).toEqual(['a.b.c', 'a.b', 'a', ''])
  expect(statesIn('a.b|c')).toEqual(['a.b', 'a', 'c'])
  const arrow = {
    type: 'event',
    name: 'go',
    answers: [],
    guard: null,
    isElse: false,
    actions: [],
    label: 'go',
  } as const
  const place = { source: '', on: '', index: 0 }
  const chart: ChartView = {
    ...{ kind: 'x', version: 1, svg: null, reason: null, states: [] },
    arrows: [
      { ...arrow, index: 0, from: 'a', to: ['d'], place },
      { ...arrow, index: 1, from: 'd', to: ['a'], place },
      { ...arrow, index: 2, from: 'a.b', to: [], place },
    ],
  }
  expect(nextFrom(chart, 'a.b')).toEqual([0])
})

test('what is stuck comes first, with the reason; then what changed last', () => {
  const of = {
    ...{
      kind: 'x',
      kindVersion: 1,
      state: 's',
      version: 1,
      lane: '',
      unit: null,
      amount: null,
      createdAt: 0,
      dueAt: null,
    },
    ...{ attempt: 1, parent: null, human: false, reason: null, status: 'active' as const },
  }
  const now = 1_000_000
  const list = [
    { ...of, id: 'old', updatedAt: 1 },
    { ...of, id: 'new', updatedAt: 3 },
    { ...of, id: 'aside', updatedAt: 0, status: 'quarantined' as const, reason: 'DEFECT' },
    { ...of, id: 'late', updatedAt: 2, dueAt: now - 120_000 },
  ]
  expect(sorted(list, now).map(({ id }) => id)).toEqual(['late', 'aside', 'new', 'old'])
  expect(attentionOf({ ...of, id: 'a', updatedAt: 0, human: true }, now).group).toBe('human')
  expect(attentionOf({ ...of, id: 'a', updatedAt: 0, reason: 'BUSY' }, now)).toEqual({
    group: 'stuck',
    why: 'does not go on: BUSY',
  })
})

test('times are written so that they can be read', () => {
  expect([0, 999, 4200, 59_000, 125_000, 7_300_000, 200_000_000].map(spanText)).toEqual([
    '0 ms',
    '999 ms',
    '4.2 s',
    '59 s',
    '2 min',
    '2 h',
    '2 d',
  ])
  expect([agoText(500), agoText(4900), inText(-1), inText(2500)]).toEqual(['now', '4 s ago', 'due', 'in 2.5 s'])
})

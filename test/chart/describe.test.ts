/**
 * Goal: a chart as plain data says all that the chart does, in words that people read. Method: a made-up chart with one of everything
 * is held against what it must say, and every chart in machines/ against the machine itself.
 */
import { describe, expect, test } from 'vitest'
import { createMachine, setup } from 'xstate'
import { backoff, effect, isAnswered, local, on, until, when } from '../../src/kernel/define/authoring.ts'
import { arrowAt, describeChart, foldChart, statesAt } from '../../src/chart/index.ts'
import { placeOf } from '../../src/kernel/step/step.ts'
import { stateNodes } from '../../src/kernel/define/chart.ts'
import { everyMachine } from '../kits/every-machine.ts'

type Context = { readonly tries: number }

const charge = effect<{ answer: 'ok' | 'declined' | 'unknown' }, { order: string }>({
  answers: { ok: true, declined: true, unknown: true },
})
const pick = local<{ answer: 'ok' }, { order: string }>({ answers: { ok: true } })

const shop = setup({
  types: {} as { context: Context; events: { type: 'pay' } | { type: 'stop' } | { type: 'note' } },
  actors: { 'shop.charge': charge, 'shop.pick': pick },
  actions: { keep: () => {}, count: () => {} },
  guards: { answered: isAnswered, isOften: when(({ tries }: Context) => tries > 2) },
  delays: {
    'shop.pause': backoff<Context>({ firstMs: 1, maxMs: 2, tries: ({ tries }) => tries }),
    closing: until(() => 0),
    hold: 5_000,
    computed: () => 3,
  },
}).createMachine({
  id: 'shop',
  description: 'Sells things.',
  context: { tries: 0 },
  initial: 'open',
  on: { stop: '.closed' },
  states: {
    open: {
      description: 'Waits for payment.',
      tags: ['human'],
      meta: { poll: 'price' },
      on: { pay: 'paying', note: { actions: 'count' } },
      after: { closing: 'closed' },
    },
    paying: {
      initial: 'charging',
      onDone: 'closed',
      states: {
        charging: {
          invoke: {
            src: 'shop.charge',
            input: () => ({ order: '1' }),
            onDone: [
              on({ answer: 'ok', target: 'picking' }),
              on({ answer: ['declined', 'unknown'], if: 'isOften', target: '#shop.closed' }),
              on({ if: 'isOften', target: '#shop.open' }),
              on({ target: 'pausing' }),
            ],
          },
        },
        pausing: { after: { 'shop.pause': 'charging' }, exit: 'count' },
        picking: { tags: ['local'], invoke: { src: 'shop.pick', input: () => ({ order: '1' }), onDone: 'paid' } },
        paid: { type: 'final', entry: 'keep' },
      },
    },
    closed: { always: [{ guard: 'isOften', target: 'over' }, { target: 'lost' }] },
    lost: { type: 'final' },
    over: { type: 'parallel', states: { a: { initial: 'x', states: { x: {}, y: {} } }, b: {} } },
  },
})

const chart = describeChart(shop)
const labels = (from: string): string[] =>
  chart.arrows.filter((arrow) => arrow.from === from).map(({ label, to }) => `${label} ▸ ${to.join(', ')}`)

describe('a chart as plain data', () => {
  test('names events, answers, delays, guards and what is left in one line each', () => {
    expect(labels('')).toEqual(['stop ▸ closed'])
    expect(labels('open')).toEqual(['pay ▸ paying', 'note ▸ ', 'after(closing) ▸ closed'])
    expect(labels('paying')).toEqual(['done ▸ closed'])
    expect(labels('paying.charging')).toEqual([
      'shop.charge → ok ▸ paying.picking',
      'shop.charge → declined, unknown [isOften] ▸ closed',
      'shop.charge → [isOften] ▸ open',
      'shop.charge → else ▸ paying.pausing',
    ])
    expect(labels('paying.pausing')).toEqual(['after(shop.pause) ▸ paying.charging'])
    expect(labels('paying.picking')).toEqual(['shop.pick → any ▸ paying.paid'])
    expect(labels('closed')).toEqual(['[isOften] ▸ over', '[else] ▸ lost'])
  })

  test('says of each state what it is, what it asks for and what it does', () => {
    const state = (id: string) => chart.states.find((each) => each.id === id)
    expect(state('open')).toEqual({
      id: 'open',
      name: 'open',
      parent: null,
      type: 'atomic',
      isInitial: true,
      description: 'Waits for payment.',
      tags: ['human'],
      invokes: [],
      poll: 'price',
      entry: [],
      exit: [],
      folded: 0,
    })
    expect(state('paying')).toMatchObject({ type: 'compound', isInitial: false })
    expect(state('paying.charging')).toMatchObject({
      parent: 'paying',
      isInitial: true,
      invokes: [{ src: 'shop.charge', local: false, answers: ['ok', 'declined', 'unknown'] }],
    })
    expect(state('paying.picking')).toMatchObject({ invokes: [{ src: 'shop.pick', local: true, answers: ['ok'] }] })
    expect(state('paying.pausing')).toMatchObject({ entry: [], exit: ['count'] })
    expect(state('paying.paid')).toMatchObject({ type: 'final', entry: ['keep'] })
    expect(state('over')).toMatchObject({ type: 'parallel' })
    // Regions hold from the beginning: none of them is where it begins.
    expect(state('over.a')).toMatchObject({ parent: 'over', isInitial: false })
    expect([chart.name, chart.description]).toEqual(['shop', 'Sells things.'])
  })

  test('says how long delays are', () => {
    expect(chart.delays).toEqual([
      { name: 'shop.pause', type: 'backoff' },
      { name: 'closing', type: 'until' },
      { name: 'hold', type: 'fixed', ms: 5_000 },
      { name: 'computed', type: 'computed' },
    ])
  })

  test('is the same after JSON', () => expect(JSON.parse(JSON.stringify(chart))).toEqual(chart))

  test('refuses what is no machine', () => {
    for (const odd of [undefined, null, 'melt', {}, { root: {} }])
      expect(() => void Reflect.apply(describeChart, undefined, [odd])).toThrow(TypeError)
  })

  test.each(everyMachine)('has every state and every arrow of %s, where a step says it is', (_, machine) => {
    const described = describeChart(machine)
    const nodes = stateNodes(machine)
    expect(described.states.map(({ id }) => id)).toEqual(nodes.slice(1).map(({ path }) => path.join('.')))
    const transitions = nodes.flatMap((node) => [...node.transitions.values(), node.always ?? []].flat())
    expect(described.arrows).toHaveLength(transitions.length)
    for (const transition of transitions) {
      const { source, on: event, index, targets } = placeOf(transition)
      const arrow = arrowAt(described, { source, on: event, index })
      expect(arrow?.to).toEqual(targets.map((id) => nodes.find((node) => node.id === id)?.path.join('.')))
    }
    for (const { label, place } of described.arrows) expect(label, place.on).not.toMatch(/xstate|unnamed|undefined/)
    // Without a guard a way on needs no label.
    const unlabelled = described.arrows.filter(({ label, type }) => label === '' && type !== 'always')
    expect(unlabelled).toEqual([])
  })
})

describe('the states that hold', () => {
  test.each([
    ['open', ['open']],
    ['paying.charging', ['paying', 'paying.charging']],
    ['over.a.y|b', ['over', 'over.a', 'over.a.y', 'over.b']],
    ['over.b|a.x', ['over', 'over.b', 'over.a', 'over.a.x']],
    ['nowhere', []],
    ['open.deeper', []],
    ['', []],
  ])('of the text %s are found', (text, ids) => expect(statesAt(chart, text)).toEqual(ids))

  test('are found where names have dots', () => {
    const dotted = describeChart(createMachine({ initial: 'a', states: { a: { initial: 'e', states: { e: {} } }, 'a.b': { initial: 'c.d', states: { 'c.d': {} } } } })) // prettier-ignore
    expect(statesAt(dotted, 'a.b.c.d')).toEqual(['a.b', 'a.b.c.d'])
  })

  test('are the folded ones where a chart is folded', () => {
    expect(statesAt(foldChart(chart), 'paying.charging')).toEqual(['paying'])
    expect(statesAt(foldChart(chart), 'over.a.y|b')).toEqual(['over'])
  })
})

describe('a folded chart', () => {
  const folded = foldChart(chart)

  test('has no states inside those that are folded, and counts them', () => {
    expect(folded.states.map(({ id, folded: inside }) => [id, inside])).toEqual([
      ['open', 0],
      ['paying', 4],
      ['closed', 0],
      ['lost', 0],
      ['over', 4],
    ])
  })

  test('keeps what leads out of them, under the same index', () => {
    const out = folded.arrows.filter(({ from }) => from === 'paying')
    expect(out.map(({ label }) => label)).toEqual(['done', 'shop.charge → declined, unknown [isOften]', 'shop.charge → [isOften]']) // prettier-ignore
    for (const { index, label } of out) expect(chart.arrows[index]?.label).toBe(label)
  })

  test('folds only what it is asked to', () => {
    const one = foldChart(chart, ['over'])
    expect(one.states.map(({ id }) => id)).toContain('paying.charging')
    expect(one.states.map(({ id }) => id)).not.toContain('over.a')
    expect(() => foldChart(chart, ['nowhere'])).toThrow("ids: the chart has no state 'nowhere'")
  })
})

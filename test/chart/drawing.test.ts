/**
 * Goal: a drawn chart can be read, and one finds one's way in it. Method: what is drawn is parsed as XML. Each state and each arrow must
 * be in it under its id, with its words, and no state or label on another. A made-up chart has names and shapes that are odd.
 */
import { describe, expect, test } from 'vitest'
import { createMachine } from 'xstate'
import {
  CHART_STYLE,
  describeChart,
  drawChart,
  foldChart,
  mermaidOf,
  type ChartDescription,
} from '../../src/chart/index.ts'
import { overlaps, parsedXml, rectangleOf, textRectangle, withClass, type Element } from '../kits/drawn-chart.ts'
import { everyMachine } from '../kits/every-machine.ts'

const charts: readonly (readonly [string, ChartDescription])[] = everyMachine.flatMap(([path, machine]) => {
  const chart = describeChart(machine)
  return [[path, chart] as const, [`${path}, folded`, foldChart(chart)] as const]
})

const idsOf = (states: readonly Element[]): Set<string | undefined> =>
  new Set(states.map(({ attributes }) => attributes['data-state']))

const wordsOf = (element: Element): string =>
  element.children
    .filter(({ tag }) => tag === 'text')
    .map(({ text }) => text.trim())
    .join(' ')

const indexesOf = ({ attributes }: Element): number[] =>
  (attributes['data-arrows'] ?? '')
    .split(' ')
    .filter((text) => text !== '')
    .map(Number)

describe.each(charts)('drawn, %s', (_, chart) => {
  test('has each state under its id, with its name', async () => {
    const svg = parsedXml(await drawChart(chart))
    const states = withClass(svg, 'chart-state')
    const framed = states.filter(({ attributes }) => attributes['data-state'] === '')
    expect(idsOf(states)).toEqual(new Set([...framed.map(() => ''), ...chart.states.map(({ id }) => id)]))
    expect(states).toHaveLength(framed.length + chart.states.length)
    for (const { id, name, invokes } of chart.states) {
      const drawn = states.find(({ attributes }) => attributes['data-state'] === id)
      expect(drawn && wordsOf(drawn)).toContain([name, ...invokes.map(({ src }) => src)].join(' '))
    }
  })

  test('has each arrow as a line or in its state, with its words', async () => {
    const svg = parsedXml(await drawChart(chart))
    const lines = new Set(withClass(svg, 'chart-arrow').flatMap(indexesOf))
    const rows = new Set(withClass(svg, 'chart-state').flatMap(({ children }) => children.flatMap(indexesOf)))
    const labels = withClass(svg, 'chart-label')
    for (const { index, label, name, type } of chart.arrows) {
      expect([lines.has(index), rows.has(index)].filter(Boolean), label).toHaveLength(1)
      if (rows.has(index)) continue
      const own = labels.filter((each) => indexesOf(each).includes(index))
      const words = own.map(wordsOf)
      // An arrow at the end of a line points at nothing.
      for (const { text } of own.flatMap(({ children }) => children)) expect(text.trim()).not.toBe('→')
      const short = type === 'answer' ? label.slice(name.length + 1) : label
      expect(
        words.every((each) => each === label || each === short),
        `${label}: ${words.join()}`,
      ).toBe(true)
      expect(words.length > 0).toBe(label !== '')
    }
  })

  test('has no state, and no label, on another, and nothing outside', async () => {
    const svg = parsedXml(await drawChart(chart))
    const states = withClass(svg, 'chart-state').filter(({ attributes }) => !attributes['class']?.includes('is-around'))
    const boxes = states.map(rectangleOf)
    const labels = withClass(svg, 'chart-label').flatMap(({ children }) => children.map((text) => textRectangle(text, 10))) // prettier-ignore
    expect(overlaps(boxes)).toEqual([])
    expect(overlaps(labels)).toEqual([])
    expect(overlaps(labels, boxes)).toEqual([])
    const [, , width = NaN, height = NaN] = (svg.attributes['viewBox'] ?? '').split(' ').map(Number)
    const [dx = NaN, dy = NaN] = (svg.children.at(-1)?.attributes['transform'] ?? '').match(/-?[\d.]+/g)?.map(Number) ?? [] // prettier-ignore
    for (const { left, right, top, bottom } of [...boxes, ...labels]) {
      expect(Math.min(left + dx, top + dy)).toBeGreaterThanOrEqual(0)
      expect(right + dx).toBeLessThanOrEqual(width)
      expect(bottom + dy).toBeLessThanOrEqual(height)
    }
    for (const state of states)
      for (const text of state.children.filter(({ tag }) => tag === 'text')) {
        const [row, box] = [textRectangle(text, 12), rectangleOf(state)]
        expect(row.right, row.what).toBeLessThanOrEqual(box.right + 1)
      }
  })
})

const odd = createMachine({
  id: 'odd & <quoted> "names"',
  type: 'parallel',
  on: { 'a.root:event;': { actions: 'log' } },
  states: {
    'left side.of it': {
      initial: 'a<b',
      states: {
        'a<b': { on: { 'x & "y"': 'c#d' }, after: { 'pause.long': 'c#d' } },
        'c#d': { on: { back: 'h', '*': { actions: 'log' } }, always: { guard: 'is\\odd', target: '#leaf' } },
        h: { type: 'history', history: 'deep' },
      },
    },
    right: { initial: 'x', on: { again: { target: 'right', reenter: true } }, states: { x: {}, leaf: { id: 'leaf', type: 'final' } } },
  },
}) // prettier-ignore

describe('odd names and shapes', () => {
  const chart = describeChart(odd)

  test('are drawn as they are', async () => {
    const svg = parsedXml(await drawChart(chart))
    const states = withClass(svg, 'chart-state')
    expect(idsOf(states)).toEqual(new Set(['', ...chart.states.map(({ id }) => id)]))
    const words = [...states, ...withClass(svg, 'chart-label')].map(wordsOf)
    for (const each of ['odd & <quoted> "names" a.root:event; / log', 'a<b', 'x & "y" after(pause.long)', '[is\\odd]'])
      expect(words.some((text) => text.includes(each)) || words.join(' ').includes(each), each).toBe(true)
  })

  test('are coded in mermaid, which would read them as its own', () => {
    const text = mermaidOf(chart)
    expect(text).toContain('state "odd & #60;quoted#62; #34;names#34;" as chart {')
    expect(text).toContain(' : x & #34;y#34;')
    expect(text).toContain('  --\n')
    expect(text).toContain('any_chart : a.root#58;event#59; / log')
    for (const line of text.replaceAll(/#\d+;/g, '').split('\n')) expect(line).not.toMatch(/[;<\\]|:.*:/)
  })
})

test('a chart in mermaid has every state and every arrow', () => {
  for (const [path, chart] of charts) {
    const text = mermaidOf(chart)
    expect(text.match(/^ *state "/gm)?.length, path).toBeGreaterThanOrEqual(chart.states.length)
    const ways = chart.arrows.flatMap(({ to }) => to).length
    const begins = chart.states.filter(({ isInitial }) => isInitial).length
    const ends = chart.states.filter(({ type }) => type === 'final').length
    expect(text.match(/-->/g)?.length, path).toBe(ways + begins + ends)
  }
})

describe('a drawing', () => {
  const lamp = describeChart(
    createMachine({ id: 'lamp', initial: 'off', states: { off: { on: { press: 'on' } }, on: {} } }),
  )

  test('is the same each time, and brings its colours for light and dark', async () => {
    const svg = await drawChart(lamp)
    expect(await drawChart(lamp)).toBe(svg)
    expect(svg).toContain(CHART_STYLE)
    expect(CHART_STYLE).toContain('prefers-color-scheme: dark')
    // A colour in an element would hold in both.
    expect(svg.replace(CHART_STYLE, '')).not.toMatch(/(fill|stroke|style)=/)
  })

  test('leaves the style out for pages that forbid it', async () => {
    expect(await drawChart(lamp, { style: false })).not.toContain('<style')
  })

  test('refuses what it does not know', async () => {
    await expect(Reflect.apply(drawChart, undefined, [lamp, { theme: 'dark' }])).rejects.toThrow(
      'theme: not among style',
    )
    await expect(Reflect.apply(drawChart, undefined, [undefined])).rejects.toThrow('chart')
  })
})

/**
 * A chart as SVG. A library lays it out; what comes of it is written anew here, so that states and arrows can be found in it
 * and colours be chosen by a style.
 */
import { checkNames, checkObject } from '../arguments.ts'
import type { ChartArrow, ChartDescription, ChartState } from './description.ts'
import { layoutOf, type Box, type Edge, type Layout, type Line } from './layout.ts'
import { CHART_STYLE } from './style.ts'

/** How a chart is drawn. */
export interface DrawOptions {
  /** Whether the SVG brings its style; true unless given. A page whose rules forbid that has `CHART_STYLE` in its own. */
  readonly style?: boolean
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** One group of the laid out picture: its classes, its shapes, and where its lines of text begin. */
interface Group {
  readonly classes: readonly string[]
  readonly shapes: readonly string[]
  readonly places: readonly Place[]
}

/** Where a line of text is: `anchor` says which part of it is at `x`. */
interface Place {
  readonly x: string
  readonly y: string
  readonly anchor: string
}

const attribute = (element: string, name: string): string => new RegExp(`\\s${name}="([^"]*)"`).exec(element)?.[1] ?? ''

/** The shapes without colours and strokes, which are the style's. */
function shapesIn(group: string): string[] {
  return [...group.matchAll(/<(path|polygon|polyline|ellipse)\b[^>]*>/g)].flatMap(([element, tag = '']) => {
    if (element.includes('fill-opacity')) return []
    const kept = ['d', 'points', 'cx', 'cy', 'rx', 'ry']
      .map((name) => [name, attribute(element, name)] as const)
      .filter(([, value]) => value !== '')
      .map(([name, value]) => ` ${name}="${value}"`)
    return [`<${tag}${kept.join('')}/>`]
  })
}

function groupsIn(picture: string): Group[] {
  return [...picture.matchAll(/<g id="[^"]*" class="([^"]*)">([\s\S]*?)<\/g>/g)].map(
    ([, classes = '', inside = '']) => ({
      classes: classes.replaceAll('&#45;', '-').split(' '),
      shapes: shapesIn(inside),
      places: [...inside.matchAll(/<text\b[^>]*>(?![\s\u00a0]*(?:&#160;)*<\/text>)/g)].map(([text]) => ({
        x: attribute(text, 'x'),
        y: attribute(text, 'y'),
        anchor: attribute(text, 'text-anchor'),
      })),
    }),
  )
}

/** Which of a layout's boxes or edges a group is. */
function among<T>({ classes }: Group, letter: 's' | 'e', all: readonly T[]): T | undefined {
  const name = classes.find((each) => new RegExp(`^${letter}\\d+$`).test(each))
  return name === undefined ? undefined : all[Number(name.slice(1))]
}

const isLetters = (tag: string): boolean => /^[a-z]+$/.test(tag)

function textAt({ x, y, anchor }: Place, { text, of, arrows }: Line): string {
  const whose = arrows === undefined ? '' : ` data-arrows="${arrows.join(' ')}"`
  const at = `x="${x}" y="${y}"${anchor === 'start' ? '' : ` text-anchor="${anchor}"`}`
  return `<text class="chart-${of}" ${at}${whose} xml:space="preserve">${escaped(text)}</text>`
}

const textsOf = ({ places }: Group, lines: readonly Line[]): string[] =>
  places.flatMap((place, at) => {
    const line = lines[at]
    return line ? [textAt(place, line)] : []
  })

/** What the chart says of a state, for whoever points at it. */
function aboutState(state: ChartState): string {
  const tags = state.tags.length > 0 ? ` (${state.tags.join(', ')})` : ''
  return `${state.id}${tags}${state.description === null ? '' : `: ${state.description}`}`
}

const aboutArrow = ({ from, label, to }: ChartArrow): string =>
  [from, label === '' ? '→' : `— ${label} →`, to.join(', ')].filter((part) => part !== '').join(' ')

function boxMarkup(group: Group, { state, lines }: Box, isAround: boolean): string {
  const marks = [
    ...(isAround ? ['is-around'] : []),
    ...(state?.type === 'final' ? ['is-final'] : []),
    ...(state?.tags ?? []).filter(isLetters).map((tag) => `is-${tag}`),
  ]
  return [
    `<g class="${['chart-state', ...marks].join(' ')}" data-state="${escaped(state?.id ?? '')}">`,
    ...(state ? [`<title>${escaped(aboutState(state))}</title>`] : []),
    ...group.shapes,
    ...textsOf(group, lines),
    '</g>',
  ].join('')
}

const numbers = (arrows: readonly ChartArrow[]): string => arrows.map(({ index }) => index).join(' ')

function lineMarkup(group: Group, { arrows }: Edge): string {
  const title = arrows.map(aboutArrow).join('\n')
  const about = `<title>${escaped(title)}</title>`
  return `<g class="chart-arrow" data-arrows="${numbers(arrows)}">${about}${group.shapes.join('')}</g>`
}

/** The labels of an edge, each one apart. */
function labelMarkup({ places }: Group, { lines }: Edge): string {
  const placed = lines.flatMap((line, at) => {
    const place = places[at]
    return place ? [{ line, place }] : []
  })
  return [...Map.groupBy(placed, ({ line }) => line.arrows)]
    .map(([arrows = [], own]) => {
      const texts = own.map(({ place, line: { text, of } }) => textAt(place, { text, of }))
      return `<g class="chart-label" data-arrows="${arrows.join(' ')}">${texts.join('')}</g>`
    })
    .join('')
}

/** The picture as the library lays it out. It takes a while to load, and is loaded where it is needed. */
async function laidOut({ machine }: Layout): Promise<string> {
  const { render } = await import('state-machine-cat')
  return render(machine, {
    inputType: 'json',
    outputType: 'oldsvg',
    direction: 'top-down',
    dotGraphAttrs: [
      { name: 'ranksep', value: '0.3' },
      { name: 'nodesep', value: '0.3' },
    ],
  })
}

/**
 * Draws a chart. Every state is a `<g class="chart-state" data-state="exchanging.swapping">`, every line a `<g class="chart-arrow">`
 * and every label a `<g class="chart-label">` with the indexes of its arrows in `data-arrows`: so a page can light up the
 * current state and the way taken.
 *
 * It needs `state-machine-cat` beside this package, which runs in browsers, too.
 *
 * @throws {TypeError} naming the argument
 * @throws {Error} where `state-machine-cat` is not there
 * @example
 * const svg = await drawChart(describeChart(order.machine))
 * console.log(svg.includes('data-state="open"')) // true
 */
export async function drawChart(chart: ChartDescription, options: DrawOptions = {}): Promise<string> {
  checkObject(chart, 'chart')
  checkNames(options, 'options', ['style'])
  const layout = layoutOf(chart)
  const picture = await laidOut(layout)
  const [, , width = '0', height = '0'] = (/viewBox="([^"]*)"/.exec(picture)?.[1] ?? '').split(' ')
  const shift = /translate\(([^)]*)\)/.exec(picture)?.[1] ?? '0 0'
  const around: string[] = []
  const lines: string[] = []
  const boxes: string[] = []
  const labels: string[] = []
  for (const group of groupsIn(picture)) {
    const isAround = group.classes.includes('cluster')
    const box = among(group, 's', layout.boxes)
    const edge = among(group, 'e', layout.edges)
    if (box) (isAround ? around : boxes).push(boxMarkup(group, box, isAround))
    else if (edge) {
      lines.push(lineMarkup(group, edge))
      labels.push(labelMarkup(group, edge))
    } else if (group.classes.includes('initial')) boxes.push(`<g class="chart-initial">${group.shapes.join('')}</g>`)
    else lines.push(`<g class="chart-arrow">${group.shapes.join('')}</g>`)
  }
  const [w, h] = [Math.ceil(Number(width)), Math.ceil(Number(height))]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}">`,
    `<title>${escaped(`The chart ${chart.name}`)}</title>`,
    ...(options.style === false ? [] : [`<style>\n${CHART_STYLE}</style>`]),
    `<rect class="chart-paper" width="${w}" height="${h}"/>`,
    `<g transform="translate(${shift})">`,
    ...around,
    ...lines,
    ...boxes,
    ...labels,
    '</g>',
    '</svg>',
    '',
  ].join('\n')
}

/** A chart as the text of a mermaid diagram, which GitHub and many editors draw. */
import { checkObject } from '../arguments.ts'
import type { ChartArrow, ChartDescription, ChartState } from './description.ts'
import { isWithin } from './arrows.ts'

/** Mermaid reads a colon, a semicolon and a hash as its own. */
const coded = (text: string): string =>
  text.replaceAll(/[#:;"<>{}\\]/g, (sign) => `#${sign.codePointAt(0) ?? 0};`).replaceAll(/\s+/g, ' ')

/**
 * The text of a `stateDiagram-v2`.
 *
 * @throws {TypeError} where it is given no chart
 * @example
 * console.log(mermaidOf(describeChart(order.machine)))
 */
export function mermaidOf(chart: ChartDescription): string {
  checkObject(chart, 'chart')
  const { states, arrows, isParallel } = chart
  const names = new Map(states.map(({ id }, at) => [id, `s${at}`]))
  const nameOf = (id: string): string => names.get(id) ?? 'chart'
  const isAround = new Set(states.map(({ parent }) => parent ?? ''))
  const parents = new Map(states.map(({ id, parent }) => [id, parent]))

  const around = (id: string): (string | null)[] => {
    const parent = parents.get(id) ?? null
    return parent === null ? [null] : [parent, ...around(parent)]
  }
  /** The innermost state around both ends: there the arrow is written. */
  const placeOf = ({ from, to }: ChartArrow): string | null => {
    const others = to.map(around)
    return around(from).find((parent) => others.every((other) => other.includes(parent))) ?? null
  }
  const toLines = (name: string, { to, label }: ChartArrow): string[] =>
    to.map((id) => `${name} --> ${nameOf(id)}${label === '' ? '' : ` : ${coded(label)}`}`)
  const rowOf = (name: string, { label, actions }: ChartArrow): string =>
    `${name} : ${coded([label, actions.join(', ')].filter((part) => part !== '').join(' / '))}`

  const arrowLines = (parent: string | null): string[] =>
    arrows
      .filter((arrow) => !isWithin(arrow) && placeOf(arrow) === parent)
      .flatMap((arrow) => toLines(nameOf(arrow.from), arrow))

  /** Mermaid draws no arrow from a state to one inside it: a state of its own stands for all that are there. */
  const anywhere = (id: string): string[] => {
    const own = arrows.filter((arrow) => arrow.from === id && isWithin(arrow))
    const name = `any_${nameOf(id)}`
    return own.length === 0 || !isAround.has(id)
      ? []
      : [
          `state "anywhere in ${coded(id === '' ? chart.name : id)}" as ${name}`,
          ...own.flatMap((arrow) => (arrow.to.length > 0 ? toLines(name, arrow) : [rowOf(name, arrow)])),
        ]
  }

  const rowsOf = ({ id, invokes, poll }: ChartState): string[] => [
    ...invokes.map(({ src }) => `${nameOf(id)} : ${coded(src)}`),
    ...(poll === null ? [] : [`${nameOf(id)} : ${coded(`poll ${poll}`)}`]),
    ...arrows.filter((arrow) => arrow.from === id && isWithin(arrow)).map((arrow) => rowOf(nameOf(id), arrow)),
  ]

  const linesOf = (parent: string | null, isParted: boolean): string[] => {
    const inside = states.filter((state) => state.parent === parent)
    const blocks = inside.map((state): string[] => {
      const name = nameOf(state.id)
      const declared = `state "${coded(state.name)}" as ${name}`
      const within = linesOf(state.id, state.type === 'parallel')
      const begins = state.isInitial ? [`[*] --> ${name}`] : []
      const ends = state.type === 'final' ? [`${name} --> [*]`] : []
      const body =
        within.length > 0 ? [`${declared} {`, ...within.map((line) => `  ${line}`), '}'] : [declared, ...rowsOf(state)]
      return [...begins, ...body, ...ends]
    })
    const parted = blocks.flatMap((block, at) => (isParted && at > 0 ? ['--', ...block] : block))
    return [...parted, ...anywhere(parent ?? ''), ...arrowLines(parent)]
  }

  const top = linesOf(null, isParallel)
  const all = isParallel ? [`state "${coded(chart.name)}" as chart {`, ...top.map((line) => `  ${line}`), '}'] : top
  return ['stateDiagram-v2', ...all.map((line) => `  ${line}`), ''].join('\n')
}

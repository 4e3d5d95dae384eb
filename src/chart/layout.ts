/** What of a chart is drawn, in the words of the library that lays it out: boxes with their rows, and lines with their labels. */
import type { IState, IStateMachine, ITransition } from 'state-machine-cat'
import { isWithin, labelOf } from './arrows.ts'
import type { ChartArrow, ChartDescription, ChartState } from './description.ts'

/** One line of a text that is drawn: which arrow it speaks of, if any, and what else it is. */
export interface Line {
  readonly text: string
  readonly of: 'name' | 'effect' | 'local' | 'poll' | 'folded' | 'words'
  readonly arrows?: readonly number[]
}

/** A state as it is drawn; null stands for the chart itself, around all others. */
export interface Box {
  readonly state: ChartState | null
  readonly lines: readonly Line[]
}

/** All arrows from one state to another, drawn as one line. */
export interface Edge {
  readonly arrows: readonly ChartArrow[]
  readonly lines: readonly Line[]
}

/** What is laid out, and what its classes stand for: `s3` is the box at 3, `e7` the edge at 7. */
export interface Layout {
  readonly machine: IStateMachine
  readonly boxes: readonly Box[]
  readonly edges: readonly Edge[]
}

const LABEL_WIDTH = 24

/** The library leaves no room beside rows. */
const padded = (text: string): string => `\u00a0${text}\u00a0`

/** Breaks a text at its spaces, where a line would be longer than so many characters. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.trim().split(/\s+/)) {
    const last = lines.at(-1)
    // An arrow that ends a line would point at nothing.
    const isFull = last !== undefined && last !== '→' && last.length + 1 + word.length > width
    if (last === undefined || isFull) lines.push(word)
    else lines.splice(-1, 1, `${last} ${word}`)
  }
  return lines
}

/** An arrow's label as drawn: where a state has one effect, its box names the effect, and its arrows need not. */
function drawnLabel(arrow: ChartArrow, from: ChartState | undefined): string {
  const isOnly = arrow.type === 'answer' && from?.invokes.length === 1 && from.invokes[0]?.src === arrow.name
  return isOnly ? labelOf({ ...arrow, name: '' }) : arrow.label
}

/** The lines of a label, and whose it is. */
const linesOf = (label: string, arrows: readonly number[]): Line[] =>
  label === ''
    ? []
    : wrapped(label, LABEL_WIDTH).map((text, at) => ({ text: at === 0 ? text : `   ${text}`, of: 'words', arrows }))

function boxOf(state: ChartState | null, { name, arrows }: ChartDescription): Box {
  const invokes = (state?.invokes ?? []).map(({ src, local }): Line => ({
    text: padded(src),
    of: local ? 'local' : 'effect',
  }))
  const poll: Line[] = typeof state?.poll === 'string' ? [{ text: padded(`poll ${state.poll}`), of: 'poll' }] : []
  // Of what stays within the state no line can be drawn: it is a row of the box.
  const inside = arrows
    .filter((arrow) => arrow.from === (state?.id ?? '') && isWithin(arrow))
    .map((arrow): Line => {
      const to = arrow.to.map((id) => ` → ${state ? id.slice(state.id.length + 1) : id}`).join('')
      const done = to === '' && arrow.actions.length > 0 ? ` / ${arrow.actions.join(', ')}` : ''
      const text = padded(`${drawnLabel(arrow, state ?? undefined)}${to}${done}`)
      return { text, of: 'words', arrows: [arrow.index] }
    })
  const count = state?.folded ?? 0
  const folded: Line[] = count > 0 ? [{ text: padded(`${count} states inside`), of: 'folded' }] : []
  return { state, lines: [{ text: state?.name ?? name, of: 'name' }, ...folded, ...invokes, ...poll, ...inside] }
}

/** Graphviz reads entities in labels. */
const plain = (text: string): string => text.replaceAll('&', '&amp;')

/** What is to be laid out of a chart. */
export function layoutOf(chart: ChartDescription): Layout {
  const { states, arrows, isParallel } = chart
  // What the chart itself takes has a box to come from.
  const isFramed = isParallel || arrows.some(({ from }) => from === '')
  const boxes = [...(isFramed ? [null] : []), ...states].map((state) => boxOf(state, chart))
  const names = new Map(boxes.map(({ state }, at) => [state?.id ?? '', `s${at}`]))
  const nameOf = (id: string): string => names.get(id) ?? id
  const byId = new Map(states.map((state) => [state.id, state]))

  const under = (parent: string | null): IState[] => {
    const inside = states.filter((state) => state.parent === parent)
    const begins = inside.filter(({ isInitial }) => isInitial)
    return [
      ...begins.map(({ id }): IState => ({ name: `${nameOf(id)}-initial`, type: 'initial' })),
      ...inside.map((state) => drawn(state.id, state.type, under(state.id))),
    ]
  }
  const drawn = (id: string, type: ChartState['type'], inside: IState[]): IState => {
    const [name, ...rows] = boxes[Number(nameOf(id).slice(1))]?.lines ?? []
    return {
      name: nameOf(id),
      class: nameOf(id),
      type: type === 'parallel' ? 'parallel' : type === 'history' ? 'history' : 'regular',
      label: name?.text ?? id,
      ...(rows.length > 0 && { actions: rows.map(({ text }) => ({ type: 'activity', body: text })) }),
      ...(inside.length > 0 && { statemachine: { states: inside } }),
    }
  }

  const between = Map.groupBy(
    arrows.filter((arrow) => !isWithin(arrow)).flatMap((arrow) => arrow.to.map((to) => ({ arrow, to }))),
    ({ arrow, to }) => `${nameOf(arrow.from)} ${nameOf(to)}`,
  )
  const edges = [...between].map(([ends, group]) => {
    const [from = '', to = ''] = ends.split(' ')
    const labels = Map.groupBy(group, ({ arrow }) => drawnLabel(arrow, byId.get(arrow.from)))
    const lines = [...labels].flatMap(([label, of]) => linesOf(label, of.map(({ arrow }) => arrow.index))) // prettier-ignore
    return { from, to, arrows: group.map(({ arrow }) => arrow), lines }
  })
  const begins = states
    .filter(({ isInitial }) => isInitial)
    .map(({ id }, at): ITransition => ({ id: edges.length + at, from: `${nameOf(id)}-initial`, to: nameOf(id) }))
  const transitions = edges.map(({ from, to, lines }, id): ITransition => ({
    ...{ id, from, to, class: `e${id}` },
    ...(lines.length > 0 && { label: lines.map(({ text }) => plain(text)).join('\n') }),
  }))
  const top = under(null)
  const all = isFramed ? [drawn('', isParallel ? 'parallel' : 'compound', top)] : top
  return { machine: { states: all, transitions: [...begins, ...transitions] }, boxes, edges }
}

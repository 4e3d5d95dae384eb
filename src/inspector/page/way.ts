/** Which arrows of a chart a step went along: its own, and those of the local steps inside it. */
import type { ChartArrow, ChartView, StepRecord } from '../feed.ts'

/** What leads from a state. */
interface Trigger {
  readonly type: ChartArrow['type']
  readonly name: string
  readonly answer: string | null
}

/** A state, and those around it, the innermost first; in the end the chart itself. */
export function around(state: string): string[] {
  const parts = state.split('.')
  return [...parts.map((_, at) => parts.slice(0, parts.length - at).join('.')), '']
}

/** The states that hold where an operation is in this one, which may be of several regions. */
export const statesIn = (state: string): string[] =>
  state.split('|').flatMap((region) => around(region).filter((each) => each !== ''))

const isIn = (state: string, outer: string): boolean => state === outer || state.startsWith(`${outer}.`)

/** Where a state that has others inside it begins. */
function leafOf(chart: ChartView, id: string): string {
  const inner = chart.states.find(({ parent, isInitial }) => parent === id && isInitial)
  return inner ? leafOf(chart, inner.id) : id
}

const triggerOf = ({ event, src, answer, delay }: StepRecord): Trigger => {
  if (src !== null) return { type: 'answer', name: src, answer }
  if (delay !== null) return { type: 'delay', name: delay, answer: null }
  return { type: 'event', name: event, answer: null }
}

function takes(arrow: ChartArrow, trigger: Trigger): boolean {
  if (arrow.type !== trigger.type) return false
  if (arrow.name !== trigger.name && !(arrow.type === 'event' && arrow.name === '*')) return false
  return trigger.answer === null || arrow.answers.length === 0 || arrow.answers.includes(trigger.answer)
}

/** More arrows than any step takes: what goes in circles ends. */
const MOST_ARROWS = 40

/** The indexes of the arrows, in order; none where they cannot be told. */
export function wayOf(chart: ChartView, step: StepRecord): readonly number[] {
  const { from, to, detail } = step
  const locals = detail?.locals ?? []
  const seek = (
    state: string,
    trigger: Trigger | undefined,
    done: number,
    way: readonly number[],
  ): readonly number[] | undefined => {
    if (trigger === undefined && done === locals.length && isIn(to, state) && way.length > 0) return way
    if (way.length > MOST_ARROWS) return undefined
    const local = locals[done]
    const next = trigger ?? (local && { type: 'answer' as const, name: local.src, answer: local.answer })
    const places = around(state)
    for (const place of places)
      for (const arrow of chart.arrows) {
        if (arrow.from !== place || way.includes(arrow.index)) continue
        const isBy = next !== undefined && takes(arrow, next)
        const isFree = trigger === undefined && (arrow.type === 'always' || arrow.type === 'done')
        if (!isBy && !isFree) continue
        const used = trigger === undefined && isBy ? done + 1 : done
        for (const target of arrow.to.length > 0 ? arrow.to : [state]) {
          const found = seek(leafOf(chart, target), undefined, used, [...way, arrow.index])
          if (found) return found
        }
      }
    return undefined
  }
  // What creates an operation begins where the chart does.
  const initial = chart.states.find(({ parent, isInitial }) => parent === null && isInitial)
  const start = from ?? (initial ? leafOf(chart, initial.id) : '')
  return seek(start, from === null ? undefined : triggerOf(step), 0, []) ?? []
}

/** The arrows that may be taken next from a state. */
export const nextFrom = (chart: ChartView, state: string): readonly number[] => {
  const places = new Set([...statesIn(state), ''])
  return chart.arrows.filter(({ from, to }) => places.has(from) && to.length > 0).map(({ index }) => index)
}

/** Which states and arrows of a chart an operation's row and its steps speak of. */
import { checkObject } from '../arguments.ts'
import type { ChartArrow, ChartDescription, ChartState } from './description.ts'

interface Read {
  readonly ids: readonly string[]
  readonly rest: string
}

/**
 * The states that hold, each before those inside it, by an operation's `state`: `exchanging.swapping`, and `a.x|b.y` where two
 * hold at once. None where the chart has no such state.
 *
 * @throws {TypeError} where it is given no chart
 * @example
 * console.log(statesAt(describeChart(order.machine), 'open')) // [ 'open' ]
 */
export function statesAt(chart: ChartDescription, state: string): readonly string[] {
  checkObject(chart, 'chart')
  const inside = Map.groupBy(chart.states, ({ parent }) => parent)

  function* through({ id, type }: ChartState, rest: string): Generator<Read> {
    const within = inside.get(id) ?? []
    if (within.length > 0 && rest.startsWith('.'))
      for (const read of among(within, type === 'parallel', rest.slice(1)))
        yield { ids: [id, ...read.ids], rest: read.rest }
    yield { ids: [id], rest }
  }

  /** The names of states may have dots: all ways of reading a text are tried. */
  function* among(states: readonly ChartState[], isParallel: boolean, text: string): Generator<Read> {
    for (const each of states) {
      if (!text.startsWith(each.name)) continue
      for (const read of through(each, text.slice(each.name.length))) {
        const others = isParallel ? states.filter((other) => other !== each) : []
        if (others.length === 0) yield read
        else if (read.rest.startsWith('|'))
          for (const more of among(others, true, read.rest.slice(1)))
            yield { ids: [...read.ids, ...more.ids], rest: more.rest }
      }
    }
  }

  for (const { ids, rest } of among(inside.get(null) ?? [], chart.isParallel, state))
    // What is folded has no states to read the rest by.
    if (rest === '' || chart.states.some(({ id, folded }) => id === ids.at(-1) && folded > 0)) return ids
  return []
}

/** The arrow that XState has at a place, as a step's moves name it; undefined where the chart has none there. */
export const arrowAt = (chart: ChartDescription, place: ChartArrow['place']): ChartArrow | undefined =>
  chart.arrows.find(
    ({ place: { source, on, index } }) => source === place.source && on === place.on && index === place.index,
  )

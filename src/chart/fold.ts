/** A chart with some of its states folded: what is inside them is left out, and what leads out of them leads out of the state. */
import { checkObject } from '../arguments.ts'
import type { ChartDescription } from './description.ts'

/**
 * Leaves out what is inside some states. Arrows that stay keep their index, and what leads out of such a state begins at it.
 *
 * @param ids the states; all at the top that have states inside unless given
 * @throws {TypeError} where a state is not in the chart
 * @example
 * const { states, arrows } = foldChart(describeChart(order.machine))
 * console.log(states.length, arrows.length) // nothing of that chart is inside another state
 */
export function foldChart(chart: ChartDescription, ids?: readonly string[]): ChartDescription {
  checkObject(chart, 'chart')
  const parents = new Map(chart.states.map(({ id, parent }) => [id, parent]))
  const isAround = new Set(parents.values())
  const folded = new Set(ids ?? chart.states.filter(({ id, parent }) => parent === null && isAround.has(id)).map(({ id }) => id)) // prettier-ignore
  for (const id of folded) if (!parents.has(id)) throw new TypeError(`ids: the chart has no state '${id}'`)
  /** The state that stands for another: the outermost folded one around it, or itself. */
  const shown = (id: string): string => {
    let found = id
    for (let at: string | null = id; at !== null; at = parents.get(at) ?? null) if (folded.has(at)) found = at
    return found
  }
  const isInside = (from: string, to: readonly string[]): boolean =>
    folded.has(shown(from)) && to.every((id) => shown(id) === shown(from))
  return {
    ...chart,
    states: chart.states
      .filter(({ id }) => shown(id) === id)
      .map((state) => ({ ...state, folded: chart.states.filter(({ id }) => shown(id) === state.id).length - 1 })),
    arrows: chart.arrows
      .filter(({ from, to }) => !isInside(from, to))
      .map((arrow) => ({ ...arrow, from: shown(arrow.from), to: [...new Set(arrow.to.map(shown))] })),
  }
}

/** Runs in a page: draws charts, and says what of a drawing cannot be read there, by the letters as the browser sets them. */
import { describeChart, drawChart } from '../../src/chart/index.ts'
import { BUILT_IN } from '../../src/cli/built-in-charts.ts'

const within = (inner: DOMRect, outer: DOMRect): boolean =>
  inner.left >= outer.left - 1 && inner.right <= outer.right + 1 && inner.top >= outer.top - 1 && inner.bottom <= outer.bottom + 1 // prettier-ignore

/** By more than the room around letters. */
const isOn = (one: DOMRect, other: DOMRect): boolean =>
  Math.min(one.right, other.right) - Math.max(one.left, other.left) > 2 &&
  Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 4

const charts = {
  names: [...BUILT_IN.keys()],
  async draw(name: string): Promise<string> {
    const machine = BUILT_IN.get(name)
    if (!machine) throw new TypeError(`there is no chart ${name}`)
    return drawChart(describeChart(machine))
  },
  /** What cannot be read of a drawing. */
  unreadable(svg: string): string[] {
    document.body.innerHTML = svg
    const picture = document.querySelector('svg')?.getBoundingClientRect() ?? new DOMRect()
    const states = [...document.querySelectorAll('.chart-state:not(.is-around)')]
    const labels = [...document.querySelectorAll('.chart-label text')]
    const rectangles = labels.map((label) => [label.textContent, label.getBoundingClientRect()] as const)
    return [
      ...states.flatMap((state) => {
        const shape = state.querySelector('path, ellipse')?.getBoundingClientRect() ?? new DOMRect()
        const texts = [...state.querySelectorAll('text')]
        return texts.filter((text) => !within(text.getBoundingClientRect(), shape)).map((text) => `${text.textContent} leaves its box`) // prettier-ignore
      }),
      ...rectangles.flatMap(([text, at]) => (within(at, picture) ? [] : [`${text} leaves the picture`])),
      ...rectangles.flatMap(([text, at], index) =>
        rectangles.slice(index + 1).flatMap(([other, there]) => (isOn(at, there) ? [`${text} lies on ${other}`] : [])),
      ),
    ]
  },
}

declare global {
  interface Window {
    charts: typeof charts
  }
}
window.charts = charts

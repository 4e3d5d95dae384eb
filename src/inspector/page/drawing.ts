/** An SVG of a chart in the page, whose states and arrows are marked by classes. */
import { PanZoom, type Box } from './pan-zoom.ts'

/** What is marked. Arrows go by their indexes. */
export interface Marks {
  readonly now: readonly string[]
  /** Something may still come. */
  readonly isNow: boolean
  /** State → when it was entered last. */
  readonly visited: ReadonlyMap<string, string>
  readonly taken: ReadonlySet<number>
  readonly last: ReadonlySet<number>
  readonly next: ReadonlySet<number>
}

const SVG = 'http://www.w3.org/2000/svg'

export class Drawing {
  readonly svg: SVGSVGElement
  readonly view: PanZoom
  readonly #states: readonly { readonly id: string; readonly group: SVGGElement }[]
  readonly #arrows: readonly { readonly indexes: readonly number[]; readonly group: SVGGElement }[]

  constructor(text: string) {
    const { documentElement } = new DOMParser().parseFromString(text, 'image/svg+xml')
    const svg = document.importNode(documentElement, true)
    if (!(svg instanceof SVGSVGElement)) throw new TypeError('no SVG')
    // The frame around it has the role and the words.
    svg.removeAttribute('role')
    svg.setAttribute('aria-hidden', 'true')
    this.svg = svg
    this.view = new PanZoom(svg)
    this.#states = [...svg.querySelectorAll<SVGGElement>('.chart-state')].map((group) => ({
      id: group.dataset['state'] ?? '',
      group,
    }))
    this.#arrows = [...svg.querySelectorAll<SVGGElement>('[data-arrows]')].map((group) => ({
      indexes: (group.dataset['arrows'] ?? '').split(' ').map(Number),
      group,
    }))
  }

  mark({ now, isNow, visited, taken, last, next }: Marks): void {
    for (const { id, group } of this.#states) {
      group.classList.toggle('is-current', now.includes(id))
      group.classList.toggle('is-busy', isNow && now.includes(id))
      group.classList.toggle('is-visited', visited.has(id))
      this.#date(group, visited.get(id))
    }
    for (const { indexes, group } of this.#arrows) {
      const isAny = (of: ReadonlySet<number>): boolean => indexes.some((index) => of.has(index))
      group.classList.toggle('is-taken', isAny(taken) || isAny(last))
      group.classList.toggle('is-last', isAny(last))
      group.classList.toggle('is-next', isNow && isAny(next))
    }
  }

  /** Writes when a state was entered beside its lower right corner. */
  #date(group: SVGGElement, text: string | undefined): void {
    const there = group.querySelector('.chart-time')
    if (text === undefined || text === '' || group.classList.contains('is-around')) {
      there?.remove()
      return
    }
    if (there?.textContent === text) return
    there?.remove()
    const box = group.getBBox()
    const label = document.createElementNS(SVG, 'text')
    label.textContent = text
    label.setAttribute('class', 'chart-time')
    label.setAttribute('x', String(box.x + box.width + 3))
    label.setAttribute('y', String(box.y + box.height))
    group.append(label)
  }

  /** Brings the way that was taken into view, or the state that is lit, where the whole way would be too small to be read. */
  showNow(): void {
    const lit = this.#states.filter(({ group }) => group.classList.contains('is-current'))
    const innermost = lit.toSorted((a, b) => b.id.length - a.id.length)[0]
    if (!innermost) return this.view.fit()
    const way = this.#states.filter(
      ({ group }) => group.classList.contains('is-visited') && !group.classList.contains('is-around'),
    )
    return this.view.showPart(this.#boxOf([innermost, ...way]), this.#boxOf([innermost]))
  }

  /** As `showNow`, and again whenever the state changes. */
  follow(): void {
    this.view.isMoved = false
    this.showNow()
  }

  /** What is around states, in the drawing's own measure. */
  #boxOf(states: readonly { readonly group: SVGGElement }[]): Box {
    const root = this.svg.getScreenCTM()?.inverse()
    const corners = states.flatMap(({ group }) => {
      const matrix = group.getScreenCTM()
      if (!root || !matrix) return []
      const { x, y, width, height } = group.getBBox()
      const toSvg = root.multiply(matrix)
      return [new DOMPoint(x, y), new DOMPoint(x + width, y + height)].map((point) => point.matrixTransform(toSvg))
    })
    const [xs, ys] = [corners.map(({ x }) => x), corners.map(({ y }) => y)]
    const [x, y] = [Math.min(...xs), Math.min(...ys)]
    return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y }
  }
}

/** An SVG of a chart in the page, whose states and arrows are marked by classes. */
import { PanZoom } from './pan-zoom.ts'

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

  /** Writes when a state was entered to its upper right corner. */
  #date(group: SVGGElement, text: string | undefined): void {
    const there = group.querySelector('.chart-time')
    if (text === undefined || group.classList.contains('is-around')) {
      there?.remove()
      return
    }
    const label = there ?? document.createElementNS(SVG, 'text')
    if (label.textContent === text) return
    label.textContent = text
    if (there) return
    const box = group.getBBox()
    label.setAttribute('class', 'chart-time')
    label.setAttribute('x', String(box.x + box.width))
    label.setAttribute('y', String(box.y - 4))
    label.setAttribute('text-anchor', 'end')
    group.append(label)
  }

  /** Brings the state that is lit into the middle. */
  showNow(): void {
    const lit = this.#states.filter(({ group }) => group.classList.contains('is-current'))
    const innermost = lit.toSorted((a, b) => b.id.length - a.id.length)[0]?.group
    const root = this.svg.getScreenCTM()
    const own = innermost?.getScreenCTM()
    if (!innermost || !root || !own) return this.view.fit()
    const { x, y, width, height } = innermost.getBBox()
    const toSvg = root.inverse().multiply(own)
    const from = new DOMPoint(x, y).matrixTransform(toSvg)
    const to = new DOMPoint(x + width, y + height).matrixTransform(toSvg)
    return this.view.showPart({ x: from.x, y: from.y, width: to.x - from.x, height: to.y - from.y })
  }
}

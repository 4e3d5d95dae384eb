/** An SVG of a chart in the page, whose states and arrows are marked by classes. */
import { PanZoom } from './pan-zoom.ts'

/** What is marked. Arrows go by their indexes. */
export interface Marks {
  readonly now: readonly string[]
  /** Something may still come. */
  readonly isNow: boolean
  /** When each state was entered last. */
  readonly visited: ReadonlyMap<string, string>
  readonly taken: ReadonlySet<number>
  readonly last: ReadonlySet<number>
  readonly next: ReadonlySet<number>
}

export class Drawing {
  readonly svg: SVGSVGElement
  readonly view: PanZoom

  constructor(text: string) {
    const { documentElement } = new DOMParser().parseFromString(text, 'image/svg+xml')
    const svg = document.importNode(documentElement, true)
    if (!(svg instanceof SVGSVGElement)) throw new TypeError('no SVG')
    this.svg = svg
    this.view = new PanZoom(svg)
  }

  mark(_marks: Marks): void {}

  showNow(): void {}
}

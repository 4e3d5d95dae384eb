/** Moves and scales a drawing inside its frame, by pointer, wheel and keys. It changes the drawing's `viewBox`, and no style. */

/** A part of a drawing. */
export interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

const STEP = 1.25
const MOST_ZOOM = 12
/** What one key moves the drawing by: a part of what is seen. */
const KEY_PART = 0.12
/** Around what is brought into view. */
const MARGIN = 90
/** The drawing's letters are of 10 to 12 pixels. */
const LEAST_SCALE = 0.7
const MOST_SCALE = 1.15

/** Where a view begins, so that no more than need be is seen of what is beside the drawing. */
const within = (start: number, from: number, room: number): number =>
  room < 0 ? from + room / 2 : Math.min(Math.max(start, from), from + room)

export class PanZoom {
  readonly #svg: SVGSVGElement
  readonly #whole: Box
  #seen: Box
  /** A person moved it, and it stays where it is. */
  isMoved = false

  constructor(svg: SVGSVGElement) {
    this.#svg = svg
    const { x, y, width, height } = svg.viewBox.baseVal
    this.#whole = { x, y, width, height }
    this.#seen = this.#whole
    svg.setAttribute('width', '100%')
    svg.setAttribute('height', '100%')
    svg.setAttribute('preserveAspectRatio', 'xMidYMid meet')
  }

  #show(box: Box): void {
    this.#seen = box
    this.#svg.setAttribute('viewBox', `${box.x} ${box.y} ${box.width} ${box.height}`)
  }

  fit(): void {
    this.isMoved = true
    this.#show(this.#whole)
  }

  /** Closer where `by` is above 1. The point, of the drawing, stays where it is. */
  zoom(by: number, point?: { readonly x: number; readonly y: number }): void {
    this.isMoved = true
    const { x, y, width, height } = this.#seen
    const least = this.#whole.width / MOST_ZOOM
    const scaled = Math.min(Math.max(width / by, least), this.#whole.width * 1.5)
    const factor = scaled / width
    const at = point ?? { x: x + width / 2, y: y + height / 2 }
    this.#show({
      x: at.x - (at.x - x) * factor,
      y: at.y - (at.y - y) * factor,
      width: scaled,
      height: height * factor,
    })
  }

  closer(): void {
    this.zoom(STEP)
  }

  farther(): void {
    this.zoom(1 / STEP)
  }

  #pan(byX: number, byY: number): void {
    this.isMoved = true
    const { x, y, width, height } = this.#seen
    this.#show({ x: x + byX, y: y + byY, width, height })
  }

  /** Brings a part of the drawing into the middle, large enough to be read; a smaller part of it, where all of it would not be. */
  showPart(whole: Box, part: Box): void {
    const frame = this.#svg.getBoundingClientRect()
    if (frame.width === 0 || frame.height === 0) return
    const ratio = frame.height / frame.width
    const widthFor = ({ width, height }: Box): number => Math.max(width + MARGIN, (height + MARGIN) / ratio)
    const isSeen = widthFor(whole) * LEAST_SCALE <= frame.width
    const box = isSeen ? whole : part
    const width = Math.max(widthFor(box), frame.width / MOST_SCALE)
    const height = width * ratio
    this.#show({
      x: within(box.x + box.width / 2 - width / 2, this.#whole.x, this.#whole.width - width),
      y: within(box.y + box.height / 2 - height / 2, this.#whole.y, this.#whole.height - height),
      ...{ width, height },
    })
  }

  /** A point of the screen in the drawing. */
  #pointOf({ clientX, clientY }: { readonly clientX: number; readonly clientY: number }): DOMPoint | undefined {
    const matrix = this.#svg.getScreenCTM()
    return matrix ? new DOMPoint(clientX, clientY).matrixTransform(matrix.inverse()) : undefined
  }

  /** @returns whether it took notice of the key */
  key(key: string): boolean {
    const { width, height } = this.#seen
    const acts: Readonly<Record<string, () => void>> = {
      ArrowLeft: () => this.#pan(-width * KEY_PART, 0),
      ArrowRight: () => this.#pan(width * KEY_PART, 0),
      ArrowUp: () => this.#pan(0, -height * KEY_PART),
      ArrowDown: () => this.#pan(0, height * KEY_PART),
      '+': () => this.closer(),
      '=': () => this.closer(),
      '-': () => this.farther(),
      '0': () => this.fit(),
    }
    const act = acts[key]
    act?.()
    return act !== undefined
  }

  /** Listens to the pointer. Returns the way to stop. */
  listen(): () => void {
    const over = new AbortController()
    const { signal } = over
    let last: DOMPoint | undefined
    this.#svg.addEventListener(
      'wheel',
      (event) => {
        event.preventDefault()
        this.zoom(Math.exp(-event.deltaY / 400), this.#pointOf(event))
      },
      { signal, passive: false },
    )
    this.#svg.addEventListener(
      'pointerdown',
      (event) => {
        last = this.#pointOf(event)
        this.#svg.setPointerCapture(event.pointerId)
      },
      { signal },
    )
    this.#svg.addEventListener(
      'pointermove',
      (event) => {
        const now = this.#pointOf(event)
        if (last && now && event.buttons > 0) this.#pan(last.x - now.x, last.y - now.y)
      },
      { signal },
    )
    for (const name of ['pointerup', 'pointercancel'] as const)
      this.#svg.addEventListener(name, () => (last = undefined), { signal })
    return () => over.abort()
  }
}

/** Moves and scales a drawing inside its frame, by pointer, wheel and keys. It changes the drawing's `viewBox`, and no style. */

interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

const STEP = 1.25
const MOST_ZOOM = 12
/** What one key moves the drawing by: a part of what is seen. */
const KEY_PART = 0.12

export class PanZoom {
  readonly #svg: SVGSVGElement
  readonly #whole: Box
  #seen: Box

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
    this.#show(this.#whole)
  }

  /** Closer where `by` is above 1. The point, of the drawing, stays where it is. */
  zoom(by: number, point?: { readonly x: number; readonly y: number }): void {
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
    const { x, y, width, height } = this.#seen
    this.#show({ x: x + byX, y: y + byY, width, height })
  }

  /** Brings a part of the drawing into the middle, large enough to be read. */
  showPart({ x, y, width, height }: Box): void {
    const frame = this.#svg.getBoundingClientRect()
    if (frame.width === 0 || frame.height === 0) return
    // At least a drawing's pixel for each of the screen's, where that is not more than there is.
    const seenWidth = Math.min(Math.max(width * 1.2, frame.width / 1.05), this.#whole.width)
    const seenHeight = seenWidth * (frame.height / frame.width)
    this.#show({ x: x + width / 2 - seenWidth / 2, y: y + height / 2 - seenHeight / 2, width: seenWidth, height: seenHeight })
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

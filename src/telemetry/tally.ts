/** Numbers by attributes: the points of one metric. */
import type { Attributes } from './names.ts'

/** One number, and what it is of. */
export interface Point {
  readonly attributes: Attributes
  readonly value: number
}

/** A distribution, and what it is of. */
export interface Distribution {
  readonly attributes: Attributes
  /** How many values are in each bucket, and beyond the last one. */
  readonly counts: readonly number[]
  readonly sum: number
}

const keyOf = (attributes: Attributes): string => JSON.stringify(Object.values(attributes))

/** Counts by attributes. */
export class Tally {
  readonly #points = new Map<string, { readonly attributes: Attributes; value: number }>()

  add(attributes: Attributes, value = 1): void {
    const key = keyOf(attributes)
    const point = this.#points.get(key)
    if (point) point.value += value
    else this.#points.set(key, { attributes, value })
  }

  get points(): readonly Point[] {
    return [...this.#points.values()]
  }
}

/** Distributions by attributes. */
export class Histogram {
  readonly #bounds: readonly number[]
  readonly #distributions = new Map<string, { readonly attributes: Attributes; counts: number[]; sum: number }>()

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
  }

  add(attributes: Attributes, value: number): void {
    const key = keyOf(attributes)
    const counts = Array.from({ length: this.#bounds.length + 1 }, () => 0)
    const into = this.#distributions.get(key) ?? { attributes, counts, sum: 0 }
    this.#distributions.set(key, into)
    const found = this.#bounds.findIndex((bound) => value <= bound)
    const at = found < 0 ? this.#bounds.length : found
    into.counts[at] = (into.counts[at] ?? 0) + 1
    into.sum += value
  }

  get distributions(): readonly Distribution[] {
    return [...this.#distributions.values()]
  }
}

/** Points that come and go. What was shown once is shown as 0 where it is gone, or exporters would go on showing what it was last. */
export class Gauge {
  readonly #zeros = new Map<string, Point>()

  /** The points at the moment, and a 0 for each that there was. */
  points(now: readonly Point[]): readonly Point[] {
    const shown = new Map(this.#zeros)
    for (const point of now) {
      const key = keyOf(point.attributes)
      this.#zeros.set(key, { attributes: point.attributes, value: 0 })
      shown.set(key, point)
    }
    return [...shown.values()]
  }
}

/** Where an exploration stops, though it is not closed. */

interface BoundsOptions {
  readonly mostLives?: number | undefined
  readonly deadlineMs?: number | undefined
}

export class Bounds {
  readonly #mostLives: number
  readonly #endMs: number
  #isReached = false

  constructor({ mostLives = Infinity, deadlineMs = Infinity }: BoundsOptions) {
    this.#mostLives = mostLives
    this.#endMs = performance.now() + deadlineMs
  }

  /** Whether a bound was reached. */
  get isReached(): boolean {
    return this.#isReached
  }

  /** Whether it stops after so many lives. */
  reached(lives: number): boolean {
    this.#isReached = lives >= this.#mostLives || performance.now() >= this.#endMs
    return this.#isReached
  }
}

/** Why an exploration that a bound ended is not closed. */
export function unclosedBy(of: {
  readonly growth: readonly string[]
  readonly lives: number
  readonly left: number
}): string {
  const { growth, lives, left } = of
  const counts = `${left} ${left === 1 ? 'world is' : 'worlds are'} left after ${lives} lives`
  if (growth.length === 0) return `not closed: ${counts}`
  return `not closed: growing in ${growth.join(', ')}; ${counts}`
}

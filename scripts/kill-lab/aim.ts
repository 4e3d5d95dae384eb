/** When to kill: which of the changes that a process reports is its last, and how long after it. */
import type { Prng } from './prng.ts'

export const KINDS = ['mint', 'melt', 'send', 'receive', 'swap', 'restore'] as const

/** A reported change of an operation, as far as aiming is concerned. */
export interface Sighting {
  readonly kind: string
  /** A request is under way. */
  readonly underWay: boolean
}

export interface Aim {
  /** The kind of operation to kill; undefined where any will do. */
  readonly kind: string | undefined
  /** Strike only where a request is under way. */
  readonly onWire: boolean
  /** Changes that fit, but are let pass. */
  readonly skip: number
  /** From the change to the kill. */
  readonly delayMs: number
}

/** Of all kills, those that are aimed at a request; the others take any change. */
const ON_WIRE = 0.9
const MOST_SKIPS = 2
const MOST_SKIPS_OF_ANY = 9
/** How long a process lives before the next change that fits is killed, and before any request will do. */
const SKIPPING_MS = 300
const CHOOSING_MS = 1_000

export interface Aims {
  /** `left`: how many operations of a kind have work left. Undefined where of the kinds that are due none has. */
  readonly next: (left: (kind: string) => number) => Aim | undefined
  /** The aim at this kind found nothing. */
  readonly missed: (kind: string) => void
}

/**
 * Draws one aim after the other. Every kind has its turn before one has its second; a kind that has nothing left to
 * do, or did not come up while a process lived, stays due.
 */
export function aims(random: Prng, wireMs: number): Aims {
  let due: string[] = []
  return {
    next: (left) => {
      if (due.length === 0) due = random.shuffled(KINDS)
      const kind = due.find((kind) => left(kind) > 0)
      if (kind === undefined) return undefined
      const delayMs = random.below(wireMs + 1)
      if (random.next() >= ON_WIRE)
        return { kind: undefined, onWire: false, skip: random.below(MOST_SKIPS_OF_ANY + 1), delayMs }
      due.splice(due.indexOf(kind), 1)
      return { kind, onWire: true, skip: random.below(MOST_SKIPS + 1), delayMs }
    },
    missed: (kind) => void due.push(kind),
  }
}

/** Tells at which sighting to kill. What does not come up cannot be waited for: aims widen as a process lives on. */
export function trigger(aim: Aim): (sighting: Sighting, lifeMs: number) => boolean {
  let { skip } = aim
  return ({ kind, underWay }, lifeMs) => {
    if (aim.onWire && !underWay) return false
    if (lifeMs > CHOOSING_MS) return true
    if (aim.kind !== undefined && aim.kind !== kind) return false
    return skip-- <= 0 || lifeMs > SKIPPING_MS
  }
}

/** Chance that can be had again: the same seed gives the same choices on every machine. */
import { createHash } from 'node:crypto'

export interface Prng {
  /** A number in [0, 1). */
  next(): number
  /** An integer from 0, below `n`. */
  below(n: number): number
  shuffled<T>(items: readonly T[]): T[]
}

/** The numbers are hashes of the seed and a count. */
export function prng(seed: string | number): Prng {
  let count = 0
  const next = (): number => {
    const digest = createHash('sha256').update(`${seed}:${count++}`).digest()
    return digest.readUIntBE(0, 6) / 2 ** 48
  }
  const below = (n: number): number => Math.floor(next() * n)
  return {
    next,
    below,
    shuffled: (items) => {
      const left = [...items]
      return items.map(() => left.splice(below(left.length), 1)[0]!)
    },
  }
}

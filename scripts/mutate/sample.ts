/** Which mistakes are made, where not all are. */
import { hashOf } from './places.ts'

interface Item {
  readonly id: string
  readonly folder: string
}

/**
 * So many of all, as many of each folder as its share of all. Whether one is among them depends on its name and the seed: a
 * larger sample has the smaller one in it, and a change of the sources leaves most of it as it was.
 */
export function sampled<T extends Item>(all: readonly T[], count: number, seed: string): T[] {
  if (count >= all.length) return [...all]
  const groups = [...Map.groupBy(all, ({ folder }) => folder).values()]
  const shares = groups.map((items) => (items.length * count) / all.length)
  const whole = shares.map(Math.floor)
  const missing = count - whole.reduce((sum, n) => sum + n, 0)
  const byRest = shares.map((share, at) => ({ at, rest: share % 1 })).toSorted((a, b) => b.rest - a.rest)
  for (const { at } of byRest.slice(0, missing)) whole[at] = (whole[at] ?? 0) + 1
  const mark = ({ id }: Item): string => hashOf(`${seed} ${id}`)
  const chosen = groups.flatMap((items, at) =>
    items
      .map((item) => ({ item, mark: mark(item) }))
      .toSorted((a, b) => (a.mark < b.mark ? -1 : 1))
      .slice(0, whole[at]),
  )
  // Folders are mixed, so that what was done when it was ended says something of all.
  return chosen.toSorted((a, b) => (a.mark < b.mark ? -1 : 1)).map(({ item }) => item)
}

/**
 * Choices: a run asks, at every place where fate might have its way, which of the possibilities it is this time. A
 * generator of scripts walks through all of them, one run each; the path of a run says what was chosen, and replays.
 */

/** One question that a run asked. */
export interface Choice {
  /** Counts the questions of one life, from 1. */
  readonly place: number
  readonly site: string
  readonly option: string
  readonly index: number
  /** How many options there were. */
  readonly count: number
}

export class Choices {
  readonly taken: Choice[] = []
  readonly #script: readonly number[]
  readonly #named: ReadonlyMap<number, string> | undefined
  #faults: number

  /** `script`: the options to take, by index; beyond its end, the first of each. `faults`: how many others are allowed. */
  constructor(script: readonly number[] | ReadonlyMap<number, string>, faults: number) {
    this.#script = Array.isArray(script) ? script : []
    this.#named = Array.isArray(script) ? undefined : (script as ReadonlyMap<number, string>)
    this.#faults = faults
  }

  /** The option for this place. The first one is what happens when nothing goes wrong; each other costs one fault. */
  pick<O extends string>(site: string, options: readonly [O, ...O[]]): O {
    const place = this.taken.length + 1
    const count = this.#faults > 0 ? options.length : 1
    const named = this.#named?.get(place)
    const index = this.#named ? Math.max(0, named === undefined ? 0 : options.indexOf(named as O)) : (this.#script[place - 1] ?? 0)
    if (named !== undefined && index === 0 && options[0] !== named) throw new RangeError(`${place}.${named}: here is ${site}, with ${options.join(', ')}`)
    if (index > 0) this.#faults--
    const option = options[index]!
    this.taken.push({ place, site, option, index, count })
    return option
  }

  /** The script of the next run in order, undefined after the last. */
  next(): number[] | undefined {
    const last = this.taken.findLastIndex(({ index, count }) => index + 1 < count)
    if (last === -1) return undefined
    return [...this.taken.slice(0, last).map(({ index }) => index), this.taken[last]!.index + 1]
  }

  /** What was chosen other than the first option: `4.crashAfter`, several with a comma. */
  get path(): string {
    const faults = this.taken.filter(({ index }) => index > 0)
    return faults.map(({ place, option }) => `${place}.${option}`).join(',')
  }
}

/** Reads one life's part of a path. */
export const parsePath = (path: string): Map<number, string> =>
  new Map(
    path
      .split(',')
      .filter((part) => part !== '')
      .map((part) => {
        const match = /^(\d+)\.([\w-]+)$/.exec(part)
        if (!match) throw new RangeError(`'${part}' is not a place and an option, such as 4.crashAfter`)
        return [Number(match[1]), match[2]!]
      }),
  )

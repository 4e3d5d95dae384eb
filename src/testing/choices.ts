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
  /** How many options there are to try here: one where all others have been tried in the same state. */
  readonly count: number
}

export interface ChoicesOptions {
  /** What a run before this one chose, up to the place from which this one is to differ; see `next`. */
  readonly script?: readonly Choice[]
  /** Or what to choose other than the first option, by place; see `parsePath`. */
  readonly path?: ReadonlyMap<number, string>
  /** How many times other than the first option may be chosen. */
  readonly faults: number
  /** Whether the options are still to be tried in this state, with so many faults left; they are, unless given. */
  readonly isNew?: (state: string, faults: number) => boolean
}

export class Choices {
  readonly taken: Choice[] = []
  readonly #options: ChoicesOptions
  #faults: number

  constructor(options: ChoicesOptions) {
    this.#options = options
    this.#faults = options.faults
  }

  /**
   * The option for this place. The first one is what happens when nothing goes wrong; each other costs one fault.
   * `state` names all that the future depends on here.
   */
  pick<O extends string>(site: string, options: readonly [O, ...O[]], state: () => string): O {
    const { script = [], path, isNew } = this.#options
    const place = this.taken.length + 1
    const scripted = script[place - 1]
    if (scripted && scripted.site !== site) throw new RangeError(`${place}. was ${scripted.site} and is ${site}: the run does not repeat itself`)
    const named = path?.get(place)
    const index = scripted?.index ?? (named === undefined ? 0 : options.indexOf(named as O))
    const option = options[index]
    if (option === undefined) throw new RangeError(`${place}.${named}: here is ${site}, with ${options.join(', ')}`)
    const open = (): boolean => options.length > 1 && this.#faults > 0 && !path && (!isNew || isNew(`${site} ${state()}`, this.#faults))
    const count = scripted?.count ?? (open() ? options.length : 1)
    if (index > 0) this.#faults--
    this.taken.push({ place, site, option, index, count })
    return option
  }

  /** The script of the next run in order, undefined after the last. */
  next(): Choice[] | undefined {
    const last = this.taken.findLastIndex(({ index, count }) => index + 1 < count)
    if (last === -1) return undefined
    const choice = this.taken[last]!
    return [...this.taken.slice(0, last), { ...choice, index: choice.index + 1 }]
  }

  /** What was chosen other than the first option. */
  get faults(): readonly Choice[] {
    return this.taken.filter(({ index }) => index > 0)
  }

  /** The same as a text: `4.crashAfter`, several with a comma. */
  get path(): string {
    return this.faults.map(({ place, option }) => `${place}.${option}`).join(',')
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

/**
 * Choices: at each injection point a life asks which option to take. A generator of scripts walks through all of them,
 * one life each. The path of a life says what was chosen, and replays it.
 */

/** Asks at an injection point. `doing` is all that the process was about to do there, so that states can be told apart. */
export type Inject = <O extends string>(
  site: string,
  options: readonly [O, ...O[]],
  doing: readonly (string | object)[],
) => O

/** One question that a run asked. */
export interface Choice {
  /** Counts the questions of one life, from 1. */
  readonly place: number
  /** Where it was chosen. */
  readonly site: string
  /** What could have been chosen. */
  readonly options: readonly string[]
  /** The one taken. */
  readonly option: string
  /** Which of the options, from 0. */
  readonly index: number
  /** How many options there are to try here: one where all others have been tried in the same state. */
  readonly count: number
}

export interface ChoicesOptions {
  /** What a run before this one chose, up to the place from which this one is to differ; see `next`. */
  readonly script?: readonly Choice[]
  /** Or what to choose other than the first option, by place; see `parsePath`. */
  readonly path?: ReadonlyMap<number, string>
  readonly budget: Budget
  /** Notes a state; whether its options are still to be tried, with so much of the budget left. They are, unless given. */
  readonly enter?: (state: string, left: Budget) => boolean
  /** Whether the options of a place of such a name are still to be tried. They are, unless given. */
  readonly few?: (name: string) => boolean
  /** Where the budget is spent: whether a crash is to be tried all the same, at a place of such a name. */
  readonly spare?: (name: string) => boolean
}

/** How many faults may be injected. */
export interface Budget {
  /** How many times other than the first option may be chosen in this life. */
  readonly faults: number
  /** In how many lives, from this one on, faults other than crashes may be injected; half a one if one was in this life. */
  readonly others: number
}

const isCrash = (option: string): boolean => option.startsWith('crash')

/** The choices of one life: at each place where something may go wrong, what does. */
export class Choices {
  /** What was chosen so far. */
  readonly taken: Choice[] = []
  readonly #options: ChoicesOptions
  #left: Budget

  constructor(options: ChoicesOptions) {
    this.#options = options
    this.#left = options.budget
  }

  /** What was not spent. */
  get left(): Budget {
    return this.#left
  }

  /**
   * The option for this place. The first one is what happens when nothing goes wrong; each other costs one fault, and
   * crashes come before the rest of them. `state` names all that the future depends on here.
   */
  pick<O extends string>(
    site: string,
    options: readonly [O, ...O[]],
    state: () => string,
    name = (): string => site,
  ): O {
    const { script = [], path } = this.#options
    const place = this.taken.length + 1
    const scripted = script[place - 1]
    if (scripted && scripted.site !== site)
      throw new RangeError(`${place}. was ${scripted.site} and is ${site}: the run does not repeat itself`)
    const named = path?.get(place)
    const index = scripted?.index ?? (named === undefined ? 0 : options.indexOf(named as O))
    const option = options[index]
    if (option === undefined) throw new RangeError(`${place}.${named}: here is ${site}, with ${options.join(', ')}`)
    const count = scripted?.count ?? (path ? 1 : this.#open(site, options, state, name))
    if (index > 0) this.#left = spent(this.#left, option)
    this.taken.push({ place, site, options, option, index, count })
    return option
  }

  /** How many of the options are to be tried. */
  #open(site: string, options: readonly string[], state: () => string, name: () => string): number {
    const { faults, others } = this.#left
    const crashes = options.findLastIndex(isCrash) + 1
    if (faults <= 0) return crashes > 1 && this.#options.spare?.(name()) === true ? crashes : 1
    const count = others > 0 ? options.length : crashes
    if (count === 1 || this.#options.few?.(name()) === false) return 1
    return this.#options.enter?.(`${site} ${state()}`, this.#left) !== false ? count : 1
  }

  /** The choices of the next run in order, undefined after the last. */
  next(): Choices | undefined {
    const last = this.taken.findLastIndex(({ index, count }) => index + 1 < count)
    if (last === -1) return undefined
    const choice = this.taken[last]!
    const index = choice.index + 1
    return new Choices({
      ...this.#options,
      script: [...this.taken.slice(0, last), { ...choice, index, option: choice.options[index]! }],
    })
  }

  /** What was chosen other than the first option. */
  get faults(): readonly Choice[] {
    return this.taken.filter(({ index }) => index > 0)
  }

  /** The same as a text: `4.crashAfter`, several with a comma. */
  get path(): string {
    return textOf(this.taken)
  }

  /** The path as far as the script says it. */
  get planned(): string {
    return textOf(this.#options.script ?? [])
  }
}

/** What is left of a budget when an option was taken. */
const spent = ({ faults, others }: Budget, option: string): Budget => ({
  faults: faults - 1,
  others: isCrash(option) || !Number.isInteger(others) ? others : others - 0.5,
})

const textOf = (choices: readonly Choice[]): string =>
  choices
    .filter(({ index }) => index > 0)
    .map(({ place, option }) => `${place}.${option}`)
    .join(',')

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

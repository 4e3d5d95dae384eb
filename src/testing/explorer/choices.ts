/**
 * Choices: at each injection point a life asks which option to take. A generator of scripts walks through all of them,
 * one life each. The path of a life says what was chosen, and replays it.
 */

/** Asks at an injection point. `doing` is all that the process was about to do there, so that states can be told apart. */
export type Inject = <O extends string>(
  site: string,
  options: readonly [O, ...O[]],
  doing: readonly (string | object)[],
) => Injected<O>

/** What is injected at a point. */
export interface Injected<O extends string> {
  readonly fault: O
  /** To be called once the commit or the request is carried out, before the process hears of it. */
  readonly applied: () => void
}

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
  /** It is not what happens when nothing goes wrong. */
  readonly isFault: boolean
  /** The options that other lives are still to take here: none where they have been tried in the same state. */
  readonly untried: readonly string[]
}

export interface ChoicesOptions {
  /** What a run before this one chose, up to the place from which this one is to differ; see `next`. */
  readonly script?: readonly Choice[]
  /** Or what to choose other than the first option, by place; see `parsePath`. */
  readonly path?: ReadonlyMap<number, string>
  readonly budget: Budget
  /** Notes a state; whether its options are still to be tried, with so much of the budget left. They are, unless given. */
  readonly enter?: (state: string, left: Budget) => boolean
  /** Which faults of a place of such a name are still to be tried. All of them, unless given. */
  readonly few?: (name: string, faults: readonly string[]) => readonly string[]
}

/** What a place is asked with, beside its options. */
export interface Asked {
  /** Names all that the future depends on here. */
  readonly state: () => string
  /** What places have in common that count as one for `few`; the site unless given. */
  readonly name?: () => string
  /** What a crash would leave here is looked at in passing: it takes no life of its own. */
  readonly passing?: boolean
}

/** How many faults may be injected. */
export interface Budget {
  /** How many times other than the first option may be chosen in this life. */
  readonly faults: number
  /** In how many lives, from this one on, faults other than crashes may be injected; half a one if one was in this life. */
  readonly others: number
}

/** A crash of the process itself. */
export type Crash = 'crashBefore' | 'crashAfter'

/** A life with fewer faults goes on to its end, for what a process remembers is in no state. */
const MOST_WHOLE = 2

export const isCrash = (option: string): option is Crash => option === 'crashBefore' || option === 'crashAfter'

/** Of the process, or of a mint that crashes by itself: any number of lives may have one. */
const isAnyCrash = (option: string): boolean => /crash/i.test(option)

/** The choices of one life: at each place where something may go wrong, what does. */
export class Choices {
  /** What was chosen so far. */
  readonly taken: Choice[] = []
  readonly #options: ChoicesOptions
  #left: Budget
  #isOver = false

  constructor(options: ChoicesOptions) {
    this.#options = options
    this.#left = options.budget
  }

  /** Several faults led to a state that was met before: what follows was seen there. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** At so many places it does what a life before it has done. */
  get repeated(): number {
    return this.#options.script?.length ?? 0
  }

  /** What was not spent. */
  get left(): Budget {
    return this.#left
  }

  /** The option for this place. The first one is what happens when nothing goes wrong; each other costs one fault. */
  pick<O extends string>(site: string, options: readonly [O, ...O[]], asked: Asked): O {
    const { script = [], path } = this.#options
    const place = this.taken.length + 1
    const scripted = script[place - 1]
    if (scripted && scripted.site !== site)
      throw new RangeError(`${place}. was ${scripted.site} and is ${site}: the run does not repeat itself`)
    const named = scripted?.option ?? path?.get(place) ?? options[0]
    const option = options.find((it) => it === named)
    if (option === undefined) throw new RangeError(`${place}.${named}: here is ${site}, with ${options.join(', ')}`)
    const untried = scripted?.untried ?? (path ? [] : this.#untried(site, options, asked))
    const isFault = option !== options[0]
    if (isFault) this.#left = spent(this.#left, option)
    this.taken.push({ place, site, options, option, isFault, untried })
    return option
  }

  /** The options that other lives are to take here. */
  #untried(site: string, [, ...faults]: readonly string[], { state, name = () => site, passing }: Asked): string[] {
    const { enter, few } = this.#options
    const { faults: rest, others } = this.#left
    const may = (option: string): boolean => (isCrash(option) ? !passing : isAnyCrash(option) || others > 0)
    const possible = rest > 0 ? faults.filter(may) : []
    const found = possible.length > 0 && few ? [...few(name(), possible)] : possible
    const mayEnd = enter !== undefined && this.faults.length >= MOST_WHOLE
    if (found.length === 0 && !mayEnd) return []
    const isNew = enter?.(`${site} ${state()}`, this.#left) !== false
    this.#isOver = mayEnd && !isNew
    return isNew ? found : []
  }

  /** A crash that could not be looked at in passing is left to another life. */
  leave(place: number, crash: Crash): void {
    const choice = this.taken[place - 1]
    if (choice) this.taken[place - 1] = { ...choice, untried: [crash, ...choice.untried] }
  }

  /** The choices of the next run in order, undefined after the last. */
  next(): Choices | undefined {
    const last = this.taken.findLastIndex(({ untried }) => untried.length > 0)
    const choice = this.taken[last]
    const [option, ...untried] = choice?.untried ?? []
    if (!choice || option === undefined) return undefined
    const script = [...this.taken.slice(0, last), { ...choice, option, isFault: true, untried }]
    return new Choices({ ...this.#options, script })
  }

  /** What was chosen other than the first option. */
  get faults(): readonly Choice[] {
    return this.taken.filter(({ isFault }) => isFault)
  }

  /** The same as a text: `4.crashAfter`, several with a comma. */
  get path(): string {
    return textOf(this.taken)
  }

  /** The path, had this option been taken at that place. */
  with(place: number, option: string): string {
    return [textOf(this.taken.filter((choice) => choice.place !== place)), `${place}.${option}`]
      .filter(Boolean)
      .join(',')
  }

  /** The path as far as the script says it. */
  get planned(): string {
    return textOf(this.#options.script ?? [])
  }
}

/** What is left of a budget when an option was taken. */
const spent = ({ faults, others }: Budget, option: string): Budget => ({
  faults: faults - 1,
  others: isAnyCrash(option) || !Number.isInteger(others) ? others : others - 0.5,
})

const textOf = (choices: readonly Choice[]): string =>
  choices
    .filter(({ isFault }) => isFault)
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

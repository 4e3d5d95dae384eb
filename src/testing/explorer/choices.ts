/**
 * Choices: at each injection point a life asks which option to take. A generator of scripts walks through all options,
 * one life for each. The path of a life names the options that were taken, and replays it.
 */

/** Asks at an injection point. `doing` describes all that the process was about to do there, to distinguish states. */
export type Inject = <O extends string>(
  site: string,
  options: readonly [O, ...O[]],
  doing: readonly (string | object)[],
) => Injected<O>

/** What is injected at a point. */
export interface Injected<O extends string> {
  readonly fault: O
  /** A request is carried out when this resolves: an event of a caller is handled first. */
  readonly before?: () => Promise<void>
  /**
   * Call this after the commit or request is carried out, and before the process learns of it. The answer of a request
   * arrives when this resolves.
   */
  readonly applied: () => Promise<void> | void
}

/** One question that a run asked. */
export interface Choice {
  /** The number of the question within one life, from 1. */
  readonly place: number
  /** The name of the injection point. */
  readonly site: string
  /** The possible options. */
  readonly options: readonly string[]
  /** The option that was taken. */
  readonly option: string
  /** The option is a fault. */
  readonly isFault: boolean
  /** The options that other lives must still take here. There are none if the same state was met before. */
  readonly untried: readonly string[]
}

export interface ChoicesOptions {
  /** The choices of an earlier run, up to the place at which this run differs; see `next`. */
  readonly script?: readonly Choice[]
  /** Or the faults to inject, by place; see `parsePath`. */
  readonly path?: ReadonlyMap<number, string>
  readonly budget: Budget
  /** Records a state. Returns whether its options must still be tried with this budget left. Without it, they must. */
  readonly enter?: (state: string, left: Budget) => boolean
  /** Which faults of a place of such a name are still to be tried. All of them, unless given. */
  readonly few?: (name: string, faults: readonly string[]) => readonly string[]
}

/** What a question at an injection point carries beside its options. */
export interface Asked {
  /** The fingerprint of everything on which the future depends here. */
  readonly state: () => string
  /** `few` counts places with the same value as one. The site unless given. */
  readonly name?: () => string
  /** The world that a crash would leave here is recorded in passing: the crash needs no life of its own. */
  readonly passing?: boolean
}

/** The number of faults that may still be injected. */
export interface Budget {
  /** The number of faults in this life. */
  readonly faults: number
  /**
   * The number of lives, from this one on, in which faults other than crashes may be injected. If this life already had
   * one, it counts as a half.
   */
  readonly others: number
}

/** A crash of the process itself. */
export type Crash = 'crashBefore' | 'crashAfter'

/** A life with fewer faults goes on to its end, because fingerprints do not contain what a process remembers. */
const MOST_WHOLE = 2

export const isCrash = (option: string): option is Crash => option === 'crashBefore' || option === 'crashAfter'

/** A crash of the process, or of a mint that crashes by itself. Any number of lives may have one. */
const isAnyCrash = (option: string): boolean => /crash/i.test(option)

/** The choices of one life: the option at each injection point. */
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

  /** Several faults led to a state that was met before. What follows was explored there. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** At this many places it repeats the choices of an earlier life. */
  get repeated(): number {
    return this.#options.script?.length ?? 0
  }

  /** The budget that is left. */
  get left(): Budget {
    return this.#left
  }

  /** The option for this place. The first option is that nothing goes wrong; every other option costs one fault. */
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

  /** The options that other lives must take here. */
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

  /** Another life must explore a crash that could not be explored in passing. */
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

  /** The choices that were faults. */
  get faults(): readonly Choice[] {
    return this.taken.filter(({ isFault }) => isFault)
  }

  /** The same as a text: `4.crashAfter`, several with a comma. */
  get path(): string {
    return textOf(this.taken)
  }

  /** The path that takes this option at that place. */
  with(place: number, option: string): string {
    return [textOf(this.taken.filter((choice) => choice.place !== place)), `${place}.${option}`]
      .filter(Boolean)
      .join(',')
  }

  /** The part of the path that the script determines. */
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

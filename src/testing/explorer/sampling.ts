/**
 * Sampling: what is too much to enumerate, many operations at once, is tried at random. Where faults strike and which is
 * data, so whoever has a generator of data (fast-check, say) can repeat a run, and shrink one that went wrong.
 */
import { Choices } from './choices.ts'
import { afterwards, beginning } from './explorer.ts'
import { live, type Happening } from './live.ts'
import { nameOf, type Scenario, type Stage } from './subject.ts'

/** At a place of a life, counted from 1, one of the faults that may strike there: the n-th, counted round and round. */
export type Strike = readonly [place: number, fault: number]

/** What sampled lives found. */
export interface Sampled {
  /** What each life chose, as `Choices.path` says it. */
  readonly path: string
  /** How many lives were lived. */
  readonly lives: number
  /** Faults that struck; others were meant for places that no life came to. */
  readonly struck: number
  /** What must not be, and was. */
  readonly violations: readonly string[]
}

/** Chooses what the strikes say, whatever may happen at their places. */
class Struck extends Choices {
  readonly #strikes: ReadonlyMap<number, number>
  readonly #path: Map<number, string>

  constructor(strikes: readonly Strike[]) {
    const path = new Map<number, string>()
    super({ path, budget: { faults: Infinity, others: Infinity } })
    this.#strikes = new Map(strikes)
    this.#path = path
  }

  override pick<O extends string>(site: string, options: readonly [O, ...O[]], state: () => string): O {
    const place = this.taken.length + 1
    const fault = this.#strikes.get(place)
    if (fault !== undefined && options.length > 1) this.#path.set(place, options[1 + (fault % (options.length - 1))]!)
    return super.pick(site, options, state)
  }
}

/**
 * Runs a scenario with faults at given places: one list for each life. A life that crashes is followed by another; once
 * the lists are used up nothing goes wrong any more, and everything must come to its end and the books must agree.
 *
 * @param weight How many times more commits, requests and waits than a scenario of one operation it may take.
 */
export async function sampleCrashes<S extends Stage>(
  scenario: Scenario<S>,
  strikes: readonly (readonly Strike[])[],
  { weight = 1, tell }: { readonly weight?: number; readonly tell?: (happening: Happening) => void } = {},
): Promise<Sampled> {
  const { start, ...place } = await beginning(scenario)
  const paths: string[] = []
  let struck = 0
  let from = start
  for (let lives = 1; ; lives++) {
    const choices = new Struck(strikes[lives - 1] ?? [])
    const life = { ...place, act: (stage: S) => scenario.drive(stage), from, choices, weight }
    const { world, end, violations } = await live(life, tell && { tell })
    paths.push(choices.path)
    struck += choices.faults.length
    const sampled = { path: `${nameOf(scenario)}:${paths.join('/')}`, lives, struck }
    if (violations.length > 0) return { ...sampled, violations }
    if (end === 'done') return { ...sampled, violations: await afterwards({ ...life, from: world }) }
    from = world
  }
}

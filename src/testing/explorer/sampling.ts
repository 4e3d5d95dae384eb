/**
 * Sampling: many operations at once are too many to enumerate, so faults are injected at random. The faults and their
 * places are data. A generator of data, such as fast-check, can repeat a run and shrink one that failed.
 */
import { Choices, type Asked } from './choices.ts'
import { afterwards, beginning } from './explorer.ts'
import { runLife, type TraceEvent } from './run-life.ts'
import { nameOf, type Scenario, type Stage } from './subject.ts'

/**
 * A fault at a place of a life. Places count from 1. The number of the fault is taken modulo the number of possible
 * faults.
 */
export type Injection = readonly [place: number, fault: number]

/** The result of sampled lives. */
export interface Sampled {
  /** The choices of each life, in the form of `Choices.path`. */
  readonly path: string
  /** The number of lives. */
  readonly lives: number
  /** The number of injected faults. The others were meant for places that no life came to. */
  readonly injected: number
  /** The broken invariants. */
  readonly violations: readonly string[]
}

/** Takes the faults of the injections, whatever may happen at their places. */
class Injected extends Choices {
  readonly #injections: ReadonlyMap<number, number>
  readonly #path: Map<number, string>

  constructor(injections: readonly Injection[]) {
    const path = new Map<number, string>()
    super({ path, budget: { faults: Infinity, others: Infinity } })
    this.#injections = new Map(injections)
    this.#path = path
  }

  override pick<O extends string>(site: string, options: readonly [O, ...O[]], asked: Asked): O {
    const place = this.taken.length + 1
    const fault = this.#injections.get(place)
    if (fault !== undefined && options.length > 1) this.#path.set(place, options[1 + (fault % (options.length - 1))]!)
    return super.pick(site, options, asked)
  }
}

/**
 * Runs a scenario with faults at given places, one list for each life. Another life follows a life that crashes. After
 * the last list nothing goes wrong any more: every operation must end and the books must agree.
 *
 * @param weight Multiplies the limits of commits, requests and waits of a scenario with one operation.
 */
export async function sampleCrashes<S extends Stage>(
  scenario: Scenario<S>,
  injections: readonly (readonly Injection[])[],
  { weight = 1, tell }: { readonly weight?: number; readonly tell?: (event: TraceEvent) => void } = {},
): Promise<Sampled> {
  const { start, ...place } = await beginning(scenario)
  const paths: string[] = []
  let injected = 0
  let from = start
  for (let lives = 1; ; lives++) {
    const choices = new Injected(injections[lives - 1] ?? [])
    const life = { ...place, act: (stage: S) => scenario.drive(stage), from, choices, weight }
    const { world, end, violations } = await runLife(life, tell && { tell })
    paths.push(choices.path)
    injected += choices.faults.length
    const sampled = { path: `${nameOf(scenario)}:${paths.join('/')}`, lives, injected }
    if (violations.length > 0) return { ...sampled, violations }
    if (end === 'done') return { ...sampled, violations: await afterwards({ ...life, from: world }) }
    from = world
  }
}

/**
 * Sampling: what is too much to enumerate, many operations at once, is tried at random. Where faults are injected, and which, is
 * data, so whoever has a generator of data (fast-check, say) can repeat a run, and shrink one that went wrong.
 */
import { Choices, type Asked } from './choices.ts'
import { afterwards, beginning } from './explorer.ts'
import { runLife, type TraceEvent } from './run-life.ts'
import { nameOf, type Scenario, type Stage } from './subject.ts'

/** At a place of a life, counted from 1, one of the faults that may be injected there: the n-th, counted round and round. */
export type Injection = readonly [place: number, fault: number]

/** What sampled lives found. */
export interface Sampled {
  /** What each life chose, as `Choices.path` says it. */
  readonly path: string
  /** How many lives were lived. */
  readonly lives: number
  /** How many faults were injected; others were meant for places that no life came to. */
  readonly injected: number
  /** What must not be, and was. */
  readonly violations: readonly string[]
}

/** Chooses what the injections say, whatever may happen at their places. */
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
 * Runs a scenario with faults at given places: one list for each life. A life that crashes is followed by another; once
 * the lists are used up nothing goes wrong any more, and everything must come to its end and the books must agree.
 *
 * @param weight How many times more commits, requests and waits than a scenario of one operation it may take.
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

/**
 * The explorer: it runs every run of a scenario within a bound. A run is a chain of lives. A life ends when its caller
 * has what it wanted, or in a crash. Worlds that crashes leave are merged by fingerprint. One life starts from each
 * world, with a fresh budget of faults, until no new world appears. That covers any number of crashes. Other faults are
 * injected in one life of a run, unless the options say more: each fault may leave a trace, so new worlds would never
 * end.
 *
 * Lives are merged too. If a life comes to an injection point in a state that was met there before, with at least as
 * much budget left, no other option is tried. The life itself goes on to its end and is judged, because fingerprints do
 * not contain what a process remembers after a restart or a fault.
 */
import type { OperationKind } from '../../kernel/define/operation.ts'
import { checkCount, checkDuration, checkFunction } from '../../arguments.ts'
import { Bounds, unclosedBy } from './bounds.ts'
import { checkEvents } from './caller-events.ts'
import { Choices, parsePath, type Budget } from './choices.ts'
import { Coverage } from './coverage.ts'
import type { TestedStore } from '../environments/backing-store.ts'
import { VirtualClock, worldRandom } from './life.ts'
import { runLife, settled, type TraceEvent, type LifeOptions, type Place, type Spared } from './run-life.ts'
import { Findings, type Exploration } from './findings.ts'
import { Growth } from './growth.ts'
import { liveness } from '../invariants/liveness.ts'
import { mistagged } from '../invariants/tags.ts'
import { nameOf, type Scenario, type Stage } from './subject.ts'
import { fingerprints, type World } from './world.ts'

const NONE: Budget = { faults: 0, others: 0 }
const START_MS = 1_750_000_000_000
/** After the budget is spent, crashes are still explored this often at each commit and request from the same states. */
const MOST_SPARE = 3
/** A quick exploration injects each fault this often at each commit and request from the same states. */
const MOST_QUICK = 1
/** From one process to the other, back, and to the other again. */
const MOST_SWITCHES = 3

/** Sets up a scenario: the stage of its lives, and the world in which they begin. */
export async function beginning<S extends Stage>(
  scenario: Scenario<S>,
  store?: TestedStore,
): Promise<Place<S> & { start: World }> {
  const { subject, skewMs = 0, anytime = [] } = scenario
  const { kinds } = subject
  checkEvents(anytime, kinds)
  const environment = await subject.open()
  const place = { kinds, environment, fingerprint: fingerprints(subject.alike ?? {}), store, anytime }
  const rows = subject.rows?.() ?? {}
  const empty: World = { rows, outside: environment.leave(), nowMs: START_MS, skewMs, entropy: 0, notes: {} }
  const lines: string[] = []
  const { world, end, violations } = await runLife(
    {
      ...place,
      ...{ from: empty, choices: new Choices({ budget: NONE }) },
      act: async (stage) => scenario.setup?.(stage),
    },
    { tell: ({ column, text }) => lines.push(`${column} ${text}`) },
  )
  if (end !== 'done')
    throw new Error(`${nameOf(scenario)}: the set-up ${end}: ${violations.join('; ')}\n${lines.join('\n')}`)
  return { ...place, start: world }
}

/** The bounds of an exploration. */
export interface ExploreOptions {
  /**
   * The number of faults in one life, crashes included. If given, it replaces the depth of scenarios; otherwise it is
   * 2.
   */
  readonly faults?: number
  /**
   * The number of lives of a run in which faults other than crashes are injected; 1 unless given. Crashes are injected
   * in all lives.
   */
  readonly others?: number
  /** Turns off all merging and injects this many faults over all lives of a run. */
  readonly depth?: number
  /** Merges worlds only, not lives. */
  readonly exact?: boolean
  /**
   * Two processes on one store. It explores all ways to pause one of them at a commit or a request while the other goes
   * on, with up to three switches between them and no other fault.
   */
  readonly owners?: boolean
  /**
   * Quick: each fault is injected once at each commit and each request from the same states of operations, however often
   * they are met. After the budget is spent, no crash is injected. Equal ends are judged once.
   */
  readonly quick?: boolean
  /** Whether a quick exploration injects a fault: the text names it, its place and the states of operations. All, unless given. */
  readonly drawn?: (fault: string) => boolean
  /** After how many violations it stops. */
  readonly mostViolations?: number
  /** After how many lives it stops; never unless given. What is left then is told by `unclosed`. */
  readonly mostLives?: number
  /**
   * After how many milliseconds it stops, by the machine's steady clock (`performance.now`); never unless given. How much
   * is explored by then depends on the machine: `mostLives` does not.
   */
  readonly deadlineMs?: number
  /** Called after each life. */
  readonly onProgress?: (progress: Progress) => void
  /** Keeps the program's rows; they are in memory unless given. */
  readonly store?: TestedStore | undefined
  /** Stops when this invariant is found broken. */
  readonly until?: string | undefined
  /** Called before each life with the path that it will take. */
  readonly lives?: (path: string) => void
  /**
   * Called after each commit that landed, with the path so far and the world that a crash would leave there. Returning
   * true ends the exploration.
   */
  readonly landed?: (path: string, world: () => World) => boolean
}

/** How far an exploration is. */
export interface Progress {
  /** The number of lives so far. */
  readonly lives: number
  /** The number of worlds from which lives began so far. */
  readonly worlds: number
  /** The number of known worlds from which no life has begun. */
  readonly open: number
}

interface Waiting {
  readonly world: World
  readonly path: string
  readonly budget: Budget
  /** The number of crashes that led to it. */
  readonly generation: number
}

/**
 * Explores a scenario.
 *
 * @throws {TypeError} naming the option; where no kind takes an event of `anytime`
 * @example
 * const { closed, unclosed, violations } = await exploreCrashes(scenario, { faults: 1, mostLives: 5_000 })
 */
export async function exploreCrashes<S extends Stage>(
  scenario: Scenario<S>,
  options: ExploreOptions = {},
): Promise<Exploration> {
  checkCount(options.mostLives, 'mostLives')
  checkDuration(options.deadlineMs, 'deadlineMs')
  checkFunction(options.onProgress, 'onProgress')
  const {
    faults = 2,
    others = 1,
    depth = options.faults === undefined && !options.owners ? scenario.depth : undefined,
    exact = false,
    owners = false,
    quick = false,
    drawn = () => true,
  } = options
  const { start, ...place } = await beginning(scenario, options.store)
  const { fingerprint } = place
  const coverage = new Coverage(kindOf(scenario))
  const fresh: Budget = owners
    ? { faults: MOST_SWITCHES, others: Infinity }
    : depth === undefined
      ? { faults, others }
      : { faults: depth, others: Infinity }
  const path = `${nameOf(scenario)}${owners ? BY_TWO : ''}:`
  const waiting: Waiting[] = [{ world: start, path, budget: fresh, generation: 0 }]
  const worlds = new Seen()
  worlds.enter(fingerprint(start), fresh)
  const states = new Seen()
  const ends = new Set<string>()
  const atMost = (times: number): ((name: string) => boolean) => {
    const counts = new Map<string, number>()
    return (name) => {
      const count = (counts.get(name) ?? 0) + 1
      counts.set(name, count)
      return count <= times
    }
  }
  const first = atMost(MOST_QUICK)
  const few = (name: string, found: readonly string[]): readonly string[] =>
    first(name) ? found.filter((fault) => drawn(`${fault} ${name}`)) : []
  const [within, spare] = [atMost(quick ? MOST_QUICK : Infinity), atMost(quick ? 0 : MOST_SPARE)]
  /** The check of the merging relies on no fingerprint, not even for equal ends. */
  const exhaustive = options.depth !== undefined && !quick
  const merging = options.depth === undefined && !quick && !exact && !owners
  const growth = new Growth(scenario.subject.alike ?? {})
  growth.add(0, start)
  const findings = new Findings(options)
  findings.wrong(path, tagsOf(scenario))
  const bounds = new Bounds(options)
  let isFound = false
  const enough = (): boolean => isFound || findings.enough || bounds.reached(findings.lives)
  let entered = 0
  let crashes = 0
  /** A bound was reached among the lives of one world. */
  let isCut = false
  for (let item = waiting.at(0); item && !enough(); item = waiting.at(0)) {
    const { world: from, path: before, budget, generation } = item
    waiting.shift()
    entered++
    let choices: Choices | undefined = new Choices({
      budget,
      ...(quick && { few }),
      ...(merging && { enter: (state, left) => states.enter(state, left) }),
    })
    while (choices && !enough()) {
      options.lives?.(before + choices.planned)
      const of = { ...place, act: (stage: S) => scenario.drive(stage), from, choices, owners }
      const { inspect, passed } = coverage
      /** A world that a crash left or would have left. */
      const crashed = (world: World, left: Budget, path: string): void => {
        const next = depth === undefined ? { faults, others: Math.floor(left.others) } : left
        if (!exhaustive && !worlds.enter(fingerprint(world), next)) return
        growth.add(generation + 1, world)
        waiting.push({ world, path, budget: next, generation: generation + 1 })
      }
      const spared = ({ place, option, name, world }: Spared): boolean => {
        const { faults: rest, others: lives } = of.choices.left
        if (rest <= 0 && depth !== undefined) return false
        const fault = `${option} ${name()}`
        if (!(rest > 0 ? within : spare)(fault) || (quick && !drawn(fault))) return false
        crashes++
        if (!world) of.choices.leave(place, option)
        else crashed(world(), { faults: rest - 1, others: lives }, `${before}${of.choices.with(place, option)}/`)
        return true
      }
      const landed = (now: () => World): void => {
        isFound ||= options.landed?.(before + of.choices.path, now) === true
      }
      const { world, end, ...result } = await runLife(of, {
        inspect,
        ...(!owners && { passed, spared }),
        ...(options.landed && { landed }),
      })
      const path = before + choices.path
      const found = [...result.violations]
      if (end === 'done' && (exhaustive || unseen(ends, fingerprint(world))))
        found.push(...(await afterwards({ ...of, from: world })))
      findings.add(choices, path, found)
      if (end === 'crashed' && !choices.isOver && found.length === 0) crashed(world, choices.left, `${path}/`)
      choices = choices.next()
      options.onProgress?.({ lives: findings.lives, worlds: entered, open: waiting.length })
    }
    if (choices) isCut = true
  }
  const left = waiting.length + (isCut ? 1 : 0)
  const unclosed =
    bounds.isReached && left > 0 ? unclosedBy({ growth: growth.names, lives: findings.lives, left }) : undefined
  return findings.report({ worlds: entered, crashes, visited: coverage.visited, unclosed })
}

/** The kind whose chart a scenario covers. */
export const kindOf = <S extends Stage>({ kind, subject }: Scenario<S>): OperationKind => {
  const found = subject.kinds.find((it) => it.kind === kind)
  if (!found) throw new RangeError(`kind: the subject has no kind '${kind}'`)
  return found as OperationKind
}

/** Tags of its charts that mean nothing, or do not hold. */
const tagsOf = <S extends Stage>({ subject }: Scenario<S>): string[] =>
  subject.kinds.flatMap((kind) => mistagged(kind).map((what) => `tags: ${what}`))

/** The states that were met before, each with the budget that was left. */
class Seen {
  readonly #met = new Map<string, readonly Budget[]>()

  /** Records a state. Returns false if it was met before with at least as much budget. */
  enter(mark: string, { faults, others }: Budget): boolean {
    const met = this.#met.get(mark) ?? []
    if (met.some((left) => left.faults >= faults && left.others >= others)) return false
    this.#met.set(mark, [...met, { faults, others }])
    return true
  }
}

function unseen(seen: Set<string>, mark: string): boolean {
  if (seen.has(mark)) return false
  seen.add(mark)
  return true
}

/** Judges the end of a run: the books must agree, and one more recovery must change nothing. */
export async function afterwards<S extends Stage>(of: LifeOptions<S>): Promise<string[]> {
  const { environment, from: world } = of
  const again = await runLife({ ...of, act: async () => {}, choices: new Choices({ budget: NONE }), owners: false })
  const violations = [...again.violations]
  if (settled(again.world.rows) !== settled(world.rows))
    violations.push('restless: a second recovery changed more than attempt and owner')
  environment.enter(world.outside, new VirtualClock(world.nowMs), worldRandom({ ...world }))
  return [...violations, ...liveness(world), ...(await environment.judge(world))]
}

/** The mark in paths of two processes that take turns. */
const BY_TWO = '@two'

/** The name of a path's scenario. */
export const scenarioOf = (path: string): string => path.replace(/(@two)?:.*/, '')

/** What happened on a path. */
export interface Replayed {
  /** Commits, requests and states, in order; of kinds of your own also arguments, answers, events and contexts. */
  readonly trace: readonly TraceEvent[]
  /** The broken invariants. */
  readonly violations: readonly string[]
}

/**
 * Runs exactly one path and returns what happened; `traceLines` makes lines of it.
 *
 * @throws {RangeError} where it leads nowhere.
 */
export async function replay<S extends Stage>(
  scenario: Scenario<S>,
  path: string,
  store?: TestedStore,
): Promise<Replayed> {
  const [, by, lives = ''] = /^[^:@]*(@two)?:(.*)$/.exec(path) ?? []
  const owners = by !== undefined
  const { start, ...place } = await beginning(scenario, store)
  const trace: TraceEvent[] = []
  const tell = (event: TraceEvent): void => void trace.push(event)
  let from = start
  for (const part of lives.split('/')) {
    const choices = new Choices({ path: parsePath(part), budget: { faults: Infinity, others: Infinity } })
    const of = { ...place, act: (stage: S) => scenario.drive(stage), from, choices, owners }
    tell({ column: 'life', text: part || 'nothing goes wrong', atMs: from.nowMs })
    const { world, end, violations } = await runLife(of, { tell })
    tell({ column: 'life', text: end, atMs: world.nowMs })
    from = world
    const wrong = [...tagsOf(scenario), ...violations]
    if (wrong.length > 0) return { trace, violations: wrong }
    if (end === 'done') return { trace, violations: await afterwards({ ...of, from: world }) }
  }
  return { trace, violations: [] }
}

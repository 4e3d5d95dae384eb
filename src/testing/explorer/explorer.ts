/**
 * The explorer: every run of a scenario within a bound. A run is a chain of lives; a life ends when its caller has what
 * it wanted, or in a crash. Worlds that crashes leave are merged by fingerprint. One life starts from each, with a
 * fresh budget of faults, until no new world appears: that covers any number of crashes. Other faults are injected in
 * one life of a run, unless more are asked for: each may leave a trace, so the worlds would never end.
 *
 * Lives are merged too. Where a life comes to an injection point in a state in which the same point was met before, with
 * no less of a budget left, no other option is tried. The life itself goes on to its end and is judged: what a process
 * remembers, after a restart or a fault, is in no fingerprint.
 */
import type { OperationKind } from '../../kernel/define/operation.ts'
import { Choices, parsePath, type Budget } from './choices.ts'
import { Coverage } from './coverage.ts'
import type { TestedStore } from '../environments/backing-store.ts'
import { VirtualClock, worldRandom } from './life.ts'
import { runLife, settled, type TraceEvent, type LifeOptions, type Place, type Spared } from './run-life.ts'
import { Findings, type Exploration } from './findings.ts'
import { liveness } from '../invariants/liveness.ts'
import { nameOf, type Scenario, type Stage } from './subject.ts'
import { fingerprints, type World } from './world.ts'

const NONE: Budget = { faults: 0, others: 0 }
const START_MS = 1_750_000_000_000
/** With the budget spent, a crash is still looked at so often at each commit and each request from the same states. */
const MOST_SPARE = 3
/** In a quick exploration each fault is injected so often there. */
const MOST_QUICK = 1
/** From one process to the other, back, and to the other again. */
const MOST_SWITCHES = 3

/** Sets a scenario up: where its lives take place, and the world in which they begin. */
export async function beginning<S extends Stage>(
  scenario: Scenario<S>,
  store?: TestedStore,
): Promise<Place<S> & { start: World }> {
  const { subject, skewMs = 0 } = scenario
  const { kinds } = subject
  const environment = await subject.open()
  const place = { kinds, environment, fingerprint: fingerprints(subject.alike ?? {}), store }
  const empty: World = { rows: {}, outside: environment.leave(), nowMs: START_MS, skewMs, entropy: 0, notes: {} }
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

/** How far an exploration goes. */
export interface ExploreOptions {
  /** Faults in one life, a crash included; 2 unless given; then no scenario has a depth of its own. */
  readonly faults?: number
  /** In how many lives of a run faults other than crashes are injected; 1 unless given. Crashes are injected in all. */
  readonly others?: number
  /** Without any merging: this many faults over all lives of a run; as many as the scenario says, if it does, unless given. */
  readonly depth?: number
  /** Without merging lives, only worlds. */
  readonly exact?: boolean
  /**
   * Two processes on one store: all ways in which one of them is held at a commit or a request while the other goes on,
   * with up to three switches between them, and no other fault.
   */
  readonly owners?: boolean
  /**
   * Quick: each fault is injected once at each commit and each request from the same states of operations, however often
   * these come; where the budget is spent, no crash is injected; equal ends are judged once.
   */
  readonly quick?: boolean
  /** Whether a quick exploration injects a fault: the text names it, its place and the states of operations. All, unless given. */
  readonly drawn?: (fault: string) => boolean
  /** After how many violations it stops. */
  readonly mostViolations?: number
  /** Keeps the program's rows; they are in memory unless given. */
  readonly store?: TestedStore | undefined
  /** Ends once this invariant was found broken. */
  readonly until?: string | undefined
  /** Called before each life with the path that it will take. */
  readonly lives?: (path: string) => void
  /** Called after each commit that landed, with the path so far and what a crash would leave there; ends the exploration by true. */
  readonly landed?: (path: string, world: () => World) => boolean
}

interface Waiting {
  readonly world: World
  readonly path: string
  readonly budget: Budget
}

/** Explores a scenario. */
export async function exploreCrashes<S extends Stage>(
  scenario: Scenario<S>,
  options: ExploreOptions = {},
): Promise<Exploration> {
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
  const waiting: Waiting[] = [{ world: start, path: `${nameOf(scenario)}${owners ? BY_TWO : ''}:`, budget: fresh }]
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
  /** The check of the merging trusts no fingerprint, not even for equal ends. */
  const exhaustive = options.depth !== undefined && !quick
  const merging = options.depth === undefined && !quick && !exact && !owners
  const findings = new Findings(options)
  let isFound = false
  const enough = (): boolean => isFound || findings.enough
  let entered = 0
  let crashes = 0
  for (let item = waiting.shift(); item && !enough(); item = waiting.shift()) {
    const { world: from, path: before, budget } = item
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
      /** A world that a crash left, or would have left. */
      const crashed = (world: World, left: Budget, path: string): void => {
        const next = depth === undefined ? { faults, others: Math.floor(left.others) } : left
        if (exhaustive || worlds.enter(fingerprint(world), next)) waiting.push({ world, path, budget: next })
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
    }
  }
  return findings.report({ worlds: entered, crashes, visited: coverage.visited })
}

/** The kind whose chart a scenario is to cover. */
export const kindOf = <S extends Stage>({ kind, subject }: Scenario<S>): OperationKind => {
  const found = subject.kinds.find((it) => it.kind === kind)
  if (!found) throw new RangeError(`kind: the subject has no kind '${kind}'`)
  return found as OperationKind
}

/** What was met before, and with how much of a budget left. */
class Seen {
  readonly #met = new Map<string, readonly Budget[]>()

  /** Notes it; false where it was met with no less to spare. */
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

/** What must hold when a run is over: the books, and that one more recovery changes nothing. */
export async function afterwards<S extends Stage>(of: LifeOptions<S>): Promise<string[]> {
  const { environment, from: world } = of
  const again = await runLife({ ...of, act: async () => {}, choices: new Choices({ budget: NONE }), owners: false })
  const violations = [...again.violations]
  if (settled(again.world.rows) !== settled(world.rows))
    violations.push('restless: a second recovery changed more than attempt and owner')
  environment.enter(world.outside, new VirtualClock(world.nowMs), worldRandom({ ...world }))
  return [...violations, ...liveness(world), ...(await environment.judge(world))]
}

/** Marks paths of two processes that take turns. */
const BY_TWO = '@two'

/** The name of a path's scenario. */
export const scenarioOf = (path: string): string => path.replace(/(@two)?:.*/, '')

/**
 * Runs exactly one path, and tells what happened.
 *
 * @throws {RangeError} where it leads nowhere.
 */
export async function replay<S extends Stage>(
  scenario: Scenario<S>,
  path: string,
  store?: TestedStore,
): Promise<{ readonly trace: readonly TraceEvent[]; readonly violations: readonly string[] }> {
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
    if (violations.length > 0) return { trace, violations }
    if (end === 'done') return { trace, violations: await afterwards({ ...of, from: world }) }
  }
  return { trace, violations: [] }
}

/**
 * The explorer: every run of a scenario within a bound. A run is a chain of lives; a life ends when its caller has what
 * it wanted, or in a crash. Worlds that crashes leave are merged by fingerprint and each is lived on from once, with a
 * fresh budget of faults, until no new one appears: that covers any number of crashes. Faults of other kinds strike in
 * one life of a run, unless more are asked for: each may leave its mark, and so the worlds would never end.
 *
 * Lives are merged too: where a process comes to a place in a state in which the same place was met before, with no
 * less of a budget left, it lives on to its end and is judged, but what else might happen there is not tried again.
 */
import { Choices, parsePath, type Budget } from './choices.ts'
import { Coverage } from './coverage.ts'
import { VirtualClock } from './life.ts'
import { live, type Happening, type Scenario, type Stage } from './live.ts'
import { judge } from './oracle.ts'
import { newSetting, type Setting } from './setting.ts'
import { stubCrypto } from './stub-crypto.ts'
import { fingerprint, type World } from './world.ts'

export { MINT_URL, type Happening, type Scenario, type Stage } from './live.ts'
export { POWERS, SEED } from './setting.ts'

const NONE: Budget = { faults: 0, others: 0 }
const START_MS = 1_750_000_000_000

/** The setting of a scenario, and the world in which it begins. */
export async function beginning(scenario: Scenario): Promise<{ setting: Setting; start: World }> {
  const setting = await newSetting(scenario.mint)
  const empty: World = {
    wallet: {},
    mint: setting.dump(),
    nowMs: START_MS,
    skewMs: 0,
    entropy: 0,
    late: [],
    lied: false,
    sent: {},
    melts: {},
    notes: {},
  }
  const lines: string[] = []
  const { world, end, violations } = await live(
    { setting, act: (stage) => scenario.setup(stage), from: empty, choices: new Choices({ budget: NONE }) },
    { tell: ({ column, text }) => lines.push(`${column} ${text}`) },
  )
  if (end !== 'done')
    throw new Error(`${nameOf(scenario)}: the set-up ${end}: ${violations.join('; ')}\n${lines.join('\n')}`)
  return { setting, start: { ...world, sent: {} } }
}

export const nameOf = ({ kind, name }: Scenario): string => `${kind}.${name}`

export interface Violation {
  /** Replays it: `npm run crash -- --replay PATH`. */
  readonly path: string
  readonly what: string
}

export interface Exploration {
  /** Places at which a life could be struck. */
  readonly sites: number
  readonly worlds: number
  /** How many lives had so many faults, from none on. */
  readonly runs: readonly number[]
  readonly lives: number
  /** Every world that can come about was lived on from. */
  readonly closed: boolean
  readonly visited: ReadonlySet<string>
  readonly violations: readonly Violation[]
}

export interface ExploreOptions {
  /** Faults in one life, a crash included; 2 unless given. */
  readonly faults?: number
  /** In how many lives of a run faults may strike that are no crashes; 1 unless given. Crashes may strike in all. */
  readonly others?: number
  /** Without any merging: this many faults over all lives of a run. */
  readonly depth?: number
  /** Without merging lives, only worlds. */
  readonly exact?: boolean
  readonly mostViolations?: number
  /** Called before each life with the path that it will take. */
  readonly lives?: (path: string) => void
}

interface Waiting {
  readonly world: World
  readonly path: string
  readonly budget: Budget
}

/** Explores a scenario. */
export async function exploreCrashes(scenario: Scenario, options: ExploreOptions = {}): Promise<Exploration> {
  const { faults = 2, others = 1, depth, exact = false, mostViolations = 10 } = options
  const { setting, start } = await beginning(scenario)
  const coverage = new Coverage(scenario.kind)
  const budget = depth === undefined ? { faults, others } : { faults: depth, others: Infinity }
  const waiting: Waiting[] = [{ world: start, path: `${nameOf(scenario)}:`, budget }]
  const worlds = new Seen()
  worlds.enter(fingerprint(start), budget)
  const states = new Seen()
  const ends = new Set<string>()
  const merging = depth === undefined && !exact
  const sites = new Set<string>()
  const violations: Violation[] = []
  const runs: number[] = []
  let entered = 0
  for (let item = waiting.shift(); item && violations.length < mostViolations; item = waiting.shift()) {
    const { world: from, path: before, budget } = item
    entered++
    let choices: Choices | undefined = new Choices({
      budget,
      ...(merging && { enter: (state, left) => states.enter(state, left) }),
    })
    while (choices && violations.length < mostViolations) {
      options.lives?.(before + choices.planned)
      const { world, end, ...result } = await live(
        { setting, act: (stage) => scenario.drive(stage), from, choices },
        { inspect: coverage.inspect },
      )
      const struck = choices.faults.length
      const path = before + choices.path
      runs[struck] = (runs[struck] ?? 0) + 1
      for (const { count, site } of choices.taken) if (count > 1) sites.add(site)
      const found = [...result.violations]
      if (end === 'done' && (depth !== undefined || unseen(ends, fingerprint(world))))
        found.push(...(await afterwards(setting, scenario, world)))
      for (const what of found) violations.push({ path, what })
      if (end === 'crashed' && found.length === 0) {
        const left = depth === undefined ? { faults, others: Math.floor(choices.left.others) } : choices.left
        const mark = fingerprint(world)
        if (depth !== undefined || worlds.enter(mark, left)) waiting.push({ world, path: `${path}/`, budget: left })
      }
      choices = choices.next()
    }
  }
  const lives = runs.reduce((total, count) => total + (count ?? 0), 0)
  return {
    sites: sites.size,
    worlds: entered,
    runs,
    lives,
    closed: violations.length === 0,
    visited: coverage.visited,
    violations,
  }
}

/** What was met before, and with how much of a budget left. */
class Seen {
  readonly #met = new Map<string, Budget[]>()

  /** Notes it; false where it was met with no less to spare. */
  enter(mark: string, { faults, others }: Budget): boolean {
    const met = this.#met.get(mark) ?? []
    if (met.some((left) => left.faults >= faults && left.others >= others)) return false
    met.push({ faults, others })
    this.#met.set(mark, met)
    return true
  }
}

function unseen(seen: Set<string>, mark: string): boolean {
  if (seen.has(mark)) return false
  seen.add(mark)
  return true
}

/** What must hold when a run is over: the books, and that one more recovery changes nothing. */
export async function afterwards(setting: Setting, scenario: Scenario, world: World): Promise<string[]> {
  const again = await live({ setting, act: async () => {}, from: world, choices: new Choices({ budget: NONE }) })
  const violations = [...again.violations]
  const strip = (rows: World['wallet']): string =>
    JSON.stringify(rows, (key, value: unknown) =>
      ['owner', 'attempt', 'version', 'commitId'].includes(key) ? undefined : value,
    )
  if (strip(again.world.wallet) !== strip(world.wallet))
    violations.push('restless: a second recovery changed more than attempt and owner')
  const judged: World = { ...world }
  setting.enter(judged, new VirtualClock(world.nowMs))
  const verdict = await judge({
    world: judged,
    mint: setting.mint,
    crypto: stubCrypto,
    ...(scenario.mayQuarantine && { mayQuarantine: true }),
  })
  return [...violations, ...verdict.violations]
}

/** Runs exactly one path, and tells what happened. */
export async function replay(
  scenario: Scenario,
  path: string,
): Promise<{ readonly trace: readonly Happening[]; readonly violations: readonly string[] }> {
  const [, lives = ''] = /^[^:]*:(.*)$/.exec(path) ?? []
  const { setting, start } = await beginning(scenario)
  const trace: Happening[] = []
  const tell = (happening: Happening): void => void trace.push(happening)
  const act = (stage: Stage): Promise<void> => scenario.drive(stage)
  let from = start
  for (const part of lives.split('/')) {
    const choices = new Choices({ path: parsePath(part), budget: { faults: Infinity, others: Infinity } })
    tell({ column: 'life', text: part || 'nothing goes wrong', atMs: from.nowMs })
    const { world, end, violations } = await live({ setting, act, from, choices }, { tell })
    tell({ column: 'life', text: end, atMs: world.nowMs })
    from = world
    if (violations.length > 0) return { trace, violations }
    if (end === 'done') return { trace, violations: await afterwards(setting, scenario, world) }
  }
  return { trace, violations: [] }
}

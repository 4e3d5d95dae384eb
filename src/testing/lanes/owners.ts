/** The lane of owners: several processes of a program on one store, with a lock or with heartbeats. */
import { Choices, parsePath } from '../explorer/choices.ts'
import { Coverage } from '../explorer/coverage.ts'
import { afterwards, beginning, kindOf } from '../explorer/explorer.ts'
import { Findings, type Exploration } from '../explorer/findings.ts'
import type { LifeResult, TraceEvent } from '../explorer/run-life.ts'
import { nameOf, type Scenario, type Stage } from '../explorer/subject.ts'
import type { TestedStore } from '../environments/backing-store.ts'
import { runOwners, type OwnersRunOptions, type Sharing } from './owners-run.ts'

/** Every way to share a store: the kind of ownership, the number of processes, and the process that is called. */
export const SHARINGS: readonly Sharing[] = (['lock', 'heartbeats'] as const).flatMap((by) =>
  ([2, 3] as const).flatMap((processes) =>
    (['first', 'second'] as const).map((caller): Sharing => ({ by, processes, caller })),
  ),
)

/** The bounds of the lane. */
export interface OwnersOptions {
  /** The number of crashes, freezes and lost locks in a run; 1 unless given. */
  readonly faults?: number
  /** The ways to share the store; all unless given. */
  readonly sharings?: readonly Sharing[]
  /** The number of violations after which it stops. */
  readonly mostViolations?: number
  /** Keeps the program's rows; they are in memory unless given. */
  readonly store?: TestedStore | undefined
  /** Stops when this invariant is found broken. */
  readonly until?: string | undefined
  /** Called before each run with the path that it will take. */
  readonly lives?: (path: string) => void
}

/** Its name in paths: `@lock-2-second`. */
const nameOfSharing = ({ by, processes, caller }: Sharing): string => `@${by}-${processes}-${caller}`

/** The sharing and the faults that a path names; undefined for a path of another lane. */
export function ownersPath(path: string): { readonly sharing: Sharing; readonly run: string } | undefined {
  const [, name, run] = /^[^:@]*(@[^:]+):(.*)$/.exec(path) ?? []
  const sharing = SHARINGS.find((it) => nameOfSharing(it) === name)
  return sharing && run !== undefined ? { sharing, run } : undefined
}

/**
 * Explores the faults of several processes at each commit, heartbeat and request: each fault once at each place of each
 * process, for every combination of earlier faults of other processes.
 */
export async function exploreOwners<S extends Stage>(
  scenario: Scenario<S>,
  options: OwnersOptions = {},
): Promise<Exploration> {
  const { faults = 1, sharings = SHARINGS } = options
  const { start, ...place } = await beginning(scenario, options.store)
  const coverage = new Coverage(kindOf(scenario))
  const findings = new Findings(options)
  const ends = new Set<string>()
  for (const sharing of sharings) {
    const seen = new Set<string>()
    const few = (name: string, faults: readonly string[]): readonly string[] =>
      seen.size < seen.add(name).size ? faults : []
    const before = `${nameOf(scenario)}${nameOfSharing(sharing)}:`
    let choices: Choices | undefined = new Choices({ budget: { faults, others: Infinity }, few })
    while (choices && !findings.enough) {
      options.lives?.(before + choices.planned)
      const of = { ...place, ...sharing, act: (stage: S) => scenario.drive(stage), from: start, choices }
      const result = await runOwners(of, { inspect: coverage.inspect })
      const mark = place.fingerprint(result.world)
      findings.add(choices, before + choices.path, new Set(await judged(of, result, !ends.has(mark))))
      ends.add(mark)
      choices = choices.next()
    }
  }
  return findings.report({ worlds: ends.size, crashes: 0, visited: coverage.visited })
}

/** The violations of a run, and of the world that it leaves, unless an equal world was judged before. */
async function judged<S extends Stage>(
  of: OwnersRunOptions<S>,
  { world, end, violations }: LifeResult,
  isNew = true,
): Promise<string[]> {
  if (end !== 'done' || !isNew) return [...violations]
  return [...violations, ...(await afterwards({ ...of, from: world }))]
}

/**
 * Runs exactly one path of this lane and returns what happened.
 *
 * @throws {RangeError} where it leads nowhere.
 */
export async function replayOwners<S extends Stage>(
  scenario: Scenario<S>,
  path: string,
  store?: TestedStore,
): Promise<{ readonly trace: readonly TraceEvent[]; readonly violations: readonly string[] }> {
  const found = ownersPath(path)
  if (!found) throw new RangeError(`'${path}' is no path of several processes`)
  const { start, ...place } = await beginning(scenario, store)
  const trace: TraceEvent[] = []
  const choices = new Choices({ path: parsePath(found.run), budget: { faults: Infinity, others: Infinity } })
  const act = (stage: S): Promise<void> => scenario.drive(stage)
  const of = { ...place, ...found.sharing, act, from: start, choices }
  const result = await runOwners(of, { tell: (event) => void trace.push(event) })
  return { trace, violations: await judged(of, result) }
}

/** Proves kinds: explores their scenarios, and says what is wrong, what is open and what was not come to. */
import { checkCount, checkNames } from '../../arguments.ts'
import { covered } from '../explorer/coverage.ts'
import { scenarioOf, type ExploreOptions, type Progress, type Replayed } from '../explorer/explorer.ts'
import type { Exploration, Violation } from '../explorer/findings.ts'
import type { Proof, ProofScenario } from './proof.ts'
import { traceLines } from './trace-text.ts'

/** How a kind is proven. */
export interface ProveOptions extends Pick<ExploreOptions, 'faults' | 'others' | 'mostLives' | 'deadlineMs'> {
  /** Only the scenario of this name, `paid` or `order.paid`. The chart need not be covered then. */
  readonly scenario?: string | undefined
  /** One fault in each run, once at each place from the same states. The chart need not be covered. */
  readonly quick?: boolean
  /** Called after each life, with the scenario that is explored. */
  readonly onProgress?: (progress: Progress & { readonly scenario: string }) => void
}

/** The figures of a proof. */
export interface Proven {
  /** The number of explored scenarios. */
  readonly scenarios: number
  /** The number of worlds that crashes left. */
  readonly worlds: number
  /** The number of lives. */
  readonly lives: number
  /** The number of places at which it was looked at what a crash would leave. */
  readonly crashes: number
  /** What of the chart must be come to. */
  readonly required: number
}

/** What a proof came to. It holds where all lists are empty. */
export interface ProofReport extends Proven {
  /** The broken invariants, each with the path that replays it. */
  readonly violations: readonly Violation[]
  /** Why scenarios are not closed, each with its name. */
  readonly unclosed: readonly string[]
  /** What of the chart no scenario came to; empty where it need not be covered. */
  readonly uncovered: readonly string[]
  /** Exceptions in `unreached` that nothing needs. */
  readonly idle: readonly string[]
}

/** A proof does not hold. The message says why, with the path that replays it, and its trace. */
export class ProofFailed extends Error {
  /** The name of the class, which tells it apart in logs. */
  override readonly name = 'ProofFailed'
  /** What was found. */
  readonly report: ProofReport

  constructor(message: string, report: ProofReport) {
    super(message)
    this.report = report
  }
}

const OPTIONS = ['faults', 'others', 'mostLives', 'deadlineMs', 'scenario', 'quick', 'onProgress']
/** Lives of one scenario, beyond which it is taken not to close. */
const MOST_LIVES = 20_000
/** Two switches between processes are few lives, and go with each full proof. */
const BY_TWO: ExploreOptions = { owners: true }

/**
 * Proves a kind, and reports. A full proof explores each scenario with `faults` faults in each life (2 unless given) and any
 * number of crashes, and once more with two processes that take turns; then the chart must be covered, crashes on both sides of
 * each commit and request included. Each exploration ends after `mostLives` lives, 20,000 unless given.
 *
 * @throws {TypeError} naming the option
 * @example
 * const { violations, unclosed, uncovered } = await reportOf(proof, { quick: true })
 */
export async function reportOf(proof: Proof, options: ProveOptions = {}): Promise<ProofReport> {
  checkNames(options, 'options', OPTIONS)
  checkCount(options.faults, 'faults', 0)
  const { scenario: wanted, quick = false, faults, others, mostLives = MOST_LIVES, deadlineMs, onProgress } = options
  const scenarios = proof.scenarios.filter(({ name }) => wanted === undefined || isNamed(proof, name, wanted))
  if (scenarios.length === 0)
    throw new TypeError(`scenario: one of ${proof.scenarios.map(({ name }) => name).join(', ')}`)
  const bounds = { mostLives, ...(deadlineMs !== undefined && { deadlineMs }) }
  const full = { ...(faults !== undefined && { faults }), ...(others !== undefined && { others }) }
  const ways: readonly ExploreOptions[] = quick ? [{ quick: true, depth: faults ?? 1 }] : [full, BY_TWO]
  const found: { readonly name: string; readonly exploration: Exploration }[] = []
  for (const scenario of scenarios)
    for (const way of ways) {
      const { name } = scenario
      const told = onProgress && { onProgress: (progress: Progress) => onProgress({ ...progress, scenario: name }) }
      found.push({ name, exploration: await scenario.explore({ ...way, ...bounds, ...told }) })
    }
  const sum = (of: (exploration: Exploration) => number): number =>
    found.reduce((total, { exploration }) => total + of(exploration), 0)
  const visited = new Set(found.flatMap(({ exploration }) => [...exploration.visited]))
  const isWhole = !quick && wanted === undefined
  const cover = covered(proof.kind, visited, { crashes: !quick, exceptions: proof.unreached })
  return {
    scenarios: scenarios.length,
    worlds: sum(({ worlds }) => worlds),
    lives: sum(({ lives }) => lives),
    crashes: sum(({ crashes }) => crashes),
    required: cover.required,
    violations: found.flatMap(({ exploration }) => exploration.violations),
    unclosed: found.flatMap(({ name, exploration }) =>
      exploration.unclosed ? [`${name}: ${exploration.unclosed}`] : [],
    ),
    uncovered: isWhole ? cover.uncovered : [],
    idle: isWhole ? cover.idle : [],
  }
}

/**
 * Proves a kind in a test, whatever runs it: it rejects where an invariant was broken, where the exploration does not close,
 * and where something of the chart was not come to. The error shows the first violation with its path and its trace.
 *
 * @throws {TypeError} naming the option
 * @throws {ProofFailed} where the proof does not hold
 * @example
 * test('orders', async () => {
 *   const { lives } = await proveKind(proof)
 *   console.log(`proven in ${lives} lives`)
 * })
 */
export async function proveKind(proof: Proof, options: ProveOptions = {}): Promise<Proven> {
  const report = await reportOf(proof, options)
  const lines = await wrongIn(proof, report)
  if (lines.length > 0) throw new ProofFailed(lines.join('\n'), report)
  const { violations: _, unclosed: _unclosed, uncovered: _uncovered, idle: _idle, ...proven } = report
  return proven
}

const MOST_SHOWN = 12
const MOST_TRACED = 80

/** What is wrong with a proof, for people: first the violations, with the trace of the first one. */
export async function wrongIn(proof: Proof, report: ProofReport): Promise<string[]> {
  const { violations, unclosed, uncovered, idle } = report
  const [first] = violations
  const traced = first ? await replayOf([proof], first.path) : undefined
  return [
    ...some(violations.map(({ what, path }) => `${what}\n    path: ${path}`)),
    ...(traced ? ['', ...traceLines(traced.trace).slice(-MOST_TRACED), ''] : []),
    ...unclosed,
    ...some(uncovered.map((what) => `not covered: ${what}`)),
    ...idle.map((what) => `no exception is needed for ${what}`),
  ]
}

const some = (lines: readonly string[]): readonly string[] =>
  lines.length > MOST_SHOWN ? [...lines.slice(0, MOST_SHOWN), `and ${lines.length - MOST_SHOWN} more`] : lines

/** Runs one path of some proofs again. @throws {RangeError} where none has its scenario, or it leads nowhere. */
export async function replayOf(proofs: readonly Proof[], path: string): Promise<Replayed> {
  const scenarios: readonly ProofScenario[] = proofs.flatMap((proof) => proof.scenarios)
  const named = scenarioOf(path)
  const found = scenarios.find(({ name }) => name === named)
  if (!found) throw new RangeError(`path: no scenario is called '${named}'; there are ${scenarios.map(({ name }) => name).join(', ')}`) // prettier-ignore
  return found.replay(path)
}

const isNamed = ({ kind: { kind } }: Proof, name: string, wanted: string): boolean =>
  name === wanted || name === `${kind}.${wanted}`

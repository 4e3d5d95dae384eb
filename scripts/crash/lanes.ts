/** The lanes: what production runs and the explorer's lives do not. Each is explored, printed and summed up. */
import type { Exploration } from '../../src/testing/explorer/findings.ts'
import { nameOf } from '../../src/testing/explorer/subject.ts'
import { otherwise, type Told } from '../../src/testing/lanes/crypto.ts'
import { groupScenarios, ownersScenarios } from '../../src/testing/lanes/scenarios.ts'
import { scenarios } from '../../src/testing/scenarios/index.ts'
import { prng } from '../kill-lab/prng.ts'
import { run, type Job, type LaneJob } from './pool.ts'
import { table } from './print.ts'
import { startStore, type StorePlace } from './stores.ts'

export const LANES = ['owners', 'group', 'crypto'] as const
export type Lane = (typeof LANES)[number]

/** Scenarios of owners where it is to be quick. */
const QUICK_OWNERS = 2
/** Scenarios with two faults in a run, unless it is to be quick. */
const TWICE = new Set(['swap.plain', 'many.kinds-at-once'])
/** Of each kind, scenarios whose paths are told with the real crypto, and how many of each. */
const SAMPLE = { quick: { of: 1, paths: 2 }, whole: { of: 4, paths: 4 } } as const

interface Options {
  readonly lanes: readonly Lane[]
  readonly wanted: (scenario: { readonly kind: string; readonly name: string }) => boolean
  readonly quick: boolean
  /** Faults in a run; as the lane says unless given. */
  readonly faults?: number | undefined
  /** Draws the paths for the real crypto. */
  readonly seed: string
  /** A real store for the owners; they share memory unless given. */
  readonly place?: StorePlace | undefined
  readonly log: (line: string) => void
}

interface LaneReport {
  readonly explorations: number
  readonly runs: number
  readonly violations: number
  /** What did not end well otherwise. */
  readonly errors: number
}

/** What each lane found. */
export async function runLanes(of: Options): Promise<Partial<Record<Lane, LaneReport>>> {
  const report: Partial<Record<Lane, LaneReport>> = {}
  for (const lane of of.lanes) {
    const found = { owners, group, crypto }[lane]
    report[lane] = await found(of)
  }
  const lines = Object.entries(report).map(([lane, it]) => [lane, it.explorations, it.runs, it.violations + it.errors])
  if (lines.length > 0) of.log(table([['lane', 'explorations', 'runs', 'violations'], ...lines]))
  return report
}

const faultsOf = ({ faults, quick, place }: Options, scenario: string): number =>
  faults ?? (TWICE.has(scenario) && !quick && !place ? 2 : 1)

async function owners(of: Options): Promise<LaneReport> {
  const list = ownersScenarios.slice(0, of.quick ? QUICK_OWNERS : undefined).filter((it) => of.wanted(it))
  const jobs = list.map(nameOf).map((scenario): Job => {
    const options = { faults: faultsOf(of, scenario) }
    return { scenario, options, lane: { lane: 'owners' }, place: of.place }
  })
  return explored(of, jobs)
}

async function group(of: Options): Promise<LaneReport> {
  await using sqlite = await startStore('sqlite')
  const list = groupScenarios.filter((it) => of.wanted(it))
  const jobs = list.map(nameOf).map((scenario): Job => {
    const options = { faults: faultsOf(of, scenario) }
    return { scenario, options, lane: { lane: 'group' }, place: sqlite.place }
  })
  return await explored(of, jobs)
}

/** The stub tells some paths, and the real crypto must tell the same of them. */
async function crypto(of: Options): Promise<LaneReport> {
  const { log, seed } = of
  const sample = of.quick ? SAMPLE.quick : SAMPLE.whole
  // A bounty computes nothing.
  const kinds = Map.groupBy(scenarios.filter((it) => it.kind !== 'bounty' && of.wanted(it)), ({ kind }) => kind) // prettier-ignore
  const names = [...kinds].flatMap(([kind, list]) => prng(`${seed} ${kind}`).shuffled(list).slice(0, sample.of)).map(nameOf) // prettier-ignore
  const jobOf = (scenario: string, lane: LaneJob, isReal: boolean): Job => ({ scenario, options: {}, lane, isReal })
  const [stub, real] = [new Map<string, readonly Told[]>(), new Map<string, readonly Told[]>()]
  const stubs = await explored(
    of,
    names.map((name) => jobOf(name, { lane: 'crypto', count: sample.paths, seed: `${seed} ${name}` }, false)),
    stub,
  )
  const jobs = [...stub].map(([name, told]) =>
    jobOf(name, { lane: 'crypto', paths: told.map(({ path }) => path) }, true),
  )
  const reals = await explored(of, jobs, real)
  const wrong = [...stub].flatMap(([name, told]) => otherwise(told, real.get(name) ?? []))
  for (const { path, what } of wrong) log(`    ${what}\n      --replay ${path}`)
  log(`seed ${seed}: ${reals.runs} paths with the real crypto`)
  return { ...reals, violations: stubs.violations + wrong.length, errors: stubs.errors + reals.errors }
}

/** Has the jobs done; what paths told is kept by scenario. */
async function explored(
  { log }: Options,
  jobs: readonly Job[],
  told?: Map<string, readonly Told[]>,
): Promise<LaneReport> {
  const found: Exploration[] = []
  let errors = 0
  await run(jobs, {
    outcome({ scenario, lane, isReal = false }, outcome) {
      const name = `${scenario} in the lane ${lane?.lane}${isReal ? ', real' : ''}`
      if ('error' in outcome) {
        errors++
        return log(`✗ ${name}: ${outcome.error}`)
      }
      const { exploration } = outcome
      found.push(exploration)
      if (outcome.told) told?.set(scenario, outcome.told)
      log(`${exploration.violations.length === 0 ? '✓' : '✗'} ${name}: ${exploration.lives} runs`)
      for (const { path, what } of exploration.violations) log(`    ${what}\n      --replay ${path}`)
    },
  })
  const sum = (of: (exploration: Exploration) => number): number => found.reduce((total, it) => total + of(it), 0)
  return {
    explorations: jobs.length,
    runs: sum(({ lives }) => lives),
    violations: sum(({ violations }) => violations.length),
    errors,
  }
}

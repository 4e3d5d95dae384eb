/**
 * `npm run crash`: kills operations everywhere, and looks whether the money is still there. Without options, all of it:
 * one fault in each life and crashes besides (one in all in scenarios that already contain one), two processes that take
 * turns, and then every mutant.
 *
 *   --kind KIND        the scenarios and the mutants of one kind
 *   --scenario NAME    one scenario, `kind.name` or `name`; no mutants
 *   --depth N          so many faults in one life; 1 unless given. 2 takes hours
 *   --others N         lives of one run in which faults other than crashes are injected; 1 unless given
 *   --exact            merges worlds, not lives
 *   --unmerged N       merges nothing: every run of so many faults in all
 *   --quick            one fault in all, tried once at each commit and each request from the same states, and of these
 *                      faults a third, drawn by the seed; one process, no mutants; tables of dialects without faults.
 *                      With --depth all of the faults, in the tables too
 *   --store NAME       `sqlite` or `postgres`: the program's rows are in a real store, and compared with memory after each
 *                      life; with one fault in all and of the first two scenarios of each kind, unless options say more
 *   --lane NAME        only this lane, `owners`, `group` or `crypto`; `none` for no lane. Without it all of them run after
 *                      the lives, unless a scenario is named
 *   --seed S           draws the faults of a quick run, and the paths that are told with the real crypto; 1 unless given
 *   --replay PATH      runs one path again and shows what happened
 *   --film FILE        writes that as a film: `hardshell inspect --replay FILE` shows it
 *   --open             serves that as a film, and prints the address of the page
 *   --mutants          only the mutants, each of which must be found by the invariant that it breaks
 *   --mutant NAME      only this mutant
 *   --json             one JSON object as the last line
 *
 * Fails also where all scenarios of a kind ran and something of its chart was never seen.
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { filmOf, type Run } from '../src/inspector/film.ts'
import { serve } from '../src/inspector/serve.ts'
import type { OperationKind } from '../src/kernel/define/operation.ts'
import { covered } from '../src/testing/explorer/coverage.ts'
import { exceptions } from '../src/testing/explorer/exceptions.ts'
import { replay, scenarioOf, type ExploreOptions } from '../src/testing/explorer/explorer.ts'
import type { Exploration } from '../src/testing/explorer/findings.ts'
import { mutants } from '../src/testing/mutants/index.ts'
import { scenarios } from '../src/testing/scenarios/index.ts'
import { nameOf } from '../src/testing/explorer/subject.ts'
import { LANES, runLanes, type Lane } from './crash/lanes.ts'
import { replayLane } from './crash/lane-replay.ts'
import { runMutants } from './crash/mutants.ts'
import { run, type Job } from './crash/pool.ts'
import { liveLine, table, traceTable } from './crash/print.ts'
import { startStore, testedStore } from './crash/stores.ts'
import { builtPage } from './inspector-page.ts'

const { values: args } = parseArgs({
  options: {
    kind: { type: 'string' },
    scenario: { type: 'string' },
    quick: { type: 'boolean', default: false },
    others: { type: 'string', default: '1' },
    depth: { type: 'string' },
    unmerged: { type: 'string' },
    store: { type: 'string', default: 'memory' },
    exact: { type: 'boolean', default: false },
    lane: { type: 'string' },
    seed: { type: 'string', default: '1' },
    replay: { type: 'string' },
    film: { type: 'string' },
    open: { type: 'boolean', default: false },
    mutants: { type: 'boolean', default: false },
    mutant: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})

/** A quick run injects one fault of so many: other seeds draw others. */
const QUICK_ONE_OF = 3
/** Of each kind, for a real store. */
const LEAN_SCENARIOS = 2

const log = (text: string): void => console.log(text)
const startedMs = Date.now()
const places = args.store === 'memory' ? undefined : await startStore(args.store)
if (args.replay !== undefined) {
  const code = await replayed(args.replay)
  await places?.[Symbol.asyncDispose]()
  process.exit(code)
}

const quick = args.quick || (places !== undefined && args.unmerged === undefined)
const onlyMutants = args.mutants || args.mutant !== undefined
const part = quick || args.scenario !== undefined || args.unmerged !== undefined
const ofKind = ({ kind }: { kind: string }): boolean => args.kind === undefined || args.kind === kind
/** On a real store a life takes many times as long. */
const isLean = ({ kind, name }: (typeof scenarios)[number]): boolean =>
  scenarios.filter((it) => it.kind === kind).findIndex((it) => it.name === name) < LEAN_SCENARIOS
const wanted = scenarios.filter(
  (it) =>
    ofKind(it) &&
    (args.scenario !== undefined
      ? it.name === args.scenario || nameOf(it) === args.scenario
      : places === undefined || args.kind !== undefined || isLean(it)),
)
const errors: string[] = []
const beside = wantedLanes()
const isLane = args.lane !== undefined && args.lane !== 'none'
if (wanted.length === 0 && !isLane) errors.push('there is no such scenario')
const gaps: string[] = []
const report = onlyMutants || isLane ? {} : await exploreAll()
const laneReport = await runLanes({
  ...{ lanes: beside, quick, seed: args.seed, place: places?.place, log },
  wanted: (it) => ofKind(it) && (args.scenario === undefined || [it.name, nameOf(it)].includes(args.scenario)),
  ...(args.depth !== undefined && { faults: Number(args.depth) }),
})
const mutantsFound =
  onlyMutants || (!part && !isLane) ? await runMutants(wantedMutants(), log) : { total: 0, caught: 0 }
const { user, system } = process.cpuUsage()
log(`${((Date.now() - startedMs) / 1000).toFixed(1)} s, ${((user + system) / 1e6).toFixed(1)} s of CPU`)
for (const error of errors) log(error)
if (args.json) log(JSON.stringify({ store: args.store, kinds: report, lanes: laneReport, mutants: mutantsFound }))
const isIncomplete = ({ uncovered }: { readonly uncovered: number | null }): boolean =>
  !part && uncovered !== null && uncovered > 0
const wrong = Object.values(report).some((it) => it.violations > 0 || !it.closed || isIncomplete(it))
const wrongLanes = Object.values(laneReport).some((it) => it.violations + it.errors > 0)
await places?.[Symbol.asyncDispose]()
process.exit(wrong || wrongLanes || errors.length > 0 || mutantsFound.caught < mutantsFound.total ? 1 : 0)

/** All of them follow the lives, unless one is named, or a scenario, or a store that only one of them is for. */
function wantedLanes(): readonly Lane[] {
  if (onlyMutants || args.lane === 'none') return []
  const named = LANES.find((it) => it === args.lane)
  if (args.lane !== undefined && !named) errors.push(`no lane is called '${args.lane}'`)
  if (args.lane !== undefined) return named ? [named] : []
  if (args.scenario !== undefined || args.unmerged !== undefined) return []
  return places ? ['owners'] : LANES
}

function wantedMutants(): typeof mutants {
  const found = mutants.filter(
    ({ name, scenario }) =>
      (args.mutant === undefined || name === args.mutant) && ofKind({ kind: scenario.replace(/\..*/, '') }),
  )
  if (args.mutant !== undefined && found.length === 0) errors.push(`no mutant is called '${args.mutant}'`)
  return found
}

async function replayed(path: string): Promise<number> {
  const { trace, violations } = (await replayLane(path, places?.place)) ?? (await replayLife(path))
  log(traceTable(trace))
  for (const what of violations) log(`✗ ${what}`)
  if (violations.length === 0) log('✓ nothing is wrong')
  await filmed(path, { trace, violations })
  return violations.length === 0 ? 0 : 1
}

/** Shows a run as a film, where that is asked for: until Ctrl-C. */
async function filmed(path: string, run: Run): Promise<void> {
  if (args.film === undefined && !args.open) return
  const kinds = scenarios.flatMap(({ subject }) => subject.kinds)
  const film = await filmOf(path, run, kinds)
  if (args.film !== undefined) writeFileSync(args.film, JSON.stringify(film))
  if (!args.open) return
  const inspector = await serve({ film, title: path, page: await builtPage() })
  log(`open ${inspector.url}`)
  await new Promise((resolve) => process.once('SIGINT', resolve))
  await inspector.close()
}

function replayLife(path: string): ReturnType<typeof replay> {
  const scenario = scenarios.find((it) => nameOf(it) === scenarioOf(path))
  if (!scenario) throw new Error(`no scenario is called '${scenarioOf(path)}'`)
  return replay(scenario, path, places && testedStore(places.place, 0))
}

/** What a scenario is explored with: each lane apart, so that cores share the work. */
function lanes({ depth, quickDepth = 1 }: Pick<(typeof scenarios)[number], 'depth' | 'quickDepth'>): ExploreOptions[] {
  if (args.unmerged !== undefined) return [{ depth: Number(args.unmerged) }]
  if (quick) return [{ quick: true, depth: Number(args.depth ?? quickDepth) }]
  const options = { others: Number(args.others), exact: args.exact }
  return depth === undefined ? [{ ...options, faults: Number(args.depth ?? 1) }, { owners: true }] : [options]
}

/** Explores the scenarios that are wanted, and sums up what was found by kind. */
async function exploreAll() {
  const found = new Map<string, Exploration[]>()
  // The longest first, so that no core is left alone with one in the end: kinds with much to do stand first here.
  const weight = ({ kind }: { kind: string }): number => ['melt', 'mint', 'restore', 'send'].toReversed().indexOf(kind)
  const draw = quick && args.depth === undefined ? { oneOf: QUICK_ONE_OF, seed: args.seed } : undefined
  const jobs = wanted
    .toSorted((a, b) => weight(b) - weight(a))
    .flatMap((it) => lanes(it).map((options): Job => ({ scenario: nameOf(it), options, draw, place: places?.place })))
  const line = liveLine()
  let done = 0
  let lives = 0
  await run(jobs, {
    outcome({ scenario, options }, outcome) {
      done++
      line.clear()
      const name = options.owners ? `${scenario} by two` : scenario
      if ('error' in outcome) {
        errors.push(`${name}: ${outcome.error}`)
        return log(`✗ ${name}: ${outcome.error}`)
      }
      const { exploration } = outcome
      found.set(scenario, [...(found.get(scenario) ?? []), exploration])
      lives += exploration.lives
      const ok = exploration.violations.length === 0
      if (!ok || !process.stdout.isTTY)
        log(`${ok ? '✓' : '✗'} ${name}: ${exploration.worlds} worlds, ${exploration.lives} lives`)
      for (const { path, what } of exploration.violations) log(`    ${what}\n      --replay ${path}`)
    },
    progress(running) {
      const under = running.map(({ job, lives: so }) => `${job.scenario} ${so}`).join(', ')
      const total = lives + running.reduce((sum, it) => sum + it.lives, 0)
      line.show(`${done}/${jobs.length} explorations, ${total} lives; ${under}`)
    },
  })
  line.clear()
  const kinds = [...new Set(wanted.map(({ kind }) => kind))]
  const sums = Object.fromEntries(kinds.map((kind) => [kind, summary(kind, found)]))
  for (const gap of gaps) log(`not covered: ${gap}`)
  const head = [
    'scenarios',
    'sites',
    'worlds',
    'lives',
    'crashes',
    'closed',
    'required',
    'uncovered',
    'violations',
  ] as const
  const lines = kinds.map((kind) => [
    kind,
    ...head.map((name) => {
      const value = sums[kind]![name]
      return value === null ? 'not asked' : typeof value === 'boolean' ? (value ? 'yes' : 'no') : value
    }),
  ])
  log(table([['kind', ...head], ...lines]))
  return sums
}

/** One kind's line of the report. */
function summary(kind: string, byScenario: ReadonlyMap<string, readonly Exploration[]>) {
  const ran = wanted.filter((it) => it.kind === kind)
  const found = ran.flatMap((it) => byScenario.get(nameOf(it)) ?? [])
  const sum = (of: (exploration: Exploration) => number): number => found.reduce((total, it) => total + of(it), 0)
  const of = ran[0]!.subject.kinds.find((it) => it.kind === kind)! as OperationKind
  const { required, uncovered, idle } = covered(of, new Set(found.flatMap((it) => [...it.visited])), {
    crashes: !quick,
    exceptions: exceptions[kind] ?? [],
  })
  // Some scenarios alone are not asked what they cover. One fault in all is asked, and need not cover everything.
  const isWhole = ran.length === scenarios.filter((it) => it.kind === kind).length
  if (isWhole) gaps.push(...uncovered.map((what) => `${kind}: ${what}`))
  if (isWhole && !part) errors.push(...idle.map((what) => `no exception is needed for ${what}`))
  const runs: Record<number, number> = {}
  for (const it of found)
    for (const [injected, count = 0] of it.runs.entries()) runs[injected] = (runs[injected] ?? 0) + count
  return {
    scenarios: ran.length,
    sites: sum(({ sites }) => sites),
    worlds: sum(({ worlds }) => worlds),
    lives: sum(({ lives }) => lives),
    crashes: sum(({ crashes }) => crashes),
    closed: found.length > 0 && found.every(({ closed }) => closed),
    runs,
    required,
    uncovered: isWhole ? uncovered.length : null,
    violations: sum(({ violations }) => violations.length),
  }
}

/**
 * `npm run crash`: kills the wallet everywhere, and looks whether the money is still there.
 *
 *   --kind KIND        the scenarios of one kind
 *   --scenario NAME    one scenario, `kind.name` or `name`
 *   --faults N         faults in one life, a crash included; 1 unless given, 2 for the full lane
 *   --others N         lives of one run in which faults may strike that are no crashes; 1 unless given
 *   --depth N          no merging of worlds and lives: every run with this many faults in all
 *   --exact            merges worlds, not lives
 *   --replay PATH      runs one path again and shows what happened
 *   --planted          also plants mistakes, each of which must be found
 *   --plant NAME       plants only this one
 *   --json             one JSON object as the last line
 *
 * Fails also where all scenarios of a kind ran and something of its chart was never seen.
 */
import { parseArgs } from 'node:util'
import { covered, kinds } from '../src/testing/coverage.ts'
import { nameOf, replay, type Exploration, type Scenario } from '../src/testing/explorer.ts'
import { plants } from '../src/testing/planted.ts'
import { scenarios } from '../src/testing/scenarios/index.ts'
import { plantAll } from './crash/plants.ts'
import { run, type Job } from './crash/pool.ts'
import { liveLine, table, traceTable } from './crash/print.ts'

const { values: args } = parseArgs({
  options: {
    kind: { type: 'string' },
    scenario: { type: 'string' },
    faults: { type: 'string', default: '1' },
    others: { type: 'string', default: '1' },
    depth: { type: 'string' },
    exact: { type: 'boolean', default: false },
    replay: { type: 'string' },
    planted: { type: 'boolean', default: false },
    plant: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})

const log = (text: string): void => console.log(text)
const startedMs = Date.now()
if (args.replay !== undefined) process.exit(await replayed(args.replay))

const wanted = scenarios.filter(
  (it) =>
    args.plant === undefined &&
    (args.kind === undefined || it.kind === args.kind) &&
    (args.scenario === undefined || it.name === args.scenario || nameOf(it) === args.scenario),
)
if (wanted.length === 0 && args.plant === undefined) throw new Error('no such scenario')
const errors: string[] = []
const byKind = await exploreAll(wanted)
const gaps: string[] = []
const report = Object.fromEntries([...byKind].map(([kind, found]) => [kind, summary(kind, found)]))
if (byKind.size > 0) print()
const planted =
  args.planted || args.plant !== undefined
    ? await plantAll(
        plants.filter(({ name }) => args.plant === undefined || name === args.plant),
        log,
      )
    : { total: 0, caught: 0 }
log(`${((Date.now() - startedMs) / 1000).toFixed(1)} s`)
for (const error of errors) log(error)
if (args.json) log(JSON.stringify({ kinds: report, planted }))
const wrong = Object.values(report).some(
  ({ violations, uncovered, closed }) => violations > 0 || !closed || uncovered > 0,
)
process.exit(wrong || errors.length > 0 || planted.caught < planted.total ? 1 : 0)

async function replayed(path: string): Promise<number> {
  const scenario = scenarios.find((it) => path.startsWith(`${nameOf(it)}:`))
  if (!scenario) throw new Error(`no scenario begins '${path}'`)
  const { trace, violations } = await replay(scenario, path)
  log(traceTable(trace))
  for (const what of violations) log(`✗ ${what}`)
  if (violations.length === 0) log('✓ nothing is wrong')
  return violations.length === 0 ? 0 : 1
}

/** Explores scenarios, and returns what was found by kind. */
async function exploreAll(list: readonly Scenario[]): Promise<Map<string, Exploration[]>> {
  const found = new Map<string, Exploration[]>()
  const options = {
    faults: Number(args.faults),
    others: Number(args.others),
    exact: args.exact,
    ...(args.depth !== undefined && { depth: Number(args.depth) }),
  }
  // The longest first, so that no core is left alone with one in the end: kinds with much to do stand first here.
  const weight = ({ kind }: Scenario): number => ['melt', 'restore', 'mint', 'send', 'receive', 'swap'].indexOf(kind)
  const jobs = list.toSorted((a, b) => weight(a) - weight(b)).map((it): Job => ({ scenario: nameOf(it), options }))
  const line = liveLine()
  let done = 0
  let lives = 0
  await run(jobs, {
    outcome({ scenario }, outcome) {
      done++
      line.clear()
      if ('error' in outcome) {
        errors.push(`${scenario}: ${outcome.error}`)
        return log(`✗ ${scenario}: ${outcome.error}`)
      }
      const { exploration } = outcome
      const kind = scenario.replace(/\..*/, '')
      found.set(kind, [...(found.get(kind) ?? []), exploration])
      lives += exploration.lives
      const ok = exploration.violations.length === 0
      if (!ok || !process.stdout.isTTY)
        log(`${ok ? '✓' : '✗'} ${scenario}: ${exploration.worlds} worlds, ${exploration.lives} lives`)
      for (const { path, what } of exploration.violations) log(`    ${what}\n      --replay ${path}`)
    },
    progress(running) {
      const under = running.map(({ job, lives: so }) => `${job.scenario} ${so}`).join(', ')
      const total = lives + running.reduce((sum, it) => sum + it.lives, 0)
      line.show(`${done}/${jobs.length} scenarios, ${total} lives; ${under}`)
    },
  })
  line.clear()
  return new Map([...kinds.keys()].flatMap((kind) => (found.has(kind) ? [[kind, found.get(kind)!]] : [])))
}

/** One kind's line of the report. */
function summary(kind: string, found: readonly Exploration[]) {
  const sum = (of: (exploration: Exploration) => number): number => found.reduce((total, it) => total + of(it), 0)
  const visited = new Set(found.flatMap((it) => [...it.visited]))
  // Some scenarios alone are not asked to cover their kind.
  const all = scenarios.filter((it) => it.kind === kind).length === found.length
  const { required, uncovered, idle } = covered(kind, visited)
  errors.push(...(all ? idle : []).map((what) => `no exception is needed for ${what}`))
  if (all) gaps.push(...uncovered.map((what) => `${kind}: ${what}`))
  const runs: Record<number, number> = {}
  for (const it of found)
    for (const [faults, count = 0] of it.runs.entries()) runs[faults] = (runs[faults] ?? 0) + count
  return {
    scenarios: found.length,
    sites: sum(({ sites }) => sites),
    worlds: sum(({ worlds }) => worlds),
    lives: sum(({ lives }) => lives),
    closed: found.every(({ closed }) => closed),
    runs,
    required,
    uncovered: all ? uncovered.length : 0,
    violations: sum(({ violations }) => violations.length),
  }
}

function print(): void {
  for (const gap of gaps) log(`not covered: ${gap}`)
  const lines = Object.entries(report).map(([kind, { scenarios: count, sites, worlds, lives, closed, required, uncovered, violations }]) => [
    kind, count, sites, worlds, lives, closed ? 'yes' : 'no', required, uncovered, violations,
  ]) // prettier-ignore
  log(
    table([
      ['kind', 'scenarios', 'sites', 'worlds', 'lives', 'closed', 'required', 'uncovered', 'violations'],
      ...lines,
    ]),
  )
}

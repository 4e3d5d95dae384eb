/**
 * `npm run mutate`: makes mistakes in the program, one at a time, and looks whether a test or a scenario of the explorer finds
 * them. Those that run a mistake are asked, the fast and specific ones first, until one fails.
 *
 *   --sample N       so many of all mistakes, of each folder its share; with --seed S (1 unless given)
 *   --folder NAME    kernel, machines, wallet, stores, mint-server, cashu, bounty
 *   --file F         only mistakes in one file
 *   --changed        only mistakes on lines that differ from where this branch left `main`, or from --since REVISION
 *   --mutant ID      one mistake, shown and made again
 *   --budget N       seconds of tests and scenarios, as they take without a mistake, that one mistake is worth; 60 unless given
 *   --longest N      seconds that a test may take without a mistake, to be asked at all; 60 unless given
 *   --stores         also the sources of the stores that need a PostgreSQL server or a browser, and their tests
 *   --measure        measures again what runs what; else only what is new is measured
 *   --fresh          makes also those mistakes again whose result is known
 *   --list           shows the mistakes and makes none
 *   --json           one JSON object as the last line
 *
 * Fails where a folder's score is below its goal, or an entry of `mutate/equivalent.ts` is about nothing.
 */
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { onChangedLines } from './mutate/changed.ts'
import { allChecks, measuredChecks, NEEDS_MORE } from './mutate/checks.ts'
import { equivalentOf, idle } from './mutate/equivalent.ts'
import { folderOf, mutationsOf, type Mutation } from './mutate/mutations.ts'
import { Coverage } from './mutate/pick.ts'
import { root, sourceFiles } from './mutate/places.ts'
import { mentionsIn } from './mutate/probes.ts'
import { diffOf, lineOf, report, scoreOf, scoreTable, type Result } from './mutate/report.ts'
import { refusedOf } from './mutate/refused.ts'
import { Results } from './mutate/results.ts'
import { Lane } from './mutate/run.ts'
import { sampled } from './mutate/sample.ts'

const { values: args } = parseArgs({
  options: {
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
    folder: { type: 'string' },
    file: { type: 'string' },
    changed: { type: 'boolean', default: false },
    since: { type: 'string' },
    mutant: { type: 'string' },
    budget: { type: 'string', default: '60' },
    longest: { type: 'string', default: '60' },
    measure: { type: 'boolean', default: false },
    stores: { type: 'boolean', default: false },
    fresh: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})

/** So many times as many are drawn as are asked for, since the compiler refuses some. */
const SPARE = 1.5

const log = (text: string): void => console.log(text)
const sources = new Map(sourceFiles().map((file) => [file, readFileSync(root + file, 'utf8')]))
const all = [...sources].flatMap(([file, source]) => {
  const folder = folderOf(file)
  return folder ? mutationsOf(file, source, folder) : []
})
const stale = idle(all)
for (const { file, before } of stale) log(`✗ an entry of equivalent.ts is about nothing: ${file}: ${before}`)
const budgetMs = Number(args.budget) * 1_000
const kept = new Results(budgetMs)
const chosen = args.list ? choice() : await possible(choice())
if (chosen.length === 0) log('there is no such mistake')
if (args.list) for (const it of chosen) log(diffOf(it))
const results = args.list ? [] : await made(chosen)
if (!args.list) tell()
process.exit(stale.length > 0 || chosen.length === 0 || !report(results).isGood ? 1 : 0)

function choice(): Mutation[] {
  const { folder, file, changed, since, mutant, sample, seed } = args
  const wanted = all.filter(
    (it) =>
      (args.stores || !NEEDS_MORE.test(it.file)) &&
      (folder === undefined || it.folder === folder) &&
      (file === undefined || it.file === file) &&
      (mutant === undefined || it.id === mutant),
  )
  const left = changed || since !== undefined ? onChangedLines(wanted, since) : wanted
  return sample === undefined ? left : sampled(left, Math.ceil(Number(sample) * SPARE), seed)
}

/** Those that the compiler lets pass; of a sample, as many as were asked for. */
async function possible(drawn: readonly Mutation[]): Promise<readonly Mutation[]> {
  const refused = await refusedOf(drawn, kept, log)
  if (refused.size > 0) log(`the compiler refuses ${refused.size} of ${drawn.length}`)
  const left = drawn.filter(({ id }) => !refused.has(id))
  return args.sample === undefined ? left : sampled(left, Number(args.sample), args.seed)
}

async function made(wanted: readonly Mutation[]): Promise<Result[]> {
  log(`${wanted.length} of ${all.length} mistakes, seed ${args.seed}`)
  const measured = await measuredChecks(allChecks(args.stores), {
    longestMs: Number(args.longest) * 1_000,
    anew: args.measure,
    tell: log,
  })
  const coverage = new Coverage(measured, mentionsIn(sources))
  const waiting = [...wanted]
  const found: Result[] = []
  const lane = async (): Promise<void> => {
    using of = new Lane(coverage, { budgetMs })
    for (let mutation = waiting.shift(); mutation; mutation = waiting.shift()) {
      const result = await resultOf(mutation, of)
      found.push(result)
      log(`${found.length}/${wanted.length} ${lineOf(result)}`)
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, lane))
  return found
}

async function resultOf(mutation: Mutation, lane: Lane): Promise<Result> {
  const same = equivalentOf(mutation)
  if (same && args.mutant === undefined) return { mutation, verdict: { result: 'equivalent', why: same.why } }
  const known = args.fresh || args.mutant !== undefined ? undefined : kept.get(mutation)
  const verdict = known ?? (await lane.try(mutation))
  if (!known) kept.set(mutation, verdict)
  return { mutation, verdict }
}

function tell(): void {
  const survivors = results.filter(({ verdict: { result } }) => result === 'survived' || args.mutant !== undefined)
  for (const { mutation } of survivors.toSorted((a, b) => (a.mutation.file < b.mutation.file ? -1 : 1)))
    log(`\n${diffOf(mutation)}`)
  log(`\n${scoreTable(results)}\nseed ${args.seed}`)
  const { byFolder } = report(results)
  if (args.json) log(JSON.stringify({ ...scoreOf(results), byFolder, seed: args.seed }))
}

/** `hardshell crash FILE`: proves the kinds of a file, or replays one path. */
import { existsSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { checkObject } from '../arguments.ts'
import { EXIT, Misused } from './errors.ts'
import { ownLine, runOwn, traced } from './own-line.ts'
import { progressLine } from './terminal.ts'
import {
  replayOf,
  reportOf,
  traceLines,
  wrongIn,
  type Proof,
  type ProofReport,
  type ProveOptions,
} from '../testing/index.ts'

const HELP = `hardshell crash FILE [options]

Proves kinds of operations: injects a crash or fault at every commit and every request, and says what breaks. FILE is a
module, .js or .ts, that exports what defineProof() of hardshell/testing gives: one as its default, or several in a list
that is called proofs. Exits with 1 where a proof does not hold.

  --scenario NAME     only the scenario of this name; the chart need not be covered
  --depth N           so many faults in one life, crashes included; 2 unless given, and 1 with --quick
  --quick             each fault once at each place from the same states; the chart need not be covered
  --most-lives N      ends a scenario after so many lives, and says what grows; 20000 unless given
  --deadline-ms N     ends each scenario after so many milliseconds of the machine's steady clock; never unless given
  --replay PATH       runs one path again, and shows commits, events, requests and faults with all that they carry
  --film FILE         with --replay, writes the run as a film: hardshell inspect --replay FILE shows it
  --json              one JSON object as the last line
`

const OPTIONS = {
  scenario: { type: 'string' },
  depth: { type: 'string' },
  quick: { type: 'boolean', default: false },
  'most-lives': { type: 'string' },
  'deadline-ms': { type: 'string' },
  replay: { type: 'string' },
  film: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

const print = (line: string): void => void process.stdout.write(`${line}\n`)

/** The proofs that a file exports. */
async function proofsIn(path: string): Promise<readonly Proof[]> {
  if (!existsSync(path)) throw new Misused(`there is no file ${path}`)
  const { default: only, proofs } = (await import(pathToFileURL(path).href)) as Readonly<Record<string, unknown>>
  const found: readonly unknown[] = Array.isArray(proofs) ? proofs : only === undefined ? [] : [only].flat()
  const named = `${path} must export what defineProof() gives: one as its default, or several in a list called proofs`
  if (found.length === 0) throw new Misused(named)
  return found.map((proof) => {
    if (!isProof(proof)) throw new Misused(named)
    return proof
  })
}

function isProof(value: unknown): value is Proof {
  checkObject(value, 'a proof')
  return 'kind' in value && 'scenarios' in value && Array.isArray(value.scenarios) && 'unreached' in value
}

/** A whole number on the command line. */
function countOf(text: string | undefined, name: string, least: number): number | undefined {
  if (text === undefined) return undefined
  const count = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(count) || count < least)
    throw new Misused(`--${name}: a whole number from ${least}`)
  return count
}

async function replayed(
  proofs: readonly Proof[],
  { path, json, film }: { readonly path: string; readonly json: boolean; readonly film: string | undefined },
): Promise<boolean> {
  const { trace, violations } = await replayOf(proofs, path)
  if (film !== undefined) {
    const { filmOf } = await import('../inspector/film.ts')
    writeFileSync(
      film,
      JSON.stringify(
        await filmOf(
          path,
          { trace, violations },
          proofs.map(({ kind }) => kind),
        ),
      ),
    )
  }
  for (const line of traceLines(trace)) print(line)
  for (const what of violations) print(`✗ ${what}`)
  if (violations.length === 0) print('✓ nothing is wrong')
  if (json) print(JSON.stringify({ trace, violations }))
  return violations.length === 0
}

async function proven(proof: Proof, options: ProveOptions): Promise<readonly [ProofReport, boolean]> {
  const line = progressLine()
  const shown: ProveOptions['onProgress'] = ({ scenario, lives, worlds, open }) =>
    line.show(`${scenario}: ${lives} lives, ${worlds} worlds, ${open} open`)
  const report = await reportOf(proof, { ...options, onProgress: shown })
  line.clear()
  const wrong = await wrongIn(proof, report)
  const { scenarios, worlds, lives } = report
  const counts = `${scenarios} ${scenarios === 1 ? 'scenario' : 'scenarios'}, ${worlds} worlds, ${lives} lives`
  print(`${wrong.length === 0 ? '✓' : '✗'} ${proof.kind.kind}: ${counts}`)
  for (const each of wrong) print(`  ${each}`)
  return [report, wrong.length === 0]
}

/** Whether all of it holds. */
async function run(args: string[]): Promise<boolean> {
  const { values, positionals } = ownLine({ args, options: OPTIONS, allowPositionals: true })
  const { scenario, quick, json } = values
  if (values.help) {
    process.stdout.write(HELP)
    return true
  }
  const [file, ...others] = positionals
  if (file === undefined || others.length > 0) throw new Misused('one file is needed')
  const faults = countOf(values.depth, 'depth', 0)
  const mostLives = countOf(values['most-lives'], 'most-lives', 1)
  const deadlineMs = countOf(values['deadline-ms'], 'deadline-ms', 1)
  const all = await proofsIn(file)
  if (values.replay !== undefined) return replayed(all, { path: values.replay, json, film: values.film })
  const proofs = all.filter(({ kind, scenarios }) =>
    scenarios.some(({ name }) => scenario === undefined || name === scenario || name === `${kind.kind}.${scenario}`),
  )
  if (proofs.length === 0) throw new Misused(`--scenario: one of ${all.flatMap(({ scenarios }) => scenarios.map(({ name }) => name)).join(', ')}`) // prettier-ignore
  const given = {
    ...{ scenario, quick },
    ...(faults !== undefined && { faults }),
    ...(mostLives !== undefined && { mostLives }),
    ...(deadlineMs !== undefined && { deadlineMs }),
  }
  const reports: Record<string, ProofReport> = {}
  let holds = true
  for (const proof of proofs) {
    const [report, isProven] = await proven(proof, given)
    reports[proof.kind.kind] = report
    holds &&= isProven
  }
  if (json) print(JSON.stringify({ kinds: reports }))
  return holds
}

await runOwn(
  'crash',
  async (args) => ((await run(args)) ? EXIT.done : EXIT.failed),
  (error) => (error instanceof RangeError ? error.message : traced(error)),
)

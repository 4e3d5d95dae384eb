/**
 * The mint and the wallet held against the NUTs and against Nutshell, in real processes.
 *
 *   npm run conformance -- [--json] [--write]
 *
 * The NUTs' test vectors; Nutshell's wallet at our mint; our wallet at both mints; tokens from one wallet to the other; and
 * what both mints answer to what they must refuse, of which `docs/mint.md` lists the differences (`--write` writes them).
 * Needs Python 3.11 to 3.13; Nutshell is installed once, into a cache folder. Exits with 1 where anything is not as it
 * should be.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { documented } from './conformance/docs.ts'
import { startOurs, startTheirs } from './conformance/mints.ts'
import { nutshellCli } from './conformance/nutshell-cli.ts'
import { nutshellWallet } from './conformance/nutshell-wallet.ts'
import { ourWallet } from './conformance/our-wallet.ts'
import { compare, interview } from './conformance/refusals.ts'
import { Steps } from './conformance/steps.ts'
import { tokens } from './conformance/tokens.ts'
import { vectors } from './conformance/vectors.ts'
import { startRun } from './kill-lab/run.ts'
import { ensureNutshell } from './nutshell.ts'

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, write: { type: 'boolean', default: false } },
})
/** The command line of the one before takes a named wallet for another when it receives. */
const VERSION = '0.21.0'
const LIMIT_MS = 120_000
const PARTS = ['Nutshell’s wallet, our mint', 'our wallet, our mint', 'our wallet, Nutshell’s mint', 'tokens'] as const

const { dir, say, seconds } = startRun('conformance', values.json)
const python = await ensureNutshell({ version: VERSION, log: installing })
const limit = setTimeout(() => {
  say(`stopped after ${LIMIT_MS / 1000} s`)
  process.exit(1)
}, LIMIT_MS)
await using stack = new AsyncDisposableStack()
const [ours, theirs] = await Promise.all([startOurs(dir), startTheirs({ version: VERSION, dir, log: () => {} })])
stack.use(ours)
stack.use(theirs)
say(`Nutshell ${VERSION} at ${theirs.url}, our mint at ${ours.url}, up after ${seconds()} s`)

const steps = new Steps(say)
async function atOurs(): Promise<string[]> {
  await using cli = await nutshellCli({ python, dir: join(dir, 'cli'), mintUrl: ours.url })
  await nutshellWallet(steps.part(PARTS[0]), ours, cli)
  await tokens(steps.part(PARTS[3]), ours, cli, dir)
  await ourWallet(steps.part(PARTS[1]), ours, dir)
  return await interview(ours)
}
async function atTheirs(): Promise<string[]> {
  await ourWallet(steps.part(PARTS[2]), theirs, dir)
  return interview(theirs)
}
const counted = await vectors(dir)
const answers = compare(...(await Promise.all([atOurs(), atTheirs()])))
clearTimeout(limit)
const isDocumented = await documented(answers, theirs.name, values.write)

say('\nvectors')
for (const { nut, of, passed, failed } of counted)
  say(
    `  ${nut}  ${of.padEnd(32)} ${String(passed).padStart(3)} ${failed.length > 0 ? `BAD: ${failed.join('; ')}` : ''}`,
  )
for (const part of PARTS) {
  say(`\n${part}`)
  for (const { step, found, isFine, ms } of steps.all.filter((each) => each.part === part))
    say(`  ${isFine ? 'ok ' : 'BAD'} ${step.padEnd(42)} ${found}${ms > 0 ? ` (${ms} ms)` : ''}`)
}
say(`\n${'asked of both mints'.padEnd(68)} ${'hardshell'.padEnd(12)} ${theirs.name}`)
for (const { asks, ours, theirs, isFine } of answers)
  say(`  ${isFine ? 'ok ' : 'BAD'} ${asks.padEnd(62)} ${ours.padEnd(12)} ${ours === theirs ? 'the same' : theirs}`)

const failed = steps.all.filter(({ isFine }) => !isFine).length
const wrong = answers.filter(({ isFine }) => !isFine).length
const badVectors = counted.reduce((sum, { failed }) => sum + failed.length, 0)
const result = {
  nutshell: VERSION,
  vectors: { passed: counted.reduce((sum, { passed }) => sum + passed, 0), failed: badVectors, byNut: counted },
  steps: { done: steps.all.length - failed, failed, all: steps.all },
  requests: {
    asked: answers.length,
    wrong,
    same: answers.filter(({ ours, theirs }) => ours === theirs).length,
    answers,
  },
  isDocumented,
  seconds: seconds(),
}
const isGreen = failed + wrong + badVectors === 0 && isDocumented
if (!isDocumented)
  say('\nBAD docs/mint.md says otherwise: `npm run conformance -- --write` writes what the mints answered')
const { vectors: run, requests } = result
const counts = `${run.passed} vectors, ${result.steps.done} steps, ${requests.asked} requests, ${requests.same} answered alike`
say(`\n${counts}; ${isGreen ? 'all as it should be' : 'NOT AS IT SHOULD BE'}, ${result.seconds} s`)
if (values.json) console.log(JSON.stringify(result))
if (!isGreen) process.exitCode = 1

/** Of all that it prints, only that it is being installed is of interest. */
function installing(line: string): void {
  if (line.startsWith('installing ')) say(line)
}

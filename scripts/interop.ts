/**
 * The wallet against mints that are not ours: Nutshell and cdk-mintd, with their fake Lightning backends.
 *
 *   npm run interop -- [--kills 20] [--seed 1] [--nutshell 0.20.3] [--build] [--json]
 *
 * At Nutshell, with an input fee, first everything that a wallet does, killed again and again; then melts whose payments are
 * paid, fail, stay open or say nothing, with wallet and mint killed on the way. The mint's figures come from its own
 * database. Needs Python 3.11 to 3.13; the mint is installed once, into a cache folder.
 *
 * At cdk-mintd everything that a wallet does, killed again and again, without and with an input fee; its figures are seen from outside.
 * It is looked for in the cache folder, and left out with a message where it is not there; `--build` builds it once, which takes up to an
 * hour on two cores. Exits with 1 where anything ends wrong.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildCdkMintd, CDK_VERSION, findCdkMintd, howToBuildCdkMintd, startCdkMintd } from './cdk-mintd.ts'
import { lines } from './demo/screen.ts'
import { audit } from './kill-lab/balances.ts'
import { killAgain, Lab } from './kill-lab/lab.ts'
import { fromNutshell, fromOutside } from './kill-lab/mint-balances.ts'
import { killsOf, outcomesOf, runOutcome, type OutcomeResult } from './kill-lab/outcomes.ts'
import { prng } from './kill-lab/prng.ts'
import { isFine, printAudit, resultOf, type Result } from './kill-lab/result.ts'
import { rounds, type Invoices } from './kill-lab/rounds.ts'
import { startRun, wholeNumber } from './kill-lab/run.ts'
import { startPlaces } from './kill-lab/stores/index.ts'
import { startWire } from './kill-lab/wire.ts'
import { foreignInvoice, startNutshell } from './nutshell.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    seed: { type: 'string', default: randomBytes(4).toString('hex') },
    nutshell: { type: 'string', default: '0.20.3' },
    build: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const version = values.nutshell
if (version !== '0.20.3' && version !== '0.21.0') throw new TypeError(`--nutshell is 0.20.3 or 0.21.0, not ${version}`)
const kills = wholeNumber('kills', values.kills)
const EACH_WAY_MS = 10
const wireMs = 2 * EACH_WAY_MS
const CDK_FEES_PPK = [0, 100]
const invoices: Invoices = (amounts) => Promise.resolve(amounts.map((amount) => foreignInvoice(amount)))

const { dir, out, say, seconds } = startRun('interop', values.json)
const cdkProgram = findCdkMintd() ?? (values.build ? await buildCdkMintd(say) : undefined)
await using stack = new AsyncDisposableStack()
const mint = stack.use(await startNutshell({ version, feePpk: 100, database: join(dir, 'mint'), log: installing }))
const places = stack.use(await startPlaces('sqlite', dir))
const wire = stack.use(await startWire(mint.url, EACH_WAY_MS))
say(`Nutshell ${version} at ${mint.url}, ${kills} kills, --seed ${values.seed}, up after ${seconds()} s`)

const payments = outcomesOf(version)
const screen = lines(out, kills + payments.reduce((sum, outcome) => sum + killsOf(outcome), 0))
const lab = stack.use(new Lab(dir, (progress, report) => screen.show(progress, report)))
const plan = await killAgain(lab, {
  kills,
  seed: values.seed,
  wireMs,
  plan: rounds(places, wire.url, invoices),
})
say(`everything done after ${seconds()} s; now the payments`)

const outcomes: OutcomeResult[] = []
const wallets = { ...plan.wallets }
const random = prng(`${values.seed} outcomes`)
for (const outcome of payments) {
  const { result, wallet } = await runOutcome({ places, mintUrl: wire.url, mint, lab, random, wireMs }, outcome)
  outcomes.push(result)
  wallets[wallet[0]] = wallet[1]
}
await mint.restart()

const audited = await audit(
  { ...plan, wallets },
  places.place('auditor', randomBytes(64).toString('hex')),
  fromNutshell(mint),
)
/** Input fee, Lightning fee and, where it is fenced, the fence; far below the fee reserve, which comes back as change. */
const MOST_FEES = 3
const melts = outcomes.map(({ fine, ...melt }) => {
  const { fees, spendable } = audited.before.byWallet[melt.outcome]!
  return { ...melt, fees, spendable, fine: fine && fees <= MOST_FEES }
})
const result = { ...resultOf(lab.progress, audited), melts }
printAudit(out, lab.progress, audited)
say(`\n${meltRow('payment', 'melt', 'quote', 'attempts', 'kills', 'fees', 'left', 'found, while it was open')}`)
for (const { outcome, state, quote, attempts, kills, fees, spendable, whileOpen, fine } of melts) {
  const verdict = `${whileOpen.join(', ').padEnd(32)} ${fine ? 'ok' : 'BAD'}`
  say(meltRow(outcome, state, quote, attempts, kills, fees, spendable, verdict))
}

const cdk: (Result & { readonly feePpk: number })[] = []
if (cdkProgram === undefined)
  say(`cdk-mintd ${CDK_VERSION} is not there and was left out; --build builds it: ${howToBuildCdkMintd()}`)
else for (const feePpk of CDK_FEES_PPK) cdk.push({ feePpk, ...(await atCdk(cdkProgram, feePpk)) })

const wholly = (one: Result): boolean => isFine(one) && one.kills >= kills
const isGreen = [result, ...cdk].every(wholly) && melts.every(({ fine }) => fine)
const stuck = [result, ...cdk].reduce((sum, one) => sum + one.stuck, 0)
say(`${stuck} stuck, ${isGreen ? 'every sat accounted for' : 'NOT AS IT SHOULD BE'}, ${seconds()} s`)
if (values.json)
  console.log(
    JSON.stringify({
      nutshell: version,
      ...result,
      cdk: cdkProgram === undefined ? null : { version: CDK_VERSION, runs: cdk },
    }),
  )
if (!isGreen) process.exitCode = 1

/** Everything that a wallet does, killed again and again, at a new cdk-mintd. */
async function atCdk(program: string, feePpk: number): Promise<Result> {
  await using stack = new AsyncDisposableStack()
  const at = join(dir, `cdk-${feePpk}`)
  const mint = stack.use(await startCdkMintd({ program, dir: at, feePpk }))
  const places = stack.use(await startPlaces('sqlite', at))
  const wire = stack.use(await startWire(mint.url, EACH_WAY_MS))
  say(`\ncdk-mintd ${CDK_VERSION} at ${mint.url}, ${feePpk} ppk, ${kills} kills`)
  const screen = lines(out, kills)
  const lab = stack.use(new Lab(at, (progress, report) => screen.show(progress, report)))
  const seed = `${values.seed} ${feePpk}`
  const plan = await killAgain(lab, { kills, seed, wireMs, plan: rounds(places, wire.url, invoices) })
  const auditor = places.place('auditor', randomBytes(64).toString('hex'))
  const audited = await audit(plan, auditor, fromOutside(mint.url))
  printAudit(out, lab.progress, audited)
  return resultOf(lab.progress, audited)
}

function meltRow(...cells: readonly (string | number)[]): string {
  const widths = [20, 8, 8, 8, 5, 4, 5]
  return cells.map((cell, at) => String(cell).padEnd(widths[at] ?? 0)).join(' ')
}

/** Of all that the mint prints, only that it is being installed is of interest. */
function installing(line: string): void {
  if (line.startsWith('installing ')) say(line)
}

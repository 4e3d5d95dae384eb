/**
 * Kills a wallet again and again, and shows that no sat is lost.
 *
 *   npm run demo -- [--kills 20] [--seed 1] [--mint URL] [--json]
 *
 * A mint runs as a process of its own. A wallet process mints, pays, receives, swaps, melts and restores; SIGKILL ends
 * it at moments chosen by the seed, and the next one goes on. At the end the wallets' balances must agree with the mint's,
 * and every proof must be taken by the mint. With `--mint` it runs against any mint that has a fake Lightning backend
 * (one that pays its own invoices), whose balances are then seen from outside. Exits with 1 where a sat is missing or an
 * operation is stuck.
 */
import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { lines, table } from './demo/screen.ts'
import { audit } from './kill-lab/balances.ts'
import { startMint } from './kill-lab/children.ts'
import { killAgain, Lab } from './kill-lab/lab.ts'
import { fromAdmin, fromOutside, getJson } from './kill-lab/mint-balances.ts'
import { failedOf, isFine, printAudit, resultOf } from './kill-lab/result.ts'
import { rounds, type Invoices } from './kill-lab/rounds.ts'
import { startRun, wholeNumber } from './kill-lab/run.ts'
import { startPlaces } from './kill-lab/stores/index.ts'
import { startWire } from './kill-lab/wire.ts'
import { foreignInvoice } from './nutshell.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    seed: { type: 'string', default: randomBytes(4).toString('hex') },
    mint: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})
const kills = wholeNumber('kills', values.kills)
/** How long a request is on its way, there and back each. */
const EACH_WAY_MS = 12

const { dir, out, say, seconds } = startRun('demo', values.json)
await using stack = new AsyncDisposableStack()
const mintUrl = values.mint?.replace(/\/+$/, '') ?? stack.use(await startMint()).url
const places = stack.use(await startPlaces('sqlite', dir))
const wire = stack.use(await startWire(mintUrl, EACH_WAY_MS))
say(`mint ${mintUrl}, ${kills} kills, --seed ${values.seed}`)

const invoices: Invoices = (amounts) =>
  Promise.all(
    amounts.map(async (amount) => {
      if (values.mint !== undefined) return foreignInvoice(amount)
      return (await getJson<{ request: string }>(`${mintUrl}/admin/invoice`, JSON.stringify({ amount }))).request
    }),
  )
const screen = out.isTTY ? table(out, kills) : lines(out, kills)
const lab = stack.use(new Lab(dir, (progress, report) => screen.show(progress, report)))
const plan = await killAgain(lab, {
  kills,
  seed: values.seed,
  wireMs: 2 * EACH_WAY_MS,
  plan: rounds(places, wire.url, invoices),
})
const audited = await audit(
  plan,
  places.place('auditor', randomBytes(64).toString('hex')),
  values.mint === undefined ? fromAdmin(mintUrl) : fromOutside(mintUrl),
)
screen.end(audited.operations)
const result = resultOf(lab.progress, audited)
printAudit(out, lab.progress, audited)
// Our own mint pays whatever it is asked to. A payment that was killed at both tries, before the mint heard of it, is taken
// back by design.
const mayBeTakenBack = (result.killedIn['melt.melting'] ?? 0) >= 2
const isRight = ({ kind, state }: { readonly kind: string; readonly state: string }): boolean =>
  values.mint !== undefined || (mayBeTakenBack && kind === 'melt' && state === 'failed')
const failed = failedOf(result).filter((operation) => !isRight(operation))
for (const { id, kind, state } of failed) say(`BAD ${kind}.${state} (${id})`)
say(
  `${result.stuck} stuck, ${result.conserved ? 'every sat accounted for' : 'THE BALANCES DO NOT AGREE'}, ${seconds()} s`,
)
if (values.json) console.log(JSON.stringify(result))
if (!isFine(result) || failed.length > 0 || result.kills < kills) process.exitCode = 1

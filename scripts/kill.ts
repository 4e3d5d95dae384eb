/**
 * Kills wallets by SIGKILL, thousands of times, and holds their balances against the mint's.
 *
 *   npm run kill -- [--store sqlite|postgres|indexeddb] [--kills 1000] [--seed 1] [--owners 1] [--lanes 3] [--json]
 *
 * Kills come in series, each with a mint process, wallets and an audit of its own; `--lanes` of them run side by side.
 * Wallet processes mint, melt, send, receive, swap and restore over HTTP. Most are armed: they die before, during or
 * after a commit or a request that was hit least so far; the others die at any moment, and the mint now and then.
 * With `--owners 2` two processes work on the same wallets at the same time. With `--store postgres` they live in
 * a server that this starts for itself, and which is killed now and then too; with `--store indexeddb` in the tabs of
 * a browser, which are closed, crashed and killed. Exits with 1 where a sat is missing, an
 * invoice was paid twice or an operation is stuck; the files of such a series are kept.
 */
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { KINDS } from './kill-lab/aim.ts'
import { progressLine, startRun, wholeNumber } from './kill-lab/run.ts'
import type { BrowserResult } from './kill-lab/browser.ts'
import { runSeries, type SeriesResult, type Violation } from './kill-lab/series.ts'
import { labStore } from './kill-lab/stores/index.ts'
import { Tally } from './kill-lab/tally.ts'

const { values } = parseArgs({
  options: {
    store: { type: 'string', default: 'sqlite' },
    kills: { type: 'string', default: '1000' },
    seed: { type: 'string', default: randomBytes(4).toString('hex') },
    owners: { type: 'string', default: '1' },
    lanes: { type: 'string', default: String(Math.min(4, availableParallelism() + 1)) },
    json: { type: 'boolean', default: false },
  },
})
const { store, seed } = values
const wanted = wholeNumber('kills', values.kills)
const owners = Math.max(1, wholeNumber('owners', values.owners))
const lanes = Math.max(1, wholeNumber('lanes', values.lanes))
// Wallets in a browser are not processes of their own, and are killed otherwise.
const browser = store === 'indexeddb' ? await import('./kill-lab/browser.ts') : undefined
if (!browser) await labStore(store)

/** Kills of one series: enough for its sites, few enough for wallets that open quickly. */
const SERIES_KILLS = 100
/** From here on every kind must have been hit in every phase of its commits and requests. */
const LONG_RUN_KILLS = 1000

const { dir, out, say, seconds, keep } = startRun('kill', values.json)
say(`${wanted} kills, --store ${store} --owners ${owners} --seed ${seed}`)
const tally = new Tally()
let kills = 0
let mintKills = 0
let storeKills = 0
let operations = 0
let stuck = 0
const ended: Record<string, number> = {}
/** Where tabs were killed: by the state of the operation that reported last. */
const fell: Record<string, number> = {}
const violations: (Violation & { readonly seed: string })[] = []
const progress = progressLine(out, wanted)

/** Kills are handed out a series at a time. */
let handedOut = 0
let series = 0
async function lane(): Promise<void> {
  while (handedOut < wanted) {
    const share = Math.min(SERIES_KILLS, Math.ceil(wanted / lanes), wanted - handedOut)
    handedOut += share
    const name = `${seed}-${++series}`
    const place = join(dir, name)
    const found = await one(name, place, share)
    for (const violation of found) tell({ seed: name, ...violation })
    if (found.length === 0) await rm(place, { recursive: true })
  }
}

function tell(violation: Violation & { readonly seed: string }): void {
  const { seed, what, operation } = violation
  violations.push(violation)
  progress.end()
  say(`VIOLATION in ${join(keep(), seed)}: ${what}`)
  if (operation !== undefined) say(JSON.stringify(operation))
}

/** Runs one series, and says what is wrong with it. */
async function one(name: string, place: string, share: number): Promise<readonly Violation[]> {
  const killed = (what: 'wallet' | 'mint' | 'store'): void => {
    if (what === 'wallet') kills++
    else if (what === 'mint') mintKills++
    else storeKills++
    progress.show(kills, tally.coverage.unhit.length, violations.length)
  }
  try {
    const options = { dir: place, store, seed: name, kills: share, owners, tally, killed }
    const result: SeriesResult & { readonly killedIn?: BrowserResult['killedIn'] } = browser
      ? await browser.killTabs(options)
      : await runSeries(options)
    for (const [state, count] of Object.entries(result.killedIn ?? {})) fell[state] = (fell[state] ?? 0) + count
    for (const [state, count] of Object.entries(result.operations)) {
      ended[state] = (ended[state] ?? 0) + count
      operations += count
    }
    stuck += result.stuck
    return result.violations
  } catch (error) {
    return [{ what: error instanceof Error ? (error.stack ?? error.message) : String(error) }]
  }
}

await Promise.all(Array.from({ length: lanes }, lane))
progress.end()

const { known, unhit } = tally.coverage
const perSecond = Math.round((10 * kills) / seconds()) / 10
// Tabs say nothing of the places in them.
const hits: typeof tally.byKind = browser ? {} : tally.byKind
const where = browser ? fell : tally.fallen
/** Classes of places: a kind's commits or requests, in one phase. */
const missed = KINDS.flatMap((kind) =>
  Object.entries(hits[kind] ?? {}).flatMap(([where, count]) => (count === 0 ? [`${where} of ${kind}`] : [])),
)
if (!browser) {
  say(`\n${'kills'.padEnd(9)}${Object.keys(hits['mint']!).map((where) => where.padStart(16)).join('')}`) // prettier-ignore
  for (const [kind, row] of Object.entries(hits))
    say(kind.padEnd(9) + Object.values(row).map((count) => String(count).padStart(16)).join('')) // prettier-ignore
  say(
    `${known - unhit.length} of ${known} places hit; the mint killed ${mintKills} times, the database server ${storeKills} times`,
  )
  if (missed.length > 0) say(`missed: ${missed.join(', ')}`)
}
for (const [what, count] of Object.entries(where)) say(`${String(count).padStart(6)} ${what}`)
say(`${operations} operations`)
const fine = violations.length === 0 && kills >= wanted && (missed.length === 0 || wanted < LONG_RUN_KILLS)
say(`${kills} kills, ${violations.length} violations, ${stuck} stuck; ${seconds()} s, ${perSecond} kills a second`)
if (values.json)
  console.log(
    JSON.stringify({
      kills,
      mintKills,
      storeKills,
      operations,
      violations: violations.length,
      stuck,
      store,
      owners,
      seed,
      seconds: seconds(),
      perSecond,
      fell: where,
      hits,
      places: { known, hit: known - unhit.length, unhit },
      ended,
      found: violations,
    }),
  )
if (!fine) process.exitCode = 1

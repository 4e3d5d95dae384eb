/**
 * One series of kills: a mint, wallets, one or more owners of them that die again and again, and the balances at the end.
 */
import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { audit, holds } from './balances.ts'
import { startMint } from './children.ts'
import { Lab, type KillTiming } from './lab.ts'
import { fromAdmin, getJson } from './mint-balances.ts'
import { phaseName, type Life, type Plan, type Report } from './plan.ts'
import { prng, type Prng } from './prng.ts'
import { failedOf, stuckOf } from './result.ts'
import { rounds } from './rounds.ts'
import { startPlaces } from './stores/index.ts'
import { Position, type Tally } from './tally.ts'
import { startWire } from './wire.ts'

export interface SeriesOptions {
  /** The series' own; made if it is not there. */
  readonly dir: string
  /** The name of a module in `stores/`. */
  readonly store: string
  readonly seed: string
  readonly kills: number
  /** Processes on the same wallets at the same time. */
  readonly owners: number
  /** Shared by all series of a run. */
  readonly tally: Tally
  /** After each kill, of the wallet, of the mint or of the database server. */
  readonly killed: (what: 'wallet' | 'mint' | 'store') => void
}

export interface Violation {
  readonly what: string
  /** All there is of the operation that it is about, but its secrets. */
  readonly operation?: unknown
}

export interface SeriesResult {
  readonly kills: number
  readonly mintKills: number
  readonly storeKills: number
  /** Operations, by how they ended. */
  readonly operations: Readonly<Record<string, number>>
  /** Nothing, where all is well. */
  readonly violations: readonly Violation[]
  readonly stuck: number
}

/** How long a request is on its way, there and back each. */
const EACH_WAY_MS = 3
/** A mint that gave no quote for so long is given up. */
const UNREACHABLE_AFTER_MS = 120_000
/** Of all lives, those that die where they are armed to; the others die at any moment. */
const ARMED = 0.6
/** Commits and requests of the longest life, and of the longest that does not come by where it is armed. */
const MOST_BEGINNINGS = 40
const MOST_ARMED_BEGINNINGS = 60
/** How long after the start of a life the mint or the database server may die. */
const KILLED_WITHIN_MS = 500
/** Of all lives, those in which the mint is killed too; and those in which the database server is. */
const MINT_KILLED = 0.04
const STORE_KILLED = 0.04

export async function runSeries(options: SeriesOptions): Promise<SeriesResult> {
  const { dir, store, seed, kills: wanted, owners, tally, killed } = options
  mkdirSync(dir, { recursive: true })
  await using stack = new AsyncDisposableStack()
  const mint = stack.use(await startMint(join(dir, 'mint.db')))
  const places = stack.use(await startPlaces(store, dir))
  const wire = stack.use(await startWire(mint.url, EACH_WAY_MS))
  const lab = stack.use(new Lab(join(dir, '..')))
  let started = 0
  let kills = 0
  let mintKills = 0
  let storeKills = 0
  /** What went on when nothing happened any more. */
  let stuckIn: string[] | undefined
  const broken = new AbortController()
  let mintUp = Promise.resolve()
  let storeUp = Promise.resolve()
  stack.defer(async () => void (await Promise.allSettled([mintUp, storeUp])))

  async function crashMint(afterMs: number): Promise<void> {
    await delay(afterMs)
    await mint.crash()
    mintKills++
    killed('mint')
  }

  async function crashStore(afterMs: number, crash: () => Promise<void>): Promise<void> {
    await delay(afterMs)
    await crash()
    storeKills++
    killed('store')
  }

  /** What does not start again ends the series; it is thrown where it is waited for. */
  const breaking = (crash: Promise<void>): Promise<void> => {
    crash.catch(() => broken.abort())
    return crash
  }

  /** One process after the other, until the plan is done. */
  async function own(plan: Plan, random: Prng): Promise<void> {
    while (!stuckIn && !broken.signal.aborted) {
      const dies = started < wanted
      if (dies) started++
      if (dies && random.next() < MINT_KILLED)
        mintUp = breaking(mintUp.then(() => crashMint(random.below(KILLED_WITHIN_MS))))
      if (dies && places.crash && random.next() < STORE_KILLED) {
        const { crash } = places
        storeUp = breaking(storeUp.then(() => crashStore(random.below(KILLED_WITHIN_MS), crash)))
      }
      const { timing, arms } = dies ? aimAt(tally, random) : NO_AIM
      const position = new Position()
      const hear = (report: Report): void => {
        tally.learn(report)
        position.hear(report)
      }
      const ended = await lab.live(plan, timing, { arms, hear, signal: broken.signal })
      if (ended === 'stuck') stuckIn = [...position.phases]
      else if (ended !== 'done') {
        kills++
        tally.killed(position)
        killed('wallet')
        continue
      }
      if (dies) started--
      return
    }
  }

  const plans = rounds(places, wire.url, async (amounts) => {
    await mintUp
    const invoice = (amount: number): Promise<{ request: string }> =>
      getJson(`${mint.url}/admin/invoice`, JSON.stringify({ amount }))
    return Promise.all(amounts.map(async (amount) => (await invoice(amount)).request))
  })
  let plan = await plans(0, 'done')
  // A dry run: what there is to hit is learnt from it.
  if (tally.coverage.known === 0) {
    await lab.live(plan, undefined, { hear: (report) => tally.learn(report) })
    plan = await plans(1, 'done')
  }
  for (let round = 2; ; round++) {
    // Losing a store is for one owner alone: the others would hold on to files that are gone.
    const shared = { ...plan, threads: plan.threads.filter((steps) => steps.every((step) => step.do !== 'restore')) }
    const all = Array.from({ length: owners }, async (_, owner) => {
      try {
        await own(owner === 0 ? plan : shared, prng(`${seed}/${round}/${owner}`))
      } catch (error) {
        broken.abort()
        throw error
      }
    })
    await Promise.all(all)
    await Promise.all([mintUp, storeUp])
    if (stuckIn || kills >= wanted) break
    plan = await plans(round, 'done')
  }

  const auditor = places.place('auditor', randomBytes(64).toString('hex'))
  const audited = await audit(plan, auditor, fromAdmin(mint.url))
  const stuck = stuckOf(lab.progress, audited)
  const operations: Record<string, number> = {}
  for (const { kind, state } of audited.operations) {
    const name = `${kind}.${state}`
    operations[name] = (operations[name] ?? 0) + 1
  }
  const wrong = audited.checks.filter((check) => !holds(check))
  // A melt of which both tries were killed before they were sent is given up, by design, and so is a mint for which two
  // minutes were not enough to be quoted between one kill and the next; nothing else may fail.
  const failed = failedOf(audited).filter(
    ({ kind, state, ended, lastedMs = 0 }) =>
      ended && !(state === 'failed' && (kind === 'melt' || (kind === 'mint' && lastedMs >= UNREACHABLE_AFTER_MS))),
  )
  const violations: Violation[] = [
    ...wrong.map(({ what, left, right }) => ({ what: `${what}: ${left} ≠ ${right}` })),
    ...(stuckIn ? [{ what: `nothing happened any more; ${stuckIn.join(', ') || 'nothing was under way'}` }] : []),
    ...stuck.map(({ wallet, kind, state, id }) => ({
      what: `${wallet}: ${kind}.${state} is stuck (${id})`,
      operation: audited.unfinished[id],
    })),
    ...failed.map(({ wallet, kind, state, id, lastedMs }) => ({
      what: `${wallet}: ended as ${kind}.${state} after ${lastedMs ?? '?'} ms (${id})`,
    })),
  ]
  return { kills, mintKills, storeKills, operations, violations, stuck: stuck.length }
}

interface AimAt {
  readonly timing: KillTiming
  readonly arms: Life['arms']
}
const NO_AIM: AimAt = { timing: () => undefined, arms: {} }

/** Where the next life ends. */
function aimAt(tally: Tally, random: Prng): AimAt {
  const due = random.next() < ARMED ? tally.due(random) : new Map<string, number>()
  let left = due.size > 0 ? MOST_ARMED_BEGINNINGS : random.below(MOST_BEGINNINGS)
  const delayMs = random.below(2 * EACH_WAY_MS + 2)
  const timing: KillTiming = (report) => {
    if (report.type !== 'begins') return undefined
    if (left-- <= 0) return delayMs
    for (const site of report.sites) {
      const name = phaseName(site, 'during')
      const skips = due.get(name)
      if (skips === undefined) continue
      due.set(name, skips - 1)
      // A commit is over in a moment; a request takes its time on the wire.
      if (skips <= 0) return site.what === 'commit' ? 0 : delayMs
    }
    return undefined
  }
  return { timing, arms: Object.fromEntries(due) }
}

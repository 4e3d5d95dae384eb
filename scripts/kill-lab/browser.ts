/**
 * Wallets in the tabs of a real browser, killed again and again: the tab closed or crashed, its process or the whole
 * browser ended by SIGKILL. In the end the wallets' balances must agree with the mint's.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import { serve, startChromium, type Chromium, type Site } from './browser/chromium.ts'
import type { BrowserPlan, WalletBalances } from './browser/page.ts'
import { startMint } from './children.ts'
import { cameIn, inHand, isOrWent, sumOf } from './figures.ts'
import { MOST_IDLE_SECONDS } from './idleness.ts'
import { fromAdmin, getJson, type MintBalances } from './mint-balances.ts'
import type { Sight } from './plan.ts'
import { prng, type Prng } from './prng.ts'
import type { SeriesOptions, SeriesResult } from './series.ts'
import type { WalletStep } from './steps.ts'
import { startWire } from './wire.ts'

export interface BrowserResult extends SeriesResult {
  readonly killedBy: Readonly<Record<Means, number>>
  /** Kills by `kind.state` of the operation that reported last. */
  readonly killedIn: Readonly<Record<string, number>>
}

/** How a tab may end. Where others are open only it alone is killed. */
const MEANS = ['renderers', 'crash', 'close', 'browser'] as const
const MEANS_FOR_ONE = ['crash', 'close'] as const
type Means = (typeof MEANS)[number]

interface Kill {
  /** Changes to let pass. */
  readonly skip: number
  /** Kill only where a request is under way. */
  readonly onWire: boolean
  readonly delayMs: number
  readonly means: Means
}

/** How long a request is on its way, there and back each. */
const EACH_WAY_MS = 10
const SUCCESS = ['issued', 'paid', 'claimed', 'reclaimed', 'received', 'receivedPartly', 'swapped']

/** Kills tabs until it was done so often, lets the last ones finish, and compares the balances. Each owner is a tab. */
export async function killTabs(options: Omit<SeriesOptions, 'store' | 'tally'>): Promise<BrowserResult> {
  const { dir, kills, seed, owners, killed } = options
  await using stack = new AsyncDisposableStack()
  const mint = stack.use(await startMint())
  const wire = stack.use(await startWire(mint.url, EACH_WAY_MS))
  const site = stack.use(await serve(new URL('browser/page.ts', import.meta.url)))
  const lab = stack.use(await BrowserLab.start(join(dir, 'profile'), site))
  const wallets = { alice: hexSeed(), bob: hexSeed(), auditor: hexSeed() }
  const planOf = (threads: BrowserPlan['threads']): BrowserPlan => ({ mintUrl: wire.url, wallets, threads })

  const own = async (owner: number): Promise<void> => {
    const random = prng(`${seed}/${owner}`)
    let left = Math.ceil((kills - owner) / owners)
    for (let round = 0; left > 0; round++) {
      const plan = planOf(await threadsOf(`${owner}/${round}`, mint.url))
      while ((await lab.live(plan, left > 0 ? aim(random, owners) : undefined)) === 'killed') {
        left--
        killed('wallet')
      }
    }
  }
  await Promise.all(Array.from({ length: owners }, (_, owner) => own(owner)))

  const readMint = (): Promise<MintBalances> => fromAdmin(mint.url)({ places: [], quoteIds: [] })
  const plan = planOf([])
  const before = await lab.balances(plan)
  const violations = violationsOf('at the end', before, await readMint())
  const after = await lab.balances(plan, { handOver: true })
  const all = inHand(sumOf(Object.values(after.figures)))
  const operations: Record<string, number> = {}
  for (const { kind, state } of after.operations)
    operations[`${kind}.${state}`] = (operations[`${kind}.${state}`] ?? 0) + 1
  // A melt of which both tries were killed before they were sent is given up, by design; nothing else may fail.
  const failed = after.operations.filter(
    ({ kind, state, ended }) => ended && !SUCCESS.includes(state) && !(kind === 'melt' && state === 'failed'),
  )
  violations.push(
    ...violationsOf('all ecash swapped once more', after, await readMint()),
    ...unequal('in the hands of the last = all there is', after.figures['auditor']!.spendable, all),
    ...failed.map(({ wallet, kind, state, id }) => `${wallet}: ended as ${kind}.${state} (${id})`),
  )
  const stuck = after.operations.filter(({ ended }) => !ended)
  violations.push(...stuck.map(({ wallet, kind, state, id }) => `${wallet}: ${kind}.${state} is stuck (${id})`))
  return {
    kills: lab.kills,
    mintKills: 0,
    storeKills: 0,
    killedBy: lab.killedBy,
    killedIn: lab.killedIn,
    operations,
    violations: violations.map((what) => ({ what })),
    stuck: stuck.length,
  }
}

const hexSeed = (): string => randomBytes(64).toString('hex')

/** What one round brings: each thread brings the money that it needs. Amounts in sat. */
async function threadsOf(round: string, mintUrl: string): Promise<WalletStep[][]> {
  const key = (name: string): string => `${round}: ${name}`
  const { request } = await getJson<{ request: string }>(`${mintUrl}/admin/invoice`, JSON.stringify({ amount: 40 }))
  return [
    [
      { do: 'mint', wallet: 'alice', key: key('to pay bob'), amount: 200 },
      { do: 'pay', wallet: 'alice', to: 'bob', key: key('alice to bob'), amount: 70 },
    ],
    [
      { do: 'mint', wallet: 'alice', key: key('to split'), amount: 200 },
      { do: 'swap', wallet: 'alice', key: key('split'), amounts: [32, 16] },
    ],
    [
      { do: 'mint', wallet: 'bob', key: key('for the invoice'), amount: 300 },
      { do: 'melt', wallet: 'bob', key: key('invoice'), request },
    ],
    [
      { do: 'mint', wallet: 'bob', key: key('to pay alice'), amount: 200 },
      { do: 'pay', wallet: 'bob', to: 'alice', key: key('bob to alice'), amount: 33 },
      { do: 'reclaim', wallet: 'bob', key: key('nobody wants it'), amount: 20 },
    ],
  ]
}

/** Mostly while a request travels. The whole browser takes longest to start again, and is killed least. */
function aim(random: Prng, owners: number): Kill {
  const means = owners > 1 ? MEANS_FOR_ONE : MEANS
  const drawn = means[random.below(means.length)]!
  return {
    skip: random.below(10),
    onWire: random.next() < 0.7,
    delayMs: random.below(2 * EACH_WAY_MS + 5),
    means: drawn === 'browser' && random.next() < 0.7 ? 'renderers' : drawn,
  }
}

function violationsOf(when: string, { figures, operations }: WalletBalances, mint: MintBalances): string[] {
  const all = sumOf(Object.values(figures))
  const paid = operations.filter(({ kind, state }) => kind === 'melt' && state === 'paid').length
  return [
    ...Object.entries(figures).flatMap(([name, one]) => unequal(`${name}: came in = is there or went out`, cameIn(one), isOrWent(one))), // prettier-ignore
    ...unequal('ecash out by the mint = by the wallets', mint.issued - mint.redeemed, inHand(all)),
    ...unequal('received by the mint = issued to the wallets', mint.received, all.issued),
    ...unequal('invoices paid by the mint = melts paid', mint.payments, paid),
    ...unequal('invoices paid twice = none', mint.paidAgain.length, 0),
  ].map((violation) => `${when}, ${violation}`)
}

const unequal = (what: string, left: number, right: number): string[] =>
  left === right ? [] : [`${what}: ${left} ≠ ${right}`]

/** The browser, over all its lives. */
class BrowserLab implements AsyncDisposable {
  readonly #profile: string
  readonly #site: Site
  #chromium: Chromium
  kills = 0
  readonly killedBy = { renderers: 0, crash: 0, close: 0, browser: 0 }
  readonly killedIn: Record<string, number> = {}

  private constructor(profile: string, site: Site, chromium: Chromium) {
    this.#profile = profile
    this.#site = site
    this.#chromium = chromium
  }

  static async start(profile: string, site: Site): Promise<BrowserLab> {
    return new BrowserLab(profile, site, await startChromium(profile))
  }

  /** Runs a tab until its plan is done, or it is killed. @throws {Error} where it fails, or nothing happens any more. */
  async live(plan: BrowserPlan, kill?: Kill): Promise<'done' | 'killed'> {
    const page = await this.#chromium.open(this.#site.url)
    let armed = kill
    let { skip = 0 } = kill ?? {}
    let killed: Promise<void> | undefined
    const isStuck = Promise.withResolvers<never>()
    await page.exposeFunction('idle', (seconds: number) => {
      if (seconds >= MOST_IDLE_SECONDS) isStuck.reject(new Error('nothing happens any more'))
    })
    await page.exposeFunction('report', (sight: Sight) => {
      if (!armed || (armed.onWire && !sight.underWay) || skip-- > 0) return
      killed = this.#kill(page, armed, sight)
      armed = undefined
    })
    try {
      await Promise.race([page.evaluate((each) => window.lab.live(each), plan), isStuck.promise])
    } catch (error) {
      if (!killed) throw error
    } finally {
      armed = undefined
    }
    // It may also have been quicker than its end.
    await killed
    if (!page.isClosed()) await page.close()
    return killed ? 'killed' : 'done'
  }

  async #kill(page: Page, { means, delayMs }: Kill, { kind, state }: Sight): Promise<void> {
    await delay(delayMs)
    if (means === 'close') await page.close()
    else if (means === 'crash') {
      const crashed = new Promise((resolve) => page.once('crash', resolve))
      const devtools = await page.context().newCDPSession(page)
      // It never answers: there is nobody left to.
      void devtools.send('Page.crash').catch(() => {})
      await crashed
    } else await this.#chromium.kill(means)
    if (means === 'browser') this.#chromium = await startChromium(this.#profile)
    this.kills++
    this.killedBy[means]++
    this.killedIn[`${kind}.${state}`] = (this.killedIn[`${kind}.${state}`] ?? 0) + 1
  }

  /** What the wallets of a plan say of themselves, before or after the last one was paid all there is. */
  async balances(plan: BrowserPlan, { handOver = false } = {}): Promise<WalletBalances> {
    const page = await this.#chromium.open(this.#site.url)
    if (handOver) await page.evaluate((each) => window.lab.handOver(each), plan)
    const balances = await page.evaluate((each) => window.lab.balances(each), plan)
    await page.close()
    return balances
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#chromium[Symbol.asyncDispose]()
  }
}

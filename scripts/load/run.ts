/**
 * One run: a calm half of swaps alone, which is measured, and a stormy one in which clients do all that wallets do and
 * the mint's processes are killed at moments that chance decides. Then the balances are looked at.
 */
import { prng } from '../kill-lab/prng.ts'
import { audit } from './audit.ts'
import { Client, newTally, type Environment, type Tally } from './client.ts'
import { startCrypto } from './crypto-thread.ts'
import { startMint, type MintProcess, type Usage } from './mints.ts'
import { startPlace, type StoreName } from './places.ts'
import { Killing, stormy } from './storm.ts'
import { activeKeyset, insist, Wire } from './wire.ts'

export interface RunOptions {
  readonly store: StoreName
  readonly swaps: number
  readonly clients: number
  readonly kills: number
  /** Processes of the mint on one database. */
  readonly replicas: number
  readonly seed: string
}

/** Times of swaps as the clients saw them. */
interface Pace {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** The figures are those of the calm half, if it is not said otherwise. */
export interface Result extends Pace {
  /** In both halves. */
  readonly swaps: number
  /** All commits that landed, whatever for; but for heartbeats. */
  readonly commitsPerSwap: number
  /** CPU time of the mint's processes, with all their threads and the crypto. */
  readonly cpuMsPerSwap: number
  readonly cryptoMsPerSwap: number
  readonly kills: number
  readonly balanced: boolean
  /** Why it is not. */
  readonly problems: readonly string[]
  readonly storm: Pace & Tally
}

const START_AMOUNT = 1023
const STORM_FEE_PPK = 100
/** So many swaps at most go by before it is measured. */
const WARM_UP = 500

/** @throws {Error} What made it impossible to go on to the end. */
export async function run({ store, swaps, clients: count, kills, replicas, seed }: RunOptions): Promise<Result> {
  await using stack = new AsyncDisposableStack()
  const place = stack.use(await startPlace(store))
  const mints: MintProcess[] = []
  for (let i = 0; i < replicas; i++) mints.push(await startMint(place))
  const chance = (of: string) => prng(`${seed} ${store} ${of}`)
  const urls = mints.map(({ url }) => url)
  const wire = stack.adopt(new Wire(urls, chance('wire')), (it) => it.close())
  const crypto = stack.adopt(startCrypto(), (it) => it.end())
  const environment: Environment = { send: wire.send, crypto, keysets: new Map(), tally: newTally() }
  const clients = Array.from({ length: count }, (_, i) => new Client(environment, chance(`client ${i}`)))

  await learnKeyset(environment)
  await Promise.all(clients.map((client) => client.mint(START_AMOUNT)))
  const calm = Math.ceil(swaps / 2)
  const warmUp = Math.min(WARM_UP, Math.floor(calm / 2))
  const measured = calm - warmUp
  let begun = 0
  const swapUntil = (most: number) =>
    each(clients, async (client) => {
      while (begun < most) {
        begun++
        await client.swap(2, true)
      }
    })
  await swapUntil(warmUp)
  const before = await usageOf(mints)
  const calmPace = await paced(wire, () => swapUntil(calm))
  const after = await usageOf(mints)
  const perSwap = (what: keyof Usage): number => rounded((after[what] - before[what]) / measured)

  await insist(wire.send, 'POST', '/admin/rotate', { unit: 'sat', fee_ppk: STORM_FEE_PPK })
  await learnKeyset(environment)
  environment.tally = newTally()
  const wanted = swaps - calm
  const progress = (): number => environment.tally.swaps / wanted
  const killing = new Killing(mints, chance('kills'))
  const stormPace = await paced(wire, () =>
    Promise.all([
      killing.run(kills, progress),
      each(clients, async (client, i) => {
        const pick = chance(`storm ${i}`)
        while (progress() < 1 || killing.count < kills) await stormy(client, pick)
      }),
    ]),
  )
  const storm = { ...stormPace, ...environment.tally }
  const problems = await audit({ place, mints, clients, send: wire.send })
  return {
    swaps: calm + storm.swaps,
    ...calmPace,
    commitsPerSwap: perSwap('commits'),
    cpuMsPerSwap: perSwap('cpuMs'),
    cryptoMsPerSwap: perSwap('cryptoMs'),
    kills,
    balanced: problems.length === 0,
    problems,
    storm,
  }
}

const each = (clients: readonly Client[], does: (client: Client, index: number) => Promise<void>): Promise<unknown> =>
  Promise.all(clients.map(does))

async function learnKeyset(environment: Environment): Promise<void> {
  const active = await activeKeyset(environment.send)
  environment.keysets = new Map([...environment.keysets, [active.id, active]])
  environment.active = active
}

async function usageOf(mints: readonly MintProcess[]): Promise<Usage> {
  const all = await Promise.all(mints.map((mint) => mint.usage()))
  return all.reduce((a, b) => ({
    cpuMs: a.cpuMs + b.cpuMs,
    cryptoMs: a.cryptoMs + b.cryptoMs,
    commits: a.commits + b.commits,
  }))
}

async function paced(wire: Wire, work: () => Promise<unknown>): Promise<Pace> {
  wire.swapMs = []
  const startedMs = performance.now()
  await work()
  const seconds = (performance.now() - startedMs) / 1000
  const sorted = wire.swapMs.toSorted((a, b) => a - b)
  const quantile = (q: number): number => rounded(sorted[Math.ceil(q * sorted.length) - 1] ?? 0)
  return { perSecond: rounded(sorted.length / seconds), p50Ms: quantile(0.5), p99Ms: quantile(0.99) }
}

const rounded = (value: number): number => Math.round(value * 100) / 100

/** What a wallet's start and its everyday reads take. Runs in browsers, too. */
import { openWallet, type StoreAdapter, type Transport } from '../../src/index.ts'
import { reserve } from '../../src/wallet/selection.ts'
import { walletSchema, type ProofRow } from '../../src/wallet/tables.ts'

export const SEED = new Uint8Array(64).fill(3)
const ROUNDS = 400
const LARGEST_AMOUNT = 1_000_000
/** Calls of which the quickest counts. */
const CALLS = 3
/** So often a call is made again at most. */
const MOST_TRIES = 20

/** How long calls take, in milliseconds. */
export interface Times {
  /** The first one: nothing is compiled, prepared or in any cache. */
  readonly firstMs: number
  /** Of all that follow. */
  readonly p50Ms: number
  readonly p99Ms: number
}

export interface Figures {
  /** From opening the wallet until all that was unfinished is taken up, in milliseconds. */
  readonly openingMs: number
  readonly balance: Times
  /** Choosing and reserving proofs for amounts of all sizes, without the commit. */
  readonly selection: Times
}

/** A finished wallet asks nobody anything. */
const silent: Transport = () => Promise.reject(new Error('a request'))

export async function measure(adapter: StoreAdapter): Promise<Figures> {
  const startedMs = performance.now()
  const wallet = await openWallet({ store: adapter, seed: SEED, transport: silent })
  await wallet.operations.resumed()
  const openingMs = performance.now() - startedMs
  const balance = await times(() => wallet.balances())
  await wallet.close()
  const store = await adapter.open(walletSchema)
  const [proof] = await store.query<ProofRow>({ table: 'proofs', limit: 1 })
  if (!proof) throw new Error('there are no proofs')
  const { mintUrl, unit } = proof
  const place = { id: 'nobody', mintUrl, unit } as Parameters<typeof reserve>[1]
  const selection = await times(async (part) => {
    // As many small amounts as large ones, by their digits.
    const amount = Math.ceil(LARGEST_AMOUNT ** part)
    const { total, fee } = await reserve(store, place, { amount, withFee: true })
    if (total - fee < amount) throw new Error(`${total} was selected for ${amount}`)
  })
  await store.close()
  return { openingMs, balance, selection }
}

/** How long each of many calls takes; they get a number from 0 to 1, evenly spread and in no order. */
async function times(call: (part: number) => Promise<unknown>): Promise<Times> {
  const took = async (round: number): Promise<number> => {
    const startedMs = performance.now()
    await call(((round * 7919) % ROUNDS) / ROUNDS)
    return performance.now() - startedMs
  }
  const firstMs = await took(0)
  const tookMs: number[] = []
  for (let round = 1; round <= ROUNDS; round++) tookMs.push(await undisturbed(() => took(round)))
  const sorted = tookMs.toSorted((a, b) => a - b)
  return { firstMs, p50Ms: percentile(sorted, 50), p99Ms: percentile(sorted, 99) }
}

/**
 * A call in the midst of which the machine went over to other work says nothing about the store, and is made again. So it is
 * where a neighbour slows the processor down, which nobody tells: of three calls the quickest counts.
 */
async function undisturbed(took: () => Promise<number>): Promise<number> {
  let quickestMs = Infinity
  for (let tries = 1, calls = 0; calls < CALLS && tries <= MOST_TRIES; tries++) {
    const before = interruptions()
    const tookMs = await took()
    quickestMs = Math.min(quickestMs, tookMs)
    if (interruptions() === before) calls++
  }
  return quickestMs
}

/** How often this process had to leave the processor to others; browsers don't tell. */
const interruptions = (): number => globalThis.process?.resourceUsage?.().involuntaryContextSwitches ?? 0

const percentile = (sorted: readonly number[], percent: number): number =>
  sorted[Math.ceil((sorted.length * percent) / 100) - 1]!

/** What a wallet's start and its everyday reads take. */
import { openWallet, type StoreAdapter, type Transport } from '../../src/index.ts'
import { reserve } from '../../src/wallet/selection.ts'
import { walletSchema } from '../../src/wallet/tables.ts'
import { MINT_URL } from '../bench/in-process.ts'

export const SEED = new Uint8Array(64).fill(3)
const ROUNDS = 400
const LARGEST_AMOUNT = 1_000_000

/** All times in milliseconds. */
export interface Figures {
  /** From opening the wallet until all that was unfinished is taken up. */
  readonly openingMs: number
  readonly balanceP50Ms: number
  readonly balanceP99Ms: number
  /** Choosing and reserving proofs for amounts of all sizes, without the commit. */
  readonly selectionP50Ms: number
  readonly selectionP99Ms: number
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
  const place = { id: 'nobody', mintUrl: MINT_URL, unit: 'sat' } as Parameters<typeof reserve>[1]
  const selection = await times(async (part) => {
    // As many small amounts as large ones, by their digits.
    const amount = Math.ceil(LARGEST_AMOUNT ** part)
    const { total, fee } = await reserve(store, place, amount, true)
    if (total - fee < amount) throw new Error(`${total} was selected for ${amount}`)
  })
  const proofs = await store.query({ table: 'proofs', limit: 1 })
  if (proofs.length === 0) throw new Error('there are no proofs')
  await store.close()
  return {
    openingMs,
    balanceP50Ms: percentile(balance, 50),
    balanceP99Ms: percentile(balance, 99),
    selectionP50Ms: percentile(selection, 50),
    selectionP99Ms: percentile(selection, 99),
  }
}

/** How long each of many calls takes; they get a number from 0 to 1, evenly spread and in no order. */
async function times(call: (part: number) => Promise<unknown>): Promise<number[]> {
  const tookMs: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const startedMs = performance.now()
    await call(((round * 7919) % ROUNDS) / ROUNDS)
    tookMs.push(performance.now() - startedMs)
  }
  return tookMs.toSorted((a, b) => a - b)
}

const percentile = (sorted: readonly number[], percent: number): number =>
  sorted[Math.ceil((sorted.length * percent) / 100) - 1]!

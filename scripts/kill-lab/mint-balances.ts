/** What a mint says of itself: asked of the mint process, or gathered from outside where it keeps its balances to itself. */
import type { BalanceSheet as AdminBalances } from '../../src/mint-server/index.ts'
import { walletSchema, type ProofRow } from '../../src/wallet/tables.ts'
import { nutshellBalances, type Nutshell } from '../nutshell.ts'
import type { WalletPlace } from './plan.ts'
import { adapterOf } from './stores/index.ts'

/** Amounts in sat. */
export interface MintBalances {
  /** All signatures made. */
  readonly issued: number
  /** All proofs spent. */
  readonly redeemed: number
  /** Lightning payments that ecash was issued for. */
  readonly received: number
  /** How many invoices were paid. */
  readonly payments: number
  /** Paid invoices that Lightning was asked more than once to pay. */
  readonly paidAgain: readonly string[]
}

/** Reads a mint's balances, now. Those who see it from outside need the wallets' stores and the quotes. */
export type ReadMintBalances = (from: {
  readonly places: readonly WalletPlace[]
  readonly quoteIds: readonly string[]
}) => Promise<MintBalances>

/** The embedded mint's own figures. */
export const fromAdmin =
  (mintUrl: string): ReadMintBalances =>
  async () => {
    const { units, payments } = await getJson<AdminBalances>(`${mintUrl}/admin/balance-sheet`)
    const { issued, redeemed, received } = units['sat']!
    const asked = Object.entries(payments)
    return {
      issued,
      redeemed,
      received,
      payments: asked.filter(([, { paid }]) => paid > 0).length,
      paidAgain: asked.filter(([, { attempts, paid }]) => paid > 0 && attempts > 1).map(([hash]) => hash),
    }
  }

/** From Nutshell's database, and from its calls to Lightning. */
export const fromNutshell =
  (mint: Nutshell): ReadMintBalances =>
  async () => {
    const { issued, redeemed, mintQuotes, meltQuotes } = nutshellBalances(mint.databaseDir)
    const paid = meltQuotes.filter(({ state }) => state === 'PAID').map(({ request }) => request)
    return {
      issued,
      redeemed,
      received: mintQuotes.reduce((sum, { amount, state }) => sum + (state === 'ISSUED' ? amount : 0), 0),
      payments: paid.length,
      paidAgain: paid.filter((request) => mint.attempts.filter((tried) => tried === request).length > 1),
    }
  }

const CHECK_AT_ONCE = 100

/**
 * From outside a mint shows the states of proofs and quotes. `issued` and `redeemed` are of the proofs in the wallets'
 * stores then, spent ones included; how often Lightning was asked for a payment does not show.
 */
export const fromOutside =
  (mintUrl: string): ReadMintBalances =>
  async ({ places, quoteIds }) => {
    const proofs = new Map<string, number>()
    for (const place of places) {
      const store = await (await adapterOf(place)).open(walletSchema)
      for (const { Y, amount } of await store.query<ProofRow>({ table: 'proofs' })) proofs.set(Y, amount)
      await store.close()
    }
    const issued = [...proofs.values()].reduce((sum, amount) => sum + amount, 0)
    let redeemed = 0
    const Ys = [...proofs.keys()]
    for (let from = 0; from < Ys.length; from += CHECK_AT_ONCE) {
      const body = JSON.stringify({ Ys: Ys.slice(from, from + CHECK_AT_ONCE) })
      const { states } = await getJson<{ states: { Y: string; state: string }[] }>(`${mintUrl}/v1/checkstate`, body)
      for (const { Y, state } of states) if (state === 'SPENT') redeemed += proofs.get(Y)!
    }
    let received = 0
    let payments = 0
    for (const id of quoteIds) {
      const minted = await quote(`${mintUrl}/v1/mint/quote/bolt11/${id}`)
      const melted = minted ? undefined : await quote(`${mintUrl}/v1/melt/quote/bolt11/${id}`)
      if (minted?.state === 'ISSUED') received += minted.amount
      if (melted?.state === 'PAID') payments += 1
    }
    return { issued, redeemed, received, payments, paidAgain: [] }
  }

const quote = (url: string): Promise<{ state: string; amount: number } | undefined> =>
  getJson<{ state: string; amount: number }>(url).catch(() => undefined)

/** @throws {Error} where the answer is not a 2xx. */
export async function getJson<T>(url: string, body?: string): Promise<T> {
  const request = body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body }
  const response = await fetch(url, request)
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  return (await response.json()) as T
}

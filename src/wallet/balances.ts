/** Balances, from the store's running totals. */
import { Amount } from '@cashu/cashu-ts'
import type { Total } from '../store/port.ts'
import type { Sums } from '../kernel/inspect/inspectable.ts'
import type { ProofState, Store } from './tables.ts'

/** What a wallet has at one mint in one unit. */
export interface Balance {
  /** The mint's URL. */
  readonly mintUrl: string
  /** The unit, `sat` say. */
  readonly unit: string
  /** Free to use. */
  readonly spendable: Amount
  /** Taken by operations that have not ended. */
  readonly reserved: Amount
  /** In tokens that are not known to be redeemed. */
  readonly outstanding: Amount
  /** Of unknown state. */
  readonly held: Amount
  /** Change that the mint certainly owes and has not returned yet (NUT-08). */
  readonly owed: Amount
}

type Part = ProofState | 'owed'

/** `totals` are of proofs by state, `owed` of what mints owe. */
export function balances(totals: readonly Total[], owed: readonly Total[]): Balance[] {
  const found = new Map<string, { mintUrl: string; unit: string; sums: Partial<Record<Part, number>> }>()
  for (const { key, sum } of [...totals, ...owed.map(({ key, sum }) => ({ key: [...key, 'owed'], sum }))]) {
    const [mintUrl, unit, state] = key as [string, string, Part]
    const group = found.get(`${mintUrl} ${unit}`) ?? { mintUrl, unit, sums: {} }
    group.sums[state] = sum
    found.set(`${mintUrl} ${unit}`, group)
  }
  return [...found.values()].map(({ mintUrl, unit, sums }) => ({
    mintUrl,
    unit,
    spendable: Amount.from(sums.spendable ?? 0),
    reserved: Amount.from(sums.reserved ?? 0),
    outstanding: Amount.from(sums.sent ?? 0),
    held: Amount.from(sums.held ?? 0),
    owed: Amount.from(sums.owed ?? 0),
  }))
}

/** Balances as an inspector is told them. */
export const walletTotals = (store: Store) => async (): Promise<readonly Sums[]> =>
  balances(await store.sum('proofs'), await store.sum('owed')).map(({ mintUrl: mint, unit, ...parts }) => ({
    of: { mint, unit },
    sums: Object.fromEntries(Object.entries(parts).map(([name, amount]) => [name, amount.toNumber()])),
  }))

/** The mint's accounts, read from its tables alone. */
import type { Key, Total } from '../../store/port.ts'
import type { ProofRow, Store } from './tables.ts'

/** One unit's accounts, in that unit. */
export interface UnitBalance {
  /** Payments that ecash was issued for, from outside or by a melt of this mint. */
  readonly received: number
  /** Payments that wait for their ecash to be asked for, where the mint has noticed them. */
  readonly unissued: number
  /** All signatures ever made: for mint quotes, in swaps, as change. */
  readonly issued: number
  /** All proofs spent, in swaps and in melts that were paid. */
  readonly redeemed: number
  /** Proofs held by melts under way; they are outstanding still. */
  readonly pending: number
  /** Ecash in people's hands: issued − redeemed. */
  readonly outstanding: number
  /** What melts paid, outside or to a quote of this mint, with the Lightning fees. */
  readonly paidOut: number
  /** What the mint kept, input fees and unreturned reserves: received − paidOut − outstanding. Never negative. */
  readonly kept: number
}

/** What a mint owes and has, by its own rows, for each unit. */
export interface BalanceSheet {
  /** The balances of each unit. */
  readonly units: Readonly<Record<string, UnitBalance>>
  /** By payment hash: how often the fake backend was asked to pay an invoice, and how often it did. */
  readonly payments: Readonly<Record<string, { readonly attempts: number; readonly paid: number }>>
}

/** What each unit of a mint comes to, from the store's running totals. */
export async function unitBalances(store: Store): Promise<BalanceSheet['units']> {
  const [keysets, quotes, incoming, melts, proofs, signatures] = await Promise.all([
    store.query({ table: 'keysets', index: 'byUnit' }),
    store.sum('mintQuotes'),
    store.sum('mintPayments'),
    store.sum('meltQuotes'),
    store.sum('proofs'),
    store.sum('signatures'),
  ])
  const unitOf = new Map(keysets.map(({ id, unit }) => [id, unit]))
  const add = <K extends Key>(totals: readonly Total<K>[], of: (key: K) => boolean): number =>
    totals.reduce((sum, total) => sum + (of(total.key) ? total.sum : 0), 0)

  const units = [...new Set(unitOf.values())].map((unit): [string, UnitBalance] => {
    const received = add(quotes, ([of]) => of === unit)
    const unissued = add(incoming, ([of]) => of === unit) - received
    const used = (state: ProofRow['state']) =>
      add(proofs, ([at, keyset]) => at === state && unitOf.get(keyset) === unit)
    const issued = add(signatures, ([keyset]) => unitOf.get(keyset) === unit)
    const paidOut = add(melts, ([of]) => of === unit)
    const redeemed = used('SPENT')
    const outstanding = issued - redeemed
    const kept = received - paidOut - outstanding
    return [unit, { received, unissued, issued, redeemed, pending: used('PENDING'), outstanding, paidOut, kept }]
  })
  return Object.fromEntries(units)
}

export async function balanceSheet(store: Store): Promise<BalanceSheet> {
  const [units, payments] = await Promise.all([
    unitBalances(store),
    store.query({ table: 'fakeOutgoing', index: 'byRequest' }),
  ])
  const counts: Record<string, { attempts: number; paid: number }> = {}
  for (const { requestId, state } of payments) {
    const count = (counts[requestId] ??= { attempts: 0, paid: 0 })
    count.attempts += 1
    if (state === 'paid') count.paid += 1
  }
  return { units, payments: counts }
}

/**
 * The account of each row of a bounty's two services at the end: a bounty, a barred key, or a claim that came first.
 */
import { claimsTables, creditsTables } from '../../bounty/store-services.ts'
import type { OperationRow } from '../../kernel/define/operation.ts'
import { unaccounted, type Accounts } from './accounts.ts'
import { FUNDS, contextOf, type BountyOutside } from './bounty-outside.ts'
import { rowsOf } from './rows.ts'

const tables = { ...creditsTables, ...claimsTables }

interface Around extends ReturnType<typeof rowsOf<typeof tables>> {
  readonly bounties: ReadonlyMap<string, OperationRow>
}

/** A key that was barred before it was used. */
const isBarred = (state: string, name: string): boolean => (state === 'voided' || state === 'released') && name === ''

const accounts: Accounts<typeof tables, Around> = {
  accounts({ account, balance }, { reservations }) {
    const booked = reservations.reduce((sum, { state, payer, payee, amount }) => {
      const gone = payer === account && state !== 'voided' ? amount : 0
      return sum - gone + (payee === account && state === 'captured' ? amount : 0)
    }, account === 'payer' ? FUNDS : 0) // prettier-ignore
    return balance !== booked && `${account} has ${balance}, and is to have ${booked}`
  },

  reservations({ key, state, payer, amount, payee }, { bounties }) {
    if (isBarred(state, payer)) return undefined
    const bounty = bounties.get(key)
    const context = bounty && contextOf(bounty.snapshot)
    if (context?.payer !== payer || context.amount !== amount) return `${amount} of ${payer} for no bounty`
    return (payee === null) === (state === 'captured') && `${amount} are ${state}, and ${payee ?? 'nobody'} is paid`
  },

  leases({ key, state, task, worker, holds }, { bounties }) {
    if (isBarred(state, worker)) return undefined
    const bounty = bounties.get(task)
    if (!bounty) return `of ${worker} on no bounty`
    if (holds !== (state === 'released' ? null : task)) return `of ${worker} is ${state}, and holds ${holds ?? 'nothing'}` // prettier-ignore
    const isPaid = state === 'completed' && key.startsWith(task)
    return isPaid && bounty.state !== 'settled' && `of ${worker} is completed, and the bounty is ${bounty.state}`
  },

  reservationsByPayer: ({ key, name }, { reservations }) =>
    !reservations.some((it) => it.key === key && it.payer === name) && `the index has ${key}, and nothing else does`,

  leasesByWorker: ({ key, name }, { leases }) =>
    !leases.some((it) => it.key === key && it.worker === name) && `the index has ${key}, and nothing else does`,
}

/** The rows of the services for which nothing accounts. */
export function bountyOrphans({ credits, claims }: BountyOutside, operations: readonly OperationRow[]): string[] {
  const dump = { ...credits, ...claims }
  const bounties = new Map(operations.map((row) => [row.id, row]))
  return unaccounted(accounts, dump, { ...rowsOf(tables, dump), bounties }).map((what) => `orphan: ${what}`)
}

/** Compares the books of a bounty's two services with the bounties. */
import type { BountyContext } from '../../../machines/bounty.ts'
import type { OperationRow } from '../../kernel/define/operation.ts'
import { contextOf, FUNDS, type BountyOutside } from './bounty-outside.ts'
import { bountyOrphans } from './bounty-rows.ts'
import { rowsOf } from './rows.ts'
import { claimsTables, creditsTables } from '../../bounty/store-services.ts'

/** The invariants of bounties, by the word with which a violation begins. */
export const bountyInvariants = {
  conservation: 'credits are neither lost nor invented',
  unpaid: 'what is settled was paid before',
  both: 'nothing is paid and given back',
  refund: 'what ends unpaid is given back',
  payee: 'who holds the claim is paid, for what they handed in',
  lease: 'no claim without its lease, and no lease without its claim',
  compensation: 'what was done is not undone because its answer was lost',
  index: 'an index shows its documents',
  orphan: 'every row of the services is accounted for by a bounty, or by somebody who was barred',
} as const

export type BountyInvariant = keyof typeof bountyInvariants

/** The violations in the books of the services, compared with the bounties. */
export function judge(outside: BountyOutside, operations: readonly OperationRow[]): string[] {
  const { credits, claims } = outside
  const { accounts, reservations, reservationsByPayer } = rowsOf(creditsTables, credits)
  const { leases, leasesByWorker } = rowsOf(claimsTables, claims)
  const wrong: string[] = bountyOrphans(outside, operations)
  const say = (invariant: BountyInvariant, what: string): void => void wrong.push(`${invariant}: ${what}`)

  const balances = new Map(accounts.map((it) => [it.account, it.balance])) // prettier-ignore
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, it) => total + it, 0)
  const reserved = sum(reservations.map(({ state, amount }) => (state === 'reserved' ? amount : 0)))
  const total = sum([...balances.values()]) + reserved
  if (total !== FUNDS) say('conservation', `there were ${FUNDS} credits, and are ${total}`)

  for (const { id, state, snapshot } of operations) {
    const context = contextOf(snapshot)
    wrong.push(...unsound({ state, context }, outside))
    const reservation = reservations.find(({ key }) => key === id)
    const is = reservation?.state
    if (is === 'reserved' && /^(expired|cancelled|rejected)/.test(state)) say('refund', `a bounty is ${state}, and its credits are ${is}`) // prettier-ignore
    if (is === 'captured' && state !== 'settled') say('both', `a bounty is ${state}, and its credits are captured`)
    if (is === 'voided' && /^(settled|open|claim)/.test(state)) say('both', `a bounty is ${state}, and its credits are voided`) // prettier-ignore
    const ours = leases.filter(({ key }) => key.startsWith(`${id}/`))
    const live = ours.filter(({ state: now }) => now !== 'released').map(({ key }) => key)
    const mine = context.claim && !state.startsWith('releasing') ? [`${id}/${context.claim.lease}`] : []
    if (live.some((key) => !mine.includes(key))) say('lease', `a bounty is ${state}, and ${live.length} leases hold it`)
  }
  const indexed = new Map([...reservationsByPayer, ...leasesByWorker].map(({ key, revision }) => [key, revision]))
  // A key that was barred before it was used belongs to nobody.
  const named = [...reservations.filter(({ payer }) => payer !== ''), ...leases.filter(({ worker }) => worker !== '')]
  for (const { key, revision } of named)
    if (indexed.get(key) !== revision) say('index', `the index of ${key} has fallen behind`)
  return wrong
}

/** The invariants of a bounty at every moment, not only at the end. */
export function unsound(
  { state, context }: { readonly state: string; readonly context: BountyContext },
  { credits, claims, meddled }: BountyOutside,
): string[] {
  const { id, claim, offer } = context
  const { accounts, reservations } = rowsOf(creditsTables, credits)
  const { leases } = rowsOf(claimsTables, claims)
  const reservation = reservations.find(({ key }) => key === id)
  const lease = claim && leases.find(({ key }) => key === `${id}/${claim.lease}`)
  const wrong: string[] = []
  if (/^(settled|completed)/.test(state)) {
    if (reservation?.state !== 'captured') wrong.push(`unpaid: a bounty is ${state}, and its credits are ${reservation?.state}`) // prettier-ignore
    if (reservation?.payee !== offer?.payee) wrong.push(`payee: ${reservation?.payee} was paid for ${offer?.payee}`)
  }
  if (/^(open|claim|renewing)/.test(state) && reservation?.state !== 'reserved')
    wrong.push(`unpaid: a bounty is ${state}, and its credits are ${reservation?.state ?? 'not there'}`)
  if (state === 'settled' && lease?.state !== 'completed')
    wrong.push(`lease: a bounty is settled, and its claim is ${lease?.state ?? 'not there'}`)
  if (state === 'claimed' && lease?.state !== 'held' && !meddled)
    wrong.push(`lease: a bounty is claimed, and its lease is ${lease?.state ?? 'not there'}`)
  // A lost answer is not a refusal: nothing else may take the payer's credits, and the bounty must know every claim.
  const balance = accounts.find(({ account }) => account === context.payer)?.balance ?? 0
  if (state.startsWith('reject') && balance >= context.amount)
    wrong.push(`compensation: a bounty is ${state}, and the payer has the credits`)
  const elsewhere = leases.some(({ key, task, state: now }) => task === id && !key.startsWith(id) && now === 'held') // prettier-ignore
  if (claim?.end === 'refused' && !elsewhere)
    wrong.push('compensation: a claim was refused, and nobody held the bounty')
  if (!offer) return wrong
  // The holder of the claim is paid for their own contribution. From then on nothing is given back.
  const { by } = offer.contribution as { by: string }
  if (claim === null || offer.payee !== claim.worker || by !== claim.worker)
    wrong.push(`payee: ${claim?.worker ?? 'nobody'} holds the claim, and ${offer.payee} is paid for the work of ${by}`)
  if (/^(refunding|expired|cancelled)/.test(state)) wrong.push(`both: a bounty is ${state}, and was to be paid`)
  return wrong
}

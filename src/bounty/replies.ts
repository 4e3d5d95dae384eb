/**
 * What each call answers in each state of a bounty. The table is complete, so calls may come in any order. A call is
 * done (`ok`), is refused with a code, waits for a request that is under way, or sends its event to the chart now.
 */
import type { ClaimEnd } from '../../machines/bounty.ts'
import type { Bounty, BountyCode } from './bounty.ts'

export type Answer = 'ok' | 'wait' | 'send' | BountyCode

/**
 * The caller: the lease of the call, the worker of a claim, and whether the chart has already taken the call's event.
 */
interface Asking {
  readonly lease: string
  readonly worker?: string
  readonly sent: boolean
}

/** The bounty is not available any more, or not yet. */
function gone({ state, ending }: Bounty): BountyCode | undefined {
  switch (state) {
    case 'reserving':
      return 'NOT_OPEN'
    case 'rejecting':
    case 'rejected':
      return 'REJECTED'
    case 'refunding':
    case 'expired':
    case 'cancelled':
      return ending === 'expired' ? 'EXPIRED' : 'CANCELLED'
    default:
      return undefined
  }
}

const over = (end: ClaimEnd | null): BountyCode => (end === 'refused' ? 'CLAIM_REFUSED' : 'LEASE_LOST')

/** Answers while a request is under way. If the service refused a request that must succeed, a person is needed. */
const underWay = ({ disputed }: Bounty): Answer => (disputed ? 'DISPUTED' : 'wait')

export function toCreate(bounty: Bounty): Answer {
  switch (bounty.state) {
    case 'reserving':
    case 'rejecting':
      return underWay(bounty)
    case 'rejected':
      return 'REJECTED'
    default:
      return 'ok'
  }
}

export function toClaim(bounty: Bounty, { lease, worker, sent }: Asking): Answer {
  const { claim, last, state } = bounty
  if (claim?.lease === lease && claim.worker !== worker) return 'KEY_REUSED'
  const mine = claim?.lease === lease
  switch (state) {
    case 'open':
      if (last?.lease === lease) return last.worker === worker ? over(last.end) : 'KEY_REUSED'
      return sent ? 'LEASE_LOST' : 'send'
    case 'claiming':
      return mine ? 'wait' : 'CLAIMED'
    case 'claimed':
    case 'renewing':
      return mine ? 'ok' : 'CLAIMED'
    case 'releasing':
      return mine ? over(claim.end) : underWay(bounty)
    case 'pendingSettlement':
    case 'completed':
    case 'settled':
      return mine ? 'ok' : 'SETTLED'
    default:
      return gone(bounty)!
  }
}

/** Answers to a call that needs a lease which the caller may no longer hold. */
function held(
  bounty: Bounty,
  { lease, sent }: Asking,
  when: { readonly sent: Answer; readonly settled: Answer },
): Answer {
  const { claim, last, state } = bounty
  const mine = claim?.lease === lease
  switch (state) {
    case 'open':
      return last === null ? 'NOT_CLAIMED' : 'LEASE_LOST'
    case 'claiming':
    case 'renewing':
      return mine ? 'wait' : 'LEASE_LOST'
    case 'claimed':
      return mine ? (sent ? when.sent : 'send') : 'LEASE_LOST'
    case 'releasing':
      return 'LEASE_LOST'
    case 'pendingSettlement':
    case 'completed':
    case 'settled':
      return mine ? when.settled : 'SETTLED'
    default:
      return gone(bounty)!
  }
}

export const toRenew = (bounty: Bounty, asking: Asking): Answer =>
  held(bounty, asking, { sent: 'ok', settled: 'SETTLED' })

export const toSettle = (bounty: Bounty, asking: Asking): Answer =>
  held(bounty, asking, { sent: 'CRITERIA_UNMET', settled: bounty.state === 'settled' ? 'ok' : underWay(bounty) })

export function toRelease(bounty: Bounty, asking: Asking): Answer {
  const { claim, last, state } = bounty
  if (last?.lease === asking.lease && last.end === 'released') return 'ok'
  if (state === 'releasing' && claim?.lease === asking.lease && claim.end === 'released') return underWay(bounty)
  return held(bounty, asking, { sent: 'LEASE_LOST', settled: 'SETTLED' })
}

export function toCancel(bounty: Bounty): Answer {
  switch (bounty.state) {
    case 'reserving':
    case 'open':
      return 'send'
    case 'claiming':
    case 'claimed':
    case 'renewing':
      return 'CLAIMED'
    case 'releasing':
      return underWay(bounty)
    case 'pendingSettlement':
    case 'completed':
    case 'settled':
      return 'SETTLED'
    case 'refunding':
      return bounty.ending === 'cancelled' ? underWay(bounty) : 'EXPIRED'
    case 'cancelled':
      return 'ok'
    default:
      return gone(bounty)!
  }
}

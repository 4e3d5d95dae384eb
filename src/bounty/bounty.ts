/** A bounty as its users see it, and the errors of their calls. */
import type { bounty, Claim, Offer } from '../../machines/bounty.ts'
import { HardshellError } from '../kernel/util/errors.ts'
import type { OperationView } from '../kernel/define/operation.ts'
import type { Json } from '../store/port.ts'

/** The state of a bounty. */
export type BountyState =
  | 'reserving'
  | 'rejecting'
  | 'open'
  | 'claiming'
  | 'claimed'
  | 'renewing'
  | 'releasing'
  | 'pendingSettlement'
  | 'completed'
  | 'refunding'
  | 'settled'
  | 'rejected'
  | 'expired'
  | 'cancelled'

/** Why a call was refused: codes beyond the kernel's. */
export type BountyCode =
  /** The credits are not reserved yet. */
  | 'NOT_OPEN'
  /** The credits were refused. */
  | 'REJECTED'
  /** Somebody has claimed it, or is about to. */
  | 'CLAIMED'
  /** Nobody has claimed it. */
  | 'NOT_CLAIMED'
  /** The claims service refused the claim. */
  | 'CLAIM_REFUSED'
  /** The lease does not hold the bounty: it ran out, was given back, was never granted, or is another's. */
  | 'LEASE_LOST'
  /** The contribution is not what was asked for. The claim goes on. */
  | 'CRITERIA_UNMET'
  /** It is being paid, or has been paid. */
  | 'SETTLED'
  | 'EXPIRED'
  | 'CANCELLED'
  /** A service refuses a request that must succeed. `resume` sends it again, once a person has solved the problem. */
  | 'DISPUTED'
  /** The key was used for something else. */
  | 'KEY_REUSED'

/** One bounty as it stands. */
export interface Bounty {
  /** The bounty's id. */
  readonly id: string
  /** Its state. */
  readonly state: BountyState
  /** Who pays. */
  readonly payer: string
  /** In credits. */
  readonly amount: number
  /** What a contribution must be. */
  readonly criteria: Json
  /** Epoch ms. */
  readonly deadlineAt: number
  /** The claim that holds it; after settlement, the claim that was paid. */
  readonly claim: Claim | null
  /** The claim before that one, and how it ended. */
  readonly last: Claim | null
  /** Set once payment is certain: for what, and to whom. */
  readonly offer: Offer | null
  /** Set once it is certain that nothing is paid: why. */
  readonly ending: 'expired' | 'cancelled' | null
  /** What the last contribution lacked. */
  readonly unmet: string | null
  /** A service refuses a request that must succeed; a person has to solve the problem. */
  readonly disputed: boolean
  /** Why a service last refused a request. */
  readonly refusal: string | null
  /** Epoch ms. */
  readonly createdAt: number
  /** When it changed last, in epoch ms. */
  readonly updatedAt: number
}

/** @throws {HardshellError} `UNLOADABLE`, `QUARANTINED` */
export function bountyOf({ id, status, row, snapshot }: OperationView<typeof bounty>): Bounty {
  const of = { operationId: id }
  if (!snapshot) throw new HardshellError('UNLOADABLE', 'this program cannot load the bounty', of)
  if (status === 'quarantined') throw new HardshellError('QUARANTINED', row.reason ?? 'set aside', of)
  const { renewalMs: _, service: __, tries: ___, ...context } = snapshot.context
  const state = row.state.replace(/\..*/, '') as BountyState
  return { ...context, state, disputed: snapshot.hasTag('human'), createdAt: row.createdAt, updatedAt: row.updatedAt }
}

export const refused = (code: BountyCode, { id, state, unmet, refusal }: Bounty): HardshellError => {
  const why =
    code === 'CRITERIA_UNMET' ? unmet : ['REJECTED', 'CLAIM_REFUSED', 'DISPUTED'].includes(code) ? refusal : null
  return new HardshellError(code, `the bounty is ${state}${why === null ? '' : `: ${why}`}`, { operationId: id })
}

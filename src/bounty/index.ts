/** `hardshell/bounty`: credits held in escrow until somebody's contribution meets the criteria. */
export type { Claim, ClaimEnd, Offer } from '../../machines/bounty.ts'
export {
  type Bounties,
  openBounties,
  type BountiesOptions,
  type BountyFilter,
  type ClaimBounty,
  type CreateBounty,
  type RenewLease,
  type SettleBounty,
  type UnderLease,
  type Waiting,
} from './bounties.ts'
export type { Bounty, BountyCode, BountyState } from './bounty.ts'
export { meets, type Contribution, type Criteria, type Evaluate, type Verdict } from './criteria.ts'
export { bountyKind, bountySchema } from './kind.ts'
export { memoryClaims, memoryCredits, type MemoryCredits } from './memory-services.ts'
export type { BountyPorts, Claims, Credits, Lease, Lookup, Reply, Reservation } from './ports.ts'
export {
  claimsSchema,
  creditsSchema,
  storeClaims,
  storeCredits,
  type StoreClaims,
  type StoreCredits,
} from './store-services.ts'

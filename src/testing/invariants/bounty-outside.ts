/** The environment of bounties: their two services. */
import type { BountyContext } from '../../../machines/bounty.ts'
import type { Dump } from '../../store/memory.ts'

/** The payer's credits at the beginning. */
export const FUNDS = 100

/** The rows of the two services. */
export interface BountyOutside {
  credits: Dump
  claims: Dump
  /** Until this time, in epoch ms, neither service works: first they do not answer, then they fail. */
  downUntilMs: number
  /** Somebody has released a lease behind the bounty's back. */
  meddled: boolean
}

/** A bounty's context, out of its row. */
export const contextOf = (snapshot: string): BountyContext =>
  (JSON.parse(snapshot) as { context: BountyContext }).context

/** What is outside bounties: their two services. */
import type { BountyContext } from '../../../machines/bounty.ts'
import type { Dump } from '../../store/memory.ts'

/** What the payer has to begin with. */
export const FUNDS = 100

/** The rows of the two services. */
export interface BountyOutside {
  credits: Dump
  claims: Dump
  /** Until then neither of them is of use: at first they are silent, then they fail; epoch ms. */
  downUntilMs: number
  /** Somebody has released a lease behind the bounty's back. */
  meddled: boolean
}

/** A bounty's context, out of its row. */
export const contextOf = (snapshot: string): BountyContext =>
  (JSON.parse(snapshot) as { context: BountyContext }).context

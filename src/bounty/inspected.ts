/** Bounties as an inspector sees them. */
import type { Inspectable } from '../kernel/inspect/inspectable.ts'
import type { Operations } from '../kernel/operations.ts'
import { bountyKind } from './kind.ts'
import type { BountyPorts } from './ports.ts'

/** How bounties are inspected: one can be given up as long as nobody works on it. */
export function inspectedBounties(operations: Operations<BountyPorts>): Inspectable {
  const bounties = operations.of(bountyKind())
  return { operations, cancel: (id) => bounties.send(id, { type: 'cancel' }), acts: ['resume', 'cancel'] }
}

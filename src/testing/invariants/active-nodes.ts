/** The nodes of a chart in which a stored operation is. */
import { getStateNodes, type AnyStateNode } from 'xstate'
import type { OperationKind, PersistedSnapshot } from '../../kernel/define/operation.ts'

/** The nodes of the states in a snapshot, and of those around them, the root among them. */
export function activeNodes({ machine }: OperationKind, snapshot: string): ReadonlySet<AnyStateNode> {
  const { value } = JSON.parse(snapshot) as PersistedSnapshot
  return new Set(getStateNodes(machine.root, value as Parameters<typeof getStateNodes>[1]))
}

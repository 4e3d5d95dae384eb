/** How operations stand when all is over, whatever their kind: nothing set aside, nothing without a way on. */
import { stateNodes, type OperationKind, type OperationRow } from '../kernel/operation.ts'
import type { World } from './world.ts'

/** Operations that the kernel set aside, or that nothing can move any more. */
export function standing({ rows }: World, kinds: readonly OperationKind<never>[]): string[] {
  return (rows['operations'] ?? []).flatMap((it) => {
    const { kind, state, status, reason, timers } = it as unknown as OperationRow
    if (status === 'quarantined') return [`stuck: ${kind} set aside in '${state}': ${reason}`]
    if (status !== 'active' || timers !== '{}') return []
    const { machine } = kinds.find((known) => known.kind === kind)!
    // In regions side by side, one that goes on is enough.
    const active = state.split('|').flatMap((path) => pathsTo(path.split('.')))
    const moves = stateNodes(machine as OperationKind['machine'])
      .filter(({ path }) => active.includes(path.join('.')))
      .some(
        ({ invoke, ownEvents, meta }) =>
          invoke.length > 0 || ownEvents.length > 0 || (meta as { watch?: string } | undefined)?.watch !== undefined,
      )
    return moves ? [] : [`stuck: nothing moves ${kind} on from '${state}'`]
  })
}

/** A state, and those that it is in. */
const pathsTo = (path: readonly string[]): string[] => path.map((_, at) => path.slice(0, at + 1).join('.'))

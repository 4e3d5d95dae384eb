/** Invariants of operations of any kind: every wait has a next event, and at the end no operation is set aside. */
import { pollOf } from '../../kernel/define/chart.ts'
import type { OperationKind } from '../../kernel/define/operation.ts'
import { timerId, type StoredTimers } from '../../kernel/step/timers.ts'
import type { Write } from '../../store/port.ts'
import type { Dump } from '../../store/memory.ts'
import type { World } from '../explorer/world.ts'
import { activeNodes } from './active-nodes.ts'
import { kindOf, operationIn, operationsIn } from './rows.ts'

/** Every waiting operation has a pending effect, a poll, a timer or a user decision. */
export function deadEnd(write: Write, kinds: readonly OperationKind<never>[]): string[] {
  const operation = operationIn(write)
  if (operation?.status !== 'active') return []
  const { kind, state, timers } = operation
  const of = kindOf(kinds, operation)
  const nodes = activeNodes(of as unknown as OperationKind, operation.snapshot)
  const running = JSON.parse(timers) as StoredTimers
  const delays = [...nodes].flatMap((node) =>
    Object.keys(node.config.after ?? {}).map((name) => ({ name, id: timerId(name, node.id) })),
  )
  const lost = delays.filter(({ id }) => running[id] === undefined)
  if (lost.length > 0) return lost.map(({ name }) => `stuck: ${kind} in '${state}' has lost its ${name}`)
  const goesOn = [...nodes].some(({ invoke, meta }) => invoke.length > 0 || pollOf(meta) !== undefined)
  if (goesOn || delays.some(({ id }) => running[id] !== null)) return []
  const takes = [...nodes].some(({ config }) => Object.keys(config.on ?? {}).length > 0)
  if (!takes) return [`stuck: ${kind} in '${state}' waits for nothing`]
  const isDecided = [...nodes].some(({ tags }) => tags.includes('human'))
  return isDecided ? [] : [`stuck: ${kind} in '${state}' waits for a caller alone, and is not tagged 'human'`]
}

/** Operations that the kernel set aside, and why. */
export const liveness = ({ rows }: Pick<World, 'rows'>): string[] =>
  operationsIn(rows).flatMap(({ kind, state, status, reason }) =>
    status === 'quarantined' ? [`quarantined: ${kind} in '${state}': ${reason}`] : [],
  )

/** Why nothing goes on: an operation that the kernel set aside says it better than that something is stuck. */
export function orQuarantined(violation: string, rows: Dump): readonly string[] {
  const aside = liveness({ rows })
  return aside.length > 0 && violation.startsWith('stuck:') ? aside : [violation, ...aside]
}

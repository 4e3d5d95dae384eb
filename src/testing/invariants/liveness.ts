/** Invariants of operations of any kind: every wait has a next event, and at the end no operation is set aside. */
import { pollOf } from '../../kernel/define/chart.ts'
import type { AnyStateNode } from 'xstate'
import type { OperationKind } from '../../kernel/define/operation.ts'
import { timerId, type StoredTimers } from '../../kernel/step/timers.ts'
import type { Write } from '../../store/port.ts'
import type { World } from '../explorer/world.ts'
import { operationIn, operationsIn } from './rows.ts'

/** Every waiting operation has a pending effect, a poll, a timer or a user decision. */
export function deadEnd(write: Write, kinds: readonly OperationKind<never>[]): string[] {
  const operation = operationIn(write)
  if (operation?.status !== 'active') return []
  const { kind, kindVersion, state, timers } = operation
  const { machine } = kinds.find((it) => it.kind === kind && it.version === kindVersion) as unknown as OperationKind
  const nodes = new Set<AnyStateNode>([machine.root])
  for (const region of state.split('|')) {
    let node: AnyStateNode = machine.root
    for (const key of region.split('.')) nodes.add((node = node.states[key]!))
  }
  const running = JSON.parse(timers) as StoredTimers
  const delays = [...nodes].flatMap((node) =>
    Object.keys(node.config.after ?? {}).map((name) => ({ name, id: timerId(name, node.id) })),
  )
  const lost = delays.filter(({ id }) => running[id] === undefined)
  if (lost.length > 0) return lost.map(({ name }) => `stuck: ${kind} in '${state}' has lost its ${name}`)
  const goesOn = [...nodes].some(({ invoke, meta, config }) => {
    return invoke.length > 0 || pollOf(meta) !== undefined || Object.keys(config.on ?? {}).length > 0
  })
  return goesOn || delays.some(({ id }) => running[id] !== null)
    ? []
    : [`stuck: ${kind} in '${state}' waits for nothing`]
}

/** Operations that the kernel set aside, and why. */
export const liveness = ({ rows }: Pick<World, 'rows'>): string[] =>
  operationsIn(rows).flatMap(({ kind, state, status, reason }) =>
    status === 'quarantined' ? [`quarantined: ${kind} in '${state}': ${reason}`] : [],
  )

/** What can be seen of a machine without running it. */
import type { AnyStateMachine } from 'xstate'
import { isStart, pollOf, stateNodes } from '../../../kernel/define/chart.ts'
import { tx } from '../../../kernel/define/authoring.ts'
import { defineOperation, type OperationKind } from '../../../kernel/define/operation.ts'
import { polledBy } from './walk.ts'

const list = (value: unknown): unknown[] => (value === undefined ? [] : [value].flat())

/** Why an action is no business of a machine; undefined where it is. */
function actionDefect(action: unknown, named: ReadonlySet<string>): string | undefined {
  if (typeof action !== 'function') {
    const name = typeof action === 'string' ? action : (action as { type: string }).type
    return named.has(name) ? undefined : `the action '${name}' is not in setup`
  }
  if (action === tx || isStart(action)) return undefined
  const { type, assignment } = action as { type?: string; assignment?: unknown }
  if (type === 'xstate.emit') return undefined
  if (type !== 'xstate.assign') return `an action is ${type ?? 'a function'}`
  const assigners = typeof assignment === 'function' ? [assignment] : Object.values(assignment as object)
  return assigners.some((assigner) => /\bspawn\b/.test(String(assigner))) ? 'an assign spawns an actor' : undefined
}

/** Actions that are not assign, emit, start or tx, wherever they stand. */
export function sideEffects(machine: AnyStateMachine): string[] {
  const implemented = machine.implementations.actions as Readonly<Record<string, unknown>>
  const named = new Set(Object.keys(implemented))
  const ofSetup = Object.values(implemented).map((action) => [machine.id, actionDefect(action, named)] as const)
  const ofStates = stateNodes(machine).flatMap((node) => {
    const transitions = [...(node.always ?? []), ...[...node.transitions.values()].flat()]
    const actions = [
      ...list(node.config.entry),
      ...list(node.config.exit),
      ...transitions.flatMap((transition) => list(transition.actions)),
    ]
    return actions.map((action) => [node.id, actionDefect(action, named)] as const)
  })
  return [...ofSetup, ...ofStates].flatMap(([id, defect]) => (defect ? [`${id}: ${defect}`] : []))
}

/** What the kernel refuses at the definition, and names that lead nowhere. */
export function misdefined(kind: OperationKind): string[] {
  try {
    defineOperation(kind)
  } catch (error) {
    return [(error as Error).message]
  }
  const polls = polledBy(kind)
  return stateNodes(kind.machine).flatMap((node) => {
    const poll = pollOf(node.meta)
    return poll !== undefined && !polls.has(poll) ? [`${node.id}: the kind has no poll '${poll}'`] : []
  })
}

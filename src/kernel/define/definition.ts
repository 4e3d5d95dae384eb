/**
 * Finds what the kernel would ignore in a chart, or could not do. Defining such a kind fails, with the name of what is
 * wrong.
 */
import type { AnyStateMachine, AnyStateNode } from 'xstate'
import { reply, tx } from './authoring.ts'
import { declaration, isStart, stateNodes } from './chart.ts'

/** Actions of XState that a step takes as they are. What `enqueueActions` enqueues is seen at the step. */
const ACTIONS: ReadonlySet<string> = new Set(['xstate.assign', 'xstate.emit', 'xstate.raise', 'xstate.enqueueActions'])

const list = (value: unknown): unknown[] => (value === undefined ? [] : [value].flat())
const field = (value: unknown, name: string): unknown =>
  (typeof value === 'object' && value !== null) || typeof value === 'function' ? Reflect.get(value, name) : undefined
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/** Everything that is wrong with a chart, one line each. */
export function misfits(machine: AnyStateMachine, polls: boolean): string[] {
  const nodes = stateNodes(machine)
  const invoked = nodes.flatMap(({ invoke }) => invoke.map(({ id }) => id))
  const twice = invoked.filter((id, at) => invoked.indexOf(id) !== at)
  const known = knownEvents(nodes)
  return [
    ...nodes.flatMap((node) =>
      [
        ...invokes(machine, node),
        ...delays(machine, node),
        ...actionsOf(node).flatMap((action) => misdone(machine, action) ?? []),
        ...[...node.transitions.keys()].flatMap((event) => mistaken(event, known) ?? []),
        ...metas(node, polls),
      ].map((what) => `state '${node.id}' ${what}`),
    ),
    ...twice.map((id) => `two invokes have the id '${id}'`),
  ]
}

function* invokes(machine: AnyStateMachine, node: AnyStateNode): Iterable<string> {
  const isLocal = node.tags.includes('local')
  for (const { src, systemId } of node.invoke) {
    const name = typeof src === 'string' ? src : '(inline)'
    const logic = declaration(machine, src)
    if (!logic) yield `invokes '${name}', which is not declared with effect() or local()`
    else if (logic.local !== isLocal)
      yield `is ${isLocal ? '' : 'not '}tagged local, and '${name}' is ${logic.local ? '' : 'not '}local`
    if (systemId !== undefined) yield `gives '${name}' the systemId '${systemId}'; no actor of its own runs for it`
  }
  if (!isLocal) return
  if (node.invoke.length !== 1) yield 'is local, and must invoke one local step'
  if (Object.keys(node.config.after ?? {}).length > 0) yield 'is local, and over before its delays begin'
}

function* delays(machine: AnyStateMachine, node: AnyStateNode): Iterable<string> {
  const named: object = machine.implementations.delays
  for (const delay of Object.keys(node.config.after ?? {}))
    if (!Number.isNaN(Number(delay))) yield `has an unnamed delay of ${delay} ms`
    else if (!Object.hasOwn(named, delay)) yield `has the delay '${delay}', which is not in setup`
}

const actionsOf = (node: AnyStateNode): unknown[] => [
  ...list(node.config.entry),
  ...list(node.config.exit),
  ...list(field(node.config.initial, 'actions')),
  ...[...(node.always ?? []), ...[...node.transitions.values()].flat()].flatMap(({ actions }) => list(actions)),
]

/** Why the kernel cannot do an action; undefined where it can. */
function misdone(machine: AnyStateMachine, action: unknown): string | undefined {
  const name = text(action) ?? text(field(action, 'type'))
  if (typeof action === 'function') return misused(action, name ?? action.name)
  if (name === undefined || name === 'tx') return undefined
  const implemented: unknown = field(machine.implementations.actions, name)
  if (name === 'reply' && implemented === reply) return undefined
  if (implemented === undefined) return `has the action '${name}', which is not in setup`
  return name === 'start' && isStart(implemented) ? undefined : misused(implemented, name)
}

function misused(action: unknown, name: string): string | undefined {
  const ours = action === tx ? 'tx' : action === reply ? 'reply' : isStart(action) ? 'start' : undefined
  if (ours !== undefined) return `has ${ours} under the name '${name}'; its name must be '${ours}'`
  const type = text(field(action, 'type'))
  if (type === undefined)
    return `has the action '${name || '(anonymous)'}', a function: a side effect; use tx, emit or invoke`
  if (type === 'xstate.raise' && field(action, 'delay') !== undefined) return 'has a delayed raise; use after'
  return ACTIONS.has(type) ? undefined : `has the action '${type}': a side effect; use tx, emit or invoke`
}

/** Events of XState's own that the kernel sends. */
const knownEvents = (nodes: readonly AnyStateNode[]): ReadonlySet<string> =>
  new Set(
    nodes.flatMap((node) => [
      `xstate.done.state.${node.id}`,
      ...node.invoke.map(({ id }) => `xstate.done.actor.${id}`),
      ...Object.keys(node.config.after ?? {}).map((name) => `xstate.after.${name}.${node.id}`),
    ]),
  )

function mistaken(event: string, known: ReadonlySet<string>): string | undefined {
  if (!isReserved(event) || known.has(event)) return undefined
  if (event.startsWith('xstate.error.'))
    return `has an onError: an effect that fails runs again; let it answer what went wrong`
  return `takes '${event}', which the kernel never sends`
}

/** Names of events that are XState's or the kernel's own: no caller, poll or chart may send them. */
export const isReserved = (type: string): boolean => /^(xstate|@hardshell)\./.test(type)

function* metas({ meta, tags }: AnyStateNode, polls: boolean): Iterable<string> {
  if (typeof meta !== 'object' || meta === null) return
  for (const [name, value] of Object.entries(meta as Readonly<Record<string, unknown>>))
    if (name !== 'poll') yield `has the meta '${name}', which the kernel does not know: it knows 'poll'`
    else if (value !== undefined && (typeof value !== 'string' || !polls))
      yield `is polled by '${typeof value === 'string' ? value : typeof value}', and the kind has no polls`
    else if (value !== undefined && tags.includes('local')) yield 'is local, and over before it is polled'
}

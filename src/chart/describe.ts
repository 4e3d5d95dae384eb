/** Describes a chart: reads a machine, and says its states and arrows as plain data. */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate'
import { checkObject } from '../arguments.ts'
import { arrowOf, type Naming } from './arrows.ts'
import type { ChartArrow, ChartDelay, ChartDescription, ChartInvoke, ChartState } from './description.ts'

/** The path of a state below its chart, dotted. */
const idOf = (node: AnyStateNode): string => node.path.join('.')

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined

const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)

/** The name of a guard or an action; a function in place has that of the function, if any. */
function nameOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'function') return value.name === '' ? 'unnamed' : value.name
  return textOf(fieldOf(value, 'type')) ?? 'unnamed'
}

/** XState adds the actions of delays itself: what the author wrote is in the config. */
const actionsIn = (config: unknown, when: 'entry' | 'exit'): string[] =>
  [fieldOf(config, when) ?? []].flat().map((action) => nameOf(action))

function invokesOf(machine: AnyStateMachine, node: AnyStateNode): ChartInvoke[] {
  return node.invoke.map(({ src }) => {
    const logic: unknown = typeof src === 'string' ? fieldOf(machine.implementations.actors, src) : undefined
    const answers = fieldOf(logic, 'answers')
    return {
      src: typeof src === 'string' ? src : 'unnamed',
      local: fieldOf(logic, 'local') === true,
      answers: Array.isArray(answers) ? answers.map(String) : [],
    }
  })
}

function stateOf(machine: AnyStateMachine, node: AnyStateNode): ChartState {
  const { parent } = node
  const initial: readonly unknown[] = parent?.type === 'compound' ? (parent.initial?.target ?? []) : []
  return {
    id: idOf(node),
    name: node.key,
    parent: parent && parent !== machine.root ? idOf(parent) : null,
    type: node.type,
    isInitial: initial.includes(node),
    description: textOf(node.description),
    tags: [...node.tags],
    invokes: invokesOf(machine, node),
    poll: textOf(fieldOf(node.meta, 'poll')),
    entry: actionsIn(node.config, 'entry'),
    exit: actionsIn(node.config, 'exit'),
    folded: 0,
  }
}

function delayOf(name: string, delay: unknown): ChartDelay {
  if (typeof delay === 'number') return { name, type: 'fixed', ms: delay }
  if (typeof delay !== 'function') return { name, type: 'computed' }
  return { name, type: 'jitter' in delay ? 'backoff' : 'until' in delay ? 'until' : 'computed' }
}

const nodesUnder = (node: AnyStateNode): AnyStateNode[] => [node, ...Object.values(node.states).flatMap(nodesUnder)]

const naming: Naming = { idOf, nameOf }

/** The arrows of one state, as it declares them. */
const transitionsOf = (node: AnyStateNode): (readonly AnyTransitionDefinition[])[] => [
  ...node.transitions.values(),
  node.always ?? [],
]

/**
 * Says what a chart is, as plain data. It is the same for the same chart, so that an arrow keeps its index while the chart is the same.
 *
 * @throws {TypeError} where it is given no machine
 * @example
 * const { states, arrows } = describeChart(order.machine)
 * console.log(states.map(({ id }) => id), arrows.map(({ label }) => label)) // [ 'open', 'cancelled' ] [ 'cancel' ]
 */
export function describeChart(machine: AnyStateMachine): ChartDescription {
  checkObject(machine, 'machine')
  if (!('root' in machine) || !('implementations' in machine)) throw new TypeError('machine: an XState machine')
  const { root } = machine
  const [, ...inside] = nodesUnder(root)
  const arrows: ChartArrow[] = []
  for (const node of [root, ...inside])
    for (const group of transitionsOf(node))
      for (const [at, transition] of group.entries())
        arrows.push({ index: arrows.length, ...arrowOf({ node, transition, at, group, naming }) })
  return {
    name: machine.id,
    description: textOf(root.description),
    isParallel: root.type === 'parallel',
    states: inside.map((node) => stateOf(machine, node)),
    arrows,
    delays: Object.entries(machine.implementations.delays).map(([name, delay]) => delayOf(name, delay)),
  }
}

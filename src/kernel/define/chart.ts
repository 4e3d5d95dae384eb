/** What the kernel reads of a chart: how its effects were declared, its delays, and what an invoke answered. */
import type { AnyMachineSnapshot, AnyStateMachine, AnyStateNode } from 'xstate'
import type { Answer, Backoff, Deadline, Declared } from './authoring.ts'
import { HardshellError } from '../util/errors.ts'

type Delay = number | ((args: { context: unknown }) => number) | Deadline<unknown> | Backoff<unknown>
type AnyDeclared = Declared<Answer, unknown>

const isDeclared = (logic: object | undefined): logic is AnyDeclared =>
  logic !== undefined && 'answers' in logic && Array.isArray(logic.answers) && 'local' in logic

/** The effect or local step that a machine declares under a name; undefined where it declares none. */
export function declaration(machine: AnyStateMachine, src: unknown): AnyDeclared | undefined {
  if (typeof src !== 'string') return undefined
  const logic = machine.implementations.actors[src]
  return isDeclared(logic) ? logic : undefined
}

/** As `declaration`. @throws {HardshellError} `DEFECT` where there is none. */
export function declaredOf(machine: AnyStateMachine, src: unknown): AnyDeclared {
  const declared = declaration(machine, src)
  if (!declared) throw new HardshellError('DEFECT', `'${String(src)}' is not declared with effect() or local()`)
  return declared
}

const isDelay = (delay: unknown): delay is Delay => typeof delay === 'number' || typeof delay === 'function'

/** A named delay. @throws {HardshellError} `DEFECT` where the machine has none of this name. */
export function delayOf(machine: AnyStateMachine, name: string): Delay {
  const delay: unknown = machine.implementations.delays[name]
  if (!isDelay(delay)) throw new HardshellError('DEFECT', `there is no delay '${name}'`)
  return delay
}

/** A snapshot's context, which is the chart's own business. */
export function contextOf({ context }: { readonly context: unknown }): unknown {
  return context
}

/** What an effect or a local step answered; undefined for what is no answer. */
export function answerOf(output: unknown): string | undefined {
  if (typeof output !== 'object' || output === null || !('answer' in output)) return undefined
  return typeof output.answer === 'string' ? output.answer : undefined
}

/** @throws {HardshellError} `DEFECT` where an effect or a local step gave none of the answers that it declares. */
export function checkAnswer(machine: AnyStateMachine, src: string, output: unknown): void {
  const answer = answerOf(output)
  const { answers } = declaredOf(machine, src)
  if (answer !== undefined && answers.includes(answer)) return
  const said = answer === undefined ? `with no answer: ${output === null ? 'null' : typeof output}` : `'${answer}'`
  throw new HardshellError('DEFECT', `'${src}' answered ${said}; it declares '${answers.join("', '")}'`)
}

/** The poll that a state's `meta` names; undefined where it names none. */
export function pollOf(meta: unknown): string | undefined {
  if (typeof meta !== 'object' || meta === null || !('poll' in meta)) return undefined
  return typeof meta.poll === 'string' ? meta.poll : undefined
}

/** The types of the events that callers and polls may send to a chart, as its states name them; wildcards among them. */
export const eventsOf = ({ events }: { readonly events: readonly string[] }): readonly string[] =>
  events.filter((type) => !type.startsWith('xstate.'))

/** The types of the events that callers and polls may send to a chart in the state of a snapshot. */
export const eventsIn = (snapshot: AnyMachineSnapshot): readonly string[] => [
  ...new Set(snapshot._nodes.toReversed().flatMap((node) => eventsOf({ events: node.ownEvents.map(String) }))),
]

/** Whether some state of a chart takes events of this type; or one state, by the events that it names. */
export const takes = (chart: { readonly events: readonly string[] }, type: string): boolean =>
  eventsOf(chart).some(
    (known) => known === type || known === '*' || (known.endsWith('.*') && `${type}.`.startsWith(known.slice(0, -1))),
  )

/** Whether an action is `start`, under whatever name. */
export const isStart = (action: unknown): boolean => typeof action === 'function' && 'startChildren' in action

const nodesOf = new WeakMap<AnyStateMachine, AnyStateNode[]>()

/** Every state node of a chart, the root first. */
export function stateNodes(machine: AnyStateMachine): readonly AnyStateNode[] {
  const under = (node: AnyStateNode): AnyStateNode[] => [node, ...Object.values(node.states).flatMap(under)]
  let nodes = nodesOf.get(machine)
  if (!nodes) nodesOf.set(machine, (nodes = under(machine.root)))
  return nodes
}

const invokesOf = new WeakMap<AnyStateMachine, ReadonlySet<string>>()

/** The ids of all invokes of a chart. */
export function invokeIds(machine: AnyStateMachine): ReadonlySet<string> {
  let ids = invokesOf.get(machine)
  if (!ids)
    invokesOf.set(machine, (ids = new Set(stateNodes(machine).flatMap((node) => node.invoke.map(({ id }) => id)))))
  return ids
}

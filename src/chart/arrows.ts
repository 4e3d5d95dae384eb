/** What an arrow of a chart is taken by, and its words. */
import type { AnyStateNode, AnyTransitionDefinition } from 'xstate'
import type { ChartArrow, ChartArrowType } from './description.ts'

/** How states, guards and actions are called. */
export interface Naming {
  readonly idOf: (node: AnyStateNode) => string
  readonly nameOf: (value: unknown) => string
}

const DONE = 'xstate.done.actor.'
const FAILED = 'xstate.error.actor.'
const ENDED = 'xstate.done.state.'
const AFTER = 'xstate.after.'

/** What an event that XState made up stands for. */
function triggerOf(node: AnyStateNode, on: string): { readonly type: ChartArrowType; readonly name: string } {
  if (on === '') return { type: 'always', name: '' }
  if (on.startsWith(AFTER)) {
    // The name of a delay may have dots; what follows it is the id of the state.
    const name = on.endsWith(`.${node.id}`) ? on.slice(AFTER.length, -node.id.length - 1) : on.slice(AFTER.length)
    return { type: 'delay', name }
  }
  if (on.startsWith(ENDED)) return { type: 'done', name: '' }
  for (const prefix of [DONE, FAILED]) {
    if (!on.startsWith(prefix)) continue
    const invoke = node.invoke.find(({ id }) => id === on.slice(prefix.length))
    const src = typeof invoke?.src === 'string' ? invoke.src : on.slice(prefix.length)
    return { type: 'answer', name: prefix === FAILED ? `${src} fails` : src }
  }
  return { type: 'event', name: on }
}

/** What a guard's params say in JSON: the answers that its branch is for. */
function answersOf(guard: unknown): readonly string[] {
  if (typeof guard !== 'object' || guard === null || !('params' in guard)) return []
  const text = JSON.stringify(guard.params) ?? 'null'
  const params: unknown = JSON.parse(text)
  return Array.isArray(params) ? params.filter((param) => typeof param === 'string') : []
}

type Words = Pick<ChartArrow, 'type' | 'name' | 'answers' | 'guard' | 'isElse'>

/** An arrow in one line. */
export function labelOf({ type, name, answers, guard, isElse }: Words): string {
  const otherwise = isElse ? 'else' : ''
  const condition = guard === null ? '' : `[${guard}]`
  const by = {
    event: name,
    answer: `${name} →${answers.length > 0 ? ` ${answers.join(', ')}` : guard === null ? ` ${otherwise || 'any'}` : ''}`,
    delay: `after(${name})`,
    always: '',
    done: 'done',
  }[type]
  const rest = type !== 'answer' && isElse ? `[${otherwise}]` : condition
  return [by, rest].filter((part) => part !== '').join(' ')
}

/** One transition as an arrow. */
export function arrowOf(of: {
  readonly node: AnyStateNode
  readonly transition: AnyTransitionDefinition
  readonly at: number
  readonly group: readonly AnyTransitionDefinition[]
  readonly naming: Naming
}): Omit<ChartArrow, 'index'> {
  const { node, transition, at, group, naming } = of
  const on = String(transition.eventType)
  const trigger = triggerOf(node, on)
  const given: unknown = transition.guard
  const isByAnswer = trigger.type === 'answer' && given !== undefined && naming.nameOf(given) === 'answered'
  const words: Words = {
    ...trigger,
    answers: trigger.type === 'answer' ? answersOf(given) : [],
    guard: given === undefined || isByAnswer ? null : naming.nameOf(given),
    isElse: given === undefined && at > 0 && at === group.length - 1,
  }
  return {
    from: naming.idOf(node),
    to: (transition.target ?? []).map((target) => naming.idOf(target)),
    ...words,
    actions: transition.actions.map((action) => naming.nameOf(action)),
    label: labelOf(words),
    place: { source: node.id, on, index: at },
  }
}

/** Whether an arrow stays within the state that has it: it leads nowhere, or to states inside. */
export const isWithin = ({ from, to }: Pick<ChartArrow, 'from' | 'to'>): boolean =>
  to.every((id) => from === '' || id.startsWith(`${from}.`))

/** What shows when a chart is walked through: each function returns what is wrong, one line each. */
import type { AnyMachineSnapshot, EventObject } from 'xstate'
import { stateNodes } from '../../../kernel/define/chart.ts'
import type { OperationKind } from '../../../kernel/define/operation.ts'
import { bareStep, stepper, type Collected, type Stepper } from '../../../kernel/step/step.ts'
import { messageOf } from '../../../kernel/util/errors.ts'
import { notJson } from '../../../kernel/util/json.ts'
import { canonical } from '../store-contract/kit.ts'
import { declaredOf, delaysOf, inputOf, isOver, isRest, nextsOf, type Edge, type Next, type Samples, type Spot, type Walk } from './walk.ts' // prettier-ignore

export interface Walked extends Walk {
  readonly kind: OperationKind
  readonly samples: Samples
}

const answerOf = ({ event }: Next): string => (event as EventObject & { output: { answer: string } }).output.answer
/** A step, for people. */
const nameOf = ({ before, next }: Edge): string =>
  `${before.state}: ${next.src === undefined ? next.event.type : `${next.src} answering '${answerOf(next)}'`}`

/** Answers that were never given, and states that were never met: what the walk says holds for nothing of them. */
export function unmet({ kind, spots, edges }: Walked): string[] {
  const given = new Set(edges.flatMap(({ next }) => (next.src === undefined ? [] : [`${next.src} ${answerOf(next)}`])))
  const answers = declaredOf(kind.machine).flatMap(([src, { answers: declared }]) =>
    declared.filter((answer) => !given.has(`${src} ${answer}`)).map((answer) => `${src} never answered '${answer}'`),
  )
  const met = new Set(spots.flatMap(({ snapshot }) => snapshot._nodes))
  const states = stateNodes(kind.machine).filter((node) => {
    const passing = node.always?.some(({ guard }) => guard === undefined) ?? false
    return (node.type === 'atomic' || node.type === 'final') && !passing && !met.has(node)
  })
  return [...answers, ...states.map(({ id }) => `${id} was never met`)]
}

/** Steps that throw, and answers that the chart takes no notice of. */
export function untaken({ edges }: Walked): string[] {
  return edges.flatMap((edge) => {
    if (!edge.after) return [`${nameOf(edge)} throws: ${messageOf(edge.error)}`]
    return edge.next.from === 'answer' && edge.after === edge.before ? [`${nameOf(edge)} leads nowhere`] : []
  })
}

/** What a step comes to, as a text: equal for equal steps. */
const outcome = ({ snapshot, actions }: { snapshot: AnyMachineSnapshot; actions: readonly Collected[] }): string => {
  const { status, value, context, output } = snapshot as {
    readonly [name in 'status' | 'value' | 'context' | 'output']: unknown
  }
  return canonical({ status, value, context, output, actions: actions.map(doneBy) })
}

/** An action without XState's objects in it. */
function doneBy({ type, params }: Collected): unknown {
  if (type === 'tx' || type === 'start') return { type, params }
  const { id, sendId, event, delay } = (params ?? {}) as { [name: string]: unknown }
  return { type, id, sendId, event, delay }
}

/** A step is computed again, and a state read back, in so many contexts of each: more of them say little more. */
const MOST_ALIKE = 30

/** Of things that are alike, the first, the last and those between, evenly: no more than `MOST_ALIKE` of each. */
function some<T>(all: readonly T[], alike: (one: T) => string): T[] {
  return [...Map.groupBy(all, alike).values()].flatMap((same) => {
    const most = Math.min(MOST_ALIKE, same.length)
    return Array.from({ length: most }, (_, at) => same[Math.floor((at * (same.length - 1)) / Math.max(1, most - 1))]!)
  })
}

/** Steps that come to something else when they are computed again, or that change what they are computed from. */
export function impure({ kind: { machine }, samples, starts, edges }: Walked): string[] {
  const started = samples.inputs.flatMap((input, at) => {
    const { spot, actions } = starts[at]!
    const again = tried(() => outcome(bareStep(machine, { input: frozen({ id: 'operation', ...input }) })))
    return again === tried(() => outcome({ snapshot: spot.snapshot, actions }))
      ? []
      : ['the start is another one the second time']
  })
  const stepped = some(edges, nameOf).flatMap((edge) => {
    const { before, next, after, actions } = edge
    if (!after) return []
    frozen(before.snapshot.context)
    const again = tried(() => outcome(bareStep(machine, { snapshot: before.snapshot, event: frozen(next.event) })))
    if (again === tried(() => outcome({ snapshot: after.snapshot, actions }))) return []
    return [`${nameOf(edge)}: ${again.startsWith('{') ? 'is another step the second time' : again}`]
  })
  return [...started, ...stepped]
}

const tried = (run: () => string): string => {
  try {
    return elsewhere(run)
  } catch (error) {
    return messageOf(error)
  }
}

/** Runs it on another day, and with other luck. */
function elsewhere<T>(run: () => T): T {
  const { Date: Now } = globalThis
  const { random } = Math
  const laterMs = Now.now() + 86_400_000
  globalThis.Date = class extends Now {
    constructor(...args: unknown[]) {
      super(...((args.length > 0 ? args : [laterMs]) as [number]))
    }
    static override now(): number {
      return laterMs
    }
  } as DateConstructor
  Math.random = () => 1 - random()
  try {
    return run()
  } finally {
    globalThis.Date = Now
    Math.random = random
  }
}

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const inner of Object.values(value)) frozen(inner)
  return value
}

/** Inputs that read more than the context, or that change while their invoke goes on. */
export function unsteady({ spots, edges }: Walked): string[] {
  const inputs = ({ snapshot }: Spot): Map<string, string> =>
    new Map(
      snapshot._nodes.flatMap(({ invoke }) =>
        invoke.map(({ id, input }) => [id, canonical(inputOf(input, snapshot.context))] as const),
      ),
    )
  const known = new Map<Spot, Map<string, string>>()
  const read = spots.flatMap((spot) => {
    try {
      known.set(spot, inputs(spot))
      return []
    } catch (error) {
      return [`${spot.state}: ${messageOf(error)}`]
    }
  })
  if (read.length > 0) return read
  return edges.flatMap((edge) => {
    const { before, after, actions } = edge
    if (!after || after === before || isOver(after)) return []
    const entered = new Set(actions.map(({ params }) => (params as { id?: string } | undefined)?.id))
    const kept = [...inputs(after)].filter(([id]) => !entered.has(id))
    const changed = kept.some(([id, input]) => inputs(before).get(id) !== input)
    return changed ? [`${nameOf(edge)} changes the input of what goes on`] : []
  })
}

/** Numbers of which others cannot come: no −0, and no integer beyond the safe ones. */
const isExact = (value: number): boolean =>
  (Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value)) && !Object.is(value, -0)

/** Contexts, writes and told events that would be others after they were stored. */
export function unstorable({ spots, starts, edges }: Walked): string[] {
  const contexts = spots.flatMap(({ state, snapshot }) => notJson(snapshot.context, `${state}: context`, isExact) ?? [])
  const told = [...starts.flatMap(({ actions }) => actions), ...edges.flatMap(({ actions }) => actions)]
  const params = told.flatMap(({ type, params: of }) => {
    if (type === 'tx') return notJson(of, 'a write', isExact) ?? []
    if (type === 'start') return notJson(of, 'a child', isExact) ?? []
    return type === 'xstate.emit' ? (notJson((of as { event: unknown }).event, 'what is emitted', isExact) ?? []) : []
  })
  return [...contexts, ...params]
}

/** States that are others when they are read back from their rows, or go on in another way. */
export function forgetful({ kind, samples, spots }: Walked): string[] {
  const storing: Stepper = stepper({ kind, runs: {}, read: undefined as never, tables: {}, clock: { now: () => 0, monotonicMs: () => 0 }, random: () => 0, inspected: false }) // prettier-ignore
  const standing = (snapshot: AnyMachineSnapshot): string =>
    canonical({
      state: snapshot.value as unknown,
      context: snapshot.context as unknown,
      tags: [...snapshot.tags],
      invokes: storing.invokes(snapshot),
      timers: snapshot._nodes.flatMap((node) => delaysOf(node).map((name) => `${node.id} ${name}`)),
      poll: storing.poll(snapshot),
    })
  return some(spots.filter(isRest), ({ state }) => state).flatMap((spot) => {
    const { state, snapshot } = spot
    try {
      const row = JSON.stringify(storing.persist(snapshot))
      const restored = storing.restore(JSON.parse(row) as never)
      if (standing(restored) !== standing(snapshot)) return [`${state} is another state when it is read back`]
      return nextsOf(kind, samples, spot).flatMap(({ event }) => {
        const [here, there] = [snapshot, restored].map((from) =>
          outcome(bareStep(kind.machine, { snapshot: from, event })),
        )
        return here === there ? [] : [`${state}, read back, goes on in another way by ${event.type}`]
      })
    } catch (error) {
      return [`${state}, read back: ${messageOf(error)}`]
    }
  })
}

/** Whether it happens by itself; or a person who was told to makes it happen. */
const comes = ({ before, next: { from } }: Edge): boolean => from !== 'caller' || before.snapshot.hasTag('human')

/** States in which nothing comes: no answer, delay, polled event, and no event of a person who knows of it. */
export function stuck({ spots, edges }: Walked): string[] {
  const leads = new Set(edges.flatMap((edge) => (comes(edge) && edge.after && edge.after !== edge.before ? [edge.before.key] : []))) // prettier-ignore
  return spots
    .filter((spot) => isRest(spot) && !leads.has(spot.key))
    .map(({ state, snapshot }) => `${state}: ${snapshot.hasTag('human') ? 'no event of a person leads on' : 'no answer, delay or polled event leads on, and it is not tagged human'}`) // prettier-ignore
}

/** States from which no end can be reached. */
export function endless({ spots, edges }: Walked): string[] {
  const into = Map.groupBy(
    edges.filter((edge) => comes(edge) && edge.after),
    ({ after }) => after!.key,
  )
  const ends = new Set(spots.filter(isOver).map(({ key }) => key))
  for (const key of ends) for (const { before } of into.get(key) ?? []) ends.add(before.key)
  return spots.filter(({ key }) => !ends.has(key)).map(({ state }) => `${state}: no end can be reached`)
}

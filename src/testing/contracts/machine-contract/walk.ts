/**
 * A chart walked through: from its start, every sample answer, delay, event and polled event in every state that they
 * lead to. Local states are states like others here, so that each of their answers is tried. `xstate/graph` does the
 * walking, over logic that does what the kernel would do, and nothing else.
 */
import type { ActorLogic, AnyMachineSnapshot, AnyStateMachine, AnyStateNode, EventObject, Snapshot } from 'xstate'
import { getAdjacencyMap } from 'xstate/graph'
import type { Answer, Declared } from '../../../kernel/define/authoring.ts'
import { pollOf } from '../../../kernel/define/chart.ts'
import { dotted, type DeclaredOf, type OperationKind } from '../../../kernel/define/operation.ts'
import type { ContextOf } from '../../../kernel/define/typed.ts'
import { bareStep, doneEvent, paramsOf, type Collected } from '../../../kernel/step/step.ts'

type Outputs<M> = { readonly [Src in keyof DeclaredOf<M>]?: Sample<DeclaredOf<M>[Src]> }
type Sample<Logic> =
  Logic extends Declared<infer Out, infer In> ? readonly Out[] | ((input: In) => readonly Out[]) : never

/** What a kind is walked through with. */
export interface Samples<M extends AnyStateMachine = AnyStateMachine> {
  /** Inputs of operations; one for each way in which the chart may begin. */
  readonly inputs: readonly object[]
  /**
   * For each effect and local step, `join` too, at least one output for every answer that it declares. One that is left out answers
   * with nothing beside its answers.
   */
  readonly answers?: Outputs<M>
  /** What callers send and polls tell, with payloads that make a difference. */
  readonly events?: readonly (EventObject & { readonly [field: string]: unknown })[]
  /**
   * What guards read of a context, counts cut where more makes no difference: states that are equal in it, and in their
   * name, are walked on from once. All of the context unless given, which may never end.
   */
  readonly sees?: (context: ContextOf<M>, state: string) => unknown
}

/** Where something that is about to happen comes from. */
export type From = 'answer' | 'delay' | 'poll' | 'caller'

/** Something that may happen in a state. */
export interface Next {
  readonly from: From
  readonly event: EventObject
  /** The effect or local step that answers. */
  readonly src?: string
}

/** A state that was met. */
export interface Spot {
  /** Equal for states that are the same by what the samples say their guards see. */
  readonly key: string
  readonly state: string
  readonly snapshot: AnyMachineSnapshot
  /** The timers that have not fired yet. */
  readonly timers: ReadonlySet<string>
}

/** One step: an event in a state. */
export interface Edge {
  readonly before: Spot
  readonly next: Next
  /** What came of it; `before` where the chart takes no notice, undefined where the step threw. */
  readonly after: Spot | undefined
  readonly actions: readonly Collected[]
  readonly error?: unknown
}

export interface Walk {
  readonly spots: readonly Spot[]
  readonly edges: readonly Edge[]
  /** Steps from inputs. */
  readonly starts: readonly { readonly spot: Spot; readonly actions: readonly Collected[] }[]
}

/** Steps beyond which a walk is taken to have no end. */
const MOST_STEPS = 250_000

export const isLocal = ({ snapshot }: Spot): boolean => snapshot.hasTag('local')
export const isOver = ({ snapshot }: Spot): boolean => snapshot.status !== 'active'
/** It can be found in it after a crash, or be looked at. */
export const isRest = (spot: Spot): boolean => !isOver(spot) && !isLocal(spot)

/** The name of the poll on a state. */
export const pollAt = ({ snapshot }: Spot): string | undefined =>
  snapshot._nodes.map((node) => pollOf(node.meta)).find((name) => name !== undefined)

/** All that may happen in a state, by the samples. */
export function nextsOf(kind: OperationKind, samples: Samples, spot: Spot): Next[] {
  if (isOver(spot)) return []
  const { snapshot, timers } = spot
  const nodes = snapshot._nodes
  const answers = nodes.flatMap((node) =>
    node.invoke.flatMap(({ id, src, input }) =>
      outputsOf(kind, samples, src as string, () => inputOf(input, snapshot.context)).map((output): Next => ({
        from: 'answer',
        src: src as string,
        event: doneEvent(id, output),
      })),
    ),
  )
  if (isLocal(spot)) return answers
  const delays = [...timers].map((type): Next => ({ from: 'delay', event: { type } }))
  const told = polledBy(kind)
  const poll = pollAt(spot)
  const events = (samples.events ?? []).flatMap((event): Next[] => {
    if (![...told.values()].flat().includes(event.type)) return [{ from: 'caller', event }]
    return poll !== undefined && told.get(poll)!.includes(event.type) ? [{ from: 'poll', event }] : []
  })
  return [...answers, ...delays, ...events]
}

/** The names of a state's delays. */
export const delaysOf = (node: AnyStateNode): string[] => Object.keys(node.config.after ?? {})

/** The timers after a step: those that it set, without those that it cancelled, and without the one that fired. */
function timersAfter(before: ReadonlySet<string>, actions: readonly Collected[], event?: string): ReadonlySet<string> {
  const timers = new Set(before)
  if (event !== undefined) timers.delete(event)
  for (const action of actions) {
    const { type } = action
    const { event: raised, delay, sendId } = paramsOf(action)
    if (type === 'xstate.cancel' && sendId !== undefined) timers.delete(sendId)
    if (type === 'xstate.raise' && raised && delay !== undefined) timers.add(raised.type)
  }
  return timers
}

/** Which events each poll sends. Binding it to ports of nobody makes no request. */
export const polledBy = (kind: OperationKind): Map<string, readonly string[]> =>
  new Map(Object.entries(kind.polls?.({}) ?? {}).map(([name, { sends }]) => [name, sends]))

/** An invoke's input. @throws where it reads anything but the context, for nothing else is left after a crash. */
export function inputOf(input: unknown, context: unknown): unknown {
  if (typeof input !== 'function') return input
  const args = new Proxy({ context } as Record<string | symbol, unknown>, {
    get(target, name) {
      if (name !== 'context') throw new TypeError(`the input reads '${String(name)}'`)
      return target[name]
    },
  })
  return (input as (args: unknown) => unknown)(args)
}

/** The sample outputs of an effect or a local step. */
export function outputsOf(
  { machine }: OperationKind,
  { answers }: Samples,
  src: string,
  input: () => unknown,
): readonly Answer[] {
  // prettier-ignore
  const of = (answers as Readonly<Record<string, unknown>> | undefined)?.[src]
  if (typeof of === 'function') return (of as (input: unknown) => readonly Answer[])(input())
  if (of !== undefined) return of as readonly Answer[]
  return new Map(declaredOf(machine)).get(src)?.answers?.map((answer) => ({ answer })) ?? []
}

/** The declarations of a machine's effects and local steps. */
export const declaredOf = (machine: AnyStateMachine): [string, Declared<Answer, unknown>][] =>
  Object.entries(machine.implementations.actors as unknown as Record<string, Declared<Answer, unknown>>)

/** Walks through a chart. @throws {Error} where it has no end, or a start throws; what steps throw is in their edges. */
export function walk(kind: OperationKind, samples: Samples): Walk {
  const edges: Edge[] = []
  const sees = (samples.sees ?? ((context: unknown) => context)) as (context: unknown, state: string) => unknown
  const spotOf = (snapshot: AnyMachineSnapshot, timers: ReadonlySet<string>): Spot => {
    const state = dotted(snapshot.value)
    const left = snapshot.status === 'active' ? timers : new Set<string>()
    return { key: JSON.stringify([state, sees(snapshot.context, state), [...left]]), state, snapshot, timers: left }
  }
  const transition = (before: Spot, next: Next): Spot => {
    try {
      const { snapshot, actions } = bareStep(kind.machine, { snapshot: before.snapshot, event: next.event })
      const unmoved = snapshot === before.snapshot && next.from !== 'delay'
      const after = unmoved ? before : spotOf(snapshot, timersAfter(before.timers, actions, next.event.type))
      edges.push({ before, next, after, actions })
      return after
    } catch (error) {
      edges.push({ before, next, after: undefined, actions: [], error })
      return before
    }
  }
  const starts: Walk['starts'][number][] = []
  const spots = new Map<string, Spot>()
  for (const input of samples.inputs) {
    const { snapshot, actions } = bareStep(kind.machine, { input: { id: 'operation', ...input } })
    const start = { spot: spotOf(snapshot, timersAfter(new Set(), actions)), actions }
    starts.push(start)
    // A walk that comes to where another has been ends there.
    const known = new Set(spots.keys())
    const logic = { transition, getInitialSnapshot: () => start.spot } as unknown as ActorLogic<Snapshot<unknown>, EventObject> // prettier-ignore
    const found = getAdjacencyMap(logic, {
      events: ((spot: Spot) => nextsOf(kind, samples, spot)) as never,
      serializeState: (({ key }: Spot) => key) as never,
      serializeEvent: (event) => JSON.stringify((event as unknown as Next).event),
      stopWhen: ((spot: Spot) => known.has(spot.key)) as never,
      limit: MOST_STEPS,
    })
    for (const [key, { state }] of Object.entries(found)) spots.set(key, state as unknown as Spot)
  }
  return { spots: [...spots.values()], edges, starts }
}

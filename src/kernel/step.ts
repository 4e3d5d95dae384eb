/**
 * One step of a chart, computed and not yet committed: the event is applied, local steps are run until the chart
 * rests in a state that is not local, and what it wants done is collected. Nothing here touches the outside.
 */
import {
  createActor,
  fromCallback,
  type AnyActorRef,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type AnyTransitionDefinition,
  type EventObject,
  type InspectionEvent,
} from 'xstate'
import type { Write } from '../store/port.ts'
import type { Tables } from '../store/rows.ts'
import type { Answer, Backoff, Deadline, Declared } from './authoring.ts'
import { HardshellError } from './errors.ts'
import { overlay } from './overlay.ts'
import { stateNodes, type OperationKind, type PersistedSnapshot, type Reader } from './operation.ts'

/** An invoke of an active state, its input derived from the context alone. */
export interface Invoke {
  readonly id: string
  readonly src: string
  readonly local: boolean
  readonly input: unknown
}

/** Timer id → when it ends (epoch ms). A timer's id is the type of the event that it sends. */
export type Timers = Readonly<Record<string, number>>

export interface Step {
  readonly snapshot: AnyMachineSnapshot
  readonly writes: readonly Write[]
  readonly emitted: readonly EventObject[]
  readonly timers: Timers
  /** Ids of the invokes that this step entered. */
  readonly entered: ReadonlySet<string>
  /** The transitions it took, in order, where somebody wants to know. */
  readonly moves: readonly Move[]
}

/** One transition of a chart, taken. */
export interface Move {
  readonly event: string
  /** What the invoke answered, where the event says that one is done. */
  readonly answer?: string
  /** The state that has the transition, the event it is declared for, and its place among those for the event. */
  readonly source: string
  readonly on: string
  readonly index: number
  readonly targets: readonly string[]
}

/** What computing steps of one kind needs. */
export interface Stepper {
  /** Undefined where the chart takes no notice of the event. */
  next(from: AnyMachineSnapshot, timers: Timers, event: EventObject): Promise<Step | undefined>
  first(input: unknown): Promise<Step>
  restore(persisted: PersistedSnapshot): AnyMachineSnapshot
  persist(snapshot: AnyMachineSnapshot): PersistedSnapshot
  invokes(snapshot: AnyMachineSnapshot): Invoke[]
  /** The timers that the snapshot's states call for, an unknown one counted from when they were entered. */
  timersOf(snapshot: AnyMachineSnapshot, known: Timers, enteredAtMs: number): Timers
  /** The name of the watch on this snapshot's state. */
  watch(snapshot: AnyMachineSnapshot): string | undefined
}

/** An action that a step wants done. */
export interface Collected {
  readonly type: string
  readonly params?: unknown
}
type Delay = number | ((args: { context: unknown }) => number) | Deadline<unknown> | Backoff<unknown>
type Run = (args: unknown) => unknown

const MOST_LOCAL_STEPS = 64

/**
 * Steps are computed against an actor that never starts: it lends its identity and system, as in XState's own pure
 * `transition()`.
 */
function lender(moved?: (move: Move) => void): AnyActorRef & { system: unknown } {
  const inspect = (inspected: InspectionEvent): void => {
    if (inspected.type !== '@xstate.microstep') return
    const { type: event, output } = inspected.event as EventObject & { output?: Answer }
    for (const transition of inspected._transitions)
      moved!({ event, ...(output && { answer: output.answer }), ...placeOf(transition) })
  }
  return createActor(
    fromCallback(() => {}),
    moved && { inspect },
  )
}
const inert = lender()

/** Under it a machine does nothing: its actions are collected instead. */
const scopeOf = (self: ReturnType<typeof lender>, actions: Collected[]): never =>
  ({
    self,
    id: self.id,
    sessionId: self.sessionId,
    system: self.system,
    logger: () => {},
    defer: () => {},
    emit: () => {},
    stopChild: () => {},
    actionExecutor: (action: Collected) => actions.push(action),
  }) as never

/** The kernel keeps its own account of what is invoked; XState's child actors never start and are dropped. */
function orphan(snapshot: AnyMachineSnapshot): AnyMachineSnapshot {
  if (snapshot.status === 'error') throw snapshot.error
  snapshot.children = {}
  return snapshot
}

/** What a machine alone makes of an event, or of its input where there is no snapshot yet: no local step is run. */
export function bareStep(
  machine: AnyStateMachine,
  from: { readonly snapshot: AnyMachineSnapshot; readonly event: EventObject } | { readonly input: unknown },
): { readonly snapshot: AnyMachineSnapshot; readonly actions: readonly Collected[] } {
  const actions: Collected[] = []
  const scope = scopeOf(inert, actions)
  const snapshot =
    'input' in from
      ? machine.getInitialSnapshot(scope, from.input as never)
      : machine.transition(from.snapshot, from.event as never, scope)
  return { snapshot: orphan(snapshot as AnyMachineSnapshot), actions }
}

/** Where a chart has a transition, and where it leads. */
export function placeOf(transition: AnyTransitionDefinition): Pick<Move, 'source' | 'on' | 'index' | 'targets'> {
  const { source, target = [] } = transition
  const on = transition.eventType as string
  const others = on === '' ? source.always : source.transitions.get(on)
  return { source: source.id, on, index: others?.indexOf(transition) ?? 0, targets: target.map(({ id }) => id) }
}

export const doneEvent = (invokeId: string, output: unknown): EventObject & { output: unknown; actorId: string } => ({
  type: `xstate.done.actor.${invokeId}`,
  output,
  actorId: invokeId,
})

export function stepper(options: {
  kind: OperationKind
  runs: Readonly<Record<string, unknown>>
  read: Reader
  tables: Tables
  now: () => number
  random: () => number
  /** Whether somebody wants to know the moves. */
  inspected: boolean
}): Stepper {
  const { kind, read, now } = options
  const runs = options.runs as Readonly<Record<string, Run>>
  const machine: AnyStateMachine = kind.machine
  const delays = new Map<string, { name: string; nodeId: string }>()
  for (const node of stateNodes(machine))
    for (const name of Object.keys(node.config.after ?? {}))
      delays.set(`xstate.after.${name}.${node.id}`, { name, nodeId: node.id })

  const collect = () => {
    const actions: Collected[] = []
    const moves: Move[] = []
    const self = options.inspected ? lender((move) => moves.push(move)) : inert
    return { actions, moves, scope: scopeOf(self, actions) }
  }

  const invokes = (snapshot: AnyMachineSnapshot): Invoke[] =>
    snapshot.status !== 'active'
      ? []
      : snapshot._nodes.flatMap((node) =>
          node.invoke.map((def) => ({
            id: def.id,
            src: def.src as string,
            local: (machine.implementations.actors[def.src as string] as unknown as Declared<never, never>).local,
            input:
              typeof def.input === 'function'
                ? (def.input as (args: { context: unknown }) => unknown)({ context: snapshot.context })
                : def.input,
          })),
        )

  const endOf = (name: string, context: unknown, fromMs: number): number => {
    const delay = machine.implementations.delays[name] as unknown as Delay
    if (typeof delay === 'number') return fromMs + delay
    if ('until' in delay) return delay.until(context)
    const ms = delay({ context })
    return Math.round(fromMs + ('jitter' in delay ? ms * (1 - options.random() / 2) : ms))
  }

  /** A clock that was set back must not make a pause longer than it is. */
  const soonest = (name: string, context: unknown, atMs: number): number => {
    const delay = machine.implementations.delays[name] as unknown as Delay
    if (typeof delay !== 'number' && 'until' in delay) return atMs
    return Math.min(atMs, now() + (typeof delay === 'number' ? delay : delay({ context })))
  }

  const settle = async (
    start: AnyMachineSnapshot,
    timers: Timers,
    collected: ReturnType<typeof collect>,
  ): Promise<Step> => {
    const { actions, moves, scope } = collected
    let snapshot = orphan(start)
    for (let ran = 0; ; ran++) {
      const step = invokes(snapshot).find((invoke) => invoke.local)
      if (!step) break
      if (ran >= MOST_LOCAL_STEPS) throw new HardshellError('DEFECT', `${kind.kind}: local steps go round in circles`)
      const pending = actions.flatMap(({ type, params }) => (type === 'tx' ? (params as readonly Write[]) : []))
      const output = await runs[step.src]!({
        input: step.input,
        read: overlay(read, options.tables, pending),
        nowMs: now(),
      })
      const before = snapshot
      snapshot = orphan(machine.transition(snapshot, doneEvent(step.id, output) as never, scope) as AnyMachineSnapshot)
      if (snapshot === before) {
        const answer = (output as { answer?: unknown })?.answer
        throw new HardshellError('DEFECT', `${kind.kind}: no way on from '${step.src}' answering '${String(answer)}'`)
      }
    }
    return { snapshot, moves, ...sort(actions, snapshot, timers) }
  }

  /** Sorts the collected actions into writes, timers, emitted events and entered invokes. */
  const sort = (
    actions: readonly Collected[],
    snapshot: AnyMachineSnapshot,
    before: Timers,
  ): Omit<Step, 'snapshot' | 'moves'> => {
    const writes: Write[] = []
    const emitted: EventObject[] = []
    const entered = new Set<string>()
    let timers: Record<string, number> = { ...before }
    const atMs = now()
    for (const { type, params } of actions) {
      if (type === 'tx') writes.push(...(params as readonly Write[]))
      else if (type === 'xstate.emit') emitted.push((params as { event: EventObject }).event)
      else if (type === 'xstate.spawnChild') entered.add((params as { id: string }).id)
      else if (type === 'xstate.cancel') delete timers[(params as { sendId: string }).sendId]
      else if (type === 'xstate.raise') {
        const { event, delay } = params as { event: EventObject; delay?: number }
        if (delay === undefined) continue
        const timer = delays.get(event.type)
        if (!timer) throw new HardshellError('DEFECT', `${kind.kind}: delayed raise of '${event.type}'; use after`)
        timers[event.type] = endOf(timer.name, snapshot.context, atMs)
      } else if (type !== 'xstate.stopChild') {
        throw new HardshellError('DEFECT', `${kind.kind}: action '${type}' is a side effect; use tx, emit or invoke`)
      }
    }
    if (snapshot.status !== 'active') timers = {}
    return { writes, emitted, timers, entered }
  }

  return {
    invokes,
    async next(from, timers, event) {
      const collected = collect()
      const to = machine.transition(from, event as never, collected.scope) as AnyMachineSnapshot
      if (to === from && collected.actions.length === 0) return undefined
      return settle(to, timers, collected)
    },
    async first(input) {
      const collected = collect()
      return settle(machine.getInitialSnapshot(collected.scope, input as never) as AnyMachineSnapshot, {}, collected)
    },
    restore(persisted) {
      const snapshot = {
        historyValue: {},
        output: undefined,
        error: undefined,
        ...persisted,
        context: {},
        children: {},
      }
      const restored = machine.restoreSnapshot(snapshot as never, collect().scope) as AnyMachineSnapshot
      // XState would search the context for actors; there are none in it.
      restored.context = persisted.context
      return orphan(restored)
    },
    persist(snapshot) {
      const context = snapshot.context as PersistedSnapshot['context']
      const bare = { ...snapshot, context: {} }
      const { status, value, historyValue, output } = machine.getPersistedSnapshot(bare) as unknown as PersistedSnapshot
      return { status, value, context, historyValue, output } as PersistedSnapshot
    },
    timersOf(snapshot, known, enteredAtMs) {
      const timers: Record<string, number> = {}
      if (snapshot.status !== 'active') return timers
      for (const node of snapshot._nodes)
        for (const name of Object.keys(node.config.after ?? {})) {
          const id = `xstate.after.${name}.${node.id}`
          timers[id] = soonest(name, snapshot.context, known[id] ?? endOf(name, snapshot.context, enteredAtMs))
        }
      return timers
    },
    watch(snapshot) {
      if (snapshot.status !== 'active') return undefined
      for (const node of snapshot._nodes) {
        const { watch } = (node.meta ?? {}) as { watch?: string }
        if (watch !== undefined) return watch
      }
      return undefined
    },
  }
}

/**
 * One step of a chart, computed and not yet committed: the event is applied, local steps are run until the chart
 * rests in a state that is not local, and what it wants done is collected. Nothing here touches the outside.
 */
import {
  createActor,
  fromCallback,
  type Actor,
  type AnyActorScope,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type AnyTransitionDefinition,
  type CallbackActorLogic,
  type EventObject,
  type InspectionEvent,
  type Snapshot,
} from 'xstate'
import type { Write } from '../../store/port.ts'
import type { Tables } from '../../store/kit/rows.ts'
import { answerOf, checkAnswer, contextOf, declaredOf, invokeIds, pollOf } from '../define/chart.ts'
import { isReserved } from '../define/definition.ts'
import { HardshellError } from '../util/errors.ts'
import { own } from '../util/own.ts'
import type { Moment } from '../run/moments.ts'
import { RowsRead, type RowCheck } from './rows-read.ts'
import { chartTimers, fired, type StoredTimers, type Timers } from './timers.ts'
import type { Clock } from '../util/ports.ts'
import type { Start } from '../define/children.ts'
import type { LocalStep } from '../define/steps.ts'
import type { OperationKind, PersistedSnapshot, Reader } from '../define/operation.ts'

/** An invoke of an active state, its input derived from the context alone. */
export interface Invoke {
  readonly id: string
  readonly src: string
  readonly local: boolean
  readonly input: unknown
}

export interface Step {
  readonly snapshot: AnyMachineSnapshot
  readonly writes: readonly Write[]
  /** That the rows which its local steps got are as they were read. */
  readonly checks: readonly RowCheck[]
  readonly emitted: readonly EventObject[]
  /** The children that it starts. */
  readonly starts: readonly Start[]
  /** What it replies to whoever sent its event; undefined where it replies nothing. */
  readonly reply?: unknown
  readonly timers: Timers
  /** Ids of the invokes that this step entered. */
  readonly entered: ReadonlySet<string>
  /** The local steps on its way, in order. */
  readonly locals: readonly LocalStep[]
  /** The transitions it took, in order, where somebody wants to know. */
  readonly moves: readonly Move[]
}

/** One transition of a chart, taken. */
export interface Move {
  readonly event: string
  /** The whole event. It may hold secrets: only an unsafe inspector is told. */
  readonly given: EventObject
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
  /** Undefined if the chart does not take the event. A timer's event counts as firing now. */
  next(from: AnyMachineSnapshot, timers: Timers, event: EventObject): Promise<Step | undefined>
  /** The local steps of a child's first step read the store as its parent's step leaves it. */
  first(input: unknown, read?: Reader): Promise<Step>
  restore(persisted: PersistedSnapshot): AnyMachineSnapshot
  persist(snapshot: AnyMachineSnapshot): PersistedSnapshot
  invokes(snapshot: AnyMachineSnapshot): Invoke[]
  /** The timers that the snapshot's states call for, as a row has them that was written then. */
  timersOf(snapshot: AnyMachineSnapshot, known: StoredTimers, writtenAtMs: number): Timers
  /** The name of the poll on this snapshot's state. */
  poll(snapshot: AnyMachineSnapshot): string | undefined
}

/** An action that a step wants done. Its type says what the params are. */
export interface Collected {
  readonly type: string
  readonly params?: unknown
}
/** What XState's own actions carry. */
export interface ActionParams {
  readonly event?: EventObject
  readonly delay?: number
  readonly id?: string
  readonly sendId?: string
}
type Run = (args: unknown) => unknown

const textOf = (name: unknown): string => (typeof name === 'string' ? name : '')
const isWrites = (params: unknown): params is readonly Write[] => Array.isArray(params)
const isParams = (params: unknown): params is ActionParams => typeof params === 'object' && params !== null
const writesOf = ({ params }: Collected): readonly Write[] => (isWrites(params) ? params : [])
const isStarts = (params: unknown): params is readonly Start[] => Array.isArray(params)
export const paramsOf = ({ params }: Collected): ActionParams => (isParams(params) ? params : {})

const MOST_LOCAL_STEPS = 64

/**
 * Steps are computed against an actor that never starts: it lends its identity and system, as in XState's own pure
 * `transition()`.
 */
function lender(moved?: (move: Move) => void): Actor<CallbackActorLogic<EventObject>> {
  const inspect = (inspected: InspectionEvent): void => {
    if (inspected.type !== '@xstate.microstep') return
    const { event } = inspected
    const answer = 'output' in event ? answerOf(event.output) : undefined
    for (const transition of inspected._transitions)
      moved?.({ event: event.type, given: event, ...(answer !== undefined && { answer }), ...placeOf(transition) })
  }
  return createActor(
    fromCallback(() => {}),
    moved && { inspect },
  )
}
const inert = lender()

/** An invoke's input, which reads the context and nothing else. */
const derived = (input: Function, snapshot: AnyMachineSnapshot): unknown =>
  Reflect.apply(input, undefined, [{ context: contextOf(snapshot) }])

/** A scope in which a machine's actions are collected and not done. */
const scopeOf = (self: ReturnType<typeof lender>, actions: Collected[]): AnyActorScope => ({
  self,
  id: self.id,
  sessionId: self.sessionId,
  system: self.system,
  logger: () => {},
  defer: () => {},
  emit: () => {},
  stopChild: () => {},
  actionExecutor: (action) => actions.push(action),
})

const childrenOf = ({ children }: { readonly children: object }): object => children

/** The kernel keeps its own account of what is invoked; XState's child actors never start and are dropped. */
function orphan(snapshot: AnyMachineSnapshot): AnyMachineSnapshot {
  if (snapshot.status === 'error') throw snapshot.error
  if (Object.isFrozen(snapshot)) return snapshot
  const invoked = invokeIds(snapshot.machine)
  for (const id of Object.keys(childrenOf(snapshot)))
    if (!invoked.has(id)) throw new HardshellError('DEFECT', `the chart spawns '${id}'; use invoke`)
  snapshot.children = {}
  return snapshot
}

/** The outcome of a step, as it is stored. It is frozen. */
export function settled(snapshot: AnyMachineSnapshot, before?: AnyMachineSnapshot): AnyMachineSnapshot {
  if (Object.isFrozen(snapshot)) return snapshot
  const { value } = snapshot as { value: unknown }
  const { output } = snapshot as { output: unknown }
  return Object.freeze(
    Object.assign(snapshot, {
      value: own(value, 'value'),
      context: own(contextOf(snapshot), 'context', before && contextOf(before)),
      ...(output !== undefined && { output: own(output, 'output') }),
    }),
  )
}

/**
 * What a chart makes of an event. XState's own events and the kernel's are taken under their names, and by no wildcard: a
 * chart that takes all that callers send does not mean them.
 */
function moved(
  machine: AnyStateMachine,
  from: AnyMachineSnapshot,
  event: EventObject,
  scope: AnyActorScope,
): AnyMachineSnapshot {
  const byName = isReserved(event.type) || event.type === RESUME
  if (byName && machine.getTransitionData(from, event).some(({ eventType }) => eventType !== event.type)) return from
  return machine.transition(from, event, scope)
}

/** The event by which somebody resumes an operation that is running. */
export const RESUME = 'resume'

/** What a machine alone makes of an event, or of its input where there is no snapshot yet: no local step is run. */
export function bareStep(
  machine: AnyStateMachine,
  from: { readonly snapshot: AnyMachineSnapshot; readonly event: EventObject } | { readonly input: unknown },
): { readonly snapshot: AnyMachineSnapshot; readonly actions: readonly Collected[] } {
  const actions: Collected[] = []
  const scope = scopeOf(inert, actions)
  const snapshot =
    'input' in from ? machine.getInitialSnapshot(scope, from.input) : moved(machine, from.snapshot, from.event, scope)
  return { snapshot: orphan(snapshot), actions }
}

/** Where a chart has a transition, and where it leads. */
export function placeOf(transition: AnyTransitionDefinition): Pick<Move, 'source' | 'on' | 'index' | 'targets'> {
  const { source, target = [] } = transition
  const on = textOf(transition.eventType)
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
  runs: Readonly<Record<string, Run>>
  read: Reader
  tables: Tables
  clock: Pick<Clock, 'now' | 'monotonicMs'>
  random: () => number
  /** Whether somebody wants to know the moves. */
  inspected: boolean
}): Stepper {
  const { kind, read, clock } = options
  const now = (): number => clock.now()
  const { runs } = options
  const machine: AnyStateMachine = kind.machine
  const chart = chartTimers(machine, options)

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
          node.invoke.map(({ id, src, input }) => ({
            id,
            src: textOf(src),
            local: declaredOf(machine, src).local,
            input:
              typeof input === 'function'
                ? derived(input, snapshot)
                : input === undefined
                  ? undefined
                  : own<unknown>(input, `the input of '${textOf(src)}'`),
          })),
        )

  const settle = async (
    start: AnyMachineSnapshot,
    from: AnyMachineSnapshot | undefined,
    timers: Timers,
    collected: ReturnType<typeof collect>,
    under: Reader = read,
  ): Promise<Step> => {
    const { actions, moves, scope } = collected
    const rows = new RowsRead(under, options.tables)
    const locals: LocalStep[] = []
    let snapshot = orphan(start)
    for (let ran = 0; ; ran++) {
      const step = invokes(snapshot).find((invoke) => invoke.local)
      if (!step) break
      if (ran >= MOST_LOCAL_STEPS) throw new HardshellError('DEFECT', `${kind.kind}: local steps go round in circles`)
      const pending = actions.flatMap((action) => (action.type === 'tx' ? writesOf(action) : []))
      const output = await runs[step.src]?.({
        input: step.input,
        read: rows.reader(pending),
        nowMs: now(),
      })
      checkAnswer(machine, step.src, output)
      const answer = answerOf(output) ?? ''
      locals.push({ src: step.src, answer })
      const before = snapshot
      snapshot = orphan(moved(machine, snapshot, doneEvent(step.id, output), scope))
      if (snapshot === before)
        throw new HardshellError('DEFECT', `${kind.kind}: no way on from '${step.src}' answering '${answer}'`)
    }
    const sorted = sort(actions, snapshot, timers)
    return { snapshot: settled(snapshot, from), locals, moves, ...sorted, ...rows.conditioned(sorted.writes) }
  }

  /** Sorts the collected actions into writes, timers, emitted events and entered invokes. */
  const sort = (
    actions: readonly Collected[],
    snapshot: AnyMachineSnapshot,
    before: Timers,
  ): Omit<Step, 'snapshot' | 'locals' | 'moves' | 'checks'> => {
    const writes: Write[] = []
    const emitted: EventObject[] = []
    const starts: Start[] = []
    const entered = new Set<string>()
    const replies: unknown[] = []
    let timers: Record<string, Moment | null> = { ...before }
    for (const action of actions) {
      const { type } = action
      const { event, id, sendId, delay } = paramsOf(action)
      if (type === 'tx') writes.push(...writesOf(action))
      else if (type === 'start' && isStarts(action.params)) starts.push(...action.params)
      else if (type === 'reply') replies.push(own(action.params, 'the reply'))
      else if (type === 'xstate.emit' && event) emitted.push(own(event, 'what is emitted'))
      else if (type === 'xstate.spawnChild' && id !== undefined) entered.add(id)
      else if (type === 'xstate.cancel' && sendId !== undefined) delete timers[sendId]
      else if (type === 'xstate.raise' && event) {
        if (delay === undefined) continue
        const end = chart.set(event.type, snapshot.context, delay)
        if (!end) throw new HardshellError('DEFECT', `${kind.kind}: delayed raise of '${event.type}'; use after`)
        timers[event.type] = end
      } else if (type !== 'xstate.stopChild') {
        throw new HardshellError('DEFECT', `${kind.kind}: action '${type}' is a side effect; use tx, emit or invoke`)
      }
    }
    if (replies.length > 1) throw new HardshellError('DEFECT', `${kind.kind}: a step replies ${replies.length} times`)
    if (snapshot.status !== 'active') timers = {}
    return { writes, emitted, starts, timers, entered, ...(replies.length > 0 && { reply: replies[0] }) }
  }

  return {
    invokes,
    async next(from, timers, event) {
      // XState would still take the transitions of the chart's root.
      if (from.status !== 'active') return undefined
      const collected = collect()
      const to = moved(machine, from, event, collected.scope)
      if (to === from && collected.actions.length === 0) return undefined
      return settle(to, from, fired(timers, event.type), collected)
    },
    async first(input, under) {
      const collected = collect()
      return settle(machine.getInitialSnapshot(collected.scope, input), undefined, {}, collected, under)
    },
    restore(persisted) {
      const whole = { historyValue: {}, output: undefined, error: undefined, ...persisted, context: {}, children: {} }
      // XState's type of a persisted snapshot has no state in it.
      const restored = machine.restoreSnapshot(whole as Snapshot<unknown>, collect().scope)
      // XState would search the context for actors; there are none in it.
      restored.context = persisted.context
      return orphan(restored)
    },
    persist(snapshot) {
      const context = contextOf(snapshot) as PersistedSnapshot['context']
      const persisted: object = machine.getPersistedSnapshot({ ...snapshot, context: {} })
      const { status, value, historyValue, output } = persisted as PersistedSnapshot
      return { status, value, context, ...(historyValue !== undefined && { historyValue }), output }
    },
    timersOf: (snapshot, known, writtenAtMs) => chart.restore(snapshot, known, writtenAtMs),
    poll(snapshot) {
      if (snapshot.status !== 'active') return undefined
      for (const node of snapshot._nodes) {
        const poll = pollOf(node.meta)
        if (poll !== undefined) return poll
      }
      return undefined
    },
  }
}

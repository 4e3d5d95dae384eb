/** Says of an operation why it is where it is and what comes next. Ids, states, times: no secrets. */
import type { LoadedKind } from './kernel.ts'
import type { OperationView } from './operation.ts'
import type { Timers } from './step.ts'

export interface Explanation {
  readonly id: string
  readonly kind: string
  readonly state: string
  readonly status: OperationView['status']
  /** The chart's own description of the state, with what the operation stored as its reason; or why it was set aside. */
  readonly why: string
  /** Requests under way, by effect. */
  readonly underWay: readonly string[]
  /** What it asks about, over and over. */
  readonly watching: string | undefined
  /** Delays that are running: name, and when each ends (epoch ms). */
  readonly timers: readonly { readonly name: string; readonly atMs: number; readonly inMs: number }[]
  /** Events that the chart would take now. */
  readonly takes: readonly string[]
  /** A person has to decide. */
  readonly needsHuman: boolean
  /** Its lane is closed: it waits, and contacts nobody. */
  readonly laneClosed: boolean
}

export function explain(of: {
  view: OperationView
  loaded: LoadedKind | undefined
  parked: string | undefined
  laneClosed: boolean
  nowMs: number
}): Explanation {
  const { view, loaded, nowMs } = of
  const { id, kind, state, status, row, snapshot } = view
  const base = { id, kind, state, status, laneClosed: of.laneClosed }
  if (!snapshot || !loaded || status !== 'active')
    return {
      ...base,
      why: of.parked ?? row.reason ?? (status === 'done' ? 'it has ended' : 'this program cannot load it'),
      underWay: [],
      watching: undefined,
      timers: [],
      takes: status === 'quarantined' ? ['resume'] : [],
      needsHuman: status !== 'done',
    }
  const nodes = snapshot._nodes.toReversed()
  const timers = Object.entries(JSON.parse(row.timers) as Timers)
  return {
    ...base,
    why: [nodes.find((node) => node.description)?.description ?? state, loaded.kind.because?.(snapshot.context)]
      .filter((part) => part !== null && part !== undefined && part !== '')
      .join(' '),
    underWay: loaded.stepper.invokes(snapshot).map((invoke) => invoke.src),
    watching: loaded.stepper.watch(snapshot),
    timers: timers.map(([timer, atMs]) => ({
      name: /^xstate\.after\.([^.]+)/.exec(timer)?.[1] ?? timer,
      atMs,
      inMs: Math.max(0, atMs - nowMs),
    })),
    takes: [...new Set(nodes.flatMap((node) => node.ownEvents as string[]))].filter(
      (event) => !event.startsWith('xstate.'),
    ),
    needsHuman: snapshot.hasTag('human'),
  }
}

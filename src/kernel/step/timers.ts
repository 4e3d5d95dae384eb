/**
 * The timers of a chart: each runs once while its state is held, as under XState itself. One that has fired stays on record
 * until its state is left, so that neither the next wake-up nor a restart lets it fire again.
 */
import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate'
import { contextOf, delayOf, stateNodes } from '../define/chart.ts'
import { momentIn, type Moment } from '../run/moments.ts'
import { HardshellError } from '../util/errors.ts'
import type { Clock } from '../util/ports.ts'

/** Timer id → when it ends, in the order in which they were set; null where it has fired. A timer's id is the type of its event. */
export type Timers = Readonly<Record<string, Moment | null>>
/** The same as a row has it: epoch ms. */
export type StoredTimers = Readonly<Record<string, number | null>>

/** Timers as they are stored. */
export const stored = (timers: Timers): StoredTimers =>
  Object.fromEntries(Object.entries(timers).map(([id, end]) => [id, end && end.atMs]))

/** Those that are still to fire, with their ends. */
export const running = <T>(timers: Readonly<Record<string, T | null>>): [string, T][] =>
  Object.entries(timers).flatMap(([id, end]): [string, T][] => (end === null ? [] : [[id, end]]))

/** The timers after a timer's own event. */
export const fired = (timers: Timers, id: string): Timers =>
  Object.hasOwn(timers, id) ? { ...timers, [id]: null } : timers

/** The timers of a row; undefined where it has no such thing. */
export function storedTimers(json: string): StoredTimers | undefined {
  try {
    const value: unknown = JSON.parse(json)
    return isTimers(value) ? value : undefined
  } catch {
    return undefined
  }
}

const isTimers = (value: unknown): value is StoredTimers =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every((end) => end === null || typeof end === 'number')

export const timerId = (name: string, nodeId: string): string => `xstate.after.${name}.${nodeId}`

/** The name of the delay in a timer's id, which is its event's type; undefined for other events. */
export const delayIn = (type: string): string | undefined => /^xstate\.after\.([^.]+)/.exec(type)?.[1]

/** What is known of the timers of one chart. */
export interface ChartTimers {
  /** When a timer ends that is set now; `delayMs` is what XState made of its delay. Undefined where the chart has no such timer. */
  set(id: string, context: unknown, delayMs: number): Moment | undefined
  /** The timers that a snapshot's states call for, as a row has them; one that it lacks is counted from when they were entered. */
  restore(snapshot: AnyMachineSnapshot, known: StoredTimers, writtenAtMs: number): Timers
}

export function chartTimers(
  machine: AnyStateMachine,
  { clock, random }: { readonly clock: Pick<Clock, 'now' | 'monotonicMs'>; readonly random: () => number },
): ChartTimers {
  const names = new Map<string, string>()
  for (const node of stateNodes(machine))
    for (const name of Object.keys(node.config.after ?? {})) names.set(timerId(name, node.id), name)

  const finite = (name: string, ms: number): number => {
    if (Number.isFinite(ms)) return ms
    throw new HardshellError('DEFECT', `the delay '${name}' is ${ms}`)
  }
  /** How long a pause takes by its name; undefined for what has an end by the time of day. */
  const lengthOf = (name: string, context: unknown): number | undefined => {
    const delay = delayOf(machine, name)
    if (typeof delay === 'number') return delay
    return 'until' in delay ? undefined : delay({ context })
  }
  const endOf = (name: string, context: unknown, fromMs: number, delayMs = lengthOf(name, context)): number => {
    const delay = delayOf(machine, name)
    if (typeof delay !== 'number' && 'until' in delay) return Math.ceil(finite(name, delay.until(context)))
    const isJittered = typeof delay !== 'number' && 'jitter' in delay
    return Math.round(finite(name, fromMs + (delayMs ?? 0) * (isJittered ? 1 - random() / 2 : 1)))
  }
  /**
   * When a timer ends of which only the time of day is stored. If the clock was set back since, the timer takes no
   * longer than its whole length from now. A deadline keeps its time of day.
   */
  const momentOf = (name: string, context: unknown, atMs: number, writtenAtMs: number): Moment => {
    const nowMs = clock.now()
    const lengthMs = lengthOf(name, context)
    if (lengthMs === undefined) return { atMs, steadyMs: Infinity }
    return momentIn(clock, Math.min(atMs - nowMs, Math.max(atMs - writtenAtMs, lengthMs)))
  }

  return {
    set(id, context, delayMs) {
      const name = names.get(id)
      if (name === undefined) return undefined
      const nowMs = clock.now()
      const atMs = endOf(name, context, nowMs, delayMs)
      return lengthOf(name, context) === undefined ? { atMs, steadyMs: Infinity } : momentIn(clock, atMs - nowMs)
    },
    restore(snapshot, known, writtenAtMs) {
      if (snapshot.status !== 'active') return {}
      const context = contextOf(snapshot)
      const wanted = new Map(
        snapshot._nodes.flatMap((node) =>
          Object.keys(node.config.after ?? {}).map((name) => [timerId(name, node.id), name] as const),
        ),
      )
      const ids = new Set([...Object.keys(known).filter((id) => wanted.has(id)), ...wanted.keys()])
      const timers: Record<string, Moment | null> = {}
      for (const id of ids) {
        const name = wanted.get(id) ?? id
        const atMs = known[id] === undefined ? endOf(name, context, writtenAtMs) : known[id]
        timers[id] = atMs === null ? null : momentOf(name, context, atMs, writtenAtMs)
      }
      return timers
    },
  }
}

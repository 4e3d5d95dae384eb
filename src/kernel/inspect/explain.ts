/** Says of an operation why it is where it is and what comes next. Ids, states, times: no secrets. */
import { eventsIn } from '../define/chart.ts'
import type { Awaiting, LoadedKind } from '../kernel.ts'
import type { LanePause } from '../run/request-limiter.ts'
import type { OperationView } from '../define/operation.ts'
import type { LastAnswer } from '../define/steps.ts'
import { delayIn, running, type StoredTimers } from '../step/timers.ts'
import { messageOf } from '../util/errors.ts'
import { stays } from '../util/retry.ts'

/** Why an operation is where it is, what comes next, and when; no secrets. */
export interface Explanation {
  /** The operation's id. */
  readonly id: string
  /** The kind of operation, `send` say. */
  readonly kind: string
  /** The chart's state, dotted. */
  readonly state: string
  /** Whether it goes on, has ended or was set aside. */
  readonly status: OperationView['status']
  /**
   * The chart's own description of the state, with what the operation stored as its reason, and what keeps it from going
   * on here: a store that does not take its step, another process that runs it; or why it was set aside.
   */
  readonly why: string
  /**
   * What last kept it from going on, without secrets, and when (epoch ms); `attempt` says how often the effects of this
   * state had been started. Undefined where nothing did in this process since it came to its state.
   */
  readonly lastError: { readonly error: string; readonly attempt: number; readonly atMs: number } | undefined
  /**
   * What an effect answered last, in which state, and when, by the operation's step history; undefined where none did lately, or no
   * history is kept.
   */
  readonly lastAnswer: LastAnswer | undefined
  /** Requests that this process has under way, or that wait for their lane in it, by effect. */
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
  /** Its lane lets nothing through for a while, until then (epoch ms); `why` says so, too. */
  readonly lanePaused: { readonly why: string; readonly untilMs: number; readonly inMs: number } | undefined
}

/** What the process that is asked does about an operation. */
export interface Here {
  /** The effects whose requests it has under way. */
  readonly underWay: readonly string[]
  /** What it waits for before it goes on. */
  readonly hindrance: unknown
  /** Why it cannot become the owner. */
  readonly noOwner: string | undefined
  /** Another process runs it. */
  readonly elsewhere: boolean
  /** What of others it waits for. */
  readonly awaiting: readonly Awaiting[]
}

export function explain(of: {
  view: OperationView
  loaded: LoadedKind | undefined
  unloadable: string | undefined
  crash: NonNullable<Explanation['lastError']> | undefined
  laneClosed: boolean
  pause: LanePause | undefined
  lastAnswer: LastAnswer | undefined
  nowMs: number
  here: Here
}): Explanation {
  const { view, loaded, pause, lastAnswer, nowMs, here } = of
  const { id, kind, state, status, row, snapshot } = view
  const inMs = Math.ceil(pause?.leftMs ?? 0)
  const lanePaused = pause && { why: pause.why, untilMs: nowMs + inMs, inMs }
  const lastError = lastErrorOf(of)
  const base = { id, kind, state, status, lastError, lastAnswer, laneClosed: of.laneClosed, lanePaused }
  if (!snapshot || !loaded || status !== 'active')
    return {
      ...base,
      why: of.unloadable ?? row.reason ?? (status === 'done' ? 'it has ended' : 'this program cannot load it'),
      underWay: [],
      watching: undefined,
      timers: [],
      takes: status === 'quarantined' ? ['resume'] : [],
      needsHuman: status !== 'done',
    }
  const nodes = snapshot._nodes.toReversed()
  const timers = running(JSON.parse(row.timers) as StoredTimers)
  const reason = [nodes.find((node) => node.description)?.description ?? state, loaded.kind.because?.(snapshot.context)]
    .filter((part) => part !== null && part !== undefined && part !== '')
    .join(' ')
  const effects = loaded.stepper.invokes(snapshot)
  const watching = loaded.stepper.poll(snapshot)
  // A request is to be made, now or after a pause of its own.
  const delays = loaded.kind.machine.implementations.delays as Readonly<Record<string, unknown>>
  const retries = timers.some(([timer]) => isBackoff(delays[delayOf(timer)]))
  const asks = effects.length > 0 || watching !== undefined || retries
  return {
    ...base,
    why: [
      reason,
      ...here.awaiting.map(({ why }) => `(${why})`),
      asks && lanePaused ? `(${pausedUntil(lanePaused)})` : '',
      ...standstill(here),
    ]
      .filter((part) => part !== '')
      .join(' '),
    underWay: here.underWay,
    watching,
    timers: timers.map(([timer, atMs]) => ({
      name: delayOf(timer),
      atMs,
      inMs: Math.max(0, atMs - nowMs),
    })),
    takes: eventsIn(snapshot),
    needsHuman:
      snapshot.hasTag('human') ||
      (asks && pause?.needsHuman === true) ||
      here.noOwner !== undefined ||
      here.awaiting.some((other) => other.needsHuman) ||
      stays(here.hindrance),
  }
}

/** Of what was set aside the row has it, whichever process met it. */
function lastErrorOf({ view, crash }: Pick<Parameters<typeof explain>[0], 'view' | 'crash'>): Explanation['lastError'] {
  const { status, row } = view
  if (status === 'quarantined') return { error: row.reason ?? '', attempt: row.attempt, atMs: row.updatedAt }
  return status === 'active' && crash ? { error: crash.error, attempt: crash.attempt, atMs: crash.atMs } : undefined
}

const delayOf = (timer: string): string => delayIn(timer) ?? timer

const isBackoff = (delay: unknown): boolean => typeof delay === 'function' && 'jitter' in delay

const pausedUntil = ({ why, untilMs }: { readonly why: string; readonly untilMs: number }): string =>
  `${why} until ${new Date(untilMs).toISOString()}`

/** Why this process does nothing about it. */
function standstill({ hindrance, noOwner, elsewhere }: Here): string[] {
  if (noOwner !== undefined) return [`(no effects run here, for the owner's lock cannot be had: ${noOwner})`]
  if (elsewhere) return ['(another process runs it)']
  return hindrance === undefined ? [] : [`(it does not go on: ${messageOf(hindrance)})`]
}

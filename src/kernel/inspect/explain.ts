/** Says of an operation why it is where it is and what comes next. Ids, states, times: no secrets. */
import type { LoadedKind } from '../kernel.ts'
import type { LanePause } from '../run/request-limiter.ts'
import type { OperationView } from '../define/operation.ts'
import type { StoredTimers } from '../step/step.ts'

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
  /** The chart's own description of the state, with what the operation stored as its reason; or why it was set aside. */
  readonly why: string
  /**
   * What last kept it from going on, without secrets, and when (epoch ms); `attempt` says how often the effects of this
   * state had been started. Undefined where nothing did in this process since it came to its state.
   */
  readonly lastError: { readonly error: string; readonly attempt: number; readonly atMs: number } | undefined
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
  /** Its lane lets nothing through for a while, until then (epoch ms); `why` says so, too. */
  readonly lanePaused: { readonly why: string; readonly untilMs: number; readonly inMs: number } | undefined
}

export function explain(of: {
  view: OperationView
  loaded: LoadedKind | undefined
  unloadable: string | undefined
  crash: NonNullable<Explanation['lastError']> | undefined
  laneClosed: boolean
  pause: LanePause | undefined
  nowMs: number
}): Explanation {
  const { view, loaded, pause, nowMs } = of
  const { id, kind, state, status, row, snapshot } = view
  const inMs = Math.ceil(pause?.leftMs ?? 0)
  const lanePaused = pause && { why: pause.why, untilMs: nowMs + inMs, inMs }
  const lastError = lastErrorOf(of)
  const base = { id, kind, state, status, lastError, laneClosed: of.laneClosed, lanePaused }
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
  const timers = Object.entries(JSON.parse(row.timers) as StoredTimers)
  const reason = [nodes.find((node) => node.description)?.description ?? state, loaded.kind.because?.(snapshot.context)]
    .filter((part) => part !== null && part !== undefined && part !== '')
    .join(' ')
  const underWay = loaded.stepper.invokes(snapshot).map((invoke) => invoke.src)
  const watching = loaded.stepper.poll(snapshot)
  // A request is to be made, now or after a pause of its own.
  const delays = loaded.kind.machine.implementations.delays as Readonly<Record<string, unknown>>
  const retries = timers.some(([timer]) => isBackoff(delays[delayOf(timer)]))
  const asks = underWay.length > 0 || watching !== undefined || retries
  return {
    ...base,
    why: [reason, asks && lanePaused ? `(${pausedUntil(lanePaused)})` : ''].filter((part) => part !== '').join(' '),
    underWay,
    watching,
    timers: timers.map(([timer, atMs]) => ({
      name: delayOf(timer),
      atMs,
      inMs: Math.max(0, atMs - nowMs),
    })),
    takes: [...new Set(nodes.flatMap((node) => node.ownEvents as string[]))].filter(
      (event) => !event.startsWith('xstate.'),
    ),
    needsHuman: snapshot.hasTag('human') || (asks && pause?.needsHuman === true),
  }
}

/** Of what was set aside the row has it, whichever process met it. */
function lastErrorOf({ view, crash }: Pick<Parameters<typeof explain>[0], 'view' | 'crash'>): Explanation['lastError'] {
  const { status, row } = view
  if (status === 'quarantined') return { error: row.reason ?? '', attempt: row.attempt, atMs: row.updatedAt }
  return status === 'active' && crash ? { error: crash.error, attempt: crash.attempt, atMs: crash.atMs } : undefined
}

/** The name of the delay in a timer's id. */
const delayOf = (timer: string): string => /^xstate\.after\.([^.]+)/.exec(timer)?.[1] ?? timer

const isBackoff = (delay: unknown): boolean => typeof delay === 'function' && 'jitter' in delay

const pausedUntil = ({ why, untilMs }: { readonly why: string; readonly untilMs: number }): string =>
  `${why} until ${new Date(untilMs).toISOString()}`

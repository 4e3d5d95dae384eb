/** A kind of operation that starts others: at times of day, at intervals, or when somebody says so. */
import { assign, setup, type AnyStateMachine } from 'xstate'
import {
  checkCount,
  checkDuration,
  checkFunction,
  checkKeys,
  checkNames,
  checkObject,
  checkOneOf,
} from '../../arguments.ts'
import type { Json } from '../../store/port.ts'
import { childId } from '../children/family.ts'
import { start } from '../children/start.ts'
import { isAnswered, local, until, when } from '../define/authoring.ts'
import type { Start } from '../define/children.ts'
import { defineOperation, type OperationKind, type OperationRow } from '../define/operation.ts'
import type { InputOf } from '../define/typed.ts'
import type { KindOf } from '../kind-operations.ts'
import { planned, type Missed, type Overlap, type Plan, type TickRange, type Reason, type Schedule } from './plan.ts'
import { checkCron } from './ticks.ts'

const AS_SEEN = 'only this schedule starts them, on condition; whether the last one still runs is as it was seen'

/** What a schedule is created with. */
export type ScheduleInput<Data extends Json = null> = When & {
  /**
   * No tick before this time (epoch ms); an interval is counted from here. Its creation, unless given. Ticks before its creation are
   * fired by a backfill only.
   */
  readonly fromMs?: number
  /** No tick after this time (epoch ms); the schedule ends then. Without end, unless given. */
  readonly untilMs?: number
  /**
   * What becomes of ticks that came while no process ran: `skip`: none of them is made up for; `one`: the last of them is; `all`: all
   * are, a hundred in one step. `one` unless given.
   */
  readonly missed?: Missed
  /** With `missed: 'skip'`: how late a tick may come and still be fired, in ms; a minute unless given. */
  readonly graceMs?: number
  /** What becomes of a tick that comes while the child that was started last has not ended; `allow` unless given. */
  readonly overlap?: Overlap
} & ([Data] extends [null]
    ? { readonly data?: null }
    : { /** What `input` gets with each tick. */ readonly data: Data })

type When =
  | {
      /**
       * Five fields (minute, hour, day of month, month, day of week), six with seconds before them, seven with years after
       * them, as croner reads them: `0 9 * * mon-fri`, `0 0 L * *` for the last day of each month.
       */
      readonly cron: string
      /** By which time zone, `Europe/Berlin` say; UTC unless given. */
      readonly timeZone?: string
      readonly everyMs?: never
    }
  | {
      /** One tick every so many ms, a second at least. */
      readonly everyMs: number
      readonly cron?: never
      readonly timeZone?: never
    }

/** What callers may send a schedule. */
export type ScheduleEvent =
  /** No tick is fired until it is resumed. */
  | { readonly type: 'pause' }
  /** It goes on with the next tick. Those that came in the pause are passed over. */
  | { readonly type: 'resume' }
  /** A child is started now, whatever runs, also in a pause. */
  | { readonly type: 'trigger' }
  /** The ticks of a range that has begun (epoch ms, both ends inclusive) are fired, but for those that were. */
  | ({ readonly type: 'backfill' } & TickRange)
  /** It ends. Its children go on. */
  | { readonly type: 'end' }

/** A tick, as the input of its child is made of it. */
export interface Tick<Data extends Json> {
  /** When it was due, or when somebody triggered it (epoch ms). */
  readonly tickMs: number
  /** The schedule's id. */
  readonly scheduleId: string
  /** What the schedule was created with. */
  readonly data: Data
}

type Planned = { readonly answer: 'waits' | 'over' } & Pick<Plan, 'keep'> & { readonly starts: readonly Start[] }
type Asked = { readonly reason: Reason; readonly schedule: Schedule }

/** More than so many backfills at once are not taken. */
const MOST_BACKFILLS = 16
const GRACE_MS = 60_000
const LEAST_EVERY_MS = 1_000
const LATEST_MS = 8_640_000_000_000_000

/** @throws {TypeError} naming the argument */
function begun<Data extends Json>(given: ScheduleInput<Data> & { readonly id: string }): Schedule {
  checkNames(given, 'input', ['id', 'cron', 'timeZone', 'everyMs', 'fromMs', 'untilMs', 'missed', 'graceMs', 'overlap', 'data']) // prettier-ignore
  const {
    id,
    cron,
    timeZone = 'UTC',
    everyMs,
    fromMs,
    untilMs,
    missed = 'one',
    graceMs = GRACE_MS,
    overlap = 'allow',
  } = given
  for (const [name, ms] of Object.entries({ fromMs, untilMs })) {
    checkDuration(ms, name, { least: -LATEST_MS })
    if (ms !== undefined && ms > LATEST_MS) throw new TypeError(`${name}: a time`)
  }
  checkOneOf(missed, 'missed', ['skip', 'one', 'all'])
  checkOneOf(overlap, 'overlap', ['allow', 'skip'])
  checkDuration(graceMs, 'graceMs')
  if ((cron === undefined) === (everyMs === undefined)) throw new TypeError('cron: either this or everyMs')
  const bounds = { fromMs: fromMs ?? null, untilMs: untilMs ?? null }
  const rest = {
    ...{ id, ...bounds, missed, overlap, graceMs, data: given.data ?? null },
    ...{ paused: false, nextMs: null, backfills: [], triggered: 0, last: null },
  }
  if (everyMs !== undefined) {
    checkCount(everyMs, 'everyMs', LEAST_EVERY_MS)
    if (given.timeZone !== undefined) throw new TypeError('timeZone: of a cron expression only')
    return { ...rest, timing: { everyMs, anchorMs: null } }
  }
  if (typeof cron !== 'string') throw new TypeError('cron: an expression of five to seven fields')
  if (typeof timeZone !== 'string') throw new TypeError('timeZone: the name of a time zone, Europe/Berlin say')
  checkCron(cron, timeZone)
  return { ...rest, timing: { cron, timeZone } }
}

const isRange = ({ fromMs, toMs }: TickRange): boolean =>
  Number.isSafeInteger(fromMs) && Number.isSafeInteger(toMs) && fromMs <= toMs && Math.max(-fromMs, toMs) <= LATEST_MS

/** The chart of schedules; all of one factory have it. */
function chartOf<Data extends Json>() {
  const parts = setup({
    types: {} as {
      context: Schedule
      input: ScheduleInput<Data> & { readonly id: string }
      events: ScheduleEvent
      tags: 'local' | 'human'
    },
    actors: { plan: local<Planned, Asked>({ answers: { waits: true, over: true } }) },
    actions: {
      start,
      keep: assign((_, kept: Partial<Schedule>) => kept),
      add: assign(({ context: { backfills } }, { fromMs, toMs }: TickRange) => ({
        backfills: [...backfills, { fromMs, toMs }],
      })),
    },
    guards: {
      answered: isAnswered,
      paused: when(({ paused }: Schedule) => paused),
      takes: ({ context: { backfills } }, range: TickRange) => backfills.length < MOST_BACKFILLS && isRange(range),
    },
    delays: {
      /** The time of the next tick, or of one that is to be fired after all. */
      tick: until(({ nextMs, backfills: [first] }: Schedule) =>
        Math.min(nextMs ?? LATEST_MS, first?.fromMs ?? LATEST_MS),
      ),
    },
  })
  const keep = { type: 'keep', params: ({ event }: { event: { output: Planned } }) => event.output.keep } as const
  const actions = [
    keep,
    { type: 'start', params: ({ event }: { event: { output: Planned } }) => event.output.starts },
  ] as const
  const over = { guard: { type: 'answered', params: ['over'] }, target: 'ended', actions } as const
  const planning = <First>(reason: Reason, first: First) =>
    ({
      tags: ['local'],
      invoke: {
        src: 'plan',
        input: ({ context }: { context: Schedule }) => ({ reason, schedule: context }),
        onDone: [first, { target: 'waiting', actions }],
      },
    }) as const
  const range = { type: 'takes', params: ({ event }: { event: TickRange }) => event } as const
  const add = { type: 'add', params: ({ event }: { event: TickRange }) => event } as const
  return parts.createMachine({
    context: ({ input }) => begun(input),
    initial: 'beginning',
    states: {
      beginning: planning('begin', over),
      waiting: {
        description: 'Waits for its next tick.',
        after: { tick: 'ticking' },
        on: {
          pause: { target: 'paused', actions: { type: 'keep', params: { paused: true } } },
          resume: 'looking',
          trigger: 'triggering',
          backfill: { guard: range, target: 'ticking', actions: add },
          end: 'ended',
        },
      },
      ticking: planning('tick', over),
      looking: planning('look', over),
      triggering: planning('trigger', { guard: 'paused', target: 'paused', actions } as const),
      paused: {
        description: 'Fires nothing until somebody resumes it.',
        tags: ['human'],
        on: {
          resume: { target: 'resuming', actions: { type: 'keep', params: { paused: false } } },
          trigger: 'triggering',
          backfill: { guard: range, actions: add },
          end: 'ended',
        },
      },
      resuming: planning('resume', over),
      ended: { type: 'final' },
    },
  })
}

/** The chart of a schedule. */
export type ScheduleMachine<Data extends Json = null> = ReturnType<typeof chartOf<Data>>

/**
 * A kind of schedules: each of its operations starts children of one kind, at the times that it was created with. A child's name
 * is the time of its tick, as ISO 8601 in UTC (`trigger-1` and so on for those by hand), and it is started in the commit of the schedule's own
 * step. So each tick is fired once, by whichever process.
 *
 * Open the operations with both kinds. `operations.list({ parent: id })` has a schedule's children.
 *
 * @throws {TypeError} naming the argument. To create a schedule with a cron expression, a time zone or another argument that is
 *   none is refused in the same way.
 * @example
 * const report = defineOperation({
 *   kind: 'report',
 *   version: 1,
 *   machine: setup({ types: {} as { context: object; input: { id: string; day: string } } }).createMachine({
 *     context: ({ input: { day } }) => ({ day }),
 *     initial: 'done',
 *     states: { done: { type: 'final' } },
 *   }),
 *   effects: () => ({}),
 * })
 * const input = ({ tickMs }: Tick<null>) => ({ day: new Date(tickMs).toISOString() })
 * const nightly = schedule({ kind: 'nightly', starts: report, input })
 * const tables = { operations: operationsTable() }
 * const store = await memoryStore().open({ version: 1, tables })
 * const operations = openOperations({ store, tables, kinds: [report, nightly], ports: {} })
 * const { id } = await operations.of(nightly).create({ cron: '0 3 * * *', timeZone: 'Europe/Berlin', overlap: 'skip' })
 * await operations.of(nightly).send(id, { type: 'trigger' })
 * operations.close()
 */
export function schedule<M extends AnyStateMachine, Data extends Json = null>(options: {
  /** The name of the kind of schedules. */
  readonly kind: string
  /** The kind of the children. */
  readonly starts: KindOf<M>
  /** The input of a tick's child. */
  readonly input: (tick: Tick<Data>) => InputOf<M>
}): OperationKind<unknown, ScheduleMachine<Data>, { readonly type: 'end' }> {
  checkNames(options, 'options', ['kind', 'starts', 'input'])
  const { kind, starts, input } = options
  checkKeys({ kind })
  checkObject(starts, 'starts')
  checkKeys({ 'starts.kind': starts.kind })
  checkFunction(input ?? null, 'input')
  return defineOperation<unknown, ScheduleMachine<Data>, { readonly type: 'end' }>({
    kind,
    version: 1,
    machine: chartOf<Data>(),
    because: ({ backfills }) => (backfills.length > 0 ? 'It fires what was asked for.' : null),
    cancel: { type: 'end' },
    effects: () => ({
      async plan({ input: asked, nowMs, read }): Promise<Planned> {
        const { id, data } = asked.schedule
        const statusOf = async (name: string): Promise<string | undefined> =>
          (await read.loose(AS_SEEN).get<OperationRow>('operations', [childId(id, name)]))?.status
        const { keep, firings } = await planned({ ...asked, nowMs, statusOf })
        const children = firings.map(({ name, tickMs }) => ({
          ...{ kind: starts.kind, name },
          input: input({ tickMs, scheduleId: id, data: data as Data }),
        }))
        return {
          answer: keep.nextMs === null && keep.backfills.length === 0 ? 'over' : 'waits',
          keep,
          starts: children,
        }
      },
    }),
  })
}

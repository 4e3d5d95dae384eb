/** Step history: the row that each commit of an operation writes about itself, and what is told of it. */
import type { Table } from '../../store/port.ts'
import { jsonOrNull, type RowOf } from '../../store/typed.ts'

/** What a step did beside moving the chart. Names, and the kind's own words: no secrets. */
export type StepDetail = {
  /** Why the operation is where the step left it: what its kind says (`because`), or why it was set aside. */
  readonly because?: string
  /** The local steps on the way, in order, with what each answered. */
  readonly locals?: readonly LocalStep[]
  /** The types of the events that the chart emitted. */
  readonly emitted?: readonly string[]
  /** How many children it started. */
  readonly children?: number
  /** The step of another operation from which this one was forked. */
  readonly forkedFrom?: { readonly id: string; readonly version: number }
  /** The trace of its commit (W3C `traceparent`), where telemetry follows the operations: spans of later processes link to it. */
  readonly trace?: string
}

/** A local step that was run. */
export type LocalStep = {
  /** Its name in the chart. */
  readonly src: string
  /** What it answered. */
  readonly answer: string
}

/** The table of steps; a database that has it under the name `steps` keeps step history. */
export const stepsTable = () =>
  ({
    columns: {
      /** The operation's id. */
      operation: 'text',
      /** The version that the operation's row has after the step. */
      version: 'integer',
      /** When the step was computed, in epoch ms. */
      at: 'time',
      /** The type of its event. */
      event: 'text',
      /** The effect whose answer the event is. */
      src: 'text?',
      /** What that answered. */
      answer: 'text?',
      /** The state before, dotted; null where the step created the operation. */
      from: 'text?',
      /** The state after, dotted. */
      to: 'text',
      /** How often the effects of the state after were started. */
      attempt: 'integer',
      /** The process that committed the step, as the operation's row has it. */
      owner: 'text',
      /** How long the effect took, its wait for a place in the lane too, in ms. */
      tookMs: 'integer?',
      detail: jsonOrNull<StepDetail>(),
      /** The version of the kind that the row is of after the step. */
      kindVersion: 'integer',
      /** The snapshot after the step, as the operation's row has it, where the kind says so (`keepSnapshots`). */
      snapshot: 'text?',
    },
    key: ['operation', 'version'],
  }) as const

/** A step as it is stored. */
export type StepRow = RowOf<ReturnType<typeof stepsTable>>

const COLUMNS = Object.entries(stepsTable().columns)

/** Whether some table is one of steps: a program may have one of its own under that name. */
export const isStepsTable = (table: Table | undefined): boolean =>
  table !== undefined && COLUMNS.every(([column, type]) => table.columns[column] === type)

/**
 * Steps that the kernel makes without an event of the chart: it takes effects over from another process, sets an operation
 * aside, has it go on by a person's decision, or forks it.
 */
export const KERNEL_STEPS = {
  created: 'xstate.init',
  takenOver: '@hardshell.takeOver',
  setAside: '@hardshell.quarantine',
  resumed: '@hardshell.resume',
  forked: '@hardshell.fork',
} as const

/** A step of an operation, as it was committed. Shows no secrets. */
export interface StepRecord {
  /** The operation's id. */
  readonly operation: string
  /** The version of the operation after the step; the first has 1. */
  readonly version: number
  /** When the step was computed, in epoch ms. */
  readonly atMs: number
  /**
   * The type of its event, as an inspector hears of it: a caller's or a poll's; `xstate.done.actor.…` for an effect's answer,
   * `xstate.after.…` for a delay, `xstate.init` for a new operation; `@hardshell.takeOver`, `@hardshell.quarantine`,
   * `@hardshell.resume`, `@hardshell.fork` for what the kernel did.
   */
  readonly event: string
  /** The effect whose answer the event is; null where it is none. */
  readonly src: string | null
  /** What that effect answered. */
  readonly answer: string | null
  /** The delay that was over, by its name; null where the event is another. */
  readonly delay: string | null
  /** The state before, dotted; null where the step created the operation. */
  readonly from: string | null
  /** The state after, dotted. */
  readonly to: string
  /** How often the effects of the state after were started; above 1 they are replays, and 0 where a process that runs none committed. */
  readonly attempt: number
  /** The process that runs the effects after the step; empty where one that runs none committed it. */
  readonly owner: string
  /** How long the effect took in the process that committed its answer, its wait for the lane too, in ms. */
  readonly tookMs: number | null
  /** What else the step did; null where that is nothing. */
  readonly detail: StepDetail | null
}

/** Which steps of an operation: those after a version, at most so many. */
export interface StepsPage {
  /** The version of the last step that is known; from the first one unless given. */
  readonly after?: number | undefined
  /** How many at most; all unless given. */
  readonly limit?: number | undefined
}

/** What an effect answered last. */
export interface LastAnswer {
  /** The effect. */
  readonly src: string
  /** What it answered. */
  readonly answer: string
  /** The state in which it was asked, dotted. */
  readonly state: string
  /** When its step was computed, in epoch ms. */
  readonly atMs: number
}

/** The state of an operation after a step. */
export interface StepSnapshot {
  /** The version of the operation after the step. */
  readonly version: number
  /** The version of its kind. */
  readonly kindVersion: number
  /** Whether the chart went on. */
  readonly status: string
  /** The chart's state. */
  readonly value: unknown
  /** The chart's context: its names, numbers and truth values, and of texts and lists how long they are. All of it where asked unsafely. */
  readonly context: unknown
}

/** How long steps are kept. */
export interface StepsKept {
  /** For how many days after its operation ended; 90 unless given, and for ever where it is `Infinity`. */
  readonly days?: number | undefined
  /** How many of one operation, the newest; 200 unless given, and all where it is `Infinity`. */
  readonly perOperation?: number | undefined
}

/** @throws {TypeError} naming the argument */
export function checkKeepSteps(keep: unknown): void {
  if (keep === undefined || keep === false) return
  if (typeof keep !== 'object' || keep === null || Array.isArray(keep))
    throw new TypeError('keepSteps: days and perOperation, or false')
  for (const [name, value] of Object.entries(keep)) {
    if (name !== 'days' && name !== 'perOperation')
      throw new TypeError(`keepSteps.${name}: not among days, perOperation`)
    if (value === undefined || value === Infinity) continue
    const isNumber = typeof value === 'number' && Number.isFinite(value)
    if (name === 'days' && !(isNumber && value >= 0)) throw new TypeError('keepSteps.days: days from 0, or Infinity')
    if (name === 'perOperation' && !(isNumber && Number.isSafeInteger(value) && value >= 1))
      throw new TypeError('keepSteps.perOperation: a whole number from 1, or Infinity')
  }
}

/**
 * Step history: makes the row that each commit of an operation writes about itself, and deletes what is too old. Nothing
 * decides by these rows, so they may be missing.
 */
import { StoreError } from '../../store/port.ts'
import type { Tables } from '../../store/kit/rows.ts'
import type { KernelStore, KernelWrite, OperationKind, OperationRow } from '../define/operation.ts'
import { isStepsTable, type StepDetail, type StepsKept } from '../define/steps.ts'
import { contextOf } from '../define/chart.ts'
import type { Step } from '../step/step.ts'
import type { Clock } from '../util/ports.ts'
import { reportLasting } from '../util/report.ts'

/** What led to a commit. */
export interface Cause {
  /** The type of the event, or the kernel's name for what it does. */
  readonly event: string
  /** The effect whose answer the event is. */
  readonly src?: string
  /** What that answered. */
  readonly answer?: string | undefined
  /** How long it took. */
  readonly tookMs?: number | null
  readonly forkedFrom?: StepDetail['forkedFrom']
}

/** A commit of an operation. */
interface Committed {
  readonly cause: Cause
  /** The row before; undefined for a new operation. */
  readonly before: OperationRow | undefined
  readonly row: OperationRow
  /** The kind, where this program has it. */
  readonly kind: OperationKind | undefined
  /** The chart's step; none where the kernel alone changes the row. */
  readonly step?: Pick<Step, 'snapshot' | 'locals' | 'emitted' | 'starts'>
  /** The trace of the commit. */
  readonly trace?: string | undefined
}

interface HistoryOptions {
  readonly store: KernelStore
  readonly clock: Clock
  readonly keep: StepsKept
  readonly signal: AbortSignal
}

const DAYS = 90
const PER_OPERATION = 200
/** The most rows that one commit deletes. */
const MOST_DELETED = 200
const LONGEST_TEXT = 300

/** What keeps the history of a database's operations; undefined where it has no table of steps, or keeps none. */
export function historyOf({
  tables,
  keepSteps = {},
  ...of
}: Omit<HistoryOptions, 'keep'> & {
  readonly tables: Tables
  readonly keepSteps: StepsKept | false | undefined
}): StepHistory | undefined {
  return keepSteps === false || !isStepsTable(tables['steps']) ? undefined : new StepHistory({ ...of, keep: keepSteps })
}

export class StepHistory {
  /** For how many days the steps of an operation that has ended are kept. */
  readonly days: number
  readonly #store: KernelStore
  readonly #clock: Clock
  readonly #signal: AbortSignal
  readonly #perOperation: number
  /** How often it looks whether an operation has too many. */
  readonly #every: number

  constructor({ store, clock, keep, signal }: HistoryOptions) {
    this.#store = store
    this.#clock = clock
    this.#signal = signal
    this.days = keep.days ?? DAYS
    this.#perOperation = keep.perOperation ?? PER_OPERATION
    this.#every = Math.ceil(this.#perOperation / 10)
  }

  /**
   * The write that records a commit. It has no condition: the condition on the operation's row says that the version is new, and a
   * row that is there all the same, left behind by a row that somebody deleted, must not refuse the step.
   */
  write({ cause, before, row, kind, step, trace }: Committed): KernelWrite {
    const { id, version, updatedAt, state, attempt, owner, kindVersion } = row
    const { event, src, answer, tookMs } = cause
    return {
      put: 'steps',
      row: {
        operation: id,
        version,
        at: Math.max(this.#clock.now(), updatedAt),
        event: shown(event),
        src: src ?? null,
        answer: answer ?? null,
        from: before && before.version > 0 ? before.state : null,
        to: state,
        attempt,
        owner,
        tookMs: tookMs ?? null,
        detail: detailOf(cause, row, kind, { step, trace }),
        kindVersion,
        snapshot: kind?.keepSnapshots === true ? row.snapshot : null,
      },
    }
  }

  /** A step has landed. Now and then it deletes what is beyond `perOperation`, in a commit that nothing waits for. */
  landed({ id, version }: OperationRow): void {
    if (version <= this.#perOperation || version % this.#every !== 0) return
    this.#prune(id, version - this.#perOperation).catch((error: unknown) => {
      // What stays is deleted the next time.
      if (!(error instanceof StoreError)) reportLasting(error)
    })
  }

  async #prune(id: string, to: number): Promise<void> {
    const old = await this.#store.query({ table: 'steps', prefix: [id], to, limit: MOST_DELETED })
    if (old.length === 0 || this.#signal.aborted) return
    await this.#store.commit(old.map(({ version, at }) => ({ delete: 'steps', key: [id, version], if: { at } })))
  }
}

function detailOf(
  { forkedFrom }: Cause,
  { reason, status }: OperationRow,
  kind: OperationKind | undefined,
  { step, trace }: { readonly step: Committed['step']; readonly trace: string | undefined },
): StepDetail | null {
  const because = status === 'quarantined' ? reason : step && becauseOf(kind, step)
  const { locals = [], emitted = [], starts = [] } = step ?? {}
  const detail: StepDetail = {
    ...(typeof because === 'string' && because !== '' && { because: shown(because) }),
    ...(locals.length > 0 && { locals }),
    ...(emitted.length > 0 && { emitted: emitted.map(({ type }) => shown(type)) }),
    ...(starts.length > 0 && { children: starts.length }),
    ...(forkedFrom && { forkedFrom }),
    ...(trace !== undefined && { trace: shown(trace) }),
  }
  return Object.keys(detail).length > 0 ? detail : null
}

/** What a kind says of a state must not keep the operation from coming to it. */
function becauseOf(kind: OperationKind | undefined, { snapshot }: Pick<Step, 'snapshot'>): string | null | undefined {
  try {
    return kind?.because?.(contextOf(snapshot))
  } catch {
    return null
  }
}

/** A text that every database takes. */
const shown = (text: string): string => text.slice(0, LONGEST_TEXT).toWellFormed().replaceAll('\0', '�')

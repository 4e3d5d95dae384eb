/**
 * Deletes operations that have ended for as long as their kind says (`keepMs`), with the replies that were kept for their
 * keys, and their steps. It goes through the rows now and then, a few in each commit. What goes on, was set aside, or belongs to
 * an operation that is not over stays. Of operations that are kept for longer it deletes the steps alone.
 */
import { StoreError } from '../../store/port.ts'
import type { Tables } from '../../store/kit/rows.ts'
import type { KernelWrite, OperationRow } from '../define/operation.ts'
import { isStepsTable } from '../define/steps.ts'
import type { Kernel, LoadedKind } from '../kernel.ts'
import { sleep } from '../util/ports.ts'
import { reportLasting } from '../util/report.ts'
import { cursorOf } from '../options.ts'
import type { Reads } from './reads.ts'
import { sweepSteps } from './step-retention.ts'

/** How long after the start it goes through the rows for the first time. */
const FIRST_MS = 10_000
/** The pause after that is a tenth of the shortest time for which something is kept, within these. */
const LEAST_PAUSE_MS = 60_000
const LONGEST_PAUSE_MS = 3_600_000
/** The most rows that one commit deletes. */
const MOST_DELETED = 200

interface RetentionOptions {
  readonly kernel: Kernel
  readonly reads: Reads
  readonly tables: Tables
  readonly signal: AbortSignal
}

export class Retention {
  readonly #of: RetentionOptions

  constructor(of: RetentionOptions) {
    this.#of = of
  }

  /** Goes through the rows from now on, while this process is an owner. */
  async begin(): Promise<void> {
    const { kernel, signal } = this.#of
    const leastMs = Math.min(...[...this.#of.kernel.kinds.values()].map(keptFor))
    const { days = Infinity } = kernel.history ?? {}
    if (leastMs === Infinity && days === Infinity) return
    let pauseMs = FIRST_MS
    for (;;) {
      // Several owners would get into each other's way.
      await sleep(kernel.clock, Math.ceil(pauseMs * (1 - kernel.chance() / 2)), signal)
      if (signal.aborted) return
      pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(LEAST_PAUSE_MS, leastMs / 10))
      const sweeps = [
        ...(leastMs < Infinity ? [() => this.#sweep()] : []),
        ...(days < Infinity ? [() => this.#sweepSteps(days)] : []),
      ]
      for (const sweep of sweeps)
        await sweep().catch((error: unknown) => {
          if (!signal.aborted) reportLasting(error)
        })
    }
  }

  async #sweep(): Promise<void> {
    const { kernel, reads, signal } = this.#of
    let writes: KernelWrite[] = []
    const commit = async (): Promise<void> => {
      await this.#commit(writes)
      writes = []
    }
    for (const [kind, loaded] of kernel.kinds) {
      const leastMs = keptFor(loaded)
      if (leastMs === Infinity) continue
      // In a list they come after what was created later than that.
      const after = cursorOf({ createdAt: Math.max(0, Math.floor(kernel.clock.now() - leastMs)) + 1, id: '' })
      for await (const row of reads.rows({ kind, after })) {
        if (signal.aborted || !kernel.leads()) return
        if (!(await this.#isOver(row, loaded.of(row)))) continue
        for (const write of await this.#deletionOf(row)) {
          writes.push(write)
          if (writes.length >= MOST_DELETED) await commit()
        }
      }
    }
    await commit()
  }

  async #sweepSteps(days: number): Promise<void> {
    const { kernel, signal } = this.#of
    if (kernel.leads()) await unlessRefused(sweepSteps(kernel, days, signal))
  }

  async #commit(writes: readonly KernelWrite[]): Promise<void> {
    if (writes.length > 0) await unlessRefused(this.#of.kernel.store.commit(writes))
  }

  /** Whether an operation need not be kept any more. What a later version wrote is that version's to delete. */
  async #isOver(row: OperationRow, { kind }: LoadedKind): Promise<boolean> {
    const { store, clock } = this.#of.kernel
    const { status, kindVersion, updatedAt, parent } = row
    if (status !== 'done' || kind.keepMs === undefined || kindVersion > kind.version) return false
    if (updatedAt > clock.now() - kind.keepMs) return false
    const above = parent === null ? undefined : await store.get('operations', [parent])
    return above === undefined || above.status === 'done'
  }

  /** The replies and the steps come first, and the row last: while they are there, so is what they belong to. */
  async #deletionOf({ id, commitId }: OperationRow): Promise<KernelWrite[]> {
    const { tables, kernel } = this.#of
    const { store } = kernel
    const replies = Object.hasOwn(tables, 'replies') ? await store.query({ table: 'replies', prefix: [id] }) : []
    const steps = isStepsTable(tables['steps']) ? await store.query({ table: 'steps', prefix: [id] }) : []
    return [
      ...replies.map(({ key, at }): KernelWrite => ({ delete: 'replies', key: [id, key], if: { at } })),
      ...steps.map(({ version, at }): KernelWrite => ({ delete: 'steps', key: [id, version], if: { at } })),
      // The id may be another operation's by then.
      { delete: 'operations', key: [id], if: { commitId } },
    ]
  }
}

/** Another owner was faster with one of the rows. What is left of the others is found the next time. */
async function unlessRefused(commits: Promise<void>): Promise<void> {
  try {
    await commits
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'CONFLICT') throw error
  }
}

/** The shortest time for which a version of a kind keeps what has ended. */
const keptFor = ({ versions }: LoadedKind): number => Math.min(...versions.map(({ kind }) => kind.keepMs ?? Infinity))

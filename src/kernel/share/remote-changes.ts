/** The steps that other processes commit, for those who listen in this one. */
import { StoreError } from '../../store/port.ts'
import type { StoreOf } from '../../store/typed.ts'
import type { KernelTables, OperationRow } from '../define/operation.ts'
import { sleep, type Clock } from '../util/ports.ts'
import { reportError } from '../util/report.ts'

/** The most by which the clocks of processes may differ. */
const SLACK_MS = 5_000
/** Rows are read no more often, and many rows less often: else a busy process would read its own steps all the time. */
const PAUSE_MS = 50
const PAUSE_PER_ROW_MS = 0.2

interface Options {
  readonly store: StoreOf<KernelTables>
  readonly clock: Clock
  readonly signal: AbortSignal
  /** A row that this process did not write, and what it was before where that is known. */
  readonly onChange: (before: OperationRow | undefined, row: OperationRow) => void
  /** Something changed. */
  readonly afterRead: () => Promise<void>
}

export class RemoteChanges {
  readonly #options: Options
  /** Rows changed lately, as they were last seen. */
  readonly #known = new Map<string, OperationRow>()
  #begun = false
  /** It has read what changed before it began. */
  #caughtUp = false
  #sinceMs = 0
  #stale = false
  #reading = false

  constructor(options: Options) {
    this.#options = options
  }

  /** Tells of changes from now on. */
  begin(): void {
    const { store, clock, signal } = this.#options
    this.#begun = true
    this.#sinceMs = clock.now()
    const stop = store.watch('operations', () => this.#changed())
    signal.addEventListener('abort', stop, { once: true })
    this.#changed()
  }

  /** This process wrote a row itself. */
  written(row: OperationRow): void {
    if (this.#begun) this.#known.set(row.id, row)
  }

  #changed(): void {
    this.#stale = true
    if (!this.#reading) void this.#read()
  }

  async #read(): Promise<void> {
    const { store, clock, signal, onChange, afterRead } = this.#options
    this.#reading = true
    while (this.#stale && !signal.aborted) {
      this.#stale = false
      let pauseMs = PAUSE_MS
      try {
        const from = this.#sinceMs - SLACK_MS
        const rows = await store.query({ table: 'operations', index: 'byUpdate', from })
        pauseMs = Math.max(pauseMs, Math.ceil(rows.length * PAUSE_PER_ROW_MS))
        for (const row of rows) {
          const before = this.#known.get(row.id)
          this.#known.set(row.id, row)
          this.#sinceMs = Math.max(this.#sinceMs, row.updatedAt)
          // At first, one that is not known changed before this process read, unless it is new.
          if (before ? before.version < row.version : this.#caughtUp || row.version === 1) onChange(before, row)
        }
        this.#caughtUp = true
        for (const [id, { updatedAt }] of this.#known) if (updatedAt < from) this.#known.delete(id)
        await afterRead()
      } catch (error) {
        if (error instanceof StoreError && error.code === 'CLOSED') return
        if (error instanceof StoreError) this.#stale = true
        else reportError(error)
      }
      await sleep(clock, pauseMs, signal)
    }
    this.#reading = false
  }
}

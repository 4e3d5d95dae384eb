/**
 * What a mint need not keep for ever: operations that are over, and answers that are not given any more (NUT-19). What
 * they did stays: quotes, payments, spent proofs and signatures are the mint's books.
 */
import type { OperationRow } from '../kernel/operation.ts'
import { sleep, type Clock } from '../kernel/ports.ts'
import { reportError } from '../kernel/report.ts'
import { StoreError, type Query, type Row, type Store, type Write } from '../store/port.ts'
import type { ResponseRow } from './tables.ts'

const HOUR_MS = 3_600_000
/** How long operations that are done can be looked at. */
const KEPT_MS = 24 * HOUR_MS
/** So many rows go in one commit, and others get their turn before the next. */
const BATCH = 100
const PAUSE_MS = 20

type Batch = Query & { readonly limit: number }

export class Housekeeping {
  readonly #store: Store
  readonly #clock: Clock
  readonly #stop = new AbortController()
  #sweeping = Promise.resolve()
  /** By the clock that is never set. */
  #dueMs = -Infinity

  constructor({ store, clock }: { readonly store: Store; readonly clock: Clock }) {
    this.#store = store
    this.#clock = clock
  }

  /**
   * Sweeps where the last time is an hour ago, and resolves when that is done; never rejects. To be called often: a mint
   * that nobody uses has nothing to sweep.
   */
  look(): Promise<void> {
    const nowMs = this.#clock.now()
    const elapsedMs = this.#clock.monotonicMs()
    if (elapsedMs >= this.#dueMs && !this.#stop.signal.aborted) {
      this.#dueMs = elapsedMs + HOUR_MS
      this.#sweeping = this.#sweeping.then(() => this.#sweep(nowMs)).catch(report)
    }
    return this.#sweeping
  }

  /** Resolves when nothing is under way any more. */
  stop(): Promise<void> {
    this.#stop.abort()
    return this.#sweeping
  }

  async #sweep(nowMs: number): Promise<void> {
    const answers = { table: 'responses', index: 'byExpiry', to: nowMs, limit: BATCH }
    await this.#clear<ResponseRow>(answers, { at: ({ expiresAt }) => expiresAt, key: ({ key }) => key })
    // Nothing leads out of `done`: these are in doubt for nobody.
    const before = nowMs - KEPT_MS
    const done = { table: 'operations', index: 'byStatus', prefix: ['done'], to: before, limit: BATCH }
    await this.#clear<OperationRow>(done, {
      at: ({ createdAt }) => createdAt,
      key: ({ id, updatedAt }) => (updatedAt <= before ? id : undefined),
    })
  }

  /**
   * Deletes the rows that a query finds and that have a key to be deleted by, batch by batch. `at` is what they are
   * ordered by.
   */
  async #clear<R extends Row>(
    query: Batch,
    of: { readonly at: (row: R) => number; readonly key: (row: R) => string | undefined },
  ): Promise<void> {
    const { signal } = this.#stop
    let from: number | undefined
    for (let isMore = true; isMore && !signal.aborted; await sleep(this.#clock, PAUSE_MS, signal)) {
      const rows = await this.#store.query<R>({ ...query, from })
      // Without a condition: another mint on this store may have been faster.
      const keys = rows.map(of.key).filter((key) => key !== undefined)
      const writes = keys.map((key): Write => ({ delete: query.table, key: [key] }))
      if (writes.length > 0) await this.#store.commit(writes)
      // Those that stay must not hold up the ones behind them.
      const last = rows.at(-1)
      const isOn = writes.length > 0 || (last !== undefined && of.at(last) !== from)
      isMore = rows.length === query.limit && isOn
      from = last && of.at(last)
    }
  }
}

/** A store that is away is tried again the next time. */
function report(error: unknown): void {
  if (!(error instanceof StoreError)) reportError(error)
}

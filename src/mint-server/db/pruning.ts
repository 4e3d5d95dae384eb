/**
 * What a mint need not keep for ever: operations that are over, answers that are not given any more (NUT-19), and quotes
 * that nobody paid while they could be paid. All else stays: quotes that something came of, payments, spent proofs and
 * signatures make up its balance sheet.
 */
import { sleep, type Clock } from '../../kernel/util/ports.ts'
import { reportLasting } from '../../kernel/util/report.ts'
import { StoreError } from '../../store/port.ts'
import type { MintQuoteRow, Store, Write } from './tables.ts'

const HOUR_MS = 3_600_000
/** How long finished operations are kept. */
const KEPT_MS = 24 * HOUR_MS
/** So many rows go in one commit, and others get their turn before the next. */
const BATCH = 100
const PAUSE_MS = 20

/** How unpaid quotes are pruned. Without this they stay. */
interface Quotes {
  /** How long after its end a quote is kept. */
  readonly retentionMs: number
  /** Counts payments for a quote that the mint has not noticed. */
  readonly ask: (quote: MintQuoteRow) => Promise<void>
}

export class Pruner {
  readonly #store: Store
  readonly #clock: Clock
  readonly #stop = new AbortController()
  #sweeping = Promise.resolve()
  /** By the clock that is never set. */
  #dueMs = -Infinity

  readonly #quotes: Quotes | undefined

  constructor({ store, clock, quotes }: { readonly store: Store; readonly clock: Clock; readonly quotes?: Quotes }) {
    this.#store = store
    this.#clock = clock
    this.#quotes = quotes
  }

  /**
   * Prunes if the last time is an hour ago, and resolves when that is done. Never rejects. The mint calls it with every
   * request: an idle mint has nothing to prune.
   */
  pruneIfDue(): Promise<void> {
    const nowMs = this.#clock.now()
    const elapsedMs = this.#clock.monotonicMs()
    if (elapsedMs >= this.#dueMs && !this.#stop.signal.aborted) {
      this.#dueMs = elapsedMs + HOUR_MS
      this.#sweeping = this.#sweeping.then(() => this.#sweep(nowMs)).catch(reportLasting)
    }
    return this.#sweeping
  }

  /** Resolves when nothing is under way any more. */
  stop(): Promise<void> {
    this.#stop.abort()
    return this.#sweeping
  }

  async #sweep(nowMs: number): Promise<void> {
    const store = this.#store
    await this.#clear({
      read: (from) => store.query({ table: 'responses', index: 'byExpiry', from, to: nowMs, limit: BATCH }),
      at: ({ expiresAt }) => expiresAt,
      deletion: ({ key }) => ({ delete: 'responses', key: [key] }),
    })
    // `done` is final, so nobody depends on these operations.
    const to = nowMs - KEPT_MS
    const done = { table: 'operations', index: 'byStatus', prefix: ['done'], to, limit: BATCH } as const
    await this.#clear({
      read: (from) => store.query({ ...done, from }),
      at: ({ createdAt }) => createdAt,
      deletion: ({ id, updatedAt }) => (updatedAt <= to ? { delete: 'operations', key: [id] } : undefined),
      beside: async ({ id }) => {
        const steps = await store.query({ table: 'steps', prefix: [id] })
        return steps.map(({ version }) => ({ delete: 'steps', key: [id, version] }))
      },
    })
    if (this.#quotes) await this.#sweepQuotes(this.#quotes, nowMs - this.#quotes.retentionMs)
  }

  async #sweepQuotes({ ask }: Quotes, to: number): Promise<void> {
    const store = this.#store
    const unpaid = { table: 'mintQuotes', index: 'byEnd', prefix: [0], to, limit: BATCH } as const
    await this.#clear({
      read: (from) => store.query({ ...unpaid, from }),
      at: ({ expiryAt }) => expiryAt ?? to,
      deletion: ({ id, operationId }) =>
        operationId === null
          ? { delete: 'mintQuotes', key: [id], if: { amountPaid: 0, operationId: null } }
          : undefined,
      // A payment may not have been noticed yet. A quote with a payment is not deleted.
      before: ask,
    })
    for (const state of ['UNPAID', 'FAILED'] as const) {
      const open = { table: 'meltQuotes', index: 'byEnd', prefix: [state], to, limit: BATCH } as const
      await this.#clear({
        read: (from) => store.query({ ...open, from }),
        at: ({ expiryAt }) => expiryAt,
        deletion: ({ id, operationId }) =>
          operationId === null ? { delete: 'meltQuotes', key: [id], if: { state, operationId: null } } : undefined,
      })
    }
  }

  /**
   * Deletes rows batch by batch: those that are read and for which there is a deletion, each with what is to go `beside` it.
   * `at` is what they are ordered by; `before` is done first, and a row for which it fails stays.
   */
  async #clear<R>(of: {
    readonly read: (from: number | undefined) => Promise<readonly R[]>
    readonly at: (row: R) => number
    readonly deletion: (row: R) => Write | undefined
    readonly beside?: (row: R) => Promise<readonly Write[]>
    readonly before?: (row: R) => Promise<void>
  }): Promise<void> {
    const { signal } = this.#stop
    let from: number | undefined
    for (let isMore = true; isMore && !signal.aborted; await sleep(this.#clock, PAUSE_MS, signal)) {
      const rows = await of.read(from)
      const deletions = await Promise.all(
        rows.map(async (row) => {
          const deletion = of.deletion(row)
          if (!deletion) return undefined
          const deletions = [...((await of.beside?.(row)) ?? []), deletion]
          if (!of.before) return deletions
          return of.before(row).then(
            () => deletions,
            () => undefined,
          )
        }),
      )
      const deleted = await this.#delete(deletions.filter((deletion) => deletion !== undefined))
      // Rows that stay must not block the ones behind them.
      const last = rows.at(-1)
      const isOn = deleted > 0 || (last !== undefined && of.at(last) !== from)
      isMore = rows.length === BATCH && isOn
      from = last && of.at(last)
    }
  }

  /** Deletes rows with what is beside each, and says how many; another mint on this store may have been faster. */
  async #delete(rows: readonly (readonly Write[])[]): Promise<number> {
    if (rows.length === 0) return 0
    try {
      await this.#store.commit(rows.flat())
      return rows.length
    } catch (error) {
      if (!(error instanceof StoreError && error.code === 'CONFLICT')) throw error
    }
    // One of the rows has changed. The others are deleted one by one.
    let deleted = 0
    for (const writes of rows)
      await this.#store.commit(writes).then(
        () => deleted++,
        (error: unknown) => {
          if (!(error instanceof StoreError && error.code === 'CONFLICT')) throw error
        },
      )
    return deleted
  }
}

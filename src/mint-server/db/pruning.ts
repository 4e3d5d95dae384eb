/**
 * What a mint need not keep for ever: operations that are over, answers that are not given any more (NUT-19), and quotes
 * that nobody paid while they could be paid. All else stays: quotes that something came of, payments, spent proofs and
 * signatures are the mint's books.
 */
import type { OperationRow } from '../../kernel/define/operation.ts'
import { sleep, type Clock } from '../../kernel/util/ports.ts'
import { reportError } from '../../kernel/util/report.ts'
import { StoreError, type Condition, type Query, type Row, type Store, type Write } from '../../store/port.ts'
import type { MeltQuoteRow, MintQuoteRow, ResponseRow } from './tables.ts'

const HOUR_MS = 3_600_000
/** How long operations that are done can be looked at. */
const KEPT_MS = 24 * HOUR_MS
/** So many rows go in one commit, and others get their turn before the next. */
const BATCH = 100
const PAUSE_MS = 20

/** Quotes that nobody paid; without, they stay. */
interface Quotes {
  /** How long after its end a quote is kept. */
  readonly retentionMs: number
  /** Counts what came in for a quote, and nobody has noticed. */
  readonly ask: (quote: MintQuoteRow) => Promise<void>
}

type Batch = Query & { readonly limit: number }

export class Housekeeping {
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
    if (this.#quotes) await this.#sweepQuotes(this.#quotes, nowMs - this.#quotes.retentionMs)
  }

  async #sweepQuotes({ ask }: Quotes, to: number): Promise<void> {
    const unpaid = { table: 'mintQuotes', index: 'byEnd', prefix: [0], to, limit: BATCH }
    await this.#clear<MintQuoteRow>(unpaid, {
      at: ({ expiryAt }) => expiryAt ?? to,
      key: ({ id, operationId }) => (operationId === null ? id : undefined),
      if: { amountPaid: 0, operationId: null },
      // Somebody may have paid while nobody looked: what is counted is not deleted.
      before: ask,
    })
    for (const state of ['UNPAID', 'FAILED']) {
      const open = { table: 'meltQuotes', index: 'byEnd', prefix: [state], to, limit: BATCH }
      await this.#clear<MeltQuoteRow>(open, {
        at: ({ expiryAt }) => expiryAt,
        key: ({ id, operationId }) => (operationId === null ? id : undefined),
        if: { state, operationId: null },
      })
    }
  }

  /**
   * Deletes the rows that a query finds and that have a key to be deleted by, batch by batch. `at` is what they are
   * ordered by; `before` is done first, and a row for which it fails stays.
   */
  async #clear<R extends Row>(
    query: Batch,
    of: {
      readonly at: (row: R) => number
      readonly key: (row: R) => string | undefined
      readonly before?: (row: R) => Promise<void>
      readonly if?: Condition
    },
  ): Promise<void> {
    const { signal } = this.#stop
    let from: number | undefined
    for (let isMore = true; isMore && !signal.aborted; await sleep(this.#clock, PAUSE_MS, signal)) {
      const rows = await this.#store.query<R>({ ...query, from })
      const keys = await Promise.all(
        rows.map(async (row) => {
          const key = of.key(row)
          if (key === undefined || !of.before) return key
          return of.before(row).then(
            () => key,
            () => undefined,
          )
        }),
      )
      const deleted = await this.#delete(
        query.table,
        keys.filter((key) => key !== undefined),
        of.if,
      )
      // Those that stay must not hold up the ones behind them.
      const last = rows.at(-1)
      const isOn = deleted > 0 || (last !== undefined && of.at(last) !== from)
      isMore = rows.length === query.limit && isOn
      from = last && of.at(last)
    }
  }

  /** Deletes rows, and says how many of them; another mint on this store may have been faster. */
  async #delete(table: string, keys: readonly string[], condition: Condition | undefined): Promise<number> {
    const writes = keys.map((key): Write => ({ delete: table, key: [key], if: condition }))
    if (writes.length === 0) return 0
    try {
      await this.#store.commit(writes)
      return writes.length
    } catch (error) {
      if (!(error instanceof StoreError && error.code === 'CONFLICT')) throw error
    }
    // One of them has changed: the others go all the same.
    let deleted = 0
    for (const write of writes)
      await this.#store.commit([write]).then(
        () => deleted++,
        (error: unknown) => {
          if (!(error instanceof StoreError && error.code === 'CONFLICT')) throw error
        },
      )
    return deleted
  }
}

/** A store that is away is tried again the next time. */
function report(error: unknown): void {
  if (!(error instanceof StoreError)) reportError(error)
}

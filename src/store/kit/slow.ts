/** The one place where slow reads and commits are told. */

/** Who is told of reads and commits that take long. */
export interface SlowOptions {
  /** Reads and commits that take so long are told to `onSlow`. 100 ms unless given. */
  readonly slowMs?: number | undefined
  /** Told of each of them. */
  readonly onSlow?: ((call: SlowCall) => void) | undefined
}

/** A read or a transaction that took long. */
export interface SlowCall {
  /** What was asked of the database. */
  readonly call: 'get' | 'query' | 'sum' | 'commit'
  /** The tables that were read or written. */
  readonly tables: readonly string[]
  /** Rows or groups read; commits that shared the transaction. */
  readonly count: number
  /** How long it took, in ms. */
  readonly durationMs: number
}

/** Tells of a call that began at `startedMs` of `performance.now()`, if it was slow. */
export function timed(options: SlowOptions, startedMs: number, call: Omit<SlowCall, 'durationMs'>): void {
  const { onSlow, slowMs = 100 } = options
  const durationMs = performance.now() - startedMs
  // In its own microtask: what it throws is nobody's read or commit.
  if (onSlow && durationMs >= slowMs) queueMicrotask(() => onSlow({ ...call, durationMs }))
}

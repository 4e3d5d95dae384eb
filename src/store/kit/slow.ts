/** Reports slow reads and commits. */

/** How slow reads and commits are reported. */
export interface SlowOptions {
  /** A read or commit that takes at least this long is reported to `onSlow`. 100 ms unless given. */
  readonly slowMs?: number | undefined
  /** Called for each slow read or commit. */
  readonly onSlow?: ((call: SlowCall) => void) | undefined
}

/** A read or a transaction that took long. */
export interface SlowCall {
  /** The call. */
  readonly call: 'get' | 'query' | 'sum' | 'commit'
  /** The tables that were read or written. */
  readonly tables: readonly string[]
  /** The number of rows or groups read, or of commits that shared the transaction. */
  readonly count: number
  /** How long it took, in ms. */
  readonly durationMs: number
}

/** Reports a call that began at `startedMs` of `performance.now()`, if it was slow. */
export function timed(options: SlowOptions, startedMs: number, call: Omit<SlowCall, 'durationMs'>): void {
  const { onSlow, slowMs = 100 } = options
  const durationMs = performance.now() - startedMs
  // It runs in its own microtask: an error that it throws must not fail a read or commit.
  if (onSlow && durationMs >= slowMs) queueMicrotask(() => onSlow({ ...call, durationMs }))
}

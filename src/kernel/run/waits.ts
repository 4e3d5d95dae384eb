/** Waits until an operation is as a caller wants it. */
import { checkSignal } from '../../arguments.ts'
import { StoreError } from '../../store/port.ts'
import type { KernelStore, OperationView } from '../define/operation.ts'
import type { Change } from '../kernel.ts'
import { sleep, type Clock } from '../util/ports.ts'

/** The pause before the row is read again after the store could not be read. */
const READ_AGAIN_MS = 250
/**
 * Where many wait, rows are read less often for the steps of other processes. So a commit costs the same however many
 * wait.
 */
const SWEEP_MS_EACH = 0.2

interface WaitsOptions {
  readonly store: KernelStore
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly get: (id: string) => Promise<OperationView>
  /** Calls back after each commit. Returns the way to stop. */
  readonly on: (listener: (change: Change) => void) => () => void
}

export class Waits {
  readonly #of: WaitsOptions
  readonly #waiting = new Map<string, Set<() => void>>()
  #count = 0
  #leave = (): void => {}
  #sweep: unknown

  constructor(of: WaitsOptions) {
    this.#of = of
  }

  /** See `Operations.until`. */
  async until<T>(id: string, as: (view: OperationView) => T | undefined, signal?: AbortSignal): Promise<T> {
    if (typeof as !== 'function') throw new TypeError('as: a function')
    const { clock, get, signal: stopped } = this.#of
    checkSignal(signal)
    let changed = Promise.withResolvers<void>()
    const wake = (): void => changed.resolve()
    const leave = this.#join(id, wake)
    const letGo = clock.hold?.()
    signal?.addEventListener('abort', wake)
    try {
      for (;;) {
        checkSignal(signal)
        changed = Promise.withResolvers<void>()
        try {
          const found = as(await get(id))
          if (found !== undefined) return found
          if (!stopped.aborted && signal?.aborted !== true) await changed.promise
        } catch (error) {
          // While the store cannot be read, the caller keeps waiting.
          if (!(error instanceof StoreError) || (error.code !== 'BUSY' && error.code !== 'UNAVAILABLE')) throw error
          await sleep(clock, READ_AGAIN_MS, stopped)
        }
      }
    } finally {
      leave()
      letGo?.()
      signal?.removeEventListener('abort', wake)
    }
  }

  #join(id: string, wake: () => void): () => void {
    if (this.#count === 0) this.#begin()
    this.#count++
    const waiting = this.#waiting.get(id) ?? new Set()
    this.#waiting.set(id, waiting.add(wake))
    return () => {
      waiting.delete(wake)
      if (waiting.size === 0 && this.#waiting.get(id) === waiting) this.#waiting.delete(id)
      if (--this.#count === 0) this.#leave()
    }
  }

  /** A step that this process hears of wakes those who wait for its operation; a store that says no more wakes all. */
  #begin(): void {
    const { store, clock, on, signal } = this.#of
    const wakeAll = (): void => {
      this.#sweep = undefined
      for (const waiting of this.#waiting.values()) for (const wake of waiting) wake()
    }
    const unwatch = store.watch('operations', () => {
      const pauseMs = Math.floor(this.#count * SWEEP_MS_EACH)
      if (pauseMs === 0) wakeAll()
      else this.#sweep ??= clock.setTimeout(wakeAll, pauseMs)
    })
    const unlisten = on(({ row }) => {
      for (const wake of this.#waiting.get(row.id) ?? []) wake()
    })
    signal.addEventListener('abort', wakeAll)
    this.#leave = () => {
      unwatch()
      unlisten()
      clock.clearTimeout(this.#sweep)
      this.#sweep = undefined
      signal.removeEventListener('abort', wakeAll)
    }
  }
}

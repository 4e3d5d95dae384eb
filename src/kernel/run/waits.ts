/** Waits until an operation is as a caller wants it. */
import { checkSignal } from '../../arguments.ts'
import { StoreError } from '../../store/port.ts'
import type { KernelStore, OperationView } from '../define/operation.ts'
import type { Change } from '../kernel.ts'
import { sleep, type Clock } from '../util/ports.ts'

/** The pause before the row is read again after the store could not be read. */
const READ_AGAIN_MS = 250

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

  constructor(of: WaitsOptions) {
    this.#of = of
  }

  /** See `Operations.until`. */
  async until<T>(id: string, as: (view: OperationView) => T | undefined, signal?: AbortSignal): Promise<T> {
    if (typeof as !== 'function') throw new TypeError('as: a function')
    const { store, clock, get, on, signal: stopped } = this.#of
    for (;;) {
      checkSignal(signal)
      let wake = (): void => {}
      const change = new Promise<void>((resolve) => (wake = resolve))
      const unlisten = on((it) => it.row.id === id && wake())
      const unwatch = store.watch('operations', wake)
      const letGo = clock.hold?.()
      signal?.addEventListener('abort', wake)
      stopped.addEventListener('abort', wake)
      try {
        const found = as(await get(id))
        if (found !== undefined) return found
        await change
      } catch (error) {
        // While the store cannot be read, the caller keeps waiting.
        if (!(error instanceof StoreError) || (error.code !== 'BUSY' && error.code !== 'UNAVAILABLE')) throw error
        await sleep(clock, READ_AGAIN_MS, stopped)
      } finally {
        unlisten()
        unwatch()
        letGo?.()
        signal?.removeEventListener('abort', wake)
        stopped.removeEventListener('abort', wake)
      }
    }
  }
}

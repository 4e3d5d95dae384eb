/** Asks a store again that cannot answer right now. */
import { StoreError, type StoreErrorCode } from '../../store/port.ts'
import { sleep, type Clock } from './ports.ts'

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 10_000
/** Codes that waiting does not mend. */
const STAYS: readonly StoreErrorCode[] = ['CLOSED', 'CORRUPT', 'NEWER', 'GONE', 'UNSTORABLE']

/**
 * Asks a store until it answers, with growing pauses. `ask` must be idempotent: it may have landed.
 *
 * @throws {StoreError} `CLOSED`, `CORRUPT`, `NEWER`, `GONE`, `UNSTORABLE`; any error once the signal has aborted.
 */
export async function untilAnswered<T>(
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
  ask: () => Promise<T>,
): Promise<T> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2))
    try {
      return await ask()
    } catch (error) {
      const passes = error instanceof StoreError && !stays(error)
      if (signal.aborted || !passes) throw error
      await sleep(clock, pauseMs, signal)
    }
}

/** Whether the store refuses a commit for good. */
export const isUnstorable = (error: unknown): boolean => error instanceof StoreError && error.code === 'UNSTORABLE'

/** Whether it is a store's failure that no waiting mends. */
export const stays = (error: unknown): error is StoreError => error instanceof StoreError && STAYS.includes(error.code)

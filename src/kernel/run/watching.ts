/** Lists that are given again when they have changed, whoever changed them. */
import { StoreError, type Store } from '../../store/port.ts'
import type { OperationView } from '../define/operation.ts'
import type { WatchFilter } from '../options.ts'
import { sleep, type Clock } from '../util/ports.ts'

/** A list is read no more often, however much changes. */
const PAUSE_MS = 50
/** The pause before it is read again after the store could not be read. */
const READ_AGAIN_MS = 250

interface WatchingOptions {
  readonly store: Pick<Store, 'watch'>
  readonly clock: Clock
  /** Aborts when the operations are closed. */
  readonly closed: AbortSignal
  readonly list: (filter: WatchFilter) => Promise<OperationView[]>
}

/**
 * See `Operations.watch`. Nothing is queued: that something changed is a note, and who asks for the next list gets the one
 * that is there then.
 */
export async function* watched(
  { store, clock, closed, list }: WatchingOptions,
  filter: WatchFilter,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly OperationView[], void, undefined> {
  const over = signal ? AbortSignal.any([closed, signal]) : closed
  let stale = Promise.withResolvers<void>()
  const wake = (): void => stale.resolve()
  const unwatch = store.watch('operations', wake)
  over.addEventListener('abort', wake)
  const letGo = clock.hold?.()
  wake()
  try {
    for (let given: string | undefined; ;) {
      await stale.promise
      if (signal?.aborted) return
      stale = Promise.withResolvers<void>()
      const found = await unlessAway(list(filter))
      const now = found && JSON.stringify(found.map(({ id, version }) => [id, version]))
      if (found && now !== given) {
        given = now
        yield found
      }
      if (!found || over.aborted) wake()
      await sleep(clock, found ? PAUSE_MS : READ_AGAIN_MS, over)
    }
  } finally {
    unwatch()
    over.removeEventListener('abort', wake)
    letGo?.()
  }
}

/** Undefined where the store cannot be read now. */
async function unlessAway<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read
  } catch (error) {
    if (error instanceof StoreError && (error.code === 'BUSY' || error.code === 'UNAVAILABLE')) return undefined
    throw error
  }
}

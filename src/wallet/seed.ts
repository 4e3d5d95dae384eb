/** One store, one seed: the store knows its seed again by a mark, and takes no other. */
import { isMarkOf, markSeed } from '../cashu/seed-mark.ts'
import { HardshellError } from '../kernel/util/errors.ts'
import { sleep, type Clock, type Random } from '../kernel/util/ports.ts'
import { StoreError } from '../store/port.ts'
import type { SeedRow, Store } from './tables.ts'

const SALT_BYTES = 16
const MOST_TRIES = 10
const FIRST_PAUSE_MS = 20

/**
 * Makes sure that the store is the seed's. A store without a mark, new or of an earlier version, gets this seed's: of
 * several processes that open it at once, one writes the mark, and the others go by it.
 *
 * @throws {HardshellError} `SEED_MISMATCH`; {StoreError}
 */
export async function claimStore(
  store: Store,
  seed: Uint8Array,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): Promise<void> {
  let pauseMs = FIRST_PAUSE_MS
  for (let tries = 1; ; tries++)
    try {
      const mark = await store.get('seeds', ['wallet'])
      if (mark && isMarkOf(mark, seed)) return
      if (mark) throw new HardshellError('SEED_MISMATCH', 'the store belongs to another seed; nothing was changed')
      const row: SeedRow = { id: 'wallet', ...markSeed(seed, random(SALT_BYTES)) }
      await store.commit([{ put: 'seeds', row, if: 'absent' }])
      return
    } catch (error) {
      // Somebody else was faster, it may have landed, or the store cannot be had right now: what is there decides.
      const passes = error instanceof StoreError && ['CONFLICT', 'IN_DOUBT', 'BUSY', 'UNAVAILABLE'].includes(error.code)
      if (!passes || tries >= MOST_TRIES) throw error
      await sleep(clock, pauseMs, new AbortController().signal)
      pauseMs *= 2
    }
}

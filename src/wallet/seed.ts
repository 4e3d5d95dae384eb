/** Ties a store to one seed: the store keeps a mark of its seed, and rejects any other. */
import { isMarkOf, markSeed } from '../cashu/seed-mark.ts'
import { HardshellError } from '../kernel/util/errors.ts'
import { sleep, type Clock, type Random } from '../kernel/util/ports.ts'
import { StoreError } from '../store/port.ts'
import type { SeedRow, Store } from './tables.ts'

const SALT_BYTES = 16
const MOST_TRIES = 10
const FIRST_PAUSE_MS = 20

/**
 * Checks that the store belongs to the seed. A store without a mark, new or of an earlier version, gets one. If several
 * processes open it at once, one writes the mark, and the others compare with it.
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
      // Another process was faster, the commit may have landed, or the store is away: the stored mark decides.
      const passes = error instanceof StoreError && ['CONFLICT', 'IN_DOUBT', 'BUSY', 'UNAVAILABLE'].includes(error.code)
      if (!passes || tries >= MOST_TRIES) throw error
      await sleep(clock, pauseMs, new AbortController().signal)
      pauseMs *= 2
    }
}

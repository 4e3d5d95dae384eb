/** One commit of the mint's that is no operation. */
import { StoreError } from '../../store/port.ts'

/** Conflicts in a row after which a request is given up; each means that another request got through. */
const MAX_TRIES = 20

/**
 * Reads, decides and commits, all in `step`'s one commit; where a row changed in between, from the reads again.
 * @throws {StoreError} As the store gave it; `CONFLICT` after 20 tries.
 */
export async function transact<W, T>(
  store: { commit(writes: readonly W[]): Promise<void> },
  step: () => Promise<{ readonly writes: readonly NoInfer<W>[]; readonly result: T }>,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    const { writes, result } = await step()
    try {
      if (writes.length > 0) await store.commit(writes)
      return result
    } catch (error) {
      if (!(error instanceof StoreError && error.code === 'CONFLICT' && tries < MAX_TRIES)) throw error
    }
  }
}

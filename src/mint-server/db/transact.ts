/** Read-modify-write: a commit of the mint outside its operations. */
import { StoreError } from '../../store/port.ts'

/** After this many conflicts in a row the request fails. Each conflict means that another request got through. */
const MAX_TRIES = 20

/**
 * Runs `step`, which reads and decides, and commits its writes. If a row changed in between, runs `step` again.
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

/** Commits a step, and tries again until the outcome is known. */
import { StoreError, type Write } from '../../store/port.ts'
import { HardshellError } from '../util/errors.ts'
import type { KernelStore, KernelWrite, OperationRow } from '../define/operation.ts'
import { sleep, type Clock } from '../util/ports.ts'

export type Outcome =
  /** The step is durable. */
  | { readonly outcome: 'landed' }
  /** Another row refused it; the operation's own row is as it was. */
  | { readonly outcome: 'conflict' }
  /** Somebody else moved the operation on. */
  | { readonly outcome: 'superseded' }

const FIRST_WAIT_MS = 20
const LONGEST_WAIT_MS = 5_000

/**
 * `row` is the operation's row as the commit writes it; `before` is the version it replaces, 0 for a new one.
 *
 * A commit in doubt is settled by reading the row back: our commit id means it landed; the version before means it
 * did not (yet), and the same commit, under the same id, is tried again; anything else means that somebody else was
 * faster. A refused commit is read back too, for the refusal may be that of a second try whose first had landed.
 *
 * @throws {StoreError} `BUSY`, `FULL`, `UNAVAILABLE` after `retryMs` (never landed), `CLOSED`, `CORRUPT`, `GONE`,
 *   `UNSTORABLE`.
 */
export async function commitRow(
  env: { store: KernelStore; clock: Clock; signal: AbortSignal; waiting?: (error: unknown) => void },
  commit: { row: OperationRow; before: number; writes: readonly Write[]; retryMs: number },
): Promise<Outcome> {
  const { row, before } = commit
  const put: KernelWrite = { put: 'operations', row, if: before === 0 ? 'absent' : { version: before } }
  const writes = [put, ...commit.writes]
  const deadlineMs = env.clock.monotonicMs() + commit.retryMs
  let waitMs = FIRST_WAIT_MS
  let doubt = false
  const wait = async (error: unknown): Promise<void> => {
    env.waiting?.(error)
    await sleep(env.clock, waitMs, env.signal)
    if (env.signal.aborted) throw new HardshellError('CLOSED', 'closed while a commit was waiting', { cause: error })
    waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 2)
  }
  for (;;) {
    try {
      await env.store.commit(writes)
      return { outcome: 'landed' }
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      if (error.code === 'BUSY' || error.code === 'FULL' || error.code === 'UNAVAILABLE') {
        if (!doubt && env.clock.monotonicMs() >= deadlineMs) throw error
        await wait(error)
        continue
      }
      const isRefused = error.code === 'UNSTORABLE'
      if (error.code !== 'CONFLICT' && error.code !== 'IN_DOUBT' && !(isRefused && doubt)) throw error
      doubt ||= error.code === 'IN_DOUBT'
      const found = await readBack(env, row.id, wait)
      if (found?.commitId === row.commitId) return { outcome: 'landed' }
      if ((found?.version ?? 0) !== before) return { outcome: 'superseded' }
      if (error.code === 'CONFLICT') return { outcome: 'conflict' }
      if (isRefused) throw error
      await wait(error)
    }
  }
}

async function readBack(
  env: { store: KernelStore },
  id: string,
  wait: (error: unknown) => Promise<void>,
): Promise<OperationRow | undefined> {
  for (;;) {
    try {
      return await env.store.get('operations', [id])
    } catch (error) {
      if (error instanceof StoreError && (error.code === 'CLOSED' || error.code === 'GONE')) throw error
      await wait(error)
    }
  }
}

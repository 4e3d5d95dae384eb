/** Commits a step, with the children that it starts. */
import { StoreError, type Write } from '../../store/port.ts'
import type { OperationRow } from '../define/operation.ts'
import type { Committing } from '../inspect/telemetry.ts'
import type { Kernel, LoadedKind } from '../kernel.ts'
import { commitRow, type Outcome } from '../step/commit.ts'
import type { Step } from '../step/step.ts'
import { HardshellError } from '../util/errors.ts'

/**
 * What is computed of the store as a step's writes will leave it; `conflict` where one of them would be refused by now: a row
 * on which it relies has changed.
 */
export async function unlessConflict<T>(computed: T | Promise<T>): Promise<T | 'conflict'> {
  try {
    return await computed
  } catch (error) {
    if (error instanceof StoreError && error.code === 'CONFLICT') return 'conflict'
    throw error
  }
}

/** What is committed, and how. */
interface Commit {
  readonly row: OperationRow
  /** The version that it replaces, 0 for a new operation. */
  readonly before: number
  readonly writes: readonly Write[]
  readonly retryMs: number
  readonly signal: AbortSignal
  readonly waiting?: (error: unknown) => void
  /** Told how it ends. */
  readonly committing: Committing | undefined
}

/**
 * Commits a step. `landed` is called as soon as it has landed, before anything that follows from it.
 *
 * @throws {HardshellError} `DEFECT` where it starts a child that cannot be started; as `commitRow` does
 */
export async function commitStep(
  kernel: Kernel,
  loaded: LoadedKind,
  step: Step,
  commit: Commit,
  landed: () => void,
): Promise<Outcome['outcome']> {
  const { committing } = commit
  if (!committing) return stepCommitted(kernel, loaded, step, commit, landed)
  try {
    const outcome = await stepCommitted(kernel, loaded, step, commit, landed)
    committing.ended(outcome)
    return outcome
  } catch (error) {
    committing.failed(error)
    throw error
  }
}

async function stepCommitted(
  kernel: Kernel,
  { kind, startChildren }: LoadedKind,
  step: Step,
  { row, before, writes, retryMs, signal, waiting }: Commit,
  landed: () => void,
): Promise<Outcome['outcome']> {
  const { store, clock } = kernel
  const { starts } = step
  if (starts.length > 0 && !startChildren) throw new HardshellError('DEFECT', `${kind.kind}: 'start' is not in setup`)
  const begun = starts.length > 0 ? startChildren?.(kernel, { row, writes }, starts) : undefined
  const children = await unlessConflict(begun)
  if (children === 'conflict') {
    const found = await store.get('operations', [row.id])
    return (found?.version ?? 0) === before ? 'conflict' : 'superseded'
  }
  const all = children ? [...writes, ...children.writes] : writes
  const commit = async (): Promise<Outcome> => {
    const env = { store, clock, signal, ...(waiting && { waiting }) }
    const outcome = await commitRow(env, { row, before, writes: all, retryMs })
    if (outcome.outcome === 'landed') landed()
    return outcome
  }
  return (await (children?.land(commit) ?? commit())).outcome
}

/** Makes the first step of an operation that goes on from where another one was at a step. */
import { contextOf } from '../define/chart.ts'
import type { OperationRow } from '../define/operation.ts'
import { isStepsTable, type StepDetail } from '../define/steps.ts'
import { providedOf, type Kernel, type LoadedKind } from '../kernel.ts'
import { checkKind, type KindOf } from './reads.ts'
import type { Step } from '../step/step.ts'
import { HardshellError } from '../util/errors.ts'
import { own } from '../util/own.ts'
import { unmoved } from './durable.ts'

/** A step of an operation. */
export type Origin = NonNullable<StepDetail['forkedFrom']>

/** The first step of a fork, and the version of the kind on which it runs. */
export interface ForkedStep {
  readonly loaded: LoadedKind
  readonly step: Step
}

/**
 * Of what the steps before it did outside, and to rows, nothing is done again or undone.
 *
 * @throws {TypeError} where the kind cannot be forked
 * @throws {HardshellError} `NOT_FOUND` where no such step is kept, `OTHER_VERSION`, `INVALID_STATE` where nothing can go on from it,
 *   `UNLOADABLE`
 * @throws {StoreError} where the database fails
 */
export async function forkedStep(
  { store, clock, tables }: Kernel,
  newest: LoadedKind,
  { asked, origin, id }: { readonly asked: KindOf; readonly origin: Origin; readonly id: string },
): Promise<ForkedStep> {
  checkForks(newest)
  const failed = (code: string, why: string): HardshellError =>
    new HardshellError(code, `version ${origin.version} of operation '${origin.id}': ${why}`, {
      operationId: origin.id,
    })
  const there = await store.get('operations', [origin.id])
  const then = isStepsTable(tables['steps']) ? await store.get('steps', [origin.id, origin.version]) : undefined
  if (!there || !then || then.snapshot === null) throw failed('NOT_FOUND', 'no snapshot of it is kept')
  checkKind(there, undefined, asked)
  const { snapshot, kindVersion } = then
  // Its delays begin anew.
  const asIt: OperationRow = { ...there, kindVersion, snapshot, timers: '{}', updatedAt: clock.now() }
  const loaded = newest.of(asIt)
  checkKind(there, loaded.kind.machine, asked)
  checkForks(loaded)
  const before = loaded.restore(asIt)
  if (before.status !== 'active') throw failed('INVALID_STATE', 'it had ended')
  const waits = loaded.stepper.invokes(before).find(({ src }) => providedOf(loaded.kind.machine, src))
  if (waits) throw failed('INVALID_STATE', `it waits for others ('${waits.src}')`)
  const forked = loaded.kind.forks
  const context: unknown =
    typeof forked === 'function'
      ? own<unknown>(forked(contextOf(before), { id }), 'the context of the fork')
      : undefined
  const persisted = loaded.stepper.persist(before)
  const row: OperationRow = {
    ...asIt,
    kindVersion: loaded.kind.version,
    snapshot: JSON.stringify(context === undefined ? persisted : { ...persisted, context }),
  }
  const now = loaded.restore(row)
  const entered = new Set(loaded.stepper.invokes(now).map((invoke) => invoke.id))
  return { loaded, step: unmoved(now, loaded.timers(row), entered) }
}

/** @throws {TypeError} */
function checkForks({ kind: { kind, forks } }: LoadedKind): void {
  if (forks === undefined) throw new TypeError(`kind: '${kind}' cannot be forked (forks)`)
}

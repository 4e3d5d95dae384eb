/** A handle as it crosses: the operation as the near side last saw it. */
import { HardshellError } from '../kernel/util/errors.ts'
import type { OperationHandle } from '../wallet/api-handles.ts'
import { amount, number, optional, record, text, type Shape } from './shapes.ts'

/** The amounts of an operation, in its unit. */
export type Amounts = Pick<OperationHandle, 'amount' | 'asked' | 'spentElsewhere' | 'fee' | 'owed'>

/** What all handles show, and what a kind's own show beside it. */
export interface View<E = unknown> {
  readonly id: string
  readonly kind: string
  readonly state: string
  readonly version: number
  readonly mintUrl: string
  readonly unit: string
  /** As `toJSON` shows it. */
  readonly shown: string
  /** Undefined where the near side's program cannot load the operation. */
  readonly amounts: Amounts | undefined
  readonly extra: E | undefined
}

const amounts = record<Amounts>({ amount, asked: amount, spentElsewhere: amount, fee: amount, owed: amount })

export const view = <E>(extra: Shape<E>): Shape<View<E>> =>
  record<View<E>>({
    id: text,
    kind: text,
    state: text,
    version: number,
    mintUrl: text,
    unit: text,
    shown: text,
    amounts: optional(amounts),
    extra: optional(extra),
  })

/** A handle as it crosses. */
export function shownView<H extends OperationHandle, E>(handle: H, extraOf: (handle: H) => E): View<E> {
  const { id, kind, state, version } = handle
  const { mintUrl, unit, amount: shown } = handle.toJSON()
  const base = { id, kind, state, version, mintUrl, unit, shown }
  try {
    const { amount, asked, spentElsewhere, fee, owed } = handle
    return { ...base, amounts: { amount, asked, spentElsewhere, fee, owed }, extra: extraOf(handle) }
  } catch (error) {
    if (!(error instanceof HardshellError && error.code === 'UNLOADABLE')) throw error
    return { ...base, amounts: undefined, extra: undefined }
  }
}

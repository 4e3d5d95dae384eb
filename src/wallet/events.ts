/** The wallet's events: in this process, after the commit, at most once. History and lists are the truth. */
import { checkListener, checkOneOf } from '../arguments.ts'
import type { Change } from '../kernel/kernel.ts'
import type { OperationStatus } from '../kernel/operation.ts'
import type { WalletEnv } from './env.ts'

export interface OperationEvent {
  readonly id: string
  readonly kind: string
  /** `changed` is a new state, or news in the same one. */
  readonly what: 'created' | 'changed' | 'finished' | 'failed'
  readonly state: string
  readonly status: OperationStatus
  readonly tags: readonly string[]
  readonly version: number
  readonly mintUrl: string
  readonly unit: string
}

export interface WalletEvents {
  /** An operation was created, changed its state, finished or failed; its history record changed with it. */
  readonly operation: OperationEvent
  /** Proofs of this mint and unit changed hands; read `balances()`. */
  readonly balance: { readonly mintUrl: string; readonly unit: string }
  /** A quote is in a new state, as the wallet knows it. */
  readonly quote: {
    readonly operationId: string
    readonly mintUrl: string
    readonly quoteId: string
    readonly state: string
  }
}

const operationEvent = ({ before, row, snapshot }: Change): OperationEvent => {
  const { id, kind, state, status, version } = row
  const { mintUrl, unit } = row as unknown as OperationEvent
  const tags = [...snapshot.tags] as string[]
  const what = !before
    ? 'created'
    : tags.includes('failed')
      ? 'failed'
      : tags.includes('ended')
        ? 'finished'
        : 'changed'
  return { id, kind, what, state, status, tags, version, mintUrl, unit }
}

const EVENTS: readonly (keyof WalletEvents)[] = ['operation', 'balance', 'quote']

/** @throws {TypeError} naming the argument */
export function onWalletEvent<E extends keyof WalletEvents>(
  env: WalletEnv,
  event: E,
  listener: (event: WalletEvents[E]) => void,
): () => void {
  checkOneOf(event ?? null, 'event', EVENTS)
  checkListener(listener)
  const call = listener as (event: unknown) => void
  return env.operations.on((change) => {
    if (event === 'operation') call(operationEvent(change))
    else if (event === 'balance') {
      const { mintUrl, unit } = operationEvent(change)
      if (change.tables.includes('proofs')) call({ mintUrl, unit })
    }
    // Charts emit the others, in the commits that change what they tell of.
    else for (const { type, ...rest } of change.emitted) if (type === event) call(rest)
  })
}

/** The wallet's events: in this process, after the commit, at most once. Use history and lists where every change counts. */
import type { Amount } from '@cashu/cashu-ts'
import { toAmount } from '../cashu/amounts.ts'
import { checkListener, checkOneOf } from '../arguments.ts'
import type { Change } from '../kernel/kernel.ts'
import type { OperationStatus } from '../kernel/define/operation.ts'
import type { WalletEnv } from './env.ts'
import type { RowOf } from '../store/typed.ts'
import type { WalletTables } from './tables.ts'

/** A committed step of an operation, as listeners get it. Amounts are in its unit. */
export interface OperationEvent {
  /** The operation's id. */
  readonly id: string
  /** The kind of operation, `send` say. */
  readonly kind: string
  /** `changed` is a new state, or something new in the same one. */
  readonly what: 'created' | 'changed' | 'finished' | 'failed'
  /** The chart's state, dotted. */
  readonly state: string
  /** Whether it goes on, has ended or was set aside. */
  readonly status: OperationStatus
  /** The chart's tags of the state. */
  readonly tags: readonly string[]
  /** Goes up by one with each commit. */
  readonly version: number
  /** The mint's URL. */
  readonly mintUrl: string
  /** The unit, `sat` say. */
  readonly unit: string
  /** What moved, in the unit; while the operation is open, what is to move. */
  readonly amount: Amount
  /** What was asked for. */
  readonly asked: Amount
  /** What it cost; while the operation is open, the most that it can cost. */
  readonly fee: Amount
  /** What the mint owes for certain, and has not given yet. */
  readonly owed: Amount
}

/** The events of `wallet.on`, by name. */
export interface WalletEvents {
  /** An operation was created, changed its state, finished or failed; its history record changed with it. */
  readonly operation: OperationEvent
  /** Proofs of this mint and unit changed hands, or change is owed; read `balances()`. */
  readonly balance: { readonly mintUrl: string; readonly unit: string }
  /** A quote is in a new state, as the wallet knows it. */
  readonly quote: {
    readonly operationId: string
    readonly mintUrl: string
    readonly quoteId: string
    readonly state: string
  }
}

/** The wallet's operations, with the columns that it adds. */
type Operation = RowOf<WalletTables['operations']>

const operationEvent = ({ before, row, snapshot }: Change): OperationEvent => {
  const { id, kind, state, status, version } = row
  const { mintUrl, unit, amount, asked, fee, owed } = row as Operation
  const tags = [...snapshot.tags] as string[]
  const what = !before
    ? 'created'
    : tags.includes('failed')
      ? 'failed'
      : tags.includes('ended')
        ? 'finished'
        : 'changed'
  return {
    id,
    kind,
    what,
    state,
    status,
    tags,
    version,
    mintUrl,
    unit,
    amount: toAmount(amount),
    asked: toAmount(asked),
    fee: toAmount(fee),
    owed: toAmount(owed),
  }
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
      const { mintUrl, unit } = change.row as Operation
      if (change.tables.includes('proofs') || change.tables.includes('owed')) call({ mintUrl, unit })
    }
    // Charts emit the other events, in the commits that make the changes.
    else for (const { type, ...rest } of change.emitted) if (type === event) call(rest)
  })
}

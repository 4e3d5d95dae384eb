/** The history: one record per operation, written in the operation's own commits, so that failures show too. */
import type { ColumnsOf, Projection } from '../kernel/define/operation.ts'
import type { HistoryRow, WalletTables, Write } from './tables.ts'

/** What every wallet operation's context has. */
export interface WalletContext {
  readonly id: string
  readonly mintUrl: string
  readonly unit: string
  /** What moved; while it is open, what is to move. */
  readonly amount: number
  /** What was asked for; the amount where left out. */
  readonly asked?: number
  /** Of what was asked for, what somebody else had spent. */
  readonly spentElsewhere?: number
  readonly fee: number
  /** What the mint owes for certain, and has not given yet. */
  readonly owed?: number
  readonly error: { readonly code: string; readonly detail: string } | null
}

/** What a kind adds to its record. */
export type Details = Partial<
  Pick<HistoryRow, 'method' | 'quoteId' | 'request' | 'paymentProof' | 'evidence' | 'memo' | 'ys'>
>

export const record =
  <C extends WalletContext>(
    kind: string,
    direction: HistoryRow['direction'],
    details: (context: C) => Details = () => ({}),
  ) =>
  ({ id, state, tags, context, createdAt, updatedAt }: Projection<C>): readonly Write[] => {
    const { mintUrl, unit, amount, asked = amount, spentElsewhere = 0, fee, owed = 0, error } = context
    const row: HistoryRow = {
      id,
      kind,
      direction,
      status: tags.has('failed') ? 'failed' : tags.has('ended') ? 'done' : 'pending',
      state,
      mintUrl,
      unit,
      amount,
      asked,
      spentElsewhere,
      fee,
      owed,
      method: null,
      quoteId: null,
      request: null,
      paymentProof: null,
      evidence: null,
      memo: null,
      ys: [],
      ...details(context),
      error,
      createdAt,
      updatedAt,
    }
    return [{ put: 'history', row }]
  }

/** The columns that the wallet adds to the operations table. */
export const columns = (
  context: WalletContext & { readonly quoteId?: string | null },
): ColumnsOf<WalletTables['operations']> => ({
  mintUrl: context.mintUrl,
  unit: context.unit,
  amount: context.amount,
  asked: context.asked ?? context.amount,
  fee: context.fee,
  owed: context.owed ?? 0,
  quoteId: context.quoteId ?? null,
})

export const lane = (context: WalletContext): string => context.mintUrl

/** The history: one record per operation, written in the operation's own commits, so that failures show too. */
import type { Projection } from '../kernel/operation.ts'
import type { Row, Write } from '../store/port.ts'
import type { HistoryRow } from './tables.ts'

/** What every wallet operation's context has. */
export interface WalletContext {
  readonly id: string
  readonly mintUrl: string
  readonly unit: string
  readonly amount: number
  readonly fee: number
  readonly error: { readonly code: string; readonly detail: string } | null
}

/** What a kind adds to its record. */
export type Details = Partial<Pick<HistoryRow, 'method' | 'quoteId' | 'request' | 'paymentProof' | 'memo' | 'ys'>>

export const record =
  <C extends WalletContext>(
    kind: string,
    direction: HistoryRow['direction'],
    details: (context: C) => Details = () => ({}),
  ) =>
  ({ id, state, tags, context, createdAt, updatedAt }: Projection<C>): readonly Write[] => {
    const { mintUrl, unit, amount, fee, error } = context
    const row: HistoryRow = {
      id,
      kind,
      direction,
      status: tags.has('failed') ? 'failed' : tags.has('ended') ? 'done' : 'pending',
      state,
      mintUrl,
      unit,
      amount,
      fee,
      method: null,
      quoteId: null,
      request: null,
      paymentProof: null,
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
export const columns = (context: WalletContext & { readonly quoteId?: string | null }): Row => ({
  mintUrl: context.mintUrl,
  unit: context.unit,
  amount: context.amount,
  quoteId: context.quoteId ?? null,
})

export const lane = (context: WalletContext): string => context.mintUrl

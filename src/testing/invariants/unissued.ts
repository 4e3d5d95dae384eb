/** Paid quotes: at the end each is issued, or a living operation works on it, or a caller was told why not. */
import { fakeBackendTables } from '../../mint-server/lightning/fake-backend-tables.ts'
import type { MintQuoteRow } from '../../mint-server/db/tables.ts'
import type { Dump } from '../../store/memory.ts'
import { mintRows, rowsOf, walletRows } from './rows.ts'

/** The reasons for refusing an existing quote before any request to the mint. */
const TURNED_DOWN = ['QUOTE_WRONG', 'ALREADY_ISSUED', 'SIGNATURE_REFUSED', 'MINT_UNREACHABLE', 'REFUSED']

/** How long an expired quote is polled. */
const RECHECKED_FOR_MS = 7 * 86_400_000

/** Quotes of the wallet that were paid and never issued. */
export function unissued(of: { readonly wallet: Dump; readonly mint: Dump; readonly nowMs: number }): string[] {
  const { wallet, mint, nowMs } = of
  const { operations, history } = walletRows(wallet)
  const { mintQuotes } = mintRows(mint)
  const { fakeIncoming } = rowsOf(fakeBackendTables, mint)

  /** When its payment arrived, noticed or not; undefined if none did. */
  const paidAt = ({ requestId, updatedAt }: MintQuoteRow): number | undefined => {
    const payment = fakeIncoming.find((row) => row.requestId === requestId && (row.dueAt ?? 0) <= nowMs)
    return payment && (payment.dueAt ?? updatedAt)
  }

  return mintQuotes.flatMap((quote) => {
    const atMs = paidAt(quote)
    if (atMs === undefined || quote.amountIssued > 0) return []
    const own = operations.filter(({ kind, quoteId }) => kind === 'mint' && quoteId === quote.id)
    if (own.length === 0 || own.some(({ status }) => status !== 'done')) return []
    const isTold = own.every(({ id, state, updatedAt }) => {
      const error = history.find((record) => record.id === id)?.error?.code
      if (state !== 'closed') return state === 'failed' && TURNED_DOWN.includes(error ?? '')
      // A payment after the seven days of polling is lost.
      return atMs >= (error === 'CANCELLED' ? updatedAt : (quote.expiryAt ?? 0) + RECHECKED_FOR_MS)
    })
    return isTold ? [] : [`unissued: a quote of ${quote.amount} was paid, and given up in '${own[0]?.state}'`]
  })
}

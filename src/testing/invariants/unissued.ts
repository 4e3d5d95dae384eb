/** Quotes that were paid: each is issued in the end, or an operation that is alive sees to it, or a caller was told why not. */
import { fakeBackendTables } from '../../mint-server/lightning/fake-backend-tables.ts'
import type { MintQuoteRow } from '../../mint-server/db/tables.ts'
import type { Dump } from '../../store/memory.ts'
import { mintRows, rowsOf, walletRows } from './rows.ts'

/** Why a quote that exists already is turned down before anything is asked of the mint for it. */
const TURNED_DOWN = ['QUOTE_WRONG', 'ALREADY_ISSUED', 'SIGNATURE_REFUSED', 'MINT_UNREACHABLE', 'REFUSED']

/** How long a quote that has expired is looked at. */
const RECHECKED_FOR_MS = 7 * 86_400_000

/** Quotes of the wallet that were paid and of which nothing came. */
export function unissued(of: { readonly wallet: Dump; readonly mint: Dump; readonly nowMs: number }): string[] {
  const { wallet, mint, nowMs } = of
  const { operations, history } = walletRows(wallet)
  const { mintQuotes } = mintRows(mint)
  const { fakeIncoming } = rowsOf(fakeBackendTables, mint)

  /** When its payment came in, noticed or not; undefined where none did. */
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
      // What is paid after it was looked at for seven days is paid to nobody.
      return atMs >= (error === 'CANCELLED' ? updatedAt : (quote.expiryAt ?? 0) + RECHECKED_FOR_MS)
    })
    return isTold ? [] : [`unissued: a quote of ${quote.amount} was paid, and given up in '${own[0]?.state}'`]
  })
}

/** How a melt quote may change (NUT-05). Wallets get `UNPAID` for `FAILED`, for which the NUT has no word. */
import type { MeltQuoteState } from '../db/tables.ts'

const MOVES: Readonly<Record<MeltQuoteState, readonly MeltQuoteState[]>> = {
  UNPAID: ['PENDING', 'FAILED'],
  PENDING: ['UNPAID', 'PAID', 'FAILED'],
  FAILED: ['PENDING', 'UNPAID'],
  PAID: [],
}

/** A quote was to take a step that there is none: a mistake of the program, not of a wallet. Nothing was written. */
export class QuoteStateError extends Error {
  override readonly name = 'QuoteStateError'
  readonly from: MeltQuoteState
  readonly to: MeltQuoteState
  constructor(from: MeltQuoteState, to: MeltQuoteState) {
    super(`a melt quote does not go from ${from} to ${to}`)
    this.from = from
    this.to = to
  }
}

/** The state to write. @throws {QuoteStateError} */
export function moved(from: MeltQuoteState, to: MeltQuoteState): MeltQuoteState {
  if (!MOVES[from].includes(to)) throw new QuoteStateError(from, to)
  return to
}

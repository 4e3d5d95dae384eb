/** A mint as an inspector sees it: its operations, and what each unit comes to. */
import type { Inspectable, Sums } from '../kernel/inspect/inspectable.ts'
import type { Operations } from '../kernel/operations.ts'
import { unitBalances } from './db/balance-sheet.ts'
import type { Store } from './db/tables.ts'

/** Whoever knows the id of a quote that is paid may have ecash for it. A request's key is the hash of a body. */
const HIDDEN = ['quoteId', 'requestKey']

/** How a mint is inspected. Its operations end by themselves: none of them is cancelled, or waits to be executed. */
export const inspectedMint = (operations: Operations, store: Store): Inspectable => ({
  operations,
  acts: ['resume'],
  hidden: HIDDEN,
  totals: async (): Promise<readonly Sums[]> =>
    Object.entries(await unitBalances(store)).map(([unit, { paidOut, kept, ...sums }]) => ({
      of: { unit },
      sums: { ...sums, 'paid out': paidOut, kept },
    })),
})

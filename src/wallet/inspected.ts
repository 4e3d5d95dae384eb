/** A wallet's database as an inspector sees it from outside: no seed, no keys, no requests to mints. */
import type { Inspectable } from '../kernel/inspect/inspectable.ts'
import { openClient } from '../kernel/operations.ts'
import type { StoreAdapter } from '../store/port.ts'
import { walletTotals } from './balances.ts'
import { cancelIn, walletKinds } from './kinds/index.ts'
import { walletSchema } from './tables.ts'

/** A database that is open to be looked at. */
export interface InspectedWallet extends AsyncDisposable {
  readonly inspectable: Inspectable
}

/**
 * Opens a wallet's database as a client: whoever runs the wallet goes on as before. Its keys are not here, so an operation can be
 * cancelled or resumed, and not executed.
 *
 * @throws {TypeError} where it is no wallet's; {StoreError} where it cannot be opened
 */
export async function openInspected(adapter: StoreAdapter): Promise<InspectedWallet> {
  const store = await adapter.open(walletSchema)
  const operations = openClient({ store, tables: walletSchema.tables, kinds: walletKinds })
  return {
    inspectable: {
      operations,
      cancel: (id) => cancelIn(operations, id),
      totals: walletTotals(store),
      acts: ['resume', 'cancel'],
    },
    async [Symbol.asyncDispose]() {
      operations.close()
      await operations.closed
      await store.close()
    },
  }
}

/** A database of a wallet, a mint or bounties, opened as a client: whoever runs it goes on. It needs no seed and no ports. */
import { inspectedBounties } from '../bounty/inspected.ts'
import { bountyKind, bountySchema, type BountyPorts } from '../bounty/index.ts'
import type { Inspectable } from '../kernel/inspect/inspectable.ts'
import { openClient, type Operations } from '../kernel/operations.ts'
import { mintSchema } from '../mint-server/db/tables.ts'
import { inspectedMint } from '../mint-server/inspected.ts'
import { mintKinds } from '../mint-server/operations/index.ts'
import type { Store, StoreAdapter } from '../store/port.ts'
import { walletTotals } from '../wallet/balances.ts'
import { cancelIn, walletKinds } from '../wallet/kinds/index.ts'
import type { WalletPorts } from '../wallet/ports.ts'
import { walletSchema } from '../wallet/tables.ts'
import type { Whose } from './described.ts'

/** A database that is open. */
export interface OpenedDatabase extends AsyncDisposable {
  /** Whose it is. */
  readonly of: Whose
  readonly operations: Operations
  readonly store: Store
  /** How an inspector sees it. To execute an operation takes keys, which are not here. */
  readonly inspectable: Inspectable
  close(): Promise<void>
}

/** The tables of each. */
export const SCHEMAS = { wallet: walletSchema, mint: mintSchema, bounty: bountySchema } as const

type Opened = Pick<OpenedDatabase, 'operations' | 'store' | 'inspectable'>

const onError = (): void => {}

const OPEN: Readonly<Record<Whose, (adapter: StoreAdapter) => Promise<Opened>>> = {
  async wallet(adapter) {
    const store = await adapter.open(walletSchema)
    const operations = openClient<WalletPorts>({ store, tables: walletSchema.tables, kinds: walletKinds, onError })
    const cancel = (id: string): Promise<boolean> => cancelIn(operations, id)
    const inspectable = { operations, cancel, totals: walletTotals(store), acts: ['resume', 'cancel'] }
    return { operations, store, inspectable }
  },
  async mint(adapter) {
    const store = await adapter.open(mintSchema)
    const operations = openClient({ store, tables: mintSchema.tables, kinds: mintKinds, onError })
    return { operations, store, inspectable: inspectedMint(operations, store) }
  },
  async bounty(adapter) {
    const store = await adapter.open(bountySchema)
    const kinds = [bountyKind()]
    const operations = openClient<BountyPorts>({ store, tables: bountySchema.tables, kinds, onError })
    return { operations, store, inspectable: inspectedBounties(operations) }
  },
}

/** Opens a database whose owner is known. @throws {StoreError} */
export async function openAs(of: Whose, adapter: StoreAdapter): Promise<OpenedDatabase> {
  const opened = await OPEN[of](adapter)
  const { operations, store } = opened
  const close = async (): Promise<void> => {
    operations.close()
    await operations.closed
    await store.close()
  }
  return { of, ...opened, close, [Symbol.asyncDispose]: close }
}

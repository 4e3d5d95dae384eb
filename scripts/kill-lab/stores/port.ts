/** What the kill lab needs of a store. */
import type { StoreAdapter } from '../../../src/store/port.ts'

/** What a store's module exports as `store`. `at` is a text that the module itself makes and understands. */
export interface LabStore {
  /** Gets ready, once for each run of wallets: starts a database server, say. */
  start(dir: string): Promise<Places>
  /** The adapter that a wallet process opens, and the oracle after it. */
  adapter(at: string): StoreAdapter
  exists(at: string): Promise<boolean>
  /** The wallet's rows are gone then, whatever was there. */
  remove(at: string): Promise<void>
}

export interface Places extends AsyncDisposable {
  /** Where the wallet of this name keeps its rows. */
  readonly at: (name: string) => string
  /** Kills the database server, and starts it again; left out where there is none. */
  readonly crash?: () => Promise<void>
}

/** Runs in a page: the near side of a wallet on IndexedDB, or the far side of another tab's, on a broadcast channel. */
import { HardshellError, openWallet, type Wallet } from '../../src/index.ts'
import { connectWallet, serveWallet, type RemoteWallet } from '../../src/remote/index.ts'
import { indexedDbStore } from '../../src/store/indexeddb/index.ts'

const channel = (): BroadcastChannel => new BroadcastChannel('wallet')

const tabs = {
  /** Opens the wallet, and serves it with a limit. */
  async near(mintUrl: string): Promise<Wallet> {
    const wallet = await openWallet({ store: indexedDbStore({ name: 'wallet' }), seed: new Uint8Array(64).fill(5) })
    await wallet.mints.trust(mintUrl)
    serveWallet(wallet, channel(), { allow: { balances: true, mint: true, operations: true, send: { upTo: 100 } } })
    return wallet
  },
  codeOf: (error: unknown): string => (error instanceof HardshellError ? error.code : String(error)),
  far: (): Promise<RemoteWallet> => connectWallet(channel(), { waitMs: 60_000, pingMs: 500 }),
}

declare global {
  interface Window {
    tabs: typeof tabs
    /** What one step of a test leaves for the next. */
    wallet: Wallet
    far: RemoteWallet
    waiting: Promise<string>
  }
}
window.tabs = tabs

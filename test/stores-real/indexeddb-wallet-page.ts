/** Runs in a page: a wallet on IndexedDB, the commits that were refused, and a database to fill the origin's quota with. */
import { openWallet, type Wallet } from '../../src/index.ts'
import { indexedDbStore } from '../../src/store/indexeddb/index.ts'
import { StoreError, type StoreAdapter } from '../../src/store/port.ts'
import { kit } from './indexeddb-page.ts'

const refused: string[] = []

/** A store that tells of refused commits. */
const telling = (adapter: StoreAdapter): StoreAdapter => ({
  async open(schema) {
    const store = await adapter.open(schema)
    return {
      ...(store.ownership && { ownership: store.ownership }),
      get: (table, key) => store.get(table, key),
      query: (query) => store.query(query),
      sum: (table, prefix) => store.sum(table, prefix),
      watch: (table, changed) => store.watch(table, changed),
      close: () => store.close(),
      async commit(writes) {
        try {
          await store.commit(writes)
        } catch (error) {
          refused.push(error instanceof StoreError ? error.code : String(error))
          throw error
        }
      },
    }
  },
})

const bank = {
  refused,

  /** With a seed of its own, unless given in hex. */
  async open(name: string, mintUrl: string, hex?: string): Promise<Wallet> {
    const given = hex?.match(/../g)?.map((byte) => Number.parseInt(byte, 16))
    const seed = given ? Uint8Array.from(given) : crypto.getRandomValues(new Uint8Array(64))
    const wallet = await openWallet({ store: telling(indexedDbStore({ name })), seed })
    await wallet.mints.trust(mintUrl)
    return wallet
  },

  /** Writes until not even a short text finds room. */
  async fill(): Promise<void> {
    const store = await kit.open(1, { name: 'filler' })
    for (let size = 100_000, id = 0; size >= 1; id++) {
      const code = await kit.codeOf(store.commit(kit.notes(id, 1, kit.noise().slice(0, size))))
      if (code === 'FULL') size = Math.floor(size / 2)
      else if (code !== 'fine') throw new Error(code)
    }
  },

  async spendable(wallet: Wallet): Promise<number> {
    return (await wallet.balances()).reduce((sum, { spendable }) => sum + spendable.toNumber(), 0)
  },
}

declare global {
  interface Window {
    readonly bank: typeof bank
    /** A wallet, and an operation's end, that are kept between the calls of one test. */
    wallet: Wallet
    ended: Promise<{ readonly state: string }>
    wallets: { readonly alice: Wallet; readonly bob: Wallet }
    sent: Promise<{ readonly token: string }>
  }
}
// The other module's own assignment is left out of the bundle: the package says that it has no side effects.
Object.assign(window, { bank, kit })

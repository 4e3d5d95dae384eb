/** The mints of a wallet, as its users see them. */
import type { KnownMint, Mints } from './mints.ts'

/** `wallet.mints`; `api.ts` says what its members do. */
export class WalletMints {
  readonly #mints: Mints

  constructor(mints: Mints) {
    this.#mints = mints
  }

  trust(mintUrl: string): Promise<KnownMint> {
    return this.#mints.trust(mintUrl)
  }

  distrust(mintUrl: string): Promise<void> {
    return this.#mints.distrust(mintUrl)
  }

  rebind(mintUrl: string, address: string): Promise<KnownMint> {
    return this.#mints.rebind(mintUrl, address)
  }

  refresh(mintUrl: string, signal?: AbortSignal): Promise<void> {
    return this.#mints.refresh(mintUrl, signal)
  }

  get(mintUrl: string): Promise<KnownMint> {
    return this.#mints.get(mintUrl)
  }

  list(): Promise<KnownMint[]> {
    return this.#mints.list()
  }
}

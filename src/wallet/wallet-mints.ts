/** The mints of a wallet, as its users see them. */
import type { KnownMint, Mints } from './mints.ts'

/** `wallet.mints`: the mints that the wallet knows, and which of them it trusts. */
export class WalletMints {
  readonly #mints: Mints

  constructor(mints: Mints) {
    this.#mints = mints
  }

  /**
   * Trusts a mint: its operations may contact it, from now on and after every restart. The trust is stored first;
   * then info and keysets are fetched, and where the mint does not answer they are fetched when they are needed.
   *
   * A mint that was not trusted and redirects stays as it was: its address is another one.
   *
   * @throws {CashuError} `MINT_URL_MALFORMED`
   * @throws {HardshellError} `MINT_MOVED`
   * @throws {StoreError} where the database fails
   * @example
   * const { info } = await wallet.mints.trust(mintUrl)
   * console.log(info?.name)
   */
  trust(mintUrl: string): Promise<KnownMint> {
    return this.#mints.trust(mintUrl)
  }

  /**
   * Takes the trust back: operations of the mint wait in their states, and contact nobody, until it is trusted again.
   *
   * @throws {CashuError} `MINT_URL_MALFORMED`
   * @throws {HardshellError} `MINT_UNKNOWN`
   * @throws {StoreError} where the database fails
   * @example
   * await wallet.mints.distrust(mintUrl)
   */
  distrust(mintUrl: string): Promise<void> {
    return this.#mints.distrust(mintUrl)
  }

  /**
   * Says where a mint answers that moved: its operations go on there. Its money, and tokens made of it, keep its URL. The
   * wallet asks the address for the mint's keysets first, and sends it nothing else before they are found there.
   *
   * @throws {CashuError} `MINT_URL_MALFORMED`
   * @throws {HardshellError} `MINT_UNKNOWN`, `MINT_UNREACHABLE`, `MINT_MISMATCH`, `MINT_MOVED`
   * @throws {StoreError} where the database fails
   * @example
   * const { address } = await wallet.mints.rebind(mintUrl, 'https://new.example/Bitcoin')
   */
  rebind(mintUrl: string, address: string): Promise<KnownMint> {
    return this.#mints.rebind(mintUrl, address)
  }

  /**
   * Fetches a mint's info (NUT-06) and keysets (NUT-02) anew; gives up after 15 seconds unless a signal is given.
   *
   * @throws {TypeError} naming the argument; the signal's reason
   * @throws {CashuError} `MINT_URL_MALFORMED`
   * @throws {HardshellError} `MINT_UNKNOWN`, `MINT_NOT_TRUSTED`, `MINT_MOVED`; `MINT_UNREACHABLE`, also where the mint asked
   *   to be left alone for a while; `KEYSET_COLLISION` where a keyset would have another's secrets (NUT-13), or is another
   *   trusted mint's
   * @throws {StoreError} where the database fails
   * @example
   * await wallet.mints.refresh(mintUrl, AbortSignal.timeout(5_000))
   */
  refresh(mintUrl: string, signal?: AbortSignal): Promise<void> {
    return this.#mints.refresh(mintUrl, signal)
  }

  /**
   * What the wallet knows of a mint.
   *
   * @throws {CashuError} `MINT_URL_MALFORMED`
   * @throws {HardshellError} `MINT_UNKNOWN` where it was never trusted
   * @throws {StoreError} where the database fails
   * @example
   * const { trusted, keysets } = await wallet.mints.get(mintUrl)
   */
  get(mintUrl: string): Promise<KnownMint> {
    return this.#mints.get(mintUrl)
  }

  /**
   * All mints that the wallet knows, those that it does not trust any more too.
   *
   * @throws {StoreError} where the database fails
   * @example
   * for (const { mintUrl, trusted } of await wallet.mints.list()) console.log(mintUrl, trusted)
   */
  list(): Promise<KnownMint[]> {
    return this.#mints.list()
  }
}

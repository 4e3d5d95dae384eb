/** What the wallet's effects and local steps use of the outside. */
import type { MintClient } from '../cashu/client.ts'
import type { WalletCrypto } from '../cashu/crypto.ts'
import type { Derived } from '../cashu/nut13.ts'
import type { InvoiceTerms } from '../cashu/invoice.ts'
import type * as kernel from '../kernel/define/operation.ts'
import type { Random } from '../kernel/util/ports.ts'
import type { Reader } from './tables.ts'

/** What effects and local steps are called with; they read the wallet's tables. */
export type EffectArgs<In> = kernel.EffectArgs<In, Reader>
export type LocalArgs<In> = kernel.LocalArgs<In, Reader>
export type LocalReader = kernel.LocalReader<Reader>

/** What local steps may know of a mint without a condition, and why. */
export const OF_MINT = 'what is known of a mint may be old: it refuses what does not fit, and that is learnt'
/** What they choose proofs by. */
export const TO_CHOOSE = 'what is chosen is reserved, held or freed on condition that it is in its state still'

export interface WalletPorts {
  readonly crypto: WalletCrypto
  /**
   * Secrets and blinding factors of a keyset, by counter; what its counters share is derived once.
   * @throws {CashuError} `KEYSET_UNSUPPORTED`
   */
  readonly deriver: (keysetId: string) => (counter: number) => Derived
  readonly random: Random
  /** What an invoice asks for. @throws {CashuError} `INVOICE_MALFORMED` */
  readonly invoiceAmount: (request: string) => InvoiceTerms
  /** Awaited between two items of work that takes milliseconds each, so that the thread is not held up. */
  readonly turn: () => Promise<void>
  /** The client of one mint. */
  readonly client: (mintUrl: string) => MintClient
}

/** What the mint's operations reach the world through, and how the mint was set up. */
import type { MintCrypto } from '../cashu/crypto.ts'
import type * as kernel from '../kernel/define/operation.ts'
import type { Clock } from '../kernel/util/ports.ts'
import type { Reader } from './db/tables.ts'
import type { BackendCalls } from './lightning/backend-calls.ts'
import type { PaymentBackend } from './lightning/payment-backend.ts'
import type { Signatory } from './signatory/signatory.ts'

/** What effects and local steps are called with; they read the mint's tables. */
export type EffectArgs<In> = kernel.EffectArgs<In, Reader>
export type LocalArgs<In> = kernel.LocalArgs<In, Reader>
export type LocalReader = kernel.LocalReader<Reader>

export const OPTIONAL_NUTS = [7, 8, 9, 12, 19, 20] as const
/** A NUT that a mint may do without. */
export type OptionalNut = (typeof OPTIONAL_NUTS)[number]

/** What a mint offers and takes. */
export interface MintSettings {
  /** How the mint calls itself (NUT-06). */
  readonly name: string
  /** `['sat']` unless given. The backend is asked for one sat per unit, whatever the unit. */
  readonly units: readonly string[]
  /** Input fee of the first keysets, in thousandths of a unit per input; 0 unless given. */
  readonly feePpk: number
  /** Amounts of new keysets; the powers of 2 up to 2^31 unless given. */
  readonly amounts: readonly number[]
  /** The version of new keysets' ids (NUT-02); the newest where left out. */
  readonly keysetVersion?: '00' | '01' | undefined
  /** What one quote may be for, in its unit; 1 to 10 million unless given. */
  readonly minAmount: number
  /** The most that one quote may be of. */
  readonly maxAmount: number
  /** How long answers are kept for replays (NUT-19); an hour unless given. */
  readonly cacheTtlMs: number
  /** How long quotes can be used; an hour unless given. */
  readonly quoteTtlMs: number
  /** How long an offer can be paid (NUT-25); without an end where null, and unless given. */
  readonly offerTtlMs: number | null
  /** How long after its end a quote that nobody paid is kept; 30 days unless given. */
  readonly quoteRetentionMs: number
  /** What a melt sets aside for Lightning's fee; 1 %, at least 2, unless given. */
  readonly feeReserve: (amount: number) => number
  /** The optional NUTs that it does without. */
  readonly without: readonly OptionalNut[]
}

const HOUR_MS = 3_600_000
export const DEFAULTS: MintSettings = {
  name: 'hardshell mint',
  units: ['sat'],
  feePpk: 0,
  amounts: Array.from({ length: 32 }, (_, exponent) => 2 ** exponent),
  minAmount: 1,
  maxAmount: 10_000_000,
  cacheTtlMs: HOUR_MS,
  quoteTtlMs: HOUR_MS,
  offerTtlMs: null,
  quoteRetentionMs: 30 * 24 * HOUR_MS,
  feeReserve: (amount) => Math.max(2, Math.ceil(amount / 100)),
  without: [],
}

export interface MintPorts {
  readonly crypto: MintCrypto
  readonly signatory: Signatory
  readonly backend: Pick<PaymentBackend, 'methods' | 'decode'>
  readonly calls: BackendCalls
  readonly settings: MintSettings
  readonly clock: Clock
  /** Waited for between pieces of work that hold the thread, so that others get their turn. Nobody does unless given. */
  readonly turn?: (() => Promise<void>) | undefined
}

export const has = ({ without }: Pick<MintSettings, 'without'>, nut: OptionalNut): boolean => !without.includes(nut)

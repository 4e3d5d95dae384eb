/** What makes a mint, and what its parts share. */
import type { MintCrypto, SignatoryCrypto } from '../cashu/crypto.ts'
import type { Store, Write } from '../store/port.ts'
import type { PaymentBackend } from './backend.ts'
import type { Ledger } from './ledger.ts'
import type { Fields } from './request.ts'

/** A NUT that a mint may do without. */
export type OptionalNut = 7 | 8 | 9 | 12 | 19 | 20

export interface MintOptions {
  /** Opened with `mintSchema`. */
  readonly store: Store
  readonly crypto: MintCrypto & SignatoryCrypto
  /** All private keys follow from it. */
  readonly seed: Uint8Array
  readonly backend: PaymentBackend
  /** Milliseconds since the Unix epoch. */
  readonly clock: () => number
  readonly random: (length: number) => Uint8Array
  readonly name?: string
  /** `['sat']` unless told otherwise. The backend is asked for one sat per unit, whatever the unit. */
  readonly units?: readonly string[]
  /** Input fee of the first keysets, in thousandths of a unit per input; 0 unless told otherwise. */
  readonly feePpk?: number
  /** Amounts of new keysets; the powers of 2 up to 2^31 unless told otherwise. */
  readonly amounts?: readonly number[]
  /** The most that one quote may be for; 10 million unless told otherwise. */
  readonly maxAmount?: number
  /** How long answers are kept for replays (NUT-19); an hour unless told otherwise. */
  readonly cacheTtlMs?: number
  /** How long quotes can be used; an hour unless told otherwise. */
  readonly quoteTtlMs?: number
  /** What a melt sets aside for Lightning's fee; 1 %, at least 2, unless told otherwise. */
  readonly feeReserve?: (amount: number) => number
  readonly without?: readonly OptionalNut[]
}

/** What the parts of one mint share. */
export interface Context extends Required<MintOptions> {
  readonly ledger: Ledger
  readonly has: (nut: OptionalNut) => boolean
  readonly newId: () => string
  /** Refuses units and amounts that there are no quotes for. */
  readonly checkQuotable: (unit: string, amount: number) => void
  /** The answer kept for a request, if there is one (NUT-19). */
  readonly replay: (key: string) => Promise<string | undefined>
  /** The writes that keep an answer. */
  readonly keep: (key: string, body: string) => Promise<Write[]>
  /** One commit, answered from the first time where the same request comes again. */
  readonly once: (key: string, step: () => Promise<{ writes: readonly Write[]; answer: object }>) => Promise<string>
}

/** An endpoint gives its answer, or the text of it. */
export type Endpoint = (request: Fields, key: string) => Promise<object | string>
export type View = (id: string) => Promise<object | string>

/** What a payment request says (NUT-18), however it is written. */

/** Where the payee wants to be paid. */
export interface PaymentTransport {
  /** `nostr`, `post`, or what a later version has. */
  readonly type: string
  /** Nostr: an `nprofile` or `npub`. HTTP POST: a URL. */
  readonly target: string
  /** Name and values. */
  readonly tags?: readonly (readonly string[])[]
}

/** What the coins must be locked by (NUT-10). */
export interface PaymentLock {
  /** `P2PK`, `HTLC`, or what a later version has. */
  readonly kind: string
  /** P2PK: a public key. HTLC: a hash. */
  readonly data: string
  /** Name and values. */
  readonly tags?: readonly (readonly string[])[]
}

/** What a payment request asks for, but its amount. */
export interface PaymentAsked {
  /** Goes with the payment, so that the payee knows what was paid. */
  readonly id?: string
  /** Must be given with an amount. */
  readonly unit?: string
  /** Whether it may be paid only once; left out where it does not say. */
  readonly singleUse?: boolean
  /** The mints whose coins the payee takes, each once; none where any will do. */
  readonly mints: readonly string[]
  /** For the payer to read. */
  readonly description?: string
  /** Preferred ones first; none where the payer hands over the token by himself. */
  readonly transports: readonly PaymentTransport[]
  /** What the coins must be locked by; left out where they must not be. */
  readonly lock?: PaymentLock
}

/** A request as it stands in texts: amounts are integers. */
export interface RawRequest extends PaymentAsked {
  readonly amount?: number
}

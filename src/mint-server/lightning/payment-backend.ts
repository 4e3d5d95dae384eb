/** The Lightning port of a mint. */

/** How requests for payment are written: BOLT11 invoices (NUT-23), BOLT12 offers (NUT-25). */
export type PaymentMethod = 'bolt11' | 'bolt12'

/** A request for payment as read by the backend. */
export interface Readable {
  /** What the request is known by: an invoice's payment hash, an offer's id. Hex. */
  readonly requestId: string
  /** What it asks for, and with an offer the least; in sat, rounded up. Undefined where the payer chooses. */
  readonly amountSat: number | undefined
  /** Milliseconds since the Unix epoch; undefined where it has no end. */
  readonly expiryAt: number | undefined
}

/** A wish to be paid. */
export interface Wanted {
  /** How it is paid, `bolt11` say. */
  readonly method: PaymentMethod
  /** Undefined where the payer chooses; with bolt12 only. */
  readonly amountSat: number | undefined
  /** Milliseconds since the Unix epoch. Undefined: an offer has no end, and an invoice one that the backend chooses. */
  readonly expiryAt: number | undefined
  /** What the invoice is for. */
  readonly memo?: string | undefined
}

/** A request for payment that the backend made. */
export interface Requested {
  readonly request: string
  /** As in `Readable`. */
  readonly requestId: string
  /** Hex; for an invoice, if the backend knows it. A wallet that has the mint pay its own invoice gets it. */
  readonly preimage?: string | undefined
}

/** One payment that has come in, for good. */
export interface Incoming {
  /** Names this payment among all that ever come in, in whatever call it is listed. */
  readonly paymentId: string
  /** How much came in, in sat. */
  readonly amountSat: number
}

/**
 * How a payment stands. `paid` and `failed` are final; only these two move money. `pending` and `unknown` say that
 * it may still become either. `none`: it was never begun.
 */
export interface Outgoing {
  /** Whether it was paid. */
  readonly state: 'paid' | 'failed' | 'pending' | 'unknown' | 'none'
  /** Hex; with `paid`, where there is one. */
  readonly preimage?: string | undefined
  /** What the payment cost beyond its amount; with `paid`. */
  readonly feeSat?: number | undefined
}

/** What is to be paid out. */
export interface Payment {
  /** Names the payment for ever: the same id is the same payment. */
  readonly id: string
  /** How it is paid, `bolt11` say. */
  readonly method: PaymentMethod
  /** The invoice. */
  readonly request: string
  /** What the payee gets: an invoice's own amount where it names one, and no less than an offer's. */
  readonly amountSat: number
  /** The most that it may cost beyond. */
  readonly maxFeeSat: number
}

/**
 * The Lightning side of a mint. A call that rejects says nothing about what happened: the mint calls again, or asks for the outcome.
 * A signal that aborts ends the waiting, and nothing else. While the backend is stopped, all but `decode` reject.
 *
 * A backend on a real node (LND, CLN, LDK) must promise:
 *
 * - `pay` starts a payment at most once per `id`, also when it is called twice at the same time, by two processes, or
 *   after a crash of either side. Nodes pay one payment hash once, and take labels or idempotency keys: keep the id there,
 *   durably, before the payment is sent. Called with an id that it knows, `pay` starts nothing and returns the state of that payment.
 * - `failed` is said only when the payment can never settle any more: no attempt is in flight, none will be made. A
 *   time-out, a node that is starting, an error of the connection, "not found" are never `failed`.
 * - `paid` is said only with the payment settled, and with the fee that it really cost, never more than `maxFeeSat`.
 * - `outgoing` says `none` only when the payment was never begun: then the mint asks for it again, under the same id.
 * - `incoming` lists a payment only when the money is safe (an HTLC that is settled, not one that is held), and lists the same
 *   payment under the same `paymentId` for ever, so that it counts once. For an invoice that is its payment hash.
 * - What `createRequest` gave is known to `incoming` after a crash of either side.
 */
export interface PaymentBackend {
  /** How it can pay and be paid. */
  readonly methods: readonly PaymentMethod[]
  /**
   * Connects. The mint answers questions about old payments only after it. May be called again after `stop`.
   *
   * @throws {Error} where it gives no answer: the outcome is unknown then
   */
  start(): Promise<void>
  /**
   * Releases its resources. Payments under way go on.
   *
   * @throws {Error} where it gives no answer: the outcome is unknown then
   */
  stop(): Promise<void>
  /** Reads a request for payment; undefined where it is none. */
  decode(method: PaymentMethod, request: string): Readable | undefined
  /**
   * Makes an invoice for a mint quote.
   *
   * @throws {Error} where it gives no answer: the outcome is unknown then
   */
  createRequest(wanted: Wanted): Promise<Requested>
  /**
   * All payments that came in for a request made by `createRequest`, in any order.
   *
   * @throws {Error} where it gives no answer: the outcome is unknown then
   */
  incoming(requestId: string, signal?: AbortSignal): Promise<readonly Incoming[]>
  /**
   * Pays, once per `id`.
   *
   * @throws {Error} where it gives no answer: the outcome is unknown then
   */
  pay(payment: Payment, signal?: AbortSignal): Promise<Outgoing>
  /**
   * How the payment with this id stands.
   *
   * @throws {Error} where it gives no answer: the outcome is unknown then
   */
  outgoing(id: string, signal?: AbortSignal): Promise<Outgoing>
  /** Tells, where it can, that something came in for a request. Returns the way to stop. Nobody relies on it. */
  onIncoming?(listener: (requestId: string) => void): () => void
}

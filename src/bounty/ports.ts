/**
 * The two services that a bounty needs, each of which can fail after it has done what it was asked for.
 *
 * Both services must keep these rules. A request is idempotent by its key, for ever. `rejected` is definite: an
 * uncertain result is `unknown` or a rejected promise. `void` and `release` bar a key that the service does not know,
 * so that a request with that key which is still under way is refused when it arrives. Nothing expires by itself. There
 * are no time-outs: the signal aborts a request, and the bounty asks later what became of it.
 */

/** The result of a request. */
export type Reply =
  | { readonly answer: 'ok' }
  /** Refused, and nothing has changed. The reason is for people. */
  | { readonly answer: 'rejected'; readonly reason: string }
  | { readonly answer: 'unknown' }

/** What a service knows of a key; null where it knows nothing. */
export type Lookup<T> = { readonly answer: 'ok'; readonly found: T | null } | { readonly answer: 'unknown' }

/** Credits set aside, as the service of credits has them. */
export interface Reservation {
  /** Its identity: the same key is the same reservation. */
  readonly key: string
  /** Empty where the key was barred before anything was reserved. */
  readonly payer: string
  /** In credits. */
  readonly amount: number
  /** Whether it is held, paid out or given back. */
  readonly state: 'reserved' | 'captured' | 'voided'
  /** Who got the credits. */
  readonly payee: string | null
}

/** Accounts of credits. */
export interface Credits {
  /**
   * Sets credits of an account aside.
   *
   * @throws {Error} where the service does not answer: it is asked again
   */
  reserve(
    request: { readonly key: string; readonly payer: string; readonly amount: number },
    signal?: AbortSignal,
  ): Promise<Reply>
  /**
   * The reservation of a key, or undefined.
   *
   * @throws {Error} where the service does not answer: it is asked again
   */
  get(request: { readonly key: string }, signal?: AbortSignal): Promise<Lookup<Reservation>>
  /**
   * Pays what is reserved to the payee; a second payee is refused.
   *
   * @throws {Error} where the service does not answer: it is asked again
   */
  capture(request: { readonly key: string; readonly payee: string }, signal?: AbortSignal): Promise<Reply>
  /**
   * Gives the reserved credits back, and bars the key.
   *
   * @throws {Error} where the service does not answer: it is asked again
   */
  void(request: { readonly key: string }, signal?: AbortSignal): Promise<Reply>
}

/** A claim as the service of claims has it. */
export interface Lease {
  /** Its identity: the same key is the same lease. */
  readonly key: string
  /** What is claimed: the bounty. Empty where the key was barred before it was acquired. */
  readonly task: string
  /** Who works on it. */
  readonly worker: string
  /** When the lease ends, epoch ms. For information: the service releases nothing by itself. */
  readonly untilMs: number
  /** Whether the lease is held, released or completed. */
  readonly state: 'held' | 'released' | 'completed'
}

/** Who works on what. At most one lease holds a task. Once a lease is completed, no other can hold the task. */
export interface Claims {
  /**
   * Grants a lease on a bounty to a worker, or refuses it.
   *
   * @throws {Error} where the service does not answer: it is asked again
   */
  acquire(
    request: { readonly key: string; readonly task: string; readonly worker: string; readonly untilMs: number },
    signal?: AbortSignal,
  ): Promise<Reply>
  /**
   * The lease of a key, or undefined.
   *
   * @throws {Error} where the service does not answer: it is asked again
   */
  get(request: { readonly key: string }, signal?: AbortSignal): Promise<Lookup<Lease>>
  /**
   * Moves the end of a held lease. It never moves back.
   *
   * @throws {Error} where the service does not answer: it is asked again
   */
  renew(request: { readonly key: string; readonly untilMs: number }, signal?: AbortSignal): Promise<Reply>
  /**
   * Ends a lease, and bars the key.
   *
   * @throws {Error} where the service does not answer: it is asked again
   */
  release(request: { readonly key: string }, signal?: AbortSignal): Promise<Reply>
  /**
   * Ends a lease because its work was paid.
   *
   * @throws {Error} where the service does not answer: it is asked again
   */
  complete(request: { readonly key: string }, signal?: AbortSignal): Promise<Reply>
}

/** What the effects of a bounty use. */
export interface BountyPorts {
  /** The service of credits. */
  readonly credits: Credits
  /** The service of claims. */
  readonly claims: Claims
}

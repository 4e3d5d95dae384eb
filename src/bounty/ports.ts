/**
 * The two services that a bounty needs, each of which can fail after it has done what it was asked for.
 *
 * What both must keep: a request is idempotent by its key, for ever; `rejected` is definite, anything that is not sure
 * is `unknown` or a rejected promise; `void` and `release` of a key that the service does not know bar it, so that a
 * request with that key which is still under way is refused when it arrives; nothing expires by itself. There are no
 * time-outs either: a request is aborted by its signal, and the bounty asks later what became of it.
 */

/** What came of a request. */
export type Reply =
  | { readonly answer: 'ok' }
  /** Refused, and nothing has changed. The reason is for people. */
  | { readonly answer: 'rejected'; readonly reason: string }
  | { readonly answer: 'unknown' }

/** What a service knows of a key; null where it knows nothing. */
export type Lookup<T> = { readonly answer: 'ok'; readonly found: T | null } | { readonly answer: 'unknown' }

export interface Reservation {
  readonly key: string
  /** Empty where the key was barred before anything was reserved. */
  readonly payer: string
  /** In credits. */
  readonly amount: number
  readonly state: 'reserved' | 'captured' | 'voided'
  /** Who got the credits. */
  readonly payee: string | null
}

/** Accounts of credits. */
export interface Credits {
  /** Sets credits of an account aside. */
  reserve(
    request: { readonly key: string; readonly payer: string; readonly amount: number },
    signal?: AbortSignal,
  ): Promise<Reply>
  get(request: { readonly key: string }, signal?: AbortSignal): Promise<Lookup<Reservation>>
  /** Pays what is reserved to the payee; a second payee is refused. */
  capture(request: { readonly key: string; readonly payee: string }, signal?: AbortSignal): Promise<Reply>
  /** Gives back what is reserved, and bars the key. */
  void(request: { readonly key: string }, signal?: AbortSignal): Promise<Reply>
}

export interface Lease {
  readonly key: string
  /** What is claimed: the bounty. Empty where the key was barred before it was acquired. */
  readonly task: string
  readonly worker: string
  /** Until when, epoch ms; for information, the service releases nothing by itself. */
  readonly untilMs: number
  readonly state: 'held' | 'released' | 'completed'
}

/** Who works on what. A task is held under at most one lease, and under none any more once one is completed. */
export interface Claims {
  acquire(
    request: { readonly key: string; readonly task: string; readonly worker: string; readonly untilMs: number },
    signal?: AbortSignal,
  ): Promise<Reply>
  get(request: { readonly key: string }, signal?: AbortSignal): Promise<Lookup<Lease>>
  /** Moves the end of a held lease. It never moves back. */
  renew(request: { readonly key: string; readonly untilMs: number }, signal?: AbortSignal): Promise<Reply>
  /** Ends a lease, and bars the key. */
  release(request: { readonly key: string }, signal?: AbortSignal): Promise<Reply>
  complete(request: { readonly key: string }, signal?: AbortSignal): Promise<Reply>
}

/** What the effects of a bounty use. */
export interface BountyPorts {
  readonly credits: Credits
  readonly claims: Claims
}

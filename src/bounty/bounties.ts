/** Bounties: a thin user of the kernel. */
import type { bounty, BountyEvent } from '../../machines/bounty.ts'
import {
  checkClock,
  checkFunction,
  checkListener,
  checkNames,
  checkObject,
  checkSignal,
  checkKeys,
  checkTexts,
} from '../arguments.ts'
import type { Explanation } from '../kernel/inspect/explain.ts'
import { makeInspectable } from '../kernel/inspect/inspectable.ts'
import type { Inspect } from '../kernel/inspect/inspect.ts'
import type { KindOperations } from '../kernel/kind-operations.ts'
import type { OnError } from '../kernel/options.ts'
import { openOperations, partsIn, type Operations } from '../kernel/operations.ts'
import type { Role } from '../kernel/share/ownership.ts'
import { hex, systemRandom, type Clock, type Random } from '../kernel/util/ports.ts'
import type { Resumed } from '../kernel/run/supervisor.ts'
import type { Json, StoreAdapter } from '../store/port.ts'
import { bountyOf, refused, type Bounty, type BountyState } from './bounty.ts'
import type { Evaluate } from './criteria.ts'
import { inspectedBounties } from './inspected.ts'
import { bountyKind, bountySchema } from './kind.ts'
import type { BountyPorts } from './ports.ts'
import { toCancel, toClaim, toCreate, toRelease, toRenew, toSettle, type Answer } from './replies.ts'

/** What bounties are opened with: a store, and the services of credits and claims. */
export interface BountiesOptions extends BountyPorts {
  /** Where the bounties live: `sqliteStore({ path })`, `memoryStore()`. */
  readonly store: StoreAdapter
  /** Judges contributions; `meets` unless given. */
  readonly evaluate?: Evaluate
  /** What time it is; the platform's clock unless given. */
  readonly clock?: Clock
  /** Bytes of randomness; the platform's unless given. */
  readonly random?: Random
  /** Gets every committed step in XState's inspection format, without contexts. */
  readonly inspect?: Inspect
  /** Hears of each error that keeps a bounty from going on; unless given, what is set aside for one is reported to the platform. */
  readonly onError?: OnError
}

/** A new bounty: who pays, how much, for what, and until when. */
export interface CreateBounty {
  /** The account that pays. */
  readonly payer: string
  /** In credits. */
  readonly amount: number
  /** What a contribution must be, as the evaluator reads it; any JSON. */
  readonly criteria?: unknown
  /** Epoch ms. From then on nobody can claim it, and no lease ends later. */
  readonly deadlineAt: number
  /** The same key and the same request are the same bounty. */
  readonly key?: string
}

/** Who claims a bounty, and for how long. */
export interface ClaimBounty {
  /** Who works on it. */
  readonly worker: string
  /** How long the claim holds, in ms. It ends at the bounty's deadline at the latest. */
  readonly leaseMs: number
  /** The same key is the same claim. The key is also the claim's lease. */
  readonly key?: string
}

/** A call that needs a lease. */
export interface UnderLease {
  /** The lease, as the claim names it. */
  readonly lease: string
}
/** A lease to extend, and by how much. */
export interface RenewLease extends UnderLease {
  /** From now on, in ms. */
  readonly leaseMs: number
}
/** A contribution to a bounty, and its lease. */
export interface SettleBounty extends UnderLease {
  /** As the evaluator reads it; any JSON. */
  readonly contribution: unknown
  /** The account that is paid. The worker's unless given. */
  readonly payee?: string
}

/** Filters bounties: each given field must match. */
export interface BountyFilter {
  /** Their state. */
  readonly state?: BountyState
  /** Who pays. */
  readonly payer?: string
  /** The worker who holds it, or held it last. */
  readonly worker?: string
  /** The largest number of bounties. */
  readonly limit?: number
}

/** How long a call waits. */
export interface Waiting {
  /** Aborting stops the waiting, never the bounty. */
  readonly signal?: AbortSignal
}

/**
 * Every call may be made at any time, in any state, and may be repeated. It resolves with the bounty as it then is, or
 * rejects with a `HardshellError` whose code says why. Calls wait for requests that are under way, for as long as a
 * service cannot be reached.
 */
export class Bounties {
  readonly #operations: Operations<BountyPorts>
  readonly #bounties: KindOperations<typeof bounty>
  readonly #random: Random
  readonly #closeStore: () => Promise<void>

  /** Use `openBounties`. */
  constructor(operations: Operations<BountyPorts>, random: Random, closeStore: () => Promise<void>) {
    this.#operations = operations
    this.#bounties = operations.of(bountyKind())
    this.#random = random
    this.#closeStore = closeStore
  }

  /**
   * Reserves the payer's credits and opens the bounty. With a key that was used before, it resolves with the current
   * state of that bounty, which may be claimed or over.
   *
   * @throws {TypeError} naming the argument; {HardshellError} `REJECTED`, `DISPUTED`, `KEY_REUSED`
   */
  async create(options: CreateBounty, waiting: Waiting = {}): Promise<Bounty> {
    checkNames(options, 'options', ['payer', 'amount', 'criteria', 'deadlineAt', 'key'])
    signalOf(waiting)
    const { payer, amount, criteria = {}, deadlineAt, key } = options
    const input = {
      payer: text(payer, 'payer'),
      amount: positive(amount, 'amount'),
      criteria: json(criteria, 'criteria'),
      deadlineAt: positive(deadlineAt, 'deadlineAt'),
    }
    const { id } = await this.#bounties.create(input, { key, request: input })
    return this.#answered(id, toCreate, undefined, waiting)
  }

  /**
   * Claims an open bounty under a lease. The `claim` of the result names the lease.
   *
   * @throws {HardshellError} `CLAIMED`, `CLAIM_REFUSED`, `LEASE_LOST` where this claim was and is over, `NOT_OPEN`,
   *   `REJECTED`, `SETTLED`, `EXPIRED`, `CANCELLED`, `DISPUTED`, `KEY_REUSED`, `NOT_FOUND`
   */
  async claim(id: string, options: ClaimBounty, waiting: Waiting = {}): Promise<Bounty> {
    checkNames(options, 'options', ['worker', 'leaseMs', 'key'])
    const { worker, leaseMs, key } = options
    const lease = key === undefined ? hex(this.#random(16)) : text(key, 'key')
    const asking = { lease, worker: text(worker, 'worker') }
    const lastsMs = positive(leaseMs, 'leaseMs')
    return this.#answered(
      id,
      (bounty, sent) => toClaim(bounty, { ...asking, sent }),
      ({ deadlineAt }) => ({ type: 'claim', ...asking, untilMs: Math.min(deadlineAt, partsIn(this.#operations).clock.now() + lastsMs) }), // prettier-ignore
      waiting,
    )
  }

  /**
   * Moves the end of a lease. It never moves back, and never beyond the deadline.
   *
   * @throws {HardshellError} `LEASE_LOST`, `NOT_CLAIMED`, and as `claim`
   */
  async renew(id: string, options: RenewLease, waiting: Waiting = {}): Promise<Bounty> {
    checkNames(options, 'options', ['lease', 'leaseMs'])
    const { leaseMs } = options
    const lease = text(options.lease, 'lease')
    const lastsMs = positive(leaseMs, 'leaseMs')
    return this.#answered(
      id,
      (bounty, sent) => toRenew(bounty, { lease, sent }),
      () => ({ type: 'renew', lease, untilMs: partsIn(this.#operations).clock.now() + lastsMs }),
      waiting,
    )
  }

  /**
   * Gives a claim back. The bounty is open again.
   *
   * @throws {HardshellError} `LEASE_LOST`, `NOT_CLAIMED`, and as `claim`
   */
  async release(id: string, options: UnderLease, waiting: Waiting = {}): Promise<Bounty> {
    checkNames(options, 'options', ['lease'])
    const lease = text(options.lease, 'lease')
    return this.#answered(
      id,
      (bounty, sent) => toRelease(bounty, { lease, sent }),
      () => ({ type: 'release', lease }),
      waiting,
    )
  }

  /**
   * Submits a contribution, and pays for it if it meets the criteria. From then on, payee and contribution are fixed:
   * settling again with the same lease gives the same result, whatever is submitted.
   *
   * @throws {HardshellError} `CRITERIA_UNMET`, `LEASE_LOST`, `NOT_CLAIMED`, `DISPUTED`, and as `claim`
   */
  async settle(id: string, options: SettleBounty, waiting: Waiting = {}): Promise<Bounty> {
    checkNames(options, 'options', ['lease', 'contribution', 'payee'])
    const { contribution, payee } = options
    const lease = text(options.lease, 'lease')
    const offered = json(contribution, 'contribution')
    const to = payee === undefined ? undefined : text(payee, 'payee')
    return this.#answered(
      id,
      (bounty, sent) => toSettle(bounty, { lease, sent }),
      ({ claim }) => ({ type: 'settle', lease, payee: to ?? claim!.worker, contribution: offered }),
      waiting,
    )
  }

  /**
   * Gives the credits back to the payer. This is refused while somebody has claimed the bounty: the lease protects
   * them.
   *
   * @throws {HardshellError} `CLAIMED`, `SETTLED`, `EXPIRED`, `REJECTED`, `DISPUTED`, `NOT_FOUND`
   */
  async cancel(id: string, waiting: Waiting = {}): Promise<Bounty> {
    return this.#answered(id, toCancel, () => ({ type: 'cancel' }), waiting)
  }

  /**
   * One bounty as it stands.
   *
   * @throws {HardshellError} `NOT_FOUND`, `UNLOADABLE`, `QUARANTINED`
   */
  async get(id: string): Promise<Bounty> {
    return bountyOf(await this.#bounties.get(id))
  }

  /**
   * Newest first. Those that this program cannot load are left out; `explain` tells of them.
   *
   * @throws {TypeError} naming the argument
   * @throws {HardshellError} `CLOSED`
   * @throws {StoreError} where the database fails
   */
  async list(filter: BountyFilter = {}): Promise<Bounty[]> {
    checkNames(filter, 'filter', ['state', 'payer', 'worker', 'limit'])
    const { state, payer, worker, limit } = filter
    checkTexts({ payer, worker })
    const found = await this.#bounties.list({
      where: { payer, worker },
      ...(state !== undefined && { state }),
      ...(limit !== undefined && { limit }),
    })
    return found.flatMap((view) => (view.snapshot && view.status !== 'quarantined' ? [bountyOf(view)] : []))
  }

  /**
   * Waits until the bounty ends, in whatever state.
   *
   * @throws {TypeError} naming the argument; the signal's reason
   * @throws {HardshellError} `NOT_FOUND`, `CLOSED`
   * @throws {StoreError} where the database fails
   */
  async finished(id: string, waiting: Waiting = {}): Promise<Bounty> {
    const signal = signalOf(waiting)
    return this.#bounties.until(id, (view) => (view.status === 'done' ? bountyOf(view) : undefined), signal)
  }

  /**
   * Why a bounty is in its state, what comes next, and when.
   *
   * @throws {TypeError} naming the argument
   * @throws {HardshellError} `NOT_FOUND`, `CLOSED`
   * @throws {StoreError} where the database fails
   */
  explain(id: string): Promise<Explanation> {
    return this.#operations.explain(id)
  }

  /**
   * Sends again what a service refused or did not answer.
   *
   * @throws {TypeError} naming the argument
   * @throws {HardshellError} `NOT_FOUND`, `CLOSED`
   * @throws {StoreError} where the database fails
   */
  resume(id: string): Promise<void> {
    return this.#operations.resume(id)
  }

  /**
   * Whether this process sends requests to the services. A `follower` takes calls too; another process sends the
   * requests.
   */
  get role(): Role {
    return this.#operations.role
  }

  /**
   * What was unfinished when the bounties were opened, and what became of it.
   *
   * @throws {StoreError} where the database fails
   */
  resumed(): Promise<readonly Resumed[]> {
    return this.#operations.resumed
  }

  /** Calls back after each commit with the bounty's id and its state. Returns a function that stops it. */
  on(listener: (change: { readonly id: string; readonly state: string }) => void): () => void {
    checkListener(listener)
    return this.#operations.on(({ row: { id, state } }) => listener({ id, state }))
  }

  /**
   * Aborts requests under way and lets go of the store; every bounty stays resumable.
   *
   * @throws {StoreError} where the database fails
   */
  async close(): Promise<void> {
    this.#operations.close()
    await this.#operations.closed
    await this.#closeStore()
  }

  /**
   * Closes the bounties at the end of an `await using` block.
   *
   * @throws {StoreError} where the database fails
   */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /**
   * Finds what a call answers in the bounty's state, sends its event when the state takes it, and waits for the result.
   */
  async #answered(
    id: string,
    answer: (bounty: Bounty, sent: boolean) => Answer,
    event: ((bounty: Bounty) => BountyEvent) | undefined,
    waiting: Waiting,
  ): Promise<Bounty> {
    const signal = signalOf(waiting)
    for (let sent = false; ;) {
      const found = await this.#bounties.until(
        id,
        (view) => {
          const bounty = bountyOf(view)
          const now = answer(bounty, sent)
          return now === 'wait' ? undefined : { bounty, now }
        },
        signal,
      )
      const { bounty, now } = found
      if (now === 'ok') return bounty
      if (now !== 'send') throw refused(now as Exclude<Answer, 'ok' | 'wait' | 'send'>, bounty)
      // Not taken: the bounty has moved on since it was looked at.
      if (await this.#bounties.send(id, event!(bounty))) sent = true
    }
  }
}

/**
 * Opens the bounties of a store. Unfinished operations resume at once, in the background.
 *
 * @throws {TypeError} naming the argument; {StoreError} `NEWER` where the database belongs to a later version.
 * @example
 * await using bounties = await openBounties({ store: memoryStore(), credits: memoryCredits({ ada: 100 }), claims: memoryClaims() })
 * const { id } = await bounties.create({ payer: 'ada', amount: 20, deadlineAt: Date.now() + 86_400_000 })
 */
export async function openBounties(options: BountiesOptions): Promise<Bounties> {
  checkObject(options, 'options')
  const { credits, claims, evaluate, clock, random = systemRandom, inspect, onError } = options
  if (typeof options.store?.open !== 'function')
    throw new TypeError('store: a store adapter, such as sqliteStore({ path })')
  if (typeof credits?.reserve !== 'function') throw new TypeError('credits: a service of credits')
  if (typeof claims?.acquire !== 'function') throw new TypeError('claims: a service of claims')
  checkClock(clock)
  for (const name of ['evaluate', 'random', 'inspect', 'onError'] as const) checkFunction(options[name], name)
  const store = await options.store.open(bountySchema)
  const operations = openOperations<BountyPorts>({
    ...{ store, tables: bountySchema.tables, kinds: [bountyKind(evaluate)], ports: { credits, claims }, random },
    ...(clock && { clock }),
    ...(inspect && { inspect }),
    ...(onError && { onError }),
  })
  const bounties = new Bounties(operations, random, () => store.close())
  makeInspectable(bounties, inspectedBounties(operations))
  return bounties
}

/** @throws {TypeError} naming the argument; the signal's reason where it has aborted */
function signalOf(waiting: Waiting): AbortSignal | undefined {
  checkNames(waiting, 'waiting', ['signal'])
  checkSignal(waiting.signal)
  return waiting.signal
}

function text(value: unknown, name: string): string {
  if (typeof value !== 'string' || value === '') throw new TypeError(`${name}: a text that is not empty`)
  checkKeys({ [name]: value })
  return value
}

function positive(value: unknown, name: string): number {
  if (!Number.isSafeInteger(value) || (value as number) <= 0) throw new TypeError(`${name}: a positive integer`)
  return value as number
}

/** A copy in plain JSON, equal to what will be read back. */
function json(value: unknown, name: string): Json {
  try {
    const copy = JSON.stringify(value) as string | undefined
    if (copy !== undefined) return JSON.parse(copy) as Json
  } catch {
    // A circular reference, for example.
  }
  throw new TypeError(`${name}: anything that JSON can carry`)
}

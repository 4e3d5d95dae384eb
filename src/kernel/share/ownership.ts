/**
 * Who runs effects, where several processes share one database. All of them may prepare, execute and cancel: a step is
 * committed by whoever takes it. What follows from it is done by the owner, which finds the row by its empty owner.
 *
 * By lock, one process owns everything, and the next gets the lock when that one dies. By heartbeats, every process owns the
 * operations that it moved last; one whose heartbeat stands still has an adopter, which takes its operations up. Neither is what
 * keeps money safe: a process that wrongly believes to own an operation fails at the operation's version.
 */
import { StoreError, type HeldLock, type OwnerLock, type Ownership as Policy } from '../../store/port.ts'
import type { StoreOf } from '../../store/typed.ts'
import { stays, untilAnswered } from '../util/retry.ts'
import type { KernelTables, OperationRow, OwnerRow } from '../define/operation.ts'
import { sleep, type Clock } from '../util/ports.ts'
import { messageOf } from '../util/errors.ts'
import { reportError, reportLasting } from '../util/report.ts'

/**
 * Whether this process runs effects; `pending` until the store was asked whether it may. A `client` is a follower that never
 * becomes the owner.
 */
export type Role = 'owner' | 'follower' | 'client' | 'pending'

export const HEARTBEAT_MS = 500
/** A process whose heartbeat was unchanged for so many polls is dead. Failed polls and suspended time are not counted. */
const UNCHANGED_POLLS = 4
/** Once in so many polls, operations of unknown processes are searched for. */
const ORPHAN_POLLS = 120

interface Options {
  readonly store: StoreOf<KernelTables>
  readonly clock: Clock
  /** This process. */
  readonly owner: string
  /** It never asks to be an owner, and no other process knows of it. */
  readonly client: boolean
  /** Puts this process' name on operations, and goes on with them; false where not all could be had. */
  readonly adopt: (rows: readonly OperationRow[]) => Promise<boolean>
  /** The process became the owner of everything, or lost that role. */
  readonly changed: (role: Role) => void
}

interface Begun {
  readonly active: readonly OperationRow[]
  readonly ours: readonly OperationRow[]
}

export class Ownership {
  role: Role
  /** Why the lock cannot be asked for, where it cannot: then it may be that nobody runs effects. */
  reason: string | undefined
  readonly #options: Options
  readonly #policy: Policy | undefined
  readonly #stop = new AbortController()
  /** The work that still runs. */
  #running: Promise<void> = Promise.resolve()
  #held: HeldLock | undefined
  /** Other processes: their last heartbeat, and how often it was seen. */
  #seen = new Map<string, { beat: number; polls: number }>()
  #beat = 0
  #polls = 0
  /** Lasting failures of the store that were reported. */
  readonly #told = new Set<string>()
  /** Others took this process for dead, and it has joined again. */
  #isBack = false
  /** Clients may have committed what nobody runs yet. */
  #isLeft = true

  constructor(options: Options) {
    this.#options = options
    this.#policy = options.client ? undefined : options.store.ownership
    // Without a lock the role is known from the start.
    this.role = options.client ? 'client' : this.#policy?.by === 'lock' ? 'pending' : 'owner'
  }

  /** Whether this process runs effects, as far as it can know now. */
  leads(): boolean {
    return this.role !== 'follower' && this.role !== 'client' && this.#held?.check?.() !== false
  }

  /** Settles, without waiting for anybody, what this process owns; the unfinished, and those that it is to take up. */
  begin(unfinished: () => Promise<readonly OperationRow[]>): Promise<Begun> {
    const begun = this.#begin(unfinished)
    this.#running = begun.then(
      () => this.#go(),
      () => this.#held?.release(),
    )
    return begun
  }

  async #begin(unfinished: () => Promise<readonly OperationRow[]>): Promise<Begun> {
    if (this.role === 'client') return { active: [], ours: [] }
    if (this.#policy?.by === 'lock') {
      this.#held = await this.#ask(this.#policy.lock, false)
      this.role = this.#held ? 'owner' : 'follower'
    }
    // Read afterwards: who had the lock has done all that it could.
    const active = await unfinished()
    if (this.#policy?.by === 'heartbeats') {
      const env = { clock: this.#options.clock, signal: this.#stop.signal }
      await untilAnswered(env, () => this.#join())
      const alive = new Set((await untilAnswered(env, () => this.#owners())).map(({ id }) => id))
      return { active, ours: active.filter(({ owner }) => !alive.has(owner)) }
    }
    return { active, ours: this.role === 'owner' ? active : [] }
  }

  #go(): Promise<void> | undefined {
    if (this.#policy?.by === 'heartbeats') return this.#heartbeats()
    return this.#policy && this.#lead(this.#policy.lock)
  }

  /** Lets others take over at once. */
  async end(): Promise<void> {
    this.#stop.abort()
    await this.#running
    await this.#held?.release()
    if (this.#policy?.by !== 'heartbeats') return
    // A row of a heartbeat below all others: whoever sees it need not wait.
    const { store, owner } = this.#options
    await store.commit([{ patch: 'owners', key: [owner], set: { beat: LEFT }, if: { heir: '' } }]).catch(() => {})
  }

  /** A row bears nobody's name. */
  left(): void {
    this.#isLeft = true
  }

  /** Finds what followers and clients committed, which nobody runs yet. */
  async takeUpLeft(): Promise<void> {
    if (!this.#policy || this.role !== 'owner') return
    // Where several own, it is rare, and all of them would look for it.
    if (this.#policy.by === 'heartbeats' && !this.#isLeft) return
    this.#isLeft = false
    await this.#takeUp('').catch((error: unknown) => {
      this.#isLeft = true
      throw error
    })
  }

  /** Waits for the lock, and again where it was lost. */
  async #lead(lock: OwnerLock): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      if (!this.#held) {
        this.#held = await this.#ask(lock, true)
        if (!this.#held) continue
        if (signal.aborted) return
        this.role = 'owner'
        this.#options.changed('owner')
      }
      const { lost } = this.#held
      await Promise.race([aborted(lost), aborted(signal)])
      if (signal.aborted) return
      this.#held = undefined
      this.role = 'follower'
      this.#options.changed('follower')
    }
  }

  /**
   * Where no lock can be asked for, in a folder that is read-only say, somebody else may have it all the same, and it is
   * tried again. Each reason is reported once.
   */
  async #ask(lock: OwnerLock, wait: boolean): Promise<HeldLock | undefined> {
    const { signal } = this.#stop
    if (signal.aborted) return undefined
    const told = this.reason
    try {
      // After a failure it is seen first whether it can be asked for now: the wait itself may be long.
      let held = told === undefined ? undefined : await lock({ wait: false, signal })
      this.reason = undefined
      if (!held && (wait || told === undefined)) held = await lock({ wait, signal })
      return held
    } catch (error) {
      if (signal.aborted) return undefined
      this.reason = messageOf(error)
      if (this.reason !== told) reportError(error)
      if (wait) await sleep(this.#options.clock, HEARTBEAT_MS, signal)
      return undefined
    }
  }

  async #join(): Promise<void> {
    const { store, owner } = this.#options
    await store.commit([{ put: 'owners', row: { id: owner, beat: this.#beat, heir: '' } }])
  }

  async #heartbeats(): Promise<void> {
    const { clock } = this.#options
    const { signal } = this.#stop
    let polling: Promise<void> | undefined
    for (;;) {
      await sleep(clock, HEARTBEAT_MS, signal)
      if (signal.aborted) return polling
      await this.#reported(async () => {
        await this.#touch()
        // It may have a thousand operations to take up, and must not be taken for dead meanwhile.
        polling ??= this.#reported(() => this.#pollPeers()).finally(() => (polling = undefined))
      })
    }
  }

  /** What a store cannot do now is done with a later heartbeat. One that refuses heartbeats for good says so once. */
  async #reported(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (error instanceof StoreError && this.#told.has(error.message)) return
      if (stays(error)) this.#told.add(error.message)
      reportLasting(error)
    }
  }

  /** One heartbeat. Where a former one landed unheard, or others took this process for dead, it learns of that. */
  async #touch(): Promise<void> {
    const { store, owner } = this.#options
    const beat = this.#beat + 1
    try {
      await store.commit([{ patch: 'owners', key: [owner], set: { beat }, if: { beat: this.#beat, heir: '' } }])
      this.#beat = beat
    } catch (error) {
      if (!(error instanceof StoreError) || (error.code !== 'CONFLICT' && error.code !== 'IN_DOUBT')) throw error
      const row = await store.get('owners', [owner])
      if (row) this.#beat = row.beat
      else {
        // No heartbeat comes twice: who saw the last one before the row went would count it as unchanged.
        this.#beat = beat
        await this.#join()
        this.#isBack = true
      }
    }
  }

  async #pollPeers(): Promise<void> {
    // What still has this process' name on it is its own: the adopter is done.
    if (this.#isBack) this.#isBack = !(await this.#takeUp(this.#options.owner))
    await this.#adoptDead()
    if (++this.#polls % ORPHAN_POLLS === 0) await this.#adoptOrphans()
  }

  #owners(): Promise<OwnerRow[]> {
    return this.#options.store.query({ table: 'owners' })
  }

  async #adoptDead(): Promise<void> {
    const { store, owner } = this.#options
    const owners = await this.#owners()
    const seen = new Map<string, { beat: number; polls: number }>()
    for (const { id, beat } of owners) {
      const before = this.#seen.get(id)
      seen.set(id, { beat, polls: before?.beat === beat ? before.polls + 1 : 0 })
    }
    this.#seen = seen
    const dead = (id: string): boolean => {
      const it = seen.get(id)
      return !it || it.beat === LEFT || it.polls >= UNCHANGED_POLLS
    }
    for (const { id, beat, heir } of owners) {
      if (id === owner) {
        // An adopter that died before it was done leaves this process what it has; else its heartbeat could never go on.
        if (heir !== '' && dead(heir)) await landed(store.commit([{ patch: 'owners', key: [id], set: { heir: '' }, if: { heir } }])) // prettier-ignore
        continue
      }
      if (!dead(id)) continue
      if (heir !== owner) {
        if (heir !== '' && !dead(heir)) continue
        // Who gets this commit through takes up all that the dead one had.
        const will = { patch: 'owners', key: [id], set: { heir: owner }, if: { beat, heir } } as const
        if (!(await landed(store.commit([will])))) continue
      }
      if (await this.#takeUp(id)) await landed(store.commit([{ delete: 'owners', key: [id], if: { heir: owner } }]))
    }
  }

  /**
   * A process that has an adopter may still commit something before it learns of that, or before its own first heartbeat; where
   * it dies then, the operation bears the name of one that is not among the owners.
   */
  async #adoptOrphans(): Promise<void> {
    const { store, owner, adopt } = this.#options
    const active = await store.query({ table: 'operations', index: 'byStatus', prefix: ['active'] })
    // Read afterwards: whoever wrote one of the rows had joined before.
    const known = new Set([owner, ...(await this.#owners()).map(({ id }) => id)])
    const orphans = active.filter((row) => !known.has(row.owner))
    if (orphans.length > 0 && !this.#stop.signal.aborted) await adopt(orphans)
  }

  /** Takes up all unfinished operations that bear a name. */
  async #takeUp(name: string): Promise<boolean> {
    const { store, adopt } = this.#options
    const rows = await store.query({ table: 'operations', index: 'byOwner', prefix: [name, 'active'] })
    return rows.length === 0 || (!this.#stop.signal.aborted && adopt(rows))
  }
}

/** The heartbeat of a process that has left. */
const LEFT = -1

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

async function landed(commit: Promise<void>): Promise<boolean> {
  try {
    await commit
    return true
  } catch (error) {
    if (error instanceof StoreError && error.code === 'CONFLICT') return false
    throw error
  }
}

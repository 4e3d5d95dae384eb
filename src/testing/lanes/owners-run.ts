/**
 * One run with several processes of a program on one store with ownership. Any process may crash, freeze and thaw, or
 * lose its lock, at a commit, a heartbeat or a request. When the caller has what it wanted, all processes must have
 * been notified of it, and one must be the owner.
 */
import type { Dump } from '../../store/memory.ts'
import type { Ownership, Store, Write } from '../../store/port.ts'
import { inMemory, onStore } from '../environments/backing-store.ts'
import type { Inject } from '../explorer/choices.ts'
import type { LifeResult } from '../explorer/run-life.ts'
import type { Means, Running, Sharer, Stage } from '../explorer/subject.ts'
import { placeOf } from '../faults/faulty-mint.ts'
import { aboutOf } from '../faults/faulty-store.ts'
import type { FrozenLife } from './frozen-life.ts'
import { LaneRun, type LaneProcess, type LaneRunOptions, type Observers } from './lane-run.ts'
import { sure } from '../../sure.ts'
import { queuedLock, realLock, type Locks } from './locks.ts'
import { OwnersJudge, type Judged } from './owners-judge.ts'

/** Long enough to be taken for dead, and for another process to finish all work. */
const FROZEN_FOR_MS = 10_000
/** By this time after the last step, every process has been notified of it, and a free lock has been tried. */
const CALM_MS = 6_000
const CAUGHT_UP_AFTER_MS = 100

/** How processes share the store, and which of them the caller calls. */
export interface Sharing {
  readonly by: Ownership['by']
  readonly processes: 2 | 3
  /** The first process, which is the owner at the start if there is a lock; or the second, which is a follower. */
  readonly caller: 'first' | 'second'
}

export interface OwnersRunOptions<S extends Stage> extends LaneRunOptions<S>, Sharing {}

interface Process<S extends Stage> extends LaneProcess<S>, Judged {
  readonly life: FrozenLife
  readonly heard: Map<string, string>
  listening?: Promise<void>
}

export const runOwners = <S extends Stage>(of: OwnersRunOptions<S>, observers: Observers = {}): Promise<LifeResult> =>
  new OwnersRun(of, of.store ? onStore(of.store, of.from.rows) : inMemory(of.from.rows), observers).run()

class OwnersRun<S extends Stage> extends LaneRun<S, Process<S>, OwnersRunOptions<S>> {
  readonly #judge = new OwnersJudge(this.processes)
  #locks: Locks | undefined

  protected override async all(): Promise<void> {
    const { processes, caller, by } = this.of
    let called: Promise<void> | undefined
    for (const name of ['first', 'second', 'third'].slice(0, processes)) {
      if (name === caller) called = this.call(name)
      else await this.start(name, ({ listening }) => listening)
      // The first process has the lock before another one starts.
      await this.clock.pause(1)
    }
    await called
    while (this.processes.some(({ life }) => life.frozen && !life.dead)) await this.clock.pause(FROZEN_FOR_MS)
    await this.clock.pause(CALM_MS)
    this.violations.push(...this.#judge.unheard(this.rows.dump()))
    if (by === 'lock') this.violations.push(...this.#judge.leaderless())
    await this.close()
  }

  protected override make(name: string, life: FrozenLife): Process<S> {
    const process: Process<S> = { name, life, heard: new Map(), role: () => process.running?.sharer?.role() }
    return process
  }

  protected override begun(process: Process<S>, { sharer }: Running<S>): void {
    const shares = sure(sharer, 'sharer of the subject')
    shares.hear(({ id, state }) => process.heard.set(id, state))
    process.listening = this.#listening(process, shares)
  }

  /**
   * After a process has resumed what it found, and has read what changed meanwhile, it is notified of all later
   * changes.
   */
  async #listening(process: Process<S>, sharer: Sharer): Promise<void> {
    await sharer.resumed()
    await this.clock.pause(CAUGHT_UP_AFTER_MS)
    await process.life.awake()
    process.listensFromMs = this.clock.rightMs
  }

  #freeze({ life }: Process<S>): void {
    life.freeze(FROZEN_FOR_MS)
    this.#locks?.rob(life)
  }

  /** A request was made. The process may freeze, or die, before it receives the answer. */
  protected override injecting(process: Process<S>): Inject {
    return (site, options) => {
      const crash = options.find((option) => option === 'crashAfter')
      if (crash === undefined) return { fault: options[0], applied() {} }
      const option = this.pick(`${process.name} answer of ${site}`, ['ok', 'crashAfter', 'frozen'])
      if (option === 'frozen') this.#freeze(process)
      return { fault: option === 'crashAfter' ? crash : options[0], applied() {} }
    }
  }

  /** A request is about to leave. The process may freeze, or die, before that. */
  protected override async sending(
    process: Process<S>,
    { method, path, body }: Parameters<NonNullable<Means['sending']>>[0],
  ): Promise<void> {
    const { life, name } = process
    if (body === undefined) return
    this.violations.push(...this.#judge.sending(process, body, this.rows.dump(), this.clock.rightMs))
    const option = this.pick(`${name} ${method} ${placeOf(path)}`, ['ok', 'crashBefore', 'frozen'])
    if (option === 'crashBefore') return life.die()
    if (option === 'frozen') this.#freeze(process)
    return life.awake()
  }

  protected override committed(process: Process<S>, writes: readonly Write[], before: Dump): readonly string[] {
    return this.#judge.committed(process, writes, before, this.clock.rightMs)
  }

  protected override opened(process: Process<S>, store: Store): Store {
    return {
      ...store,
      ownership: this.#ownership(process, store),
      commit: (writes) => this.#commit(process, store, writes),
      close: () => {
        process.closed = true
        return store.close()
      },
    }
  }

  #ownership({ life }: Process<S>, { ownership }: Store): Ownership {
    if (this.of.by === 'heartbeats') return { by: 'heartbeats' }
    // Each connection to a real store has its own handle of the one lock.
    const locks = ownership?.by === 'lock' ? realLock(ownership.lock) : (this.#locks ??= queuedLock())
    return { by: 'lock', lock: locks.of(life) }
  }

  async #commit(process: Process<S>, store: Store, writes: readonly Write[]): Promise<void> {
    const { life, name } = process
    const about = aboutOf(writes)
    const robbed = this.#locks ? (['robbed'] as const) : []
    const options = ['ok', 'crashBefore', 'crashAfter', 'frozenBefore', 'frozenAfter', ...robbed] as const
    const option = this.pick(`${name} commit ${about}`, options)
    if (option === 'crashBefore') return life.die()
    if (option === 'frozenBefore') this.#freeze(process)
    if (option === 'robbed') this.#locks?.rob(life)
    if (life.frozen) await life.awake()
    await store.commit(writes)
    this.say('commit', `${name}: ${about}`)
    if (about !== 'owners') this.commits++
    if (option === 'crashAfter') return life.die()
    if (option === 'frozenAfter') this.#freeze(process)
  }
}

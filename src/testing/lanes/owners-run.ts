/**
 * One run with several processes of the wallet on one store that knows of owners. Any of them may crash, freeze and thaw, or
 * lose its lock, at a commit, a heartbeat or a request. Who calls the wallet is one of them; where it crashes, its
 * caller starts it again. When the caller has what it wanted, all must have heard of it, and somebody must lead.
 */
import type { InspectionEvent } from '../../kernel/inspect/inspect.ts'
import type { Random } from '../../kernel/util/ports.ts'
import type { Dump } from '../../store/memory.ts'
import type { OwnerLock, Ownership, Schema, Store, Write } from '../../store/port.ts'
import { inMemory, onStore, type BackingStore } from '../environments/backing-store.ts'
import { aboutOf } from '../faults/faulty-store.ts'
import { placeOf } from '../faults/faulty-mint.ts'
import { deadEnd } from '../invariants/liveness.ts'
import type { Choices, Inject } from '../explorer/choices.ts'
import { VirtualClock, worldRandom } from '../explorer/life.ts'
import type { LifeResult, Place, TraceEvent } from '../explorer/run-life.ts'
import type { Means, Running, Stage } from '../explorer/subject.ts'
import type { World } from '../explorer/world.ts'
import type { WalletStage } from '../environments/wallet-subject.ts'
import { FrozenLife } from './frozen-life.ts'
import { queuedLock, realLock, type Locks } from './locks.ts'
import { OwnersJudge, type Judged } from './owners-judge.ts'

/** Long enough to be taken for dead, and for another to do all that is to do. */
const FROZEN_FOR_MS = 10_000
/** After the last step everybody has heard of it by then, and a lock that is free has been tried. */
const CALM_MS = 6_000
const CAUGHT_UP_AFTER_MS = 100
/** No caller waits longer. */
const LIMIT_MS = 900_000
const MOST_COMMITS = 300
const MOST_BIRTHS = 10

/** How processes share the store, and which of them its caller calls. */
export interface Sharing {
  readonly by: Ownership['by']
  readonly processes: 2 | 3
  /** The first process, which owns everything at the start where there is a lock; or the second, which follows. */
  readonly caller: 'first' | 'second'
}

export interface OwnersRunOptions extends Place<WalletStage>, Sharing {
  readonly act: (stage: WalletStage) => Promise<void>
  readonly from: World
  readonly choices: Choices
}

interface Observers {
  readonly inspect?: (event: InspectionEvent) => void
  readonly tell?: (event: TraceEvent) => void
}

interface Process extends Judged {
  readonly life: FrozenLife
  readonly heard: Map<string, string>
  running?: Running<WalletStage>
  listening?: Promise<void>
}

export const runOwners = (of: OwnersRunOptions, observers: Observers = {}): Promise<LifeResult> =>
  new OwnersRun(of, observers).run()

class OwnersRun {
  readonly #of: OwnersRunOptions
  readonly #observers: Observers
  readonly #world: World
  readonly #clock: VirtualClock
  readonly #random: Random
  readonly #rows: BackingStore
  readonly #processes: Process[] = []
  readonly #judge = new OwnersJudge(this.#processes)
  readonly #violations: string[] = []
  readonly #stage: Stage
  #locks: Locks | undefined
  #commits = 0
  #requests = 0
  #astray: Error | undefined

  constructor(of: OwnersRunOptions, observers: Observers) {
    this.#of = of
    this.#observers = observers
    this.#world = { ...of.from }
    this.#clock = new VirtualClock(of.from.nowMs, of.from.skewMs)
    this.#random = worldRandom(this.#world)
    this.#rows = of.store ? onStore(of.store, of.from.rows) : inMemory(of.from.rows)
    this.#stage = this.#newStage()
    of.environment.enter(of.from.outside, this.#clock, this.#random)
  }

  async run(): Promise<LifeResult> {
    let ended: 'done' | { readonly error: unknown } | undefined
    this.#all().then(
      () => (ended = 'done'),
      (error: unknown) => (ended = { error }),
    )
    let end: LifeResult['end'] | undefined
    while (end === undefined) {
      await this.#rows.quiet()
      for (const { life } of this.#processes) life.paused()
      if (this.#astray) throw this.#astray
      end = this.#endOf(ended)
    }
    for (const { life } of this.#processes) void life.die()
    this.#violations.push(...(await this.#rows.end()))
    const { environment } = this.#of
    const world: World = { ...this.#world, rows: this.#rows.dump(), outside: environment.leave(), nowMs: this.#clock.rightMs } // prettier-ignore
    return { world, end, violations: this.#violations }
  }

  #endOf(ended: 'done' | { readonly error: unknown } | undefined): LifeResult['end'] | undefined {
    if (this.#processes.some(({ life }) => life.endless)) return this.#stuck('convergence: a process goes round and round')
    if (ended === 'done') return 'done'
    if (ended) return this.#stuck(`failed: ${String(ended.error)}`)
    if (this.#commits > MOST_COMMITS) return this.#stuck(`convergence: not after ${this.#commits} commits`)
    if (this.#clock.rightMs - this.#of.from.nowMs > LIMIT_MS || !this.#clock.advance())
      return this.#stuck('stuck: the caller still waits')
    return undefined
  }

  #stuck(violation: string): 'stuck' {
    this.#violations.push(violation)
    return 'stuck'
  }

  #say(column: TraceEvent['column'], text: string): void {
    this.#observers.tell?.({ column, text, atMs: this.#clock.rightMs })
  }

  /** All processes, from the start of the first until all is calm. */
  async #all(): Promise<void> {
    const { processes, caller } = this.#of
    const names = ['first', 'second', 'third'].slice(0, processes)
    let called: Promise<void> | undefined
    for (const name of names) {
      if (name === caller) called = this.#call(name)
      else await this.#start(name)
      // The first has the lock before there is another one.
      await this.#clock.pause(1)
    }
    await called
    while (this.#processes.some(({ life }) => life.frozen && !life.dead)) await this.#clock.pause(FROZEN_FOR_MS)
    await this.#clock.pause(CALM_MS)
    this.#violations.push(...this.#judge.unheard(this.#rows.dump()))
    if (this.#of.by === 'lock') this.#violations.push(...this.#judge.leaderless((name) => this.#roleOf(name)))
    for (const process of this.#processes) await Promise.race([process.running?.close(), died(process)])
  }

  #roleOf(named: string): string {
    return this.#processes.find(({ name }) => name === named)?.running?.stage.wallet.role ?? 'none'
  }

  /** A caller who starts its process again where that dies, and does the same again. */
  async #call(name: string): Promise<void> {
    for (let births = 1; births <= MOST_BIRTHS; births++) {
      const process = this.#born(births === 1 ? name : `${name}-${births}`)
      const done = this.#started(process).then(({ stage }) => this.#of.act(stage)).then(() => true)
      if (await Promise.race([done, died(process)])) return
    }
  }

  async #start(name: string): Promise<void> {
    const process = this.#born(name)
    await Promise.race([this.#started(process).then(() => process.listening), died(process)])
  }

  #born(name: string): Process {
    const process: Process = { name, life: new FrozenLife(this.#clock), heard: new Map() }
    this.#processes.push(process)
    this.#say('life', `${name} begins`)
    process.life.death.signal.addEventListener('abort', () => this.#say('life', `${name} ends`))
    return process
  }

  async #started(process: Process): Promise<Running<WalletStage>> {
    const running = (process.running = await this.#of.environment.start(this.#meansOf(process)))
    const { wallet } = running.stage
    wallet.on('operation', ({ id, state }) => process.heard.set(id, state))
    process.listening = this.#listening(process, wallet)
    return running
  }

  /** Once a process has taken up what it found, and has seen what changed until then, it hears of all that comes. */
  async #listening(process: Process, wallet: WalletStage['wallet']): Promise<void> {
    await wallet.operations.resumed()
    await this.#clock.pause(CAUGHT_UP_AFTER_MS)
    await process.life.awake()
    process.listensFromMs = this.#clock.rightMs
  }

  #newStage(): Stage {
    const notes: Record<string, unknown> = { ...this.#world.notes }
    return {
      clock: this.#clock,
      notes,
      note: (key, value) => {
        notes[key] = value
        this.#world.notes = { ...notes }
      },
      rows: () => this.#rows.dump(),
      requests: () => this.#requests,
      violated: (what) => void this.#violations.push(what),
    }
  }

  /** What befalls a process at a place, beside crashes that the place knows of. */
  #pick<O extends string>({ name }: Process, site: string, options: readonly ['ok', ...O[]]): 'ok' | O {
    const { choices } = this.#of
    const before = choices.faults.map(({ option, site: at }) => `${at.replace(/ .*/, '')} ${option}`).join(', ')
    try {
      const option = choices.pick<'ok' | O>(`${name} ${site}`, options, () => '', () => `${before}; ${name} ${site}`) // prettier-ignore
      if (option !== 'ok') this.#say('fault', `${choices.taken.length}. ${name} ${site}: ${option}`)
      return option
    } catch (error) {
      this.#astray = error instanceof Error ? error : new Error(String(error))
      throw error
    }
  }

  #freeze({ life }: Process): void {
    life.freeze(FROZEN_FOR_MS)
    this.#locks?.rob(life)
  }

  /** A request was made: the process may be frozen, or die, before it hears the answer. */
  readonly #injecting =
    (process: Process): Inject =>
    (site, options) => {
      const crash = options.find((option) => option === 'crashAfter')
      if (crash === undefined) return options[0]
      const option = this.#pick(process, `answer of ${site}`, ['ok', 'crashAfter', 'frozen'])
      if (option === 'frozen') this.#freeze(process)
      return option === 'crashAfter' ? crash : options[0]
    }

  /** A process is about to send a request, and may be frozen, or die, before it does. */
  async #sending(process: Process, { method, path, body }: Parameters<NonNullable<Means['sending']>>[0]): Promise<void> {
    const { life } = process
    if (body === undefined) return
    this.#violations.push(...this.#judge.sending(process, body, this.#rows.dump(), this.#clock.rightMs))
    const option = this.#pick(process, `${method} ${placeOf(path)}`, ['ok', 'crashBefore', 'frozen'])
    if (option === 'crashBefore') return life.die()
    if (option === 'frozen') this.#freeze(process)
    return life.awake()
  }

  #meansOf(process: Process): Means {
    const { inspect, tell } = this.#observers
    const { life, name } = process
    return {
      stage: this.#stage,
      store: { open: (schema) => this.#opened(process, schema) },
      clock: this.#clock,
      ownClock: life.clock,
      random: this.#random,
      life,
      inject: this.#injecting(process),
      inspect:
        (inspect ?? tell) &&
        ((event) => {
          inspect?.(event)
          const state = event.snapshot && (event.snapshot.context as { state: string }).state
          if (state !== undefined) this.#say('state', `${name}: ${event.name.replace(/ .*/, '')} ${state}`)
        }),
      overtake: () => Promise.resolve(),
      sending: (request) => this.#sending(process, request),
      requested: (what) => {
        this.#requests++
        this.#say('request', `${name}: ${what}`)
      },
      another: () => {
        throw new RangeError('there are processes enough')
      },
    }
  }

  /** The store as one process has it. */
  async #opened(process: Process, schema: Schema): Promise<Store> {
    const { life } = process
    const store = await this.#rows.open(schema)
    return {
      ownership: this.#ownership(process, store),
      get: (table, key) => life.call(() => store.get(table, key)),
      query: (query) => life.call(() => store.query(query)),
      sum: (table, prefix) => life.call(() => store.sum(table, prefix)),
      commit: (writes) => life.call(() => this.#commit(process, store, writes)),
      watch: (table, changed) => store.watch(table, () => void life.awake().then(changed)),
      close: () => {
        process.closed = true
        return life.call(() => store.close())
      },
    }
  }

  #ownership({ life }: Process, { ownership }: Store): Ownership {
    if (this.#of.by === 'heartbeats') return { by: 'heartbeats' }
    const real: OwnerLock | undefined = ownership?.by === 'lock' ? ownership.lock : undefined
    this.#locks ??= real ? realLock(real) : queuedLock()
    return { by: 'lock', lock: (real ? realLock(real) : this.#locks).of(life) }
  }

  async #commit(process: Process, store: Store, writes: readonly Write[]): Promise<void> {
    const { life, name } = process
    const about = aboutOf(writes)
    const land = async (): Promise<void> => {
      const before = this.#rows.dump()
      await store.commit(writes)
      this.#landed(process, writes, before)
      if (about !== 'owners') this.#commits++
      this.#say('commit', `${name}: ${about}`)
    }
    const robbed = this.#of.by === 'lock' && !this.#of.store ? (['robbed'] as const) : []
    const option = this.#pick(process, `commit ${about}`, ['ok', 'crashBefore', 'crashAfter', 'frozenBefore', 'frozenAfter', ...robbed]) // prettier-ignore
    if (option === 'crashBefore') return life.die()
    if (option === 'frozenBefore') this.#freeze(process)
    if (option === 'robbed') this.#locks?.rob(life)
    if (life.frozen) await life.awake()
    await land()
    if (option === 'crashAfter') return life.die()
    if (option === 'frozenAfter') this.#freeze(process)
  }

  #landed(process: Process, writes: readonly Write[], before: Dump): void {
    const { kinds, environment } = this.#of
    this.#violations.push(
      ...this.#judge.committed(process, writes, before, this.#clock.rightMs),
      ...writes.flatMap((write) => deadEnd(write, kinds)),
      ...(environment.committed?.(writes, before, this.#stage.notes) ?? []),
    )
  }
}

/** False once the process is dead. */
const died = ({ life }: Process): Promise<false> =>
  new Promise((resolve) => {
    if (life.dead) resolve(false)
    else life.death.signal.addEventListener('abort', () => resolve(false), { once: true })
  })

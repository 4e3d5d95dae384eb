/**
 * One run of a lane: one or several processes of a program on one store, from the start of the first until its caller
 * has what it wanted. The lane chooses the faults. If the process that the caller calls dies, it is started again.
 */
import type { InspectionEvent } from '../../kernel/inspect/inspect.ts'
import type { Random } from '../../kernel/util/ports.ts'
import type { Dump } from '../../store/memory.ts'
import type { Schema, Store, Write } from '../../store/port.ts'
import type { BackingStore } from '../environments/backing-store.ts'
import type { Choices, Inject } from '../explorer/choices.ts'
import { VirtualClock, worldRandom } from '../explorer/life.ts'
import { luck, type LifeResult, type Place, type TraceEvent } from '../explorer/run-life.ts'
import type { Means, Running, Stage } from '../explorer/subject.ts'
import type { World } from '../explorer/world.ts'
import { deadEnd, orQuarantined } from '../invariants/liveness.ts'
import { unhistoric } from '../invariants/step-history.ts'
import { FrozenLife } from './frozen-life.ts'

/** No caller waits longer. */
const LIMIT_MS = 900_000
const MOST_COMMITS = 600
const MOST_BIRTHS = 10

export interface LaneRunOptions<S extends Stage> extends Place<S> {
  readonly act: (stage: S) => Promise<void>
  readonly from: World
  readonly choices: Choices
}

/** The observers of a run. */
export interface Observers {
  readonly inspect?: (event: InspectionEvent) => void
  readonly tell?: (event: TraceEvent) => void
}

/** One process of a run. */
export interface LaneProcess<S extends Stage> {
  readonly name: string
  readonly life: FrozenLife
  running?: Running<S>
}

export abstract class LaneRun<
  S extends Stage,
  P extends LaneProcess<S>,
  O extends LaneRunOptions<S> = LaneRunOptions<S>,
> {
  protected readonly of: O
  protected readonly clock: VirtualClock
  protected readonly rows: BackingStore
  protected readonly processes: P[] = []
  protected readonly violations: string[] = []
  protected commits = 0
  readonly #observers: Observers
  readonly #world: World
  readonly #random: Random
  readonly #stage: Stage
  #requests = 0
  #astray: Error | undefined

  constructor(of: O, rows: BackingStore, observers: Observers) {
    this.of = of
    this.rows = rows
    this.#observers = observers
    this.#world = { ...of.from }
    this.clock = new VirtualClock(of.from.nowMs, of.from.skewMs)
    this.#random = worldRandom(this.#world)
    this.#stage = this.#newStage()
    of.environment.enter(of.from.outside, this.clock, this.#random)
  }

  /** Starts the processes and runs the scenario. */
  protected abstract all(): Promise<void>
  protected abstract make(name: string, life: FrozenLife): P
  /** The store of one process. */
  protected abstract opened(process: P, store: Store): Store
  /** The fault of a request; none unless the lane injects one. */
  protected injecting(_: P): Inject {
    return luck
  }
  /** A process is about to send a request. */
  protected sending(_: P, _request: Parameters<NonNullable<Means['sending']>>[0]): Promise<void> {
    return Promise.resolve()
  }
  /** The violations of a commit that landed. */
  protected committed(_: P, _writes: readonly Write[], _before: Dump): readonly string[] {
    return []
  }

  async run(): Promise<LifeResult> {
    let ended: 'done' | { readonly error: unknown } | undefined
    this.all().then(
      () => (ended = 'done'),
      (error: unknown) => (ended = { error }),
    )
    let end: LifeResult['end'] | undefined
    while (end === undefined) {
      await this.rows.quiet()
      for (const { life } of this.processes) life.paused()
      if (this.#astray) {
        const { message } = this.#astray
        throw new RangeError([message, ...(await this.rows.end())].join('; '), { cause: this.#astray })
      }
      end = this.#endOf(ended)
    }
    for (const { life } of this.processes) void life.die()
    this.violations.push(...(await this.rows.end()))
    const [rows, outside, nowMs] = [this.rows.dump(), this.of.environment.leave(), this.clock.rightMs]
    return { world: { ...this.#world, rows, outside, nowMs }, end, violations: this.violations }
  }

  #endOf(ended: 'done' | { readonly error: unknown } | undefined): LifeResult['end'] | undefined {
    if (this.processes.some(({ life }) => life.endless))
      return this.#stuck('convergence: a process goes round and round')
    if (ended === 'done') return 'done'
    if (ended) return this.#stuck(`failed: ${String(ended.error)}`)
    if (this.commits > MOST_COMMITS) return this.#stuck(`convergence: not after ${this.commits} commits`)
    if (this.clock.rightMs - this.of.from.nowMs > LIMIT_MS || !this.clock.advance())
      return this.#stuck('stuck: the caller still waits')
    return undefined
  }

  #stuck(violation: string): 'stuck' {
    this.violations.push(...orQuarantined(violation, this.rows.dump()))
    return 'stuck'
  }

  protected say(column: TraceEvent['column'], text: string): void {
    this.#observers.tell?.({ column, text, atMs: this.clock.rightMs })
  }

  /** Starts a process. Resolves when it is open, or dead. */
  protected async start(name: string, ready: (process: P) => Promise<void> | undefined): Promise<void> {
    const process = this.#born(name)
    await Promise.race([this.#started(process).then(() => ready(process)), died(process)])
  }

  /** A caller. If its process dies, it starts the process again and repeats its calls. */
  protected async call(name: string): Promise<void> {
    for (let births = 1; births <= MOST_BIRTHS; births++) {
      const process = this.#born(births === 1 ? name : `${name}-${births}`)
      const done = this.#started(process)
        .then(({ stage }) => this.of.act(stage))
        .then(() => true)
      if (await Promise.race([done, died(process)])) return
    }
  }

  /** Closes all living processes. */
  protected async close(): Promise<void> {
    for (const process of this.processes) await Promise.race([process.running?.close(), died(process)])
  }

  /** A process has been started; its caller has not called yet. */
  protected begun(_: P, _running: Running<S>): void {}

  #born(name: string): P {
    const process = this.make(name, new FrozenLife(this.clock))
    this.processes.push(process)
    this.say('life', `${name} begins`)
    process.life.death.signal.addEventListener('abort', () => this.say('life', `${name} ends`))
    return process
  }

  async #started(process: P): Promise<Running<S>> {
    const running = await this.of.environment.start(this.#meansOf(process))
    process.running = running
    this.begun(process, running)
    return running
  }

  #newStage(): Stage {
    const notes: Record<string, unknown> = { ...this.#world.notes }
    return {
      clock: this.clock,
      notes,
      note: (key, value) => {
        notes[key] = value
        this.#world.notes = { ...notes }
      },
      rows: () => this.rows.dump(),
      requests: () => this.#requests,
      violated: (what) => void this.violations.push(what),
    }
  }

  /**
   * Chooses the fault of a process at a place: each fault once for every combination of earlier faults of other
   * processes.
   */
  protected pick<F extends string>(site: string, options: readonly ['ok', ...F[]]): 'ok' | F {
    const { choices } = this.of
    const before = choices.faults.map((it) => `${it.site.replace(/ .*/, '')} ${it.option}`).join(', ')
    try {
      const option = choices.pick<'ok' | F>(site, options, { state: () => '', name: () => `${before}; ${site}` })
      if (option !== 'ok') this.say('fault', `${choices.taken.length}. ${site}: ${option}`)
      return option
    } catch (error) {
      this.#astray = error instanceof Error ? error : new Error(String(error))
      throw error
    }
  }

  #meansOf(process: P): Means {
    const { inspect, tell } = this.#observers
    const { life, name } = process
    return {
      stage: this.#stage,
      store: { open: (schema) => this.#opened(process, schema) },
      clock: this.clock,
      ownClock: life.clock,
      random: this.#random,
      life,
      inject: this.injecting(process),
      inspect:
        (inspect ?? tell) &&
        ((event) => {
          inspect?.(event)
          if (event.type !== '@xstate.snapshot') return
          const { state } = event.snapshot.context as { state: string }
          this.say('state', `${name}: ${event.name.replace(/ .*/, '')} ${state}`)
        }),
      inspectWhole: undefined,
      overtake: () => Promise.resolve(),
      sending: (request) => this.sending(process, request),
      requested: (what) => {
        this.#requests++
        this.say('request', `${name}: ${what}`)
      },
      another: () => {
        throw new RangeError('there are processes enough')
      },
    }
  }

  /** All calls go through until the process is frozen or dead. A commit is checked as soon as it lands. */
  async #opened(process: P, schema: Schema): Promise<Store> {
    const { life } = process
    const plain = await this.rows.open(schema)
    const store = this.opened(process, {
      ...plain,
      commit: async (writes) => {
        const before = this.rows.dump()
        await plain.commit(writes)
        this.violations.push(...unhistoric(writes, { before, after: this.rows.dump() }, schema))
        this.landed(process, writes, before)
      },
    })
    return {
      ...(store.ownership && { ownership: store.ownership }),
      get: (table, key) => life.call(() => store.get(table, key)),
      query: (query) => life.call(() => store.query(query)),
      sum: (table, prefix) => life.call(() => store.sum(table, prefix)),
      commit: (writes) => life.call(() => store.commit(writes)),
      watch: (table, changed) => store.watch(table, () => void life.awake().then(changed)),
      close: () => life.call(() => store.close()),
    }
  }

  /** Checks the invariants of a commit that landed. */
  protected landed(process: P, writes: readonly Write[], before: Dump): void {
    const { kinds, environment } = this.of
    this.violations.push(
      ...this.committed(process, writes, before),
      ...writes.flatMap((write) => deadEnd(write, kinds)),
      ...(environment.committed?.(writes, { before, after: this.rows.dump(), notes: this.#stage.notes }) ?? []),
    )
  }
}

/** False once the process is dead. */
const died = ({ life }: Pick<LaneProcess<never>, 'life'>): Promise<false> =>
  new Promise((resolve) => {
    if (life.dead) resolve(false)
    else life.death.signal.addEventListener('abort', () => resolve(false), { once: true })
  })

/** One life in a world: a process starts, does what its caller wants, and ends when that is done or in a crash. */
import type { InspectionEvent } from '../../kernel/inspect/inspect.ts'
import type { OperationKind } from '../../kernel/define/operation.ts'
import type { Dump } from '../../store/memory.ts'
import { StoreError, type Schema, type Store, type StoreErrorCode, type Write } from '../../store/port.ts'
import { HardshellError } from '../../kernel/util/errors.ts'
import type { Random } from '../../kernel/util/ports.ts'
import { inMemory, onStore, type BackingStore, type TestedStore } from '../environments/backing-store.ts'
import { faultyStore, misreading } from '../faults/faulty-store.ts'
import { Outages } from '../faults/outages.ts'
import { deadEnd, orQuarantined } from '../invariants/liveness.ts'
import { unhistoric } from '../invariants/step-history.ts'
import { CallerEvents, QUIET } from './caller-events.ts'
import { Administrator } from './administrator.ts'
import { isCrash, type Choices, type Crash, type Inject } from './choices.ts'
import { Life, VirtualClock, worldRandom } from './life.ts'
import { ProcessClock } from './process-clock.ts'
import { Processes } from './processes.ts'
import { startOf, type Misread } from './start.ts'
import type { Means, Stage, Environment, Scenario } from './subject.ts'
import { WholeTrace } from './whole-trace.ts'
import { isHistory, type Fingerprint, type World } from './world.ts'

/** A life that exceeds these limits does not converge. */
const MOST_COMMITS = 200
const MOST_REQUESTS = 400
const MOST_ADVANCES = 3_000
/** Long enough to end whatever can end. */
const OVERTAKES_FOR_MS = 120_000
/** How long a process that cannot read its operations is watched. */
const LOOKS_ON_FOR_MS = 600_000
const ASKS_AGAIN_AFTER_MS = 1_000
/** What a caller is told of whom the next try may succeed. */
const AGAIN: readonly StoreErrorCode[] = ['BUSY', 'UNSTORABLE']

/** Where lives take place. */
export interface Place<S extends Stage> {
  readonly kinds: readonly OperationKind<never>[]
  readonly environment: Environment<S>
  readonly fingerprint: Fingerprint
  /** Keeps the program's rows; they are in memory unless given. */
  readonly store?: TestedStore | undefined
  /** What callers may send at any time. */
  readonly anytime?: Scenario<S>['anytime']
}

/** Where a life takes place, and what its caller wants. */
export interface LifeOptions<S extends Stage> extends Place<S> {
  readonly act: (stage: S) => Promise<void>
  readonly from: World
  readonly choices: Choices
  /** Injects only switches from one process to the other and back. */
  readonly owners?: boolean
  /** Multiplies the limits of commits, requests and waits of one operation; 1 unless given. */
  readonly weight?: number
}

export interface LifeResult {
  readonly world: World
  readonly end: 'done' | 'crashed' | 'stuck'
  readonly violations: readonly string[]
}

/** One line of what happened, under its column. */
export interface TraceEvent {
  /** Who did it. */
  readonly column: 'life' | 'fault' | 'commit' | 'request' | 'state' | 'event' | 'context'
  /** What happened. */
  readonly text: string
  /** The same with what was handed over and what came back, where the program has no secrets. */
  readonly whole?: string
  /** Milliseconds since the Unix epoch, by the world's clock. */
  readonly atMs: number
}

/** A crash that was possible and was not injected. */
export interface Spared {
  readonly place: number
  readonly option: Crash
  /** Places with the same value count as one. */
  readonly name: () => string
  /** The world that it would leave; undefined if that takes a life of its own. */
  readonly world: (() => World) | undefined
}

/** The observers of a life. */
export interface Observers {
  /** Gets every committed step of the kernel. */
  readonly inspect?: (event: InspectionEvent) => void
  /**
   * Called for each crash that was possible and was not injected, with its place and the world that it would leave.
   * Returns whether that world is explored.
   */
  readonly spared?: (crash: Spared) => boolean
  /** Called for each injection point where a crash is explored, with what the process is about to do and its rows. */
  readonly passed?: (site: string, doing: readonly (string | object)[], rows: () => Dump) => void
  /** Called after each commit that landed, with the world that a crash would leave there. */
  readonly landed?: (world: () => World) => void
  readonly tell?: (event: TraceEvent) => void
}

/** Runs one life in a world. The world itself is not changed. */
export const runLife = <S extends Stage>(of: LifeOptions<S>, observers: Observers = {}): Promise<LifeResult> =>
  new LifeRun(of, observers).run()

/** One life while it lasts. */
class LifeRun<S extends Stage> {
  readonly #of: LifeOptions<S>
  readonly #observers: Observers
  /** Why the process cannot read its rows, if so. */
  readonly #misread: Misread | undefined
  readonly #world: World
  readonly #life = new Life()
  readonly #clock: VirtualClock
  readonly #random: Random
  readonly #rows: BackingStore
  readonly #violations: string[] = []
  readonly #stage: Stage
  readonly #processes: Processes
  readonly #callers: CallerEvents
  readonly #whole: WholeTrace
  #commits = 0
  #requests = 0
  /** Stands by from when the process can be told to go on. */
  #administrator: Administrator | undefined
  /** A path that leads nowhere, or a run that does not repeat itself. */
  #astray: Error | undefined

  constructor(of: LifeOptions<S>, observers: Observers) {
    const { misread, ...since } = startOf(of)
    this.#of = of
    this.#observers = observers
    this.#misread = misread
    this.#world = { ...of.from, ...since }
    this.#clock = new VirtualClock(this.#world.nowMs, this.#world.skewMs)
    this.#random = worldRandom(this.#world)
    this.#rows = of.store ? onStore(of.store, this.#world.rows) : inMemory(this.#world.rows)
    this.#stage = this.#newStage()
    this.#processes = new Processes((paused) => this.#runOther(paused))
    const events = misread || of.owners ? [] : (of.anytime ?? [])
    this.#callers = new CallerEvents({
      ...{ kinds: of.kinds, events, rows: () => this.#rows.dump(), stage: this.#stage },
      said: (text) => this.#say('event', text),
    })
    this.#whole = new WholeTrace(of.kinds, this.#world.rows, (...line) => this.#say(...line))
    of.environment.enter(this.#world.outside, this.#clock, this.#random)
  }

  async run(): Promise<LifeResult> {
    let ended: 'done' | { readonly error: unknown } | undefined
    this.#runOurs().then(
      () => (ended = 'done'),
      (error: unknown) => (ended = { error }),
    )
    let end: LifeResult['end'] | undefined
    for (let advances = 0; end === undefined; advances++) {
      await this.#rows.quiet()
      this.#life.paused()
      // If the store broke its contract, that is why the run did not repeat itself.
      if (this.#astray) {
        const { message } = this.#astray
        throw new RangeError([message, ...(await this.#rows.end())].join('; '), { cause: this.#astray })
      }
      end = this.#endOf(ended, advances)
    }
    if (!this.#life.dead && end !== 'done') void this.#life.die()
    this.#violations.push(...(await this.#rows.end()))
    const world = this.#now()
    if (this.#misread && end === 'done') {
      // Unreadable rows must stay unchanged, unless their operation is over. The next process reads them again.
      end = 'crashed'
      if (settled(unfinished(world.rows)) !== settled(unfinished(this.#of.from.rows)))
        this.#violations.push('restless: rows that cannot be read were written')
    }
    // A violation that lasts is found again at each commit from then on.
    return { world, end, violations: [...new Set(this.#violations)] }
  }

  /**
   * Waits for everything that can happen at the present time. Then returns whether the life is over; otherwise the
   * clock advances.
   */
  #endOf(ended: 'done' | { readonly error: unknown } | undefined, advances: number): LifeResult['end'] | undefined {
    const { weight = 1 } = this.#of
    if (this.#life.endless) return this.#stuck('convergence: it goes round and round, and never lets time go on')
    if (this.#life.dead) return 'crashed'
    // What a request did counts, though its caller has what it wanted.
    if (this.#callers.release()) return undefined
    if (ended === 'done') return 'done'
    if (ended) return this.#stuck(`failed: ${messageOf(ended.error)}`)
    const [commits, requests] = [this.#commits, this.#requests]
    if (advances > weight * MOST_ADVANCES || commits > weight * MOST_COMMITS || requests > weight * MOST_REQUESTS)
      return this.#stuck(`convergence: not after ${commits} commits, ${requests} requests, ${advances} waits`)
    if (this.#sentWhenQuiet() || this.#clock.advance()) return undefined
    return this.#stuck('stuck: nothing is under way, and no timer runs')
  }

  /** Before time goes on, a caller may send an event. */
  #sentWhenQuiet(): boolean {
    const sendings = this.#callers.at(QUIET, [])
    if (sendings.length === 0) return false
    const option = this.#pick(QUIET, ['ok', ...sendings.map(({ option }) => option)], [])
    const sending = sendings.find((it) => it.option === option)
    if (sending) this.#callers.send(sending)
    return sending !== undefined
  }

  #stuck(violation: string): 'stuck' {
    this.#violations.push(...orQuarantined(violation, this.#rows.dump()))
    return 'stuck'
  }

  /** The world that a crash would leave now. */
  #now(): World {
    return {
      ...this.#world,
      rows: this.#rows.dump(),
      outside: this.#of.environment.leave(),
      nowMs: this.#clock.rightMs,
      skewMs: this.#clock.skewMs,
    }
  }

  #say(column: TraceEvent['column'], text: string, whole?: string): void {
    this.#observers.tell?.({ column, text, ...(whole !== undefined && { whole }), atMs: this.#clock.rightMs })
  }

  #newStage(): Stage {
    const notes: Record<string, unknown> = { ...this.#world.notes }
    return {
      clock: this.#clock,
      notes,
      note: (key, value) => {
        if (this.#life.dead) return
        notes[key] = value
        this.#world.notes = { ...notes }
      },
      rows: () => this.#rows.dump(),
      requests: () => this.#requests,
      violated: (what) => void this.#violations.push(what),
    }
  }

  /** Places with the same name count as one in a quick exploration. */
  #nameOf(site: string): string {
    return `${site} in ${statesOf(this.#rows.dump())}`
  }

  /** Chooses one of the options of an injection point. The first is that nothing goes wrong. */
  #pick(site: string, options: readonly [string, ...string[]], doing: readonly (string | object)[]): string {
    const { choices, fingerprint } = this.#of
    const option = choices.pick(site, options, {
      state: () => fingerprint(this.#now(), [...doing, ...this.#callers.pending], this.#clock.ringsMs),
      name: () => this.#nameOf(site),
      passing: this.#observers.spared !== undefined,
    })
    if (option !== options[0] && !choices.isOver) this.#say('fault', `${choices.taken.length}. ${site}: ${option}`)
    return option
  }

  /** Chooses among the options that `may` happen to a process. */
  #injecting(who: string, may: (option: string) => boolean): Inject {
    const { choices } = this.#of
    return (site, [usual, ...faults], doing) => {
      try {
        const options = faults.filter(may)
        const { spared, passed } = this.#observers
        const name = (): string => this.#nameOf(site)
        const sendings = who === '' ? this.#callers.at(site, doing) : []
        const picked = this.#pick(who + site, [usual, ...options, ...sendings.map(({ option }) => option)], doing)
        const sending = sendings.find(({ option }) => option === picked)
        if (sending) return { fault: usual, ...this.#callers.sent(site, sending) }
        const fault = options.find((it) => it === picked) ?? usual
        const end = options.find(isCrash)
        if (choices.isOver && end !== undefined) return { fault: end, applied() {} }
        const place = choices.taken.length
        const spare = (option: Crash): boolean => {
          if (!spared || fault !== usual || place <= choices.repeated || !options.some((it) => it === option))
            return false
          // Other work is under way. A crash would let it end, while this life would cut it short.
          const world = this.#life.busy ? undefined : (): World => this.#now()
          return spared({ place, option, name, world })
        }
        if (spare('crashBefore')) passed?.(site, doing, () => this.#rows.dump())
        return { fault, applied: () => void spare('crashAfter') }
      } catch (error) {
        // The program would handle the error as a fault of its own.
        this.#astray = error as Error
        throw error
      }
    }
  }

  /** The store. Its commits are checked when they land, whichever process wrote them, even if that process has died. */
  async #opened(schema: Schema): Promise<Store> {
    const { kinds, environment } = this.#of
    const store = await this.#rows.open(schema)
    return {
      ...store,
      commit: async (writes) => {
        const before = this.#rows.dump()
        await store.commit(writes)
        const after = this.#rows.dump()
        this.#observers.landed?.(() => this.#now())
        this.#violations.push(
          ...writes.flatMap((write) => deadEnd(write, kinds)),
          ...unhistoric(writes, { before, after }, schema),
          ...(environment.committed?.(writes, { before, after, notes: this.#stage.notes }) ?? []),
        )
      },
    }
  }

  /** The arguments of a process's start. */
  #meansOf(inject: Inject, overtake: () => Promise<void>): Means {
    const { inspect, tell } = this.#observers
    const [life, misread] = [this.#life, this.#misread]
    const ownClock = new ProcessClock(this.#clock)
    const paused = (): Promise<void> => ownClock.standing(overtake)
    const committed = (about: string, writes: readonly Write[]): void => {
      this.#commits++
      this.#say('commit', about, tell && this.#whole.commit(writes))
    }
    return {
      stage: this.#stage,
      store: {
        open: async (schema) => {
          const store = await this.#opened(schema)
          const outages = new Outages(this.#stage)
          return faultyStore(misread ? misreading(store, misread) : store, {
            inject,
            life,
            committed,
            overtake: paused,
            refused: (isTriedAgain) => {
              if (isTriedAgain) this.#violations.push('convergence: a commit that was refused for good is tried again')
              else void this.#administrator?.call()
            },
            outages,
          })
        },
      },
      clock: this.#clock,
      ownClock,
      random: this.#random,
      life,
      inject,
      inspect:
        (inspect ?? tell) &&
        ((event) => {
          inspect?.(event)
          if (event.type === '@xstate.snapshot')
            this.#say(
              'state',
              `${event.name.replace(/ .*/, '')} ${(event.snapshot.context as { state: string }).state}`,
            )
        }),
      inspectWhole: tell && ((event) => this.#whole.step(event)),
      overtake: paused,
      requested: (what, whole) => {
        this.#requests++
        this.#say('request', what, whole)
      },
      another: () => this.#meansOf(luck, never),
    }
  }

  /** The process that the caller calls, from its start to its close. */
  async #runOurs(): Promise<void> {
    const { environment, act, owners = false } = this.#of
    const [clock, processes] = [this.#clock, this.#processes]
    const may = (option: string): boolean => {
      if (option === 'overtaken') return owners || !processes.overtaken
      return !owners && (option !== 'unstorable' || this.#administrator !== undefined)
    }
    const program = await environment.start(this.#meansOf(this.#injecting('', may), () => processes.overtake()))
    this.#callers.begin(program)
    const rows = (): Dump => this.#rows.dump()
    const administrator = program.resume && new Administrator({ clock, rows, resume: program.resume })
    this.#administrator = administrator
    if (administrator && !this.#misread && administrator.aside.length > 0) void administrator.call()
    if (this.#misread) await clock.pause(LOOKS_ON_FOR_MS)
    else await (program.attend ?? ((call) => call()))(() => persistent(clock, administrator, () => act(program.stage)))
    await administrator?.over()
    await processes.end()
    await program.close()
  }

  /** Another process, which only resumes unfinished operations. */
  async #runOther(paused: () => Promise<void>): Promise<void> {
    const { environment, owners = false } = this.#of
    this.#say('life', 'another process begins')
    const inject = this.#injecting('other ', (option) => owners && option === 'overtaken')
    const means = this.#meansOf(inject, async () => {
      this.#say('life', 'it is paused, and the first process goes on')
      await paused()
    })
    const other = await environment.start(means)
    await this.#clock.pause(OVERTAKES_FOR_MS)
    await other.close()
    this.#say('life', 'the other process ends')
  }
}

/** A caller who asks again when told that the store is busy, or that an administrator has something to mend. */
async function persistent(
  clock: VirtualClock,
  administrator: Administrator | undefined,
  act: () => Promise<void>,
): Promise<void> {
  for (;;)
    try {
      return await act()
    } catch (error) {
      const { code, operationId } = error instanceof HardshellError ? error : new HardshellError('', '')
      const isAside = operationId !== undefined && administrator?.aside.includes(operationId) === true
      if (code === 'QUARANTINED' && isAside) await administrator.call()
      else if (error instanceof StoreError && AGAIN.includes(error.code)) await clock.pause(ASKS_AGAIN_AFTER_MS)
      else throw error
    }
}

/** The states of unfinished operations, each once. */
const statesOf = ({ operations = [] }: Dump): string =>
  [
    ...new Set(
      operations.flatMap(({ kind, state, status }) =>
        status === 'active' ? `${kind as string} ${state as string}` : [],
      ),
    ),
  ]
    .toSorted()
    .join(', ')

/** Rows without the columns that a take-over writes, and the steps that it leaves. */
export const settled = ({ steps = [], ...rows }: Dump): string =>
  JSON.stringify({ ...rows, steps: steps.filter((row) => !isHistory('steps', row)) }, (key, value: unknown) =>
    ['owner', 'attempt', 'version', 'commitId'].includes(key) ? undefined : value,
  )

const unfinished = (rows: Dump): Dump => ({
  ...rows,
  operations: (rows['operations'] ?? []).filter(({ status }) => status !== 'done'),
})

/** Nothing goes wrong. */
export const luck: Inject = (_, [fault]) => ({ fault, applied() {} })

const never = (): Promise<never> => new Promise(() => {})

const messageOf = (error: unknown): string =>
  error instanceof Error ? `${'code' in error ? `${String(error.code)}: ` : ''}${error.message}` : String(error)

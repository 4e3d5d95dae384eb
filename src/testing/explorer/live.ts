/** One life in a world: a process starts, does what its caller wants, and ends by that or in a crash. */
import type { InspectionEvent } from '../../kernel/inspect/inspect.ts'
import type { OperationKind } from '../../kernel/define/operation.ts'
import type { Dump } from '../../store/memory.ts'
import { StoreError, type Schema, type Store } from '../../store/port.ts'
import type { Choices, Fate } from './choices.ts'
import { faultyStore, misreading } from '../faults/faulty-store.ts'
import { inMemory, onStore, type TestedStore } from '../environments/ground.ts'
import { Life, VirtualClock, worldRandom } from './life.ts'
import { deadEnd } from '../invariants/standing.ts'
import type { Means, Stage, Surroundings } from './subject.ts'
import type { Fingerprint, World } from './world.ts'

/** Beyond these a life counts as one that does not converge. */
const MOST_COMMITS = 200
const MOST_REQUESTS = 400
const MOST_ADVANCES = 3_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Long enough to end whatever can end. */
const OVERTAKES_FOR_MS = 120_000
/** How long a process is watched that cannot read its operations. */
const LOOKS_ON_FOR_MS = 600_000
const ASKS_AGAIN_AFTER_MS = 1_000

/** Where lives take place. */
export interface Place<S extends Stage> {
  readonly kinds: readonly OperationKind<never>[]
  readonly surroundings: Surroundings<S>
  readonly fingerprint: Fingerprint
  /** Keeps the program's rows; they are in memory unless given. */
  readonly store?: TestedStore | undefined
}

/** Where a life takes place, and what its caller wants. */
export interface LifeOf<S extends Stage> extends Place<S> {
  readonly act: (stage: S) => Promise<void>
  readonly from: World
  readonly choices: Choices
  /** Nothing strikes but changes from one process to the other and back. */
  readonly owners?: boolean
  /** How many times more than one operation it may commit, ask and wait; 1 unless given. */
  readonly weight?: number
}

export interface LifeResult {
  readonly world: World
  /** `known` where it came to a state from which another life has gone on. */
  readonly end: 'done' | 'crashed' | 'stuck' | 'known'
  readonly violations: readonly string[]
}

/** One line of what happened, under its column. */
export interface Happening {
  /** Whose doing it is. */
  readonly column: 'life' | 'fault' | 'commit' | 'request' | 'state'
  /** What happened. */
  readonly text: string
  /** Milliseconds since the Unix epoch, by a clock that is right. */
  readonly atMs: number
}

/** Those who look on. */
export interface Onlookers {
  /** Gets every committed step of the kernel. */
  readonly inspect?: (event: InspectionEvent) => void
  /** Told of each place where a crash may strike and did not: what the process is about to do there, and its rows. */
  readonly passed?: (site: string, doing: readonly (string | object)[], rows: () => Dump) => void
  /** Called after each commit that landed, with what a crash would leave there. */
  readonly landed?: (world: () => World) => void
  readonly tell?: (happening: Happening) => void
}

/** Lives one life in a world. The world itself is left as it was. */
export async function live<S extends Stage>(of: LifeOf<S>, onlookers: Onlookers = {}): Promise<LifeResult> {
  const { kinds, surroundings, fingerprint, act, from, choices, owners = false, weight = 1 } = of
  const { inspect, passed, landed, tell } = onlookers
  const { misread, ...since } = awaking(of)
  const world: World = { ...from, ...since }
  const life = new Life()
  const clock = new VirtualClock(world.nowMs, world.skewMs)
  const random = worldRandom(world)
  const violations: string[] = []
  const rows = of.store ? onStore(of.store, world.rows) : inMemory(world.rows)
  surroundings.enter(world.outside, clock, random)
  const now = (): World => ({
    ...world,
    rows: rows.dump(),
    outside: surroundings.leave(),
    nowMs: clock.rightMs,
    skewMs: clock.skewMs,
  })
  const say = (column: Happening['column'], text: string): void => tell?.({ column, text, atMs: clock.rightMs })
  let astray: Error | undefined
  let commits = 0
  let requests = 0

  /** Chooses among the options that `may` happen to a process. */
  const fated =
    (who: string, may: (option: string) => boolean): Fate =>
    (site, [usual, ...faults], doing) => {
      try {
        const spare = choices.left.faults > 0
        const option = choices.pick(
          who + site,
          [usual, ...faults.filter(may)],
          () => fingerprint(now(), doing, clock.ringsMs),
          () => `${site} in ${statesOf(rows.dump())}`,
        )
        // What a process that was held still remembers of the rows is in no fingerprint.
        if (choices.isKnown && !overtaken) void life.die()
        else if (option !== usual) say('fault', `${choices.taken.length}. ${who}${site}: ${option}`)
        else if ((spare || choices.taken.at(-1)!.count > 1) && !owners) passed?.(site, doing, () => rows.dump())
        return option
      } catch (error) {
        // A path that leads nowhere, or a run that does not repeat itself: the program would take it for a fault of its own.
        astray = error as Error
        throw error
      }
    }

  const notes: Record<string, unknown> = { ...world.notes }
  const stage: Stage = {
    clock,
    notes,
    note(key, value) {
      if (life.dead) return
      notes[key] = value
      world.notes = { ...notes }
    },
    rows: () => rows.dump(),
    requests: () => requests,
    violated: (what) => void violations.push(what),
  }
  /** What lands is looked at, whoever wrote it and whatever becomes of that process. */
  const opened = async (schema: Schema): Promise<Store> => {
    const store = await rows.open(schema)
    return {
      ...store,
      async commit(writes) {
        const before = rows.dump()
        await store.commit(writes)
        landed?.(now)
        violations.push(
          ...writes.flatMap((write) => deadEnd(write, kinds)),
          ...(surroundings.committed?.(writes, before, notes) ?? []),
        )
      },
    }
  }
  const meansOf = (fate: Fate, overtake: () => Promise<void>): Means => {
    const committed = (about: string): void => {
      commits++
      say('commit', about)
    }
    return {
      stage,
      store: {
        open: async (schema) => {
          const store = await opened(schema)
          return faultyStore(misread ? misreading(store, misread) : store, { fate, life, committed, overtake })
        },
      },
      clock,
      random,
      life,
      fate,
      inspect:
        (inspect ?? tell) &&
        ((event) => {
          inspect?.(event)
          if (event.snapshot)
            say('state', `${event.name.replace(/ .*/, '')} ${(event.snapshot.context as { state: string }).state}`)
        }),
      overtake,
      requested(what) {
        requests++
        say('request', what)
      },
      another: () => meansOf(luck, never),
    }
  }

  /** The process that its caller calls, and another one that only takes up what is unfinished: one of them is held. */
  const turn = { ours: new Gate(), theirs: new Gate() }
  let overtaken = false
  let others: Promise<void> | undefined
  const beginOther = async (): Promise<void> => {
    say('life', 'another process begins')
    const fate = fated('other ', (option) => owners && option === 'overtaken')
    const means = meansOf(fate, async () => {
      say('life', 'it is held, and the first process goes on')
      turn.ours.open()
      await turn.theirs.closed()
    })
    const other = await surroundings.start(means)
    await clock.pause(OVERTAKES_FOR_MS)
    await other.close()
    say('life', 'the other process ends')
    others = undefined
    turn.ours.open()
  }
  const overtake = async (): Promise<void> => {
    overtaken = true
    // What else of this process comes to a halt while it is held waits with it.
    if (turn.ours.waitedAt) return turn.ours.closed()
    if (others) turn.theirs.open()
    else others = beginOther()
    await turn.ours.closed()
  }
  const fate = fated('', (option) => (option === 'overtaken' ? owners || !overtaken : !owners))
  const run = async (): Promise<void> => {
    const program = await surroundings.start(meansOf(fate, overtake))
    if (misread) await clock.pause(LOOKS_ON_FOR_MS)
    else await (program.attend ?? ((call) => call()))(() => persistent(clock, () => act(program.stage)))
    // One that is held comes to its end, too.
    turn.theirs.open()
    await others
    await program.close()
  }
  let ended: 'done' | { error: unknown } | undefined
  run().then(
    () => (ended = 'done'),
    (error: unknown) => (ended = { error }),
  )
  let end: LifeResult['end'] = 'stuck'
  for (let advances = 0; ; advances++) {
    await rows.quiet()
    life.paused()
    // Where the store did what it must not, the run went astray for that.
    if (astray) throw new RangeError([astray.message, ...(await rows.end())].join('; '), { cause: astray })
    if (life.endless) {
      violations.push('convergence: it goes round and round, and never lets time go on')
      break
    }
    if (life.dead) {
      end = choices.isKnown ? 'known' : 'crashed'
      break
    }
    if (ended) {
      if (ended === 'done') end = 'done'
      else violations.push(`failed: ${messageOf(ended.error)}`)
      break
    }
    if (advances > weight * MOST_ADVANCES || commits > weight * MOST_COMMITS || requests > weight * MOST_REQUESTS) {
      violations.push(`convergence: not after ${commits} commits, ${requests} requests, ${advances} waits`)
      break
    }
    if (!clock.advance()) {
      violations.push('stuck: nothing is under way, and no timer runs')
      break
    }
  }
  if (!life.dead && end !== 'done') void life.die()
  violations.push(...(await rows.end()))
  const after = now()
  if (misread && end === 'done') {
    // What cannot be read is left alone, unless it is over; the next process reads again.
    end = 'crashed'
    if (settled(unfinished(after.rows)) !== settled(unfinished(from.rows)))
      violations.push('restless: rows that cannot be read were written')
  }
  return { world: after, end, violations }
}

/** A caller who asks again when told that the store is busy. */
async function persistent(clock: VirtualClock, act: () => Promise<void>): Promise<void> {
  for (;;)
    try {
      return await act()
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'BUSY') throw error
      await clock.pause(ASKS_AGAIN_AFTER_MS)
    }
}

/** The states in which there are unfinished operations; how many there are makes no difference. */
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

/** Rows without what a take-over writes. */
export const settled = (rows: Dump): string =>
  JSON.stringify(rows, (key, value: unknown) =>
    ['owner', 'attempt', 'version', 'commitId'].includes(key) ? undefined : value,
  )

const unfinished = (rows: Dump): Dump => ({
  ...rows,
  operations: (rows['operations'] ?? []).filter(({ status }) => status !== 'done'),
})

/** Lets through all who wait, once; or the next one, where nobody does. */
class Gate {
  #open = false
  readonly #waiting = new Set<() => void>()

  get waitedAt(): boolean {
    return this.#waiting.size > 0
  }

  open(): void {
    this.#open = !this.waitedAt
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }

  async closed(): Promise<void> {
    if (this.#open) this.#open = false
    else await new Promise<void>((resolve) => this.#waiting.add(resolve))
  }
}

/** How a process finds the world when something is unfinished: a while later, with a clock that is wrong, unreadable. */
function awaking({ from, choices, fingerprint, owners }: Omit<LifeOf<never>, 'surroundings' | 'act'>): Pick<
  World,
  'nowMs' | 'skewMs'
> & {
  misread?: 'corrupt' | 'newer'
} {
  const { nowMs, skewMs } = from
  const unfinished = from.rows['operations']?.some((row) => row['status'] === 'active') ?? false
  if (!unfinished || owners) return { nowMs, skewMs }
  const how = choices.pick(
    'start',
    ['now', 'hourLater', 'dayLater', 'eightDaysLater', 'hourBack', 'corrupt', 'newer'],
    () => fingerprint(from),
  )
  switch (how) {
    case 'now':
      return { nowMs, skewMs }
    case 'hourLater':
      return { nowMs: nowMs + HOUR_MS, skewMs }
    case 'dayLater':
      return { nowMs: nowMs + DAY_MS, skewMs }
    case 'eightDaysLater':
      return { nowMs: nowMs + 8 * DAY_MS, skewMs }
    case 'hourBack':
      return { nowMs, skewMs: skewMs - HOUR_MS }
    case 'corrupt':
    case 'newer':
      return { nowMs, skewMs, misread: how }
  }
}

/** Nothing goes wrong. */
const luck: Fate = (_, [usual]) => usual

const never = (): Promise<never> => new Promise(() => {})

const messageOf = (error: unknown): string =>
  error instanceof Error ? `${'code' in error ? `${String(error.code)}: ` : ''}${error.message}` : String(error)

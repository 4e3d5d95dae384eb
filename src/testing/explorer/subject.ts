/**
 * What the explorer is told: a subject is a program with all that is outside it, and a scenario is what a caller of the
 * program does. `kindSubject` makes one of kinds of operations and their ports, `walletSubject` one of the wallet and a mint.
 */
import type { InspectionEvent } from '../../kernel/inspect/inspect.ts'
import type { OperationKind } from '../../kernel/define/operation.ts'
import type { Clock, Random } from '../../kernel/util/ports.ts'
import type { Dump } from '../../store/memory.ts'
import type { StoreAdapter, Write } from '../../store/port.ts'
import type { Inject } from './choices.ts'
import type { Life, VirtualClock } from './life.ts'
import type { Likeness, World } from './world.ts'

/** What every caller can use. Subjects add their program to it. */
export interface Stage {
  /** The world's clock. */
  readonly clock: VirtualClock
  /** What the caller wrote down earlier, by name; survives crashes. */
  readonly notes: Readonly<Record<string, unknown>>
  /** Notes what the scenario saw. */
  note(key: string, value: unknown): void
  /** The program's rows as they are. */
  readonly rows: () => Dump
  /** How many requests were made in this life. */
  readonly requests: () => number
  /** Tells of an invariant that does not hold: its name, a colon, and what is wrong. */
  readonly violated: (what: string) => void
}

/** What a caller does with a program, so that all that may go wrong can go wrong. */
export interface Scenario<S extends Stage> {
  /** Whose chart is to be covered. */
  readonly kind: string
  /** The name, within its subject. */
  readonly name: string
  /** What is explored. */
  readonly subject: Subject<S>
  /** So many faults in all, where nothing else is asked for: one that already contains faults may have worlds without end. */
  readonly depth?: number
  /** And so many in a quick exploration; one unless given. */
  readonly quickDepth?: number
  /** How far the program's clock is ahead of a right one, in milliseconds; behind where negative. It is right unless given. */
  readonly skewMs?: number
  /** Makes the world in which the scenario begins. Nothing goes wrong here. */
  setup?(stage: S): Promise<void>
  /** What the caller does, in every life from its beginning: it must be idempotent, as a caller's code has to be. */
  drive(stage: S): Promise<void>
}

/** What is explored: kinds of operations with all that is around them. */
export interface Subject<S extends Stage> {
  /** The kinds of operations. */
  readonly kinds: readonly OperationKind<never>[]
  /** What may differ between two worlds that count as one. */
  readonly alike?: Likeness
  /** Sets up what is outside the program, for many lives, one at a time. */
  open(): Promise<Environment<S>>
}

/** The program's rows around a commit that landed, and what the caller had written down. */
export interface Landed {
  /** The rows before it. */
  readonly before: Dump
  /** The rows as it left them. */
  readonly after: Dump
  /** What the caller has written down. */
  readonly notes: Stage['notes']
}

/** What is outside a program: services, other people. All of its state is in what `leave` gives. */
export interface Environment<S extends Stage> {
  /** Takes on a state that `leave` gave. */
  enter(outside: unknown, clock: VirtualClock, random: Random): void
  /** The state as it is: JSON, not changed any more. */
  leave(): unknown
  /** Starts a process of the program. */
  start(means: Means): Promise<Running<S>>
  /** What is wrong with a commit that landed, whatever comes after it. */
  committed?(writes: readonly Write[], around: Landed): readonly string[]
  /** What is wrong with a world in which all is over. Each text begins with the name of an invariant and a colon. */
  judge(world: World): Promise<readonly string[]>
}

/** What a process is given. */
export interface Means {
  /** What scenarios play on. */
  readonly stage: Stage
  /** Fails now and then. */
  readonly store: StoreAdapter
  /** The world's clock. */
  readonly clock: VirtualClock
  /** The same, as the process has it: its timers stand still while it is paused. */
  readonly ownClock: Clock
  /** The world's randomness. */
  readonly random: Random
  /** The life of the process. */
  readonly life: Life
  /** Says what befalls a request. */
  readonly inject: Inject
  /** Must be given to the kernel. */
  readonly inspect: ((event: InspectionEvent) => void) | undefined
  /** Holds this process, while another one goes on with the same operations. */
  readonly overtake: () => Promise<void>
  /** Told of each request before it leaves the process, which may be held, or die, there. */
  readonly sending?: (request: {
    readonly method: string
    readonly path: string
    readonly body: string | undefined
  }) => Promise<void>
  /** Tells of a request, for the trace and the count. */
  readonly requested: (what: string) => void
  /** Means for one more process in the same life; nothing goes wrong in that one. */
  readonly another: () => Means
}

/** A process of the explorer. */
export interface Running<S extends Stage> {
  /** What scenarios play on. */
  readonly stage: S
  /** Ends the process in good order. */
  close(): Promise<void> | void
  /**
   * A person has an operation go on that the kernel set aside. No commit of a program that cannot be told so is refused for
   * good.
   */
  readonly resume?: (id: string) => Promise<void>
  /** Stands by the caller: does again what takes a person, and then what the caller does. */
  readonly attend?: (act: () => Promise<void>) => Promise<void>
}

export const nameOf = ({ kind, name }: { readonly kind: string; readonly name: string }): string => `${kind}.${name}`

/**
 * The input of the explorer. A subject is a program with everything outside it. A scenario is what a caller of the
 * program does. `kindSubject` makes a subject of kinds of operations and their ports; `walletSubject` makes one of the
 * wallet and a mint.
 */
import type { EventObject } from 'xstate'
import type { InspectionEvent } from '../../kernel/inspect/inspect.ts'
import type { OperationKind, OperationRow } from '../../kernel/define/operation.ts'
import type { Role } from '../../kernel/share/ownership.ts'
import type { Clock, Random } from '../../kernel/util/ports.ts'
import type { Dump } from '../../store/memory.ts'
import type { StoreAdapter, Write } from '../../store/port.ts'
import type { Inject } from './choices.ts'
import type { Life, VirtualClock } from './life.ts'
import type { Likeness, World } from './world.ts'

/** What every caller can use. A subject adds its program to it. */
export interface Stage {
  /** The world's clock. */
  readonly clock: VirtualClock
  /** The caller's notes, by name. They survive crashes. */
  readonly notes: Readonly<Record<string, unknown>>
  /** Writes a note. */
  note(key: string, value: unknown): void
  /** The current rows of the program. */
  readonly rows: () => Dump
  /** The number of requests in this life. */
  readonly requests: () => number
  /** Reports a broken invariant: its name, a colon, and what is wrong. */
  readonly violated: (what: string) => void
}

/** What a caller does with a program, while the explorer injects faults. */
export interface Scenario<S extends Stage> {
  /** The kind whose chart it covers. */
  readonly kind: string
  /** The name, within its subject. */
  readonly name: string
  /** What is explored. */
  readonly subject: Subject<S>
  /**
   * The number of injected faults in all, unless the options give one. A scenario that already contains faults may have
   * endless worlds.
   */
  readonly depth?: number
  /** The number of injected faults in a quick exploration; one unless given. */
  readonly quickDepth?: number
  /**
   * Events that a caller may send at any time. Each is sent at every commit, at every request and whenever nothing else
   * can happen, to each operation whose state takes it, and counts as a fault. What the caller does must lead on from
   * wherever they lead.
   */
  readonly anytime?: readonly (EventObject & { readonly [field: string]: unknown })[]
  /** How far the program's clock is ahead of the world's, in milliseconds; negative if it is behind. 0 unless given. */
  readonly skewMs?: number
  /** Makes the world in which the scenario begins. Nothing goes wrong here. */
  setup?(stage: S): Promise<void>
  /**
   * What the caller does. Every life runs it from its beginning, so it must be idempotent, like every caller's code.
   */
  drive(stage: S): Promise<void>
}

/** What is explored: kinds of operations and everything outside them. */
export interface Subject<S extends Stage> {
  /** The kinds of operations. */
  readonly kinds: readonly OperationKind<never>[]
  /** What may differ between worlds that are merged. */
  readonly alike?: Likeness
  /** The rows that the store has at the beginning; none unless given. */
  readonly rows?: () => Dump
  /** Makes the environment. Many lives use it, one at a time. */
  open(): Promise<Environment<S>>
}

/** The program's rows before and after a commit that landed, and the caller's notes. */
export interface Landed {
  /** The rows before it. */
  readonly before: Dump
  /** The rows after it. */
  readonly after: Dump
  /** The caller's notes. */
  readonly notes: Stage['notes']
}

/** The environment of a program: services and other people. `leave` returns all of its state. */
export interface Environment<S extends Stage> {
  /** Restores a state that `leave` returned. */
  enter(outside: unknown, clock: VirtualClock, random: Random): void
  /** The current state: JSON that does not change any more. */
  leave(): unknown
  /** Starts a process of the program. */
  start(means: Means): Promise<Running<S>>
  /** The violations of a commit that landed. They do not depend on what comes after it. */
  committed?(writes: readonly Write[], around: Landed): readonly string[]
  /**
   * The violations of a world in which every operation has ended. Each text begins with the name of an invariant and a
   * colon.
   */
  judge(world: World): Promise<readonly string[]>
}

/** The arguments of a process. */
export interface Means {
  /** What scenarios play on. */
  readonly stage: Stage
  /** The store, at whose commits faults are injected. */
  readonly store: StoreAdapter
  /** The world's clock. */
  readonly clock: VirtualClock
  /** The process's view of that clock: its timers stand still while the process is paused. */
  readonly ownClock: Clock
  /** The world's randomness. */
  readonly random: Random
  /** The life of the process. */
  readonly life: Life
  /** Chooses what happens to a request. */
  readonly inject: Inject
  /** The inspector, which must be passed to the kernel. */
  readonly inspect: ((event: InspectionEvent) => void) | undefined
  /** The inspector that is told whole events and contexts, where a trace is wanted; only for programs without secrets. */
  readonly inspectWhole: ((event: InspectionEvent) => void) | undefined
  /** Pauses this process while another one goes on with the same operations. */
  readonly overtake: () => Promise<void>
  /** Called for each request before it leaves the process. The process may be paused, or die, there. */
  readonly sending?: (request: {
    readonly method: string
    readonly path: string
    readonly body: string | undefined
  }) => Promise<void>
  /** Reports a request, for the trace and the count. `whole` shows its arguments and its answer. */
  readonly requested: (what: string, whole?: string) => void
  /** The arguments for another process in the same life, without faults. */
  readonly another: () => Means
}

/** How the lane of owners looks at a process. */
export interface Sharer {
  /** Whether it runs effects. */
  role(): Role
  /** Resolves when it has taken up what it found at its start. */
  resumed(): Promise<unknown>
  /** Calls back for each step that the process hears of, its own and those of others. */
  hear(heard: (operation: { readonly id: string; readonly state: string }) => void): void
}

/** A process of the explorer. */
export interface Running<S extends Stage> {
  /** What scenarios play on. */
  readonly stage: S
  /** Closes the process. */
  close(): Promise<void> | void
  /**
   * A person has an operation go on that the kernel set aside. No commit of a program that cannot be told so is refused for
   * good.
   */
  readonly resume?: (id: string) => Promise<void>
  /** Needed where several processes share a store by a lock or by heartbeats. */
  readonly sharer?: Sharer
  /** Sends an operation an event of a caller. False where its state takes no notice. */
  readonly send?: (operation: Pick<OperationRow, 'id' | 'kind' | 'kindVersion'>, event: EventObject) => Promise<boolean>
  /** Stands by the caller: does again what takes a person, and then what the caller does. */
  readonly attend?: (act: () => Promise<void>) => Promise<void>
}

export const nameOf = ({ kind, name }: { readonly kind: string; readonly name: string }): string => `${kind}.${name}`

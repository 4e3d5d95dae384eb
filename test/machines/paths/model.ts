/**
 * A chart together with the world that it is in, as logic that `xstate/graph` can walk through. The chart is the real
 * one. What its effects answer is what a mint may answer as the world stands, or as it may come to stand just before
 * (`deed`); what its local steps answer follows from that. So a path through the logic is one that can be lived.
 */
import type { ActorLogic, AnyMachineSnapshot, EventObject, Snapshot } from 'xstate'
import { getShortestPaths, getSimplePaths } from 'xstate/graph'
import type { Answer } from '../../../src/kernel/define/authoring.ts'
import { pollOf } from '../../../src/kernel/define/chart.ts'
import { dotted, type OperationKind } from '../../../src/kernel/define/operation.ts'
import { bareStep, doneEvent } from '../../../src/kernel/step/step.ts'
import { delaysOf, inputOf } from '../../../src/testing/contracts/machine-contract/walk.ts'

/** How the world stands, as far as it concerns one operation. */
export interface Truth {
  /** The inputs of its exchange: nobody's yet; spent by our own request; by another, all or the first; or by our payment. */
  readonly inputs: 'free' | 'ours' | 'gone' | 'some' | 'melted'
  /** Its outputs: not signed; signed for us; signed for another device with the same seed. */
  readonly outputs: 'none' | 'ours' | 'burnt'
  /** The wallet knows an active keyset of the mint. */
  readonly keysets: boolean
  /** Of its mint quote. */
  readonly quote: 'UNPAID' | 'PAID' | 'ISSUED'
  /** The quote has expired. */
  readonly late: boolean
}

/** What somebody does at the mint. */
export type Deed = 'land' | 'steal' | 'steal some' | 'burn' | 'pay' | 'melt' | 'claim'

/**
 * How the mint answers a request: as it is; applied, and the answer lost; not applied; refused by an error that looks like
 * a failure of its own; with something changed; or, to a
 * request to pay, not applied and with the quote, changed.
 */
export type Say =
  | 'honest'
  | 'lost'
  | 'refused'
  | 'unsupported'
  | 'hinted'
  | 'unknown'
  | 'malformed'
  | Edit
  | { readonly instead: Edit }
export type Edit = (body: Body) => object
export type Body = { readonly [name: string]: unknown }

export interface Flavour {
  readonly name: string
  /** What the chart gets: an effect's output, or the event of a poll. */
  readonly gives: Answer | EventObject
  readonly truth?: Partial<Truth>
  readonly deed?: Deed
  readonly say: Say
}

export interface Move {
  readonly from: 'answer' | 'delay' | 'poll' | 'caller'
  /** Tells it from the others in its state. */
  readonly name: string
  /** The effect or poll whose request is answered. */
  readonly src?: string
  readonly event: EventObject
  readonly flavour?: Flavour
}

/** Where a path can be. */
export interface Place {
  readonly key: string
  readonly state: string
  readonly snapshot: AnyMachineSnapshot
  readonly truth: Truth
}

type Context = { readonly [name: string]: unknown }

export interface Model {
  readonly name: string
  readonly kind: OperationKind
  readonly input: object
  readonly truth: Truth
  readonly callers: readonly string[]
  readonly effects: { readonly [src: string]: (context: never, truth: Truth) => readonly Flavour[] }
  readonly locals: { readonly [src: string]: (input: never, truth: Truth) => Answer }
  readonly polls?: { readonly [name: string]: (context: never, truth: Truth) => readonly Flavour[] }
  /** What of the world changes when a delay has passed. */
  readonly delays?: { readonly [name: string]: Partial<Truth> }
  /** What the future depends on in a context. */
  readonly sees: (context: never, state: string) => unknown
  /** Moves that are left out, because something else would come first, or nobody could bring them about. */
  readonly without?: (place: Place, move: Move) => boolean
}

export const amiss: readonly Flavour[] = [
  { name: 'refused', gives: { answer: 'refused', code: 0, detail: 'no', replay: false } as Answer, say: 'refused' },
  { name: 'unknown', gives: { answer: 'unknown' }, say: 'unknown' },
  { name: 'malformed', gives: { answer: 'malformed' }, say: 'malformed' },
]

/** The mint does not offer what is asked. */
export const unsupported: Flavour = {
  name: 'unsupported',
  gives: { answer: 'refused', code: 0, detail: 'Not Found', meaning: 'unsupported' } as Answer,
  say: 'unsupported',
}

export class World {
  readonly model: Model
  readonly #steps: WeakMap<Place, Map<string, Place>>
  /** Each place is one object, however it is come to: what leads on from it is computed once. */
  readonly #places: Map<string, Place>
  #start: Place | undefined

  constructor(model: Model, known?: World) {
    this.model = model
    this.#steps = known ? known.#steps : new WeakMap<Place, Map<string, Place>>()
    this.#places = known ? known.#places : new Map<string, Place>()
  }

  /** The same world, of which something else is true when the operation begins. */
  from(name: string, truth: Truth): World {
    return new World({ ...this.model, name, truth }, this)
  }

  place(snapshot: AnyMachineSnapshot, truth: Truth): Place {
    const state = dotted(snapshot.value)
    const seen = this.model.sees(snapshot.context as never, state)
    const key = JSON.stringify([state, seen, truth])
    const known = this.#places.get(key) ?? { key, state, snapshot, truth }
    this.#places.set(key, known)
    return known
  }

  /** Runs the local steps. */
  #settled(start: AnyMachineSnapshot, truth: Truth): AnyMachineSnapshot {
    let snapshot = start
    while (snapshot.status === 'active' && snapshot.hasTag('local')) {
      const { id, src, input } = snapshot._nodes.flatMap((node) => node.invoke)[0]!
      const local = this.model.locals[src as string]
      if (!local) throw new RangeError(`${this.model.name}: no model of '${src as string}'`)
      const output = local(inputOf(input, snapshot.context) as never, truth)
      snapshot = bareStep(this.model.kind.machine, { snapshot, event: doneEvent(id, output) }).snapshot
    }
    return snapshot
  }

  get start(): Place {
    const { kind, input, truth } = this.model
    return (this.#start ??= this.place(this.#settled(bareStep(kind.machine, { input: { id: 'operation', ...input } }).snapshot, truth), truth)) // prettier-ignore
  }

  moves(place: Place): Move[] {
    const { snapshot, truth } = place
    const { model } = this
    if (snapshot.status !== 'active') return []
    const context = snapshot.context as Context
    const nodes = snapshot._nodes
    const answers = nodes.flatMap(({ invoke }) =>
      invoke.flatMap(({ id, src }) => {
        const flavours = model.effects[src as string]
        if (!flavours) throw new RangeError(`${model.name}: no answers of '${src as string}'`)
        return flavours(context as never, truth).map((flavour): Move => ({ from: 'answer', name: `${src as string} ${flavour.name}`, src: src as string, event: doneEvent(id, flavour.gives), flavour })) // prettier-ignore
      }),
    )
    const delays = nodes.flatMap((node) =>
      delaysOf(node).map((name): Move => ({ from: 'delay', name, event: { type: `xstate.after.${name}.${node.id}` } })),
    )
    const poll = nodes.map((node) => pollOf(node.meta)).find((name) => name)
    const polled = (poll === undefined ? [] : (model.polls?.[poll]?.(context as never, truth) ?? [])).map((flavour): Move => ({ from: 'poll', name: `${poll!} ${flavour.name}`, src: poll!, event: flavour.gives as EventObject, flavour })) // prettier-ignore
    const callers = model.callers.map((type): Move => ({ from: 'caller', name: type, event: { type } }))
    return [...answers, ...delays, ...polled, ...callers].filter((move) => !model.without?.(place, move))
  }

  /** Where a move leads; the same place where the chart takes no notice of it. */
  step(place: Place, move: Move): Place {
    const known = this.#steps.get(place) ?? new Map<string, Place>()
    this.#steps.set(place, known)
    const to = known.get(move.name) ?? this.#step(place, move)
    known.set(move.name, to)
    return to
  }

  #step(place: Place, move: Move): Place {
    const bare = bareStep(this.model.kind.machine, { snapshot: place.snapshot, event: move.event })
    if (bare.snapshot === place.snapshot) return place
    const truth = { ...place.truth, ...move.flavour?.truth, ...this.model.delays?.[move.name] }
    const snapshot = this.#settled(bare.snapshot, truth)
    return this.place(snapshot, renewed(place.snapshot, snapshot, truth))
  }

  get logic(): { readonly logic: ActorLogic<Snapshot<unknown>, EventObject>; readonly options: object } {
    return {
      logic: {
        transition: (place: unknown, move: unknown) => this.step(place as Place, move as Move),
        getInitialSnapshot: () => this.start,
      } as unknown as ActorLogic<Snapshot<unknown>, EventObject>,
      options: {
        events: (place: unknown) => this.moves(place as Place),
        serializeState: (place: unknown) => (place as Place).key,
        serializeEvent: (move: unknown) => (move as Move).name,
        limit: 100_000,
      },
    }
  }

  /**
   * The shortest path to every place, and from there over every move once. Of moves that look the same from outside
   * (same state, same world, same move, same end) only the first is taken: the others are in `taken`.
   */
  shortest(taken = new Set<string>()): Path[] {
    const { logic, options } = this.logic
    return getShortestPaths(logic, options as never)
      .toSorted((a, b) => a.weight - b.weight)
      .flatMap(({ state, steps }) => {
        const from = state as unknown as Place
        const before = movesOf(steps)
        return this.moves(from).flatMap((move): Path[] => {
          const to = this.step(from, move)
          const looks = JSON.stringify([from.state, from.truth, move.name, to.state])
          if (to.key === from.key || taken.has(looks)) return []
          taken.add(looks)
          return [[...before, move]]
        })
      })
  }

  /**
   * The simple paths through the chart's states as the world stands: none is met twice, from one to another only the
   * first move that leads there is taken, and paths that others go on from are left out. Without that bound there would
   * be millions.
   */
  simple(): Path[] {
    const { logic, options } = this.logic
    const standing = ({ state, truth }: Place): string => JSON.stringify([state, truth])
    const first = (place: Place): Move[] => {
      const met = new Set<string>()
      return this.moves(place).filter((move) => {
        const to = standing(this.step(place, move))
        return !met.has(to) && met.add(to)
      })
    }
    const found = getSimplePaths(logic, {
      ...options,
      events: (place: unknown) => first(place as Place),
      serializeState: (place: unknown) => standing(place as Place),
    } as never)
    const paths = found.map(({ steps }) => this.#passable(movesOf(steps)))
    const begun = new Set(paths.map((path) => nameOf(path.slice(0, -1))))
    return [...new Map(paths.map((path) => [nameOf(path), path])).values()].filter((path) => !begun.has(nameOf(path)))
  }

  /** A path as far as it can be gone: two places that look the same to a search may take different moves. */
  #passable(path: Path): Path {
    let place = this.start
    const passed: Move[] = []
    for (const { name } of path) {
      const move = this.moves(place).find((it) => it.name === name)
      const to = move && this.step(place, move)
      if (!move || to === place) break
      passed.push(move)
      place = to!
    }
    return passed
  }
}

/** The first step of an XState path says how it begins. */
const movesOf = (steps: readonly { readonly event: EventObject }[]): Path =>
  steps.flatMap(({ event }) => (event.type === 'xstate.init' ? [] : [event as unknown as Move]))

export const nameOf = (path: Path): string => path.map(({ name }) => name).join(' → ')

export type Path = readonly Move[]

/** An exchange of other inputs, or with other outputs, has not met the world yet. */
function renewed(before: AnyMachineSnapshot, after: AnyMachineSnapshot, truth: Truth): Truth {
  const [was, is] = [before, after].map(({ context }) => context as Exchanging)
  const inputs = ({ exchange }: Exchanging): string => JSON.stringify(exchange?.inputs.map(({ Y }) => Y))
  const sets = ({ exchange, sets: own = [] }: Exchanging): number => (exchange ?? { sets: own }).sets.length
  const fresh = { ...truth, outputs: 'none' } as const
  const collisions = ({ exchange }: Exchanging): number => exchange?.collisions ?? 0
  if (collisions(is!) > collisions(was!)) return fresh
  // It is done, and still there.
  if (is!.exchange?.inputs.length === 0) return truth
  if (inputs(was!) !== inputs(is!)) return was!.exchange && truth.inputs !== 'melted' && truth.inputs !== 'gone' ? { ...fresh, inputs: 'free' } : fresh // prettier-ignore
  return sets(is!) < sets(was!) ? fresh : truth
}

interface Exchanging {
  readonly exchange?: {
    readonly inputs: readonly { readonly Y: string }[]
    readonly sets: readonly unknown[]
    readonly collisions: number
  } | null
  readonly sets?: readonly unknown[]
}

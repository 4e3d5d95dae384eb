/** What the types of a chart say of its operations: what they are created with, which events they take, where they can be. */
import type { AnyEventObject, AnyStateMachine, EventFromLogic, InputFrom, OutputFrom, StateMachine } from 'xstate'

/** A snapshot of a chart. */
export type SnapshotOf<M extends AnyStateMachine> = ReturnType<M['resolveState']>
/** A chart's context. */
export type ContextOf<M extends AnyStateMachine> = SnapshotOf<M>['context']

/** Only the named properties. An empty type allows no property. */
type Exactly<T> = keyof T extends never ? { readonly [name: string]: never } : T
type WithoutId<T> = T extends unknown ? Exactly<Omit<T, 'id'>> : never

/** What an operation is created with: the chart's input but for `id`, which the kernel adds. */
export type InputOf<M extends AnyStateMachine> = WithoutId<InputFrom<M>>

type Named<E extends { readonly type: string }> = E extends unknown ? (string extends E['type'] ? never : E) : never

type IsAny<T> = 0 extends 1 & T ? true : false

/**
 * The events that a chart declares; none where it declares none, any where nothing is known of the chart. XState's own are not
 * for callers.
 */
export type EventOf<M extends AnyStateMachine> =
  IsAny<ContextOf<M>> extends true
    ? AnyEventObject
    : Exclude<Named<EventFromLogic<M>>, { readonly type: `xstate.${string}` }>

type ActionsOf<M> = M extends StateMachine<infer _C, infer _E, infer _K, infer _A, infer Ac, infer _G, infer _D, infer _S, infer _T, infer _I, infer _O, infer _Em, infer _M, infer _Co> ? Ac : never // prettier-ignore

type Replied<Action> = [Action] extends [never] ? undefined : Action extends { readonly params?: infer R } ? R : never

/** What a chart replies, as its setup declares the action `reply`; undefined where it declares none. */
export type ReplyOf<M extends AnyStateMachine> =
  IsAny<ContextOf<M>> extends true ? unknown : Replied<Extract<ActionsOf<M>, { readonly type: 'reply' }>>

/** What a chart ends with. */
export type OutputOf<M extends AnyStateMachine> = OutputFrom<M>

type IsOne<K, All = K> = [K] extends [never] ? false : K extends unknown ? ([All] extends [K] ? true : false) : never
type Dotted<V> = V extends string
  ? V
  : IsOne<keyof V> extends true
    ? { [K in keyof V & string]: `${K}.${Dotted<V[K]>}` }[keyof V & string]
    : string

/** The chart's states, dotted: `paying`, `shipping.waiting`. Any text where states are parallel, or their types do not say. */
export type StateOf<M extends AnyStateMachine> =
  IsAny<SnapshotOf<M>['value']> extends true ? string : Dotted<SnapshotOf<M>['value']>

/** A state, or one that it is inside of. */
export type Around<S extends string> = S extends `${infer Outer}.${infer Inner}`
  ? Outer | `${Outer}.${Around<Inner>}`
  : S

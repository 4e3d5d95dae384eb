/** What a chart is as plain data: its states and its arrows, with words for each, as JSON has it. What draws a chart needs no more. */

/** What a state is. */
export type ChartStateType = 'atomic' | 'compound' | 'parallel' | 'final' | 'history'

/** What a state asks for while it holds. */
export interface ChartInvoke {
  /** The effect or local step, by its name. */
  readonly src: string
  /** Whether it is a local step, which runs inside the step that it belongs to. */
  readonly local: boolean
  /** Every answer that it declares; none where it was declared without. */
  readonly answers: readonly string[]
}

/** One state of a chart. */
export interface ChartState {
  /** Its path, dotted, as an operation's `state` has it: `exchanging.swapping`. */
  readonly id: string
  /** Its own name, the last part of the path. */
  readonly name: string
  /** The state around it; null at the top. */
  readonly parent: string | null
  /** What it is. */
  readonly type: ChartStateType
  /** Whether the state around it, or the chart, begins here. */
  readonly isInitial: boolean
  /** What the chart says of it; null where it says nothing. */
  readonly description: string | null
  /** Its tags. */
  readonly tags: readonly string[]
  /** The effects and local steps that run while it holds. */
  readonly invokes: readonly ChartInvoke[]
  /** The poll that asks while it holds; null where none does. */
  readonly poll: string | null
  /** The actions on the way in, by their names. */
  readonly entry: readonly string[]
  /** The actions on the way out, by their names. */
  readonly exit: readonly string[]
  /** How many states inside it were left out by `foldChart`. */
  readonly folded: number
}

/** What an arrow is taken by: an event, what an effect answers, the end of a delay, nothing more, or the end of the states inside. */
export type ChartArrowType = 'event' | 'answer' | 'delay' | 'always' | 'done'

/** One arrow of a chart. */
export interface ChartArrow {
  /** Its place in the list of arrows. */
  readonly index: number
  /** The id of the state that has it; empty for the chart itself. */
  readonly from: string
  /** The ids of the states that it leads to; none where it only does something. */
  readonly to: readonly string[]
  /** What it is taken by. */
  readonly type: ChartArrowType
  /** The event, the effect or the delay, by its name; empty for the other types. */
  readonly name: string
  /** The answers that it is for; none where it is for any. */
  readonly answers: readonly string[]
  /** The guard, by its name; null where there is none. */
  readonly guard: string | null
  /** Whether it is for whatever no arrow before it is for. */
  readonly isElse: boolean
  /** Its actions, by their names. */
  readonly actions: readonly string[]
  /** All of that as one line: `mint.swap → unknown [exchange.isHinted]`. */
  readonly label: string
  /** Where XState has it: the node's id, the event that it is declared for, and its place among those for the event. */
  readonly place: { readonly source: string; readonly on: string; readonly index: number }
}

/** How long a delay is: ms, a pause that doubles, a point in time, or what the chart computes. */
export type ChartDelay =
  | { readonly name: string; readonly type: 'fixed'; readonly ms: number }
  | { readonly name: string; readonly type: 'backoff' | 'until' | 'computed' }

/** A chart as plain data, safe for JSON. */
export interface ChartDescription {
  /** The chart's name: its machine's id. */
  readonly name: string
  /** What the chart says of itself; null where it says nothing. */
  readonly description: string | null
  /** Whether all states at the top hold at once. */
  readonly isParallel: boolean
  /** All states, each before those inside it. */
  readonly states: readonly ChartState[]
  /** All arrows, in the order of the states and as each declares them. */
  readonly arrows: readonly ChartArrow[]
  /** The named delays. */
  readonly delays: readonly ChartDelay[]
}

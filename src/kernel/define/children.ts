/** What a chart says of children: which it starts, and which it joins. Only types: how it is done is in `kernel/children`. */
import type { Json } from '../../store/port.ts'

/** A child that a step starts. */
export interface Start {
  /** The child's kind, one of those that the operations were opened with. */
  readonly kind: string
  /** The child's name, unlike those of its parent's other children, and without `/`. Its id is `<id of the parent>/<name>`. */
  readonly name: string
  /** The input of the child's chart, but for the `id`, which the kernel adds. */
  readonly input: object
}

/** Which children an operation waits for, and how. */
export interface Joining {
  /** The names of the children; all that the operation has started unless given. */
  readonly names?: readonly string[]
  /** `all`: until all have ended, unless given. `failed`: until all have ended, or one has failed. */
  readonly until?: 'all' | 'failed'
  /** Tells every child that has not ended the event that its kind gives as `cancel`. A child whose kind has none is waited for. */
  readonly cancel?: boolean
}

/** A child, as the operation that joins it is told of it. */
export interface Child {
  /** The name under which it was started. */
  readonly name: string
  /** The child's id. */
  readonly id: string
  /** The child's kind. */
  readonly kind: string
  /** Its chart's state, dotted. */
  readonly state: string
  /** What its chart ended with; null where that is nothing, or it has not ended. */
  readonly output: Json
}

/** What comes of a join: the children, in the order of their ids, or of the `names` that were given. */
export type Joined = Came<'ended'> | Came<'failed'>

/** One answer of a join. */
interface Came<A> {
  /** `failed` where one of the children has ended in a state with the tag `failed`; else `ended`. */
  readonly answer: A
  /** The children that were waited for. With `until: 'failed'` some of them may not have ended. */
  readonly children: readonly Child[]
}

/**
 * What a machine file may use of the kernel. Everything here only declares; nothing runs.
 *
 * A machine is a stock XState v5 chart. It reaches the world in three ways, all of which show in the chart:
 * `invoke` asks for an effect or a local step, the action `tx` writes rows, and `emit` tells whoever listens.
 */
import { fromPromise, type PromiseActorLogic } from 'xstate'
import type { Json, Write } from '../../store/port.ts'

export type { Json, Write }

/** What effects and local steps resolve to: data, told apart by `answer`. */
export interface Answer {
  /** The answer, which names the transition. */
  readonly answer: string
}

/** The declaration of an effect or a local step, as `setup({ actors })` takes it. */
export interface Declared<Out extends Answer, In> extends PromiseActorLogic<Out, In & {}> {
  /** Every answer it may give; tests derive what must be covered from this list. */
  readonly answers: readonly Out['answer'][]
  /** True for a local step, which the kernel runs inside the step it belongs to. */
  readonly local: boolean
}

function declare<Out extends Answer, In>(answers: readonly Out['answer'][], local: boolean): Declared<Out, In> {
  const logic = fromPromise<Out, In & {}>(() => {
    throw new TypeError('a declared effect runs only under the kernel')
  })
  return Object.assign(logic, { answers, local })
}

/**
 * Declares an effect: one request to the outside. Its bytes are in the chart's context, so they were committed
 * before it is sent; it may run again with the same input after a crash. How it is done is given to
 * `defineOperation`.
 *
 * @example
 * const charge = effect<{ answer: 'ok'; receipt: string } | { answer: 'declined' | 'unknown' }, { order: string }>({
 *   answers: ['ok', 'declined', 'unknown'],
 * })
 */
export const effect = <Out extends Answer, In>(options: { answers: readonly Out['answer'][] }): Declared<Out, In> =>
  declare<Out, In>(options.answers, false)

/**
 * Declares a local step: code that reads the store or computes, and does nothing else. It belongs in a state tagged
 * `local`. Nothing is committed or seen until the chart reaches a state that is not local, and that one commit must
 * check, by conditions on its writes, whatever the step read; a conflict runs the step again.
 */
export const local = <Out extends Answer, In>(options: { answers: readonly Out['answer'][] }): Declared<Out, In> =>
  declare<Out, In>(options.answers, true)

/**
 * The action that writes rows in the step's own commit; its params are the writes.
 *
 * @example
 * setup({ actions: { tx } }).createMachine({
 *   entry: { type: 'tx', params: ({ context }) => [{ put: 'orders', row: { id: context.id } }] },
 * })
 */
export const tx = (_: unknown, _writes: readonly Write[]): void => {}

/** A delay that ends at a point in time, rather than some time after its state was entered. */
export interface Deadline<Context> {
  (args: { context: Context }): number
  readonly until: (context: Context) => number
}

/** A deadline as a named delay: `at` gives milliseconds since the Unix epoch. */
export function until<Context>(at: (context: Context) => number): Deadline<Context> {
  return Object.assign(() => 0, { until: at })
}

/** A delay that doubles with each try, of which the kernel takes off up to half at random. */
export interface Backoff<Context> {
  (args: { context: Context }): number
  readonly jitter: true
}

/** A back-off as a named delay: `firstMs` doubled once for each try before, at most `maxMs`. */
export function backoff<Context>(options: {
  firstMs: number
  maxMs: number
  tries: (context: Context) => number
}): Backoff<Context> {
  const delay = ({ context }: { context: Context }): number =>
    Math.min(options.maxMs, options.firstMs * 2 ** Math.min(30, options.tries(context)))
  return Object.assign(delay, { jitter: true as const })
}

/** A guard: the invoke's answer is one of these. */
export const answered =
  <A extends string>(...answers: readonly A[]) =>
  ({ event }: { event: { output: Answer } }): boolean =>
    (answers as readonly string[]).includes(event.output.answer)

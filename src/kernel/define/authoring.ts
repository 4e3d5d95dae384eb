/**
 * What a machine file may use of the kernel. Everything here only declares; nothing runs.
 *
 * A machine is a stock XState v5 chart. It reaches the world in three ways, all of which show in the chart:
 * `invoke` asks for an effect or a local step, the action `tx` writes rows, and `emit` tells whoever listens.
 */
import {
  fromPromise,
  type DoneActorEvent,
  type EventObject,
  type ParameterizedObject,
  type PromiseActorLogic,
} from 'xstate'
import type { Json, Write } from '../../store/port.ts'
import { sure } from '../../sure.ts'

export type { Json, Write }

/** What effects and local steps resolve to: data, told apart by `answer`. */
export interface Answer {
  /** The answer, which names the transition. */
  readonly answer: string
}

/** The declaration of an effect or a local step, as `setup({ actors })` takes it. */
export interface Declared<Out extends Answer, In, Local extends boolean = boolean> extends PromiseActorLogic<
  Out,
  In & {}
> {
  /** Every answer it may give; tests derive what must be covered from this list. */
  readonly answers: readonly Out['answer'][]
  /** True for a local step, which the kernel runs inside the step it belongs to. */
  readonly local: Local
}

/** What an effect or a local step is declared with. */
export interface Declaration<Out extends Answer> {
  /** Every answer that it may give: one that is missing here, or that there is not, does not compile. */
  readonly answers: { readonly [A in Out['answer']]: true }
}

function declare<Out extends Answer, In, Local extends boolean>(
  { answers }: Declaration<Out>,
  local: Local,
): Declared<Out, In, Local> {
  const logic = fromPromise<Out, In & {}>(() => {
    throw new TypeError('a declared effect runs only under the kernel')
  })
  return Object.assign(logic, { answers: Object.keys(answers) as Out['answer'][], local })
}

/**
 * Declares an effect: one request to the outside. Its bytes are in the chart's context, so they were committed
 * before it is sent; it may run again with the same input after a crash. How it is done is given to
 * `defineOperation`.
 *
 * @example
 * const charge = effect<{ answer: 'ok'; receipt: string } | { answer: 'declined' | 'unknown' }, { order: string }>({
 *   answers: { ok: true, declined: true, unknown: true },
 * })
 */
export const effect = <Out extends Answer, In>(options: Declaration<Out>): Declared<Out, In, false> =>
  declare<Out, In, false>(options, false)

/**
 * Declares a local step: code that reads the store or computes, and does nothing else. It belongs in a state tagged
 * `local`. Nothing is committed or seen until the chart reaches a state that is not local, and that one commit lands only
 * while each row that the step got is as it was read; a conflict runs the step again.
 */
export const local = <Out extends Answer, In>(options: Declaration<Out>): Declared<Out, In, true> =>
  declare<Out, In, true>(options, true)

/**
 * The action that writes rows in the step's own commit; its params are the writes.
 *
 * @example
 * setup({ actions: { tx } }).createMachine({
 *   entry: { type: 'tx', params: ({ context }) => [{ put: 'orders', row: { id: context.id } }] },
 * })
 */
export const tx = <W extends Write = Write>(_: unknown, _writes: readonly W[]): void => {}

/**
 * The action that replies to whoever asked for the step with its event (`operations.of(kind).ask`); its params are the
 * reply, any JSON. A step replies once at most; where nobody asked, the reply goes nowhere.
 *
 * @example
 * setup({ actions: { reply: reply<{ seat: number }> } }).createMachine({
 *   on: { reserve: { actions: { type: 'reply', params: ({ context }) => ({ seat: context.seats.length }) } } },
 * })
 */
export const reply = <Reply = unknown>(_: unknown, _reply: Reply): void => {}

/** A delay that ends at a point in time, rather than some time after its state was entered. */
export interface Deadline<Context> {
  (args: { context: Context }): number
  readonly until: (context: Context) => number
}

/** A deadline as a named delay: `at` gives milliseconds since the Unix epoch. */
export function until<Context>(at: (context: Context) => number): Deadline<Context> {
  return Object.assign(() => 0, { until: at })
}

/** A delay that doubles with each try. The kernel shortens it by up to half, at random. */
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

const answerIn = (event: EventObject): unknown => {
  const output = 'output' in event ? event.output : undefined
  return typeof output === 'object' && output !== null && 'answer' in output ? output.answer : undefined
}

/**
 * A guard in place: the invoke's answer is one of these, each of which it must have declared. Where the chart is to be
 * drawn, `on` gives it a name.
 */
export const answered =
  <Out extends Answer>(...answers: readonly Out['answer'][]) =>
  ({ event }: { event: DoneActorEvent<Out> }): boolean =>
    isAnswered({ event }, answers)

/** The same as a named guard, its answers as params: `setup({ guards: { answered: isAnswered } })`. */
export const isAnswered = ({ event }: { event: EventObject }, answers: readonly string[]): boolean =>
  answers.some((answer) => answer === answerIn(event))

/** A named guard by the context. Where a branch names answers they are its params, and the answer must be one of them. */
export const when =
  <Context>(holds: (context: Context) => boolean) =>
  ({ context, event }: { context: Context; event: EventObject }, answers?: readonly string[]): boolean =>
    (answers === undefined || isAnswered({ event }, answers)) && holds(context)

/** A named guard by all that is answered, for a branch that names it as `such`: it gets the answer, if that is one of its. */
export const such =
  <Context, Answered>(holds: (context: Context, answered: Answered) => boolean) =>
  ({ context }: { context: Context }, answered: Answered | null): boolean =>
    answered !== null && holds(context, answered)

/** An invoke's input. It reads the context and nothing else. */
export const from =
  <Context, In>(by: (context: Context) => In) =>
  ({ context }: { context: Context }): In =>
    by(context)

export { sure }

/** The action that writes what an answer wants written. */
export const write: {
  readonly type: 'tx'
  readonly params: <W extends Write>(of: {
    event: { output: Answer & { readonly writes?: readonly W[] } }
  }) => readonly W[]
} = { type: 'tx', params: ({ event }) => event.output.writes ?? [] }

/** The action that writes what follows from the context. */
export const writes = <Context, W extends Write>(
  by: (context: Context) => readonly W[],
): { readonly type: 'tx'; readonly params: (of: { context: Context }) => readonly W[] } => ({
  type: 'tx',
  params: from(by),
})

/** The action that keeps what follows from the context. */
export const keeps = <Context, Kept>(
  by: (context: Context) => Kept,
): { readonly type: 'keep'; readonly params: (of: { context: Context }) => Kept } => ({
  type: 'keep',
  params: from(by),
})

type Fields = { readonly [field: string]: unknown }

/** The answers that a branch is for; of answers that have one shape, those of them. */
export type Answered<Out extends Answer, A> = Out extends unknown
  ? Out['answer'] extends A
    ? Out
    : Extract<Out['answer'], A> extends never
      ? never
      : Out & { readonly answer: A }
  : never

/** A branch's guard: by the answer, by that and the context (`if`), or by all that is answered (`such`). */
type GuardOf<Out extends Answer, A, If, Such> = [Such] extends [never]
  ? [If] extends [never]
    ? { readonly type: 'answered'; readonly params: readonly string[] }
    : { readonly type: If; readonly params?: readonly string[] }
  : { readonly type: Such; readonly params: (of: { event: DoneActorEvent<Out> }) => Answered<Out, A> | null }

/** The action by which a branch keeps something: what of the context it sets. */
export interface Keep<Context, Out> {
  /** The action's name. */
  readonly type: 'keep'
  /** What is kept, or how it follows from the context and the answer. */
  readonly params: Partial<Context> | ((of: { context: Context; event: DoneActorEvent<Out> }) => Partial<Context>)
}

/**
 * A branch of an invoke's `onDone`: for which answers it is, under which condition, where it leads, and what of the
 * answer, narrowed to those, the context keeps. Guards and actions have names, so that a drawn chart shows what is meant.
 *
 * The machine's setup has the guard `answered: isAnswered` and the action `keep: assign((_, kept: Partial<Context>) => kept)`;
 * a guard named by `if` is made with `when`, one named by `such` with `such`.
 *
 * @example
 * type Sale = { id: string; receipt: string }
 * type Charged = { answer: 'ok'; receipt: string } | { answer: 'declined' | 'unknown' }
 * setup({
 *   types: {} as { context: Sale; input: { id: string } },
 *   actors: { charge: effect<Charged, { order: string }>({ answers: { ok: true, declined: true, unknown: true } }) },
 *   actions: { keep: assign((_, kept: Partial<Sale>) => kept) },
 *   guards: { answered: isAnswered },
 *   delays: { pause: 1_000 },
 * }).createMachine({
 *   context: ({ input: { id } }) => ({ id, receipt: '' }),
 *   initial: 'paying',
 *   states: {
 *     paying: {
 *       invoke: {
 *         src: 'charge',
 *         input: ({ context }) => ({ order: context.id }),
 *         onDone: [
 *           on({ answer: 'ok', target: 'paid', keep: ({ output }) => ({ receipt: output.receipt }) }),
 *           on({ answer: 'declined', target: 'failed' }),
 *           on({ target: 'pausing' }),
 *         ],
 *       },
 *     },
 *     pausing: { after: { pause: 'paying' } },
 *     paid: { type: 'final' },
 *     failed: { type: 'final' },
 *   },
 * })
 */
export function on<
  Context,
  Out extends Answer,
  const A extends Out['answer'] = Out['answer'],
  If extends string = never,
  Such extends string = never,
  Act extends string | ParameterizedObject = never,
  After extends string | ParameterizedObject = never,
>(branch: {
  readonly answer?: A | readonly A[]
  readonly if?: If
  readonly such?: Such
  readonly target: string
  readonly reenter?: true
  /** Done before anything is kept. */
  readonly actions?: Act | readonly Act[]
  readonly keep?:
    | NoInfer<Partial<Context>>
    | ((of: { context: Context; output: NoInfer<Answered<Out, A>> }) => NoInfer<Partial<Context>>)
  /** Done once it is kept. */
  readonly afterwards?: After | readonly After[]
}): {
  readonly guard?: GuardOf<Out, NoInfer<A>, NoInfer<If>, NoInfer<Such>>
  readonly target: string
  readonly reenter?: true
  readonly actions: readonly (NoInfer<Act> | Keep<Context, Out> | NoInfer<After>)[]
}
export function on(branch: {
  readonly answer?: string | readonly string[]
  readonly if?: string
  readonly such?: string
  readonly target: string
  readonly reenter?: true
  readonly actions?: unknown
  readonly keep?: Fields | ((of: { context: unknown; output: Answer }) => Fields)
  readonly afterwards?: unknown
}): object {
  const { answer, if: byContext, such: byAnswer, target, reenter, actions = [], keep, afterwards = [] } = branch
  const answers = answer === undefined ? undefined : [answer].flat()
  const answered = (output: Answer): Answer | null =>
    answers === undefined || answers.includes(output.answer) ? output : null
  const kept =
    typeof keep !== 'function'
      ? keep
      : ({ context, event }: { context: unknown; event: { output: Answer } }): Fields =>
          keep({ context, output: sure(answered(event.output), 'such answer') })
  const type = byAnswer ?? byContext ?? (answers && 'answered')
  // In JSON a function has no text: there, its answers stand for it.
  const params =
    byAnswer === undefined
      ? answers
      : Object.assign(({ event }: { event: { output: Answer } }) => answered(event.output), { toJSON: () => answers })
  return {
    ...(type !== undefined && { guard: { type, ...(params !== undefined && { params }) } }),
    target,
    ...(reenter && { reenter }),
    actions: [actions, kept ? { type: 'keep', params: kept } : [], afterwards].flat(),
  }
}

/** The two states of a request whose answer may be lost: one makes it, the other pauses before it is made again. */
import { checkKeys, checkNames, checkObject } from '../../arguments.ts'
import { on, type Answer, type Answered, type Declared, type Keep } from './authoring.ts'

/** What follows from an answer. */
export interface Branch<Context, Out> {
  /** The state that it leads to, as in any chart. */
  readonly target: string
  /** What of the context it sets, or how that follows from the context and the answer. */
  readonly keep?: Partial<Context> | ((of: { context: Context; output: Out }) => Partial<Context>)
}

/** A context that counts for a back-off how often the pause has ended since the last answer. */
interface Counting {
  readonly tries: number
}

type Fields = { readonly [field: string]: unknown }

/** A branch without its types. */
interface Untyped {
  readonly target: string
  readonly keep?: Fields | ((of: { context: unknown; output: Answer }) => Fields)
}

const isUntyped = (value: unknown): value is Untyped =>
  typeof value === 'object' && value !== null && 'target' in value && typeof value.target === 'string'

function untyped(branch: unknown, answer: string): Untyped {
  if (typeof branch === 'string') return { target: branch }
  if (isUntyped(branch)) return branch
  throw new TypeError(`on.${answer}: a state, or a branch with a target`)
}

type Counted<Context> = {
  readonly type: 'keep'
  readonly params: (of: { context: Context }) => Partial<Context>
}

/** The two states, as a chart has them. */
export type Retrying<Name extends string, Src extends string, Out extends Answer, In, Context, Delay extends string> = {
  readonly [S in Name]: {
    readonly invoke: {
      readonly src: Src
      readonly input: (of: { context: Context }) => In & {}
      readonly onDone: readonly {
        readonly guard?: { readonly type: 'answered'; readonly params: readonly string[] }
        readonly target: string
        readonly actions: readonly Keep<Context, Out>[]
      }[]
    }
  }
} & {
  readonly [S in `${Name}Later`]: {
    readonly after: { readonly [D in Delay]: { readonly target: Name; readonly actions: Counted<Context> } }
  }
}

/**
 * The two states of a request whose answer may be lost, to be spread into a chart's `states`: `name` makes the request, and
 * `nameLater` pauses and leads back to it.
 *
 * `on` says what follows from each answer that the effect declares: a state, or what is kept on the way there. One
 * that is missing does not compile, but for `unknown` and for those in `later`: they lead to the pause.
 *
 * The pause is a delay of the setup, `backoff` by the context's `tries` most often. They are counted here: one for each pause that
 * ended, and none again after an answer that `on` handles, so that the next request begins with the shortest pause.
 *
 * The machine's setup has the guard `answered: isAnswered` and the action `keep: assign((_, kept: Partial<Context>) => kept)`.
 *
 * @throws {TypeError} naming the argument: no effect, an answer that it does not give, one that leads nowhere or to two states, none that leads to the
 * pause
 * @example
 * const charge = effect<{ answer: 'ok' | 'declined' | 'busy' | 'unknown' }, { order: string }>({
 *   answers: { ok: true, declined: true, busy: true, unknown: true },
 * })
 * type Sale = { id: string; tries: number }
 * setup({
 *   types: {} as { context: Sale; input: { id: string } },
 *   actors: { charge },
 *   actions: { keep: assign((_, kept: Partial<Sale>) => kept) },
 *   guards: { answered: isAnswered },
 *   delays: { pause: backoff<Sale>({ firstMs: 1_000, maxMs: 60_000, tries: ({ tries }) => tries }) },
 * }).createMachine({
 *   context: ({ input: { id } }) => ({ id, tries: 0 }),
 *   initial: 'charging',
 *   states: {
 *     ...retrying('charging', { charge }, {
 *       input: ({ context }) => ({ order: context.id }),
 *       on: { ok: 'paid', declined: 'failed' },
 *       later: ['busy'],
 *       backoff: 'pause',
 *     }),
 *     paid: { type: 'final' },
 *     failed: { type: 'final' },
 *   },
 * })
 */
export function retrying<
  const Name extends string,
  const Src extends string,
  Out extends Answer,
  In,
  Context extends Counting,
  const Delay extends string,
  const Later extends Out['answer'] = never,
>(
  name: Name,
  effect: { readonly [S in Src]: Declared<Out, In> },
  options: {
    /** The effect's input, from the context alone. */
    readonly input: (of: { context: Context }) => NoInfer<In & {}>
    /** What follows from each answer: a state, or what is kept on the way to it. */
    readonly on: {
      readonly [A in Exclude<Out['answer'], NoInfer<Later> | 'unknown'>]:
        | string
        | Branch<NoInfer<Context>, Answered<Out, A>>
    } & {
      readonly [A in Extract<Out['answer'], 'unknown'>]?: string | Branch<NoInfer<Context>, Answered<Out, A>>
    }
    /** The answers that lead to the pause beside `unknown`. */
    readonly later?: readonly Later[]
    /** The name of the pause, a delay of the setup. */
    readonly backoff: Delay
  },
): Retrying<Name, Src, Out, In, Context, Delay>
export function retrying(
  name: string,
  effect: { readonly [src: string]: Pick<Declared<Answer, unknown>, 'answers' | 'local'> },
  options: {
    readonly input: unknown
    readonly on: { readonly [answer: string]: unknown }
    readonly later?: readonly string[]
    readonly backoff: string
  },
): object {
  checkNames(options, 'options', ['input', 'on', 'later', 'backoff'])
  const { input, later = [], backoff } = options
  checkKeys({ name, backoff })
  checkObject(effect, 'effect')
  checkObject(options.on, 'on')
  const handled = Object.keys(options.on)
  const [[src, declared] = ['', undefined], ...others] = Object.entries(effect)
  if (!declared || declared.local || others.length > 0) throw new TypeError('effect: one, by its name')
  const { answers } = declared
  for (const answer of [...handled, ...later])
    if (!answers.includes(answer)) throw new TypeError(`on: '${src}' does not answer '${answer}'`)
  for (const answer of answers)
    if (handled.includes(answer) && later.includes(answer)) throw new TypeError(`on: '${answer}' is in later, too`)
    else if (answer !== 'unknown' && !handled.includes(answer) && !later.includes(answer))
      throw new TypeError(`on: lacks '${answer}' of '${src}'`)
  if (handled.length === answers.length) throw new TypeError(`later: no answer of '${src}' leads to the pause`)
  const branches = Object.entries(options.on).map(([answer, branch]) => {
    const { target, keep } = untyped(branch, answer)
    const kept = (of: { context: Counting; output: Answer }): Fields => ({
      tries: 0,
      ...(typeof keep === 'function' ? keep(of) : keep),
    })
    return on<Counting, Answer>({ answer, target, keep: kept })
  })
  const again = { type: 'keep', params: ({ context }: { context: Counting }) => ({ tries: context.tries + 1 }) }
  return {
    [name]: { invoke: { src, input, onDone: [...branches, { target: `${name}Later`, actions: [] }] } },
    [`${name}Later`]: { after: { [backoff]: { target: name, actions: again } } },
  }
}

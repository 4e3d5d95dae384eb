/**
 * Asking for a quote (NUT-04, NUT-05), or looking at one: the same for mint and melt. What was asked for is durable; a
 * quote whose answer is lost is nobody's, and another is asked for.
 *
 * ```text
 *  ──▶ requesting ──▶ quoted | wrong (not what was asked for) | refused
 *         ▲  │ no answer
 *         │  ▼
 *      repeating        and after two minutes: unreachable
 * ```
 */
import { assign } from 'xstate'
import { answered } from '../../src/kernel/define/authoring.ts'
import { isDenial } from './common.ts'

// Serves machines with different contexts, as the exchange does: XState's types cannot say "any context".
type Loose = never
type Output = { readonly answer: string; readonly detail?: string; readonly hint?: string }
type Done = { context: never; event: { output: Output } }
type Detail = string | ((args: Done) => string)

const failed = (code: string, detail: Detail): Loose =>
  assign(((args: Done) => ({ error: { code, detail: typeof detail === 'string' ? detail : detail(args) } })) as Loose) as Loose // prettier-ignore
const tried: Loose = assign(({ context }: { context: { tries: number } }) => ({
  tries: Math.min(20, context.tries + 1),
})) as Loose

/** Refusals that look like failures are believed when there were so many. */
const MOST_FAILURES = 4
const isRefused: Loose = (({ context, event: { output } }: { context: { tries: number }; event: { output: Output } }) =>
  output.answer === 'refused' || (isDenial(output) && context.tries >= MOST_FAILURES)) as Loose
const refusalText = ({ answer, detail = '', hint }: Output): string =>
  answer === 'refused' ? detail : `the mint fails at it every time, as if it refused (${hint})`

/**
 * The sub-chart. `fits` says whether an answer is for what was asked; `keep` stores it. The machine has the delays
 * `quotingDeadline` and the one named `backoff`, and the states `failed` and the one that `quoted` names.
 */
export const quoting = (of: {
  readonly description: string
  readonly failed: string
  readonly quoted: string
  readonly src: string
  readonly input: (args: { context: never }) => unknown
  readonly backoff: string
  /** Answers that end it otherwise: tried in order, before the others. */
  readonly unless?: readonly {
    readonly guard: (args: Done) => boolean
    readonly code: string
    readonly detail: string
  }[]
  readonly fits: (args: Done) => boolean
  /** Why it does not. */
  readonly flaw?: (args: Done) => string
  readonly keep: readonly unknown[]
}): Loose =>
  ({
    description: of.description,
    initial: 'requesting',
    after: {
      quotingDeadline: {
        target: of.failed,
        actions: failed('MINT_UNREACHABLE', 'no answer of the mint’s that could be used in two minutes'),
      },
    },
    states: {
      requesting: {
        invoke: {
          src: of.src,
          input: of.input,
          onDone: [
            ...(of.unless ?? []).map(({ guard, code, detail }) => ({
              guard,
              target: of.failed,
              actions: failed(code, detail),
            })),
            { guard: of.fits, target: of.quoted, actions: of.keep },
            {
              guard: answered('ok') as Loose,
              target: of.failed,
              actions: failed('QUOTE_WRONG', of.flaw ?? 'the quote is not for what was asked'),
            },
            {
              guard: isRefused,
              target: of.failed,
              actions: assign((({ event }: Done) => ({
                error: { code: 'REFUSED', detail: refusalText(event.output) },
              })) as Loose) as Loose,
            },
            { target: 'repeating', actions: tried },
          ],
        },
      },
      repeating: {
        description: 'The mint gave no answer that could be used; asks again.',
        after: { [of.backoff]: 'requesting' },
        on: { resume: 'requesting' },
      },
    },
  }) as Loose

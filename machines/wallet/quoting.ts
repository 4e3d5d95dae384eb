/**
 * Requesting a quote (NUT-04, NUT-05), or reading one: the same for mint and melt. What was asked for is durable; a
 * quote whose answer is lost is nobody's, and another is asked for.
 *
 * ```text
 *  ──▶ requesting ──▶ quoted | wrong (not what was asked for) | refused
 *         ▲  │ no answer
 *         │  ▼
 *      repeating        and after two minutes: unreachable
 * ```
 */
import { on, such, type Answered } from '../../src/kernel/define/authoring.ts'
import { isDenial, type Failure, type Reply } from './common.ts'

/** What a context must have to ask for a quote in it. */
export interface QuotingContext {
  readonly tries: number
  readonly error: Failure | null
}

const MOST_TRIES = 20
/** Refusals that look like failures are believed when there were so many. */
const MOST_FAILURES = 4

export const quotingGuards = {
  isRefusedQuote: such(
    ({ tries }: QuotingContext, reply: Reply) =>
      reply.answer === 'refused' || (isDenial(reply) && tries >= MOST_FAILURES),
  ),
}

const refusalText = ({ answer, detail = '', hint }: Reply): string =>
  answer === 'refused' ? detail : `the mint fails at it every time, as if it refused (${hint})`

/** The last branches of `requesting`, for answers that are no quote for what was asked. */
export const unquoted = <Out extends Reply>(
  failed: string,
  flaw: (output: Answered<Out, 'ok'>) => string = () => 'the quote is not for what was asked',
) => [
  on<QuotingContext, Out, 'ok'>({
    answer: 'ok',
    target: failed,
    keep: ({ output }) => ({ error: { code: 'QUOTE_WRONG', detail: flaw(output) } }),
  }),
  on<QuotingContext, Reply, string, never, 'isRefusedQuote'>({
    such: 'isRefusedQuote',
    target: failed,
    keep: ({ output }) => ({ error: { code: 'REFUSED', detail: refusalText(output) } }),
  }),
  on<QuotingContext, Reply>({
    target: 'repeating',
    keep: ({ context }) => ({ tries: Math.min(MOST_TRIES, context.tries + 1) }),
  }),
]

/** The sub-chart. The machine has the delay `quotingDeadline`. */
export const quoting = <Requesting, Repeating>(of: {
  readonly description: string
  readonly failed: string
  readonly requesting: Requesting
  readonly repeating: Repeating
}) =>
  ({
    description: of.description,
    initial: 'requesting',
    after: {
      quotingDeadline: {
        target: of.failed,
        actions: {
          type: 'keep',
          params: {
            error: { code: 'MINT_UNREACHABLE', detail: 'no answer of the mint’s that could be used in two minutes' },
          },
        },
      },
    },
    states: {
      requesting: of.requesting,
      repeating: { description: 'The mint gave no answer that could be used; asks again.', ...of.repeating },
    },
  }) as const

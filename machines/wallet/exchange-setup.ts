/** What the exchange refers to by name: its guards and the rest of its setup. */
import { assign, setup } from 'xstate'
import { isAnswered, such, tx, when, type Answer } from '../../src/kernel/define/authoring.ts'
import type { Write } from '../../src/wallet/tables.ts'
import { isTooLarge, type Meaning } from '../../src/cashu/codes.ts'
import { isMeant, type Reply } from './common.ts'
import {
  exchangeActors,
  exchangeDelays,
  exchangeOf,
  type Exchange,
  type ExchangeContext,
  type Made,
  type Refusal,
  type SpentState,
} from './exchange-model.ts'

/** Some mints refuse in passing ("database is locked"); more than that is meant. */
const MOST_REFUSALS = 3
/** A mint may have no active keyset while it rotates. After this many fetches of its list it is meant. */
const MOST_LOOKS = 3
/** An endpoint that is not there may come back (a proxy is set up anew, say); after so many tries it is meant. */
const MOST_ABSENT = 5
/** After so many requests without an answer it is asked what became of them. */
const UNANSWERED = 3

/** A refusal that came as a server error (HTTP 500, say) is a hint of where to look, except for these. */
const NO_HINTS: readonly (Meaning | undefined)[] = [undefined, 'passing', 'unsupported', 'authRequired', 'disabled']

const by = (holds: (exchange: Exchange) => boolean) => when((context: ExchangeContext) => holds(exchangeOf(context)))
/** By the exchange, and by what is answered. */
const of = <Output>(holds: (exchange: Exchange, output: Output) => boolean) =>
  such((context: ExchangeContext, output: Output) => holds(exchangeOf(context), output))

/** The mint's keysets were fetched again and again, and none serves: as far as it says, for good. */
const isClosed = ({ looks }: Exchange): boolean => looks >= MOST_LOOKS
/** Every request was answered and accounted for: none of them can land any more. */
const isOver = ({ sets, unaccounted, isChecked }: Exchange): boolean => sets.length === 0 || (!unaccounted && isChecked)

/** The inputs are said to be free, and refused as spent: one of both is a lie. */
const contradictsStates = ({ refusal, states }: Exchange): boolean => refusal?.meaning === 'spent' && states.length > 0

/** The guards of the sub-chart, for the machine's setup. */
export const exchangeGuards = {
  answered: isAnswered,
  'exchange.isFirstTry': by(({ tries }) => tries === 0),
  'exchange.isUnchecked': by(({ sets, unaccounted, isChecked }) => sets.length > 0 && !unaccounted && !isChecked),
  'exchange.isClosed': by(isClosed),
  'exchange.mayLand': of<Answer>(
    (exchange, { answer }) =>
      !isOver(exchange) && (answer === 'impossible' || (answer === 'stale' && isClosed(exchange))),
  ),
  'exchange.isHinted': of<Reply>((_, { hint }) => !NO_HINTS.includes(hint)),
  'exchange.isUnanswered': by(({ tries, isChecked }) => tries >= UNANSWERED && !isChecked),
  'exchange.isWhole': of<Made>((_, { isWhole }) => isWhole),
  'exchange.isSettled': of<{ readonly states: readonly SpentState[] }>((_, { states }) => !states.includes('PENDING')),
  'exchange.isUnsupported': of<Reply>(({ isTerse, tries }, reply) =>
    reply.answer === 'refused'
      ? reply.meaning === 'unsupported'
      : reply.hint === 'unsupported' && (isTerse || tries >= MOST_ABSENT),
  ),
  /** A question that the mint cannot answer at the moment; what it always says, it means. */
  'exchange.isPassing': of<Refusal>(({ tries }, { meaning }) => meaning === 'passing' && tries < MOST_ABSENT),
  /** A refusal; or what is none, so often in a row that it is meant. */
  'exchange.isDenied': of<Reply>(({ denials }, reply) => reply.answer === 'refused' || isMeant(denials, reply)),
  'exchange.isFirstReading': by(({ seenSpent }) => !seenSpent),
  'exchange.wasTooLarge': by(({ refusal }) => isTooLarge(refusal?.meaning)),
  'exchange.isRefusedForGood': by(
    (exchange) => exchange.refusals >= MOST_REFUSALS && !exchange.unaccounted && !contradictsStates(exchange),
  ),
  'exchange.isRefusedTooOften': by(({ refusals }) => refusals >= MOST_REFUSALS),
  'exchange.isRefusedOnce': by(({ refusal, refusals }) => refusal !== null && refusals < 2),
  'exchange.isRefusedOrUnsent': by(({ refusal, sets }) => refusal !== null || sets.length === 0),
  'exchange.isUntouched': by(({ sets, made }) => sets.length + made.length === 0),
}

/** What the sub-chart refers to by name. */
export const parts = setup({
  types: {} as {
    context: ExchangeContext
    events: { type: 'cancel' } | { type: 'resume' }
    tags: 'local' | 'human' | 'quarantined'
  },
  actors: exchangeActors,
  actions: { tx: tx<Write>, keep: assign((_, kept: Partial<ExchangeContext>) => kept) },
  guards: exchangeGuards,
  delays: exchangeDelays,
})

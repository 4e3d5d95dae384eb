/** What the melt chart and its parts refer to by name: effects, actions, guards and delays. */
import { assign, emit, setup } from 'xstate'
import { such, sure, tx, when } from '../../src/kernel/define/authoring.ts'
import type { Write } from '../../src/wallet/tables.ts'
import { isMeant, type Reply, type Tag } from './common.ts'
import { exchangeGuards } from './exchange-setup.ts'
import { exchangeOf, type InputProof } from './exchange-model.ts'
import {
  changeTold,
  newChange,
  accounted,
  isTooMany,
  mayFit,
  mayRenew,
  meltActors,
  meltDelays,
  MOST_ASKS,
  MOST_SENDS,
  MOST_TRIES,
  owed,
  paymentOf,
  quoteFits,
  quoteOf,
  refusalIn,
  type Answered,
  type Events,
  type Kept,
  type MeltContext,
  type MeltInput,
  type MeltQuote,
  type MeltState,
  type Payment,
} from './melt-model.ts'
import { quotingGuards } from './quoting.ts'

/** Chosen inputs, and the fee for spending them. */
export interface Chosen {
  readonly inputs: readonly InputProof[]
  readonly fee: number
}

/** All inputs are spent, and yet the quote, which was read after, is unpaid. */
const taken = ({ states }: MeltContext): boolean => states.every((state) => state === 'SPENT')
/** Every request was refused, the last one for spent inputs: none of ours has spent anything. */
const isRobbed = ({ landed, answers, sends, refusal }: MeltContext): boolean =>
  !landed && answers === sends && refusal?.meaning === 'spent'
const isLastAsk = ({ asks }: MeltContext): boolean => asks + 1 >= MOST_ASKS
/** The mint does not know the quote, or refuses for good to say how the payment stands. In passing is not for good. */
const isForgotten = ({ denials }: MeltContext, reply: Reply): boolean =>
  reply.answer === 'refused' &&
  (reply.meaning === 'quoteUnknown' || (reply.meaning !== 'passing' && isMeant(denials, reply)))

/** What it costs beside the amount, at most, with inputs that fit, and with those that are swapped for such first. */
export const directFee = (context: MeltContext, { fee }: Chosen): number => fee + quoteOf(context).feeReserve
export const swappedFee = (context: MeltContext, chosen: Chosen): number =>
  directFee(context, chosen) + context.inputFee

type By = (context: MeltContext) => boolean
const by = (holds: By) => when(holds)
/** By the context, and by what is answered. */
const of = <Output>(holds: (context: MeltContext, output: Output) => boolean) => such(holds)
const accountedAnd = (holds: By) => when((context: MeltContext) => accounted(context) && holds(context))
const isDear = ({ maxFee }: MeltContext, fee: number): boolean => maxFee !== null && fee > maxFee

export const parts = setup({
  types: {} as {
    context: MeltContext
    input: MeltInput
    events: Events
    emitted: { type: 'quote'; operationId: string; mintUrl: string; quoteId: string; state: MeltState }
    tags: Tag
    meta: { poll?: string }
  },
  actors: meltActors,
  actions: {
    tx: tx<Write>,
    keep: assign((_, kept: Kept) => kept),
    tried: assign({ tries: ({ context }) => Math.min(MOST_TRIES, context.tries + 1) }),
    asked: assign({ asks: ({ context }) => Math.min(MOST_ASKS, context.asks + 1) }),
    anew: assign({ tries: 0, denials: 0 }),
    goesOn: assign({ why: null }),
    tell: emit(({ context: { id, mintUrl, quoteId, payment } }) => ({
      type: 'quote' as const,
      operationId: id,
      mintUrl,
      quoteId: sure(quoteId, 'quote'),
      state: payment?.state ?? 'UNPAID',
    })),
  },
  guards: {
    ...exchangeGuards,
    ...quotingGuards,
    isFitting: of<{ readonly quote: MeltQuote }>((context, { quote }) => quoteFits(context, quote)),
    isMeant: of<Reply>(({ denials }, reply) => isMeant(denials, reply)),

    // Before the payment: inputs that fit, and blank outputs.
    isMisfit: of<{ readonly fits: boolean }>((_, { fits }) => !fits),
    isTooDear: of<Chosen>((context, chosen) => isDear(context, directFee(context, chosen))),
    isSwapTooDear: of<Chosen>((context, chosen) => isDear(context, swappedFee(context, chosen))),
    mustFit: by(({ exact }) => exact.length > 0),
    isFirstFit: by(({ inputs, swapFee }) => inputs.length > 0 && swapFee === 0),
    isChosen: by(({ inputs }) => inputs.length > 0),
    isUnchosen: by(({ inputs }) => inputs.length === 0),
    givesChange: by(({ givesChange }) => givesChange),
    isFirstTry: by(({ tries }) => tries === 0),

    // What became of it.
    isRefusal: of<Answered>((_, output) => refusalIn(output) !== null),
    isUntelling: of<Reply>(
      ({ denials }, reply) => (reply.answer === 'refused' && reply.meaning !== 'passing') || isMeant(denials, reply),
    ),
    isForgotten: of<Reply>(isForgotten),
    isPaid: by((context) => paymentOf(context).state === 'PAID'),
    isNotUnpaid: by((context) => paymentOf(context).state !== 'UNPAID'),
    isSomePending: by(({ states }) => states.includes('PENDING')),
    isProven: by((context) => paymentOf(context).preimage !== null),
    areStatesUnknown: by(({ states }) => states.length === 0),
    isPartlySpent: by(({ states }) => states.includes('UNSPENT') && states.includes('SPENT')),
    isRefusedAsSpentAgain: by(({ states, seenSpent }) => states.length === 0 && seenSpent),
    isTakenAtFirst: by((context) => taken(context) && !context.seenSpent),
    isRobbed: by((context) => taken(context) && isRobbed(context)),
    isTaken: by(taken),
    mayRenew: accountedAnd(mayRenew),
    isTooMany: accountedAnd(isTooMany),
    mayFit: accountedAnd(mayFit),
    isAccounted: by(accounted),
    mayBeSentAgain: by(
      ({ landed, answers, sends, expired }) => !landed && answers === 0 && sends < MOST_SENDS && !expired,
    ),

    // The fence, and whether it was paid before.
    isHalfWon: by((context) => {
      const { made, fee } = exchangeOf(context)
      return made.length > 0 || fee > 0
    }),
    wasPaid: of<{ readonly payment: Payment }>((_, { payment }) => payment.state === 'PAID'),
    wasUnpaid: of<Reply & { readonly payment?: Payment }>((context, reply) =>
      reply.answer === 'ok' ? reply.payment?.state === 'UNPAID' : isForgotten(context, reply),
    ),
    saysPaid: (_, state: MeltState) => state === 'PAID',

    // The change.
    isSomeSigned: of<{ readonly outputs: readonly string[] }>((_, { outputs }) => outputs.length > 0),
    tellsNewChange: of<{ readonly payment: Payment }>(
      (context, { payment }) => newChange(context, payment) !== undefined,
    ),
    wasToldChange: by(({ blanks, payment }) => payment !== null && changeTold(blanks, payment) !== undefined),
    isOwed: by((context) => owed(context) > 0),
    isNotOwed: by((context) => owed(context) <= 0),
    isLastAsk: by(isLastAsk),
    isLastAskNotOwed: by((context) => owed(context) <= 0 && isLastAsk(context)),
  },
  delays: meltDelays,
})

/** What the mint chart and its parts refer to by name: effects, actions, guards and delays. */
import { assign, emit, setup } from 'xstate'
import { isAnswered, such, tx, when } from '../../src/kernel/define/authoring.ts'
import type { Write } from '../../src/wallet/tables.ts'
import { isMeant, type Reply, type Tag } from './common.ts'
import {
  isForgotten,
  isUnsupported,
  mintActors,
  mintDelays,
  MOST_PENDING,
  MOST_REFUSALS,
  MOST_ROUNDS,
  MOST_TRIES,
  MOST_UNANSWERED,
  MOST_WAITS,
  quoteIdOf,
  signatureRefused,
  type Kept,
  type MintContext,
  type MintInput,
  type Quoted,
  type QuoteUpdate,
  type QuoteState,
} from './mint-model.ts'
import { quotingGuards } from './quoting.ts'

/** By what a mint says to a question. */
const of = (holds: (context: MintContext, reply: Reply) => boolean) => such(holds)
/** By a quote, as the mint shows it. */
const shown = (holds: (quoted: Quoted) => boolean) => such((_, quoted: Quoted) => holds(quoted))
const by = (holds: (context: MintContext) => boolean) => when(holds)

export const parts = setup({
  types: {} as {
    context: MintContext
    input: MintInput
    events: { type: 'cancel' } | { type: 'resume' } | QuoteUpdate
    emitted: { type: 'quote'; operationId: string; mintUrl: string; quoteId: string; state: QuoteState }
    tags: Tag
    meta: { poll?: string }
  },
  actors: mintActors,
  actions: {
    tx: tx<Write>,
    keep: assign((_, kept: Kept) => kept),
    tried: assign({ tries: ({ context }) => Math.min(MOST_TRIES, context.tries + 1) }),
    anew: assign({ tries: 0, denials: 0, refusals: 0, refusal: null, unanswered: 0, rounds: 0 }),
    because: assign({ why: (_, why: string) => why }),
    goesOn: assign({ why: null }),
    unmatched: assign({ restored: null }),
    heard: assign({ denials: 0 }),
    unanswered: assign({ unanswered: ({ context }) => context.unanswered + 1, refusal: null }),
    nothingCame: assign({ amount: 0 }),
    reopen: assign({ amount: ({ context }) => context.asked, error: null }),
    tell: emit(({ context }) => ({
      type: 'quote' as const,
      operationId: context.id,
      mintUrl: context.mintUrl,
      quoteId: quoteIdOf(context),
      state: context.quoteState,
    })),
  },
  guards: {
    answered: isAnswered,
    ...quotingGuards,
    isImported: by(({ quoteId }) => quoteId !== null),
    isPaid: such((_, { state }: Pick<Quoted, 'state'>) => state !== 'UNPAID'),
    isIssuedAlready: shown(({ state }) => state === 'ISSUED'),
    isLockedElsewhere: shown(({ lockedElsewhere }) => lockedElsewhere),
    isFitting: shown(({ flaw }) => flaw === null),
    isFittingAndPaid: shown(({ flaw, state }) => flaw === null && state !== 'UNPAID'),
    isForgotten: of(isForgotten),
    isMeant: of(({ denials }, reply) => isMeant(denials, reply)),
    isUnsupported: of(isUnsupported),
    isUnsupportedUnissued: of((context, reply) => isUnsupported(context, reply) && context.quoteState !== 'ISSUED'),
    isUnsupportedAtFirst: of(
      (context, reply) => isUnsupported(context, reply) && context.body !== '' && context.tries < MOST_WAITS,
    ),
    isSilent: of(({ unanswered }, { hint }) => hint === undefined && unanswered + 1 < MOST_UNANSWERED),
    isFirstTry: by(({ tries }) => tries === 0),
    isEarlyTry: by(({ tries }) => tries < MOST_WAITS),
    isUnsent: by(({ sets }) => sets.length === 0),
    isUnpaid: by(({ quoteState }) => quoteState === 'UNPAID'),
    isIssued: by(({ quoteState }) => quoteState === 'ISSUED'),
    isPending: by(({ quoteState }) => quoteState === 'PENDING'),
    isPendingAtFirst: by(({ quoteState, tries }) => quoteState === 'PENDING' && tries < MOST_PENDING),
    isLockedForGood: by((context) => context.imported && signatureRefused(context)),
    isRefusedTooOften: by(({ refusals }) => refusals >= MOST_REFUSALS),
    isRefusedOnce: by(({ refusal, refusals }) => refusal !== null && refusals < 2),
    isRefused: by(({ refusal }) => refusal !== null),
    mayBeSentAgain: by(({ unanswered }) => unanswered < MOST_UNANSWERED),
    isUnansweredTooOften: by(({ rounds }) => rounds >= MOST_ROUNDS),
  },
  delays: mintDelays,
})

/** Why it waits; for people. */
export const because = (params: string) => ({ type: 'because', params }) as const

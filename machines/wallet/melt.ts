/**
 * Melt (NUT-05, NUT-08, NUT-23): the mint pays an invoice with our proofs. It pays at most once.
 *
 * ```text
 *  quoting ──▶ selecting* ──▶ prepared ──execute──▶ readying ──▶ melting ──paid──▶ settling* ──▶ paid
 *   │             │              │                    ▲  │         ▲  │ anything else   │ ╲ change is missing
 *   ▼             ▼              ▼                    │  ▼         │  ▼                 │  (see melt-change.ts) ──▶ paid
 *  failed       failed       cancelled                │ cancelled  │ checking ◀── pausing
 *                                                     │            │  ▼                 │
 *                                refused for outputs, │            │ asking ─── paid ───┤
 *                                others (renewing*) ──╯   landing  │ │ │ ╲              │
 *                                                  never seen: once╯ │ │  paymentPending (asks on)
 *        failed ◀── unpaid, unspent, every send accounted for ───────╯ ▼                │
 *                    fencing (an exchange to ourselves) ──▶ confirming ──▶ fenced       │
 *                          ╰──▶ checking | blocked | spentQuarantined     ╰── paid before ╯
 *        asking ──▶ blocked, where the mint's answers make no sense (of confirming, see melt-confirming.ts)
 * ```
 *
 * | crashed in | what is durable | what resume does |
 * |---|---|---|
 * | quoting, requesting, repeating | what is to be paid | asks for a new quote: the lost one is nobody's |
 * | selecting, renewing, settling, settlingChange | nothing of them: the state before | the state before runs again |
 * | planning, reselecting, gathering | nothing of them: the state before | the state before runs again |
 * | prepared | quote, inputs reserved, fees | waits for execute, cancel, or the deadline |
 * | fitting | the same, and see the exchange; nothing that could pay was sent | see the exchange |
 * | melting | inputs, blank outputs in order, the body | never sends again by itself: asks first |
 * | readying, refreshing, waiting, changeless, crowded | quote and inputs; nothing that was sent can land | fetches the keysets again |
 * | checking, asking, pausing | the same | asks again |
 * | paymentPending | the same | watches the quote, without a deadline |
 * | fencing | the same, and see the exchange | see the exchange |
 * | confirming, confirmPausing | that the inputs are spent by ourselves | asks for the quote again |
 * | unconfirmed | the same, and why | waits: for the slow retry, or for a person |
 * | changeOpen, changePausing | that it is paid, the blank outputs | asks for change, three times |
 * | changePending, lastChange, lastReading, changeMissing | the same, and what is owed | asks for the change, for 7 days and on |
 * | blocked, quarantined | the same, and why, or the mint's last word | waits: for the slow retry, or for a person |
 * | spentQuarantined | the same | watches the quote, and waits for a person |
 *
 * PAID wins over everything. Inputs are released only when every request was answered, or the only one was seen to land,
 * and the mint says after that that all inputs are unspent and the quote is unpaid.
 */
import { from, keeps, on, write, writes } from '../../src/kernel/define/authoring.ts'
import type { Write } from '../../src/wallet/tables.ts'
import { deniedBecause, freed, release, spend, spentOf, sum, unspentOf } from './common.ts'
import { exchangeOf, newExchange, reservedBy } from './exchange-model.ts'
import { exchange } from './exchange.ts'
import { changeStates, pending } from './melt-change.ts'
import { confirmingStates } from './melt-confirming.ts'
import { fit, fittingStates } from './melt-fitting.ts'
import {
  forget,
  inVain,
  nothingPaid,
  question,
  quoteKept,
  refusalIn,
  reuse,
  settle,
  settled,
  unpaidBecause,
  type Kept,
  type MeltContext,
} from './melt-model.ts'
import { readying } from './melt-readying.ts'
import { parts } from './melt-setup.ts'
import { quoting, unquoted } from './quoting.ts'

const fence = keeps(({ inputs }: MeltContext) => ({
  exchange: newExchange({ inputs, from: 'reserved', isFence: true }),
}))
/** The payment took the inputs; where the fence did, that is written already. */
const spent = ({ id, inputs, fenced }: MeltContext): Write[] => (fenced ? [] : spend(id, inputs, 'reserved'))
const UNFENCED = { type: 'keep', params: { exchange: null } } as const
const GIVEN_UP = { type: 'keep', params: { givenUp: true } } as const

export const melt = parts.createMachine({
  id: 'melt',
  context: ({ input }) => ({
    ...input,
    amount: 0,
    fee: 0,
    quoteId: null,
    quote: null,
    inputs: [],
    inputFee: 0,
    exact: [],
    swapFee: 0,
    blanks: [],
    body: '',
    sends: 0,
    answers: 0,
    landed: false,
    states: [],
    payment: null,
    expired: false,
    firstHand: false,
    change: 0,
    found: null,
    exchange: null,
    owed: 0,
    asks: 0,
    tries: 0,
    denials: 0,
    why: null,
    refusal: null,
    anew: 0,
    seenSpent: false,
    fenced: false,
    givenUp: false,
    ys: [],
    error: null,
  }),
  initial: 'quoting',
  states: {
    quoting: quoting({
      description: 'Asks the mint what the payment would cost.',
      failed: '#melt.failed',
      requesting: parts.createStateConfig({
        invoke: {
          src: 'melt.createQuote',
          input: from(({ mintUrl, method, ask }) => ({ mintUrl, method, body: ask })),
          onDone: [
            on({ answer: 'ok', such: 'isFitting', target: '#melt.selecting', keep: quoteKept }),
            ...unquoted('#melt.failed'),
          ],
        },
      }),
      repeating: parts.createStateConfig({ after: { meltBackoff: 'requesting' }, on: { resume: 'requesting' } }),
    }),
    ...fittingStates,
    prepared: {
      description:
        'Nothing was sent. Waits for execute or cancel, and is cancelled at its deadline or when the quote expires.',
      on: {
        execute: [{ guard: 'mustFit', target: 'fitting', actions: fit }, { target: 'readying' }],
        cancel: { target: 'cancelled', actions: GIVEN_UP },
      },
      after: { meltDeadline: 'cancelled', quoteExpiry: 'cancelled' },
    },
    readying,
    melting: {
      description: 'The request to pay is on its way to the mint.',
      invoke: {
        src: 'melt.pay',
        input: from(({ mintUrl, method, paymentHash, body }) => ({ mintUrl, method, paymentHash, body })),
        onDone: [
          on({
            answer: 'paid',
            target: 'settling',
            keep: ({ context: { answers }, output: { payment } }) => ({
              payment,
              firstHand: true,
              answers: answers + 1,
              landed: true,
            }),
          }),
          on({
            answer: 'pending',
            target: 'checking',
            keep: ({ context: { answers } }) => ({ answers: answers + 1, landed: true }),
          }),
          on({
            such: 'isRefusal',
            target: 'checking',
            keep: ({ context: { answers }, output }) => ({ answers: answers + 1, refusal: refusalIn(output) }),
          }),
          on({ target: 'checking' }),
        ],
      },
    },
    checking: {
      description: 'Asks the mint what became of the inputs.',
      invoke: {
        src: 'mint.check',
        input: from(({ mintUrl, inputs }) => ({ mintUrl, Ys: inputs.map(({ Y }) => Y) })),
        onDone: [
          on({ answer: 'ok', target: 'asking', keep: ({ output: { states } }) => ({ states }) }),
          // It does not tell, or makes no sense: what it says of the payment has to do. It may make none of that either.
          on({ such: 'isUntelling', target: 'asking', keep: { states: [] } }),
          on({ target: 'pausing', keep: inVain }),
        ],
      },
    },
    asking: {
      description: 'Asks the mint what became of the payment.',
      invoke: {
        src: 'melt.quote',
        input: from(question),
        onDone: [
          on({
            answer: 'ok',
            target: 'judging',
            keep: ({ context: { landed }, output: { payment, expired } }) => ({
              payment,
              expired,
              denials: 0,
              landed: landed || payment.state === 'PENDING',
            }),
          }),
          // It does not know the quote any more, or will not say: what it says of the inputs has to do.
          on({
            such: 'isForgotten',
            target: 'judging',
            keep: { payment: { state: 'UNPAID', preimage: null, change: null }, expired: true, denials: 0 },
          }),
          on({
            such: 'isMeant',
            target: 'blocked',
            keep: ({ output }) => ({ why: deniedBecause(output, 'what became of the payment') }),
          }),
          on({ target: 'pausing', keep: inVain }),
        ],
      },
    },
    /** The inputs' states were read first, the quote's after them. */
    judging: {
      always: [
        { guard: 'isPaid', target: 'settling' },
        { guard: 'isNotUnpaid', target: 'paymentPending' },
        { guard: 'isSomePending', target: 'pausing', actions: 'tried' },
        // A proof of payment, and yet it is said to be unpaid.
        { guard: 'isProven', target: 'quarantined' },
        // If the mint does not answer the inputs' states (NUT-07), "unpaid" proves nothing.
        { guard: 'areStatesUnknown', target: 'fencing', actions: fence },
        // Some inputs were spent by another: with those, no send of ours can land any more.
        { guard: 'isPartlySpent', target: 'lost' },
        // All of them were. A single reading is not enough to give up what may be paid.
        {
          guard: 'isTakenAtFirst',
          target: 'pausing',
          actions: ['tried', { type: 'keep', params: { seenSpent: true } }],
        },
        { guard: 'isRobbed', target: 'lost' },
        { guard: 'isTaken', target: 'spentQuarantined' },
        { guard: 'mayRenew', target: 'renewing' },
        { guard: 'isTooMany', target: 'planning' },
        { guard: 'mayFit', target: 'planning', actions: keeps(({ anew }) => ({ anew: anew + 1 })) },
        { guard: 'isAccounted', target: 'unpaid' },
        { guard: 'mayBeSentAgain', target: 'melting', actions: keeps(({ sends }) => ({ sends: sends + 1 })) },
        { target: 'fencing', actions: fence },
      ],
    },
    /** Refused for its blank outputs: others are made, of keysets fetched anew. */
    renewing: {
      tags: ['local'],
      invoke: {
        src: 'melt.renew',
        input: from(({ id, mintUrl, unit, blanks, anew, refusal }) => ({ id, mintUrl, unit, blanks, anew, refusal })),
        onDone: on({
          target: 'readying.refreshing',
          actions: write,
          keep: ({ context: { anew } }) => ({ blanks: [], body: '', anew: anew + 1 }),
        }),
      },
    },
    pausing: {
      description: 'The mint gave no clear answer yet; asks again.',
      after: { meltBackoff: 'checking' },
      on: { resume: 'checking' },
    },
    paymentPending: {
      description: 'The payment is under way, or the mint does not know. Watches the quote, without a deadline.',
      meta: { poll: 'payment' },
      entry: 'tell',
      on: { 'payment.updated': 'checking', resume: 'checking' },
    },
    // The mint settles a payment when it is polled. The result of this poll changes nothing here.
    fencing: {
      meta: { poll: 'payment' },
      ...exchange({ done: '#melt.won', spent: '#melt.outrun', refused: '#melt.halted' }),
    },
    /** The fence found inputs spent, and nothing of ours signed: the melt won. Not where a round of the fence had won before. */
    outrun: {
      always: [
        {
          guard: 'isHalfWon',
          target: 'won',
          actions: writes((context) => freed(context.id, exchangeOf(context))),
        },
        // No states tell who spent them (NUT-07): the first refusal is asked about again, the second is for a person.
        {
          guard: 'isRefusedAsSpentAgain',
          target: 'spentQuarantined',
          actions: [UNFENCED, keeps(({ inputs }) => ({ states: inputs.map(() => 'SPENT' as const) }))],
        },
        {
          target: 'checking',
          actions: [UNFENCED, keeps(({ states, seenSpent }) => ({ seenSpent: seenSpent || states.length === 0 }))],
        },
      ],
    },
    /** The fence was refused for good: where a round of it has won, nothing else that was sent can land any more. */
    halted: {
      always: [
        {
          guard: 'isHalfWon',
          target: 'won',
          actions: writes((context) => release(context.id, reservedBy(exchangeOf(context)))),
        },
        { target: 'blocked', actions: { type: 'keep', params: { why: 'no swap can take the inputs back' } } },
      ],
    },
    won: { always: { target: 'confirming', actions: 'anew' } },
    ...confirmingStates,
    settling: {
      tags: ['local'],
      invoke: {
        src: 'melt.settle',
        input: from(settle),
        onDone: [
          on({ answer: 'ok', target: 'paid', actions: write, keep: settled }),
          on({ if: 'isOwed', target: 'changePending', actions: [writes(spent), ...pending] }),
          on({ target: 'changeOpen', actions: writes(spent), keep: { tries: 0 } }),
        ],
      },
    },
    ...changeStates,
    blocked: {
      exit: 'goesOn',
      tags: ['human'],
      description:
        'It cannot go on by itself now, and the payment may still land. Watches the quote. Tries again every hour, or when resumed.',
      meta: { poll: 'payment' },
      after: { meltBlocked: { target: 'checking', actions: ['anew', UNFENCED] } },
      on: {
        'payment.updated': {
          guard: { type: 'saysPaid', params: ({ event }) => event.state },
          target: 'checking',
          actions: ['anew', UNFENCED],
        },
        resume: { target: 'checking', actions: ['anew', UNFENCED] },
      },
    },
    quarantined: {
      tags: ['human', 'quarantined'],
      description:
        'The mint gives a proof of the payment, and says that it was not made; everything is kept. Resume asks again.',
      on: { resume: 'checking' },
    },
    // No answer shows whether the mint paid and denies it, or another device with the same seed spent them.
    spentQuarantined: {
      tags: ['human', 'quarantined'],
      description:
        'The inputs are spent, and the mint says that it has not paid, or knows nothing of it; everything is kept. Watches the quote. Resume asks again, cancel gives the inputs up.',
      meta: { poll: 'payment' },
      on: {
        'payment.updated': {
          guard: { type: 'saysPaid', params: ({ event }) => event.state },
          target: 'checking',
        },
        resume: 'checking',
        cancel: { target: 'lost', actions: GIVEN_UP },
      },
    },
    paid: {
      type: 'final',
      tags: ['ended'],
      entry: [
        keeps(({ inputs, amount, change, swapFee }) => ({
          fee: swapFee + sum(inputs) - amount - change,
          inputs: [],
          blanks: [],
          body: '',
          found: null,
          exchange: null,
          error: null,
          owed: 0,
        })),
        'tell',
      ],
    },
    lost: {
      always: {
        target: 'failed',
        actions: [
          writes((context) => [
            ...spend(context.id, spentOf(context), 'reserved'),
            ...release(context.id, unspentOf(context)),
            ...(context.states.includes('UNSPENT') ? reuse(context) : forget(context)),
          ]),
          keeps((context) => ({
            spentElsewhere: sum(spentOf(context)),
            error: { code: 'SPENT_ELSEWHERE', detail: 'some of the inputs were spent outside this wallet' },
          })),
        ],
      },
    },
    /** The payment was not made, and cannot be any more. */
    unpaid: {
      always: {
        target: 'failed',
        actions: [
          writes((context) => [...release(context.id, context.inputs), ...reuse(context)]),
          keeps((context) => ({ error: unpaidBecause(context) })),
        ],
      },
    },
    /** The inputs are spent by ourselves: they cannot pay any more. It cost the input fee. */
    fenced: {
      always: {
        target: 'failed',
        actions: [
          writes(forget),
          keeps((context): Kept => {
            const { fee, made } = exchangeOf(context)
            return {
              fee: context.swapFee + fee,
              ys: made.map(({ Y }) => Y),
              error: {
                code: 'PAYMENT_FENCED',
                detail:
                  'the request may have been lost: the inputs were taken back, which proves them unused, and not that the payee was not paid',
              },
            }
          }),
        ],
      },
    },
    failed: {
      type: 'final',
      tags: ['ended', 'failed'],
      entry: keeps((context) => ({
        ...nothingPaid(context),
        fee: context.error?.code === 'PAYMENT_FENCED' ? context.fee : context.swapFee,
        inputs: [],
        blanks: [],
        body: '',
        exchange: null,
      })),
    },
    cancelled: {
      type: 'final',
      tags: ['ended', 'failed'],
      entry: [
        writes(({ id, inputs }) => release(id, inputs)),
        keeps((context) => ({ ...nothingPaid(context), inputs: [], fee: context.swapFee, exchange: null })),
      ],
    },
  },
})

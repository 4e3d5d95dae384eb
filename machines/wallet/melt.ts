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
 *                          ╰──▶ checking | blocked              ╰──── paid before ──────╯
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
 * | changePending, lastChange, changeMissing | the same, and what is owed | asks for the change, for 7 days and on |
 * | blocked, quarantined | the same, and why, or the mint's last word | waits: for the slow retry, or for a person |
 * | spentQuarantined | the same | watches the quote, and waits for a person |
 *
 * PAID wins over everything. Inputs are released only when every request was answered, or the only one was seen to land,
 * and the mint says after that that all inputs are unspent and the quote is unpaid.
 */
import { quoting } from './quoting.ts'
import { assign, setup, emit } from 'xstate'
import { tx, answered } from '../../src/kernel/define/authoring.ts'
import type { Write } from '../../src/wallet/tables.ts'
import {
  type Tag,
  deniedBecause,
  denialsWith,
  freed,
  outputOf,
  sum,
  release,
  spend,
  spentOf,
  unspentOf,
  write,
} from './common.ts'
import { newExchange, reservedBy } from './exchange-model.ts'
import { exchange } from './exchange.ts'
import { changeStates, pending } from './melt-change.ts'
import { confirmingStates } from './melt-confirming.ts'
import { fit, fittingStates } from './melt-fitting.ts'
import { readying } from './melt-readying.ts'
import {
  type MeltInput,
  type MeltState,
  type MeltContext,
  type Events,
  type Reply,
  MOST_CONFIRMATIONS,
  MOST_TRIES,
  MOST_SENDS,
  accounted,
  meltActors,
  meltDelays,
  settle,
  settled,
  owed,
  forget,
  reuse,
  mayFit,
  mayRenew,
  nothingPaid,
  isTooMany,
  makesNoSense,
  refusalIn,
  unpaidBecause,
  quoteFits,
  quoteKept,
} from './melt-model.ts'

const fence = ({ context }: { context: MeltContext }) => ({
  exchange: newExchange({ inputs: context.inputs, from: 'reserved', isFence: true }),
})
/** Some rounds of the fence are done. */
const halfWon = ({ context: { exchange: fenced } }: { context: MeltContext }): boolean =>
  fenced!.made.length > 0 || fenced!.fee > 0
/** The payment took the inputs; where the fence did, that is written already. */
const spent = {
  type: 'tx' as const,
  params: ({ context: { id, inputs, fenced } }: { context: MeltContext }) =>
    fenced ? [] : spend(id, inputs, 'reserved'),
}
/** All inputs are spent, and yet the quote, which was read after, is unpaid. */
const taken = ({ states }: MeltContext): boolean => states.every((state) => state === 'SPENT')
/** Every request was refused, the last one for spent inputs: none of ours has spent anything. */
const isRobbed = ({ landed, answers, sends, refusal }: MeltContext): boolean =>
  !landed && answers === sends && refusal?.meaning === 'spent'

export const melt = setup({
  types: {} as {
    context: MeltContext
    input: MeltInput
    events: Events
    emitted: { type: 'quote'; operationId: string; mintUrl: string; quoteId: string; state: MeltState }
    tags: Tag
    meta: { watch?: string }
  },
  actors: meltActors,
  actions: {
    tx: tx<Write>,
    tried: assign({ tries: ({ context }) => Math.min(MOST_TRIES, context.tries + 1) }),
    /** A question in vain. */
    inVain: assign(({ context: { tries, denials }, event }) => ({
      tries: Math.min(MOST_TRIES, tries + 1),
      denials: denialsWith(denials, outputOf<Reply>(event)),
    })),
    /** Of questions that the mint refuses, or whose answers make no sense. */
    denied: assign({ why: ({ event }, what: string) => deniedBecause(outputOf<Reply>(event), what) }),
    anew: assign({ tries: 0, denials: 0 }),
    goesOn: assign({ why: null }),
    tell: emit(({ context: { id, mintUrl, quoteId, payment } }) => ({
      type: 'quote' as const,
      operationId: id,
      mintUrl,
      quoteId: quoteId!,
      state: payment?.state ?? 'UNPAID',
    })),
  },
  delays: meltDelays,
}).createMachine({
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
      quoted: '#melt.selecting',
      src: 'melt.createQuote',
      input: ({ context: { mintUrl, method, ask } }: { context: MeltContext }) => ({ mintUrl, method, body: ask }),
      backoff: 'meltBackoff',
      fits: quoteFits,
      keep: [assign(quoteKept)],
    }),
    ...fittingStates,
    prepared: {
      description:
        'Nothing was sent. Waits for execute or cancel, and is cancelled at its deadline or when the quote expires.',
      on: {
        execute: [
          { guard: ({ context }) => context.exact.length > 0, target: 'fitting', actions: fit },
          { target: 'readying' },
        ],
        cancel: { target: 'cancelled', actions: assign({ givenUp: true }) },
      },
      after: { meltDeadline: 'cancelled', quoteExpiry: 'cancelled' },
    },
    readying: readying as object,
    melting: {
      description: 'The request to pay is on its way to the mint.',
      invoke: {
        src: 'melt.pay',
        input: ({ context: { mintUrl, method, paymentHash, body } }) => ({ mintUrl, method, paymentHash, body }),
        onDone: [
          {
            guard: answered('paid'),
            target: 'settling',
            actions: assign(({ context, event: { output } }) =>
              output.answer === 'paid'
                ? { payment: output.payment, firstHand: true, answers: context.answers + 1, landed: true }
                : {},
            ),
          },
          {
            guard: answered('pending'),
            target: 'checking',
            actions: assign(({ context }) => ({ answers: context.answers + 1, landed: true })),
          },
          {
            guard: ({ event: { output } }) => refusalIn(output) !== null,
            target: 'checking',
            actions: assign(({ context, event: { output } }) => ({
              answers: context.answers + 1,
              refusal: refusalIn(output),
            })),
          },
          { target: 'checking' },
        ],
      },
    },
    checking: {
      description: 'Asks the mint what became of the inputs.',
      invoke: {
        src: 'mint.check',
        input: ({ context: { mintUrl, inputs } }) => ({ mintUrl, Ys: inputs.map(({ Y }) => Y) }),
        onDone: [
          {
            guard: answered('ok'),
            target: 'asking',
            actions: assign(({ event: { output } }) => (output.answer === 'ok' ? { states: output.states } : {})),
          },
          // It does not tell, or makes no sense: what it says of the payment has to do. It may make none of that either.
          {
            guard: ({ context, event: { output } }) =>
              (output.answer === 'refused' && output.meaning !== 'passing') || makesNoSense(context, output),
            target: 'asking',
            actions: assign({ states: [] }),
          },
          { target: 'pausing', actions: 'inVain' },
        ],
      },
    },
    asking: {
      description: 'Asks the mint what became of the payment.',
      invoke: {
        src: 'melt.quote',
        input: ({ context: { mintUrl, method, paymentHash, quoteId, quote } }) => ({
          mintUrl,
          method,
          paymentHash,
          quoteId: quoteId!,
          expiry: quote!.expiry,
          expiresAtMs: quote!.expiresAtMs,
        }),
        onDone: [
          {
            guard: answered('ok'),
            target: 'judging',
            actions: assign(({ context, event: { output } }) =>
              output.answer === 'ok'
                ? {
                    payment: output.payment,
                    expired: output.expired,
                    denials: 0,
                    landed: context.landed || output.payment.state === 'PENDING',
                  }
                : {},
            ),
          },
          // It does not know the quote any more, or will not say: what it says of the inputs has to do.
          {
            guard: ({ context, event: { output } }) =>
              output.answer === 'refused' &&
              (output.meaning === 'quoteUnknown' ||
                (output.meaning !== 'passing' && context.tries >= MOST_CONFIRMATIONS)),
            target: 'judging',
            actions: assign({ payment: { state: 'UNPAID', preimage: null, change: null }, expired: true, denials: 0 }),
          },
          {
            guard: ({ context, event: { output } }) => makesNoSense(context, output),
            target: 'blocked',
            actions: { type: 'denied', params: 'what became of the payment' },
          },
          { target: 'pausing', actions: 'inVain' },
        ],
      },
    },
    /** The inputs' states were read first, the quote's after them. */
    judging: {
      always: [
        { guard: ({ context }) => context.payment!.state === 'PAID', target: 'settling' },
        {
          guard: ({ context }) => context.payment!.state !== 'UNPAID',
          target: 'paymentPending',
        },
        { guard: ({ context }) => context.states.includes('PENDING'), target: 'pausing', actions: 'tried' },
        // A proof of payment, and yet it is said to be unpaid.
        { guard: ({ context }) => context.payment!.preimage !== null, target: 'quarantined' },
        // A mint that does not tell the inputs' states (NUT-07) proves nothing by "unpaid".
        { guard: ({ context }) => context.states.length === 0, target: 'fencing', actions: assign(fence) },
        // Some inputs were spent by another: with those, no send of ours can land any more.
        {
          guard: ({ context }) => context.states.includes('UNSPENT') && context.states.includes('SPENT'),
          target: 'lost',
        },
        // All of them were. A single reading is not enough to give up what may be paid.
        {
          guard: ({ context }) => taken(context) && !context.seenSpent,
          target: 'pausing',
          actions: ['tried', assign({ seenSpent: true })],
        },
        { guard: ({ context }) => taken(context) && isRobbed(context), target: 'lost' },
        { guard: ({ context }) => taken(context), target: 'spentQuarantined' },
        { guard: ({ context }) => accounted(context) && mayRenew(context), target: 'renewing' },
        { guard: ({ context }) => accounted(context) && isTooMany(context), target: 'planning' },
        {
          guard: ({ context }) => accounted(context) && mayFit(context),
          target: 'planning',
          actions: assign(({ context }) => ({ anew: context.anew + 1 })),
        },
        { guard: ({ context }) => accounted(context), target: 'unpaid' },
        {
          guard: ({ context }) =>
            !context.landed && context.answers === 0 && context.sends < MOST_SENDS && !context.expired,
          target: 'melting',
          actions: assign(({ context }) => ({ sends: context.sends + 1 })),
        },
        { target: 'fencing', actions: assign(fence) },
      ],
    },
    /** Refused for its blank outputs: others are made, of keysets fetched anew. */
    renewing: {
      tags: ['local'],
      invoke: {
        src: 'melt.renew',
        input: ({ context: { id, mintUrl, unit, blanks, anew, refusal } }) => ({
          id,
          mintUrl,
          unit,
          blanks,
          anew,
          refusal,
        }),
        onDone: {
          target: 'readying.refreshing',
          actions: [write, assign(({ context }) => ({ blanks: [], body: '', anew: context.anew + 1 }))],
        },
      },
    },
    pausing: {
      description: 'The mint gave no clear answer yet; asks again.',
      after: { meltBackoff: 'checking' },
      on: { resume: 'checking' },
    },
    paymentPending: {
      description: 'The payment is under way, or the mint does not know. Watches the quote, without a deadline.',
      meta: { watch: 'payment' },
      entry: 'tell',
      on: { 'payment.news': 'checking', resume: 'checking' },
    },
    // The mint settles a payment when it is asked about it: the watch does, and its news changes nothing here.
    fencing: {
      meta: { watch: 'payment' },
      ...(exchange({ done: '#melt.won', spent: '#melt.outrun', refused: '#melt.halted' }) as object),
    },
    /** The fence found inputs spent, and nothing of ours signed: the melt won. Not where a round of the fence had won before. */
    outrun: {
      always: [
        {
          guard: halfWon,
          target: 'won',
          actions: { type: 'tx', params: ({ context: { id, exchange } }) => freed(id, exchange!) },
        },
        { target: 'checking', actions: assign({ exchange: null }) },
      ],
    },
    /** The fence was refused for good: where a round of it has won, nothing else that was sent can land any more. */
    halted: {
      always: [
        {
          guard: halfWon,
          target: 'won',
          actions: { type: 'tx', params: ({ context: { id, exchange } }) => release(id, reservedBy(exchange!)) },
        },
        { target: 'blocked', actions: assign({ why: 'no swap can take the inputs back' }) },
      ],
    },
    won: { always: { target: 'confirming', actions: 'anew' } },
    ...confirmingStates,
    settling: {
      tags: ['local'],
      invoke: {
        src: 'melt.settle',
        input: settle,
        onDone: [
          {
            guard: answered('ok'),
            target: 'paid',
            actions: [write, assign(({ event: { output } }) => settled(output))],
          },
          {
            guard: ({ context }) => owed(context) > 0,
            target: 'changePending',
            actions: [spent, ...(pending as object[] as [])],
          },
          { target: 'changeOpen', actions: [spent, assign({ tries: 0 })] },
        ],
      },
    },
    ...changeStates,
    blocked: {
      exit: 'goesOn',
      tags: ['human'],
      description:
        'It cannot go on by itself now, and the payment may still land. Watches the quote. Tries again every hour, or when resumed.',
      meta: { watch: 'payment' },
      after: { meltBlocked: { target: 'checking', actions: ['anew', assign({ exchange: null })] } },
      on: {
        'payment.news': {
          guard: ({ event }) => event.state === 'PAID',
          target: 'checking',
          actions: ['anew', assign({ exchange: null })],
        },
        resume: { target: 'checking', actions: ['anew', assign({ exchange: null })] },
      },
    },
    quarantined: {
      tags: ['human', 'quarantined'],
      description:
        'The mint gives a proof of the payment, and says that it was not made; everything is kept. Resume asks again.',
      on: { resume: 'checking' },
    },
    // Whether the mint paid and denies it, or another device with the same seed spent them, no answer tells.
    spentQuarantined: {
      tags: ['human', 'quarantined'],
      description:
        'All inputs are spent, and the mint says that it has not paid, or knows nothing of it; everything is kept. Watches the quote. Resume asks again, cancel gives the inputs up.',
      meta: { watch: 'payment' },
      on: {
        'payment.news': { guard: ({ event }) => event.state === 'PAID', target: 'checking' },
        resume: 'checking',
        cancel: { target: 'lost', actions: assign({ givenUp: true }) },
      },
    },
    paid: {
      type: 'final',
      tags: ['ended'],
      entry: [
        assign(({ context: { inputs, amount, change, swapFee } }) => ({
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
          {
            type: 'tx',
            params: ({ context }) => [
              ...spend(context.id, spentOf(context), 'reserved'),
              ...release(context.id, unspentOf(context)),
              ...(context.states.includes('UNSPENT') ? reuse({ context }) : forget({ context })),
            ],
          },
          assign(({ context }) => ({
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
          { type: 'tx', params: ({ context }) => [...release(context.id, context.inputs), ...reuse({ context })] },
          assign(({ context }) => ({ error: unpaidBecause(context) })),
        ],
      },
    },
    /** The inputs are spent by ourselves: they cannot pay any more. It cost the input fee. */
    fenced: {
      always: {
        target: 'failed',
        actions: [
          { type: 'tx', params: forget },
          assign(({ context: { exchange, swapFee } }) => ({
            fee: swapFee + exchange!.fee,
            ys: exchange!.made.map(({ Y }) => Y),
            error: {
              code: 'PAYMENT_FENCED',
              detail:
                'the request may have been lost: the inputs were taken back, which proves them unused, and not that the payee was not paid',
            },
          })),
        ],
      },
    },
    failed: {
      type: 'final',
      tags: ['ended', 'failed'],
      entry: [
        assign(({ context }) => ({
          ...nothingPaid(context),
          fee: context.error?.code === 'PAYMENT_FENCED' ? context.fee : context.swapFee,
          inputs: [],
          blanks: [],
          body: '',
          exchange: null,
        })),
      ],
    },
    cancelled: {
      type: 'final',
      tags: ['ended', 'failed'],
      entry: [
        { type: 'tx', params: ({ context: { id, inputs } }) => release(id, inputs) },
        assign(({ context }) => ({ ...nothingPaid(context), inputs: [], fee: context.swapFee, exchange: null })),
      ],
    },
  },
})

/**
 * Melt at the mint (NUT-05, NUT-08): the mint takes inputs and pays a payment request.
 *
 * ```text
 *  initial* ──another's──▶ paymentAttempted ──paid──▶ changing* ──owed──▶ finalizing ──signed─╮
 *   │  │                     │ failed                   ▲   ╲ none                            ▼
 *   │  │ one of our own      │                          │    ╰─────────────────────────▶ settling* ──▶ completed
 *   ▼  ╰─────────────────────│──────────────────────────╯          paid elsewhere in between │
 *  no operation              ▼                                                               │
 *                          failed ◀──────────────────────────────────────────────────────────╯
 *
 *  paymentAttempted: sending ──pending, unknown, failed, silence──▶ waiting ──never begun──▶ pausing ──▶ sending
 * ```
 *
 * | crashed in | what is durable | what resume does |
 * |---|---|---|
 * | initial | nothing | nothing: the wallet had no answer, and asks again |
 * | paymentAttempted | one of the two below | as below |
 * | sending | inputs and blank outputs, set aside; the quote, PENDING; the payment's id | asks for the same payment again: it is paid once |
 * | waiting | that the payment was asked for | polls its status |
 * | pausing | that the payment was never begun, and when to ask for it again | waits for the rest of the time |
 * | changing, settling | nothing of this state: the state before is stored | the state before goes on |
 * | finalizing | that it was paid, what it cost, and the change that is owed | asks for the signatures: see the signing |
 *
 * A payment that was asked for is undone only when the backend says that it failed for good. That answer comes from a
 * status request, not from the attempt itself. A payment request of one of our own quotes is settled without the
 * backend: one commit credits that quote, marks this one PAID and the inputs SPENT. The quote's state changes only as
 * `quote-states.ts` says.
 */
import { assign, emit, setup } from 'xstate'
import { effect, from, isAnswered, local, on, sure, tx, write, writes } from '../../src/kernel/define/authoring.ts'
import type { Write } from '../../src/mint-server/db/tables.ts'
import {
  answerOf,
  drop,
  free,
  HEARD,
  newSigning,
  refusalOf,
  signing,
  signingActors,
  signingDelays,
  tellAnswer,
  unheard,
  type HeldInput,
  type HeldOutput,
  type Message,
  type Refusal,
  type Signing,
  type Tag,
  type Outcome,
} from './signing.ts'

export interface MeltInput {
  readonly id: string
  /** Identifies the request among all requests ever received; its answer is stored under this key (NUT-19). */
  readonly request: string
  readonly quoteId: string
  readonly inputs: readonly HeldInput[]
  /** Blank outputs for the change, in order (NUT-08). */
  readonly messages: readonly Message[]
}

/** What is paid. The operation's id names the payment at the backend. */
export interface MeltPayment {
  readonly method: string
  readonly request: string
  /** The amount that the payee gets, and the largest fee on top of it. */
  readonly amount: number
  readonly maxFee: number
}

/** How it was paid. */
export interface Settlement {
  readonly fee: number
  readonly preimage: string | null
}

export interface MeltContext extends MeltInput, Signing {
  /** The inputs' sum less the input fee. */
  readonly net: number
  readonly payment: MeltPayment | null
  /** The mint quote of our own whose payment request is paid, if it is one of ours. */
  readonly ownQuoteId: string | null
  readonly blanks: readonly HeldOutput[]
  readonly settlement: Settlement | null
}

export type PaymentEvent =
  | { type: 'payment.paid'; fee: number; preimage: string | null }
  | { type: 'payment.failed' }
  /** The backend has never heard of the payment. */
  | { type: 'payment.none' }

type Paid = { answer: 'paid'; fee: number; preimage: string | null }
type Own = { ownQuoteId: string; preimage: string | null }
type SetUp = Pick<MeltContext, 'unit' | 'net' | 'blanks'> & { payment: MeltPayment; writes: readonly Write[] }
type Settle = Pick<
  MeltContext,
  'id' | 'request' | 'quoteId' | 'inputs' | 'blanks' | 'outputs' | 'signed' | 'ownQuoteId' | 'settlement'
>

/** NUT-00's code for a payment that failed. */
const PAYMENT_FAILED: Refusal = { code: 20004, detail: 'the payment failed' }

/** What the set-up found out. */
const prepared = ({ unit, net, payment, blanks }: SetUp): Partial<MeltContext> => ({
  ...{ unit, net, payment, blanks },
  messages: [],
})
/** The payment request belongs to a quote of our own. */
const ownOf = ({ ownQuoteId, preimage }: Own): Partial<MeltContext> => ({
  ownQuoteId,
  settlement: { fee: 0, preimage },
})
const settledBy = ({ fee, preimage }: Settlement): Partial<MeltContext> => ({ settlement: { fee, preimage } })

export const melt = setup({
  types: {} as {
    context: MeltContext
    input: MeltInput
    events: PaymentEvent
    emitted: Outcome
    tags: Tag
  },
  actors: {
    ...signingActors,
    /**
     * Sets inputs and blanks aside and marks the quote PENDING. A request that breaks a rule is refused and creates no
     * operation.
     */
    'melt.setUp': local<
      (SetUp & { answer: 'external' }) | (SetUp & Own & { answer: 'internal' }),
      Pick<MeltInput, 'id' | 'quoteId' | 'inputs' | 'messages'>
    >({ answers: { external: true, internal: true } }),
    'backend.pay': effect<Paid | { answer: 'failed' | 'pending' | 'unknown' }, { id: string; payment: MeltPayment }>({
      answers: { paid: true, failed: true, pending: true, unknown: true },
    }),
    /** Which of the blanks are signed, and for how much. */
    'melt.change': local<
      { answer: 'owed'; outputs: readonly HeldOutput[] } | { answer: 'none' },
      Pick<MeltContext, 'net' | 'payment' | 'settlement' | 'blanks'>
    >({ answers: { owed: true, none: true } }),
    'melt.settle': local<
      { answer: 'settled'; body: string; writes: readonly Write[] } | { answer: 'elsewhere' },
      Settle
    >({ answers: { settled: true, elsewhere: true } }),
  },
  actions: {
    tx: tx<Write>,
    keep: assign((_, kept: Partial<MeltContext>) => kept),
    tellAnswer: emit((_, body: string) => answerOf(body)),
    tellRefusal: emit(({ context }) => refusalOf(context)),
    tellPending: emit({ type: 'pending' }),
  },
  guards: { answered: isAnswered },
  delays: signingDelays,
}).createMachine({
  id: 'melt',
  context: ({ input }) => ({
    ...input,
    ...newSigning,
    net: 0,
    payment: null,
    ownQuoteId: null,
    blanks: [],
    settlement: null,
  }),
  initial: 'initial',
  states: {
    initial: {
      tags: ['local'],
      invoke: {
        src: 'melt.setUp',
        input: from(({ id, quoteId, inputs, messages }) => ({ id, quoteId, inputs, messages })),
        onDone: [
          on({
            answer: 'external',
            target: 'paymentAttempted',
            actions: write,
            keep: ({ output }) => prepared(output),
          }),
          on({
            target: 'changing',
            actions: write,
            keep: ({ output }) => ({ ...prepared(output), ...(output.answer === 'internal' && ownOf(output)) }),
          }),
        ],
      },
    },
    paymentAttempted: {
      initial: 'sending',
      states: {
        sending: {
          description: 'The backend is asked to pay.',
          invoke: {
            src: 'backend.pay',
            input: from(({ id, payment }) => ({ id, payment: sure(payment, 'payment') })),
            onDone: [
              on({
                answer: 'paid',
                target: '#melt.changing',
                keep: ({ output }) => ({ ...HEARD, ...settledBy(output) }),
              }),
              on({ answer: 'pending', target: 'waiting', actions: 'tellPending' }),
              on({ target: 'waiting' }),
            ],
          },
          after: { silence: 'waiting' },
        },
        waiting: {
          description: 'The backend was asked to pay, and is asked how the payment stands.',
          meta: { poll: 'payment' },
          on: {
            'payment.paid': {
              target: '#melt.changing',
              actions: { type: 'keep', params: ({ event }) => ({ ...HEARD, ...settledBy(event) }) },
            },
            'payment.failed': {
              target: '#melt.failed',
              actions: { type: 'keep', params: { refusal: PAYMENT_FAILED } },
            },
            'payment.none': 'pausing',
          },
        },
        pausing: {
          description: 'The backend has never heard of the payment. It is asked to pay after a pause.',
          entry: unheard,
          after: { again: 'sending' },
        },
      },
    },
    changing: {
      tags: ['local'],
      invoke: {
        src: 'melt.change',
        input: from(({ net, payment, settlement, blanks }) => ({ net, payment, settlement, blanks })),
        onDone: [
          on({ answer: 'owed', target: 'finalizing', keep: ({ output: { outputs } }) => ({ outputs }) }),
          on({ target: 'settling' }),
        ],
      },
    },
    // The change is owed once the payment was made: a signatory that refuses is asked until it signs.
    finalizing: signing({ done: '#melt.settling', refused: '#melt.finalizing.pausing' }),
    settling: {
      tags: ['local'],
      invoke: {
        src: 'melt.settle',
        input: from(({ id, request, quoteId, inputs, blanks, outputs, signed, ownQuoteId, settlement }) => ({
          ...{ id, request, quoteId, inputs, blanks, outputs, signed, ownQuoteId, settlement },
        })),
        onDone: [
          on({ answer: 'settled', target: 'completed', actions: [write, tellAnswer] }),
          on({ target: 'failed', keep: { ...HEARD, refusal: PAYMENT_FAILED } }),
        ],
      },
    },
    completed: { type: 'final', entry: { type: 'keep', params: { inputs: [], blanks: [], outputs: [], signed: [] } } },
    failed: {
      type: 'final',
      entry: [
        writes((context) => undone(context)),
        'tellRefusal',
        { type: 'keep', params: { inputs: [], blanks: [], outputs: [], signed: [], settlement: null } },
      ],
    },
  },
})

/** Gives back what was set aside: nothing was paid, and nothing will be. */
export const undone = ({
  id,
  quoteId,
  inputs,
  blanks,
}: Pick<MeltContext, 'id' | 'quoteId' | 'inputs' | 'blanks'>): Write[] => [
  {
    ...{ patch: 'meltQuotes', key: [quoteId], set: { state: 'FAILED', operationId: null, claim: null } },
    if: { state: 'PENDING', operationId: id },
  },
  ...free(id, inputs),
  ...drop(id, blanks),
]

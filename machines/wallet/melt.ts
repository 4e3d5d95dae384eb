/**
 * Melt (NUT-05, NUT-08, NUT-23): the mint pays an invoice with our proofs. It pays at most once.
 *
 * ```text
 *  quoting ──▶ selecting* ──▶ prepared ──execute──▶ deriving* ──▶ melting ──paid──▶ settling* ──▶ paid
 *   │             │              │                      ▲           │ anything else      │ ╲ change owed
 *   ▼             ▼              ▼                      │           ▼                    │  changePending ──▶ paid
 *  failed       failed       cancelled                  │        checking ◀── pausing    │
 *                                                       │           ▼                    │
 *                             landing never seen: once ─╯         asking ────── paid ────╯
 *                                                                 │  │  ╲
 *        failed ◀── unpaid, unspent, every send accounted for ────╯  │   paymentPending (asks on)
 *                                                                    ▼
 *                                     fencing (an exchange to ourselves) ──▶ fenced | checking | blocked
 * ```
 *
 * | crashed in | what is durable | what resume does |
 * |---|---|---|
 * | quoting, requesting, repeating | what is to be paid | asks for a new quote: the lost one is nobody's |
 * | selecting, deriving, settling, settlingChange | nothing of them: the state before | the state before runs again |
 * | prepared | quote, inputs reserved, fees | waits for execute, cancel, or the deadline |
 * | melting | inputs, blank outputs in order, the body | never sends again by itself: asks first |
 * | refreshing, waiting | quote and inputs; nothing was sent | fetches the keysets again |
 * | checking, asking, pausing | the same | asks again |
 * | paymentPending | the same | watches the quote, without a deadline |
 * | fencing | the same, and see the exchange | see the exchange |
 * | changePending, lastChange, changeMissing | the payment's proof, the blank outputs | asks for the change, for 7 days and on |
 * | blocked, quarantined | the same, and the mint's last word | waits: for the slow retry, or for a person |
 *
 * PAID wins over everything. Nothing is released but by rule 4: every send answered (or the only one, and seen landed),
 * and after that all inputs unspent and the quote unpaid.
 */
import { quoting } from './quoting.ts'
import { assign, setup, emit } from 'xstate'
import { tx, answered } from '../../src/kernel/authoring.ts'
import { type Tag, sum, release, spend, write } from './common.ts'
import { newExchange } from './exchange-model.ts'
import { exchange } from './exchange.ts'
import {
  type MeltInput,
  type MeltState,
  type MeltContext,
  type Events,
  MOST_TRIES,
  MOST_SENDS,
  unspent,
  accounted,
  meltActors,
  meltDelays,
  settle,
  settled,
  owed,
  forget,
  quoteFits,
  quoteKept,
} from './melt-model.ts'

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
    tx,
    tried: assign({ tries: ({ context }) => Math.min(MOST_TRIES, context.tries + 1) }),
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
    tries: 0,
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
    selecting: {
      tags: ['local'],
      invoke: {
        src: 'proofs.select',
        input: ({ context: { id, mintUrl, unit, quote } }) => ({
          id,
          mintUrl,
          unit,
          amount: quote!.amount + quote!.feeReserve,
          preferExact: false,
        }),
        onDone: [
          {
            guard: ({ context: { givesChange, quote }, event: { output } }) =>
              output.answer === 'ok' &&
              !givesChange &&
              sum(output.inputs) > output.fee + quote!.amount + quote!.feeReserve,
            target: 'failed',
            actions: assign({
              error: {
                code: 'INEXACT',
                detail: 'the mint gives no change: swap to amounts that make up amount and fees first',
              },
            }),
          },
          {
            guard: answered('ok'),
            target: 'prepared',
            actions: [
              write,
              assign(({ context, event: { output } }) =>
                output.answer === 'ok'
                  ? { inputs: output.inputs, inputFee: output.fee, fee: output.fee + context.quote!.feeReserve }
                  : {},
              ),
            ],
          },
          {
            target: 'failed',
            actions: assign({
              error: { code: 'INSUFFICIENT_FUNDS', detail: 'not enough is spendable for amount and fees' },
            }),
          },
        ],
      },
    },
    prepared: {
      description:
        'Nothing was sent. Waits for execute or cancel, and is cancelled at its deadline or when the quote expires.',
      on: { execute: 'deriving', cancel: 'cancelled' },
      after: { meltDeadline: 'cancelled', quoteExpiry: 'cancelled' },
    },
    deriving: {
      tags: ['local'],
      invoke: {
        src: 'melt.derive',
        input: ({ context: { id, mintUrl, unit, quote, inputs, inputFee, givesChange } }) => ({
          id,
          mintUrl,
          unit,
          quote: quote!,
          inputs,
          inputFee,
          givesChange,
        }),
        onDone: [
          {
            guard: answered('ok'),
            target: 'melting',
            actions: [
              write,
              assign(({ event: { output } }) =>
                output.answer === 'ok' ? { blanks: output.blanks, body: output.body, sends: 1, tries: 0 } : {},
              ),
            ],
          },
          { guard: ({ context }) => context.tries === 0, target: 'refreshing' },
          { target: 'waiting' },
        ],
      },
    },
    refreshing: {
      description: 'Fetches the mint’s keysets, for the known ones do not serve.',
      invoke: {
        src: 'mint.keysets',
        input: ({ context: { mintUrl, unit } }) => ({ mintUrl, unit }),
        onDone: [
          {
            guard: answered('ok'),
            target: 'deriving',
            actions: [write, 'tried'],
          },
          { target: 'waiting', actions: 'tried' },
        ],
      },
    },
    waiting: {
      description: 'The keysets could not be fetched, and nothing was sent; asks again.',
      after: { meltBackoff: 'refreshing' },
      on: { resume: 'refreshing', cancel: 'cancelled' },
    },
    melting: {
      description: 'The request to pay is on its way to the mint.',
      invoke: {
        src: 'melt.pay',
        input: ({ context: { mintUrl, method, body } }) => ({ mintUrl, method, body }),
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
            guard: answered('refused'),
            target: 'checking',
            actions: assign(({ context, event: { output } }) => ({
              answers: context.answers + 1,
              error: { code: 'PAYMENT_FAILED', detail: output.answer === 'refused' ? output.detail : '' },
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
          { guard: answered('refused'), target: 'asking', actions: assign({ states: [] }) },
          { target: 'pausing', actions: 'tried' },
        ],
      },
    },
    asking: {
      description: 'Asks the mint what became of the payment.',
      invoke: {
        src: 'melt.quote',
        input: ({ context: { mintUrl, method, quoteId, quote } }) => ({
          mintUrl,
          method,
          quoteId: quoteId!,
          expiry: quote!.expiry,
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
                    landed: context.landed || output.payment.state === 'PENDING',
                  }
                : {},
            ),
          },
          { target: 'pausing', actions: 'tried' },
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
        // A mint that does not tell the inputs' states (NUT-07) proves nothing by "unpaid".
        { guard: ({ context }) => context.states.length === 0, target: 'blocked' },
        // Some inputs were spent by another: with those, no send of ours can land any more.
        {
          guard: ({ context }) =>
            context.payment!.preimage === null &&
            context.states.includes('UNSPENT') &&
            context.states.includes('SPENT'),
          target: 'lost',
        },
        { guard: ({ context }) => context.payment!.preimage !== null || !unspent(context), target: 'quarantined' },
        { guard: ({ context }) => accounted(context), target: 'unpaid' },
        {
          guard: ({ context }) =>
            !context.landed && context.answers === 0 && context.sends < MOST_SENDS && !context.expired,
          target: 'melting',
          actions: assign(({ context }) => ({ sends: context.sends + 1 })),
        },
        {
          target: 'fencing',
          actions: assign(({ context }) => ({ exchange: newExchange({ inputs: context.inputs, from: 'reserved' }) })),
        },
      ],
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
      ...(exchange({ done: '#melt.fenced', spent: '#melt.outrun', refused: '#melt.blocked' }) as object),
    },
    /** The fence found inputs spent, and nothing of ours signed: the melt won. */
    outrun: { always: { target: 'checking', actions: assign({ exchange: null }) } },
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
            target: 'changePending',
            actions: {
              type: 'tx',
              params: ({ context: { id, inputs } }) => spend(id, inputs, 'reserved'),
            },
          },
        ],
      },
    },
    changePending: {
      tags: ['ended'],
      description: 'Paid. The change is not here yet: asks for it for seven days.',
      meta: { watch: 'change' },
      entry: ['tell', assign({ error: null })],
      on: {
        'change.found': {
          target: 'settlingChange',
          actions: assign(({ event }) => ({ found: { outputs: event.outputs, signatures: event.signatures } })),
        },
      },
      after: {
        changeDeadline: 'lastChange',
      },
    },
    lastChange: {
      tags: ['ended'],
      description: 'Paid. Seven days are over; asks for the change for the last time.',
      invoke: {
        src: 'mint.restore',
        input: ({ context: { mintUrl, blanks } }) => ({
          mintUrl,
          outputs: blanks.map(({ B_, id }) => ({ B_, id, amount: 0 })),
        }),
        onDone: [
          {
            guard: ({ event: { output } }) => output.answer === 'ok' && output.outputs.length > 0,
            target: 'settlingChange',
            actions: assign(({ event: { output } }) =>
              output.answer === 'ok' ? { found: { outputs: output.outputs, signatures: output.signatures } } : {},
            ),
          },
          { guard: ({ context }) => owed(context) > 0, target: 'changeMissing' },
          {
            guard: answered('ok'),
            target: 'paid',
            actions: { type: 'tx', params: ({ context }) => forget(context) },
          },
          // The last question must be answered.
          { target: 'changePending' },
        ],
      },
    },
    settlingChange: {
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
          { target: 'changePending', actions: assign({ found: null }) },
        ],
      },
    },
    changeMissing: {
      tags: ['ended', 'human'],
      description: 'Paid, and the mint owes change that it has not signed in seven days. Goes on asking, seldom.',
      meta: { watch: 'change' },
      on: {
        'change.found': {
          target: 'settlingChange',
          actions: assign(({ event }) => ({ found: { outputs: event.outputs, signatures: event.signatures } })),
        },
      },
    },
    blocked: {
      tags: ['human'],
      description:
        'The mint refuses to be asked, and the payment may still land. Tries again every hour, or when resumed.',
      after: { meltBlocked: { target: 'checking', actions: assign({ exchange: null, tries: 0 }) } },
      on: { resume: { target: 'checking', actions: assign({ exchange: null, tries: 0 }) } },
    },
    quarantined: {
      tags: ['human', 'quarantined'],
      description:
        'The mint says that the payment was not made, and has taken the inputs; everything is kept. Resume asks again.',
      on: { resume: 'checking' },
    },
    paid: {
      type: 'final',
      tags: ['ended'],
      entry: [
        assign(({ context: { inputs, amount, change } }) => ({
          fee: sum(inputs) - amount - change,
          inputs: [],
          blanks: [],
          body: '',
          found: null,
          exchange: null,
          error: null,
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
              ...spend(
                context.id,
                context.inputs.filter((_, at) => context.states[at] === 'SPENT'),
                'reserved',
              ),
              ...release(
                context.id,
                context.inputs.filter((_, at) => context.states[at] !== 'SPENT'),
              ),
              ...forget(context),
            ],
          },
          assign({ error: { code: 'SPENT_ELSEWHERE', detail: 'some of the inputs were spent outside this wallet' } }),
        ],
      },
    },
    /** The payment was not made, and cannot be any more. */
    unpaid: {
      always: {
        target: 'failed',
        actions: [
          { type: 'tx', params: ({ context }) => [...release(context.id, context.inputs), ...forget(context)] },
          assign(({ context }) => ({
            error: context.error ?? { code: 'PAYMENT_FAILED', detail: 'the mint could not pay' },
          })),
        ],
      },
    },
    /** The inputs are spent by ourselves: they cannot pay any more. It cost the input fee. */
    fenced: {
      always: {
        target: 'failed',
        actions: [
          { type: 'tx', params: ({ context }) => forget(context) },
          assign(({ context: { inputs, exchange } }) => ({
            fee: sum(inputs) - sum(exchange!.made),
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
          fee: context.error?.code === 'PAYMENT_FENCED' ? context.fee : 0,
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
        assign({ inputs: [], fee: 0 }),
      ],
    },
  },
})

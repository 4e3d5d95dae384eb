/**
 * Melt (NUT-05, NUT-08, NUT-23): the mint pays an invoice with our proofs. It pays at most once.
 *
 * ```text
 *  quoting ──▶ selecting* ──▶ prepared ──execute──▶ deriving* ──▶ melting ──paid──▶ settling* ──▶ paid
 *   │  ▲          │              │                      ▲           │ anything else      │ ╲ change owed
 *   ▼  │          ▼              ▼                      │           ▼                    │  changePending ──▶ paid
 *  requoting    failed       cancelled                  │        checking ◀── pausing    │
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
 * | quoting, requoting | what is to be paid | asks for a new quote: the lost one is nobody's |
 * | selecting, deriving, settling, settlingChange | nothing of them: the state before | the state before runs again |
 * | prepared | quote, inputs reserved, fees | waits for execute, cancel, or the deadline |
 * | melting | inputs, blank outputs in order, the body | never sends again by itself: asks first |
 * | checking, asking, pausing | the same | asks again |
 * | paymentPending | the same | watches the quote, without a deadline |
 * | fencing | the same, and see the exchange | see the exchange |
 * | changePending | the payment's proof, the blank outputs | asks for the change, for 7 days |
 * | blocked, quarantined | the same, and the mint's last word | waits: for the slow retry, or for a person |
 *
 * PAID wins over everything. Nothing is released but by rule 4: every send answered (or the only one, and seen landed),
 * and after that all inputs unspent and the quote unpaid.
 */
import { assign, emit, setup } from 'xstate'
import { answered, backoff, effect, local, tx, until, type Write } from '../../src/kernel/authoring.ts'
import { release, selectActor, spend, sum, type Failure, type Tag } from './common.ts'
import {
  exchange,
  exchangeActors,
  exchangeDelays,
  newExchange,
  REPLIES,
  type Exchange,
  type InputProof,
  type MadeProof,
  type Place,
  type Replied,
  type Signature,
  type SpentState,
} from './exchange.ts'

export interface MeltInput {
  readonly id: string
  readonly mintUrl: string
  readonly unit: string
  readonly method: string
  /** What is to be paid: an invoice. */
  readonly request: string
  /** The body that asks for a quote. */
  readonly ask: string
  /** The mint gives change (NUT-08). Without it, inputs that come to more than is needed would be a gift. */
  readonly givesChange: boolean
}

/** A melt quote, as far as it concerns us. Amounts in the unit, times in seconds since the Unix epoch. */
export type MeltQuote = {
  readonly quote: string
  readonly amount: number
  readonly feeReserve: number
  readonly expiry: number | null
  readonly unit: string | null
}
export type MeltState = 'UNPAID' | 'PENDING' | 'PAID' | 'UNKNOWN'
/** What the mint says of a payment. */
export type Payment = { readonly state: MeltState; readonly preimage: string | null; readonly change: readonly Signature[] | null }

export interface MeltContext extends MeltInput {
  readonly amount: number
  /** The most that it costs before it is over, and what it has cost after. */
  readonly fee: number
  readonly quoteId: string | null
  readonly quote: MeltQuote | null
  readonly inputs: readonly InputProof[]
  /** What the mint keeps of the inputs (NUT-02). */
  readonly inputFee: number
  /** The blank outputs in order (NUT-08). */
  readonly blanks: readonly { readonly B_: string; readonly id: string }[]
  readonly body: string
  readonly sends: number
  /** Sends of which we know how they were answered. */
  readonly answers: number
  /** The payment was seen under way. */
  readonly landed: boolean
  /** What the mint says of the inputs, in their order. */
  readonly states: readonly SpentState[]
  readonly payment: Payment | null
  /** The quote had expired when the mint was last asked. */
  readonly expired: boolean
  /** The payment was learned from the first answer to the request. */
  readonly firstHand: boolean
  readonly change: number
  /** Blank outputs' signatures, found by asking. */
  readonly found: { readonly outputs: readonly string[]; readonly signatures: readonly Signature[] } | null
  readonly exchange: Exchange | null
  readonly tries: number
  readonly ys: readonly string[]
  readonly error: Failure | null
}

type Settle = Place & { readonly context: Pick<MeltContext, 'inputs' | 'inputFee' | 'quote' | 'payment' | 'blanks' | 'firstHand' | 'found'> }
type Made = { readonly made: readonly MadeProof[]; readonly writes: readonly Write[] }
type Events =
  | { type: 'execute' }
  | { type: 'cancel' }
  | { type: 'resume' }
  | { type: 'payment.news'; state: MeltState }
  | { type: 'change.found'; outputs: readonly string[]; signatures: readonly Signature[] }

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const NEVER_MS = 8_640_000_000_000_000
const MOST_TRIES = 20
const MOST_SENDS = 2

const unspent = ({ states }: MeltContext): boolean => states.every((state) => state === 'UNSPENT')
/** Rule 4: no send can land any more. */
const accounted = ({ sends, answers, landed }: MeltContext): boolean => answers === sends || (sends === 1 && landed)

export const melt = setup({
  types: {} as {
    context: MeltContext
    input: MeltInput
    events: Events
    emitted: { type: 'quote'; operationId: string; mintUrl: string; quoteId: string; state: MeltState }
    tags: Tag
    meta: { watch?: string }
  },
  actors: {
    ...exchangeActors,
    ...selectActor,
    /** POST /v1/melt/quote/{method} (NUT-05). */
    'melt.createQuote': effect<Replied<{ quote: MeltQuote }>, { mintUrl: string; method: string; body: string }>({ answers: REPLIES }), // prettier-ignore
    /** POST /v1/melt/{method} (NUT-05). A replay is not sent: it could be a second payment. */
    'melt.pay': effect<
      | { answer: 'paid'; payment: Payment }
      | { answer: 'pending' }
      | { answer: 'refused'; code: number; detail: string }
      | { answer: 'unknown' }
      | { answer: 'malformed' },
      { mintUrl: string; method: string; body: string }
    >({ answers: ['paid', 'pending', 'refused', 'unknown', 'malformed'] }),
    /** GET /v1/melt/quote/{method}/{quote}. */
    'melt.quote': effect<Replied<{ payment: Payment; expired: boolean }>, { mintUrl: string; method: string; quoteId: string; expiry: number | null }>({ answers: REPLIES }), // prettier-ignore
    /** Makes the blank outputs, and the body. */
    'melt.derive': local<
      { answer: 'ok'; blanks: readonly { B_: string; id: string }[]; body: string; writes: readonly Write[] } | { answer: 'stale' },
      Place & Pick<MeltContext, 'inputs' | 'inputFee' | 'givesChange'> & { readonly quote: MeltQuote }
    >({ answers: ['ok', 'stale'] }),
    /** Unblinds the change, and writes what the payment made of the inputs. */
    'melt.settle': local<({ answer: 'ok' } & Made) | { answer: 'owed' }, Settle>({ answers: ['ok', 'owed'] }),
  },
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
  delays: {
    ...exchangeDelays,
    meltBackoff: backoff<MeltContext>({ firstMs: 1_000, maxMs: 300_000, tries: ({ tries }) => tries }),
    meltBlocked: 60 * MINUTE_MS,
    quotingDeadline: 2 * MINUTE_MS,
    meltDeadline: 10 * MINUTE_MS,
    quoteExpiry: until<MeltContext>(({ quote }) => (quote?.expiry ? quote.expiry * 1000 : NEVER_MS)),
    changeDeadline: 7 * DAY_MS,
  },
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
    quoting: {
      description: 'Asks the mint what the payment would cost.',
      initial: 'requesting',
      after: { quotingDeadline: { target: 'failed', actions: assign({ error: { code: 'MINT_UNREACHABLE', detail: 'no quote in two minutes' } }) } },
      states: {
        requesting: {
          invoke: {
            src: 'melt.createQuote',
            input: ({ context: { mintUrl, method, ask } }) => ({ mintUrl, method, body: ask }),
            onDone: [
              {
                guard: ({ context, event: { output } }) =>
                  output.answer === 'ok' && (output.quote.unit === null || output.quote.unit === context.unit),
                target: '#melt.selecting',
                actions: assign(({ event: { output } }) =>
                  output.answer === 'ok'
                    ? { quote: output.quote, quoteId: output.quote.quote, amount: output.quote.amount, tries: 0 }
                    : {},
                ),
              },
              {
                guard: answered('ok'),
                target: '#melt.failed',
                actions: assign({ error: { code: 'QUOTE_WRONG', detail: 'the quote is not in the unit asked for' } }),
              },
              {
                guard: answered('refused'),
                target: '#melt.failed',
                actions: assign(({ event: { output } }) => ({
                  error: { code: 'REFUSED', detail: output.answer === 'refused' ? output.detail : '' },
                })),
              },
              { target: 'requoting', actions: 'tried' },
            ],
          },
        },
        requoting: {
          description: 'The mint gave no quote that we know of; asks for a new one.',
          after: { meltBackoff: 'requesting' },
          on: { resume: 'requesting' },
        },
      },
    },
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
              output.answer === 'ok' && !givesChange && sum(output.inputs) > output.fee + quote!.amount + quote!.feeReserve,
            target: 'failed',
            actions: assign({ error: { code: 'INEXACT', detail: 'the mint gives no change: swap to amounts that make up amount and fees first' } }),
          },
          {
            guard: answered('ok'),
            target: 'prepared',
            actions: [
              { type: 'tx', params: ({ event: { output } }) => (output.answer === 'ok' ? output.writes : []) },
              assign(({ context, event: { output } }) =>
                output.answer === 'ok'
                  ? { inputs: output.inputs, inputFee: output.fee, fee: output.fee + context.quote!.feeReserve }
                  : {},
              ),
            ],
          },
          {
            target: 'failed',
            actions: assign({ error: { code: 'INSUFFICIENT_FUNDS', detail: 'not enough is spendable for amount and fees' } }),
          },
        ],
      },
    },
    prepared: {
      description: 'Nothing was sent. Waits for execute or cancel, and is cancelled at its deadline or when the quote expires.',
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
              { type: 'tx', params: ({ event: { output } }) => (output.answer === 'ok' ? output.writes : []) },
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
            actions: [{ type: 'tx', params: ({ event: { output } }) => (output.answer === 'ok' ? output.writes : []) }, 'tried'],
          },
          { target: 'waiting', actions: 'tried' },
        ],
      },
      on: { cancel: 'cancelled' },
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
              output.answer === 'paid' ? { payment: output.payment, firstHand: true, answers: context.answers + 1, landed: true } : {},
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
            actions: assign(({ context, event: { output } }) =>
              output.answer === 'ok' ? { states: output.states, landed: context.landed || output.states.includes('PENDING') } : {},
            ),
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
        input: ({ context: { mintUrl, method, quoteId, quote } }) => ({ mintUrl, method, quoteId: quoteId!, expiry: quote!.expiry }),
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
        { guard: ({ context }) => context.payment!.preimage !== null || !unspent(context), target: 'quarantined' },
        { guard: ({ context }) => accounted(context), target: 'unpaid' },
        {
          guard: ({ context }) => !context.landed && context.answers === 0 && context.sends < MOST_SENDS && !context.expired,
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
    fencing: exchange({ done: '#melt.fenced', spent: '#melt.outrun', refused: '#melt.blocked' }),
    /** The fence found inputs spent, and nothing of ours signed: the melt won. */
    outrun: { always: { target: 'checking', actions: assign({ exchange: null }) } },
    settling: {
      tags: ['local'],
      invoke: {
        src: 'melt.settle',
        input: settle,
        onDone: [
          { guard: answered('ok'), target: 'paid', actions: [{ type: 'tx', params: madeWrites }, assign(({ event: { output } }) => settled(output))] },
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
        changeDeadline: [{ guard: ({ context }) => owed(context) > 0, target: 'changeMissing' }, { target: 'paid' }],
      },
    },
    settlingChange: {
      tags: ['local'],
      invoke: {
        src: 'melt.settle',
        input: settle,
        onDone: [
          { guard: answered('ok'), target: 'paid', actions: [{ type: 'tx', params: madeWrites }, assign(({ event: { output } }) => settled(output))] },
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
      description: 'The mint refuses to be asked, and the payment may still land. Tries again every hour, or when resumed.',
      after: { meltBlocked: { target: 'checking', actions: assign({ exchange: null, tries: 0 }) } },
      on: { resume: { target: 'checking', actions: assign({ exchange: null, tries: 0 }) } },
    },
    quarantined: {
      tags: ['human', 'quarantined'],
      description: 'The mint says that the payment was not made, and has taken the inputs; everything is kept. Resume asks again.',
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
    /** The payment was not made, and cannot be any more. */
    unpaid: {
      always: {
        target: 'failed',
        actions: [
          { type: 'tx', params: ({ context }) => [...release(context.id, context.inputs), ...forget(context)] },
          assign(({ context }) => ({ error: context.error ?? { code: 'PAYMENT_FAILED', detail: 'the mint could not pay' } })),
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
              detail: 'the request may have been lost: the inputs were taken back, which proves them unused, and not that the payee was not paid',
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

function settle({ context }: { context: MeltContext }): Settle {
  const { id, mintUrl, unit, inputs, inputFee, quote, payment, blanks, firstHand, found } = context
  return { id, mintUrl, unit, context: { inputs, inputFee, quote, payment, blanks, firstHand, found } }
}

type Settled = { event: { output: ({ answer: 'ok' } & Made) | { answer: 'owed' } } }

function madeWrites({ event: { output } }: Settled): readonly Write[] {
  return output.answer === 'ok' ? output.writes : []
}

function settled(output: Settled['event']['output']): Partial<MeltContext> {
  return output.answer === 'ok' ? { change: sum(output.made), ys: output.made.map(({ Y }) => Y) } : {}
}

/** What the mint owes for certain: beyond amount, fee reserve and input fee. */
function owed({ inputs, inputFee, quote }: MeltContext): number {
  return sum(inputs) - inputFee - quote!.amount - quote!.feeReserve
}

/** The blank outputs will never be signed. */
function forget({ blanks }: MeltContext): Write[] {
  return blanks.map(({ B_ }) => ({ delete: 'outputs', key: [B_] }))
}

/**
 * Mint (NUT-04, NUT-20, NUT-23): a paid quote becomes ecash. It goes on by itself once the quote is paid.
 *
 * ```text
 *  quoting ──▶ unpaid ──paid──▶ deriving* ──▶ minting ──▶ unblinding* ──▶ issued
 *   │  ▲         │ ╲              ▲  ▲           │ any error
 *   ▼  │         │  ╲ cancel      │  │           ▼
 *  requoting     ▼   ▼            │  │         asking ──▶ restoring ──▶ matching* ──▶ issued
 *   │         expired  cancelled ─╯  │           ▲           │            │  │  ╲
 *   ▼            │ paid late ────────╯           ╰─ pausing ◀┴────────────╯  │   blocked, quarantined
 *  failed        ▼ after 7 days                                 refreshing ◀─╯ paid, refused: other outputs
 *              closed
 * ```
 *
 * | crashed in | what is durable | what resume does |
 * |---|---|---|
 * | quoting, requoting | what was asked for, and the quote's key | asks for a new quote: the lost one is nobody's |
 * | importing | the quote's id | asks for the quote |
 * | unpaid | the quote | watches it until it is paid, expires or is cancelled |
 * | expired, cancelled | the quote | watches it for 7 days; paid all the same, it is minted |
 * | deriving, unblinding, matching | nothing of them: the state before | the state before runs again |
 * | minting, retrying | outputs with secrets, the signed body | sends the same body again |
 * | asking, restoring, pausing | the same, and every output set ever sent | asks again |
 * | refreshing, waiting | the same | fetches the keysets again |
 * | blocked, quarantined | the same, and the mint's last word | waits: for the slow retry, or for a person |
 */
import { assign, emit, setup } from 'xstate'
import { answered, backoff, effect, local, tx, until, type Write } from '../../src/kernel/authoring.ts'
import type { Failure, Tag } from './common.ts'
import { exchangeActors, REPLIES, type MadeProof, type OutputSet, type Place, type Replied, type Signature } from './exchange.ts'

export interface MintInput {
  readonly id: string
  readonly mintUrl: string
  readonly unit: string
  readonly amount: number
  readonly method: string
  /** The quote is locked to this key's public half (NUT-20). */
  readonly privateKey: string | null
  /** A quote that exists already; null to ask for one. */
  readonly quoteId: string | null
  /** The body that asks for a quote. */
  readonly ask: string
}

/** A mint quote, as far as it concerns us. Times in seconds since the Unix epoch. */
export type Quote = { readonly quote: string; readonly request: string; readonly expiry: number | null; readonly amount: number | null; readonly unit: string | null }
export type QuoteState = 'UNPAID' | 'PENDING' | 'PAID' | 'ISSUED'

export interface MintContext extends MintInput {
  readonly fee: number
  readonly quote: Quote | null
  /** The quote's state, as the mint last said. */
  readonly quoteState: QuoteState
  /** Every output set ever sent; the last is the one that `body` carries. */
  readonly sets: readonly OutputSet[]
  readonly body: string
  readonly signatures: readonly Signature[]
  readonly restored: { readonly outputs: readonly string[]; readonly signatures: readonly Signature[] } | null
  /** A signature on our outputs was seen while the quote had read as not issued. */
  readonly seenSigned: boolean
  /** The form in which the mint takes the request's signature (NUT-20). */
  readonly form: 'plain' | 'framed'
  readonly refusals: number
  readonly refusal: { readonly code: number; readonly detail: string } | null
  readonly tries: number
  readonly ys: readonly string[]
  readonly error: Failure | null
}

type Job = Place & { readonly context: Pick<MintContext, 'amount' | 'quote' | 'privateKey' | 'form' | 'sets' | 'signatures' | 'restored' | 'quoteState' | 'seenSigned'> }
type Made = { readonly made: readonly MadeProof[]; readonly writes: readonly Write[] }
type QuoteNews = { type: 'quote.news'; state: QuoteState }

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const NEVER_MS = 8_640_000_000_000_000
const MOST_TRIES = 20
const MOST_REFUSALS = 3
/** A quote that stays PENDING with nothing signed for this many questions is stuck at the mint. */
const MOST_PENDING = 8
/** NUT-20: the request's signature does not verify. */
const SIGNATURE_INVALID = 20008

export const mint = setup({
  types: {} as {
    context: MintContext
    input: MintInput
    events: { type: 'cancel' } | { type: 'resume' } | QuoteNews
    emitted: { type: 'quote'; operationId: string; mintUrl: string; quoteId: string; state: QuoteState }
    tags: Tag
    meta: { watch?: string }
  },
  actors: {
    'mint.restore': exchangeActors['mint.restore'],
    'mint.keysets': exchangeActors['mint.keysets'],
    /** POST /v1/mint/quote/{method} (NUT-04, NUT-23). */
    'mint.createQuote': effect<Replied<{ quote: Quote; state: QuoteState }>, { mintUrl: string; method: string; body: string }>({ answers: REPLIES }), // prettier-ignore
    /** GET /v1/mint/quote/{method}/{quote}. */
    'mint.quote': effect<Replied<{ quote: Quote; state: QuoteState }>, { mintUrl: string; method: string; quoteId: string }>({ answers: REPLIES }), // prettier-ignore
    /** POST /v1/mint/{method} (NUT-04, NUT-20). */
    'mint.issue': effect<Replied<{ signatures: readonly Signature[] }>, { mintUrl: string; method: string; body: string }>({ answers: REPLIES }), // prettier-ignore
    'mint.derive': local<
      | { answer: 'ok'; set: OutputSet; body: string; writes: readonly Write[] }
      | { answer: 'stale' }
      | { answer: 'gap' },
      Job
    >({ answers: ['ok', 'stale', 'gap'] }),
    'mint.unblind': local<({ answer: 'ok' } & Made) | { answer: 'wrong' }, Job>({ answers: ['ok', 'wrong'] }),
    'mint.match': local<
      | ({ answer: 'done' } & Made)
      | { answer: 'early' }
      | { answer: 'collision'; sets: readonly OutputSet[]; writes: readonly Write[] }
      | { answer: 'nothing' }
      | { answer: 'partly'; writes: readonly Write[] }
      | { answer: 'wrong' },
      Job
    >({ answers: ['done', 'early', 'collision', 'nothing', 'partly', 'wrong'] }),
  },
  actions: {
    tx,
    tried: assign({ tries: ({ context }) => Math.min(MOST_TRIES, context.tries + 1) }),
    anew: assign({ tries: 0, refusals: 0, refusal: null }),
    tell: emit(({ context: { id, mintUrl, quoteId, quoteState } }) => ({
      type: 'quote' as const,
      operationId: id,
      mintUrl,
      quoteId: quoteId!,
      state: quoteState,
    })),
  },
  guards: {
    paid: ({ event }) => (event as QuoteNews).state !== 'UNPAID',
  },
  delays: {
    mintBackoff: backoff<MintContext>({ firstMs: 1_000, maxMs: 300_000, tries: ({ tries }) => tries }),
    mintBlocked: 60 * MINUTE_MS,
    quotingDeadline: 2 * MINUTE_MS,
    quoteExpiry: until<MintContext>(({ quote }) => (quote?.expiry ? quote.expiry * 1000 : NEVER_MS)),
    lateDeadline: 7 * DAY_MS,
  },
}).createMachine({
  id: 'mint',
  context: ({ input }) => ({
    ...input,
    fee: 0,
    quote: null,
    quoteState: 'UNPAID',
    sets: [],
    body: '',
    signatures: [],
    restored: null,
    seenSigned: false,
    form: 'plain',
    refusals: 0,
    refusal: null,
    tries: 0,
    ys: [],
    error: null,
  }),
  initial: 'asked',
  states: {
    asked: {
      always: [{ guard: ({ context }) => context.quoteId !== null, target: 'importing', actions: { type: 'tx', params: ({ context }) => claim(context) } }, { target: 'quoting' }],
    },
    quoting: {
      description: 'Asks the mint for a quote.',
      initial: 'requesting',
      after: { quotingDeadline: { target: 'failed', actions: assign({ error: { code: 'MINT_UNREACHABLE', detail: 'no quote in two minutes' } }) } },
      states: {
        requesting: {
          invoke: {
            src: 'mint.createQuote',
            input: ({ context: { mintUrl, method, ask } }) => ({ mintUrl, method, body: ask }),
            onDone: [
              {
                guard: ({ context, event: { output } }) => output.answer === 'ok' && fits(context, output.quote),
                target: '#mint.unpaid',
                actions: [
                  assign(({ event: { output } }) =>
                    output.answer === 'ok' ? { quote: output.quote, quoteId: output.quote.quote, quoteState: output.state, tries: 0 } : {},
                  ),
                  { type: 'tx', params: ({ context }) => claim(context) },
                ],
              },
              {
                guard: answered('ok'),
                target: '#mint.failed',
                actions: assign({ error: { code: 'QUOTE_WRONG', detail: 'the quote is not for what was asked' } }),
              },
              {
                guard: answered('refused'),
                target: '#mint.failed',
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
          after: { mintBackoff: 'requesting' },
          on: { resume: 'requesting' },
        },
      },
    },
    importing: {
      description: 'Looks at a quote that was made elsewhere.',
      initial: 'requesting',
      after: { quotingDeadline: { target: 'failed', actions: assign({ error: { code: 'MINT_UNREACHABLE', detail: 'no word of the quote in two minutes' } }) } },
      states: {
        requesting: {
          invoke: {
            src: 'mint.quote',
            input: ({ context: { mintUrl, method, quoteId } }) => ({ mintUrl, method, quoteId: quoteId! }),
            onDone: [
              {
                guard: ({ event: { output } }) => output.answer === 'ok' && output.state === 'ISSUED',
                target: '#mint.failed',
                actions: assign({ error: { code: 'ALREADY_ISSUED', detail: 'the quote was issued, and not to this wallet' } }),
              },
              {
                guard: ({ context, event: { output } }) => output.answer === 'ok' && fits(context, output.quote),
                target: '#mint.unpaid',
                actions: assign(({ event: { output } }) => (output.answer === 'ok' ? { quote: output.quote, quoteState: output.state, tries: 0 } : {})),
              },
              {
                guard: answered('ok'),
                target: '#mint.failed',
                actions: assign({ error: { code: 'QUOTE_WRONG', detail: 'the quote is not for what was asked' } }),
              },
              {
                guard: answered('refused'),
                target: '#mint.failed',
                actions: assign(({ event: { output } }) => ({
                  error: { code: 'REFUSED', detail: output.answer === 'refused' ? output.detail : '' },
                })),
              },
              { target: 'repeating', actions: 'tried' },
            ],
          },
        },
        repeating: {
          after: { mintBackoff: 'requesting' },
          on: { resume: 'requesting' },
        },
      },
    },
    unpaid: {
      description: 'Waits for the quote’s request to be paid.',
      meta: { watch: 'quote' },
      entry: 'tell',
      on: {
        'quote.news': { guard: 'paid', target: 'deriving', actions: [assign(({ event }) => ({ quoteState: event.state })), 'tell'] },
        cancel: 'cancelled',
      },
      after: { quoteExpiry: 'expired' },
    },
    expired: {
      tags: ['ended', 'failed'],
      description: 'The quote expired unpaid. Looks at it for seven days: should it be paid after all, it is minted.',
      meta: { watch: 'late' },
      entry: assign({ error: { code: 'QUOTE_EXPIRED', detail: 'the quote expired before it was paid' } }),
      on: { 'quote.news': { guard: 'paid', target: 'deriving', actions: assign(({ event }) => ({ quoteState: event.state, error: null })) } },
      after: { lateDeadline: 'closed' },
    },
    cancelled: {
      tags: ['ended', 'failed'],
      description: 'Cancelled. Looks at the quote for seven days: should it be paid after all, it is minted.',
      meta: { watch: 'late' },
      entry: assign({ error: { code: 'CANCELLED', detail: 'cancelled before it was paid' } }),
      on: { 'quote.news': { guard: 'paid', target: 'deriving', actions: assign(({ event }) => ({ quoteState: event.state, error: null })) } },
      after: { lateDeadline: 'closed' },
    },
    deriving: {
      tags: ['local'],
      invoke: {
        src: 'mint.derive',
        input: job,
        onDone: [
          {
            guard: answered('ok'),
            target: 'minting',
            actions: [
              { type: 'tx', params: ({ event: { output } }) => (output.answer === 'ok' ? output.writes : []) },
              assign(({ context, event: { output } }) =>
                output.answer === 'ok' ? { sets: [...context.sets, output.set], body: output.body, tries: 0 } : {},
              ),
            ],
          },
          { guard: ({ context, event: { output } }) => output.answer === 'stale' && context.tries === 0, target: 'refreshing' },
          { guard: answered('stale'), target: 'waiting' },
          { target: 'blocked' },
        ],
      },
    },
    minting: {
      description: 'The request for signatures is on its way to the mint.',
      invoke: {
        src: 'mint.issue',
        input: ({ context: { mintUrl, method, body } }) => ({ mintUrl, method, body }),
        onDone: [
          {
            guard: answered('ok'),
            target: 'unblinding',
            actions: assign(({ event: { output } }) => ({ signatures: output.answer === 'ok' ? output.signatures : [] })),
          },
          { guard: answered('unknown'), target: 'retrying', actions: 'tried' },
          {
            guard: answered('refused'),
            target: 'asking',
            actions: assign(({ context, event: { output } }) =>
              output.answer === 'refused'
                ? {
                    refusal: { code: output.code, detail: output.detail },
                    refusals: context.refusals + 1,
                    form: output.code === SIGNATURE_INVALID && context.form === 'plain' ? 'framed' : context.form,
                  }
                : {},
            ),
          },
          { target: 'asking', actions: assign({ refusal: null }) },
        ],
      },
    },
    retrying: {
      description: 'The mint did not answer; the same request goes out again.',
      after: { mintBackoff: 'minting' },
      on: { resume: 'minting' },
    },
    unblinding: {
      tags: ['local'],
      invoke: {
        src: 'mint.unblind',
        input: job,
        onDone: [
          {
            guard: answered('ok'),
            target: 'issued',
            actions: [
              { type: 'tx', params: ({ event: { output } }) => (output.answer === 'ok' ? output.writes : []) },
              assign(({ event: { output } }) => ({ ys: output.answer === 'ok' ? output.made.map(({ Y }) => Y) : [] })),
            ],
          },
          { target: 'asking', actions: assign({ signatures: [] }) },
        ],
      },
    },
    asking: {
      description: 'Asks the mint what became of the quote.',
      invoke: {
        src: 'mint.quote',
        input: ({ context: { mintUrl, method, quoteId } }) => ({ mintUrl, method, quoteId: quoteId! }),
        onDone: [
          {
            guard: answered('ok'),
            target: 'restoring',
            actions: assign(({ event: { output } }) => (output.answer === 'ok' ? { quoteState: output.state } : {})),
          },
          { target: 'pausing', actions: 'tried' },
        ],
      },
    },
    restoring: {
      description: 'Asks the mint which of the outputs it signed.',
      invoke: {
        src: 'mint.restore',
        input: ({ context: { mintUrl, sets } }) => ({
          mintUrl,
          outputs: sets.flatMap(({ keysetId, outputs }) => outputs.map(({ B_, amount }) => ({ B_, amount, id: keysetId }))),
        }),
        onDone: [
          {
            guard: answered('ok'),
            target: 'matching',
            actions: assign(({ event: { output } }) =>
              output.answer === 'ok' ? { restored: { outputs: output.outputs, signatures: output.signatures } } : {},
            ),
          },
          { guard: answered('refused'), target: 'blocked', actions: 'tried' },
          { target: 'pausing', actions: 'tried' },
        ],
      },
    },
    matching: {
      tags: ['local'],
      invoke: {
        src: 'mint.match',
        input: job,
        onDone: [
          {
            guard: answered('done'),
            target: 'issued',
            actions: [
              { type: 'tx', params: ({ event: { output } }) => (output.answer === 'done' ? output.writes : []) },
              assign(({ event: { output } }) => ({ ys: output.answer === 'done' ? output.made.map(({ Y }) => Y) : [] })),
            ],
          },
          { guard: answered('early'), target: 'asking', actions: assign({ seenSigned: true, restored: null }) },
          {
            guard: answered('collision'),
            target: 'refreshing',
            actions: [
              { type: 'tx', params: ({ event: { output } }) => (output.answer === 'collision' ? output.writes : []) },
              assign(({ event: { output } }) => (output.answer === 'collision' ? { sets: output.sets } : {})),
              assign({ seenSigned: false, restored: null, refusals: 0, refusal: null, tries: 0 }),
            ],
          },
          {
            guard: answered('partly'),
            target: 'pausing',
            actions: [
              { type: 'tx', params: ({ event: { output } }) => (output.answer === 'partly' ? output.writes : []) },
              'tried',
              assign({ restored: null }),
            ],
          },
          { guard: answered('wrong'), target: 'quarantined', actions: assign({ restored: null }) },
          // Nothing of ours is signed. What that means is the quote's to say, which was read before.
          {
            guard: ({ context }) => context.quoteState === 'UNPAID',
            target: 'unpaid',
            actions: assign({ restored: null, refusals: 0, refusal: null }),
          },
          { guard: ({ context }) => context.quoteState === 'ISSUED', target: 'quarantined', actions: assign({ restored: null }) },
          {
            guard: ({ context }) => context.quoteState === 'PENDING' && context.tries < MOST_PENDING,
            target: 'pausing',
            actions: ['tried', assign({ restored: null })],
          },
          {
            guard: ({ context }) => context.quoteState === 'PENDING' || context.refusals >= MOST_REFUSALS,
            target: 'blocked',
            actions: assign({ restored: null }),
          },
          { guard: ({ context }) => context.refusal !== null, target: 'refreshing', actions: assign({ restored: null }) },
          { target: 'retrying', actions: ['tried', assign({ restored: null })] },
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
    },
    waiting: {
      description: 'The keysets could not be fetched; asks again.',
      after: { mintBackoff: 'refreshing' },
      on: { resume: 'refreshing' },
    },
    pausing: {
      description: 'The mint gave no clear answer yet; asks again.',
      after: { mintBackoff: 'asking' },
      on: { resume: 'asking' },
    },
    blocked: {
      tags: ['human'],
      description: 'The quote is paid, and the mint does not issue. Tries again every hour, or when resumed.',
      after: { mintBlocked: { target: 'asking', actions: 'anew' } },
      on: { resume: { target: 'asking', actions: 'anew' } },
    },
    quarantined: {
      tags: ['human', 'quarantined'],
      description: 'The mint says that the quote is issued, and has nothing of ours; everything is kept. Resume asks again.',
      on: { resume: { target: 'asking', actions: 'anew' } },
    },
    issued: {
      type: 'final',
      tags: ['ended'],
      entry: [
        { type: 'tx', params: ({ context }) => unclaim(context) },
        assign({ quoteState: 'ISSUED', sets: [], body: '', signatures: [], restored: null, privateKey: null }),
        'tell',
      ],
    },
    closed: {
      type: 'final',
      tags: ['ended', 'failed'],
      entry: { type: 'tx', params: ({ context }) => unclaim(context) },
    },
    failed: {
      type: 'final',
      tags: ['ended', 'failed'],
      entry: { type: 'tx', params: ({ context }) => (context.quoteId === null ? [] : unclaim(context)) },
    },
  },
})

function job({ context }: { context: MintContext }): Job {
  const { id, mintUrl, unit, amount, quote, privateKey, form, sets, signatures, restored, quoteState, seenSigned } = context
  return { id, mintUrl, unit, context: { amount, quote, privateKey, form, sets, signatures, restored, quoteState, seenSigned } }
}

/** Whether a quote is for what was asked; an importer may leave the amount open (0). */
function fits({ amount, unit }: MintInput, quote: Quote): boolean {
  return (quote.amount === null || quote.amount === amount) && (quote.unit === null || quote.unit === unit)
}

/** At most one live operation holds a quote; the store sees to it. */
function claim({ mintUrl, quoteId, id }: MintContext): Write[] {
  return [{ put: 'quoteClaims', row: { mintUrl, quoteId, operationId: id }, if: 'absent' }]
}

function unclaim({ mintUrl, quoteId, id }: MintContext): Write[] {
  return [{ delete: 'quoteClaims', key: [mintUrl, quoteId!], if: { operationId: id } }]
}

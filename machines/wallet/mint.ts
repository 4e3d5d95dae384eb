/**
 * Mint (NUT-04, NUT-20, NUT-23): a paid quote becomes ecash. It goes on by itself once the quote is paid.
 *
 * ```text
 *  quoting ──▶ unpaid ──paid──▶ deriving* ──▶ minting ──▶ unblinding* ──▶ issued
 *   │            │ ╲              ▲  ▲           │ any error
 *   ▼            │  ╲ cancel      │  │           ▼
 *  failed        ▼   ▼            │  │         asking ──▶ restoring ──▶ matching* ──▶ issued
 *             expired  cancelled ─╯  │           ▲           │            │  │  ╲
 *                │ paid late ────────╯           ╰─ pausing ◀┴────────────╯  │   blocked, quarantined
 *                ▼ after 7 days                                 refreshing ◀─╯ paid, refused: other outputs
 *              closed
 * ```
 *
 * | crashed in | what is durable | what resume does |
 * |---|---|---|
 * | quoting, requesting, repeating | what was asked for, and the quote's key | asks for a new quote: the lost one is nobody's |
 * | importing, requesting, repeating | the quote's id | asks for the quote |
 * | unpaid | the quote | watches it until it is paid, expires or is cancelled |
 * | closing, lingering | the quote | looks at it once more, then expires |
 * | parting, leaving | the quote | looks at it for the last time |
 * | expired, cancelled | the quote | watches it for 7 days; paid all the same, it is minted |
 * | deriving, unblinding, matching | nothing of them: the state before | the state before runs again |
 * | minting, retrying | outputs with secrets, the signed body | sends the same body again |
 * | asking, restoring, pausing | the same, and every output set ever sent | asks again |
 * | refreshing, waiting | the same | fetches the keysets again |
 * | blocked, quarantined | the same, and the mint's last word | waits: for the slow retry, or for a person |
 */
import { quoting } from './quoting.ts'
import { assign, setup, emit } from 'xstate'
import { tx, answered } from '../../src/kernel/authoring.ts'
import { type Tag, write } from './common.ts'
import {
  type MintInput,
  type QuoteState,
  type MintContext,
  type QuoteNews,
  MOST_TRIES,
  MOST_REFUSALS,
  MOST_PENDING,
  SIGNATURE_INVALID,
  mintActors,
  mintDelays,
  job,
  claim,
  unclaim,
  quoteFits,
  quoteKept,
  issuedAlready,
} from './mint-model.ts'

export const mint = setup({
  types: {} as {
    context: MintContext
    input: MintInput
    events: { type: 'cancel' } | { type: 'resume' } | QuoteNews
    emitted: { type: 'quote'; operationId: string; mintUrl: string; quoteId: string; state: QuoteState }
    tags: Tag
    meta: { watch?: string }
  },
  actors: mintActors,
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
  delays: mintDelays,
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
      always: [
        {
          guard: ({ context }) => context.quoteId !== null,
          target: 'importing',
          actions: { type: 'tx', params: ({ context }) => claim(context) },
        },
        { target: 'quoting' },
      ],
    },
    quoting: quoting({
      description: 'Asks the mint for a quote.',
      failed: '#mint.failed',
      quoted: '#mint.unpaid',
      src: 'mint.createQuote',
      input: ({ context: { mintUrl, method, ask } }: { context: MintContext }) => ({ mintUrl, method, body: ask }),
      backoff: 'mintBackoff',
      fits: quoteFits,
      keep: [assign(quoteKept), { type: 'tx', params: ({ context }: { context: MintContext }) => claim(context) }],
    }),
    importing: quoting({
      description: 'Looks at a quote that was made elsewhere.',
      failed: '#mint.failed',
      quoted: '#mint.unpaid',
      src: 'mint.quote',
      input: ({ context: { mintUrl, method, quoteId } }: { context: MintContext }) => ({
        mintUrl,
        method,
        quoteId: quoteId!,
      }),
      backoff: 'mintBackoff',
      unless: [
        { guard: issuedAlready, code: 'ALREADY_ISSUED', detail: 'the quote was issued, and not to this wallet' },
      ],
      fits: quoteFits,
      keep: [assign(quoteKept)],
    }),
    unpaid: {
      description: 'Waits for the quote’s request to be paid.',
      meta: { watch: 'quote' },
      entry: 'tell',
      on: {
        'quote.news': {
          guard: 'paid',
          target: 'deriving',
          actions: [assign(({ event }) => ({ quoteState: event.state })), 'tell'],
        },
        cancel: 'cancelled',
      },
      after: { quoteExpiry: 'closing' },
    },
    closing: {
      description: 'The quote expired. Looks at it once more before saying so.',
      invoke: {
        src: 'mint.quote',
        input: ({ context: { mintUrl, method, quoteId } }) => ({ mintUrl, method, quoteId: quoteId! }),
        onDone: [
          {
            guard: ({ event: { output } }) => output.answer === 'ok' && output.state !== 'UNPAID',
            target: 'deriving',
            actions: [
              assign(({ event: { output } }) => (output.answer === 'ok' ? { quoteState: output.state } : {})),
              'tell',
            ],
          },
          { guard: answered('ok'), target: 'expired' },
          // A refusal in passing says nothing; a mint that keeps refusing has forgotten the quote.
          {
            guard: ({ context, event: { output } }) => output.answer === 'refused' && context.tries >= 3,
            target: 'expired',
          },
          { target: 'lingering', actions: 'tried' },
        ],
      },
    },
    lingering: {
      description: 'The quote expired, and the mint does not say whether it was paid; asks again.',
      after: { mintBackoff: 'closing' },
      on: { resume: 'closing', cancel: 'cancelled' },
    },
    expired: {
      tags: ['ended', 'failed'],
      description: 'The quote expired unpaid. Looks at it for seven days: should it be paid after all, it is minted.',
      meta: { watch: 'late' },
      entry: assign({ error: { code: 'QUOTE_EXPIRED', detail: 'the quote expired before it was paid' } }),
      on: {
        resume: { target: 'closing', actions: assign({ error: null }) },
        'quote.news': {
          guard: 'paid',
          target: 'deriving',
          actions: assign(({ event }) => ({ quoteState: event.state, error: null })),
        },
      },
      after: { lateDeadline: 'parting' },
    },
    cancelled: {
      tags: ['ended', 'failed'],
      description: 'Cancelled. Looks at the quote for seven days: should it be paid after all, it is minted.',
      meta: { watch: 'late' },
      entry: assign({ error: { code: 'CANCELLED', detail: 'cancelled before it was paid' } }),
      on: {
        resume: { target: 'unpaid', actions: assign({ error: null }) },
        'quote.news': {
          guard: 'paid',
          target: 'deriving',
          actions: assign(({ event }) => ({ quoteState: event.state, error: null })),
        },
      },
      after: { lateDeadline: 'parting' },
    },
    parting: {
      tags: ['ended', 'failed'],
      description: 'Seven days are over. Looks at the quote for the last time.',
      invoke: {
        src: 'mint.quote',
        input: ({ context: { mintUrl, method, quoteId } }) => ({ mintUrl, method, quoteId: quoteId! }),
        onDone: [
          {
            guard: ({ event: { output } }) => output.answer === 'ok' && output.state !== 'UNPAID',
            target: 'deriving',
            actions: assign(({ event: { output } }) =>
              output.answer === 'ok' ? { quoteState: output.state, error: null } : {},
            ),
          },
          { guard: answered('ok'), target: 'closed' },
          {
            guard: ({ context, event: { output } }) => output.answer === 'refused' && context.tries >= 3,
            target: 'closed',
          },
          { target: 'leaving', actions: 'tried' },
        ],
      },
    },
    leaving: {
      tags: ['ended', 'failed'],
      description: 'The mint did not answer the last question; asks again.',
      after: { mintBackoff: 'parting' },
      on: { resume: 'parting' },
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
              write,
              assign(({ context, event: { output } }) =>
                output.answer === 'ok'
                  ? {
                      sets: output.again ? context.sets : [...context.sets, output.set],
                      body: output.body,
                      tries: output.again ? context.tries : 0,
                    }
                  : {},
              ),
            ],
          },
          {
            guard: ({ context, event: { output } }) => output.answer === 'stale' && context.tries === 0,
            target: 'refreshing',
          },
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
            actions: assign(({ event: { output } }) => ({
              signatures: output.answer === 'ok' ? output.signatures : [],
            })),
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
              write,
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
          outputs: sets.flatMap(({ keysetId, outputs }) =>
            outputs.map(({ B_, amount }) => ({ B_, amount, id: keysetId })),
          ),
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
              write,
              assign(({ event: { output } }) => ({
                ys: output.answer === 'done' ? output.made.map(({ Y }) => Y) : [],
              })),
            ],
          },
          { guard: answered('early'), target: 'asking', actions: assign({ seenSigned: true, restored: null }) },
          {
            guard: answered('collision'),
            target: 'waiting',
            actions: [
              write,
              assign(({ event: { output } }) => (output.answer === 'collision' ? { sets: output.sets } : {})),
              assign({ seenSigned: false, restored: null, refusals: 0, refusal: null, body: '' }),
              'tried',
            ],
          },
          {
            guard: answered('partly'),
            target: 'pausing',
            actions: [write, 'tried', assign({ restored: null })],
          },
          { guard: answered('wrong'), target: 'quarantined', actions: assign({ restored: null }) },
          // Nothing of ours is signed. What that means is the quote's to say, which was read before.
          {
            guard: ({ context }) => context.quoteState === 'UNPAID',
            target: 'unpaid',
            actions: assign({ restored: null, refusals: 0, refusal: null }),
          },
          {
            guard: ({ context }) => context.quoteState === 'ISSUED',
            target: 'quarantined',
            actions: assign({ restored: null }),
          },
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
          {
            guard: ({ context }) => context.refusal !== null && context.refusals < 2,
            target: 'refreshing',
            actions: assign({ restored: null }),
          },
          // Refused again, or never sent at all: not at once.
          {
            guard: ({ context }) => context.refusal !== null || context.sets.length === 0,
            target: 'waiting',
            actions: ['tried', assign({ restored: null })],
          },
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
            actions: [write, 'tried'],
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
      description:
        'The mint says that the quote is issued, and has nothing of ours; everything is kept. Resume asks again.',
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

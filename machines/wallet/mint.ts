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
import { matched } from './mint-matching.ts'
import { assign, setup, emit } from 'xstate'
import { tx, answered } from '../../src/kernel/define/authoring.ts'
import type { Write } from '../../src/wallet/tables.ts'
import { type Tag, deniedBecause, outputOf, write } from './common.ts'
import { type Refusal } from './exchange-model.ts'
import {
  type MintInput,
  type QuoteState,
  type MintContext,
  type QuoteNews,
  MOST_TRIES,
  asked,
  isForgotten,
  isMeant,
  MOST_UNANSWERED,
  MOST_WAITS,
  mintActors,
  mintDelays,
  job,
  claim,
  unclaim,
  wanted,
  quoteFits,
  quoteFlaw,
  quoteKept,
  issuedAlready,
  lockedElsewhere,
  stateSeen,
  otherForm,
  came,
} from './mint-model.ts'

type Output = { readonly answer: string; readonly meaning?: string; readonly hint?: string }
const isUnsupported = (context: MintContext, output: Output): boolean =>
  output.meaning === 'unsupported' || (output.hint === 'unsupported' && isMeant(context, output))
const refusalOf = ({ code, detail, meaning }: Refusal): Refusal => ({ code, detail, meaning })

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
    tx: tx<Write>,
    tried: assign({ tries: ({ context }) => Math.min(MOST_TRIES, context.tries + 1) }),
    inVain: assign(({ context, event }) => asked(context, outputOf<Output>(event))),
    anew: assign({ tries: 0, denials: 0, refusals: 0, refusal: null, unanswered: 0, rounds: 0 }),
    because: assign({ why: (_, why: string) => why }),
    /** Of questions that the mint refuses, or whose answers make no sense. */
    denied: assign({ why: ({ event }, what: string) => deniedBecause(outputOf<Output>(event), what) }),
    /** Why no outputs can be made. */
    underived: assign({ why: ({ event }) => outputOf<{ detail: string }>(event).detail }),
    goesOn: assign({ why: null }),
    unmatched: assign({ restored: null }),
    seen: assign(stateSeen),
    /** Of the quote alone that says nothing: the mint may answer for it, and refuse the next question. */
    heard: assign({ denials: 0 }),
    unanswered: assign({ unanswered: ({ context }) => context.unanswered + 1, refusal: null }),
    nothingCame: assign({ amount: 0 }),
    reopen: assign({ amount: ({ context }) => context.asked, error: null }),
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
    asked: input.amount,
    fee: 0,
    imported: input.quoteId !== null,
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
    unanswered: 0,
    rounds: 0,
    collisions: 0,
    tries: 0,
    denials: 0,
    why: null,
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
      input: ({ context }: { context: MintContext }) => ({ ...wanted(context), body: context.ask }),
      backoff: 'mintBackoff',
      fits: quoteFits,
      flaw: quoteFlaw,
      keep: [assign(quoteKept), { type: 'tx', params: ({ context }: { context: MintContext }) => claim(context) }],
    }),
    importing: quoting({
      description: 'Looks at a quote that was made elsewhere.',
      failed: '#mint.failed',
      quoted: '#mint.unpaid',
      src: 'mint.quote',
      input: ({ context }: { context: MintContext }) => ({ ...wanted(context), quoteId: context.quoteId! }),
      backoff: 'mintBackoff',
      unless: [
        { guard: issuedAlready, code: 'ALREADY_ISSUED', detail: 'the quote was issued, and not to this wallet' },
        {
          guard: lockedElsewhere,
          code: 'SIGNATURE_REFUSED',
          detail: 'the quote is locked to a key that is not the given one (NUT-20)',
        },
      ],
      fits: quoteFits,
      flaw: quoteFlaw,
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
        input: ({ context }) => ({ ...wanted(context), quoteId: context.quoteId! }),
        onDone: [
          {
            guard: ({ event: { output } }) => output.answer === 'ok' && output.state !== 'UNPAID',
            target: 'deriving',
            actions: ['seen', 'heard', 'tell'],
          },
          { guard: answered('ok'), target: 'expired' },
          { guard: ({ context, event: { output } }) => isForgotten(context, output), target: 'expired' },
          { target: 'lingering', actions: 'inVain' },
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
      entry: [
        'nothingCame',
        assign({ error: { code: 'QUOTE_EXPIRED', detail: 'the quote expired before it was paid' } }),
      ],
      on: {
        resume: { target: 'closing', actions: 'reopen' },
        'quote.news': {
          guard: 'paid',
          target: 'deriving',
          actions: ['reopen', assign(({ event }) => ({ quoteState: event.state }))],
        },
      },
      after: { lateDeadline: 'parting' },
    },
    cancelled: {
      tags: ['ended', 'failed'],
      description: 'Cancelled. Looks at the quote for seven days: should it be paid after all, it is minted.',
      meta: { watch: 'late' },
      entry: ['nothingCame', assign({ error: { code: 'CANCELLED', detail: 'cancelled before it was paid' } })],
      on: {
        resume: { target: 'unpaid', actions: 'reopen' },
        'quote.news': {
          guard: 'paid',
          target: 'deriving',
          actions: ['reopen', assign(({ event }) => ({ quoteState: event.state }))],
        },
      },
      after: { lateDeadline: 'parting' },
    },
    parting: {
      tags: ['ended', 'failed'],
      description: 'Seven days are over. Looks at the quote for the last time.',
      invoke: {
        src: 'mint.quote',
        input: ({ context }) => ({ ...wanted(context), quoteId: context.quoteId! }),
        onDone: [
          {
            guard: ({ event: { output } }) => output.answer === 'ok' && output.state !== 'UNPAID',
            target: 'deriving',
            actions: ['reopen', 'seen', 'heard'],
          },
          { guard: answered('ok'), target: 'closed' },
          { guard: ({ context, event: { output } }) => isForgotten(context, output), target: 'closed' },
          { target: 'leaving', actions: 'inVain' },
        ],
      },
    },
    leaving: {
      tags: ['ended', 'failed'],
      description: 'It is not known whether the quote was paid after all; asks for the last time again.',
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
          // The amounts that we know may be those of an old keyset.
          {
            guard: ({ context, event: { output } }) =>
              (output.answer === 'stale' || output.answer === 'unreachable') && context.tries === 0,
            target: 'refreshing',
          },
          {
            guard: ({ context, event: { output } }) => output.answer === 'stale' && context.tries < MOST_WAITS,
            target: 'waiting',
            actions: 'underived',
          },
          { guard: answered('stale', 'unreachable'), target: 'blocked', actions: 'underived' },
          {
            target: 'blocked',
            actions: {
              type: 'because',
              params: 'too many outputs in a row were made and not signed: a restore would not find more of them',
            },
          },
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
          {
            guard: ({ context, event: { output } }) =>
              output.answer === 'unknown' && output.hint === undefined && context.unanswered + 1 < MOST_UNANSWERED,
            target: 'retrying',
            actions: ['tried', 'unanswered'],
          },
          // A mint may refuse in such a way that it looks like no answer.
          {
            guard: answered('unknown'),
            target: 'pausing',
            actions: ['tried', assign({ unanswered: MOST_UNANSWERED, refusal: null })],
          },
          {
            guard: answered('refused'),
            target: 'asking',
            actions: assign(({ context, event: { output } }) =>
              output.answer === 'refused'
                ? {
                    refusal: refusalOf(output),
                    refusals: context.refusals + 1,
                    form: output.meaning === 'signatureInvalid' ? otherForm(context.form) : context.form,
                  }
                : {},
            ),
          },
          { target: 'asking', actions: 'unanswered' },
        ],
      },
    },
    retrying: {
      description: 'No answer that could be used came to the request to issue; the same request goes out again.',
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
            actions: [write, assign(({ event: { output } }) => (output.answer === 'ok' ? came(output.made) : {}))],
          },
          { target: 'asking', actions: ['unanswered', assign({ signatures: [] })] },
        ],
      },
    },
    asking: {
      description: 'Asks the mint what became of the quote.',
      invoke: {
        src: 'mint.quote',
        input: ({ context }) => ({ ...wanted(context), quoteId: context.quoteId! }),
        onDone: [
          // Nothing of ours was sent: there is nothing to restore.
          {
            guard: ({ context, event: { output } }) => output.answer === 'ok' && context.sets.length === 0,
            target: 'matching',
            actions: ['seen', assign({ restored: { outputs: [], signatures: [] } })],
          },
          { guard: answered('ok'), target: 'restoring', actions: 'seen' },
          {
            guard: ({ context, event: { output } }) => isMeant(context, output),
            target: 'blocked',
            actions: { type: 'denied', params: 'how the quote stands' },
          },
          { target: 'pausing', actions: 'inVain' },
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
              output.answer === 'ok'
                ? { restored: { outputs: output.outputs, signatures: output.signatures }, denials: 0 }
                : {},
            ),
          },
          // Without NUT-09 the quote alone tells. While it is not issued, nothing of ours is signed.
          {
            guard: ({ context, event: { output } }) =>
              isUnsupported(context, output) && context.quoteState !== 'ISSUED',
            target: 'matching',
            actions: assign({ restored: { outputs: [], signatures: [] } }),
          },
          // It was issued, to us most likely: the mint may repeat its answer (NUT-19).
          {
            guard: ({ context, event: { output } }) =>
              isUnsupported(context, output) && context.body !== '' && context.tries < MOST_WAITS,
            target: 'retrying',
            actions: 'inVain',
          },
          {
            guard: ({ context, event: { output } }) => isUnsupported(context, output),
            target: 'blocked',
            actions: { type: 'because', params: 'the mint has issued the quote, its answer was lost, and it restores no signatures (NUT-09)' }, // prettier-ignore
          },
          {
            guard: ({ context, event: { output } }) => isMeant(context, output),
            target: 'blocked',
            actions: { type: 'denied', params: 'which outputs it has signed' },
          },
          { target: 'pausing', actions: 'inVain' },
        ],
      },
    },
    matching: {
      tags: ['local'],
      invoke: {
        src: 'mint.match',
        input: job,
        onDone: matched,
      },
    },
    refreshing: {
      description: 'Fetches the mint’s keysets, for the known ones may not serve.',
      invoke: {
        src: 'mint.keysets',
        input: ({ context: { mintUrl, unit } }) => ({ mintUrl, unit }),
        onDone: [
          { guard: answered('ok'), target: 'deriving', actions: [write, 'tried', 'heard'] },
          {
            guard: ({ context, event: { output } }) => isMeant(context, output),
            target: 'blocked',
            actions: { type: 'denied', params: 'which keysets it has' },
          },
          {
            target: 'waiting',
            actions: ['inVain', { type: 'because', params: 'the mint’s keysets could not be fetched' }],
          },
        ],
      },
    },
    waiting: {
      exit: 'goesOn',
      description: 'Waits, and then fetches the keysets and tries again.',
      after: { mintBackoff: 'refreshing' },
      on: { resume: 'refreshing' },
    },
    pausing: {
      description: 'It is not clear yet how the quote stands and what of it is signed; asks again.',
      after: { mintBackoff: 'asking' },
      on: { resume: 'asking' },
    },
    blocked: {
      exit: 'goesOn',
      tags: ['human'],
      description: 'The ecash of the quote is not here, and why is for a person to look into. Tries again every hour, or when resumed.', // prettier-ignore
      after: { mintBlocked: { target: 'asking', actions: 'anew' } },
      on: { resume: { target: 'asking', actions: 'anew' } },
    },
    quarantined: {
      exit: 'goesOn',
      tags: ['human', 'quarantined'],
      description: 'The mint contradicts itself; everything is kept. Resume asks again.',
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
      entry: [
        'nothingCame',
        { type: 'tx', params: ({ context }) => (context.quoteId === null ? [] : unclaim(context)) },
      ],
    },
  },
})

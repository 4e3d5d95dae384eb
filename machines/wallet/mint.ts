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
 * | closing, lingering | the quote | polls it once more, then expires |
 * | parting, leaving | the quote | polls it for the last time |
 * | expired, cancelled | the quote | watches it for 7 days; paid all the same, it is minted |
 * | deriving, unblinding, matching | nothing of them: the state before | the state before runs again |
 * | minting, retrying | outputs with secrets, the signed body | sends the same body again |
 * | asking, restoring, pausing | the same, and every output set ever sent | asks again |
 * | refreshing, waiting | the same | fetches the keysets again |
 * | blocked, quarantined | the same, and the mint's last word | waits: for the slow retry, or for a person |
 */
import { from, on, write, writes } from '../../src/kernel/define/authoring.ts'
import { deniedBecause, type Failure } from './common.ts'
import { matching } from './mint-matching.ts'
import {
  came,
  claim,
  forget,
  inVain,
  job,
  MOST_UNANSWERED,
  otherForm,
  question,
  quoteFlaw,
  quoteKept,
  unclaim,
  wanted,
  type Kept,
  type Quoted,
} from './mint-model.ts'
import { because, parts } from './mint-setup.ts'
import { quoting, unquoted } from './quoting.ts'

const NOTHING = { outputs: [], signatures: [] }
/** Why no outputs can be made. */
const underived = ({ output: { detail } }: { output: { readonly detail: string } }): Kept => ({ why: detail })
const heardOf = ({ output: { state } }: { output: Quoted }): Kept => ({ quoteState: state, denials: 0 })

const repeating = parts.createStateConfig({ after: { mintBackoff: 'requesting' }, on: { resume: 'requesting' } })

/** Nothing was minted, so far: a quote that may be paid all the same is not lost sight of. */
const unmade = (of: { readonly description: string; readonly error: Failure; readonly resume: 'closing' | 'unpaid' }) =>
  parts.createStateConfig({
    tags: ['ended', 'failed'],
    description: of.description,
    meta: { poll: 'late' },
    entry: ['nothingCame', { type: 'keep', params: { error: of.error } }],
    on: {
      resume: { target: of.resume, actions: 'reopen' },
      'quote.updated': {
        guard: { type: 'isPaid', params: ({ event }) => event },
        target: 'deriving',
        actions: ['reopen', { type: 'keep', params: ({ event }) => ({ quoteState: event.state }) }],
      },
    },
    after: { lateDeadline: 'parting' },
  })

export const mint = parts.createMachine({
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
      always: [{ guard: 'isImported', target: 'importing', actions: writes(claim) }, { target: 'quoting' }],
    },
    quoting: quoting({
      description: 'Asks the mint for a quote.',
      failed: '#mint.failed',
      requesting: parts.createStateConfig({
        invoke: {
          src: 'mint.createQuote',
          input: from((context) => ({ ...wanted(context), body: context.ask })),
          onDone: [
            on({
              answer: 'ok',
              such: 'isFittingAndPaid',
              target: '#mint.deriving',
              keep: quoteKept,
              afterwards: [writes(claim), 'tell'],
            }),
            on({
              answer: 'ok',
              such: 'isFitting',
              target: '#mint.unpaid',
              keep: quoteKept,
              afterwards: writes(claim),
            }),
            ...unquoted('#mint.failed', quoteFlaw),
          ],
        },
      }),
      repeating,
    }),
    importing: quoting({
      description: 'Reads a quote that was made elsewhere.',
      failed: '#mint.failed',
      requesting: parts.createStateConfig({
        invoke: {
          src: 'mint.quote',
          input: from(question),
          onDone: [
            on({
              answer: 'ok',
              such: 'isIssuedAlready',
              target: '#mint.failed',
              keep: { error: { code: 'ALREADY_ISSUED', detail: 'the quote was issued, and not to this wallet' } },
            }),
            on({
              answer: 'ok',
              such: 'isLockedElsewhere',
              target: '#mint.failed',
              keep: {
                error: {
                  code: 'SIGNATURE_REFUSED',
                  detail: 'the quote is locked to a key that is not the given one (NUT-20)',
                },
              },
            }),
            on({
              answer: 'ok',
              such: 'isFittingAndPaid',
              target: '#mint.deriving',
              keep: quoteKept,
              afterwards: 'tell',
            }),
            on({ answer: 'ok', such: 'isFitting', target: '#mint.unpaid', keep: quoteKept }),
            ...unquoted('#mint.failed', quoteFlaw),
          ],
        },
      }),
      repeating,
    }),
    unpaid: {
      description: 'Waits for the quote’s request to be paid.',
      meta: { poll: 'quote' },
      entry: 'tell',
      on: {
        'quote.updated': {
          guard: { type: 'isPaid', params: ({ event }) => event },
          target: 'deriving',
          actions: [{ type: 'keep', params: ({ event }) => ({ quoteState: event.state }) }, 'tell'],
        },
        cancel: 'cancelled',
      },
      after: { quoteExpiry: 'closing' },
    },
    closing: {
      description: 'The quote expired. Asks the mint once more before saying so.',
      invoke: {
        src: 'mint.quote',
        input: from(question),
        onDone: [
          on({ answer: 'ok', such: 'isPaid', target: 'deriving', keep: heardOf, afterwards: 'tell' }),
          on({ answer: 'ok', target: 'expired' }),
          on({ such: 'isForgotten', target: 'expired' }),
          on({ target: 'lingering', keep: inVain }),
        ],
      },
    },
    lingering: {
      description: 'The quote expired, and the mint does not say whether it was paid; asks again.',
      after: { mintBackoff: 'closing' },
      on: { resume: 'closing', cancel: 'cancelled' },
    },
    expired: unmade({
      description: 'The quote expired unpaid. Polls it for seven days, and mints if it is paid after all.',
      error: { code: 'QUOTE_EXPIRED', detail: 'the quote expired before it was paid' },
      resume: 'closing',
    }),
    cancelled: unmade({
      description: 'Cancelled. Polls the quote for seven days, and mints if it is paid after all.',
      error: { code: 'CANCELLED', detail: 'cancelled before it was paid' },
      resume: 'unpaid',
    }),
    parting: {
      tags: ['ended', 'failed'],
      description: 'Seven days are over. Polls the quote for the last time.',
      invoke: {
        src: 'mint.quote',
        input: from(question),
        onDone: [
          on({ answer: 'ok', such: 'isPaid', target: 'deriving', actions: 'reopen', keep: heardOf }),
          on({ answer: 'ok', target: 'closed' }),
          on({ such: 'isForgotten', target: 'closed' }),
          on({ target: 'leaving', keep: inVain }),
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
        input: from(job),
        onDone: [
          on({
            answer: 'ok',
            target: 'minting',
            actions: write,
            keep: ({ context: { sets, tries }, output: { again, set, body } }) => ({
              sets: again ? sets : [...sets, set],
              body,
              tries: again ? tries : 0,
            }),
          }),
          // The amounts that we know may be those of an old keyset.
          on({ answer: ['stale', 'unreachable'], if: 'isFirstTry', target: 'refreshing' }),
          on({ answer: 'stale', if: 'isEarlyTry', target: 'waiting', keep: underived }),
          on({ answer: ['stale', 'unreachable'], target: 'blocked', keep: underived }),
          on({
            target: 'blocked',
            actions: because(
              'too many outputs in a row were made and not signed: a restore would not find more of them',
            ),
          }),
        ],
      },
    },
    minting: {
      description: 'The request for signatures is on its way to the mint.',
      invoke: {
        src: 'mint.issue',
        input: from(({ mintUrl, method, body }) => ({ mintUrl, method, body })),
        onDone: [
          on({ answer: 'ok', target: 'unblinding', keep: ({ output: { signatures } }) => ({ signatures }) }),
          on({ answer: 'unknown', such: 'isSilent', target: 'retrying', actions: ['tried', 'unanswered'] }),
          // Some refusals look like no answer.
          on({
            answer: 'unknown',
            target: 'pausing',
            actions: 'tried',
            keep: { unanswered: MOST_UNANSWERED, refusal: null },
          }),
          on({
            answer: 'refused',
            target: 'asking',
            keep: ({ context: { refusals, form }, output: { code, detail, meaning } }) => ({
              refusal: { code, detail, meaning },
              refusals: refusals + 1,
              form: meaning === 'signatureInvalid' ? otherForm(form) : form,
            }),
          }),
          on({ target: 'asking', actions: 'unanswered' }),
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
        input: from(job),
        onDone: [
          on({ answer: 'ok', target: 'issued', actions: write, keep: ({ output: { made } }) => came(made) }),
          on({ target: 'asking', actions: 'unanswered', keep: { signatures: [] } }),
        ],
      },
    },
    asking: {
      description: 'Asks the mint what became of the quote.',
      invoke: {
        src: 'mint.quote',
        input: from(question),
        onDone: [
          // Nothing of ours was sent: there is nothing to restore.
          on({
            answer: 'ok',
            if: 'isUnsent',
            target: 'matching',
            keep: ({ output: { state } }) => ({ quoteState: state, restored: NOTHING }),
          }),
          // Of the quote alone that says nothing: the mint may answer for it, and refuse the next question.
          on({ answer: 'ok', target: 'restoring', keep: ({ output: { state } }) => ({ quoteState: state }) }),
          on({
            such: 'isMeant',
            target: 'blocked',
            keep: ({ output }) => ({ why: deniedBecause(output, 'how the quote stands') }),
          }),
          on({ target: 'pausing', keep: inVain }),
        ],
      },
    },
    restoring: {
      description: 'Asks the mint which of the outputs it signed.',
      invoke: {
        src: 'mint.restore',
        input: from(({ mintUrl, sets }) => ({
          mintUrl,
          outputs: sets.flatMap(({ keysetId, outputs }) =>
            outputs.map(({ B_, amount }) => ({ B_, amount, id: keysetId })),
          ),
        })),
        onDone: [
          on({
            answer: 'ok',
            target: 'matching',
            keep: ({ output: { outputs, signatures } }) => ({ restored: { outputs, signatures }, denials: 0 }),
          }),
          // Without NUT-09 only the quote shows it. While the quote is not issued, nothing of ours is signed.
          on({ such: 'isUnsupportedUnissued', target: 'matching', keep: { restored: NOTHING } }),
          // It was issued, to us most likely: the mint may repeat its answer (NUT-19).
          on({ such: 'isUnsupportedAtFirst', target: 'retrying', keep: inVain }),
          on({
            such: 'isUnsupported',
            target: 'blocked',
            actions: because(
              'the mint has issued the quote, its answer was lost, and it restores no signatures (NUT-09)',
            ),
          }),
          on({
            such: 'isMeant',
            target: 'blocked',
            keep: ({ output }) => ({ why: deniedBecause(output, 'which outputs it has signed') }),
          }),
          on({ target: 'pausing', keep: inVain }),
        ],
      },
    },
    matching,
    refreshing: {
      description: 'Fetches the mint’s keysets, for the known ones may not serve.',
      invoke: {
        src: 'mint.keysets',
        input: from(({ mintUrl, unit }) => ({ mintUrl, unit })),
        onDone: [
          on({ answer: 'ok', target: 'deriving', actions: [write, 'tried', 'heard'] }),
          on({
            such: 'isMeant',
            target: 'blocked',
            keep: ({ output }) => ({ why: deniedBecause(output, 'which keysets it has') }),
          }),
          on({ target: 'waiting', actions: because('the mint’s keysets could not be fetched'), keep: inVain }),
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
      description: 'The ecash of the quote is missing, and a person has to find out why. Tries again every hour, or when resumed.', // prettier-ignore
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
        writes(unclaim),
        {
          type: 'keep',
          params: { quoteState: 'ISSUED', sets: [], body: '', signatures: [], restored: null, privateKey: null },
        },
        'tell',
      ],
    },
    closed: {
      type: 'final',
      tags: ['ended', 'failed'],
      // Outputs that were sent while it was said to be paid; should they be signed after all, a restore finds them.
      entry: writes((context) => [...unclaim(context), ...forget(context)]),
    },
    failed: {
      type: 'final',
      tags: ['ended', 'failed'],
      entry: ['nothingCame', writes(unclaim)],
    },
  },
})

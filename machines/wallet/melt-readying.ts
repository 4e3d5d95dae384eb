/**
 * What a melt does between its caller's word and the request: blank outputs for the change (NUT-08), and the body. Nothing
 * that was sent can land while it is in here, so that it can be given up at any time, and is where nothing comes of it.
 *
 * ```text
 *  ──▶ deriving* ──▶ (melting)
 *        ▲   │ no usable keyset          fetched, and none is active
 *        │   ▼                                    ▼
 *      refreshing ──▶ waiting               changeless ──forgo──▶ deriving*, without blank outputs
 *        ▲                │                       │
 *        ╰────────────────┴──────── crowded ◀─────╯ (too many outputs wait for signatures)
 * ```
 *
 * After an hour, or when the quote expires, it ends as cancelled, with what it waited for as the reason.
 */
import { from, keeps, on, write } from '../../src/kernel/define/authoring.ts'
import { sum } from './common.ts'
import { quoteOf, type Kept, type MeltContext } from './melt-model.ts'
import { parts } from './melt-setup.ts'

const waitsFor = (code: string, detail: string): Kept => ({ error: { code, detail } })
const byPerson = {
  target: '#melt.cancelled',
  actions: { type: 'keep', params: { givenUp: true, error: null } },
} as const

export const readying = parts.createStateConfig({
  initial: 'deriving',
  after: { readyDeadline: '#melt.cancelled', quoteExpiry: '#melt.cancelled' },
  states: {
    deriving: {
      tags: ['local'],
      invoke: {
        src: 'melt.derive',
        input: from((context) => {
          const { id, mintUrl, unit, inputs, inputFee, givesChange, sends } = context
          return { id, mintUrl, unit, quote: quoteOf(context), inputs, inputFee, givesChange, sends }
        }),
        onDone: [
          on({
            answer: 'ok',
            target: '#melt.melting',
            actions: write,
            keep: ({ context, output: { blanks, body } }) => ({
              blanks,
              body,
              sends: context.sends + 1,
              tries: 0,
              error: null,
              refusal: null,
            }),
          }),
          on({
            answer: 'gap',
            target: 'crowded',
            keep: waitsFor('TOO_MANY_UNSIGNED', 'too many outputs wait for the mint’s signatures to make more'),
          }),
          on({ if: 'isFirstTry', target: 'refreshing' }),
          on({
            target: 'changeless',
            keep: waitsFor('NO_ACTIVE_KEYSET', 'the mint has no active keyset, so that it could sign no change'),
          }),
        ],
      },
    },
    refreshing: {
      description: 'Fetches the mint’s keysets, for the known ones do not serve. Nothing is under way.',
      invoke: {
        src: 'mint.keysets',
        input: from(({ mintUrl, unit }) => ({ mintUrl, unit })),
        onDone: [
          on({ answer: 'ok', target: 'deriving', actions: [write, 'tried'] }),
          on({
            target: 'waiting',
            actions: 'tried',
            keep: waitsFor('MINT_UNREACHABLE', 'the mint’s keysets could not be fetched'),
          }),
        ],
      },
    },
    waiting: {
      description:
        'The mint’s keysets could not be fetched, and nothing is under way; asks again, and ends after an hour.',
      after: { meltBackoff: 'refreshing' },
      on: { resume: 'refreshing', cancel: byPerson },
    },
    changeless: {
      tags: ['human'],
      description:
        'The mint has no active keyset: it could sign no change. Nothing is under way. Asks again, and ends after an hour; a person may pay without change, or cancel.',
      after: { meltBackoff: 'refreshing' },
      on: {
        resume: 'refreshing',
        cancel: byPerson,
        forgo: {
          target: 'deriving',
          actions: keeps(({ inputs, amount }: MeltContext) => ({ givesChange: false, fee: sum(inputs) - amount })),
        },
      },
    },
    crowded: {
      tags: ['human'],
      description:
        'Too many outputs wait for the mint’s signatures: a restore from the seed might miss more of them. Nothing is under way. Tries again, and ends after an hour; any swap makes room.',
      after: { meltBackoff: { target: 'deriving', actions: 'tried' } },
      on: { resume: 'deriving', cancel: byPerson },
    },
  },
})

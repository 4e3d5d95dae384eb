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
import { assign } from 'xstate'
import { answered } from '../../src/kernel/define/authoring.ts'
import { sum, write } from './common.ts'
import type { Derived, MeltContext } from './melt-model.ts'

// A part of the melt chart in a file of its own: XState's types know a chart only as a whole.
type Loose = never
type Done = { context: MeltContext; event: { output: Derived } }

const set = (by: (args: never) => Partial<MeltContext>): Loose => assign(by as Loose) as Loose
const waitsFor = (code: string, detail: string): Loose => assign({ error: { code, detail } }) as Loose
const byPerson = { target: '#melt.cancelled', actions: assign({ givenUp: true, error: null }) as Loose }

export const readying: Loose = {
  initial: 'deriving',
  after: { readyDeadline: '#melt.cancelled', quoteExpiry: '#melt.cancelled' },
  states: {
    deriving: {
      tags: ['local'],
      invoke: {
        src: 'melt.derive',
        input: ({ context: { id, mintUrl, unit, quote, inputs, inputFee, givesChange, sends } }: Done) => ({
          id,
          mintUrl,
          unit,
          quote,
          inputs,
          inputFee,
          givesChange,
          sends,
        }),
        onDone: [
          {
            guard: answered('ok') as Loose,
            target: '#melt.melting',
            actions: [
              write,
              set(({ context, event: { output } }: Done) =>
                output.answer === 'ok'
                  ? {
                      blanks: output.blanks,
                      body: output.body,
                      sends: context.sends + 1,
                      tries: 0,
                      error: null,
                      refusal: null,
                    }
                  : {},
              ),
            ],
          },
          {
            guard: answered('gap') as Loose,
            target: 'crowded',
            actions: waitsFor('TOO_MANY_UNSIGNED', 'too many outputs wait for the mint’s signatures to make more'),
          },
          { guard: (({ context }: Done) => context.tries === 0) as Loose, target: 'refreshing' },
          {
            target: 'changeless',
            actions: waitsFor('NO_ACTIVE_KEYSET', 'the mint has no active keyset, so that it could sign no change'),
          },
        ],
      },
    },
    refreshing: {
      description: 'Fetches the mint’s keysets, for the known ones do not serve. Nothing is under way.',
      invoke: {
        src: 'mint.keysets',
        input: ({ context: { mintUrl, unit } }: Done) => ({ mintUrl, unit }),
        onDone: [
          { guard: answered('ok') as Loose, target: 'deriving', actions: [write, 'tried'] },
          {
            target: 'waiting',
            actions: ['tried', waitsFor('MINT_UNREACHABLE', 'the mint’s keysets could not be fetched')],
          },
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
          actions: set(({ context: { inputs, amount } }: Done) => ({
            givesChange: false,
            fee: sum(inputs) - amount,
          })),
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
} as Loose

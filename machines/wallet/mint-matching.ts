/** What comes of a paid quote once the mint has said how it stands and what it has signed: the mint chart's decisions. */
import { assign } from 'xstate'
import { answered } from '../../src/kernel/define/authoring.ts'
import { write } from './common.ts'
import type { MadeProof, OutputSet } from './exchange-model.ts'
import {
  came,
  forget,
  MOST_PENDING,
  MOST_REFUSALS,
  MOST_ROUNDS,
  MOST_UNANSWERED,
  MOST_WAITS,
  signatureRefused,
  type MintContext,
} from './mint-model.ts'

type Done = {
  context: MintContext
  event: { output: { answer: string; made?: readonly MadeProof[]; sets?: readonly OutputSet[] } }
}

// The transitions are the mint chart's, whose types cannot be had without the chart.
type Loose = never
const is = answered as (...answers: string[]) => (args: Done) => boolean

const change = (by: (args: Done) => Partial<MintContext>): object => assign(by as Loose)
/** Why it waits; for people. */
const because = (params: string | ((args: Done) => string)): object => ({ type: 'because', params })

/** The transitions from `matching`, tried in order. */
export const matched = [
  {
    guard: is('done'),
    target: 'issued',
    actions: [write, change(({ event: { output } }) => came(output.made ?? []))],
  },
  { guard: is('early'), target: 'asking', actions: assign({ seenSigned: true, restored: null }) },
  {
    guard: is('collision'),
    target: 'waiting',
    actions: [
      write,
      change(({ context, event: { output } }) => ({ sets: output.sets ?? [], collisions: context.collisions + 1 })),
      assign({ seenSigned: false, restored: null, refusals: 0, refusal: null, body: '' }),
      'tried',
      because('another device with the same seed has used the counters'),
    ],
  },
  {
    guard: ({ context, event: { output } }: Done) => output.answer === 'partly' && context.tries < MOST_WAITS,
    target: 'pausing',
    actions: [write, 'tried', 'unmatched'],
  },
  {
    guard: is('partly'),
    target: 'blocked',
    actions: [write, 'unmatched', because('the mint shows some of the signatures only')], // prettier-ignore
  },
  {
    guard: is('wrong'),
    target: 'quarantined',
    actions: ['unmatched', because('the signatures that the mint shows do not verify')], // prettier-ignore
  },
  // Nothing of ours is signed. What that means is the quote's to say, which was read before.
  {
    guard: ({ context }: Done) => context.quoteState === 'UNPAID',
    target: 'unpaid',
    actions: ['unmatched', 'anew'],
  },
  {
    guard: ({ context }: Done) => context.quoteState === 'ISSUED',
    target: 'quarantined',
    actions: ['unmatched', because('the mint says that the quote is issued, and has signed nothing of ours')], // prettier-ignore
  },
  {
    guard: ({ context }: Done) => context.quoteState === 'PENDING' && context.tries < MOST_PENDING,
    target: 'pausing',
    actions: ['tried', 'unmatched'],
  },
  {
    guard: ({ context }: Done) => context.quoteState === 'PENDING',
    target: 'blocked',
    actions: ['unmatched', because('the mint keeps saying that it is issuing the quote, and has signed nothing')], // prettier-ignore
  },
  // A quote of others, with a key that is not its own: whoever has the right one may try.
  {
    guard: ({ context }: Done) => context.imported && signatureRefused(context),
    target: 'failed',
    actions: [
      { type: 'tx', params: ({ context }: Done) => forget(context) },
      assign({
        restored: null,
        sets: [],
        body: '',
        error: {
          code: 'SIGNATURE_REFUSED',
          detail: 'the mint refuses the signature: the quote is locked to another key (NUT-20)',
        },
      }),
    ],
  },
  {
    guard: ({ context }: Done) => context.refusals >= MOST_REFUSALS,
    target: 'blocked',
    actions: [
      'unmatched',
      because(({ context }) => `the quote is paid, and the mint refuses to issue it: ${context.refusal?.detail || 'it gives no reason'}`), // prettier-ignore
    ],
  },
  {
    guard: ({ context }: Done) => context.refusal !== null && context.refusals < 2,
    target: 'refreshing',
    actions: 'unmatched',
  },
  {
    guard: ({ context }: Done) => context.refusal !== null,
    target: 'waiting',
    actions: ['tried', 'unmatched', because('the mint refused to issue the quote')], // prettier-ignore
  },
  {
    guard: ({ context }: Done) => context.sets.length === 0,
    target: 'deriving',
    actions: 'unmatched',
  },
  {
    guard: ({ context }: Done) => context.unanswered < MOST_UNANSWERED,
    target: 'retrying',
    actions: ['tried', 'unmatched'],
  },
  {
    guard: ({ context }: Done) => context.rounds >= MOST_ROUNDS,
    target: 'blocked',
    actions: ['unmatched', because('the mint answers every question, and never the request to issue')],
  },
  // It may be the keyset that it stumbles over.
  {
    target: 'refreshing',
    actions: change(({ context }) => ({ restored: null, unanswered: 0, rounds: context.rounds + 1 })),
  },
] as unknown as Loose

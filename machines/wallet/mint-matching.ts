/** What comes of a paid quote once the mint has said how it stands and what it has signed: the mint chart's decisions. */
import { from, on, write, writes } from '../../src/kernel/define/authoring.ts'
import { came, forget, job } from './mint-model.ts'
import { because, parts } from './mint-setup.ts'

export const matching = parts.createStateConfig({
  tags: ['local'],
  invoke: {
    src: 'mint.match',
    input: from(job),
    onDone: [
      on({ answer: 'done', target: 'issued', actions: write, keep: ({ output: { made } }) => came(made) }),
      on({ answer: 'early', target: 'asking', keep: { seenSigned: true, restored: null } }),
      on({
        answer: 'collision',
        target: 'waiting',
        actions: [write, 'tried', because('another device with the same seed has used the counters')],
        keep: ({ context: { collisions }, output: { sets } }) => ({
          sets,
          collisions: collisions + 1,
          ...{ seenSigned: false, restored: null, refusals: 0, refusal: null, body: '' },
        }),
      }),
      on({ answer: 'partly', if: 'isEarlyTry', target: 'pausing', actions: [write, 'tried', 'unmatched'] }),
      on({
        answer: 'partly',
        target: 'blocked',
        actions: [write, 'unmatched', because('the mint shows some of the signatures only')],
      }),
      on({
        answer: 'wrong',
        target: 'quarantined',
        actions: ['unmatched', because('the signatures that the mint shows do not verify')],
      }),
      // Nothing of ours is signed. What that means is the quote's to say, which was read before.
      on({ if: 'isUnpaid', target: 'unpaid', actions: ['unmatched', 'anew'] }),
      on({
        if: 'isIssued',
        target: 'quarantined',
        actions: ['unmatched', because('the mint says that the quote is issued, and has signed nothing of ours')],
      }),
      on({ if: 'isPendingAtFirst', target: 'pausing', actions: ['tried', 'unmatched'] }),
      on({
        if: 'isPending',
        target: 'blocked',
        actions: ['unmatched', because('the mint keeps saying that it is issuing the quote, and has signed nothing')],
      }),
      // A quote of others, with a key that is not its own: whoever has the right one may try.
      on({
        if: 'isLockedForGood',
        target: 'failed',
        actions: writes(forget),
        keep: {
          restored: null,
          sets: [],
          body: '',
          error: {
            code: 'SIGNATURE_REFUSED',
            detail: 'the mint refuses the signature: the quote is locked to another key (NUT-20)',
          },
        },
      }),
      on({
        if: 'isRefusedTooOften',
        target: 'blocked',
        actions: 'unmatched',
        keep: ({ context: { refusal } }) => ({
          why: `the quote is paid, and the mint refuses to issue it: ${refusal?.detail || 'it gives no reason'}`,
        }),
      }),
      on({ if: 'isRefusedOnce', target: 'refreshing', actions: 'unmatched' }),
      on({
        if: 'isRefused',
        target: 'waiting',
        actions: ['tried', 'unmatched', because('the mint refused to issue the quote')],
      }),
      on({ if: 'isUnsent', target: 'deriving', actions: 'unmatched' }),
      on({ if: 'mayBeSentAgain', target: 'retrying', actions: ['tried', 'unmatched'] }),
      on({
        if: 'isUnansweredTooOften',
        target: 'blocked',
        actions: ['unmatched', because('the mint answers every question, and never the request to issue')],
      }),
      // It may be the keyset that it stumbles over.
      on({
        target: 'refreshing',
        keep: ({ context: { rounds } }) => ({ restored: null, unanswered: 0, rounds: rounds + 1 }),
      }),
    ],
  },
})

/**
 * The exchange: inputs → outputs at one mint (NUT-03), written once; receive, swap, send, reclaim and fence embed it.
 *
 * ```text
 *               ┌────────────── refreshing ◀── keyset gone ──────────────┐
 *               ▼                                                        │
 *  ──▶ deriving* ──▶ swapping ──ok──▶ unblinding* ──▶ done               │
 *      ▲  ▲     ▲      │  ▲  ╲                 ╲ does not verify         │
 *      │  │     │ lost │  │   ╲ any error       ▼                        │
 *      │  │     │      ▼  │    ╰──────────▶ checking ──▶ restoring ──▶ matching* ──▶ done | spent | refused
 *      │  │     │    backoff ──thrice─────▶  ▲     (pending)  │          │  │
 *      │  │     │                            ╰── pausing ◀────┴──────────╯  │
 *      │  │     ╰──────────── collision: other outputs ─────────────────────┤
 *      │  ╰────────────────── too large: a smaller request ─────────────────╯
 *      ╰── a round is done, and inputs are left                              * local: part of the step it is in
 * ```
 *
 * What the mint takes at once is a round: a request of its own, and a commit that makes its proofs ours. Between rounds
 * the inputs are what is left; what a round made for the next one is reserved, and an input of it.
 *
 * | crashed in | what is durable | what resume does |
 * |---|---|---|
 * | deriving, unblinding, matching | nothing of them: the state before | the state before runs again |
 * | swapping | inputs, outputs with secrets, the body; the proofs of earlier rounds | sends the same body again |
 * | backoff, pausing | the same, and when to go on | waits for the rest of the time |
 * | checking, restoring | the same, and every output set of the round ever sent | asks again |
 * | refreshing, waiting, closed | the same | fetches the keysets again |
 * | blocked, quarantined | the same, and why | waits: for the slow retry, or for a person |
 */
import { from, on, write, writes } from '../../src/kernel/define/authoring.ts'
import type { Write } from '../../src/wallet/tables.ts'
import {
  again,
  ANEW,
  asked,
  change,
  collided,
  derived,
  GAP,
  hinted,
  impossible,
  IN_DOUBT,
  KEYSETS,
  refreshed,
  PARTLY,
  refusedNow,
  restored,
  roundDone,
  saysWhy,
  signed,
  SPENT_ONCE,
  statesFound,
  TOLD,
  unasked,
  unclear,
  UNMATCHED,
  UNSENT,
} from './exchange-changes.ts'
import { exchangeOf, type ExchangeContext, type Job } from './exchange-model.ts'
import { parts } from './exchange-setup.ts'

const job = (context: ExchangeContext): Job => {
  const { id, mintUrl, unit } = context
  return { id, mintUrl, unit, exchange: exchangeOf(context) }
}

/** Where the sub-chart leads in the end; targets as seen from beside it. */
export interface Exits {
  /** The outputs are ours, and stored. */
  readonly done: string
  /** Inputs were spent by another, and nothing of ours is signed; `states` says which. */
  readonly spent: string
  /** Refused for good: every send was answered, the inputs are unspent, nothing is signed; `why` says why. */
  readonly refused: string
  /** Given up before anything was sent. Without it, nobody can. */
  readonly cancelled?: string
  /** Given up although a send may still land: for inputs that are not ours yet. Should it land, a restore finds it. */
  readonly abandoned?: string
}

/** Outputs that are given up, though they may be signed yet: a restore finds them by their counters. */
const letGo = (context: ExchangeContext): Write[] =>
  exchangeOf(context).sets.flatMap(({ outputs }) => outputs.map(({ B_ }): Write => ({ delete: 'outputs', key: [B_] })))

const anew = { type: 'keep', params: change(ANEW) } as const

/** The sub-chart; the machine's setup takes the exchange's actors, guards and delays, `tx` and `keep` beside its own. */
export const exchange = ({ done, spent, refused, cancelled, abandoned }: Exits) => {
  const givenUp = cancelled !== undefined && {
    cancel: { guard: 'exchange.isUntouched' as const, target: cancelled },
  }
  return parts.createStateConfig({
    initial: 'deriving',
    states: {
      deriving: {
        tags: ['local'],
        invoke: {
          src: 'exchange.derive',
          input: from(job),
          onDone: [
            on({ answer: 'ok', target: 'swapping', actions: write, keep: change(derived) }),
            // The fee that we know may be an old one too.
            on({
              answer: ['stale', 'impossible'],
              if: 'exchange.isFirstTry',
              target: 'refreshing',
              keep: change(saysWhy),
            }),
            on({ answer: 'gap', target: 'blocked', keep: change({ why: GAP }) }),
            // Before anything is given back it is asked what became of it.
            on({ answer: 'impossible', if: 'exchange.isUnchecked', target: 'checking' }),
            on({ such: 'exchange.mayLand', target: 'blocked', actions: write, keep: change(saysWhy) }),
            on({ answer: 'impossible', target: refused, actions: write, keep: change(impossible, UNSENT) }),
            on({
              answer: 'stale',
              if: 'exchange.isClosed',
              target: refused,
              actions: write,
              keep: change(saysWhy, UNSENT),
            }),
            on({ target: 'closed', keep: change(saysWhy, refreshed) }),
          ],
        },
      },
      swapping: {
        description: 'The request is on its way to the mint.',
        invoke: {
          src: 'mint.swap',
          input: from((context) => ({ mintUrl: context.mintUrl, body: exchangeOf(context).body })),
          onDone: [
            on({ answer: 'ok', target: 'unblinding', keep: change(signed) }),
            on({ answer: 'unknown', such: 'exchange.isHinted', target: 'checking', keep: change(hinted) }),
            on({
              answer: 'unknown',
              target: 'backoff',
              keep: change(again, { unaccounted: true, isChecked: false }),
            }),
            on({ answer: 'refused', target: 'checking', keep: change(refusedNow) }),
            on({ target: 'checking', keep: change({ refusal: null, unaccounted: true }) }),
          ],
        },
      },
      backoff: {
        description: 'The mint did not answer, or signed nothing; the same request goes out again.',
        after: {
          exchangeBackoff: [{ guard: 'exchange.isUnanswered', target: 'checking' }, { target: 'swapping' }],
        },
        on: { resume: 'swapping' },
      },
      unblinding: {
        tags: ['local'],
        invoke: {
          src: 'exchange.unblind',
          input: from(job),
          onDone: [
            on({
              answer: 'ok',
              such: 'exchange.isWhole',
              target: done,
              actions: write,
              keep: change(roundDone),
            }),
            on({ answer: 'ok', target: 'deriving', actions: write, keep: change(roundDone) }),
            // It was carried out, and its answer is of no use.
            on({ target: 'checking', keep: change({ signatures: [], unaccounted: true }) }),
          ],
        },
      },
      checking: {
        description: 'Asks the mint what became of the inputs.',
        invoke: {
          src: 'mint.check',
          input: from((context) => ({ mintUrl: context.mintUrl, Ys: asked(exchangeOf(context)) })),
          onDone: [
            // An answer with states resets no count: the mint may fail at the next request all the same.
            on({
              answer: 'ok',
              such: 'exchange.isSettled',
              target: 'restoring',
              actions: write,
              keep: change(statesFound),
            }),
            on({ such: 'exchange.isUnsupported', target: 'restoring', keep: change({ states: [] }) }),
            on({
              answer: 'refused',
              such: 'exchange.isPassing',
              target: 'pausing',
              keep: change(again, unclear),
            }),
            on({ such: 'exchange.isDenied', target: 'blocked', keep: change(again, unasked) }),
            on({ target: 'pausing', keep: change(again, unclear) }),
          ],
        },
      },
      restoring: {
        description: 'Asks the mint which of the outputs it signed.',
        invoke: {
          src: 'mint.restore',
          input: from((context) => ({
            mintUrl: context.mintUrl,
            outputs: exchangeOf(context).sets.flatMap(({ keysetId, outputs }) =>
              outputs.map(({ B_, amount }) => ({ B_, amount, id: keysetId })),
            ),
          })),
          onDone: [
            on({ answer: 'ok', target: 'matching', actions: write, keep: change(restored, TOLD) }),
            on({
              such: 'exchange.isUnsupported',
              target: 'matching',
              keep: change(UNMATCHED, TOLD, { isTerse: true }),
            }),
            on({
              answer: 'refused',
              such: 'exchange.isPassing',
              target: 'pausing',
              keep: change(again, unclear),
            }),
            on({ such: 'exchange.isDenied', target: 'blocked', keep: change(again, unasked) }),
            on({ target: 'pausing', keep: change(again, unclear) }),
          ],
        },
      },
      matching: {
        tags: ['local'],
        invoke: {
          src: 'exchange.match',
          input: from(job),
          onDone: [
            // The mint has signed.
            on({
              answer: 'done',
              such: 'exchange.isWhole',
              target: done,
              actions: write,
              keep: change(roundDone),
            }),
            on({ answer: 'done', target: 'deriving', actions: write, keep: change(roundDone) }),
            // Somebody else has spent. A single reading is not enough to give up what may be ours.
            on({
              answer: 'spent',
              if: 'exchange.isFirstReading',
              target: 'pausing',
              keep: change(again, { why: SPENT_ONCE, restored: null, seenSpent: true }),
            }),
            on({ answer: 'spent', target: spent, actions: write, keep: change(UNMATCHED, UNSENT) }),
            // Our counters may have been used elsewhere.
            on({ answer: 'collision', target: 'deriving', actions: write, keep: change(again, collided) }),
            on({ answer: 'early', target: 'checking', keep: change({ restored: null, seenSigned: true }) }),
            // Nothing came of it. What was too large is not sent again as it was.
            on({
              answer: 'nothing',
              if: 'exchange.wasTooLarge',
              target: 'deriving',
              keep: change(again, UNMATCHED),
            }),
            on({
              answer: 'nothing',
              if: 'exchange.isRefusedForGood',
              target: refused,
              actions: write,
              keep: change(saysWhy, UNMATCHED, UNSENT),
            }),
            on({
              answer: 'nothing',
              if: 'exchange.isRefusedTooOften',
              target: 'blocked',
              keep: change(saysWhy, UNMATCHED),
            }),
            on({
              answer: 'nothing',
              if: 'exchange.isRefusedOnce',
              target: 'refreshing',
              keep: change(saysWhy, UNMATCHED),
            }),
            // Refused again, or never sent at all: not at once.
            on({
              answer: 'nothing',
              if: 'exchange.isRefusedOrUnsent',
              target: 'waiting',
              keep: change(again, saysWhy, UNMATCHED),
            }),
            // It is not clear what came of it.
            on({
              answer: 'unknown',
              if: 'exchange.isRefusedTooOften',
              target: 'blocked',
              keep: change(saysWhy, IN_DOUBT),
            }),
            on({ answer: 'unknown', target: 'backoff', keep: change(again, saysWhy, IN_DOUBT) }),
            on({ answer: 'nothing', target: 'backoff', keep: change(again, UNMATCHED) }),
            on({
              answer: 'partly',
              target: 'pausing',
              actions: write,
              keep: change(again, { why: PARTLY, restored: null }),
            }),
            on({ target: 'quarantined', keep: change(UNMATCHED) }),
          ],
        },
      },
      refreshing: {
        description: 'Fetches the mint’s keysets.',
        invoke: {
          src: 'mint.keysets',
          input: from(({ mintUrl, unit }) => ({ mintUrl, unit })),
          onDone: [
            on({ answer: 'ok', target: 'deriving', actions: write, keep: change(again) }),
            on({ target: 'waiting', keep: change(again, { why: KEYSETS }) }),
          ],
        },
      },
      waiting: {
        description: 'Waits, and then fetches the mint’s keysets again.',
        after: { exchangeBackoff: 'refreshing' },
        on: { resume: 'refreshing', ...givenUp },
      },
      closed: {
        description: 'The mint lists no usable keyset; fetches the list a few times more, and then gives up.',
        after: { exchangeLook: 'refreshing' },
        on: { resume: 'refreshing', ...givenUp },
      },
      pausing: {
        description: 'Asks the mint again after a pause.',
        after: { exchangeBackoff: 'checking' },
        on: { resume: 'checking' },
      },
      blocked: {
        tags: ['human'],
        description: 'It cannot go on by itself; tries again every hour, or when resumed.',
        after: { exchangeBlocked: { target: 'checking', actions: anew } },
        on: {
          resume: { target: 'checking', actions: anew },
          ...(abandoned === undefined ? givenUp : { cancel: { target: abandoned, actions: writes(letGo) } }),
        },
      },
      quarantined: {
        tags: ['human', 'quarantined'],
        description: 'The mint’s answers contradict each other; everything is kept. Resume asks again.',
        on: { resume: 'checking' },
      },
    },
  })
}

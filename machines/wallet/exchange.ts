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
import { from, on, sure, write, type Answer } from '../../src/kernel/define/authoring.ts'
import type { Meaning } from '../../src/cashu/codes.ts'
import { deniedBecause, denialsWith, type Reply } from './common.ts'
import {
  exchangeOf,
  type Exchange,
  type ExchangeContext,
  type Job,
  type Made,
  type Refusal,
  type SpentState,
  type Why,
} from './exchange-model.ts'
import { parts } from './exchange-setup.ts'

const MOST_TRIES = 20
type Change = Partial<Exchange> | ((exchange: Exchange) => Partial<Exchange>)

/** The exchange after some changes, one after the other. */
function changed(context: ExchangeContext, ...changes: readonly Change[]): { readonly exchange: Exchange } {
  const exchange = { ...exchangeOf(context) }
  for (const change of changes) Object.assign(exchange, typeof change === 'function' ? change(exchange) : change)
  return { exchange }
}

const job = (context: ExchangeContext): Job => {
  const { id, mintUrl, unit } = context
  return { id, mintUrl, unit, exchange: exchangeOf(context) }
}
const again: Change = ({ tries }) => ({ tries: Math.min(MOST_TRIES, tries + 1) })
/** The request was refused; what was sent before a crash is accounted for by no answer. */
const refusedWith =
  ({ code, detail, meaning, replay }: Refusal & { readonly replay: boolean }): Change =>
  ({ refusals, unaccounted }) => ({
    refusal: { code, detail, meaning },
    refusals: refusals + 1,
    unaccounted: unaccounted || replay,
  })
/** Why, as the local step says, or the mint's refusal. */
const whyOf =
  (told: Answer & { readonly why?: Why }): Change =>
  ({ refusal }) => ({ why: told.why ?? (refusal && { code: 'REFUSED', detail: `the mint refuses: ${refusal.detail}` }) }) // prettier-ignore
/** Of a question the refusal stands in the answer, where there is one. */
const unasked = (reply: Reply): Change => ({
  why: {
    code: 'NO_ANSWER',
    detail:
      reply.answer === 'refused'
        ? `the mint does not say what became of an earlier request: ${reply.detail}`
        : deniedBecause(reply, 'what became of an earlier request'),
  },
})
/** Of a question it is not clear what it comes to. */
const unclear =
  (reply: Reply): Change =>
  ({ denials }) => ({
    why: { code: 'NO_ANSWER', detail: 'the mint gave no clear answer yet' },
    denials: denialsWith(denials, reply),
  })
/** What the mint refused before, it may take now. */
const ANEW = { refusals: 0, tries: 0, denials: 0, looks: 0, refusal: null, why: null, apart: [], dead: [] }
/** A round is done. */
const roundOf = ({ made, inputs, leaves, fee }: Made): Change => ({
  ...leaves,
  made,
  inputs,
  fee,
  body: '',
  signatures: [],
  restored: null,
  sets: [],
  states: [],
  unaccounted: false,
  refusals: 0,
  refusal: null,
  seenSigned: false,
  seenSpent: false,
  isChecked: false,
  why: null,
  tries: 0,
  looks: 0,
})
const UNSENT = { sets: [], body: '' }

/** The inputs that some request of this round spends; all of them where none was made. */
const asked = ({ inputs, sets }: Exchange): readonly string[] => {
  const Ys = new Set(sets.flatMap((set) => set.Ys))
  return inputs.map(({ Y }) => Y).filter((Y) => Ys.size === 0 || Ys.has(Y))
}
/** Inputs that no request names are not asked about: nobody has spent them as far as we know. */
const statesOf =
  (states: readonly SpentState[]): Change =>
  (exchange) => {
    const told = new Map(asked(exchange).map((Y, at) => [Y, states[at]]))
    return { states: exchange.inputs.map(({ Y }) => told.get(Y) ?? 'UNSPENT') }
  }

/** What is found wrong with a request before anything of it is done: however it is said, the send is answered. */
const AT_SIGHT: readonly (Meaning | undefined)[] = [
  'keysetUnknown',
  'keysetInactive',
  'keysetExpired',
  'tooManyInputs',
  'tooManyOutputs',
  'tooLarge',
  'unbalanced',
  'proofInvalid',
  'witnessInvalid',
  'unitUnsupported',
]
const hinted =
  ({ hint, replay }: Reply & { readonly replay: boolean }): Change =>
  ({ unaccounted, refusals }) => ({
    unaccounted: unaccounted || replay || !AT_SIGHT.includes(hint),
    refusal: { code: 0, detail: `${hint}, it says with an error of its own`, meaning: sure(hint, 'hint') },
    refusals: refusals + 1,
  })

const SPENT_ONCE: Why = {
  code: 'SPENT_ONCE',
  detail: 'the mint says that inputs are spent, and signed none of our outputs: it is asked twice',
}
const PARTLY: Why = { code: 'PARTLY_SIGNED', detail: 'the mint says that it signed some of the outputs, and not all' }
const GAP: Why = {
  code: 'GAP',
  detail: 'too many outputs in a row are not signed: a restore would not find what comes after more of them',
}
const KEYSETS: Why = { code: 'KEYSETS_UNKNOWN', detail: 'the mint’s list of keysets could not be fetched' }

const keepAnew = {
  type: 'keep',
  params: ({ context }: { context: ExchangeContext }) => changed(context, ANEW),
} as const

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
            on({
              answer: 'ok',
              target: 'swapping',
              actions: write,
              keep: ({ context, output: { sets, body, inputs, apart, dead, again: same, narrowed } }) =>
                changed(context, {
                  ...{ sets, body, inputs, apart, dead },
                  why: null,
                  looks: 0,
                  isChecked: false,
                  ...(!same && { tries: 0 }),
                  // It is another request now: what was refused is over.
                  ...(narrowed && { refusal: null, refusals: 0 }),
                }),
            }),
            // The fee that we know may be an old one too.
            on({
              answer: ['stale', 'impossible'],
              if: 'exchange.isFirstTry',
              target: 'refreshing',
              keep: ({ context, output }) => changed(context, whyOf(output)),
            }),
            on({ answer: 'gap', target: 'blocked', keep: ({ context }) => changed(context, { why: GAP }) }),
            // Before anything is given back it is asked what became of it.
            on({ answer: 'impossible', if: 'exchange.isUnchecked', target: 'checking' }),
            on({
              such: 'exchange.mayLand',
              target: 'blocked',
              actions: write,
              keep: ({ context, output }) => changed(context, whyOf(output)),
            }),
            on({
              answer: 'impossible',
              target: refused,
              actions: write,
              keep: ({ context, output }) => changed(context, whyOf(output), { inputs: output.inputs, ...UNSENT }),
            }),
            on({
              answer: 'stale',
              if: 'exchange.isClosed',
              target: refused,
              actions: write,
              keep: ({ context, output }) => changed(context, whyOf(output), UNSENT),
            }),
            on({
              target: 'closed',
              keep: ({ context, output }) => changed(context, whyOf(output), ({ looks }) => ({ looks: looks + 1 })),
            }),
          ],
        },
      },
      swapping: {
        description: 'The request is on its way to the mint.',
        invoke: {
          src: 'mint.swap',
          input: from((context) => ({ mintUrl: context.mintUrl, body: exchangeOf(context).body })),
          onDone: [
            on({
              answer: 'ok',
              target: 'unblinding',
              keep: ({ context, output: { signatures } }) => changed(context, { signatures }),
            }),
            // Nothing is given up by a smaller request, so that nothing is to be asked before.
            on({
              answer: 'refused',
              such: 'exchange.isTooLarge',
              target: 'deriving',
              keep: ({ context, output }) => changed(context, refusedWith(output)),
            }),
            on({
              answer: 'unknown',
              such: 'exchange.isHinted',
              target: 'checking',
              keep: ({ context, output }) => changed(context, hinted(output)),
            }),
            on({
              answer: 'unknown',
              target: 'backoff',
              keep: ({ context }) => changed(context, again, { unaccounted: true, isChecked: false }),
            }),
            on({
              answer: 'refused',
              target: 'checking',
              keep: ({ context, output }) => changed(context, refusedWith(output)),
            }),
            on({
              target: 'checking',
              keep: ({ context }) => changed(context, { refusal: null, unaccounted: true }),
            }),
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
              keep: ({ context, output }) => changed(context, roundOf(output)),
            }),
            on({
              answer: 'ok',
              target: 'deriving',
              actions: write,
              keep: ({ context, output }) => changed(context, roundOf(output)),
            }),
            // It was carried out, and its answer is of no use.
            on({
              target: 'checking',
              keep: ({ context }) => changed(context, { signatures: [], unaccounted: true }),
            }),
          ],
        },
      },
      checking: {
        description: 'Asks the mint what became of the inputs.',
        invoke: {
          src: 'mint.check',
          input: from((context) => ({ mintUrl: context.mintUrl, Ys: asked(exchangeOf(context)) })),
          onDone: [
            // Of the states alone that resets no count: the mint may tell them, and make no sense of the next question.
            on({
              answer: 'ok',
              such: 'exchange.isSettled',
              target: 'restoring',
              actions: write,
              keep: ({ context, output: { states } }) => changed(context, statesOf(states)),
            }),
            on({
              such: 'exchange.isUnsupported',
              target: 'restoring',
              keep: ({ context }) => changed(context, { states: [] }),
            }),
            on({
              answer: 'refused',
              such: 'exchange.isPassing',
              target: 'pausing',
              keep: ({ context, output }) => changed(context, again, unclear(output)),
            }),
            on({
              such: 'exchange.isDenied',
              target: 'blocked',
              keep: ({ context, output }) => changed(context, again, unasked(output)),
            }),
            on({
              target: 'pausing',
              keep: ({ context, output }) => changed(context, again, unclear(output)),
            }),
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
            on({
              answer: 'ok',
              target: 'matching',
              actions: write,
              keep: ({ context, output: { outputs, signatures } }) =>
                changed(context, { restored: { outputs, signatures }, isChecked: true, denials: 0 }),
            }),
            on({
              such: 'exchange.isUnsupported',
              target: 'matching',
              keep: ({ context }) => changed(context, { restored: null, isChecked: true, isTerse: true, denials: 0 }),
            }),
            on({
              answer: 'refused',
              such: 'exchange.isPassing',
              target: 'pausing',
              keep: ({ context, output }) => changed(context, again, unclear(output)),
            }),
            on({
              such: 'exchange.isDenied',
              target: 'blocked',
              keep: ({ context, output }) => changed(context, again, unasked(output)),
            }),
            on({
              target: 'pausing',
              keep: ({ context, output }) => changed(context, again, unclear(output)),
            }),
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
              keep: ({ context, output }) => changed(context, roundOf(output)),
            }),
            on({
              answer: 'done',
              target: 'deriving',
              actions: write,
              keep: ({ context, output }) => changed(context, roundOf(output)),
            }),
            // Somebody else has spent. A single reading is not enough to give up what may be ours.
            on({
              answer: 'spent',
              if: 'exchange.isFirstReading',
              target: 'pausing',
              keep: ({ context }) => changed(context, again, { why: SPENT_ONCE, restored: null, seenSpent: true }),
            }),
            on({
              answer: 'spent',
              target: spent,
              actions: write,
              keep: ({ context }) => changed(context, { restored: null, ...UNSENT }),
            }),
            // Our counters may have been used elsewhere.
            on({
              answer: 'collision',
              target: 'deriving',
              actions: write,
              keep: ({ context, output: { sets } }) =>
                changed(context, again, ({ collisions }) => ({
                  sets,
                  collisions: collisions + 1,
                  refusal: null,
                  body: '',
                  restored: null,
                  seenSigned: false,
                  refusals: 0,
                })),
            }),
            on({
              answer: 'early',
              target: 'checking',
              keep: ({ context }) => changed(context, { restored: null, seenSigned: true }),
            }),
            // Nothing came of it. What was too large is not sent again as it was.
            on({
              answer: 'nothing',
              if: 'exchange.wasTooLarge',
              target: 'deriving',
              keep: ({ context }) => changed(context, again, { restored: null }),
            }),
            on({
              answer: 'nothing',
              if: 'exchange.isRefusedForGood',
              target: refused,
              actions: write,
              keep: ({ context, output }) => changed(context, whyOf(output), { restored: null, ...UNSENT }),
            }),
            on({
              answer: 'nothing',
              if: 'exchange.isRefusedTooOften',
              target: 'blocked',
              keep: ({ context, output }) => changed(context, whyOf(output), { restored: null }),
            }),
            on({
              answer: 'nothing',
              if: 'exchange.isRefusedOnce',
              target: 'refreshing',
              keep: ({ context, output }) => changed(context, whyOf(output), { restored: null }),
            }),
            // Refused again, or never sent at all: not at once.
            on({
              answer: 'nothing',
              if: 'exchange.isRefusedOrUnsent',
              target: 'waiting',
              keep: ({ context, output }) => changed(context, again, whyOf(output), { restored: null }),
            }),
            // It is not clear what came of it.
            on({
              answer: 'untold',
              if: 'exchange.isRefusedTooOften',
              target: 'blocked',
              keep: ({ context, output }) => changed(context, whyOf(output)),
            }),
            on({
              answer: 'untold',
              target: 'backoff',
              keep: ({ context, output }) => changed(context, again, whyOf(output)),
            }),
            on({
              answer: 'nothing',
              target: 'backoff',
              keep: ({ context }) => changed(context, again, { restored: null }),
            }),
            on({
              answer: 'partly',
              target: 'pausing',
              actions: write,
              keep: ({ context }) => changed(context, again, { why: PARTLY, restored: null }),
            }),
            on({ target: 'quarantined', keep: ({ context }) => changed(context, { restored: null }) }),
          ],
        },
      },
      refreshing: {
        description: 'Fetches the mint’s keysets.',
        invoke: {
          src: 'mint.keysets',
          input: from(({ mintUrl, unit }) => ({ mintUrl, unit })),
          onDone: [
            on({
              answer: 'ok',
              target: 'deriving',
              actions: write,
              keep: ({ context }) => changed(context, again),
            }),
            on({ target: 'waiting', keep: ({ context }) => changed(context, again, { why: KEYSETS }) }),
          ],
        },
      },
      waiting: {
        description: 'Waits, and then fetches the mint’s keysets again.',
        after: { exchangeBackoff: 'refreshing' },
        on: { resume: 'refreshing', ...givenUp },
      },
      closed: {
        description: 'No keyset that the mint lists serves; looks a few times more, and then gives up.',
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
        after: { exchangeBlocked: { target: 'checking', actions: keepAnew } },
        on: {
          resume: { target: 'checking', actions: keepAnew },
          ...(abandoned === undefined ? givenUp : { cancel: abandoned }),
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

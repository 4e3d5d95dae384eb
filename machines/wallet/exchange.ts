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
import { assign } from 'xstate'
import { answered } from '../../src/kernel/define/authoring.ts'
import type { Write } from '../../src/wallet/tables.ts'
import { isTooLarge, type Meaning } from '../../src/cashu/codes.ts'
import { deniedBecause, denialsWith, isMeant } from './common.ts'
import type {
  Exchange,
  ExchangeContext,
  Job,
  Made,
  Refusal,
  Replied,
  Signature,
  SpentState,
  Sorted,
  SwapSet,
  Why,
} from './exchange-model.ts'

type Reply = Exclude<Replied<object>, { readonly answer: 'ok' }>
type Done<T> = { context: ExchangeContext; event: { output: T } }

const MOST_TRIES = 20
/** Some mints refuse in passing ("database is locked"); more than that is meant. */
const MOST_REFUSALS = 3
/** A mint may be without an active keyset for a while, when it changes them; after so many looks it is meant. */
const MOST_LOOKS = 3
/** An endpoint that is not there may come back (a proxy is set up anew, say); after so many tries it is meant. */
const MOST_ABSENT = 5
/** After so many requests without an answer it is asked what became of them. */
const UNANSWERED = 3

// The sub-chart serves machines with different contexts: what they share is `Context`, and XState's types for a
// machine cannot say "any context that has these". They are kept to this file.
type Loose = never

const change = (by: (exchange: Exchange, output: never) => Partial<Exchange>): Loose =>
  assign((({ context, event }: { context: ExchangeContext; event: { output?: unknown } }) => ({
    exchange: { ...context.exchange!, ...by(context.exchange!, event.output as never) },
  })) as Loose) as Loose

const write = {
  type: 'tx',
  params: ({ event }: Done<{ writes?: readonly Write[] }>) => event.output.writes ?? [],
} as Loose
const job = ({ context: { id, mintUrl, unit, exchange } }: { context: ExchangeContext }): Job => ({
  id,
  mintUrl,
  unit,
  exchange: exchange!,
})
const again = change((exchange) => ({ tries: Math.min(MOST_TRIES, exchange.tries + 1) }))
const refused = change((exchange, { code, detail, meaning }: Refusal) => ({
  refusal: { code, detail, meaning },
  refusals: exchange.refusals + 1,
}))
/** The request was refused; what was sent before a crash is accounted for by no answer. */
const refusedNow = [
  refused,
  change(({ unaccounted }, { replay }: { replay: boolean }) => ({ unaccounted: unaccounted || replay })),
]
const because = (why: Why | null): Loose => change(() => ({ why }))
/** What the local step says, or the mint's refusal. */
const saysWhy = change(({ refusal }, { why }: { why?: Why }) => ({ why: why ?? refusedWhy(refusal) }))
const refusedWhy = (refusal: Refusal | null): Why | null =>
  refusal && { code: 'REFUSED', detail: `the mint refuses: ${refusal.detail}` }
/** Of a question the refusal stands in the answer, where there is one. */
const unasked = change((_, reply: Reply) => ({
  why: {
    code: 'NO_ANSWER',
    detail:
      reply.answer === 'refused'
        ? `the mint does not say what became of an earlier request: ${reply.detail}`
        : deniedBecause(reply, 'what became of an earlier request'),
  },
}))
/** Of a question it is not clear what it comes to. */
const unclear = change(({ denials }, reply: Reply) => ({
  why: { code: 'NO_ANSWER', detail: 'the mint gave no clear answer yet' },
  denials: denialsWith(denials, reply),
}))
/** What the mint refused before, it may take now. */
const anew = change(() => ({
  refusals: 0,
  tries: 0,
  denials: 0,
  looks: 0,
  refusal: null,
  why: null,
  apart: [],
  dead: [],
}))
/** A round is done. */
const keepMade = change((_, { made, inputs, leaves, fee }: Made) => ({
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
}))
const is = answered as (...answers: string[]) => Loose
const isWhole = ({ event }: Done<{ answer: string; isWhole?: boolean }>): boolean => event.output.isWhole === true

type Guarded = { context: ExchangeContext; event: { output: { answer: string } } }
const nothing = (and: (exchange: Exchange) => boolean): Loose =>
  (({ context, event }: Guarded) => event.output.answer === 'nothing' && and(context.exchange!)) as Loose

/** The inputs that some request of this round spends; all of them where none was made. */
const asked = ({ inputs, sets }: Exchange): readonly string[] => {
  const Ys = new Set(sets.flatMap((set) => set.Ys))
  return inputs.map(({ Y }) => Y).filter((Y) => Ys.size === 0 || Ys.has(Y))
}

/** A refusal that came as no refusal (HTTP 500, say): it tells where to look. */
const HINTS: readonly Meaning[] = ['passing', 'unsupported', 'authRequired', 'disabled']
const isHinted = (({ event }: Done<{ answer: string; hint?: Meaning }>) =>
  event.output.answer === 'unknown' && event.output.hint !== undefined && !HINTS.includes(event.output.hint)) as Loose
/** What is found wrong with a request before anything of it is done: however it is said, the send is answered. */
const AT_SIGHT: readonly Meaning[] = [
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
type Asked = { answer: string; meaning?: Meaning; hint?: Meaning }
const isUnsupported = (({ context, event: { output } }: Done<Asked>) =>
  output.answer === 'refused'
    ? output.meaning === 'unsupported'
    : output.hint === 'unsupported' && (context.exchange!.isTerse || context.exchange!.tries >= MOST_ABSENT)) as Loose
/** The mint's keysets were fetched again and again, and none serves: as far as it says, for good. */
const isClosed = ({ context, event }: Done<{ answer: string }>): boolean =>
  event.output.answer === 'stale' && context.exchange!.looks >= MOST_LOOKS

/** A question that the mint cannot answer at the moment; what it always says, it means. */
const isPassing = (({ context, event: { output } }: Done<Asked>) =>
  output.answer === 'refused' && output.meaning === 'passing' && context.exchange!.tries < MOST_ABSENT) as Loose
/** A refusal; or what is none, so often in a row that it is meant. */
const isDenied = (({ context, event: { output } }: Done<Asked>) =>
  output.answer === 'refused' || isMeant(context.exchange!.denials, output)) as Loose
/** Whatever was sent was answered, and looked after: nothing of it can land any more. */
const isOver = ({ sets, unaccounted, isChecked }: Exchange): boolean => sets.length === 0 || (!unaccounted && isChecked)
const UNSENT = { sets: [], body: '' }

const SPENT_ONCE: Why = {
  code: 'SPENT_ONCE',
  detail: 'the mint says that inputs are spent, and signed none of our outputs: it is asked twice',
}
const PARTLY: Why = { code: 'PARTLY_SIGNED', detail: 'the mint says that it signed some of the outputs, and not all' }
const GAP: Why = {
  code: 'GAP',
  detail: 'too many outputs in a row are not signed: a restore would not find what comes after more of them',
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

/** The sub-chart; the machine's setup takes `exchangeActors`, `exchangeDelays` and `tx` beside its own. */
export const exchange = ({ done, spent, refused: refusedExit, cancelled, abandoned }: Exits): Loose => {
  const givenUp = cancelled !== undefined && {
    cancel: {
      guard: ({ context }: { context: ExchangeContext }) =>
        context.exchange!.sets.length + context.exchange!.made.length === 0,
      target: cancelled,
    },
  }
  return {
    initial: 'deriving',
    states: {
      deriving: {
        tags: ['local'],
        invoke: {
          src: 'exchange.derive',
          input: job,
          onDone: [
            {
              guard: is('ok'),
              target: 'swapping',
              actions: [
                write,
                change((_, of: { sets: readonly SwapSet[]; again: boolean; narrowed: boolean; body: string } & Sorted) => ({
                  sets: of.sets,
                  body: of.body,
                  inputs: of.inputs,
                  apart: of.apart,
                  dead: of.dead,
                  why: null,
                  looks: 0,
                  isChecked: false,
                  ...(!of.again && { tries: 0 }),
                  // It is another request now: what was refused is over.
                  ...(of.narrowed && { refusal: null, refusals: 0 }),
                })), // prettier-ignore
              ],
            },
            // The fee that we know may be an old one too.
            {
              guard: ({ context, event }: Done<{ answer: string }>) =>
                ['stale', 'impossible'].includes(event.output.answer) && context.exchange!.tries === 0,
              target: 'refreshing',
              actions: saysWhy,
            },
            { guard: is('gap'), target: 'blocked', actions: because(GAP) },
            // Before anything is given back it is asked what became of it.
            {
              guard: ({ context: { exchange: of }, event }: Done<{ answer: string }>) =>
                event.output.answer === 'impossible' && of!.sets.length > 0 && !of!.unaccounted && !of!.isChecked,
              target: 'checking',
            },
            {
              guard: (of: Done<{ answer: string }>) =>
                !isOver(of.context.exchange!) && (of.event.output.answer === 'impossible' || isClosed(of)),
              target: 'blocked',
              actions: [write, saysWhy],
            },
            {
              guard: is('impossible'),
              target: refusedExit,
              actions: [write, saysWhy, change((_, { inputs }: Pick<Exchange, 'inputs'>) => ({ inputs, ...UNSENT }))],
            },
            { guard: isClosed, target: refusedExit, actions: [write, saysWhy, change(() => UNSENT)] },
            { target: 'closed', actions: [saysWhy, change(({ looks }) => ({ looks: looks + 1 }))] },
          ],
        },
      },
      swapping: {
        description: 'The request is on its way to the mint.',
        invoke: {
          src: 'mint.swap',
          input: ({ context }: { context: ExchangeContext }) => ({
            mintUrl: context.mintUrl,
            body: context.exchange!.body,
          }),
          onDone: [
            {
              guard: is('ok'),
              target: 'unblinding',
              actions: change((_, { signatures }: { signatures: readonly Signature[] }) => ({ signatures })),
            },
            // Nothing is given up by a smaller request, so that nothing is to be asked before.
            {
              guard: ({ event: { output } }: Done<Asked>) => output.answer === 'refused' && isTooLarge(output.meaning),
              target: 'deriving',
              actions: refusedNow,
            },
            {
              guard: isHinted,
              target: 'checking',
              actions: change((exchange, { hint, replay }: { hint: Meaning; replay: boolean }) => ({
                unaccounted: exchange.unaccounted || replay || !AT_SIGHT.includes(hint),
                refusal: { code: 0, detail: `${hint}, it says with an error of its own`, meaning: hint },
                refusals: exchange.refusals + 1,
              })),
            },
            {
              guard: is('unknown'),
              target: 'backoff',
              actions: [again, change(() => ({ unaccounted: true, isChecked: false }))],
            },
            {
              guard: is('refused'),
              target: 'checking',
              actions: refusedNow,
            },
            { target: 'checking', actions: change(() => ({ refusal: null, unaccounted: true })) },
          ],
        },
      },
      backoff: {
        description: 'The mint did not answer, or signed nothing; the same request goes out again.',
        after: {
          exchangeBackoff: [
            {
              guard: ({ context }: { context: ExchangeContext }) =>
                context.exchange!.tries >= UNANSWERED && !context.exchange!.isChecked,
              target: 'checking',
            },
            { target: 'swapping' },
          ],
        },
        on: { resume: 'swapping' },
      },
      unblinding: {
        tags: ['local'],
        invoke: {
          src: 'exchange.unblind',
          input: job,
          onDone: [
            { guard: isWhole, target: done, actions: [write, keepMade] },
            { guard: is('ok'), target: 'deriving', actions: [write, keepMade] },
            // It was carried out, and its answer is of no use.
            { target: 'checking', actions: change(() => ({ signatures: [], unaccounted: true })) },
          ],
        },
      },
      checking: {
        description: 'Asks the mint what became of the inputs.',
        invoke: {
          src: 'mint.check',
          input: ({ context }: { context: ExchangeContext }) => ({
            mintUrl: context.mintUrl,
            Ys: asked(context.exchange!),
          }),
          onDone: [
            {
              guard: ({ event }: Done<{ answer: string; states: readonly SpentState[] }>) =>
                event.output.answer === 'ok' && !event.output.states.includes('PENDING'),
              target: 'restoring',
              actions: [
                write,
                // Of the states alone that resets no count: the mint may tell them, and make no sense of the next question.
                // Inputs that no request names are not asked about: nobody has spent them as far as we know.
                change((exchange, { states }: { states: readonly SpentState[] }) => {
                  const Ys = asked(exchange)
                  const told = new Map(Ys.map((Y, at) => [Y, states[at]!]))
                  return { states: exchange.inputs.map(({ Y }) => told.get(Y) ?? 'UNSPENT') }
                }),
              ],
            },
            { guard: isUnsupported, target: 'restoring', actions: change(() => ({ states: [] })) },
            { guard: isPassing, target: 'pausing', actions: [again, unclear] },
            { guard: isDenied, target: 'blocked', actions: [again, unasked] },
            { target: 'pausing', actions: [again, unclear] },
          ],
        },
      },
      restoring: {
        description: 'Asks the mint which of the outputs it signed.',
        invoke: {
          src: 'mint.restore',
          input: ({ context }: { context: ExchangeContext }) => ({
            mintUrl: context.mintUrl,
            outputs: context.exchange!.sets.flatMap(({ keysetId, outputs }) =>
              outputs.map(({ B_, amount }) => ({ B_, amount, id: keysetId })),
            ),
          }),
          onDone: [
            {
              guard: is('ok'),
              target: 'matching',
              actions: [
                write,
                change(
                  (_, { outputs, signatures }: { outputs: readonly string[]; signatures: readonly Signature[] }) => ({
                    restored: { outputs, signatures },
                    isChecked: true,
                    denials: 0,
                  }),
                ),
              ],
            },
            {
              guard: isUnsupported,
              target: 'matching',
              actions: change(() => ({ restored: null, isChecked: true, isTerse: true, denials: 0 })),
            },
            { guard: isPassing, target: 'pausing', actions: [again, unclear] },
            { guard: isDenied, target: 'blocked', actions: [again, unasked] },
            { target: 'pausing', actions: [again, unclear] },
          ],
        },
      },
      matching: {
        tags: ['local'],
        invoke: {
          src: 'exchange.match',
          input: job,
          onDone: [
            { guard: isWhole, target: done, actions: [write, keepMade] },
            { guard: is('done'), target: 'deriving', actions: [write, keepMade] },
            // A single reading is not enough to give up what may be ours.
            {
              guard: ({ context, event }: Done<{ answer: string }>) =>
                event.output.answer === 'spent' && !context.exchange!.seenSpent,
              target: 'pausing',
              actions: [again, because(SPENT_ONCE), change(() => ({ restored: null, seenSpent: true }))],
            },
            {
              guard: is('spent'),
              target: spent,
              actions: [write, change(() => ({ restored: null, body: '', sets: [] }))],
            },
            {
              guard: is('collision'),
              target: 'deriving',
              actions: [
                write,
                again,
                change((exchange, { sets }: { sets: readonly SwapSet[] }) => ({
                  sets,
                  collisions: exchange.collisions + 1,
                  refusal: null,
                  body: '',
                  restored: null,
                  seenSigned: false,
                  refusals: 0,
                })),
              ],
            },
            { guard: is('early'), target: 'checking', actions: change(() => ({ restored: null, seenSigned: true })) },
            // What was too large is not sent again as it was.
            {
              guard: nothing(({ refusal }) => isTooLarge(refusal?.meaning)),
              target: 'deriving',
              actions: [again, change(() => ({ restored: null }))],
            },
            {
              guard: nothing(({ refusals, unaccounted }) => refusals >= MOST_REFUSALS && !unaccounted),
              target: refusedExit,
              actions: [write, saysWhy, change(() => ({ restored: null, body: '', sets: [] }))],
            },
            {
              guard: nothing(({ refusals }) => refusals >= MOST_REFUSALS),
              target: 'blocked',
              actions: [saysWhy, change(() => ({ restored: null }))],
            },
            {
              guard: nothing(({ refusal, refusals }) => refusal !== null && refusals < 2),
              target: 'refreshing',
              actions: [saysWhy, change(() => ({ restored: null }))],
            },
            // Refused again, or never sent at all: not at once.
            {
              guard: nothing(({ refusal, sets }) => refusal !== null || sets.length === 0),
              target: 'waiting',
              actions: [again, saysWhy, change(() => ({ restored: null }))],
            },
            {
              guard: (({ context, event }: Guarded) =>
                event.output.answer === 'untold' && context.exchange!.refusals >= MOST_REFUSALS) as Loose,
              target: 'blocked',
              actions: saysWhy,
            },
            { guard: is('untold'), target: 'backoff', actions: [again, saysWhy] },
            { guard: is('nothing'), target: 'backoff', actions: [again, change(() => ({ restored: null }))] },
            {
              guard: is('partly'),
              target: 'pausing',
              actions: [write, again, because(PARTLY), change(() => ({ restored: null }))],
            },
            { target: 'quarantined', actions: change(() => ({ restored: null })) },
          ],
        },
      },
      refreshing: {
        description: 'Fetches the mint’s keysets.',
        invoke: {
          src: 'mint.keysets',
          input: ({ context }: { context: ExchangeContext }) => ({ mintUrl: context.mintUrl, unit: context.unit }),
          onDone: [
            { guard: is('ok'), target: 'deriving', actions: [write, again] },
            {
              target: 'waiting',
              actions: [
                again,
                because({ code: 'KEYSETS_UNKNOWN', detail: 'the mint’s list of keysets could not be fetched' }),
              ],
            },
          ],
        },
      },
      waiting: {
        description: 'Waits, and then fetches the mint’s keysets again.',
        after: { exchangeBackoff: 'refreshing' },
        on: {
          resume: 'refreshing',
          ...givenUp,
        },
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
        after: { exchangeBlocked: { target: 'checking', actions: anew } },
        on: {
          resume: { target: 'checking', actions: anew },
          ...(abandoned === undefined ? givenUp : { cancel: abandoned }),
        },
      },
      quarantined: {
        tags: ['human', 'quarantined'],
        description: 'The mint’s answers contradict each other; everything is kept. Resume asks again.',
        on: { resume: 'checking' },
      },
    },
  } as Loose
}

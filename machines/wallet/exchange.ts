/**
 * The exchange: inputs → outputs at one mint (NUT-03), written once; receive, swap, send, reclaim and fence embed it.
 *
 * ```text
 *               ┌────────────── refreshing ◀── keyset gone ──────────────┐
 *               ▼                                                        │
 *  ──▶ deriving* ──▶ swapping ──ok──▶ unblinding* ──▶ done               │
 *               ▲      │  ▲  ╲                 ╲ does not verify         │
 *               │ lost │  │   ╲ any error       ▼                        │
 *               │      ▼  │    ╰──────────▶ checking ──▶ restoring ──▶ matching* ──▶ done | spent | refused
 *               │    backoff                 ▲     (pending)  │          │  │
 *               │                            ╰── pausing ◀────┴──────────╯  │
 *               ╰──────────── collision: other outputs ─────────────────────╯        * local: part of the step it is in
 * ```
 *
 * | crashed in | what is durable | what resume does |
 * |---|---|---|
 * | deriving, unblinding, matching | nothing of them: the state before | the state before runs again |
 * | swapping | inputs, outputs with secrets, the body | sends the same body again |
 * | backoff, pausing | the same, and when to go on | waits for the rest of the time |
 * | checking, restoring | the same, and every output set ever sent | asks again |
 * | refreshing | the same | fetches the keysets again |
 * | blocked | the same, and the mint's last refusal | waits: for the slow retry, or for a person |
 */
import { assign } from 'xstate'
import { answered, backoff, effect, local, type Write } from '../../src/kernel/authoring.ts'

/** A proof as a request sends it. `Y` names it (NUT-07). */
export interface InputProof {
  readonly Y: string
  readonly id: string
  readonly amount: number
  readonly secret: string
  readonly C: string
  readonly witness?: string
}

/** One set of outputs that was, or may have been, sent. The secrets stand in the outputs table. */
export interface OutputSet {
  readonly keysetId: string
  /** In the order of the request. `send`: meant for somebody else. */
  readonly outputs: readonly { readonly B_: string; readonly amount: number; readonly purpose: 'keep' | 'send' }[]
  /** Paid to the mint, in the unit. */
  readonly fee: number
}

/** A proof made by an exchange: what a token needs of it. */
export interface MadeProof {
  readonly Y: string
  readonly id: string
  readonly amount: number
  readonly secret: string
  readonly C: string
  readonly dleq?: { readonly e: string; readonly s: string; readonly r: string }
  readonly purpose: 'keep' | 'send'
}

/** A blind signature as a mint answers it (NUT-00). */
export type Signature = {
  readonly id: string
  readonly amount: number
  readonly C_: string
  readonly dleq?: { readonly e: string; readonly s: string }
}

export type SpentState = 'UNSPENT' | 'PENDING' | 'SPENT'

export interface Exchange {
  readonly inputs: readonly InputProof[]
  /** In which state our own rows of the inputs are; `foreign`: they are not ours yet. */
  readonly from: 'foreign' | 'reserved' | 'sent'
  /** Amounts to make for somebody else. */
  readonly send: readonly number[]
  /** Amounts to make for ourselves; the rest is split as it comes. */
  readonly keep: readonly number[]
  /** Every output set ever sent; the last is the one that `body` carries. */
  readonly sets: readonly OutputSet[]
  /** The exact bytes of the request. */
  readonly body: string
  /** Some send got no answer: it may land at any time. */
  readonly unaccounted: boolean
  /** Refusals since the outputs were last made anew. */
  readonly refusals: number
  readonly refusal: { readonly code: number; readonly detail: string } | null
  /** A signature on our outputs was seen while the inputs had read as unspent. */
  readonly seenSigned: boolean
  /** What the mint says of the inputs, in their order. */
  readonly states: readonly SpentState[]
  readonly signatures: readonly Signature[]
  readonly restored: { readonly outputs: readonly string[]; readonly signatures: readonly Signature[] } | null
  readonly made: readonly MadeProof[]
  /** Requests in vain since the outputs were last made, for the back-off. */
  readonly tries: number
}

export const newExchange = (
  wants: Pick<Exchange, 'inputs' | 'from'> & Partial<Pick<Exchange, 'send' | 'keep'>>,
): Exchange => ({
  send: [],
  keep: [],
  sets: [],
  body: '',
  unaccounted: false,
  refusals: 0,
  refusal: null,
  seenSigned: false,
  states: [],
  signatures: [],
  restored: null,
  made: [],
  tries: 0,
  ...wants,
})

/** The mint's reply to one request, as an answer. */
export type Replied<T> =
  | ({ readonly answer: 'ok' } & T)
  | { readonly answer: 'refused'; readonly code: number; readonly detail: string }
  | { readonly answer: 'unknown' }
  | { readonly answer: 'malformed' }

export const REPLIES = ['ok', 'refused', 'unknown', 'malformed'] as const

/** Whose operation, at which mint: part of most inputs. */
export interface Place {
  readonly id: string
  readonly mintUrl: string
  readonly unit: string
}

type Job = Place & { readonly exchange: Exchange }
type Made = { readonly made: readonly MadeProof[]; readonly writes: readonly Write[] }

export const exchangeActors = {
  /** Makes outputs from counters, and the body. */
  'exchange.derive': local<
    | { answer: 'ok'; set: OutputSet; body: string; writes: readonly Write[] }
    /** No active keyset with its keys is known. */
    | { answer: 'stale' }
    /** The inputs do not cover fee and amounts. */
    | { answer: 'short'; writes: readonly Write[] }
    /** Too many outputs since the last signed one: a restore would not find more. */
    | { answer: 'gap' },
    Job
  >({ answers: ['ok', 'stale', 'short', 'gap'] }),
  /** Unblinds the answer to the last set, checks every DLEQ, and writes the proofs. */
  'exchange.unblind': local<({ answer: 'ok' } & Made) | { answer: 'wrong' }, Job>({ answers: ['ok', 'wrong'] }),
  /** Weighs what the mint says of the inputs and of all outputs. */
  'exchange.match': local<
    | ({ answer: 'done' } & Made)
    /** Signed, and yet the inputs were unspent when they were asked about, which was before: ask once more. */
    | { answer: 'early' }
    /** Signed, and after that the inputs are unspent still: our counters were used elsewhere. */
    | { answer: 'collision'; sets: readonly OutputSet[]; writes: readonly Write[] }
    /** Nothing signed, all inputs unspent; `writes` forget the outputs, for when none of their sends can land. */
    | { answer: 'nothing'; writes: readonly Write[] }
    /** Nothing signed, and some inputs are spent: no send can land any more. */
    | { answer: 'spent'; writes: readonly Write[] }
    /** Some outputs are signed and some are not. */
    | { answer: 'partly'; writes: readonly Write[] }
    | { answer: 'wrong' },
    Job
  >({ answers: ['done', 'early', 'collision', 'nothing', 'spent', 'partly', 'wrong'] }),
  /** POST /v1/swap (NUT-03). */
  'mint.swap': effect<Replied<{ signatures: readonly Signature[] }> & { replay: boolean }, { mintUrl: string; body: string }>({
    answers: REPLIES,
  }),
  /** POST /v1/checkstate (NUT-07). */
  'mint.check': effect<Replied<{ states: readonly SpentState[] }>, { mintUrl: string; Ys: readonly string[] }>({
    answers: REPLIES,
  }),
  /** POST /v1/restore (NUT-09). */
  'mint.restore': effect<
    Replied<{ outputs: readonly string[]; signatures: readonly Signature[] }>,
    { mintUrl: string; outputs: readonly { readonly B_: string; readonly amount: number; readonly id: string }[] }
  >({ answers: REPLIES }),
  /** GET /v1/keysets and the keys of new active ones (NUT-01, NUT-02). */
  'mint.keysets': effect<Replied<{ writes: readonly Write[] }>, { mintUrl: string; unit: string }>({ answers: REPLIES }),
}

const tries = (context: unknown): number => (context as Context).exchange!.tries

export const exchangeDelays = {
  exchangeBackoff: backoff<unknown>({ firstMs: 1_000, maxMs: 300_000, tries }),
  exchangeBlocked: 3_600_000,
}

interface Context {
  readonly id: string
  readonly mintUrl: string
  readonly unit: string
  readonly exchange: Exchange | null
}
type Done<T> = { context: Context; event: { output: T } }

const MOST_TRIES = 20
/** Some mints refuse in passing ("database is locked"); more than that is meant. */
const MOST_REFUSALS = 3

// The sub-chart serves machines with different contexts: what they share is `Context`, and XState's types for a
// machine cannot say "any context that has these". They are kept to this file.
type Loose = never

const change = (by: (exchange: Exchange, output: never) => Partial<Exchange>): Loose =>
  assign((({ context, event }: { context: Context; event: { output?: unknown } }) => ({
    exchange: { ...context.exchange!, ...by(context.exchange!, event.output as never) },
  })) as Loose) as Loose

const write = { type: 'tx', params: ({ event }: Done<{ writes: readonly Write[] }>) => event.output.writes } as Loose
const job = ({ context: { id, mintUrl, unit, exchange } }: { context: Context }): Job => ({ id, mintUrl, unit, exchange: exchange! })
const again = change((exchange) => ({ tries: Math.min(MOST_TRIES, exchange.tries + 1) }))
const refused = change((exchange, { code, detail }: { code: number; detail: string }) => ({
  refusal: { code, detail },
  refusals: exchange.refusals + 1,
}))
const anew = change(() => ({ refusals: 0, tries: 0 }))
const keepMade = change((_, { made }: { made: readonly MadeProof[] }) => ({
  made,
  body: '',
  signatures: [],
  restored: null,
  sets: [],
}))
const is = answered as (...answers: string[]) => Loose

/** Where the sub-chart leads in the end; targets as seen from beside it. */
export interface Exits {
  /** The outputs are ours, and stored. */
  readonly done: string
  /** Inputs were spent by another, and nothing of ours is signed; `states` says which. */
  readonly spent: string
  /** Refused for good: every send was answered, the inputs are unspent, nothing is signed. */
  readonly refused: string
}

/** The sub-chart; the machine's setup takes `exchangeActors`, `exchangeDelays` and `tx` beside its own. */
export const exchange = ({ done, spent, refused: refusedExit }: Exits): Loose =>
  ({
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
                change((exchange, { set, body }: { set: OutputSet; body: string }) => ({
                  sets: [...exchange.sets, set],
                  body,
                  tries: 0,
                })),
              ],
            },
            { guard: ({ context, event }: Done<{ answer: string }>) => event.output.answer === 'stale' && context.exchange!.tries === 0, target: 'refreshing' },
            { guard: is('stale'), target: 'waiting' },
            { guard: is('gap'), target: 'blocked' },
            { guard: ({ context }: Done<unknown>) => context.exchange!.unaccounted, target: 'blocked' },
            { target: refusedExit, actions: [write, change(() => ({ sets: [], body: '' }))] },
          ],
        },
      },
      swapping: {
        description: 'The request is on its way to the mint.',
        invoke: {
          src: 'mint.swap',
          input: ({ context }: { context: Context }) => ({ mintUrl: context.mintUrl, body: context.exchange!.body }),
          onDone: [
            {
              guard: is('ok'),
              target: 'unblinding',
              actions: change((_, { signatures }: { signatures: readonly Signature[] }) => ({ signatures })),
            },
            {
              guard: is('unknown'),
              target: 'backoff',
              actions: [again, change(() => ({ unaccounted: true }))],
            },
            {
              guard: is('refused'),
              target: 'checking',
              actions: [refused, change(({ unaccounted }, { replay }: { replay: boolean }) => ({ unaccounted: unaccounted || replay }))],
            },
            { target: 'checking', actions: change(() => ({ refusal: null, unaccounted: true })) },
          ],
        },
      },
      backoff: {
        description: 'The mint did not answer; the same request goes out again.',
        after: { exchangeBackoff: 'swapping' },
        on: { resume: 'swapping' },
      },
      unblinding: {
        tags: ['local'],
        invoke: {
          src: 'exchange.unblind',
          input: job,
          onDone: [
            { guard: is('ok'), target: done, actions: [write, keepMade] },
            { target: 'checking', actions: change(() => ({ signatures: [] })) },
          ],
        },
      },
      checking: {
        description: 'Asks the mint what became of the inputs.',
        invoke: {
          src: 'mint.check',
          input: ({ context }: { context: Context }) => ({
            mintUrl: context.mintUrl,
            Ys: context.exchange!.inputs.map(({ Y }) => Y),
          }),
          onDone: [
            {
              guard: ({ event }: Done<{ answer: string; states: readonly SpentState[] }>) =>
                event.output.answer === 'ok' && !event.output.states.includes('PENDING'),
              target: 'restoring',
              actions: change((_, { states }: { states: readonly SpentState[] }) => ({ states })),
            },
            { guard: is('refused'), target: 'blocked', actions: again },
            { target: 'pausing', actions: again },
          ],
        },
      },
      restoring: {
        description: 'Asks the mint which of the outputs it signed.',
        invoke: {
          src: 'mint.restore',
          input: ({ context }: { context: Context }) => ({
            mintUrl: context.mintUrl,
            outputs: context.exchange!.sets.flatMap(({ keysetId, outputs }) =>
              outputs.map(({ B_, amount }) => ({ B_, amount, id: keysetId })),
            ),
          }),
          onDone: [
            {
              guard: is('ok'),
              target: 'matching',
              actions: change((_, { outputs, signatures }: { outputs: readonly string[]; signatures: readonly Signature[] }) => ({
                restored: { outputs, signatures },
              })),
            },
            { guard: is('refused'), target: 'blocked', actions: again },
            { target: 'pausing', actions: again },
          ],
        },
      },
      matching: {
        tags: ['local'],
        invoke: {
          src: 'exchange.match',
          input: job,
          onDone: [
            { guard: is('done'), target: done, actions: [write, keepMade] },
            { guard: is('spent'), target: spent, actions: [write, change(() => ({ restored: null, body: '', sets: [] }))] },
            {
              guard: is('collision'),
              target: 'refreshing',
              actions: [
                write,
                change((_, { sets }: { sets: readonly OutputSet[] }) => ({ sets, restored: null, seenSigned: false, refusals: 0, tries: 0 })),
              ],
            },
            { guard: is('early'), target: 'checking', actions: change(() => ({ restored: null, seenSigned: true })) },
            {
              guard: ({ context, event }: Done<{ answer: string }>) =>
                event.output.answer === 'nothing' && context.exchange!.refusals >= MOST_REFUSALS && !context.exchange!.unaccounted,
              target: refusedExit,
              actions: [write, change(() => ({ restored: null, body: '', sets: [] }))],
            },
            {
              guard: ({ context, event }: Done<{ answer: string }>) =>
                event.output.answer === 'nothing' && context.exchange!.refusals >= MOST_REFUSALS,
              target: 'blocked',
              actions: change(() => ({ restored: null })),
            },
            {
              guard: ({ context, event }: Done<{ answer: string }>) =>
                event.output.answer === 'nothing' && context.exchange!.refusal !== null,
              target: 'refreshing',
              actions: change(() => ({ restored: null })),
            },
            { guard: is('nothing'), target: 'backoff', actions: [again, change(() => ({ restored: null }))] },
            { guard: is('partly'), target: 'pausing', actions: [write, again, change(() => ({ restored: null }))] },
            { target: 'quarantined', actions: change(() => ({ restored: null })) },
          ],
        },
      },
      refreshing: {
        description: 'Fetches the mint’s keysets, for the known ones do not serve.',
        invoke: {
          src: 'mint.keysets',
          input: ({ context }: { context: Context }) => ({ mintUrl: context.mintUrl, unit: context.unit }),
          onDone: [
            { guard: is('ok'), target: 'deriving', actions: [write, again] },
            { target: 'waiting', actions: again },
          ],
        },
      },
      waiting: {
        description: 'The keysets could not be fetched; asks again.',
        after: { exchangeBackoff: 'refreshing' },
        on: { resume: 'refreshing' },
      },
      pausing: {
        description: 'The mint gave no clear answer yet; asks again.',
        after: { exchangeBackoff: 'checking' },
        on: { resume: 'checking' },
      },
      blocked: {
        tags: ['human'],
        description: 'The mint keeps refusing, and an earlier send may still land; tries again every hour, or when resumed.',
        after: { exchangeBlocked: { target: 'checking', actions: anew } },
        on: {
          resume: { target: 'checking', actions: anew },
          // A token that is not ours yet may be given up; should the send land after all, a restore finds it.
          cancel: { guard: ({ context }: { context: Context }) => context.exchange!.from === 'foreign', target: refusedExit },
        },
      },
      quarantined: {
        tags: ['human', 'quarantined'],
        description: 'The mint’s answers contradict each other; everything is kept. Resume asks again.',
        on: { resume: 'checking' },
      },
    },
  }) as Loose


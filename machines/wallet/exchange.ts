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
 * | refreshing, waiting | the same | fetches the keysets again |
 * | blocked, quarantined | the same, and the mint's last refusal | waits: for the slow retry, or for a person |
 */
import { assign } from 'xstate'
import { answered, type Write } from '../../src/kernel/authoring.ts'
import type {
  OutputSet,
  MadeProof,
  Refusal,
  Signature,
  SpentState,
  Exchange,
  Job,
  ExchangeContext,
} from './exchange-model.ts'

type Done<T> = { context: ExchangeContext; event: { output: T } }

const MOST_TRIES = 20
/** Some mints refuse in passing ("database is locked"); more than that is meant. */
const MOST_REFUSALS = 3

// The sub-chart serves machines with different contexts: what they share is `Context`, and XState's types for a
// machine cannot say "any context that has these". They are kept to this file.
type Loose = never

const change = (by: (exchange: Exchange, output: never) => Partial<Exchange>): Loose =>
  assign((({ context, event }: { context: ExchangeContext; event: { output?: unknown } }) => ({
    exchange: { ...context.exchange!, ...by(context.exchange!, event.output as never) },
  })) as Loose) as Loose

const write = { type: 'tx', params: ({ event }: Done<{ writes: readonly Write[] }>) => event.output.writes } as Loose
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
  /** Given up before anything was sent. Without it, nobody can. */
  readonly cancelled?: string
  /** Given up although a send may still land: for inputs that are not ours yet. Should it land, a restore finds it. */
  readonly abandoned?: string
}

/** The sub-chart; the machine's setup takes `exchangeActors`, `exchangeDelays` and `tx` beside its own. */
export const exchange = ({ done, spent, refused: refusedExit, cancelled, abandoned }: Exits): Loose =>
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
                change((exchange, { set, again, body }: { set: OutputSet; again: boolean; body: string }) => ({
                  sets: again ? exchange.sets : [...exchange.sets, set],
                  body,
                  tries: again ? exchange.tries : 0,
                })),
              ],
            },
            // The fee that we know may be an old one too.
            {
              guard: ({ context, event }: Done<{ answer: string }>) =>
                ['stale', 'short'].includes(event.output.answer) && context.exchange!.tries === 0,
              target: 'refreshing',
            },
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
            {
              guard: is('unknown'),
              target: 'backoff',
              actions: [again, change(() => ({ unaccounted: true }))],
            },
            {
              guard: is('refused'),
              target: 'checking',
              actions: [
                refused,
                change(({ unaccounted }, { replay }: { replay: boolean }) => ({ unaccounted: unaccounted || replay })),
              ],
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
          input: ({ context }: { context: ExchangeContext }) => ({
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
              actions: change(
                (_, { outputs, signatures }: { outputs: readonly string[]; signatures: readonly Signature[] }) => ({
                  restored: { outputs, signatures },
                }),
              ),
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
            // A single reading is not enough to give up what may be ours.
            {
              guard: ({ context, event }: Done<{ answer: string }>) =>
                event.output.answer === 'spent' && !context.exchange!.seenSpent,
              target: 'pausing',
              actions: [again, change(() => ({ restored: null, seenSpent: true }))],
            },
            {
              guard: is('spent'),
              target: spent,
              actions: [write, change(() => ({ restored: null, body: '', sets: [] }))],
            },
            {
              guard: is('collision'),
              target: 'waiting',
              actions: [
                write,
                again,
                change((_, { sets }: { sets: readonly OutputSet[] }) => ({
                  sets,
                  body: '',
                  restored: null,
                  seenSigned: false,
                  refusals: 0,
                })),
              ],
            },
            { guard: is('early'), target: 'checking', actions: change(() => ({ restored: null, seenSigned: true })) },
            {
              guard: ({ context, event }: Done<{ answer: string }>) =>
                event.output.answer === 'nothing' &&
                context.exchange!.refusals >= MOST_REFUSALS &&
                !context.exchange!.unaccounted,
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
                event.output.answer === 'nothing' &&
                context.exchange!.refusal !== null &&
                context.exchange!.refusals < 2,
              target: 'refreshing',
              actions: change(() => ({ restored: null })),
            },
            // Refused again, or never sent at all: not at once.
            {
              guard: ({ context, event }: Done<{ answer: string }>) =>
                event.output.answer === 'nothing' &&
                (context.exchange!.refusal !== null || context.exchange!.sets.length === 0),
              target: 'waiting',
              actions: [again, change(() => ({ restored: null }))],
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
          input: ({ context }: { context: ExchangeContext }) => ({ mintUrl: context.mintUrl, unit: context.unit }),
          onDone: [
            { guard: is('ok'), target: 'deriving', actions: [write, again] },
            { target: 'waiting', actions: again },
          ],
        },
      },
      waiting: {
        description: 'The keysets could not be fetched; asks again.',
        after: { exchangeBackoff: 'refreshing' },
        on: {
          resume: 'refreshing',
          ...(cancelled !== undefined && {
            cancel: {
              guard: ({ context }: { context: ExchangeContext }) => context.exchange!.sets.length === 0,
              target: cancelled,
            },
          }),
        },
      },
      pausing: {
        description: 'The mint gave no clear answer yet; asks again.',
        after: { exchangeBackoff: 'checking' },
        on: { resume: 'checking' },
      },
      blocked: {
        tags: ['human'],
        description:
          'The mint keeps refusing, and an earlier send may still land; tries again every hour, or when resumed.',
        after: { exchangeBlocked: { target: 'checking', actions: anew } },
        on: {
          resume: { target: 'checking', actions: anew },
          ...(abandoned !== undefined && { cancel: abandoned }),
        },
      },
      quarantined: {
        tags: ['human', 'quarantined'],
        description: 'The mint’s answers contradict each other; everything is kept. Resume asks again.',
        on: { resume: 'checking' },
      },
    },
  }) as Loose

/**
 * Send (NUT-00, NUT-03): a token of an exact amount. Where our proofs make it up no network is needed.
 *
 * ```text
 *  selecting* ──▶ prepared ──execute, exact──────────────▶ encoding* ──▶ tokenCreated ──all spent──▶ claimed
 *                    │  ╲──execute──▶ exchanging ──▶ ────────╯            ▲  │
 *                    ▼                   │ ╲ refused                      │  │ reclaim
 *                cancelled             lost  failed               refused │  ▼
 *                                                                         reclaiming ──▶ reclaimed | claimed
 * ```
 *
 * | crashed in | what is durable | what resume does |
 * |---|---|---|
 * | selecting, splitting, encoding | nothing of them: the state before | the state before runs again |
 * | prepared | the inputs, reserved, and the fee | waits for execute, cancel, or the deadline |
 * | exchanging, reclaiming | see the exchange | see the exchange |
 * | tokenCreated | the token's text, its proofs as sent | watches whether it is claimed |
 *
 * The token's text is stored with the commit that marks its proofs as sent: whoever asks again gets the same text.
 * `sent` never becomes spendable again; a reclaim makes new proofs. A token claimed in part is reclaimed for the rest.
 */
import { assign, setup } from 'xstate'
import { from, local, on, tx, when, write, writes } from '../../src/kernel/define/authoring.ts'
import type { Write } from '../../src/wallet/tables.ts'
import {
  takeActor,
  type Failure,
  type Tag,
  freed,
  lostBy,
  sum,
  release,
  spend,
  spentOf,
  unspentOf,
  sendOff,
} from './common.ts'
import {
  exchangeActors,
  exchangeDelays,
  exchangeOf,
  failureOf,
  reservedBy,
  type InputProof,
  type MadeProof,
  type SpentState,
  type Exchange,
  continued,
  newExchange,
} from './exchange-model.ts'
import { exchangeGuards } from './exchange-setup.ts'
import { exchange } from './exchange.ts'

export interface SendInput {
  readonly id: string
  readonly mintUrl: string
  readonly unit: string
  readonly amount: number
  readonly memo: string | null
}

export interface SendContext extends SendInput {
  /** What the token is to be worth; `amount` is what of it went away, in the end. */
  readonly asked: number
  /** Of the inputs, what somebody else had spent. */
  readonly spentElsewhere: number
  readonly fee: number
  readonly exchange: Exchange | null
  /** The inputs make up the amount: they are the token. */
  readonly exact: boolean
  /** The proofs of the token. */
  readonly sent: readonly InputProof[]
  readonly token: string | null
  /** Of a token that was claimed in part: that part, as far as it is known. */
  readonly claimed: number
  /** Of a reclaimed token: what came back. */
  readonly reclaimed: number
  readonly error: Failure | null
}

type TokenEvent = { type: 'token.states'; states: readonly SpentState[] }

const asInput = ({ Y, id, amount, secret, C }: MadeProof): InputProof => ({ Y, id, amount, secret, C })

type Kept = Partial<SendContext>

/** Some of it was claimed: what is left is reclaimed on its own. */
const rest = (context: SendContext): Kept => {
  const of = exchangeOf(context)
  const left = unspentOf(of)
  return { claimed: context.claimed + sum(spentOf(of)), sent: left, exchange: continued(of, left) }
}
/** What a reclaim brought. */
const back = (context: SendContext): Kept => {
  const { made, fee } = exchangeOf(context)
  return { reclaimed: context.reclaimed + sum(made), fee: context.fee + fee }
}
/** Inputs of a reclaim that others have spent. */
const claimed = (context: SendContext, inputs: readonly InputProof[]): readonly Write[] =>
  spend(context.id, inputs, 'sent')

export const send = setup({
  types: {} as {
    context: SendContext
    input: SendInput
    events: { type: 'execute' } | { type: 'cancel' } | { type: 'resume' } | { type: 'reclaim' } | TokenEvent
    tags: Tag
    meta: { poll?: string }
  },
  actors: {
    ...exchangeActors,
    ...takeActor,
    /** The amounts that make up a sum in the mint's active keyset; refused where they do not, and the inputs are not exact. */
    'send.split': local<{ answer: 'ok'; amounts: readonly number[] } | { answer: 'stale' }, { mintUrl: string; unit: string; amount: number; exact: boolean }>({ answers: { ok: true, stale: true } }), // prettier-ignore
    /** The token's text. */
    'send.encode': local<{ answer: 'ok'; token: string }, { mintUrl: string; unit: string; memo: string | null; sent: readonly InputProof[] }>({ answers: { ok: true } }), // prettier-ignore
  },
  actions: {
    tx: tx<Write>,
    keep: assign((_, kept: Kept) => kept),
    takeTheInputs: assign(({ context }) => ({ sent: exchangeOf(context).inputs })),
    takeWhatWasMade: assign(({ context }) => {
      const { fee, made } = exchangeOf(context)
      return { fee, sent: made.filter(({ purpose }) => purpose === 'send').map(asInput) }
    }),
    takeBack: assign(({ context }) => ({ exchange: newExchange({ inputs: context.sent, from: 'sent' }) })),
    tryTheRest: assign(({ context }) => rest(context)),
    countTheClaimed: assign(({ context }) => ({
      claimed: context.claimed + sum(exchangeOf(context).inputs),
    })),
    keepWhatCame: assign(({ context }) => back(context)),
    keepWhatIsOut: assign(({ context }) => ({ sent: exchangeOf(context).inputs, exchange: null })),
    nothingIsOut: assign(({ context }) => ({ amount: context.claimed, sent: [], exchange: null })),
    allIsClaimed: assign(({ context: { claimed, sent } }) => ({
      amount: claimed + sum(sent),
      exchange: null,
      sent: [],
    })),
    fail: assign(({ context }) => {
      const of = exchangeOf(context)
      return { amount: 0, fee: of.fee, error: failureOf(of), exchange: null }
    }),
    lose: assign(({ context }) => ({ amount: 0, ...lostBy(exchangeOf(context)), exchange: null })),
  },
  guards: {
    ...exchangeGuards,
    isExact: when(({ exact }: SendContext) => exact),
    isSomeUnspent: when((context: SendContext) => unspentOf(exchangeOf(context)).length > 0),
    isSomeMade: when((context: SendContext) => exchangeOf(context).made.length > 0),
    isAllSpent: (_, states: readonly SpentState[]) => states.every((state) => state === 'SPENT'),
  },
  delays: { ...exchangeDelays, sendDeadline: 600_000 },
}).createMachine({
  id: 'send',
  context: ({ input }) => ({
    ...input,
    asked: input.amount,
    spentElsewhere: 0,
    fee: 0,
    exchange: null,
    exact: false,
    sent: [],
    token: null,
    claimed: 0,
    reclaimed: 0,
    error: null,
  }),
  initial: 'selecting',
  states: {
    selecting: {
      tags: ['local'],
      invoke: {
        src: 'proofs.take',
        input: from(({ id, mintUrl, unit, amount }) => ({
          id,
          mintUrl,
          unit,
          amount,
          preferExact: true,
          exchanges: true,
        })),
        onDone: on({
          target: 'splitting',
          actions: write,
          keep: ({ context, output: { inputs, fee } }) => {
            const exact = sum(inputs) === context.amount
            return { exact, fee: exact ? 0 : fee, exchange: newExchange({ inputs, from: 'reserved' }) }
          },
        }),
      },
    },
    splitting: {
      tags: ['local'],
      invoke: {
        src: 'send.split',
        input: from(({ mintUrl, unit, amount, exact }) => ({ mintUrl, unit, amount, exact })),
        onDone: [
          on({
            answer: 'ok',
            target: 'prepared',
            keep: ({ context, output: { amounts } }) => ({
              exchange: newExchange({ inputs: exchangeOf(context).inputs, from: 'reserved', send: amounts }),
            }),
          }),
          on({ if: 'isExact', target: 'prepared' }),
          on({
            target: 'releasing',
            keep: { error: { code: 'MINT_UNREACHABLE', detail: 'the mint’s keys are not known' } },
          }),
        ],
      },
    },
    prepared: {
      description: 'Nothing was sent. Waits for execute or cancel, and is cancelled at its deadline.',
      on: {
        execute: [
          {
            guard: 'isExact',
            target: 'encoding',
            actions: [writes((context) => sendOff(context.id, exchangeOf(context).inputs)), 'takeTheInputs'],
          },
          { target: 'exchanging' },
        ],
        cancel: 'releasing',
      },
      after: { sendDeadline: 'releasing' },
    },
    releasing: {
      always: {
        target: 'cancelled',
        actions: writes((context) => release(context.id, reservedBy(exchangeOf(context)))),
      },
    },
    exchanging: exchange({
      done: '#send.exchanged',
      spent: '#send.lost',
      refused: '#send.failed',
      cancelled: '#send.releasing',
    }),
    exchanged: { always: { target: 'encoding', actions: 'takeWhatWasMade' } },
    encoding: {
      tags: ['local'],
      invoke: {
        src: 'send.encode',
        input: from(({ mintUrl, unit, memo, sent }) => ({ mintUrl, unit, memo, sent })),
        onDone: on({ target: 'tokenCreated', keep: ({ output: { token } }) => ({ token, exchange: null }) }),
      },
    },
    tokenCreated: {
      description: 'The token is out. Watches whether it is claimed; it can be reclaimed as long as it is not.',
      meta: { poll: 'token' },
      on: {
        'token.states': {
          guard: { type: 'isAllSpent', params: ({ event }) => event.states },
          target: 'claimed',
        },
        reclaim: { target: 'reclaiming', actions: 'takeBack' },
      },
    },
    reclaiming: exchange({
      done: '#send.returned',
      spent: '#send.sifting',
      refused: '#send.kept',
      cancelled: '#send.kept',
    }),
    /** Some of the token was claimed: the rest is reclaimed on its own. */
    sifting: {
      always: [
        {
          guard: 'isSomeUnspent',
          target: 'reclaiming',
          actions: [writes((context) => claimed(context, spentOf(exchangeOf(context)))), 'tryTheRest'],
        },
        {
          guard: 'isSomeMade',
          target: 'returned',
          actions: [writes((context) => claimed(context, exchangeOf(context).inputs)), 'countTheClaimed'],
        },
        { target: 'claimed' },
      ],
    },
    /** The mint will not take the token back, or not all of it; what is left stays what it was. */
    kept: { always: { target: 'tokenCreated', actions: ['keepWhatCame', 'keepWhatIsOut'] } },
    returned: { always: { target: 'reclaimed', actions: ['keepWhatCame', 'nothingIsOut'] } },
    claimed: {
      type: 'final',
      tags: ['ended'],
      entry: [writes((context) => claimed(context, context.sent)), 'allIsClaimed'],
    },
    reclaimed: { type: 'final', tags: ['ended'] },
    failed: {
      type: 'final',
      tags: ['ended', 'failed'],
      entry: [writes((context) => release(context.id, reservedBy(exchangeOf(context)))), 'fail'],
    },
    lost: {
      type: 'final',
      tags: ['ended', 'failed'],
      entry: [writes((context) => freed(context.id, exchangeOf(context))), 'lose'],
    },
    cancelled: {
      type: 'final',
      tags: ['ended', 'failed'],
      entry: { type: 'keep', params: { exchange: null, amount: 0, fee: 0 } },
    },
  },
})

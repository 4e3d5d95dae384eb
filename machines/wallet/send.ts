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
import { local, tx, answered } from '../../src/kernel/define/authoring.ts'
import type { Write } from '../../src/wallet/tables.ts'
import {
  takeActor,
  type Failure,
  type Tag,
  freed,
  sum,
  release,
  spend,
  spentOf,
  unspentOf,
  sendOff,
  write,
} from './common.ts'
import {
  exchangeActors,
  exchangeDelays,
  failureOf,
  reservedBy,
  type InputProof,
  type MadeProof,
  type SpentState,
  type Exchange,
  continued,
  newExchange,
} from './exchange-model.ts'
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

type ClaimNews = { type: 'token.states'; states: readonly SpentState[] }

const asInput = ({ Y, id, amount, secret, C }: MadeProof): InputProof => ({ Y, id, amount, secret, C })

export const send = setup({
  types: {} as {
    context: SendContext
    input: SendInput
    events: { type: 'execute' } | { type: 'cancel' } | { type: 'resume' } | { type: 'reclaim' } | ClaimNews
    tags: Tag
    meta: { watch?: string }
  },
  actors: {
    ...exchangeActors,
    ...takeActor,
    /** The amounts that make up a sum in the mint's active keyset; refused where they do not, and the inputs are not exact. */
    'send.split': local<{ answer: 'ok'; amounts: readonly number[] } | { answer: 'stale' }, { mintUrl: string; unit: string; amount: number; exact: boolean }>({ answers: ['ok', 'stale'] }), // prettier-ignore
    /** The token's text. */
    'send.encode': local<{ answer: 'ok'; token: string }, { mintUrl: string; unit: string; memo: string | null; sent: readonly InputProof[] }>({ answers: ['ok'] }), // prettier-ignore
  },
  actions: { tx: tx<Write> },
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
        input: ({ context: { id, mintUrl, unit, amount } }) => ({
          id,
          mintUrl,
          unit,
          amount,
          preferExact: true,
          exchanges: true,
        }),
        onDone: {
          target: 'splitting',
          actions: [
            write,
            assign(({ context, event: { output } }) => {
              const { inputs, fee } = output
              const exact = sum(inputs) === context.amount
              return { exact, fee: exact ? 0 : fee, exchange: newExchange({ inputs, from: 'reserved' }) }
            }),
          ],
        },
      },
    },
    splitting: {
      tags: ['local'],
      invoke: {
        src: 'send.split',
        input: ({ context: { mintUrl, unit, amount, exact } }) => ({ mintUrl, unit, amount, exact }),
        onDone: [
          {
            guard: answered('ok'),
            target: 'prepared',
            actions: assign(({ context, event }) =>
              event.output.answer === 'ok'
                ? {
                    exchange: newExchange({
                      inputs: context.exchange!.inputs,
                      from: 'reserved',
                      send: event.output.amounts,
                    }),
                  }
                : {},
            ),
          },
          { guard: ({ context }) => context.exact, target: 'prepared' },
          {
            target: 'releasing',
            actions: assign({ error: { code: 'MINT_UNREACHABLE', detail: 'the mint’s keys are not known' } }),
          },
        ],
      },
    },
    prepared: {
      description: 'Nothing was sent. Waits for execute or cancel, and is cancelled at its deadline.',
      on: {
        execute: [
          {
            guard: ({ context }) => context.exact,
            target: 'encoding',
            actions: [
              { type: 'tx', params: ({ context: { id, exchange } }) => sendOff(id, exchange!.inputs) },
              assign(({ context }) => ({ sent: context.exchange!.inputs })),
            ],
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
        actions: { type: 'tx', params: ({ context: { id, exchange } }) => release(id, reservedBy(exchange!)) },
      },
    },
    exchanging: exchange({
      done: '#send.exchanged',
      spent: '#send.lost',
      refused: '#send.failed',
      cancelled: '#send.releasing',
    }),
    exchanged: {
      always: {
        target: 'encoding',
        actions: assign(({ context: { exchange } }) => ({
          fee: exchange!.fee,
          sent: exchange!.made.filter(({ purpose }) => purpose === 'send').map(asInput),
        })),
      },
    },
    encoding: {
      tags: ['local'],
      invoke: {
        src: 'send.encode',
        input: ({ context: { mintUrl, unit, memo, sent } }) => ({ mintUrl, unit, memo, sent }),
        onDone: {
          target: 'tokenCreated',
          actions: assign(({ event }) => ({ token: event.output.token, exchange: null })),
        },
      },
    },
    tokenCreated: {
      description: 'The token is out. Watches whether it is claimed; it can be reclaimed as long as it is not.',
      meta: { watch: 'token' },
      on: {
        'token.states': {
          guard: ({ event }) => event.states.every((state) => state === 'SPENT'),
          target: 'claimed',
        },
        reclaim: {
          target: 'reclaiming',
          actions: assign(({ context }) => ({ exchange: newExchange({ inputs: context.sent, from: 'sent' }) })),
        },
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
          guard: ({ context }) => unspentOf(context.exchange!).length > 0,
          target: 'reclaiming',
          actions: [
            { type: 'tx', params: ({ context: { id, exchange } }) => spend(id, spentOf(exchange!), 'sent') },
            assign(({ context }) => {
              const rest = unspentOf(context.exchange!)
              return {
                claimed: context.claimed + sum(spentOf(context.exchange!)),
                sent: rest,
                exchange: continued(context.exchange!, rest),
              }
            }),
          ],
        },
        {
          guard: ({ context }) => context.exchange!.made.length > 0,
          target: 'returned',
          actions: [
            { type: 'tx', params: ({ context: { id, exchange } }) => spend(id, exchange!.inputs, 'sent') },
            assign(({ context: { claimed, exchange } }) => ({ claimed: claimed + sum(exchange!.inputs) })),
          ],
        },
        { target: 'claimed' },
      ],
    },
    /** The mint will not take the token back, or not all of it; what is left stays what it was. */
    kept: {
      always: {
        target: 'tokenCreated',
        actions: assign(({ context: { exchange, fee, reclaimed } }) => ({
          reclaimed: reclaimed + sum(exchange!.made),
          fee: fee + exchange!.fee,
          sent: exchange!.inputs,
          exchange: null,
        })),
      },
    },
    returned: {
      always: {
        target: 'reclaimed',
        actions: assign(({ context: { exchange, fee, claimed, reclaimed } }) => ({
          amount: claimed,
          reclaimed: reclaimed + sum(exchange!.made),
          fee: fee + exchange!.fee,
          sent: [],
          exchange: null,
        })),
      },
    },
    claimed: {
      type: 'final',
      tags: ['ended'],
      entry: [
        { type: 'tx', params: ({ context: { id, sent } }) => spend(id, sent, 'sent') },
        assign(({ context: { claimed, sent } }) => ({ amount: claimed + sum(sent), exchange: null, sent: [] })),
      ],
    },
    reclaimed: { type: 'final', tags: ['ended'] },
    failed: {
      type: 'final',
      tags: ['ended', 'failed'],
      entry: [
        { type: 'tx', params: ({ context: { id, exchange } }) => release(id, reservedBy(exchange!)) },
        assign(({ context: { exchange } }) => ({
          amount: 0,
          fee: exchange!.fee,
          error: failureOf(exchange!),
          exchange: null,
        })),
      ],
    },
    lost: {
      type: 'final',
      tags: ['ended', 'failed'],
      entry: [
        {
          type: 'tx',
          params: ({ context: { id, exchange } }) => freed(id, exchange!),
        },
        assign(({ context: { exchange } }) => ({
          amount: 0,
          spentElsewhere: sum(spentOf(exchange!)),
          fee: exchange!.fee,
          error: { code: 'SPENT_ELSEWHERE', detail: 'some of the inputs were spent outside this wallet' },
          exchange: null,
        })),
      ],
    },
    cancelled: { type: 'final', tags: ['ended', 'failed'], entry: assign({ exchange: null, amount: 0, fee: 0 }) },
  },
})

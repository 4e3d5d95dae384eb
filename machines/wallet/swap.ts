/**
 * Swap (NUT-03): proofs of our own for others of chosen amounts, to split or to consolidate.
 *
 * ```text
 *  selecting* ──▶ prepared ──execute──▶ exchanging ──▶ swapped
 *                    │                     │  ╲
 *                    ▼                     ▼   ╲ refused for good: inputs given back
 *                cancelled               lost   failed
 * ```
 *
 * | crashed in | what is durable | what resume does |
 * |---|---|---|
 * | selecting | nothing | nothing: the caller never got an operation |
 * | prepared | the inputs, reserved, and the fee | waits for execute, cancel, or the deadline |
 * | exchanging | see the exchange | see the exchange |
 *
 * `lost`: some inputs were spent by another. They are marked spent; those that are not are given back.
 */
import { assign, setup } from 'xstate'
import { on, from, tx, write, writes } from '../../src/kernel/define/authoring.ts'
import type { Write } from '../../src/wallet/tables.ts'
import { takeActor, type Failure, type Tag, freed, lostBy, release, total } from './common.ts'
import {
  exchangeActors,
  exchangeDelays,
  exchangeOf,
  failureOf,
  reservedBy,
  type Exchange,
  newExchange,
} from './exchange-model.ts'
import { exchangeGuards } from './exchange-setup.ts'
import { exchange } from './exchange.ts'

export interface SwapInput {
  readonly id: string
  readonly mintUrl: string
  readonly unit: string
  /** Amounts to make; what the inputs are worth beyond them is split as it comes. */
  readonly amounts: readonly number[]
}

export interface SwapContext extends SwapInput {
  /** Sum of the amounts to make. */
  readonly asked: number
  readonly amount: number
  /** Of the inputs, what somebody else had spent. */
  readonly spentElsewhere: number
  readonly fee: number
  readonly exchange: Exchange | null
  readonly ys: readonly string[]
  readonly error: Failure | null
}

export const swap = setup({
  types: {} as {
    context: SwapContext
    input: SwapInput
    events: { type: 'execute' } | { type: 'cancel' } | { type: 'resume' }
    tags: Tag
  },
  actors: { ...exchangeActors, ...takeActor },
  actions: {
    tx: tx<Write>,
    keep: assign((_, kept: Partial<SwapContext>) => kept),
    keepWhatCame: assign(({ context }) => {
      const { fee, made } = exchangeOf(context)
      return { fee, ys: made.map(({ Y }) => Y), exchange: null }
    }),
    fail: assign(({ context }) => {
      const of = exchangeOf(context)
      return { amount: 0, fee: of.fee, error: failureOf(of), exchange: null }
    }),
    lose: assign(({ context }) => ({ amount: 0, ...lostBy(exchangeOf(context)), exchange: null })),
  },
  guards: exchangeGuards,
  delays: { ...exchangeDelays, swapDeadline: 600_000 },
}).createMachine({
  id: 'swap',
  context: ({ input }) => ({
    ...input,
    asked: total(input.amounts),
    amount: total(input.amounts),
    spentElsewhere: 0,
    fee: 0,
    exchange: null,
    ys: [],
    error: null,
  }),
  initial: 'selecting',
  states: {
    selecting: {
      tags: ['local'],
      invoke: {
        src: 'proofs.take',
        input: from(({ id, mintUrl, unit, amount, amounts }) => ({
          id,
          mintUrl,
          unit,
          amount,
          amounts,
          preferExact: false,
          exchanges: true,
        })),
        onDone: on({
          target: 'prepared',
          actions: write,
          keep: ({ context, output: { fee, inputs } }) => ({
            fee,
            exchange: newExchange({ inputs, from: 'reserved', keep: context.amounts }),
          }),
        }),
      },
    },
    prepared: {
      description: 'Nothing was sent. Waits for execute or cancel, and is cancelled at its deadline.',
      on: { execute: 'exchanging', cancel: 'releasing' },
      after: { swapDeadline: 'releasing' },
    },
    releasing: {
      always: {
        target: 'cancelled',
        actions: writes((context) => release(context.id, reservedBy(exchangeOf(context)))),
      },
    },
    exchanging: exchange({
      done: '#swap.swapped',
      spent: '#swap.lost',
      refused: '#swap.failed',
      cancelled: '#swap.releasing',
    }),
    swapped: { type: 'final', tags: ['ended'], entry: 'keepWhatCame' },
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

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
import { tx } from '../../src/kernel/define/authoring.ts'
import type { Write } from '../../src/wallet/tables.ts'
import { takeActor, type Failure, type Tag, freed, spentOf, sum, release, write } from './common.ts'
import { exchangeActors, exchangeDelays, failureOf, reservedBy, type Exchange, newExchange } from './exchange-model.ts'
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

const total = (amounts: readonly number[]): number => amounts.reduce((so, amount) => so + amount, 0)

export const swap = setup({
  types: {} as {
    context: SwapContext
    input: SwapInput
    events: { type: 'execute' } | { type: 'cancel' } | { type: 'resume' }
    tags: Tag
  },
  actors: { ...exchangeActors, ...takeActor },
  actions: { tx: tx<Write> },
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
        input: ({ context: { id, mintUrl, unit, amount, amounts } }) => ({
          id,
          mintUrl,
          unit,
          amount,
          amounts,
          preferExact: false,
          exchanges: true,
        }),
        onDone: {
          target: 'prepared',
          actions: [
            write,
            assign(({ context, event: { output } }) => ({
              fee: output.fee,
              exchange: newExchange({ inputs: output.inputs, from: 'reserved', keep: context.amounts }),
            })),
          ],
        },
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
        actions: { type: 'tx', params: ({ context: { id, exchange } }) => release(id, reservedBy(exchange!)) },
      },
    },
    exchanging: exchange({
      done: '#swap.swapped',
      spent: '#swap.lost',
      refused: '#swap.failed',
      cancelled: '#swap.releasing',
    }),
    swapped: {
      type: 'final',
      tags: ['ended'],
      entry: assign(({ context: { exchange } }) => ({
        fee: exchange!.fee,
        ys: exchange!.made.map(({ Y }) => Y),
        exchange: null,
      })),
    },
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

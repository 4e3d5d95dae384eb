/**
 * Receive a token (NUT-03): its proofs are swapped for proofs of our own.
 *
 * ```text
 *  prepared ──execute──▶ exchanging ──▶ received
 *     │                      │  ╲ some spent by another: prepares the rest again
 *     ▼                      ▼
 *  cancelled              rejected   nothing left, or refused for good
 * ```
 *
 * | crashed in | what is durable | what resume does |
 * |---|---|---|
 * | prepared | the token and the fee | waits for execute, cancel, or the deadline |
 * | exchanging | see the exchange | see the exchange |
 *
 * A mint that is not trusted is contacted by nobody: the operation waits in its state until it is.
 */
import { assign, setup } from 'xstate'
import { tx } from '../../src/kernel/authoring.ts'
import { exchangeActors, exchangeDelays, type InputProof, type Exchange, newExchange } from './exchange-model.ts'
import { exchange } from './exchange.ts'

export interface ReceiveInput {
  readonly id: string
  readonly mintUrl: string
  readonly unit: string
  readonly proofs: readonly InputProof[]
  /** Sum of the proofs, in the unit. */
  readonly amount: number
  /** What the mint will keep (NUT-02), as far as its keysets are known. */
  readonly fee: number
  readonly memo: string | null
}

export interface ReceiveContext extends Omit<ReceiveInput, 'proofs'> {
  readonly exchange: Exchange | null
  /** Of the amount, what was found spent by another. */
  readonly lost: number
  /** Names of the proofs received, for the history. */
  readonly ys: readonly string[]
  readonly error: { readonly code: string; readonly detail: string } | null
}

const sum = (proofs: readonly { amount: number }[]): number => proofs.reduce((total, { amount }) => total + amount, 0)
const unspent = ({ inputs, states }: Exchange): InputProof[] => inputs.filter((_, at) => states[at] === 'UNSPENT')

export const receive = setup({
  types: {} as {
    context: ReceiveContext
    input: ReceiveInput
    events: { type: 'execute' } | { type: 'cancel' } | { type: 'resume' }
    tags: 'local' | 'ended' | 'human' | 'quarantined' | 'failed'
  },
  actors: exchangeActors,
  actions: { tx },
  delays: { ...exchangeDelays, receiveDeadline: 600_000 },
}).createMachine({
  id: 'receive',
  context: ({ input: { proofs, ...input } }) => ({
    ...input,
    exchange: newExchange({ inputs: proofs, from: 'foreign' }),
    lost: 0,
    ys: [],
    error: null,
  }),
  initial: 'prepared',
  states: {
    prepared: {
      description: 'Nothing was sent. Waits for execute or cancel, and is cancelled at its deadline.',
      on: { execute: 'exchanging', cancel: 'cancelled' },
      after: { receiveDeadline: 'cancelled' },
    },
    exchanging: exchange({
      done: '#receive.received',
      spent: '#receive.sifting',
      refused: '#receive.rejected',
      cancelled: '#receive.cancelled',
      abandoned: '#receive.rejected',
    }),
    /** Some proofs, or all, were spent by another: what is left is tried on its own. */
    sifting: {
      always: [
        {
          guard: ({ context }) => unspent(context.exchange!).length > 0,
          target: 'exchanging',
          actions: assign(({ context }) => {
            const left = unspent(context.exchange!)
            return { lost: context.amount - sum(left), exchange: newExchange({ inputs: left, from: 'foreign' }) }
          }),
        },
        {
          target: 'rejected',
          actions: assign(({ context }) => ({
            lost: context.amount,
            error: { code: 'ALREADY_SPENT', detail: 'every proof of the token was spent by another' },
          })),
        },
      ],
    },
    received: {
      type: 'final',
      tags: ['ended'],
      entry: assign(({ context: { exchange, amount, lost } }) => ({
        fee: amount - lost - sum(exchange!.made),
        ys: exchange!.made.map(({ Y }) => Y),
        exchange: null,
      })),
    },
    /** The token's proofs are kept: whoever has them may try again. */
    rejected: {
      type: 'final',
      tags: ['ended', 'failed'],
      entry: assign(({ context: { error, exchange } }) => ({
        fee: 0,
        error: error ?? {
          code: exchange?.refusal ? 'REFUSED' : 'TOO_SMALL',
          detail: exchange?.refusal?.detail ?? 'the fee is more than the token is worth',
        },
      })),
    },
    cancelled: { type: 'final', tags: ['ended', 'failed'], entry: assign({ exchange: null, fee: 0 }) },
  },
})

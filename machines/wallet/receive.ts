/**
 * Receive a token (NUT-03): its proofs are swapped for proofs of our own.
 *
 * ```text
 *  prepared ──execute──▶ exchanging ──▶ received | receivedPartly (some was spent by another)
 *     │  ╲                ▲  │  ╲ some spent by another: prepares the rest again
 *     │   ╲ a least     │  │
 *     ▼    ▼ is wanted  │  ▼
 * cancelled asking ─────╯ rejected   nothing left, less than the least, or refused for good
 *            ▲ ▼
 *          pausing
 * ```
 *
 * | crashed in | what is durable | what resume does |
 * |---|---|---|
 * | prepared | the token and the fee | waits for execute, cancel, or the deadline |
 * | asking, pausing | the same; nothing of it was spent | asks the mint again what of it is unspent |
 * | exchanging | see the exchange | see the exchange |
 *
 * A mint that is not trusted is contacted by nobody: the operation waits in its state until it is.
 */
import { assign, setup } from 'xstate'
import { from, on, such, tx, when, write } from '../../src/kernel/define/authoring.ts'
import type { Write } from '../../src/wallet/tables.ts'
import { sum, type Failure, type Tag } from './common.ts'
import { again, ANEW, change, statesFound, unclear } from './exchange-changes.ts'
import {
  continued,
  exchangeActors,
  exchangeDelays,
  exchangeOf,
  failureOf,
  newExchange,
  type Exchange,
  type InputProof,
  type SpentState,
  type Why,
} from './exchange-model.ts'
import { exchangeGuards } from './exchange-setup.ts'
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
  /** The least that is to come, in the unit; less is refused before anything is spent. 0: whatever comes. */
  readonly atLeast: number
}

export interface ReceiveContext extends Omit<ReceiveInput, 'proofs' | 'atLeast'> {
  /** Sum of the token's proofs, in the unit; `amount` is what of it came, in the end. */
  readonly asked: number
  /** Of that, what was found spent by another. */
  readonly spentElsewhere: number
  readonly exchange: Exchange | null
  /** Names of the proofs received, for the history. */
  readonly ys: readonly string[]
  readonly error: Failure | null
}

type Kept = Partial<ReceiveContext>

const unspent = ({ inputs, states }: Exchange): InputProof[] => inputs.filter((_, at) => states[at] === 'UNSPENT')
/** What is left is tried on its own. */
const rest = (context: ReceiveContext): Kept => {
  const of = exchangeOf(context)
  const left = unspent(of)
  return {
    amount: sum(of.made) + sum(left),
    spentElsewhere: context.spentElsewhere + sum(of.inputs) - sum(left),
    exchange: continued(of, left),
  }
}

const SPENT_ONCE: Why = {
  code: 'SPENT_ONCE',
  detail: 'the mint says that proofs of the token are spent: it is asked twice',
}

/** Without state checks (NUT-07) nobody knows which of them were. */
const whySpent = ({ states }: Exchange): string =>
  states.length > 0
    ? 'every proof of the token was spent by another'
    : 'the mint refuses the token because of spent proofs, and does not say which they are'

export const receive = setup({
  types: {} as {
    context: ReceiveContext
    input: ReceiveInput
    events: { type: 'execute' } | { type: 'cancel' } | { type: 'resume' }
    tags: Tag
  },
  actors: exchangeActors,
  actions: {
    tx: tx<Write>,
    keep: assign((_, kept: Kept) => kept),
    tryTheRest: assign(({ context }) => rest(context)),
    countTheSpent: assign(({ context }) => ({
      spentElsewhere: context.spentElsewhere + sum(exchangeOf(context).inputs),
    })),
    keepTheReason: assign(({ context }) => ({ error: failureOf(exchangeOf(context)) })),
    keepWhatCame: assign(({ context }) => {
      const { made, fee } = exchangeOf(context)
      return { amount: sum(made), fee, ys: made.map(({ Y }) => Y), exchange: null }
    }),
    nothingIsLeft: assign(({ context }) => ({
      spentElsewhere: context.asked,
      error: { code: 'ALREADY_SPENT', detail: whySpent(exchangeOf(context)) },
    })),
  },
  guards: {
    ...exchangeGuards,
    isLeastWanted: when((context: ReceiveContext) => exchangeOf(context).least > 0),
    /** Only the second such reading is believed. */
    isSpentAtFirst: such(
      (context: ReceiveContext, { states }: { readonly states: readonly SpentState[] }) =>
        states.includes('SPENT') && !states.includes('PENDING') && !exchangeOf(context).seenSpent,
    ),
    isSomeUnspent: when((context: ReceiveContext) => unspent(exchangeOf(context)).length > 0),
    isSomeMade: when((context: ReceiveContext) => exchangeOf(context).made.length > 0),
    isSomeSpent: when(({ spentElsewhere }: ReceiveContext) => spentElsewhere > 0),
  },
  delays: { ...exchangeDelays, receiveDeadline: 600_000 },
}).createMachine({
  id: 'receive',
  context: ({ input: { proofs, atLeast, ...input } }) => ({
    ...input,
    asked: input.amount,
    spentElsewhere: 0,
    exchange: newExchange({ inputs: proofs, from: 'foreign', least: atLeast }),
    ys: [],
    error: null,
  }),
  initial: 'prepared',
  states: {
    prepared: {
      description: 'Nothing was sent. Waits for execute or cancel, and is cancelled at its deadline.',
      on: { execute: [{ guard: 'isLeastWanted', target: 'asking' }, { target: 'exchanging' }], cancel: 'cancelled' },
      after: { receiveDeadline: 'cancelled' },
    },
    asking: {
      description: 'Asks the mint which proofs of the token are unspent. Nothing of it was spent.',
      on: { cancel: 'cancelled' },
      invoke: {
        src: 'mint.check',
        input: from((context) => ({ mintUrl: context.mintUrl, Ys: exchangeOf(context).inputs.map(({ Y }) => Y) })),
        onDone: [
          on({
            answer: 'ok',
            such: 'isSpentAtFirst',
            target: 'pausing',
            actions: write,
            keep: change(again, { why: SPENT_ONCE, seenSpent: true }),
          }),
          on({
            answer: 'ok',
            such: 'exchange.isSettled',
            target: 'sifting',
            actions: write,
            keep: change(statesFound),
          }),
          // A mint that cannot say takes all of a request, or nothing.
          on({ such: 'exchange.isUnsupported', target: 'exchanging', keep: change(ANEW) }),
          on({ answer: 'refused', such: 'exchange.isPassing', target: 'pausing', keep: change(again, unclear) }),
          on({ such: 'exchange.isDenied', target: 'exchanging', keep: change(ANEW) }),
          on({ target: 'pausing', keep: change(again, unclear) }),
        ],
      },
    },
    pausing: {
      description: 'Asks the mint again after a pause which proofs of the token are unspent.',
      after: { exchangeBackoff: 'asking' },
      on: { resume: 'asking', cancel: 'cancelled' },
    },
    exchanging: exchange({
      done: '#receive.came',
      spent: '#receive.sifting',
      refused: '#receive.stopped',
      cancelled: '#receive.cancelled',
      abandoned: '#receive.stopped',
    }),
    /** Some proofs, or all, may be spent by another: what is left is tried on its own. */
    sifting: {
      always: [
        { guard: 'isSomeUnspent', target: 'exchanging', actions: 'tryTheRest' },
        { guard: 'isSomeMade', target: 'receivedPartly', actions: ['countTheSpent', 'keepWhatCame'] },
        { target: 'rejected', actions: 'nothingIsLeft' },
      ],
    },
    /** Refused for good: what earlier rounds brought is ours, and the rest of the token stays its bearer's. */
    stopped: {
      always: [
        { guard: 'isSomeMade', target: 'receivedPartly', actions: ['keepTheReason', 'keepWhatCame'] },
        { target: 'rejected', actions: 'keepTheReason' },
      ],
    },
    came: {
      always: [
        { guard: 'isSomeSpent', target: 'receivedPartly', actions: 'keepWhatCame' },
        { target: 'received', actions: 'keepWhatCame' },
      ],
    },
    received: { type: 'final', tags: ['ended'] },
    /** Less came than the token was worth: `amount` says how much. */
    receivedPartly: { type: 'final', tags: ['ended', 'partly'] },
    /** The token's proofs are kept: whoever has them may try again. */
    rejected: {
      type: 'final',
      tags: ['ended', 'failed'],
      entry: { type: 'keep', params: { amount: 0, fee: 0 } },
    },
    cancelled: {
      type: 'final',
      tags: ['ended', 'failed'],
      entry: { type: 'keep', params: { exchange: null, amount: 0, fee: 0 } },
    },
  },
})

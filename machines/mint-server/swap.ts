/**
 * Swap at the mint (NUT-03): the mint takes inputs and signs outputs of the same value.
 *
 * ```text
 *  initial* ──▶ setupComplete ──▶ signed* ──▶ completed
 *     │              │                            ═══ signatures, SPENT and the kept answer in one commit
 *     ▼              ▼ refused by the signatory
 *  no operation   rejected
 * ```
 *
 * | crashed in | what is durable | what resume does |
 * |---|---|---|
 * | initial | nothing | nothing: the wallet had no answer, and asks again |
 * | setupComplete | inputs and outputs, set aside for this operation | asks for the signatures: see the signing |
 * | signed | nothing of this state: the state before is stored | `setupComplete` goes on |
 *
 * The steps go forward only, in this order. While inputs are set aside, nobody has seen a signature, and the signatory
 * gives the same signatures again. So finishing is as safe as undoing, and it is what wallets wait for.
 */
import { assign, emit, setup } from 'xstate'
import { from, isAnswered, local, on, tx, write, writes } from '../../src/kernel/define/authoring.ts'
import type { Write } from '../../src/mint-server/db/tables.ts'
import {
  answerOf,
  drop,
  free,
  newSigning,
  refusalOf,
  signing,
  signingActors,
  signingDelays,
  tellAnswer,
  type HeldInput,
  type HeldOutput,
  type Message,
  type Signing,
  type Tag,
  type Outcome,
} from './signing.ts'

export interface SwapInput {
  readonly id: string
  /** Identifies the request among all requests ever received; its answer is stored under this key (NUT-19). */
  readonly request: string
  readonly inputs: readonly HeldInput[]
  readonly messages: readonly Message[]
}

export interface SwapContext extends SwapInput, Signing {}

type Complete = Pick<SwapContext, 'id' | 'request' | 'inputs' | 'outputs' | 'signed'>

export const swap = setup({
  types: {} as {
    context: SwapContext
    input: SwapInput
    emitted: Outcome
    tags: Tag
  },
  actors: {
    ...signingActors,
    /** Sets inputs and outputs aside. A request that breaks a rule is refused and creates no operation. */
    'swap.setUp': local<
      { answer: 'ready'; unit: string; outputs: readonly HeldOutput[]; writes: readonly Write[] },
      Pick<SwapInput, 'id' | 'inputs' | 'messages'>
    >({ answers: { ready: true } }),
    'swap.complete': local<{ answer: 'completed'; body: string; writes: readonly Write[] }, Complete>({
      answers: { completed: true },
    }),
  },
  actions: {
    tx: tx<Write>,
    keep: assign((_, kept: Partial<SwapContext>) => kept),
    tellAnswer: emit((_, body: string) => answerOf(body)),
    tellRefusal: emit(({ context }) => refusalOf(context)),
  },
  guards: { answered: isAnswered },
  delays: signingDelays,
}).createMachine({
  id: 'swap',
  context: ({ input }) => ({ ...input, ...newSigning }),
  initial: 'initial',
  states: {
    initial: {
      tags: ['local'],
      invoke: {
        src: 'swap.setUp',
        input: from(({ id, inputs, messages }) => ({ id, inputs, messages })),
        onDone: on({
          target: 'setupComplete',
          actions: write,
          keep: ({ output: { unit, outputs } }) => ({ unit, outputs, messages: [] }),
        }),
      },
    },
    setupComplete: signing({ done: '#swap.signed', refused: '#swap.rejected' }),
    signed: {
      tags: ['local'],
      invoke: {
        src: 'swap.complete',
        input: from(({ id, request, inputs, outputs, signed }) => ({ id, request, inputs, outputs, signed })),
        onDone: on({ target: 'completed', actions: [write, tellAnswer] }),
      },
    },
    completed: { type: 'final', entry: { type: 'keep', params: { inputs: [], outputs: [], signed: [] } } },
    rejected: {
      type: 'final',
      entry: [
        writes(({ id, inputs, outputs }) => [...free(id, inputs), ...drop(id, outputs)]),
        'tellRefusal',
        { type: 'keep', params: { inputs: [], outputs: [] } },
      ],
    },
  },
})

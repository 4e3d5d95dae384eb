/**
 * Issue at the mint (NUT-04, NUT-20, NUT-23, NUT-25, NUT-29): for paid quotes, the mint signs outputs of the same
 * value.
 *
 * ```text
 *  initial* ──▶ setupComplete ──▶ signed* ──▶ completed
 *     │              │                            ═══ signatures, the amounts issued and the kept answer in one commit
 *     ▼              ▼ refused by the signatory
 *  no operation   rejected
 * ```
 *
 * | crashed in | what is durable | what resume does |
 * |---|---|---|
 * | initial | nothing | nothing: the wallet had no answer, and asks again |
 * | setupComplete | the outputs, set aside; the quotes, held by this operation | asks for the signatures: see the signing |
 * | signed | nothing of this state: the state before is stored | `setupComplete` goes on |
 *
 * A held quote shows as paid and not issued, and no other operation can issue from it. The issued amount only goes up.
 * It changes in the commit that stores the signatures, and never exceeds the paid amount.
 */
import { assign, emit, setup } from 'xstate'
import { from, isAnswered, local, on, tx, write, writes } from '../../src/kernel/define/authoring.ts'
import type { Write } from '../../src/mint-server/db/tables.ts'
import {
  answerOf,
  drop,
  newSigning,
  refusalOf,
  signing,
  signingActors,
  signingDelays,
  tellAnswer,
  type HeldOutput,
  type Message,
  type Signing,
  type Tag,
  type Outcome,
} from './signing.ts'

/** The part of an issue that one quote pays for. */
export interface Share {
  readonly quoteId: string
  readonly amount: number
}

export interface IssueInput {
  readonly id: string
  /** Identifies the request among all requests ever received; its answer is stored under this key (NUT-19). */
  readonly request: string
  /** A null amount stands for everything that the quote has left. */
  readonly wanted: readonly { readonly quoteId: string; readonly amount: number | null }[]
  readonly messages: readonly Message[]
}

export interface IssueContext extends IssueInput, Signing {
  readonly shares: readonly Share[]
}

type Complete = Pick<IssueContext, 'id' | 'request' | 'shares' | 'outputs' | 'signed'>

export const issue = setup({
  types: {} as {
    context: IssueContext
    input: IssueInput
    emitted: Outcome
    tags: Tag
  },
  actors: {
    ...signingActors,
    /**
     * Holds the quotes and sets the outputs aside. A request that breaks a rule is refused and creates no operation.
     */
    'issue.setUp': local<
      {
        answer: 'ready'
        unit: string
        shares: readonly Share[]
        outputs: readonly HeldOutput[]
        writes: readonly Write[]
      },
      Pick<IssueInput, 'id' | 'wanted' | 'messages'>
    >({ answers: { ready: true } }),
    'issue.complete': local<{ answer: 'completed'; body: string; writes: readonly Write[] }, Complete>({
      answers: { completed: true },
    }),
  },
  actions: {
    tx: tx<Write>,
    keep: assign((_, kept: Partial<IssueContext>) => kept),
    tellAnswer: emit((_, body: string) => answerOf(body)),
    tellRefusal: emit(({ context }) => refusalOf(context)),
  },
  guards: { answered: isAnswered },
  delays: signingDelays,
}).createMachine({
  id: 'issue',
  context: ({ input }) => ({ ...input, ...newSigning, shares: [] }),
  initial: 'initial',
  states: {
    initial: {
      tags: ['local'],
      invoke: {
        src: 'issue.setUp',
        input: from(({ id, wanted, messages }) => ({ id, wanted, messages })),
        onDone: on({
          target: 'setupComplete',
          actions: write,
          keep: ({ output: { unit, shares, outputs } }) => ({ unit, shares, outputs, messages: [] }),
        }),
      },
    },
    setupComplete: signing({ done: '#issue.signed', refused: '#issue.rejected' }),
    signed: {
      tags: ['local'],
      invoke: {
        src: 'issue.complete',
        input: from(({ id, request, shares, outputs, signed }) => ({ id, request, shares, outputs, signed })),
        onDone: on({ target: 'completed', actions: [write, tellAnswer] }),
      },
    },
    completed: { type: 'final', entry: { type: 'keep', params: { outputs: [], signed: [] } } },
    rejected: {
      type: 'final',
      entry: [
        writes(({ id, shares, outputs }) => [
          ...shares.map(({ quoteId }): Write => letGo(quoteId, id)),
          ...drop(id, outputs),
        ]),
        'tellRefusal',
        { type: 'keep', params: { outputs: [] } },
      ],
    },
  },
})

/** No operation holds the quote any more. */
const letGo = (quoteId: string, operationId: string): Write => ({
  patch: 'mintQuotes',
  key: [quoteId],
  set: { operationId: null },
  if: { operationId },
})

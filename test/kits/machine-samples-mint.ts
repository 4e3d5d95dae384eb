/** What the mint's charts are walked through with: toy answers, one for everything that makes a difference to a guard. */
import type { IssueContext } from '../../machines/mint-server/issue.ts'
import type { MeltContext } from '../../machines/mint-server/melt.ts'
import type { HeldInput, HeldOutput, Message, Signed, Signing } from '../../machines/mint-server/signing.ts'
import type { OperationKind } from '../../src/kernel/index.ts'
import { issueKind } from '../../src/mint-server/operations/issue.ts'
import { meltKind } from '../../src/mint-server/operations/melt.ts'
import { swapKind } from '../../src/mint-server/operations/swap.ts'
import type { Write } from '../../src/mint-server/db/tables.ts'
import type { Samples } from '../../src/testing/contracts/machine-contract.ts'

const inputs: HeldInput[] = [4, 1].map((amount) => ({ Y: `Y${amount}`, id: 'k', amount }))
const messages: Message[] = [{ id: 'k', amount: 5, B_: 'B' }]
const outputs: HeldOutput[] = messages.map((message) => ({ ...message, generation: 0 }))
const signed: Signed[] = [{ C_: 'C_', dleq: { e: 'e', s: 's' } }]
const writes: Write[] = [{ delete: 'proofs', key: ['Y'] }]
const ready = { answer: 'ready', unit: 'sat', outputs, writes } as const
const completed = { answer: 'completed', body: '{}', writes } as const

const signing = {
  'signatory.sign': [{ answer: 'signed', signed }, { answer: 'refused', detail: 'no' }, { answer: 'unknown' }],
} as const

/** Of a request to the signatory, guards read whether there were answers; how often there was none changes a pause. */
const seenOf = ({ outputs, refusal, tries }: Signing) => [outputs.length, refusal !== null, Math.min(2, tries)]

const swap: Samples<typeof swapKind.machine> = {
  inputs: [{ request: 'r', inputs, messages }],
  answers: { ...signing, 'swap.setUp': [ready], 'swap.complete': [completed] },
  events: [],
  sees: seenOf,
}

const issue: Samples<typeof issueKind.machine> = {
  inputs: [{ request: 'r', wanted: [{ quoteId: 'q', amount: null }], messages }],
  answers: {
    ...signing,
    'issue.setUp': [{ ...ready, shares: [{ quoteId: 'q', amount: 5 }] }],
    'issue.complete': [completed],
  },
  events: [],
  sees: (context: IssueContext) => [seenOf(context), context.shares.length],
}

const setUp = {
  unit: 'sat',
  net: 5,
  blanks: outputs,
  payment: { method: 'bolt11', request: 'lnbc', amount: 3, maxFee: 2 },
  writes,
}
const paid = { fee: 1, preimage: '00' }

const melt: Samples<typeof meltKind.machine> = {
  inputs: [{ request: 'r', quoteId: 'q', inputs, messages }],
  answers: {
    ...signing,
    'melt.setUp': [
      { ...setUp, answer: 'external' },
      { ...setUp, answer: 'internal', ownQuoteId: 'o', preimage: null },
    ],
    'backend.pay': [{ answer: 'paid', ...paid }, { answer: 'failed' }, { answer: 'pending' }, { answer: 'unknown' }],
    'melt.change': [{ answer: 'owed', outputs }, { answer: 'none' }],
    'melt.settle': [{ answer: 'settled', body: '{}', writes }, { answer: 'elsewhere' }],
  },
  events: [{ type: 'payment.paid', ...paid }, ...['failed', 'none'].map((state) => ({ type: `payment.${state}` }))],
  sees: (context: MeltContext) => [seenOf(context), context.ownQuoteId, context.settlement],
}

/** Every kind of the mint with its samples. */
export const mintSamples: readonly [OperationKind, Samples][] = [
  [swapKind, swap],
  [issueKind, issue],
  [meltKind, melt],
].map(([kind, samples]) => [kind as OperationKind, samples as unknown as Samples])

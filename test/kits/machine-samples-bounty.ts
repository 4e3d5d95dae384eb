/** What the bounty's chart is walked through with. */
import { bountyKind } from '../../src/bounty/index.ts'
import type { OperationKind } from '../../src/kernel/index.ts'
import type { Samples } from '../../src/testing/contracts/machine-contract.ts'

const bounty = bountyKind()
const contribution = { tags: ['done'] }
const replies = [{ answer: 'ok' }, { answer: 'rejected', reason: 'closed' }, { answer: 'unknown' }] as const
const samples: Samples<typeof bounty.machine> = {
  inputs: [{ payer: 'ada', amount: 1, criteria: {}, deadlineAt: 1_000 }],
  answers: {
    'bounty.judge': [{ answer: 'met' }, { answer: 'unmet', why: 'not done' }],
    ...{ 'credits.reserve': replies, 'credits.capture': replies, 'credits.void': replies },
    ...{ 'claims.acquire': replies, 'claims.renew': replies, 'claims.release': replies, 'claims.complete': replies },
  },
  events: ['a', 'b'].flatMap((lease) => [
    { type: 'claim', lease, worker: lease, untilMs: 500 },
    { type: 'renew', lease, untilMs: 600 },
    { type: 'settle', lease, payee: lease, contribution },
    ...['release', 'cancel', 'resume'].map((type) => ({ type, lease })),
  ]),
  sees: ({ claim, last, ending }) => ({ holds: claim?.lease, held: last?.lease, ending }),
}

/** The bounty with its samples. */
export const bountySamples: readonly [OperationKind, Samples][] = [
  [bounty as OperationKind<never> as OperationKind, samples as Samples],
]

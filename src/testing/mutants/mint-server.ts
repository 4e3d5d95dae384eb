/** Mutants of the mint server, each of which would cost the mint or its clients money. */
import type { Mutant } from './mutant.ts'

const swap = 'src/mint-server/operations/swap.ts'
const issue = 'src/mint-server/operations/issue.ts'
const melt = 'src/mint-server/operations/melt.ts'

export const mintServerMutants: readonly Mutant[] = [
  {
    name: 'a swap is signed, and its inputs are spent some other time',
    changes: [{ file: swap, from: 'writes: [...spend(owner, inputs), ...writes,', to: 'writes: [...writes,' }],
    breaks: 'unbacked',
    scenario: 'mint-swap.plain',
  },
  {
    name: 'a swap that the signatory refused keeps its inputs',
    changes: [
      {
        file: 'machines/mint-server/swap.ts',
        from: '[...free(id, inputs), ...drop(id, outputs)]',
        to: '[...free(id, []), ...drop(id, outputs)]',
      },
    ],
    breaks: 'held',
    scenario: 'mint-swap.plain',
  },
  {
    name: 'a quote is issued as often as somebody asks',
    changes: [
      { file: issue, from: 'return quote.amountPaid - quote.amountIssued ||', to: 'return quote.amountPaid ||' },
      { file: issue, from: 'if (amountIssued + amount > amountPaid) throw', to: 'if (amountIssued < 0) throw' },
    ],
    breaks: 'overissue',
    scenario: 'mint-issue.rivals',
  },
  {
    name: 'a payment is undone by the first answer that it failed',
    changes: [
      {
        file: 'machines/mint-server/melt.ts',
        from: `on({ target: 'waiting' }),
            ],`,
        to: `on({ answer: 'failed', target: '#melt.failed', keep: { refusal: PAYMENT_FAILED } }),
              on({ target: 'waiting' }),
            ],`,
      },
    ],
    breaks: 'lost',
    scenario: 'mint-melt.failed it says, and paid',
  },
  {
    name: 'a payment that has not begun is read as failed',
    changes: [
      {
        file: melt,
        from: 'return [{ type: `payment.${state}` }]',
        to: "return [{ type: 'payment.failed' as const }]",
      },
    ],
    breaks: 'lost',
    scenario: 'mint-melt.paid',
    faults: 2,
  },
  {
    name: 'a payment that is under way counts as paid',
    changes: [
      {
        file: melt,
        from: "if (outgoing.state === 'paid') return { answer: 'paid',",
        to: "if (outgoing.state === 'paid' || outgoing.state === 'pending') return { answer: 'paid',",
      },
    ],
    breaks: 'invented',
    scenario: 'mint-melt.pending then failed',
  },
  {
    name: 'change is counted without what Lightning took',
    changes: [
      {
        file: melt,
        from: "net - sure(payment, 'payment').amount - fee)",
        to: "net - sure(payment, 'payment').amount)",
      },
    ],
    breaks: 'balance',
    scenario: 'mint-melt.paid',
  },
  {
    name: 'a melt is paid, and its inputs stay pending',
    changes: [{ file: melt, from: '...spend(owner, inputs),', to: '...spend(owner, []),' }],
    breaks: 'halfway',
    scenario: 'mint-melt.paid, no blanks',
  },
  {
    name: 'a melt’s change is left out of every answer',
    changes: [{ file: melt, from: 'change: signatures,', to: 'change: [],' }],
    breaks: 'answer',
    scenario: 'mint-melt.paid',
  },
  {
    name: 'rows unchanged for a day are pruned, also those of unfinished operations',
    changes: [{ file: 'src/mint-server/db/pruning.ts', from: "prefix: ['done']", to: "prefix: ['active']" }],
    breaks: 'convergence',
    scenario: 'mint-melt.pending for days, and forgotten',
  },
  {
    name: 'a melt quote never expires',
    changes: [{ file: melt, from: 'if (quote.expiryAt <= nowMs) refuse', to: 'if (quote.expiryAt < 0) refuse' }],
    breaks: 'answer',
    scenario: 'mint-melt.pending for days, and forgotten',
  },
  {
    name: 'any answer of the signatory is returned as a signature',
    changes: [
      {
        file: 'src/mint-server/operations/signing.ts',
        from: 'signed.map((one, at) => blindSignature(one, `signatures[${at}]`))',
        to: 'signed as never',
      },
    ],
    breaks: 'answer',
    scenario: 'mint-swap.plain',
  },
  {
    name: 'a melt’s change lacks one proof',
    changes: [
      {
        file: 'src/mint-server/protocol/ledger.ts',
        from: 'parts.length < blanks.length; rest -= amount',
        to: 'parts.length < Math.min(1, blanks.length); rest -= amount',
      },
    ],
    breaks: 'balance',
    scenario: 'mint-melt.paid',
    faults: 0,
  },
  {
    name: 'a failed payment keeps its invoice reserved',
    changes: [
      {
        file: 'machines/mint-server/melt.ts',
        from: "set: { state: 'FAILED', operationId: null, claim: null }",
        to: "set: { state: 'FAILED', operationId: null }",
      },
    ],
    breaks: 'orphan',
    scenario: 'mint-melt.pending then failed',
    faults: 0,
  },
]

/** Mutants that make a wallet state something false. */

import type { Mutant } from './mutant.ts'

export const statementMutants: readonly Mutant[] = [
  {
    name: 'a receive states what was asked for',
    changes: [
      {
        file: 'machines/wallet/receive.ts',
        from: `return { amount: sum(made), fee,`,
        to: `return { amount: context.asked, fee,`,
      },
    ],
    breaks: 'misstated',
    scenario: 'receive.without-07-partly-spent',
  },
  {
    name: 'a swap without an answer is read as refused',
    changes: [
      {
        file: 'machines/wallet/exchange.ts',
        from: `description: 'The mint did not answer, or signed nothing; the same request goes out again.'`,
        to: `description: 'The mint keeps refusing; the same request goes out again.'`,
      },
    ],
    breaks: 'reason',
    scenario: 'swap.no-replay-cache',
  },
  {
    name: 'too few blank outputs are sent for the change',
    changes: [
      {
        file: 'src/wallet/payment.ts',
        from: `givesChange ? Math.min(most, blankOutputs(sum(inputs) - inputFee - quote.amount)) : 0`,
        to: `givesChange ? 1 : 0`,
      },
    ],
    breaks: 'kept',
    scenario: 'melt.paid',
  },
  {
    name: 'change that is owed is not recorded',
    changes: [
      {
        file: 'machines/wallet/melt-change.ts',
        from: `return amount > 0 ? [{ put: 'owed',`,
        to: `return amount > 1_000 ? [{ put: 'owed',`,
      },
    ],
    breaks: 'owed',
    scenario: 'melt.change-late',
  },
  {
    name: 'less of a token is received than its receiver wants at least',
    changes: [{ file: 'src/wallet/exchange.ts', from: `if (exchange.least > comes)`, to: `if (exchange.least < 0)` }],
    breaks: 'misstated',
    scenario: 'receive.least-claimed',
  },
  {
    name: 'the DLEQ of a token is not checked where the keys come late',
    changes: [{ file: 'src/wallet/exchange.ts', from: `if (unsigned) return`, to: `if (unsigned && !ports) return` }],
    breaks: 'misstated',
    scenario: 'receive.misproven',
  },
]

/** Mutants that leave rows behind, break totals and records, or set operations aside for no reason. */
import type { Mutant } from './mutant.ts'

export const rowMutants: readonly Mutant[] = [
  {
    name: 'a proof that is released stays reserved for its operation',
    changes: [
      {
        file: 'machines/wallet/common.ts',
        from: `: { state: 'spendable', operationId: null },`,
        to: `: { state: 'spendable' },`,
      },
    ],
    breaks: 'orphan',
    scenario: 'swap.cancelled',
    faults: 0,
  },
  {
    name: 'a payment that has its change keeps its output rows',
    changes: [
      {
        file: 'src/wallet/payment.ts',
        from: `...(await storeProofs(read, input, made, nowMs)), ...forget(rows)]`,
        to: `...(await storeProofs(read, input, made, nowMs))]`,
      },
    ],
    breaks: 'leftover',
    scenario: 'melt.paid',
    faults: 0,
  },
  {
    name: 'a token that is given up keeps its output rows',
    changes: [
      {
        file: 'machines/wallet/exchange.ts',
        from: `cancel: { target: abandoned, actions: writes(letGo) }`,
        to: `cancel: { target: abandoned }`,
      },
    ],
    breaks: 'leftover',
    scenario: 'receive.without-07-resigned',
    faults: 0,
  },
  {
    name: 'a quote stays claimed when it is issued',
    changes: [
      {
        file: 'machines/wallet/mint.ts',
        from: `entry: [
        writes(unclaim),
        {`,
        to: `entry: [
        {`,
      },
    ],
    breaks: 'claim',
    scenario: 'mint.plain',
    faults: 0,
  },
  {
    name: 'a quote is not claimed by the operation that asked for it',
    changes: [
      {
        file: 'machines/wallet/mint.ts',
        from: `keep: quoteKept,
              afterwards: writes(claim),`,
        to: `keep: quoteKept,`,
      },
    ],
    breaks: 'claim',
    scenario: 'mint.plain',
    faults: 0,
  },
  {
    name: 'a row that changes its group still counts in the total of the old one',
    changes: [
      {
        file: 'src/store/kit/rows.ts',
        from: `if (before) this.#add(name, table.total, before, -1)`,
        to: `if (before && (after === undefined || table.total.by.every((column) => before[column] === after[column])))
      this.#add(name, table.total, before, -1)`,
      },
    ],
    breaks: 'totals',
    scenario: 'swap.plain',
    faults: 0,
  },
  {
    name: 'a swap that came too late does not say what somebody else had spent',
    changes: [
      {
        file: 'machines/wallet/common.ts',
        from: `spentElsewhere: sum(spentOf(exchange)),`,
        to: `spentElsewhere: 0,`,
      },
    ],
    breaks: 'books',
    scenario: 'swap.hasty-spent',
    faults: 0,
  },
  {
    name: 'a payment that was taken back is said to have cost nothing',
    changes: [
      {
        file: 'machines/wallet/melt.ts',
        from: `fee: context.swapFee + fee,`,
        to: `fee: 0,`,
      },
      {
        file: 'machines/wallet/melt.ts',
        from: `fee: context.error?.code === 'PAYMENT_FENCED' ? context.fee : context.swapFee,`,
        to: `fee: 0,`,
      },
    ],
    breaks: 'books',
    scenario: 'melt.without-19-hasty',
    faults: 0,
  },
  {
    name: 'settled debts of a mint stay in its report',
    changes: [
      {
        file: 'machines/wallet/melt-change.ts',
        from: `(was > 0 ? [{ delete: 'owed', key: [id] }] : [])`,
        to: `(was > 1_000 ? [{ delete: 'owed', key: [id] }] : [])`,
      },
    ],
    breaks: 'owed',
    scenario: 'melt.change-late',
  },
  {
    name: 'inputs that are said to be in use set an exchange aside',
    changes: [
      {
        file: 'machines/wallet/exchange.ts',
        from: `on({ such: 'exchange.isUnsupported', target: 'restoring', keep: change({ states: [] }) }),`,
        to: `on({ answer: 'ok', target: 'quarantined' }),
            on({ such: 'exchange.isUnsupported', target: 'restoring', keep: change({ states: [] }) }),`,
      },
    ],
    breaks: 'quarantined',
    scenario: 'swap.refuses-without-09',
  },
  {
    name: 'inputs that are said to be in use set a payment aside',
    changes: [
      {
        file: 'machines/wallet/melt.ts',
        from: `{ guard: 'isSomePending', target: 'pausing', actions: 'tried' },`,
        to: `{ guard: 'isSomePending', target: 'quarantined' },`,
      },
    ],
    breaks: 'quarantined',
    scenario: 'melt.taken-back',
  },
]

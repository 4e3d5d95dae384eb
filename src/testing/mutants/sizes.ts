/** Mutants that go wrong only at the limit of a page, a batch, a request or a gap. */
import type { Mutant } from './mutant.ts'

export const sizeMutants: readonly Mutant[] = [
  {
    name: 'a selection reads the first page of proofs only',
    changes: [
      {
        file: 'src/wallet/selection.ts',
        from: `if (found || known.whole) return found`,
        to: `return found`,
      },
    ],
    breaks: 'failed',
    scenario: 'send.size-coins-17',
    faults: 0,
  },
  {
    name: 'a selection reads two pages of proofs only',
    changes: [
      {
        file: 'src/wallet/selection.ts',
        from: `if (found || known.whole) return found`,
        to: `if (found || known.whole || known.limit > FIRST_LIMIT) return found`,
      },
    ],
    breaks: 'failed',
    scenario: 'send.size-coins-129',
    faults: 0,
  },
  {
    name: 'a selection leaves out the input fee',
    changes: [
      {
        file: 'src/wallet/selection.ts',
        from: `selectProofs(known.candidates, amount, { includeFee })`,
        to: `selectProofs(known.candidates, amount, { includeFee: false })`,
      },
    ],
    breaks: 'failed',
    scenario: 'melt.size-fee-decides',
    faults: 0,
  },
  {
    name: 'the last output before the gap is refused',
    changes: [
      {
        file: 'src/wallet/outputs.ts',
        from: `if (to - signed > MOST_UNSIGNED - (of.reserve ? RESERVE : 0)) return undefined`,
        to: `if (to - signed >= MOST_UNSIGNED - (of.reserve ? RESERVE : 0)) return undefined`,
      },
    ],
    breaks: 'failed',
    scenario: 'receive.size-gap-2',
    faults: 0,
  },
  {
    name: 'one output more than the gap is made',
    changes: [
      {
        file: 'src/wallet/outputs.ts',
        from: `if (to - signed > MOST_UNSIGNED - (of.reserve ? RESERVE : 0)) return undefined`,
        to: `if (to - signed > 1 + MOST_UNSIGNED - (of.reserve ? RESERVE : 0)) return undefined`,
      },
    ],
    breaks: 'failed',
    scenario: 'receive.size-gap-3',
    faults: 0,
  },
  {
    name: 'a request has as many outputs as the mint takes',
    changes: [
      {
        file: 'src/wallet/limits.ts',
        from: `outputs: Math.min(limits?.outputs ?? MOST_OUTPUTS, MOST_OUTPUTS),`,
        to: `outputs: limits?.outputs ?? UNTOLD,`,
      },
    ],
    breaks: 'convergence',
    scenario: 'receive.size-outputs-151',
    faults: 0,
  },
  {
    name: 'a quote is requested for one proof more than a request may have',
    changes: [
      {
        file: 'src/wallet/offered.ts',
        from: `return parts.length <= outputs ? parts`,
        to: `return parts.length <= outputs + 1 ? parts`,
      },
    ],
    breaks: 'failed',
    scenario: 'mint.size-outputs-101',
    faults: 0,
  },
  {
    name: 'a restore leaves out the last counter of a batch',
    changes: [
      {
        file: 'src/wallet/kinds/restore.ts',
        from: `for (let at = 0; at < BATCH; at++) {`,
        to: `for (let at = 0; at < BATCH - 1; at++) {`,
      },
    ],
    breaks: 'failed',
    scenario: 'restore.size-counters-99',
    faults: 0,
  },
  {
    name: 'a restore ends one batch before the gap',
    changes: [
      {
        file: 'machines/wallet/restore.ts',
        from: `next.unsigned >= GAP`,
        to: `next.unsigned >= GAP - BATCH`,
      },
    ],
    breaks: 'failed',
    scenario: 'restore.size-counters-99-1099',
    faults: 0,
  },
  {
    name: 'a restore counts the gap from its beginning',
    changes: [
      {
        file: 'machines/wallet/restore.ts',
        from: `unsigned: signed ? 0 : scan.unsigned + BATCH`,
        to: `unsigned: scan.unsigned + BATCH`,
      },
    ],
    breaks: 'failed',
    scenario: 'restore.size-counters-999-1999',
    faults: 0,
  },
  {
    name: 'the states of a token’s first proofs count for all of them',
    changes: [
      {
        file: 'src/wallet/token-poll.ts',
        from: `queue = queue.slice(part.length)`,
        to: `queue = []`,
      },
    ],
    breaks: 'conservation',
    scenario: 'send.size-claimed-100-of-101',
    faults: 0,
  },
  {
    name: 'of keysets that begin alike, the first is meant',
    changes: [
      {
        file: 'src/cashu/codec.ts',
        from: `return other === undefined ? match : undefined`,
        to: `return match ?? other`,
      },
    ],
    breaks: 'failed',
    scenario: 'receive.size-prefix-2',
    faults: 0,
  },
  {
    name: 'a lease is renewed once',
    changes: [
      {
        file: 'machines/bounty.ts',
        from: `renewalMs: Math.max(claimOf(context).untilMs, Math.min(context.deadlineAt, event.untilMs)),`,
        to: `renewalMs: context.renewalMs ?? Math.min(context.deadlineAt, event.untilMs),`,
      },
      {
        file: 'machines/bounty.ts',
        from: `claim: { ...claimOf(context), untilMs: renewalOf(context) },
            renewalMs: null,`,
        to: `claim: { ...claimOf(context), untilMs: renewalOf(context) },`,
      },
    ],
    breaks: 'failed',
    scenario: 'bounty.renewed-twice',
    faults: 0,
  },
]

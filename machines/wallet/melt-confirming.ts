/**
 * After the fence has taken the inputs back: only the quote shows whether the payment was made before.
 *
 * ```text
 *  (fencing) ──▶ confirming ──unpaid, or refused for good──▶ (fenced)
 *                 ▲  │  ╲ paid before ──▶ (settling)
 *                 │  │   ╲ its answers make no sense, eight times
 *                 │  ▼    ▼
 *     confirmPausing   unconfirmed (asks again every hour)
 * ```
 */
import { from, on } from '../../src/kernel/define/authoring.ts'
import { deniedBecause } from './common.ts'
import { inVain, question } from './melt-model.ts'
import { parts } from './melt-setup.ts'

export const confirmingStates = {
  // Where a device with the same seed had the fence's outputs signed, they do not say who spent the inputs.
  confirming: parts.createStateConfig({
    description: 'The inputs are spent by a swap to ourselves; asks once more whether the payment was made before.',
    invoke: {
      src: 'melt.quote',
      input: from(question),
      onDone: [
        on({
          answer: 'ok',
          such: 'wasPaid',
          target: '#melt.settling',
          keep: ({ output: { payment } }) => ({ payment, fenced: true, exchange: null }),
        }),
        on({ such: 'wasUnpaid', target: '#melt.fenced' }),
        on({
          such: 'isMeant',
          target: 'unconfirmed',
          keep: ({ output }) => ({ why: deniedBecause(output, 'whether the payment was made') }),
        }),
        on({ target: 'confirmPausing', keep: inVain }),
      ],
    },
  }),
  confirmPausing: parts.createStateConfig({
    description:
      'The inputs are spent by a swap to ourselves, and the mint does not say that nothing was paid; asks again.',
    after: { meltBackoff: 'confirming' },
    on: { resume: 'confirming' },
  }),
  unconfirmed: parts.createStateConfig({
    exit: 'goesOn',
    tags: ['human'],
    description:
      'The inputs are spent by a swap to ourselves, and whether the payment was made before cannot be found out. Tries again every hour, or when resumed.',
    after: { meltBlocked: { target: 'confirming', actions: 'anew' } },
    on: { resume: { target: 'confirming', actions: 'anew' } },
  }),
}

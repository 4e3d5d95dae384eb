/**
 * After the fence has taken the inputs back: whether the payment was made before, the quote alone tells.
 *
 * ```text
 *  (fencing) ──▶ confirming ──unpaid, or refused eight times──▶ (fenced)
 *                 ▲  │  ╲ paid before ──▶ (settling)
 *                 │  │   ╲ its answers make no sense, eight times
 *                 │  ▼    ▼
 *     confirmPausing   unconfirmed (asks again every hour)
 * ```
 */
import { assign } from 'xstate'
import { isMeant } from './common.ts'
import type { Replied } from './exchange-model.ts'
import type { MeltContext, Payment } from './melt-model.ts'

// A part of the melt chart in a file of its own: XState's types know a chart only as a whole.
type Loose = never
type Of = { context: MeltContext; event: { output: Replied<{ payment: Payment }> } }

export const confirmingStates: Readonly<Record<string, Loose>> = {
  // Where a device with the same seed had the fence's outputs signed, they do not say who spent the inputs.
  confirming: {
    description: 'The inputs are spent by a swap to ourselves; asks once more whether the payment was made before.',
    invoke: {
      src: 'melt.quote',
      input: ({ context: { mintUrl, method, paymentHash, quoteId, quote } }: Of) => ({
        ...{ mintUrl, method, paymentHash, quoteId },
        expiry: quote!.expiry,
        expiresAtMs: quote!.expiresAtMs,
      }),
      onDone: [
        {
          guard: ({ event: { output } }: Of) => output.answer === 'ok' && output.payment.state === 'PAID',
          target: '#melt.settling',
          actions: assign((({ event: { output } }: Of) =>
            output.answer === 'ok' ? { payment: output.payment, fenced: true, exchange: null } : {}) as Loose),
        },
        {
          guard: ({ context, event: { output } }: Of) =>
            output.answer === 'ok'
              ? output.payment.state === 'UNPAID'
              : output.answer === 'refused' && (output.meaning === 'quoteUnknown' || isMeant(context.denials, output)),
          target: '#melt.fenced',
        },
        {
          guard: ({ context, event: { output } }: Of) => isMeant(context.denials, output),
          target: 'unconfirmed',
          actions: { type: 'denied', params: 'whether the payment was made' },
        },
        { target: 'confirmPausing', actions: 'inVain' },
      ],
    },
  } as Loose,
  confirmPausing: {
    description:
      'The inputs are spent by a swap to ourselves, and the mint does not say that nothing was paid; asks again.',
    after: { meltBackoff: 'confirming' },
    on: { resume: 'confirming' },
  } as Loose,
  unconfirmed: {
    exit: 'goesOn',
    tags: ['human'],
    description:
      'The inputs are spent by a swap to ourselves, and whether the payment was made before cannot be found out. Tries again every hour, or when resumed.',
    after: { meltBlocked: { target: 'confirming', actions: 'anew' } },
    on: { resume: { target: 'confirming', actions: 'anew' } },
  } as Loose,
}

/**
 * Inputs that fit a payment: together no more than the mint takes at once, and where it gives no change (NUT-08) worth just
 * what is needed. Where the wallet has none, some are swapped for such first, when the payment is told to begin.
 *
 * ```text
 *  selecting* ──fits──▶ (prepared) ──execute──▶ (readying)
 *      │ does not            ▲ ╲ execute            ▲
 *      ▼                     │  ▼                   │
 *  planning* ──▶ reselecting*   fitting ──▶ gathering*
 *      ▲                           ╲
 *      ╰── the mint refused them as too many     robbed | misfit ──▶ failed
 * ```
 */
import { assign } from 'xstate'
import { answered } from '../../src/kernel/define/authoring.ts'
import { freed, release, spentOf, sum, write } from './common.ts'
import { failureOf, newExchange, reservedBy } from './exchange-model.ts'
import { exchange } from './exchange.ts'
import { reuse, type Fitted, type MeltContext, type Planned, type Select, type Taken } from './melt-model.ts'

// A part of the melt chart in a file of its own: XState's types know a chart only as a whole.
type Loose = never
type Of = { context: MeltContext }
type Done<T> = Of & { event: { output: T } }
const set = (by: (args: never) => Partial<MeltContext>): Loose => assign(by as Loose) as Loose
const failed = (code: string, detail: string): Loose => set(() => ({ error: { code, detail } }))
const is = answered as (...answers: string[]) => Loose

/** Beside the amount, it may cost more than was allowed. */
const tooDear = (fee: (args: Done<Taken>) => number): Loose =>
  ({
    guard: (args: Done<Taken>) =>
      args.event.output.answer === 'ok' && args.context.maxFee !== null && fee(args) > args.context.maxFee,
    target: 'failed',
    actions: failed('FEE_TOO_HIGH', 'fee reserve and input fee may come to more than was allowed'),
  }) as Loose

const direct = ({ context, event: { output } }: Done<Taken>): number =>
  output.answer === 'ok' ? output.fee + context.quote!.feeReserve : 0
const swapped = ({ context, event: { output } }: Done<Taken>): number =>
  output.answer === 'ok' ? output.fee + context.inputFee + context.quote!.feeReserve : 0
const payable = ({ id, mintUrl, unit, quote, givesChange }: MeltContext): Select => ({
  ...{ id, mintUrl, unit, givesChange },
  amount: quote!.amount,
  reserve: quote!.feeReserve,
})
/** What the rounds that are done have cost. */
const paid = set(({ context: { exchange: done, swapFee } }: Of) => ({ swapFee: swapFee + done!.fee }))

export const fittingStates: Readonly<Record<string, Loose>> = {
  selecting: {
    tags: ['local'],
    invoke: {
      src: 'melt.select',
      input: ({ context }: Of) => payable(context),
      onDone: [
        {
          guard: ({ event: { output } }: Done<Taken>) => output.answer === 'ok' && !output.fits,
          target: 'planning',
        },
        tooDear(direct),
        {
          guard: is('ok'),
          target: 'prepared',
          actions: [
            write,
            set(({ event: { output }, ...of }: Done<Taken>) =>
              output.answer === 'ok'
                ? { inputs: output.inputs, inputFee: output.fee, fee: direct({ ...of, event: { output } }) }
                : {},
            ),
          ],
        },
        {
          target: 'failed',
          actions: failed('INSUFFICIENT_FUNDS', 'not enough is spendable for amount and fees'),
        },
      ],
    },
  } as Loose,
  planning: {
    tags: ['local'],
    invoke: {
      src: 'melt.plan',
      input: ({ context }: Of) => ({
        ...payable(context),
        refusal: context.refusal,
        inputs: context.inputs,
        blanks: context.blanks.length,
      }),
      onDone: [
        // Refused for its size: nothing can land of it, and its blank outputs may be used again.
        {
          guard: is('asIs'),
          target: 'readying',
          actions: [write, { type: 'tx', params: reuse }, set(() => ({ blanks: [], body: '', tries: 0 }))],
        },
        {
          // What was refused for its size is there already: it only has to become fewer. That is paid for once.
          guard: ({ context: { inputs, swapFee }, event: { output } }: Done<Planned>) =>
            output.answer === 'ok' && inputs.length > 0 && swapFee === 0,
          target: 'fitting',
          actions: [
            write,
            { type: 'tx', params: reuse },
            set(({ context: { inputs }, event: { output } }: Done<Planned>) => ({
              exact: output.answer === 'ok' ? output.amounts : [],
              exchange: newExchange({ inputs, from: 'reserved', hold: output.answer === 'ok' ? output.amounts : [] }),
              refusal: null,
              blanks: [],
              body: '',
            })),
          ],
        },
        {
          guard: ({ context: { inputs }, event: { output } }: Done<Planned>) =>
            output.answer === 'ok' && inputs.length === 0,
          target: 'reselecting',
          actions: set(({ event: { output } }: Done<Planned>) =>
            output.answer === 'ok' ? { exact: output.amounts, inputFee: output.fee } : {},
          ),
        },
        { guard: ({ context: { inputs } }: Of) => inputs.length > 0, target: 'unpaid', actions: write },
        {
          guard: is('stale'),
          target: 'failed',
          actions: failed(
            'NO_ACTIVE_KEYSET',
            'the mint takes no such inputs, and has no active keyset to swap them for others',
          ),
        },
        {
          guard: ({ context: { givesChange } }: Of) => givesChange,
          target: 'failed',
          actions: failed('TOO_LARGE', 'the mint takes too few inputs at once for what is needed'),
        },
        {
          target: 'failed',
          actions: failed('INEXACT', 'the mint gives no change, and its amounts do not make up what is needed'),
        },
      ],
    },
  } as Loose,
  reselecting: {
    tags: ['local'],
    invoke: {
      src: 'proofs.select',
      input: ({ context: { id, mintUrl, unit, exact } }: Of) => ({
        ...{ id, mintUrl, unit },
        amount: exact.reduce((total, amount) => total + amount, 0),
        preferExact: false,
      }),
      onDone: [
        tooDear(swapped),
        {
          guard: is('ok'),
          target: 'prepared',
          actions: [
            write,
            set(({ event: { output }, ...of }: Done<Taken>) =>
              output.answer === 'ok' ? { inputs: output.inputs, fee: swapped({ ...of, event: { output } }) } : {},
            ),
          ],
        },
        {
          target: 'failed',
          actions: failed(
            'INSUFFICIENT_FUNDS',
            'not enough is spendable for inputs that the mint takes, and for making them',
          ),
        },
      ],
    },
  } as Loose,
  /** The swap that comes before the payment: nothing was sent that could pay. */
  fitting: exchange({
    done: '#melt.gathering',
    spent: '#melt.robbed',
    refused: '#melt.misfit',
    cancelled: '#melt.unfitted',
  }),
  gathering: {
    tags: ['local'],
    invoke: {
      src: 'melt.gather',
      input: ({ context: { id, mintUrl, unit, exchange: made } }: Of) => ({
        ...{ id, mintUrl, unit },
        made: made!.made,
      }),
      onDone: {
        target: 'readying',
        actions: set(({ context: { exchange: made, swapFee }, event: { output } }: Done<Fitted>) => ({
          inputs: output.inputs,
          inputFee: output.fee,
          swapFee: swapFee + made!.fee,
          exact: [],
          exchange: null,
          tries: 0,
        })),
      },
    },
  } as Loose,
  /** Some inputs of the swap were spent by another. */
  robbed: {
    always: {
      target: 'failed',
      actions: [
        { type: 'tx', params: ({ context: { id, exchange: lost } }: Of) => freed(id, lost!) },
        paid,
        set(({ context: { exchange: lost } }: Of) => ({ spentElsewhere: sum(spentOf(lost!)) })),
        failed('SPENT_ELSEWHERE', 'some of the inputs were spent outside this wallet'),
      ],
    },
  } as Loose,
  /** The swap was refused for good. */
  misfit: {
    always: {
      target: 'failed',
      actions: [
        { type: 'tx', params: ({ context: { id, exchange: refused } }: Of) => release(id, reservedBy(refused!)) },
        set(({ context: { exchange: refused } }: Of) => ({ error: failureOf(refused!) })),
        paid,
      ],
    },
  } as Loose,
  /** Given up before the swap, or between two of its rounds. */
  unfitted: {
    always: {
      target: 'cancelled',
      actions: [
        { type: 'tx', params: ({ context: { id, exchange: left } }: Of) => release(id, reservedBy(left!)) },
        paid,
        set(() => ({ inputs: [], givenUp: true, error: null })),
      ],
    },
  } as Loose,
}

/** Begins with the swap, where the inputs do not fit. */
export const fit: Loose = set(({ context: { inputs, exact } }: Of) => ({
  exchange: newExchange({ inputs, from: 'reserved', hold: exact }),
}))

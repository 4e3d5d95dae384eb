/**
 * Inputs that fit a payment: together no more than the mint takes at once, and where it gives no change (NUT-08) worth just
 * what is needed. Where the wallet has none, some are swapped for such first, when the payment is executed.
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
import { from, keeps, on, write, writes } from '../../src/kernel/define/authoring.ts'
import { freed, lostBy, release } from './common.ts'
import { exchangeOf, failureOf, newExchange, reservedBy } from './exchange-model.ts'
import { exchange } from './exchange.ts'
import { quoteOf, reuse, type Kept, type MeltContext, type Select } from './melt-model.ts'
import { directFee, parts, swappedFee } from './melt-setup.ts'

const failed = (code: string, detail: string): Kept => ({ error: { code, detail } })
const TOO_DEAR = failed('FEE_TOO_HIGH', 'fee reserve and input fee may come to more than was allowed')

const payable = (context: MeltContext): Select => {
  const { id, mintUrl, unit, givesChange } = context
  const { amount, feeReserve } = quoteOf(context)
  return { id, mintUrl, unit, givesChange, amount, reserve: feeReserve }
}
/** What the rounds that are done have cost. */
const paid = (context: MeltContext): number => context.swapFee + exchangeOf(context).fee

export const fittingStates = {
  selecting: parts.createStateConfig({
    tags: ['local'],
    invoke: {
      src: 'melt.select',
      input: from(payable),
      onDone: [
        on({ answer: 'ok', such: 'isMisfit', target: 'planning' }),
        // Beside the amount, it may cost more than was allowed.
        on({ answer: 'ok', such: 'isTooDear', target: 'failed', keep: TOO_DEAR }),
        on({
          answer: 'ok',
          target: 'prepared',
          actions: write,
          keep: ({ context, output }) => ({
            inputs: output.inputs,
            inputFee: output.fee,
            fee: directFee(context, output),
          }),
        }),
        on({
          target: 'failed',
          keep: failed('INSUFFICIENT_FUNDS', 'not enough is spendable for amount and fees'),
        }),
      ],
    },
  }),
  planning: parts.createStateConfig({
    tags: ['local'],
    invoke: {
      src: 'melt.plan',
      input: from((context) => ({
        ...payable(context),
        refusal: context.refusal,
        inputs: context.inputs,
        blanks: context.blanks.length,
      })),
      onDone: [
        // Refused for its size: nothing can land of it, and its blank outputs may be used again.
        on({
          answer: 'asIs',
          target: 'readying',
          actions: [write, writes(reuse)],
          keep: { blanks: [], body: '', tries: 0 },
        }),
        // What was refused for its size is there already: it only has to become fewer. That is paid for once.
        on({
          answer: 'ok',
          if: 'isFirstFit',
          target: 'fitting',
          actions: [write, writes(reuse)],
          keep: ({ context: { inputs }, output: { amounts } }) => ({
            exact: amounts,
            exchange: newExchange({ inputs, from: 'reserved', hold: amounts }),
            refusal: null,
            blanks: [],
            body: '',
          }),
        }),
        on({
          answer: 'ok',
          if: 'isUnchosen',
          target: 'reselecting',
          keep: ({ output: { amounts, fee } }) => ({ exact: amounts, inputFee: fee }),
        }),
        on({ if: 'isChosen', target: 'unpaid', actions: write }),
        on({
          answer: 'stale',
          target: 'failed',
          keep: failed(
            'NO_ACTIVE_KEYSET',
            'the mint takes no such inputs, and has no active keyset to swap them for others',
          ),
        }),
        on({
          if: 'givesChange',
          target: 'failed',
          keep: failed('TOO_LARGE', 'the mint takes too few inputs at once for what is needed'),
        }),
        on({
          target: 'failed',
          keep: failed('INEXACT', 'the mint gives no change, and its amounts do not make up what is needed'),
        }),
      ],
    },
  }),
  reselecting: parts.createStateConfig({
    tags: ['local'],
    invoke: {
      src: 'proofs.select',
      input: from(({ id, mintUrl, unit, exact }) => ({
        id,
        mintUrl,
        unit,
        amount: exact.reduce((total, amount) => total + amount, 0),
        preferExact: false,
      })),
      onDone: [
        on({ answer: 'ok', such: 'isSwapTooDear', target: 'failed', keep: TOO_DEAR }),
        on({
          answer: 'ok',
          target: 'prepared',
          actions: write,
          keep: ({ context, output }) => ({ inputs: output.inputs, fee: swappedFee(context, output) }),
        }),
        on({
          target: 'failed',
          keep: failed(
            'INSUFFICIENT_FUNDS',
            'not enough is spendable for inputs that the mint takes, and for making them',
          ),
        }),
      ],
    },
  }),
  /** The swap that comes before the payment: nothing was sent that could pay. */
  fitting: exchange({
    done: '#melt.gathering',
    spent: '#melt.robbed',
    refused: '#melt.misfit',
    cancelled: '#melt.unfitted',
  }),
  gathering: parts.createStateConfig({
    tags: ['local'],
    invoke: {
      src: 'melt.gather',
      input: from((context) => {
        const { id, mintUrl, unit } = context
        return { id, mintUrl, unit, made: exchangeOf(context).made }
      }),
      onDone: on({
        target: 'readying',
        keep: ({ context, output: { inputs, fee } }) => ({
          inputs,
          inputFee: fee,
          swapFee: paid(context),
          exact: [],
          exchange: null,
          tries: 0,
        }),
      }),
    },
  }),
  /** Some inputs of the swap were spent by another. */
  robbed: parts.createStateConfig({
    always: {
      target: 'failed',
      actions: [
        writes((context) => freed(context.id, exchangeOf(context))),
        keeps((context) => {
          const { spentElsewhere, error } = lostBy(exchangeOf(context))
          return { swapFee: paid(context), spentElsewhere, error }
        }),
      ],
    },
  }),
  /** The swap was refused for good. */
  misfit: parts.createStateConfig({
    always: {
      target: 'failed',
      actions: [
        writes((context) => release(context.id, reservedBy(exchangeOf(context)))),
        keeps((context) => ({ error: failureOf(exchangeOf(context)), swapFee: paid(context) })),
      ],
    },
  }),
  /** Given up before the swap, or between two of its rounds. */
  unfitted: parts.createStateConfig({
    always: {
      target: 'cancelled',
      actions: [
        writes((context) => release(context.id, reservedBy(exchangeOf(context)))),
        keeps((context) => ({ swapFee: paid(context), inputs: [], givenUp: true, error: null })),
      ],
    },
  }),
}

/** Begins with the swap, where the inputs do not fit. */
export const fit = keeps(({ inputs, exact }: MeltContext) => ({
  exchange: newExchange({ inputs, from: 'reserved', hold: exact }),
}))

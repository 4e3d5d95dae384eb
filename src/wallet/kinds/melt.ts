/** Melt: the kind, and how an invoice becomes a payment to confirm. */
import type { Amount } from '@cashu/cashu-ts'
import { melt } from '../../../machines/wallet/melt.ts'
import type { MeltContext, Payment } from '../../../machines/wallet/melt-model.ts'
import { checkSignal, checkTexts } from '../../arguments.ts'
import { toAmount } from '../../cashu/amounts.ts'
import type { MeltQuote, Melted } from '../../cashu/parse.ts'
import { HardshellError } from '../../kernel/errors.ts'
import { defineOperation, type EffectArgs, type EventObject } from '../../kernel/operation.ts'
import { answerOf, exchangeEffects, refusalOf } from '../effects.ts'
import type { WalletEnv } from '../env.ts'
import { exchangeSteps } from '../exchange.ts'
import { created, ExecutableHandle, type Finished, type Waiting } from '../handle.ts'
import { columns, lane, record } from '../history.ts'
import { paymentSteps } from '../payment.ts'
import type { WalletPorts } from '../ports.ts'
import { selectStep } from './steps.ts'

const paymentOf = ({ state, payment_preimage: preimage, change }: Melted): Payment => ({
  state,
  preimage: preimage === undefined || preimage === '' ? null : preimage,
  change: change ?? null,
})
const quoteOf = ({ quote, amount, fee_reserve: feeReserve, expiry, unit }: MeltQuote) => ({
  quote: { quote, amount, feeReserve, expiry, unit: unit ?? null },
})

type Method = { readonly mintUrl: string; readonly method: string }

const effects = ({ client }: WalletPorts) => ({
  'melt.createQuote': async ({ input, signal }: EffectArgs<Method & { body: string }>) =>
    answerOf(await client(input.mintUrl).createMeltQuote(input.body, { signal, method: input.method }), quoteOf),

  'melt.pay': async ({ input, signal, replay }: EffectArgs<Method & { body: string }>) => {
    if (replay) return { answer: 'unknown' as const }
    const reply = await client(input.mintUrl).melt(input.body, { signal, method: input.method })
    if (reply.answer === 'refused') return refusalOf(reply)
    if (reply.answer !== 'ok') return { answer: reply.answer }
    const payment = paymentOf(reply.body)
    if (payment.state === 'PAID') return { answer: 'paid' as const, payment }
    if (payment.state === 'UNPAID')
      return {
        answer: 'refused' as const,
        code: 0,
        detail: 'the mint answers that it is unpaid',
        meaning: 'paymentFailed' as const,
      }
    return { answer: 'pending' as const }
  },

  'melt.quote': async ({ input, signal, nowMs }: EffectArgs<Method & { quoteId: string; expiry: number | null }>) =>
    answerOf(await client(input.mintUrl).meltQuote(input.quoteId, { signal, method: input.method }), (body) => ({
      payment: paymentOf(body),
      expired: input.expiry !== null && input.expiry * 1000 <= nowMs,
    })),
})

export const meltKind = defineOperation({
  kind: 'melt',
  version: 1,
  machine: melt,
  effects: (ports: WalletPorts) => ({
    ...effects(ports),
    ...exchangeEffects(ports),
    ...exchangeSteps(ports),
    ...paymentSteps(ports),
    ...selectStep,
  }),
  watches: ({ client }: WalletPorts) => ({
    payment: {
      firstMs: 2_000,
      maxMs: 300_000,
      most: 1,
      sends: ['payment.news'],
      async ask({ contexts, signal }) {
        const { mintUrl, quoteId, method } = contexts[0]!
        const reply = await client(mintUrl).meltQuote(quoteId!, { signal, method })
        const news = reply.answer === 'ok' && (reply.body.state === 'PAID' || reply.body.state === 'UNPAID')
        return news ? [{ type: 'payment.news', state: reply.body.state } as EventObject] : []
      },
    },
    change: {
      firstMs: 5_000,
      maxMs: 3_600_000,
      most: 1,
      sends: ['change.found'],
      async ask({ contexts, signal }) {
        const { mintUrl, blanks } = contexts[0]!
        const asked = blanks.map(({ B_, id }) => ({ B_, id, amount: 0 }))
        const reply = await client(mintUrl).restore(asked, { signal })
        if (reply.answer !== 'ok' || reply.body.outputs.length === 0) return []
        const { outputs, signatures } = reply.body
        return [{ type: 'change.found', outputs: outputs.map(({ B_ }) => B_), signatures } as EventObject]
      },
    },
  }),
  lane,
  columns,
  project: record<MeltContext>('melt', 'out', ({ method, quoteId, request, payment, ys }) => ({
    method,
    quoteId,
    request,
    paymentProof: payment?.preimage ?? null,
    ys,
  })),
})

export interface PrepareMelt {
  readonly mintUrl: string
  /** What is to be paid: a bolt11 invoice with an amount. */
  readonly request: string
  /** `sat` unless given. */
  readonly unit?: string
  readonly key?: string
  /** Aborting stops the waiting for the quote; the operation goes on to `prepared`, and ends at its deadline. */
  readonly signal?: AbortSignal
}

/** How a payment ended. */
export interface PaidMelt extends Finished {
  /** What the payee's node revealed, where the mint passes it on. */
  readonly preimage: string | undefined
  /** What came back of the fee reserve. */
  readonly change: Amount
}

/** `fees` is the most that it can cost, fee reserve included; once paid, what it cost. */
export class MeltHandle extends ExecutableHandle<MeltContext> {
  /** Waits until the mint's quote is here and the inputs are reserved. */
  async quoted({ signal }: Waiting = {}): Promise<this> {
    checkSignal(signal)
    await this.until(({ state, snapshot }) => !state.startsWith('quoting') && !snapshot?.hasTag('failed'), signal)
    return this
  }

  /**
   * Has the invoice paid, if it was not told before; resolves when it is paid, or when the mint says that the payment
   * is under way (`paymentPending`): `finished()` then waits for the end.
   *
   * @throws {HardshellError} as `finished`; `PAYMENT_FAILED`, `PAYMENT_FENCED`
   */
  override async execute({ signal }: Waiting = {}): Promise<PaidMelt> {
    checkSignal(signal)
    await this.start()
    await this.until(({ state, snapshot }) => state === 'paymentPending' || snapshot?.hasTag('ended') === true && !snapshot.hasTag('failed'), signal) // prettier-ignore
    return this.result()
  }

  override async finished(waiting: Waiting = {}): Promise<PaidMelt> {
    await super.finished(waiting)
    return this.result()
  }

  protected override result(): PaidMelt {
    const { payment, change } = this.context
    return { ...super.result(), preimage: payment?.preimage ?? undefined, change: toAmount(change) }
  }
}

/**
 * Asks the mint for a quote and reserves the inputs; nothing is paid.
 *
 * @throws {CashuError} `INVOICE_MALFORMED`; {HardshellError} `AMOUNT_MISSING` for an invoice without one, `MINT_UNKNOWN`,
 *   `MINT_NOT_TRUSTED`, `UNIT_UNKNOWN`, `REFUSED`, `INSUFFICIENT_FUNDS`, `INEXACT` at a mint without change, `MINT_UNREACHABLE`, `KEY_REUSED`
 */
export async function prepareMelt(
  env: WalletEnv,
  { mintUrl: url, request, unit = 'sat', key, signal }: PrepareMelt,
): Promise<MeltHandle> {
  checkSignal(signal)
  if (typeof request !== 'string') throw new TypeError('request: a text')
  checkTexts({ unit })
  if (env.ports.invoiceAmount(request).msat === undefined)
    throw new HardshellError('AMOUNT_MISSING', 'the invoice leaves the amount to the payer')
  const { mintUrl, info } = await env.mints.trusted(url)
  await env.mints.assertUnit(mintUrl, unit)
  const invoice = request.trim().replace(/^lightning:/i, '')
  const input = {
    mintUrl,
    unit,
    method: 'bolt11',
    request: invoice,
    ask: JSON.stringify({ request: invoice, unit }),
    givesChange: info?.supported.includes(8) !== false,
  }
  const handle = await created(env, MeltHandle, 'melt', input, { key, request: { mintUrl, unit, request: invoice } })
  return handle.quoted(signal ? { signal } : {})
}

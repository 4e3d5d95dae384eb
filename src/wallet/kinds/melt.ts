/** Melt: the kind, and how an invoice becomes a payment to confirm. */
import type { Amount, AmountLike } from '@cashu/cashu-ts'
import { exchangeBecause } from '../../../machines/wallet/exchange-model.ts'
import { melt } from '../../../machines/wallet/melt.ts'
import { newChange, type MeltContext, type Payment } from '../../../machines/wallet/melt-model.ts'
import { checkNames, checkSignal, checkKeys } from '../../arguments.ts'
import { fromAmountLike, toAmount } from '../../cashu/amounts.ts'
import { expiresAtMs } from '../../cashu/mint-time.ts'
import { askedIn, invoiceText, isPreimage } from '../../cashu/invoice.ts'
import type { MeltQuote, Melted } from '../../cashu/parse.ts'
import { HardshellError } from '../../kernel/util/errors.ts'
import { defineOperation, type EventObject } from '../../kernel/define/operation.ts'
import { answerOf, exchangeEffects, refusalOf } from '../effects.ts'
import type { WalletEnv } from '../env.ts'
import { exchangeSteps } from '../exchange.ts'
import { contextIn, ExecutableHandle, type Finished, type Waiting, signalOf } from '../handle.ts'
import { columns, lane, record } from '../history.ts'
import { paymentSteps } from '../payment.ts'
import type { EffectArgs, WalletPorts } from '../ports.ts'
import { SELDOM_MS, selectStep } from './steps.ts'
import { sure } from '../../sure.ts'

/** Whether a preimage hashes to the invoice's payment hash. Any other preimage proves nothing. */
const paymentOf = ({ state, payment_preimage: preimage, change }: Melted, paymentHash: string | null): Payment => ({
  state,
  preimage: preimage !== undefined && paymentHash !== null && isPreimage(preimage, paymentHash) ? preimage : null,
  change: change ?? null,
})
const quoteOf = (
  { quote, amount, fee_reserve: feeReserve, expiry, unit, request }: MeltQuote,
  at: { readonly mintNowMs: number | undefined; readonly nowMs: number },
) => ({
  quote: {
    ...{ quote, amount, feeReserve, expiry, unit: unit ?? null, request: request ?? null },
    expiresAtMs: expiresAtMs({ expiryS: expiry, ...at }) ?? null,
  },
})

/** Mints re-encode invoices. Two invoices are the same if they have the same payment hash and amount. */
function isSameInvoice(asked: string, quoted: string, read: WalletPorts['invoiceAmount']): boolean {
  if (asked.toLowerCase() === quoted.toLowerCase()) return true
  try {
    const [one, other] = [read(asked), read(quoted)]
    return one.paymentHash !== undefined && one.paymentHash === other.paymentHash && one.msat === other.msat
  } catch {
    return false
  }
}

type Method = { readonly mintUrl: string; readonly method: string }
type Paying = Method & { readonly paymentHash: string | null }
type Asking = Paying & { quoteId: string; expiry: number | null; expiresAtMs: number | null }

const effects = ({ client, invoiceAmount }: WalletPorts) => ({
  'melt.createQuote': async ({ input, signal, nowMs }: EffectArgs<Method & { body: string }>) => {
    const reply = await client(input.mintUrl).createMeltQuote(input.body, { signal, method: input.method })
    const { request: asked } = JSON.parse(input.body) as { request: string }
    return answerOf(reply, (body) => {
      const isOurs = body.request !== undefined && isSameInvoice(asked, body.request, invoiceAmount)
      return quoteOf(isOurs ? { ...body, request: asked } : body, { mintNowMs: reply.mintNowMs, nowMs })
    })
  },

  'melt.pay': async ({ input, signal, replay }: EffectArgs<Paying & { body: string }>) => {
    if (replay) return { answer: 'unknown' as const }
    const reply = await client(input.mintUrl).melt(input.body, { signal, method: input.method })
    if (reply.answer === 'refused') return refusalOf(reply)
    if (reply.answer === 'unknown' && reply.hint !== undefined) return { answer: 'unknown' as const, hint: reply.hint }
    if (reply.answer !== 'ok') return { answer: reply.answer }
    const payment = paymentOf(reply.body, input.paymentHash)
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

  'melt.quote': async ({ input, signal, nowMs }: EffectArgs<Asking>) => {
    const { mintUrl, method, quoteId, expiry, paymentHash } = input
    const reply = await client(mintUrl).meltQuote(quoteId, { signal, method })
    const { mintNowMs } = reply
    const isOver = mintNowMs === undefined ? input.expiresAtMs !== null && input.expiresAtMs <= nowMs : (expiry ?? Infinity) * 1000 <= mintNowMs // prettier-ignore
    return answerOf(reply, (body) => ({ payment: paymentOf(body, paymentHash), expired: isOver }))
  },
})

/** What says that a payment was made. */
export type Evidence = 'preimage' | 'mint'

const evidenceOf = (payment: Payment | null): Evidence | null =>
  payment?.state !== 'PAID' ? null : payment.preimage === null ? 'mint' : 'preimage'

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
  polls: ({ client }: WalletPorts) => ({
    payment: {
      firstMs: 2_000,
      maxMs: 300_000,
      most: 1,
      sends: ['payment.updated'],
      async ask({ contexts, signal }) {
        const { mintUrl, quoteId, method } = sure(contexts[0], 'context')
        const reply = await client(mintUrl).meltQuote(sure(quoteId, 'quote'), { signal, method })
        const isDecided = reply.answer === 'ok' && (reply.body.state === 'PAID' || reply.body.state === 'UNPAID')
        return isDecided ? [{ type: 'payment.updated', state: reply.body.state } as EventObject] : []
      },
    },
    change: {
      firstMs: 5_000,
      maxMs: SELDOM_MS,
      most: 1,
      sends: ['change.found', 'change.none'],
      async ask({ contexts, signal }) {
        const context = sure(contexts[0], 'context')
        const { mintUrl, blanks, quoteId, method } = context
        const asked = blanks.map(({ B_, id }) => ({ B_, id, amount: 0 }))
        const reply = await client(mintUrl).restore(asked, { signal })
        if (reply.answer === 'refused') {
          const quoted = await client(mintUrl).meltQuote(sure(quoteId, 'quote'), { signal, method })
          const told = quoted.answer === 'ok' && newChange(context, paymentOf(quoted.body, null))
          return told ? [{ type: 'change.found', ...told } as EventObject] : []
        }
        if (reply.answer !== 'ok') return []
        if (reply.body.outputs.length === 0) return [{ type: 'change.none' }]
        const { outputs, signatures } = reply.body
        return [
          { type: 'change.found', outputs: outputs.map(({ B_ }) => B_), signatures, isOrdered: false } as EventObject,
        ]
      },
    },
  }),
  because: (context: MeltContext) => [context.why, exchangeBecause(context)].filter(Boolean).join('; ') || null,
  lane,
  columns,
  // Nothing was sent and nobody cancelled: the same key may be used again when there is money, or the mint answers.
  freesKey: ({ sends, givenUp }) => sends === 0 && !givenUp,
  project: record<MeltContext>('melt', 'out', ({ method, quoteId, request, payment, ys }) => ({
    method,
    quoteId,
    request,
    paymentProof: payment?.preimage ?? null,
    evidence: evidenceOf(payment),
    ys,
  })),
})

/** A payment: which invoice, from which mint, and what it may cost. */
export interface PrepareMelt {
  /** The mint's URL. */
  readonly mintUrl: string
  /** What is to be paid: a bolt11 invoice with an amount. */
  readonly request: string
  /** `sat` unless given. */
  readonly unit?: string
  /** The most that it may cost beside the amount, in the unit; whatever the mint asks for unless given. */
  readonly maxFee?: AmountLike
  /** The idempotency key: the same key and the same request are the same operation. */
  readonly key?: string
  /** Aborting stops the waiting for the quote; the operation goes on to `prepared`, and ends at its deadline. */
  readonly signal?: AbortSignal
}

/** How a payment ended. */
export interface PaidMelt extends Finished {
  /** The proof of payment, which only the payee could reveal; what the mint gives and is none is left out. */
  readonly preimage: string | undefined
  /** What says that it was paid: the preimage, or the mint's word alone; undefined until it is paid. */
  readonly evidence: Evidence | undefined
  /** What came back of the fee reserve. */
  readonly change: Amount
}

/** `fee` is the most that it can cost, fee reserve included; once paid, what it cost. */
export class MeltHandle extends ExecutableHandle<MeltContext, { readonly type: 'forgo' }> {
  async quoted(waiting: Waiting = {}): Promise<this> {
    const signal = signalOf(waiting)
    await this.until(({ state, snapshot }) => !state.startsWith('quoting') && !snapshot?.hasTag('failed'), signal)
    return this
  }

  override async execute(waiting: Waiting = {}): Promise<PaidMelt> {
    const signal = signalOf(waiting)
    await this.start()
    await this.until(({ state, snapshot }) => state === 'paymentPending' || snapshot?.hasTag('ended') === true && !snapshot.hasTag('failed'), signal) // prettier-ignore
    return this.result()
  }

  async payWithoutChange(waiting: Waiting = {}): Promise<PaidMelt> {
    signalOf(waiting)
    await this.tell({ type: 'forgo' })
    return this.execute(waiting)
  }

  override async finished(waiting: Waiting = {}): Promise<PaidMelt> {
    await super.finished(waiting)
    return this.result()
  }

  protected override result(): PaidMelt {
    const { payment, change } = contextIn(this)
    return {
      ...super.result(),
      preimage: payment?.preimage ?? undefined,
      evidence: evidenceOf(payment) ?? undefined,
      change: toAmount(change),
    }
  }
}

/**
 * Asks the mint for a quote and reserves the inputs; nothing is paid. The quote is held against the invoice, in `sat` and
 * `msat`; what an invoice comes to in another unit is the mint's word (NUT-05).
 *
 * @throws {CashuError} `INVOICE_MALFORMED`; {TypeError} naming the argument; {HardshellError} `AMOUNT_MISSING` for an
 *   invoice without one, `MINT_UNKNOWN`, `MINT_NOT_TRUSTED`, `UNIT_UNKNOWN`, `REFUSED`, `QUOTE_WRONG`, `FEE_TOO_HIGH`,
 *   `INSUFFICIENT_FUNDS`, `INEXACT` at a mint without change whose amounts do not make it up, `NO_ACTIVE_KEYSET`, `MINT_UNREACHABLE`, `KEY_REUSED`
 */
export async function prepareMelt(env: WalletEnv, options: PrepareMelt): Promise<MeltHandle> {
  checkNames(options, 'options', ['mintUrl', 'request', 'unit', 'maxFee', 'key', 'signal'])
  const { mintUrl: url, request, unit = 'sat', maxFee, key, signal } = options
  checkSignal(signal)
  if (typeof request !== 'string') throw new TypeError('request: a text')
  checkKeys({ unit })
  const most = maxFee === undefined ? null : fromAmountLike(maxFee, 'maxFee')
  const { msat, paymentHash } = env.ports.invoiceAmount(request)
  if (msat === undefined) throw new HardshellError('AMOUNT_MISSING', 'the invoice leaves the amount to the payer')
  const { mintUrl } = await env.mints.get(url)
  const invoice = invoiceText(request)
  const checked = async () => {
    const { info } = await env.mints.assertUsable(mintUrl, unit)
    return {
      mintUrl,
      unit,
      method: 'bolt11',
      request: invoice,
      ask: JSON.stringify({ request: invoice, unit }),
      demand: askedIn(unit, msat) ?? null,
      paymentHash: paymentHash ?? null,
      maxFee: most,
      givesChange: info?.supported.includes(8) !== false,
    }
  }
  const wanted = { mintUrl, unit, request: invoice, ...(most !== null && { maxFee: most }) }
  const calls = env.operations.of(meltKind)
  const handle = new MeltHandle(env, calls, await calls.create(checked, { key, request: wanted }))
  return handle.quoted(signal ? { signal } : {})
}

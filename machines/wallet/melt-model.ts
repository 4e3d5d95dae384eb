/** What the melt chart is made of: its context, its effects and local steps, its delays, and small predicates. */
import { backoff, effect, local, sure, until } from '../../src/kernel/define/authoring.ts'
import type { Write } from '../../src/wallet/tables.ts'
import { isAlreadySigned, isKeysetGone, isTooLarge, type Meaning } from '../../src/cashu/codes.ts'
import { denialsWith, selectActor, type Failure, type Reply, sum } from './common.ts'
import {
  exchangeActors,
  exchangeDelays,
  type InputProof,
  type MadeProof,
  type Refusal,
  type Signature,
  type SpentState,
  type Exchange,
  type Replied,
  REPLIES,
  type Place,
} from './exchange-model.ts'

export interface MeltInput {
  readonly id: string
  readonly mintUrl: string
  readonly unit: string
  readonly method: string
  /** What is to be paid: an invoice. */
  readonly request: string
  /** The body that asks for a quote. */
  readonly ask: string
  /** What the invoice asks for in the unit; null where only the mint knows what that comes to. */
  readonly demand: { readonly least: number; readonly most: number } | null
  /** What a preimage must hash to; null where that cannot be read. */
  readonly paymentHash: string | null
  /** The most that the payment may cost, in the unit; null for whatever the mint asks for. */
  readonly maxFee: number | null
  /** The mint gives change (NUT-08). Without it, inputs that come to more than is needed would be a gift. */
  readonly givesChange: boolean
}

/** A melt quote, as far as it concerns us. Amounts in the unit, times in seconds since the Unix epoch. */
export type MeltQuote = {
  readonly quote: string
  readonly amount: number
  readonly feeReserve: number
  readonly expiry: number | null
  /** When it ends by our own clock, in milliseconds since the Unix epoch; null where it does not, or nobody knows. */
  readonly expiresAtMs: number | null
  readonly unit: string | null
  /** What it is a quote for, where the mint says so. */
  readonly request: string | null
}
export type MeltState = 'UNPAID' | 'PENDING' | 'PAID' | 'UNKNOWN'
/** What the mint says of a payment. */
export type Payment = {
  readonly state: MeltState
  /** The preimage of the payment hash. What the mint gives and is none, or cannot be checked, is left out. */
  readonly preimage: string | null
  readonly change: readonly Signature[] | null
}

export interface MeltContext extends MeltInput {
  /** What is to be paid; what was paid, in the end. */
  readonly amount: number
  /** What was to be paid, where nothing was. */
  readonly asked?: number
  /** Of the inputs, what somebody else had spent. */
  readonly spentElsewhere?: number
  /** The most that it costs before it is over, and what it has cost after. */
  readonly fee: number
  readonly quoteId: string | null
  readonly quote: MeltQuote | null
  readonly inputs: readonly InputProof[]
  /** What the mint keeps of the inputs (NUT-02). */
  readonly inputFee: number
  /** What inputs that fit are to be made of first; empty where those that are there fit. */
  readonly exact: readonly number[]
  /** What that cost. */
  readonly swapFee: number
  /** The blank outputs in order (NUT-08). */
  readonly blanks: readonly { readonly B_: string; readonly id: string }[]
  readonly body: string
  readonly sends: number
  /** Sends of which we know how they were answered. */
  readonly answers: number
  /** The payment was seen under way: by the quote, for another device may have the inputs in use. */
  readonly landed: boolean
  /** What the mint says of the inputs, in their order. */
  readonly states: readonly SpentState[]
  readonly payment: Payment | null
  /** The quote had expired when the mint was last asked. */
  readonly expired: boolean
  /** The payment was learned from the first answer to the request. */
  readonly firstHand: boolean
  readonly change: number
  /** Blank outputs' signatures, found by asking. */
  readonly found: FoundChange | null
  readonly exchange: Exchange | null
  /** What the mint owes for certain while the change is not here. */
  readonly owed: number
  /** Questions for change that the mint had none to. */
  readonly asks: number
  readonly tries: number
  /** Questions in a row that the mint refused, or answered with what makes no sense. */
  readonly denials: number
  /** Why it waits for a person, where its state alone does not say; for people. */
  readonly why: string | null
  /** What the last request was refused for. */
  readonly refusal: Refusal | null
  /** Refusals by which blank outputs were made anew. */
  readonly anew: number
  /** All inputs had read as spent and the quote as unpaid; only the second such reading is believed. */
  readonly seenSpent: boolean
  /** The fence has spent the inputs. */
  readonly fenced: boolean
  /** A person gave it up. */
  readonly givenUp: boolean
  readonly ys: readonly string[]
  readonly error: Failure | null
}

export type Kept = Partial<MeltContext>

export type Settle = Place & {
  readonly context: Pick<
    MeltContext,
    'inputs' | 'inputFee' | 'quote' | 'payment' | 'blanks' | 'firstHand' | 'found' | 'fenced'
  >
}
/** Whom to ask about a payment, and what its preimage must hash to. */
type Asked = { readonly mintUrl: string; readonly method: string; readonly paymentHash: string | null }
type Question = Asked & { quoteId: string; expiry: number | null; expiresAtMs: number | null }
/** What came of a request to pay. */
export type Answered =
  | { readonly answer: 'paid'; readonly payment: Payment }
  | { readonly answer: 'pending' }
  | ({ readonly answer: 'refused' } & Refusal)
  /** `hint`: what it would mean if it were a refusal. */
  | { readonly answer: 'unknown'; readonly hint?: Meaning }
  | { readonly answer: 'malformed' }
export type Made = { readonly made: readonly MadeProof[]; readonly writes: readonly Write[] }
/** Inputs that were chosen, and the fee for spending them. */
export type Taken =
  | { readonly answer: 'ok'; readonly inputs: readonly InputProof[]; readonly fee: number; readonly fits: boolean; readonly writes: readonly Write[] } // prettier-ignore
  | { readonly answer: 'short' }
export type Planned = { readonly writes: readonly Write[] } & (
  | { readonly answer: 'ok'; readonly amounts: readonly number[] /** For spending them. */; readonly fee: number }
  /** The inputs serve as they are, with fewer blank outputs. */
  | { readonly answer: 'asIs' }
  /** The mint has no active keyset whose keys are known. */
  | { readonly answer: 'stale' }
  /** The keyset's amounts do not make it up, or not in as few as the mint takes. */
  | { readonly answer: 'unreachable' }
)
/** Change that the mint tells of when it is asked again. */
export interface FoundChange {
  /** The `B_` of blank outputs, one for each signature. */
  readonly outputs: readonly string[]
  readonly signatures: readonly Signature[]
  /** The quote told them, by their order alone; a restore (NUT-09) names each output. */
  readonly isOrdered: boolean
}

/** Change as the quote tells it (NUT-08): by the order of the blank outputs. Undefined where it tells of none. */
export function changeTold(
  blanks: MeltContext['blanks'],
  { change }: Pick<Payment, 'change'>,
): FoundChange | undefined {
  const signatures = (change ?? []).slice(0, blanks.length)
  const outputs = blanks.slice(0, signatures.length).map(({ B_ }) => B_)
  return signatures.length > 0 ? { outputs, signatures, isOrdered: true } : undefined
}

/** The same, where the quote has not told it before, in vain. */
export function newChange(
  { blanks, payment }: Pick<MeltContext, 'blanks' | 'payment'>,
  told: Pick<Payment, 'change'>,
): FoundChange | undefined {
  const [found, before] = [changeTold(blanks, told), payment && changeTold(blanks, payment)]
  return JSON.stringify(found) === JSON.stringify(before) ? undefined : found
}

/** What inputs are for, and whether what they are worth beyond that comes back. */
type Payable = Pick<MeltQuote, 'amount'> & Pick<MeltContext, 'givesChange'> & { readonly reserve: number }
export type Select = Place & Payable
export type Plan = Place &
  Payable &
  Pick<MeltContext, 'refusal' | 'inputs'> & {
    /** How many blank outputs were sent. */
    readonly blanks: number
  }
export type Fitted = { readonly answer: 'ok'; readonly inputs: readonly InputProof[]; readonly fee: number }
export type Derive = Place &
  Pick<MeltContext, 'inputs' | 'inputFee' | 'givesChange' | 'sends'> & { readonly quote: MeltQuote }
export type Derived =
  | { readonly answer: 'ok'; readonly blanks: readonly { B_: string; id: string }[]; readonly body: string; readonly writes: readonly Write[] } // prettier-ignore
  /** No active keyset with its keys is known. */
  | { readonly answer: 'stale' }
  /** Too many outputs since the last signed one. */
  | { readonly answer: 'gap' }
export type Events =
  | { type: 'execute' }
  | { type: 'cancel' }
  | { type: 'resume' }
  /** Pay, although the mint can sign no change. */
  | { type: 'forgo' }
  | { type: 'payment.updated'; state: MeltState }
  | ({ type: 'change.found' } & FoundChange)
  | { type: 'change.none' }

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const NEVER_MS = 8_640_000_000_000_000
export const MOST_TRIES = 20
export const MOST_SENDS = 2
/** So often the mint is asked for change that it does not owe for certain. */
export const MOST_ASKS = 3

/** No request that was sent can land any more. */
export const accounted = ({ sends, answers, landed }: MeltContext): boolean =>
  answers === sends || (sends === 1 && landed)

export const meltActors = {
  ...exchangeActors,
  ...selectActor,
  /** POST /v1/melt/quote/{method} (NUT-05). */
  'melt.createQuote': effect<Replied<{ quote: MeltQuote }>, { mintUrl: string; method: string; body: string }>({ answers: REPLIES }), // prettier-ignore
  /** POST /v1/melt/{method} (NUT-05). A replay is not sent: it could be a second payment. */
  'melt.pay': effect<Answered, Asked & { body: string }>({
    answers: { paid: true, pending: true, refused: true, unknown: true, malformed: true },
  }),
  /** GET /v1/melt/quote/{method}/{quote}. */
  'melt.quote': effect<Replied<{ payment: Payment; expired: boolean }>, Question>({ answers: REPLIES }),
  /** Chooses inputs, reserves them, and says whether the mint can take them as they are. */
  'melt.select': local<Taken, Select>({ answers: { ok: true, short: true } }), // prettier-ignore
  /**
   * Which inputs would be worth an amount and their own fee, just that where the mint gives no change; and what is learnt of
   * a refusal for size.
   */
  'melt.plan': local<Planned, Plan>({ answers: { ok: true, asIs: true, stale: true, unreachable: true } }),
  /** Takes the inputs that were made. */
  'melt.gather': local<Fitted, Place & { readonly made: readonly MadeProof[] }>({ answers: { ok: true } }), // prettier-ignore
  /** Makes the blank outputs, or takes unused ones, and the body. */
  'melt.derive': local<Derived, Derive>({ answers: { ok: true, stale: true, gap: true } }),
  /** The mint knows these outputs already: drops them, and jumps past the counters that were used elsewhere. */
  'melt.renew': local<{ answer: 'ok'; writes: readonly Write[] }, Place & Pick<MeltContext, 'blanks' | 'anew' | 'refusal'>>({ answers: { ok: true } }), // prettier-ignore
  /** Unblinds the change, and writes what the payment made of the inputs. */
  'melt.settle': local<({ answer: 'ok' } & Made) | { answer: 'owed' }, Settle>({ answers: { ok: true, owed: true } }),
}

export const meltDelays = {
  ...exchangeDelays,
  meltBackoff: backoff<MeltContext>({ firstMs: 1_000, maxMs: 300_000, tries: ({ tries }) => tries }),
  meltBlocked: 60 * MINUTE_MS,
  readyDeadline: 60 * MINUTE_MS,
  quotingDeadline: 2 * MINUTE_MS,
  meltDeadline: 10 * MINUTE_MS,
  quoteExpiry: until<MeltContext>(({ quote }) => quote?.expiresAtMs ?? NEVER_MS),
  changeDeadline: 7 * DAY_MS,
}

/** The quote, once there is one. */
export const quoteOf = ({ quote }: Pick<MeltContext, 'quote'>): MeltQuote => sure(quote, 'quote')
/** What the mint last said of the payment, once it was asked. */
export const paymentOf = ({ payment }: Pick<MeltContext, 'payment'>): Payment => sure(payment, 'payment')

/** Asks what became of the payment. */
export function question(context: MeltContext): Question {
  const { mintUrl, method, paymentHash } = context
  const { quote, expiry, expiresAtMs } = quoteOf(context)
  return { mintUrl, method, paymentHash, quoteId: quote, expiry, expiresAtMs }
}

export function settle(context: MeltContext): Settle {
  const { id, mintUrl, unit, inputs, inputFee, quote, payment, blanks, firstHand, found, fenced } = context
  return { id, mintUrl, unit, context: { inputs, inputFee, quote, payment, blanks, firstHand, found, fenced } }
}

export const settled = ({ output: { made } }: { output: Made }): Kept => ({
  change: sum(made),
  ys: made.map(({ Y }) => Y),
})

/** A question in vain. */
export const inVain = ({ context: { tries, denials }, output }: { context: MeltContext; output: Reply }): Kept => ({
  tries: Math.min(MOST_TRIES, tries + 1),
  denials: denialsWith(denials, output),
})

/** Nothing was paid. */
export function nothingPaid({ amount, asked = amount, demand }: MeltContext): Kept {
  return { amount: 0, asked: asked > 0 ? asked : (demand?.least ?? 0) }
}

/** What the mint owes for certain: beyond amount, fee reserve and input fee. */
export function owed(context: MeltContext): number {
  const { amount, feeReserve } = quoteOf(context)
  return sum(context.inputs) - context.inputFee - amount - feeReserve
}

/** The blank outputs will never be signed, or it does not matter any more. */
export function forget({ blanks }: MeltContext): Write[] {
  return blanks.map(({ B_ }): Write => ({ delete: 'outputs', key: [B_] }))
}

/** Other outputs are tried so often. */
const MOST_ANEW = 12

/**
 * The request was refused for its blank outputs, and others may be taken. A mint that says of the invoice that it is paid
 * means an output, at times (cdk): once, others are tried.
 */
export function mayRenew({ refusal, blanks, anew }: MeltContext): boolean {
  if (refusal === null || blanks.length === 0 || anew >= MOST_ANEW) return false
  const { meaning } = refusal
  if (isAlreadySigned(meaning)) return true
  // Where a keyset is gone and another was tried, one of the inputs is meant.
  return anew === 0 && (isKeysetGone(meaning) || meaning === 'quotePaid')
}

/** So often others are taken in the place of inputs. */
const MOST_OTHERS = 3

/** It was refused for inputs that the mint does not take: a swap finds out which, and takes others for them. */
export const mayFit = ({ refusal, anew, swapFee }: MeltContext): boolean =>
  refusal !== null && (refusal.meaning === 'proofInvalid' || isKeysetGone(refusal.meaning)) && anew < MOST_OTHERS && swapFee === 0 // prettier-ignore

/**
 * Gives back blank outputs that no request can have signed any more: a later melt takes them before it takes counters,
 * so that payments in vain do not use counters up. Ones that the mint has seen are dropped.
 */
export function reuse({ id, blanks, refusal }: MeltContext): Write[] {
  const known = isAlreadySigned(refusal?.meaning) || refusal?.meaning === 'quotePaid'
  return blanks.map(({ B_ }) =>
    known
      ? { delete: 'outputs', key: [B_] }
      : { patch: 'outputs', key: [B_], set: { operationId: UNUSED }, if: { operationId: id } },
  )
}

/** The request was refused for its size: the mint takes fewer inputs at once, or fewer outputs. */
export const isTooMany = ({ refusal, inputs, blanks }: MeltContext): boolean =>
  isTooLarge(refusal?.meaning) && inputs.length + blanks.length > 1

/**
 * Why the mint did not take the request to pay. What is too large is found before anything of it is done: however that is
 * said, the request is answered. Whether it was paid all the same is asked after.
 */
export function refusalIn(output: Answered): Refusal | null {
  if (output.answer === 'refused') return { code: output.code, detail: output.detail, meaning: output.meaning }
  const hint = output.answer === 'unknown' ? output.hint : undefined
  if (hint === undefined || !isTooLarge(hint)) return null
  return { code: 0, detail: `${hint}, it says with an error of its own`, meaning: hint }
}

/** In the place of an operation's id: outputs that were never signed, and wait for another operation to take them. */
export const UNUSED = ''

const WHY: Partial<Record<Meaning, string>> = {
  quotePaid: 'INVOICE_PAID',
  quoteExpired: 'QUOTE_EXPIRED',
  spent: 'SPENT_ELSEWHERE',
  alreadySigned: 'OUTPUTS_KNOWN',
  outputsPending: 'OUTPUTS_KNOWN',
  paymentFailed: 'PAYMENT_FAILED',
  unclassified: 'PAYMENT_FAILED',
  passing: 'PAYMENT_FAILED',
}

/** Why nothing was paid. */
export function unpaidBecause({ refusal }: MeltContext): Failure {
  if (!refusal) return { code: 'PAYMENT_FAILED', detail: 'the mint could not pay' }
  return { code: WHY[refusal.meaning] ?? 'REFUSED', detail: refusal.detail }
}

/** Whether the quote is for the invoice, in the unit, and for as much as the invoice asks for. */
export function quoteFits(context: MeltContext, { unit, request, amount }: MeltQuote): boolean {
  const { demand } = context
  return (
    (unit === null || unit === context.unit) &&
    (request === null || request.toLowerCase() === context.request.toLowerCase()) &&
    (demand === null || (amount >= demand.least && amount <= demand.most))
  )
}

export const quoteKept = ({ output: { quote } }: { output: { readonly quote: MeltQuote } }): Kept => ({
  quote,
  quoteId: quote.quote,
  amount: quote.amount,
  tries: 0,
})

/** What the melt chart is made of: its context, its effects and local steps, its delays, and small predicates. */
import { effect, local, until, backoff, type Write } from '../../src/kernel/authoring.ts'
import { selectActor, type Failure, sum } from './common.ts'
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
  /** The mint gives change (NUT-08). Without it, inputs that come to more than is needed would be a gift. */
  readonly givesChange: boolean
}

/** A melt quote, as far as it concerns us. Amounts in the unit, times in seconds since the Unix epoch. */
export type MeltQuote = {
  readonly quote: string
  readonly amount: number
  readonly feeReserve: number
  readonly expiry: number | null
  readonly unit: string | null
}
export type MeltState = 'UNPAID' | 'PENDING' | 'PAID' | 'UNKNOWN'
/** What the mint says of a payment. */
export type Payment = {
  readonly state: MeltState
  readonly preimage: string | null
  readonly change: readonly Signature[] | null
}

export interface MeltContext extends MeltInput {
  readonly amount: number
  /** The most that it costs before it is over, and what it has cost after. */
  readonly fee: number
  readonly quoteId: string | null
  readonly quote: MeltQuote | null
  readonly inputs: readonly InputProof[]
  /** What the mint keeps of the inputs (NUT-02). */
  readonly inputFee: number
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
  readonly found: { readonly outputs: readonly string[]; readonly signatures: readonly Signature[] } | null
  readonly exchange: Exchange | null
  readonly tries: number
  readonly ys: readonly string[]
  readonly error: Failure | null
}

export type Settle = Place & {
  readonly context: Pick<MeltContext, 'inputs' | 'inputFee' | 'quote' | 'payment' | 'blanks' | 'firstHand' | 'found'>
}
export type Made = { readonly made: readonly MadeProof[]; readonly writes: readonly Write[] }
export type Events =
  | { type: 'execute' }
  | { type: 'cancel' }
  | { type: 'resume' }
  | { type: 'payment.news'; state: MeltState }
  | { type: 'change.found'; outputs: readonly string[]; signatures: readonly Signature[] }

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const NEVER_MS = 8_640_000_000_000_000
export const MOST_TRIES = 20
export const MOST_SENDS = 2

export const unspent = ({ states }: MeltContext): boolean => states.every((state) => state === 'UNSPENT')
/** Rule 4: no send can land any more. */
export const accounted = ({ sends, answers, landed }: MeltContext): boolean =>
  answers === sends || (sends === 1 && landed)

export const meltActors = {
  ...exchangeActors,
  ...selectActor,
  /** POST /v1/melt/quote/{method} (NUT-05). */
  'melt.createQuote': effect<Replied<{ quote: MeltQuote }>, { mintUrl: string; method: string; body: string }>({ answers: REPLIES }), // prettier-ignore
  /** POST /v1/melt/{method} (NUT-05). A replay is not sent: it could be a second payment. */
  'melt.pay': effect<
    | { answer: 'paid'; payment: Payment }
    | { answer: 'pending' }
    | ({ answer: 'refused' } & Refusal)
    | { answer: 'unknown' }
    | { answer: 'malformed' },
    { mintUrl: string; method: string; body: string }
  >({ answers: ['paid', 'pending', 'refused', 'unknown', 'malformed'] }),
  /** GET /v1/melt/quote/{method}/{quote}. */
  'melt.quote': effect<Replied<{ payment: Payment; expired: boolean }>, { mintUrl: string; method: string; quoteId: string; expiry: number | null }>({ answers: REPLIES }), // prettier-ignore
  /** Makes the blank outputs, and the body. */
  'melt.derive': local<
    | { answer: 'ok'; blanks: readonly { B_: string; id: string }[]; body: string; writes: readonly Write[] }
    | { answer: 'stale' },
    Place & Pick<MeltContext, 'inputs' | 'inputFee' | 'givesChange'> & { readonly quote: MeltQuote }
  >({ answers: ['ok', 'stale'] }),
  /** Unblinds the change, and writes what the payment made of the inputs. */
  'melt.settle': local<({ answer: 'ok' } & Made) | { answer: 'owed' }, Settle>({ answers: ['ok', 'owed'] }),
}

export const meltDelays = {
  ...exchangeDelays,
  meltBackoff: backoff<MeltContext>({ firstMs: 1_000, maxMs: 300_000, tries: ({ tries }) => tries }),
  meltBlocked: 60 * MINUTE_MS,
  quotingDeadline: 2 * MINUTE_MS,
  meltDeadline: 10 * MINUTE_MS,
  quoteExpiry: until<MeltContext>(({ quote }) => (quote?.expiry ? Math.min(NEVER_MS, quote.expiry * 1000) : NEVER_MS)),
  changeDeadline: 7 * DAY_MS,
}

export function settle({ context }: { context: MeltContext }): Settle {
  const { id, mintUrl, unit, inputs, inputFee, quote, payment, blanks, firstHand, found } = context
  return { id, mintUrl, unit, context: { inputs, inputFee, quote, payment, blanks, firstHand, found } }
}

type Settled = { event: { output: ({ answer: 'ok' } & Made) | { answer: 'owed' } } }

export function settled(output: Settled['event']['output']): Partial<MeltContext> {
  return output.answer === 'ok' ? { change: sum(output.made), ys: output.made.map(({ Y }) => Y) } : {}
}

/** What the mint owes for certain: beyond amount, fee reserve and input fee. */
export function owed({ inputs, inputFee, quote }: MeltContext): number {
  return sum(inputs) - inputFee - quote!.amount - quote!.feeReserve
}

/** The blank outputs will never be signed. */
export function forget({ blanks }: MeltContext): Write[] {
  return blanks.map(({ B_ }) => ({ delete: 'outputs', key: [B_] }))
}

type Quoted = { context: MeltContext; event: { output: { answer: string; quote?: MeltQuote } } }

/** Whether the quote is in the unit asked for. */
export function quoteFits({ context, event: { output } }: Quoted): boolean {
  return output.answer === 'ok' && (output.quote!.unit === null || output.quote!.unit === context.unit)
}

export function quoteKept({ event }: { event: unknown }): Partial<MeltContext> {
  const { quote } = (event as Quoted['event']).output
  return { quote: quote!, quoteId: quote!.quote, amount: quote!.amount, tries: 0 }
}

/** What the mint chart is made of: its context, its effects and local steps, its delays, and small predicates. */
import { effect, local, until, backoff, type Write } from '../../src/kernel/authoring.ts'
import type { Failure } from './common.ts'
import {
  type OutputSet,
  type MadeProof,
  type Signature,
  type Replied,
  REPLIES,
  type Place,
  exchangeActors,
} from './exchange-model.ts'

export interface MintInput {
  readonly id: string
  readonly mintUrl: string
  readonly unit: string
  readonly amount: number
  readonly method: string
  /** The quote is locked to this key's public half (NUT-20). */
  readonly privateKey: string | null
  /** A quote that exists already; null to ask for one. */
  readonly quoteId: string | null
  /** The body that asks for a quote. */
  readonly ask: string
}

/** A mint quote, as far as it concerns us. Times in seconds since the Unix epoch. */
export type Quote = {
  readonly quote: string
  readonly request: string
  readonly expiry: number | null
  readonly amount: number | null
  readonly unit: string | null
}
export type QuoteState = 'UNPAID' | 'PENDING' | 'PAID' | 'ISSUED'

export interface MintContext extends MintInput {
  readonly fee: number
  readonly quote: Quote | null
  /** The quote's state, as the mint last said. */
  readonly quoteState: QuoteState
  /** Every output set ever sent; the last is the one that `body` carries. */
  readonly sets: readonly OutputSet[]
  readonly body: string
  readonly signatures: readonly Signature[]
  readonly restored: { readonly outputs: readonly string[]; readonly signatures: readonly Signature[] } | null
  /** A signature on our outputs was seen while the quote had read as not issued. */
  readonly seenSigned: boolean
  /** The form in which the mint takes the request's signature (NUT-20). */
  readonly form: 'plain' | 'framed'
  readonly refusals: number
  readonly refusal: { readonly code: number; readonly detail: string } | null
  readonly tries: number
  readonly ys: readonly string[]
  readonly error: Failure | null
}

export type Job = Place & {
  readonly context: Pick<
    MintContext,
    | 'amount'
    | 'quote'
    | 'privateKey'
    | 'form'
    | 'refusals'
    | 'sets'
    | 'signatures'
    | 'restored'
    | 'quoteState'
    | 'seenSigned'
  >
}
export type Made = { readonly made: readonly MadeProof[]; readonly writes: readonly Write[] }
export type QuoteNews = { type: 'quote.news'; state: QuoteState }

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const NEVER_MS = 8_640_000_000_000_000
export const MOST_TRIES = 20
export const MOST_REFUSALS = 3
/** A quote that stays PENDING with nothing signed for this many questions is stuck at the mint. */
export const MOST_PENDING = 8
/** NUT-20: the request's signature does not verify. */
export const SIGNATURE_INVALID = 20008

export const mintActors = {
  'mint.restore': exchangeActors['mint.restore'],
  'mint.keysets': exchangeActors['mint.keysets'],
  /** POST /v1/mint/quote/{method} (NUT-04, NUT-23). */
  'mint.createQuote': effect<Replied<{ quote: Quote; state: QuoteState }>, { mintUrl: string; method: string; body: string }>({ answers: REPLIES }), // prettier-ignore
  /** GET /v1/mint/quote/{method}/{quote}. */
  'mint.quote': effect<Replied<{ quote: Quote; state: QuoteState }>, { mintUrl: string; method: string; quoteId: string }>({ answers: REPLIES }), // prettier-ignore
  /** POST /v1/mint/{method} (NUT-04, NUT-20). */
  'mint.issue': effect<Replied<{ signatures: readonly Signature[] }>, { mintUrl: string; method: string; body: string }>({ answers: REPLIES }), // prettier-ignore
  'mint.derive': local<
    | { answer: 'ok'; set: OutputSet; again: boolean; body: string; writes: readonly Write[] }
    | { answer: 'stale' }
    | { answer: 'gap' },
    Job
  >({ answers: ['ok', 'stale', 'gap'] }),
  'mint.unblind': local<({ answer: 'ok' } & Made) | { answer: 'wrong' }, Job>({ answers: ['ok', 'wrong'] }),
  'mint.match': local<
    | ({ answer: 'done' } & Made)
    | { answer: 'early' }
    | { answer: 'collision'; sets: readonly OutputSet[]; writes: readonly Write[] }
    | { answer: 'nothing' }
    | { answer: 'partly'; writes: readonly Write[] }
    | { answer: 'wrong' },
    Job
  >({ answers: ['done', 'early', 'collision', 'nothing', 'partly', 'wrong'] }),
}

export const mintDelays = {
  mintBackoff: backoff<MintContext>({ firstMs: 1_000, maxMs: 300_000, tries: ({ tries }) => tries }),
  mintBlocked: 60 * MINUTE_MS,
  quotingDeadline: 2 * MINUTE_MS,
  quoteExpiry: until<MintContext>(({ quote }) => (quote?.expiry ? Math.min(NEVER_MS, quote.expiry * 1000) : NEVER_MS)),
  lateDeadline: 7 * DAY_MS,
}

export function job({ context }: { context: MintContext }): Job {
  const {
    id,
    mintUrl,
    unit,
    amount,
    quote,
    privateKey,
    form,
    refusals,
    sets,
    signatures,
    restored,
    quoteState,
    seenSigned,
  } = context
  return {
    id,
    mintUrl,
    unit,
    context: { amount, quote, privateKey, form, refusals, sets, signatures, restored, quoteState, seenSigned },
  }
}

type Quoted = { context: MintContext; event: { output: { answer: string; quote?: Quote; state?: QuoteState } } }

/** Whether a quote is for what was asked. */
export function quoteFits({ context, event: { output } }: Quoted): boolean {
  if (output.answer !== 'ok') return false
  const { amount, unit } = output.quote!
  return (amount === null || amount === context.amount) && (unit === null || unit === context.unit)
}

export function quoteKept({ event }: { event: unknown }): Partial<MintContext> {
  const { quote, state } = (event as Quoted['event']).output
  return { quote: quote!, quoteId: quote!.quote, quoteState: state!, tries: 0 }
}

export function issuedAlready({ event: { output } }: Quoted): boolean {
  return output.answer === 'ok' && output.state === 'ISSUED'
}

/** At most one live operation holds a quote; the store sees to it. */
export function claim({ mintUrl, quoteId, id }: MintContext): Write[] {
  return [{ put: 'quoteClaims', row: { mintUrl, quoteId, operationId: id }, if: 'absent' }]
}

export function unclaim({ mintUrl, quoteId, id }: MintContext): Write[] {
  return [{ delete: 'quoteClaims', key: [mintUrl, quoteId!], if: { operationId: id } }]
}

/** What the mint chart is made of: its context, its effects and local steps, its delays, and small predicates. */
import { backoff, effect, local, sure, until } from '../../src/kernel/define/authoring.ts'
import type { Write } from '../../src/wallet/tables.ts'
import { denialsWith, isDenial, isMeant, sum, type Failure, type Reply } from './common.ts'
import {
  type OutputSet,
  type MadeProof,
  type Signature,
  type Refusal,
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
  /** When that is by the local clock, in epoch ms. */
  readonly endsAtMs: number | null
}
/** What the mint answers of a quote. */
export type Quoted = {
  readonly quote: Quote
  readonly state: QuoteState
  /** Why the quote is not for what was asked, or its request nothing to hand to a payer. */
  readonly flaw: string | null
  /** It is locked to another key than the one that was given (NUT-20). */
  readonly lockedElsewhere: boolean
}
export type Form = 'plain' | 'framed' | 'neither'
export type QuoteState = 'UNPAID' | 'PENDING' | 'PAID' | 'ISSUED'

export interface MintContext extends MintInput {
  /** What the quote is to be for; `amount` is what came, in the end. */
  readonly asked: number
  readonly fee: number
  /** The quote was made elsewhere. */
  readonly imported: boolean
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
  /** The form in which the mint may take the request's signature (NUT-20); `neither` where it has refused both. */
  readonly form: Form
  readonly refusals: number
  readonly refusal: Refusal | null
  /** Requests to issue without an answer since it was last asked what came of them. */
  readonly unanswered: number
  /** How often it was asked what came of such requests, and nothing had. */
  readonly rounds: number
  /** How often another device with our seed turned out to have used the counters. */
  readonly collisions: number
  readonly tries: number
  /** Questions in a row that the mint refused, or answered with what makes no sense. */
  readonly denials: number
  /** Why it waits, or waits for a person; for people. */
  readonly why: string | null
  readonly ys: readonly string[]
  readonly error: Failure | null
}

export type Kept = Partial<MintContext>

export type Job = Place & {
  readonly context: Pick<
    MintContext,
    | 'asked'
    | 'quote'
    | 'privateKey'
    | 'form'
    | 'refusals'
    | 'refusal'
    | 'sets'
    | 'signatures'
    | 'restored'
    | 'quoteState'
    | 'seenSigned'
    | 'collisions'
    | 'rounds'
  >
}
export type Made = { readonly made: readonly MadeProof[]; readonly writes: readonly Write[] }
export type QuoteUpdate = { type: 'quote.updated'; state: QuoteState }

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const NEVER_MS = 8_640_000_000_000_000
export const MOST_TRIES = 20
export const MOST_REFUSALS = 3
/** A quote that stays PENDING with nothing signed for this many questions is stuck at the mint. */
export const MOST_PENDING = 8
/** Requests to issue without an answer before it is asked what came of them. */
export const MOST_UNANSWERED = 4
export const MOST_ROUNDS = 3
/** A mint that has no active keyset, or has forgotten a quote, may have it again soon; after so many questions it is a person's to decide. */
export const MOST_WAITS = 8

/** What a quote is to be for, and of whom it is asked. */
export type Wanted = Pick<MintInput, 'mintUrl' | 'unit' | 'method' | 'privateKey'> & { readonly asked: number }

export function wanted({ mintUrl, unit, method, privateKey, asked }: MintContext): Wanted {
  return { mintUrl, unit, method, privateKey, asked }
}

export const mintActors = {
  'mint.restore': exchangeActors['mint.restore'],
  'mint.keysets': exchangeActors['mint.keysets'],
  /** POST /v1/mint/quote/{method} (NUT-04, NUT-23). */
  'mint.createQuote': effect<Replied<Quoted>, Wanted & { body: string }>({ answers: REPLIES }),
  /** GET /v1/mint/quote/{method}/{quote}. */
  'mint.quote': effect<Replied<Quoted>, Wanted & { quoteId: string }>({ answers: REPLIES }),
  /** POST /v1/mint/{method} (NUT-04, NUT-20). */
  'mint.issue': effect<Replied<{ signatures: readonly Signature[] }>, { mintUrl: string; method: string; body: string }>({ answers: REPLIES }), // prettier-ignore
  'mint.derive': local<
    | { answer: 'ok'; set: OutputSet; again: boolean; body: string; writes: readonly Write[] }
    /** No active keyset with its keys is known; `detail` says why. */
    | { answer: 'stale'; detail: string }
    /** The active keyset's amounts do not make up the quote's; `detail` says what could be made. */
    | { answer: 'unreachable'; detail: string }
    /** Too many outputs since the last signed one: a restore would not find more. */
    | { answer: 'gap' },
    Job
  >({ answers: { ok: true, stale: true, unreachable: true, gap: true } }),
  'mint.unblind': local<({ answer: 'ok' } & Made) | { answer: 'wrong' }, Job>({ answers: { ok: true, wrong: true } }),
  'mint.match': local<
    | ({ answer: 'done' } & Made)
    | { answer: 'early' }
    | { answer: 'collision'; sets: readonly OutputSet[]; writes: readonly Write[] }
    | { answer: 'nothing' }
    | { answer: 'partly'; writes: readonly Write[] }
    | { answer: 'wrong' },
    Job
  >({ answers: { done: true, early: true, collision: true, nothing: true, partly: true, wrong: true } }),
}

export const mintDelays = {
  mintBackoff: backoff<MintContext>({ firstMs: 1_000, maxMs: 300_000, tries: ({ tries }) => tries }),
  mintBlocked: 60 * MINUTE_MS,
  quotingDeadline: 2 * MINUTE_MS,
  quoteExpiry: until<MintContext>(({ quote }) => quote?.endsAtMs ?? NEVER_MS),
  lateDeadline: 7 * DAY_MS,
}

export function job(context: MintContext): Job {
  const {
    id,
    mintUrl,
    unit,
    asked,
    quote,
    privateKey,
    form,
    refusals,
    refusal,
    sets,
    signatures,
    restored,
    quoteState,
    seenSigned,
    collisions,
    rounds,
  } = context
  return {
    id,
    mintUrl,
    unit,
    context: {
      asked,
      quote,
      privateKey,
      form,
      refusals,
      refusal,
      sets,
      signatures,
      restored,
      quoteState,
      seenSigned,
      collisions,
      rounds,
    },
  }
}

/** The quote's id, once there is a quote. */
export const quoteIdOf = ({ quoteId }: Pick<MintContext, 'quoteId'>): string => sure(quoteId, 'quote')

/** Asks for the quote. */
export const question = (context: MintContext): Wanted & { quoteId: string } => ({
  ...wanted(context),
  quoteId: quoteIdOf(context),
})

/** Why a quote is not for what was asked. */
export const quoteFlaw = ({ flaw }: Quoted): string => flaw ?? 'the quote is not for what was asked'

export const quoteKept = ({ output: { quote, state } }: { output: Quoted }): Kept => ({
  quote,
  quoteId: quote.quote,
  quoteState: state,
  tries: 0,
})

/** A question in vain. */
export const inVain = ({ context: { tries, denials }, output }: { context: MintContext; output: Reply }): Kept => ({
  tries: Math.min(MOST_TRIES, tries + 1),
  denials: denialsWith(denials, output),
})

/** A refusal in passing says nothing of a quote that is over; a mint that keeps refusing has forgotten it. */
export function isForgotten({ denials }: MintContext, reply: Reply): boolean {
  return denials >= 3 && isDenial(reply)
}

export const isUnsupported = ({ denials }: MintContext, reply: Reply): boolean =>
  reply.meaning === 'unsupported' || (reply.hint === 'unsupported' && isMeant(denials, reply))

/** At most one live operation holds a quote; the store sees to it. */
export function claim({ mintUrl, quoteId, id }: MintContext): Write[] {
  return [{ put: 'quoteClaims', row: { mintUrl, quoteId: sure(quoteId, 'quote'), operationId: id }, if: 'absent' }]
}

export function unclaim({ mintUrl, quoteId, id }: MintContext): Write[] {
  return quoteId === null ? [] : [{ delete: 'quoteClaims', key: [mintUrl, quoteId], if: { operationId: id } }]
}

export function came(made: readonly MadeProof[]): Pick<MintContext, 'amount' | 'ys'> {
  return { amount: sum(made), ys: made.map(({ Y }) => Y) }
}

export function otherForm(form: Form): Form {
  return form === 'plain' ? 'framed' : 'neither'
}

/** The mint refuses the request's signature in every form, or that there is none (NUT-20). */
export function signatureRefused({ privateKey, form, refusal }: MintContext): boolean {
  return refusal?.meaning === 'signatureInvalid' && (privateKey === null || form === 'neither')
}

/** Nobody has signed them, and no request that names them is under way. */
export function forget({ sets }: MintContext): Write[] {
  return sets.flatMap(({ outputs }) => outputs.map(({ B_ }): Write => ({ delete: 'outputs', key: [B_] })))
}

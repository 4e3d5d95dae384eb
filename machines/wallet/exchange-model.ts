/** What the exchange is made of: its part of a context, its effects and local steps, and its delays. */
import type { Meaning } from '../../src/cashu/codes.ts'
import { effect, local, backoff, type Write } from '../../src/kernel/authoring.ts'

/** A proof as a request sends it. `Y` names it (NUT-07). */
export interface InputProof {
  readonly Y: string
  readonly id: string
  readonly amount: number
  readonly secret: string
  readonly C: string
  readonly witness?: string
}

/** One set of outputs that was, or may have been, sent. The secrets stand in the outputs table. */
export interface OutputSet {
  readonly keysetId: string
  /** In the order of the request. `send`: meant for somebody else. */
  readonly outputs: readonly { readonly B_: string; readonly amount: number; readonly purpose: 'keep' | 'send' }[]
  /** Paid to the mint, in the unit. */
  readonly fee: number
}

/** A proof made by an exchange: what a token needs of it. */
export interface MadeProof {
  readonly Y: string
  readonly id: string
  readonly amount: number
  readonly secret: string
  readonly C: string
  readonly dleq?: { readonly e: string; readonly s: string; readonly r: string }
  readonly purpose: 'keep' | 'send'
}

/** A blind signature as a mint answers it (NUT-00). */
export type Signature = {
  readonly id: string
  readonly amount: number
  readonly C_: string
  readonly dleq?: { readonly e: string; readonly s: string }
}

export type SpentState = 'UNSPENT' | 'PENDING' | 'SPENT'

/** A mint's refusal, as charts keep it: the text without secrets. */
export interface Refusal {
  readonly code: number
  readonly detail: string
  readonly meaning: Meaning
}

export interface Exchange {
  readonly inputs: readonly InputProof[]
  /** In which state our own rows of the inputs are; `foreign`: they are not ours yet. */
  readonly from: 'foreign' | 'reserved' | 'sent'
  /** Amounts to make for somebody else. */
  readonly send: readonly number[]
  /** Amounts to make for ourselves; the rest is split as it comes. */
  readonly keep: readonly number[]
  /** Every output set ever sent; the last is the one that `body` carries. */
  readonly sets: readonly OutputSet[]
  /** The exact bytes of the request. */
  readonly body: string
  /** Some send got no answer: it may land at any time. */
  readonly unaccounted: boolean
  /** Refusals since the outputs were last made anew. */
  readonly refusals: number
  readonly refusal: Refusal | null
  /** A signature on our outputs was seen while the inputs had read as unspent. */
  readonly seenSigned: boolean
  /** Inputs had read as spent and nothing as signed; only the second such reading is believed. */
  readonly seenSpent: boolean
  /** What the mint says of the inputs, in their order. */
  readonly states: readonly SpentState[]
  readonly signatures: readonly Signature[]
  readonly restored: { readonly outputs: readonly string[]; readonly signatures: readonly Signature[] } | null
  readonly made: readonly MadeProof[]
  /** Requests in vain since the outputs were last made, for the back-off. */
  readonly tries: number
}

export const newExchange = (
  wants: Pick<Exchange, 'inputs' | 'from'> & Partial<Pick<Exchange, 'send' | 'keep'>>,
): Exchange => ({
  send: [],
  keep: [],
  sets: [],
  body: '',
  unaccounted: false,
  refusals: 0,
  refusal: null,
  seenSigned: false,
  seenSpent: false,
  states: [],
  signatures: [],
  restored: null,
  made: [],
  tries: 0,
  ...wants,
})

/** The mint's reply to one request, as an answer. */
export type Replied<T> =
  | ({ readonly answer: 'ok' } & T)
  | ({ readonly answer: 'refused' } & Refusal)
  /** `hint`: what it would mean if it were a refusal. It says where to look first, and proves nothing. */
  | { readonly answer: 'unknown'; readonly hint?: Meaning }
  | { readonly answer: 'malformed' }

export const REPLIES = ['ok', 'refused', 'unknown', 'malformed'] as const

/** Whose operation, at which mint: part of most inputs. */
export interface Place {
  readonly id: string
  readonly mintUrl: string
  readonly unit: string
}

export type Job = Place & { readonly exchange: Exchange }
export type Made = { readonly made: readonly MadeProof[]; readonly writes: readonly Write[] }

export const exchangeActors = {
  /** Makes outputs from counters, and the body. */
  'exchange.derive': local<
    /** `again`: the outputs of the last set, which nobody has signed. */
    | { answer: 'ok'; set: OutputSet; again: boolean; body: string; writes: readonly Write[] }
    /** No active keyset with its keys is known. */
    | { answer: 'stale' }
    /** The inputs do not cover fee and amounts. */
    | { answer: 'short'; writes: readonly Write[] }
    /** Too many outputs since the last signed one: a restore would not find more. */
    | { answer: 'gap' },
    Job
  >({ answers: ['ok', 'stale', 'short', 'gap'] }),
  /** Unblinds the answer to the last set, checks every DLEQ, and writes the proofs. */
  'exchange.unblind': local<({ answer: 'ok' } & Made) | { answer: 'wrong' }, Job>({ answers: ['ok', 'wrong'] }),
  /** Weighs what the mint says of the inputs and of all outputs. */
  'exchange.match': local<
    | ({ answer: 'done' } & Made)
    /** Signed, and yet the inputs were unspent when they were asked about, which was before: ask once more. */
    | { answer: 'early' }
    /** Signed, and after that the inputs are unspent still: our counters were used elsewhere. */
    | { answer: 'collision'; sets: readonly OutputSet[]; writes: readonly Write[] }
    /** Nothing signed, all inputs unspent; `writes` forget the outputs, for when none of their sends can land. */
    | { answer: 'nothing'; writes: readonly Write[] }
    /** Nothing signed, and some inputs are spent: no send can land any more. */
    | { answer: 'spent'; writes: readonly Write[] }
    /** Some outputs are signed and some are not. */
    | { answer: 'partly'; writes: readonly Write[] }
    | { answer: 'wrong' },
    Job
  >({ answers: ['done', 'early', 'collision', 'nothing', 'spent', 'partly', 'wrong'] }),
  /** POST /v1/swap (NUT-03). */
  'mint.swap': effect<
    Replied<{ signatures: readonly Signature[] }> & { replay: boolean },
    { mintUrl: string; body: string }
  >({
    answers: REPLIES,
  }),
  /** POST /v1/checkstate (NUT-07). */
  'mint.check': effect<Replied<{ states: readonly SpentState[] }>, { mintUrl: string; Ys: readonly string[] }>({
    answers: REPLIES,
  }),
  /** POST /v1/restore (NUT-09). */
  'mint.restore': effect<
    Replied<{ outputs: readonly string[]; signatures: readonly Signature[] }>,
    { mintUrl: string; outputs: readonly { readonly B_: string; readonly amount: number; readonly id: string }[] }
  >({ answers: REPLIES }),
  /** GET /v1/keysets and the keys of new active ones (NUT-01, NUT-02). */
  'mint.keysets': effect<Replied<{ writes: readonly Write[] }>, { mintUrl: string; unit: string }>({
    answers: REPLIES,
  }),
}

const tries = (context: unknown): number => (context as ExchangeContext).exchange!.tries

export const exchangeDelays = {
  exchangeBackoff: backoff<unknown>({ firstMs: 1_000, maxMs: 300_000, tries }),
  exchangeBlocked: 3_600_000,
}

/** What a context must have for the exchange to run in it. */
export interface ExchangeContext {
  readonly id: string
  readonly mintUrl: string
  readonly unit: string
  readonly exchange: Exchange | null
}

/** What the exchange is made of: its part of a context, its effects and local steps, and its delays. */
import type { Meaning } from '../../src/cashu/codes.ts'
import { backoff, effect, local, sure } from '../../src/kernel/define/authoring.ts'
import type { Write } from '../../src/wallet/tables.ts'

/** A proof as a request sends it. `Y` names it (NUT-07). */
export interface InputProof {
  readonly Y: string
  readonly id: string
  readonly amount: number
  readonly secret: string
  readonly C: string
  readonly witness?: string
  /** Of a token's proof: what shows that the mint signed it (NUT-12). It is checked before the first request, and not sent. */
  readonly dleq?: Dleq
}

/** The mint's proof that a signature is its own, with what hid the output from it (NUT-12). */
export interface Dleq {
  readonly e: string
  readonly s: string
  readonly r: string
}

/**
 * What an output is for: to be free, to be given to somebody else, to stay reserved to the operation, or to be an input of
 * the next round.
 */
export type Purpose = 'keep' | 'send' | 'hold' | 'next'

/** Amounts that an exchange is to make. */
export interface Wants {
  /** For somebody else. */
  readonly send: readonly number[]
  /** For ourselves, free. */
  readonly keep: readonly number[]
  /** For ourselves, reserved to the operation. */
  readonly hold: readonly number[]
}

/** One set of outputs that was, or may have been, sent. The secrets stand in the outputs table. */
export interface OutputSet {
  readonly keysetId: string
  /** In the order of the request. */
  readonly outputs: readonly { readonly B_: string; readonly amount: number; readonly purpose: Purpose }[]
  /** Paid to the mint, in the unit. */
  readonly fee: number
}

/** The outputs of one swap. */
export interface SwapSet extends OutputSet {
  /** The inputs that it spends: some of the exchange's, or all. */
  readonly Ys: readonly string[]
  /** What is still to be made when it is done. */
  readonly leaves: Wants
}

/** A proof made by an exchange: what a token needs of it. */
export interface MadeProof {
  readonly Y: string
  readonly id: string
  readonly amount: number
  readonly secret: string
  readonly C: string
  readonly dleq?: Dleq
  readonly purpose: Purpose
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

/** Why an exchange does not go on, for people: a code that stays the same, and a sentence. */
export interface Why {
  readonly code: string
  readonly detail: string
}

export interface Exchange extends Wants {
  /** What is still to be exchanged. What the mint takes at once is a round; the inputs of a finished round are gone. */
  readonly inputs: readonly InputProof[]
  /** In which state our own rows of the inputs are; `foreign`: they are not ours yet. */
  readonly from: 'foreign' | 'reserved' | 'sent'
  /** It was asked for amounts: with the last of them it ends, and what is left of the inputs is given back. */
  readonly isAsked: boolean
  /** The least that is to come of it, in the unit: less is refused before anything is spent. 0: whatever comes. */
  readonly least: number
  /** Every output set of this round ever sent; the last is the one that `body` carries. */
  readonly sets: readonly SwapSet[]
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
  /** The proofs that all rounds made, but for those that went into later rounds. */
  readonly made: readonly MadeProof[]
  /** What the finished rounds cost, in the unit. */
  readonly fee: number
  /** Inputs were asked about since the request was last sent. */
  readonly isChecked: boolean
  /** The mint gives no signatures again (NUT-09). */
  readonly isTerse: boolean
  /** How often our counters turned out to be used elsewhere. */
  readonly collisions: number
  /** Why it waits, where its state alone does not say. */
  readonly why: Why | null
  /** Keysets whose coins go out in requests of their own: the mint refused some of them, and did not say which. */
  readonly apart: readonly string[]
  /** Keysets whose coins the mint does not take. */
  readonly dead: readonly string[]
  /** Requests in vain since the outputs were last made, for the back-off. */
  readonly tries: number
  /** Questions in a row that the mint refused, or answered with what makes no sense. */
  readonly denials: number
  /** How often the mint's keysets were fetched, and none served. */
  readonly looks: number
  /** Another request of the operation may spend the inputs: none is held before one of them is spent here. */
  readonly isFence: boolean
}

export const newExchange = (
  wants: Pick<Exchange, 'inputs' | 'from'> &
    Partial<Pick<Exchange, 'send' | 'keep' | 'hold' | 'made' | 'fee' | 'apart' | 'dead' | 'isFence' | 'least'>>,
): Exchange => ({
  send: [],
  keep: [],
  hold: [],
  isAsked: [wants.send, wants.keep, wants.hold].some((amounts) => amounts !== undefined && amounts.length > 0),
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
  fee: 0,
  isChecked: false,
  isTerse: false,
  collisions: 0,
  why: null,
  apart: [],
  dead: [],
  tries: 0,
  denials: 0,
  looks: 0,
  isFence: false,
  least: 0,
  ...wants,
})

/** The same exchange of other inputs: what it has made and paid so far stays. */
export const continued = (
  { from, made, fee, send, keep, hold, apart, dead, least }: Exchange,
  inputs: readonly InputProof[],
): Exchange => newExchange({ inputs, from, made, fee, send, keep, hold, apart, dead, least })

/** What `explain` adds to the exchange's states. */
export const exchangeBecause = ({ exchange }: { readonly exchange: Exchange | null }): string | null =>
  exchange?.why ? `${exchange.why.detail} (${exchange.why.code})` : null

const WAITS = new Set([
  'GAP',
  'NO_ANSWER',
  'SPENT_ONCE',
  'PARTLY_SIGNED',
  'NO_RESTORE',
  'KEYSETS_UNKNOWN',
  'KEYS_MISSING',
])

/** Why an exchange was refused for good, as an operation's failure. */
export const failureOf = ({ why, refusal }: Exchange): Why => {
  if (refusal && (why === null || why.code === 'REFUSED')) return { code: 'REFUSED', detail: refusal.detail }
  if (why === null) return { code: 'REFUSED', detail: 'the mint refuses' }
  // Given up while it waited: why it did is no failure of its own.
  return WAITS.has(why.code) ? { code: 'REFUSED', detail: why.detail } : why
}

/** What of an exchange is reserved to its operation: inputs, and what was made and is not free. */
export const reservedBy = ({ inputs, made }: Exchange): { readonly Y: string; readonly amount: number }[] => [
  ...inputs,
  ...made.filter(isReserved),
]

/** Of what an exchange that has not ended has made: reserved to its operation, and not free. */
export const isReserved = ({ purpose }: MadeProof): boolean => purpose !== 'keep'

/** The mint's reply to one request, as an answer. */
export type Replied<T> =
  | ({ readonly answer: 'ok' } & T)
  | ({ readonly answer: 'refused' } & Refusal)
  /** `hint`: what it would mean if it were a refusal. It says where to look first, and proves nothing. */
  | { readonly answer: 'unknown'; readonly hint?: Meaning }
  | { readonly answer: 'malformed' }

export const REPLIES = { ok: true, refused: true, unknown: true, malformed: true } as const

/** Whose operation, at which mint: part of most inputs. */
export interface Place {
  readonly id: string
  readonly mintUrl: string
  readonly unit: string
}

export type Job = Place & { readonly exchange: Exchange }
/** The inputs, others in the place of refused ones among them, and what is known of their keysets. */
export type Sorted = Pick<Exchange, 'inputs' | 'apart' | 'dead'>
/** A round that is done: what it made, and what is left for others. */
export type Made = {
  readonly made: readonly MadeProof[]
  readonly inputs: readonly InputProof[]
  readonly leaves: Wants
  readonly fee: number
  /** Nothing is left to do. */
  readonly isWhole: boolean
  readonly writes: readonly Write[]
}

export const exchangeActors = {
  /** Makes outputs from counters, and the body. */
  'exchange.derive': local<
    /**
     * `again`: the outputs of the last set, which nobody has signed. `sets`: those that may have been sent, with it.
     * `narrowed`: without that for which the last request was refused.
     */
    | ({
        answer: 'ok'
        sets: readonly SwapSet[]
        again: boolean
        narrowed: boolean
        body: string
        writes: readonly Write[]
      } & Sorted) // prettier-ignore
    /** No active keyset with its keys is known; `writes` forget the outputs. */
    | { answer: 'stale'; why: Why; writes: readonly Write[] }
    /** It is not to be done with these inputs: they do not cover fee and amounts, say. `inputs`: those still reserved. */
    | { answer: 'impossible'; why: Why; inputs: readonly InputProof[]; writes: readonly Write[] }
    /** Too many outputs since the last signed one: a restore would not find more. */
    | { answer: 'gap' },
    Job
  >({ answers: { ok: true, stale: true, impossible: true, gap: true } }),
  /** Unblinds the answer to the last set, checks every DLEQ, and writes the proofs. */
  'exchange.unblind': local<({ answer: 'ok' } & Made) | { answer: 'wrong' }, Job>({
    answers: { ok: true, wrong: true },
  }),
  /** Weighs what the mint says of the inputs and of all outputs. */
  'exchange.match': local<
    | ({ answer: 'done' } & Made)
    /** Signed, and yet the inputs were unspent when they were asked about, which was before: ask once more. */
    | { answer: 'early' }
    /** Signed, and after that the inputs are unspent still: our counters were used elsewhere. */
    | { answer: 'collision'; sets: readonly SwapSet[]; writes: readonly Write[] }
    /** Nothing signed, all inputs unspent; `writes` forget the outputs, for when none of their sends can land. */
    | { answer: 'nothing'; writes: readonly Write[] }
    /** Nothing signed, and some inputs are spent: no send can land any more. */
    | { answer: 'spent'; writes: readonly Write[] }
    /** Some outputs are signed and some are not. */
    | { answer: 'partly'; writes: readonly Write[] }
    /** An earlier request may have landed, and the mint cannot say (NUT-07, NUT-09). */
    | { answer: 'unknown'; why: Why }
    | { answer: 'wrong' },
    Job
  >({
    answers: {
      done: true,
      early: true,
      collision: true,
      nothing: true,
      spent: true,
      partly: true,
      unknown: true,
      wrong: true,
    },
  }),
  /** POST /v1/swap (NUT-03). */
  'mint.swap': effect<
    Replied<{ signatures: readonly Signature[] }> & { replay: boolean },
    { mintUrl: string; body: string }
  >({
    answers: REPLIES,
  }),
  /** POST /v1/checkstate (NUT-07). */
  'mint.check': effect<
    Replied<{ states: readonly SpentState[]; writes?: readonly Write[] }>,
    { mintUrl: string; Ys: readonly string[] }
  >({
    answers: REPLIES,
  }),
  /** POST /v1/restore (NUT-09). */
  'mint.restore': effect<
    Replied<{ outputs: readonly string[]; signatures: readonly Signature[]; writes?: readonly Write[] }>,
    { mintUrl: string; outputs: readonly { readonly B_: string; readonly amount: number; readonly id: string }[] }
  >({ answers: REPLIES }),
  /** GET /v1/keysets and the keys of new active ones (NUT-01, NUT-02). */
  'mint.keysets': effect<Replied<{ writes: readonly Write[] }>, { mintUrl: string; unit: string }>({
    answers: REPLIES,
  }),
}

/** What a context must have for the exchange to run in it. */
export interface ExchangeContext {
  readonly id: string
  readonly mintUrl: string
  readonly unit: string
  readonly exchange: Exchange | null
}

/** The exchange, in a state that has one. */
export const exchangeOf = ({ exchange }: Pick<ExchangeContext, 'exchange'>): Exchange => sure(exchange, 'exchange')

export const exchangeDelays = {
  exchangeBackoff: backoff<ExchangeContext>({
    firstMs: 1_000,
    maxMs: 300_000,
    tries: (context) => exchangeOf(context).tries,
  }),
  /** Soon at first: a mint that changes its keysets has the new ones in a moment. */
  exchangeLook: backoff<ExchangeContext>({
    firstMs: 5_000,
    maxMs: 300_000,
    tries: (context) => 3 * exchangeOf(context).looks,
  }),
  exchangeBlocked: 3_600_000,
}

/** What an exchange keeps of its answers: the changes that its chart is made of. */
import { sure, type Answer } from '../../src/kernel/define/authoring.ts'
import type { Meaning } from '../../src/cashu/codes.ts'
import { deniedBecause, denialsWith, type Reply } from './common.ts'
import {
  exchangeOf,
  type Exchange,
  type ExchangeContext,
  type Made,
  type Refusal,
  type Sorted,
  type SpentState,
  type Why,
} from './exchange-model.ts'

type Derived = Sorted & Pick<Exchange, 'sets' | 'body'> & { readonly again: boolean; readonly narrowed: boolean }
type Signatures = Pick<Exchange, 'signatures'>
type Restored = Signatures & { readonly outputs: readonly string[] }

const MOST_TRIES = 20

type Changed = { readonly exchange: Exchange }
/** Fields of an exchange, or what they become. */
type Change = Partial<Exchange> | ((exchange: Exchange) => Partial<Exchange>)
/** What they become by what was answered, too. */
type ChangeBy<Output> = Change | ((exchange: Exchange, output: Output) => Partial<Exchange>)

/** An exchange changed, by one after the other. */
export function change(...changes: readonly Change[]): (of: { context: ExchangeContext }) => Changed
export function change<Output>(
  ...changes: readonly ChangeBy<Output>[]
): (of: { context: ExchangeContext; output: Output }) => Changed
export function change<Output>(...changes: readonly ChangeBy<Output>[]) {
  return ({ context, output }: { context: ExchangeContext; output: Output }): Changed => {
    const exchange = { ...exchangeOf(context) }
    for (const by of changes) Object.assign(exchange, typeof by === 'function' ? by(exchange, output) : by)
    return { exchange }
  }
}

export const again = ({ tries }: Exchange): Partial<Exchange> => ({ tries: Math.min(MOST_TRIES, tries + 1) })
export const refreshed = ({ looks }: Exchange): Partial<Exchange> => ({ looks: looks + 1 })

/** Outputs were made, and a body. */
export const derived = (_: Exchange, output: Derived): Partial<Exchange> => {
  const { sets, body, inputs, apart, dead } = output
  return {
    ...{ sets, body, inputs, apart, dead },
    why: null,
    looks: 0,
    isChecked: false,
    ...(!output.again && { tries: 0 }),
    // It is another request now: what was refused is over.
    ...(output.narrowed && { refusal: null, refusals: 0 }),
  }
}
export const signed = (_: Exchange, { signatures }: Signatures): Partial<Exchange> => ({ signatures })
export const restored = (_: Exchange, { outputs, signatures }: Restored): Partial<Exchange> => ({
  restored: { outputs, signatures },
})

/** Our counters were used elsewhere: other outputs are made. */
export const collided = ({ collisions }: Exchange, { sets }: Pick<Exchange, 'sets'>): Partial<Exchange> => ({
  sets,
  collisions: collisions + 1,
  refusal: null,
  body: '',
  restored: null,
  seenSigned: false,
  refusals: 0,
})

/** The request was refused; what was sent before a crash is accounted for by no answer. */
export const refusedNow = (
  { refusals, unaccounted }: Exchange,
  { code, detail, meaning, replay }: Refusal & { readonly replay: boolean },
): Partial<Exchange> => ({
  refusal: { code, detail, meaning },
  refusals: refusals + 1,
  unaccounted: unaccounted || replay,
})

/** What is found wrong with a request before anything of it is done: however it is said, the send is answered. */
const AT_SIGHT: readonly (Meaning | undefined)[] = [
  'keysetUnknown',
  'keysetInactive',
  'keysetExpired',
  'tooManyInputs',
  'tooManyOutputs',
  'tooLarge',
  'unbalanced',
  'proofInvalid',
  'witnessInvalid',
  'unitUnsupported',
]

/** The request failed with a hint. */
export const hinted = (
  { refusals, unaccounted }: Exchange,
  { hint, replay }: Reply & { readonly replay: boolean },
): Partial<Exchange> => ({
  unaccounted: unaccounted || replay || !AT_SIGHT.includes(hint),
  refusal: { code: 0, detail: `${hint}, it says with an error of its own`, meaning: sure(hint, 'hint') },
  refusals: refusals + 1,
})

/** Why, as the local step says, or the mint's refusal. */
export const saysWhy = ({ refusal }: Exchange, { why }: Answer & { readonly why?: Why }): Partial<Exchange> => ({
  why: why ?? (refusal && { code: 'REFUSED', detail: `the mint refuses: ${refusal.detail}` }),
})

/** It is not to be done with these inputs; those that are named are still reserved. */
export const impossible = (
  exchange: Exchange,
  output: Answer & Pick<Exchange, 'inputs'> & { readonly why?: Why },
): Partial<Exchange> => ({ ...saysWhy(exchange, output), inputs: output.inputs })

/** Of a question the refusal stands in the answer, where there is one. */
export const unasked = (_: Exchange, reply: Reply): Partial<Exchange> => ({
  why: {
    code: 'NO_ANSWER',
    detail:
      reply.answer === 'refused'
        ? `the mint does not say what became of an earlier request: ${reply.detail}`
        : deniedBecause(reply, 'what became of an earlier request'),
  },
})

/** Of a question it is not clear what it comes to. */
export const unclear = ({ denials }: Exchange, reply: Reply): Partial<Exchange> => ({
  why: { code: 'NO_ANSWER', detail: 'the mint gave no clear answer yet' },
  denials: denialsWith(denials, reply),
})

/** What the mint refused before, it may take now. */
export const ANEW = { refusals: 0, tries: 0, denials: 0, looks: 0, refusal: null, why: null, apart: [], dead: [] }

export const UNSENT = { sets: [], body: '' }
export const UNMATCHED = { restored: null }
/** A request may have been carried out, whatever the mint said of it. */
export const IN_DOUBT = { unaccounted: true }
/** The mint has said what became of inputs and outputs, as far as it can. */
export const TOLD = { isChecked: true, denials: 0 }

/** A round is done. */
export const roundDone = (_: Exchange, { made, inputs, leaves, fee }: Made): Partial<Exchange> => ({
  ...leaves,
  made,
  inputs,
  fee,
  body: '',
  signatures: [],
  restored: null,
  sets: [],
  states: [],
  unaccounted: false,
  refusals: 0,
  refusal: null,
  seenSigned: false,
  seenSpent: false,
  isChecked: false,
  why: null,
  tries: 0,
  looks: 0,
})

/** The inputs that some request of this round spends; all of them where none was made. */
export const asked = ({ inputs, sets }: Exchange): readonly string[] => {
  const Ys = new Set(sets.flatMap((set) => set.Ys))
  return inputs.map(({ Y }) => Y).filter((Y) => Ys.size === 0 || Ys.has(Y))
}

/** Inputs that no request names are not asked about: nobody has spent them as far as we know. */
export const statesFound = (
  exchange: Exchange,
  { states }: { readonly states: readonly SpentState[] },
): Partial<Exchange> => {
  const found = new Map(asked(exchange).map((Y, at) => [Y, states[at]]))
  return { states: exchange.inputs.map(({ Y }) => found.get(Y) ?? 'UNSPENT') }
}

export const SPENT_ONCE: Why = {
  code: 'SPENT_ONCE',
  detail: 'the mint says that inputs are spent, and signed none of our outputs: it is asked twice',
}
export const PARTLY: Why = {
  code: 'PARTLY_SIGNED',
  detail: 'the mint says that it signed some of the outputs, and not all',
}
export const GAP: Why = {
  code: 'GAP',
  detail: 'too many outputs in a row are not signed: a restore would not find what comes after more of them',
}
export const KEYSETS: Why = { code: 'KEYSETS_UNKNOWN', detail: 'the mint’s list of keysets could not be fetched' }

/** The exchange and the kinds that are little more than it, in the world of a mint. */
import type { Exchange, ExchangeContext, InputProof, MadeProof, OutputSet, Purpose, SpentState, SwapSet, Why } from '../../../machines/wallet/exchange-model.ts' // prettier-ignore
import type { Answer } from '../../../src/kernel/define/authoring.ts'
import type { OperationKind } from '../../../src/kernel/index.ts'
import { splitAmount } from '../../../src/cashu/amounts.ts'
import { POWERS } from '../../../src/testing/environments/mint-fixture.ts'
import { NOTHING_WANTED } from '../../../src/wallet/rounds.ts'
import { receiveKind } from '../../../src/wallet/kinds/receive.ts'
import { sendKind } from '../../../src/wallet/kinds/send.ts'
import { swapKind } from '../../../src/wallet/kinds/swap.ts'
import { amiss, unsupported, type Body, type Flavour, type Model, type Truth } from './model.ts'

export const FREE: Truth = { inputs: 'free', outputs: 'none', keysets: true, quote: 'UNPAID', late: false }
export const place = { mintUrl: 'http://mint.test', unit: 'sat' }
export const proofs = (...amounts: readonly number[]): InputProof[] =>
  amounts.map((amount, at) => ({ Y: `Y${at} ${amount}`, id: 'k', amount, secret: 's', C: 'C' }))
export const sum = (list: readonly { readonly amount: number }[]): number =>
  list.reduce((total, { amount }) => total + amount, 0)

type Lists = { readonly [name: string]: readonly Body[] }
const each = (by: (list: readonly Body[]) => readonly Body[]) => (body: Body) =>
  Object.fromEntries(
    Object.entries(body).map(([name, list]) => [name, Array.isArray(list) ? by(list as Lists[string]) : list]),
  )
/** The last one is missing. */
export const short = each((list) => list.slice(0, -1))
/** The signatures are somebody else's. */
export const forged = each((list) => list.map((item) => ('C_' in item ? { ...item, C_: `02${'11'.repeat(32)}` } : item))) // prettier-ignore
const pending = each((list) => list.map((item) => ({ ...item, state: 'PENDING' })))

export const signed = (set: OutputSet, count = set.outputs.length, by = 'mint') => ({
  outputs: set.outputs.slice(0, count).map(({ B_ }) => B_),
  signatures: set.outputs.slice(0, count).map(({ amount }) => ({ id: 'k', amount, C_: by })),
})

/** What becomes of outputs, asked by NUT-09; `spent` where the other side says so. */
export function restoreFlavours(sets: readonly OutputSet[], truth: Truth, spent: boolean): Flavour[] {
  const last = sets.at(-1)
  const ok = (name: string, found: object, more: Omit<Flavour, 'name' | 'gives'>): Flavour => ({
    name,
    gives: { answer: 'ok', ...found } as Answer,
    ...more,
  })
  const none = ok('none', { outputs: [], signatures: [] }, { say: 'honest' })
  if (!last) return [none, ...amiss]
  if (truth.outputs === 'none') return [none, ...amiss]
  const all = ok('all', signed(last), { say: 'honest' })
  const lies = spent
    ? [
        ok('forged', signed(last, undefined, 'nobody'), { say: forged }),
        ...(last.outputs.length > 1 ? [ok('partly', signed(last, last.outputs.length - 1), { say: short })] : []),
      ]
    : []
  return [all, ...lies, ...amiss]
}

const statesOf = (inputs: readonly InputProof[], truth: Truth['inputs']): SpentState[] =>
  inputs.map((_, at) => (truth === 'free' || (truth === 'some' && at > 0) ? 'UNSPENT' : 'SPENT'))

/** What of a melt's context says whether its request may still land. */
export interface Melting {
  readonly inputs?: readonly InputProof[]
  readonly sends?: number
  readonly answers?: number
  readonly landed?: boolean
}
export const mayMelt = ({ sends = 0, answers = 0, landed = false }: Melting): boolean =>
  sends > 0 && (landed || answers < sends)

export const exchangeEffects: Model['effects'] = {
  'mint.swap': ({ exchange }: ExchangeContext, { inputs, outputs }) => {
    const ours = { inputs: 'ours', outputs: 'ours' } as const
    const set = exchange!.sets.at(-1)!
    const all = { answer: 'ok', signatures: signed(set).signatures } as Answer
    const free = inputs === 'free' && outputs === 'none'
    return [
      ...(free
        ? [
            { name: 'ok', gives: all, say: 'honest', truth: ours } as const,
            { name: 'short', gives: { answer: 'ok', signatures: [] } as Answer, say: short, truth: ours } as const,
            { name: 'lost', gives: { answer: 'unknown' }, say: 'lost', truth: ours } as const,
          ]
        : []),
      ...amiss,
      // A refusal that does not look like one.
      { name: 'hinted', gives: { answer: 'unknown', hint: 'spent' } as Answer, say: 'hinted' },
    ]
  },
  'mint.check': ({ exchange, ...melt }: ExchangeContext & Melting, truth) => {
    const { inputs, unaccounted, sets } = exchange ?? { inputs: melt.inputs!, unaccounted: false, sets: [] }
    const as = (name: string, to: Truth['inputs'], more: Partial<Flavour> = {}): Flavour => ({
      name,
      gives: { answer: 'ok', states: statesOf(inputs, to) } as Answer,
      say: 'honest',
      ...more,
    })
    const untouched = truth.inputs === 'free' && truth.outputs === 'none'
    return [
      as(truth.inputs, truth.inputs),
      ...(untouched && unaccounted && sets.length > 0
        ? [as('landed', 'ours', { deed: 'land', truth: { inputs: 'ours', outputs: 'ours' } })]
        : []),
      ...(truth.inputs === 'free' && mayMelt(melt)
        ? [as('melted', 'melted', { deed: 'melt', truth: { inputs: 'melted' } })]
        : []),
      ...(untouched ? [as('stolen', 'gone', { deed: 'steal', truth: { inputs: 'gone' } })] : []),
      ...(untouched && inputs.length > 1
        ? [as('some stolen', 'some', { deed: 'steal some', truth: { inputs: 'some' } })]
        : []),
      { name: 'pending', gives: { answer: 'ok', states: inputs.map(() => 'PENDING') } as Answer, say: pending },
      ...amiss,
      ...(exchange ? [unsupported] : []),
    ]
  },
  'mint.restore': ({ exchange }: ExchangeContext, truth) => {
    const { sets, unaccounted, states } = exchange!
    const spent = states.includes('SPENT')
    const last = sets.at(-1)
    const untouched = truth.inputs === 'free' && truth.outputs === 'none' && last !== undefined
    const all = { answer: 'ok', ...(last && signed(last)) } as Answer
    return [
      ...restoreFlavours(sets, truth, spent),
      ...(untouched && unaccounted
        ? [{ name: 'landed', gives: all, say: 'honest', deed: 'land', truth: { inputs: 'ours', outputs: 'ours' } } as const] // prettier-ignore
        : []),
      unsupported,
      ...(untouched
        ? [{ name: 'burnt', gives: all, say: 'honest', deed: 'burn', truth: { outputs: 'burnt' } } as const]
        : []),
    ]
  },
  'mint.keysets': () => [
    { name: 'ok', gives: { answer: 'ok', writes: [] } as Answer, say: 'honest', truth: { keysets: true } },
    ...amiss,
  ],
}

type Job = { readonly exchange: Exchange }
export const madeOf = (set: OutputSet): MadeProof[] =>
  set.outputs.map(({ B_, amount, purpose }) => ({ Y: `Y ${B_} ${amount}`, id: 'k', amount, secret: B_, C: 'C', purpose })) // prettier-ignore

/** The only round of an exchange. */
const whole = (set: OutputSet) => ({ made: madeOf(set), inputs: [], leaves: NOTHING_WANTED, fee: 0, isWhole: true, writes: [] }) // prettier-ignore
const NO_KEYSET: Why = { code: 'NO_ACTIVE_KEYSET', detail: '' }
const TOO_LITTLE: Why = { code: 'TOO_LITTLE', detail: '' }
const NO_RESTORE: Why = { code: 'NO_RESTORE', detail: '' }

export const exchangeLocals: Model['locals'] = {
  'exchange.derive': ({ exchange: { inputs, send, keep, hold, sets, refusals, body, least } }: Job, { keysets }) => {
    if (!keysets) return { answer: 'stale', why: NO_KEYSET, writes: [] } as Answer
    if (least > sum(inputs)) return { answer: 'impossible', why: TOO_LITTLE, inputs, writes: [] } as Answer
    const last = sets.at(-1)
    const same = { inputs, apart: [], dead: [], narrowed: false, writes: [] }
    if (last && body !== '' && (refusals !== 2 || sets.length > 2)) return { answer: 'ok', ...same, sets, again: true, body } as Answer // prettier-ignore
    const asked = (amounts: readonly number[], purpose: Purpose) => amounts.map((amount) => ({ amount, purpose }))
    const rest = [...send, ...keep, ...hold].reduce((left, amount) => left - amount, sum(inputs))
    const wanted = [...asked(send, 'send'), ...asked(hold, 'hold'), ...asked([...keep, ...splitAmount(rest, POWERS)], 'keep')] // prettier-ignore
    const outputs = wanted.toSorted((a, b) => a.amount - b.amount).map((it, at) => ({ ...it, B_: `B${sets.length}.${at}` })) // prettier-ignore
    const set: SwapSet = { keysetId: 'k', outputs, fee: 0, Ys: inputs.map(({ Y }) => Y), leaves: NOTHING_WANTED }
    return { answer: 'ok', ...same, sets: [...sets, set], again: false, body: '{}' } as Answer
  },
  'exchange.unblind': ({ exchange: { sets, signatures } }: Job) => {
    const set = sets.at(-1)!
    if (signatures.length !== set.outputs.length) return { answer: 'wrong' }
    return { answer: 'ok', ...whole(set) } as Answer
  },
  'exchange.match': ({ exchange: { sets, states, restored, seenSigned, unaccounted, refusal, isFence } }: Job) => {
    const found = new Set(restored?.outputs)
    const isStated = states.length > 0
    const unspent = isStated ? states.every((state) => state === 'UNSPENT') : refusal?.meaning !== 'spent'
    // It was refused for another reason, and yet its inputs are spent; of a fence the quote says by whom.
    const isDoubtful =
      !isFence && sets.length > 0 && states.includes('SPENT') && refusal !== null && refusal.meaning !== 'spent'
    if (restored === null && (unaccounted || isDoubtful) && !(isStated && unspent))
      return { answer: 'unknown', why: NO_RESTORE } as Answer
    if (found.size === 0) return { answer: unspent ? 'nothing' : 'spent', writes: [] } as Answer
    const contradicts = unspent && (isStated || !unaccounted)
    if (contradicts && !seenSigned) return { answer: 'early' }
    const collided = ({ outputs }: OutputSet): boolean => outputs.some(({ B_ }) => found.has(B_))
    if (contradicts) return { answer: 'collision', sets: sets.filter((set) => !collided(set)), writes: [] } as Answer
    if (restored!.signatures.some(({ C_ }) => C_ === 'nobody')) return { answer: 'wrong' }
    const set = sets.find(({ outputs }) => outputs.every(({ B_ }) => found.has(B_)))
    const answer: object = set ? { answer: 'done', ...whole(set) } : { answer: 'partly', writes: [] }
    return answer as Answer
  },
}

/** So many requests without an answer, and it is asked what became of them. */
const UNANSWERED = 3

export const seenOf = (exchange: Exchange | null, state: string): unknown =>
  exchange && [
    exchange.sets.length,
    exchange.unaccounted,
    Math.min(3, exchange.refusals),
    exchange.refusal !== null,
    exchange.seenSpent,
    exchange.seenSigned,
    exchange.sets.length === 0 && Math.min(1, exchange.tries),
    exchange.inputs.length,
    exchange.isChecked || Math.min(UNANSWERED, exchange.tries),
    /(restoring|matching)$/.test(state) && exchange.states,
  ]

/** What lands later than it was given up is nobody's loss but the caller's, who was told; paths leave it alone. */
const isGivenUp: NonNullable<Model['without']> = ({ state, truth }, { name }) =>
  name === 'cancel' && state.endsWith('blocked') && truth.outputs === 'ours'
/** More answers in vain show nothing new; nor does a mint that says odd things later than at first. */
const isTooMuch: NonNullable<Model['without']> = ({ snapshot }, { name }) => {
  const exchange = (snapshot.context as ExchangeContext).exchange
  if (!exchange) return false
  if (/ (unknown|malformed|pending|short)$/.test(name)) return exchange.tries >= UNANSWERED
  return (
    / (hinted|unsupported)$/.test(name) && (exchange.tries > 1 || exchange.sets.length > 1 || exchange.refusals > 1)
  )
}
/** Signed for us, or for another device with this seed: at a mint without state checks nobody can tell. */
const isUnknown: NonNullable<Model['without']> = ({ snapshot, truth }, { name }) => {
  const exchange = (snapshot.context as ExchangeContext).exchange
  if (name === 'mint.restore burnt') return exchange?.unaccounted === true && exchange.states.length === 0
  return name === 'mint.check unsupported' && truth.outputs === 'burnt'
}
export const without: NonNullable<Model['without']> = (...of) =>
  isGivenUp(...of) || isTooMuch(...of) || isUnknown(...of)

export const loose = (kind: unknown): OperationKind => kind as OperationKind
const exchanging = { effects: exchangeEffects, sees: ({ exchange }: ExchangeContext, state: string) => seenOf(exchange, state), without } // prettier-ignore
const take = (inputs: readonly InputProof[]) => (): Answer => ({ answer: 'ok', inputs, fee: 0, writes: [] }) as Answer

export const receiveModel = (name: string, truth: Truth, atLeast = 0): Model => ({
  ...exchanging,
  name,
  kind: loose(receiveKind),
  input: { ...place, proofs: proofs(1, 4), amount: 5, fee: 0, memo: null, atLeast },
  truth,
  callers: ['execute', 'cancel', 'resume'],
  locals: exchangeLocals,
})

export const swapModel = (name: string, truth: Truth): Model => ({
  ...exchanging,
  name,
  kind: loose(swapKind),
  input: { ...place, amounts: [1, 2] },
  truth,
  callers: ['execute', 'cancel', 'resume'],
  locals: { ...exchangeLocals, 'proofs.take': take(proofs(8)) },
})

type Sending = ExchangeContext & { readonly sent: readonly InputProof[] }

export const sendModel = (name: string, truth: Truth, amount: number, ...inputs: readonly number[]): Model => ({
  ...exchanging,
  name,
  kind: loose(sendKind),
  input: { ...place, amount, memo: null },
  truth,
  callers: ['execute', 'cancel', 'resume', 'reclaim'],
  locals: {
    ...exchangeLocals,
    'proofs.take': take(proofs(...inputs)),
    'send.split': () => ({ answer: 'ok', amounts: splitAmount(amount, POWERS) }) as Answer,
    'send.encode': () => ({ answer: 'ok', token: 'cashu' }) as Answer,
  },
  polls: {
    token: ({ sent }: Sending) => [
      {
        name: 'claimed',
        gives: { type: 'token.states', states: sent.map(() => 'SPENT') } as never,
        deed: 'claim',
        truth: { inputs: 'gone' },
        say: 'honest',
      },
    ],
  },
  sees: ({ exchange, sent }: Sending, state: string) => [sent.length, seenOf(exchange, state)],
})

/** What the wallet's charts are walked through with: toy answers, one for everything that makes a difference to a guard. */
import type { Exchange, ExchangeContext, InputProof, MadeProof, OutputSet, Signature } from '../machines/wallet/exchange-model.ts' // prettier-ignore
import type { MeltContext, MeltState, Payment } from '../machines/wallet/melt-model.ts'
import type { MintContext, QuoteState } from '../machines/wallet/mint-model.ts'
import type { RestoreContext } from '../machines/wallet/restore.ts'
import type { SendContext } from '../machines/wallet/send.ts'
import type { OperationKind } from '../src/kernel/index.ts'
import type { Samples } from '../src/testing/machine-contract.ts'
import { meltKind } from '../src/wallet/kinds/melt.ts'
import { mintKind } from '../src/wallet/kinds/mint.ts'
import { receiveKind } from '../src/wallet/kinds/receive.ts'
import { restoreKind } from '../src/wallet/kinds/restore.ts'
import { sendKind } from '../src/wallet/kinds/send.ts'
import { swapKind } from '../src/wallet/kinds/swap.ts'

const place = { mintUrl: 'http://mint.test', unit: 'sat' }
const inputs: InputProof[] = [4, 1].map((amount) => ({ Y: `Y${amount}`, id: 'k', amount, secret: 's', C: 'C' }))
const outputs: OutputSet['outputs'] = [{ B_: 'B', amount: 5, purpose: 'keep' }]
const signatures: Signature[] = [{ id: 'k', amount: 5, C_: 'C_' }]
const made: MadeProof[] = [{ Y: 'Y5', id: 'k', amount: 5, secret: 's', C: 'C', purpose: 'keep' }]
const writes = [{ put: 'notes', row: { id: 'note' } }]

const amiss = [
  { answer: 'refused', code: 11_000, detail: 'no', meaning: 'unclassified' },
  { answer: 'unknown' },
  { answer: 'malformed' },
] as const
const OK = { answer: 'ok', writes } as const
const WRONG = { answer: 'wrong' } as const

const check = (['UNSPENT', 'PENDING', 'SPENT'] as const).map((state) => ({ answer: 'ok' as const, states: [state, state] })) // prettier-ignore
const partly = { answer: 'ok', states: ['SPENT', 'UNSPENT'] } as const
const restored = [
  { answer: 'ok', outputs: [], signatures: [] },
  { answer: 'ok', outputs: ['B'], signatures },
] as const
const taken = { answer: 'ok', inputs, fee: 1, writes } as const

const exchangeAnswers = {
  'mint.swap': [
    { answer: 'ok', signatures, replay: false },
    ...amiss.flatMap((reply) => [false, true].map((replay) => ({ ...reply, replay }))),
  ],
  'mint.check': [...check, partly, ...amiss],
  'mint.restore': [...restored, ...amiss],
  'mint.keysets': [OK, ...amiss],
  'exchange.derive': ({ exchange: { sets } }: { exchange: Exchange }) => [
    { ...OK, set: { keysetId: 'k', outputs, fee: 0 }, again: sets.length > 0, body: '{}' },
    { answer: 'stale' as const },
    { answer: 'short' as const, writes },
    { answer: 'gap' as const },
  ],
  'exchange.unblind': [{ ...OK, made }, WRONG],
  'exchange.match': [
    { answer: 'done', made, writes },
    { answer: 'early' },
    { answer: 'collision', sets: [], writes },
    { answer: 'nothing', writes },
    { answer: 'spent', writes },
    { answer: 'partly', writes },
    WRONG,
  ],
} as const

/** What the exchange's guards read; where it ends somewhere else, the states of the inputs too. */
const seenOf = (exchange: Exchange | null, state: string): unknown =>
  exchange && [
    exchange.from,
    exchange.sets.length > 0,
    exchange.unaccounted,
    Math.min(3, exchange.refusals),
    exchange.refusal !== null,
    exchange.seenSpent,
    Math.min(1, exchange.tries),
    exchange.inputs.length,
    /(restoring|matching)$/.test(state) && exchange.states,
  ]

const sees = ({ exchange }: Pick<ExchangeContext, 'exchange'>, state: string): unknown => seenOf(exchange, state)
const callers = [{ type: 'execute' }, { type: 'cancel' }, { type: 'resume' }]

const receive: Samples<typeof receiveKind.machine> = {
  inputs: [{ ...place, proofs: inputs, amount: 5, fee: 0, memo: null }],
  answers: exchangeAnswers,
  events: callers,
  sees,
}

const swap: Samples<typeof swapKind.machine> = {
  inputs: [{ ...place, amounts: [1] }],
  answers: { ...exchangeAnswers, 'proofs.take': [taken] },
  events: callers,
  sees,
}

const send: Samples<typeof sendKind.machine> = {
  inputs: [
    { ...place, amount: 5, memo: null },
    { ...place, amount: 3, memo: null },
  ],
  answers: {
    ...exchangeAnswers,
    'exchange.unblind': [{ ...OK, made: [{ ...made[0]!, purpose: 'send' }] }, WRONG],
    'proofs.take': [taken],
    'send.split': [{ answer: 'ok', amounts: [3] }, { answer: 'stale' }],
    'send.encode': [{ answer: 'ok', token: 'cashu' }],
  },
  events: [
    ...callers,
    { type: 'reclaim' },
    { type: 'token.states', states: ['SPENT', 'SPENT'] },
    { type: 'token.states', states: ['SPENT', 'UNSPENT'] },
  ],
  sees: ({ amount, exact, sent, exchange }: SendContext, state) => [
    state === 'selecting' && amount,
    !state.startsWith('reclaiming') && exact,
    sent.length,
    seenOf(exchange, state),
  ],
}

const quotes = (['UNPAID', 'PENDING', 'PAID', 'ISSUED'] as const).map((state) => ({
  answer: 'ok' as const,
  quote: { quote: 'q', request: 'lnbc', expiry: 1_750_000_000, amount: 5, unit: 'sat' },
  state,
}))
const quoteNews = (['UNPAID', 'PAID', 'ISSUED'] as const).map((state: QuoteState) => ({ type: 'quote.news', state }))

const mint: Samples<typeof mintKind.machine> = {
  inputs: [null, 'q'].map((quoteId) => ({ ...place, amount: 5, method: 'bolt11', privateKey: null, quoteId, ask: '{}' })), // prettier-ignore
  answers: {
    'mint.createQuote': [quotes[0]!, { ...quotes[0]!, quote: { ...quotes[0]!.quote, amount: 6 } }, ...amiss],
    'mint.quote': [...quotes, ...amiss],
    'mint.issue': [{ answer: 'ok', signatures }, ...amiss, { ...amiss[0], code: 20_008 }],
    'mint.restore': exchangeAnswers['mint.restore'],
    'mint.keysets': exchangeAnswers['mint.keysets'],
    'mint.derive': ({ context: { sets } }) => [
      { ...OK, set: { keysetId: 'k', outputs, fee: 0 }, again: sets.length > 0, body: '{}' },
      { answer: 'stale' },
      { answer: 'gap' },
    ],
    'mint.unblind': [{ ...OK, made }, WRONG],
    'mint.match': [
      { answer: 'done', made, writes },
      { answer: 'early' },
      { answer: 'collision', sets: [], writes },
      { answer: 'nothing' },
      { answer: 'partly', writes },
      WRONG,
    ],
  },
  events: [...callers, ...quoteNews],
  sees: ({ quoteId, quoteState, sets, refusals, refusal, tries }: MintContext, state) => [
    quoteId !== null,
    sets.length > 0,
    Math.min(3, refusals),
    refusal !== null,
    // A quote that is pending is asked about eight times.
    Math.min(quoteState === 'PENDING' ? 8 : 3, tries),
    /(restoring|pausing|asking)$/.test(state) && quoteState,
  ],
}

const payments = (['UNPAID', 'PENDING', 'PAID', 'UNKNOWN'] as const).map((state: MeltState): Payment => ({
  state,
  preimage: state === 'PAID' ? '00' : null,
  change: null,
}))
const meltQuote = (feeReserve: number, unit = 'sat') => ({
  answer: 'ok' as const,
  quote: { quote: 'q', amount: 2, feeReserve, expiry: 1_750_000_000, unit },
})
const found = { outputs: ['B'], signatures }

const melt: Samples<typeof meltKind.machine> = {
  inputs: [true, false].map((givesChange) => ({ ...place, method: 'bolt11', request: 'lnbc', ask: '{}', givesChange })), // prettier-ignore
  answers: {
    ...exchangeAnswers,
    'melt.createQuote': [meltQuote(0), meltQuote(2), meltQuote(0, 'usd'), ...amiss],
    'proofs.select': [taken, { answer: 'short' }],
    'melt.derive': [{ ...OK, blanks: [{ B_: 'B', id: 'k' }], body: '{}' }, { answer: 'stale' }],
    'melt.pay': [{ answer: 'paid', payment: payments[2]! }, { answer: 'pending' }, ...amiss],
    'melt.quote': [
      ...[...payments, { ...payments[0]!, preimage: '00' }].map((payment) => ({ answer: 'ok' as const, payment, expired: false })), // prettier-ignore
      { answer: 'ok', payment: payments[0]!, expired: true },
      ...amiss,
    ],
    'melt.settle': [{ ...OK, made }, { answer: 'owed' }],
  },
  events: [...callers, { type: 'payment.news', state: 'PAID' }, { type: 'change.found', ...found }] as const,
  sees: ({ quote, givesChange, sends, answers, landed, states, exchange, tries }: MeltContext, state) =>
    state.startsWith('fencing')
      ? seenOf(exchange, state)
      : [
          quote && quote.feeReserve,
          givesChange,
          sends,
          answers,
          landed,
          Math.min(1, tries),
          state === 'asking' && states,
        ],
}

const restore: Samples<typeof restoreKind.machine> = {
  inputs: [place],
  answers: {
    'mint.check': exchangeAnswers['mint.check'],
    'restore.keysets': [{ ...OK, keysetIds: ['k'] }, ...amiss],
    'restore.plan': [
      { answer: 'ok', scans: [{ keysetId: 'k', next: 0, unsigned: 0, atLeast: 0 }] },
      { answer: 'ok', scans: [] },
    ],
    'restore.batch': [
      { answer: 'ok', found: [{ counter: 1, signature: signatures[0]! }] },
      { answer: 'ok', found: [] },
      ...amiss,
    ],
    'restore.unblind': [
      { answer: 'ok', proofs: [{ ...made[0]!, counter: 1 }] },
      { answer: 'wrong', proofs: [{ ...made[0]!, counter: 1 }] },
      { answer: 'wrong', proofs: [] },
    ],
    'restore.keep': [{ ...OK, amount: 5, ys: ['Y5'] }],
  },
  events: callers,
  sees: ({ scans, proofs, tries }: RestoreContext) => [scans[0]?.unsigned, proofs.length, Math.min(3, tries)],
}

/** Every kind of the wallet with its samples. */
export const walletSamples: readonly [OperationKind, Samples][] = [
  [mintKind, mint],
  [meltKind, melt],
  [receiveKind, receive],
  [restoreKind, restore],
  [sendKind, send],
  [swapKind, swap],
].map(([kind, samples]) => [kind as OperationKind, samples as unknown as Samples])

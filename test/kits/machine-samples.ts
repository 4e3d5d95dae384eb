/** What the wallet's charts are walked through with: toy answers, one for everything that makes a difference to a guard. */
import type { Exchange, ExchangeContext, InputProof, MadeProof, OutputSet, Signature } from '../../machines/wallet/exchange-model.ts' // prettier-ignore
import type { MeltContext, MeltState, Payment } from '../../machines/wallet/melt-model.ts'
import { signatureRefused, type MintContext, type QuoteState } from '../../machines/wallet/mint-model.ts'
import type { RestoreContext } from '../../machines/wallet/restore.ts'
import type { SendContext } from '../../machines/wallet/send.ts'
import type { OperationKind } from '../../src/kernel/index.ts'
import type { Samples } from '../../src/testing/contracts/machine-contract.ts'
import { meltKind } from '../../src/wallet/kinds/melt.ts'
import { mintKind } from '../../src/wallet/kinds/mint.ts'
import { receiveKind } from '../../src/wallet/kinds/receive.ts'
import { restoreKind } from '../../src/wallet/kinds/restore.ts'
import { sendKind } from '../../src/wallet/kinds/send.ts'
import { swapKind } from '../../src/wallet/kinds/swap.ts'
import type { Write } from '../../src/wallet/tables.ts'

const place = { mintUrl: 'http://mint.test', unit: 'sat' }
const inputs: InputProof[] = [4, 1].map((amount) => ({ Y: `Y${amount}`, id: 'k', amount, secret: 's', C: 'C' }))
const outputs: OutputSet['outputs'] = [{ B_: 'B', amount: 5, purpose: 'keep' }]
const signatures: Signature[] = [{ id: 'k', amount: 5, C_: 'C_' }]
const made: MadeProof[] = [{ Y: 'Y5', id: 'k', amount: 5, secret: 's', C: 'C', purpose: 'keep' }]
const writes: Write[] = [{ delete: 'outputs', key: ['B'] }]

const amiss = [
  { answer: 'refused', code: 11_000, detail: 'no', meaning: 'unclassified' },
  { answer: 'unknown' },
  { answer: 'malformed' },
] as const
const unsupported = { ...amiss[0], meaning: 'unsupported' } as const
const OK = { answer: 'ok', writes } as const
const WRONG = { answer: 'wrong' } as const

const check = (['UNSPENT', 'PENDING', 'SPENT'] as const).map((state) => ({ answer: 'ok' as const, states: [state, state] })) // prettier-ignore
const partly = { answer: 'ok', states: ['SPENT', 'UNSPENT'] } as const
const restored = [
  { answer: 'ok', outputs: [], signatures: [] },
  { answer: 'ok', outputs: ['B'], signatures },
] as const
const taken = { answer: 'ok', inputs, fee: 1, writes } as const

const leaves = { send: [], keep: [], hold: [] }
const swapSet = { keysetId: 'k', outputs, fee: 0, Ys: inputs.map(({ Y }) => Y), leaves }
const whole = { made, inputs: [], leaves, fee: 0, isWhole: true }

const exchangeAnswers = {
  'mint.swap': [
    { answer: 'ok', signatures, replay: false },
    ...amiss.flatMap((reply) => [false, true].map((replay) => ({ ...reply, replay }))),
    { ...amiss[0], meaning: 'tooManyInputs', replay: false },
    { answer: 'unknown', hint: 'spent', replay: false },
  ],
  'mint.check': [...check, partly, ...amiss, unsupported],
  'mint.restore': [...restored, ...amiss, unsupported],
  'mint.keysets': [OK, ...amiss],
  'exchange.derive': ({ exchange: { sets, inputs: own, apart, dead } }: { exchange: Exchange }) => [
    { ...OK, sets: [swapSet], again: sets.length > 0, narrowed: false, body: '{}', inputs: own, apart, dead },
    { answer: 'stale' as const, why: { code: 'NO_ACTIVE_KEYSET', detail: 'no' }, writes },
    { answer: 'impossible' as const, why: { code: 'TOO_SMALL', detail: 'no' }, inputs: own, writes },
    { answer: 'gap' as const },
  ],
  'exchange.unblind': [{ ...OK, ...whole }, { ...OK, ...whole, isWhole: false, inputs }, WRONG],
  'exchange.match': [
    { answer: 'done', ...whole, writes },
    { answer: 'done', ...whole, isWhole: false, inputs, writes },
    { answer: 'early' },
    { answer: 'collision', sets: [], writes },
    { answer: 'nothing', writes },
    { answer: 'spent', writes },
    { answer: 'partly', writes },
    { answer: 'unknown', why: { code: 'NO_RESTORE', detail: 'no' } },
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
    Math.min(state.endsWith('backoff') ? 3 : 1, exchange.tries),
    exchange.inputs.length,
    exchange.made.length > 0,
    /(backoff|closed|refreshing|deriving)$/.test(state) && exchange.sets.length > 0 && exchange.isChecked,
    /(closed|refreshing|deriving)$/.test(state) && exchange.looks,
    /(restoring|matching)$/.test(state) && exchange.refusal?.meaning === 'tooManyInputs',
    /(restoring|matching)$/.test(state) && exchange.states,
  ]

const sees = ({ exchange }: Pick<ExchangeContext, 'exchange'>, state: string): unknown => [
  (exchange?.least ?? 0) > 0,
  seenOf(exchange, state),
]
const callers = [{ type: 'execute' }, { type: 'cancel' }, { type: 'resume' }]

const receive: Samples<typeof receiveKind.machine> = {
  inputs: [0, 5].map((atLeast) => ({ ...place, proofs: inputs, amount: 5, fee: 0, memo: null, atLeast })),
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
    'exchange.unblind': [
      { ...OK, ...whole, made: [{ ...made[0]!, purpose: 'send' }] },
      { ...OK, ...whole, isWhole: false, inputs },
      WRONG,
    ],
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
  quote: { quote: 'q', request: 'lnbc', expiry: 1_750_000_000, endsAtMs: 1_750_000_000_000 },
  flaw: null,
  lockedElsewhere: false,
  state,
}))
const quoteEvents = (['UNPAID', 'PAID', 'ISSUED'] as const).map((state: QuoteState) => ({
  type: 'quote.updated',
  state,
}))

const mint: Samples<typeof mintKind.machine> = {
  inputs: [null, 'q'].map((quoteId) => ({ ...place, amount: 5, method: 'bolt11', privateKey: null, quoteId, ask: '{}' })), // prettier-ignore
  answers: {
    'mint.createQuote': [quotes[0]!, { ...quotes[0]!, flaw: 'another amount' }, ...amiss],
    'mint.quote': [...quotes, { ...quotes[0]!, lockedElsewhere: true }, ...amiss],
    'mint.issue': [
      { answer: 'ok', signatures },
      ...amiss,
      { answer: 'unknown', hint: 'disabled' },
      { ...amiss[0], code: 20_008, meaning: 'signatureInvalid' },
    ],
    'mint.restore': [...exchangeAnswers['mint.restore'], { ...amiss[0], meaning: 'unsupported' }],
    'mint.keysets': exchangeAnswers['mint.keysets'],
    'mint.derive': ({ context: { sets } }) => [
      { ...OK, set: { keysetId: 'k', outputs, fee: 0 }, again: sets.length > 0, body: '{}' },
      { answer: 'stale', detail: 'no' },
      { answer: 'unreachable', detail: 'no' },
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
  events: [...callers, ...quoteEvents],
  sees: (context: MintContext, state) => {
    const { refusals, rounds, tries, denials, unanswered } = context
    const isFree = refusals === 0 && rounds === 0
    return [
      context.imported,
      context.sets.length > 0,
      Math.min(3, refusals),
      context.refusal !== null,
      signatureRefused(context),
      // The mint is asked eight times before a person is; it is counted where nothing was refused, and refusals in a row for themselves.
      denials > 1 ? isFree && -denials : Math.min(isFree ? 8 : 3, tries),
      refusals === 0 && Math.min(4, unanswered),
      refusals === 0 && rounds,
      /(restoring|pausing|asking)$/.test(state) && context.quoteState,
    ]
  },
}

const payments = (['UNPAID', 'PENDING', 'PAID', 'UNKNOWN'] as const).map((state: MeltState): Payment => ({
  state,
  preimage: state === 'PAID' ? '00' : null,
  change: null,
}))
const meltQuote = (feeReserve: number, unit = 'sat') => ({
  answer: 'ok' as const,
  quote: { quote: 'q', amount: 2, feeReserve, expiry: 1_750_000_000, expiresAtMs: 1, unit, request: 'lnbc' },
})
const found = { outputs: ['B'], signatures }

const invoice = { method: 'bolt11', request: 'lnbc', ask: '{}', demand: { least: 2, most: 2 }, paymentHash: null, maxFee: null } // prettier-ignore

const melt: Samples<typeof meltKind.machine> = {
  inputs: [{ givesChange: true }, { givesChange: false }, { givesChange: true, maxFee: 0 }].map((of) => ({ ...place, ...invoice, ...of })), // prettier-ignore
  answers: {
    ...exchangeAnswers,
    'melt.createQuote': [meltQuote(0), meltQuote(2), meltQuote(0, 'usd'), ...amiss],
    'proofs.select': [taken, { answer: 'short' }],
    'melt.select': [{ ...taken, fits: true }, { ...taken, fits: false }, { answer: 'short' }],
    'melt.plan': [
      { ...OK, amounts: [3], fee: 1 },
      { answer: 'asIs', writes },
      { answer: 'stale', writes },
      { answer: 'unreachable', writes },
    ],
    'melt.gather': [{ answer: 'ok', inputs, fee: 1 }],
    'melt.derive': [{ ...OK, blanks: [{ B_: 'B', id: 'k' }], body: '{}' }, { answer: 'stale' }, { answer: 'gap' }],
    'melt.renew': [OK],
    'mint.check': [...exchangeAnswers['mint.check'], { ...amiss[0], meaning: 'passing' }],
    'melt.pay': [{ answer: 'paid', payment: payments[2]! }, { answer: 'pending' }, ...amiss, { ...amiss[0], meaning: 'alreadySigned' }, { ...amiss[0], meaning: 'spent' }, { ...amiss[0], meaning: 'tooManyInputs' }, { answer: 'unknown', hint: 'tooManyInputs' }], // prettier-ignore
    'melt.quote': [
      ...[...payments, { ...payments[0]!, preimage: '00' }].map((payment) => ({ answer: 'ok' as const, payment, expired: false })), // prettier-ignore
      { answer: 'ok', payment: payments[0]!, expired: true },
      ...amiss,
      { ...amiss[0], meaning: 'quoteUnknown' },
    ],
    'melt.settle': [{ ...OK, made }, { answer: 'owed' }],
  },
  events: [
    ...callers,
    { type: 'forgo' },
    { type: 'payment.updated', state: 'PAID' },
    { type: 'change.found', ...found, isOrdered: false },
    { type: 'change.none' },
  ] as const,
  sees: ({ quote, maxFee, sends, answers, exchange, ...of }: MeltContext, state) =>
    /^(fencing|fitting)/.test(state)
      ? [seenOf(exchange, state), maxFee]
      : /^(settling|change|last|paid)/.test(state)
        ? [quote?.feeReserve, of.inputs.length > 0, of.change, of.asks, of.tries > 0, of.payment?.change !== null]
        : [
            quote && quote.feeReserve,
            of.givesChange,
            state === 'selecting' && maxFee,
            [Math.min(2, sends), sends - answers, Math.min(1, answers)],
            of.landed,
            of.seenSpent,
            of.refusal?.meaning,
            Math.min(1, of.anew),
            of.asks,
            [of.inputs.length > 0, of.exact.length > 0, of.swapFee > 0],
            Math.min(1, of.tries),
            // What makes no sense eight times in a row is meant; it is counted where nothing else was amiss.
            of.denials > 0 && of.refusal === null && of.anew === 0 && !of.seenSpent && of.denials,
            state === 'asking' && of.states,
          ],
}

const restore: Samples<typeof restoreKind.machine> = {
  inputs: [place],
  answers: {
    'restore.check': [
      ...check.map((reply) => ({ ...reply, writes })),
      ...amiss,
      { ...amiss[0], meaning: 'unsupported' },
    ],
    'restore.keysets': [
      { ...OK, keysetIds: ['k'], unavailable: [] },
      { ...OK, keysetIds: [], unavailable: [{ keysetId: 'k', reason: 'no', later: true }] },
      ...amiss,
    ],
    'restore.plan': [
      { answer: 'ok', scans: [{ keysetId: 'k', next: 0, unsigned: 0, atLeast: 0 }] },
      { answer: 'ok', scans: [] },
    ],
    'restore.batch': [
      { ...OK, found: [{ counter: 1, signature: signatures[0]! }] },
      { ...OK, found: [] },
      ...amiss,
      { ...amiss[0], meaning: 'unsupported' },
      { ...amiss[0], meaning: 'keysetExpired' },
    ],
    'restore.unblind': [
      { answer: 'ok', proofs: [{ ...made[0]!, counter: 1 }] },
      { answer: 'wrong', proofs: [{ ...made[0]!, counter: 1 }] },
      { answer: 'wrong', proofs: [] },
    ],
    'restore.keep': [{ ...OK, amount: 5, ys: ['Y5'] }],
  },
  events: callers,
  sees: ({ scans, proofs, unavailable, rounds, tries, denials }: RestoreContext) => [
    scans[0]?.unsigned,
    proofs.length,
    // What is refused eight times in a row is meant.
    denials > 1 ? -denials : Math.min(3, tries),
    unavailable.some(({ later }) => later),
    unavailable.length > 0 && rounds,
  ],
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

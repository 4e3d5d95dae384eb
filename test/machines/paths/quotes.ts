/** Mint, melt and restore in the world of a mint. */
import type { Exchange, InputProof, OutputSet, Signature } from '../../../machines/wallet/exchange-model.ts'
import type { Payment } from '../../../machines/wallet/melt-model.ts'
import type { QuoteState } from '../../../machines/wallet/mint-model.ts'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { plainInvoice } from '../../../src/mint-server/lightning/bolt11.ts'
import { preimageOf } from '../../../src/mint-server/lightning/fake-backend.ts'
import type { Answer } from '../../../src/kernel/define/authoring.ts'
import { splitAmount } from '../../../src/cashu/amounts.ts'
import { POWERS } from '../../../src/testing/environments/mint-fixture.ts'
import { meltKind } from '../../../src/wallet/kinds/melt.ts'
import { mintKind } from '../../../src/wallet/kinds/mint.ts'
import { restoreKind } from '../../../src/wallet/kinds/restore.ts'
import { exchangeEffects, exchangeLocals, forged, loose, madeOf, mayMelt, place, proofs, restoreFlavours, seenOf, short, signed, without, type Melting } from './exchange.ts' // prettier-ignore
import { amiss, type Edit, type Flavour, type Model, type Truth } from './model.ts'

const answer = (gives: object): Answer => gives as Answer
const UNSUPPORTED = answer({ answer: 'refused', code: 0, detail: 'no', meaning: 'unsupported' })
const UNSIGNED = answer({ answer: 'refused', code: 20_008, detail: 'no', meaning: 'signatureInvalid' })
const KEYLESS = { keysetId: '00aaaaaaaaaaaaaa', reason: 'no keys', later: true }
const keysets = exchangeEffects['mint.keysets']!
const set =
  (more: object): Edit =>
  (body) => ({ ...body, ...more })
/** What comes first is the backoff; and in a state that expired, the expiry. */
const sooner: NonNullable<Model['without']> = ({ state, truth }, { name, from }) =>
  (name === 'quotingDeadline' && state.endsWith('repeating')) || (state === 'unpaid' && truth.late && from === 'poll')

const quoted = (state: QuoteState, flaw: string | null = null): Answer =>
  answer({
    answer: 'ok',
    quote: { quote: 'q', request: 'r', expiry: 1, endsAtMs: 1_000 },
    flaw,
    lockedElsewhere: false,
    state,
  })

interface Minting {
  readonly sets: readonly OutputSet[]
  readonly quote: object | null
  readonly quoteState: QuoteState
  readonly quoteId: string | null
  readonly restored: { readonly outputs: readonly string[]; readonly signatures: readonly Signature[] } | null
  readonly refusals: number
  readonly refusal: object | null
  readonly seenSigned: boolean
  readonly signatures: readonly Signature[]
  readonly unanswered: number
  readonly rounds: number
  readonly tries: number
  readonly denials: number
  readonly body: string
}
type MintJob = { readonly context: Minting }
const ISSUED = { quote: 'ISSUED', outputs: 'ours' } as const

export const mintModel = (name: string, truth: Truth, quoteId: string | null): Model => ({
  name,
  kind: loose(mintKind),
  input: { ...place, amount: 5, method: 'bolt11', privateKey: null, quoteId, ask: '{}' },
  truth,
  callers: ['cancel', 'resume'],
  effects: {
    'mint.createQuote': () => [
      { name: 'ok', gives: quoted('UNPAID'), say: 'honest' },
      { name: 'wrong', gives: quoted('UNPAID', 'amount'), say: set({ amount: 6 }) },
      ...amiss,
    ],
    'mint.quote': ({ sets, quote: known }: Minting, { quote, outputs }) => [
      ...(known === null
        ? [
            { name: 'ISSUED, says it', gives: quoted('ISSUED'), say: set({ state: 'ISSUED' }) },
            { name: 'wrong', gives: quoted('UNPAID', 'amount'), say: set({ amount: 6 }) },
            {
              name: 'locked',
              gives: answer({ ...quoted('UNPAID'), lockedElsewhere: true }),
              say: set({ pubkey: `02${'11'.repeat(32)}` }),
            },
          ]
        : []),
      { name: quote, gives: quoted(quote), say: 'honest' },
      ...(quote === 'UNPAID'
        ? [{ name: 'paid now', gives: quoted('PAID'), say: 'honest', deed: 'pay', truth: { quote: 'PAID' } } as const]
        : []),
      ...(quote === 'PAID' && outputs === 'none'
        ? [{ name: 'ISSUED, says it', gives: quoted('ISSUED'), say: set({ state: 'ISSUED' }) } as const]
        : []),
      ...(quote === 'PAID' && outputs === 'none' && sets.length > 0
        ? [{ name: 'UNPAID, says it', gives: quoted('UNPAID'), say: set({ state: 'UNPAID' }) } as const]
        : []),
      ...(outputs === 'burnt' ? [] : [{ name: 'PENDING', gives: quoted('PENDING'), say: set({ state: 'PENDING' }) }]),
      ...amiss,
    ],
    'mint.issue': ({ sets }: Minting, { quote, outputs }) => [
      ...(quote === 'PAID' && outputs === 'none'
        ? [
            { name: 'ok', gives: answer({ answer: 'ok', ...signed(sets.at(-1)!) }), say: 'honest', truth: ISSUED } as const, // prettier-ignore
            { name: 'short', gives: answer({ answer: 'ok', signatures: [] }), say: short, truth: ISSUED } as const,
            { name: 'lost', gives: answer({ answer: 'unknown' }), say: 'lost', truth: ISSUED } as const,
          ]
        : []),
      // A quote of others may be locked to a key that nobody here has.
      ...(quoteId === null ? [] : [{ name: 'signature', gives: UNSIGNED, say: 'refused' } as const]),
      ...amiss,
    ],
    'mint.restore': ({ sets, quoteState }: Minting, truth) => {
      const spent = quoteState === 'ISSUED' || quoteState === 'PENDING'
      const last = sets.at(-1)
      const open = truth.outputs === 'none' && truth.quote === 'PAID' && last !== undefined
      const all = answer({ answer: 'ok', ...(last && signed(last)) })
      return [
        ...restoreFlavours(sets, truth, spent),
        { name: 'unsupported', gives: UNSUPPORTED, say: 'unsupported' } as const,
        ...(open ? [{ name: 'landed', gives: all, say: 'honest', deed: 'land', truth: ISSUED } as const] : []),
        ...(open && !spent
          ? [{ name: 'burnt', gives: all, say: 'honest', deed: 'burn', truth: { outputs: 'burnt' } } as const]
          : []),
      ]
    },
    'mint.keysets': keysets,
  },
  locals: {
    'mint.derive': ({ context: { sets, refusals } }: MintJob, { keysets: known }) => {
      if (!known) return answer({ answer: 'stale', detail: 'none is active' })
      const last = sets.at(-1)
      const outputs = splitAmount(5, POWERS).map((amount, at) => ({ amount, purpose: 'keep', B_: `B${sets.length}.${at}` })) // prettier-ignore
      if (last && (refusals !== 2 || sets.length > 2)) return answer({ answer: 'ok', set: last, again: true, body: '{}', writes: [] }) // prettier-ignore
      return answer({ answer: 'ok', set: { keysetId: 'k', outputs, fee: 0 }, again: false, body: '{}', writes: [] })
    },
    'mint.unblind': ({ context: { sets, signatures } }: MintJob) =>
      answer(signatures.length > 0 ? { answer: 'ok', made: madeOf(sets.at(-1)!), writes: [] } : { answer: 'wrong' }),
    'mint.match': ({ context: { sets, restored, quoteState, seenSigned } }: MintJob) => {
      const found = new Set(restored!.outputs)
      if (found.size === 0) return { answer: 'nothing' }
      const collided = ({ outputs }: OutputSet): boolean => outputs.some(({ B_ }) => found.has(B_))
      if (quoteState === 'PAID' || quoteState === 'UNPAID')
        return answer(seenSigned ? { answer: 'collision', sets: sets.filter((it) => !collided(it)), writes: [] } : { answer: 'early' }) // prettier-ignore
      if (restored!.signatures.some(({ C_ }) => C_ === 'nobody')) return { answer: 'wrong' }
      const whole = sets.find(({ outputs }) => outputs.every(({ B_ }) => found.has(B_)))
      return answer(whole ? { answer: 'done', made: madeOf(whole), writes: [] } : { answer: 'partly', writes: [] })
    },
  },
  polls: Object.fromEntries(
    ['quote', 'late'].map((poll) => [
      poll,
      (_: never, { quote }: Truth): Flavour[] => [
        {
          name: 'paid',
          gives: { type: 'quote.updated', state: 'PAID' } as never,
          say: 'honest',
          ...(quote === 'UNPAID' && { deed: 'pay', truth: { quote: 'PAID' } }),
        },
      ],
    ]),
  ),
  delays: { quoteExpiry: { late: true }, lateDeadline: { late: true }, mintBlocked: { late: true } },
  sees: (
    { quoteId: id, sets, quoteState, refusals, refusal, seenSigned, unanswered, rounds, tries, denials }: Minting,
    state,
  ) => {
    // How often something was in vain is counted where nothing else has gone wrong.
    const plain = refusals === 0 && !seenSigned && sets.length < 2
    const given = /(closing|parting|leaving|lingering)/.test(state)
    return [
      id !== null,
      sets.length,
      /(asking|restoring|pausing|blocked)$/.test(state) && quoteState,
      Math.min(3, refusals),
      refusal !== null,
      seenSigned,
      plain && Math.min(4, unanswered),
      plain && rounds,
      // The mint is asked eight times before a person is, and three times by whoever has given a quote up.
      plain && unanswered < 2 && rounds === 0 && (denials > 1 ? -denials : Math.min(given ? 3 : 8, tries)),
    ]
  },
  without: sooner,
})

const PREIMAGE = '00'.repeat(32)
const paying = (state: Payment['state'], more: Partial<Payment> = {}): Payment => ({ state, preimage: null, change: null, ...more }) // prettier-ignore
const PAID = paying('PAID', { preimage: PREIMAGE, change: [{ id: 'k', amount: 8, C_: 'mint' }] })
const BARE = paying('PAID', { preimage: PREIMAGE })
const bare: Edit = ({ change: _, ...body }) => body
const proven: Edit = (body) => {
  const { paymentSecret } = plainInvoice.decode(body['request'] as string)!
  return { ...body, payment_preimage: bytesToHex(preimageOf(hexToBytes(paymentSecret))) }
}
const none: Edit = (body) => Object.fromEntries(Object.keys(body).map((key) => [key, []]))
const MELTED = { inputs: 'melted' } as const
const change = { outputs: ['B'], signatures: [{ id: 'k', amount: 8, C_: 'mint' }] }

interface MeltState extends Melting {
  readonly exchange: Exchange | null
  readonly states: readonly string[]
  readonly tries: number
  readonly quote: object | null
  readonly refusal: { readonly meaning?: string } | null
}
type Settling = { readonly context: { readonly payment: Payment; readonly found: typeof change | null } }

export const meltModel = (name: string, truth: Truth): Model => ({
  name,
  kind: loose(meltKind),
  input: { ...place, method: 'bolt11', request: 'r', ask: '{}', demand: null, paymentHash: null, maxFee: null, givesChange: true }, // prettier-ignore
  truth,
  callers: ['execute', 'cancel', 'resume'],
  effects: {
    ...exchangeEffects,
    'melt.createQuote': () => {
      const of = (unit: string) => answer({ answer: 'ok', quote: { quote: 'q', amount: 4, feeReserve: 1, expiry: 1, expiresAtMs: 1, unit, request: null } }) // prettier-ignore
      return [
        { name: 'ok', gives: of('sat'), say: 'honest' },
        { name: 'wrong', gives: of('usd'), say: set({ unit: 'usd' }) },
        ...amiss,
      ]
    },
    'melt.pay': (_: never, { inputs }) => [
      ...(inputs === 'free'
        ? [
            { name: 'paid', gives: answer({ answer: 'paid', payment: PAID }), say: 'honest', truth: MELTED } as const,
            { name: 'paid, bare', gives: answer({ answer: 'paid', payment: BARE }), say: bare, truth: MELTED } as const,
            { name: 'lost', gives: answer({ answer: 'unknown' }), say: 'lost', truth: MELTED } as const,
          ]
        : []),
      { name: 'pending', gives: answer({ answer: 'pending' }), say: { instead: set({ state: 'PENDING' }) } },
      { name: 'outputs known', gives: answer({ answer: 'refused', code: 11_003, detail: 'no', meaning: 'alreadySigned' }), say: 'refused' }, // prettier-ignore
      ...amiss,
    ],
    'melt.quote': (context: MeltState, { inputs }) => {
      const of = (state: string, payment: Payment, say: Flavour['say'], more: Partial<Flavour> = {}): Flavour => ({
        name: state,
        gives: answer({ answer: 'ok', payment, expired: false }),
        say,
        ...more,
      })
      return [
        ...(inputs === 'melted'
          ? [of('PAID', PAID, 'honest'), of('PAID, bare', BARE, bare)]
          : [
              of('UNPAID', paying('UNPAID'), 'honest'),
              of('UNPAID, with a proof', paying('UNPAID', { preimage: PREIMAGE }), proven),
            ]),
        ...(inputs === 'free' && mayMelt(context)
          ? [of('paid now', PAID, 'honest', { deed: 'melt', truth: MELTED })]
          : []),
        of('PENDING', paying('PENDING'), set({ state: 'PENDING', payment_preimage: null, change: null })),
        ...amiss,
      ]
    },
    'mint.restore': (context: never, of) => {
      if ((context as MeltState).exchange) return exchangeEffects['mint.restore']!(context, of)
      return [
        { name: 'change', gives: answer({ answer: 'ok', ...change }), say: 'honest' },
        { name: 'none', gives: answer({ answer: 'ok', outputs: [], signatures: [] }), say: none },
        ...amiss,
      ]
    },
  },
  locals: {
    ...exchangeLocals,
    'melt.derive': (_: never, { keysets: known }) =>
      answer(known ? { answer: 'ok', blanks: [{ B_: 'B', id: 'k' }], body: '{}', writes: [] } : { answer: 'stale' }),
    'melt.select': () => answer({ answer: 'ok', inputs: proofs(16), fee: 0, fits: true, writes: [] }),
    'melt.renew': () => answer({ answer: 'ok', writes: [] }),
    'melt.settle': ({ context: { payment, found } }: Settling) => {
      const of = found?.signatures ?? payment.change
      return answer(of && of[0]!.C_ !== 'nobody' ? { answer: 'ok', made: [], writes: [] } : { answer: 'owed' })
    },
  },
  polls: {
    payment: (context: MeltState, { inputs }) => [
      ...(inputs === 'melted' || (inputs === 'free' && mayMelt(context))
        ? [
            {
              name: 'paid',
              gives: { type: 'payment.updated', state: 'PAID' } as never,
              say: 'honest',
              ...(inputs === 'free' && ({ deed: 'melt', truth: MELTED } as const)),
            } as const,
          ]
        : []),
      ...(inputs === 'melted'
        ? []
        : [{ name: 'unpaid', gives: { type: 'payment.updated', state: 'UNPAID' } as never, say: 'honest' } as const]),
    ],
    change: () => [
      { name: 'found', gives: { type: 'change.found', ...change } as never, say: 'honest' },
      {
        name: 'forged',
        gives: { type: 'change.found', ...change, signatures: change.signatures.map((it) => ({ ...it, C_: 'nobody' })) } as never, // prettier-ignore
        say: forged,
      },
    ],
  },
  sees: ({ quote, sends = 0, answers = 0, landed = false, states, exchange, tries, refusal }: MeltState, state) => [
    quote !== null,
    state.startsWith('fencing')
      ? mayMelt({ sends, answers, landed })
      : [Math.min(2, sends), sends - answers, Math.min(1, answers), landed],
    /^(checking|asking|pausing)/.test(state) && refusal?.meaning === 'alreadySigned',
    sends === 0 && Math.min(1, tries),
    /^(asking|fencing)/.test(state) && states,
    seenOf(exchange, state),
  ],
  // The deadline comes before the quote's expiry. Inputs that are all spent by another, and a payment that was not made:
  // that is for a person, for good, and no end that the oracle could judge.
  without: (at, move) => sooner(at, move) || /^(quoteExpiry|readyDeadline)$| stolen$/.test(move.name) || without(at, move), // prettier-ignore
})

interface Restoring {
  readonly scans: readonly { readonly next: number; readonly unsigned: number }[]
  readonly proofs: readonly InputProof[]
  readonly unavailable: readonly { readonly later: boolean }[]
  readonly rounds: number
  readonly tries: number
  readonly denials: number
}

export const restoreModel = (name: string, truth: Truth): Model => ({
  name,
  kind: loose(restoreKind),
  input: place,
  truth,
  callers: ['execute', 'cancel', 'resume'],
  effects: {
    'restore.keysets': () => [
      { name: 'ok', gives: answer({ answer: 'ok', keysetIds: ['k'], unavailable: [], writes: [] }), say: 'honest' },
      {
        name: 'one without keys',
        gives: answer({ answer: 'ok', keysetIds: ['k'], unavailable: [KEYLESS], writes: [] }),
        say: ({ keysets: listed, ...body }) => ({
          ...body,
          keysets: [...(listed as object[]), { id: KEYLESS.keysetId, unit: 'sat', active: false, input_fee_ppk: 0 }],
        }),
      },
      ...amiss,
    ],
    'restore.batch': ({ scans }: Restoring) => {
      const found = (C_: string) => answer({ answer: 'ok', found: [{ counter: 0, signature: { id: 'k', amount: 4, C_ } }], writes: [] }) // prettier-ignore
      return scans[0]!.next > 0
        ? [{ name: 'nothing', gives: answer({ answer: 'ok', found: [], writes: [] }), say: 'honest' }, ...amiss]
        : [
            { name: 'found', gives: found('mint'), say: 'honest' },
            { name: 'forged', gives: found('nobody'), say: forged },
            { name: 'unsupported', gives: UNSUPPORTED, say: 'unsupported' },
            { name: 'expired', gives: answer({ answer: 'refused', code: 12_003, detail: 'no', meaning: 'keysetExpired' }), say: 'refused' }, // prettier-ignore
            ...amiss,
          ]
    },
    'restore.check': () => [
      { name: 'unspent', gives: answer({ answer: 'ok', states: ['UNSPENT'], writes: [] }), say: 'honest' },
      { name: 'unsupported', gives: UNSUPPORTED, say: 'unsupported' },
      ...amiss,
    ],
  },
  locals: {
    'restore.plan': ({ keysetIds }: { keysetIds: readonly string[] }) =>
      answer({ answer: 'ok', scans: keysetIds.map((keysetId) => ({ keysetId, next: 0, unsigned: 0, atLeast: 1 })) }),
    'restore.unblind': ({ found }: { found: readonly { signature: Signature }[] }) =>
      answer(found[0]!.signature.C_ === 'mint' ? { answer: 'ok', proofs: [{ Y: 'Y', amount: 4, counter: 0 }] } : { answer: 'wrong', proofs: [] }), // prettier-ignore
    'restore.keep': () => answer({ answer: 'ok', amount: 0, ys: [], writes: [] }),
  },
  sees: ({ scans, tries, denials, proofs: found, unavailable, rounds }: Restoring) => [
    scans[0]?.next,
    found.length,
    // What is refused eight times in a row is meant.
    (scans[0]?.next ?? 0) <= 100 && (denials > 1 ? -denials : Math.min(3, tries)),
    unavailable.map(({ later }) => later),
    scans.length === 0 && rounds,
  ],
})

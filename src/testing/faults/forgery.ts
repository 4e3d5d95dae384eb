/**
 * Forged answers of a mint. The mint carries out the request as usual; each forgery changes its answer in one way.
 * Faults of the network and refusals are in `faulty-mint.ts`.
 */
import { plainInvoice } from '../../mint-server/lightning/bolt11.ts'
import { stubCrypto } from '../environments/stub-crypto.ts'

/** Forgeries of signatures: in the answer to a swap, an issue, a melt (its change) or a restore. */
export const SIGNATURE_FORGERIES = [
  /** The signatures are not the mint’s; their DLEQ proofs (NUT-12) are those of the right signatures. */
  'forged',
  /** The signatures are of another amount’s key, each with a proof that is right for that key. */
  'otherKey',
  /** They also name another keyset. */
  'otherKeyset',
  /** Right signatures without proofs. */
  'unproven',
  /** Right signatures with wrong proofs. */
  'misproven',
  /** Right signatures, two of which have exchanged amounts. */
  'exchanged',
] as const
/** Forgeries of the keys of a keyset (NUT-01). */
export const KEYS_FORGERIES = [
  /** Other keys under the requested id, which does not follow from them. */
  'otherKeys',
  /** Keys of another keyset, under the id of that keyset. */
  'otherKeyset',
] as const
/** Forgeries of the list of keysets (NUT-02). */
export const KEYSETS_FORGERIES = [
  /** All have a fee of zero. */
  'cheaper',
  /** All have a higher fee. */
  'dearer',
  /** All have another unit. */
  'otherwise',
  /** Each is listed twice. The second entry has a higher fee and is not active. */
  'doubled',
] as const
/** Forgeries of a state check (NUT-07). */
export const STATE_FORGERIES = [
  /** The states are those of other proofs. */
  'strangers',
  /** Each proof has two states. Only the first is right. */
  'doubled',
  /** The last state is missing. */
  'short',
  /** All proofs are reported as unspent. */
  'unspent',
] as const
/** Forgeries of a mint quote's status (NUT-04). */
export const QUOTE_FORGERIES = [
  /** The id of another quote. */
  'otherQuote',
  /** Another amount. */
  'otherAmount',
  /** Another invoice. */
  'otherRequest',
  /** Another unit. */
  'otherwise',
  /** The status is issued, whatever it really is. */
  'issued',
  /** The status is paid and not issued. */
  'unissued',
] as const
/** Forgeries of a payment's status (NUT-05). */
export const PAYMENT_FORGERIES = ['otherQuote', 'otherAmount', 'otherRequest', 'otherwise'] as const
/** Forgeries of a new quote. */
export const WISH_FORGERIES = ['otherAmount', 'otherRequest'] as const

/** Faults that other code applies to answers, in every scenario or for a while; see `faulty-mint.ts`. */
export const ALTERATIONS = ['partly', 'shuffled', 'bare', 'denied', 'disowned', 'pending', 'retired', 'spent'] as const

/** One way to forge an answer. */
export type Forgery = (
  | typeof SIGNATURE_FORGERIES
  | typeof KEYS_FORGERIES
  | typeof KEYSETS_FORGERIES
  | typeof STATE_FORGERIES
  | typeof QUOTE_FORGERIES
  | typeof PAYMENT_FORGERIES
  | typeof ALTERATIONS
)[number]

const money = /^\/v1\/(swap|mint\/bolt11|melt\/bolt11)$/

/** All forgeries of the answer to a request. */
export function forgeriesOf(path: string): readonly Forgery[] {
  if (money.test(path) || path === '/v1/restore') return SIGNATURE_FORGERIES
  if (path === '/v1/keysets') return KEYSETS_FORGERIES
  if (path.startsWith('/v1/keys/')) return KEYS_FORGERIES
  if (path === '/v1/checkstate') return STATE_FORGERIES
  if (path.startsWith('/v1/mint/quote/bolt11/')) return QUOTE_FORGERIES
  if (path.startsWith('/v1/melt/quote/bolt11/')) return PAYMENT_FORGERIES
  return path.endsWith('/quote/bolt11') ? WISH_FORGERIES : []
}

/** Forgeries that only DLEQ proofs (NUT-12) reveal. */
export const isProofNeeded = (fault: string): boolean => ['forged', 'otherKey', 'shuffled', 'exchanged'].includes(fault)

/**
 * Whether the forgery is a contradiction of the mint, after which an operation may need a person. After a forged answer
 * to a request that moves money, the wallet asks again, so no person is needed.
 */
export function isLie(fault: string, path: string): boolean {
  if (fault === 'denied' || fault === 'disowned' || fault === 'issued') return true
  return path === '/v1/restore' && ([...SIGNATURE_FORGERIES, 'partly'] as readonly string[]).includes(fault)
}

/** How a wallet reads an answer that is incomplete or about something else; undefined for any other answer. */
export function unheard(path: string, asked: string | undefined, answer: string): 'nonsense' | 'pending' | undefined {
  if (!answer.startsWith('{')) return undefined
  const fields = fieldsOf(answer)
  if (path === '/v1/checkstate' && 'states' in fields) {
    const states = fields['states'] as readonly { readonly Y: string; readonly state: string }[]
    const { Ys } = fieldsOf(asked ?? '{}') as { Ys: readonly string[] }
    const told = Ys.map((Y) => new Set(states.filter((it) => it.Y === Y).map(({ state }) => state)).size)
    if (told.every((count) => count === 0)) return 'nonsense'
    return told.every((count) => count === 1) ? undefined : 'pending'
  }
  const [, quote] = /^\/v1\/(?:mint|melt)\/quote\/\w+\/(.+)$/.exec(path) ?? []
  return quote !== undefined && 'quote' in fields && fields['quote'] !== quote ? 'nonsense' : undefined
}

type Fields = Readonly<Record<string, unknown>>
type Entry = Fields & { readonly id?: string; readonly amount?: number; readonly B_?: string }

const fieldsOf = (body: string): Fields => JSON.parse(body) as Fields

/** A point that no mint signed. */
const FORGED = stubCrypto.hashToCurve('forged')
/** A key that is not the mint’s. */
const OTHER_KEY = stubCrypto.privateKey(new Uint8Array(32).fill(9))
const OTHER_KEYSET = '00ffffffffffffff'
const OTHER_QUOTE = 'f'.repeat(32)
const OTHER_REQUEST = plainInvoice.encode({
  ...{ paymentHash: 'f'.repeat(64), paymentSecret: 'f'.repeat(64), amountSat: 1_000, memo: 'forged' },
  ...{ createdAt: 0, expiryAt: 0 },
})

/** The answer to a request, forged. */
export function forge<A extends { readonly body: string }>(answer: A, fault: Forgery, asked: string | undefined): A {
  const fields = fieldsOf(answer.body)
  const body = JSON.stringify(changedBy[fault](fields, fieldsOf(asked ?? '{}')))
  return { ...answer, body }
}

type Change = (answer: Fields, asked: Fields) => Fields

/** Changes every list of an answer. */
const lists =
  (by: (list: readonly Entry[]) => readonly Entry[]): Change =>
  (answer) =>
    Object.fromEntries(
      Object.entries(answer).map(([name, list]) => [name, Array.isArray(list) ? by(list as Entry[]) : list]),
    )
/** Changes every entry of every list. */
const entries = (by: (entry: Entry, at: number) => Entry): Change => lists((list) => list.map(by))
/** Changes fields; undefined leaves one out. */
const fields =
  (set: Fields): Change =>
  (answer) => ({ ...answer, ...set })

/** Signs again all signatures of an answer, with a key that is not the mint’s. */
const signedAnew =
  (more: Fields): Change =>
  (answer, asked) => {
    const outputs = (answer['outputs'] ?? asked['outputs'] ?? []) as readonly { readonly B_: string }[]
    return entries((entry, at) => {
      const output = outputs[at]
      return output && 'C_' in entry ? { ...entry, ...stubCrypto.sign(output.B_, OTHER_KEY), ...more } : entry
    })(answer, asked)
  }

/** The same number of keys, which belong to nobody. */
const otherKeys = (keys: unknown): Fields =>
  Object.fromEntries(Object.keys(keys as Fields).map((amount) => [amount, stubCrypto.hashToCurve(`key ${amount}`)]))

const exchangedAmounts = (list: readonly Entry[]): readonly Entry[] => {
  const [first, last] = [list[0], list.at(-1)]
  if (!first || !last || !('C_' in first)) return list
  return list.map((entry, at) =>
    at === 0 ? { ...entry, amount: last.amount } : at === list.length - 1 ? { ...entry, amount: first.amount } : entry,
  ) as readonly Entry[]
}

const changedBy: Readonly<Record<Forgery, Change>> = {
  forged: entries((entry) => ('C_' in entry ? { ...entry, C_: FORGED } : entry)),
  otherKey: signedAnew({}),
  otherKeyset: (answer, asked) =>
    'keysets' in answer
      ? entries(({ keys, ...entry }) => ({ ...entry, id: OTHER_KEYSET, keys: otherKeys(keys) }))(answer, asked)
      : signedAnew({ id: OTHER_KEYSET })(answer, asked),
  unproven: entries(({ dleq: _, ...entry }) => entry),
  misproven: entries((entry) => ('C_' in entry ? { ...entry, dleq: stubCrypto.sign(FORGED, OTHER_KEY).dleq } : entry)),
  exchanged: lists(exchangedAmounts),
  shuffled: lists((list) => list.toReversed()),
  short: lists((list) => list.slice(0, -1)),
  partly: lists((list) => (list.length > 1 ? list.slice(0, -1) : list)),
  otherKeys: entries((entry) => ({ ...entry, keys: otherKeys(entry['keys']) })),
  cheaper: entries((entry) => ({ ...entry, input_fee_ppk: 0 })),
  dearer: entries((entry) => ({ ...entry, input_fee_ppk: 64_000 })),
  retired: entries((entry) => ({ ...entry, active: false })),
  doubled: lists((list) => [...list, ...list.map(otherThan)]),
  strangers: entries((entry, at) => ({ ...entry, Y: stubCrypto.hashToCurve(`stranger ${at}`) })),
  unspent: entries((entry) => ({ ...entry, state: 'UNSPENT' })),
  /** All proofs are reported as spent. */
  spent: entries((entry) => ({ ...entry, state: 'SPENT' })),
  // Of states or of a quote.
  pending: (answer, asked) =>
    'states' in answer
      ? entries((entry) => ({ ...entry, state: 'PENDING' }))(answer, asked)
      : fields({ state: 'PENDING' })(answer, asked),
  // Of keysets or of a quote.
  otherwise: (answer, asked) =>
    'keysets' in answer
      ? entries((entry) => ({ ...entry, unit: 'usd' }))(answer, asked)
      : fields({ unit: 'usd' })(answer, asked),
  otherQuote: fields({ quote: OTHER_QUOTE }),
  otherAmount: (answer) => ({ ...answer, amount: (answer['amount'] as number) + 1 }),
  otherRequest: fields({ request: OTHER_REQUEST }),
  issued: fields({ state: 'ISSUED' }),
  unissued: fields({ state: 'PAID' }),
  bare: fields({ change: undefined }),
  denied: fields({ state: 'UNPAID', payment_preimage: undefined, change: undefined }),
  disowned: fields({ state: 'UNPAID', change: undefined }),
}

/** A second entry for the same proof or keyset, with other values. */
function otherThan(entry: Entry): Entry {
  if ('active' in entry) return { ...entry, active: false, input_fee_ppk: 64_000 }
  return { ...entry, state: entry['state'] === 'SPENT' ? 'UNSPENT' : 'SPENT' }
}

/**
 * The shapes of a mint's answers. What is named here is checked, everything else is dropped; a wrong shape throws
 * `Malformed`. Field names are the wire's. Nothing here says that an answer is true.
 */
import {
  amount,
  compact,
  expected,
  field,
  flag,
  lenient,
  list,
  name,
  oneOf,
  optional,
  point,
  record,
  scalar,
  some,
  text,
} from './shape.ts'
import type { Parse } from './shape.ts'

/** A mint's signature on one output (NUT-00, NUT-12). */
export interface BlindSignature {
  readonly id: string
  readonly amount: number
  readonly C_: string
  readonly dleq?: { readonly e: string; readonly s: string }
}

/** A blinded message (NUT-00). */
export interface BlindedMessage {
  readonly id: string
  readonly amount: number
  readonly B_: string
}

const blindSignature: Parse<BlindSignature> = (value, at) => {
  const from = record(value, at)
  return compact<BlindSignature>({
    id: field(from, 'id', text, at),
    amount: field(from, 'amount', amount, at),
    C_: field(from, 'C_', point, at),
    dleq: field(
      from,
      'dleq',
      optional((dleq, place) => {
        const parts = record(dleq, place)
        // One that lacks a part proves nothing.
        if ([parts['e'], parts['s']].some((part) => part === undefined || part === null)) return undefined
        return { e: field(parts, 'e', scalar, place), s: field(parts, 's', scalar, place) }
      }),
      at,
    ),
  })
}

const blindedMessage: Parse<BlindedMessage> = (value, at) => {
  const from = record(value, at)
  return {
    id: field(from, 'id', text, at),
    amount: field(from, 'amount', amount, at),
    B_: field(from, 'B_', point, at),
  }
}

/** Signatures in the order of the outputs (NUT-03, NUT-04). */
export const parseSignatures: Parse<{ readonly signatures: readonly BlindSignature[] }> = (value) => ({
  signatures: field(record(value, 'answer'), 'signatures', list(blindSignature), ''),
})

/** What a mint has signed of the outputs that it was asked for: the two lists go together (NUT-09). */
export interface Restored {
  readonly outputs: readonly BlindedMessage[]
  readonly signatures: readonly BlindSignature[]
}

export const parseRestored: Parse<Restored> = (value) => {
  const from = record(value, 'answer')
  const outputs = field(from, 'outputs', list(blindedMessage), '')
  // Older mints call them promises.
  const signatures = field(from, 'signatures' in from ? 'signatures' : 'promises', list(blindSignature), '')
  if (outputs.length !== signatures.length) expected('signatures', `${outputs.length} signatures`)
  return { outputs, signatures }
}

/** What the mint says of one proof (NUT-07). */
export interface ProofState {
  readonly Y: string
  readonly state: 'UNSPENT' | 'PENDING' | 'SPENT'
  readonly witness?: string
}

/** An entry that is none is left out: nothing is said of its proof. */
export const parseStates: Parse<readonly ProofState[]> = (value) =>
  field(
    record(value, 'answer'),
    'states',
    some((entry, at) => {
      const from = record(entry, at)
      return compact<ProofState>({
        Y: field(from, 'Y', point, at),
        state: field(from, 'state', oneOf('UNSPENT', 'PENDING', 'SPENT'), at),
        witness: lenient(text)(from['witness']),
      })
    }),
    '',
  )

/** One line of the list of a mint's keysets (NUT-02). Its id may be of a version that we cannot use. */
export interface KeysetInfo {
  readonly id: string
  readonly unit: string
  readonly active: boolean
  readonly input_fee_ppk: number
  /** Seconds since the Unix epoch. */
  readonly final_expiry?: number
}

/** The most keysets of a mint. Each takes a row and a request for its keys. */
const MOST_KEYSETS = 1_000

/** An entry that is none is left out: its keyset counts as not listed, so that it takes no new outputs. */
export const parseKeysets: Parse<readonly KeysetInfo[]> = (value) => {
  const answer = record(value, 'answer')
  const { keysets } = answer
  if (Array.isArray(keysets) && keysets.length > MOST_KEYSETS) expected('keysets', `no more than ${MOST_KEYSETS}`)
  return field(
    answer,
    'keysets',
    some((entry, at) => {
      const from = record(entry, at)
      return compact<KeysetInfo>({
        id: field(from, 'id', name, at),
        unit: field(from, 'unit', name, at),
        active: field(from, 'active', flag, at),
        input_fee_ppk: field(from, 'input_fee_ppk', optional(amount), at) ?? 0,
        final_expiry: field(from, 'final_expiry', optional(amount), at),
      })
    }),
    '',
  )
}

/** The public keys of one keyset, by amount (NUT-01). Amounts are digits, as they go up to 2^63. */
export interface KeysetKeys {
  readonly id: string
  readonly unit: string
  readonly keys: Readonly<Record<string, string>>
}

/** Finds the asked keyset in the answer; a mint may list others with it. */
export const parseKeys =
  (keysetId: string): Parse<KeysetKeys> =>
  (value) => {
    const keysets = field(record(value, 'answer'), 'keysets', some(record), '')
    const from = keysets.find((keyset) => keyset['id'] === keysetId) ?? expected('keysets', 'the asked keyset')
    const at = 'keyset'
    const entries = Object.entries(field(from, 'keys', record, at)).map(([digits, key]) => {
      if (!/^[1-9][0-9]{0,19}$/.test(digits)) expected(`${at}.keys`, 'amounts')
      return [digits, point(key, `${at}.keys[${digits}]`)] as const
    })
    if (entries.length === 0) expected(`${at}.keys`, 'keys')
    return { id: keysetId, unit: field(from, 'unit', text, at), keys: Object.fromEntries(entries) }
  }

/** A mint quote (NUT-04, NUT-23). Times are seconds since the Unix epoch. */
export interface MintQuote {
  readonly quote: string
  readonly request: string
  /** What the accounting fields say where the mint leaves the state out. Nutshell says `PENDING` while it issues. */
  readonly state: 'UNPAID' | 'PENDING' | 'PAID' | 'ISSUED'
  readonly expiry: number | null
  readonly amount?: number
  readonly unit?: string
  readonly pubkey?: string
  readonly amount_paid?: number
  readonly amount_issued?: number
}

export const parseMintQuote: Parse<MintQuote> = (value) => {
  const from = record(value, 'answer')
  const paid = field(from, 'amount_paid', optional(amount), '')
  const issued = field(from, 'amount_issued', optional(amount), '')
  return compact<MintQuote>({
    quote: field(from, 'quote', name, ''),
    request: field(from, 'request', text, ''),
    state: mintQuoteState(from, paid, issued),
    expiry: field(from, 'expiry', optional(amount), '') ?? null,
    amount: field(from, 'amount', optional(amount), ''),
    unit: field(from, 'unit', optional(text), ''),
    // Nutshell gives '' for a quote that is not locked.
    pubkey: from['pubkey'] === '' ? undefined : field(from, 'pubkey', optional(point), ''),
    amount_paid: paid,
    amount_issued: issued,
  })
}

function mintQuoteState(from: Record<string, unknown>, paid?: number, issued = 0): MintQuote['state'] {
  const state = field(from, 'state', optional(oneOf('UNPAID', 'PENDING', 'PAID', 'ISSUED')), '')
  if (state) return state
  if (paid !== undefined) return paid > issued ? 'PAID' : issued > 0 ? 'ISSUED' : 'UNPAID'
  return field(from, 'paid', flag, '') ? 'PAID' : 'UNPAID'
}

/** How far a melt has come (NUT-05): all that the answer to a melt request must say. */
export interface Melted {
  /** `UNKNOWN` stands for every word that the NUT doesn't have, cdk's `FAILED` among them: it proves nothing. */
  readonly state: 'UNPAID' | 'PENDING' | 'PAID' | 'UNKNOWN'
  readonly payment_preimage?: string
  /** Signatures on the first of the blank outputs, in order (NUT-08). */
  readonly change?: readonly BlindSignature[]
}

/** A melt quote (NUT-05, NUT-23). Times are seconds since the Unix epoch. */
export interface MeltQuote extends Melted {
  readonly quote: string
  readonly amount: number
  readonly fee_reserve: number
  readonly expiry: number | null
  readonly unit?: string
  readonly request?: string
}

export const parseMelted: Parse<Melted> = (value) => {
  const from = record(value, 'answer')
  return compact<Melted>({
    state: meltState(from),
    // Some mints send an empty preimage until there is one. A malformed preimage does not invalidate the answer.
    payment_preimage: from['payment_preimage'] === '' ? undefined : lenient(text)(from['payment_preimage']),
    change: field(from, 'change', optional(list(blindSignature)), ''),
  })
}

export const parseMeltQuote: Parse<MeltQuote> = (value, at) => {
  const from = record(value, 'answer')
  return compact<MeltQuote>({
    ...parseMelted(value, at),
    quote: field(from, 'quote', name, ''),
    amount: field(from, 'amount', amount, ''),
    fee_reserve: field(from, 'fee_reserve', amount, ''),
    expiry: field(from, 'expiry', optional(amount), '') ?? null,
    unit: field(from, 'unit', optional(text), ''),
    request: field(from, 'request', optional(text), ''),
  })
}

function meltState(from: Record<string, unknown>): Melted['state'] {
  const state = field(from, 'state', optional(text), '')
  if (state === undefined) return field(from, 'paid', flag, '') ? 'PAID' : 'UNPAID'
  return state === 'UNPAID' || state === 'PENDING' || state === 'PAID' ? state : 'UNKNOWN'
}

/** One way to pay in or out that a mint offers (NUT-04, NUT-05). */
export type MethodSetting = {
  readonly method: string
  readonly unit: string
  readonly min_amount?: number
  readonly max_amount?: number
}

/** What the wallet needs to know of a mint's settings (NUT-06). */
export type MintInfo = {
  /** How it calls itself. */
  readonly name?: string
  /** Its software, and the version of that. */
  readonly version?: string
  /** How it takes payments (NUT-04). */
  readonly mint: { readonly disabled: boolean; readonly methods: readonly MethodSetting[] }
  /** How it pays invoices (NUT-05). */
  readonly melt: { readonly disabled: boolean; readonly methods: readonly MethodSetting[] }
  /** The NUTs whose settings say that they are supported, such as 7, 8, 9, 12, 20. */
  readonly supported: readonly number[]
  /** Paths whose answers the mint repeats, and for how long; a ttl of null is for ever (NUT-19). */
  readonly cached?: { readonly ttlMs: number | null; readonly paths: readonly string[] }
  /** How long a list in a request may be. Nutshell and cdk say it; the NUT does not have it. */
  readonly maxArrayLength?: number
}

/** Settings that cannot be read count as not given: they are hints, and no money depends on them. */
export const parseInfo: Parse<MintInfo> = (value) => {
  const from = record(value, 'answer')
  const nuts = optional(record)(from['nuts'], 'nuts') ?? {}
  const settings = (nut: number) => lenient(record)(nuts[nut]) ?? {}
  return compact<MintInfo>({
    name: lenient(text)(from['name']),
    version: lenient(text)(from['version']),
    mint: methods(settings(4)),
    melt: methods(settings(5)),
    supported: Object.keys(nuts)
      .map(Number)
      .filter((nut) => settings(nut)['supported'] === true),
    cached: cached(settings(19)),
    maxArrayLength: lenient(positive)(from['max_array_length']),
  })
}

const positive: Parse<number> = (value, at) => amount(value, at) || expected(at, 'more than 0')

const each = <T>(value: unknown, parse: Parse<T>): T[] =>
  Array.isArray(value) ? value.map(lenient(parse)).filter((entry) => entry !== undefined) : []

const methods = (from: Record<string, unknown>): MintInfo['mint'] => ({
  disabled: from['disabled'] === true,
  methods: each(from['methods'], (entry, at) => {
    const setting = record(entry, at)
    return compact<MethodSetting>({
      method: field(setting, 'method', text, at),
      unit: field(setting, 'unit', text, at),
      min_amount: field(setting, 'min_amount', optional(amount), at),
      max_amount: field(setting, 'max_amount', optional(amount), at),
    })
  }),
})

function cached(from: Record<string, unknown>): MintInfo['cached'] {
  const paths = each(from['cached_endpoints'], (entry, at) => field(record(entry, at), 'path', text, at))
  const ttlSeconds = from['ttl'] === null ? null : lenient(amount)(from['ttl'])
  if (paths.length === 0 || ttlSeconds === undefined) return undefined
  return { ttlMs: ttlSeconds === null ? null : ttlSeconds * 1000, paths }
}

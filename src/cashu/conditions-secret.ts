/** Reading a spending condition out of a secret: the well-known format (NUT-10) and its tags (NUT-11, NUT-14). */
import { expected, field, list, optional, point, record, text, type Parse } from './shape.ts'

/** Longer ones are malformed, here as at other mints. It bounds the keys, too: no more than fourteen fit. */
const MAX_SECRET_LENGTH = 1024

/** A secret that locks its coin (NUT-10). */
export interface WellKnownSecret {
  /** Pay to public key (NUT-11) or hashed timelock contract (NUT-14). */
  readonly kind: 'P2PK' | 'HTLC'
  readonly nonce: string
  /** P2PK: a public key. HTLC: the SHA-256 of the preimage. */
  readonly data: string
  /** Name and values. */
  readonly tags: readonly (readonly [string, ...string[]])[]
}

/** Which keys have to sign, and how many of them. */
export interface Pathway {
  /**
   * X coordinates, which are all that a signature is checked with. One that is on no point of the curve is nobody's
   * and never signs.
   */
  readonly keys: readonly string[]
  readonly needed: number
}

/** What it takes to spend a coin. */
export interface Condition {
  /** HTLC: the hash that the preimage must have, for the main pathway. One that is none is opened by nothing. */
  readonly hash?: string
  readonly main: Pathway
  /** When the refund pathway opens, too, in seconds since the Unix epoch. Left out: never. */
  readonly locktime?: number
  /** Left out: after the locktime anyone can spend. */
  readonly refund?: Pathway
  /** `SIG_ALL`: one signature covers all inputs and outputs. */
  readonly signsAll: boolean
  /** Kind, data and tags: what all inputs of a `SIG_ALL` request have in common. */
  readonly terms: string
}

const tag: Parse<[string, ...string[]]> = (value, at) => {
  const [name, ...values] = list(text)(value, at)
  return name === undefined ? expected(at, 'a name') : [name, ...values]
}

/**
 * A secret of a kind that is enforced here. Undefined for all others: any text, JSON of another shape and unknown
 * kinds lock nothing (NUT-10). Whoever writes `P2PK` or `HTLC` wants a lock, so a mistake in the rest is no such case.
 * @throws {Malformed} It is of a known kind and not well-formed, or a list too long to be looked at.
 */
export function parseWellKnownSecret(secret: string): WellKnownSecret | undefined {
  if (!/^[ \t\r\n]*\[/.test(secret)) return undefined
  if (secret.length > MAX_SECRET_LENGTH) expected('secret', `at most ${MAX_SECRET_LENGTH} characters`)
  let parts: unknown[]
  try {
    parts = JSON.parse(secret) as unknown[]
  } catch {
    return undefined
  }
  const [kind, body, ...more] = parts
  if (kind !== 'P2PK' && kind !== 'HTLC') return undefined
  if (more.length > 0) expected('secret', 'a kind and its data')
  const from = record(body, 'secret')
  return {
    kind,
    nonce: field(from, 'nonce', text, ''),
    data: field(from, 'data', text, ''),
    tags: field(from, 'tags', optional(list(tag)), '') ?? [],
  }
}

/**
 * What a well-known secret asks for, or why it can never be spent.
 * @throws {Malformed} Tags that NUT-11 calls malformed: a name twice, a key that is none or that stands twice in its
 *   pathway, numbers of signatures that cannot be given, an unknown `sigflag`.
 */
export function conditionOf({ kind, data, tags }: WellKnownSecret): Condition {
  /** Undefined without the tag, which differs from a tag without values. */
  const valuesOf = (name: string): readonly string[] | undefined => {
    const [found, another] = tags.filter((tag) => tag[0] === name)
    return another ? expected(name, 'one such tag') : found?.slice(1)
  }
  const more = valuesOf('pubkeys')
  const refund = valuesOf('refund')
  const isHtlc = kind === 'HTLC'
  // An HTLC without `pubkeys` asks for the preimage alone.
  const main = pathway(isHtlc ? (more ?? []) : [data, ...(more ?? [])], isHtlc && !more ? 0 : 1, valuesOf('n_sigs'))
  const back = pathway(refund ?? [], refund ? 1 : 0, valuesOf('n_sigs_refund'))
  const locktime = timeOf(valuesOf('locktime'))
  return {
    ...(isHtlc && { hash: data.toLowerCase() }),
    main,
    ...(locktime !== undefined && { locktime }),
    ...(refund && { refund: back }),
    signsAll: isSigAll(valuesOf('sigflag')),
    terms: JSON.stringify([kind, data, tags]),
  }
}

/**
 * The two encodings of an x coordinate, 02… and 03…, have one private key and one signature: as two keys, one signer
 * would count twice.
 */
function pathway(publicKeys: readonly string[], least: number, asked: readonly string[] | undefined): Pathway {
  const keys = publicKeys.map((key) => point(key, 'public key').slice(2))
  if (new Set(keys).size < keys.length) expected('public keys', 'each key once')
  if (!asked) return { keys, needed: least }
  const needed = asked.length === 1 && /^[0-9]+$/.test(asked[0]!) ? Number(asked[0]) : 0
  if (needed < 1 || needed > keys.length) expected('number of signatures', '1 up to the number of keys')
  return { keys, needed }
}

function isSigAll(flags: readonly string[] | undefined): boolean {
  if (!flags) return false
  const [flag, another] = flags
  return another === undefined && (flag === 'SIG_ALL' || flag === 'SIG_INPUTS')
    ? flag === 'SIG_ALL'
    : expected('sigflag', 'SIG_ALL or SIG_INPUTS')
}

/** A malformed locktime locks for ever (NUT-11). So does 0, on which wallets differ. The keys can still sign. */
function timeOf(values: readonly string[] | undefined): number | undefined {
  const seconds = values?.length === 1 && /^[0-9]+$/.test(values[0]!) ? Number(values[0]) : 0
  return seconds > 0 && Number.isSafeInteger(seconds) ? seconds : undefined
}

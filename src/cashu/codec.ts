/** Tokens, mint addresses and invoices as text. */
import { getEncodedToken, normalizeMintUrl as normalize } from '@cashu/cashu-ts'
import { bytesToHex } from '@noble/hashes/utils.js'
import { toAmount } from './amounts.ts'
import { readCbor } from './cbor.ts'
import { CashuError } from './errors.ts'
import { amount, compact, expected, field, hex, list, name, optional, point, record, scalar, text } from './shape.ts'
import type { Parse } from './shape.ts'

/** One proof of a token (NUT-00). */
export interface TokenProof {
  readonly amount: number
  readonly secret: string
  readonly C: string
  /** As it stands in the token: V4 shortens ids of version 01 to 8 bytes, see `fullKeysetId`. */
  readonly id: string
  readonly dleq?: { readonly e: string; readonly s: string; readonly r: string }
  /** JSON (NUT-11, NUT-14). */
  readonly witness?: string
}

/** A token: proofs of one mint (NUT-00). */
export interface Token {
  readonly mintUrl: string
  readonly unit: string
  readonly memo?: string
  readonly proofs: readonly TokenProof[]
}

/** A token of 5,000 proofs with all optional fields is shorter. */
const MOST_CHARACTERS = 4_000_000
const MOST_PROOFS = 5_000

/**
 * Reads a token of version 3 or 4, with or without a `cashu:` in front (NUT-00).
 * Tokens with more than 4,000,000 characters or 5,000 proofs are rejected.
 *
 * @throws {CashuError} `TOKEN_MALFORMED`, `TOKEN_TOO_LARGE`, `TOKEN_OF_SEVERAL_MINTS`, `MINT_URL_MALFORMED`
 */
export function decodeToken(token: string): Token {
  if (token.length > MOST_CHARACTERS)
    throw new CashuError('TOKEN_TOO_LARGE', `the token has more than ${MOST_CHARACTERS} characters`)
  const [, version, body] = /^(?:(?:web\+)?cashu:(?:\/\/)?)?cashu([AB])([\w+/-]+)=*$/.exec(token.trim()) ?? []
  if (version === undefined || body === undefined) throw new CashuError('TOKEN_MALFORMED', 'not a Cashu token')
  try {
    const bytes = fromBase64(body)
    const { mint, unit, memo, proofs } = version === 'A' ? readV3(bytes) : readV4(bytes)
    if (Array.isArray(proofs)) assertFew(proofs.length)
    const read = list(proof)(proofs, 'proofs')
    if (read.length === 0) expected('proofs', 'at least one proof')
    if (new Set(read.map(({ secret }) => secret)).size < read.length) expected('proofs', 'each proof once')
    return compact<Token>({
      mintUrl: normalizeMintUrl(text(mint, 'mint')),
      unit: optional(text)(unit, 'unit') ?? 'sat',
      memo: memo === '' ? undefined : optional(text)(memo, 'memo'),
      proofs: read,
    })
  } catch (cause) {
    if (cause instanceof CashuError) throw cause
    // The cause may show secrets and is left behind.
    throw new CashuError('TOKEN_MALFORMED', 'the token cannot be read')
  }
}

function assertFew(proofs: number): void {
  if (proofs > MOST_PROOFS) throw new CashuError('TOKEN_TOO_LARGE', `the token has more than ${MOST_PROOFS} proofs`)
}

type Raw = Record<'mint' | 'unit' | 'memo' | 'proofs', unknown>

function readV3(bytes: Uint8Array<ArrayBuffer>): Raw {
  const json = record(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)), 'token')
  const entries = field(json, 'token', list(record), '')
  if (new Set(entries.map(({ mint }) => mint)).size > 1) {
    throw new CashuError('TOKEN_OF_SEVERAL_MINTS', 'the token has proofs of several mints')
  }
  return {
    mint: entries[0]?.['mint'],
    unit: json['unit'],
    memo: json['memo'],
    proofs: entries.flatMap(({ proofs }) => proofs),
  }
}

function readV4(bytes: Uint8Array): Raw {
  const json = record(readCbor(bytes), 'token')
  const entries = field(json, 't', list(record), '')
  const lists = entries.map((entry, at) => field(entry, 'p', list(record), `t[${at}]`))
  assertFew(lists.reduce((count, { length }) => count + length, 0))
  const proofs = entries.flatMap((entry, at) => {
    const id = field(entry, 'i', bytesHex, `t[${at}]`)
    return lists[at]!.map(({ a, s, c, d, w }) => ({
      ...{ id, amount: a, secret: s, C: bytesHex(c, 'c'), witness: w },
      dleq: optional(record)(d, 'd') && hexFields(record(d, 'd')),
    }))
  })
  return { mint: json['m'], unit: json['u'], memo: json['d'], proofs }
}

const bytesHex: Parse<string> = (value, at) => (value instanceof Uint8Array ? bytesToHex(value) : expected(at, 'bytes'))

/** What is absent stays out. */
const hexFields = (from: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(from).flatMap(([name, value]) =>
      value === undefined || value === null ? [] : [[name, bytesHex(value, name)]],
    ),
  )

/** Either alphabet, with or without padding. */
function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  const bytes = new Uint8Array(binary.length)
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at)
  return bytes
}

const DLEQ = ['e', 's', 'r'] as const

/** The mint's proof that a signature is its own (NUT-12). One that lacks a part proves nothing, and counts as absent. */
const dleq: Parse<TokenProof['dleq']> = (value, at) => {
  const parts = record(value, at)
  if (DLEQ.some((name) => parts[name] === undefined || parts[name] === null)) return undefined
  return {
    e: field(parts, 'e', scalar, at),
    s: field(parts, 's', scalar, at),
    r: field(parts, 'r', scalar, at),
  }
}

const proof: Parse<TokenProof> = (value, at) => {
  const from = record(value, at)
  const read = compact<TokenProof>({
    amount: field(from, 'amount', amount, at),
    secret: field(from, 'secret', text, at),
    C: field(from, 'C', point, at),
    id: field(from, 'id', hex(/^([0-9a-fA-F]{2}){8,33}$/, 'a keyset id'), at),
    dleq: field(from, 'dleq', optional(dleq), at),
    // V3 tokens carry a JSON text or the object itself.
    witness: field(
      from,
      'witness',
      optional((witness) => (typeof witness === 'string' ? witness : JSON.stringify(witness))),
      at,
    ),
  })
  return read.amount > 0 ? read : expected(`${at}.amount`, 'more than nothing')
}

/** Writes a token of version 4 (NUT-00). Ids of version 01 are shortened. */
export function encodeToken({ mintUrl, unit, memo, proofs }: Token): string {
  return getEncodedToken({
    mint: mintUrl,
    unit,
    ...(memo !== undefined && { memo }),
    proofs: proofs.map(({ amount, secret, C, id, dleq, witness }) => ({
      amount: toAmount(amount),
      secret,
      C,
      id,
      ...(dleq && { dleq: { ...dleq } }),
      // The encoder makes JSON of it.
      ...(witness !== undefined && { witness: JSON.parse(witness) as { signatures: string[] } }),
    })),
  })
}

/**
 * The full keyset id that a token's id stands for, among the ids that the token's mint has; undefined where it is none of
 * them, or may be several.
 */
export function fullKeysetId(id: string, known: Iterable<string>): string | undefined {
  // Only ids of version 01 are shortened, and only to 8 bytes.
  const isShort = id.length === 16 && id.startsWith('01')
  const [match, other] = new Set([...known].filter((full) => (isShort ? full.startsWith(id) : full === id)))
  return other === undefined ? match : undefined
}

/**
 * A mint's address in the one form that we store: http or https, host in lower case, no trailing slash.
 * @throws {CashuError} `MINT_URL_MALFORMED`
 */
export function normalizeMintUrl(mintUrl: string): string {
  try {
    return name(normalize(mintUrl), 'mintUrl')
  } catch (cause) {
    throw new CashuError('MINT_URL_MALFORMED', 'not the address of a mint', { cause })
  }
}

/** Tokens, mint addresses and invoices as text. */
import { getEncodedToken, normalizeMintUrl as normalize } from '@cashu/cashu-ts'
import { bytesToHex } from '@noble/hashes/utils.js'
import { atOnce, type Pieces } from '../time-slices.ts'
import { toAmount } from './amounts.ts'
import { bytesOfBase64 } from './base64.ts'
import { cborPieces } from './cbor.ts'
import { CashuError } from './errors.ts'
import {
  amount,
  compact,
  expected,
  field,
  hex,
  list,
  name,
  optional,
  point,
  record,
  scalar,
  text,
  Malformed,
} from './shape.ts'
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
export const MOST_CHARACTERS = 4_000_000
const MOST_PROOFS = 5_000
/** Entries of all lists of a V4 token: its proofs, and as many keysets as can be. */
const MOST_ENTRIES = MOST_PROOFS + 1_000
/** Brackets and commas of a V3 token: each proof has a dozen, and those of the conditions in its secret. */
const MOST_MARKS = 60 * MOST_PROOFS

/** Proofs that are checked in one piece. */
const PIECE = 50

/**
 * Reads a token of version 3 or 4, with or without a `cashu:` in front (NUT-00).
 * Tokens with more than 4,000,000 characters or 5,000 proofs are rejected.
 *
 * @throws {CashuError} `TOKEN_MALFORMED`, `TOKEN_TOO_LARGE`, `TOKEN_OF_SEVERAL_MINTS`, `PROOF_REPEATED`, `PROOF_WORTHLESS`, `MINT_URL_MALFORMED`
 */
export const decodeToken = (token: string): Token => atOnce(tokenPieces(token))

/** The same, piece by piece. */
export function* tokenPieces(token: string): Pieces<Token> {
  assertShort(token)
  const [, version, body] = /^(?:(?:web\+)?cashu:(?:\/\/)?)?cashu([AB])([\w+/-]+)=*$/.exec(token.trim()) ?? []
  if (version === undefined || body === undefined) throw new CashuError('TOKEN_MALFORMED', 'not a Cashu token')
  const { read, end } = yield* readBody(version, body)
  return body.length === charactersOf(end) ? read : refuseBody('nothing after its end expected')
}

export function assertShort(token: { readonly length: number }): void {
  if (token.length > MOST_CHARACTERS)
    throw new CashuError('TOKEN_TOO_LARGE', `the token has more than ${MOST_CHARACTERS} characters`)
}

/** What is named here is a place in the token; a long name would be some of its content. */
const refuseBody = (place?: string): never => {
  const why = place !== undefined && place.length < 100 ? `: ${place}` : ''
  throw new CashuError('TOKEN_MALFORMED', `the token cannot be read${why}`)
}

/** A token, and where in the bytes that it was read from it ends. */
export interface ReadToken {
  readonly read: Token
  readonly end: number
}

/** How many characters of base64 so many bytes are, without padding. */
export const charactersOf = (bytes: number): number => Math.ceil((bytes * 4) / 3)

/** Reads what stands behind the version; what follows the token is left over. Throws as `decodeToken` does. */
export const readBody = (version: string, body: string): Pieces<ReadToken> =>
  refusing(function* () {
    const bytes = yield* bytesOfBase64(body)
    return yield* version === 'A' ? readJson(bytes) : readBinary(bytes)
  })

/** Reads the CBOR of a V4 token. Throws as `decodeToken` does. */
export const readRaw = (bytes: Uint8Array): Pieces<ReadToken> => refusing(() => readBinary(bytes))

/** Reads the JSON of a token of version 3, or of versions 1 and 2, which had no prefix. Throws as `decodeToken` does. */
export const readJsonText = (bytes: Uint8Array<ArrayBuffer>): Pieces<ReadToken> => refusing(() => readJson(bytes))

/** What goes wrong is a CashuError. */
function* refusing(read: () => Pieces<ReadToken>): Pieces<ReadToken> {
  try {
    return yield* read()
  } catch (cause) {
    if (cause instanceof CashuError) throw cause
    // Other causes may show secrets and are left behind.
    return refuseBody(cause instanceof Malformed ? cause.message : undefined)
  }
}

function* checked({ mintUrl, unit, memo, proofs }: Raw): Pieces<Token> {
  const read: TokenProof[] = []
  const seen = new Set<string>()
  for (const [at, given] of proofs.entries()) {
    if (at > 0 && at % PIECE === 0) yield
    const one = proof(given, `proofs[${at}]`)
    if (seen.has(one.secret)) throw new CashuError('PROOF_REPEATED', `proofs[${at}] is in the token twice`)
    seen.add(one.secret)
    read.push(one)
  }
  if (read.length === 0) expected('proofs', 'at least one proof')
  return compact<Token>({
    mintUrl,
    unit: optional(text)(unit, 'unit') ?? 'sat',
    memo: memo === '' ? undefined : optional(text)(memo, 'memo'),
    proofs: read,
  })
}

function assertFew(proofs: number): void {
  if (proofs > MOST_PROOFS) refuseMany()
}

function refuseMany(): never {
  throw new CashuError('TOKEN_TOO_LARGE', `the token has more than ${MOST_PROOFS} proofs`)
}

interface Raw {
  readonly mintUrl: string
  readonly unit: unknown
  readonly memo: unknown
  readonly proofs: readonly unknown[]
}

function* readJson(bytes: Uint8Array<ArrayBuffer>): Pieces<ReadToken> {
  const end = yield* endOfJson(bytes)
  const source = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, end))
  const value: unknown = JSON.parse(source)
  yield
  // Version 1 was the proofs alone: whoever got them knew the mint.
  if (Array.isArray(value))
    throw new CashuError('TOKEN_WITHOUT_MINT', 'a token of version 1, which does not say its mint')
  const from = record(value, 'token')
  const entries = 'token' in from ? field(from, 'token', list(record), '') : [versionTwo(from)]
  const proofs = entries.flatMap((entry, at) => field(entry, 'proofs', list(record), `token[${at}]`))
  assertFew(proofs.length)
  const mintUrl = oneMint(entries.map((entry, at) => field(entry, 'mint', text, `token[${at}]`)))
  return { read: yield* checked({ mintUrl, unit: from['unit'], memo: from['memo'], proofs }), end }
}

/** Version 2 had its proofs in one list, and its mints in another. */
function versionTwo(from: Record<string, unknown>): Record<string, unknown> {
  const mints = field(from, 'mints', list(record), '')
  const mint = oneMint(mints.map((entry, at) => field(entry, 'url', text, `mints[${at}]`)))
  return { mint, proofs: from['proofs'] }
}

/** Written in whatever way. */
function oneMint(mints: readonly string[]): string {
  const [mintUrl = expected('token', 'a mint'), other] = new Set([...new Set(mints)].map(normalizeMintUrl))
  if (other !== undefined) throw new CashuError('TOKEN_OF_SEVERAL_MINTS', 'the token has proofs of several mints')
  return mintUrl
}

const CHAR = { quote: 0x22, comma: 0x2c, list: 0x5b, escape: 0x5c, listEnd: 0x5d, object: 0x7b, objectEnd: 0x7d }

/** How deep the proofs of version 2 are, or the mints of version 3, and the proofs of version 3. */
const DEPTHS = [3, 5]

/** Where the JSON ends that the bytes begin with. What has too many proofs, or takes long to read, is refused before it is read. */
function* endOfJson(bytes: Uint8Array): Pieces<number> {
  let [depth, marks, entries, isText] = [0, 0, 0, false]
  for (let at = 0; at < bytes.length; at++) {
    if (at > 0 && at % 2 ** 18 === 0) yield
    const byte = bytes[at]
    if (isText) {
      if (byte === CHAR.escape) at++
      else if (byte === CHAR.quote) isText = false
    } else if (byte === CHAR.quote) isText = true
    else if (byte === CHAR.comma) marks++
    else if (byte === CHAR.list || byte === CHAR.object) {
      depth++
      marks++
      if (byte === CHAR.object && DEPTHS.includes(depth)) entries++
    } else if ((byte === CHAR.listEnd || byte === CHAR.objectEnd) && --depth === 0) return spaceAfter(bytes, at + 1)
    if (entries > MOST_ENTRIES || marks > MOST_MARKS) refuseMany()
  }
  return expected('token', 'its whole')
}

function spaceAfter(bytes: Uint8Array, from: number): number {
  let at = from
  while (at < bytes.length && [0x20, 0x09, 0x0a, 0x0d].includes(bytes[at]!)) at++
  return at
}

function* readBinary(bytes: Uint8Array): Pieces<ReadToken> {
  const { value, end } = yield* cborPieces(bytes, { entries: MOST_ENTRIES, tooMany: refuseMany })
  const from = record(value, 'token')
  const entries = field(from, 't', list(record), '')
  const lists = entries.map((entry, at) => field(entry, 'p', list(record), `t[${at}]`))
  assertFew(lists.reduce((count, { length }) => count + length, 0))
  const proofs: unknown[] = []
  for (const [at, entry] of entries.entries()) {
    const id = field(entry, 'i', bytesHex, `t[${at}]`)
    for (const { a, s, c, d, w } of lists[at] ?? []) {
      if (proofs.length % PIECE === 0) yield
      proofs.push({
        ...{ id, amount: a, secret: s, C: bytesHex(c, 'c'), witness: w },
        dleq: optional(record)(d, 'd') && hexFields(record(d, 'd')),
      })
    }
  }
  const mintUrl = normalizeMintUrl(field(from, 'm', text, ''))
  return { read: yield* checked({ mintUrl, unit: from['u'], memo: from['d'], proofs }), end }
}

const bytesHex: Parse<string> = (value, at) => (value instanceof Uint8Array ? bytesToHex(value) : expected(at, 'bytes'))

/** What is absent stays out. */
const hexFields = (from: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(from).flatMap(([name, value]) =>
      value === undefined || value === null ? [] : [[name, bytesHex(value, 'd')]],
    ),
  )

/** Those of keysets from before version 00 are base64. */
const keysetId: Parse<string> = (value, at) =>
  typeof value === 'string' && /^[A-Za-z0-9+/]{12}$/.test(value) ? value : hexId(value, at)
const hexId = hex(/^([0-9a-fA-F]{2}){8,33}$/, 'a keyset id')

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
    id: field(from, 'id', keysetId, at),
    dleq: field(from, 'dleq', optional(dleq), at),
    // V3 tokens carry a JSON text or the object itself.
    witness: field(
      from,
      'witness',
      optional((witness) => (typeof witness === 'string' ? witness : JSON.stringify(witness))),
      at,
    ),
  })
  if (read.amount === 0) throw new CashuError('PROOF_WORTHLESS', `${at} has the amount 0`)
  return read
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

/** Tokens, mint addresses and invoices: what people hand each other as text. */
import { getDecodedTokenBinary, getEncodedToken, normalizeMintUrl as normalize } from '@cashu/cashu-ts'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { bech32 } from '@scure/base'
import { toAmount } from './amounts.ts'
import { CashuError } from './errors.ts'
import { amount, compact, expected, field, hex, list, optional, point, record, scalar, text } from './shape.ts'
import type { Parse } from './shape.ts'

/** One proof of a token (NUT-00). */
export interface TokenProof {
  readonly amount: number
  readonly secret: string
  readonly C: string
  /** As it stands in the token: V4 shortens ids of version 01 to 8 bytes, see `expandKeysetId`. */
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

/**
 * Reads a token of version 3 or 4, with or without a `cashu:` in front (NUT-00).
 * @throws {CashuError} `TOKEN_MALFORMED`, `TOKEN_OF_SEVERAL_MINTS`, `MINT_URL_MALFORMED`
 */
export function decodeToken(token: string): Token {
  const [, version, body] = /^(?:(?:web\+)?cashu:(?:\/\/)?)?cashu([AB])([\w+/-]+)=*$/.exec(token.trim()) ?? []
  if (version === undefined || body === undefined) throw new CashuError('TOKEN_MALFORMED', 'not a Cashu token')
  try {
    const bytes = fromBase64(body)
    const { mint, unit, memo, proofs } = version === 'A' ? readV3(bytes) : readV4(bytes)
    const read = list(proof)(proofs, 'proofs')
    if (read.length === 0) expected('proofs', 'at least one proof')
    if (new Set(read.map(({ secret }) => secret)).size < read.length) expected('proofs', 'each proof once')
    return compact({
      mintUrl: normalizeMintUrl(text(mint, 'mint')),
      unit: optional(text)(unit, 'unit') ?? 'sat',
      memo: memo === '' ? undefined : optional(text)(memo, 'memo'),
      proofs: read,
    } as Token)
  } catch (cause) {
    if (cause instanceof CashuError) throw cause
    // The cause may show secrets and is left behind.
    throw new CashuError('TOKEN_MALFORMED', 'the token cannot be read')
  }
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

const BINARY_PREFIX = utf8ToBytes('crawB')

/** Goes through the binary form: cashu-ts' other way in wants to know all keysets of the mint. */
function readV4(bytes: Uint8Array): Raw {
  const { mint, unit, memo, proofs } = getDecodedTokenBinary(concatBytes(BINARY_PREFIX, bytes))
  return { mint, unit, memo, proofs: proofs.map((entry) => ({ ...entry, amount: entry.amount.toString() })) }
}

/** Either alphabet, with or without padding. */
const fromBase64 = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0))

const proof: Parse<TokenProof> = (value, at) => {
  const from = record(value, at)
  const read = {
    amount: field(from, 'amount', amount, at),
    secret: field(from, 'secret', text, at),
    C: field(from, 'C', point, at),
    id: field(from, 'id', hex(/^([0-9a-fA-F]{2}){8,33}$/, 'a keyset id'), at),
    dleq: field(
      from,
      'dleq',
      optional((dleq, place) => {
        const parts = record(dleq, place)
        return {
          e: field(parts, 'e', scalar, place),
          s: field(parts, 's', scalar, place),
          r: field(parts, 'r', scalar, place),
        }
      }),
      at,
    ),
    // V3 tokens carry a JSON text or the object itself.
    witness: field(
      from,
      'witness',
      optional((witness) => (typeof witness === 'string' ? witness : JSON.stringify(witness))),
      at,
    ),
  } as TokenProof
  return read.amount > 0 ? compact(read) : expected(`${at}.amount`, 'more than nothing')
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
 * The full keyset id that a token's id stands for, among the ids that the token's mint has.
 * @throws {CashuError} `KEYSET_UNKNOWN`, `KEYSET_AMBIGUOUS`
 */
export function expandKeysetId(id: string, known: readonly string[]): string {
  // Only ids of version 01 are shortened, and only to 8 bytes.
  const short = id.length === 16 && id.startsWith('01')
  const [match, other] = known.filter((full) => (short ? full.startsWith(id) : full === id))
  if (match === undefined) throw new CashuError('KEYSET_UNKNOWN', `the mint has no keyset ${id}`)
  if (other !== undefined && other !== match) {
    throw new CashuError('KEYSET_AMBIGUOUS', `the mint has several keysets ${id}…`)
  }
  return match
}

/**
 * A mint's address in the one form that we store: http or https, host in lower case, no trailing slash.
 * @throws {CashuError} `MINT_URL_MALFORMED`
 */
export function normalizeMintUrl(mintUrl: string): string {
  try {
    return normalize(mintUrl)
  } catch (cause) {
    throw new CashuError('MINT_URL_MALFORMED', 'not the address of a mint', { cause })
  }
}

/** Tenths of a millisatoshi, which are picobitcoins, in one of an invoice's units. */
const PICO_IN: Record<string, bigint> = { '': 10n ** 12n, m: 10n ** 9n, u: 10n ** 6n, n: 10n ** 3n, p: 1n }

/** A timestamp of 35 bits and a signature of 520, in words of 5. */
const INVOICE_AT_LEAST_WORDS = 7 + 104

/**
 * What a bolt11 invoice asks for, in millisatoshi; nothing where it leaves that to the payer. The checksum is
 * verified, the signature is not.
 * @throws {CashuError} `INVOICE_MALFORMED`
 */
export function bolt11Amount(request: string): { readonly msat?: number } {
  const { prefix, words } = readBech32(request.trim().replace(/^lightning:/i, ''))
  const match = /^ln(?:bcrt|bc|tbs|tb|sb)(?:([1-9][0-9]*)([munp]?))?$/.exec(prefix)
  if (!match || words.length < INVOICE_AT_LEAST_WORDS) throw malformedInvoice('wrong prefix or length')
  const [, digits, unit = ''] = match
  if (digits === undefined) return {}
  const pico = BigInt(digits) * PICO_IN[unit]!
  const msat = Number(pico / 10n)
  if (pico % 10n || !Number.isSafeInteger(msat)) throw malformedInvoice('no whole number of millisatoshi')
  return { msat }
}

function readBech32(invoice: string): { readonly prefix: string; readonly words: readonly number[] } {
  try {
    return bech32.decode(invoice as `${string}1${string}`, false)
  } catch {
    throw malformedInvoice('wrong checksum')
  }
}

const malformedInvoice = (why: string) => new CashuError('INVOICE_MALFORMED', `not a bolt11 invoice: ${why}`)

/** Tokens as they stand in texts and in bytes. */
import type { Pieces } from '../../time-slices.ts'
import { base64UrlOf, bytesOfBase64, urlAlphabet } from '../base64.ts'
import {
  assertShort,
  charactersOf,
  MOST_CHARACTERS,
  readBody,
  readJsonText,
  readRaw,
  type ReadToken,
  type Token,
} from '../codec.ts'
import { CashuError } from '../errors.ts'
import type { Found, FoundToken, Unreadable } from './found.ts'
import { placesIn, runAt, unescaped, visible, wordAt, type Run } from './scan.ts'

/** What is no token. */
export type Other = Exclude<Found, FoundToken>

/** What was found; a token has its proofs. */
export type Read = Other | { readonly type: 'readToken'; readonly read: Token; readonly text: string }

const BASE64 = /[\w+/-]+/

/** What begins another token, or a payment request, wherever `BEGIN` finds one in a word: so no part of a text is read for two of them. */
const ANOTHER = /(?:^|[_/+-])(?:cashu[A-Z]|CASHU[A-Z]|creq[AB])/

/** The refusal as it is given out. */
export function unreadable(cause: unknown): Unreadable {
  if (!(cause instanceof CashuError)) throw cause
  return { type: 'unreadable', code: cause.code, message: cause.message }
}

export const tooLarge = ({ length }: { readonly length: number }): Unreadable | undefined =>
  length <= MOST_CHARACTERS
    ? undefined
    : { type: 'unreadable', code: 'TEXT_TOO_LARGE', message: `the text has more than ${MOST_CHARACTERS} characters` }

/** What was found at a place, and where the text goes on. */
export interface Place {
  readonly read: readonly Read[]
  readonly end: number
}

/** A token of one proof is longer. */
const LEAST_BODY = 20

/** How tokens begin, whatever is in front of them. */
const BEGIN = /cashu/gi

/** The token that begins there. */
export function* tokenPlace(text: string, at: number): Pieces<Place | undefined> {
  const from = at + 'cashu'.length
  // The case is the prefix's own.
  if (!/^(?:cashu|CASHU)[A-Z]/.test(text.slice(at, from + 1))) return undefined
  const { read, end } = yield* tokenAt(text, from)
  // A name that begins so is none.
  return read.type === 'unreadable' && end <= from + LEAST_BODY ? undefined : { read: [read], end }
}

/** A token, as `receive` takes it: alone, or wherever `parseCashu` finds one. Throws as `decodeToken` does, and `TOKENS_SEVERAL`. */
export function* tokenIn(text: string): Pieces<Token> {
  assertShort(text)
  const seen = yield* visible(text)
  const read = [...(yield* placesIn(yield* unescaped(seen), BEGIN, tokenPlace))]
  if (read.length === 0) {
    const whole = yield* wholeToken(text, seen)
    if (whole) read.push(whole)
  }
  const tokens = new Map(read.flatMap((one) => (one.type === 'readToken' ? [[one.text, one.read] as const] : [])))
  const [token, other] = tokens.values()
  if (other) throw new CashuError('TOKENS_SEVERAL', 'the text has several tokens: parseCashu gives each of them')
  if (token) return token
  const [failed] = read.flatMap((one) => (one.type === 'unreadable' ? [one] : []))
  throw failed ? new CashuError(failed.code, failed.message) : new CashuError('TOKEN_MALFORMED', 'not a Cashu token')
}

/** A text that is a token as a whole, of before the prefixes; JSON as it was written, for a secret may be any text. */
export function* wholeToken(text: string, seen: string): Pieces<Read | undefined> {
  const trimmed = text.trim()
  if (/^[[{]/.test(trimmed)) return yield* jsonToken(new TextEncoder().encode(trimmed))
  // `{"` and `[{` in base64: tokens had no prefix before version 3, whose prefix is part of it.
  return /^\s{0,20}(?:eyJ|W3s)/.test(seen) ? yield* oldToken(seen.trim()) : undefined
}

function* oldToken(text: string): Pieces<Read> {
  const body = text.replaceAll(/\s+/g, '').replace(/={1,2}$/, '')
  const refused: Read = unreadable(new CashuError('TOKEN_MALFORMED', 'not a Cashu token'))
  if (!/^[\w+/-]+$/.test(body)) return refused
  let bytes: Uint8Array<ArrayBuffer>
  try {
    bytes = yield* bytesOfBase64(body)
  } catch {
    return refused
  }
  // NUT-00: without its prefix a token of version 3 is none.
  if (/^\{\s{0,20}"token"/.test(new TextDecoder().decode(bytes.subarray(0, 40))))
    return unreadable(new CashuError('TOKEN_MALFORMED', 'a token without its beginning: cashuA'))
  return yield* jsonToken(bytes)
}

/** The token whose version stands there, and where it ends in the text. */
function* tokenAt(text: string, at: number): Pieces<{ readonly read: Read; readonly end: number }> {
  const version = text[at] ?? ''
  const from = at + 1
  const word = wordAt(text, from, BASE64)
  const end = from + word.length
  if (version !== 'A' && version !== 'B')
    return { read: unreadable(new CashuError('TOKEN_VERSION_UNKNOWN', `a token of version ${version}`)), end }
  const alone = yield* tokenOf(version, { text: word, ends: [{ length: word.length, at: end }] })
  if (alone.read.type !== 'unreadable' || alone.read.code !== 'TOKEN_MALFORMED') return alone
  // It may go on in the next line; where it ends it says itself.
  const run = yield* runAt(text, from, BASE64, MOST_CHARACTERS, ANOTHER)
  if (run.ends.length < 2) return alone
  const wrapped = yield* tokenOf(version, run)
  return wrapped.read.type === 'unreadable' && wrapped.read.code === 'TOKEN_MALFORMED' ? alone : wrapped
}

function* tokenOf(version: string, run: Run): Pieces<{ readonly read: Read; readonly end: number }> {
  const last = run.ends.at(-1)?.at ?? 0
  try {
    const { read, end } = yield* readBody(version, run.text)
    const length = charactersOf(end)
    const at = endAfter(run, length)
    const body = urlAlphabet(run.text.slice(0, length))
    return { read: { type: 'readToken', read, text: `cashu${version}${body}` }, end: at }
  } catch (cause) {
    return { read: unreadable(cause), end: last }
  }
}

/** It must end where a word does; a mark of base64 that is left may be one of the sentence. */
function endAfter({ text, ends }: Run, length: number): number {
  const end = ends.find((one) => one.length >= length)
  if (!end || !/^[_/+-]*$/.test(text.slice(length, Math.min(end.length, length + 10))) || end.length > length + 10)
    throw new CashuError('TOKEN_MALFORMED', 'the token cannot be read: nothing after its end expected')
  return end.at
}

/** The bytes of a V4 token behind `crawB`; undefined for other bytes. */
export function* rawToken(bytes: Uint8Array): Pieces<Read | undefined> {
  if (!RAW.every((byte, at) => bytes[at] === byte)) return undefined
  const body = bytes.subarray(RAW.length)
  try {
    const { read, end } = yield* readRaw(body)
    if (end < body.length)
      throw new CashuError('TOKEN_MALFORMED', 'the token cannot be read: nothing after its end expected')
    return { type: 'readToken', read, text: `cashuB${yield* base64UrlOf(body)}` }
  } catch (cause) {
    return unreadable(cause)
  }
}

const RAW = new TextEncoder().encode('crawB')

/** The JSON of a token of version 3, 2 or 1. */
function* jsonToken(bytes: Uint8Array<ArrayBuffer>): Pieces<Read> {
  try {
    const { read, end }: ReadToken = yield* readJsonText(bytes)
    if (end < bytes.length)
      throw new CashuError('TOKEN_MALFORMED', 'the token cannot be read: nothing after its end expected')
    const { mintUrl: mint, unit, memo, proofs } = read
    const version3 = JSON.stringify({ token: [{ mint, proofs }], unit, memo })
    return { type: 'readToken', read, text: `cashuA${yield* base64UrlOf(new TextEncoder().encode(version3))}` }
  } catch (cause) {
    return unreadable(cause)
  }
}

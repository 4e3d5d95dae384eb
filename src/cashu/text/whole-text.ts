/** Reads a text that is one thing as a whole: an address, a URL, the JSON of an old token. */
import type { Pieces } from '../../time-slices.ts'
import { bytesOfBase64 } from '../base64.ts'
import { normalizeMintUrl } from '../codec.ts'
import { CashuError } from '../errors.ts'
import { urlOfAddress } from './lnurl.ts'
import { jsonToken, unreadable, type Other, type Read } from './token-text.ts'

/** A longer text is no address. */
const MOST_CHARACTERS = 2_000

export function* wholeText(text: string): Pieces<readonly Read[]> {
  const trimmed = text.trim()
  if (trimmed === '') return [unreadable(new CashuError('TEXT_UNKNOWN', 'the text is empty'))]
  if (/^[[{]/.test(trimmed)) return [yield* jsonToken(new TextEncoder().encode(trimmed))]
  // `{"` and `[{` in base64: tokens had no prefix before version 3, whose prefix is part of it.
  if (/^(?:eyJ|W3s)/.test(trimmed)) return [yield* oldToken(trimmed)]
  return trimmed.length > MOST_CHARACTERS ? [] : addressOf(unquoted(trimmed))
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

/** Without what a sentence puts around it. */
const unquoted = (text: string): string => text.replace(/^["'`«„“‘([{<*_]+/, '').replace(/["'`»”’)\]}>*_.,;!?]+$/, '')

function addressOf(text: string): readonly Other[] {
  const bare = text.replace(/^(?:lightning|mailto):/i, '')
  const url = urlOfAddress(bare)
  if (url !== undefined) return [{ type: 'lightningAddress', address: bare.toLowerCase(), url }]
  if (/^(?:(?:bc|tb|bcrt)1[a-z0-9]{8,87}|[13mn2][1-9A-HJ-NP-Za-km-z]{25,34})$/i.test(bare))
    return [{ type: 'bitcoin', address: bare }]
  if (!/^https?:\/\//i.test(text)) return []
  try {
    return [{ type: 'mintUrl', mintUrl: normalizeMintUrl(text) }]
  } catch (cause) {
    return [unreadable(cause)]
  }
}

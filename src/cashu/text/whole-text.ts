/** Reads a text that is one thing as a whole: an address, a URL, the JSON of an old token. */
import type { Pieces } from '../../time-slices.ts'
import { normalizeMintUrl } from '../codec.ts'
import { CashuError } from '../errors.ts'
import { urlOfAddress } from './lnurl.ts'
import { unmarked } from './scan.ts'
import { unreadable, wholeToken, type Other, type Read } from './token-text.ts'

/** A longer text is no address. */
const MOST_CHARACTERS = 2_000

/** The text as it is, and as it can be seen. */
export function* wholeText(text: string, seen: string): Pieces<readonly Read[]> {
  const trimmed = seen.trim()
  if (trimmed === '') return [unreadable(new CashuError('TEXT_UNKNOWN', 'the text is empty'))]
  const token = yield* wholeToken(text, seen)
  if (token) return [token]
  return trimmed.length > MOST_CHARACTERS ? [] : addressOf(unquoted(trimmed))
}

/** Without what a sentence puts around it. */
const unquoted = (text: string): string => unmarked(text.replace(/^["'`«„“‘([{<*_]+/, ''))

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

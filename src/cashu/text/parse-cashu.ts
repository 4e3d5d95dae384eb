/**
 * Reads what people paste or scan. One pass finds where something may begin, by its first letters; each such place is then read as what
 * it says it is. A text is never read more often than there are places, and of these there is a limit.
 */
import { checkFunction, checkNames } from '../../arguments.ts'
import { inTurns, taker, type Pieces } from '../../time-slices.ts'
import { toAmount } from '../amounts.ts'
import { compact } from '../shape.ts'
import { PREFERRED, type CashuText, type Found, type FoundToken } from './found.ts'
import { resolved, type ResolveLnurl } from './lnurl.ts'
import { allIn } from './places.ts'
import { rawToken, tooLarge, type Read } from './token-text.ts'
import { wholeText } from './whole-text.ts'
import { unescaped, visible } from './scan.ts'

/** What `parseCashu` is given besides the text. */
export interface ParseCashuOptions {
  /**
   * Gets the JSON at the URL of an LNURL or a Lightning address, by HTTP; of several in a text the first one is asked. Left out, nobody is
   * asked. Whoever is asked learns that the text was read.
   */
  readonly resolve?: ResolveLnurl
}

/** How long others may have to wait. */
const SLICE_MS = 8

/**
 * Says what is in a text that somebody pasted or scanned, or in the bytes of a token (`crawB…`, NUT-00): a token, a payment request, an invoice,
 * an offer, a Lightning address, an LNURL, a bitcoin address or the URL of a mint. It may stand in a link, in a sentence, between quotes,
 * over several lines, or be hidden behind an emoji. Where there are several things, the preferred one is first: `also` has the others.
 * Texts of more than 4,000,000 characters are not read. Nothing is sent, and others have their turn meanwhile.
 *
 * It does not reject for any text: what cannot be read is `unreadable`, with a code and what is wrong.
 *
 * @throws {TypeError} naming the argument.
 * @example
 * const found = await parseCashu('Thanks! cashu:cashuBo2F0…')
 * if (found.type === 'token') await wallet.receive.prepare({ token: found.token })
 * else if (found.type === 'unreadable') console.log(found.code, found.message)
 */
export async function parseCashu(text: string | Uint8Array, options: ParseCashuOptions = {}): Promise<CashuText> {
  checkNames(options, 'options', ['resolve'])
  checkFunction(options.resolve, 'resolve')
  if (typeof text !== 'string' && !(text instanceof Uint8Array)) throw new TypeError('text: a text, or bytes')
  const { resolve } = options
  const found = await inTurns(foundIn(text), taker(SLICE_MS))
  const [first = NOTHING, ...also] = resolve ? await withPay(found, resolve) : found
  return { ...first, also }
}

const NOTHING: Found = {
  type: 'unreadable',
  code: 'TEXT_UNKNOWN',
  message: 'there is nothing in it to pay or to receive',
}

/** What the first of those that can be asked takes: a text with many of them is no reason to ask them all. */
async function withPay(found: readonly Found[], resolve: ResolveLnurl): Promise<readonly Found[]> {
  const at = found.findIndex(({ type }) => type === 'lnurl' || type === 'lightningAddress')
  const asked = found[at]
  if (asked?.type !== 'lnurl' && asked?.type !== 'lightningAddress') return found
  const pay = await resolved(asked.url, resolve)
  return pay ? found.with(at, { ...asked, pay }) : found
}

function* foundIn(text: string | Uint8Array): Pieces<readonly Found[]> {
  const found = new Map<string, Found>()
  for (const read of yield* readAll(text)) {
    const one = shown(read)
    // Often a text has the same thing twice: as a link, and to be copied.
    found.set(JSON.stringify(one.type === 'token' ? one.token : one), one)
  }
  return [...found.values()].toSorted((a, b) => PREFERRED.indexOf(a.type) - PREFERRED.indexOf(b.type))
}

/** Everything in a text, as it stands there. */
export function* readAll(text: string | Uint8Array): Pieces<readonly Read[]> {
  const refused = tooLarge(text)
  if (refused) return [refused]
  if (typeof text !== 'string') {
    const raw = yield* rawToken(text)
    return raw ? [raw] : yield* readAll(new TextDecoder().decode(text))
  }
  const seen = yield* visible(text)
  const read = yield* allIn(yield* unescaped(seen))
  return read.length > 0 ? read : yield* wholeText(text, seen)
}

/** Without the secrets. */
function shown(read: Read): Found {
  if (read.type !== 'readToken') return read
  const { token, mintUrl, unit, memo, proofs } = { ...read.read, token: read.text }
  const amount = proofs.reduce((sum, proof) => sum + proof.amount, 0)
  if (!Number.isSafeInteger(amount))
    return { type: 'unreadable', code: 'TOKEN_MALFORMED', message: 'the proofs come to no amount in all' }
  return compact<FoundToken>({
    type: 'token',
    token,
    mintUrl,
    unit,
    amount: toAmount(amount),
    proofs: proofs.length,
    memo,
  })
}

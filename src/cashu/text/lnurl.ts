/** LNURL-pay (LUD-01, 06, 16, 17): where to ask, and what is asked for there. */
import { bech32 } from '@scure/base'
import { CashuError } from '../errors.ts'
import { amount, compact, expected, field, oneOf, record, text } from '../shape.ts'
import type { Parse } from '../shape.ts'

/** What an LNURL or a Lightning address takes (LUD-06). An invoice is got by `callback`, with `amount` in millisatoshi as its parameter. */
export interface LnurlPay {
  /** Where an invoice is got. */
  readonly callback: string
  /** The least that it takes, in millisatoshi. */
  readonly leastMsat: number
  /** The most that it takes, in millisatoshi. */
  readonly mostMsat: number
  /** For the payer to read. */
  readonly description?: string
}

/** Gets the JSON that stands at a URL; whatever it throws counts as not to be had. */
export type ResolveLnurl = (url: string) => Promise<unknown>

/** A longer one is refused. */
const MOST_CHARACTERS = 4_000

const malformed = (why: string): CashuError => new CashuError('LNURL_MALFORMED', `not an LNURL: ${why}`)

/** The URL in `lnurl1…`. @throws {CashuError} `LNURL_MALFORMED` */
export function urlOfLnurl(lnurl: string): string {
  const lower = lnurl.toLowerCase()
  if (lower.length > MOST_CHARACTERS) throw malformed(`more than ${MOST_CHARACTERS} characters`)
  const [, body] = lower.split('lnurl1')
  try {
    const { words } = bech32.decode(`lnurl1${body}`, false)
    return secure(new TextDecoder('utf-8', { fatal: true }).decode(bech32.fromWords(words)))
  } catch (cause) {
    throw cause instanceof CashuError ? cause : malformed('wrong checksum or contents')
  }
}

/** The URL of `lnurlp://domain/path`. @throws {CashuError} `LNURL_MALFORMED` */
export function urlOfScheme(rest: string): string {
  if (rest.length > MOST_CHARACTERS) throw malformed(`more than ${MOST_CHARACTERS} characters`)
  const scheme = /^[^/?#:]+\.onion(?:[/?#:]|$)/i.test(rest) ? 'http' : 'https'
  return secure(`${scheme}://${rest}`)
}

/** Over TLS, or to where that is not needed. */
function secure(text: string): string {
  if (!URL.canParse(text)) throw malformed('no URL')
  const { protocol, hostname, href } = new URL(text)
  const isSecure = protocol === 'https:' || (protocol === 'http:' && hostname.endsWith('.onion'))
  return isSecure ? href : throwMalformed('the URL is not secure')
}

const throwMalformed = (why: string): never => {
  throw malformed(why)
}

/** Where a Lightning address is asked (LUD-16); undefined for what is none. */
export function urlOfAddress(address: string): string | undefined {
  const [, name, domain] = /^([a-z0-9._+-]{1,64})@([a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8})$/i.exec(address) ?? []
  if (name === undefined || domain === undefined) return undefined
  const scheme = /\.onion$/i.test(domain) ? 'http' : 'https'
  return `${scheme}://${domain}/.well-known/lnurlp/${name}`.toLowerCase()
}

const payRequest: Parse<LnurlPay> = (value, at) => {
  const from = record(value, at)
  field(from, 'tag', oneOf('payRequest'), at)
  const pay = {
    callback: secure(field(from, 'callback', text, at)),
    leastMsat: field(from, 'minSendable', amount, at),
    mostMsat: field(from, 'maxSendable', amount, at),
  }
  if (pay.leastMsat > pay.mostMsat) expected(at, 'a range')
  return compact<LnurlPay>({ ...pay, description: descriptionIn(from['metadata']) })
}

/** Of a list of types and contents, as JSON. */
function descriptionIn(metadata: unknown): string | undefined {
  if (typeof metadata !== 'string' || metadata.length > 100_000) return undefined
  let entries: unknown
  try {
    entries = JSON.parse(metadata)
  } catch {
    return undefined
  }
  if (!Array.isArray(entries)) return undefined
  for (const entry of entries) {
    if (!Array.isArray(entry)) continue
    const [type, content] = Array.from<unknown>(entry)
    if (type === 'text/plain' && typeof content === 'string') return content
  }
  return undefined
}

/** Asks what stands at the URL; undefined where it could not be had, or pays nobody. */
export async function resolved(url: string, resolve: ResolveLnurl): Promise<LnurlPay | undefined> {
  try {
    return payRequest(await resolve(url), 'answer')
  } catch {
    return undefined
  }
}

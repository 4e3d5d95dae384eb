/**
 * Who may ask the inspector's server: whoever has its token, from a page that it served itself. That a browser was led to 127.0.0.1 by
 * another name (DNS rebinding) shows in `Host`, and that another page asks in `Origin`.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

/** What every answer says. The page needs nothing of elsewhere, and nothing inline. */
export const SAFE_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'cache-control': 'no-store',
} as const

/** A refusal of the server, as its status and a word for programs. */
export class Refused extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

/** 32 random bytes as text. */
export const newToken = (): string => randomBytes(32).toString('base64url')

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** In a time that says nothing about where two texts differ, or how long they are. */
const isSameSecret = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other))

/** `host` as browsers write it for a port. */
const hostsOf = (port: number): readonly string[] => [`127.0.0.1:${port}`, `localhost:${port}`]

/**
 * Whether a page of this server asks, or no page. A link of elsewhere may lead a person to the page itself, which tells nothing.
 *
 * @throws {Refused}
 */
export function checkPlace({ headers, method, url = '' }: IncomingMessage, port: number): void {
  const { host = '', origin } = headers
  const hosts = hostsOf(port)
  if (!hosts.includes(host)) throw new Refused(403, 'HOST', 'not by this name')
  if (origin !== undefined && origin !== `http://${host}`) throw new Refused(403, 'ORIGIN', 'not from another page')
  const site = headers['sec-fetch-site']
  const isLed = headers['sec-fetch-mode'] === 'navigate' && url === '/'
  if (site !== undefined && site !== 'same-origin' && site !== 'none' && !isLed)
    throw new Refused(403, 'ORIGIN', 'not from another page')
  if (method === 'POST' && origin === undefined) throw new Refused(403, 'ORIGIN', 'a page says where it is from')
}

/** @throws {Refused} where the request does not carry the token */
export function checkToken({ authorization = '' }: IncomingHttpHeaders, token: string): void {
  if (!isSameSecret(authorization, `Bearer ${token}`))
    throw new Refused(401, 'TOKEN', 'open the address that was printed')
}

/** Who a client is, for shares of what is bounded: the address that it comes from. */
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'

/** Of an IPv6 address, the part that one customer of a network has to itself. */
const OWN_GROUPS = 4
const GROUPS = 8

/** The eight groups of an IPv6 address, as they are written. */
function groupsOf(address: string): string[] {
  const [head = '', tail] = address.split('%')[0]!.split('::')
  const [before, after] = [head, tail ?? ''].map((part) => part.split(':').filter((group) => group !== ''))
  const missing = tail === undefined ? 0 : GROUPS - before!.length - after!.length
  return [...before!, ...Array.from({ length: missing }, () => '0'), ...after!]
}

/** An address as it counts: a whole IPv4 address, and of IPv6 the network. Undefined where it is none. */
export function partyOf(address: string): string | undefined {
  const given = address.trim()
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(given)?.[1] ?? given
  if (isIP(mapped) === 4) return mapped
  if (isIP(mapped) !== 6) return undefined
  const own = groupsOf(mapped).slice(0, OWN_GROUPS)
  return own.map((group) => Number.parseInt(group, 16).toString(16)).join(':')
}

/**
 * The client of a request: by the last address in the header that is trusted, which the proxy next to the mint wrote, or
 * else by the connection.
 */
export function clientOf({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>, header?: string): string {
  const given = header === undefined ? undefined : headers[header.toLowerCase()]
  const last = [given ?? []].flat().join(',').split(',').at(-1) ?? ''
  return partyOf(last) ?? partyOf(socket.remoteAddress ?? '') ?? ''
}

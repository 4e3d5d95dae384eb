/** Whom a payment over Nostr goes to: a key, and relays, as text (NIP-19). */
import { bech32 } from '@scure/base'
import { expected } from '../shape.ts'

export interface NostrKey {
  /** 32 bytes. */
  readonly key: Uint8Array
  readonly relays: readonly string[]
}

const KEY_BYTES = 32
const TYPE = { key: 0, relay: 1 }

/** Reads an `npub` or an `nprofile`. @throws {TypeError} */
export function nostrKey(target: string): NostrKey {
  try {
    const { prefix, words } = bech32.decode(checked(target), false)
    const bytes = bech32.fromWords(words)
    if (prefix === 'npub') return { key: whole(bytes), relays: [] }
    if (prefix !== 'nprofile') throw new TypeError('neither')
    return profile(bytes)
  } catch {
    throw new TypeError('target: an npub or an nprofile')
  }
}

const checked = (target: string): `${string}1${string}` =>
  hasSeparator(target) ? target : expected('target', 'a separator')
const hasSeparator = (target: string): target is `${string}1${string}` => target.includes('1')

/** Writes an `nprofile`. @throws {Malformed} */
export function nostrTarget(key: Uint8Array, relays: readonly string[]): string {
  const bytes = [TYPE.key, KEY_BYTES, ...whole(key)]
  for (const relay of relays) {
    const utf8 = new TextEncoder().encode(relay)
    if (utf8.length > 255) expected('relay', 'at most 255 bytes')
    bytes.push(TYPE.relay, utf8.length, ...utf8)
  }
  return bech32.encode('nprofile', bech32.toWords(Uint8Array.from(bytes)), false)
}

function profile(bytes: Uint8Array): NostrKey {
  let key: Uint8Array | undefined
  const relays: string[] = []
  for (let at = 0; at < bytes.length;) {
    const end = at + 2 + (bytes[at + 1] ?? 0)
    if (end > bytes.length) expected('profile', 'its whole')
    const value = bytes.subarray(at + 2, end)
    if (bytes[at] === TYPE.key) key ??= whole(value)
    else if (bytes[at] === TYPE.relay) relays.push(new TextDecoder('utf-8', { fatal: true }).decode(value))
    at = end
  }
  return { key: key ?? expected('profile', 'a key'), relays }
}

const whole = (key: Uint8Array): Uint8Array => (key.length === KEY_BYTES ? key : expected('key', `${KEY_BYTES} bytes`))

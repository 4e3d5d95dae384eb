/** Payment requests as fields of a type, a length and a value, in bech32m (NUT-26). */
import { bech32m } from '@scure/base'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { compact, expected } from '../shape.ts'
import { nostrKey, nostrTarget } from './nostr-target.ts'
import type { PaymentLock, PaymentTransport, RawRequest } from './payment-terms.ts'

const PREFIX = 'creqb'

const FIELD = { id: 1, amount: 2, unit: 3, singleUse: 4, mint: 5, description: 6, transport: 7, lock: 8 }
/** Of a transport and of a lock alike; the second is a transport's target or a lock's data. */
const PART = { kind: 1, value: 2, tag: 3 }

/** Names by their numbers; a number that has none is written as `kind 7`. */
const TRANSPORTS = ['nostr', 'post']
const LOCKS = ['P2PK', 'HTLC']

type Fields = readonly (readonly [type: number, value: Uint8Array])[]

const utf8 = (bytes: Uint8Array): string => new TextDecoder('utf-8', { fatal: true }).decode(bytes)
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

/** @throws {Error} of any kind, where it is none */
export function readTlvRequest(request: string): RawRequest {
  // Mixed case is read, too.
  const [, body] = request.toLowerCase().split(`${PREFIX}1`)
  const { words } = bech32m.decode(`${PREFIX}1${body}`, false)
  const fields = fieldsOf(bech32m.fromWords(words))
  const amount = one(fields, FIELD.amount)
  const unit = one(fields, FIELD.unit)
  const singleUse = one(fields, FIELD.singleUse)
  const locked = one(fields, FIELD.lock)
  return compact<RawRequest>({
    id: textIn(fields, FIELD.id),
    amount: amount && numberOf(amount),
    unit: unit && (unit.length === 1 && unit[0] === 0 ? 'sat' : full(utf8(unit))),
    singleUse: singleUse && numberOf(singleUse) !== 0,
    mints: all(fields, FIELD.mint).map(utf8),
    description: textIn(fields, FIELD.description),
    transports: all(fields, FIELD.transport).map(transportOf),
    lock: locked && lockOf(locked),
  })
}

/** @throws {TypeError} for what the format cannot say */
export function writeTlvRequest(request: RawRequest): string {
  const { id, amount, unit, singleUse, mints, description, transports, lock } = request
  const fields: [number, Uint8Array][] = []
  if (id !== undefined) fields.push([FIELD.id, bytesOf(id)])
  if (amount !== undefined) fields.push([FIELD.amount, u64(amount)])
  if (unit !== undefined) fields.push([FIELD.unit, unit === 'sat' ? Uint8Array.of(0) : bytesOf(unit)])
  if (singleUse !== undefined) fields.push([FIELD.singleUse, Uint8Array.of(Number(singleUse))])
  for (const mint of mints) fields.push([FIELD.mint, bytesOf(mint)])
  if (description !== undefined) fields.push([FIELD.description, bytesOf(description)])
  for (const transport of transports)
    if (transport.type !== IN_BAND) fields.push([FIELD.transport, bytesOfTransport(transport)])
  if (lock !== undefined) {
    const { kind, data, tags } = lock
    fields.push([FIELD.lock, joined([[PART.kind, kindByte(kind, LOCKS)], [PART.value, bytesOf(data)], ...tagFields(tags)])]) // prettier-ignore
  }
  // QR codes have a denser mode for capitals.
  return bech32m.encode(PREFIX, bech32m.toWords(joined(fields)), false).toUpperCase()
}

function fieldsOf(bytes: Uint8Array): Fields {
  const fields: [number, Uint8Array][] = []
  for (let at = 0; at < bytes.length;) {
    const [type, high, low] = bytes.subarray(at, at + 3)
    if (type === undefined || high === undefined || low === undefined) return expected('fields', 'their whole')
    const end = at + 3 + high * 256 + low
    if (end > bytes.length) expected('fields', 'their whole')
    fields.push([type, bytes.subarray(at + 3, end)])
    at = end
  }
  return fields
}

const all = (fields: Fields, type: number): Uint8Array[] =>
  fields.flatMap(([of, value]) => (of === type ? [value] : []))

function one(fields: Fields, type: number): Uint8Array | undefined {
  const [value, other] = all(fields, type)
  return other === undefined ? value : expected('fields', 'each once')
}

const full = (text: string): string => (text === '' ? expected('field', 'a text') : text)

function textIn(fields: Fields, type: number): string | undefined {
  const value = one(fields, type)
  return value && full(utf8(value))
}

function numberOf(bytes: Uint8Array): number {
  const number = bytes.length > 8 ? NaN : bytes.reduce((sum, byte) => sum * 256 + byte, 0)
  return Number.isSafeInteger(number) ? number : expected('field', 'an amount')
}

const u64 = (number: number): Uint8Array => {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(number))
  return bytes
}

function transportOf(bytes: Uint8Array): PaymentTransport {
  const fields = fieldsOf(bytes)
  const target = one(fields, PART.value) ?? new Uint8Array()
  const type = typeOf(kindIn(fields), target)
  const tags = tagsIn(fields)
  if (type !== 'nostr')
    return compact<PaymentTransport>({ type, target: type === 'post' ? utf8(target) : bytesToHex(target), tags })
  const relays = (tags ?? []).flatMap(([name, ...values]) => (name === RELAY ? values : []))
  const others = (tags ?? []).filter(([name]) => name !== RELAY)
  return compact<PaymentTransport>({
    type,
    target: nostrTarget(target, relays),
    tags: others.length === 0 ? undefined : others,
  })
}

/** Earlier drafts counted from 0 for a payment in band, and had one more for the others: the target says which it is. */
function typeOf(kind: number, target: Uint8Array): string {
  if (kind === 0 && target.length === 0) return IN_BAND
  const isUrl = /^https?:/i.test(new TextDecoder().decode(target))
  if (kind <= 1) return isUrl ? 'post' : 'nostr'
  return kind === 2 && isUrl ? 'post' : `kind ${kind}`
}

/** A request without transports is the same. */
const IN_BAND = 'in_band'

/** The tag of a Nostr relay. */
const RELAY = 'r'

function bytesOfTransport({ type, target, tags = [] }: PaymentTransport): Uint8Array {
  const kind = kindByte(type, TRANSPORTS)
  const fields: [number, Uint8Array][] = [[PART.kind, kind]]
  if (type !== 'nostr') {
    fields.push([PART.value, type === 'post' ? bytesOf(target) : hexToBytes(target)], ...tagFields(tags))
    return joined(fields)
  }
  const { key, relays } = nostrKey(target)
  fields.push([PART.value, key], ...tagFields(tags), ...tagFields(relays.map((relay) => [RELAY, relay])))
  return joined(fields)
}

function lockOf(bytes: Uint8Array): PaymentLock {
  const fields = fieldsOf(bytes)
  const data = textIn(fields, PART.value) ?? expected('lock', 'data')
  const kind = kindIn(fields)
  return compact<PaymentLock>({ kind: LOCKS[kind] ?? `kind ${kind}`, data, tags: tagsIn(fields) })
}

function kindIn(fields: Fields): number {
  const [number, more] = one(fields, PART.kind) ?? []
  return number !== undefined && more === undefined ? number : expected('kind', 'one byte')
}

function kindByte(kind: string, names: readonly string[]): Uint8Array {
  const known = names.indexOf(kind)
  const number = known >= 0 ? known : Number(/^kind (\d{1,3})$/.exec(kind)?.[1])
  if (!(number <= 255)) throw new TypeError(`${names === LOCKS ? 'lock' : 'type'}: one of ${names.join(', ')}`)
  return Uint8Array.of(number)
}

/** Texts, each behind its length. */
function tagsIn(fields: Fields): string[][] | undefined {
  const tags = all(fields, PART.tag).map((bytes) => {
    const texts: string[] = []
    for (let at = 0; at < bytes.length;) {
      const end = at + 1 + (bytes[at] ?? 0)
      if (end > bytes.length) expected('tag', 'its whole')
      texts.push(utf8(bytes.subarray(at + 1, end)))
      at = end
    }
    return texts
  })
  return tags.length === 0 ? undefined : tags
}

const tagFields = (tags: readonly (readonly string[])[] = []): [number, Uint8Array][] =>
  tags.map((tag) => {
    const texts = tag.map(bytesOf)
    if (texts.some(({ length }) => length > 255)) throw new TypeError('tags: at most 255 bytes each')
    return [PART.tag, concat(texts.flatMap((text) => [Uint8Array.of(text.length), text]))]
  })

const joined = (fields: Fields): Uint8Array =>
  concat(
    fields.flatMap(([type, value]) => {
      if (value.length > 0xffff) throw new TypeError('request: a field of at most 65535 bytes')
      return [Uint8Array.of(type, value.length >> 8, value.length & 255), value]
    }),
  )

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

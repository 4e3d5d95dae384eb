/**
 * Goal: payment requests say the same here and elsewhere, in both of their forms (NUT-18, NUT-26).
 * Method: the NUTs' vectors; drawn requests, which come back as they were; and cashu-ts, which reads ours and whose own we read.
 */
import {
  decodePaymentRequest as decodeTheirs,
  PaymentRequest as Theirs,
  PaymentRequestTransportType,
} from '@cashu/cashu-ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CashuError } from '../../src/cashu/errors.ts'
import {
  decodePaymentRequest,
  encodePaymentRequest,
  type PaymentRequest,
  type PaymentRequestTerms,
} from '../../src/cashu/text/payment-request.ts'
import { NUT18, NUT26, type RequestVector } from '../kits/payment-request-vectors.ts'

/** As the NUTs write it. */
const json = ({ id, amount, unit, singleUse, mints, description, transports, lock }: PaymentRequest) => ({
  i: id,
  a: amount?.toNumber(),
  u: unit,
  s: singleUse,
  m: mints,
  d: description,
  t:
    transports.length === 0 ? undefined : transports.map(({ type, target, tags }) => ({ t: type, a: target, g: tags })),
  nut10: lock && { k: lock.kind, d: lock.data, t: lock.tags },
})

const malformed = expect.objectContaining({ name: 'CashuError', code: 'PAYMENT_REQUEST_MALFORMED' }) as unknown

describe('the vectors of the NUTs', () => {
  const vectors = [...Object.entries(NUT18), ...Object.entries(NUT26)]

  test.each(vectors)('%s is read, and written again says the same', (_, vector: RequestVector) => {
    const request = decodePaymentRequest(vector.encoded)
    expect(json(request)).toEqual(vector.json)
    for (const version of ['creqA', 'creqB'] as const) {
      // A key that is none, which NUT-18 has, cannot be written as bytes.
      if (version === 'creqB' && vector.json.t?.[0]?.a.startsWith('npub')) continue
      expect(decodePaymentRequest(encodePaymentRequest(request, version))).toEqual(request)
    }
  })

  test('are written as they are, where they do not use numbers of an earlier draft', () => {
    const written = Object.values(NUT26).filter(({ json: { t = [] } }) => t.length === 0)
    expect(written.length).toBeGreaterThan(8)
    for (const { encoded } of written)
      expect(encodePaymentRequest(decodePaymentRequest(encoded), 'creqB')).toBe(encoded)
    for (const name of ['basic', 'minimal', 'NUT-10 locking']) {
      const { encoded } = NUT18[name]!
      expect(encodePaymentRequest(decodePaymentRequest(encoded))).toBe(encoded.replace(/=+$/, ''))
    }
  })

  test('are read in any case', () => {
    const { encoded } = NUT26['example']!
    const request = decodePaymentRequest(encoded)
    const mixed = encoded.replaceAll(/(.)(..)/g, (_, first: string, rest: string) => first.toLowerCase() + rest)
    for (const text of [encoded.toLowerCase(), mixed, ` ${encoded}\n`])
      expect(decodePaymentRequest(text)).toEqual(request)
    expect(decodePaymentRequest(NUT18['minimal']!.encoded.replace('creqA', 'CREQA'))).toMatchObject({ id: '7f4a2b39' })
  })
})

const text = fc.string({ minLength: 1, maxLength: 30, unit: 'grapheme' }).filter((value) => value.isWellFormed())
const tags = fc.array(fc.array(text, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 })
const KEY = 'nprofile1qqsrhuxx8l9ex335q7he0f09aej04zpazpl0ne2cgukyawd24mayt8g2lcy6q'

const terms: fc.Arbitrary<PaymentRequestTerms> = fc
  .record(
    {
      id: text,
      amount: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
      unit: fc.constantFrom('sat', 'msat', 'usd'),
      singleUse: fc.boolean(),
      mints: fc.uniqueArray(fc.constantFrom('https://a.example', 'https://b.example/x', 'http://localhost:3338')),
      description: text,
      transports: fc.array(
        fc.oneof(
          fc.record({ type: fc.constant('nostr'), target: fc.constant(KEY), tags: fc.constant([['n', '17']]) }),
          fc.record(
            { type: fc.constant('post'), target: fc.webUrl({ size: 'small' }), tags },
            { requiredKeys: ['type', 'target'] },
          ),
        ),
        { maxLength: 3 },
      ),
      lock: fc.record(
        { kind: fc.constantFrom('P2PK', 'HTLC', 'kind 9'), data: text, tags },
        { requiredKeys: ['kind', 'data'] },
      ),
    },
    { requiredKeys: [] },
  )
  .map((given) => (given.amount === undefined ? given : { unit: 'sat', ...given })) as never

describe('drawn requests', () => {
  test('come back as they were, in both forms', () => {
    fc.assert(
      fc.property(terms, fc.constantFrom('creqA', 'creqB'), (given, version) => {
        const read = decodePaymentRequest(encodePaymentRequest(given, version))
        const { amount, ...rest } = read
        expect({ ...rest, ...(amount && { amount: amount.toNumber() }) }).toEqual({
          mints: [],
          transports: [],
          ...given,
        })
      }),
    )
  })

  test('are read by cashu-ts, and its own by us', () => {
    fc.assert(
      fc.property(terms, fc.constantFrom('creqA', 'creqB'), (given, version) => {
        const ours = encodePaymentRequest(given, version)
        // It reads no lock that it does not know, and no longer text in bech32m.
        fc.pre(given.lock?.kind !== 'kind 9' && ours.length <= 1_023)
        const theirs = decodeTheirs(ours)
        expect(theirs.id).toBe(given.id)
        expect(theirs.amount?.toNumber()).toBe(given.amount)
        expect(theirs.unit).toBe(given.unit)
        expect(theirs.singleUse).toBe(given.singleUse ?? false)
        expect(theirs.mints ?? []).toEqual(given.mints ?? [])
        expect(theirs.description).toBe(given.description)
        expect(theirs.transport ?? []).toEqual(given.transports ?? [])
        expect(theirs.nut10 && { ...theirs.nut10 }).toEqual(given.lock && { tags: theirs.nut10?.tags, ...given.lock })

        const transports = (given.transports ?? []).map((one) => ({
          ...{ type: one.type === 'post' ? PaymentRequestTransportType.POST : PaymentRequestTransportType.NOSTR },
          ...{ target: one.target, ...(one.tags && { tags: one.tags.map((tag) => [...tag]) }) },
        }))
        const { id, amount, unit, mints, description, singleUse } = given
        const request = new Theirs(transports, id, amount, unit, mints && [...mints], description, singleUse)
        const written = version === 'creqA' ? request.toEncodedCreqA() : request.toEncodedCreqB()
        const { lock: _, ...unlocked } = given
        // It does not write that a request may be paid more than once.
        const once = { singleUse: false, ...decodePaymentRequest(written) }
        expect(once).toEqual({ singleUse: false, ...decodePaymentRequest(encodePaymentRequest(unlocked)) })
      }),
    )
  })

  /** The code with which a text is refused; undefined where it is read. */
  const refusal = (text: string): string | undefined => {
    try {
      decodePaymentRequest(text)
      return undefined
    } catch (error) {
      return error instanceof CashuError ? error.code : String(error)
    }
  }

  test('that are damaged are refused, and nothing else is thrown', () => {
    const READ = [undefined, 'PAYMENT_REQUEST_MALFORMED']
    const letters = fc.stringMatching(/^[a-zA-Z0-9=+]$/)
    fc.assert(
      fc.property(terms, fc.constantFrom('creqA', 'creqB'), fc.nat(), letters, (given, version, at, letter) => {
        const written = encodePaymentRequest(given, version)
        const place = at % written.length
        expect(READ).toContain(refusal(written.slice(0, place) + letter + written.slice(place + 1)))
        // CBOR says where it ends, bech32m has a checksum.
        expect(refusal(written.slice(0, place))).toBe('PAYMENT_REQUEST_MALFORMED')
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), (bytes) => {
        expect(READ).toContain(refusal(`creqA${Buffer.from(bytes).toString('base64url')}`))
      }),
    )
  })
})

describe('a request', () => {
  test('has an amount in sat where it does not say the unit, and each mint once', () => {
    const request = { amount: 5, unit: 'sat', mints: ['https://mint.example/', 'https://MINT.example'] }
    expect(decodePaymentRequest(encodePaymentRequest(request))).toMatchObject({ mints: ['https://mint.example'] })
    const bare = Buffer.from([0xa1, 0x61, 0x61, 0x05]).toString('base64url')
    expect(decodePaymentRequest(`creqA${bare}`)).toMatchObject({ unit: 'sat', mints: [], transports: [] })
  })

  test('that cannot be written is a TypeError that names what is wrong', () => {
    expect(() => encodePaymentRequest({ amount: 5 })).toThrow(/^unit: /)
    expect(() => encodePaymentRequest({ price: 5 } as never)).toThrow(/^price: /)
    expect(() => decodePaymentRequest(7 as never)).toThrow(/^request: /)
    expect(() => encodePaymentRequest({ amount: -5, unit: 'sat' })).toThrow(/^amount: /)
    expect(() => encodePaymentRequest({ id: 'a' }, 'creqC' as never)).toThrow(/^version: /)
    const nostr = { transports: [{ type: 'nostr', target: 'bob' }] }
    expect(() => encodePaymentRequest(nostr, 'creqB')).toThrow(/^target: /)
    expect(() => encodePaymentRequest({ transports: [{ type: 'pigeon', target: 'bob' }] }, 'creqB')).toThrow(/^type: /)
    expect(() => encodePaymentRequest({ description: 'x'.repeat(70_000) }, 'creqB')).toThrow(/^request: /)
    expect(() => encodePaymentRequest({ mints: ['ftp://mint'] })).toThrow(
      expect.objectContaining({ code: 'MINT_URL_MALFORMED' }),
    )
  })

  test('that is too long, or has a mint that is none, is refused', () => {
    for (const bad of [
      '',
      'creqA',
      'creqB',
      'creqC1',
      'creqb1',
      `creqA${'A'.repeat(20_001)}`,
      `creqb1${'q'.repeat(30_000)}`,
    ])
      expect(() => decodePaymentRequest(bad)).toThrow(malformed as Error)
    const mint = Buffer.from([0xa1, 0x61, 0x6d, 0x81, 0x61, 0x78]).toString('base64url')
    expect(() => decodePaymentRequest(`creqA${mint}`)).toThrow(malformed as Error)
  })
})

/**
 * Goal: our invoices are what others read, and we read what others do. Method: fast-check draws invoices; a decoder of
 * another project (it checks no signature) must read from each what was written, and so must both of our readers, the
 * mint's and the wallet's. Cut, changed and shuffled texts are refused wherever the other decoder refuses them.
 */
import fc from 'fast-check'
import { decode } from 'light-bolt11-decoder'
import { describe, expect, test } from 'vitest'
import { readInvoice } from '../../src/cashu/invoice.ts'
import { bolt11, type Invoice } from '../../src/mint-server/lightning/bolt11.ts'

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'))
const invoices: fc.Arbitrary<Invoice> = fc
  .record({
    paymentHash: hash,
    paymentSecret: hash,
    amountSat: fc.option(fc.integer({ min: 1, max: Math.floor(Number.MAX_SAFE_INTEGER / 1000) }), { nil: undefined }),
    memo: fc.string({ unit: 'grapheme', maxLength: 60 }),
    createdSeconds: fc.integer({ min: 1_500_000_000, max: 2 ** 32 }),
    expirySeconds: fc.integer({ min: 1, max: 10_000_000 }),
  })
  .map(({ createdSeconds, expirySeconds, ...rest }) => ({
    ...rest,
    createdAt: createdSeconds * 1000,
    expiryAt: (createdSeconds + expirySeconds) * 1000,
  }))

/** Of bech32, and the separator. */
const CHARACTERS = Array.from('qpzry9x8gf2tvdw0s3jn54khce6mua7l1')

/** What the other decoder reads, by name; undefined where it refuses the text. */
function read(request: string): ReadonlyMap<string, unknown> | undefined {
  try {
    return new Map(decode(request).sections.map((section) => [section.name, 'value' in section ? section.value : null]))
  } catch {
    return undefined
  }
}

describe('an invoice', () => {
  test('says to another decoder what was written', () => {
    fc.assert(
      fc.property(invoices, (invoice) => {
        const found = read(bolt11.encode(invoice))
        expect(found?.get('amount')).toBe(invoice.amountSat === undefined ? undefined : `${invoice.amountSat * 1000}`)
        expect(found?.get('payment_hash')).toBe(invoice.paymentHash)
        expect(found?.get('payment_secret')).toBe(invoice.paymentSecret)
        expect(found?.get('description')).toBe(invoice.memo)
        expect(found?.get('timestamp')).toBe(invoice.createdAt / 1000)
        expect(found?.get('expiry')).toBe((invoice.expiryAt - invoice.createdAt) / 1000)
      }),
    )
  })

  test('says the same to the mint and to the wallet', () => {
    fc.assert(
      fc.property(invoices, fc.boolean(), (invoice, isLoud) => {
        const request = isLoud ? bolt11.encode(invoice).toUpperCase() : bolt11.encode(invoice)
        expect(bolt11.decode(request)).toEqual(invoice)
        const { paymentHash, amountSat } = invoice
        expect(readInvoice(request)).toEqual({
          paymentHash,
          ...(amountSat !== undefined && { msat: amountSat * 1000 }),
        })
      }),
    )
  })

  test('that another decoder refuses is refused by the mint and by the wallet', () => {
    let refused = 0
    fc.assert(
      fc.property(invoices, fc.nat(), fc.constantFrom(...CHARACTERS), (invoice, at, letter) => {
        const request = bolt11.encode(invoice)
        const place = at % request.length
        const wrong = `${request.slice(0, place)}${letter}${request.slice(place + 1)}`
        if (read(wrong) !== undefined) return
        refused++
        expect(bolt11.decode(wrong)).toBeUndefined()
        expect(() => readInvoice(wrong)).toThrow(/^not a bolt11 invoice/)
      }),
    )
    expect(refused).toBeGreaterThan(50)
  })
})

// The examples of the specification, made by other implementations: the wallet reads of each what the decoder reads.
test.each([
  'lnbc1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdpl2pkx2ctnv5sxxmmwwd5kgetjypeh2ursdae8g6twvus8g6rfwvs8qun0dfjkxaq9qrsgq357wnc5r2ueh7ck6q93dj32dlqnls087fxdwk8qakdyafkq3yap9us6v52vjjsrvywa6rt52cm9r9zqt8r2t7mlcwspyetp5h2tztugp9lfyql',
  'lnbc2500u1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpu9qrsgquk0rl77nj30yxdy8j9vdx85fkpmdla2087ne0xh8nhedh8w27kyke0lp53ut353s06fv3qfegext0eh0ymjpf39tuven09sam30g4vgpfna3rh',
])('%s', (request) => {
  const found = read(request)
  const { msat, paymentHash } = readInvoice(request)
  expect(paymentHash).toBe(found?.get('payment_hash'))
  expect(msat).toBe(found?.get('amount') === undefined ? undefined : Number(found.get('amount')))
})

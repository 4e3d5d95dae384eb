/** NUT-29: several quotes are asked about, and issued, in one request. NUT-20: what their keys must sign. */
import { describe, expect, test } from 'vitest'
import { codes } from '../../src/cashu/codes.ts'
import { nobleCrypto } from '../../src/cashu/noble-crypto.ts'
import { nobleMintCrypto } from '../../src/cashu/noble-mint-crypto.ts'
import { localSignatory } from '../../src/mint-server/index.ts'
import { stubCrypto } from '../../src/testing/environments/stub-crypto.ts'
import {
  checked,
  HOUR_MS,
  issueBody,
  key,
  messages,
  mintQuote,
  outputsOf,
  paid,
  strict,
  type PaidQuote,
  type Signatures,
  type Strict,
} from '../kits/mint-protocol-kit.ts'
import { client, sum, type MintQuote, type Output } from '../kits/mint-server-client.ts'

const BATCH = '/v1/mint/bolt11/batch'
const pubkey = (byte: number): string => stubCrypto.publicKey(key(byte))
const signed = (byte: number, quote: PaidQuote, outputs: readonly Output[]): string =>
  stubCrypto.signMintRequest(key(byte), quote.quote, outputs, 'framed')

const ids = (quotes: readonly PaidQuote[]): string[] => quotes.map(({ quote }) => quote)
const paidQuote = async (world: Strict, amount: number, more: object = {}): Promise<PaidQuote> =>
  paid(world, await mintQuote(world, 'bolt11', { amount, ...more }))

const outputs = async ({ client }: Strict, amount: number, unit = 'sat'): Promise<Output[]> =>
  messages(await outputsOf(client, amount, unit))

describe('asked about', () => {
  test('in the order asked, without what is no quote of the method', async () => {
    const world = await strict({}, {})
    const [first, second] = [await paidQuote(world, 3), await mintQuote(world, 'bolt11', { amount: 5 })]
    const offer = await mintQuote(world, 'bolt12', { pubkey: pubkey(1) })
    const odd = ['none', '', 'a b', 'x'.repeat(101), 7, null, {}, ['x'], '\ud800']
    const quotes = [second!.quote, ...odd, offer.quote, first!.quote]
    expect(await world.client.post('/v1/mint/quote/bolt11/check', { quotes })).toEqual([second, first])
    expect(await world.client.post('/v1/mint/quote/bolt12/check', { quotes })).toEqual([offer])
    expect(await world.client.post('/v1/mint/quote/bolt11/check', { quotes: odd })).toEqual([])
    expect(await world.client.post('/v1/mint/quote/bolt11/check', { quotes: [] })).toEqual([])
  })

  test('a payment is noticed', async () => {
    const world = await strict({}, {})
    const quote = await mintQuote(world, 'bolt11', { amount: 5 })
    await world.backend.settle(world.backend.decode('bolt11', quote.request)!.requestId)
    const [told] = await world.client.post<PaidQuote[]>('/v1/mint/quote/bolt11/check', { quotes: [quote.quote] })
    expect(told).toMatchObject({ state: 'PAID', amount_paid: 5 })
  })

  test('no list, or one that is too long', async () => {
    const { client, refused } = await strict()
    for (const quotes of [undefined, null, 'text', {}, 7])
      await refused(codes.unclassified, '/v1/mint/quote/bolt11/check', { quotes })
    const quotes = Array.from({ length: 101 }, (_, at) => `q${at}`)
    await refused(codes.batchTooLarge, '/v1/mint/quote/bolt11/check', { quotes })
    expect(await client.post('/v1/mint/quote/bolt11/check', { quotes: quotes.slice(1) })).toEqual([])
  })
})

describe('issued', () => {
  test('all in one, one signature for each output, and the quotes are issued', async () => {
    const world = await strict({}, {})
    const quotes = [await paidQuote(world, 3), await paidQuote(world, 5), await paidQuote(world, 8)]
    const blinded = await outputsOf(world.client, 16)
    const body = { quotes: ids(quotes), quote_amounts: [3, 5, 8], outputs: messages(blinded) }
    const told = await world.client.post<Signatures>(BATCH, body)
    expect(sum(world.client.unblind(told.signatures, blinded))).toBe(16)
    for (const quote of quotes)
      expect(await checked(world, quote)).toMatchObject({ state: 'ISSUED', amount_issued: quote.amount })
    // It is an answer like others (NUT-19).
    expect(await world.client.post(BATCH, body)).toEqual(told)
    await world.refused(codes.quoteIssued, BATCH, { quotes: ids(quotes.slice(0, 1)), outputs: await outputs(world, 3) })
    expect((await world.mint.balanceSheet()).units['sat']).toMatchObject({ received: 16, outstanding: 16 })
  })

  test('a hundred at once, and not one more', async () => {
    const world = await strict()
    const { client, refused } = world
    const quotes = await Promise.all(Array.from({ length: 100 }, () => mintQuote(world, 'bolt11', { amount: 1 })))
    const made = await outputs(world, 100)
    const more = [...ids(quotes), 'another']
    await refused(codes.batchTooLarge, BATCH, { quotes: more, outputs: made })
    expect(await client.post<Signatures>(BATCH, { quotes: ids(quotes), outputs: made })).toHaveProperty('signatures')
  })

  test('what the request itself says is wrong', async () => {
    const world = await strict({ units: ['sat', 'usd'] }, {})
    const { refused } = world
    const [one, two] = [await paidQuote(world, 3), await paidQuote(world, 5)]
    const dollars = await paidQuote(world, 5, { unit: 'usd' })
    const offer = await paid(world, await mintQuote(world, 'bolt12', { pubkey: pubkey(1) }), 5)
    const quotes = ids([one, two])
    const eight = await outputs(world, 8)
    const batch = (code: number, more: object) => refused(code, BATCH, { quotes, outputs: eight, ...more })

    await batch(codes.unclassified, { quotes: [] })
    for (const wrong of [undefined, null, 'text', [7], [''], ['a b'], [null]])
      await batch(codes.unclassified, { quotes: wrong })
    await batch(codes.unclassified, { quotes: [one.quote, 'none'] })
    await batch(codes.unclassified, { quotes: ids([one, offer]) })
    await batch(codes.duplicateQuotes, { quotes: ids([one, two, one]) })
    await batch(codes.severalUnits, { quotes: ids([one, dollars]) })
    await batch(codes.unitMismatch, { outputs: await outputs(world, 8, 'usd') })
    for (const wrong of [[3], [3, 5, 0], [], 'text', [3, null], [3, -5], [3, 0.5]])
      await batch(codes.unclassified, { quote_amounts: wrong })
    for (const wrong of ['text', {}]) await batch(codes.unclassified, { signatures: wrong })
    for (const wrong of [[], [null], [null, null, null]]) await batch(codes.signatureInvalid, { signatures: wrong })
    const right = { quotes, outputs: eight, quote_amounts: null, signatures: null }
    expect(await world.client.post(BATCH, right)).toHaveProperty('signatures')
  })

  test('amounts: all that a quote was paid, as much of an offer as is asked for, and no more', async () => {
    const world = await strict({}, {})
    const [one, two] = [await paidQuote(world, 3), await paidQuote(world, 5)]
    const batch = async (code: number, amounts: number[] | null, amount: number) =>
      world.refused(code, BATCH, {
        ...{ quotes: ids([one, two]), quote_amounts: amounts, outputs: await outputs(world, amount) },
      })
    for (const amount of [7, 9]) {
      await batch(codes.unbalanced, null, amount)
      await batch(codes.unbalanced, [3, 5], amount)
    }
    await batch(codes.unbalanced, [4, 4], 8)
    await batch(codes.unbalanced, [2, 6], 8)

    const offers = [await mintQuote(world, 'bolt12', { pubkey: pubkey(1) }), await mintQuote(world, 'bolt12', { pubkey: pubkey(2) })] // prettier-ignore
    for (const offer of offers) await paid(world, offer, 10)
    const batch12 = async (amounts: number[] | undefined, amount: number) => {
      const made = await outputs(world, amount)
      const signatures = [signed(1, offers[0]!, made), signed(2, offers[1]!, made)]
      return { quotes: ids(offers), quote_amounts: amounts, outputs: made, signatures }
    }
    const path = '/v1/mint/bolt12/batch'
    await world.refused(codes.unclassified, path, await batch12(undefined, 5))
    await world.refused(codes.unbalanced, path, await batch12([4, 4], 9))
    await world.refused(codes.unbalanced, path, await batch12([11, 4], 15))
    await world.client.post(path, await batch12([4, 7], 11))
    await world.client.post(path, await batch12([6, 3], 8))
    const issued = await Promise.all(offers.map(async (offer) => (await checked(world, offer)).amount_issued))
    expect([issued, issued[0]! + issued[1]!]).toEqual([[10, 9], 19])
    expect((await world.mint.balanceSheet()).units['sat']).toMatchObject({ received: 19, outstanding: 19, unissued: 9 })
  })

  test('less of an invoice, where the amounts say so, and the rest later', async () => {
    const world = await strict({}, {})
    const quotes = [await paidQuote(world, 3), await paidQuote(world, 5)] as const
    await world.client.post(BATCH, { quotes: ids(quotes), quote_amounts: [2, 5], outputs: await outputs(world, 7) })
    expect(await checked(world, quotes[0])).toMatchObject({ state: 'PAID', amount_paid: 3, amount_issued: 2 })
    const { quote } = quotes[0]
    await world.refused(codes.unbalanced, '/v1/mint/bolt11', issueBody(quote, await outputs(world, 3)))
    await world.client.post('/v1/mint/bolt11', issueBody(quote, await outputs(world, 1)))
    expect(await checked(world, quotes[0])).toMatchObject({ state: 'ISSUED', amount_issued: 3 })
  })

  test('one that is unpaid, issued or late refuses all', async () => {
    const world = await strict({}, {})
    const [good, issued, open] = [await paidQuote(world, 4), await paidQuote(world, 4), await mintQuote(world, 'bolt11', { amount: 4 })] // prettier-ignore
    await world.client.post('/v1/mint/bolt11', issueBody(issued!.quote, await outputs(world, 4)))
    const batch = async (code: number, other: PaidQuote) => {
      await world.refused(code, BATCH, { quotes: ids([good!, other]), outputs: await outputs(world, 8) })
      await world.refused(code, BATCH, { quotes: ids([other, good!]), outputs: await outputs(world, 8) })
    }
    await batch(codes.quoteIssued, issued!)
    await batch(codes.quoteNotPaid, open!)
    world.pass(HOUR_MS)
    await batch(codes.quoteExpired, open!)
    expect(await checked(world, good!)).toMatchObject({ state: 'PAID', amount_issued: 0 })
  })

  test('each locked quote is signed for, over all outputs; one bad signature refuses all', async () => {
    const world = await strict({}, {})
    const quotes = [
      await paidQuote(world, 1, { pubkey: pubkey(1) }),
      await paidQuote(world, 2),
      await paidQuote(world, 4, { pubkey: pubkey(3) }),
    ] as const
    const made = await outputs(world, 7)
    const [first, , third] = [signed(1, quotes[0], made), null, signed(3, quotes[2], made)]
    const batch = (signatures: unknown) =>
      world.refused(codes.signatureInvalid, BATCH, { quotes: ids(quotes), outputs: made, signatures })
    await batch(undefined)
    await batch([first, null, null])
    await batch([first, null, signed(3, quotes[2], made.slice(0, 2))])
    await batch([first, null, signed(1, quotes[2], made)])
    await batch([third, null, first])
    await batch([first, null, signed(3, quotes[0], made)])
    await batch([first, signed(2, quotes[1], made), third])
    await batch([first, '', third])
    await batch([first, null, 7])
    const right = { quotes: ids(quotes), outputs: made, signatures: [first, null, third] }
    expect((await world.client.post<Signatures>(BATCH, right)).signatures).toHaveLength(3)
  })
})

test('a signature by the real curve, in either form of its message (NUT-20)', async () => {
  const real = { crypto: nobleMintCrypto, signatory: localSignatory({ seed: new Uint8Array(32), crypto: nobleMintCrypto }) } // prettier-ignore
  const world = await strict({ ...real, amounts: [1, 2, 4] })
  const wallet = client((...request) => world.mint.handle(...request), nobleCrypto)
  const privateKey = nobleCrypto.privateKey(new Uint8Array(32).fill(5))
  const { id } = await wallet.keyset()
  for (const form of ['framed', 'plain'] as const) {
    const { quote } = await wallet.post<MintQuote>('/v1/mint/quote/bolt11', {
      ...{ amount: 3, unit: 'sat', pubkey: nobleCrypto.publicKey(privateKey) },
    })
    // The mint notices that it is paid: refusals change nothing then.
    await wallet.get(`/v1/mint/quote/bolt11/${quote}`)
    const made = messages(wallet.blind([1, 2], id))
    const sign = (over: readonly Output[], of = quote) => nobleCrypto.signMintRequest(privateKey, of, over, form)
    const signature = sign(made)
    const refused = (body: object) =>
      world.refused(codes.signatureInvalid, '/v1/mint/bolt11', { quote, outputs: made, signature, ...body })
    await refused({ signature: undefined })
    await refused({ signature: sign(made, 'another') })
    await refused({ signature: sign(made.toReversed()) })
    await refused({ outputs: made.toReversed() })
    await refused({ outputs: [...made, ...messages(wallet.blind([4], id))] })
    await refused({ signature: `${signature.slice(0, -1)}${signature.endsWith('0') ? '1' : '0'}` })
    if (form === 'framed') await refused({ outputs: made.map((output) => ({ ...output, amount: 4 })) })
    expect(await wallet.post('/v1/mint/bolt11', { quote, outputs: made, signature })).toHaveProperty('signatures')
  }
})

/** NUT-25: offers are paid to the mint, and by it, as often as somebody wants to. */
import { expect, test } from 'vitest'
import { codes } from '../../src/cashu/codes.ts'
import { stubCrypto } from '../../src/testing/environments/stub-crypto.ts'
import {
  blanksOf,
  checked,
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
import { sum, type MeltQuote } from '../kits/mint-server-client.ts'

const pubkey = stubCrypto.publicKey(key(1))

/** A request that has so much of a quote issued, signed by its owner. */
const issueOf = async ({ client }: Strict, { quote }: PaidQuote, amount: number): Promise<object> =>
  issueBody(quote, messages(await outputsOf(client, amount)), key(1))

const issue = async (world: Strict, quote: PaidQuote, amount: number): Promise<number> => {
  const { signatures } = await world.client.post<Signatures>('/v1/mint/bolt12', await issueOf(world, quote, amount))
  return sum(signatures)
}

const accounts = ({ amount_paid, amount_issued }: PaidQuote): number[] => [amount_paid, amount_issued]

test('a quote needs a key, and says what the NUT says', async () => {
  const world = await strict({}, {})
  for (const wrong of [undefined, null, '', 7, 'no key', '02'])
    await world.refused(codes.pubkeyRequired, '/v1/mint/quote/bolt12', { unit: 'sat', pubkey: wrong })
  for (const amount of [0, 10_000_001])
    await world.refused(codes.amountOutOfRange, '/v1/mint/quote/bolt12', { unit: 'sat', pubkey, amount })
  await world.refused(codes.unitUnsupported, '/v1/mint/quote/bolt12', { unit: 'eur', pubkey })

  const open = await mintQuote(world, 'bolt12', { pubkey })
  expect(open).toMatchObject({ amount: null, unit: 'sat', method: 'bolt12', pubkey, amount_paid: 0, amount_issued: 0 })
  expect(open).not.toHaveProperty('state')
  expect(open.request).toMatch(/^lno1/)
  const fixed = await mintQuote(world, 'bolt12', { pubkey, amount: 21, description: 'Tee für zwei' })
  expect(fixed.amount).toBe(21)
  expect(world.backend.decode('bolt12', fixed.request)).toMatchObject({ amountSat: 21 })
  expect(await checked(world, fixed)).toEqual(fixed)
})

test('several payments add up, and are issued in parts, never more than was paid', async () => {
  const world = await strict({}, {})
  const quote = await mintQuote(world, 'bolt12', { pubkey })
  await world.refused(codes.quoteNotPaid, '/v1/mint/bolt12', await issueOf(world, quote, 1))
  expect(accounts(await paid(world, quote, 5))).toEqual([5, 0])
  expect(accounts(await paid(world, quote, 8))).toEqual([13, 0])

  await world.refused(codes.unbalanced, '/v1/mint/bolt12', await issueOf(world, quote, 14))
  expect(await issue(world, quote, 3)).toBe(3)
  expect(accounts(await checked(world, quote))).toEqual([13, 3])
  await world.refused(codes.unbalanced, '/v1/mint/bolt12', await issueOf(world, quote, 11))
  expect(await issue(world, quote, 10)).toBe(10)
  await world.refused(codes.quoteIssued, '/v1/mint/bolt12', await issueOf(world, quote, 1))

  expect(accounts(await paid(world, quote, 2))).toEqual([15, 13])
  expect(await issue(world, quote, 2)).toBe(2)
  expect((await world.mint.balanceSheet()).units['sat']).toMatchObject({
    received: 15,
    unissued: 0,
    outstanding: 15,
    kept: 0,
  })
})

test('an offer with an amount can be paid more than once, and with more', async () => {
  const world = await strict({}, {})
  const quote = await mintQuote(world, 'bolt12', { pubkey, amount: 8 })
  await paid(world, quote)
  expect(accounts(await paid(world, quote, 9))).toEqual([17, 0])
  expect(await issue(world, quote, 17)).toBe(17)
})

test('a quote is of its method alone', async () => {
  const world = await strict({}, {})
  const { client, refused } = world
  const offer = await paid(world, await mintQuote(world, 'bolt12', { pubkey }), 4)
  const invoice = await paid(world, await mintQuote(world, 'bolt11', { amount: 4 }))
  await refused(codes.unclassified, '/v1/mint/bolt11', await issueOf(world, offer, 4))
  await refused(codes.unclassified, '/v1/mint/bolt12', await issueOf(world, invoice, 4))
  for (const [method, { quote }] of [
    ['bolt11', offer],
    ['bolt12', invoice],
  ] as const)
    // prettier-ignore
    expect((await world.mint.handle('GET', `/v1/mint/quote/${method}/${quote}`)).status).toBe(400)
  const request = world.backend.foreignOffer({ amountSat: 2 })
  const melt = await client.post<MeltQuote>('/v1/melt/quote/bolt12', { request, unit: 'sat' })
  await refused(codes.unclassified, '/v1/melt/bolt11', { quote: melt.quote, inputs: [] })
  expect((await world.mint.handle('GET', `/v1/melt/quote/bolt11/${melt.quote}`)).status).toBe(400)
  await refused(codes.unclassified, '/v1/melt/quote/bolt11', { request, unit: 'sat' })
})

test('the key signs for all that is ever issued of a quote', async () => {
  const world = await strict({}, {})
  const quote = await paid(world, await mintQuote(world, 'bolt12', { pubkey }), 8)
  const outputs = messages(await outputsOf(world.client, 8))
  await world.refused(codes.signatureInvalid, '/v1/mint/bolt12', issueBody(quote.quote, outputs))
  await world.refused(codes.signatureInvalid, '/v1/mint/bolt12', issueBody(quote.quote, outputs, key(2)))
  expect(await issue(world, quote, 4)).toBe(4)
})

test('an offer is melted, with an amount of its own or the payer’s, and twice', async () => {
  const world = await strict()
  const { client, backend } = world
  const options = (amount_msat: unknown) => ({ options: { amountless: { amount_msat } } })
  const ask = (request: string, more: object = {}) =>
    client.post<MeltQuote>('/v1/melt/quote/bolt12', { request, unit: 'sat', ...more })
  const fixed = backend.foreignOffer({ amountSat: 8, memo: 'tea' })
  const open = backend.foreignOffer({ memo: 'alms' })

  await world.refused(codes.amountlessUnsupported, '/v1/melt/quote/bolt12', { request: open, unit: 'sat' })
  for (const amount of [7_000, 9_000, 8_001])
    await world.refused(codes.amountMismatch, '/v1/melt/quote/bolt12', { request: fixed, unit: 'sat', ...options(amount) }) // prettier-ignore
  await world.refused(codes.amountMismatch, '/v1/melt/quote/bolt12', { request: open, unit: 'sat', ...options(1_500) })
  await world.refused(codes.amountOutOfRange, '/v1/melt/quote/bolt12', { request: open, unit: 'sat', ...options(0) })
  for (const wrong of [{}, [], '8000', -1])
    await world.refused(codes.unclassified, '/v1/melt/quote/bolt12', {
      ...{ request: open, unit: 'sat', options: { amountless: wrong } },
    })

  const quotes = [await ask(fixed), await ask(fixed, options(8_000)), await ask(open, options(5_000)), await ask(open, options(5_000))] // prettier-ignore
  expect(quotes.map(({ amount }) => amount)).toEqual([8, 8, 5, 5])
  // One after the other and at the same time: each is a payment of its own.
  const pay = async ({ quote }: MeltQuote) => {
    const inputs = await client.mint([16])
    const blanks = await blanksOf(client, 4)
    const body = { quote, inputs, outputs: messages(blanks) }
    const told = await client.post<MeltQuote>('/v1/melt/bolt12', body)
    return [told.state, sum(client.unblind(told.change!, blanks)), told.payment_preimage !== undefined]
  }
  expect(await pay(quotes[0]!)).toEqual(['PAID', 7, true])
  expect(await Promise.all(quotes.slice(1).map(pay))).toEqual([
    ['PAID', 7, true],
    ['PAID', 10, true],
    ['PAID', 10, true],
  ])
  const { payments, units } = await world.mint.balanceSheet()
  expect(Object.values(payments)).toEqual(
    expect.arrayContaining([
      { attempts: 2, paid: 2 },
      { attempts: 2, paid: 2 },
    ]),
  )
  expect(units['sat']).toMatchObject({ paidOut: 8 + 8 + 5 + 5 + 4, kept: 0 })
  // A quote is paid once all the same.
  await world.refused(codes.invoicePaid, '/v1/melt/bolt12', {
    quote: quotes[0]!.quote,
    inputs: await client.mint([16]),
  })
})

test('an offer of its own is settled by the mint itself, each time anew', async () => {
  const world = await strict()
  const { client } = world
  const quote = await mintQuote(world, 'bolt12', { pubkey })
  const melt = () =>
    client.post<MeltQuote>('/v1/melt/quote/bolt12', {
      ...{ request: quote.request, unit: 'sat', options: { amountless: { amount_msat: 8_000 } } },
    })
  for (const times of [1, 2]) {
    const { quote: id, fee_reserve } = await melt()
    expect(fee_reserve).toBe(0)
    const told = await client.post<MeltQuote>('/v1/melt/bolt12', { quote: id, inputs: await client.mint([8]) })
    expect([told.state, told.payment_preimage]).toEqual(['PAID', null])
    expect(accounts(await checked(world, quote))).toEqual([8 * times, 0])
  }
  await paid(world, quote, 3)
  expect(await issue(world, quote, 19)).toBe(19)
  expect(await world.mint.balanceSheet()).toMatchObject({
    payments: {},
    units: { sat: { paidOut: 16, outstanding: 19 } },
  })
})

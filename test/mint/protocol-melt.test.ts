/** Melts at the mint: change (NUT-08), partial payments (NUT-15), quotes of its own, and how a melt quote may change. */
import { describe, expect, test } from 'vitest'
import { codes } from '../../src/cashu/codes.ts'
import type { MeltQuoteState } from '../../src/mint-server/db/tables.ts'
import { moved, QuoteStateError } from '../../src/mint-server/protocol/quote-states.ts'
import { blanksOf, HOUR_MS, meltQuote, messages, mintQuote, strict, type Strict } from '../kits/mint-protocol-kit.ts'
import { decide, sum, type MeltQuote } from '../kits/mint-server-client.ts'

const MELT = '/v1/melt/bolt11'
const QUOTE = '/v1/melt/quote/bolt11'
const look = ({ client }: Strict, quote: string) => client.get<MeltQuote>(`${QUOTE}/${quote}`)

describe('blank outputs (NUT-08)', () => {
  /** A melt of 64 that costs 41: 23 come back, as far as the blanks go. */
  async function melted(world: Strict, blanks: number) {
    const { client } = world
    const { quote } = await meltQuote(world, 40)
    const outputs = await blanksOf(client, blanks)
    const body = { quote, inputs: await client.mint([64]), outputs: messages(outputs) }
    const told = await client.post<MeltQuote>(MELT, body)
    return { told, outputs, change: client.unblind(told.change ?? [], outputs) }
  }

  test.each([
    [0, []],
    [1, [16]],
    [2, [4, 16]],
    [3, [2, 4, 16]],
    [4, [1, 2, 4, 16]],
    [40, [1, 2, 4, 16]],
  ])('%i of them', async (count, amounts) => {
    const world = await strict({}, { autoPayMs: 0, feeSat: 1 })
    const { told, outputs, change } = await melted(world, count)
    expect(change.map(({ amount }) => amount)).toEqual(amounts)
    expect('change' in told).toBe(count > 0)
    expect(await world.client.states(change)).toEqual(change.map(() => 'UNSPENT'))
    expect((await world.mint.balanceSheet()).units['sat']).toMatchObject({
      kept: 23 - sum(change),
      outstanding: sum(change),
    })
    // The others are the wallet's again.
    const unused = messages(outputs.slice(change.length)).map((message) => ({ ...message, amount: 1 }))
    if (unused.length === 0) return
    const { quote } = await mintQuote(world, 'bolt11', { amount: unused.length })
    expect(await world.client.post('/v1/mint/bolt11', { quote, outputs: unused })).toHaveProperty('signatures')
  })

  test('none are needed, and none are signed, where nothing is left', async () => {
    const world = await strict({}, { autoPayMs: 0, feeSat: 2 })
    const { quote } = await meltQuote(world, 62)
    const outputs = messages(await blanksOf(world.client, 3))
    const told = await world.client.post<MeltQuote>(MELT, { quote, inputs: await world.client.mint([64]), outputs })
    expect(told).not.toHaveProperty('change')
    expect(await world.client.post('/v1/restore', { outputs })).toEqual({ outputs: [], signatures: [] })
  })

  test('what blanks may not be', async () => {
    const world = await strict({ units: ['sat', 'usd'] })
    const { client, mint } = world
    const { quote } = await meltQuote(world, 40)
    const inputs = await client.mint([64])
    const melt = (code: number, outputs: unknown) => world.refused(code, MELT, { quote, inputs, outputs })
    const [blank] = messages(await blanksOf(client, 1))
    await melt(codes.unitMismatch, messages(await blanksOf(client, 1, 'usd')))
    await melt(codes.severalUnits, [blank, ...messages(await blanksOf(client, 1, 'usd'))])
    await melt(codes.duplicateOutputs, [blank, blank])
    await melt(
      codes.tooManyOutputs,
      Array.from({ length: 1001 }, () => blank),
    )
    await melt(codes.keysetUnknown, [{ ...blank, id: '00ffffffffffffff' }])
    for (const wrong of ['text', {}, [null], [{}], 7]) await melt(codes.unclassified, wrong)
    await mint.rotate('sat')
    await melt(codes.keysetInactive, [blank])
    expect((await client.post<MeltQuote>(MELT, { quote, inputs, outputs: null })).state).toBe('PAID')
  })

  test('change is signed by the keyset that the blanks were accepted for, whatever the mint signs with by then', async () => {
    const world = await strict()
    const { client, mint } = world
    const { quote } = await meltQuote(world, 40, { pay_invoice_state: 'PENDING' })
    const outputs = await blanksOf(client, 5)
    await client.post<MeltQuote>(MELT, { quote, inputs: await client.mint([64]), outputs: messages(outputs) })
    await mint.rotate('sat', { feePpk: 1000 })
    await decide(world, quote, 'paid')
    const told = await look(world, quote)
    expect(told.state).toBe('PAID')
    expect(new Set(told.change!.map(({ id }) => id))).toEqual(new Set([outputs[0]!.message.id]))
    expect(sum(client.unblind(told.change!, outputs))).toBe(23)
  })
})

test('partial payments are refused by name (NUT-15)', async () => {
  const { client, backend, refused } = await strict()
  const wanted = { request: backend.foreignInvoice({ amountSat: 8 }), unit: 'sat' }
  for (const mpp of [{ amount: 4000 }, {}, 4000])
    await refused(codes.unclassified, QUOTE, { ...wanted, options: { mpp } })
  const { nuts } = await client.get<{ nuts: object }>('/v1/info')
  expect(nuts).not.toHaveProperty('15')
  expect(await client.post(QUOTE, { ...wanted, options: { mpp: null } })).toMatchObject({ amount: 8 })
})

describe('a quote', () => {
  test('of what can be read, in a unit and within the limits of the mint', async () => {
    const { client, backend, refused } = await strict({ minAmount: 4, maxAmount: 64 })
    const quote = (amountSat: number | undefined) => ({ request: backend.foreignInvoice({ amountSat }), unit: 'sat' })
    for (const amount of [3, 65]) await refused(codes.amountOutOfRange, QUOTE, quote(amount))
    await refused(codes.amountlessUnsupported, QUOTE, quote(undefined))
    await refused(codes.amountlessUnsupported, QUOTE, {
      ...quote(undefined),
      options: { amountless: { amount_msat: 8000 } },
    })
    await refused(codes.amountMismatch, QUOTE, { ...quote(8), options: { amountless: { amount_msat: 9000 } } })
    await refused(codes.unitUnsupported, QUOTE, { ...quote(8), unit: 'usd' })
    for (const amount of [4, 64]) expect(await client.post(QUOTE, quote(amount))).toMatchObject({ amount })
    const { nuts } = await client.get<{ nuts: { 5: { methods: object[] } } }>('/v1/info')
    expect(nuts[5].methods[0]).toEqual({ method: 'bolt11', unit: 'sat', min_amount: 4, max_amount: 64 })
  })

  test('ends with what it pays', async () => {
    const world = await strict()
    const { client, backend } = world
    const request = backend.foreignInvoice({ amountSat: 8, expiryAt: 1_800_000_060_000 })
    const quote = await client.post<MeltQuote>(QUOTE, { request, unit: 'sat' })
    expect(quote.expiry).toBe(1_800_000_060)
    world.pass(60_000)
    await world.refused(codes.quoteExpired, MELT, { quote: quote.quote, inputs: await client.mint([16]) })
    // A day is longer than quotes are good for.
    const long = backend.foreignInvoice({ amountSat: 8, expiryAt: 1_800_000_060_000 + 24 * HOUR_MS })
    expect((await client.post<MeltQuote>(QUOTE, { request: long, unit: 'sat' })).expiry).toBe(1_800_000_060 + 3600)
  })

  test('that is being paid is not given up for its time being over', async () => {
    const world = await strict()
    const { client } = world
    const { quote } = await meltQuote(world, 8, { pay_invoice_state: 'PENDING' })
    const inputs = await client.mint([16])
    await client.post(MELT, { quote, inputs })
    world.pass(100 * HOUR_MS)
    expect((await look(world, quote)).state).toBe('PENDING')
    expect(await client.states(inputs)).toEqual(['PENDING'])
    await decide(world, quote, 'paid')
    expect((await look(world, quote)).state).toBe('PAID')
  })

  test('whose payment failed is paid by another attempt, and never after that', async () => {
    const world = await strict()
    const { client, backend } = world
    const { quote, request } = await meltQuote(world, 8, { pay_invoice_state: 'PENDING' })
    const [first, second] = [await client.mint([16]), await client.mint([16])]
    await client.post(MELT, { quote, inputs: first })
    await decide(world, quote, 'failed')
    expect((await look(world, quote)).state).toBe('UNPAID')
    expect(await client.states(first)).toEqual(['UNSPENT'])
    expect((await client.post<MeltQuote>(MELT, { quote, inputs: second })).state).toBe('PENDING')
    await world.refused(codes.quotePending, MELT, { quote, inputs: first })
    await backend.decide(backend.decode('bolt11', request)!.requestId, 'paid')
    expect((await look(world, quote)).state).toBe('PAID')
    await world.refused(codes.invoicePaid, MELT, { quote, inputs: first })
    expect([await client.states(first), await client.states(second)]).toEqual([['UNSPENT'], ['SPENT']])
  })
})

const states: readonly MeltQuoteState[] = ['UNPAID', 'PENDING', 'PAID', 'FAILED']
const legal = ['UNPAID PENDING', 'UNPAID FAILED', 'PENDING UNPAID', 'PENDING PAID', 'PENDING FAILED', 'FAILED PENDING', 'FAILED UNPAID'] // prettier-ignore
const steps = states.flatMap((from) => states.map((to) => [from, to] as const))

test.each(steps.filter((step) => legal.includes(step.join(' '))))('a melt quote goes from %s to %s', (from, to) => {
  expect(moved(from, to)).toBe(to)
})
test.each(steps.filter((step) => !legal.includes(step.join(' '))))(
  'a melt quote never goes from %s to %s',
  (from, to) => {
    expect(() => moved(from, to)).toThrow(new QuoteStateError(from, to))
  },
)

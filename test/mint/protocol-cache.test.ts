/** NUT-19: a request that comes again is answered as it was the first time. */
import { expect, test } from 'vitest'
import { codes } from '../../src/cashu/codes.ts'
import { mintSchema } from '../../src/mint-server/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import {
  blanksOf,
  HOUR_MS,
  issueBody,
  key,
  meltQuote,
  messages,
  mintQuote,
  outputsOf,
  paid,
  strict,
  type Strict,
} from '../kits/mint-protocol-kit.ts'
import { decide, simulated, type MeltQuote } from '../kits/mint-server-client.ts'

const outputs = async ({ client }: Pick<Strict, 'client'>, amount: number) => messages(await outputsOf(client, amount))

/** One request of each kind, ready to be sent. */
async function requests(world: Pick<Strict, 'client' | 'backend' | 'mint'>): Promise<[string, string][]> {
  const { client, backend } = world
  const quote = async () => (await mintQuote(world, 'bolt11', { amount: 8 })).quote
  const pubkey = client.crypto.publicKey(key(1))
  const offer = await mintQuote(world, 'bolt12', { pubkey, amount: 8 })
  const request = backend.foreignOffer({ amountSat: 8 })
  const melt = await client.post<MeltQuote>('/v1/melt/quote/bolt12', { request, unit: 'sat' })
  const requests: [string, object][] = [
    ['/v1/swap', { inputs: await client.mint([8]), outputs: await outputs(world, 8) }],
    ['/v1/mint/bolt11', { quote: await quote(), outputs: await outputs(world, 8) }],
    ['/v1/mint/bolt12', issueBody(offer.quote, await outputs(world, 8), key(1))],
    ['/v1/mint/bolt11/batch', { quotes: [await quote(), await quote()], outputs: await outputs(world, 16) }],
    ['/v1/melt/bolt11', { quote: (await meltQuote(world, 8)).quote, inputs: await client.mint([16]), outputs: messages(await blanksOf(client, 3)) }], // prettier-ignore
    ['/v1/melt/bolt12', { quote: melt.quote, inputs: await client.mint([16]) }],
  ]
  return requests.map(([path, body]) => [path, JSON.stringify(body)])
}

test('every request that moves ecash: the same bytes, also after a restart, until the time is over', async () => {
  const store = await memoryStore().open(mintSchema)
  const first = await simulated({ store, cacheTtlMs: 2 * HOUR_MS })
  const asked = await requests(first)
  const { nuts } = await first.client.get<{ nuts: { 19: { ttl: number; cached_endpoints: { path: string }[] } } }>('/v1/info') // prettier-ignore
  expect(nuts[19].ttl).toBe(7200)
  for (const [path] of asked) expect(nuts[19].cached_endpoints).toContainEqual({ method: 'POST', path })

  const answers = []
  for (const [path, body] of asked) answers.push(await first.mint.handle('POST', path, body))
  expect(answers.map(({ status }) => status)).toEqual(asked.map(() => 200))
  const again = async ({ mint }: Pick<Strict, 'mint'>) => {
    const told = []
    for (const [path, body] of asked) told.push(await mint.handle('POST', path, body))
    return told
  }
  expect(await again(first)).toEqual(answers)
  await first.mint.rotate('sat')
  await first.mint.close()

  const next = await simulated({ store }, undefined, 1)
  const rows = await next.mint.balanceSheet()
  expect(await again(next)).toEqual(answers)
  expect(await next.mint.balanceSheet()).toEqual(rows)
  next.pass(2 * HOUR_MS - 1)
  expect(await again(next)).toEqual(answers)
  next.pass(1)
  expect((await again(next)).map(({ body }) => (JSON.parse(body) as { code: number }).code)).toEqual([
    ...[codes.alreadySpent, codes.quoteIssued, codes.quoteIssued, codes.quoteIssued],
    ...[codes.invoicePaid, codes.invoicePaid],
  ])
})

test('other bytes, or another path, are another request', async () => {
  const world = await strict()
  for (const [path, body] of await requests(world)) {
    expect((await world.mint.handle('POST', path, body)).status).toBe(200)
    const spaced = ` ${body}`
    const { status } = await world.mint.handle('POST', path, spaced)
    expect([path, status]).toEqual([path, 400])
  }
  const body = { inputs: await world.client.mint([8]), outputs: await outputs(world, 8) }
  await world.client.post('/v1/swap', body)
  await world.refused(codes.unclassified, '/v1/mint/bolt11', body)
})

test('a refusal is not kept', async () => {
  const world = await strict({}, {})
  const quote = await mintQuote(world, 'bolt11', { amount: 8 })
  const body = issueBody(quote.quote, await outputs(world, 8))
  await world.refused(codes.quoteNotPaid, '/v1/mint/bolt11', body)
  await paid(world, quote)
  expect(await world.client.post('/v1/mint/bolt11', body)).toHaveProperty('signatures')
})

test('nor is a melt that is under way, or that failed', async () => {
  const world = await strict()
  const { client } = world
  const { quote } = await meltQuote(world, 8, { pay_invoice_state: 'PENDING' })
  const body = { quote, inputs: await client.mint([16]), outputs: messages(await blanksOf(client, 3)) }
  const states = async (times: number) => {
    const told = []
    for (let time = 0; time < times; time++) told.push((await client.post<MeltQuote>('/v1/melt/bolt11', body)).state)
    return told
  }
  expect(await states(3)).toEqual(['PENDING', 'PENDING', 'PENDING'])
  await decide(world, quote, 'failed')
  // The same request, after the failure was heard of: it is a new attempt.
  await client.get(`/v1/melt/quote/bolt11/${quote}`)
  expect(await states(2)).toEqual(['PENDING', 'PENDING'])
  await decide(world, quote, 'paid')
  const paidAnswer = await client.post<MeltQuote>('/v1/melt/bolt11', body)
  expect(paidAnswer).toMatchObject({ state: 'PAID', change: expect.any(Array) as object })
  expect(await client.post('/v1/melt/bolt11', body)).toEqual(paidAnswer)
  expect(Object.values((await world.mint.balanceSheet()).payments)).toEqual([{ attempts: 2, paid: 1 }])
})

test('the same request many times at one moment is carried out once', async () => {
  const world = await strict()
  const asked = await requests(world)
  for (const [path, body] of asked) {
    const send = () => world.mint.handle('POST', path, body)
    const answers = await Promise.all(Array.from({ length: 8 }, send))
    // Who asks for a payment that is under way is told how it stands.
    const settled = answers.map((answer) => (answer.body.includes('"PENDING"') ? undefined : answer))
    const last = await send()
    expect([path, last.status]).toEqual([path, 200])
    for (const answer of settled) expect(answer ?? last).toEqual(last)
  }
  expect(Object.values((await world.mint.balanceSheet()).payments)).toEqual([
    { attempts: 1, paid: 1 },
    { attempts: 1, paid: 1 },
  ])
})

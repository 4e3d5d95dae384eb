/** What becomes of quotes that are over: they are not asked about for ever, and not kept; offers live as long as is set. */
import { expect, test } from 'vitest'
import { codes } from '../../src/cashu/codes.ts'
import { silent } from '../../src/mint-server/cli/log.ts'
import { watchMint } from '../../src/mint-server/http/watching.ts'
import { systemClock } from '../../src/kernel/util/ports.ts'
import { plainInvoice, type FakeBackend } from '../../src/mint-server/index.ts'
import { stubCrypto } from '../../src/testing/environments/stub-crypto.ts'
import { decide, simulated, type MeltQuote, type MintQuote, type Simulated } from '../kits/mint-server-client.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** Counts what the backend is asked, and may have it be away. */
function counting(backend: FakeBackend) {
  const asked = { count: 0, isAway: false }
  const incoming = backend.incoming.bind(backend)
  backend.incoming = async (...args) => {
    asked.count++
    if (asked.isAway) throw new Error('away')
    return incoming(...args)
  }
  return asked
}

const quoteOf = ({ client }: Simulated, amount = 1): Promise<MintQuote> =>
  client.post<MintQuote>('/v1/mint/quote/bolt11', { amount, unit: 'sat' })

const settle = ({ backend }: Simulated, { request }: MintQuote): Promise<boolean> =>
  backend.settle(plainInvoice.decode(request)!.paymentHash)

test('quotes that expired 30 days ago are not asked about, however long they are watched; who asks for one is told', async () => {
  const time = { laterMs: 0, monotonicMs: 0 }
  const clock = { ...systemClock, now: () => 1_800_000_000_000 + time.laterMs, monotonicMs: () => time.monotonicMs }
  const world = await simulated({ quoteRetentionMs: 90 * DAY_MS, clock }, {})
  const quotes = []
  for (let n = 0; n < 50; n++) quotes.push(await quoteOf(world))
  time.laterMs = 30 * DAY_MS
  const asked = counting(world.backend)
  const watching = watchMint({ mint: world.mint, clock, log: silent })
  const told: string[] = []
  const ids = quotes.map(({ quote }) => quote)
  watching.subscribe('bolt11_mint_quote', new Set(ids), (payload) => told.push(payload))
  await expect.poll(() => told.length).toBe(50)
  for (let round = 0; round < 5; round++) {
    time.monotonicMs += 120_000
    world.pass(1)
    await quoteOf(world)
    await world.mint.statesOf('bolt11_mint_quote', ids)
  }
  expect(asked.count).toBe(0)
  watching.close()
  // One of them was paid in time, and nobody looked.
  await settle(world, quotes[0]!)
  expect(await world.client.get(`/v1/mint/quote/bolt11/${quotes[0]!.quote}`)).toMatchObject({ state: 'PAID' })
})

const offer = (world: Simulated): Promise<MintQuote> =>
  world.client.post<MintQuote>('/v1/mint/quote/bolt12', {
    ...{ unit: 'sat', amount: 5 },
    pubkey: stubCrypto.publicKey(stubCrypto.privateKey(new Uint8Array(32).fill(3))),
  })

test('an offer has no end unless one is set', async () => {
  const world = await simulated({}, {})
  const quote = await offer(world)
  expect(quote.expiry).toBeNull()
  world.pass(400 * DAY_MS)
  await world.mint.handle('GET', '/v1/info')
  const { requestId } = world.backend.decode('bolt12', quote.request)!
  expect(world.backend.decode('bolt12', quote.request)!.expiryAt).toBeUndefined()
  await world.backend.settle(requestId)
  const paid = await world.client.get<{ amount_paid: number }>(`/v1/mint/quote/bolt12/${quote.quote}`)
  expect(paid.amount_paid).toBe(5)

  const short = await simulated({ offerTtlMs: DAY_MS }, {})
  const { expiry, request } = await offer(short)
  expect(expiry).toBe((1_800_000_000_000 + DAY_MS) / 1000)
  expect(short.backend.decode('bolt12', request)!.expiryAt).toBe(1_800_000_000_000 + DAY_MS)
})

test('quotes that nobody paid are deleted when their time is over, and what something came of stays', async () => {
  const world = await simulated({}, {})
  const { client, mint, backend, store, pass } = world
  const [unpaid, issued, unnoticed] = [await quoteOf(world), await quoteOf(world, 72), await quoteOf(world, 2)]
  await settle(world, issued)
  const coins = await client.issue(issued.quote, [64, 8])
  const melting = (memo = ''): Promise<MeltQuote> =>
    client.post<MeltQuote>('/v1/melt/quote/bolt11', {
      request: backend.foreignInvoice({ amountSat: 5, memo }),
      unit: 'sat',
    })
  const [open, failed, done] = [await melting(), await melting('{"pay_invoice_state":"FAILED"}'), await melting()]
  await client.refused(codes.paymentFailed, '/v1/melt/bolt11', { quote: failed.quote, inputs: [coins[1]] })
  await client.post('/v1/melt/bolt11', { quote: done.quote, inputs: [coins[1]] })
  const pending = await melting('{"pay_invoice_state":"PENDING"}')
  await client.post('/v1/melt/bolt11', { quote: pending.quote, inputs: [coins[0]] })
  await settle(world, unnoticed)
  const sheet = await mint.balanceSheet()

  const rows = async (table: string): Promise<unknown[]> =>
    (await store.query<{ id: string }>({ table })).map(({ id }) => id).toSorted((a, b) => (a < b ? -1 : 1))
  const swept = async (): Promise<void> => {
    // The next request of anybody has the house swept, once an hour.
    pass(HOUR_MS + 1)
    await mint.handle('GET', '/v1/info')
    await expect.poll(() => rows('responses')).toEqual([])
  }
  pass(29 * DAY_MS)
  await swept()
  expect(await rows('mintQuotes')).toEqual([unpaid, issued, unnoticed].map(({ quote }) => quote).toSorted())

  const asked = counting(backend)
  asked.isAway = true
  pass(2 * DAY_MS)
  await swept()
  await expect.poll(() => rows('meltQuotes')).toEqual([done, pending].map(({ quote }) => quote).toSorted())
  expect(await rows('meltQuotes')).not.toContain(open.quote)
  // While the backend is away, nobody knows whether they were paid.
  expect(await rows('mintQuotes')).toHaveLength(3)
  asked.isAway = false
  await swept()
  const left = [issued, unnoticed].map(({ quote }) => quote).toSorted()
  await expect.poll(() => rows('mintQuotes')).toEqual(left)
  expect(await client.issue(unnoticed.quote, [2])).toHaveLength(1)
  await decide(world, pending.quote, 'paid')
  await client.refused(codes.unclassified, '/v1/mint/bolt11', { quote: unpaid.quote, outputs: [] })
  const after = await mint.balanceSheet()
  expect(after.units['sat']!.redeemed).toBe(sheet.units['sat']!.redeemed)
  await mint.close()
})

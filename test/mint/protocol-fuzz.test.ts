/**
 * Goal: whatever is sent, the mint answers, refuses in the NUTs' form, and then has changed nothing. Method: requests of
 * every endpoint that are right but for one place, and texts that are nothing at all, by fast-check.
 */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { bolt11 } from '../../src/mint-server/index.ts'
import type { MintQuoteRow } from '../../src/mint-server/db/tables.ts'
import { stubCrypto } from '../../src/testing/environments/stub-crypto.ts'
import { alice, nonce, p2pk, sign } from '../kits/cashu-conditions-kit.ts'
import {
  blanksOf,
  issueBody,
  key,
  messages,
  minted,
  mintQuote,
  outputsOf,
  strict,
  unchanged,
  type Strict,
} from '../kits/mint-protocol-kit.ts'
import type { MeltQuote } from '../kits/mint-server-client.ts'

type Tree = { [place: string]: unknown }

const pubkey = stubCrypto.publicKey(key(1))
const outputs = async ({ client }: Strict, amount: number) => messages(await outputsOf(client, amount))

let drawn = 0
async function locked(world: Strict): Promise<object[]> {
  const secret = p2pk(alice).replace(nonce, String(++drawn))
  const [proof] = await minted(world, 8, [secret])
  return [{ ...proof, witness: JSON.stringify({ signatures: sign(secret, alice) }) }]
}

/** A request that is right, of each endpoint. */
const requests: Readonly<Record<string, (world: Strict) => Promise<object>>> = {
  '/v1/swap': async (world) => ({ inputs: await locked(world), outputs: await outputs(world, 8) }),
  '/v1/checkstate': async ({ client }) => ({ Ys: [client.crypto.hashToCurve('a'), client.crypto.hashToCurve('b')] }),
  '/v1/restore': async (world) => ({ outputs: await outputs(world, 3) }),
  '/v1/mint/quote/bolt11': async () => ({ amount: 8, unit: 'sat', description: 'tea', pubkey }),
  '/v1/mint/quote/bolt12': async () => ({ amount: 8, unit: 'sat', description: 'tea', pubkey }),
  '/v1/mint/quote/bolt11/check': async (world) => ({ quotes: [(await mintQuote(world, 'bolt11', { amount: 8 })).quote] }), // prettier-ignore
  '/v1/mint/bolt11': async (world) => {
    const { quote } = await mintQuote(world, 'bolt11', { amount: 8, pubkey })
    return issueBody(quote, await outputs(world, 8), key(1))
  },
  '/v1/mint/bolt12': async (world) => {
    const { quote } = await mintQuote(world, 'bolt12', { amount: 8, pubkey })
    return issueBody(quote, await outputs(world, 5), key(1))
  },
  '/v1/mint/bolt11/batch': async (world) => {
    const quotes = [await mintQuote(world, 'bolt11', { amount: 8, pubkey }), await mintQuote(world, 'bolt11', { amount: 3 })] // prettier-ignore
    const made = await outputs(world, 11)
    const signatures = [stubCrypto.signMintRequest(key(1), quotes[0]!.quote, made, 'framed'), null]
    return { quotes: quotes.map(({ quote }) => quote), quote_amounts: [8, 3], outputs: made, signatures }
  },
  '/v1/melt/quote/bolt11': async ({ backend }) => ({
    ...{ request: backend.foreignInvoice({ amountSat: 8 }), unit: 'sat' },
    options: { amountless: { amount_msat: 8000 } },
  }),
  '/v1/melt/quote/bolt12': async ({ backend }) => ({
    ...{ request: backend.foreignOffer({}), unit: 'sat' },
    options: { amountless: { amount_msat: 8000 } },
  }),
  '/v1/melt/bolt11': async (world) => {
    const { client, backend } = world
    const request = backend.foreignInvoice({ amountSat: 4 })
    const { quote } = await client.post<MeltQuote>('/v1/melt/quote/bolt11', { request, unit: 'sat' })
    return { quote, inputs: await locked(world), outputs: messages(await blanksOf(client, 2)), prefer_async: false }
  },
  '/v1/melt/bolt12': async (world) => {
    const { client, backend } = world
    const request = backend.foreignOffer({ amountSat: 4 })
    const { quote } = await client.post<MeltQuote>('/v1/melt/quote/bolt12', { request, unit: 'sat' })
    return { quote, inputs: await locked(world), outputs: messages(await blanksOf(client, 2)) }
  },
}

/** Sends a body: the answer must be of the protocol, and a refusal must have changed nothing. Gives the status. */
async function sent(world: Strict, path: string, body: string, method = 'POST'): Promise<number> {
  const before = world.dump()
  const answer = await world.mint.handle(method, path, body)
  const told = JSON.parse(answer.body) as { detail?: unknown; code?: unknown }
  if (answer.status === 200) return 200
  expect(answer.status).toBeGreaterThanOrEqual(400)
  expect(answer.status).toBeLessThan(500)
  expect([Object.keys(told), typeof told.detail, Number.isInteger(told.code)]).toEqual([['detail', 'code'], 'string', true]) // prettier-ignore
  unchanged(before, world.dump())
  return answer.status
}

/** A mint whose invoices are real ones, so that texts that are none are read as such. */
const real = () => strict({ units: ['sat', 'usd'], feePpk: 0 }, { autoPayMs: 0, invoiceCodec: bolt11 })

/** Has the mint notice what is paid, which it may whether or not it refuses. */
async function noticed({ client, dump }: Strict): Promise<void> {
  const quotes = (dump()['mintQuotes'] ?? []) as unknown as readonly MintQuoteRow[]
  for (const { id, method, amountPaid } of quotes)
    if (amountPaid === 0) await client.get(`/v1/mint/quote/${method}/${id}`)
}

const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom<unknown>(
    ...[undefined, null, true, false, 0, -0, -1, 0.5, 1, 2 ** 53, 1e308, '', ' ', '0', '1e3', '\ud800', '\u0000'],
    ...['__proto__', 'constructor', 'x'.repeat(5_000), [], {}, [[]], [null], { toString: 1 }, { length: 3 }],
    ...[`02${'f'.repeat(64)}`, `02${'0'.repeat(64)}`, 'f'.repeat(64), 'usd', { __proto__: null, a: [{}] }],
  ),
)

/** Where something stands in a body. */
const places = (value: unknown, path: readonly string[] = []): (readonly string[])[] =>
  typeof value === 'object' && value !== null
    ? [path, ...Object.entries(value).flatMap(([name, inner]) => places(inner, [...path, name]))]
    : [path]

function changed(body: object, place: readonly string[], to: unknown): unknown {
  if (place.length === 0) return to
  const copy = structuredClone(body) as Tree
  let at = copy
  for (const name of place.slice(0, -1)) at = at[name] as Tree
  at[place.at(-1)!] = to
  return copy
}

test.each(Object.keys(requests))('%s: right but for one place', async (path) => {
  const statuses = new Set<number>()
  const world = await real()
  await fc.assert(
    fc.asyncProperty(fc.nat(), odd, async (pick, value) => {
      const body = await requests[path]!(world)
      await noticed(world)
      const all = places(body)
      const wrong = changed(body, all[pick % all.length]!, value)
      statuses.add(await sent(world, path, JSON.stringify(wrong) ?? ''))
    }),
    { numRuns: 60, seed: 5 },
  )
  expect(statuses).toContain(400)
  expect(await sent(world, path, JSON.stringify(await requests[path]!(world)))).toBe(200)
})

test('two places of two requests mixed up', async () => {
  const world = await real()
  const kinds = Object.keys(requests)
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...kinds),
      fc.constantFrom(...kinds),
      fc.nat(),
      fc.nat(),
      async (path, from, pick, place) => {
        const [body, other] = [await requests[path]!(world), await requests[from]!(world)]
        await noticed(world)
        const [here, there] = [places(body), places(other)]
        const taken = there[place % there.length]!.reduce((at: unknown, name) => (at as Tree)[name], other)
        await sent(world, path, JSON.stringify(changed(body, here[pick % here.length]!, taken)))
      },
    ),
    { numRuns: 100, seed: 9 },
  )
  expect((await world.mint.balanceSheet()).units['sat']!.kept).toBeGreaterThanOrEqual(0)
})

test('what is no request at all', async () => {
  const world = await real()
  const paths = [...Object.keys(requests), '/v1/keys', '/v1/info', '/', '', '/v1/ws', '/admin/balance-sheet']
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...paths),
      fc.constantFrom('POST', 'GET', 'PUT', 'post'),
      fc.oneof(fc.string(), fc.json()),
      async (path, method, body) => {
        await sent(world, path, body, method)
      },
    ),
    { numRuns: 500, seed: 1 },
  )
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('keys', 'mint/quote/bolt11', 'melt/quote/bolt12'),
      fc.string({ unit: 'binary' }),
      async (kind, id) => {
        expect([400, 404]).toContain(await sent(world, `/v1/${kind}/${id}x`, '', 'GET'))
      },
    ),
    { numRuns: 200, seed: 2 },
  )
})

test('bodies that are nested too deep', async () => {
  const world = await real()
  for (const path of Object.keys(requests)) {
    const body = JSON.stringify({ ...(await requests[path]!(world)), deep: 0 })
    for (const deep of [
      '['.repeat(100_000) + ']'.repeat(100_000),
      '{"a":'.repeat(100_000) + '0' + '}'.repeat(100_000),
    ]) {
      await noticed(world)
      await sent(world, path, deep)
      await sent(world, path, body.replace('"deep":0', `"deep":${deep}`))
      await sent(world, path, body.replace(/"witness":"(\\.|[^"\\])*"/, `"witness":${deep}`))
    }
  }
  expect(await world.client.swap(await world.client.mint([8]))).toHaveLength(1)
})

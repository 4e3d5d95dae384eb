/** The test vectors of NUT-29, one test each; their titles begin with the NUT: `npm run conformance` counts them. */
import { expect, test } from 'vitest'
import { codes } from '../../src/cashu/codes.ts'
import { key, strict } from '../kits/mint-protocol-kit.ts'
import { split, type MintQuote, type Signature } from '../kits/mint-server-client.ts'

/** Paid quotes of these amounts, and outputs for all of them. */
async function paid(amounts: readonly number[]) {
  const world = await strict()
  const { client } = world
  const ids: string[] = []
  for (const amount of amounts) {
    const { quote } = await client.post<MintQuote>('/v1/mint/quote/bolt11', { amount, unit: 'sat' })
    await client.get(`/v1/mint/quote/bolt11/${quote}`)
    ids.push(quote)
  }
  const outputs = client.blind(split(amounts.reduce((a, b) => a + b)), (await client.keyset()).id)
  return { ...world, ids, outputs, messages: outputs.map(({ message }) => message) }
}
const PATH = '/v1/mint/bolt11/batch'

test('NUT-29: two quotes give one output', async () => {
  const { client, ids, messages, outputs } = await paid([5, 3])
  const request = { quotes: ids, quote_amounts: [5, 3], outputs: messages }
  const { signatures } = await client.post<{ signatures: Signature[] }>(PATH, request)
  expect(client.unblind(signatures, outputs).map(({ amount }) => amount)).toEqual([8])
})

test('NUT-29: a check leaves out what is unknown or malformed', async () => {
  const { client, ids } = await paid([5, 3])
  const [first, second] = ids
  const path = '/v1/mint/quote/bolt11/check'
  const known = await client.post<MintQuote[]>(path, {
    quotes: [first, 'not-a-valid-quote-id', 'no id', 'é', 'x'.repeat(101), second],
  })
  expect(known.map(({ quote }) => quote)).toEqual([first, second])
  expect(await client.post(path, { quotes: ['unknown', ' '] })).toEqual([])
  // Nor is what is no text an id.
  expect((await client.post<MintQuote[]>(path, { quotes: [first, 7] })).map(({ quote }) => quote)).toEqual([first])
})

test('NUT-29: an unknown quote fails the whole batch', async () => {
  const { ids, messages, refused, client } = await paid([8])
  await refused(codes.unclassified, PATH, { quotes: [...ids, 'unknown'], outputs: messages })
  expect(await client.issue(ids[0]!, [8])).toHaveLength(1)
})

test('NUT-29: no quotes', async () => {
  const { client, ids, messages, refused } = await paid([1])
  await refused(codes.unclassified, PATH, { quotes: [], outputs: messages })
  expect(await client.issue(ids[0]!, [1])).toHaveLength(1)
})

test('NUT-29: the same quote twice', async () => {
  const { client, ids, messages, refused } = await paid([2])
  await refused(codes.duplicateQuotes, PATH, { quotes: [...ids, ...ids], outputs: messages })
  expect(await client.issue(ids[0]!, [2])).toHaveLength(1)
})

test('NUT-29: quotes of several methods', async () => {
  const { ids, messages, refused, client, mint } = await paid([5])
  const pubkey = client.crypto.publicKey(key(1))
  const offer = await client.post<MintQuote>('/v1/mint/quote/bolt12', { amount: 3, unit: 'sat', pubkey })
  await client.get(`/v1/mint/quote/bolt12/${offer.quote}`)
  for (const path of [PATH, '/v1/mint/bolt12/batch'])
    await refused(codes.unclassified, path, {
      quotes: [...ids, offer.quote],
      quote_amounts: [5, 3],
      outputs: messages,
    })
  // A quote is seen by its own method only.
  expect((await mint.handle('GET', `/v1/mint/quote/bolt11/${offer.quote}`)).status).toBe(400)
  expect(await client.post('/v1/mint/quote/bolt11/check', { quotes: [offer.quote] })).toEqual([])
})

test('NUT-29: fewer signatures than quotes', async () => {
  const { client, ids, messages, refused } = await paid([5, 3])
  await refused(codes.signatureInvalid, PATH, { quotes: ids, outputs: messages, signatures: [null] })
  const answer = await client.post<{ signatures: Signature[] }>(PATH, { quotes: ids, outputs: messages })
  expect(answer.signatures).toHaveLength(1)
})

/**
 * Goal: the mint speaks every dialect as told, and is otherwise the mint that it was. Method: a simulated mint, one way
 * in which it differs at a time, and the wallet's own client to read what it says.
 */
import { expect, test } from 'vitest'
import { codes } from '../../src/cashu/codes.ts'
import { mintClient } from '../../src/cashu/client.ts'
import { splitAmount } from '../../src/cashu/amounts.ts'
import type { TokenProof } from '../../src/cashu/codec.ts'
import { plainInvoice } from '../../src/mint-server/lightning/bolt11.ts'
import {
  inDialect,
  mintOptionsOf,
  transportInDialect,
  type Dialect,
  type Handle,
} from '../../src/testing/faults/dialects.ts'
import { VirtualClock, worldRandom } from '../../src/testing/explorer/life.ts'
import { newMintFixture, POWERS } from '../../src/testing/environments/mint-fixture.ts'
import { stubCrypto } from '../../src/testing/environments/stub-crypto.ts'

const NOW_MS = 1_750_000_000_000
const { signal } = new AbortController()
const once = { signal }

/** A mint that has issued a proof of each amount, and how it is asked in a dialect. */
async function mintOf(dialect: Dialect, amounts: readonly number[] = [1, 2, 4]) {
  const fixture = await newMintFixture(mintOptionsOf(dialect))
  fixture.enter(fixture.dump(), new VirtualClock(NOW_MS), worldRandom({ entropy: 0 }))
  const plain = clientOf((...request) => fixture.mint.handle(...request))
  const handle = inDialect((...request) => fixture.mint.handle(...request), dialect, { now: () => NOW_MS })
  const client = clientOf(handle)
  const listed = await plain.keysets(once)
  const { id } = bodyOf(listed)[0]!
  const outputs = (those: readonly number[], salt: string) =>
    those.map((amount, at) => ({ amount, id, B_: stubCrypto.blind(`${salt} ${at}`, one) }))
  const { quote } = bodyOf(await plain.createMintQuote(JSON.stringify({ amount: sum(amounts), unit: 'sat' }), once))
  await fixture.pay(quote)
  const { signatures } = bodyOf(await plain.issue(JSON.stringify({ quote, outputs: outputs(amounts, 'issued') }), once))
  const { keys } = bodyOf(await plain.keys(id, once))
  const proofs = signatures.map(({ C_, amount }, at) => ({
    ...{ id, amount, secret: `issued ${at}`, C: stubCrypto.unblind(C_, one, keys[amount]!) },
  }))
  const swapOf = (inputs: readonly TokenProof[], to: readonly number[], salt = 'swapped'): string =>
    JSON.stringify({ inputs, outputs: outputs(to, salt) })
  return { fixture, handle, client, plain, id, proofs, outputs, swapOf, quote }
}

const one = '1'.padStart(64, '0')
const clientOf = (handle: Handle) =>
  mintClient({
    mintUrl: 'http://mint.test',
    transport: ({ method, url, body }) => handle(method, url.slice('http://mint.test'.length), body),
  })
const sum = (amounts: readonly number[]): number => amounts.reduce((total, amount) => total + amount, 0)

function bodyOf<T>(reply: { answer: string; body?: T }): T {
  if (reply.answer !== 'ok') throw new Error(JSON.stringify(reply))
  return reply.body!
}

/** What is said of a proof that is spent, an output that is signed, inputs that are not enough. */
async function refusals(dialect: Dialect) {
  const { handle, proofs, swapOf, outputs, quote } = await mintOf(dialect)
  const post = async (path: string, body: string) => {
    const answer = await handle('POST', path, body)
    return [answer.status, JSON.parse(answer.body) as unknown]
  }
  const [first, second, third] = proofs as [TokenProof, TokenProof, TokenProof]
  await handle('POST', '/v1/swap', swapOf([first], [1]))
  return {
    spent: await post('/v1/swap', swapOf([first], [1], 'again')),
    signed: await post('/v1/swap', swapOf([second], [1, 1], 'issued')),
    unbalanced: await post('/v1/swap', swapOf([third], [1], 'less')),
    issued: await post('/v1/mint/bolt11', JSON.stringify({ quote, outputs: outputs([1, 2, 4], 'more') })),
  }
}

test.each<[string, Dialect, Awaited<ReturnType<typeof refusals>>]>([
  [
    'Nutshell',
    { words: 'nutshell' },
    {
      spent: [400, { code: 11001, detail: 'Token already spent.' }],
      signed: [400, { code: 10002, detail: 'outputs have already been signed before.' }],
      unbalanced: [400, { code: 11000, detail: 'inputs (8) - fees (1) vs outputs (8) are not balanced.' }],
      issued: [400, { code: 11000, detail: 'Mint quote already issued.' }],
    },
  ],
  [
    'cdk',
    { words: 'cdk' },
    {
      spent: [400, { code: 11001, detail: 'Token Already Spent' }],
      signed: [400, { code: 11008, detail: 'Duplicate outputs' }],
      unbalanced: [400, { code: 11005, detail: expect.stringMatching(/^Inputs: /) as string }],
      issued: [400, { code: 20002, detail: 'Quote already issued' }],
    },
  ],
  [
    'codes with HTTP 500',
    { words: 'coded500' },
    {
      spent: [500, { code: 11001, detail: expect.any(String) as string }],
      signed: [500, { code: 11003, detail: expect.any(String) as string }],
      unbalanced: [500, { code: 11005, detail: expect.any(String) as string }],
      issued: [500, { code: 20002, detail: expect.any(String) as string }],
    },
  ],
  [
    'texts alone',
    { words: 'text' },
    {
      spent: [400, { detail: 'Token already spent.' }],
      signed: [400, { detail: 'outputs have already been signed before.' }],
      unbalanced: [400, { detail: expect.stringMatching(/not balanced/) as string }],
      issued: [400, { detail: 'Mint quote already issued.' }],
    },
  ],
])('a mint that refuses in the words of %s', async (_, dialect, expected) =>
  expect(await refusals(dialect)).toEqual(expected),
)

test('cdk says of a signed output that an invoice is paid, where it issues', async () => {
  const { client, plain, fixture, outputs } = await mintOf({ words: 'cdk' })
  const { quote } = bodyOf(await plain.createMintQuote(JSON.stringify({ amount: 7, unit: 'sat' }), once))
  await fixture.pay(quote)
  expect(await client.issue(JSON.stringify({ quote, outputs: outputs([1, 2, 4], 'issued') }), once)).toMatchObject({
    ...{ answer: 'refused', code: codes.invoicePaid },
  })
})

test.each<[string, Dialect, object]>([
  ['codes', {}, { answer: 'refused', code: codes.tooManyInputs }],
  [
    'cdk’s codes',
    { words: 'cdk' },
    { code: codes.tooManyInputs, detail: 'Maximum inputs exceeded: 3 provided, max 2' },
  ],
  ['a list', { words: 'nutshell' }, { answer: 'refused', code: 0, detail: expect.stringMatching(/body\.inputs.*at most 2/) as string }], // prettier-ignore
  ['a page', { oversize: 'entity' }, { answer: 'refused', code: 0, meaning: 'tooLarge' }],
  ['a text', { oversize: 'text' }, { answer: 'refused', code: 0, detail: 'too many inputs' }],
  ['HTTP 500', { words: 'coded500' }, { answer: 'unknown' }],
])('a mint of limits that says so in %s', async (_, dialect, expected) => {
  const { client, proofs, swapOf } = await mintOf({ ...dialect, limits: { inputs: 2 } })
  expect(await client.swap(swapOf(proofs, splitAmount(7, POWERS)), once)).toMatchObject(expected)
  expect(await client.swap(swapOf(proofs.slice(0, 2), [1, 2]), once)).toMatchObject({ answer: 'ok' })
})

test('limits of outputs, of states and of restores are its own', async () => {
  const limits = { outputs: 2, states: 1, restore: 3 }
  const { client, proofs, swapOf, outputs } = await mintOf({ limits, tellsLimits: true })
  const refused = { answer: 'refused', code: codes.tooManyOutputs }
  expect(await client.swap(swapOf(proofs, [1, 2, 4]), once)).toMatchObject(refused)
  expect(await client.restore(outputs([1, 1, 1, 1], 'x'), once)).toMatchObject(refused)
  expect(await client.restore(outputs([1, 1, 1], 'x'), once)).toMatchObject({ answer: 'ok' })
  const Ys = proofs.map(({ secret }) => stubCrypto.hashToCurve(secret))
  expect(await client.checkState(Ys, once)).toMatchObject({ answer: 'refused', code: codes.tooManyInputs })
  expect(await client.checkState(Ys.slice(0, 1), once)).toMatchObject({ answer: 'ok' })
})

test.each<[string, NonNullable<Dialect['keysMissing']>['how'], object]>([
  ['are unknown', 404, { answer: 'refused', code: codes.keysetUnknown }],
  ['fail', 500, { answer: 'unknown', reason: 'HTTP 500' }],
  ['are another keyset’s', 'other', { answer: 'malformed' }],
  ['are none', 'empty', { answer: 'malformed' }],
])('a keyset whose keys %s, and no other', async (_, how, expected) => {
  const { client, fixture, id } = await mintOf({ keysMissing: { keyset: 'first', how } })
  const newer = await fixture.mint.rotate('sat')
  expect(await client.keys(id, once)).toMatchObject(expected)
  expect(await client.keys(newer, once)).toMatchObject({ answer: 'ok' })
})

test('a keyset that is dead for inputs reads as unspent', async () => {
  const { client, proofs, swapOf } = await mintOf({ dead: { keyset: 'first', code: codes.keysetExpired } })
  expect(await client.swap(swapOf(proofs, [1, 2, 4]), once)).toMatchObject({ code: codes.keysetExpired })
  const Ys = proofs.map(({ secret }) => stubCrypto.hashToCurve(secret))
  expect(bodyOf(await client.checkState(Ys, once)).map(({ state }) => state)).toEqual(['UNSPENT', 'UNSPENT', 'UNSPENT'])
})

test('a mint that closes signs nothing, and pays out', async () => {
  const { client, proofs, swapOf, fixture, outputs } = await mintOf({ closing: true })
  expect(bodyOf(await client.keysets(once)).map(({ active }) => active)).toEqual([false])
  expect(await client.swap(swapOf(proofs, [1, 2, 4]), once)).toMatchObject({ code: codes.keysetInactive })
  const request = fixture.invoice(4)
  const { quote } = bodyOf(await client.createMeltQuote(JSON.stringify({ request, unit: 'sat' }), once))
  const change = JSON.stringify({ quote, inputs: proofs, outputs: outputs([0, 0], 'blank') })
  expect(await client.melt(change, once)).toMatchObject({ code: codes.keysetInactive })
  expect(await client.melt(JSON.stringify({ quote, inputs: proofs }), once)).toMatchObject({ body: { state: 'PAID' } })
})

test('a keyset ends at its time, beside one that stays', async () => {
  const { fixture, id, handle } = await mintOf({})
  let nowMs = NOW_MS
  const dialect: Dialect = { ending: { keyset: { id }, atMs: NOW_MS + 60_000 } }
  const client = clientOf(inDialect(handle, dialect, { now: () => nowMs }))
  await fixture.mint.rotate('sat')
  await fixture.activate(id)
  const ends = async () => bodyOf(await client.keysets(once)).map(({ active, final_expiry: at }) => [active, at])
  expect(await ends()).toEqual([[true, 1_750_000_060], [true, undefined]]) // prettier-ignore
  nowMs += 60_000
  expect(await ends()).toEqual([[false, 1_750_000_060], [true, undefined]]) // prettier-ignore
  expect(await client.swap(JSON.stringify({ inputs: [{ id }], outputs: [] }), once)).toMatchObject({
    ...{ code: codes.keysetExpired },
  })
})

test('a mint without NUTs 7, 8, 9, 12 and 19 says so, or nothing', async () => {
  const without = [7, 8, 9, 12, 19] as const
  const { client, fixture, proofs, outputs } = await mintOf({ without }, [8])
  expect(await client.checkState([], once)).toMatchObject({ answer: 'refused', code: 0 })
  expect(await client.restore([], once)).toMatchObject({ answer: 'refused', code: 0 })
  const { supported, cached } = bodyOf(await client.info(once))
  expect([supported.filter((nut) => [7, 8, 9, 12].includes(nut)), cached]).toEqual([[], undefined])
  const request = fixture.invoice(4)
  const { quote } = bodyOf(await client.createMeltQuote(JSON.stringify({ request, unit: 'sat' }), once))
  const melted = await client.melt(JSON.stringify({ quote, inputs: proofs, outputs: outputs([0, 0], 'blank') }), once)
  expect(melted).toMatchObject({ body: { state: 'PAID' } })
  expect(bodyOf(melted)).not.toHaveProperty('change')
  expect(fixture.remembers()).toBe(false)

  const silent = await mintOf({ without, isSilent: true }, [8])
  expect(JSON.parse((await silent.handle('GET', '/v1/info')).body)).not.toHaveProperty(['nuts', '12'])
  const signed = await silent.client.swap(silent.swapOf(silent.proofs, [8]), once)
  expect(bodyOf(signed).signatures).toEqual([expect.not.objectContaining({ dleq: expect.anything() as object })])
})

test('denominations that are not powers of two', async () => {
  const { client, id } = await mintOf({ amounts: [10, 50, 100, 1000] }, [10, 50])
  expect(Object.keys(bodyOf(await client.keys(id, once)).keys)).toEqual(['10', '50', '100', '1000'])
})

test('an info that is missing, and one that is odd', async () => {
  expect(await (await mintOf({ info: 'missing' })).client.info(once)).toMatchObject({ answer: 'refused', code: 0 })
  const odd = bodyOf(await (await mintOf({ info: 'odd' })).client.info(once))
  expect(odd).toMatchObject({ mint: { disabled: false }, melt: { methods: [] } })
  expect(odd.cached).toBeUndefined()
})

test.each<[string, NonNullable<Dialect['mintQuote']>, RegExp]>([
  ['another amount', 'other amount', /"amountSat":14/],
  ['no amount', 'no amount', /^plain:(?!.*amountSat)/],
  ['no invoice', 'no invoice', /^javascript:/],
])('a mint quote whose request is of %s', async (_, mintQuote, expected) => {
  const { client, plain } = await mintOf({ mintQuote })
  const { quote } = bodyOf(await plain.createMintQuote(JSON.stringify({ amount: 7, unit: 'sat' }), once))
  expect(bodyOf(await client.mintQuote(quote, once)).request).toMatch(expected)
})

test.each<[NonNullable<Dialect['meltQuote']>, object]>([
  ['dear', { amount: 160 }],
  ['cheap', { amount: 2 }],
  ['absurd reserve', { amount: 4, fee_reserve: 1_000_000 }],
])('a melt quote that is %s', async (meltQuote, expected) => {
  const { client, fixture } = await mintOf({ meltQuote })
  const request = fixture.invoice(4)
  expect(plainInvoice.decode(request)).toMatchObject({ amountSat: 4 })
  const quoted = bodyOf(await client.createMeltQuote(JSON.stringify({ request, unit: 'sat' }), once))
  expect(quoted).toMatchObject(expected)
  expect(bodyOf(await client.meltQuote(quoted.quote, once))).toMatchObject(expected)
})

test('a dialect is spoken over a wallet’s transport, whatever the mint’s address, and may change', async () => {
  const asked: string[] = []
  let dialect: Dialect = { info: 'missing' }
  const transport = transportInDialect(
    ({ url }) => {
      asked.push(url)
      return Promise.resolve({ status: 200, body: '{"nuts":{}}' })
    },
    () => dialect,
  )
  const client = mintClient({ mintUrl: 'http://mint.test/deep/er', transport })
  expect(await client.info(once)).toMatchObject({ answer: 'refused' })
  dialect = {}
  expect(await client.info(once)).toMatchObject({ answer: 'ok' })
  expect(asked).toEqual(['http://mint.test/deep/er/v1/info'])
})

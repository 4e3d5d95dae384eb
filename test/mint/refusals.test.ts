/** Every code that the mint refuses with, by a request that deserves it; and that a refusal changes nothing. */
import { expect, test } from 'vitest'
import { codes } from '../../src/cashu/codes.ts'
import * as kit from '../kits/mint-protocol-kit.ts'
import { HOUR_MS, key, meltQuote } from '../kits/mint-protocol-kit.ts'
import { split, type MeltQuote, type MintQuote } from '../kits/mint-server-client.ts'

const told = new Set<number>()

/** A mint whose refusals are noted, and must leave the rows as they were. */
async function strict(...options: Parameters<typeof kit.strict>): Promise<kit.Strict> {
  const world = await kit.strict(...options)
  return {
    ...world,
    async refused(code, ...request) {
      await world.refused(code, ...request)
      told.add(code)
    },
  }
}

const PENDING = { pay_invoice_state: 'PENDING' }

test('requests that are not what the NUTs say', async () => {
  const { client, refused } = await strict()
  const proofs = await client.mint([8])
  const [output] = client.blind([8], (await client.keyset()).id).map(({ message }) => message)
  const swap = (inputs: unknown, outputs: unknown) => refused(codes.unclassified, '/v1/swap', { inputs, outputs })
  const [proof] = proofs

  for (const body of ['', 'no JSON', '[]', 'null', '7', '"text"']) await refused(codes.unclassified, '/v1/swap', body)
  for (const wrong of [undefined, null, {}, 'text', 7, [null], [7], [[]], [{}]]) {
    await swap(wrong, [output])
    await swap([proof], wrong)
  }
  for (const amount of [-1, 0.5, 2 ** 53, 1e300, true, null, '-1', '8.0', [8], {}]) {
    await swap([{ ...proof, amount }], [output])
    await swap([proof], [{ ...output, amount }])
  }
  await swap([], [output])
  await swap([proof], [])
  await swap([{ ...proof, secret: 7 }], [output])
  await swap([{ ...proof, secret: 'x'.repeat(1025) }], [output])
  await swap([{ ...proof, C: 'no point' }], [output])
  await swap([proof], [{ ...output, B_: `04${output!.B_.slice(2)}` }])
  // Looks like a point, and is not on the curve.
  await swap([proof], [{ ...output, B_: `02${'f'.repeat(64)}` }])
  await swap([proof], [{ ...output, id: 7 }])
  for (const Ys of [undefined, 'text', [7], ['no point'], {}])
    await refused(codes.unclassified, '/v1/checkstate', { Ys })
  await refused(codes.unclassified, '/v1/restore', {})
  for (const amount of [undefined, -5, 0.1, null, '1e3'])
    await refused(codes.unclassified, '/v1/mint/quote/bolt11', { amount, unit: 'sat' })
  await refused(codes.unclassified, '/v1/mint/quote/bolt11', { amount: 5, unit: 7 })
  await refused(codes.unclassified, '/v1/mint/quote/bolt11', { amount: 5, unit: 'sat', description: 'x'.repeat(201) })
  await refused(codes.unclassified, '/v1/mint/bolt11', { quote: 'none', outputs: [output] })
  await refused(codes.unclassified, '/v1/melt/bolt11', { quote: 'none', inputs: proofs })
  await refused(codes.unclassified, '/v1/melt/quote/bolt11', { request: 'lnbc1', unit: 'sat' })
  for (const odd of ['', 'a b', '\u0000', '\ud800', 'é', 'x'.repeat(101)]) {
    await swap([{ ...proof, id: odd }], [output])
    await swap([proof], [{ ...output, id: odd }])
    await refused(codes.unclassified, '/v1/mint/bolt11', { quote: odd, outputs: [output] })
    await refused(codes.unclassified, '/v1/melt/bolt11', { quote: odd, inputs: proofs })
    await refused(codes.unclassified, '/v1/melt/quote/bolt11', { request: odd, unit: 'sat' })
  }
  await refused(codes.unclassified, '/v1/nothing', {}, 404)
  await refused(codes.unclassified, '/v1/keys', {}, 404)
  // The mint is none the worse for it.
  expect(await client.swap(proofs)).toHaveLength(1)
})

test('views of what is not there', async () => {
  const { mint } = await strict()
  const code = async (path: string) => (JSON.parse((await mint.handle('GET', path)).body) as { code: number }).code
  expect(await code('/v1/keys/00ffffffffffffff')).toBe(codes.keysetUnknown)
  expect(await code('/v1/mint/quote/bolt11/none')).toBe(codes.unclassified)
  expect(await code('/v1/melt/quote/bolt11/none')).toBe(codes.unclassified)
  expect((await mint.handle('GET', '/v1/swap')).status).toBe(404)
  expect(await code('/v1/keys/\ud800')).toBe(codes.unclassified)
  expect((await mint.handle('GET', '/__proto__')).status).toBe(404)
  await expect(mint.rotate('eur')).rejects.toMatchObject({ code: codes.unitUnsupported })
  expect((await mint.handle('DELETE', '/v1/keys')).status).toBe(404)
})

test('inputs and outputs', async () => {
  const { client, mint, refused } = await strict({ units: ['sat', 'usd'], feePpk: 100 })
  const proofs = await client.mint([8, 8])
  const dollars = await client.mint([8], 'usd')
  const sat = (await client.keyset()).id
  const usd = (await client.keyset('usd')).id
  const outputs = (amounts: number[], id = sat) => client.blind(amounts, id).map(({ message }) => message)
  const fifteen = outputs([1, 2, 4, 8])
  const swap = (code: number, inputs: object, made: object) => refused(code, '/v1/swap', { inputs, outputs: made })
  const [proof] = proofs as [(typeof proofs)[0]]

  await swap(codes.proofInvalid, [{ ...proof, secret: 'another' }], fifteen)
  await swap(codes.proofInvalid, [{ ...proof, amount: 16 }], fifteen)
  await swap(codes.proofInvalid, [{ ...proof, amount: 3 }], fifteen)
  await swap(codes.proofInvalid, [{ ...proof, id: usd }], fifteen)
  await swap(codes.proofInvalid, [{ ...proof, C: `02${'f'.repeat(64)}` }], fifteen)
  await swap(codes.unbalanced, proofs, outputs([16]))
  await swap(codes.unbalanced, proofs, outputs([2, 4, 8]))
  await swap(codes.amountOutOfRange, proofs, outputs([3, 4, 8]))
  await swap(codes.amountOutOfRange, proofs, outputs([0, 15]))
  await swap(codes.duplicateInputs, [proof, proof], fifteen)
  await swap(codes.duplicateOutputs, proofs, [...fifteen, fifteen[0]])
  await swap(codes.severalUnits, [proof, ...dollars], fifteen)
  await swap(codes.severalUnits, proofs, [...outputs([8]), ...outputs([4], usd)])
  await swap(codes.unitMismatch, proofs, outputs([1, 2, 4, 8], usd))
  await swap(
    codes.tooManyInputs,
    Array.from({ length: 1001 }, () => proof),
    fifteen,
  )
  await swap(
    codes.tooManyOutputs,
    proofs,
    Array.from({ length: 1001 }, () => fifteen[0]),
  )
  await swap(codes.keysetUnknown, [{ ...proof, id: '00ffffffffffffff' }], fifteen)
  await swap(codes.keysetUnknown, proofs, outputs([15], '00ffffffffffffff'))

  await client.post('/v1/swap', { inputs: proofs, outputs: fifteen })
  await swap(codes.alreadySpent, proofs, outputs([1, 2, 4, 8]))
  const more = await client.mint([16])
  await swap(codes.alreadySigned, more, fifteen)
  await mint.rotate('sat')
  await swap(codes.keysetInactive, more, outputs([1, 2, 4, 8]))
  // Old proofs are good for new outputs.
  expect((await client.swap(more)).map(({ id }) => id)).not.toContain(sat)
})

test('minting', async () => {
  const { client, backend, store, refused, pass } = await strict({}, {})
  const quoteOf = (request: object) =>
    client.post<MintQuote>('/v1/mint/quote/bolt11', { amount: 8, unit: 'sat', ...request })
  // A request that is refused may make the mint notice a payment: it has noticed it before, then.
  const settle = async ({ quote }: MintQuote) => {
    await backend.settle((await store.get<{ requestId: string }>('mintQuotes', [quote]))!.requestId)
    await client.get(`/v1/mint/quote/bolt11/${quote}`)
  }
  const { id } = await client.keyset()
  const outputs = client.blind([8], id).map(({ message }) => message)

  await refused(codes.unitUnsupported, '/v1/mint/quote/bolt11', { amount: 8, unit: 'eur' })
  await refused(codes.amountOutOfRange, '/v1/mint/quote/bolt11', { amount: 0, unit: 'sat' })
  await refused(codes.amountOutOfRange, '/v1/mint/quote/bolt11', { amount: 10_000_001, unit: 'sat' })
  for (const pubkey of ['no key', 7, '04'.repeat(33)])
    await refused(codes.pubkeyRequired, '/v1/mint/quote/bolt11', { amount: 8, unit: 'sat', pubkey })

  const open = await quoteOf({})
  await refused(codes.quoteNotPaid, '/v1/mint/bolt11', { quote: open.quote, outputs })
  await settle(open)
  const seven = client.blind([1, 2, 4], id).map(({ message }) => message)
  await refused(codes.unbalanced, '/v1/mint/bolt11', { quote: open.quote, outputs: seven })
  await client.post('/v1/mint/bolt11', { quote: open.quote, outputs })
  await refused(codes.quoteIssued, '/v1/mint/bolt11', { quote: open.quote, outputs: seven })

  const locked = await quoteOf({ pubkey: client.crypto.publicKey(key(1)) })
  await settle(locked)
  const request = { quote: locked.quote, outputs: client.blind([8], id).map(({ message }) => message) }
  const signature = (by: string) => client.crypto.signMintRequest(by, request.quote, request.outputs, 'framed')
  await refused(codes.signatureInvalid, '/v1/mint/bolt11', request)
  await refused(codes.signatureInvalid, '/v1/mint/bolt11', { ...request, signature: 7 })
  await refused(codes.signatureInvalid, '/v1/mint/bolt11', { ...request, signature: 'none' })
  await refused(codes.signatureInvalid, '/v1/mint/bolt11', { ...request, signature: signature(key(2)) })
  await client.post('/v1/mint/bolt11', { ...request, signature: signature(key(1)) })

  const late = await quoteOf({})
  const another = await quoteOf({})
  pass(HOUR_MS)
  const [mine] = client.blind([8], id)
  await refused(codes.quoteExpired, '/v1/mint/bolt11', { quote: late.quote, outputs: [mine!.message] })
  // What was paid is issued, however late.
  await settle(another)
  expect(await client.issue(another.quote, [8])).toHaveLength(1)
})

test('melting', async () => {
  const world = await strict({ feePpk: 100, units: ['sat', 'usd'] })
  const { client, backend, refused, pass } = world
  const quote = (request: object) => ({ unit: 'sat', request: backend.foreignInvoice({ amountSat: 8 }), ...request })
  await refused(codes.unitUnsupported, '/v1/melt/quote/bolt11', quote({ unit: 'eur' }))
  await refused(codes.amountlessUnsupported, '/v1/melt/quote/bolt11', quote({ request: backend.foreignInvoice({}) }))
  for (const amountSat of [0, 10_000_001])
    await refused(
      codes.amountOutOfRange,
      '/v1/melt/quote/bolt11',
      quote({ request: backend.foreignInvoice({ amountSat }) }),
    )
  const amountless = (amount_msat: number) => ({ options: { amountless: { amount_msat } } })
  await refused(codes.amountMismatch, '/v1/melt/quote/bolt11', quote(amountless(7000)))
  await refused(codes.unclassified, '/v1/melt/quote/bolt11', quote({ options: { mpp: { amount: 4000 } } }))
  await refused(codes.unclassified, '/v1/melt/quote/bolt11', quote({ options: 'none' }))
  await client.post('/v1/melt/quote/bolt11', quote(amountless(8000)))

  const melt = (code: number, request: object) => refused(code, '/v1/melt/bolt11', request)
  const first = await meltQuote(world, 8)
  const ten = await client.mint([2, 8])
  await melt(codes.unbalanced, { quote: first.quote, inputs: ten })
  await melt(codes.unitMismatch, { quote: first.quote, inputs: await client.mint([16], 'usd') })
  const inputs = await client.mint([16])
  const dollars = client.blind([1], (await client.keyset('usd')).id).map(({ message }) => message)
  await melt(codes.unitMismatch, { quote: first.quote, inputs, outputs: dollars })
  const [blank] = client.blind([1], (await client.keyset()).id).map(({ message }) => message)
  await melt(codes.duplicateOutputs, { quote: first.quote, inputs, outputs: [blank, blank] })
  await melt(codes.unclassified, { quote: first.quote, inputs, outputs: [{ ...blank, B_: `02${'f'.repeat(64)}` }] })
  await client.post('/v1/melt/bolt11', { quote: first.quote, inputs })
  await melt(codes.invoicePaid, { quote: first.quote, inputs: await client.mint([16]) })

  const again = await client.post<MeltQuote>('/v1/melt/quote/bolt11', { request: first.request, unit: 'sat' })
  await melt(codes.invoicePaid, { quote: again.quote, inputs: await client.mint([16]) })

  const slow = await meltQuote(world, 8, PENDING)
  const held = await client.mint([16])
  await client.post('/v1/melt/bolt11', { quote: slow.quote, inputs: held, outputs: [blank] })
  await melt(codes.quotePending, { quote: slow.quote, inputs: await client.mint([16]) })
  const rival = await client.post<MeltQuote>('/v1/melt/quote/bolt11', { request: slow.request, unit: 'sat' })
  await melt(codes.quotePending, { quote: rival.quote, inputs: await client.mint([16]) })
  const outputs = client.blind(split(15), (await client.keyset()).id).map(({ message }) => message)
  await refused(codes.proofsPending, '/v1/swap', { inputs: held, outputs })
  const free = await client.mint([2])
  await refused(codes.outputsPending, '/v1/swap', { inputs: free, outputs: [blank] })

  const late = await meltQuote(world, 8)
  pass(HOUR_MS)
  await melt(codes.quoteExpired, { quote: late.quote, inputs: await client.mint([16]) })

  const doomed = await meltQuote(world, 8, { pay_invoice_state: 'FAILED' })
  const whole = await client.mint([16])
  await client.refused(codes.paymentFailed, '/v1/melt/bolt11', { quote: doomed.quote, inputs: whole })
  told.add(codes.paymentFailed)
  expect(await client.states(whole)).toEqual(['UNSPENT'])
})

test('no code of these NUTs was left out', () => {
  const authentication = [30_001, 30_002, 31_001, 31_002, 31_003, 31_004]
  // This mint is never closed for minting, takes no batches, and its keysets don't expire.
  const unused: number[] = [codes.mintingDisabled, codes.duplicateQuotes, codes.batchTooLarge, codes.keysetExpired]
  const expected = Object.values(codes).filter((code) => ![...authentication, ...unused].includes(code))
  expect(told).toEqual(new Set(expected))
})

/** Over HTTP, what wallets know from Nutshell and cdk: codes, the order of checks, scripted payments, proofs of payment. */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { codes } from '../../src/cashu/codes.ts'
import { nobleCrypto } from '../../src/cashu/noble-crypto.ts'
import { systemClock } from '../../src/kernel/util/ports.ts'
import { bolt11, createMintServer, type MintServer } from '../../src/mint-server/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { client, overHttp, split, type Client, type MeltQuote, type MintQuote } from '../kits/mint-server-client.ts'

let server: MintServer
let wallet: Client
let later = 0

beforeAll(async () => {
  const clock = { ...systemClock, now: () => Date.now() + later }
  server = await createMintServer({ store: memoryStore(), clock, lightning: { autoPayMs: 0, feeSat: 0 }, feePpk: 100 })
  wallet = client(overHttp(server.url), nobleCrypto)
  await wallet.keyset()
})
afterAll(() => server.close())

const hash = (preimage: string): string => bytesToHex(sha256(hexToBytes(preimage)))
const invoiceOf = (amountSat: number, script: object = {}): string =>
  server.backend.foreignInvoice({ amountSat, memo: JSON.stringify(script) })
const quoteOf = (request: string): Promise<MeltQuote> =>
  wallet.post<MeltQuote>('/v1/melt/quote/bolt11', { request, unit: 'sat' })

/** Pays an invoice, with change where some is left. */
async function melted(
  request: string,
): Promise<{ status: number; answer: MeltQuote & { code?: number }; quote: string }> {
  const quote = await quoteOf(request)
  const inputs = await wallet.mint(split(quote.amount + quote.fee_reserve + 1))
  const outputs = wallet.blind([0, 0, 0], inputs[0]!.id).map(({ message }) => message)
  const body = JSON.stringify({ quote: quote.quote, inputs, outputs })
  const answer = await fetch(`${server.url}/v1/melt/bolt11`, { method: 'POST', body })
  return { status: answer.status, answer: (await answer.json()) as MeltQuote, quote: quote.quote }
}

describe('an invoice that has expired', () => {
  test('gets no quote', async () => {
    expect.hasAssertions()
    const request = server.backend.foreignInvoice({ amountSat: 5, expiryAt: Date.now() - 1000 })
    await wallet.refused(codes.quoteExpired, '/v1/melt/quote/bolt11', { request, unit: 'sat' })
    const offer = server.backend.foreignOffer({ amountSat: 5, expiryAt: Date.now() - 1000 })
    await wallet.refused(codes.quoteExpired, '/v1/melt/quote/bolt12', { request: offer, unit: 'sat' })
  })

  test('gets one until then', async () => {
    const request = server.backend.foreignInvoice({ amountSat: 5, expiryAt: Date.now() + 60_000 })
    expect(await quoteOf(request)).toMatchObject({ state: 'UNPAID' })
    later = 120_000
    await wallet.refused(codes.quoteExpired, '/v1/melt/quote/bolt11', { request, unit: 'sat' })
    later = 0
  })
})

describe("a payment by the words of cdk's fake wallet", () => {
  const told = { pay_err: false, check_err: false }
  test.each([
    ['PAID', 'PAID', 200, 'PAID'],
    ['FAILED', 'FAILED', 400, 'UNPAID'],
    ['UNPAID', 'UNPAID', 400, 'UNPAID'],
    ['PENDING', 'UNPAID', 400, 'UNPAID'],
    ['PENDING', 'PAID', 200, 'PAID'],
    ['PENDING', 'PENDING', 200, 'PENDING'],
    ['UNKNOWN', 'FAILED', 400, 'UNPAID'],
    ['UNKNOWN', 'PAID', 200, 'PAID'],
    ['UNKNOWN', 'UNKNOWN', 200, 'PENDING'],
  ])('that is answered with %s and then with %s', async (pay, check, status, state) => {
    const invoice = invoiceOf(3, { pay_invoice_state: pay, check_payment_state: check, ...told })
    const { answer, quote } = await melted(invoice)
    await expect.poll(async () => (await wallet.get<MeltQuote>(`/v1/melt/quote/bolt11/${quote}`)).state).toBe(state)
    // Where the answer took a look, it is the last word; else that the payment is under way.
    expect(['PENDING', 'PAID', codes.paymentFailed]).toContain(answer.code ?? answer.state)
    expect(status === 400 ? [codes.paymentFailed, 'PENDING'] : [state, 'PENDING']).toContain(
      answer.code ?? answer.state,
    )
  })

  test('that fails as a call, and is UNPAID when it is asked about', async () => {
    const script = { pay_invoice_state: 'UNPAID', check_payment_state: 'UNPAID', pay_err: true, check_err: false }
    const { quote } = await melted(invoiceOf(3, script))
    await expect.poll(async () => (await wallet.get<MeltQuote>(`/v1/melt/quote/bolt11/${quote}`)).state).toBe('UNPAID')
  })
})

describe('a proof of payment', () => {
  test("of a stranger's invoice that a fake backend made", async () => {
    const request = invoiceOf(3)
    const { answer } = await melted(request)
    expect(hash(answer.payment_preimage!)).toBe(bolt11.decode(request)!.paymentHash)
  })

  test("of the mint's own invoice", async () => {
    const clock = { ...systemClock }
    const own = await createMintServer({ store: memoryStore(), clock })
    const peer = client(overHttp(own.url), nobleCrypto)
    const { id } = await peer.keyset()
    const { quote } = await peer.post<MintQuote>('/v1/mint/quote/bolt11', { amount: 8, unit: 'sat' })
    await own.backend.settle(
      own.backend.decode('bolt11', (await peer.get<MintQuote>(`/v1/mint/quote/bolt11/${quote}`)).request)!.requestId,
    )
    const inputs = await peer.issue(quote, [8])
    const wanted = await peer.post<MintQuote>('/v1/mint/quote/bolt11', { amount: 8, unit: 'sat' })
    expect(JSON.stringify(wanted)).not.toMatch(/preimage/)
    const melt = await peer.post<MeltQuote>('/v1/melt/quote/bolt11', { request: wanted.request, unit: 'sat' })
    const paid = await peer.post<MeltQuote>('/v1/melt/bolt11', { quote: melt.quote, inputs })
    expect(paid.state).toBe('PAID')
    expect(hash(paid.payment_preimage!)).toBe(bolt11.decode(wanted.request)!.paymentHash)
    expect(await peer.issue(wanted.quote, [8])).toMatchObject([{ amount: 8, id }])
    await own.close()
  })

  test('of an invoice whose preimage nobody here can know is none', async () => {
    const [createdAt, expiryAt] = [Date.now(), Date.now() + 60_000]
    const foreign = { paymentHash: 'ab'.repeat(32), paymentSecret: '2a'.repeat(32), amountSat: 3, memo: 'x' }
    const { answer } = await melted(bolt11.encode({ ...foreign, createdAt, expiryAt }))
    expect(answer).toMatchObject({ state: 'PAID', payment_preimage: null })
  })
})

test('a payment that costs nothing gives the whole reserve back', async () => {
  const quote = await quoteOf(invoiceOf(100))
  expect(quote.fee_reserve).toBe(2)
  const inputs = await wallet.mint([64, 32, 4, 2, 1])
  const blanks = wallet.blind([0, 0], inputs[0]!.id)
  const body = { quote: quote.quote, inputs, outputs: blanks.map(({ message }) => message) }
  const { change } = await wallet.post<MeltQuote>('/v1/melt/bolt11', body)
  expect(change!.map(({ amount }) => amount)).toEqual([2])
})

describe('what is refused first', () => {
  test('a sum before a spent coin or a signed output, and those where all else is right', async () => {
    expect.hasAssertions()
    const coins = await wallet.mint([8, 4, 1])
    const { id } = coins[0]!
    const outputs = wallet.blind([8, 4], id).map(({ message }) => message)
    await wallet.post('/v1/swap', { inputs: coins, outputs })
    const fresh = wallet.blind([8, 4, 1], id).map(({ message }) => message)
    await wallet.refused(codes.unbalanced, '/v1/swap', { inputs: coins, outputs: fresh })
    await wallet.refused(codes.unbalanced, '/v1/swap', { inputs: coins, outputs: outputs.slice(1) })
    await wallet.refused(codes.alreadySpent, '/v1/swap', { inputs: coins, outputs: fresh.slice(0, 2) })
    const others = await wallet.mint([8, 4, 1])
    await wallet.refused(codes.alreadySigned, '/v1/swap', { inputs: others, outputs })
    const { quote } = await quoteOf(invoiceOf(100))
    await wallet.refused(codes.unbalanced, '/v1/melt/bolt11', { quote, inputs: coins })
    const small = await quoteOf(invoiceOf(3))
    await wallet.refused(codes.alreadySpent, '/v1/melt/bolt11', { quote: small.quote, inputs: coins })
  })

  test('a witness that is missing, by the code of cdk', async () => {
    expect.hasAssertions()
    const { id } = await wallet.keyset()
    const [output] = wallet.blind([8], id)
    const key = bytesToHex(nobleKey())
    const secret = JSON.stringify(['P2PK', { nonce: 'aa'.repeat(16), data: key, tags: [] }])
    const B_ = nobleCrypto.blind(secret, output!.r)
    const locked = { ...output!, secret, message: { ...output!.message, B_ } }
    const { quote } = await wallet.post<MintQuote>('/v1/mint/quote/bolt11', { amount: 8, unit: 'sat' })
    type Signed = { signatures: Parameters<Client['unblind']>[0] }
    const { signatures } = await wallet.post<Signed>('/v1/mint/bolt11', { quote, outputs: [locked.message] })
    const inputs = wallet.unblind(signatures, [locked])
    const outputs = wallet.blind([4, 2, 1], id).map(({ message }) => message)
    await wallet.refused(codes.signatureInvalid, '/v1/swap', { inputs, outputs })
    await wallet.refused(codes.proofInvalid, '/v1/swap', { inputs: [{ ...inputs[0]!, secret: 'other' }], outputs })
  })
})

/** A key that nobody here has. */
const nobleKey = (): Uint8Array => hexToBytes('02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5')

test('the info says how many inputs and outputs a request may have, and more are refused by their codes', async () => {
  const info = await wallet.get<{ max_array_length: number }>('/v1/info')
  expect(info.max_array_length).toBe(1000)
  const outputs = Array.from({ length: 1001 }, () => ({}))
  await wallet.refused(codes.tooManyOutputs, '/v1/swap', { inputs: [], outputs })
  await wallet.refused(codes.tooManyInputs, '/v1/swap', { inputs: outputs, outputs: [] })
  await wallet.refused(codes.tooManyInputs, '/v1/checkstate', { Ys: outputs })
})

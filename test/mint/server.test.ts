/** The mint from outside: over HTTP, with real crypto and real invoices, on each store that runs on a server. */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { codes } from '../../src/cashu/codes.ts'
import { nobleCrypto } from '../../src/cashu/noble-crypto.ts'
import { systemClock } from '../../src/kernel/util/ports.ts'
import { createMintServer, type MintServer, type MintServerOptions } from '../../src/mint-server/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { StoreAdapter } from '../../src/store/port.ts'
import { sqliteStore } from '../../src/store/sqlite/index.ts'
import {
  decide,
  client,
  overHttp,
  sum,
  type Blinded,
  type Client,
  type Keyset,
  type MeltQuote,
  type MintQuote,
  type Output,
  type Proof,
  type Send,
  type Signature,
} from '../kits/mint-server-client.ts'

const directory = mkdtempSync(join(tmpdir(), 'mint-server-'))
let files = 0
const running = new Set<MintServer>()

const adapters: Record<string, () => StoreAdapter> = {
  memory: memoryStore,
  SQLite: () => sqliteStore({ path: join(directory, `${files++}.db`) }),
}

async function start(options: MintServerOptions): Promise<MintServer> {
  // Eight amounts: their keys are what takes time at the start.
  const amounts = Array.from({ length: 8 }, (_, exponent) => 2 ** exponent)
  const server = await createMintServer({ amounts, lightning: { autoPayMs: 0 }, ...options })
  running.add(server)
  return server
}

async function stop(server: MintServer): Promise<void> {
  running.delete(server)
  await server.close()
}

afterEach(async () => {
  for (const server of running) await stop(server)
})
afterAll(() => rmSync(directory, { recursive: true }))

const messages = (outputs: readonly Blinded[]): Output[] => outputs.map(({ message }) => message)

/** Asks for a melt quote of an invoice whose memo scripts the payment. */
async function quoted(server: MintServer, wallet: Client, amountSat: number, script?: object): Promise<MeltQuote> {
  const request = server.backend.foreignInvoice({ amountSat, memo: script && JSON.stringify(script) })
  return wallet.post<MeltQuote>('/v1/melt/quote/bolt11', { request, unit: 'sat' })
}

describe.each(Object.keys(adapters))('on %s', (name) => {
  const adapter = adapters[name]!

  test('ecash is minted, swapped, checked and restored', async () => {
    const server = await start({ store: adapter(), feePpk: 100, name: 'a mint' })
    const wallet = client(overHttp(server.url), nobleCrypto)

    const info = await wallet.get<{ name: string; nuts: Record<string, unknown> }>('/v1/info')
    expect(info.name).toBe('a mint')
    expect(Object.keys(info.nuts)).toEqual(['4', '5', '7', '8', '9', '10', '11', '12', '14', '17', '19', '20', '29'])
    const keyset = await wallet.keyset()
    const { keys, ...described } = keyset
    expect(described).toEqual({ id: keyset.id, unit: 'sat', active: true, input_fee_ppk: 100 })
    expect(await wallet.get(`/v1/keys/${keyset.id}`)).toEqual({ keysets: [keyset] })
    expect(await wallet.get('/v1/keysets')).toEqual({ keysets: [described] })
    expect(nobleCrypto.keysetId(keyset.id, { keys, unit: 'sat', inputFeePpk: 100 })).toBe(keyset.id)

    const minted = await wallet.mint([4, 16, 16])
    const swapped = await wallet.swap(minted.slice(1))
    expect(sum(swapped)).toBe(31)
    expect(await wallet.states([...minted, ...swapped])).toEqual([
      'UNSPENT',
      'SPENT',
      'SPENT',
      ...swapped.map(() => 'UNSPENT'),
    ])

    const made = wallet.blind([1, 2], keyset.id)
    const request = { inputs: [minted[0]], outputs: messages(made) }
    const { signatures } = await wallet.post<{ signatures: Signature[] }>('/v1/swap', request)
    const unknown = wallet.blind([64], keyset.id)
    const asked = messages([made[1]!, ...unknown, made[0]!]).map((message) => ({ ...message, amount: 0 }))
    expect(await wallet.post('/v1/restore', { outputs: asked })).toEqual({
      outputs: messages([made[1]!, made[0]!]),
      signatures: [signatures[1], signatures[0]],
    })
    expect(await server.mint.balanceSheet()).toMatchObject({
      units: {
        sat: { received: 36, issued: 36 + 31 + 3, redeemed: 36, outstanding: 34, kept: 2, paidOut: 0, pending: 0 },
      },
    })
  })

  test('a locked quote takes a signature in either form', async () => {
    const server = await start({ store: adapter() })
    const wallet = client(overHttp(server.url), nobleCrypto)
    const key = nobleCrypto.privateKey(new Uint8Array(32).fill(5))
    const { id } = await wallet.keyset()
    for (const form of ['framed', 'plain'] as const) {
      const pubkey = nobleCrypto.publicKey(key)
      const quote = await wallet.post<MintQuote & { pubkey: string }>('/v1/mint/quote/bolt11', {
        amount: 3,
        unit: 'sat',
        pubkey,
      })
      expect(quote.pubkey).toBe(pubkey)
      const outputs = messages(wallet.blind([1, 2], id))
      const signature = nobleCrypto.signMintRequest(key, quote.quote, outputs, form)
      await wallet.refused(codes.signatureInvalid, '/v1/mint/bolt11', {
        quote: quote.quote,
        outputs: outputs.toReversed(),
        signature,
      })
      await wallet.post('/v1/mint/bolt11', { quote: quote.quote, outputs, signature })
    }
  })

  test('a quote is paid by command, then issued', async () => {
    const server = await start({ store: adapter(), lightning: {}, admin: true })
    const wallet = client(overHttp(server.url), nobleCrypto)
    const quote = await wallet.post<MintQuote>('/v1/mint/quote/bolt11', { amount: 5, unit: 'sat', description: 'five' })
    const state = async () => {
      const { state, amount_paid, amount_issued } = await wallet.get<Record<string, unknown>>(
        `/v1/mint/quote/bolt11/${quote.quote}`,
      )
      return [state, amount_paid, amount_issued]
    }
    expect(server.backend.decode('bolt11', quote.request)).toMatchObject({ amountSat: 5 })
    expect(await state()).toEqual(['UNPAID', 0, 0])
    expect(await wallet.post('/admin/settle', { quote: quote.quote })).toEqual({ settled: true })
    expect(await state()).toEqual(['PAID', 5, 0])
    expect((await wallet.get<{ units: object }>('/admin/balance-sheet')).units).toMatchObject({
      sat: { received: 0, unissued: 5 },
    })
    await wallet.issue(quote.quote, [1, 4])
    expect(await state()).toEqual(['ISSUED', 5, 5])
  })

  test('a melt is paid, and gives back what was too much', async () => {
    const server = await start({ store: adapter(), feePpk: 100, admin: true, lightning: { autoPayMs: 0, feeSat: 2 } })
    const wallet = client(overHttp(server.url), nobleCrypto)
    const { request } = await wallet.post<{ request: string }>('/admin/invoice', { amount: 100 })
    const quote = await wallet.post<MeltQuote>('/v1/melt/quote/bolt11', { request, unit: 'sat' })
    expect(quote).toMatchObject({
      amount: 100,
      fee_reserve: 2,
      state: 'UNPAID',
      unit: 'sat',
      request,
      payment_preimage: null,
    })

    const inputs = await wallet.mint([64, 64])
    const blanks = wallet.blind([0, 0, 0, 0, 0, 0], (await wallet.keyset()).id)
    const body = { quote: quote.quote, inputs, outputs: messages(blanks) }
    const paid = await wallet.post<MeltQuote>('/v1/melt/bolt11', body)
    const hash = createHash('sha256').update(Buffer.from(paid.payment_preimage!, 'hex')).digest('hex')
    expect(hash).toBe(server.backend.decode('bolt11', request)!.requestId)
    // 128 − 1 input fee − 100 − 2 = 25, in ascending order on the first blanks.
    expect(paid.change!.map(({ amount }) => amount)).toEqual([1, 8, 16])
    const change = wallet.unblind(paid.change!, blanks)
    expect(await wallet.states([...inputs, ...change])).toEqual(['SPENT', 'SPENT', 'UNSPENT', 'UNSPENT', 'UNSPENT'])

    expect(await wallet.get(`/v1/melt/quote/bolt11/${quote.quote}`)).toEqual(paid)
    expect(await wallet.post('/v1/melt/bolt11', body)).toEqual(paid)
    expect(await wallet.post('/v1/restore', { outputs: messages(blanks) })).toEqual({
      outputs: messages(blanks.slice(0, 3)).map((message, index) => ({ ...message, amount: [1, 8, 16][index] })),
      signatures: paid.change,
    })
    await wallet.swap(change)
    // Blanks that were not needed may be used again.
    const spare = await wallet.mint([1])
    const key = (await wallet.keyset()).id
    await wallet.post('/v1/mint/bolt11', {
      quote: (await wallet.post<MintQuote>('/v1/mint/quote/bolt11', { amount: 1, unit: 'sat' })).quote,
      outputs: [{ ...blanks[5]!.message, id: key, amount: 1 }],
    })
    expect(spare).toHaveLength(1)
    const { units, payments } = await server.mint.balanceSheet()
    expect(units['sat']).toMatchObject({ paidOut: 102, kept: 2, received: 130, outstanding: 130 - 102 - 2, pending: 0 })
    expect(Object.values(payments)).toEqual([{ attempts: 1, paid: 1 }])
  })

  test('too few blanks: the largest amounts are given', async () => {
    const server = await start({ store: adapter(), lightning: { autoPayMs: 0, feeSat: 0 } })
    const wallet = client(overHttp(server.url), nobleCrypto)
    const quote = await quoted(server, wallet, 1)
    const inputs = await wallet.mint([16])
    const outputs = messages(wallet.blind([0, 0], (await wallet.keyset()).id))
    const paid = await wallet.post<MeltQuote>('/v1/melt/bolt11', { quote: quote.quote, inputs, outputs })
    expect(paid.change!.map(({ amount }) => amount)).toEqual([4, 8])
    expect((await server.mint.balanceSheet()).units['sat']).toMatchObject({ kept: 3, outstanding: 12 })
  })

  test('a payment that fails gives everything back, and may be tried again', async () => {
    const server = await start({ store: adapter() })
    const wallet = client(overHttp(server.url), nobleCrypto)
    const quote = await quoted(server, wallet, 8, { pay_invoice_state: 'FAILED' })
    const inputs = await wallet.mint([16])
    const outputs = messages(wallet.blind([0, 0, 0], (await wallet.keyset()).id))
    const body = { quote: quote.quote, inputs, outputs }
    await wallet.refused(codes.paymentFailed, '/v1/melt/bolt11', body)
    expect(await wallet.get(`/v1/melt/quote/bolt11/${quote.quote}`)).toEqual(quote)
    expect(await wallet.states(inputs)).toEqual(['UNSPENT'])
    expect(await wallet.post('/v1/restore', { outputs })).toEqual({ outputs: [], signatures: [] })
    await wallet.refused(codes.paymentFailed, '/v1/melt/bolt11', body)
    const { units, payments } = await server.mint.balanceSheet()
    expect(units['sat']).toMatchObject({ paidOut: 0, pending: 0, outstanding: 16, kept: 0 })
    expect(Object.values(payments)).toEqual([{ attempts: 2, paid: 0 }])
    await wallet.swap(inputs)
  })

  const FAILED = { pay_invoice_state: 'FAILED' }
  const LOST = { pay_err: true }

  test.each([
    ['says pending', { pay_invoice_state: 'PENDING' }],
    ['says it does not know', { pay_invoice_state: 'UNKNOWN' }],
    ['says failed, and pending when asked', { ...FAILED, check_payment_state: 'PENDING' }],
    ['gives no answer, and none when asked', { ...LOST, check_err: true, check_payment_state: 'PENDING' }],
  ])('a payment of which the backend %s', async (_, script) => {
    const server = await start({ store: adapter() })
    const wallet = client(overHttp(server.url), nobleCrypto)
    const { quote } = await quoted(server, wallet, 8, script)
    const inputs = await wallet.mint([16])
    const blanks = wallet.blind([0, 0, 0], (await wallet.keyset()).id)
    const body = { quote, inputs, outputs: messages(blanks) }
    const look = () => wallet.get<MeltQuote>(`/v1/melt/quote/bolt11/${quote}`)
    expect((await wallet.post<MeltQuote>('/v1/melt/bolt11', body)).state).toBe('PENDING')
    // However often it is asked for, it is not sent again, nor is the answer kept for replays.
    expect([(await look()).state, (await look()).state]).toEqual(['PENDING', 'PENDING'])
    expect(await wallet.states(inputs)).toEqual(['PENDING'])
    expect(await wallet.post('/v1/restore', body)).toEqual({ outputs: [], signatures: [] })
    expect((await wallet.post<MeltQuote>('/v1/melt/bolt11', body)).state).toBe('PENDING')

    await server.mint.rotate('sat')
    expect(await decide(server, quote, 'paid')).toBe(true)
    expect(await decide(server, quote, 'failed')).toBe(false)
    const paid = await look()
    expect(paid.state).toBe('PAID')
    // Change is signed by the keyset of the blanks, active or not.
    expect(sum(wallet.unblind(paid.change!, blanks))).toBe(7)
    expect(await wallet.states(inputs)).toEqual(['SPENT'])
    expect(Object.values((await server.mint.balanceSheet()).payments)).toEqual([{ attempts: 1, paid: 1 }])
  })

  test.each([
    ['gives no answer', { ...LOST, check_payment_state: 'PAID' }],
    ['says that it failed', { ...FAILED, check_payment_state: 'PAID' }],
  ])('a payment of which the backend %s, and that it was made when asked', async (_, script) => {
    const server = await start({ store: adapter() })
    const wallet = client(overHttp(server.url), nobleCrypto)
    const { quote } = await quoted(server, wallet, 8, script)
    const inputs = await wallet.mint([16])
    const paid = await wallet.post<MeltQuote>('/v1/melt/bolt11', { quote, inputs })
    expect([paid.state, await wallet.states(inputs)]).toEqual(['PAID', ['SPENT']])
    expect(Object.values((await server.mint.balanceSheet()).payments)).toEqual([{ attempts: 1, paid: 1 }])
  })

  test('a payment that fails after it was pending', async () => {
    const server = await start({ store: adapter() })
    const wallet = client(overHttp(server.url), nobleCrypto)
    const quote = await quoted(server, wallet, 8, { pay_invoice_state: 'PENDING' })
    const inputs = await wallet.mint([16])
    await wallet.post('/v1/melt/bolt11', { quote: quote.quote, inputs })
    await decide(server, quote.quote, 'failed')
    expect(await wallet.get(`/v1/melt/quote/bolt11/${quote.quote}`)).toEqual(quote)
    await wallet.swap(inputs)
  })

  test('a witness is told of once it has spent its proof', async () => {
    const server = await start({ store: adapter() })
    const wallet = client(overHttp(server.url), nobleCrypto)
    const witness = JSON.stringify({ preimage: 'ab'.repeat(32) })
    const quote = await quoted(server, wallet, 8, { pay_invoice_state: 'PENDING' })
    const inputs = (await wallet.mint([16])).map((proof) => ({ ...proof, witness }))
    await wallet.post('/v1/melt/bolt11', { quote: quote.quote, inputs })
    const Ys = inputs.map(({ secret }) => nobleCrypto.hashToCurve(secret))
    const states = () => wallet.post('/v1/checkstate', { Ys })
    expect(await states()).toMatchObject({ states: [{ state: 'PENDING', witness: null }] })
    await decide(server, quote.quote, 'paid')
    await wallet.get(`/v1/melt/quote/bolt11/${quote.quote}`)
    expect(await states()).toMatchObject({ states: [{ state: 'SPENT', witness }] })
  })

  test('the mint pays an invoice of its own', async () => {
    const server = await start({ store: adapter(), lightning: {} })
    const wallet = client(overHttp(server.url), nobleCrypto)
    const [first, second] = await Promise.all(
      [16, 8].map((amount) => wallet.post<MintQuote>('/v1/mint/quote/bolt11', { amount, unit: 'sat' })),
    )
    await server.backend.settle(server.backend.decode('bolt11', first!.request)!.requestId)
    const inputs = await wallet.issue(first!.quote, [16])
    const melt = await wallet.post<MeltQuote>('/v1/melt/quote/bolt11', { request: second!.request, unit: 'sat' })
    await wallet.post('/v1/melt/bolt11', { quote: melt.quote, inputs })
    expect(await wallet.issue(second!.quote, [8])).toHaveLength(1)
    // What is paid already cannot be paid again.
    const twice = await wallet.post<MeltQuote>('/v1/melt/quote/bolt11', { request: first!.request, unit: 'sat' })
    const more = await wallet.post<MintQuote>('/v1/mint/quote/bolt11', { amount: 32, unit: 'sat' })
    await server.backend.settle(server.backend.decode('bolt11', more.request)!.requestId)
    await wallet.refused(codes.invoicePaid, '/v1/melt/bolt11', {
      quote: twice.quote,
      inputs: await wallet.issue(more.quote, [32]),
    })
  })

  test('a request that comes again gets the first answer, until that is forgotten', async () => {
    let now = Date.now()
    const server = await start({ store: adapter(), clock: { ...systemClock, now: () => now }, cacheTtlMs: 60_000 })
    const wallet = client(overHttp(server.url), nobleCrypto)
    const { id } = await wallet.keyset()
    const { quote } = await wallet.post<MintQuote>('/v1/mint/quote/bolt11', { amount: 8, unit: 'sat' })
    const outputs = wallet.blind([8], id)
    const issue = { quote, outputs: messages(outputs) }
    const issued = await wallet.post<{ signatures: Signature[] }>('/v1/mint/bolt11', issue)
    const inputs = wallet.unblind(issued.signatures, outputs)
    const swap = { inputs, outputs: messages(wallet.blind([8], id)) }
    const swapped = await wallet.post('/v1/swap', swap)
    const melt = { quote: (await quoted(server, wallet, 8)).quote, inputs: await wallet.mint([16]) }
    const melted = await wallet.post('/v1/melt/bolt11', melt)

    now += 59_999
    await server.mint.rotate('sat')
    expect(await wallet.post('/v1/mint/bolt11', issue)).toEqual(issued)
    expect(await wallet.post('/v1/swap', swap)).toEqual(swapped)
    expect(await wallet.post('/v1/melt/bolt11', melt)).toEqual(melted)
    await wallet.refused(codes.alreadySpent, '/v1/swap', {
      ...swap,
      outputs: messages(wallet.blind([8], (await wallet.keyset()).id)),
    })

    now += 1
    await wallet.refused(codes.quoteIssued, '/v1/mint/bolt11', issue)
    await wallet.refused(codes.alreadySpent, '/v1/swap', swap)
    await wallet.refused(codes.invoicePaid, '/v1/melt/bolt11', melt)
  })

  test('of twenty parallel swaps of the same inputs one wins', async () => {
    const server = await start({ store: adapter() })
    const wallet = client(overHttp(server.url), nobleCrypto)
    const inputs = await wallet.mint([4, 4])
    const { id } = await wallet.keyset()
    // In process, as all requests are on their way before the first is answered.
    const send: Send = (...request) => server.mint.handle(...request)
    const rivals = Array.from({ length: 20 }, () =>
      JSON.stringify({ inputs, outputs: messages(wallet.blind([8], id)) }),
    )
    const answers = await Promise.all(rivals.map((body) => send('POST', '/v1/swap', body)))
    const told = answers.map(({ status, body }) => (status === 200 ? 200 : (JSON.parse(body) as { code: number }).code))
    expect(told.filter((code) => code === 200)).toEqual([200])
    const lost = [codes.alreadySpent, codes.proofsPending]
    expect(told.filter((code) => lost.includes(code as never))).toHaveLength(19)
    // The same request at the same time is one request.
    const same = JSON.stringify({ inputs: await wallet.mint([8]), outputs: messages(wallet.blind([8], id)) })
    const bodies = await Promise.all([1, 2, 3, 4].map(() => send('POST', '/v1/swap', same)))
    expect(new Set(bodies.map(({ status, body }) => `${status}${body}`)).size).toBe(1)
    expect((await server.mint.balanceSheet()).units['sat']).toMatchObject({ received: 16, outstanding: 16, kept: 0 })
  })

  test('parallel melts and issues of one quote, and of one invoice', async () => {
    const server = await start({ store: adapter() })
    const wallet = client(overHttp(server.url), nobleCrypto)
    const send: Send = (...request) => server.mint.handle(...request)
    const okays = async (path: string, bodies: object[]) => {
      const answers = await Promise.all(bodies.map((body) => send('POST', path, JSON.stringify(body))))
      return answers.filter(({ status }) => status === 200).length
    }
    const { id } = await wallet.keyset()
    const { quote } = await wallet.post<MintQuote>('/v1/mint/quote/bolt11', { amount: 8, unit: 'sat' })
    const issues = [1, 2, 3, 4].map(() => ({ quote, outputs: messages(wallet.blind([8], id)) }))
    expect(await okays('/v1/mint/bolt11', issues)).toBe(1)

    const first = await quoted(server, wallet, 8)
    const second = await wallet.post<MeltQuote>('/v1/melt/quote/bolt11', { request: first.request, unit: 'sat' })
    const inputs: Proof[] = await wallet.mint([16, 16, 16, 16])
    const melts = inputs.map((input, index) => ({ quote: [first, second][index % 2]!.quote, inputs: [input] }))
    expect(await okays('/v1/melt/bolt11', melts)).toBe(1)
    expect((await wallet.states(inputs)).toSorted()).toEqual(['SPENT', 'UNSPENT', 'UNSPENT', 'UNSPENT'])
    expect(Object.values((await server.mint.balanceSheet()).payments)).toEqual([{ attempts: 1, paid: 1 }])
  })

  test('a restart in the middle of a payment', async () => {
    const store = adapter()
    const first = await start({ store, feePpk: 100 })
    const wallet = client(overHttp(first.url), nobleCrypto)
    const quote = await quoted(first, wallet, 8, { pay_invoice_state: 'PENDING' })
    const inputs = await wallet.mint([16])
    const keyset = await wallet.keyset()
    const blanks = wallet.blind([0, 0, 0], keyset.id)
    await wallet.post('/v1/melt/bolt11', { quote: quote.quote, inputs, outputs: messages(blanks) })
    await stop(first)

    const second = await start({ store, feePpk: 999 })
    const later = client(overHttp(second.url), nobleCrypto)
    expect(await later.keyset()).toEqual<Keyset>(keyset)
    expect(await later.states(inputs)).toEqual(['PENDING'])
    expect(await decide(second, quote.quote, 'paid')).toBe(true)
    const paid = await later.get<MeltQuote>(`/v1/melt/quote/bolt11/${quote.quote}`)
    expect(sum(later.unblind(paid.change!, blanks))).toBe(6)
    expect(await later.states(inputs)).toEqual(['SPENT'])
    await stop(second)
    await expect(start({ store, seed: new Uint8Array(32).fill(8) })).rejects.toThrow('seed')
  })

  test('the same seed makes the same keys', async () => {
    const [first, second] = await Promise.all([start({ store: adapter() }), start({ store: adapter() })])
    const keysetOf = ({ url }: MintServer) => client(overHttp(url), nobleCrypto).keyset()
    const before = await keysetOf(first)
    expect(before).toEqual(await keysetOf(second))
    expect(await first.mint.rotate('sat', { feePpk: 50 })).toBe(await second.mint.rotate('sat', { feePpk: 50 }))
    const after = await keysetOf(first)
    expect(after).toMatchObject({ input_fee_ppk: 50, active: true })
    expect(Object.values(after.keys)).not.toContain(before.keys['1'])
    expect(await client(overHttp(first.url), nobleCrypto).get(`/v1/keys/${before.id}`)).toEqual({
      keysets: [{ ...before, active: false }],
    })
  })
})

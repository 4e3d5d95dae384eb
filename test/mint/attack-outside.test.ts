/** Bad luck outside of the mint: its signatory and its backend fail in every way they can, and nobody loses a thing. */
import { describe, expect, test } from 'vitest'
import { codes } from '../../src/cashu/codes.ts'
import { localSignatory, mintSchema, SignatoryRefusal, type BlindSignature, type Signatory } from '../../src/mint-server/index.ts' // prettier-ignore
import { memoryStore } from '../../src/store/memory.ts'
import { stubCrypto } from '../../src/testing/environments/stub-crypto.ts'
import { broken, never, shaky, type Faults, type Shaky } from '../kits/mint-attack-kit.ts'
import { blanksOf, HOUR_MS, issueBody, key, meltQuote, messages, mintQuote, outputsOf, paid, type PaidQuote, type Signatures } from '../kits/mint-protocol-kit.ts' // prettier-ignore
import {
  client,
  decide,
  simulated,
  sum,
  type Blinded,
  type MeltQuote,
  type MintQuote,
  type Proof,
} from '../kits/mint-server-client.ts'

const refuses: Faults['sign'] = () => Promise.reject(new SignatoryRefusal('not today'))
const short: Faults['sign'] = async (sign) => (await sign()).slice(1)
const empty: Faults['sign'] = async (): Promise<readonly BlindSignature[]> => []

const send = ({ mint }: Shaky, path: string, body: object) => mint.handle('POST', path, JSON.stringify(body))
const codeOf = async (answer: ReturnType<typeof send>): Promise<number> =>
  (JSON.parse((await answer).body) as { code: number }).code

/** A swap of 8. */
async function swap({ client }: Shaky) {
  const inputs = await client.mint([8])
  const outputs = await outputsOf(client, 8)
  return { inputs, outputs, body: { inputs, outputs: messages(outputs) } }
}

/** A melt of 8 with 16, of which 7 come back. */
async function melt(world: Shaky, script?: object) {
  const { quote } = await meltQuote(world, 8, script)
  const inputs = await world.client.mint([16])
  const outputs = await blanksOf(world.client, 4)
  return { quote, inputs, outputs, body: { quote, inputs, outputs: messages(outputs) } }
}

const look = ({ client, over }: Shaky, quote: string) => over(client.get<MeltQuote>(`/v1/melt/quote/bolt11/${quote}`))

/** The signatures that are there are of these outputs, and make money. */
async function usable(
  world: Shaky,
  outputs: readonly Blinded[],
  signatures: Signatures['signatures'],
): Promise<number> {
  const proofs: Proof[] = world.client.unblind(signatures, outputs)
  return sum(await world.client.swap(proofs))
}

describe('the signatory', () => {
  test('refuses: what was set aside is given back, and may be used at once', async () => {
    const world = await shaky()
    const { client, faults } = world
    const { inputs, outputs, body } = await swap(world)
    const quote = await mintQuote(world, 'bolt11', { amount: 8 })
    const issue = issueBody(quote.quote, messages(await outputsOf(client, 8)))
    faults.sign = refuses
    expect(await codeOf(send(world, '/v1/swap', body))).toBe(codes.unclassified)
    expect(await codeOf(send(world, '/v1/mint/bolt11', issue))).toBe(codes.unclassified)
    expect(await client.states(inputs)).toEqual(['UNSPENT'])
    expect(await client.post('/v1/restore', body)).toEqual({ outputs: [], signatures: [] })
    expect(await client.get(`/v1/mint/quote/bolt11/${quote.quote}`)).toMatchObject({ state: 'PAID', amount_issued: 0 })
    delete faults.sign
    const { signatures } = await client.post<Signatures>('/v1/swap', body)
    expect(await usable(world, outputs, signatures)).toBe(8)
    expect((await client.post<Signatures>('/v1/mint/bolt11', issue)).signatures).toHaveLength(1)
  })

  test.each<[string, Faults['sign']]>([
    ['gives no answer', broken],
    ['hangs, and takes no notice of being given up', never],
    ['answers short', short],
    ['answers with nothing', empty],
  ])('%s: it is asked until it does, and who asks the mint again gets the answer', async (_, fault) => {
    const world = await shaky()
    const { client, faults } = world
    const { inputs, outputs, body } = await swap(world)
    const quote = await mintQuote(world, 'bolt11', { amount: 8 })
    const made = await outputsOf(client, 8)
    faults.sign = fault
    // The wallet waits for half a minute, and is not told that it was refused.
    const answers = [send(world, '/v1/swap', body), send(world, '/v1/mint/bolt11', issueBody(quote.quote, messages(made)))] // prettier-ignore
    const told = await world.over(Promise.allSettled(answers))
    expect(told.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await client.states(inputs)).toEqual(['PENDING'])
    expect(await codeOf(send(world, '/v1/mint/bolt11', issueBody(quote.quote, messages(await outputsOf(client, 8)))))).toBe(codes.quotePending) // prettier-ignore
    await world.wait(HOUR_MS)
    delete faults.sign
    await world.wait(120_000)
    expect(await client.states(inputs)).toEqual(['SPENT'])
    const { signatures } = await client.post<Signatures>('/v1/swap', body)
    expect(await usable(world, outputs, signatures)).toBe(8)
    const issued = await client.post<Signatures>('/v1/mint/bolt11', issueBody(quote.quote, messages(made)))
    expect(await usable(world, made, issued.signatures)).toBe(8)
    expect(world.calls.sign).toBeLessThan(300)
  })

  test.each<[string, Faults['sign']]>([
    ['refuses', refuses],
    ['gives no answer', broken],
    ['hangs', never],
    ['answers short', short],
  ])('%s when change is owed: it was paid, and the change is made some day', async (_, fault) => {
    const world = await shaky()
    const { client, faults } = world
    const { quote, inputs, outputs, body } = await melt(world)
    faults.sign = fault
    const answer = await world.over(send(world, '/v1/melt/bolt11', body))
    expect(JSON.parse(answer.body)).toMatchObject({ state: 'PENDING' })
    await world.wait(HOUR_MS)
    expect([(await look(world, quote)).state, await client.states(inputs)]).toEqual(['PENDING', ['PENDING']])
    delete faults.sign
    await world.wait(120_000)
    const told = await look(world, quote)
    expect([told.state, await usable(world, outputs, told.change!)]).toEqual(['PAID', 7])
    expect(await client.post('/v1/melt/bolt11', body)).toEqual(told)
    expect(Object.values((await world.mint.balanceSheet()).payments)).toEqual([{ attempts: 1, paid: 1 }])
  })

  test('is away while inputs are looked at: nothing was begun', async () => {
    const world = await shaky()
    const { inputs, body } = await swap(world)
    for (const fault of [broken, never]) {
      world.faults.verify = fault
      await expect(world.over(send(world, '/v1/swap', body))).rejects.toThrow(/line is broken|in time/)
      expect(await world.client.states(inputs)).toEqual(['UNSPENT'])
    }
    delete world.faults.verify
    expect(await world.client.post('/v1/swap', body)).toHaveProperty('signatures')
  })

  test('says neither yes nor no of inputs: they are not taken', async () => {
    const world = await shaky()
    const { body } = await swap(world)
    world.faults.verify = () => Promise.resolve([undefined] as never)
    expect(await codeOf(send(world, '/v1/swap', body))).toBe(codes.proofInvalid)
  })

  test('becomes another while the mint runs: nothing is signed or called forged until it is itself again', async () => {
    const [ours, other] = [1, 2].map((byte) => localSignatory({ seed: new Uint8Array(32).fill(byte), crypto: stubCrypto })) // prettier-ignore
    let now = ours!
    const signatory: Signatory = {
      publicKeys: (...of) => now.publicKeys(...of),
      verify: (...of) => now.verify(...of),
      sign: (...of) => now.sign(...of),
    }
    const { mint, client, pass } = await simulated({ signatory, waitMs: 300 })
    const inputs = await client.mint([8])
    const { quote } = await client.post<MintQuote>('/v1/mint/quote/bolt11', { amount: 8, unit: 'sat' })
    const [swapped, issued] = [await outputsOf(client, 8), await outputsOf(client, 8)]
    const asked = [
      ['/v1/swap', JSON.stringify({ inputs, outputs: messages(swapped) })],
      ['/v1/mint/bolt11', JSON.stringify({ quote, outputs: messages(issued) })],
    ] as const
    now = other!
    for (const [path, body] of asked)
      await expect(mint.handle('POST', path, body)).rejects.toThrow(/other keys|takes longer/)
    expect(await client.states(inputs)).toEqual(['UNSPENT'])
    expect(await client.get(`/v1/mint/quote/bolt11/${quote}`)).toMatchObject({ state: 'PAID' })
    now = ours!
    for (const [at, [path, body]] of asked.entries()) {
      let told = ''
      const answer = async (): Promise<number> => {
        pass(60_000)
        const { status, body: text } = await mint.handle('POST', path, body)
        told = text
        return status
      }
      await expect.poll(answer).toBe(200)
      client.unblind((JSON.parse(told) as Signatures).signatures, [swapped, issued][at]!)
    }
    await mint.close()
  })

  test('of two mints that make the first keysets at the same moment is not the same: one does not start', async () => {
    const store = await memoryStore().open(mintSchema)
    const starts = [1, 2].map(
      (byte) =>
      simulated({ store, signatory: localSignatory({ seed: new Uint8Array(32).fill(byte), crypto: stubCrypto }) }, {}, byte), // prettier-ignore
    )
    const ends = await Promise.allSettled(starts)
    const told = ends.map((end) => (end.status === 'rejected' ? (end.reason as Error).name : 'started'))
    expect(told.toSorted()).toEqual(['WrongKeys', 'started'])
    for (const end of ends) if (end.status === 'fulfilled') await end.value.mint.close()
  })

  test('hangs while a keyset is to be made: that is given up', async () => {
    const world = await shaky()
    world.faults.publicKeys = never
    await expect(world.over(world.mint.rotate('sat'))).rejects.toThrow('in time')
  })

  test('hangs for a hundred requests, and comes back: all are carried out', async () => {
    const world = await shaky()
    const { client, faults } = world
    const inputs = await client.mint(Array.from({ length: 100 }, () => 8))
    const bodies = await Promise.all(inputs.map(async (input) => ({ inputs: [input], outputs: messages(await outputsOf(client, 8)) }))) // prettier-ignore
    faults.sign = never
    await world.over(Promise.allSettled(bodies.map((body) => send(world, '/v1/swap', body))))
    delete faults.sign
    await world.wait(300_000)
    expect(new Set(await client.states(inputs))).toEqual(new Set(['SPENT']))
    for (const body of bodies) expect(await client.post('/v1/swap', body)).toHaveProperty('signatures')
  })
})

describe('the backend', () => {
  test.each<[string, Faults]>([
    ['loses the answer', { pay: async (pay) => (await pay(), broken()) }],
    ['hangs, after it has paid', { pay: async (pay) => (await pay(), never()) }],
    ['says that it failed, and has paid', { pay: async (pay) => (await pay(), { state: 'failed' }) }],
    ['says that it knows of nothing, and has paid', { pay: async (pay) => (await pay(), { state: 'none' }) }],
  ])('%s: it is asked how the payment stands, and never twice for it', async (_, faults) => {
    const world = await shaky()
    Object.assign(world.faults, faults)
    const { quote, inputs, outputs, body } = await melt(world)
    await world.over(send(world, '/v1/melt/bolt11', body))
    await world.wait(70_000)
    const told = await look(world, quote)
    expect([told.state, await usable(world, outputs, told.change!)]).toEqual(['PAID', 7])
    expect(await world.client.states(inputs)).toEqual(['SPENT'])
    expect([world.calls.pay, Object.values((await world.mint.balanceSheet()).payments)]).toEqual([1, [{ attempts: 1, paid: 1 }]]) // prettier-ignore
  })

  test.each<[string, Faults['outgoing']]>([
    ['cannot be asked', broken],
    ['hangs when it is asked', never],
    ['does not know', async () => ({ state: 'unknown' })],
    ['says that it is under way', async () => ({ state: 'pending' })],
  ])('%s for days: the inputs are held, whatever else happens, and then it is as it was', async (_, outgoing) => {
    const lost = await shaky()
    lost.faults.pay = async (pay) => (await pay(), broken())
    lost.faults.outgoing = outgoing
    const { quote, inputs, outputs, body } = await melt(lost)
    expect(JSON.parse((await lost.over(send(lost, '/v1/melt/bolt11', body))).body)).toMatchObject({ state: 'PENDING' })
    await lost.wait(60 * HOUR_MS)
    expect(await lost.client.states(inputs)).toEqual(['PENDING'])
    expect((await look(lost, quote)).state).toBe('PENDING')
    expect(await codeOf(lost.over(send(lost, '/v1/melt/bolt11', { ...body, outputs: [] })))).toBe(codes.quotePending)

    delete lost.faults.outgoing
    await lost.wait(120_000)
    const told = await look(lost, quote)
    expect([told.state, await usable(lost, outputs, told.change!), lost.calls.pay]).toEqual(['PAID', 7, 1])
  })

  test('hangs, the mint is started anew, and hours later it says that it failed: all is given back', async () => {
    const world = await shaky()
    const { quote, inputs, body } = await melt(world, { pay_invoice_state: 'PENDING' })
    world.faults.pay = async (pay) => (await pay(), never())
    world.faults.outgoing = never
    await world.over(send(world, '/v1/melt/bolt11', body))
    const next = await world.restarted()
    await next.wait(12 * HOUR_MS)
    expect((await look(next, quote)).state).toBe('PENDING')
    await decide(next, quote, 'failed')
    await next.wait(120_000)
    expect([(await look(next, quote)).state, await next.client.states(inputs)]).toEqual(['UNPAID', ['UNSPENT']])
    const wallet = client((...request) => next.mint.handle(...request), stubCrypto, 2)
    await wallet.keyset()
    expect(sum(await wallet.swap(inputs))).toBe(16)
  })

  test.each([64, 1000])(
    'hangs for %i payments, asked for at once by one wallet: no other wallet waits for a payment or for anything else',
    async (count) => {
      const world = await shaky()
      const { client, faults, mint } = world
      const inputs = await client.mint(Array.from({ length: count }, () => 16))
      const melts = await Promise.all(inputs.map(() => meltQuote(world, 8)))
      const one = await melt(world)
      faults.pay = never
      const stuck = melts.map(({ quote }, at) => mint.handle('POST', '/v1/melt/bolt11', JSON.stringify({ quote, inputs: [inputs[at]] }), { client: 'greedy' })) // prettier-ignore
      await expect.poll(() => world.calls.pay).toBe(32)
      delete faults.pay
      // No time goes by.
      const told = await mint.handle('POST', '/v1/melt/bolt11', JSON.stringify(one.body), { client: 'other' })
      expect(JSON.parse(told.body)).toMatchObject({ state: 'PAID' })
      expect(await client.post('/v1/swap', (await swap(world)).body)).toHaveProperty('signatures')
      faults.pay = never
      // Those that hang give their slots back one after the other; in the end each was asked for, and is asked about.
      await world.wait(5_000)
      expect(world.calls.pay).toBeGreaterThanOrEqual(count)
      const before = world.calls.outgoing
      delete faults.pay
      await world.over(Promise.all(stuck))
      await world.wait(300_000)
      expect(world.calls.outgoing).toBeGreaterThan(before)
      expect(new Set(await client.states(inputs))).toEqual(new Set(['SPENT']))
      expect(Object.values((await mint.balanceSheet()).payments).every(({ paid }) => paid === 1)).toBe(true)
    },
  )

  test('hangs for 64 payments of nobody in particular: the next one has its turn a moment later', async () => {
    const world = await shaky()
    const { client, faults, mint } = world
    const inputs = await client.mint(Array.from({ length: 64 }, () => 16))
    const melts = await Promise.all(inputs.map(() => meltQuote(world, 8)))
    const one = await melt(world)
    faults.pay = never
    const stuck = melts.map(({ quote }, at) => mint.handle('POST', '/v1/melt/bolt11', JSON.stringify({ quote, inputs: [inputs[at]] }))) // prettier-ignore
    await expect.poll(() => world.calls.pay).toBe(64)
    delete faults.pay
    const next = send(world, '/v1/melt/bolt11', one.body)
    await world.wait(200)
    expect(world.calls.pay).toBe(65)
    expect(JSON.parse((await next).body)).toMatchObject({ state: 'PAID' })
    await world.over(Promise.all(stuck))
    await world.wait(300_000)
    expect(new Set(await client.states(inputs))).toEqual(new Set(['SPENT']))
  })

  test('does not say how a thousand payments stand: how another one stands is known all the same', async () => {
    const world = await shaky()
    const { client, faults, mint } = world
    const inputs = await client.mint(Array.from({ length: 1000 }, () => 16))
    const melts = await Promise.all(inputs.map(() => meltQuote(world, 8, { pay_invoice_state: 'PENDING' })))
    const one = await melt(world, { pay_invoice_state: 'PENDING', check_payment_state: 'PAID' })
    faults.outgoing = never
    const stuck = melts.map(({ quote }, at) => mint.handle('POST', '/v1/melt/bolt11', JSON.stringify({ quote, inputs: [inputs[at]] }), { client: 'greedy' })) // prettier-ignore
    await world.over(Promise.all(stuck))
    await world.wait(10_000)
    delete faults.outgoing
    await mint.handle('POST', '/v1/melt/bolt11', JSON.stringify(one.body), { client: 'other' })
    expect((await look(world, one.quote)).state).toBe('PAID')
  })

  test('has stalled: what is known to be paid is told and issued at once, and no time goes by', async () => {
    const world = await shaky()
    const { client, faults } = world
    const offer = await mintQuote(world, 'bolt12', { pubkey: client.crypto.publicKey(key(1)) })
    await paid(world, offer, 10)
    faults.incoming = never
    const asked = world.calls.incoming
    const issue = async (amount: number) =>
      send(world, '/v1/mint/bolt12', issueBody(offer.quote, messages(await outputsOf(client, amount)), key(1)))
    expect((await issue(4)).status).toBe(200)
    expect(world.calls.incoming).toBe(asked)
    // Whether there is more is waited for, shortly.
    const told = world.mint.handle('GET', `/v1/mint/quote/bolt12/${offer.quote}`)
    await world.wait(250)
    expect(JSON.parse((await told).body)).toMatchObject({ amount_paid: 10, amount_issued: 4 })
    // A hundred who ask have the backend asked no more often.
    const many = Array.from({ length: 100 }, () => world.mint.handle('GET', `/v1/mint/quote/bolt12/${offer.quote}`))
    await world.wait(250)
    expect(new Set((await Promise.all(many)).map(({ status }) => status))).toEqual(new Set([200]))
    expect(world.calls.incoming - asked).toBe(1)
    // More than what is known is not refused: the backend may know of it.
    await expect(world.over(issue(7))).rejects.toThrow('in time')
    delete faults.incoming
    await paid(world, offer, 10)
    expect((await world.over(issue(7))).status).toBe(200)
  })

  test('takes no orders, and says so: it is asked less and less often', async () => {
    const world = await shaky()
    const { quote, inputs, body } = await melt(world)
    world.faults.pay = broken
    await world.over(send(world, '/v1/melt/bolt11', body))
    await world.wait(24 * HOUR_MS)
    expect([(await look(world, quote)).state, await world.client.states(inputs)]).toEqual(['PENDING', ['PENDING']])
    expect(world.calls.pay).toBeLessThan(3_000)
    delete world.faults.pay
    await world.wait(120_000)
    // What it was to pay is over by now.
    expect([(await look(world, quote)).state, await world.client.states(inputs)]).toEqual(['UNPAID', ['UNSPENT']])
  })

  test.each([
    [0.5, 1],
    [-5, 0],
    [undefined, 0],
    [NaN, 2],
    ['1', 2],
  ])('names a fee of %s: a whole one of %i is taken, and the melt ends', async (feeSat, taken) => {
    const world = await shaky()
    const { quote, outputs, body } = await melt(world)
    world.faults.pay = async (pay) => ({ ...(await pay()), feeSat: feeSat as number })
    const told = await world.client.post<MeltQuote>('/v1/melt/bolt11', body)
    expect([told.quote, told.state, await usable(world, outputs, told.change!)]).toEqual([quote, 'PAID', 8 - taken])
    expect((await world.mint.balanceSheet()).units['sat']).toMatchObject({ paidOut: 8 + taken, pending: 0 })
  })

  test('is away: what is known to be paid is issued all the same, the rest is not said to be unpaid', async () => {
    const world = await shaky()
    const { client, faults } = world
    const offer = await paid(world, await mintQuote(world, 'bolt12', { pubkey: client.crypto.publicKey(key(1)) }), 8)
    const invoices = [await mintQuote(world, 'bolt11', { amount: 8 }), await mintQuote(world, 'bolt11', { amount: 8 })]
    await client.get(`/v1/mint/quote/bolt11/${invoices[0]!.quote}`)
    const issue = async ({ quote, method }: PaidQuote, by?: string) =>
      send(world, `/v1/mint/${method}`, issueBody(quote, messages(await outputsOf(client, 8)), by))
    for (const fault of [broken, never]) {
      faults.incoming = fault
      await expect(world.over(issue(invoices[1]!))).rejects.toThrow(/line is broken|in time/)
      await expect(world.over(world.mint.handle('GET', `/v1/mint/quote/bolt11/${invoices[1]!.quote}`))).rejects.toThrow(/line is broken|in time/) // prettier-ignore
    }
    for (const fault of [broken, never]) {
      faults.incoming = fault
      const ids = [invoices[1]!.quote, 'none', invoices[0]!.quote]
      // Who looks is told what is known here, and the backend is not asked for it.
      const asked = world.calls.incoming
      const told = await world.mint.statesOf('bolt11_mint_quote', ids)
      expect(told).toMatchObject([{ state: 'UNPAID' }, undefined, { state: 'PAID' }])
      expect(world.calls.incoming).toBe(asked)
      expect(await world.over(world.mint.ask('bolt11_mint_quote', ids[0]!))).toBe(false)
      expect(world.calls.incoming).toBe(asked + 1)
    }
    expect((await world.over(issue(invoices[0]!))).status).toBe(200)
    expect((await world.over(issue(offer, key(1)))).status).toBe(200)
    delete faults.incoming
    expect((await world.over(issue(invoices[1]!))).status).toBe(200)
  })
})

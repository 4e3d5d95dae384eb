/** What comes in: payments from outside, each counted once, and those that the mint makes to itself. */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { describe, expect, test } from 'vitest'
import { codes } from '../../src/cashu/codes.ts'
import { plainInvoice } from '../../src/mint-server/index.ts'
import type { Store, Write } from '../../src/store/port.ts'
import {
  blanksOf,
  checked,
  gate,
  issueBody,
  key,
  messages,
  mintQuote,
  outputsOf,
  paid,
  signatory,
  strict,
  type PaidQuote,
  type Signatures,
  type Strict,
} from '../kits/mint-protocol-kit.ts'
import { simulated, sum, type MeltQuote, type Proof } from '../kits/mint-server-client.ts'

const MELT = '/v1/melt/bolt11'
const QUOTE = '/v1/melt/quote/bolt11'

/** Ecash at a mint of which nobody pays the invoices by himself. */
async function fund(world: Strict, amount = 64): Promise<Proof[]> {
  const { quote } = await paid(world, await mintQuote(world, 'bolt11', { amount }))
  const outputs = await outputsOf(world.client, amount)
  const { signatures } = await world.client.post<Signatures>('/v1/mint/bolt11', issueBody(quote, messages(outputs)))
  return world.client.unblind(signatures, outputs)
}

const issue = async (
  { client }: Strict,
  { quote, method }: PaidQuote,
  amount: number,
  by?: string,
): Promise<number> => {
  const body = issueBody(quote, messages(await outputsOf(client, amount)), by)
  return sum((await client.post<Signatures>(`/v1/mint/${method}`, body)).signatures)
}

const requestIdOf = ({ backend }: Strict, { request }: PaidQuote): string =>
  backend.decode('bolt11', request)!.requestId

/** The mint is to pay what it asked for itself. */
async function own(world: Strict, amount = 8) {
  const quote = await mintQuote(world, 'bolt11', { amount })
  const melt = await world.client.post<MeltQuote>(QUOTE, { request: quote.request, unit: 'sat' })
  return { quote, melt }
}

describe('an invoice of the mint’s own', () => {
  test('is settled in one commit: credited, PAID, SPENT; at no fee, with change', async () => {
    const commits: (readonly Write[])[] = []
    const noted = (store: Store): Store => ({
      ...store,
      async commit(writes) {
        await store.commit(writes)
        commits.push(writes)
      },
    })
    const world = await strict({}, {}, noted)
    const { client } = world
    const inputs = await fund(world)
    const { quote, melt } = await own(world)
    expect(melt).toMatchObject({ amount: 8, fee_reserve: 0 })
    const blanks = await blanksOf(client, 6)
    const told = await client.post<MeltQuote>(MELT, { quote: melt.quote, inputs, outputs: messages(blanks) })
    expect(told.state).toBe('PAID')
    const paid = bytesToHex(sha256(hexToBytes(told.payment_preimage!)))
    expect(paid).toBe(plainInvoice.decode(quote.request)!.paymentHash)
    expect(sum(client.unblind(told.change!, blanks))).toBe(56)

    const touching = (table: string, set: object) =>
      commits.findIndex(
        (writes) =>
        writes.some((write) => 'patch' in write && write.patch === table && Object.entries(set).every(([name, value]) => write.set[name] === value)), // prettier-ignore
      )
    const settled = touching('meltQuotes', { state: 'PAID' })
    expect(settled).toBeGreaterThan(0)
    expect([touching('proofs', { state: 'SPENT' }), commits.at(settled)!.filter((write) => 'patch' in write && write.patch === 'mintQuotes')]) // prettier-ignore
      .toMatchObject([settled, [{ set: { amountPaid: 8 } }]])

    expect(await checked(world, quote)).toMatchObject({ state: 'PAID', amount_paid: 8, amount_issued: 0 })
    expect(await issue(world, quote, 8)).toBe(8)
    const { units, payments } = await world.mint.balanceSheet()
    expect(units['sat']).toMatchObject({ received: 72, paidOut: 8, outstanding: 64, kept: 0, unissued: 0 })
    expect(payments).toEqual({})
  })

  test('asks for its amount and the input fee, and no more', async () => {
    const world = await strict({ feePpk: 1000 }, {})
    const { client } = world
    const [eight, four] = await client.swap(await fund(world, 16), [8, 4, 2, 1])
    const { melt } = await own(world, 7)
    await world.refused(codes.unbalanced, MELT, { quote: melt.quote, inputs: [four] })
    expect(await client.post(MELT, { quote: melt.quote, inputs: [eight] })).toMatchObject({ state: 'PAID' })
  })

  test('is settled once, whoever asks at the same moment, by whichever quote', async () => {
    const world = await strict({}, {})
    const { client } = world
    const inputs = await client.swap(await fund(world), [32, 32])
    const { quote, melt } = await own(world, 32)
    const rival = await client.post<MeltQuote>(QUOTE, { request: quote.request, unit: 'sat' })
    const bodies = [melt, rival].map(({ quote: id }, at) => JSON.stringify({ quote: id, inputs: [inputs[at]] }))
    const answers = await Promise.all(bodies.map((body) => world.mint.handle('POST', MELT, body)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect((await client.states(inputs)).toSorted()).toEqual(['SPENT', 'UNSPENT'])
    expect(await checked(world, quote)).toMatchObject({ amount_paid: 32 })
  })

  test('that somebody pays from outside while change is signed: the melt fails, and gives all back', async () => {
    const held = gate()
    const slow = { ...signatory, sign: (...of: Parameters<typeof signatory.sign>) => held.passed().then(() => signatory.sign(...of)) } // prettier-ignore
    const world = await strict({ signatory: slow }, {})
    const { client } = world
    const inputs = await fund(world)
    const { quote, melt } = await own(world)
    const outputs = messages(await blanksOf(client, 6))
    held.close()
    const body = { quote: melt.quote, inputs, outputs }
    const answer = world.mint.handle('POST', MELT, JSON.stringify(body))
    await expect.poll(() => client.states(inputs)).toEqual(['PENDING'])
    expect(await paid(world, quote)).toMatchObject({ state: 'PAID', amount_paid: 8 })
    held.open()
    expect(JSON.parse((await answer).body)).toMatchObject({ code: codes.paymentFailed })
    expect(await client.states(inputs)).toEqual(['UNSPENT'])
    expect(await client.get(`${QUOTE}/${melt.quote}`)).toMatchObject({ state: 'UNPAID' })
    expect(await client.post('/v1/restore', { outputs })).toEqual({ outputs: [], signatures: [] })
    await world.refused(codes.invoicePaid, MELT, body)
    expect([await issue(world, quote, 8), sum(await client.swap(inputs))]).toEqual([8, 64])
  })

  test('that was paid from outside, and nobody has looked since', async () => {
    const world = await strict({}, {})
    const inputs = await fund(world)
    const { quote, melt } = await own(world)
    await world.backend.settle(requestIdOf(world, quote))
    await world.client.refused(codes.invoicePaid, MELT, { quote: melt.quote, inputs })
    expect(await world.client.states(inputs)).toEqual(['UNSPENT'])
    expect(await issue(world, quote, 8)).toBe(8)
  })

  test('that somebody pays from outside afterwards counts once', async () => {
    const world = await strict({}, {})
    const { quote, melt } = await own(world)
    await world.client.post(MELT, { quote: melt.quote, inputs: await fund(world) })
    await world.backend.settle(requestIdOf(world, quote))
    expect(await checked(world, quote)).toMatchObject({ amount_paid: 8 })
    expect(await issue(world, quote, 8)).toBe(8)
    await world.refused(codes.quoteIssued, '/v1/mint/bolt11', issueBody(quote.quote, messages(await outputsOf(world.client, 8)))) // prettier-ignore
  })

  test('in another unit is not settled', async () => {
    const world = await strict({ units: ['sat', 'usd'] }, {})
    const inputs = await fund(world)
    const quote = await mintQuote(world, 'bolt11', { amount: 8, unit: 'usd' })
    const melt = await world.client.post<MeltQuote>(QUOTE, { request: quote.request, unit: 'sat' })
    await world.refused(codes.unitMismatch, MELT, { quote: melt.quote, inputs })
    expect(await checked(world, quote)).toMatchObject({ state: 'UNPAID' })
  })

  test.each([
    ['for less', 1],
    ['for as much', 8],
    ['for more', 16],
  ])('is not taken for an invoice with its hash, %s: who pays the real one is credited', async (_, amountSat) => {
    const world = await strict({}, {})
    const { client } = world
    const quote = await mintQuote(world, 'bolt11', { amount: 8 })
    const forged = plainInvoice.encode({ ...plainInvoice.decode(quote.request)!, amountSat, memo: 'forged' })
    await world.refused(codes.unclassified, QUOTE, { request: forged, unit: 'sat' })
    expect(await paid(world, quote)).toMatchObject({ amount_paid: 8 })
    expect(sum(await fund(world))).toBe(64)
    expect(await client.post<MeltQuote>(QUOTE, { request: quote.request, unit: 'sat' })).toMatchObject({ amount: 8 })
  })
})

describe('a payment from outside', () => {
  test('that is told of again and again, by many at once, counts once', async () => {
    const world = await strict({}, {})
    const quote = await mintQuote(world, 'bolt12', { pubkey: world.client.crypto.publicKey(key(1)) })
    const { requestId } = world.backend.decode('bolt12', quote.request)!
    for (const amount of [5, 6]) {
      await world.backend.settle(requestId, amount)
      const answers = await Promise.all(Array.from({ length: 20 }, () => checked(world, quote)))
      expect(new Set(answers.map(({ amount_paid }) => amount_paid))).toEqual(new Set([amount === 5 ? 5 : 11]))
    }
    expect((await world.mint.balanceSheet()).units['sat']).toMatchObject({ unissued: 11 })
  })

  test('that stands twice in one answer of the backend counts once', async () => {
    const { backend } = await strict({}, {})
    const twice = { ...backend, incoming: async () => [1, 1, 2].map((id) => ({ paymentId: `p${id}`, amountSat: 4 })) }
    const world = await strict({ backend: twice })
    const quote = await mintQuote(world, 'bolt12', { pubkey: world.client.crypto.publicKey(key(1)) })
    expect(await checked(world, quote)).toMatchObject({ amount_paid: 8 })
    expect(await issue(world, quote, 8, key(1))).toBe(8)
    // Told of with another quote it is no news either.
    const other = await mintQuote(world, 'bolt12', { pubkey: world.client.crypto.publicKey(key(1)) })
    expect(await checked(world, other)).toMatchObject({ amount_paid: 0 })
  })

  test('counted by one mint is told by another one, whose look was under way before', async () => {
    const [reached, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    let isFirst = true
    const slow = (store: Store): Store => ({
      ...store,
      async get(table, ...rest) {
        if (table === 'mintPayments' && isFirst) {
          isFirst = false
          reached.resolve()
          await held.promise
        }
        return store.get(table, ...rest)
      },
    })
    const world = await strict({}, { autoPayMs: 0 }, slow)
    const quote = await mintQuote(world, 'bolt11', { amount: 8 })
    const first = checked(world, quote)
    await reached.promise
    const other = await simulated({ store: world.store, backend: world.backend }, {}, 1)
    expect(await checked(other, quote)).toMatchObject({ state: 'PAID' })
    held.resolve()
    expect(await first).toMatchObject({ state: 'PAID' })
  })

  test('of no amount counts for nothing, and keeps nobody from what was paid beside it', async () => {
    const { backend } = await strict({}, {})
    const amounts = [-8, 0, Number.NaN, 0.5, 4.7]
    const odd = { ...backend, incoming: async () => amounts.map((amountSat, at) => ({ paymentId: `p${at}`, amountSat })) } // prettier-ignore
    const world = await strict({ backend: odd })
    const quote = await mintQuote(world, 'bolt12', { pubkey: world.client.crypto.publicKey(key(1)) })
    expect(await checked(world, quote)).toMatchObject({ amount_paid: 4 })
    expect(await issue(world, quote, 4, key(1))).toBe(4)
  })

  test('of an invoice that brings more than it asks for: the wallet gets what it asked for', async () => {
    const world = await strict({}, {})
    const quote = await mintQuote(world, 'bolt11', { amount: 8 })
    expect(await paid(world, quote, 9)).toMatchObject({ state: 'PAID', amount_paid: 8 })
    expect(await issue(world, quote, 8)).toBe(8)
    expect(await checked(world, quote)).toMatchObject({ state: 'ISSUED', amount_issued: 8 })
  })

  test('issued is never more than paid, whoever asks at the same moment', async () => {
    const world = await strict({}, {})
    const quote = await mintQuote(world, 'bolt12', { pubkey: world.client.crypto.publicKey(key(1)) })
    await paid(world, quote, 10)
    const bodies = await Promise.all(
      Array.from({ length: 12 }, async () =>
        JSON.stringify(issueBody(quote.quote, messages(await outputsOf(world.client, 3)), key(1))),
      ),
    )
    let issued = 0
    for (const _ of bodies) {
      const answers = await Promise.all(bodies.map((body) => world.mint.handle('POST', '/v1/mint/bolt12', body)))
      issued = answers.filter(({ status }) => status === 200).length
      await paid(world, quote, 1)
    }
    // 10 and 12 more came in: by threes, 21 of them.
    expect(issued).toBe(7)
    expect(await checked(world, quote)).toMatchObject({ amount_paid: 22, amount_issued: 21 })
    expect((await world.mint.balanceSheet()).units['sat']).toMatchObject({ received: 21, outstanding: 21, unissued: 1 })
  })
})

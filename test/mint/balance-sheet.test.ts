/** The mint in process: its balance sheet after thousands of operations, crashes between its commits, what it does without. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codes } from '../../src/cashu/codes.ts'
import { mintSchema, type OptionalNut, type PaymentBackend } from '../../src/mint-server/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/port.ts'
import { simulated, split, sum, type MeltQuote, type Proof, type Signature } from '../kits/mint-server-client.ts'

/** What an operation of the random run chooses from; each number is taken modulo what there is. */
const step = fc.record({
  kind: fc.constantFrom('mint', 'mint', 'swap', 'swap', 'melt', 'melt', 'again', 'decide', 'rotate'),
  pick: fc.nat(1000),
  script: fc.constantFrom('PAID', 'PAID', 'FAILED', 'PENDING', 'UNKNOWN'),
  change: fc.boolean(),
  paid: fc.boolean(),
})
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** Runs the steps as a wallet that keeps its own accounts, and gives both sides' view. */
async function run(steps: readonly Step[]) {
  const adapter = memoryStore()
  const store = await adapter.open(mintSchema)
  const { mint, backend, client } = await simulated({ store, feePpk: 150 }, { autoPayMs: 0, feeSat: 1 })
  const purse: Proof[] = []
  const pending = new Map<string, { inputs: Proof[]; blanks: ReturnType<typeof client.blind> }>()
  const spent: { inputs: Proof[] }[] = []
  const mine = { received: 0, fees: 0, paidOut: 0 }
  const take = (pick: number): Proof[] => purse.splice(0, Math.min(purse.length, 1 + (pick % 4)))

  function finish(quote: MeltQuote): void {
    const { inputs, blanks } = pending.get(quote.quote)!
    if (quote.state === 'PENDING') return
    pending.delete(quote.quote)
    if (quote.state === 'UNPAID') return void purse.push(...inputs)
    const change = client.unblind(quote.change ?? [], blanks)
    purse.push(...change)
    mine.paidOut += quote.amount + 1
    mine.fees += sum(inputs) - quote.amount - 1 - sum(change)
  }

  for (const { kind, pick, script, change, paid } of steps) {
    if (kind === 'rotate') await mint.rotate('sat', { feePpk: pick })
    const { id } = await client.keyset()
    if (kind === 'mint') {
      const minted = await client.mint(split(1 + pick))
      mine.received += sum(minted)
      purse.push(...minted)
    }
    if (kind === 'swap' && purse.length > 0) {
      const inputs = take(pick)
      if (client.net(inputs) < 1) {
        purse.push(...inputs)
        continue
      }
      purse.push(...(await client.swap(inputs)))
      mine.fees += sum(inputs) - client.net(inputs)
      spent.push({ inputs })
    }
    if (kind === 'melt') {
      const inputs = take(pick)
      // The reserve is 2 for all amounts here.
      const amountSat = inputs.length > 0 ? Math.min(client.net(inputs) - 2, 1 + (pick % 200)) : 0
      if (amountSat < 1) {
        purse.push(...inputs)
        continue
      }
      const request = backend.foreignInvoice({ amountSat, memo: JSON.stringify({ pay_invoice_state: script }) })
      const quote = await client.post<MeltQuote>('/v1/melt/quote/bolt11', { request, unit: 'sat' })
      const blanks = client.blind(change ? Array.from({ length: 12 }, () => 0) : [], id)
      pending.set(quote.quote, { inputs, blanks })
      const body = { quote: quote.quote, inputs, outputs: blanks.map(({ message }) => message) }
      if (script === 'FAILED') {
        await client.refused(codes.paymentFailed, '/v1/melt/bolt11', body)
        finish(quote)
      } else finish(await client.post<MeltQuote>('/v1/melt/bolt11', body))
    }
    if (kind === 'again' && spent.length > 0) {
      const { inputs } = spent[pick % spent.length]!
      const outputs = client.blind(split(client.net(inputs)), id).map(({ message }) => message)
      if (outputs.length > 0) await client.refused(codes.alreadySpent, '/v1/swap', { inputs, outputs })
    }
    if (kind === 'decide' && pending.size > 0) {
      const quote = [...pending.keys()][pick % pending.size]!
      const row = await store.get<{ operationId: string }>('meltQuotes', [quote])
      await backend.resolve(row!.operationId, paid ? 'paid' : 'failed')
      finish(await client.get<MeltQuote>(`/v1/melt/quote/bolt11/${quote}`))
    }
  }
  const held = [...pending.values()].flatMap(({ inputs }) => inputs)
  return { adapter, sheet: await mint.balanceSheet(), purse, held, mine, client }
}

describe('the balance sheet', () => {
  test('they agree with the wallets after any operations', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120 }), async (steps) => {
        const { sheet, purse, held, mine, client } = await run(steps)
        expect(sheet.units['sat']).toMatchObject({
          received: mine.received,
          paidOut: mine.paidOut,
          kept: mine.fees,
          outstanding: sum(purse) + sum(held),
          pending: sum(held),
        })
        const { received, issued, redeemed, outstanding, paidOut, kept } = sheet.units['sat']!
        expect(issued - redeemed).toBe(outstanding)
        expect(received).toBe(outstanding + paidOut + kept)
        for (const { attempts, paid } of Object.values(sheet.payments)) expect([attempts, paid <= 1]).toEqual([1, true])
        expect(await client.states([...purse, ...held])).toEqual([
          ...purse.map(() => 'UNSPENT'),
          ...held.map(() => 'PENDING'),
        ])
      }),
      { numRuns: 30, seed: 7 },
    )
  })

  test('the same operations make the same rows', async () => {
    const [steps] = fc.sample(fc.array(step, { minLength: 100, maxLength: 100 }), { numRuns: 1, seed: 11 })
    const [one, other] = [await run(steps!), await run(steps!)]
    expect(JSON.stringify(one.adapter.dump())).toBe(JSON.stringify(other.adapter.dump()))
  })
})

describe('a mint that dies', () => {
  /** A melt at a mint that never hears what became of the payment, and is gone. */
  async function dying(pay: (backend: PaymentBackend) => PaymentBackend['pay']) {
    const store = await memoryStore().open(mintSchema)
    const dead = await simulated({ store })
    const { client, backend } = dead
    const doomed = await simulated({ store, backend: { ...backend, pay: pay(backend) } }, undefined, 1)
    const inputs = await client.mint([16])
    const blanks = client.blind([0, 0, 0], (await client.keyset()).id)
    const request = backend.foreignInvoice({ amountSat: 8 })
    const { quote } = await client.post<MeltQuote>('/v1/melt/quote/bolt11', { request, unit: 'sat' })
    const body = JSON.stringify({ quote, inputs, outputs: blanks.map(({ message }) => message) })
    const unanswered = doomed.mint.handle('POST', '/v1/melt/bolt11', body).catch(() => 'gone')
    await expect.poll(() => client.states(inputs)).toEqual(['PENDING'])
    await doomed.mint.close({ deadlineMs: 0 })
    expect(await unanswered).toBe('gone')
    await dead.mint.close()
    return { client, quote, blanks, body, next: await simulated({ store }, undefined, 2) }
  }

  test('before it asked for the payment: the next one has it paid, once', async () => {
    const { next, quote } = await dying(() => () => new Promise(() => {}))
    const look = () => next.client.get<MeltQuote>(`/v1/melt/quote/bolt11/${quote}`)
    await expect.poll(async () => (await look()).state).toBe('PAID')
    expect(Object.values((await next.mint.balanceSheet()).payments)).toEqual([{ attempts: 1, paid: 1 }])
  })

  test('after the payment, before it wrote so: the change is there, and the same request gets the same answer', async () => {
    const { client, next, quote, blanks, body } = await dying((backend) => async (payment) => {
      await backend.pay(payment)
      return new Promise(() => {})
    })
    const look = () => next.client.get<MeltQuote>(`/v1/melt/quote/bolt11/${quote}`)
    await expect.poll(async () => (await look()).state).toBe('PAID')
    const paid = await look()
    expect(sum(client.unblind(paid.change!, blanks))).toBe(7)
    expect(JSON.parse((await next.mint.handle('POST', '/v1/melt/bolt11', body)).body)).toEqual(paid)
    expect(Object.values((await next.mint.balanceSheet()).payments)).toEqual([{ attempts: 1, paid: 1 }])
  })
})

describe('a mint without', () => {
  const without = (...nuts: OptionalNut[]) => simulated({ without: nuts })

  test('states and restore (NUT-07, NUT-09)', async () => {
    const { client } = await without(7, 9)
    await client.refused(codes.unclassified, '/v1/checkstate', { Ys: [] }, 404)
    await client.refused(codes.unclassified, '/v1/restore', { outputs: [] }, 404)
    const { nuts } = await client.get<{ nuts: Record<string, { supported: boolean }> }>('/v1/info')
    expect([nuts['7'], nuts['9'], nuts['8']]).toEqual([{ supported: false }, { supported: false }, { supported: true }])
  })

  test('change (NUT-08)', async () => {
    const { client, backend, mint } = await without(8)
    const inputs = await client.mint([16])
    const [blank] = client.blind([0], (await client.keyset()).id)
    const request = backend.foreignInvoice({ amountSat: 8 })
    const { quote } = await client.post<MeltQuote>('/v1/melt/quote/bolt11', { request, unit: 'sat' })
    const paid = await client.post<MeltQuote>('/v1/melt/bolt11', { quote, inputs, outputs: [blank!.message] })
    expect(paid).not.toHaveProperty('change')
    expect((await mint.balanceSheet()).units['sat']).toMatchObject({ kept: 7, outstanding: 0 })
  })

  test('DLEQ proofs (NUT-12)', async () => {
    const { client } = await without(12)
    const [output] = client.blind([1], (await client.keyset()).id)
    const { quote } = await client.post<{ quote: string }>('/v1/mint/quote/bolt11', { amount: 1, unit: 'sat' })
    const request = { quote, outputs: [output!.message] }
    const { signatures } = await client.post<{ signatures: Signature[] }>('/v1/mint/bolt11', request)
    expect(signatures.map((signature) => 'dleq' in signature)).toEqual([false])
  })

  test('replays (NUT-19)', async () => {
    const { client } = await without(19)
    const inputs = await client.mint([1])
    const [output] = client.blind([1], (await client.keyset()).id)
    const request = { inputs, outputs: [output!.message] }
    await client.post('/v1/swap', request)
    await client.refused(codes.alreadySpent, '/v1/swap', request)
    expect((await client.get<{ nuts: object }>('/v1/info')).nuts).not.toHaveProperty('19')
  })

  test('locked quotes (NUT-20)', async () => {
    const { client } = await without(20)
    const { id } = await client.keyset()
    const pubkey = client.crypto.publicKey(client.crypto.privateKey(new Uint8Array(32).fill(1)))
    const quote = await client.post<{ quote: string; pubkey: null }>('/v1/mint/quote/bolt11', {
      amount: 1,
      unit: 'sat',
      pubkey,
    })
    expect(quote.pubkey).toBeNull()
    await client.post('/v1/mint/bolt11', {
      quote: quote.quote,
      outputs: client.blind([1], id).map(({ message }) => message),
    })
  })
})

describe('what changes between reading and committing', () => {
  /** A mint whose next commit finds that something came in between. */
  async function interrupted() {
    const inner = await memoryStore().open(mintSchema)
    const still = await simulated({ store: inner })
    let interrupt: (() => Promise<unknown>) | undefined
    const store: Store = {
      ...inner,
      async commit(writes) {
        const now = interrupt
        interrupt = undefined
        await now?.()
        await inner.commit(writes)
      },
    }
    const { mint } = await simulated({ store })
    const [inputs, { id }] = [await still.client.mint([8]), await still.client.keyset()]
    const request = { inputs, outputs: still.client.blind([8], id).map(({ message }) => message) }
    const code = async (during: () => Promise<unknown>) => {
      interrupt = during
      const { body } = await mint.handle('POST', '/v1/swap', JSON.stringify(request))
      return (JSON.parse(body) as { code: number }).code
    }
    return { ...still, request, code }
  }

  test('the keyset is no longer active', async () => {
    const { mint, client, request, code } = await interrupted()
    expect(await code(() => mint.rotate('sat'))).toBe(codes.keysetInactive)
    expect(await client.states(request.inputs)).toEqual(['UNSPENT'])
  })

  test('the outputs are signed', async () => {
    const { client, request, code } = await interrupted()
    const others = { ...request, inputs: await client.mint([8]) }
    expect(await code(() => client.post('/v1/swap', others))).toBe(codes.alreadySigned)
    expect(await client.states(request.inputs)).toEqual(['UNSPENT'])
  })

  test('the inputs are spent', async () => {
    const { client, request, code } = await interrupted()
    expect(await code(() => client.swap(request.inputs))).toBe(codes.alreadySpent)
    expect(await client.post('/v1/restore', request)).toEqual({ outputs: [], signatures: [] })
  })
})

test('what the fake backend pays, and what it does not', async () => {
  const { backend, mint, pass } = await simulated({}, { feeSat: 3 })
  const pay = (id: string, request: string, maxFeeSat = 3) =>
    backend.pay({ id, method: 'bolt11', request, amountSat: 8, maxFeeSat })
  const request = backend.foreignInvoice({ amountSat: 8 })
  expect(await backend.outgoing('first')).toEqual({ state: 'none' })
  expect(await pay('poor', request, 2)).toEqual({ state: 'failed' })
  const paid = await pay('first', request)
  expect(paid).toMatchObject({ state: 'paid', feeSat: 3 })
  expect([await pay('first', request), await backend.outgoing('first')]).toEqual([paid, paid])
  expect(await pay('second', request)).toEqual({ state: 'failed' })
  const late = backend.foreignInvoice({ amountSat: 8 })
  pass(3_600_000)
  expect(await pay('late', late)).toEqual({ state: 'failed' })
  expect(Object.values((await mint.balanceSheet()).payments)).toEqual(
    expect.arrayContaining([
      { attempts: 3, paid: 1 },
      { attempts: 1, paid: 0 },
    ]),
  )
  expect(await backend.settle('none')).toBe(false)
  expect(await backend.resolve('none', 'paid')).toBe(false)
})

test('the mint waits for nothing but promises', async () => {
  let turned = false
  setImmediate(() => {
    turned = true
  })
  const { client, backend } = await simulated()
  const inputs = await client.swap(await client.mint([16]))
  const request = backend.foreignInvoice({ amountSat: 8 })
  const { quote } = await client.post<MeltQuote>('/v1/melt/quote/bolt11', { request, unit: 'sat' })
  await client.post('/v1/melt/bolt11', { quote, inputs })
  expect(await client.states(inputs)).toEqual(['SPENT'])
  expect(turned).toBe(false)
})

test('an invoice pays itself when its time has come', async () => {
  const { client, pass } = await simulated({}, { autoPayMs: 500 })
  const { quote } = await client.post<{ quote: string }>('/v1/mint/quote/bolt11', { amount: 1, unit: 'sat' })
  const state = async () => (await client.get<{ state: string }>(`/v1/mint/quote/bolt11/${quote}`)).state
  pass(499)
  expect(await state()).toBe('UNPAID')
  pass(1)
  expect(await state()).toBe('PAID')
})

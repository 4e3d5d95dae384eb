/**
 * Goal: the fake backend does what a test tells it to: by scripts, from outside, by time.
 * Method: example by example, two backends on one store; time passes only when a test says so.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { afterEach, describe, expect, test } from 'vitest'
import { plainInvoice } from '../../src/mint-server/lightning/bolt11.ts'
import type { FakeBackend, FakeBackendOptions } from '../../src/mint-server/lightning/fake-backend.ts'
import type { Outgoing, Payment, PaymentMethod } from '../../src/mint-server/lightning/payment-backend.ts'
import { adapters, cleanUp, PLAIN, twoFakes } from '../kits/fake-backend-kit.ts'
import { ids, METHODS } from '../kits/payment-backend-contract.ts'

afterEach(cleanUp)

/** Two fakes in memory, with what is short to say in a test. */
async function fakes(options: Partial<FakeBackendOptions> = {}) {
  const two = await twoFakes(adapters.memory(), { ...PLAIN, ...options })
  const { fake } = two
  const invoice = (script: object | string = '', amountSat: number | undefined = 8) =>
    fake.foreignInvoice({ amountSat, memo: typeof script === 'string' ? script : JSON.stringify(script) })
  const pay = (id: string, request: string, more: Partial<Payment> = {}, by: FakeBackend = fake) =>
    by.pay({ id, method: 'bolt11', request, amountSat: 8, maxFeeSat: 1, ...more })
  /** `error` stands for a call that rejects. */
  const told = (call: Promise<Outgoing>) =>
    call.then(
      ({ state }) => state,
      () => 'error',
    )
  const asked = async (id: string) => told(fake.outgoing(id))
  const own = async (method: PaymentMethod, amountSat: number | undefined = 8, script: object = {}) =>
    fake.createRequest({ method, amountSat, expiryAt: undefined, memo: JSON.stringify(script) })
  return { ...two, invoice, pay, told, asked, own }
}

describe('a script', () => {
  test.each<[string, object | string, string, string]>([
    ['nothing', {}, 'paid', 'paid'],
    ['no JSON', 'for tea {', 'paid', 'paid'],
    ['JSON that is no object', '7', 'paid', 'paid'],
    ['null', 'null', 'paid', 'paid'],
    ['failed', { pay_invoice_state: 'FAILED' }, 'failed', 'failed'],
    ['pending', { pay_invoice_state: 'PENDING' }, 'pending', 'pending'],
    ['unknown', { pay_invoice_state: 'UNKNOWN' }, 'unknown', 'unknown'],
    ['unpaid', { pay_invoice_state: 'UNPAID' }, 'failed', 'failed'],
    ['pending, but it is unpaid', { pay_invoice_state: 'PENDING', check_payment_state: 'UNPAID' }, 'pending', 'failed'],
    ['another word', { pay_invoice_state: 'SETTLED' }, 'unknown', 'unknown'],
    ['failed, but it was paid', { pay_invoice_state: 'FAILED', check_payment_state: 'PAID' }, 'failed', 'paid'],
    ['pending, but it was paid', { pay_invoice_state: 'PENDING', check_payment_state: 'PAID' }, 'pending', 'paid'],
    ['pending, but it failed', { pay_invoice_state: 'PENDING', check_payment_state: 'FAILED' }, 'pending', 'failed'],
    ['paid is paid', { pay_invoice_state: 'PAID', check_payment_state: 'FAILED' }, 'paid', 'paid'],
    ['unless it says otherwise it is paid', { check_payment_state: 'PENDING' }, 'paid', 'paid'],
    ['no answer', { pay_err: true }, 'error', 'paid'],
    ['no answer, and it failed', { pay_err: true, check_payment_state: 'FAILED' }, 'error', 'failed'],
    ['no answer, pending', { pay_err: true, pay_invoice_state: 'PENDING' }, 'error', 'pending'],
    ['no answer later', { check_err: true }, 'paid', 'error'],
    ['no answer ever', { pay_err: true, check_err: true, check_payment_state: 'PENDING' }, 'error', 'error'],
    ['errors that are not true', { pay_err: 1, check_err: 'yes' }, 'paid', 'paid'],
    ['a delay that is none', { pay_delay_ms: 'long', check_delay_ms: -1, settle_after_ms: 0.5 }, 'paid', 'paid'],
  ])('may say: %s', async (_, script, first, later) => {
    const { invoice, pay, told, asked } = await fakes()
    const request = invoice(script)
    expect([await told(pay('a', request)), await asked('a')]).toEqual([first, later])
    // Whoever asks for the payment again gets what is true.
    expect(await told(pay('a', request))).toBe(later)
  })

  test.each<[string, object, string, string, string]>([
    ['paid', {}, 'pending', 'pending', 'paid'],
    ['failed', { check_payment_state: 'FAILED' }, 'pending', 'pending', 'failed'],
    ['said to have failed', { pay_invoice_state: 'FAILED', check_payment_state: 'PAID' }, 'failed', 'pending', 'paid'],
    ['without an answer', { pay_err: true }, 'error', 'pending', 'paid'],
    ['without an answer, failed', { pay_err: true, check_payment_state: 'FAILED' }, 'error', 'pending', 'failed'],
    ['never', { pay_invoice_state: 'PENDING' }, 'pending', 'pending', 'pending'],
    ['paid at once', { pay_invoice_state: 'PAID' }, 'paid', 'paid', 'paid'],
  ])('may settle later: %s', async (_, script, first, then, later) => {
    const { invoice, pay, told, asked, pass } = await fakes()
    expect(await told(pay('a', invoice({ ...script, settle_after_ms: 100 })))).toBe(first)
    pass(99)
    expect(await asked('a')).toBe(then)
    pass(1)
    expect(await asked('a')).toBe(later)
  })

  test('may let calls take their time; what they do is done before', async () => {
    const { invoice, pay, asked, told, pass, sleepers, other } = await fakes()
    const request = invoice({ pay_delay_ms: 100, check_delay_ms: 10 })
    const paying = told(pay('a', request))
    await expect.poll(() => sleepers.size).toBe(1)
    const asking = told(other.outgoing('a'))
    await expect.poll(() => sleepers.size).toBe(2)
    pass(10)
    expect(await asking).toBe('paid')
    expect(sleepers.size).toBe(1)
    pass(90)
    expect(await paying).toBe('paid')
    const again = asked('a')
    await expect.poll(() => sleepers.size).toBe(1)
    pass(10)
    expect(await again).toBe('paid')
  })

  test('an answer that takes as long as the payment tells of its end', async () => {
    const { invoice, pay, told, asked, pass, sleepers } = await fakes()
    const script = { pay_delay_ms: 100, settle_after_ms: 100 }
    const paying = ['PAID', 'FAILED'].map((state) =>
      told(pay(state, invoice({ ...script, check_payment_state: state }))),
    )
    await expect.poll(() => sleepers.size).toBe(2)
    expect(await asked('PAID')).toBe('pending')
    pass(100)
    expect(await Promise.all(paying)).toEqual(['paid', 'failed'])
  })

  test('a call that waits ends when its caller gives up, and when the backend stops', async () => {
    const { invoice, pay, told, asked, sleepers, fake } = await fakes()
    const caller = new AbortController()
    const request = invoice({ pay_delay_ms: 100 })
    const left = told(fake.pay({ id: 'a', method: 'bolt11', request, amountSat: 8, maxFeeSat: 1 }, caller.signal))
    await expect.poll(() => sleepers.size).toBe(1)
    caller.abort()
    expect([await left, await asked('a'), sleepers.size]).toEqual(['error', 'paid', 0])
    const stopped = told(pay('b', invoice({ pay_delay_ms: 100 })))
    await expect.poll(() => sleepers.size).toBe(1)
    await fake.stop()
    expect(await stopped).toBe('error')
    await fake.start()
    expect(await asked('b')).toBe('paid')
  })

  test('works for offers as well', async () => {
    const { fake, pay, told, asked } = await fakes()
    const memo = JSON.stringify({ pay_invoice_state: 'FAILED', check_payment_state: 'PAID' })
    const offer = fake.foreignOffer({ memo })
    expect(await told(pay('a', offer, { method: 'bolt12' }))).toBe('failed')
    expect(await asked('a')).toBe('paid')
  })
})

describe('a payment is refused', () => {
  test.each<[string, Partial<Payment>]>([
    ['less than the invoice asks for', { amountSat: 7 }],
    ['more than the invoice asks for', { amountSat: 9 }],
    ['a fee beyond what is allowed', { maxFeeSat: 0 }],
  ])('%s', async (_, more) => {
    const { invoice, pay, asked } = await fakes()
    // A script has no say in it.
    const request = invoice({ pay_invoice_state: 'PENDING' })
    expect(await pay('a', request, more)).toEqual({ state: 'failed' })
    expect(await asked('a')).toBe('failed')
    expect((await pay('b', request)).state).toBe('pending')
  })

  test('less than an offer asks for; more is welcome', async () => {
    const { fake, own, pay } = await fakes()
    const { request, requestId } = await own('bolt12', 8)
    expect(await pay('a', request, { method: 'bolt12', amountSat: 7 })).toEqual({ state: 'failed' })
    await pay('b', request, { method: 'bolt12', amountSat: 9 })
    expect(await fake.incoming(requestId)).toMatchObject([{ amountSat: 9 }])
  })

  test('what has expired', async () => {
    const { fake, invoice, pay, pass, clock } = await fakes()
    const [late, offer] = [invoice(), fake.foreignOffer({ amountSat: 8, expiryAt: clock() + 3_600_000 })]
    pass(3_600_000)
    expect(await pay('a', late)).toEqual({ state: 'failed' })
    expect(await pay('b', offer, { method: 'bolt12' })).toEqual({ state: 'failed' })
  })

  test('what cannot be read, as a mistake: nothing was begun', async () => {
    const { pay, asked } = await fakes()
    await expect(pay('a', 'hello')).rejects.toThrow(TypeError)
    expect(await asked('a')).toBe('none')
  })

  test('an invoice that is under way, until that has failed', async () => {
    const { invoice, pay, asked, fake, pass } = await fakes()
    const request = invoice({ settle_after_ms: 100, check_payment_state: 'FAILED' })
    expect((await pay('a', request)).state).toBe('pending')
    expect(await pay('b', request)).toEqual({ state: 'failed' })
    pass(100)
    expect(await asked('a')).toBe('failed')
    expect((await pay('c', request)).state).toBe('pending')
    await fake.resolve('c', 'paid')
    expect(await pay('d', request)).toEqual({ state: 'failed' })
    expect([await asked('a'), await asked('b'), await asked('c')]).toEqual(['failed', 'failed', 'paid'])
  })
})

test('an invoice without an amount is paid what the payer likes', async () => {
  const { fake, pay } = await fakes()
  const request = fake.foreignInvoice({})
  expect(fake.decode('bolt11', request)!.amountSat).toBeUndefined()
  expect((await pay('a', request, { amountSat: 3 })).state).toBe('paid')
})

test('nobody knows the preimage of an invoice that no fake backend made', async () => {
  const { pay } = await fakes()
  const [paymentHash, paymentSecret] = ['aa'.repeat(32), 'bb'.repeat(32)]
  const real = { paymentHash, paymentSecret, amountSat: 8, memo: '', createdAt: 0, expiryAt: Number.MAX_SAFE_INTEGER }
  expect(await pay('a', plainInvoice.encode(real))).toEqual({ state: 'paid', preimage: undefined, feeSat: 1 })
})

describe('who decides a payment', () => {
  test.each(['paid', 'failed'] as const)('%s, once', async (state) => {
    const { fake, other, invoice, pay, asked } = await fakes()
    await pay('a', invoice({ pay_invoice_state: 'PENDING', check_err: true }))
    expect(await asked('a')).toBe('error')
    const contrary = state === 'paid' ? 'failed' : 'paid'
    expect(await fake.resolve('a', state)).toBe(true)
    expect(await other.resolve('a', contrary)).toBe(false)
    expect(await asked('a')).toBe(state)
    expect(await fake.resolve('nobody', state)).toBe(false)
  })

  test('two at the same moment: one of them', async () => {
    const { fake, other, invoice, pay, asked } = await fakes()
    await pay('a', invoice({ pay_invoice_state: 'UNKNOWN' }))
    const decided = await Promise.all([fake.resolve('a', 'paid'), other.resolve('a', 'failed')])
    expect(decided.toSorted()).toEqual([false, true])
    expect(await asked('a')).toBe(decided[0] ? 'paid' : 'failed')
  })

  test.each(['paid', 'failed'] as const)('%s, before it would have been decided by itself', async (state) => {
    const { fake, own, pay, asked, pass } = await fakes()
    for (const otherwise of ['PAID', 'FAILED']) {
      const { request, requestId } = await own('bolt11', 8, { settle_after_ms: 100, check_payment_state: otherwise })
      await pay(otherwise, request)
      expect(await fake.resolve(otherwise, state)).toBe(true)
      const comesIn = state === 'paid' ? [{ paymentId: requestId, amountSat: 8 }] : []
      expect([await asked(otherwise), await fake.incoming(requestId)]).toEqual([state, comesIn])
      pass(100)
      expect([await asked(otherwise), await fake.incoming(requestId)]).toEqual([state, comesIn])
    }
  })
})

describe('a request of its own', () => {
  test.each(METHODS)('%s: is credited by the payment of it, when that is paid', async (method) => {
    const { fake, other, own, pay, pass } = await fakes()
    const sum = async (requestId: string) =>
      (await other.incoming(requestId)).reduce((all, { amountSat }) => all + amountSat, 0)
    const now = await own(method)
    await pay('a', now.request, { method })
    expect(await sum(now.requestId)).toBe(8)
    const later = await own(method, 8, { settle_after_ms: 100 })
    await pay('b', later.request, { method })
    expect(await sum(later.requestId)).toBe(0)
    pass(100)
    expect(await sum(later.requestId)).toBe(8)
    const decided = await own(method, 8, { pay_invoice_state: 'PENDING' })
    await pay('c', decided.request, { method })
    await fake.resolve('c', 'paid')
    expect(await sum(decided.requestId)).toBe(8)
    const never = await own(method, 8, { pay_invoice_state: 'FAILED' })
    await pay('d', never.request, { method })
    expect(await sum(never.requestId)).toBe(0)
  })

  test('a payment of an offer is known by its payment hash', async () => {
    const { fake, own, pay } = await fakes()
    const { request, requestId } = await own('bolt12')
    const { preimage } = await pay('a', request, { method: 'bolt12' })
    expect(ids(await fake.incoming(requestId))).toEqual([bytesToHex(sha256(hexToBytes(preimage!)))])
  })

  test('is not paid where somebody else has paid it', async () => {
    const { fake, own, pay } = await fakes()
    const { request, requestId } = await own('bolt11')
    await fake.settle(requestId)
    expect(await pay('a', request)).toEqual({ state: 'failed' })
    expect(await fake.incoming(requestId)).toEqual([{ paymentId: requestId, amountSat: 8 }])
  })

  test.each([
    ['that would be paid later', { settle_after_ms: 100 }],
    ['that would be decided', { pay_invoice_state: 'PENDING' }],
  ])('a payment under way %s fails where somebody else is faster', async (_, script) => {
    const { fake, own, pay, asked, pass } = await fakes()
    const { request, requestId } = await own('bolt11', 8, script)
    await pay('a', request)
    expect(await fake.settle(requestId)).toBe(true)
    expect([await asked('a'), await fake.resolve('a', 'paid')]).toEqual(['failed', false])
    pass(100)
    expect(await fake.incoming(requestId)).toHaveLength(1)
    expect(await asked('a')).toBe('failed')
  })

  test('is settled once if it is an invoice, and for any amount; there is nothing to settle where there is none', async () => {
    const { fake, other, own } = await fakes()
    const { requestId } = await own('bolt11')
    expect(await Promise.all([fake.settle(requestId, 3), other.settle(requestId, 4)])).toEqual([true, true])
    expect(await fake.incoming(requestId)).toHaveLength(1)
    expect(await fake.settle('00')).toBe(false)
    const open = await fake.createRequest({ method: 'bolt12', amountSat: undefined, expiryAt: undefined })
    await expect(fake.settle(open.requestId)).rejects.toThrow(TypeError)
  })
})

describe('requests that are paid by themselves', () => {
  test.each(METHODS)('%s: when their time has come, once', async (method) => {
    const { fake, own, pass } = await fakes({ autoPayMs: 500 })
    const { requestId } = await own(method)
    pass(499)
    expect(await fake.incoming(requestId)).toEqual([])
    pass(1)
    expect(await fake.incoming(requestId)).toHaveLength(1)
    pass(500)
    expect(await fake.incoming(requestId)).toHaveLength(1)
  })

  test('not where the payer has to choose the amount', async () => {
    const { fake, pass } = await fakes({ autoPayMs: 0 })
    const { requestId } = await fake.createRequest({ method: 'bolt12', amountSat: undefined, expiryAt: undefined })
    pass(1000)
    expect(await fake.incoming(requestId)).toEqual([])
  })

  test('an invoice that was paid before is not paid again', async () => {
    const { fake, own, pay, pass } = await fakes({ autoPayMs: 500 })
    const [settled, paid, late] = [
      await own('bolt11'),
      await own('bolt11'),
      await own('bolt11', 8, { settle_after_ms: 501 }),
    ]
    await fake.settle(settled.requestId, 3)
    expect((await pay('a', paid.request)).state).toBe('paid')
    expect(await pay('b', late.request)).toEqual({ state: 'failed' })
    pass(501)
    expect(await fake.incoming(settled.requestId)).toEqual([{ paymentId: settled.requestId, amountSat: 3 }])
    expect(await fake.incoming(paid.requestId)).toHaveLength(1)
    expect(await fake.incoming(late.requestId)).toHaveLength(1)
  })
})

describe('what happens between reading and committing', () => {
  test('the payment is begun and has failed: it is not begun again', async () => {
    const { fake, other, invoice, pay, told, interrupt, asked } = await fakes()
    const request = invoice({ pay_invoice_state: 'PENDING' })
    interrupt(async () => {
      await pay('a', request, {}, other)
      await other.resolve('a', 'failed')
    })
    expect(await told(pay('a', request, {}, fake))).toBe('failed')
    expect(await asked('a')).toBe('failed')
  })

  test('another payment takes the invoice', async () => {
    const { other, invoice, pay, interrupt } = await fakes()
    const request = invoice()
    interrupt(() => pay('b', request, {}, other))
    expect(await pay('a', request)).toEqual({ state: 'failed' })
    expect((await other.outgoing('b')).state).toBe('paid')
  })

  test.each([
    ['never', {}],
    ['later', { autoPayMs: 500 }],
  ])('somebody pays an invoice that would be paid %s by itself', async (_, options) => {
    const { fake, other, own, pay, interrupt } = await fakes(options)
    const [first, second] = [await own('bolt11'), await own('bolt11')]
    interrupt(() => other.settle(first.requestId, 4))
    await fake.settle(first.requestId, 3)
    expect(await fake.incoming(first.requestId)).toEqual([{ paymentId: first.requestId, amountSat: 4 }])
    interrupt(() => other.settle(second.requestId, 4))
    expect(await pay('a', second.request)).toEqual({ state: 'failed' })
    expect(await fake.incoming(second.requestId)).toEqual([{ paymentId: second.requestId, amountSat: 4 }])
  })

  test('somebody else decides the payment', async () => {
    const { fake, other, own, pay, interrupt, asked } = await fakes()
    const { request, requestId } = await own('bolt11', 8, { pay_invoice_state: 'PENDING' })
    await pay('a', request)
    interrupt(() => other.resolve('a', 'failed'))
    expect(await fake.resolve('a', 'paid')).toBe(false)
    expect([await asked('a'), await fake.incoming(requestId)]).toEqual(['failed', []])
  })
})

describe('listeners', () => {
  test('hear of what comes in, when it does, until they stop', async () => {
    const { fake, own, pay, pass, sleepers } = await fakes()
    const heard: string[] = []
    const stop = fake.onIncoming((requestId) => heard.push(requestId))
    const requests = [
      await own('bolt11'),
      await own('bolt11'),
      await own('bolt12', 8, { settle_after_ms: 100 }),
    ] as const
    const [settled, paid, later] = requests.map(({ requestId }) => requestId)
    await fake.settle(settled!)
    await expect.poll(() => heard).toEqual([settled])
    await pay('a', requests[1].request)
    await expect.poll(() => heard).toEqual([settled, paid])
    await pay('b', requests[2].request, { method: 'bolt12' })
    await expect.poll(() => sleepers.size).toBe(1)
    expect(heard).toHaveLength(2)
    pass(100)
    await expect.poll(() => heard).toEqual([settled, paid, later])
    stop()
    await fake.settle(later!)
    expect((await fake.incoming(later!)).length).toBe(2)
    expect(heard).toHaveLength(3)
  })

  test('hear nothing of payments to others', async () => {
    const { fake, own, invoice, pay } = await fakes()
    const heard: string[] = []
    fake.onIncoming((requestId) => heard.push(requestId))
    await pay('a', invoice())
    const { requestId } = await own('bolt11')
    await fake.settle(requestId)
    await expect.poll(() => heard).toEqual([requestId])
  })

  test('hear of what is paid by itself, unless the backend is stopped', async () => {
    const { fake, own, pass, sleepers } = await fakes({ autoPayMs: 500 })
    const heard: string[] = []
    fake.onIncoming((requestId) => heard.push(requestId))
    const { requestId } = await own('bolt11')
    await expect.poll(() => sleepers.size).toBe(1)
    pass(500)
    await expect.poll(() => heard).toEqual([requestId])
    await own('bolt11')
    await expect.poll(() => sleepers.size).toBe(1)
    await fake.stop()
    expect(sleepers.size).toBe(0)
    expect(heard).toEqual([requestId])
  })
})

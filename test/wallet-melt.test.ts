/**
 * Goal: a melt believes of a mint what it can check, says what it cannot, and always comes to an end. Over HTTP, with the
 * project's own mint behind a wire that lies.
 */
import { describe, expect, test } from 'vitest'
import { bench, failure, money, type Answer, type Fault } from './wallet-kit.ts'

const ZEROS = '00'.repeat(32)
const QUOTING = /POST \/v1\/melt\/quote\/bolt11/
const PAYING = /POST \/v1\/melt\/bolt11/
const set =
  (more: object): Fault =>
  (body: Answer) => ({ ...body, ...more })

describe('a melt quote is held against the invoice', () => {
  const wrong: readonly (readonly [string, object])[] = [
    ['an amount far above', { amount: 400 }],
    ['an amount one above', { amount: 11 }],
    ['an amount below', { amount: 9 }],
    ['another invoice', { request: 'lnbc1other' }],
    ['another unit', { unit: 'usd' }],
  ]
  for (const [what, lie] of wrong)
    test(`${what} is refused, and nothing is reserved`, async () => {
      const on = await bench({ stub: true })
      const { wallet, wire } = await on.funded(500, 'alice', { factor: 20 })
      wire.plan = [[QUOTING, set(lie)]]
      const refused = await failure(wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(10) }))
      expect(refused).toMatchObject({ code: 'QUOTE_WRONG' })
      expect(await money({ wallet })).toMatchObject({ spendable: 500, reserved: 0 })
    })

  test('a quote that does not repeat the invoice is taken', async () => {
    const on = await bench({ stub: true })
    const { wallet, wire } = await on.funded(64, 'alice', { factor: 20 })
    wire.plan = [[QUOTING, ({ request: _, ...body }) => body]]
    const melt = await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(10).toUpperCase() })
    expect((await melt.execute()).state).toBe('paid')
  })

  test('it may cost no more than the caller allows', async () => {
    const on = await bench({ stub: true })
    const { wallet, wire } = await on.funded(500, 'alice', { factor: 20 })
    const request = on.invoice(10)
    wire.plan = [[QUOTING, set({ fee_reserve: 390 })]]
    const dear = await failure(wallet.melt.prepare({ mintUrl: on.mintUrl, request, maxFee: 5 }))
    expect(dear).toMatchObject({ code: 'FEE_TOO_HIGH' })
    expect(await money({ wallet })).toMatchObject({ spendable: 500, reserved: 0 })
    const melt = await wallet.melt.prepare({ mintUrl: on.mintUrl, request, maxFee: 5 })
    expect((await melt.execute()).fee.toNumber()).toBeLessThanOrEqual(5)
    const odd = await failure(wallet.melt.prepare({ mintUrl: on.mintUrl, request, maxFee: -1 }))
    expect(odd).toBeInstanceOf(TypeError)
  })
})

describe('a preimage is held against the payment hash', () => {
  test('the right one is the proof of payment', async () => {
    const on = await bench({ stub: true })
    const { wallet } = await on.funded(64, 'alice', { factor: 20 })
    const paid = await (await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(10) })).execute()
    expect(paid).toMatchObject({
      state: 'paid',
      evidence: 'preimage',
      preimage: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    const [record] = await wallet.history({ limit: 1 })
    expect(record).toMatchObject({ paymentProof: paid.preimage, evidence: 'preimage' })
  })

  for (const lie of [ZEROS, '', 'no', 'ff'.repeat(33), 7, null, { a: 1 }])
    test(`${JSON.stringify(lie)} is none: the payment is made by the mint's word alone, and said so`, async () => {
      const on = await bench({ stub: true })
      const { wallet, wire } = await on.funded(64, 'alice', { factor: 20 })
      wire.plan = [[PAYING, set({ payment_preimage: lie })]]
      const paid = await (await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(10) })).execute()
      expect(paid).toMatchObject({ state: 'paid', evidence: 'mint' })
      expect(paid.preimage).toBeUndefined()
      expect(await wallet.history({ limit: 1 })).toMatchObject([
        { paymentProof: null, evidence: 'mint', status: 'done' },
      ])
    })

  test('a wrong one on an unpaid quote is no contradiction: what failed has failed', async () => {
    const on = await bench({ stub: true })
    const { wallet, wire } = await on.funded(64, 'alice', { factor: 20 })
    const melt = await wallet.melt.prepare({
      mintUrl: on.mintUrl,
      request: on.invoice(10, { pay_invoice_state: 'FAILED' }),
    })
    wire.plan = [
      [PAYING, { code: 20_004, detail: 'no route' }],
      [/GET \/v1\/melt\/quote/, set({ payment_preimage: ZEROS })],
    ]
    expect(await failure(melt.execute())).toMatchObject({ code: 'PAYMENT_FAILED' })
    expect(await wallet.history({ limit: 1 })).toMatchObject([{ paymentProof: null, evidence: null, status: 'failed' }])
    expect(await money({ wallet })).toMatchObject({ spendable: 64, reserved: 0 })
  })
})

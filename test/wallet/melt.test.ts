/**
 * Goal: a melt believes of a mint what it can check, says what it cannot, and always comes to an end. Over HTTP, with the
 * project's own mint behind a wire that lies.
 */
import { bech32 } from '@scure/base'
import { describe, expect, test } from 'vitest'
import { encodeToken, type TokenProof } from '../../src/cashu/codec.ts'
import { fetchTransport } from '../../src/index.ts'
import { transportInDialect, type Dialect } from '../../src/testing/faults/dialects.ts'
import { bench, eventually, failure, money, type Answer, type Fault, type Opened } from '../kits/wallet-kit.ts'

const ZEROS = '00'.repeat(32)
const QUOTING = /POST \/v1\/melt\/quote\/bolt11/
const PAYING = /POST \/v1\/melt\/bolt11/
const GETTING = /GET \/v1\/melt\/quote/
const RESTORING = /POST \/v1\/restore/
const HOUR_MS = 3_600_000
const bare: Fault = ({ change: _, ...body }: Answer) => body
const owed = async ({ wallet }: Pick<Opened, 'wallet'>): Promise<number> =>
  (await wallet.balances()).reduce((sum, balance) => sum + balance.owed.toNumber(), 0)
/** A transport whose mint speaks a dialect, which may be changed. */
function speaking(dialect: Dialect) {
  const spoken = { dialect }
  return { spoken, transport: transportInDialect(fetchTransport(), () => spoken.dialect) }
}
const stateOf = async ({ wallet }: Pick<Opened, 'wallet'>, id: string): Promise<string> =>
  (await wallet.operations.get(id)).state
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

  test('a quote that writes the same invoice otherwise is taken, as of a mint that writes it anew', async () => {
    const on = await bench({ stub: true })
    const { wallet, wire } = await on.funded(64, 'alice', { factor: 20 })
    const request = on.invoice(10)
    const { prefix, words } = bech32.decode(request as `${string}1${string}`, false)
    // Another text of the same payment hash and amount: the last word is the signature's.
    const anew = bech32.encode(prefix, [...words.slice(0, -1), words.at(-1)! ^ 1], false)
    wire.plan = [[QUOTING, set({ request: anew })]]
    const melt = await wallet.melt.prepare({ mintUrl: on.mintUrl, request })
    expect((await melt.execute()).state).toBe('paid')
    const others = on.invoice(10)
    wire.plan = [[QUOTING, set({ request: others })]]
    expect(await failure(wallet.melt.prepare({ mintUrl: on.mintUrl, request }))).toMatchObject({ code: 'QUOTE_WRONG' })
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
    expect(paid).toMatchObject({ state: 'paid', evidence: 'preimage' })
    expect(paid.preimage).toMatch(/^[0-9a-f]{64}$/)
    const [record] = await wallet.history.list({ limit: 1 })
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
      expect(await wallet.history.list({ limit: 1 })).toMatchObject([
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
    expect(await wallet.history.list({ limit: 1 })).toMatchObject([
      { paymentProof: null, evidence: null, status: 'failed' },
    ])
    expect(await money({ wallet })).toMatchObject({ spendable: 64, reserved: 0 })
  })
})

describe('blank outputs of payments in vain', () => {
  test('go out again: however many fail, counters do not run out', async () => {
    const on = await bench({ stub: true, amounts: Array.from({ length: 18 }, (_, at) => 2 ** at) })
    const { wallet } = await on.funded(100_000, 'alice', { factor: 20 })
    const { mintUrl } = on
    for (let n = 0; n < 14; n++) {
      const request = on.invoice(5_000, { pay_invoice_state: 'FAILED' })
      expect(await failure((await wallet.melt.prepare({ mintUrl, request })).execute())).toMatchObject({ code: 'PAYMENT_FAILED' }) // prettier-ignore
    }
    const [counter] = (await on.rows())['counters']!
    expect((counter!['next'] as number) - (counter!['signed'] as number)).toBeLessThan(20)
    expect((await (await wallet.melt.prepare({ mintUrl, request: on.invoice(5_000) })).execute()).state).toBe('paid')
    expect(await money({ wallet })).toMatchObject({ spendable: await on.outstanding(), reserved: 0 })
  })

  test('that the mint has signed for an older backup are made anew, past the counters that were used', async () => {
    const on = await bench({ stub: true })
    const { wallet } = await on.funded(256, 'alice', { factor: 20 })
    const { mintUrl } = on
    const [before] = (await on.rows())['counters']!
    for (let n = 0; n < 4; n++)
      await (await wallet.swap.prepare({ mintUrl, amounts: Array<number>(60).fill(1) })).execute()
    await on.tamper((store) => store.commit([{ put: 'counters', row: before! }]))
    const melt = await wallet.melt.prepare({ mintUrl, request: on.invoice(100) })
    expect((await melt.execute()).state).toBe('paid')
    expect((await money({ wallet })).spendable).toBe(await on.outstanding())
  })
})

describe('a mint without an active keyset', () => {
  test('can sign no change: a person decides, and cancelling gives all back', async () => {
    const on = await bench({ stub: true })
    const { spoken, transport } = speaking({})
    const process = await on.funded(64, 'alice', { factor: 20, transport })
    const { wallet } = process
    spoken.dialect = { closing: true }
    await wallet.mints.refresh(on.mintUrl)
    const melt = await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(10) })
    const ended = failure(melt.execute())
    await eventually('it waits', async () => (await stateOf(process, melt.id)) === 'readying.changeless')
    const { why, needsHuman, takes } = await wallet.operations.explain(melt.id)
    expect([why, needsHuman]).toEqual([expect.stringMatching(/no active keyset/), true])
    expect(takes).toEqual(expect.arrayContaining(['cancel', 'forgo', 'resume']))
    await melt.cancel()
    expect(await ended).toMatchObject({ code: 'CANCELLED' })
    expect(await money({ wallet })).toMatchObject({ spendable: 64, reserved: 0 })
    const second = await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(10) })
    void second.execute().catch(() => {})
    await eventually('it waits', async () => (await stateOf(process, second.id)) === 'readying.changeless')
    const signal = AbortSignal.abort(new Error('not any more'))
    expect(await failure(second.payWithoutChange({ signal }))).toBe(signal.reason)
    const paid = await second.payWithoutChange()
    expect([paid.state, paid.fee.toNumber(), paid.change.toNumber()]).toEqual(['paid', 54, 0])
    expect(await money({ wallet })).toMatchObject({ spendable: 0, reserved: 0 })
  })

  test('is waited for an hour at most, where nobody decides', async () => {
    const on = await bench({ stub: true })
    const { spoken, transport } = speaking({})
    const process = await on.funded(64, 'alice', { factor: 20, transport })
    spoken.dialect = { closing: true }
    await process.wallet.mints.refresh(on.mintUrl)
    const melt = await process.wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(10) })
    const ended = failure(melt.execute())
    await eventually('it waits', async () => (await stateOf(process, melt.id)) === 'readying.changeless')
    process.clock.jump(HOUR_MS)
    expect(await ended).toMatchObject({ code: 'NO_ACTIVE_KEYSET' })
    expect(await money(process)).toMatchObject({ spendable: 64, reserved: 0 })
  })
})

describe('change', () => {
  test('that nobody owes is asked for three times, and then the payment is paid', async () => {
    const on = await bench({ stub: true, feeReserve: () => 1 })
    const { wallet, wire } = await on.funded(11, 'alice', { factor: 20 })
    wire.plan = [
      [PAYING, 'lost'],
      [GETTING, bare],
    ]
    const melt = await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(10) })
    await melt.execute()
    const paid = await melt.finished()
    expect([paid.state, paid.fee.toNumber(), paid.owed.toNumber()]).toEqual(['paid', 1, 0])
    expect(wire.count(RESTORING)).toBe(3)
    expect((await wallet.operations.list({ state: 'paid' })).map(({ id }) => id)).toEqual([melt.id])
    expect((await on.rows())['outputs']).toEqual([])
  })

  test('that is owed is shown as owed, everywhere, until it is here', async () => {
    const on = await bench({ stub: true, feeReserve: () => 2 })
    const process = await on.funded(64, 'alice', { factor: 20 })
    const { wallet, wire } = process
    wire.plan = [
      [PAYING, 'lost'],
      [GETTING, bare],
      [RESTORING, 'down'],
      [RESTORING, (body: Answer) => ({ ...body, outputs: [], signatures: [] })],
    ]
    const melt = await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(10) })
    const seen: unknown[] = []
    wallet.on('operation', ({ state, owed: due }) => state === 'changePending' && seen.push(due.toNumber()))
    const { owed: due, fee, state } = await melt.execute()
    expect([state, due.toNumber(), fee.toNumber(), melt.owed.toNumber()]).toEqual(['changePending', 52, 2, 52])
    expect([await owed(process), seen[0]]).toEqual([52, 52])
    const [listed] = await wallet.operations.list({ kind: 'melt' })
    const [record] = await wallet.history.list({ limit: 1 })
    expect([listed!.owed.toNumber(), record!.owed.toNumber()]).toEqual([52, 52])
    await eventually('it is here', async () => (await melt.refresh()).state === 'paid')
    expect([await owed(process), melt.owed.toNumber(), melt.fee.toNumber()]).toEqual([0, 0, 1])
    expect(await money(process)).toMatchObject({ spendable: 53, reserved: 0 })
    expect((await wallet.history.list({ limit: 1 }))[0]!.owed.toNumber()).toBe(0)
    expect((await on.rows())['owed']).toEqual([])
  })

  test('of a mint without DLEQ comes with the first answer, as with others', async () => {
    const on = await bench({ stub: true })
    const asked: string[] = []
    const { transport } = speaking({ without: [12] })
    const process = await on.funded(64, 'alice', {
      factor: 20,
      transport: (request) => {
        asked.push(new URL(request.url).pathname)
        return transport(request)
      },
    })
    const melt = await process.wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(10) })
    asked.length = 0
    expect((await melt.execute()).state).toBe('paid')
    expect(asked).toEqual(['/v1/melt/bolt11'])
    expect((await money(process)).spendable).toBe(await on.outstanding())
  })
})

describe('the clock of a wallet', () => {
  test('may be two hours fast: quotes end by the clock of the mint', async () => {
    const on = await bench({ stub: true })
    const process = await on.funded(64, 'alice', { factor: 20 })
    process.clock.jump(2 * HOUR_MS)
    const melt = await process.wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(10) })
    const { timers } = await process.wallet.operations.explain(melt.id)
    expect(timers.find(({ name }) => name === 'quoteExpiry')!.inMs).toBeGreaterThan(60_000)
    expect((await melt.execute()).state).toBe('paid')
  })
})

describe('the key of a melt', () => {
  test('is free again where nothing was sent: for too little money, or an unreachable mint', async () => {
    const on = await bench({ stub: true })
    const { wallet, wire } = await on.funded(4, 'alice', { factor: 20 })
    const { mintUrl } = on
    const wanted = { mintUrl, request: on.invoice(10), key: 'rent' }
    expect(await failure(wallet.melt.prepare(wanted))).toMatchObject({ code: 'INSUFFICIENT_FUNDS' })
    wire.plan = [[QUOTING, { code: 20_007, detail: 'the invoice has expired' }]]
    expect(await failure(wallet.melt.prepare(wanted))).toMatchObject({ code: 'REFUSED' })
    await (await wallet.mint.prepare({ mintUrl, amount: 32 })).finished()
    const melt = await wallet.melt.prepare(wanted)
    expect((await melt.execute()).state).toBe('paid')
    expect((await wallet.melt.prepare(wanted)).id).toBe(melt.id)
    expect((await wallet.history.list()).filter(({ kind }) => kind === 'melt').map(({ status }) => status)).toEqual(['done', 'failed', 'failed']) // prettier-ignore
  })

  test('stays with a payment that was tried, and with one that somebody gave up', async () => {
    const on = await bench({ stub: true })
    const { wallet } = await on.funded(64, 'alice', { factor: 20 })
    const { mintUrl } = on
    const failing = { mintUrl, request: on.invoice(10, { pay_invoice_state: 'FAILED' }), key: 'tried' }
    const tried = await wallet.melt.prepare(failing)
    await failure(tried.execute())
    expect(await failure(wallet.melt.prepare(failing))).toMatchObject({ code: 'PAYMENT_FAILED', operationId: tried.id })
    const unwanted = { mintUrl, request: on.invoice(10), key: 'unwanted' }
    const given = await wallet.melt.prepare(unwanted)
    await given.cancel()
    expect(await failure(wallet.melt.prepare(unwanted))).toMatchObject({ code: 'CANCELLED', operationId: given.id })
  })
})

describe('a refused payment', () => {
  test('of a mint that says all its refusals with HTTP 500 comes to an end', async () => {
    const on = await bench({ stub: true })
    const { transport } = speaking({ words: 'coded500' })
    const process = await on.funded(64, 'alice', { factor: 20, transport })
    const request = on.invoice(10, { pay_invoice_state: 'FAILED' })
    const melt = await process.wallet.melt.prepare({ mintUrl: on.mintUrl, request })
    expect(await failure(melt.execute())).toMatchObject({ code: 'PAYMENT_FENCED' })
    expect(await money(process)).toMatchObject({ spendable: 64, reserved: 0 })
  })

  test('whose inputs somebody else has spent, all of them, is over and says so', async () => {
    const on = await bench({ stub: true })
    const process = await on.funded(64, 'alice', { factor: 20 })
    const { wallet, wire } = process
    const melt = await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(10) })
    const thief = await on.open('thief', { seed: new Uint8Array(64).fill(9) })
    await thief.wallet.mints.trust(on.mintUrl)
    const rows = (await on.rows())['proofs']!.filter(({ state }) => state === 'reserved')
    const proofs = rows.map(({ keysetId, amount, secret, C }) => ({ id: keysetId, amount, secret, C }) as TokenProof)
    await (
      await thief.wallet.receive.prepare({ token: encodeToken({ mintUrl: on.mintUrl, unit: 'sat', proofs }) })
    ).execute()
    expect(await failure(melt.execute())).toMatchObject({ code: 'SPENT_ELSEWHERE' })
    expect(wire.count(PAYING)).toBe(1)
    expect(await money(process)).toMatchObject({ spendable: 0, reserved: 0 })
  })

  test('for an invoice that is paid already says so', async () => {
    const on = await bench({ stub: true })
    const process = await on.funded(64, 'alice', { factor: 20 })
    const { wallet, wire } = process
    const melt = await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(10) })
    wire.plan = [1, 2].map(() => [PAYING, { code: 20_006, detail: 'invoice already paid' }] as const)
    expect(await failure(melt.execute())).toMatchObject({ code: 'INVOICE_PAID' })
    expect(await money(process)).toMatchObject({ spendable: 64, reserved: 0 })
  })
})

describe('inputs that do not fit', () => {
  for (const feePpk of [0, 100, 1_000])
    test(`are swapped for exact ones first at a mint without change, where inputs cost ${feePpk} ppk`, async () => {
      const on = await bench({ stub: true, without: [8], feePpk, feeReserve: () => 2 })
      const process = await on.funded(64, 'alice', { factor: 20 })
      const { wallet, wire } = process
      const melt = await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(10) })
      const most = melt.fee.toNumber()
      expect(await money(process)).toMatchObject({ spendable: 0, reserved: 64 })
      const paid = await melt.execute()
      expect([paid.state, paid.fee.toNumber()]).toEqual(['paid', most])
      expect((await money(process)).spendable).toBe(64 - 10 - most)
      expect(wire.count(/swap/)).toBe(1)
      expect((await money(process)).spendable).toBe(await on.outstanding())
    })

  test('are given back where the mint refuses the swap, and where it is cancelled before', async () => {
    const on = await bench({ stub: true, without: [8], feeReserve: () => 2 })
    const process = await on.funded(64, 'alice', { factor: 20 })
    const { wallet, wire } = process
    const melt = await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(10) })
    wire.plan = [1, 2, 3].map(() => [/POST \/v1\/swap/, { code: 0, detail: 'not today' }] as const)
    expect(await failure(melt.execute())).toMatchObject({ code: 'REFUSED' })
    expect(await money(process)).toMatchObject({ spendable: 64, reserved: 0 })
    const second = await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(10) })
    await second.cancel()
    expect(await money(process)).toMatchObject({ spendable: 64, reserved: 0 })
  })
})

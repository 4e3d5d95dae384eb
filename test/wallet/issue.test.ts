/**
 * Goal: a mint quote is what was asked for or it is refused; what cannot be minted is refused before anybody pays; what
 * is paid is minted, or waits with a true reason and a person's decision. Method: a real mint that speaks dialects, lies,
 * closes, changes its keyset and refuses. Over HTTP, with true crypto, on SQLite.
 */
import { describe, expect, test } from 'vitest'
import { nobleCrypto } from '../../src/cashu/noble-crypto.ts'
import { bolt12 } from '../../src/mint-server/lightning/bolt12.ts'
import { fetchTransport, type MintHandle, type Transport } from '../../src/index.ts'
import { quotedOf } from '../../src/wallet/mint-quote.ts'
import { bench, eventually, failure, money, type Answer, type Bench, type Opened } from '../kits/wallet-kit.ts'

const QUOTE = /POST \/v1\/mint\/quote/
const ISSUE = /POST \/v1\/mint\/bolt11/
const KEY = '11'.repeat(32)

async function trusting(on: Bench, name?: string): Promise<Opened> {
  const process = await on.open(name)
  await process.wallet.mints.trust(on.mintUrl)
  return process
}

const pay = async ({ server: { backend } }: Bench, request: string): Promise<void> => {
  expect(await backend.settle(backend.decode('bolt11', request)!.requestId)).toBe(true)
}

async function quoteOf({ mintUrl }: Bench, more: object = {}): Promise<{ quote: string; request: string }> {
  const body = JSON.stringify({ amount: 21, unit: 'sat', ...more })
  return (await (await fetch(`${mintUrl}/v1/mint/quote/bolt11`, { method: 'POST', body })).json()) as { quote: string; request: string } // prettier-ignore
}

const offerOf = (amountSat: number): string =>
  bolt12.encode({
    amountSat,
    memo: 'x',
    expiryAt: undefined,
    issuerId: '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798',
  })

const comesTo = (mint: MintHandle, ...states: readonly string[]): Promise<void> =>
  eventually(`it is ${states.join(' or ')}`, async () => states.includes((await mint.refresh()).state))

describe('a quote that is not what was asked for is refused, when it is asked for and when it is imported', () => {
  test.each(['other amount', 'no amount', 'no invoice'] as const)('%s', async (mintQuote) => {
    const on = await bench({ lightning: {} })
    const { wallet, wire } = await trusting(on)
    wire.dialect = { mintQuote }
    const asked = wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21 })
    expect(await failure(asked)).toMatchObject({ code: 'QUOTE_WRONG' })
    const { quote: quoteId } = await quoteOf(on)
    const imported = wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21, quoteId })
    expect(await failure(imported)).toMatchObject({ code: 'QUOTE_WRONG' })
    for (const record of await wallet.history.list())
      expect(record).toMatchObject({ status: 'failed', request: null, error: { code: 'QUOTE_WRONG' } })
    // What was wrong in passing can be tried again.
    wire.dialect = {}
    expect((await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21, quoteId })).state).toBe('unpaid')
  })

  test.each([
    ['an offer that is none', 'bolt12', 'lnbc1'],
    ['a script', 'onchain', 'javascript:alert(1)'],
    ['a document', 'onchain', ' DATA:text/html,<script>'],
    ['control characters', 'onchain', 'pay\u0007me'],
    ['a text that turns what follows around', 'onchain', 'pay\u202eem'],
    ['an address', 'onchain', 'bitcoin:bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq?amount=0.01', true],
    ['an offer', 'bolt12', 'lno1qgsqvgnwgcg35z6ee2h3yczraddm72xrfua9uve2rlrm9deu7xyfzrc', true],
    ['an offer of the amount that was asked for', 'bolt12', offerOf(21), true],
    ['the same in parts', 'bolt12', offerOf(21).replace(/.{60}/, '$&+\n  '), true],
    ['an offer of another amount', 'bolt12', offerOf(22)],
    ['the same in capitals', 'bolt12', offerOf(22).toUpperCase()],
    [
      'an offer of a part of a sat more',
      'bolt12',
      'lno1pqpzjqcvq5z3ggzamrjghtt05kvkvpcp0a79gmy3nt6jsn98ad2xs8de6sl9qmgvcvs',
    ],
  ])('of another method, where its request is %s', (_, method, request, fine = false) => {
    const wanted = { mintUrl: 'http://mint.test', unit: 'sat', method, privateKey: null, asked: 21 }
    const ports = { crypto: nobleCrypto, invoiceAmount: () => ({}) }
    const quote = { quote: 'q', request, state: 'UNPAID', expiry: null } as const
    const { flaw } = quotedOf(ports, wanted, quote, { nowMs: 0, mintNowMs: undefined })
    expect(flaw === null).toBe(fine)
  })
})

test('a mint that fails to quote every time, and says why, has refused', async () => {
  const on = await bench()
  const send = fetchTransport()
  const transport: Transport = async (request) =>
    request.method === 'POST' && request.url.endsWith('/mint/quote/bolt11')
      ? { status: 500, body: JSON.stringify({ code: 20_003, detail: 'minting is disabled' }) }
      : send(request)
  const { wallet } = await on.open('alice', { transport })
  await wallet.mints.trust(on.mintUrl)
  const asked = wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21 })
  expect(await failure(asked)).toMatchObject({ code: 'REFUSED', message: expect.stringMatching(/disabled/) as unknown })
})

describe('what cannot be minted is refused before a quote is asked for', () => {
  test('an amount that the keyset cannot make up: by name, with amounts that it can', async () => {
    const on = await bench({ amounts: [10, 50, 100, 1000], lightning: { autoPayMs: 0 } })
    const { wallet, wire } = await on.funded(1000)
    const { mintUrl } = on
    const wanted = [
      () => wallet.mint.prepare({ mintUrl, amount: 155 }),
      () => wallet.send.prepare({ mintUrl, amount: 155 }),
      () => wallet.swap.prepare({ mintUrl, amounts: [50, 155] }),
    ]
    const [before, operations] = [wire.count(QUOTE), (await wallet.operations.list()).length]
    for (const prepare of wanted) {
      const error = await failure(prepare())
      expect(error).toMatchObject({ code: 'AMOUNT_UNREACHABLE' })
      expect(error.message).toMatch(/150 or 160/)
    }
    expect(wire.count(QUOTE)).toBe(before)
    expect(await wallet.operations.list()).toHaveLength(operations)
    expect(await money({ wallet })).toMatchObject({ spendable: 1000, reserved: 0 })
    expect((await (await wallet.mint.prepare({ mintUrl, amount: 160 })).finished()).amount.toNumber()).toBe(160)
  })

  test('amounts out of the range that the mint states; by its key an operation is found all the same', async () => {
    const on = await bench({ minAmount: 5, maxAmount: 100 })
    const { wallet, wire } = await trusting(on)
    const { mintUrl } = on
    const mint = await wallet.mint.prepare({ mintUrl, amount: 50, key: 'a' })
    await mint.finished()
    const before = wire.count(QUOTE)
    for (const amount of [4, 101])
      expect(await failure(wallet.mint.prepare({ mintUrl, amount }))).toMatchObject({ code: 'AMOUNT_OUT_OF_RANGE' })
    expect(wire.count(QUOTE)).toBe(before)
    await on.tamper(
      (store) =>
      store.commit([{ patch: 'mints', key: [mintUrl], set: { info: { supported: [], mint: { disabled: true, methods: [] }, melt: { disabled: false, methods: [] } } as never } }]), // prettier-ignore
    )
    // The mint has opened again: that is looked up before it is refused.
    expect((await wallet.mint.prepare({ mintUrl, amount: 50, key: 'a' })).id).toBe(mint.id)
    await (await wallet.mint.prepare({ mintUrl, amount: 60 })).finished()
  })

  test('of a quote that is paid already nothing is refused: it waits for a person, with the reason', async () => {
    const on = await bench({ lightning: {} })
    const { wallet } = await trusting(on)
    const mint = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 155 })
    // The mint has another keyset now, as the wallet will find it.
    await on.tamper(async (store) => {
      const [row] = await store.query({ table: 'keysets' })
      const { 1: one, 2: two, ...keys } = row!['keys'] as Record<string, string>
      expect([one, two]).toHaveLength(2)
      await store.commit([{ put: 'keysets', row: { ...row!, keys } }])
    })
    await pay(on, mint.quote.request)
    await comesTo(mint, 'blocked')
    const { needsHuman, why } = await wallet.operations.explain(mint.id)
    expect(needsHuman).toBe(true)
    expect(why).toMatch(/do not make up 155; 152 or 156 can be made/)
    expect(await wallet.operations.get(mint.id)).toMatchObject({ status: 'active' })
  })
})

test('what a mint refuses to issue for its size is not asked for again', async () => {
  const on = await bench({ lightning: {} })
  const { wallet, wire } = await trusting(on)
  wire.dialect = { limits: { outputs: 3 } }
  const { mintUrl } = on
  const mint = await wallet.mint.prepare({ mintUrl, amount: 155 })
  await pay(on, mint.quote.request)
  await comesTo(mint, 'blocked')
  expect((await wallet.operations.explain(mint.id)).why).toMatch(/refuses to issue it: .*3/)
  const quotes = wire.count(QUOTE)
  expect(await failure(wallet.mint.prepare({ mintUrl, amount: 155 }))).toMatchObject({ code: 'AMOUNT_UNREACHABLE' })
  expect(wire.count(QUOTE)).toBe(quotes)
})

describe('what is paid is minted', () => {
  test('where the mint says every refusal with HTTP 500, and the keyset is gone', async () => {
    const on = await bench({ lightning: {} })
    const { wallet, wire } = await trusting(on)
    const mint = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21 })
    await on.server.mint.rotate('sat')
    wire.dialect = { words: 'coded500' }
    await pay(on, mint.quote.request)
    expect((await mint.finished()).amount.toNumber()).toBe(21)
  })

  test('where requests to issue get no answer for a long time: a person is told, and it goes on by itself', async () => {
    const on = await bench({ lightning: {} })
    const { wallet, wire } = await on.open(undefined, { factor: 5_000 })
    await wallet.mints.trust(on.mintUrl)
    const mint = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21 })
    const off = (what: string) => {
      if (ISSUE.test(what)) throw Object.assign(new Error('fetch failed'), { cause: { code: 'ECONNRESET' } })
    }
    wire.before = off
    await pay(on, mint.quote.request)
    await comesTo(mint, 'blocked')
    expect((await wallet.operations.explain(mint.id)).why).toMatch(/never the request to issue/)
    wire.before = () => {}
    await wallet.operations.resume(mint.id)
    expect((await mint.finished()).state).toBe('issued')
  })

  test('by a mint that has no active keyset: it waits for one, says so, and ends with a person’s decision', async () => {
    const on = await bench({ lightning: {} })
    const { wallet, wire } = await trusting(on)
    const mint = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21 })
    wire.dialect = { closing: true }
    await wallet.mints.refresh(on.mintUrl).catch(() => {})
    await pay(on, mint.quote.request)
    await comesTo(mint, 'waiting', 'blocked')
    expect((await wallet.operations.explain(mint.id)).why).toMatch(/no active keyset/)
    await comesTo(mint, 'blocked')
    expect((await wallet.operations.explain(mint.id)).why).toMatch(/no active keyset/)
    wire.dialect = {}
    await wallet.operations.resume(mint.id)
    expect((await mint.finished()).state).toBe('issued')
  })

  test('by a mint without NUT-09 whose first answer was a refusal', async () => {
    const on = await bench({ lightning: {} })
    const { wallet, wire } = await trusting(on)
    wire.dialect = { without: [9] }
    const mint = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21 })
    wire.plan = [1, 2].map(() => [ISSUE, { code: 11_004, detail: 'outputs are pending' }])
    await pay(on, mint.quote.request)
    expect((await mint.finished()).state).toBe('issued')
  })

  test('by one without NUT-09 and NUT-19 whose answer was lost it cannot be: a person is told why', async () => {
    const on = await bench({ lightning: {}, without: [19] })
    const { wallet, wire } = await trusting(on)
    wire.dialect = { without: [9] }
    const mint = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21 })
    wire.plan = [[ISSUE, 'lost']]
    await pay(on, mint.quote.request)
    await comesTo(mint, 'blocked')
    expect((await wallet.operations.explain(mint.id)).why).toMatch(/NUT-09/)
    // It begins to restore.
    wire.dialect = {}
    await wallet.operations.resume(mint.id)
    expect((await mint.finished()).amount.toNumber()).toBe(21)
  })

  test.each([
    ['NUT-12', [12]],
    ['NUT-09 and NUT-12', [9, 12]],
  ] as const)('by a mint without %s, from its first answer', async (_, without) => {
    const on = await bench({ without: [19] })
    const { wallet, wire } = await on.open()
    wire.dialect = { without }
    await wallet.mints.trust(on.mintUrl)
    const mint = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21 })
    await mint.refresh()
    await comesTo(mint, 'issued', 'blocked')
    expect(mint.state).toBe('issued')
    expect(wire.count(ISSUE)).toBe(1)
    expect(wire.count(/restore/)).toBe(0)
  })

  test('after an outage of any length, which is no refusal: no person is told', async () => {
    const on = await bench()
    const { wallet, wire } = await trusting(on)
    wire.plan = [
      [ISSUE, 'garbled'],
      ...Array.from({ length: 12 }, () => [/GET .*mint\/quote/, { status: 503 }] as const),
    ]
    const states = new Set<string>()
    wallet.on('operation', ({ state }) => void states.add(state))
    const mint = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21 })
    await comesTo(mint, 'issued')
    expect(states).toContain('pausing')
    expect(states).not.toContain('blocked')
  })

  test('and a refusal for good is told in the mint’s own words', async () => {
    const on = await bench()
    const { wallet, wire } = await trusting(on)
    wire.plan = [1, 2, 3].map(() => [ISSUE, { code: 20_003, detail: 'minting is disabled' }])
    const mint = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21 })
    await comesTo(mint, 'blocked')
    expect((await wallet.operations.explain(mint.id)).why).toMatch(/refuses to issue it: minting is disabled/)
  })
})

describe('a locked quote of others, with a key that is not its own', () => {
  const wrong = '22'.repeat(32)
  const locked = (on: Bench) => quoteOf(on, { pubkey: nobleCrypto.publicKey(KEY) })

  test('is refused at once where the mint says which key it is locked to, and taken with the right one', async () => {
    const on = await bench({ lightning: {} })
    const { wallet } = await trusting(on)
    const { quote: quoteId, request } = await locked(on)
    const { mintUrl } = on
    for (const privateKey of [wrong, undefined])
      expect(
        await failure(wallet.mint.prepare({ mintUrl, amount: 21, quoteId, ...(privateKey && { privateKey }) })),
      ).toMatchObject({ code: 'SIGNATURE_REFUSED' })
    const mint = await wallet.mint.prepare({ mintUrl, amount: 21, quoteId, privateKey: KEY })
    await pay(on, request)
    expect((await mint.finished()).state).toBe('issued')
  })

  test('ends where the mint refuses the signature in both forms; then it can be tried with the right key', async () => {
    const on = await bench()
    const { wallet, wire } = await trusting(on)
    const { quote: quoteId } = await locked(on)
    const { mintUrl } = on
    wire.plan = [[/GET \/v1\/mint\/quote/, ({ pubkey: _, ...body }: Answer) => body]]
    const mint = await wallet.mint.prepare({ mintUrl, amount: 21, quoteId, privateKey: wrong })
    expect(await failure(mint.finished())).toMatchObject({ code: 'SIGNATURE_REFUSED' })
    expect((await on.rows())['quoteClaims']).toEqual([])
    expect((await on.rows())['outputs']).toEqual([])
    const again = await wallet.mint.prepare({ mintUrl, amount: 21, quoteId, privateKey: KEY })
    expect(again.id).not.toBe(mint.id)
    expect((await again.finished()).state).toBe('issued')
  })
})

test('a clock that is hours fast ends no quote before the mint does', async () => {
  const on = await bench({ lightning: {} })
  const { wallet, clock } = await trusting(on)
  clock.jump(3 * 3_600_000)
  const mint = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21 })
  expect((await mint.refresh()).state).toBe('unpaid')
  await pay(on, mint.quote.request)
  expect((await mint.finished()).state).toBe('issued')
})

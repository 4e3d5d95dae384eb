/**
 * Goal: a quote is held by one operation, never forgotten, and minted when it is paid, however late.
 * Method: quotes are asked for twice, made elsewhere, lost on the wire, left to expire and paid at the wrong time.
 */
import { describe, expect, test } from 'vitest'
import { bench, eventually, failure, money, type Bench, type Opened } from '../kits/wallet-kit.ts'

const DAY_MS = 86_400_000

/** A quote made by other software. */
async function foreignQuote({ mintUrl }: Bench, amount = 21): Promise<{ quote: string; request: string }> {
  const body = JSON.stringify({ amount, unit: 'sat' })
  const answer = await fetch(`${mintUrl}/v1/mint/quote/bolt11`, { method: 'POST', body })
  return (await answer.json()) as { quote: string; request: string }
}

const pay = async ({ server: { backend } }: Bench, request: string): Promise<void> => {
  expect(await backend.settle(backend.decode('bolt11', request)!.requestId)).toBe(true)
}

async function trusting(on: Bench, name?: string): Promise<Opened> {
  const process = await on.open(name)
  await process.wallet.mints.trust(on.mintUrl)
  return process
}

const claims = async (on: Bench): Promise<number> => (await on.rows())['quoteClaims']!.length

test('a quote that is paid when it is read is minted at once, without another question', async () => {
  const on = await bench({ lightning: {} })
  const { wallet, wire } = await trusting(on)
  const { quote: quoteId, request } = await foreignQuote(on)
  await pay(on, request)
  const before = wire.requests.length
  const mint = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21, quoteId })
  await mint.finished()
  expect(wire.requests.slice(before).map((what) => what.replace(quoteId, 'Q'))).toEqual(['GET /v1/mint/quote/bolt11/Q', 'POST /v1/mint/bolt11']) // prettier-ignore
})

describe('at most one live operation holds a quote', () => {
  test('preparing again for a quote returns the operation that has it, here, elsewhere and later', async () => {
    const on = await bench({ lightning: {} })
    const one = await trusting(on)
    const two = await on.open()
    const { quote: quoteId } = await foreignQuote(on)
    const prepare = ({ wallet }: Opened) => wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21, quoteId })
    const handles = await Promise.all([one, one, two, one].map(prepare))
    expect(new Set(handles.map(({ id }) => id)).size).toBe(1)
    expect(await claims(on)).toBe(1)
    one.drop()
    const three = await on.open()
    expect((await prepare(three)).id).toBe(handles[0]!.id)
    // Also for a quote that the wallet asked for itself.
    const own = await three.wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 5 })
    const again = await three.wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 5, quoteId: own.quote.quote })
    expect(again.id).toBe(own.id)
  })

  test('a quote whose operation failed can be tried again', async () => {
    const on = await bench()
    const { wallet, wire } = await trusting(on)
    const { quote: quoteId } = await foreignQuote(on)
    wire.plan = [[/mint\/quote/, { code: 0, detail: 'database is locked' }]]
    const error = await failure(wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21, quoteId }))
    expect(error).toMatchObject({ code: 'REFUSED', operationId: expect.any(String) as unknown })
    expect(await claims(on)).toBe(0)
    const mint = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21, quoteId })
    expect(mint.id).not.toBe(error.operationId)
    expect((await mint.finished()).state).toBe('issued')
    expect(await claims(on)).toBe(0)
  })

  test('a quote for something else is refused, and can be tried again as what it is', async () => {
    const on = await bench()
    const { wallet } = await trusting(on)
    const { quote: quoteId } = await foreignQuote(on, 21)
    expect(await failure(wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 20, quoteId }))).toMatchObject({
      code: 'QUOTE_WRONG',
    })
    const mint = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21, quoteId })
    expect((await mint.finished()).amount.toNumber()).toBe(21)
  })

  test('a quote that was issued to somebody else is refused at once', async () => {
    const on = await bench()
    const [alice, bob] = [await trusting(on), await trusting(on, 'bob')]
    const { quote: quoteId } = await foreignQuote(on)
    await (await bob.wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21, quoteId })).finished()
    expect(await failure(alice.wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21, quoteId }))).toMatchObject({
      code: 'ALREADY_ISSUED',
    })
    expect((await money(alice)).spendable).toBe(0)
  })

  test('a quote that was cancelled and is wanted after all is waited for again', async () => {
    const on = await bench({ lightning: {} })
    const { wallet } = await trusting(on)
    const first = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21 })
    await first.cancel()
    const again = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21, quoteId: first.quote.quote })
    await pay(on, again.quote.request)
    await again.refresh()
    expect((await again.finished()).state).toBe('issued')
  })
})

describe('no record of a quote is lost', () => {
  test('a quote whose answer is lost is an orphan; the intent stays, and another is asked for', async () => {
    const on = await bench()
    const { wallet, wire } = await trusting(on)
    wire.plan = [
      [/POST \/v1\/mint\/quote/, 'lost'],
      [/POST \/v1\/mint\/quote/, 'garbled'],
    ]
    const mint = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21 })
    expect((await mint.finished()).state).toBe('issued')
    expect(wire.count(/POST \/v1\/mint\/quote/)).toBe(3)
    expect((await on.rows())['operations']).toHaveLength(1)
  })

  test('a melt that cannot go on after its quote keeps the record of it', async () => {
    const on = await bench()
    const { wallet } = await trusting(on)
    const error = await failure(wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(21) }))
    expect(error).toMatchObject({ code: 'INSUFFICIENT_FUNDS' })
    const kept = await wallet.operations.get(error.operationId!)
    expect(kept).toMatchObject({ kind: 'melt', state: 'failed' })
    expect(await wallet.operations.list({ quoteId: kept.quoteId! })).toHaveLength(1)
    expect(await wallet.history.list()).toMatchObject([
      { kind: 'melt', status: 'failed', quoteId: kept.quoteId, error: { code: 'INSUFFICIENT_FUNDS' } },
    ])
  })

  test('a mint that does not answer for two minutes ends it, said so, and the record stays', async () => {
    const on = await bench()
    const { wallet, wire } = await trusting(on)
    wire.always = 'down'
    const error = await failure(wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21 }))
    expect(error).toMatchObject({ code: 'MINT_UNREACHABLE' })
    expect(await wallet.operations.get(error.operationId!)).toMatchObject({ state: 'failed' })
  })

  test('a quote in another unit than was asked for is not taken', async () => {
    const on = await bench()
    const { wallet, wire } = await trusting(on)
    wire.plan = [[/POST \/v1\/mint\/quote/, (body) => ({ ...body, unit: 'usd' })]]
    expect(await failure(wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21 }))).toMatchObject({
      code: 'QUOTE_WRONG',
    })
  })
})

describe('a quote that is paid is minted', () => {
  test('late: after it had expired', async () => {
    const on = await bench({ lightning: {}, quoteTtlMs: 1_000 })
    const { wallet } = await trusting(on)
    const mint = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21 })
    expect(await failure(mint.finished())).toMatchObject({ code: 'QUOTE_EXPIRED', operationId: mint.id })
    expect(await wallet.history.list()).toMatchObject([{ status: 'failed', state: 'expired' }])
    await pay(on, mint.quote.request)
    await eventually('it is minted', async () => (await wallet.mint.get(mint.id)).state === 'issued')
    expect((await mint.finished()).state).toBe('issued')
    expect(await wallet.history.list()).toMatchObject([{ status: 'done', state: 'issued', error: null }])
    expect((await money({ wallet })).spendable).toBe(21)
  })

  test('all the same: after it was cancelled', async () => {
    const on = await bench({ lightning: {} })
    const { wallet } = await trusting(on)
    const mint = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21 })
    await mint.cancel()
    expect(await failure(mint.finished())).toMatchObject({ code: 'CANCELLED' })
    await pay(on, mint.quote.request)
    await eventually('it is minted', async () => (await mint.refresh()).state === 'issued')
    expect((await money({ wallet })).spendable).toBe(21)
  })

  test('while nobody was there', async () => {
    const on = await bench({ lightning: {}, quoteTtlMs: 60_000 })
    const first = await trusting(on)
    const mint = await first.wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21 })
    first.drop()
    await pay(on, mint.quote.request)
    const second = await on.open()
    second.clock.jump(3_600_000)
    expect((await (await second.wallet.mint.get(mint.id)).finished()).state).toBe('issued')
  })

  test('where the first news is that it was issued: the answer to our own request had been lost', async () => {
    const on = await bench({ lightning: {}, without: [19] })
    const first = await trusting(on)
    const mint = await first.wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21 })
    first.wire.plan = [[/POST \/v1\/mint\/bolt11/, 'applied']]
    await pay(on, mint.quote.request)
    await mint.refresh()
    await eventually('the mint has issued', () => first.wire.plan.length === 0)
    first.drop()
    const second = await on.open()
    expect((await (await second.wallet.mint.get(mint.id)).finished()).state).toBe('issued')
    expect((await money(second)).spendable).toBe(21)
  })

  test('and an unpaid one is looked at for seven days, then let go', async () => {
    const on = await bench({ lightning: {}, quoteTtlMs: 1_000 })
    const { wallet, wire, clock } = await trusting(on)
    const mint = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21 })
    await failure(mint.finished())
    const before = wire.requests.length
    await eventually('it is looked at', () => wire.requests.length > before + 1)
    expect(await claims(on)).toBe(1)
    clock.jump(7 * DAY_MS)
    await eventually('it is let go', async () => (await wallet.mint.get(mint.id)).state === 'closed')
    expect(await claims(on)).toBe(0)
    const after = wire.requests.length
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(wire.requests.length).toBe(after)
  })

  test('or waits as a named human decision, where the mint will not; tried again when resumed', async () => {
    const on = await bench()
    const { wallet, wire } = await trusting(on)
    const no = { code: 20_003, detail: 'minting is disabled' } as const
    wire.plan = [1, 2, 3].map(() => [/POST \/v1\/mint\/bolt11/, no] as const)
    const mint = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21 })
    await eventually('it is blocked', async () => (await mint.refresh()).state === 'blocked')
    expect(await wallet.operations.explain(mint.id)).toMatchObject({
      state: 'blocked',
      needsHuman: true,
      takes: ['resume'],
    })
    expect(await wallet.history.list()).toMatchObject([{ status: 'pending', state: 'blocked' }])
    await wallet.operations.resume(mint.id)
    expect((await mint.finished()).state).toBe('issued')
  })
})

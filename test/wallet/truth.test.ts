/**
 * Goal: what came is what is said. A handle, what `finished` gives, a list, an event and the history state what moved,
 * never what was asked for; the difference is named. Method: tokens claimed in part, inputs spent by another device with
 * the same seed, and operations that end without anything having moved. Over HTTP, with true crypto, on SQLite.
 */
import { describe, expect, test } from 'vitest'
import { decodeToken, encodeToken } from '../../src/cashu/codec.ts'
import type { OperationEvent } from '../../src/index.ts'
import { bench, failure, money, plain, type Bench, type Opened } from '../kits/wallet-kit.ts'

/** All that the wallet says of an operation, by whom. */
async function said(
  { wallet }: Pick<Opened, 'wallet'>,
  kind: 'receive' | 'send' | 'mint' | 'swap' | 'melt',
  id: string,
  events: readonly OperationEvent[],
): Promise<Record<string, object>> {
  const handle = await wallet[kind].get(id)
  const pick = ({ amount, asked, fee }: { amount: object; asked: object; fee: object }, state: string) => ({
    state,
    amount: Number(amount),
    asked: Number(asked),
    fee: Number(fee),
  })
  const record = (await wallet.history.list()).find((it) => it.id === id)!
  const listed = (await wallet.operations.list()).find((it) => it.id === id)!
  const event = events.findLast((it) => it.id === id)!
  return {
    handle: pick({ amount: handle.amount, asked: handle.asked, fee: handle.fee }, handle.state),
    listed: pick(listed, listed.state),
    record: pick(record, record.state),
    event: pick(event, event.state),
  }
}

const everywhere = (of: object): object => ({ handle: of, listed: of, record: of, event: of })

function listening({ wallet }: Pick<Opened, 'wallet'>): OperationEvent[] {
  const events: OperationEvent[] = []
  wallet.on('operation', (event) => events.push(event))
  return events
}

/** A token of these proofs of another. */
const part = (token: string, fits: (amount: number) => boolean): string => {
  const { mintUrl, unit, proofs } = decodeToken(token)
  return encodeToken({ mintUrl, unit, proofs: proofs.filter(({ amount }) => fits(amount)) })
}

async function receives(on: Bench, token: string, name: string): Promise<Opened> {
  const opened = await on.open(name)
  await opened.wallet.mints.trust(on.mintUrl)
  await (await opened.wallet.receive.prepare({ token })).execute()
  return opened
}

describe('of a token that was claimed in part', () => {
  test('one of 1001 of which 1000 are claimed is not received: 1 came, and 1000 were spent elsewhere', async () => {
    const on = await bench()
    const alice = await on.funded(1001)
    const { token } = await (await alice.wallet.send.prepare({ mintUrl: on.mintUrl, amount: 1001 })).execute()
    await receives(on, part(token, (amount) => amount !== 1), 'thief') // prettier-ignore
    const shop = await on.open('shop')
    await shop.wallet.mints.trust(on.mintUrl)
    const events = listening(shop)
    const receive = await shop.wallet.receive.prepare({ token })
    const done = await receive.execute()
    expect(plain(done)).toMatchObject({ state: 'receivedPartly', amount: '1', asked: '1001', spentElsewhere: '1000', fee: '0' }) // prettier-ignore
    expect(await said(shop, 'receive', receive.id, events)).toEqual(
      everywhere({ state: 'receivedPartly', amount: 1, asked: 1001, fee: 0 }),
    )
    expect(plain(await shop.wallet.history.list())).toMatchObject([
      { amount: '1', spentElsewhere: '1000', status: 'done' },
    ])
    expect(receive.spentElsewhere.toNumber()).toBe(1000)
    expect((await money(shop)).spendable).toBe(1)
  })

  test('a fee is not what came', async () => {
    const on = await bench({ feePpk: 1000 })
    const alice = await on.funded(100)
    const send = await alice.wallet.send.prepare({ mintUrl: on.mintUrl, amount: 24 })
    const { token } = await send.execute()
    const bob = await on.open('bob')
    await bob.wallet.mints.trust(on.mintUrl)
    const events = listening(bob)
    const receive = await bob.wallet.receive.prepare({ token })
    expect(plain({ amount: receive.amount, asked: receive.asked, fees: receive.fee })).toEqual({ amount: '24', asked: '24', fees: '2' }) // prettier-ignore
    await receive.execute()
    expect(await said(bob, 'receive', receive.id, events)).toEqual(
      everywhere({ state: 'received', amount: 22, asked: 24, fee: 2 }),
    )
    expect((await money(bob)).spendable).toBe(22)
  })

  test('one that was claimed whole: nothing came, and the fee is none', async () => {
    const on = await bench()
    const alice = await on.funded(24)
    const { token } = await (await alice.wallet.send.prepare({ mintUrl: on.mintUrl, amount: 24 })).execute()
    const bob = await receives(on, token, 'bob')
    const events = listening(bob)
    const again = await bob.wallet.receive.prepare({ token })
    await failure(again.execute())
    expect(await said(bob, 'receive', again.id, events)).toEqual(
      everywhere({ state: 'rejected', amount: 0, asked: 24, fee: 0 }),
    )
  })

  test('taken back for the rest: what went away, what came back and what it cost are told apart', async () => {
    const on = await bench({ feePpk: 1000 })
    const alice = await on.funded(100)
    const events = listening(alice)
    const send = await alice.wallet.send.prepare({ mintUrl: on.mintUrl, amount: 24 })
    const { token, fee: paid } = await send.execute()
    const before = (await money(alice)).spendable
    await receives(on, part(token, (amount) => amount === 8), 'bob') // prettier-ignore
    const done = await send.reclaim()
    const back = (await money(alice)).spendable - before
    expect([send.reclaimed.toNumber(), back]).toEqual([15, 15])
    expect(plain(done)).toMatchObject({ state: 'reclaimed', amount: '8', asked: '24', fee: String(paid.toNumber() + 1) }) // prettier-ignore
    expect(await said(alice, 'send', send.id, events)).toEqual(
      everywhere({ state: 'reclaimed', amount: 8, asked: 24, fee: paid.toNumber() + 1 }),
    )
  })

  test('taken back whole, nothing went away; claimed whole, all of it did', async () => {
    const on = await bench()
    const alice = await on.funded(48)
    const events = listening(alice)
    const [one, two] = [
      await alice.wallet.send.prepare({ mintUrl: on.mintUrl, amount: 16 }),
      await alice.wallet.send.prepare({ mintUrl: on.mintUrl, amount: 32 }),
    ]
    await one.execute()
    await one.reclaim()
    const { token } = await two.execute()
    await receives(on, token, 'bob')
    await two.reclaim()
    expect(await said(alice, 'send', one.id, events)).toEqual(
      everywhere({ state: 'reclaimed', amount: 0, asked: 16, fee: 0 }),
    )
    expect(await said(alice, 'send', two.id, events)).toEqual(
      everywhere({ state: 'claimed', amount: 32, asked: 32, fee: 0 }),
    )
  })
})

describe('of what did not come to pass', () => {
  test.each(['send', 'swap', 'melt'] as const)('a %s whose inputs were spent by another device', async (kind) => {
    const on = await bench()
    const alice = await on.funded(64)
    const { wallet } = alice
    const events = listening(alice)
    const [row] = (await on.rows())['proofs']!
    const { keysetId: id, amount, secret, C } = row as unknown as { keysetId: string; amount: number; secret: string; C: string } // prettier-ignore
    await receives(on, encodeToken({ mintUrl: on.mintUrl, unit: 'sat', proofs: [{ id, amount, secret, C }] }), 'thief')
    const { mintUrl } = on
    const prepared = {
      send: () => wallet.send.prepare({ mintUrl, amount: 3 }),
      swap: () => wallet.swap.prepare({ mintUrl, amounts: [3] }),
      melt: () => wallet.melt.prepare({ mintUrl, request: on.invoice(3) }),
    }
    const handle = await prepared[kind]()
    expect(await failure(handle.execute())).toMatchObject({ code: 'SPENT_ELSEWHERE' })
    expect(await said(alice, kind, handle.id, events)).toEqual(
      everywhere({ state: kind === 'melt' ? 'failed' : 'lost', amount: 0, asked: 3, fee: 0 }),
    )
    expect(plain(await wallet.history.list({ limit: 1 }))).toMatchObject([{ spentElsewhere: '64', status: 'failed' }])
  })

  test('what was cancelled moved nothing, whatever the kind', async () => {
    const on = await bench({ lightning: { autoPayMs: 5 }, feePpk: 100 })
    const alice = await on.funded(64)
    const { wallet } = alice
    const { mintUrl } = on
    const events = listening(alice)
    const { token } = await (await wallet.send.prepare({ mintUrl, amount: 8 })).execute()
    const handles = [
      await wallet.send.prepare({ mintUrl, amount: 5 }),
      await wallet.swap.prepare({ mintUrl, amounts: [2, 3] }),
      await wallet.receive.prepare({ token }),
      await wallet.melt.prepare({ mintUrl, request: on.invoice(7) }),
    ]
    for (const handle of handles) {
      await handle.cancel()
      const asked = handle.asked.toNumber()
      expect(asked).toBeGreaterThan(0)
      expect(await said(alice, handle.kind as 'send', handle.id, events)).toEqual(
        everywhere({ state: 'cancelled', amount: 0, asked, fee: 0 }),
      )
    }
  })

  test('a payment that failed moved nothing', async () => {
    const on = await bench()
    const alice = await on.funded(64)
    const events = listening(alice)
    const failing = { pay_invoice_state: 'FAILED', check_payment_state: 'FAILED' }
    const melt = await alice.wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(9, failing) })
    expect(await failure(melt.execute())).toMatchObject({ code: 'PAYMENT_FAILED' })
    expect(await said(alice, 'melt', melt.id, events)).toEqual(
      everywhere({ state: 'failed', amount: 0, asked: 9, fee: 0 }),
    )
  })

  test('a payment that the mint gives no quote for moved nothing, and was asked for with what the invoice says', async () => {
    const on = await bench()
    const alice = await on.funded(64)
    const events = listening(alice)
    alice.wire.plan = [[/melt\/quote/, { code: 20_005, detail: 'no such payments here' }]]
    const { operationId } = await failure(alice.wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(9) }))
    expect(await said(alice, 'melt', operationId!, events)).toEqual(
      everywhere({ state: 'failed', amount: 0, asked: 9, fee: 0 }),
    )
  })

  test('a mint that gives no quote brought nothing', async () => {
    const on = await bench({ lightning: {} })
    const alice = await on.open()
    await alice.wallet.mints.trust(on.mintUrl)
    const events = listening(alice)
    alice.wire.dialect = { mintQuote: 'other amount' }
    const asked = alice.wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21 })
    const { operationId } = await failure(asked)
    expect(await said(alice, 'mint', operationId!, events)).toEqual(
      everywhere({ state: 'failed', amount: 0, asked: 21, fee: 0 }),
    )
  })

  test('a quote that nobody pays brought nothing, and what it was for once it is paid after all', async () => {
    const on = await bench({ lightning: {} })
    const alice = await on.open()
    const { wallet } = alice
    await wallet.mints.trust(on.mintUrl)
    const events = listening(alice)
    const mint = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 21 })
    await mint.cancel()
    expect(await said(alice, 'mint', mint.id, events)).toEqual(
      everywhere({ state: 'cancelled', amount: 0, asked: 21, fee: 0 }),
    )
    const { backend } = on.server
    await backend.settle(backend.decode('bolt11', mint.quote.request)!.requestId)
    await mint.refresh()
    while ((await wallet.mint.get(mint.id)).state !== 'issued') await new Promise((resolve) => setTimeout(resolve, 5))
    expect(await said(alice, 'mint', mint.id, events)).toEqual(
      everywhere({ state: 'issued', amount: 21, asked: 21, fee: 0 }),
    )
  })
})

/**
 * Goal: a mint that is not trusted is contacted by nobody, on no path; one
 * that is down or dumb stalls its own operations and no others. Method: every request on the wire is counted while trust
 * is withdrawn in the middle of operations, over restarts, and while mints hang.
 */
import { decide } from '../kits/mint-server-client.ts'
import { describe, expect, test } from 'vitest'
import { bench, eventually, failure, money, reached, type Bench, type Fault, type Opened } from '../kits/wallet-kit.ts'

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
/** Time in which, on a clock 200 times as fast, everything that is due comes round. */
const SOME_MS = 150

async function tokenFor(on: Bench, amount: number): Promise<string> {
  const { wallet } = await on.funded(amount, 'payer')
  return (await (await wallet.send.prepare({ mintUrl: on.mintUrl, amount })).execute()).token
}

describe('trust withdrawn in the middle: nobody is contacted; trusted again, it goes on', () => {
  type Start = (on: Bench, process: Opened) => Promise<unknown>
  const melt: Start = async (on, { wallet }) =>
    (await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(20) })).execute()
  const pendingMelt: Start = async (on, { wallet }) => {
    const memo = { pay_invoice_state: 'PENDING', check_payment_state: 'PENDING' }
    return (await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(20, memo) })).execute()
  }
  const executedLater: Start = async (on, { wallet }) => {
    const handle = await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(20) })
    await wallet.mints.distrust(on.mintUrl)
    return handle.execute()
  }
  const send: Start = async (on, { wallet }) =>
    (await wallet.send.prepare({ mintUrl: on.mintUrl, amount: 5 })).execute()
  const cases: readonly [string, string, string, Start, (readonly [RegExp, Fault])[]][] = [
    [
      'mint',
      'quoting.repeating',
      'issued',
      ({ mintUrl }, { wallet }) => wallet.mint.prepare({ mintUrl, amount: 9 }),
      [[/mint\/quote/, 'down']],
    ],
    ['mint', 'unpaid', 'issued', ({ mintUrl }, { wallet }) => wallet.mint.prepare({ mintUrl, amount: 9 }), []],
    [
      'mint',
      'retrying',
      'issued',
      ({ mintUrl }, { wallet }) => wallet.mint.prepare({ mintUrl, amount: 9 }),
      [[/mint\/bolt11$/, 'lost']],
    ],
    ['send', 'exchanging.backoff', 'tokenCreated', send, [[/swap/, 'down']]],
    [
      'swap',
      'exchanging.checking',
      'swapped',
      async ({ mintUrl }, { wallet }) => (await wallet.swap.prepare({ mintUrl, amounts: [4] })).execute(),
      [[/swap/, 'garbled']],
    ],
    ['melt', 'melting', 'paid', executedLater, []],
    [
      'melt',
      'pausing',
      'paid',
      melt,
      [
        [/melt\/bolt11$/, 'lost'],
        [/checkstate/, 'down'],
      ],
    ],
    ['melt', 'paymentPending', 'paid', pendingMelt, []],
    [
      'restore',
      'scanning',
      'restored',
      async ({ mintUrl }, { wallet }) => (await wallet.restore.prepare({ mintUrl })).execute(),
      [],
    ],
  ]

  test.each(cases)('%s %s', async (kind, state, end, start, plan) => {
    const on = await bench({ stub: true })
    const process = await on.funded(64)
    const { wallet, wire } = process
    wire.plan = plan
    let id = ''
    let withdrawn: Promise<void> | undefined
    const off = wallet.on('operation', (event) => {
      if (event.kind !== kind || event.state !== state || withdrawn) return
      id = event.id
      withdrawn = wallet.mints.distrust(on.mintUrl)
    })
    void start(on, process).catch(() => {})
    await eventually(`${kind} comes to ${state}`, () => withdrawn !== undefined)
    await withdrawn
    off()
    // What was on the wire at that moment may come back; it counts as sent before.
    await pause(20)
    const requests = wire.requests.length
    await wallet.operations.resume(id)
    await (await wallet[kind as 'mint'].get(id)).refresh()
    await pause(SOME_MS)
    expect(wire.requests.slice(requests)).toEqual([])
    const { state: waiting, status } = await wallet.operations.get(id)
    expect([status, waiting]).not.toEqual(['done', end])

    // Nor after a restart.
    process.drop()
    const again = await on.open()
    await again.wallet.operations.resumed()
    await again.wallet.operations.resume(id)
    await pause(SOME_MS)
    expect(again.wire.requests).toEqual([])
    expect((await again.wallet.operations.explain(id)).laneClosed).toBe(true)

    if (state === 'paymentPending') {
      const { quoteId } = await again.wallet.operations.get(id)
      await decide(on.server, quoteId!, 'paid')
    }
    await again.wallet.mints.trust(on.mintUrl)
    await eventually(`${kind} goes on to ${end}`, async () => (await again.wallet.operations.get(id)).state === end)
  })
})

describe('a mint that is not trusted', () => {
  test('is contacted on no path', async () => {
    const on = await bench()
    const { wallet, wire } = await on.funded(64)
    const { mintUrl } = on
    const send = await wallet.send.prepare({ mintUrl, amount: 8 })
    await wallet.mints.distrust(mintUrl)
    const requests = wire.requests.length
    const refused = [
      wallet.mint.prepare({ mintUrl, amount: 1 }),
      wallet.send.prepare({ mintUrl, amount: 1 }),
      wallet.swap.prepare({ mintUrl, amounts: [1] }),
      wallet.melt.prepare({ mintUrl, request: on.invoice(1) }),
      wallet.restore.prepare({ mintUrl }),
      wallet.mints.refresh(mintUrl),
    ]
    for (const call of refused) expect(await failure(call)).toMatchObject({ code: 'MINT_NOT_TRUSTED' })
    await wallet.operations.explain(send.id)
    await wallet.balances()
    await send.refresh()
    await send.cancel()
    expect(await money({ wallet })).toMatchObject({ spendable: 64, reserved: 0 })
    expect(wire.requests.slice(requests)).toEqual([])
    expect(await wallet.mints.list()).toMatchObject([{ mintUrl, trusted: false }])
  })

  test('may be received from: the token waits, also over a restart, and arrives once the mint is trusted', async () => {
    const on = await bench()
    const token = await tokenFor(on, 21)
    const first = await on.open()
    const receive = await first.wallet.receive.prepare({ token, key: 'gift' })
    expect([receive.amount.toNumber(), receive.fee.toNumber()]).toEqual([21, 0])
    const stop = new AbortController()
    const waiting = failure(receive.execute({ signal: stop.signal }))
    await eventually('it waits', async () => (await first.wallet.operations.explain(receive.id)).laneClosed)
    stop.abort(new Error('later'))
    expect(await waiting).toMatchObject({ message: 'later' })
    first.drop()
    const second = await on.open()
    const again = await second.wallet.receive.prepare({ token, key: 'gift' })
    expect(again.id).toBe(receive.id)
    const done = again.finished()
    await pause(SOME_MS)
    expect([...first.wire.requests, ...second.wire.requests]).toEqual([])
    await second.wallet.mints.trust(on.mintUrl)
    expect((await done).state).toBe('received')
    expect((await money(second)).spendable).toBe(21)
  })

  test('is not asked for more keys in the middle of a look at its keysets', async () => {
    const on = await bench()
    const { wallet, wire } = await on.funded(64)
    await on.server.mint.rotate('sat')
    wire.before = async (what) => {
      if (what === 'GET /v1/keysets') await wallet.mints.distrust(on.mintUrl)
    }
    await wallet.mints.refresh(on.mintUrl).catch(() => {})
    expect(wire.count(/GET \/v1\/keys\//)).toBe(1)
  })
})

describe('a mint that is down', () => {
  /** A wallet at two mints, with money at both. */
  async function twoMints(): Promise<{ bad: Bench; good: Bench; process: Opened }> {
    const [bad, good] = [await bench(), await bench()]
    const process = await bad.funded(64)
    const { wallet } = process
    await wallet.mints.trust(good.mintUrl)
    const mint = await wallet.mint.prepare({ mintUrl: good.mintUrl, amount: 64 })
    await mint.refresh()
    await mint.finished()
    return { bad, good, process }
  }

  test('stalls only its own operations, however many they are', async () => {
    const { bad, good, process } = await twoMints()
    const { wallet, wire } = process
    wire.deaf.add(bad.mintUrl)
    const stuck: string[] = []
    for (let n = 0; n < 20; n++) {
      void wallet.mint.prepare({ mintUrl: bad.mintUrl, amount: 1 }).catch(() => {})
      stuck.push(`${n}`)
    }
    const swap = await wallet.swap.prepare({ mintUrl: bad.mintUrl, amounts: [8] })
    void swap.execute().catch(() => {})
    await eventually(
      'they hang',
      async () => (await wallet.operations.list({ mintUrl: bad.mintUrl, status: 'active' })).length === 21,
    )
    const atBad = wire.requests.length
    const send = await wallet.send.prepare({ mintUrl: good.mintUrl, amount: 5 })
    const { token } = await send.execute()
    await (await wallet.receive.prepare({ token })).execute()
    // No more of them are on the wire than the bound allows.
    expect(wire.requests.slice(0, atBad).filter((what) => /mint\/quote|swap/.test(what)).length).toBeLessThanOrEqual(
      2 + 2 + 8,
    )
    expect(stuck).toHaveLength(20)
  })

  test('and comes back finds its operations going on', async () => {
    const on = await bench()
    const { wallet, wire } = await on.funded(64)
    wire.always = 'down'
    const swap = await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [8] })
    const executing = swap.execute()
    await eventually('it has tried a few times', () => wire.count(/swap/) > 2)
    wire.always = undefined
    expect((await executing).state).toBe('swapped')
  })

  test('is not asked faster and faster: the pauses grow', async () => {
    const on = await bench()
    const { wallet, wire } = await on.funded(64)
    const swap = await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [8] })
    const pauses: number[] = []
    const note = async (id: string): Promise<void> => {
      const { updatedAt } = await wallet.operations.get(id)
      const [timer] = (await wallet.operations.explain(id)).timers
      if (timer) pauses.push(timer.atMs - updatedAt)
    }
    wallet.on('operation', ({ id, state }) => {
      if (/(backoff|pausing)$/.test(state)) void note(id)
    })
    wire.always = 'down'
    void swap.execute().catch(() => {})
    await eventually('it has tried a few times', () => pauses.length > 5)
    expect(pauses[4]!).toBeGreaterThan(pauses[0]! * 2)
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(500)
  })
})

describe('start-up', () => {
  test('waits for no mint: with unfinished operations and a wire that never answers', async () => {
    const on = await bench()
    const first = await on.funded(64)
    const pending = reached(first, 'swap', 'exchanging.swapping')
    first.wire.plan = [[/swap/, 'hang']]
    const swap = await first.wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [8] })
    void swap.execute().catch(() => {})
    await pending
    first.drop()

    // A call that waited for the mint would never end.
    const second = await on.open(undefined, { always: 'hang' })
    expect(await second.wallet.operations.resumed()).toMatchObject([{ id: swap.id, outcome: 'resumed' }])
    expect(await money(second)).toMatchObject({ spendable: 0, reserved: 64 })
    expect(await second.wallet.history.list()).toHaveLength(2)
    expect(await second.wallet.operations.explain(swap.id)).toMatchObject({ underWay: ['mint.swap'] })
    await second.wallet.close()

    const third = await on.open()
    expect((await (await third.wallet.swap.get(swap.id)).finished()).state).toBe('swapped')
  })

  test('trusting a mint that does not answer is stored; its keysets are fetched when they are needed', async () => {
    const on = await bench()
    const { wallet, wire } = await on.open()
    wire.always = 'down'
    expect(await wallet.mints.trust(on.mintUrl)).toMatchObject({ trusted: true, info: undefined })
    wire.always = undefined
    const mint = await wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 8 })
    expect((await mint.finished()).state).toBe('issued')
  })
})

/**
 * Goal: money is where the balances say, every proof is one that the mint takes, counters are used
 * once and in order, what is sent was stored first, and a seed finds it all again. Over HTTP, with true crypto, on SQLite.
 */
import { describe, expect, test } from 'vitest'
import { decodeToken } from '../../src/cashu/codec.ts'
import type { CounterRow, OutputRow, ProofRow } from '../../src/wallet/tables.ts'
import {
  bench,
  eventually,
  failure,
  forged,
  money,
  plain,
  type Bench,
  type Fault,
  type Opened,
} from '../kits/wallet-kit.ts'

/** Balances as numbers, and the same added up from the proofs. */
async function compared(on: Bench, process: Opened, name?: string): Promise<[unknown, unknown]> {
  const proofs = (await on.rows(name))['proofs'] as unknown as ProofRow[]
  const sum = (state: string): number =>
    proofs.filter((proof) => proof.state === state).reduce((total, { amount }) => total + amount, 0)
  const added = { spendable: sum('spendable'), reserved: sum('reserved'), outstanding: sum('sent'), held: sum('held') }
  return [await money(process), added]
}

/** Spends every spendable proof of a wallet in one swap; the mint must take them all. */
async function spendAll({ mintUrl }: Bench, { wallet }: Opened): Promise<void> {
  const { spendable } = await money({ wallet })
  if (spendable === 0) return
  const [keyset] = ((await (await fetch(`${mintUrl}/v1/keysets`)).json()) as { keysets: { input_fee_ppk: number }[] })
    .keysets
  // Whatever is asked for, all inputs are needed for nearly everything.
  const most = keyset!.input_fee_ppk === 0 ? spendable : spendable - Math.ceil((20 * keyset!.input_fee_ppk) / 1_000)
  await (await wallet.swap.prepare({ mintUrl, amounts: [most] })).execute()
}

describe('balances', () => {
  test('are the sums over the proofs, after each of many operations, and the mint owes as much', async () => {
    const on = await bench({ feePpk: 100 })
    const { mintUrl } = on
    const alice = await on.funded(500)
    const bob = await on.open('bob')
    await bob.wallet.mints.trust(mintUrl)
    const steps: (() => Promise<unknown>)[] = [
      async () => (await alice.wallet.swap.prepare({ mintUrl, amounts: [100, 7] })).execute(),
      async () => {
        const { token } = await (await alice.wallet.send.prepare({ mintUrl, amount: 123 })).execute()
        await (await bob.wallet.receive.prepare({ token })).execute()
      },
      async () => (await alice.wallet.melt.prepare({ mintUrl, request: on.invoice(60) })).execute(),
      async () => {
        const { token } = await (await bob.wallet.send.prepare({ mintUrl, amount: 50 })).execute()
        await (await alice.wallet.receive.prepare({ token })).execute()
      },
      async () => (await (await alice.wallet.send.prepare({ mintUrl, amount: 33 })).cancel()).state,
      async () => {
        const send = await alice.wallet.send.prepare({ mintUrl, amount: 33 })
        await send.execute()
        await send.reclaim()
      },
      async () => alice.wallet.send.prepare({ mintUrl, amount: 12 }),
    ]
    for (const step of steps) {
      await step()
      for (const [process, name] of [
        [alice, 'alice'],
        [bob, 'bob'],
      ] as const) {
        const [balances, added] = await compared(on, process, name)
        expect(balances).toEqual(added)
      }
    }
    await eventually(
      'all tokens are known to be claimed',
      async () => (await money(alice)).outstanding + (await money(bob)).outstanding === 0,
    )
    const [a, b] = [await money(alice), await money(bob)]
    expect(a.reserved).toBeGreaterThanOrEqual(12)
    expect(a.spendable + a.reserved + b.spendable).toBe(await on.outstanding())
    await spendAll(on, alice)
    await spendAll(on, bob)
  })

  test('are per mint and unit', async () => {
    const [one, two] = [await bench({ units: ['sat', 'usd'] }), await bench()]
    const { wallet } = await one.funded(10)
    await wallet.mints.trust(two.mintUrl)
    await (await wallet.mint.prepare({ mintUrl: one.mintUrl, amount: 7, unit: 'usd' })).finished()
    await (await wallet.mint.prepare({ mintUrl: two.mintUrl, amount: 3 })).finished()
    const nothing = { reserved: '0', outstanding: '0', held: '0', owed: '0' }
    expect(
      (plain(await wallet.balances()) as { mintUrl: string }[]).toSorted((a, b) => a.mintUrl.localeCompare(b.mintUrl)),
    ).toEqual(
      [
        { mintUrl: one.mintUrl, unit: 'sat', spendable: '10', ...nothing },
        { mintUrl: one.mintUrl, unit: 'usd', spendable: '7', ...nothing },
        { mintUrl: two.mintUrl, unit: 'sat', spendable: '3', ...nothing },
      ].toSorted((a, b) => a.mintUrl.localeCompare(b.mintUrl)),
    )
    expect(await failure(wallet.send.prepare({ mintUrl: one.mintUrl, amount: 8, unit: 'usd' }))).toMatchObject({
      code: 'INSUFFICIENT_FUNDS',
    })
  })
})

describe('outputs', () => {
  test('stand in the store before the request that carries them is sent, and the inputs are ours and reserved', async () => {
    const on = await bench()
    const { mintUrl } = on
    const { wallet, wire } = await on.open()
    await wallet.mints.trust(mintUrl)
    const checked: string[] = []
    wire.before = async (what, body) => {
      if (!/POST \/v1\/(swap|mint\/bolt11|melt\/bolt11)$/.test(what)) return
      const rows = await on.rows()
      const { outputs = [], inputs = [] } = JSON.parse(body!) as {
        outputs?: { B_: string }[]
        inputs?: { secret: string }[]
      }
      const stored = (rows['outputs'] as unknown as OutputRow[]).map(({ B_ }) => B_)
      expect(stored).toEqual(expect.arrayContaining(outputs.map(({ B_ }) => B_)))
      expect(
        rows['operations']!.some(({ snapshot }) => (snapshot as string).includes(JSON.stringify(body).slice(1, -1))),
      ).toBe(true)
      const held = (rows['proofs'] as unknown as ProofRow[])
        .filter(({ state }) => state !== 'spendable')
        .map(({ secret }) => secret)
      expect(held).toEqual(expect.arrayContaining(inputs.map(({ secret }) => secret)))
      checked.push(what)
    }
    await (await wallet.mint.prepare({ mintUrl, amount: 100 })).finished()
    await (await wallet.swap.prepare({ mintUrl, amounts: [8] })).execute()
    const send = await wallet.send.prepare({ mintUrl, amount: 3 })
    await send.execute()
    await send.reclaim()
    await (await wallet.melt.prepare({ mintUrl, request: on.invoice(20) })).execute()
    expect(checked).toEqual([
      'POST /v1/mint/bolt11',
      'POST /v1/swap',
      'POST /v1/swap',
      'POST /v1/swap',
      'POST /v1/melt/bolt11',
    ])
    expect((await on.rows())['outputs']).toEqual([])
  })

  test('come from counters that start at 0, never go back and are used once', async () => {
    const on = await bench()
    const { wallet } = await on.funded(100)
    for (let n = 0; n < 3; n++) await (await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [5, 5] })).execute()
    const { proofs, counters } = (await on.rows()) as unknown as { proofs: ProofRow[]; counters: CounterRow[] }
    const used = proofs.map(({ counter }) => counter!).toSorted((a, b) => a - b)
    expect(used).toEqual(used.map((_, at) => at))
    expect(counters).toMatchObject([{ next: used.length, signed: used.length }])
  })

  test('never get so far ahead of the last signed one that a restore would not find them', async () => {
    const on = await bench()
    const { wallet, wire } = await on.funded(1_023)
    wire.plan = Array.from({ length: 100 }, () => [/swap/, { code: 12_002, detail: 'keyset is inactive' }] as const)
    const swap = await wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: Array<number>(60).fill(1) })
    void swap.execute().catch(() => {})
    await eventually('it comes to an end of its tries', async () => {
      const { state } = await wallet.operations.get(swap.id)
      return /blocked|failed/.test(state)
    })
    const [counter] = (await on.rows())['counters'] as unknown as CounterRow[]
    expect(counter!.next - counter!.signed).toBeLessThanOrEqual(200)
    expect(counter!.next).toBeGreaterThan(60)
  })

  test('that cannot be made hold nothing fast: what was not sent can be given up', async () => {
    const on = await bench()
    const { wallet } = await on.funded(64)
    const [counter] = (await on.rows())['counters'] as unknown as CounterRow[]
    const { keysetId, signed } = counter!
    await on.tamper((store) => store.commit([{ patch: 'counters', key: [keysetId], set: { next: signed + 199 } }]))
    const { mintUrl } = on
    for (const amount of [1, 2]) {
      const handle = await (amount === 1
        ? wallet.swap.prepare({ mintUrl, amounts: [1] })
        : wallet.send.prepare({ mintUrl, amount }))
      handle.execute().catch(() => {})
      await eventually('it waits', async () => (await handle.refresh()).state === 'exchanging.blocked')
      expect((await wallet.operations.explain(handle.id)).why).toMatch(/GAP/)
      await handle.cancel()
      expect([handle.state, handle.amount.toNumber()]).toEqual(['cancelled', 0])
      expect(await money({ wallet })).toMatchObject({ spendable: 64, reserved: 0 })
    }
  })

  test('of a seed that was used elsewhere are skipped: nothing is lost, nothing made twice', async () => {
    const on = await bench()
    const alice = await on.funded(64)
    // The same seed in another file: its counters start at 0, too.
    const twin = await on.open('twin', {
      seed: Uint8Array.from({ length: 64 }, (_, at) => 'alice'.charCodeAt(at % 5) + at),
    })
    await twin.wallet.mints.trust(on.mintUrl)
    await (await twin.wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 32 })).finished()
    expect([(await money(alice)).spendable, (await money(twin)).spendable]).toEqual([64, 32])
    expect(await on.outstanding()).toBe(96)
    await spendAll(on, twin)
    await spendAll(on, alice)
  })
})

describe('what a mint refuses as done before is looked into', () => {
  test('a token that was claimed by somebody else is rejected, and said so; the rest of one claimed in part is received', async () => {
    const on = await bench()
    const { mintUrl } = on
    const [alice, bob] = [await on.funded(24), await on.open('bob')]
    await bob.wallet.mints.trust(mintUrl)
    // 24 is 8 and 16; 8 of it goes elsewhere first.
    const send = await alice.wallet.send.prepare({ mintUrl, amount: 24 })
    const { token } = await send.execute()
    const { proofs, unit } = decodeToken(token)
    const { encodeToken } = await import('../../src/cashu/codec.ts')
    const part = encodeToken({ mintUrl, unit, proofs: proofs.filter(({ amount }) => amount === 8) })
    await (await bob.wallet.receive.prepare({ token: part })).execute()
    const carol = await on.open('carol')
    await carol.wallet.mints.trust(mintUrl)
    const rest = await (await carol.wallet.receive.prepare({ token })).execute()
    expect([rest.state, (await money(carol)).spendable]).toEqual(['receivedPartly', 16])
    expect(await failure((await bob.wallet.receive.prepare({ token })).execute())).toMatchObject({
      code: 'ALREADY_SPENT',
    })
    expect((await money(bob)).spendable).toBe(8)
  })

  test('the same token twice in one wallet is received once, also after a restart; by its key it is the same operation', async () => {
    const on = await bench()
    const bob = await on.funded(21, 'bob')
    const { token } = await (await bob.wallet.send.prepare({ mintUrl: on.mintUrl, amount: 21 })).execute()
    const first = await on.open()
    await first.wallet.mints.trust(on.mintUrl)
    const receive = await first.wallet.receive.prepare({ token, key: 'gift' })
    await receive.execute()
    first.drop()
    const second = await on.open()
    expect((await (await second.wallet.receive.prepare({ token, key: 'gift' })).execute()).id).toBe(receive.id)
    expect(await failure((await second.wallet.receive.prepare({ token })).execute())).toMatchObject({
      code: 'ALREADY_SPENT',
    })
    expect(await money(second)).toEqual({ spendable: 21, reserved: 0, outstanding: 0, held: 0 })
  })

  test('the same token at the same moment, too', async () => {
    const on = await bench()
    const bob = await on.funded(21, 'bob')
    const { token } = await (await bob.wallet.send.prepare({ mintUrl: on.mintUrl, amount: 21 })).execute()
    const alice = await on.open()
    await alice.wallet.mints.trust(on.mintUrl)
    const receives = await Promise.all([1, 2].map(() => alice.wallet.receive.prepare({ token })))
    const ends = await Promise.allSettled(receives.map((receive) => receive.execute()))
    expect(ends.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    expect(await money(alice)).toEqual({ spendable: 21, reserved: 0, outstanding: 0, held: 0 })
  })

  test('a token of one’s own comes back as it is: the send sees that it was claimed', async () => {
    const on = await bench()
    const { wallet } = await on.funded(64)
    const send = await wallet.send.prepare({ mintUrl: on.mintUrl, amount: 21 })
    const { token } = await send.execute()
    await (await wallet.receive.prepare({ token })).execute()
    expect((await send.finished()).state).toBe('claimed')
    expect(await money({ wallet })).toEqual({ spendable: 64, reserved: 0, outstanding: 0, held: 0 })
  })

  test('a payment whose answer was lost is not made again', async () => {
    const on = await bench({ without: [19] })
    const { wallet, wire } = await on.funded(64)
    wire.plan = [[/melt\/bolt11$/, 'lost']]
    const melt = await wallet.melt.prepare({ mintUrl: on.mintUrl, request: on.invoice(20) })
    expect((await melt.execute()).state).toBe('paid')
    expect(Object.values((await on.server.mint.balanceSheet()).payments)).toEqual([{ attempts: 1, paid: 1 }])
    expect((await money({ wallet })).spendable).toBe(43)
    await spendAll(on, { wallet } as Opened)
  })

  test('one wrong answer of a restore gives nothing up: neither forged signatures nor wrong amounts nor none', async () => {
    const wrong: Fault[] = [
      forged,
      ({ signatures = [], ...body }) => ({
        ...body,
        signatures: signatures.map((signature) => ({ ...signature, amount: 1_024 })),
      }),
      (body) => ({ ...body, outputs: [], signatures: [] }),
      ({ outputs = [], signatures = [] }) => ({ outputs: outputs.slice(1), signatures: signatures.slice(1) }),
      'portal',
    ]
    const on = await bench()
    const { mintUrl } = on
    const { wallet, wire } = await on.funded(64)
    for (const fault of wrong) {
      wire.plan = [
        [/swap/, 'garbled'],
        [/restore/, fault],
      ]
      const swap = await wallet.swap.prepare({ mintUrl, amounts: [8, 4] })
      void swap.execute().catch(() => {})
      await eventually('it ends', async () => {
        const { state } = await wallet.operations.get(swap.id)
        if (/quarantined/.test(state)) await wallet.operations.resume(swap.id)
        return /swapped|lost|failed/.test(state)
      })
      expect([fault, (await wallet.operations.get(swap.id)).state]).toEqual([fault, 'swapped'])
      expect((await money({ wallet })).spendable).toBe(64)
    }
  })

  test('a refused swap after the mint rotated its keys is made again with the new ones', async () => {
    const on = await bench({ without: [19] })
    const process = await on.funded(64)
    const swap = await process.wallet.swap.prepare({ mintUrl: on.mintUrl, amounts: [8] })
    const id = await on.server.mint.rotate('sat')
    expect((await swap.execute()).state).toBe('swapped')
    const proofs = (await on.rows())['proofs'] as unknown as ProofRow[]
    expect(proofs.filter(({ state }) => state === 'spendable').every(({ keysetId }) => keysetId === id)).toBe(true)
    expect((await money(process)).spendable).toBe(64)
  })
})

describe('a reclaim', () => {
  test('takes an unclaimed token back; who has it gets nothing', async () => {
    const on = await bench({ feePpk: 100 })
    const alice = await on.funded(64)
    const send = await alice.wallet.send.prepare({ mintUrl: on.mintUrl, amount: 21 })
    const { token } = await send.execute()
    expect((await send.reclaim()).state).toBe('reclaimed')
    expect(send.reclaimed.toNumber()).toBe(20)
    const bob = await on.open('bob')
    await bob.wallet.mints.trust(on.mintUrl)
    expect(await failure((await bob.wallet.receive.prepare({ token })).execute())).toMatchObject({
      code: 'ALREADY_SPENT',
    })
    const { spendable } = await money(alice)
    expect([spendable, await on.outstanding()]).toEqual([64 - send.fee.toNumber(), spendable])
    expect(await send.reclaim()).toMatchObject({ state: 'reclaimed' })
  })

  test('of a claimed token says that it is claimed', async () => {
    const on = await bench()
    const [alice, bob] = [await on.funded(64), await on.open('bob')]
    await bob.wallet.mints.trust(on.mintUrl)
    const send = await alice.wallet.send.prepare({ mintUrl: on.mintUrl, amount: 21 })
    const { token } = await send.execute()
    await (await bob.wallet.receive.prepare({ token })).execute()
    expect((await send.reclaim()).state).toBe('claimed')
    expect((await money(alice)).spendable).toBe(43)
  })

  test('of what was not sent yet is refused', async () => {
    const on = await bench()
    const { wallet } = await on.funded(64)
    const send = await wallet.send.prepare({ mintUrl: on.mintUrl, amount: 21 })
    expect(await failure(send.reclaim())).toMatchObject({ code: 'INVALID_STATE' })
  })

  test('that the mint refuses leaves the token what it was', async () => {
    const on = await bench()
    const { wallet, wire } = await on.funded(64)
    const send = await wallet.send.prepare({ mintUrl: on.mintUrl, amount: 64 })
    const { token } = await send.execute()
    wire.plan = [1, 2, 3].map(() => [/swap/, { code: 0, detail: 'not today' }] as const)
    expect(await failure(send.reclaim())).toMatchObject({ code: 'REFUSED' })
    expect([send.state, (await send.execute()).token]).toEqual(['tokenCreated', token])
    expect(await money({ wallet })).toEqual({ spendable: 0, reserved: 0, outstanding: 64, held: 0 })
    expect((await send.reclaim()).state).toBe('reclaimed')
  })
})

describe('restore', () => {
  const seed = Uint8Array.from({ length: 64 }, (_, at) => at * 3)

  test('finds what a seed owns: of all keysets, old ones too, and not what was spent', async () => {
    const on = await bench()
    const { mintUrl } = on
    const first = await on.open('lost', { seed })
    await first.wallet.mints.trust(mintUrl)
    await (await first.wallet.mint.prepare({ mintUrl, amount: 100 })).finished()
    await (await first.wallet.melt.prepare({ mintUrl, request: on.invoice(20) })).execute()
    await on.server.mint.rotate('sat')
    await first.wallet.mints.refresh(mintUrl)
    await (await first.wallet.mint.prepare({ mintUrl, amount: 32 })).finished()
    const had = (await money(first)).spendable
    first.drop()
    const found = await on.open('found', { seed })
    await found.wallet.mints.trust(mintUrl)
    const restore = await found.wallet.restore.prepare({ mintUrl })
    expect((await restore.execute()).amount.toNumber()).toBe(had)
    expect((await money(found)).spendable).toBe(had)
    expect(await on.outstanding()).toBe(had)
    // Its counters go on behind what was found.
    await (await found.wallet.mint.prepare({ mintUrl, amount: 16 })).finished()
    await spendAll(on, found)
    expect((await money(found)).spendable).toBe(had + 16)
  })

  test('does not take signatures that do not verify for "nothing there": it asks again', async () => {
    const on = await bench({ stub: true })
    const first = await on.open('lost', { seed })
    await first.wallet.mints.trust(on.mintUrl)
    await (await first.wallet.mint.prepare({ mintUrl: on.mintUrl, amount: 64 })).finished()
    first.drop()
    const found = await on.open('found', { seed, plan: [[/restore/, forged]] })
    await found.wallet.mints.trust(on.mintUrl)
    const restore = await found.wallet.restore.prepare({ mintUrl: on.mintUrl })
    expect((await restore.execute()).amount.toNumber()).toBe(64)
  })

  test('on a live wallet changes nothing that is there, and may be run again', async () => {
    const on = await bench({ stub: true })
    const { mintUrl } = on
    const alice = await on.funded(64)
    await (await alice.wallet.send.prepare({ mintUrl, amount: 21 })).execute()
    const before = await on.rows()
    for (let n = 0; n < 2; n++) {
      const restore = await alice.wallet.restore.prepare({ mintUrl })
      expect((await restore.execute()).amount.toNumber()).toBe(0)
    }
    const after = await on.rows()
    expect(after['proofs']).toEqual(before['proofs'])
    expect(after['counters']).toEqual(before['counters'])
  })
})

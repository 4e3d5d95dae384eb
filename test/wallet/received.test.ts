/**
 * Goal: a token says who signed it, and what comes of it is what its receiver wants at least. Method: tokens with right, wrong,
 * incomplete and missing DLEQs (NUT-12), and tokens that others claim before, at and after the question what is unspent. Over
 * HTTP, on SQLite; with true crypto where a DLEQ is checked.
 */
import { describe, expect, test } from 'vitest'
import { decodeToken, encodeToken, type TokenProof } from '../../src/cashu/codec.ts'
import { bench, failure, money, type Answer, type Bench, type Opened } from '../kits/wallet-kit.ts'

/** The token with its proofs changed. */
const changed = (token: string, change: (proof: TokenProof, at: number) => TokenProof): string => {
  const { mintUrl, unit, proofs } = decodeToken(token)
  return encodeToken({ mintUrl, unit, proofs: proofs.map(change) })
}
const without = ({ dleq: _, ...proof }: TokenProof): TokenProof => proof
/** The first proof has the DLEQ of another signature. */
const misproven = (token: string): string => {
  const [, other] = decodeToken(token).proofs
  return changed(token, (proof, at) => (at === 0 && other?.dleq ? { ...proof, dleq: other.dleq } : proof))
}

async function tokenOf(on: Bench, amount: number, funds = 64): Promise<string> {
  const { wallet } = await on.funded(funds)
  return (await (await wallet.send.prepare({ mintUrl: on.mintUrl, amount })).execute()).token
}

/** A wallet that trusts the mint. */
async function shopOf(on: Bench, name = 'shop'): Promise<Opened> {
  const shop = await on.open(name)
  await shop.wallet.mints.trust(on.mintUrl)
  return shop
}

const swaps = ({ wire }: Opened): string[] => wire.requests.filter((request) => request === 'POST /v1/swap')

describe('the DLEQ of a token’s proofs', () => {
  test.each([
    ['swapped', 21],
    ['sent as it is', 64],
  ])('stands in a token of ours that was %s, and is the mint’s own', async (_, amount) => {
    const on = await bench()
    const token = await tokenOf(on, amount)
    expect(decodeToken(token).proofs.every(({ dleq }) => dleq !== undefined)).toBe(true)
    const shop = await shopOf(on)
    const receive = await shop.wallet.receive.prepare({ token, requireDleq: true, atLeast: amount })
    expect(Number((await receive.execute()).amount)).toBe(amount)
    // What hid the outputs would tell the mint whose they were.
    const { dleq } = decodeToken(token).proofs[0] ?? {}
    for (const part of [dleq?.r, dleq?.e]) expect(shop.wire.traffic.join('\n')).not.toContain(part)
  })

  test('is refused where it is wrong, before anything is stored or sent', async () => {
    const on = await bench()
    const token = await tokenOf(on, 21)
    const shop = await shopOf(on)
    const before = shop.wire.requests.length
    expect(await failure(shop.wallet.receive.prepare({ token: misproven(token) }))).toMatchObject({
      code: 'DLEQ_INVALID',
    })
    expect(shop.wire.requests).toHaveLength(before)
    expect(await shop.wallet.operations.list()).toEqual([])
    expect(Number((await (await shop.wallet.receive.prepare({ token })).execute()).amount)).toBe(21)
  })

  test('is checked before the first request where the keys were not known when it was prepared', async () => {
    const on = await bench()
    const token = await tokenOf(on, 21)
    const shop = await on.open('shop')
    const bad = await shop.wallet.receive.prepare({ token: misproven(token) })
    const good = await shop.wallet.receive.prepare({ token })
    await shop.wallet.mints.trust(on.mintUrl)
    expect(await failure(bad.execute())).toMatchObject({ code: 'DLEQ_INVALID' })
    expect(bad.state).toBe('rejected')
    expect(swaps(shop)).toEqual([])
    expect(Number((await good.execute()).amount)).toBe(21)
    for (const { dleq } of decodeToken(token).proofs) expect(shop.wire.traffic.join('\n')).not.toContain(dleq?.r)
  })

  test('of another keyset’s key, of another amount’s key and with a part changed is wrong, too', async () => {
    const on = await bench()
    const token = await tokenOf(on, 21)
    const shop = await shopOf(on)
    const [first] = decodeToken(token).proofs
    const flipped = (hex = ''): string => `${hex.startsWith('0') ? '1' : '0'}${hex.slice(1)}`
    for (const part of ['e', 's', 'r'] as const) {
      const bad = changed(token, (proof) =>
        proof.secret === first?.secret && proof.dleq
          ? { ...proof, dleq: { ...proof.dleq, [part]: flipped(proof.dleq[part]) } }
          : proof,
      )
      expect(await failure(shop.wallet.receive.prepare({ token: bad }))).toMatchObject({ code: 'DLEQ_INVALID' })
    }
    const dearer = changed(token, (proof) => (proof.secret === first?.secret ? { ...proof, amount: 32 } : proof))
    expect(await failure(shop.wallet.receive.prepare({ token: dearer }))).toMatchObject({ code: 'DLEQ_INVALID' })
  })

  test('where it is absent, or lacks a part, is no reason to refuse a token, unless it is required', async () => {
    const on = await bench()
    const token = await tokenOf(on, 21)
    const shop = await shopOf(on)
    const bare = changed(token, without)
    const { mintUrl, proofs } = decodeToken(token)
    const partial = proofs.map(({ dleq, ...proof }, at) => ({
      ...proof,
      dleq: at === 0 ? {} : { e: dleq?.e, s: dleq?.s },
    }))
    const incomplete = `cashuA${btoa(JSON.stringify({ token: [{ mint: mintUrl, proofs: partial }], unit: 'sat' }))}`
    for (const lacking of [bare, incomplete])
      expect(await failure(shop.wallet.receive.prepare({ token: lacking, requireDleq: true }))).toMatchObject({ code: 'DLEQ_MISSING' }) // prettier-ignore
    const receive = await shop.wallet.receive.prepare({ token: incomplete })
    expect(Number((await receive.execute()).amount)).toBe(21)
  })

  test('that is required is checked by keys of an old keyset, too; by none at a mint that is not trusted', async () => {
    const on = await bench()
    const token = await tokenOf(on, 21)
    await on.server.mint.rotate('sat')
    const shop = await on.open('shop')
    const require = { token, requireDleq: true }
    expect(await failure(shop.wallet.receive.prepare(require))).toMatchObject({ code: 'DLEQ_UNCHECKED' })
    await shop.wallet.mints.trust(on.mintUrl)
    expect(await failure(shop.wallet.receive.prepare({ ...require, token: misproven(token) }))).toMatchObject({ code: 'DLEQ_INVALID' }) // prettier-ignore
    expect(Number((await (await shop.wallet.receive.prepare(require)).execute()).amount)).toBe(21)
  })

  test('a key that was used for a token gives the same receive, whatever is known of the mint by then', async () => {
    const on = await bench()
    const token = misproven(await tokenOf(on, 21))
    const shop = await on.open('shop')
    const first = await shop.wallet.receive.prepare({ token, key: 'order 7' })
    await shop.wallet.mints.trust(on.mintUrl)
    expect((await shop.wallet.receive.prepare({ token, key: 'order 7' })).id).toBe(first.id)
  })
})

describe('a least that is to come', () => {
  /** Somebody claims the proofs of a token that fit. */
  async function claim(on: Bench, token: string, fits: (amount: number) => boolean): Promise<void> {
    const { mintUrl, unit, proofs } = decodeToken(token)
    const part = encodeToken({ mintUrl, unit, proofs: proofs.filter(({ amount }) => fits(amount)) })
    const thief = await shopOf(on, 'thief')
    await (await thief.wallet.receive.prepare({ token: part })).execute()
  }

  test('of which a part was claimed is refused, and nothing of it is spent', async () => {
    const on = await bench({ stub: true })
    const token = await tokenOf(on, 21)
    await claim(on, token, (amount) => amount === 16)
    const shop = await shopOf(on)
    const receive = await shop.wallet.receive.prepare({ token, atLeast: 21 })
    expect(await failure(receive.execute())).toMatchObject({ code: 'TOO_LITTLE' })
    expect([receive.state, Number(receive.amount), Number(receive.spentElsewhere)]).toEqual(['rejected', 0, 16])
    expect(swaps(shop)).toEqual([])
    // Who wants what is left gets it.
    expect(Number((await (await shop.wallet.receive.prepare({ token, atLeast: 5 })).execute()).amount)).toBe(5)
  })

  test('is refused where another claims a part between the question and the request', async () => {
    const on = await bench({ stub: true })
    const token = await tokenOf(on, 21)
    const shop = await shopOf(on)
    let claimed: Promise<void> | undefined
    shop.wire.before = (what) =>
      what === 'POST /v1/swap' ? (claimed ??= claim(on, token, (amount) => amount === 1)) : undefined
    const receive = await shop.wallet.receive.prepare({ token, atLeast: 21 })
    expect(await failure(receive.execute())).toMatchObject({ code: 'TOO_LITTLE' })
    expect((await money(shop)).spendable).toBe(0)
    expect(Number((await (await shop.wallet.receive.prepare({ token })).execute()).amount)).toBe(20)
  })

  test('counts what is left after the mint’s fee', async () => {
    const on = await bench({ stub: true, feePpk: 1000 })
    const token = await tokenOf(on, 24)
    const { length } = decodeToken(token).proofs
    const shop = await shopOf(on)
    expect(await failure(shop.wallet.receive.prepare({ token, atLeast: 24 }))).toMatchObject({ code: 'TOO_LITTLE' })
    const receive = await shop.wallet.receive.prepare({ token, atLeast: 24 - length })
    expect(Number((await receive.execute()).amount)).toBe(24 - length)
  })

  test.each([[[7]], [[9]], [[7, 9]]] as const)('holds at a mint without NUTs %j', async (without) => {
    const on = await bench({ stub: true })
    const token = await tokenOf(on, 21)
    await claim(on, token, (amount) => amount === 4)
    const shop = await shopOf(on)
    shop.wire.dialect = { without }
    const receive = await shop.wallet.receive.prepare({ token, atLeast: 21 })
    expect(await failure(receive.execute())).toMatchObject({
      code: without.some((nut) => nut === 7) ? 'ALREADY_SPENT' : 'TOO_LITTLE',
    })
    expect((await money(shop)).spendable).toBe(0)
  })

  test.each([
    ['another claims a later part', [], 31],
    ['another claims a later part of a mint that does not say what is spent', [7], 15],
    ['the mint refuses a later part', [], 3],
  ] as const)(
    'is not held where %s of a token larger than one request, and the amount says so',
    async (how, without, came) => {
      const on = await bench({ stub: true })
      const token = await tokenOf(on, 63)
      const before = await shopOf(on)
      before.drop()
      await on.tamper(
        (store) => store.commit([{ patch: 'mints', key: [on.mintUrl], set: { limits: { inputs: 2 } } }]),
        'shop',
      )
      const shop = await on.open('shop')
      shop.wire.dialect = { without }
      let asked = 0
      shop.wire.before = async (what) => {
        if (what !== 'POST /v1/swap' || ++asked !== 2) return
        if (how.startsWith('another')) return claim(on, token, (amount) => amount === 32)
        shop.wire.plan = Array.from({ length: 9 }, () => [/swap/, { code: 12001, detail: 'Keyset is not known' }])
      }
      const receive = await shop.wallet.receive.prepare({ token, atLeast: 63 })
      const { state, amount, asked: worth } = await receive.execute()
      expect([state, Number(amount), Number(worth)]).toEqual(['receivedPartly', came, 63])
      expect((await money(shop)).spendable).toBe(came)
    },
  )

  test('is not missed because the mint once took less at a time, which is tried again', async () => {
    const on = await bench({ stub: true, feePpk: 1000 })
    const token = await tokenOf(on, 24)
    const { length } = decodeToken(token).proofs
    const before = await shopOf(on)
    before.drop()
    await on.tamper(
      (store) => store.commit([{ patch: 'mints', key: [on.mintUrl], set: { limits: { outputs: 1 } } }]),
      'shop',
    )
    const shop = await on.open('shop')
    const receive = await shop.wallet.receive.prepare({ token, atLeast: 24 - length })
    expect(Number((await receive.execute()).amount)).toBe(24 - length)
  })

  test.each([
    ['all of it', () => true],
    ['a part of it', (at: number) => at === 0],
  ] as const)('is not missed where a mint says once that %s is spent, and it is not', async (_, isSaid) => {
    const on = await bench({ stub: true })
    const token = await tokenOf(on, 21)
    const shop = await shopOf(on)
    const lied = (body: Answer): Answer => {
      const { states } = body as { readonly states?: readonly object[] }
      return { ...body, states: states?.map((state, at) => (isSaid(at) ? { ...state, state: 'SPENT' } : state)) }
    }
    shop.wire.plan = [[/checkstate/, lied]]
    const receive = await shop.wallet.receive.prepare({ token, atLeast: 5 })
    const { state, amount, spentElsewhere } = await receive.execute()
    expect([state, Number(amount), Number(spentElsewhere)]).toEqual(['received', 21, 0])
  })

  test('waits for a mint that does not say, and can be cancelled meanwhile', async () => {
    const on = await bench({ stub: true })
    const token = await tokenOf(on, 21)
    const shop = await shopOf(on)
    shop.wire.plan = [[/checkstate/, 'down']]
    const receive = await shop.wallet.receive.prepare({ token, atLeast: 21 })
    const ended = failure(receive.execute())
    for (let looks = 0; looks < 200 && !/pausing/.test(receive.state); looks++) await receive.refresh()
    await receive.cancel()
    expect(await ended).toMatchObject({ code: 'CANCELLED' })
    expect(swaps(shop)).toEqual([])
    expect(Number((await (await shop.wallet.receive.prepare({ token, atLeast: 21 })).execute()).amount)).toBe(21)
  })

  test.each([0, -1, 1.5, 'much', Number.NaN])('of %j is no least', async (atLeast) => {
    const on = await bench({ stub: true })
    const token = await tokenOf(on, 21)
    const shop = await shopOf(on)
    expect(await failure(shop.wallet.receive.prepare({ token, atLeast }))).toBeInstanceOf(TypeError)
  })
})

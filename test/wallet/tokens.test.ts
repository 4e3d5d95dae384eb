/**
 * Goal: every claimed token is seen, whatever the others are like; and what a reclaim says is so. Method: tokens are asked
 * about together, by mints with small limits and by ones that refuse some; reclaims come too early, too late and twice.
 */
import { describe, expect, test } from 'vitest'
import { decodeToken, encodeToken, type TokenProof } from '../../src/cashu/codec.ts'
import type { Wallet } from '../../src/index.ts'
import { bench, eventually, failure, money, reached } from '../kits/wallet-kit.ts'

async function claimed(on: Awaited<ReturnType<typeof bench>>, token: string, name: string): Promise<void> {
  const other = await on.open(name)
  await other.wallet.mints.trust(on.mintUrl)
  await (await other.wallet.receive.prepare({ token })).execute()
}

describe('tokens that are asked about together', () => {
  test.each([
    ['coded', 10],
    ['listed', 3],
  ] as const)(
    'refused as too many (%s, %d at once): a small one that was claimed is seen, and a large one',
    async (oversize, states) => {
      const on = await bench({ stub: true })
      const { wallet, wire } = await on.funded(100)
      const { mintUrl } = on
      await (await wallet.swap.prepare({ mintUrl, amounts: Array.from({ length: 40 }, () => 1) })).execute()
      await (await wallet.swap.prepare({ mintUrl, amounts: Array.from({ length: 8 }, () => 1) })).execute()
      const large = await wallet.send.prepare({ mintUrl, amount: 63 })
      const small = await wallet.send.prepare({ mintUrl, amount: 1 })
      const [{ token: one }, { token: two }] = [await large.execute(), await small.execute()]
      wire.dialect = { limits: { states }, oversize }
      await claimed(on, two, 'bob')
      await eventually('the small one is seen', async () => (await small.refresh()).state === 'claimed')
      expect((await large.refresh()).state).toBe('tokenCreated')
      await claimed(on, one, 'carol')
      await eventually('the large one is seen', async () => (await large.refresh()).state === 'claimed')
    },
  )

  test('of more proofs than the mint tells in many requests: it is seen as well', async () => {
    const on = await bench({ stub: true })
    const { wallet, wire } = await on.funded(100)
    const { mintUrl } = on
    for (const count of [60, 30])
      await (await wallet.swap.prepare({ mintUrl, amounts: Array.from({ length: count }, () => 1) })).execute()
    const send = await wallet.send.prepare({ mintUrl, amount: 90 })
    const { token } = await send.execute()
    wire.dialect = { limits: { states: 2 } }
    await eventually('it was asked about', () => wire.count(/checkstate/) > 8)
    expect((await send.refresh()).state).toBe('tokenCreated')
    await claimed(on, token, 'bob')
    await eventually('it is seen', async () => (await send.refresh()).state === 'claimed')
  })

  test('and of which the mint will not tell one: the others are seen', async () => {
    const on = await bench({ stub: true })
    const { wallet, wire } = await on.funded(100)
    const { mintUrl } = on
    const sends = await Promise.all([1, 2, 4].map((amount) => wallet.send.prepare({ mintUrl, amount })))
    const tokens = []
    for (const send of sends) tokens.push((await send.execute()).token)
    const bad = (await on.rows())['proofs']!.find(({ state, amount }) => state === 'sent' && amount === 2)![
      'Y'
    ] as string
    wire.before = (what, body) => {
      if (what.endsWith('checkstate') && body?.includes(bad)) wire.plan = [[/checkstate/, { code: 0, detail: 'no' }]]
    }
    for (const [at, token] of tokens.entries()) await claimed(on, token, `other ${at}`)
    for (const at of [0, 2])
      await eventually('it is seen', async () => (await sends[at]!.refresh()).state === 'claimed')
    expect((await sends[1]!.refresh()).state).toBe('tokenCreated')
  })
})

describe('a reclaim', () => {
  test('while the send executes is too early, and says so', async () => {
    const on = await bench()
    const opened = await on.funded(64)
    const { wallet, wire } = opened
    const send = await wallet.send.prepare({ mintUrl: on.mintUrl, amount: 5 })
    wire.plan = [[/swap/, 'hang']]
    const swapping = reached(opened, 'send', 'exchanging.swapping')
    send.execute().catch(() => {})
    await swapping
    expect(await failure(send.reclaim())).toMatchObject({ code: 'INVALID_STATE', message: 'there is no token yet' })
  })

  test('of a send that was cancelled, or failed, is no success', async () => {
    const on = await bench()
    const { wallet, wire } = await on.funded(64)
    const send = await wallet.send.prepare({ mintUrl: on.mintUrl, amount: 5 })
    await send.cancel()
    expect(await failure(send.reclaim())).toMatchObject({ code: 'CANCELLED' })
    const other = await wallet.send.prepare({ mintUrl: on.mintUrl, amount: 5 })
    wire.plan = [1, 2, 3].map(() => [/swap/, { code: 0, detail: 'not today' }])
    await failure(other.execute())
    expect(await failure(other.reclaim())).toMatchObject({ code: 'REFUSED' })
    expect(await money({ wallet })).toMatchObject({ spendable: 64, outstanding: 0 })
  })

  test('asked for twice at once comes to the same end', async () => {
    const on = await bench()
    const { wallet } = await on.funded(64)
    const send = await wallet.send.prepare({ mintUrl: on.mintUrl, amount: 64 })
    await send.execute()
    const ends = await Promise.all([send.reclaim(), (await wallet.send.get(send.id)).reclaim()])
    expect(ends.map(({ state }) => state)).toEqual(['reclaimed', 'reclaimed'])
  })
})

test.each([[[9]], [[7]], [[7, 9]]] as const)('a spent token is rejected at a mint without NUTs %j', async (without) => {
  const on = await bench({ stub: true })
  const { wallet } = await on.funded(64)
  const { token } = await (await wallet.send.prepare({ mintUrl: on.mintUrl, amount: 32 })).execute()
  const thief = await on.funded(1, 'thief')
  await (await thief.wallet.receive.prepare({ token })).execute()
  const shop = await on.open('shop')
  shop.wire.dialect = { without }
  await shop.wallet.mints.trust(on.mintUrl)
  const receive = await shop.wallet.receive.prepare({ token })
  expect(await failure(receive.execute())).toMatchObject({ code: 'ALREADY_SPENT' })
})

/** A token's first proof, which does not show who signed it. */
const withoutDleq = (token: string): Omit<TokenProof, 'dleq'> => {
  const { amount, secret, C, id } = decodeToken(token).proofs[0]!
  return { amount, secret, C, id }
}

describe('tokens that are worth nothing', () => {
  const AMOUNTS = [128, 64, 32, 16, 8, 4, 2, 1]

  async function endOf(wallet: Wallet, token: string): Promise<string> {
    const receive = await wallet.receive.prepare({ token })
    receive.execute().catch(() => {})
    await eventually('it ends', async () => /received|rejected|blocked/.test((await receive.refresh()).state))
    return receive.state
  }

  test.each(['forged', 'of an old keyset', 'spent'])('%s: however many come, a good one is received', async (how) => {
    const on = await bench({ stub: true })
    const { mintUrl } = on
    const rich = await on.funded(1_023, 'rich', { factor: 20 })
    const { token } = await (await rich.wallet.send.prepare({ mintUrl, amount: 255 })).execute()
    const { token: spent } = await (await rich.wallet.send.prepare({ mintUrl, amount: 127 })).execute()
    const proof = withoutDleq(spent)
    const [keyset] = (await on.rows('rich'))['keysets']!
    if (how === 'of an old keyset') await on.server.mint.rotate('sat')
    if (how === 'spent') {
      const thief = await on.funded(1, 'thief')
      await (await thief.wallet.receive.prepare({ token: spent })).execute()
    }
    const { wallet } = await on.open('shop')
    await wallet.mints.trust(mintUrl)
    for (let n = 0; n < 25; n++) {
      const forged = AMOUNTS.map((amount) => ({ ...proof, id: keyset!['id'] as string, amount, secret: `${how} ${n} ${amount}` })) // prettier-ignore
      const bad = how === 'spent' ? spent : encodeToken({ mintUrl, unit: 'sat', proofs: forged })
      expect(await endOf(wallet, bad)).toBe('rejected')
    }
    expect(await endOf(wallet, token)).toBe('received')
    expect((await money({ wallet })).spendable).toBe(255)
  })

  test('whose outputs the mint signed all the same: a good one is received with others', async () => {
    const on = await bench({ stub: true })
    const { mintUrl } = on
    const rich = await on.funded(1_023, 'rich', { factor: 20 })
    const tokens: string[] = []
    for (let n = 0; n < 2; n++)
      tokens.push((await (await rich.wallet.send.prepare({ mintUrl, amount: 255 })).execute()).token)
    const [good = '', other = ''] = tokens
    const proof = withoutDleq(good)
    const { wallet, wire } = await on.open('shop')
    await wallet.mints.trust(mintUrl)
    const forged = AMOUNTS.map((amount) => ({ ...proof, amount, secret: `forged ${amount}` }))
    expect(await endOf(wallet, encodeToken({ mintUrl, unit: 'sat', proofs: forged }))).toBe('rejected')
    // What was refused for its inputs is signed after all, for somebody who pays for it.
    const { outputs } = JSON.parse(wire.traffic.find((body) => body.includes('"outputs"'))!) as { outputs: object[] }
    const inputs = decodeToken(other).proofs
    const { status } = await on.server.mint.handle('POST', '/v1/swap', JSON.stringify({ inputs, outputs }))
    expect(status).toBe(200)
    expect(await endOf(wallet, good)).toBe('received')
    expect((await money({ wallet })).spendable).toBe(255)
  })
})

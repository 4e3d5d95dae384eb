/**
 * Goal: a wallet receives what people paste, and a large text holds it up no more than a small one. Method: tokens in sentences and over
 * lines, claimed at a real mint; tokens of thousands of proofs, whose turns and points are counted, so that a busy machine changes nothing.
 */
import { expect, onTestFinished, test } from 'vitest'
import { encodeToken } from '../../src/cashu/codec.ts'
import { nobleCrypto } from '../../src/cashu/noble-crypto.ts'
import { openWallet, parseCashu, type Wallet } from '../../src/index.ts'
import { systemClock } from '../../src/kernel/util/ports.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { qrFrames, readQrFrames } from '../../src/qr/index.ts'
import { bench, failure, money } from '../kits/wallet-kit.ts'

test('a token is received out of a sentence, over lines, behind an emoji, and from an animated QR code', async () => {
  const on = await bench()
  const { wallet } = await on.funded(100)
  const { mintUrl } = on
  const friend = await on.open('friend')
  await friend.wallet.mints.trust(mintUrl)
  const hidden = (text: string): string =>
    `🥜${Array.from(new TextEncoder().encode(text), (byte) => String.fromCodePoint(byte < 16 ? 0xfe00 + byte : 0xe0100 + byte - 16)).join('')}`
  const ways: readonly ((token: string) => string | Promise<string | undefined>)[] = [
    (token) => `Take this: cashu:${token}. And thanks for the fish!`,
    (token) => `> ${token.replaceAll(/.{60}/g, '$&\n> ')}\n> Bob`,
    hidden,
    (token) => readQrFrames(qrFrames(token, { frameBytes: 60 })),
  ]
  for (const way of ways) {
    const send = await wallet.send.prepare({ mintUrl, amount: 8 })
    const { token } = await send.execute()
    const text = (await way(token)) ?? ''
    expect(await parseCashu(text)).toMatchObject({ type: 'token', token, mintUrl })
    const receive = await friend.wallet.receive.prepare({ token: text })
    expect((await receive.execute()).amount.toNumber()).toBe(8)
  }
  expect((await money(friend)).spendable).toBe(32)
})

/** A wallet that counts its turns, and the points that it finds. */
async function counting(): Promise<{ wallet: Wallet; counts: { turns: number; points: number; most: number } }> {
  const counts = { turns: 0, points: 0, most: 0 }
  let since = 0
  const turn = (): Promise<void> => {
    counts.turns++
    since = 0
    return Promise.resolve()
  }
  const hashToCurve = (secret: string): string => {
    counts.points++
    counts.most = Math.max(counts.most, ++since)
    return `02${secret}`
  }
  const wallet = await openWallet({
    store: memoryStore(),
    seed: new Uint8Array(64).fill(3),
    crypto: { ...nobleCrypto, hashToCurve },
    clock: { ...systemClock, turn },
  })
  onTestFinished(() => wallet.close())
  return { wallet, counts }
}

const tokenOf = (proofs: number): string =>
  encodeToken({
    mintUrl: 'https://mint.example',
    unit: 'sat',
    proofs: Array.from({ length: proofs }, (_, at) => ({
      amount: 1,
      id: '009a1f293253e41e',
      secret: at.toString(16).padStart(64, '0'),
      C: '02bc9097997d81afb2cc7346b5e4345a9346bd2a506eb7958598a72f0cf85163ea',
    })),
  })

test.each([1_000, 5_000])('of a token of %i proofs one at a time is looked at between two turns', async (proofs) => {
  const { wallet, counts } = await counting()
  const { amount } = await wallet.receive.prepare({ token: tokenOf(proofs) })
  expect(amount.toNumber()).toBe(proofs)
  expect(counts).toMatchObject({ points: proofs, most: 1 })
  // One for each point, and more for reading the text.
  expect(counts.turns).toBeGreaterThan(proofs + proofs / 100)
})

test('a text of two tokens, of none, or of a bad one is refused with what is wrong', async () => {
  const { wallet } = await counting()
  const other = tokenOf(2)
  expect(await failure(wallet.receive.prepare({ token: `${tokenOf(1)} or ${other}` }))).toMatchObject({
    code: 'TOKENS_SEVERAL',
  })
  expect(await failure(wallet.receive.prepare({ token: 'thank you' }))).toMatchObject({ code: 'TOKEN_MALFORMED' })
  expect(await failure(wallet.receive.prepare({ token: `take ${other.slice(0, -9)}` }))).toMatchObject({
    code: 'TOKEN_MALFORMED',
  })
  expect(await wallet.operations.list()).toEqual([])
})

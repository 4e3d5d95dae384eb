/**
 * Goal: a wallet and a mint use the crypto that they are given, say which, and never hold the thread for more than one output. Method:
 * real wallets and a mint on a curve that counts its products; work is counted, so that a busy machine changes nothing.
 */
import { expect, onTestFinished, test } from 'vitest'
import { mintCrypto } from '../../src/cashu/mint-crypto.ts'
import { nobleCrypto } from '../../src/cashu/noble-crypto.ts'
import { nobleCurve } from '../../src/cashu/noble-curve.ts'
import { walletCrypto } from '../../src/cashu/wallet-crypto.ts'
import { openWallet, type WalletOptions } from '../../src/index.ts'
import { systemClock, systemRandom } from '../../src/kernel/util/ports.ts'
import {
  createMint,
  createMintServer,
  fakeBackend,
  localSignatory,
  mintSchema,
  type MintServerOptions,
} from '../../src/mint-server/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { libraries } from '../kits/crypto-libraries.ts'
import { client } from '../kits/mint-server-client.ts'
import { failure, money } from '../kits/wallet-kit.ts'

async function mintWith(options: Partial<MintServerOptions> = {}) {
  const server = await createMintServer({ store: memoryStore(), lightning: { autoPayMs: 0 }, ...options })
  onTestFinished(() => server.close({ deadlineMs: 0 }))
  return server
}

async function walletWith(options: Partial<WalletOptions> = {}) {
  const wallet = await openWallet({ store: memoryStore(), seed: new Uint8Array(64).fill(3), ...options })
  onTestFinished(() => wallet.close())
  return wallet
}

/** As many coins of one sat. */
async function ones(wallet: Awaited<ReturnType<typeof walletWith>>, mintUrl: string, count: number): Promise<void> {
  await wallet.mints.trust(mintUrl)
  const mint = await wallet.mint.prepare({ mintUrl, amount: 2 * count })
  await mint.refresh()
  await mint.finished()
  const swap = await wallet.swap.prepare({ mintUrl, amounts: Array.from({ length: count }, () => 1) })
  await swap.execute()
}

/** noble's curve; what was computed since the last turn, at most between two turns, and in all. */
function counting() {
  const counts = { since: 0, most: 0, hashed: 0, products: 0 }
  const counted = <A extends readonly unknown[], R>(products: number, call: (...args: A) => R) =>
    (...args: A): R => {
      counts.since += products
      counts.products += products
      counts.most = Math.max(counts.most, counts.since)
      return call(...args)
    } // prettier-ignore
  const curve: typeof nobleCurve = {
    ...nobleCurve,
    hashToCurve: (message) => {
      counts.hashed++
      return nobleCurve.hashToCurve(message)
    },
    timesG: counted(1, (...args: Parameters<typeof nobleCurve.timesG>) => nobleCurve.timesG(...args)),
    plusG: counted(1, (...args: Parameters<typeof nobleCurve.plusG>) => nobleCurve.plusG(...args)),
    plusKey: counted(1, (...args: Parameters<typeof nobleCurve.plusKey>) => nobleCurve.plusKey(...args)),
    sumWithKey: counted(2, (...args: Parameters<typeof nobleCurve.sumWithKey>) => nobleCurve.sumWithKey(...args)),
    sum: counted(2, (...args: Parameters<typeof nobleCurve.sum>) => nobleCurve.sum(...args)),
    secretTimesG: counted(1, (...args: Parameters<typeof nobleCurve.secretTimesG>) => nobleCurve.secretTimesG(...args)),
    secretTimes: counted(1, (...args: Parameters<typeof nobleCurve.secretTimes>) => nobleCurve.secretTimes(...args)),
  }
  const turn = (): Promise<void> => {
    counts.since = 0
    return Promise.resolve()
  }
  return { curve, counts, turn }
}

/** A blind signature's check is two sums of two products, and unblinding one product. */
const OF_ONE_OUTPUT = 5

test('between two turns a wallet computes for one output, and finds the point of each secret once', async () => {
  const { url } = await mintWith()
  const { curve, counts, turn } = counting()
  const wallet = await walletWith({ crypto: walletCrypto(curve), clock: { ...systemClock, turn } })
  await ones(wallet, url, 40)
  Object.assign(counts, { most: 0, hashed: 0, products: 0 })
  const swap = await wallet.swap.prepare({ mintUrl: url, amounts: Array.from({ length: 20 }, () => 2) })
  await swap.execute()
  const outputs = counts.products / (OF_ONE_OUTPUT + 1)
  expect(outputs).toBeGreaterThanOrEqual(20)
  expect(counts.hashed).toBe(outputs)
  expect(counts.most).toBeLessThanOrEqual(OF_ONE_OUTPUT)
})

test('up to 16 outputs are blinded in one go, and more of them one by one', async () => {
  const { url } = await mintWith({ amounts: [1] })
  const { curve, counts, turn } = counting()
  const wallet = await walletWith({ crypto: walletCrypto(curve), clock: { ...systemClock, turn } })
  await wallet.mints.trust(url)
  const most = async (amount: number): Promise<number> => {
    counts.most = 0
    const mint = await wallet.mint.prepare({ mintUrl: url, amount })
    await mint.refresh()
    await mint.finished()
    return counts.most
  }
  expect(await most(17)).toBeLessThan(10)
  expect(await most(16)).toBeGreaterThanOrEqual(16)
})

test('a mint looks at one output between two turns, and reads each once', async () => {
  let [since, most, read] = [0, 0, 0]
  const crypto = mintCrypto({
    ...nobleCurve,
    parse(hex) {
      read++
      most = Math.max(most, ++since)
      return nobleCurve.parse(hex)
    },
  })
  const store = await memoryStore().open(mintSchema)
  const mint = await createMint({
    store,
    crypto,
    signatory: localSignatory({ seed: new Uint8Array(32), crypto }),
    backend: fakeBackend({ store, clock: Date.now, random: systemRandom, autoPayMs: 0 }),
    turn: async () => void (since = 0),
  })
  onTestFinished(() => mint.close({ deadlineMs: 0 }))
  const wallet = client((...request) => mint.handle(...request), nobleCrypto)
  read = most = 0
  expect(await wallet.mint(Array.from({ length: 100 }, () => 1))).toHaveLength(100)
  // And once each the keys and the signature by which the mint checks its signatory.
  expect(read).toBeLessThanOrEqual(103)
  expect(most).toBeLessThanOrEqual(3)
})

test('the quickest that is installed is taken, and named', async () => {
  const native = libraries.find(({ name }) => name === 'secp256k1')
  const server = await mintWith({ crypto: 'auto' })
  const wallet = await walletWith({ crypto: 'auto' })
  expect(wallet.crypto.name).toBe(libraries.at(-1)?.name ?? 'noble')
  expect(wallet.crypto.passedOver.map(({ name }) => name)).toEqual(native ? [] : ['secp256k1', 'wasm'].slice(0, 2 - libraries.length)) // prettier-ignore
  expect(server.crypto.name).toBe(native ? 'secp256k1' : 'noble')
  // WebAssembly is not taken for a mint's private keys.
  expect(server.crypto.passedOver.map(({ name }) => name)).toEqual(native ? [] : ['secp256k1', 'wasm'])
  await ones(wallet, server.url, 5)
  const send = await wallet.send.prepare({ mintUrl: server.url, amount: 3 })
  const { token } = await send.execute()
  const friend = await walletWith({ seed: new Uint8Array(64).fill(4) })
  await friend.mints.trust(server.url)
  expect((await (await friend.receive.prepare({ token })).execute()).state).toBe('received')
  expect([friend.crypto, (await mintWith()).crypto]).toEqual(Array.from({ length: 2 }, () => ({ name: 'noble', passedOver: [] }))) // prettier-ignore
})

test.each(libraries.map((library) => [library.name, library] as const))('%s serves a wallet and a mint', async (name, library) => {
  const server = await mintWith({ crypto: library.mint })
  const wallet = await walletWith({ crypto: library.wallet })
  expect([server.crypto, wallet.crypto]).toEqual(Array.from({ length: 2 }, () => ({ name, passedOver: [] })))
  await ones(wallet, server.url, 20)
  expect((await money({ wallet })).spendable).toBe(40)
}) // prettier-ignore

test('another word than auto is refused by name', async () => {
  const quick: never = 'quick' as never
  expect(await failure(openWallet({ store: memoryStore(), seed: new Uint8Array(64), crypto: quick }))).toBeInstanceOf(
    TypeError,
  )
  expect(await failure(createMintServer({ store: memoryStore(), crypto: quick }))).toBeInstanceOf(TypeError)
})

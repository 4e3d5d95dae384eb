/**
 * Goal: whichever library does the sums, all of it comes out the same, also for what is no point or scalar. Method: each library that
 * loads is asked the same as noble, whose answers are held against the vectors and cashu-ts in `crypto.test.ts`.
 */
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bls12_381 } from '@noble/curves/bls12-381.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CryptoHalves } from '../../src/cashu/crypto.ts'
import { noPoint, type Curve } from '../../src/cashu/curve.ts'
import { mintCrypto } from '../../src/cashu/mint-crypto.ts'
import { nobleCrypto } from '../../src/cashu/noble-crypto.ts'
import { nobleCurve } from '../../src/cashu/noble-curve.ts'
import { nobleMintCrypto } from '../../src/cashu/noble-mint-crypto.ts'
import { walletCrypto } from '../../src/cashu/wallet-crypto.ts'
import { quickest } from '../../src/crypto/auto.ts'
import { nativeOf } from '../../src/crypto/secp256k1.ts'
import { wasmOf } from '../../src/crypto/wasm-of.ts'
import { libraries } from '../kits/crypto-libraries.ts'

const { Point } = secp256k1
const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const P = 2n ** 256n - 0x1000003d1n
const hex = (n: bigint): string => n.toString(16).padStart(64, '0')
const scalars = fc.oneof(fc.bigInt({ min: 1n, max: N - 1n }), fc.constantFrom(1n, 2n, N - 1n)).map(hex)
const noble: CryptoHalves = { name: 'noble', wallet: nobleCrypto, mint: nobleMintCrypto }

const of = (k: Uint8Array): bigint => BigInt(`0x${bytesToHex(k)}`)
const outcomeIsError = (call: () => unknown): boolean => {
  try {
    call()
    return false
  } catch {
    return true
  }
}

/** What a call gives, or the code that it throws. */
function outcome(call: () => unknown): unknown {
  try {
    return call()
  } catch (error) {
    return error instanceof Error && 'code' in error ? { code: error.code } : { error }
  }
}

describe.each(libraries.map((library) => [library.name, library] as const))('%s', (_, { wallet, mint }) => {
  const both = (ask: (of: CryptoHalves) => unknown): unknown => {
    const theirs = outcome(() => ask(noble))
    expect(outcome(() => ask({ name: '', wallet, mint }))).toEqual(theirs)
    return theirs
  }

  test('does what noble does, with what there is', () => {
    fc.assert(
      fc.property(fc.string(), scalars, scalars, (secret, r, a) => {
        both((of) => of.wallet.hashToCurve(secret))
        both((of) => of.mint.hashToCurve(secret))
        const A = noble.wallet.publicKey(a)
        const B_ = noble.wallet.blind(secret, r)
        const { C_, dleq } = noble.mint.sign(B_, a)
        const C = noble.wallet.unblind(C_, r, A)
        both((of) => of.wallet.publicKey(a))
        both((of) => of.mint.publicKey(a))
        both((of) => of.wallet.blind(secret, r))
        both((of) => of.mint.sign(B_, a))
        both((of) => of.wallet.unblind(C_, r, A))
        for (const key of [A, B_]) {
          both((of) => of.wallet.verifyDleq(B_, C_, key, dleq))
          both((of) => of.mint.verifyDleq(B_, C_, key, dleq))
          both((of) => of.wallet.verifyDleq(C_, C_, key, dleq))
          both((of) => of.wallet.verifyDleq(B_, C_, key, { e: dleq.s, s: dleq.e }))
          both((of) => of.wallet.verifyProofDleq(secret, C, key, { ...dleq, r }))
          both((of) => of.wallet.verifyProofDleq(secret, C_, key, { ...dleq, r }))
        }
        both((of) => of.mint.verify(secret, C, a))
        both((of) => of.mint.verify(secret, C_, a))
      }),
      { numRuns: 20 },
    )
  })

  test('derives the same secrets and keys', () => {
    const seeds = fc.uint8Array({ minLength: 16, maxLength: 64 })
    fc.assert(
      fc.property(seeds, fc.nat(), fc.nat({ max: 2 ** 31 - 2 }), (seed, index, counter) => {
        for (const id of ['009a1f293253e41e', `01${'5a'.repeat(32)}`])
          for (const at of [counter, counter + 1]) both((of) => of.wallet.deriver(seed, id)(at))
        both((of) => of.mint.keysetKeys(seed, 'sat', index, [1, 2, 64]))
      }),
      { numRuns: 20 },
    )
  })

  test('takes the vectors of NUT-00, NUT-12 and NUT-13', () => {
    const zeros = '\0'.repeat(31)
    expect(wallet.hashToCurve(`${zeros}\u0001`)).toBe(
      '022e7158e11c9506f1aa4248bf531298daa7febd6194f003edcd9b93ade6253acf',
    )
    const B_ = '02a9acc1e48c25eeeb9289b5031cc57da9fe72f3fe2861d264bdc074209b107ba2'
    expect(mint.sign(B_, '7f'.repeat(32)).C_).toBe('0398bc70ce8184d27ba89834d19f5199c84443c31131e48d3c1214db24247d005d')
    expect(mint.sign(B_, hex(2n))).toEqual({
      C_: '0244eccfc7a348274458bb38044c7f3c389b3c2086c7ec18b5812d2877ab937787',
      dleq: {
        e: '2a16ffee280aff3c429045607f9b8e0bf8b35910c44c1b20b9dfaf01b263d7b3',
        s: '9df27731238334718d120d4f74611a7c668233f988e687ac3fb188f0a34a2dab',
      },
    })
    const dleq = {
      e: 'b31e58ac6527f34975ffab13e70a48b6d2b0d35abc4b03f0151f09ee1a9763d4',
      s: '8fbae004c59e754d71df67e392b6ae4e29293113ddc2ec86592a0431d16306d8',
      r: 'a6d13fcd7a18442e6076f5e1e7c887ad5de40a019824bdfa9fe740d302e8d861',
    }
    const secret = 'daf4dd00a2b68a0858a80450f52c8a7d2ccf87d375e43e216e0c571f089f63e9'
    const C = '024369d2d22a80ecf78f3937da9d5f30c1b9f74f0c32684d583cca0fa6a61cdcfc'
    expect(wallet.verifyProofDleq(secret, C, wallet.publicKey(hex(1n)), dleq)).toBe(true)
    const seed = hexToBytes(
      'dd44ee516b0647e80b488e8dcc56d736a148f15276bef588b37057476d4b2b25780d3688a32b37353d6995997842c0fd8b412475c891c16310471fbc86dcbda8',
    )
    expect(wallet.deriver(seed, '009a1f293253e41e')(4)).toEqual({
      secret: '576c23393a8b31cc8da6688d9c9a96394ec74b40fdaf1f693a6bb84284334ea0',
      r: '5f09bfbfe27c439a597719321e061e2e40aad4a36768bb2bcc3de547c9644bf9',
    })
  })

  test('refuses what is no point, in the same words', () => {
    const [a, r] = [hex(5n), hex(7n)]
    const [A, B_] = [noble.wallet.publicKey(a), noble.wallet.blind('secret', r)]
    const { C_, dleq } = noble.mint.sign(B_, a)
    const drawn = fc.oneof(
      fc.uint8Array({ minLength: 33, maxLength: 33 }).map(bytesToHex),
      fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }).map((x) => `02${hex(x)}`),
      // At the ends of the field; no x, and x that is one only below the field's size.
      fc.constantFrom(0n, 5n, P - 1n, P, P + 1n, P + 6n, 2n ** 256n - 1n).map((x) => `03${hex(x)}`),
      fc.constantFrom('', '02', `04${hex(1n)}`, `02${hex(1n)}00`, `0x${hex(1n)}`, B_.toUpperCase(), `${B_}\n`),
      fc.constant(nobleCurve.plain(nobleCurve.parse(B_))),
    )
    fc.assert(
      fc.property(drawn, (point) => {
        both((of) => of.mint.isPoint(point))
        both((of) => of.mint.sign(point, a))
        both((of) => of.mint.verify('secret', point, a))
        both((of) => of.wallet.unblind(point, r, A))
        both((of) => of.wallet.unblind(C_, r, point))
        both((of) => of.wallet.verifyDleq(point, C_, A, dleq))
        both((of) => of.wallet.verifyDleq(B_, point, A, dleq))
        both((of) => of.wallet.verifyDleq(B_, C_, point, dleq))
        both((of) => of.wallet.verifyProofDleq('secret', point, A, { ...dleq, r }))
      }),
      { numRuns: 60 },
    )
  })

  test('refuses scalars of zero, at the order and above, and sums that are infinite', () => {
    const [a, r] = [5n, 7n]
    const [A, B_] = [noble.wallet.publicKey(hex(a)), noble.wallet.blind('secret', hex(r))]
    const { C_, dleq } = noble.mint.sign(B_, hex(a))
    for (const bad of [hex(0n), hex(N), hex(N + 1n), hex(2n ** 256n - 1n), '', '1', 'zz'.repeat(32)]) {
      const code = { code: 'SCALAR_MALFORMED' }
      expect(both((of) => of.wallet.blind('secret', bad))).toEqual(code)
      expect(both((of) => of.wallet.unblind(C_, bad, A))).toEqual(code)
      expect(both((of) => of.wallet.publicKey(bad))).toEqual(code)
      expect(both((of) => of.mint.sign(B_, bad))).toEqual(code)
      for (const part of ['e', 's'] as const)
        expect(both((of) => of.wallet.verifyDleq(B_, C_, A, { ...dleq, [part]: bad }))).toBe(false)
      expect(both((of) => of.wallet.verifyProofDleq('secret', C_, A, { ...dleq, r: bad }))).toBe(false)
    }
    // rA − rA, and sG − eA of s = e·a.
    const rA = noble.wallet.publicKey(hex(a * r))
    expect(both((of) => of.wallet.unblind(rA, hex(r), A))).toEqual({ code: 'POINT_MALFORMED' })
    const e = BigInt(`0x${dleq.e}`)
    expect(both((of) => of.wallet.verifyDleq(B_, C_, A, { e: dleq.e, s: hex((e * a) % N) }))).toBe(false)
  })

  test('computes on, however much was refused', () => {
    const [a, r] = [hex(5n), hex(7n)]
    const A = noble.wallet.publicKey(a)
    const rA = noble.wallet.publicKey(hex(35n))
    for (let n = 0; n < 5_000; n++) {
      expect(mint.isPoint(`02${hex(P + BigInt(n))}`)).toBe(false)
      expect(outcome(() => wallet.unblind(rA, r, A))).toEqual({ code: 'POINT_MALFORMED' })
    }
    both((of) => of.wallet.blind('secret', r))
  })
})

describe('a library that is not there', () => {
  const missing = (): Promise<never> =>
    Promise.reject(Object.assign(new Error("Cannot find package 'x'"), { code: 'ERR_MODULE_NOT_FOUND' }))
  const unbuilt = (): Promise<never> =>
    Promise.reject(new Error('No native build was found for platform=x\n  loaded: y'))

  test.each([
    ['secp256k1', nativeOf],
    ['tiny-secp256k1', wasmOf],
  ])('%s is refused with a word on how to get it', async (name, of) => {
    const refused = (message: RegExp): unknown => expect.objectContaining({ code: 'CRYPTO_UNAVAILABLE', message: expect.stringMatching(message) as unknown }) // prettier-ignore
    await expect(of(missing)).rejects.toEqual(refused(new RegExp(`^${name} is not installed: npm install ${name}$`)))
    await expect(of(unbuilt)).rejects.toEqual(refused(/No native build was found for platform=x\)?(: npm rebuild|$)/))
    await expect(of(() => Promise.resolve({ default: {} }))).rejects.toEqual(refused(/lacks what is needed/))
  })

  test('and one that computes wrongly is not used', async () => {
    const wrong = new Uint8Array(65).fill(4)
    const binding = Object.fromEntries(
      ['publicKeyVerify', 'publicKeyConvert', 'publicKeyCreate', 'publicKeyCombine', 'publicKeyTweakMul', 'ecdh'].map(
        (name) => [name, () => wrong],
      ),
    )
    await expect(nativeOf(() => Promise.resolve({ default: binding }))).rejects.toThrow('secp256k1 computes wrongly')
  })

  const right = {
    isPoint: (bytes: Uint8Array) => !outcomeIsError(() => Point.fromBytes(bytes)),
    pointCompress: (bytes: Uint8Array) => Point.fromBytes(bytes).toBytes(false),
    pointAdd: (one: Uint8Array, other: Uint8Array) => Point.fromBytes(one).add(Point.fromBytes(other)).toBytes(false),
    pointMultiply: (point: Uint8Array, k: Uint8Array) => Point.fromBytes(point).multiply(of(k)).toBytes(false),
    pointFromScalar: (k: Uint8Array) => Point.BASE.multiply(of(k)).toBytes(false),
  }

  test('of one that is right each function is asked', async () => {
    expect((await wasmOf(() => Promise.resolve(right))).name).toBe('wasm')
  })

  test.each<[string, object]>([
    ['isPoint', { isPoint: () => true }],
    ['pointCompress', { pointCompress: () => Point.BASE.toBytes(false) }],
    ['pointAdd', { pointAdd: () => Point.BASE.toBytes(false) }],
    ['pointMultiply', { pointMultiply: (point: Uint8Array) => point }],
    ['pointFromScalar', { pointFromScalar: () => Point.BASE.toBytes(false) }],
  ])('one whose %s alone is wrong is not used', async (_, wrong) => {
    await expect(wasmOf(() => Promise.resolve({ ...right, ...wrong }))).rejects.toMatchObject({
      code: 'CRYPTO_UNAVAILABLE',
      message: 'wasm computes wrongly',
    })
  })

  test('is passed over, and the choice says so', async () => {
    const there = (): Promise<CryptoHalves> => Promise.resolve({ ...noble, name: 'b' })
    expect(
      await quickest([
        ['a', () => nativeOf(unbuilt)],
        ['b', there],
        ['c', missing],
      ]),
    ).toMatchObject({
      // prettier-ignore
      crypto: { name: 'b' },
      inUse: { name: 'b', passedOver: [{ name: 'a', reason: expect.stringContaining('No native build') as unknown }] },
    })
    const { inUse } = await quickest([['a', () => wasmOf(missing)]])
    expect(inUse).toEqual({
      name: 'noble',
      passedOver: [{ name: 'a', reason: 'tiny-secp256k1 is not installed: npm install tiny-secp256k1' }],
    })
  })
})

test('a second curve fits: BLS12-381', () => {
  const { Point } = bls12_381.G1
  type Bls = InstanceType<typeof Point>
  const finite = (point: Bls): Bls => {
    if (point.is0()) throw noPoint()
    return point
  }
  const curve: Curve<Bls> = {
    name: 'bls12-381',
    order: Point.Fn.ORDER,
    parse(text) {
      try {
        return finite(Point.fromHex(text))
      } catch (cause) {
        throw noPoint('no point of G1', cause)
      }
    },
    hex: (point) => finite(point).toHex(),
    plain: (point) => finite(point).toHex(false),
    hashToCurve: (message) => bls12_381.G1.hashToCurve(message),
    timesG: (k) => Point.BASE.multiplyUnsafe(k),
    plusG: (point, k) => finite(point.add(Point.BASE.multiplyUnsafe(k))),
    plusKey: (point, A, k) => finite(point.add(A.multiplyUnsafe(k))),
    sumWithKey: (a, b, A) => finite(Point.BASE.multiplyUnsafe(a).add(A.multiplyUnsafe(b))),
    sum: (a, one, b, other) => finite(one.multiplyUnsafe(a).add(other.multiplyUnsafe(b))),
    secretTimesG: (k) => Point.BASE.multiply(k),
    secretTimes: (point, k) => point.multiply(k),
  }
  const [wallet, mint] = [walletCrypto(curve), mintCrypto(curve)]
  const a = mint.keysetKeys(new Uint8Array(32), 'sat', 0, [1])['1'] ?? ''
  const { secret, r } = wallet.deriver(new Uint8Array(64), `01${'00'.repeat(32)}`)(0)
  const [A, B_] = [mint.publicKey(a), wallet.blind(secret, r)]
  const { C_, dleq } = mint.sign(B_, a)
  const C = wallet.unblind(C_, r, A)
  expect(B_).toHaveLength(96)
  expect(mint.verify(secret, C, a)).toBe(true)
  expect(wallet.verifyDleq(B_, C_, A, dleq)).toBe(true)
  expect(wallet.verifyProofDleq(secret, C, A, { ...dleq, r })).toBe(true)
  expect(wallet.verifyDleq(B_, C_, B_, dleq)).toBe(false)
  expect(mint.isPoint(hex(1n))).toBe(false)
})

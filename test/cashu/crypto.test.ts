import {
  blindMessage,
  createBlindSignature,
  createDLEQProof,
  deriveKeysetId,
  deriveSecretAndBlindingFactor,
  hashToCurve,
  pointFromHex,
  signMintQuote,
  unblindSignature,
  verifyDLEQProof,
  verifyDLEQProof_reblind,
  verifyMintQuoteSignature,
} from '@cashu/cashu-ts'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { MintCrypto, SignatoryCrypto, MintRequestForm, WalletCrypto } from '../../src/cashu/crypto.ts'
import { dleqChallenge } from '../../src/cashu/dleq.ts'
import { keysetVersion } from '../../src/cashu/keyset-id.ts'
import { mintRequestDigest } from '../../src/cashu/mint-request.ts'
import { nobleCrypto } from '../../src/cashu/noble-crypto.ts'
import { nobleCurve } from '../../src/cashu/noble-curve.ts'
import { nobleMintCrypto } from '../../src/cashu/noble-mint-crypto.ts'
import { stubCrypto } from '../../src/testing/environments/stub-crypto.ts'
import { libraries } from '../kits/crypto-libraries.ts'
import { idVectors } from '../kits/cashu-keyset-vectors.ts'

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const scalarHex = fc.bigInt({ min: 1n, max: N - 1n }).map((n) => n.toString(16).padStart(64, '0'))
const keysetIds = fc.oneof(
  bytes(7).map((id) => `00${bytesToHex(id)}`),
  bytes(32).map((id) => `01${bytesToHex(id)}`),
)
const SEED = hexToBytes(
  'dd44ee516b0647e80b488e8dcc56d736a148f15276bef588b37057476d4b2b25780d3688a32b37353d6995997842c0fd8b412475c891c16310471fbc86dcbda8',
)

describe('against cashu-ts', () => {
  test('hash_to_curve', () => {
    fc.assert(
      fc.property(fc.string(), (secret) => {
        expect(nobleCrypto.hashToCurve(secret)).toBe(hashToCurve(utf8ToBytes(secret)).toHex())
      }),
      { numRuns: 60 },
    )
  })

  test('blind, sign, unblind and prove', () => {
    fc.assert(
      fc.property(fc.string(), scalarHex, scalarHex, (secret, r, a) => {
        const theirs = blindMessage(utf8ToBytes(secret), BigInt(`0x${r}`))
        const B_ = nobleCrypto.blind(secret, r)
        expect(B_).toBe(theirs.B_.toHex())

        const A = nobleCrypto.publicKey(a)
        const { C_, dleq } = nobleMintCrypto.sign(B_, a)
        expect(C_).toBe(createBlindSignature(theirs.B_, hexToBytes(a), '').C_.toHex())
        // The nonce is derived from key and points, so the whole proof is the same.
        const proof = createDLEQProof(theirs.B_, hexToBytes(a))
        expect(dleq).toEqual({ e: bytesToHex(proof.e), s: bytesToHex(proof.s) })
        expect(verifyDLEQProof(proof, theirs.B_, pointFromHex(C_), pointFromHex(A))).toBe(true)
        expect(nobleCrypto.verifyDleq(B_, C_, A, dleq)).toBe(true)

        const C = nobleCrypto.unblind(C_, r, A)
        expect(C).toBe(unblindSignature(pointFromHex(C_), BigInt(`0x${r}`), pointFromHex(A)).toHex())
        expect(nobleMintCrypto.verify(secret, C, a)).toBe(true)
        const reblind = { ...proof, r: BigInt(`0x${r}`) }
        expect(verifyDLEQProof_reblind(utf8ToBytes(secret), reblind, pointFromHex(C), pointFromHex(A))).toBe(true)
        expect(nobleCrypto.verifyProofDleq(secret, C, A, { ...dleq, r })).toBe(true)
      }),
      { numRuns: 25 },
    )
  })

  test('secrets and blinding factors of both keyset versions', () => {
    const counters = fc.array(fc.integer({ min: 0, max: 2 ** 31 - 1 }), { minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 64 }), keysetIds, counters, (seed, id, many) => {
        const derive = nobleCrypto.deriver(seed, id)
        for (const counter of many) {
          const theirs = deriveSecretAndBlindingFactor(seed, id, counter)
          expect(derive(counter)).toEqual({
            secret: bytesToHex(theirs.secret),
            r: bytesToHex(theirs.blindingFactor),
          })
        }
      }),
      { numRuns: 60 },
    )
  })

  test('keyset ids of both versions', () => {
    const contents = fc.record({
      keys: fc.dictionary(
        fc.bigInt({ min: 1n, max: 2n ** 63n }).map(String),
        bytes(32).map((x) => `02${bytesToHex(x)}`),
        { minKeys: 1, maxKeys: 70 },
      ),
      unit: fc.constantFrom('sat', 'usd', 'eur'),
      inputFeePpk: fc.nat({ max: 1000 }),
      finalExpiry: fc.option(fc.nat(), { nil: undefined }),
    })
    fc.assert(
      fc.property(contents, (keyset) => {
        const options = {
          unit: keyset.unit,
          input_fee_ppk: keyset.inputFeePpk,
          ...(keyset.finalExpiry !== undefined && { expiry: keyset.finalExpiry }),
        }
        const [v1, v2] = [0, 1].map((versionByte) => deriveKeysetId(keyset.keys, { ...options, versionByte })) as [
          string,
          string,
        ]
        expect(nobleCrypto.keysetId(v1, keyset)).toBe(v1)
        expect(nobleCrypto.keysetId(v2, keyset)).toBe(v2)
        expect(nobleMintCrypto.keysetId(keyset)).toBe(v2)
        expect([v1, v2].map(keysetVersion)).toEqual(['00', '01'])
      }),
    )
  })

  test('mint request signatures in the plain form', () => {
    const outputs = fc.array(
      scalarHex.map((key) => nobleCrypto.publicKey(key)),
      { maxLength: 3 },
    )
    fc.assert(
      fc.property(scalarHex, fc.uuid(), outputs, (key, quoteId, B_s) => {
        const ours = B_s.map((B_) => ({ amount: 1, B_ }))
        const theirs = ours.map(({ B_ }) => ({ B_, amount: 1 as never, id: '' }))
        const pubkey = nobleCrypto.publicKey(key)
        const signature = nobleCrypto.signMintRequest(key, quoteId, ours, 'plain')
        expect(verifyMintQuoteSignature(pubkey, quoteId, theirs, signature)).toBe(true)
        expect(nobleMintCrypto.verifyMintRequest(pubkey, quoteId, ours, signMintQuote(key, quoteId, theirs))).toBe(true)
      }),
      { numRuns: 10 },
    )
  })
})

/** One test each, and each title begins with its NUT: `npm run conformance` counts them. */
describe('the vectors of the NUTs', () => {
  // The vectors hash bytes; these, read as UTF-8, are the same bytes.
  const message = (last: number) => String.fromCharCode(...new Uint8Array(31), last)
  test.each([
    [0, '024cce997d3b518f739663b757deaec95bcd9473c30a14ac2fd04023a739d1a725'],
    [1, '022e7158e11c9506f1aa4248bf531298daa7febd6194f003edcd9b93ade6253acf'],
    [2, '026cdbe15362df59cd1dd3c9c11de8aedac2106eca69236ecd9fbe117af897be4f'],
  ])('NUT-00: hash_to_curve of 31 zeros and %i', (last, point) => {
    expect(nobleCrypto.hashToCurve(message(last))).toBe(point)
  })

  const B_ = '02a9acc1e48c25eeeb9289b5031cc57da9fe72f3fe2861d264bdc074209b107ba2'
  test.each([
    ['1'.padStart(64, '0'), B_],
    ['7f'.repeat(32), '0398bc70ce8184d27ba89834d19f5199c84443c31131e48d3c1214db24247d005d'],
  ])('NUT-00: the blind signature by %s', (key, C_) => {
    expect(nobleMintCrypto.sign(B_, key).C_).toBe(C_)
  })

  test.each(idVectors)('NUT-02: keyset id $id', ({ id, ...contents }) => {
    const keyset = { ...contents, unit: 'sat' }
    expect(nobleCrypto.keysetId(id, keyset)).toBe(id)
    expect(nobleMintCrypto.keysetId(keyset, id.slice(0, 2) as '00' | '01')).toBe(id)
  })

  test('NUT-12: the challenge', () => {
    const R = nobleCurve.parse(`02${'1'.padStart(64, '0')}`)
    expect(dleqChallenge(nobleCurve, [R, R, R, nobleCurve.parse(B_)])).toBe(
      'a4dc034b74338c28c6bc3ea49731f2a24440fc7c4affc08b31a93fc9fbe6401e',
    )
  })

  test('NUT-12: the nonce that follows from key and points', () => {
    expect(nobleMintCrypto.sign(B_, '2'.padStart(64, '0'))).toEqual({
      C_: '0244eccfc7a348274458bb38044c7f3c389b3c2086c7ec18b5812d2877ab937787',
      dleq: {
        e: '2a16ffee280aff3c429045607f9b8e0bf8b35910c44c1b20b9dfaf01b263d7b3',
        s: '9df27731238334718d120d4f74611a7c668233f988e687ac3fb188f0a34a2dab',
      },
    })
  })

  const A = '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'
  test('NUT-12: the proof of a blind signature', () => {
    expect(nobleMintCrypto.publicKey('1'.padStart(64, '0'))).toBe(A)
    const dleq = {
      e: '9818e061ee51d5c8edc3342369a554998ff7b4381c8652d724cdf46429be73d9',
      s: '9818e061ee51d5c8edc3342369a554998ff7b4381c8652d724cdf46429be73da',
    }
    expect(nobleCrypto.verifyDleq(B_, B_, A, dleq)).toBe(true)
  })

  test('NUT-12: the proof of a signature', () => {
    const proof = {
      e: 'b31e58ac6527f34975ffab13e70a48b6d2b0d35abc4b03f0151f09ee1a9763d4',
      s: '8fbae004c59e754d71df67e392b6ae4e29293113ddc2ec86592a0431d16306d8',
      r: 'a6d13fcd7a18442e6076f5e1e7c887ad5de40a019824bdfa9fe740d302e8d861',
    }
    const secret = 'daf4dd00a2b68a0858a80450f52c8a7d2ccf87d375e43e216e0c571f089f63e9'
    const C = '024369d2d22a80ecf78f3937da9d5f30c1b9f74f0c32684d583cca0fa6a61cdcfc'
    expect(nobleCrypto.verifyProofDleq(secret, C, A, proof)).toBe(true)
  })

  test('NUT-13: both derivations', () => {
    const v1 = nobleCrypto.deriver(SEED, '009a1f293253e41e')
    expect([v1(0), v1(4)]).toEqual([
      {
        secret: '485875df74771877439ac06339e284c3acfcd9be7abf3bc20b516faeadfe77ae',
        r: 'ad00d431add9c673e843d4c2bf9a778a5f402b985b8da2d5550bf39cda41d679',
      },
      {
        secret: '576c23393a8b31cc8da6688d9c9a96394ec74b40fdaf1f693a6bb84284334ea0',
        r: '5f09bfbfe27c439a597719321e061e2e40aad4a36768bb2bcc3de547c9644bf9',
      },
    ])
    expect(nobleCrypto.deriver(SEED, idVectors[2]!.id)(0)).toEqual({
      secret: 'db5561a07a6e6490f8dadeef5be4e92f7cebaecf2f245356b5b2a4ec40687298',
      r: '6d26181a3695e32e9f88b80f039ba1ae2ab5a200ad4ce9dbc72c6d3769f2b035',
    })
  })

  const framed = [
    '036d6caac248af96f6afa7f904f550253a0f3ef3f5aa2fe6838a95b216691468e2',
    '021f8a566c205633d029094747d2e18f44e05993dda7a5f88f496078205f656e59',
  ].map((B_) => ({ amount: 1, B_ }))
  test.each([
    [
      'NUT-20: a mint request',
      '0192d3c0-7e8a-7c3d-8e9f-1a2b3c4d5e6f',
      'c164fd384879f74ab6ea2e7cf13d90ed42e6df9d5de607eeb5c9cc7d36fb1c21',
      '4881093a332ff7c79f3e598ce5b249d64978b47165a0b19c18adf0ced0246228e61e702f0abaf1bf27b92be4336bdbabacfbe4c914076386b3c66fdcd0b3480e',
    ],
    [
      'NUT-29: one of a batch',
      '019e6d5a-2347-7000-8c81-a1e0dbf3299f',
      'dad25acc587637206d73398894d337f983a0ca644746e8673727eaa0b29fa9b4',
      '0c39431338a0202568b9a1d4215c99f179cbb8ee5472ac5ae7133fbb8f99cafbb9e425ad33c60224c96b8f9f984f004379a18e9558468d129b6b03f0da6de162',
    ],
  ])('%s, signed in the framed form', (_, quoteId, digest, signature) => {
    expect(bytesToHex(mintRequestDigest(quoteId, framed, 'framed'))).toBe(digest)
    const check = (outputs: typeof framed) => nobleMintCrypto.verifyMintRequest(A, quoteId, outputs, signature)
    expect(check(framed)).toBe(true)
    expect(check(framed.toReversed())).toBe(false)
    // The framed form covers the amounts.
    expect(check(framed.map((output) => ({ ...output, amount: 256 })))).toBe(false)
  })

  const plain = [
    '0342e5bcc77f5b2a3c2afb40bb591a1e27da83cddc968abdc0ec4904201a201834',
    '032fd3c4dc49a2844a89998d5e9d5b0f0b00dde9310063acb8a92e2fdafa4126d4',
    '033b6fde50b6a0dfe61ad148fff167ad9cf8308ded5f6f6b2fe000a036c464c311',
    '02be5a55f03e5c0aaea77595d574bce92c6d57a2a0fb2b5955c0b87e4520e06b53',
    '02209fc2873f28521cbdde7f7b3bb1521002463f5979686fd156f23fe6a8aa2b79',
  ].map((B_) => ({ amount: 1, B_ }))
  test.each([
    [
      true,
      'd4b386f21f7aa7172f0994ee6e4dd966539484247ea71c99b81b8e09b1bb2acbc0026a43c221fd773471dc30d6a32b04692e6837ddaccf0830a63128308e4ee0',
    ],
    [
      false,
      'cb2b8e7ea69362dfe2a07093f2bbc319226db33db2ef686c940b5ec976bcbfc78df0cd35b3e998adf437b09ee2c950bd66dfe9eb64abd706e43ebc7c669c36c3',
    ],
  ])('NUT-20: a mint request in the plain form, signed: %s', (isSigned, signature) => {
    const key = '03d56ce4e446a85bbdaa547b4ec2b073d40ff802831352b8272b7dd7a4de5a7cac'
    const quoteId = '9d745270-1405-46de-b5c5-e2762b4f5e00'
    expect(nobleMintCrypto.verifyMintRequest(key, quoteId, plain, signature)).toBe(isSigned)
  })
})

/** What the wallet and the mint rely on, of whichever crypto. */
describe.each<[string, WalletCrypto, MintCrypto & SignatoryCrypto, number]>([
  ['noble', nobleCrypto, nobleMintCrypto, 8],
  ['stub', stubCrypto, stubCrypto, 300],
  ...libraries.map(({ name, wallet, mint }): [string, WalletCrypto, MintCrypto & SignatoryCrypto, number] => [
    ...([name, wallet, mint, 8] as const),
  ]),
])('the algebra of %s', (_, wallet, mint, numRuns) => {
  const keys = mint.keysetKeys(SEED, 'sat', 0, [1, 2])
  const [a, otherKey] = [keys['1']!, keys['2']!]
  const [A, otherA] = [wallet.publicKey(a), wallet.publicKey(otherKey)]
  const outputs = fc.tuple(bytes(32), keysetIds, fc.nat({ max: 1000 })).map(([seed, id, counter]) => {
    const derive = wallet.deriver(seed, id)
    return [derive(counter), derive(counter + 1)] as const
  })
  const POINT = /^0[23][0-9a-f]{64}$/
  const SCALAR = /^[0-9a-f]{64}$/

  test('right pieces fit, wrong ones don’t', () => {
    fc.assert(
      fc.property(outputs, ([mine, other]) => {
        const B_ = wallet.blind(mine.secret, mine.r)
        const otherB_ = wallet.blind(other.secret, other.r)
        const { C_, dleq } = mint.sign(B_, a)
        const C = wallet.unblind(C_, mine.r, A)
        for (const shape of [B_, C_, C, A, wallet.hashToCurve(mine.secret)]) expect(shape).toMatch(POINT)
        for (const shape of [dleq.e, dleq.s, mine.r, a]) expect(shape).toMatch(SCALAR)
        expect(mint.verify(mine.secret, C, a)).toBe(true)
        expect(wallet.verifyDleq(B_, C_, A, dleq)).toBe(true)
        expect(wallet.verifyProofDleq(mine.secret, C, A, { ...dleq, r: mine.r })).toBe(true)

        // Unblinded with the wrong r or the wrong key.
        expect(mint.verify(mine.secret, wallet.unblind(C_, other.r, A), a)).toBe(false)
        expect(mint.verify(mine.secret, wallet.unblind(C_, mine.r, otherA), a)).toBe(false)
        // Paired with the wrong output, the wrong key, the wrong secret.
        const second = mint.sign(otherB_, a)
        expect(mint.verify(other.secret, wallet.unblind(C_, other.r, A), a)).toBe(false)
        expect(mint.verify(other.secret, C, a)).toBe(false)
        expect(mint.verify(mine.secret, C, otherKey)).toBe(false)
        expect(wallet.verifyDleq(otherB_, C_, A, dleq)).toBe(false)
        expect(wallet.verifyDleq(B_, second.C_, A, dleq)).toBe(false)
        expect(wallet.verifyDleq(B_, C_, otherA, dleq)).toBe(false)
        expect(wallet.verifyDleq(B_, C_, A, second.dleq)).toBe(false)
        expect(wallet.verifyDleq(B_, C_, A, { e: dleq.s, s: dleq.e })).toBe(false)
        expect(wallet.verifyProofDleq(other.secret, C, A, { ...dleq, r: mine.r })).toBe(false)
        expect(wallet.verifyProofDleq(mine.secret, C, A, { ...dleq, r: other.r })).toBe(false)
        expect(wallet.verifyProofDleq(mine.secret, C, otherA, { ...dleq, r: mine.r })).toBe(false)
      }),
      { numRuns },
    )
  })

  test('what is no point or scalar', () => {
    const r = wallet.deriver(SEED, '00aabbccddeeff00')(0).r
    const B_ = wallet.blind('secret', r)
    const { C_, dleq } = mint.sign(B_, a)
    // No x on the curve (or in the stub's group), no scalar below the order, no hex.
    for (const bad of [`02${'f'.repeat(64)}`, '00'.repeat(33), 'zz'.repeat(33), '']) {
      expect(wallet.verifyDleq(bad, C_, A, dleq)).toBe(false)
      expect(wallet.verifyDleq(B_, bad, A, dleq)).toBe(false)
      expect(wallet.verifyDleq(B_, C_, bad, dleq)).toBe(false)
      expect(wallet.verifyProofDleq('secret', bad, A, { ...dleq, r })).toBe(false)
      expect(() => wallet.unblind(bad, r, A)).toThrow(expect.objectContaining({ code: 'POINT_MALFORMED' }))
      expect(() => mint.sign(bad, a)).toThrow(expect.objectContaining({ code: 'POINT_MALFORMED' }))
    }
    for (const bad of ['0'.repeat(64), 'f'.repeat(64), '1', '']) {
      expect(wallet.verifyDleq(B_, C_, A, { ...dleq, e: bad })).toBe(false)
      expect(wallet.verifyDleq(B_, C_, A, { ...dleq, s: bad })).toBe(false)
      expect(wallet.verifyProofDleq('secret', C_, A, { ...dleq, r: bad })).toBe(false)
      expect(() => wallet.blind('secret', bad)).toThrow(expect.objectContaining({ code: 'SCALAR_MALFORMED' }))
    }
  })

  test('no two counters, keysets or seeds share a secret or a blinding factor', () => {
    const seen = new Set<string>()
    const seeds = [SEED, SEED.toReversed()]
    const ids = ['00aabbccddeeff00', '00aabbccddeeff01', `01${'ab'.repeat(32)}`, `01${'ac'.repeat(32)}`]
    const counters = numRuns > 50 ? 5000 : 20
    for (const seed of seeds) {
      for (const id of ids) {
        const derive = wallet.deriver(seed, id)
        for (let counter = 0; counter < counters; counter++) {
          const { secret, r } = derive(counter)
          expect(derive(counter)).toEqual({ secret, r })
          seen.add(secret).add(r).add(wallet.hashToCurve(secret))
        }
      }
    }
    expect(seen.size).toBe(3 * counters * ids.length * seeds.length)
  })

  test('keysets', () => {
    const amounts = Array.from({ length: 20 }, (_, i) => 2 ** i)
    const keysOf = (unit: string, index: number, seed = SEED) => mint.keysetKeys(seed, unit, index, amounts)
    expect(keysOf('sat', 0)).toEqual(keysOf('sat', 0))
    const all = [keysOf('sat', 0), keysOf('sat', 1), keysOf('usd', 0), keysOf('sat', 0, SEED.toReversed())]
    expect(new Set(all.flatMap((keys) => Object.values(keys))).size).toBe(80)
    const contents = (keys: Readonly<Record<string, string>>) => ({
      keys: Object.fromEntries(Object.entries(keys).map(([amount, key]) => [amount, wallet.publicKey(key)])),
      unit: 'sat',
      inputFeePpk: 100,
    })
    const ids = all.map((keys) => mint.keysetId(contents(keys)))
    expect(new Set(ids).size).toBe(4)
    for (const [i, keys] of all.entries()) {
      expect(keysetVersion(ids[i]!)).toBeDefined()
      expect(wallet.keysetId(ids[i]!, contents(keys))).toBe(ids[i])
    }
    // Of version 01 the fee is part, of version 00 only the keys.
    const dearer = { ...contents(all[0]!), inputFeePpk: 200 }
    const [v1, v2] = [`00${'0'.repeat(14)}`, `01${'0'.repeat(64)}`]
    expect(wallet.keysetId(v2, dearer)).not.toBe(wallet.keysetId(v2, contents(all[0]!)))
    expect(wallet.keysetId(v1, dearer)).toBe(wallet.keysetId(v1, contents(all[0]!)))
    const { '1': one, '2': two, ...rest } = contents(all[0]!).keys
    expect(wallet.keysetId(v1, { ...dearer, keys: { ...rest, '1': two!, '2': one! } })).not.toBe(
      wallet.keysetId(v1, dearer),
    )
  })

  test('mint requests', () => {
    const key = wallet.privateKey(SEED.slice(0, 32))
    const pubkey = wallet.publicKey(key)
    const other = wallet.publicKey(wallet.privateKey(SEED.slice(32)))
    const request = ['one', 'two'].map((secret) => ({ amount: 8, B_: wallet.blind(secret, key) }))
    for (const form of ['framed', 'plain'] satisfies MintRequestForm[]) {
      const signature = wallet.signMintRequest(key, 'quote', request, form)
      expect(signature).toMatch(/^[0-9a-f]{128}$/)
      expect(wallet.signMintRequest(key, 'quote', request, form)).toBe(signature)
      expect(mint.verifyMintRequest(pubkey, 'quote', request, signature)).toBe(true)
      expect(mint.verifyMintRequest(other, 'quote', request, signature)).toBe(false)
      expect(mint.verifyMintRequest(pubkey, 'etouq', request, signature)).toBe(false)
      expect(mint.verifyMintRequest(pubkey, 'quote', request.toReversed(), signature)).toBe(false)
      expect(mint.verifyMintRequest(pubkey, 'quote', request.slice(1), signature)).toBe(false)
      expect(mint.verifyMintRequest(pubkey, 'quote', request, signature.slice(2))).toBe(false)
      expect(mint.verifyMintRequest('', 'quote', request, '')).toBe(false)
    }
  })
})

test('keysets of other versions are refused', () => {
  for (const id of ['02'.padEnd(66, '0'), 'L3zxxRB/I8uE', '0192e40e27cdb961', '']) {
    expect(() => nobleCrypto.deriver(SEED, id)).toThrow(expect.objectContaining({ code: 'KEYSET_UNSUPPORTED' }))
    expect(() => nobleCrypto.keysetId(id, { keys: {}, unit: 'sat', inputFeePpk: 0 })).toThrow(
      expect.objectContaining({ code: 'KEYSET_UNSUPPORTED' }),
    )
  }
})

test('counters outside of a derivation’s range are refused', () => {
  const v1 = nobleCrypto.deriver(SEED, '009a1f293253e41e')
  const v2 = nobleCrypto.deriver(SEED, `01${'00'.repeat(32)}`)
  for (const counter of [-1, 0.5, 2 ** 31, NaN]) expect(() => v1(counter)).toThrow(TypeError)
  for (const counter of [-1, 0.5, 2 ** 53, NaN]) expect(() => v2(counter)).toThrow(TypeError)
  expect(v2(2 ** 53 - 1).secret).toHaveLength(64)
})

test('a mint’s key gives the same however often it is used', () => {
  const [a, r] = ['ab'.repeat(32), 'cd'.repeat(32)]
  const A = nobleCrypto.publicKey(a)
  const { C_ } = nobleMintCrypto.sign(nobleCrypto.blind('secret', r), a)
  const results = new Set(Array.from({ length: 20 }, () => nobleCrypto.unblind(C_, r, A)))
  expect(results.size).toBe(1)
  expect(nobleMintCrypto.verify('secret', [...results][0]!, a)).toBe(true)
})

/** Swaps that a mint must refuse (NUT-02, NUT-03, NUT-11, NUT-14), and questions about coins (NUT-01, NUT-07, NUT-09). */
import { randomBytes } from 'node:crypto'
import { schnorr } from '@noble/curves/secp256k1.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { codes } from '../../src/cashu/codes.ts'
import { nobleCrypto } from '../../src/cashu/noble-crypto.ts'
import { FIFTEEN, NO_CODE, OFF_CURVE, row, swapping, UNKNOWN_KEYSET, type Row } from './rows.ts'
import type { Coin, Question, World } from './world.ts'

/** A swap of one good coin that is wrong in one place. */
const swapWith =
  (change: (coin: Coin) => unknown) =>
  async (world: World): Promise<Question> =>
    swapping([change(await world.coin())], await world.change())
const outputsWith =
  (change: (output: object) => unknown) =>
  async (world: World): Promise<Question> => {
    const [first, ...rest] = await world.change()
    return swapping([await world.coin()], [change(first!), ...rest])
  }
const twoFor =
  (amounts: readonly number[]) =>
  async (world: World): Promise<Question> =>
    swapping([await world.coin(), await world.coin()], world.outs(await world.keyset(), amounts))

const KEY = nobleCrypto.privateKey(randomBytes(32))
const OTHER = nobleCrypto.privateKey(randomBytes(32))
const PREIMAGE = randomBytes(32).toString('hex')
const lockOf = (kind: 'P2PK' | 'HTLC', data: string): string =>
  JSON.stringify([kind, { nonce: randomBytes(16).toString('hex'), data, tags: [] }])
const signedBy = (key: string, secret: string): string =>
  JSON.stringify({ signatures: [bytesToHex(schnorr.sign(sha256(utf8ToBytes(secret)), hexToBytes(key)))] })

/** A swap of a coin of 4 sat with this secret. */
const locked =
  (secretOf: () => string, witnessOf: (secret: string) => string | undefined) =>
  async (world: World): Promise<Question> => {
    const secret = secretOf()
    const coin = await world.coinOf(secret)
    const witness = witnessOf(secret)
    return swapping([{ ...coin, ...(witness !== undefined && { witness }) }], await world.change(coin))
  }
const p2pk = (): string => lockOf('P2PK', nobleCrypto.publicKey(KEY))
const htlc = (): string => lockOf('HTLC', bytesToHex(sha256(hexToBytes(PREIMAGE))))

export const swapRows: readonly Row[] = [
  row('swap: a body that is not JSON', NO_CODE, () => Promise.resolve({ path: '/v1/swap', body: 'no JSON' })),
  row('swap: inputs are missing', NO_CODE, async (w) => swapping(undefined, await w.change())),
  row('swap: inputs are an object', NO_CODE, async (w) => swapping(await w.coin(), await w.change())),
  row('swap: no inputs', NO_CODE, async (w) => swapping([], await w.change())),
  row('swap: no outputs', NO_CODE, async (w) => swapping([await w.coin()], [])),
  row(
    'swap: an amount below zero',
    NO_CODE,
    swapWith((coin) => ({ ...coin, amount: -8 })),
  ),
  row(
    'swap: an amount that is a fraction',
    NO_CODE,
    swapWith((coin) => ({ ...coin, amount: 7.5 })),
  ),
  row(
    'swap: an amount as a text',
    'taken',
    swapWith((coin) => ({ ...coin, amount: '8' })),
  ),
  row(
    'swap: a secret that is a number',
    NO_CODE,
    swapWith((coin) => ({ ...coin, secret: 7 })),
  ),
  row(
    'swap: a secret of 1025 characters',
    NO_CODE,
    locked(
      () => 'x'.repeat(1025),
      () => undefined,
    ),
  ),
  row(
    'swap: a witness of 2000 characters on a coin that needs none',
    'taken',
    swapWith((coin) => ({ ...coin, witness: 'x'.repeat(2000) })),
  ),
  row(
    'swap: a witness that is an object',
    'taken',
    swapWith((coin) => ({ ...coin, witness: { signatures: [] } })),
  ),
  row(
    'swap: C is no point',
    NO_CODE,
    swapWith((coin) => ({ ...coin, C: 'no point' })),
  ),
  row(
    'swap: C is not on the curve',
    codes.proofInvalid,
    swapWith((coin) => ({ ...coin, C: OFF_CURVE })),
  ),
  row(
    'swap: B_ is no point',
    NO_CODE,
    outputsWith((output) => ({ ...output, B_: '02ab' })),
  ),
  row(
    'swap: B_ is not on the curve',
    NO_CODE,
    outputsWith((output) => ({ ...output, B_: OFF_CURVE })),
  ),
  row(
    'swap: a coin with another secret',
    codes.proofInvalid,
    swapWith((coin) => ({ ...coin, secret: `${coin.secret}0` })),
  ),
  row(
    'swap: a coin that says to be worth more',
    codes.proofInvalid,
    swapWith((coin) => ({ ...coin, amount: 16 })),
  ),
  row(
    'swap: an input of an amount that the keyset has not',
    codes.proofInvalid,
    swapWith((coin) => ({ ...coin, amount: 3 })),
  ),
  row('swap: an output of an amount that the keyset has not', codes.amountOutOfRange, twoFor([3, 4, 8])),
  row('swap: an output of nothing', codes.amountOutOfRange, twoFor([0, ...FIFTEEN])),
  row(
    'swap: an input of an unknown keyset',
    codes.keysetUnknown,
    swapWith((coin) => ({ ...coin, id: UNKNOWN_KEYSET })),
  ),
  row(
    'swap: an output of an unknown keyset',
    codes.keysetUnknown,
    outputsWith((output) => ({ ...output, id: UNKNOWN_KEYSET })),
  ),
  row('swap: all outputs of an unknown keyset', codes.keysetUnknown, async (w) =>
    swapping(
      [await w.coin()],
      (await w.change()).map((output) => ({ ...output, id: UNKNOWN_KEYSET })),
    ),
  ),
  row('swap: the same input twice', codes.duplicateInputs, async (w) => {
    const coin = await w.coin()
    return swapping([coin, coin], w.outs(await w.keyset(), FIFTEEN))
  }),
  row('swap: the same output twice', codes.duplicateOutputs, async (w) => {
    const [one, ...rest] = w.outs(await w.keyset(), [4, 4, 2, 1])
    return swapping([await w.coin(), await w.coin()], [one, one, one, ...rest])
  }),
  row('swap: more out than in', codes.unbalanced, twoFor([16, 16])),
  row('swap: less out than in', codes.unbalanced, twoFor([8])),
  row('swap: nothing left for the fee', codes.unbalanced, twoFor([8, 8])),
  row('swap: a spent input', codes.alreadySpent, async (w) => {
    const coin = await w.coin()
    await w.swap([coin], await w.change())
    return swapping([coin], await w.change())
  }),
  row('swap: an output that was signed before', codes.alreadySigned, async (w) => {
    const outputs = await w.change()
    await w.swap([await w.coin()], outputs)
    return swapping([await w.coin()], outputs)
  }),
  row('swap: the same request once more', 'taken', async (w) => {
    const [inputs, outputs] = [[await w.coin()], await w.change()]
    await w.swap(inputs, outputs)
    return swapping(inputs, outputs)
  }),
  row('swap: inputs of two units', codes.severalUnits, async (w) =>
    swapping([await w.coin(), ...(await w.minted([8], 'usd'))], w.outs(await w.keyset(), FIFTEEN)),
  ),
  row('swap: outputs of two units', codes.severalUnits, async (w) =>
    swapping(
      [await w.coin(), await w.coin()],
      [...w.outs(await w.keyset(), [1, 2, 4]), ...w.outs(await w.keyset('usd'), [8])],
    ),
  ),
  row('swap: outputs of another unit than the inputs', codes.unitMismatch, async (w) =>
    swapping([await w.coin()], w.outs(await w.keyset('usd'), [1, 2, 4])),
  ),
  row('swap: 1001 inputs', codes.tooManyInputs, async (w) => {
    const coin = await w.coin()
    return swapping(
      Array.from({ length: 1001 }, () => coin),
      await w.change(),
    )
  }),
  row('swap: 1001 outputs', codes.tooManyOutputs, async (w) => {
    const [output] = await w.change()
    return swapping(
      [await w.coin()],
      Array.from({ length: 1001 }, () => output),
    )
  }),
  row(
    'swap: P2PK without a witness',
    codes.proofInvalid,
    locked(p2pk, () => undefined),
  ),
  row(
    'swap: P2PK signed by another key',
    codes.proofInvalid,
    locked(p2pk, (secret) => signedBy(OTHER, secret)),
  ),
  row(
    'swap: P2PK with a witness that is not JSON',
    codes.proofInvalid,
    locked(p2pk, () => 'no JSON'),
  ),
  row(
    'swap: P2PK signed by its key',
    'taken',
    locked(p2pk, (secret) => signedBy(KEY, secret)),
  ),
  row(
    'swap: HTLC without the preimage',
    codes.proofInvalid,
    locked(htlc, () => undefined),
  ),
  row(
    'swap: HTLC with another preimage',
    codes.proofInvalid,
    locked(htlc, () => JSON.stringify({ preimage: '00'.repeat(32) })),
  ),
  row(
    'swap: a lock of a kind that no NUT knows',
    'taken',
    locked(
      () => JSON.stringify(['OTHER', { nonce: '00', data: '00' }]),
      () => undefined,
    ),
  ),
  row('keys of an unknown keyset', codes.keysetUnknown, () => Promise.resolve({ path: `/v1/keys/${UNKNOWN_KEYSET}` })),
  row('checkstate: Ys are missing', NO_CODE, () => Promise.resolve({ path: '/v1/checkstate', body: {} })),
  row('checkstate: a Y that is no point', NO_CODE, () =>
    Promise.resolve({ path: '/v1/checkstate', body: { Ys: ['no point'] } }),
  ),
  row('checkstate: none', 'taken', () => Promise.resolve({ path: '/v1/checkstate', body: { Ys: [] } })),
  row('restore: no outputs', 'taken', () => Promise.resolve({ path: '/v1/restore', body: { outputs: [] } })),
  row('restore: outputs that were never signed', 'taken', async (w) => ({
    path: '/v1/restore',
    body: { outputs: await w.change() },
  })),
  row('a path that there is not', NO_CODE, () => Promise.resolve({ path: '/v1/nothing', body: {} })),
  row('a GET of what takes a POST', NO_CODE, () => Promise.resolve({ path: '/v1/swap' })),
]

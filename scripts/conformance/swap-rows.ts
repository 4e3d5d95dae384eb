/** Swaps that a mint must refuse (NUT-02, NUT-03), and questions about coins (NUT-01, NUT-07, NUT-09). */
import { codes } from '../../src/cashu/codes.ts'
import { FIFTEEN, NO_CODE, OFF_CURVE, row, swapping, TAKEN, UNKNOWN_KEYSET, type Row } from './rows.ts'
import type { Question, World } from './world.ts'

type Ask = (world: World) => Promise<Question>

/** A swap of one good coin that is wrong in one place. */
const coinWith =
  (wrong: object): Ask =>
  async (w) =>
    swapping([{ ...(await w.coin()), ...wrong }], await w.change())

/** A swap of which one output is wrong in one place. */
const outputWith =
  (wrong: object): Ask =>
  async (w) => {
    const [first, ...rest] = await w.change()
    return swapping([await w.coin()], [{ ...first, ...wrong }, ...rest])
  }

/** A swap of two coins, which are good for 15 sat. */
const twoFor =
  (amounts: readonly number[], unit?: string): Ask =>
  async (w) =>
    swapping([await w.coin(), await w.coin()], w.outs(await w.keyset(unit), amounts))

const LIMIT = { why: 'limits are each mint’s own' }

export const swapRows: readonly Row[] = [
  row('swap: a body that is not JSON', NO_CODE, () => ({ path: '/v1/swap', body: 'no JSON' })),
  row('swap: inputs are missing', NO_CODE, async (w) => swapping(undefined, await w.change())),
  row('swap: inputs are an object', NO_CODE, async (w) => swapping(await w.coin(), await w.change())),
  row('swap: no inputs', NO_CODE, async (w) => swapping([], await w.change())),
  row('swap: no outputs', NO_CODE, async (w) => swapping([await w.coin()], [])),
  row('swap: an amount below zero', NO_CODE, coinWith({ amount: -8 })),
  row('swap: an amount that is a fraction', NO_CODE, coinWith({ amount: 7.5 })),
  row('swap: an amount as a text', TAKEN, coinWith({ amount: '8' })),
  row('swap: a secret that is a number', NO_CODE, coinWith({ secret: 7 })),
  row('swap: a secret of 1025 characters', NO_CODE, async (w) => {
    const coin = await w.coinOf('x'.repeat(1025))
    return swapping([coin], await w.change(coin))
  }),
  row('swap: a witness of 2000 characters', TAKEN, coinWith({ witness: 'x'.repeat(2000) }), LIMIT),
  row('swap: a witness that is an object', TAKEN, coinWith({ witness: { signatures: [] } }), {
    why: 'some wallets send what the text stands for',
  }),
  row('swap: C is no point', NO_CODE, coinWith({ C: 'no point' })),
  row('swap: C is not on the curve', codes.proofInvalid, coinWith({ C: OFF_CURVE })),
  row('swap: B_ is no point', NO_CODE, outputWith({ B_: '02ab' })),
  row('swap: B_ is not on the curve', NO_CODE, outputWith({ B_: OFF_CURVE })),
  row('swap: a coin with another secret', codes.proofInvalid, coinWith({ secret: 'another' })),
  row('swap: a coin that says to be worth more', codes.proofInvalid, coinWith({ amount: 16 })),
  row('swap: an input of an amount that the keyset has not', codes.proofInvalid, coinWith({ amount: 3 })),
  row('swap: an output of an amount that the keyset has not', codes.amountOutOfRange, twoFor([3, 4, 8])),
  row('swap: an output of nothing', codes.amountOutOfRange, twoFor([0, ...FIFTEEN])),
  row('swap: an input of an unknown keyset', codes.keysetUnknown, coinWith({ id: UNKNOWN_KEYSET })),
  row('swap: an output of an unknown keyset', codes.keysetUnknown, outputWith({ id: UNKNOWN_KEYSET })),
  row('swap: the same input twice', codes.duplicateInputs, async (w) => {
    const coin = await w.coin()
    return swapping([coin, coin], w.outs(await w.keyset(), FIFTEEN))
  }),
  row('swap: the same output twice', codes.duplicateOutputs, async (w) => {
    const [four, ...rest] = w.outs(await w.keyset(), [4, 2, 1])
    return swapping([await w.coin(), await w.coin()], [four, four, four, ...rest])
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
  row(
    'swap: the same request once more',
    TAKEN,
    async (w) => {
      const [inputs, outputs] = [[await w.coin()], await w.change()]
      await w.swap(inputs, outputs)
      return swapping(inputs, outputs)
    },
    { why: 'answers are kept for a while (NUT-19); Nutshell needs Redis for that' },
  ),
  row('swap: inputs of two units', codes.severalUnits, async (w) => {
    const inputs = [await w.coin(), ...(await w.minted([8], 'usd'))]
    return swapping(inputs, w.outs(await w.keyset(), FIFTEEN))
  }),
  row('swap: outputs of two units', codes.severalUnits, async (w) => {
    const outputs = [...w.outs(await w.keyset(), [1, 2, 4]), ...w.outs(await w.keyset('usd'), [8])]
    return swapping([await w.coin(), await w.coin()], outputs)
  }),
  row('swap: outputs of another unit than the inputs', codes.unitMismatch, twoFor(FIFTEEN, 'usd')),
  row('swap: 1001 inputs', codes.tooManyInputs, async (w) => {
    const coin = await w.coin()
    const inputs = Array.from({ length: 1001 }, () => coin)
    return swapping(inputs, await w.change())
  }),
  row('swap: 1001 outputs', codes.tooManyOutputs, async (w) => {
    const [output] = await w.change()
    const outputs = Array.from({ length: 1001 }, () => output)
    return swapping([await w.coin()], outputs)
  }),
  row('keys of an unknown keyset', codes.keysetUnknown, () => ({ path: `/v1/keys/${UNKNOWN_KEYSET}` })),
  row('checkstate: Ys are missing', NO_CODE, () => ({ path: '/v1/checkstate', body: {} })),
  row('checkstate: a Y that is no point', NO_CODE, () => ({ path: '/v1/checkstate', body: { Ys: ['no point'] } }), {
    why: 'for Nutshell it is a Y that it has not seen',
  }),
  row('checkstate: none', TAKEN, () => ({ path: '/v1/checkstate', body: { Ys: [] } })),
  row('restore: no outputs', TAKEN, () => ({ path: '/v1/restore', body: { outputs: [] } }), {
    why: 'none of none were signed',
  }),
  row('restore: outputs that were never signed', TAKEN, async (w) => ({
    path: '/v1/restore',
    body: { outputs: await w.change() },
  })),
  row('a path that there is not', NO_CODE, () => ({ path: '/v1/nothing', body: {} }), { status: 404 }),
  row('a GET of what takes a POST', NO_CODE, () => ({ path: '/v1/swap' }), { status: 404 }),
]

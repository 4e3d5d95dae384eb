/** What a mint must refuse when a payment fails or is open, when nobody has paid or time is over, and after a rotation. */
import { codes } from '../../src/cashu/codes.ts'
import { askingFor, issuing, melting, row, swapping, TAKEN, type Row } from './rows.ts'
import type { Coin, Output, Quote, World } from './world.ts'

export const failingRows: readonly Row[] = [
  row('melt: the payment fails', codes.paymentFailed, async (w) => {
    const { quote } = await w.meltQuote(await w.mint.invoice(4))
    return melting(quote, [await w.coin()])
  }),
]

/** What was good before the rotation. */
interface Old {
  readonly outputs: readonly Output[]
  readonly quote: Quote
}
const old = new WeakMap<World, Old>()

/** To be called while Lightning pays. */
export async function beforeRotation(world: World): Promise<void> {
  old.set(world, { outputs: await world.change(), quote: await world.paid(7) })
}

export const rotatedRows: readonly Row[] = [
  row('swap: outputs of an inactive keyset', codes.keysetInactive, async (w) =>
    swapping([await w.coin()], old.get(w)!.outputs),
  ),
  row('mint: outputs of an inactive keyset', codes.keysetInactive, (w) => {
    const { outputs, quote } = old.get(w)!
    return issuing(quote.quote, outputs)
  }),
  row('swap: an input of an inactive keyset', TAKEN, async (w) => swapping([await w.coin()], await w.change())),
]

/** A melt whose payment is under way. */
async function begun(w: World, quote?: Quote): Promise<Quote & { readonly coin: Coin; readonly blank: Output }> {
  const begun = quote ?? (await w.meltQuote(await w.mint.invoice(4)))
  const coin = await w.coin()
  const [blank] = w.outs(await w.keyset(), [1])
  const request = { quote: begun.quote, inputs: [coin], outputs: [blank] }
  const { state } = await w.ok<{ state: string }>('/v1/melt/bolt11', request)
  if (state !== 'PENDING') throw new Error(`the payment is ${state}`)
  return { ...begun, coin, blank: blank! }
}

export const openRows: readonly Row[] = [
  row('mint: an unpaid quote', codes.quoteNotPaid, async (w) =>
    issuing((await w.quote(8)).quote, w.outs(await w.keyset(), [8])),
  ),
  row('batch: an unpaid quote', codes.quoteNotPaid, async (w) => ({
    path: '/v1/mint/bolt11/batch',
    body: { quotes: [(await w.quote(8)).quote], outputs: w.outs(await w.keyset(), [8]) },
  })),
  row('melt: a quote that is being paid', codes.quotePending, async (w) =>
    melting((await begun(w)).quote, [await w.coin()]),
  ),
  row('melt quote: an invoice that is being paid', TAKEN, async (w) => askingFor((await begun(w)).request), {
    why: 'ours refuses the melt',
  }),
  row('melt: another quote for an invoice that is being paid', codes.quotePending, async (w) => {
    const quote = await w.meltQuote(await w.mint.invoice(4))
    const other = await w.meltQuote(quote.request)
    await begun(w, quote)
    return melting(other.quote, [await w.coin()])
  }),
  row('swap: an input of a payment under way', codes.proofsPending, async (w) =>
    swapping([(await begun(w)).coin], await w.change()),
  ),
  row('melt: an input of a payment under way', codes.proofsPending, async (w) => {
    const { coin } = await begun(w)
    const { quote } = await w.meltQuote(await w.mint.invoice(4))
    return melting(quote, [coin])
  }),
  row('swap: an output of a payment under way', codes.outputsPending, async (w) => {
    const { blank } = await begun(w)
    return swapping([await w.coin()], [blank, ...w.outs(await w.keyset(), [2, 4])])
  }),
]

export const briefRows: readonly Row[] = [
  row('mint: an unpaid quote whose time is over', codes.quoteExpired, async (w) => {
    const { quote } = await w.quote(8)
    await w.pass(3)
    return issuing(quote, w.outs(await w.keyset(), [8]))
  }),
  row('mint: a quote that was paid after its time', TAKEN, async (w) => {
    const { quote } = await w.quote(8)
    await w.pass(3)
    await w.mint.settle(quote)
    return issuing(quote, w.outs(await w.keyset(), [8]))
  }),
]

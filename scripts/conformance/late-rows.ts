/** What a mint must refuse when a payment failed or is open, when nobody has paid, when time is over, and after a rotation. */
import { codes } from '../../src/cashu/codes.ts'
import { issuing, melting, row, swapping, type Row } from './rows.ts'
import type { Coin, Output, World } from './world.ts'

export const failingRows: readonly Row[] = [
  row('melt: the payment fails', codes.paymentFailed, async (w) => {
    const { quote } = await w.meltQuote(await w.mint.invoice(4))
    return melting(quote, [await w.coin()])
  }),
]

const oldOutputs = new WeakMap<World, Output[]>()

/** Remembers what is good before the rotation. */
export async function beforeRotation(world: World): Promise<void> {
  oldOutputs.set(world, await world.change())
}

export const rotatedRows: readonly Row[] = [
  row('swap: outputs of an inactive keyset', codes.keysetInactive, async (w) =>
    swapping([await w.coin()], oldOutputs.get(w)),
  ),
  row('mint: outputs of an inactive keyset', codes.keysetInactive, async (w) =>
    issuing((await w.paid(7)).quote, oldOutputs.get(w)),
  ),
  row('swap: an input of an inactive keyset', 'taken', async (w) => swapping([await w.coin()], await w.change())),
]

interface Open {
  readonly quote: string
  readonly request: string
  readonly coin: Coin
  readonly blank: Output
}

/** A melt whose payment is under way. */
async function pending(world: World, invoice?: string): Promise<Open> {
  const { quote, request } = await world.meltQuote(invoice ?? (await world.mint.invoice(4)))
  const coin = await world.coin()
  const [blank] = world.outs(await world.keyset(), [1])
  const { state } = await world.ok<{ state: string }>('/v1/melt/bolt11', { quote, inputs: [coin], outputs: [blank] })
  if (state !== 'PENDING') throw new Error(`the payment is ${state}`)
  return { quote, request, coin, blank: blank! }
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
    melting((await pending(w)).quote, [await w.coin()]),
  ),
  row('melt quote: an invoice that is being paid', 'taken', async (w) => ({
    path: '/v1/melt/quote/bolt11',
    body: { request: (await pending(w)).request, unit: 'sat' },
  })),
  row('melt: another quote for an invoice that is being paid', codes.quotePending, async (w) => {
    const request = await w.mint.invoice(4)
    const other = await w.meltQuote(request)
    await pending(w, request)
    return melting(other.quote, [await w.coin()])
  }),
  row('swap: an input of a payment under way', codes.proofsPending, async (w) =>
    swapping([(await pending(w)).coin], await w.change()),
  ),
  row('melt: an input of a payment under way', codes.proofsPending, async (w) => {
    const { coin } = await pending(w)
    const { quote } = await w.meltQuote(await w.mint.invoice(4))
    return melting(quote, [coin])
  }),
  row('swap: an output of a payment under way', codes.outputsPending, async (w) => {
    const { blank } = await pending(w)
    return swapping([await w.coin()], [blank, ...w.outs(await w.keyset(), [2, 4])])
  }),
]

export const briefRows: readonly Row[] = [
  row('mint: an unpaid quote whose time is over', codes.quoteExpired, async (w) => {
    const { quote } = await w.quote(8)
    await w.pass(3)
    return issuing(quote, w.outs(await w.keyset(), [8]))
  }),
  row('mint: a quote that was paid after its time', 'taken', async (w) => {
    const { quote } = await w.quote(8)
    await w.pass(3)
    await w.mint.settle(quote)
    return issuing(quote, w.outs(await w.keyset(), [8]))
  }),
]

/** Melts that a mint must refuse (NUT-05, NUT-08, NUT-15, NUT-23). */
import { codes } from '../../src/cashu/codes.ts'
import { foreignInvoice } from '../nutshell.ts'
import { askingFor, melting, NO_CODE, row, TAKEN, type Row } from './rows.ts'
import type { Quote, World } from './world.ts'

/** A quote for the mint to pay 4 sat to somebody, for which one coin is enough. */
const quoteOf = async (w: World): Promise<Quote> => w.meltQuote(await w.mint.invoice(4))
const paid = async (w: World, quote: Quote): Promise<unknown> =>
  w.ok('/v1/melt/bolt11', { quote: quote.quote, inputs: [await w.coin()] })

export const meltRows: readonly Row[] = [
  row('melt quote: not an invoice', NO_CODE, () => askingFor('lnbc1nothing')),
  row('melt quote: an invoice without an amount', codes.amountlessUnsupported, () => askingFor(foreignInvoice(0))),
  row('melt quote: a unit that the mint has not', codes.unitUnsupported, async (w) =>
    askingFor(await w.mint.invoice(4), { unit: 'eur' }),
  ),
  row('melt quote: a part of an invoice (MPP)', NO_CODE, async (w) =>
    askingFor(await w.mint.invoice(4), { options: { mpp: { amount: 2000 } } }),
  ),
  row('melt: an unknown quote', NO_CODE, async (w) => melting('unknown', [await w.coin()])),
  row('melt: too little', codes.unbalanced, async (w) => {
    const { quote } = await w.meltQuote(await w.mint.invoice(8))
    return melting(quote, [await w.coin()])
  }),
  row('melt: nothing', NO_CODE, async (w) => melting((await quoteOf(w)).quote, [])),
  row('melt: inputs of another unit', codes.unitMismatch, async (w) =>
    melting((await quoteOf(w)).quote, await w.minted([16], 'usd')),
  ),
  row('melt: blank outputs of another unit', codes.unitMismatch, async (w) =>
    melting((await quoteOf(w)).quote, [await w.coin()], w.outs(await w.keyset('usd'), [1])),
  ),
  row('melt: the same blank output twice', codes.duplicateOutputs, async (w) => {
    const [blank] = w.outs(await w.keyset(), [1])
    return melting((await quoteOf(w)).quote, [await w.coin()], [blank, blank])
  }),
  row('melt: the same input twice', codes.duplicateInputs, async (w) => {
    const coin = await w.coin()
    return melting((await quoteOf(w)).quote, [coin, coin])
  }),
  row('melt: a spent input', codes.alreadySpent, async (w) => {
    const coin = await w.coin()
    await w.swap([coin], await w.change())
    return melting((await quoteOf(w)).quote, [coin])
  }),
  row('melt: a quote that is paid', codes.invoicePaid, async (w) => {
    const quote = await quoteOf(w)
    await paid(w, quote)
    return melting(quote.quote, [await w.coin()])
  }),
  row(
    'melt quote: an invoice that was paid',
    TAKEN,
    async (w) => {
      const quote = await quoteOf(w)
      await paid(w, quote)
      return askingFor(quote.request)
    },
    { why: 'ours refuses the melt' },
  ),
  row('melt: another quote for an invoice that was paid', codes.invoicePaid, async (w) => {
    const quote = await quoteOf(w)
    const other = await w.meltQuote(quote.request)
    await paid(w, quote)
    return melting(other.quote, [await w.coin()])
  }),
  row(
    'melt: an expired quote',
    codes.quoteExpired,
    async (w) => {
      const { quote } = await w.meltQuote(foreignInvoice(4, { expirySeconds: 1 }))
      await w.pass(3)
      return melting(quote, [await w.coin()])
    },
    { why: 'Nutshell leaves that to Lightning' },
  ),
]

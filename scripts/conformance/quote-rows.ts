/** Quotes, issues and melts that a mint must refuse (NUT-04, NUT-05, NUT-15, NUT-20, NUT-23, NUT-29). */
import { randomBytes } from 'node:crypto'
import { codes } from '../../src/cashu/codes.ts'
import { nobleCrypto } from '../../src/cashu/noble-crypto.ts'
import { foreignInvoice } from '../nutshell.ts'
import { FIFTEEN, issuing, melting, NO_CODE, row, type Row } from './rows.ts'
import type { Question, Quote, World } from './world.ts'

const quoting = (body: object): Question => ({
  path: '/v1/mint/quote/bolt11',
  body: { amount: 8, unit: 'sat', ...body },
})
const asking = (body: object): Question => ({ path: '/v1/melt/quote/bolt11', body: { unit: 'sat', ...body } })
const quoted = (body: object) => (): Promise<Question> => Promise.resolve(quoting(body))
const KEY = nobleCrypto.privateKey(randomBytes(32))
const pubkey = nobleCrypto.publicKey(KEY)

/** Issues a quote that is locked to our key, with a signature by `key` for the outputs in the order that `over` gives. */
const signed =
  (key: string | null, form: 'framed' | 'plain' = 'framed', over = <T>(all: T[]): T[] => all) =>
  async (world: World): Promise<Question> => {
    const { quote } = await world.paid(15, { pubkey })
    const outputs = world.outs(await world.keyset(), FIFTEEN)
    const signature = key === null ? undefined : nobleCrypto.signMintRequest(key, quote, over([...outputs]), form)
    return issuing(quote, outputs, { signature })
  }

const issueOf =
  (amounts: readonly number[], unit?: string) =>
  async (world: World): Promise<Question> => {
    const { quote } = await world.paid(8)
    return issuing(quote, world.outs(await world.keyset(unit), amounts))
  }

const batch =
  (quotes: (world: World) => Promise<readonly string[]>, more: object = {}) =>
  async (world: World): Promise<Question> => {
    const outputs = world.outs(await world.keyset(), [8, 8])
    return { path: '/v1/mint/bolt11/batch', body: { quotes: await quotes(world), outputs, ...more } }
  }

/** A quote for the mint to pay 4 sat to somebody. */
const toPay = async (world: World): Promise<Quote> => world.meltQuote(await world.mint.invoice(4))

export const quoteRows: readonly Row[] = [
  row('mint quote: nothing', codes.amountOutOfRange, quoted({ amount: 0 })),
  row('mint quote: less than nothing', NO_CODE, quoted({ amount: -1 })),
  row('mint quote: a fraction', NO_CODE, quoted({ amount: 0.5 })),
  row('mint quote: no amount', NO_CODE, quoted({ amount: undefined })),
  row('mint quote: more than our mint’s limit', codes.amountOutOfRange, quoted({ amount: 10_000_001 })),
  row('mint quote: a unit that the mint has not', codes.unitUnsupported, quoted({ unit: 'eur' })),
  row('mint quote: a unit that nobody has', codes.unitUnsupported, quoted({ unit: 'nobody' })),
  row('mint quote: a unit that is a number', NO_CODE, quoted({ unit: 7 })),
  row('mint quote: a description of 201 characters', NO_CODE, quoted({ description: 'x'.repeat(201) })),
  row('mint quote: a pubkey that is none', codes.pubkeyRequired, quoted({ pubkey: 'no key' })),
  row('mint: an unknown quote', NO_CODE, async (w) => issuing('unknown', await w.change())),
  row('mint: no outputs', NO_CODE, async (w) => issuing((await w.paid(8)).quote, [])),
  row('mint: more than was paid', codes.unbalanced, issueOf([8, 8])),
  row('mint: less than was paid', codes.unbalanced, issueOf([4])),
  row('mint: outputs of another unit', codes.unitMismatch, issueOf([8], 'usd')),
  row('mint: an issued quote', codes.quoteIssued, async (w) => {
    const quote = await w.paid(8)
    await w.issue(quote, w.outs(await w.keyset(), [8]))
    return issuing(quote.quote, w.outs(await w.keyset(), [8]))
  }),
  row('mint: an output that was signed before', codes.alreadySigned, async (w) => {
    const outputs = w.outs(await w.keyset(), [8])
    await w.issue(await w.paid(8), outputs)
    return issuing((await w.paid(8)).quote, outputs)
  }),
  row('mint: a locked quote without a signature', codes.signatureInvalid, signed(null)),
  row(
    'mint: a locked quote, signed by another key',
    codes.signatureInvalid,
    signed(nobleCrypto.privateKey(randomBytes(32))),
  ),
  row(
    'mint: a locked quote, signed for the outputs in another order',
    codes.signatureInvalid,
    signed(KEY, 'framed', (all) => all.toReversed()),
  ),
  row('mint: a locked quote, signed', 'taken', signed(KEY)),
  row('mint: a locked quote, signed in the form before 2026', 'taken', signed(KEY, 'plain')),
  row('mint: a signature for a quote that is not locked', 'taken', async (w) => {
    const { quote } = await w.paid(8)
    return issuing(quote, w.outs(await w.keyset(), [8]), { signature: 'ab'.repeat(64) })
  }),
  row(
    'batch: no quotes',
    NO_CODE,
    batch(() => Promise.resolve([])),
  ),
  row(
    'batch: the same quote twice',
    codes.duplicateQuotes,
    batch(async (w) => w.paid(8).then(({ quote }) => [quote, quote])),
  ),
  row(
    'batch: an unknown quote',
    NO_CODE,
    batch(async (w) => [(await w.paid(8)).quote, 'unknown']),
  ),
  row(
    'batch: 101 quotes',
    codes.batchTooLarge,
    batch(() => Promise.resolve(Array.from({ length: 101 }, (_, at) => `quote-${at}`))),
  ),
  row(
    'batch: fewer signatures than quotes',
    codes.signatureInvalid,
    batch(async (w) => [(await w.paid(8)).quote, (await w.paid(8)).quote], { signatures: [null] }),
  ),
  row(
    'batch: two quotes',
    'taken',
    batch(async (w) => [(await w.paid(8)).quote, (await w.paid(8)).quote]),
  ),
  row('batch check: an unknown quote among known ones', 'taken', async (w) => ({
    path: '/v1/mint/quote/bolt11/check',
    body: { quotes: [(await w.quote(8)).quote, 'unknown'] },
  })),
  row('melt quote: not an invoice', NO_CODE, () => Promise.resolve(asking({ request: 'lnbc1nothing' }))),
  row('melt quote: a unit that the mint has not', codes.unitUnsupported, async (w) =>
    asking({ request: await w.mint.invoice(4), unit: 'eur' }),
  ),
  row('melt quote: an invoice without an amount', codes.amountlessUnsupported, () =>
    Promise.resolve(asking({ request: foreignInvoice(0) })),
  ),
  row('melt quote: a partial payment (MPP)', NO_CODE, async (w) =>
    asking({ request: await w.mint.invoice(4), options: { mpp: { amount: 2000 } } }),
  ),
  row('melt: an unknown quote', NO_CODE, async (w) => melting('unknown', [await w.coin()])),
  row('melt: too little', codes.unbalanced, async (w) =>
    melting((await w.meltQuote(await w.mint.invoice(8))).quote, [await w.coin()]),
  ),
  row('melt: nothing', NO_CODE, async (w) => melting((await toPay(w)).quote, [])),
  row('melt: inputs of another unit', codes.unitMismatch, async (w) =>
    melting((await toPay(w)).quote, await w.minted([16], 'usd')),
  ),
  row('melt: change of another unit', codes.unitMismatch, async (w) =>
    melting((await toPay(w)).quote, [await w.coin()], w.outs(await w.keyset('usd'), [1])),
  ),
  row('melt: the same blank output twice', codes.duplicateOutputs, async (w) => {
    const [blank] = w.outs(await w.keyset(), [1])
    return melting((await toPay(w)).quote, [await w.coin()], [blank, blank])
  }),
  row('melt: a spent input', codes.alreadySpent, async (w) => {
    const coin = await w.coin()
    await w.swap([coin], await w.change())
    return melting((await toPay(w)).quote, [coin])
  }),
  row('melt: a quote that is paid', codes.invoicePaid, async (w) => {
    const { quote } = await toPay(w)
    await w.ok('/v1/melt/bolt11', { quote, inputs: [await w.coin()] })
    return melting(quote, [await w.coin()])
  }),
  row('melt quote: an invoice that was paid already', 'taken', async (w) => {
    const request = await w.mint.invoice(4)
    await w.ok('/v1/melt/bolt11', { quote: (await w.meltQuote(request)).quote, inputs: [await w.coin()] })
    return asking({ request })
  }),
  row('melt: another quote for an invoice that was paid', codes.invoicePaid, async (w) => {
    const request = await w.mint.invoice(4)
    const [first, second] = [await w.meltQuote(request), await w.meltQuote(request)]
    await w.ok('/v1/melt/bolt11', { quote: first.quote, inputs: [await w.coin()] })
    return melting(second.quote, [await w.coin()])
  }),
  row('melt: an expired quote', codes.quoteExpired, async (w) => {
    const { quote } = await w.meltQuote(foreignInvoice(4, { expirySeconds: 1 }))
    await w.pass(3)
    return melting(quote, [await w.coin()])
  }),
]

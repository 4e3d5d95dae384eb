/** Mint quotes and issues that a mint must refuse (NUT-04, NUT-20, NUT-23, NUT-29). */
import { randomBytes } from 'node:crypto'
import { codes } from '../../src/cashu/codes.ts'
import type { MintRequestForm } from '../../src/cashu/crypto.ts'
import { nobleCrypto } from '../../src/cashu/noble-crypto.ts'
import { FIFTEEN, issuing, NO_CODE, row, TAKEN, type Row } from './rows.ts'
import type { Output, Question, World } from './world.ts'

type Ask = (world: World) => Promise<Question>

const KEY = nobleCrypto.privateKey(randomBytes(32))
const pubkey = nobleCrypto.publicKey(KEY)
const SIGNATURE = 'ab'.repeat(64)

const quoting = (body: object) => (): Question => ({
  path: '/v1/mint/quote/bolt11',
  body: { amount: 8, unit: 'sat', ...body },
})

/** Outputs for a paid quote of 8 sat. */
const issueOf =
  (amounts: readonly number[], unit?: string): Ask =>
  async (w) =>
    issuing((await w.paid(8)).quote, w.outs(await w.keyset(unit), amounts))

/** A quote that is locked to our key, and a signature for its outputs. */
const signed =
  (key: string, form: MintRequestForm = 'framed', order = (outputs: readonly Output[]) => outputs): Ask =>
  async (w) => {
    const { quote } = await w.paid(15, { pubkey })
    const outputs = w.outs(await w.keyset(), FIFTEEN)
    return issuing(quote, outputs, { signature: nobleCrypto.signMintRequest(key, quote, order(outputs), form) })
  }

/** Outputs of 16 sat for these quotes. */
const batch =
  (quotes: (world: World) => Promise<readonly string[]> | readonly string[], more: object = {}): Ask =>
  async (w) => ({
    path: '/v1/mint/bolt11/batch',
    body: { quotes: await quotes(w), outputs: w.outs(await w.keyset(), [8, 8]), ...more },
  })
const paidQuote = async (w: World): Promise<string> => (await w.paid(8)).quote
const twoQuotes = (w: World): Promise<readonly string[]> => Promise.all([paidQuote(w), paidQuote(w)])

export const quoteRows: readonly Row[] = [
  row('mint quote: nothing', codes.amountOutOfRange, quoting({ amount: 0 })),
  row('mint quote: less than nothing', NO_CODE, quoting({ amount: -1 })),
  row('mint quote: a fraction', NO_CODE, quoting({ amount: 0.5 })),
  row('mint quote: no amount', NO_CODE, quoting({ amount: undefined })),
  row('mint quote: 10000001 sat', codes.amountOutOfRange, quoting({ amount: 10_000_001 }), {
    why: 'a setting of both mints',
  }),
  row('mint quote: a unit that the mint has not', codes.unitUnsupported, quoting({ unit: 'eur' })),
  row('mint quote: a unit that nobody has', codes.unitUnsupported, quoting({ unit: 'nobody' })),
  row('mint quote: a unit that is a number', NO_CODE, quoting({ unit: 7 })),
  row('mint quote: a description of 201 characters', NO_CODE, quoting({ description: 'x'.repeat(201) }), {
    why: 'whatever the characters, 200 of them fit into an invoice',
  }),
  row('mint quote: a pubkey that is none', codes.pubkeyRequired, quoting({ pubkey: 'no key' }), {
    why: 'nobody could sign for the quote',
  }),
  row('mint: an unknown quote', NO_CODE, async (w) => issuing('unknown', await w.change())),
  row('mint: no outputs', NO_CODE, issueOf([])),
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
    return issuing(await paidQuote(w), outputs)
  }),
  row('mint: a locked quote without a signature', codes.signatureInvalid, async (w) => {
    const { quote } = await w.paid(8, { pubkey })
    return issuing(quote, w.outs(await w.keyset(), [8]))
  }),
  row('mint: a locked quote, signed by another', codes.signatureInvalid, signed('01'.repeat(32))),
  row(
    'mint: a locked quote, its outputs in another order than signed',
    codes.signatureInvalid,
    signed(KEY, 'framed', (outputs) => outputs.toReversed()),
  ),
  row('mint: a locked quote, signed', TAKEN, signed(KEY)),
  row('mint: a locked quote, signed in the older form', TAKEN, signed(KEY, 'plain')),
  row('mint: a signature for a quote that is not locked', TAKEN, async (w) =>
    issuing(await paidQuote(w), w.outs(await w.keyset(), [8]), { signature: SIGNATURE }),
  ),
  row('batch: no quotes', NO_CODE, batch(() => [])), // prettier-ignore
  row('batch: the same quote twice', codes.duplicateQuotes, batch((w) => paidQuote(w).then((id) => [id, id]))), // prettier-ignore
  row('batch: an unknown quote', NO_CODE, batch(async (w) => [await paidQuote(w), 'unknown'])), // prettier-ignore
  row('batch: 101 quotes', codes.batchTooLarge, batch(() => Array.from({ length: 101 }, (_, at) => `quote-${at}`))), // prettier-ignore
  row('batch: more than was paid', codes.unbalanced, batch(async (w) => [await paidQuote(w)])), // prettier-ignore
  row('batch: fewer signatures than quotes', codes.signatureInvalid, batch(twoQuotes, { signatures: [null] })),
  row(
    'batch: a signature for a quote that is not locked',
    codes.signatureInvalid,
    batch(twoQuotes, { signatures: [SIGNATURE, null] }),
  ),
  row('batch: two quotes', TAKEN, batch(twoQuotes)),
  row(
    'batch check: an unknown quote among known ones',
    TAKEN,
    async (w) => ({ path: '/v1/mint/quote/bolt11/check', body: { quotes: [await paidQuote(w), 'unknown'] } }),
    { why: 'NUT-29 has it left out' },
  ),
]

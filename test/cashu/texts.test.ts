/**
 * Goal: whatever people paste or scan is read for what it is, and nothing that they paste breaks the reader.
 * Method: one token in every wrapping that is met; the vectors of NUT-00, NUT-26 and BIP321; drawn texts and drawn damage; and texts that
 * are made to be slow, of which the time is compared with that of half of them.
 */
import { getDecodedToken, getDecodedTokenBinary, getEncodedToken, getEncodedTokenBinary } from '@cashu/cashu-ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeToken, encodeToken, type Token } from '../../src/cashu/codec.ts'
import { CashuError } from '../../src/cashu/errors.ts'
import { parseCashu, readAll } from '../../src/cashu/text/parse-cashu.ts'
import { encodePaymentRequest } from '../../src/cashu/text/payment-request.ts'
import { tokenIn } from '../../src/cashu/text/token-text.ts'
import { atOnce, inTurns } from '../../src/time-slices.ts'

// The tokens of NUT-00's test vectors.
const V3 =
  'cashuAeyJ0b2tlbiI6W3sibWludCI6Imh0dHBzOi8vODMzMy5zcGFjZTozMzM4IiwicHJvb2ZzIjpbeyJhbW91bnQiOjIsImlkIjoiMDA5YTFmMjkzMjUzZTQxZSIsInNlY3JldCI6IjQwNzkxNWJjMjEyYmU2MWE3N2UzZTZkMmFlYjRjNzI3OTgwYmRhNTFjZDA2YTZhZmMyOWUyODYxNzY4YTc4MzciLCJDIjoiMDJiYzkwOTc5OTdkODFhZmIyY2M3MzQ2YjVlNDM0NWE5MzQ2YmQyYTUwNmViNzk1ODU5OGE3MmYwY2Y4NTE2M2VhIn0seyJhbW91bnQiOjgsImlkIjoiMDA5YTFmMjkzMjUzZTQxZSIsInNlY3JldCI6ImZlMTUxMDkzMTRlNjFkNzc1NmIwZjhlZTBmMjNhNjI0YWNhYTNmNGUwNDJmNjE0MzNjNzI4YzcwNTdiOTMxYmUiLCJDIjoiMDI5ZThlNTA1MGI4OTBhN2Q2YzA5NjhkYjE2YmMxZDVkNWZhMDQwZWExZGUyODRmNmVjNjlkNjEyOTlmNjcxMDU5In1dfV0sInVuaXQiOiJzYXQiLCJtZW1vIjoiVGhhbmsgeW91LiJ9'
const V4 =
  'cashuBo2F0gqJhaUgA_9SLj17PgGFwgaNhYQFhc3hAYWNjMTI0MzVlN2I4NDg0YzNjZjE4NTAxNDkyMThhZjkwZjcxNmE1MmJmNGE1ZWQzNDdlNDhlY2MxM2Y3NzM4OGFjWCECRFODGd5IXVW-07KaZCvuWHk3WrnnpiDhHki6SCQh88-iYWlIAK0mjE0fWCZhcIKjYWECYXN4QDEzMjNkM2Q0NzA3YTU4YWQyZTIzYWRhNGU5ZjFmNDlmNWE1YjRhYzdiNzA4ZWIwZDYxZjczOGY0ODMwN2U4ZWVhY1ghAjRWqhENhLSsdHrr2Cw7AFrKUL9Ffr1XN6RBT6w659lNo2FhAWFzeEA1NmJjYmNiYjdjYzY0MDZiM2ZhNWQ1N2QyMTc0ZjRlZmY4YjQ0MDJiMTc2OTI2ZDNhNTdkM2MzZGNiYjU5ZDU3YWNYIQJzEpxXGeWZN5qXSmJjY8MzxWyvwObQGr5G1YCCgHicY2FtdWh0dHA6Ly9sb2NhbGhvc3Q6MzMzOGF1Y3NhdA'

const proof = {
  amount: 2,
  id: '009a1f293253e41e',
  secret: 'a secret',
  C: '02bc9097997d81afb2cc7346b5e4345a9346bd2a506eb7958598a72f0cf85163ea',
}
const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const v3 = (...entries: readonly object[]): string => `cashuA${base64({ token: entries })}`
const entry = (changes: object = {}) => ({ mint: 'https://mint.example', proofs: [{ ...proof, ...changes }] })

const wrapped = (text: string, width: number, gap: string): string =>
  text.match(new RegExp(`.{1,${width}}`, 'gs'))!.join(gap)

/** A text behind an emoji, a variation selector a byte. */
const hidden = (text: string, behind = '🥜'): string =>
  behind +
  [...new TextEncoder().encode(text)]
    .map((byte) => String.fromCodePoint(byte < 16 ? 0xfe00 + byte : 0xe0100 + byte - 16))
    .join('')

const INVOICE =
  'lnbc2500u1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdpquwpc4curk03c9wlrswe78q4eyqc7d8d0xqzpuyk0sg5g70me25alkluzd2x62aysf2pyy8edtjeevuv4p2d5p76r4zkmneet7uvyakky2zr4cusd45tftc9c5fh0nnqpnl2jfll544esqchsrny'
const OFFER = 'lno1pgzkcctzv4kpvggzu2th0tw73fx2ygyd7gyuul490zkhkmz75ncz6q9nkyp9m78932tq'
const CREQB =
  'CREQB1QYQQWER9D4HNZV3NQGQQSQQQQQQQQQQRAQPSQQGQQSQQZQG9QQVXSAR5WPEN5TE0D45KUAPWV4UXZMTSD3JJUCM0D5RQQRJRDANXVET9YPCXZ7TDV4H8GXHR3TQ'
const CREQA = encodePaymentRequest({ id: 'order-1', amount: 7, unit: 'sat', mints: ['https://mint.example/'] })
// The example of LUD-01.
const LNURL =
  'LNURL1DP68GURN8GHJ7UM9WFMXJCM99E3K7MF0V9CXJ0M385EKVCENXC6R2C35XVUKXEFCV5MKVV34X5EKZD3EV56NYD3HXQURZEPEXEJXXEPNXSCRVWFNV9NXZCN9XQ6XYEFHVGCXXCMYXYMNSERXFQ5FNS'
const ADDRESS = 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'

/** What is found, by its type; errors by their code. */
const typesIn = async (text: string | Uint8Array): Promise<string[]> => {
  const { also, ...first } = await parseCashu(text)
  return [first, ...also].map((one) => (one.type === 'unreadable' ? one.code : one.type))
}

describe('a token is found', () => {
  const places: Readonly<Record<string, (token: string) => string>> = {
    alone: (token) => token,
    'between white space': (token) => `\n\t ${token} \r\n`,
    'with padding': (token) => `${token}==`,
    'in base64’s own alphabet': (token) => `${token.replaceAll('-', '+').replaceAll('_', '/')}=`,
    'as a link': (token) => `cashu:${token}`,
    'as a link in capitals': (token) => `CASHU:${token}`,
    'as a link with slashes': (token) => `Cashu://${token}`,
    'as a web link': (token) => `web+cashu://${token}`,
    'in the fragment of a URL': (token) => `https://wallet.example/#token=${token}`,
    'in the query of a URL': (token) =>
      `https://wallet.example/receive?a=1&token=${encodeURIComponent(`${token}=`)}&b=2`,
    'in the query of a URL, escaped': (token) =>
      `https://wallet.example/?token=${token.replaceAll('-', '%2B').replaceAll('_', '%2f')}%3D%3D`,
    'in the path of a URL': (token) => `https://wallet.example/t/${token}/`,
    'in a sentence': (token) => `Here you are: ${token}. Thanks for the fish, and see you at noon!`,
    'at the end of a sentence': (token) => `I send you this token ${token}`,
    'between quotes': (token) => `"${token}"`,
    'between quotes of print': (token) => `„${token}“`,
    'between backticks': (token) => `\`\`\`\n${token}\n\`\`\``,
    'between brackets': (token) => `[${token}](https://wallet.example)`,
    'in Markdown’s italics': (token) => `_${token}_ and *more*`,
    'in HTML': (token) => `<a href="cashu:${token}">a token</a>`,
    'over lines of 64': (token) => wrapped(token, 64, '\n'),
    'over lines of 76 and a sentence behind them': (token) =>
      `${wrapped(token, 76, '\r\n')}\r\nThanks for the fish\r\nBob`,
    'over lines of a quoted mail': (token) => `> ${wrapped(token, 70, '\n> ')}\n> Bob`,
    'over words': (token) => `Take it ${wrapped(token, 40, ' ')} and be happy`,
    'with zero-width characters': (token) => wrapped(token, 9, '\u200B'),
    'with soft hyphens': (token) => wrapped(token, 11, '\u00AD'),
    'with joiners, marks of direction and a byte order mark': (token) =>
      `\uFEFF\u202A${wrapped(token, 30, '\u2060')}\u202C`,
    'behind an emoji': (token) => hidden(token),
    'behind an emoji in a sentence': (token) => `Have a nut ❤️ ${hidden(`cashu:${token}`)} ok`,
    'twice, and is one': (token) => `cashu:${token}\n\n${token}`,
  }

  test.each(Object.entries(places))('%s', async (_, place) => {
    for (const token of [V3, V4]) {
      const { proofs, mintUrl, unit, memo } = decodeToken(token)
      const amount = proofs.reduce((sum, one) => sum + one.amount, 0)
      const { amount: found, ...rest } = (await parseCashu(place(token))) as never as Record<string, unknown>
      expect(rest).toEqual({
        type: 'token',
        token,
        mintUrl,
        unit,
        ...(memo && { memo }),
        proofs: proofs.length,
        also: [],
      })
      expect(Number(found)).toBe(amount)
      expect(atOnce(tokenIn(place(token)))).toEqual(decodeToken(token))
    }
  })

  test('in bytes, and in the UTF-8 of a text', async () => {
    const raw = Buffer.concat([Buffer.from('crawB'), Buffer.from(V4.slice(6), 'base64url')])
    expect(await parseCashu(raw)).toMatchObject({ type: 'token', token: V4 })
    expect(await parseCashu(Buffer.from(`take ${V4}`))).toMatchObject({ type: 'token', token: V4 })
    expect(await typesIn(raw.subarray(0, -3))).toEqual(['TOKEN_MALFORMED'])
    expect(await typesIn(Buffer.concat([raw, Buffer.from('x')]))).toEqual(['TOKEN_MALFORMED'])
    expect(await typesIn(new Uint8Array([0, 255, 254]))).toEqual(['TEXT_UNKNOWN'])
  })

  test('of the versions before 3, and as JSON', async () => {
    const version2 = { proofs: [proof], mints: [{ url: 'https://mint.example/', ids: ['009a1f293253e41e'] }] }
    for (const text of [base64(version2), JSON.stringify(version2), JSON.stringify({ token: [entry()] })]) {
      const found = await parseCashu(text)
      expect(found).toMatchObject({ type: 'token', mintUrl: 'https://mint.example', unit: 'sat', proofs: 1 })
      expect(found.type === 'token' && decodeToken(found.token).proofs).toEqual([proof])
    }
    // A secret is any text: JSON is read as it was written.
    const odd = { ...entry({ secret: 'a%2Bb\u200Bc' }), memo: '' }
    const found = await parseCashu(JSON.stringify({ token: [odd], memo: 'hearts ❤️❤️' }))
    expect(found.type === 'token' && decodeToken(found.token)).toMatchObject({ proofs: [{ secret: 'a%2Bb\u200Bc' }], memo: 'hearts ❤️❤️' }) // prettier-ignore
    // Of version 1 nobody knows the mint; and NUT-00 says that version 3 has a prefix.
    for (const text of [base64([proof]), JSON.stringify([proof])])
      expect(await typesIn(text)).toEqual(['TOKEN_WITHOUT_MINT'])
    expect(await typesIn(V3.slice('cashuA'.length))).toEqual(['TOKEN_MALFORMED'])
  })

  test('with keyset ids of old, which are base64', async () => {
    const text = v3(entry({ id: 'L3zxxRB/I8uE' }))
    expect(decodeToken(text).proofs[0]?.id).toBe('L3zxxRB/I8uE')
    expect(await parseCashu(text)).toMatchObject({ type: 'token', token: text })
  })

  test('of one mint, whose URL is written in several ways', () => {
    const entries = ['https://mint.example', 'https://mint.example/', 'https://MINT.example//'].map((mint, at) => ({
      mint,
      proofs: [{ ...proof, secret: `secret ${at}` }],
    }))
    expect(decodeToken(v3(...entries))).toMatchObject({ mintUrl: 'https://mint.example', proofs: { length: 3 } })
    expect(() => decodeToken(v3(...entries, { ...entry(), mint: 'https://other.example' }))).toThrow(
      expect.objectContaining({ code: 'TOKEN_OF_SEVERAL_MINTS' }),
    )
  })
})

describe('a token is refused, with a code and without its secrets', () => {
  const refused: Readonly<Record<string, readonly [text: string, code: string]>> = {
    'that has a proof twice': [v3({ mint: 'https://mint.example', proofs: [proof, proof] }), 'PROOF_REPEATED'],
    'that has a proof of nothing': [v3(entry({ amount: 0 })), 'PROOF_WORTHLESS'],
    'that is cut off': [V4.slice(0, 200), 'TOKEN_MALFORMED'],
    'that is cut off, in a sentence': [`Take ${V3.slice(0, 200)} please`, 'TOKEN_MALFORMED'],
    'of two mints': [
      v3(entry(), { ...entry({ secret: 'b' }), mint: 'https://other.example' }),
      'TOKEN_OF_SEVERAL_MINTS',
    ],
    'of a version to come': [`cashuC${V4.slice(6)}`, 'TOKEN_VERSION_UNKNOWN'],
    'with something behind it': [`${V4.replace(/[^]$/, 'A')}AAAAAAAA`, 'TOKEN_MALFORMED'],
    'of no mint': [v3({ ...entry(), mint: 'ftp://mint' }), 'MINT_URL_MALFORMED'],
    'of no proofs': [v3({ mint: 'https://mint.example', proofs: [] }), 'TOKEN_MALFORMED'],
  }

  test.each(Object.entries(refused))('%s', async (_, [text, code]) => {
    const found = await parseCashu(text)
    expect(found).toEqual({ type: 'unreadable', code, message: expect.any(String) as string, also: [] })
    expect(JSON.stringify(found)).not.toMatch(/a secret|02bc90/)
    expect(() => atOnce(tokenIn(text))).toThrow(expect.objectContaining({ name: 'CashuError', code }))
  })

  test('where one is to be received, and the text has two or none', () => {
    expect(() => atOnce(tokenIn(`${V3} ${V4}`))).toThrow(expect.objectContaining({ code: 'TOKENS_SEVERAL' }))
    expect(() => atOnce(tokenIn(INVOICE))).toThrow(expect.objectContaining({ code: 'TOKEN_MALFORMED' }))
    expect(() => atOnce(tokenIn(' '))).toThrow(expect.objectContaining({ code: 'TOKEN_MALFORMED' }))
  })

  test('a good one beside a bad one is found first', async () => {
    expect(await typesIn(`${V4.slice(0, 100)} ${V3}`)).toEqual(['token', 'TOKEN_MALFORMED'])
  })
})

describe('other things are found', () => {
  const things: Readonly<Record<string, readonly [text: string, found: object]>> = {
    'a request of NUT-18': [
      `Pay ${CREQA}, please`,
      { type: 'paymentRequest', request: CREQA, asks: { id: 'order-1', unit: 'sat', mints: ['https://mint.example'] } },
    ],
    'a request of NUT-26': [
      `cashu:${CREQB}`,
      {
        type: 'paymentRequest',
        request: CREQB,
        asks: { id: 'demo123', singleUse: true, description: 'Coffee payment' },
      },
    ],
    'a request of NUT-26 over lines': [wrapped(CREQB.toLowerCase(), 40, '\n'), { type: 'paymentRequest' }],
    'an invoice': [`lightning:${INVOICE}`, { type: 'invoice', request: INVOICE, msat: 250_000_000 }],
    'an invoice in capitals': [`LIGHTNING:${INVOICE.toUpperCase()}`, { type: 'invoice', msat: 250_000_000 }],
    'an invoice over lines': [`${wrapped(INVOICE, 60, '\n')}\nthanks`, { type: 'invoice', request: INVOICE }],
    'an offer': [`an offer: ${OFFER}.`, { type: 'offer', request: OFFER }],
    'an offer over lines': [`${OFFER.slice(0, 20)}+\n  ${OFFER.slice(20)}`, { type: 'offer', request: OFFER }],
    'a Lightning address': [
      ' <Bob@Example.com>. ',
      { type: 'lightningAddress', address: 'bob@example.com', url: 'https://example.com/.well-known/lnurlp/bob' },
    ],
    'a Lightning address as a link': ['lightning:bob@example.com', { type: 'lightningAddress' }],
    'an LNURL': [
      `https://service.example/giftcard/redeem?id=1&lightning=${LNURL}`,
      {
        type: 'lnurl',
        url: 'https://service.com/api?q=3fc3645b439ce8e7f2553a69e5267081d96dcd340693afabe04be7b0ccd178df',
      },
    ],
    'an LNURL of LUD-17': ['lnurlp://service.example/pay/7', { type: 'lnurl', url: 'https://service.example/pay/7' }],
    'an address in a link in a sentence': [`(pay bitcoin:${ADDRESS}).`, { type: 'bitcoin', address: ADDRESS }],
    'an address': [ADDRESS, { type: 'bitcoin', address: ADDRESS }],
    'the URL of a mint': [
      'https://Mint.Example/Bitcoin/',
      { type: 'mintUrl', mintUrl: 'https://mint.example/Bitcoin' },
    ],
  }

  test.each(Object.entries(things))('%s', async (_, [text, found]) => {
    expect(await parseCashu(text)).toMatchObject({ ...found, also: [] })
  })

  test('several in a BIP321 link, ecash first and the chain last', async () => {
    const link = `bitcoin:${ADDRESS}?amount=0.0025&label=The%20shop&lightning=${INVOICE}&lno=${OFFER}&creq=${CREQB}`
    expect(await typesIn(link)).toEqual(['paymentRequest', 'invoice', 'offer', 'bitcoin'])
    const { also } = await parseCashu(`Pay here: ${link} or else`)
    expect(also.at(-1)).toEqual({ type: 'bitcoin', address: ADDRESS, amountSat: 250_000, label: 'The shop' })
    // The links of NUT-26.
    expect(await typesIn(`BITCOIN:?creq=${CREQB}`)).toEqual(['paymentRequest'])
    expect(await typesIn(`bitcoin:?lno=${OFFER}&creq=${CREQB}`)).toEqual(['paymentRequest', 'offer'])
    expect(await typesIn(`bitcoin:?CREQ=${encodeURIComponent(CREQA)}`)).toEqual(['paymentRequest'])
  })

  test('amounts of BIP21 exactly, and nothing for what is none', async () => {
    const sat = async (amount: string) => {
      const found = await parseCashu(`bitcoin:${ADDRESS}?amount=${amount}`)
      return found.type === 'bitcoin' ? found.amountSat : found.type === 'unreadable' && found.code
    }
    expect(await sat('20.3')).toBe(2_030_000_000)
    expect(await sat('0.00000001')).toBe(1)
    expect(await sat('.5')).toBe(50_000_000)
    expect(await sat('21000000')).toBe(2_100_000_000_000_000)
    for (const bad of ['', '.', '1e3', '-1', '0.000000001', '1,5', '1&amount=2'])
      expect(await sat(bad), bad).toBe('BITCOIN_URI_MALFORMED')
  })

  test('what a link requires and nobody knows makes it another one', async () => {
    expect(await typesIn(`bitcoin:${ADDRESS}?req-somethingyoudontunderstand=50`)).toEqual(['BITCOIN_URI_MALFORMED'])
    expect(await typesIn(`bitcoin:${ADDRESS}?somethingyoudontunderstand=50`)).toEqual(['bitcoin'])
    expect(await typesIn(`bitcoin:${ADDRESS}?req-lightning=${INVOICE}`)).toEqual(['invoice', 'bitcoin'])
    expect(await typesIn('bitcoin:')).toEqual(['BITCOIN_URI_MALFORMED'])
    expect(await typesIn(`bitcoin:?lightning=bitcoin:${ADDRESS}`)).toEqual(['BITCOIN_URI_MALFORMED'])
  })

  test('what is wrong with each is said', async () => {
    expect(await typesIn(INVOICE.replace('pvjluez', 'pvjluex'))).toEqual(['INVOICE_MALFORMED'])
    expect(await typesIn('lno1pgzkcctzv4kpvggzu')).toEqual(['OFFER_MALFORMED'])
    expect(await typesIn(CREQB.replace('QQWER', 'QQWEX'))).toEqual(['PAYMENT_REQUEST_MALFORMED'])
    expect(await typesIn(CREQA.slice(0, -6))).toEqual(['PAYMENT_REQUEST_MALFORMED'])
    expect(await typesIn(LNURL.replace('DP68', 'DP69'))).toEqual(['LNURL_MALFORMED'])
    expect(await typesIn('https://me:secret@mint.example')).toEqual(['MINT_URL_MALFORMED'])
    for (const nothing of ['', ' \u200B\n', 'hello', 'cashu', 'cashuB', 'see github.com/cashubtc', 'bitcoin is money'])
      expect(await typesIn(nothing), nothing).toEqual(['TEXT_UNKNOWN'])
  })

  test('an LNURL is resolved where somebody is given who asks, and nobody is asked otherwise', async () => {
    const asked: string[] = []
    const answer = {
      tag: 'payRequest',
      callback: 'https://service.example/cb',
      minSendable: 1000,
      maxSendable: 5000,
      metadata: JSON.stringify([['text/plain', 'A coffee']]),
    }
    const resolve = async (url: string): Promise<unknown> => {
      asked.push(url)
      return answer
    }
    const pay = { callback: answer.callback, leastMsat: 1000, mostMsat: 5000, description: 'A coffee' }
    expect(await parseCashu('bob@example.com')).not.toHaveProperty('pay')
    expect(await parseCashu('bob@example.com', { resolve })).toMatchObject({ type: 'lightningAddress', pay })
    expect(await parseCashu(LNURL, { resolve })).toMatchObject({ type: 'lnurl', pay })
    expect(await parseCashu(V4, { resolve })).toMatchObject({ type: 'token' })
    expect(asked).toHaveLength(2)
    const many = await parseCashu(`lnurlp://a.example/1 lnurlp://b.example/2 ${CREQB}`, { resolve })
    expect(many.also).toMatchObject([{ type: 'lnurl', pay }, { type: 'lnurl' }])
    expect(asked.slice(2)).toEqual(['https://a.example/1'])
    const bad: readonly unknown[] = [
      null,
      { ...answer, tag: 'login' },
      { ...answer, callback: 'http://x' },
      { ...answer, minSendable: 6000 },
    ]
    for (const given of bad) expect(await parseCashu(LNURL, { resolve: async () => given })).not.toHaveProperty('pay')
    const failing = (): Promise<unknown> => Promise.reject(new Error('offline'))
    expect(await parseCashu(LNURL, { resolve: failing })).not.toHaveProperty('pay')
  })

  test('a wrong call is a TypeError that names the argument', async () => {
    await expect(parseCashu(7 as never)).rejects.toThrow(/^text: /)
    await expect(parseCashu('', { resolve: 7 as never })).rejects.toThrow(/^resolve: /)
    await expect(parseCashu('', { resolver: () => 7 } as never)).rejects.toThrow(/^resolver: /)
  })
})

const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((all) => Buffer.from(all).toString('hex'))
const tokens: fc.Arbitrary<Token> = fc.record({
  mintUrl: fc.constantFrom('https://mint.example', 'http://localhost:3338', 'https://mint.example/bitcoin'),
  unit: fc.constantFrom('sat', 'usd'),
  memo: fc.string({ minLength: 1, unit: 'grapheme' }).filter((memo) => memo.isWellFormed()),
  proofs: fc.uniqueArray(
    fc.record({
      amount: fc.integer({ min: 1, max: 2 ** 40 }),
      secret: fc.string({ minLength: 1 }),
      C: hex(32).map((x) => `02${x}`),
      id: hex(7).map((id) => `00${id}`),
    }),
    { minLength: 1, maxLength: 5, selector: ({ secret }) => secret },
  ),
})

/** What `receive` throws for a text, unless it is documented. */
function refusalOf(text: string): unknown {
  try {
    return void atOnce(tokenIn(text))
  } catch (error) {
    if (error instanceof CashuError) return undefined
    return error
  }
}

describe('drawn texts', () => {
  const pieces = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(V3, V4, INVOICE, OFFER, CREQA, CREQB, LNURL, ADDRESS, 'cashu:', 'cashuB', 'bitcoin:', '?', '&creq=', 'lightning=', '\n', ' ', '%2B', '\uFE0F', hidden('x'), '{"', 'eyJ', '=', 'bob@x.y', 'https://'), // prettier-ignore
    fc.tuple(fc.constantFrom(V3, V4, CREQA, CREQB), fc.nat(400)).map(([text, end]) => text.slice(0, end)),
  )

  test('never make it throw, and what is wrong has a documented code', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(pieces, { maxLength: 8 }).map((all) => all.join('')),
        async (text) => {
          const { also, ...first } = await parseCashu(text)
          const codes = [first, ...also].flatMap((one) => (one.type === 'unreadable' ? [one.code] : []))
          expect(codes.filter((code) => !/^(?:TOKEN|PROOF|TEXT|PAYMENT_REQUEST|INVOICE|OFFER|BITCOIN_URI|LNURL|MINT_URL)_/.test(code))).toEqual([]) // prettier-ignore
          expect(refusalOf(text)).toBeUndefined()
        },
      ),
      { numRuns: 1_000 },
    )
  })

  test('that are bytes never make it throw', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('', 'crawB', 'cashuB', 'creqA'),
        fc.uint8Array({ maxLength: 200 }),
        async (start, bytes) => {
          await parseCashu(Buffer.concat([Buffer.from(start), bytes]))
          await parseCashu(`${start}${Buffer.from(bytes).toString('base64url')}`)
          await parseCashu(`${start}${Buffer.from(bytes).toString('latin1')}`)
        },
      ),
    )
  })

  test('with a token in them give it back as it was', async () => {
    const around = fc.stringMatching(/^[ .,!?"'()<>\n]{0,8}$/)
    await fc.assert(
      fc.asyncProperty(tokens, around, around, fc.integer({ min: 7, max: 90 }), async (token, before, after, width) => {
        const text = encodeToken(token)
        for (const written of [text, wrapped(text, width, '\n'), hidden(text)]) {
          const found = await parseCashu(`${before}${written}${after}`)
          expect(found).toMatchObject({
            type: 'token',
            token: text,
            mintUrl: token.mintUrl,
            memo: token.memo,
            also: [],
          })
        }
      }),
    )
  })

  test('are read as cashu-ts reads them: its texts and its bytes by us, ours by it', async () => {
    await fc.assert(
      fc.asyncProperty(tokens, async (token) => {
        const ours = encodeToken(token)
        const theirs = getDecodedToken(
          ours,
          token.proofs.map(({ id }) => id),
        )
        const text = await parseCashu(getEncodedToken(theirs))
        expect(text).toMatchObject({ type: 'token', mintUrl: theirs.mint, unit: theirs.unit, memo: theirs.memo })
        expect(text.type === 'token' && decodeToken(text.token)).toEqual(decodeToken(ours))
        const bytes = getEncodedTokenBinary(theirs)
        const found = await parseCashu(bytes)
        expect(found.type === 'token' && decodeToken(found.token)).toEqual(decodeToken(ours))
        expect(getDecodedTokenBinary(bytes).proofs).toHaveLength(token.proofs.length)
      }),
    )
  })
})

/** A token of so many proofs, as strangers send it. */
const large = (proofs: number, version: 3 | 4, dleq = true): string => {
  const all = Array.from({ length: proofs }, (_, at) => ({
    ...{ amount: 1, id: '009a1f293253e41e', C: proof.C, secret: at.toString(16).padStart(64, '0') },
    ...(dleq && { dleq: { e: 'ab'.repeat(32), s: 'cd'.repeat(32), r: 'ef'.repeat(32) } }),
  }))
  return version === 3
    ? v3({ mint: 'https://mint.example', proofs: all })
    : encodeToken({ mintUrl: 'https://mint.example', unit: 'sat', proofs: all })
}

describe('large texts', () => {
  test.each([3, 4] as const)(
    'of version %i are read in pieces, as many as they have hundreds of proofs',
    async (version) => {
      const turnsFor = async (proofs: number): Promise<number> => {
        let turns = 0
        const read = await inTurns(tokenIn(large(proofs, version)), async () => void turns++)
        expect(read.proofs).toHaveLength(proofs)
        return turns
      }
      const [thousand, fiveThousand] = [await turnsFor(1_000), await turnsFor(5_000)]
      expect(thousand).toBeGreaterThan(1_000 / 100)
      expect(fiveThousand).toBeGreaterThan(4 * thousand)
    },
  )

  test.each([3, 4] as const)('of version %i with too many proofs are refused before any of them is read', (version) => {
    const text = large(10_000, version, false)
    expect(text.length).toBeGreaterThan(1_400_000)
    let pieces = 0
    const count = (): never => {
      const reading = tokenIn(text)
      for (;;) {
        if (reading.next().done) throw new Error('read')
        pieces++
      }
    }
    expect(count).toThrow(expect.objectContaining({ code: 'TOKEN_TOO_LARGE' }))
    // Those of the text: 10,000 proofs would be 200 more.
    expect(pieces).toBeLessThan(100)
  })

  test('are refused where they are too large for any', async () => {
    expect(await typesIn('x'.repeat(4_000_001))).toEqual(['TEXT_TOO_LARGE'])
    expect(await typesIn(new Uint8Array(4_000_001))).toEqual(['TEXT_TOO_LARGE'])
    expect(() => atOnce(tokenIn('x'.repeat(4_000_001)))).toThrow(expect.objectContaining({ code: 'TOKEN_TOO_LARGE' }))
    expect(await typesIn(large(5_001, 4))).toEqual(['TOKEN_TOO_LARGE'])
    expect(await typesIn(large(5_001, 3, false))).toEqual(['TOKEN_TOO_LARGE'])
  })

  test.each(['CASHUAx\n', '_cashuAx ', '_CASHUBo2>'])(
    'of words that begin like tokens, %j, are gone over once',
    (word) => {
      const reading = readAll(word.repeat(20_000))
      let pieces = 0
      while (!reading.next().done && pieces < 100) pieces++
      expect(pieces).toBeLessThan(100)
    },
  )

  const times = (text: string) => (length: number) => text.repeat(Math.ceil(length / text.length)).slice(0, length)
  const hostile: Readonly<Record<string, (length: number) => string>> = {
    'one letter': times('c'),
    prefixes: times('cashuB'),
    'prefixes with something behind them': times(`/cashuB${'A'.repeat(20)}`),
    'prefixes in words': times(`cashuB${'A'.repeat(20)} a/`),
    'words of one letter behind a prefix': (length) => `cashuB${'A'.repeat(20)}${times(' a')(length - 26)}`,
    'white space behind a prefix': (length) => `cashuB${'A'.repeat(20)}${' '.repeat(length - 26)}`,
    'the beginning of a token': (length) => `cashuA${Buffer.from('[{"').toString('base64')}${'A'.repeat(length - 10)}`,
    'nested lists': (length) => `cashuA${Buffer.from('['.repeat(((length - 9) * 3) / 4)).toString('base64')}`,
    'nested lists of CBOR': (length) => `cashuB${Buffer.alloc(((length - 9) * 3) / 4, 0x81).toString('base64')}`,
    'empty texts in a list': (length) =>
      `cashuA${Buffer.from(`{"token":[${'"",'.repeat(length / 4 - 10)}""]}`).toString('base64')}`,
    JSON: (length) => `{"a":[${'{},'.repeat(length / 3 - 10)}{}]}`,
    invoices: times('lnbc1 '),
    'digits of an invoice': (length) => `lnbc${'1'.repeat(length - 4)}`,
    'an invoice without end': (length) => `lnbc1${'q'.repeat(length - 5)}`,
    'an offer without end': (length) => `lno1${times('q+\n')(length - 4)}`,
    requests: times('creqb1qq creqAqq '),
    links: times('bitcoin:?creq=creqb1&'),
    'a link without end': (length) => `bitcoin:?${times('a=b&')(length - 9)}`,
    'zero-width characters': times('\u200B'),
    'signs of escapes': times('%'),
    'variation selectors behind one letter': (length) => `x${times('\uDB40\uDD50')(length - 1)}`,
    'variation selectors': times('\uDB40\uDD50'),
    escapes: times('%2B%3D%'),
    quotes: times('"'),
    'signs of a Lightning address': times('a@a.'),
    'old tokens': (length) => `eyJ${'A'.repeat(length - 3)}`,
    LNURLs: times('lnurl1q lnurlp:q '),
  }

  const cpuMs = (work: () => void): number => {
    const { user, system } = process.threadCpuUsage()
    work()
    const spent = process.threadCpuUsage({ user, system })
    return (spent.user + spent.system) / 1000
  }

  test.each(Object.entries(hostile))('of %s take no more than in proportion', { timeout: 120_000 }, (_, textOf) => {
    const read = (length: number): number => {
      const text = textOf(length)
      return cpuMs(() => void atOnce(readAll(text)))
    }
    read(100_000)
    const half = Math.min(read(500_000), read(500_000))
    const whole = Math.min(read(4_000_000), read(4_000_000))
    // Eight times as long: what grows by the square takes 64 times as long. Below 500 ms a pause of the machine is no proportion.
    expect(whole).toBeLessThan(Math.max(500, 24 * half))
  })
})

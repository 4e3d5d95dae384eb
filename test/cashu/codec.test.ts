import { getEncodedToken, Amount } from '@cashu/cashu-ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeToken, encodeToken, fullKeysetId, normalizeMintUrl } from '../../src/cashu/codec.ts'
import { askedIn, isPreimage, readInvoice } from '../../src/cashu/invoice.ts'
import type { Token } from '../../src/cashu/codec.ts'

const coded = (code: string): unknown => expect.objectContaining({ name: 'CashuError', code })
const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((all) => Buffer.from(all).toString('hex'))
const pointHex = hex(32).map((x) => `02${x}`)

// The tokens of NUT-00's test vectors.
const V3 =
  'cashuAeyJ0b2tlbiI6W3sibWludCI6Imh0dHBzOi8vODMzMy5zcGFjZTozMzM4IiwicHJvb2ZzIjpbeyJhbW91bnQiOjIsImlkIjoiMDA5YTFmMjkzMjUzZTQxZSIsInNlY3JldCI6IjQwNzkxNWJjMjEyYmU2MWE3N2UzZTZkMmFlYjRjNzI3OTgwYmRhNTFjZDA2YTZhZmMyOWUyODYxNzY4YTc4MzciLCJDIjoiMDJiYzkwOTc5OTdkODFhZmIyY2M3MzQ2YjVlNDM0NWE5MzQ2YmQyYTUwNmViNzk1ODU5OGE3MmYwY2Y4NTE2M2VhIn0seyJhbW91bnQiOjgsImlkIjoiMDA5YTFmMjkzMjUzZTQxZSIsInNlY3JldCI6ImZlMTUxMDkzMTRlNjFkNzc1NmIwZjhlZTBmMjNhNjI0YWNhYTNmNGUwNDJmNjE0MzNjNzI4YzcwNTdiOTMxYmUiLCJDIjoiMDI5ZThlNTA1MGI4OTBhN2Q2YzA5NjhkYjE2YmMxZDVkNWZhMDQwZWExZGUyODRmNmVjNjlkNjEyOTlmNjcxMDU5In1dfV0sInVuaXQiOiJzYXQiLCJtZW1vIjoiVGhhbmsgeW91LiJ9'
const V4 =
  'cashuBo2F0gqJhaUgA_9SLj17PgGFwgaNhYQFhc3hAYWNjMTI0MzVlN2I4NDg0YzNjZjE4NTAxNDkyMThhZjkwZjcxNmE1MmJmNGE1ZWQzNDdlNDhlY2MxM2Y3NzM4OGFjWCECRFODGd5IXVW-07KaZCvuWHk3WrnnpiDhHki6SCQh88-iYWlIAK0mjE0fWCZhcIKjYWECYXN4QDEzMjNkM2Q0NzA3YTU4YWQyZTIzYWRhNGU5ZjFmNDlmNWE1YjRhYzdiNzA4ZWIwZDYxZjczOGY0ODMwN2U4ZWVhY1ghAjRWqhENhLSsdHrr2Cw7AFrKUL9Ffr1XN6RBT6w659lNo2FhAWFzeEA1NmJjYmNiYjdjYzY0MDZiM2ZhNWQ1N2QyMTc0ZjRlZmY4YjQ0MDJiMTc2OTI2ZDNhNTdkM2MzZGNiYjU5ZDU3YWNYIQJzEpxXGeWZN5qXSmJjY8MzxWyvwObQGr5G1YCCgHicY2FtdWh0dHA6Ly9sb2NhbGhvc3Q6MzMzOGF1Y3NhdA=='

const v3 = (token: unknown) => `cashuA${Buffer.from(JSON.stringify(token)).toString('base64url')}`
const proof = {
  amount: 2,
  id: '009a1f293253e41e',
  secret: 'a secret',
  C: '02bc9097997d81afb2cc7346b5e4345a9346bd2a506eb7958598a72f0cf85163ea',
}
const withProof = (changes: object) => v3({ token: [{ mint: 'https://mint', proofs: [{ ...proof, ...changes }] }] })

describe('tokens', () => {
  test('NUT-00’s own, of both versions', () => {
    const token = decodeToken(V3)
    expect(token).toMatchObject({ mintUrl: 'https://8333.space:3338', unit: 'sat', memo: 'Thank you.' })
    expect(token.proofs.map(({ amount, id }) => [amount, id])).toEqual([
      [2, '009a1f293253e41e'],
      [8, '009a1f293253e41e'],
    ])
    const { proofs, ...rest } = decodeToken(V4)
    expect(rest).toEqual({ mintUrl: 'http://localhost:3338', unit: 'sat' })
    expect(proofs.map(({ amount, id, secret }) => [amount, id, secret.slice(0, 4)])).toEqual([
      [1, '00ffd48b8f5ecf80', 'acc1'],
      [2, '00ad268c4d1f5826', '1323'],
      [1, '00ad268c4d1f5826', '56bc'],
    ])
    for (const written of [`cashu:${V4}`, `cashu://${V4}`, `web+cashu://${V4}`, ` ${V4.replaceAll('=', '')}\n`]) {
      expect(decodeToken(written)).toEqual(decodeToken(V4))
    }
  })

  const tokens = fc
    .record({
      mintUrl: fc.constantFrom('https://mint.example', 'http://localhost:3338', 'https://mint.example/bitcoin'),
      unit: fc.constantFrom('sat', 'usd'),
      memo: fc.string({ minLength: 1 }),
      proofs: fc.uniqueArray(
        fc.record(
          {
            amount: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
            secret: fc.string({ minLength: 1 }),
            C: pointHex,
            id: fc.oneof(
              hex(7).map((id) => `00${id}`),
              hex(32).map((id) => `01${id}`),
            ),
            dleq: fc.record({ e: hex(32), s: hex(32), r: hex(32) }),
            witness: fc.constantFrom('{"signatures":["ab"]}', '{"preimage":"cd","signatures":[]}'),
          },
          { requiredKeys: ['amount', 'secret', 'C', 'id'] },
        ),
        { minLength: 1, maxLength: 5, selector: ({ secret }) => secret },
      ),
    })
    .map((token) => token as Token)

  test('come back as they were, with short ids', () => {
    fc.assert(
      fc.property(tokens, (token) => {
        const short = token.proofs.map((one) => ({ ...one, id: one.id.slice(0, 16) }))
        const read = decodeToken(encodeToken(token))
        // The encoder groups proofs by keyset.
        const sorted = (proofs: Token['proofs']) => proofs.toSorted((a, b) => (a.secret < b.secret ? -1 : 1))
        expect({ ...read, proofs: sorted(read.proofs) }).toEqual({ ...token, proofs: sorted(short) })
        const ids = token.proofs.map(({ id }) => id)
        for (const [i, { id }] of short.entries()) expect(fullKeysetId(id, ids)).toBe(ids[i])
      }),
    )
  })

  test('of cashu-ts are read', () => {
    const { id, secret, C } = proof
    const text = getEncodedToken({
      mint: 'https://mint',
      unit: 'usd',
      proofs: [{ id, secret, C, amount: Amount.from(2) }],
    })
    expect(decodeToken(text)).toEqual({ mintUrl: 'https://mint', unit: 'usd', proofs: [proof] })
  })

  test('V3 witnesses may be objects, and entries of one mint are one', () => {
    expect(decodeToken(withProof({ witness: { signatures: ['ab'] } })).proofs[0]?.witness).toBe('{"signatures":["ab"]}')
    const entries = ['a', 'b'].map((secret) => ({ mint: 'https://mint', proofs: [{ ...proof, secret }] }))
    expect(decodeToken(v3({ token: entries })).proofs).toHaveLength(2)
    expect(() => decodeToken(v3({ token: [entries[0], { ...entries[1], mint: 'https://other' }] }))).toThrow(
      coded('TOKEN_OF_SEVERAL_MINTS'),
    )
  })

  test('what is no token is refused, and shows no secret', () => {
    const bad = [
      '',
      'cashu',
      V3.replace('cashuA', 'casshuA'),
      V3.slice(6),
      V3.slice(0, -30),
      V4.slice(0, 100),
      V4.replace('cashuB', 'cashuC'),
      v3({}),
      v3({ token: [] }),
      v3({ token: [{ mint: 'https://mint', proofs: [] }] }),
      v3({ token: [{ proofs: [proof] }] }),
      ...[
        { amount: -1 },
        { amount: 1.5 },
        { amount: 2 ** 53 },
        { amount: null },
        { secret: '' },
        { secret: 7 },
        { C: '02' },
        { C: `04${proof.C.slice(2)}` },
        { id: 'L3zxxRB/I8u' },
        { dleq: { e: 'ab', s: 'cd', r: 'ef' } },
        { dleq: 'ab' },
      ].map(withProof),
    ]
    for (const text of bad) {
      expect(() => decodeToken(text)).toThrow(coded('TOKEN_MALFORMED'))
      expect(() => decodeToken(text)).not.toThrow(/a secret/)
    }
    expect(() => decodeToken(v3({ token: [{ mint: 'ftp://mint', proofs: [proof] }] }))).toThrow(
      coded('MINT_URL_MALFORMED'),
    )
    fc.assert(
      fc.property(fc.constantFrom('A', 'B'), fc.uint8Array({ minLength: 1 }), (version, bytes) => {
        const text = `cashu${version}${Buffer.from(bytes).toString('base64url')}`
        expect(() => decodeToken(text)).toThrow(coded('TOKEN_MALFORMED'))
      }),
    )
  })
})

test('keyset ids are expanded among the mint’s own', () => {
  const [one, two, old] = [`01${'ab'.repeat(32)}`, `01${'ab'.repeat(8)}${'cd'.repeat(24)}`, '00aabbccddeeff00']
  expect(fullKeysetId(one.slice(0, 16), [one, one, old])).toBe(one)
  expect(fullKeysetId(one, [one, two])).toBe(one)
  expect(fullKeysetId(old, [one, old])).toBe(old)
  expect(fullKeysetId(one.slice(0, 16), [one, two])).toBeUndefined()
  expect(fullKeysetId(one.slice(0, 16), [old])).toBeUndefined()
  expect(fullKeysetId(old.slice(0, 14), [old])).toBeUndefined()
  expect(fullKeysetId('', [old])).toBeUndefined()
})

test('mint addresses have one form', () => {
  expect(normalizeMintUrl('https://Mint.Example.com/Bitcoin//')).toBe('https://mint.example.com/Bitcoin')
  expect(normalizeMintUrl('http://localhost:3338/')).toBe('http://localhost:3338')
  for (const bad of [
    '',
    'mint.example',
    'ftp://mint',
    'https://me:secret@mint',
    'https://mint/?a=1',
    'https://mint/#a',
  ]) {
    expect(() => normalizeMintUrl(bad)).toThrow(coded('MINT_URL_MALFORMED'))
  }
})

describe('invoices', () => {
  // The examples of BOLT 11.
  const donation =
    'lnbc1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdpl2pkx2ctnv5sxxmmwwd5kgetjypeh2ursdae8g6twvus8g6rfwvs8qun0dfjkxaq8rkx3yf5tcsyz3d73gafnh3cax9rn449d9p5uxz9ezhhypd0elx87sjle52x86fux2ypatgddc6k63n7erqz25le42c4u4ecky03ylcqca784w'
  const coffee =
    'lnbc2500u1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdpquwpc4curk03c9wlrswe78q4eyqc7d8d0xqzpuyk0sg5g70me25alkluzd2x62aysf2pyy8edtjeevuv4p2d5p76r4zkmneet7uvyakky2zr4cusd45tftc9c5fh0nnqpnl2jfll544esqchsrny'
  const list =
    'lnbc20m1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqhp58yjmdan79s6qqdhdzgynm4zwqd5d7xmw5fk98klysy043l2ahrqscc6gd6ql3jrc5yzme8v4ntcewwz5cnw92tz0pc8qcuufvq7khhr8wpald05e92xw006sq94mg8v2ndf4sefvf9sygkshp5zfem29trqq2yxxz7'
  const pico =
    'lnbc9678785340p1pwmna7lpp5gc3xfm08u9qy06djf8dfflhugl6p7lgza6dsjxq454gxhj9t7a0sd8dgfkx7cmtwd68yetpd5s9xar0wfjn5gpc8qhrsdfq24f5ggrxdaezqsnvda3kkum5wfjkzmfqf3jkgem9wgsyuctwdus9xgrcyqcjcgpzgfskx6eqf9hzqnteypzxz7fzypfhg6trddjhygrcyqezcgpzfysywmm5ypxxjemgw3hxjmn8yptk7untd9hxwg3q2d6xjcmtv4ezq7pqxgsxzmnyyqcjqmt0wfjjq6t5v4khxsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygsxqyjw5qcqp2rzjq0gxwkzc8w6323m55m4jyxcjwmy7stt9hwkwe2qxmy8zpsgg7jcuwz87fcqqeuqqqyqqqqlgqqqqn3qq9q9qrsgqrvgkpnmps664wgkp43l22qsgdw4ve24aca4nymnxddlnp8vh9v2sdxlu5ywdxefsfvm0fq3sesf08uf6q9a2ke0hc9j6z6wlxg5z5kqpu2v9wz'
  const testnet =
    'lntb20m1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygshp58yjmdan79s6qqdhdzgynm4zwqd5d7xmw5fk98klysy043l2ahrqspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqfpp3x9et2e20v6pu37c5d9vax37wxq72un989qrsgqdj545axuxtnfemtpwkc45hx9d2ft7x04mt8q7y6t0k2dge9e7h8kpy9p34ytyslj3yu569aalz2xdk8xkd7ltxqld94u8h2esmsmacgpghe9k8'

  test('ask for millisatoshi', () => {
    const paymentHash = '0001020304050607080900010203040506070809000102030405060708090102'
    expect(readInvoice(donation)).toEqual({ paymentHash })
    expect(readInvoice(coffee)).toEqual({ msat: 250_000_000, paymentHash })
    expect(readInvoice(list)).toEqual({ msat: 2_000_000_000, paymentHash })
    expect(readInvoice(pico)).toEqual({
      msat: 967_878_534,
      paymentHash: '462264ede7e14047e9b249da94fefc47f41f7d02ee9b091815a5506bc8abf75f',
    })
    expect(readInvoice(testnet)).toEqual({ msat: 2_000_000_000, paymentHash })
    expect(readInvoice(` lightning:${coffee.toUpperCase()} `)).toEqual({ msat: 250_000_000, paymentHash })
  })

  test('ask for an exact amount in msat, for one that is rounded either way in sat, and for nobody knows what else', () => {
    expect(askedIn('msat', 10_500)).toEqual({ least: 10_500, most: 10_500 })
    expect(askedIn('sat', 10_500)).toEqual({ least: 10, most: 11 })
    expect(askedIn('sat', 10_000)).toEqual({ least: 10, most: 10 })
    expect(askedIn('usd', 10_000)).toBeUndefined()
  })

  test('are proven paid by the preimage of their payment hash, and by nothing else', () => {
    const zeros = '00'.repeat(32)
    const hashOfZeros = '66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925'
    expect(isPreimage(zeros, hashOfZeros)).toBe(true)
    for (const text of ['01'.repeat(32), '', '00', 'zz'.repeat(32), `${zeros}00`, ` ${zeros}`, 'null'])
      expect(isPreimage(text, hashOfZeros), text).toBe(false)
  })

  test('are refused where something is wrong', () => {
    const bad = {
      checksum: coffee.replace('pvjluez', 'pvjluex'),
      'another amount': coffee.replace('2500u', '2501u'),
      'mixed case': coffee.replace('lnbc', 'LNBC'),
      'too short':
        'lnbc1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdpl2pkx2ctnv5sxxmmwwd5kgetjypeh2ursdae8g6na6hlh',
      'wrong unit':
        'lnbc2500x1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpusp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygs9qrsgqrrzc4cvfue4zp3hggxp47ag7xnrlr8vgcmkjxk3j5jqethnumgkpqp23z9jclu3v0a7e0aruz366e9wqdykw6dxhdzcjjhldxq0w6wgqcnu43j',
      'parts of a millisatoshi':
        'lnbc2500000001p1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpusp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygs9qrsgq0lzc236j96a95uv0m3umg28gclm5lqxtqqwk32uuk4k6673k6n5kfvx3d2h8s295fad45fdhmusm8sjudfhlf6dcsxmfvkeywmjdkxcp99202x',
      'an address': 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4',
      nothing: '',
    }
    for (const [why, invoice] of Object.entries(bad)) {
      expect(() => readInvoice(invoice), why).toThrow(coded('INVOICE_MALFORMED'))
    }
  })
})

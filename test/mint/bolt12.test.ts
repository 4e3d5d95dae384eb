/**
 * Goal: offers are read as every Lightning node reads them, and known by the same id.
 * Method: the vectors of BOLT 12 for offers, for their spelling and for Merkle roots (lightning/bolts, bolt12/*.json);
 * what was written is read back, whatever is in it.
 */
import * as fc from 'fast-check'
import { hexToBytes } from '@noble/hashes/utils.js'
import { bech32 } from '@scure/base'
import { describe, expect, test } from 'vitest'
import { bolt12, merkleRoot, plainOffer, type Offer } from '../../src/mint-server/lightning/bolt12.ts'

const ALICE = '02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619'
const MEMO = { memo: 'Test vectors', issuerId: ALICE }

describe('offers that are read', () => {
  test.each<[string, Partial<Offer>, string]>([
    ['no more than whom to ask', { issuerId: ALICE }, 'lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese'],
    ['a memo', MEMO, 'lno1pgx9getnwss8vetrw3hhyuckyypwa3eyt44h6txtxquqh7lz5djge4afgfjn7k4rgrkuag0jsd5xvxg'],
    [
      'metadata',
      { ...MEMO, metadata: '00'.repeat(16) },
      'lno1qsgqqqqqqqqqqqqqqqqqqqqqqqqqqzsv23jhxapqwejkxar0wfe3vggzamrjghtt05kvkvpcp0a79gmy3nt6jsn98ad2xs8de6sl9qmgvcvs',
    ],
    [
      'an amount',
      { ...MEMO, amountSat: 10 },
      'lno1pqpzwyq2p32x2um5ypmx2cm5dae8x93pqthvwfzadd7jejes8q9lhc4rvjxd022zv5l44g6qah82ru5rdpnpj',
    ],
    [
      'an end',
      { ...MEMO, expiryAt: 2_051_184_600_000 },
      'lno1pgx9getnwss8vetrw3hhyucwq3ay997czcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese',
    ],
    [
      'an issuer',
      { ...MEMO, issuer: 'https://bolt12.org BOLT12 industries' },
      'lno1pgx9getnwss8vetrw3hhyucjy358garswvaz7tmzdak8gvfj9ehhyeeqgf85c4p3xgsxjmnyw4ehgunfv4e3vggzamrjghtt05kvkvpcp0a79gmy3nt6jsn98ad2xs8de6sl9qmgvcvs',
    ],
  ])('and written: %s', (_, fields, text) => {
    const { offerId, ...offer } = bolt12.decode(text)!
    expect(offerId).toMatch(/^[0-9a-f]{64}$/)
    const nothing = { metadata: undefined, amountSat: undefined, memo: '', expiryAt: undefined, issuer: undefined }
    expect(offer).toEqual({ ...nothing, ...fields })
    expect(bolt12.encode(offer)).toBe(text)
  })

  test.each<[string, string]>([
    [
      'Bitcoin named',
      'lno1qgsxlc5vp2m0rvmjcxn2y34wv0m5lyc7sdj7zksgn35dvxgqqqqqqqq2p32x2um5ypmx2cm5dae8x93pqthvwfzadd7jejes8q9lhc4rvjxd022zv5l44g6qah82ru5rdpnpj',
    ],
    [
      'Bitcoin among others',
      'lno1qfqpge38tqmzyrdjj3x2qkdr5y80dlfw56ztq6yd9sme995g3gsxqqm0u2xq4dh3kdevrf4zg6hx8a60jv0gxe0ptgyfc6xkryqqqqqqqq9qc4r9wd6zqan9vd6x7unnzcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese',
    ],
    ['five at most', 'lno1pgx9getnwss8vetrw3hhyuc5qyz3vggzamrjghtt05kvkvpcp0a79gmy3nt6jsn98ad2xs8de6sl9qmgvcvs'],
    ['any number', 'lno1pgx9getnwss8vetrw3hhyuc5qqtzzqhwcuj966ma9n9nqwqtl032xeyv6755yeflt235pmww58egx6rxry'],
    ['one at most', 'lno1pgx9getnwss8vetrw3hhyuc5qyq3vggzamrjghtt05kvkvpcp0a79gmy3nt6jsn98ad2xs8de6sl9qmgvcvs'],
    [
      'a feature that may be ignored',
      'lno1pgx9getnwss8vetrw3hhyucvp5yqqqqqqqqqqqqqqqqqqqqkyypwa3eyt44h6txtxquqh7lz5djge4afgfjn7k4rgrkuag0jsd5xvxg',
    ],
    [
      'a path',
      'lno1pgx9getnwss8vetrw3hhyucs5ypjgef743p5fzqq9nqxh0ah7y87rzv3ud0eleps9kl2d5348hq2k8qzqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgqpqqqqqqqqqqqqqqqqqqqqqqqqqqqzqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqqzq3zyg3zyg3zyg3vggzamrjghtt05kvkvpcp0a79gmy3nt6jsn98ad2xs8de6sl9qmgvcvs',
    ],
    [
      'a path that begins at a channel',
      'lno1pgx9getnwss8vetrw3hhyucs3yqqqqqqqqqqqqp2qgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqqyqqqqqqqqqqqqqqqqqqqqqqqqqqqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqqgzyg3zyg3zyg3z93pqthvwfzadd7jejes8q9lhc4rvjxd022zv5l44g6qah82ru5rdpnpj',
    ],
    [
      'two paths',
      'lno1pgx9getnwss8vetrw3hhyucsl5qj5qeyv5l2cs6y3qqzesrth7mlzrlp3xg7xhulusczm04x6g6nms9trspqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqqsqqqqqqqqqqqqqqqqqqqqqqqqqqpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqsqpqg3zyg3zyg3zygpqqqqzqqqqgqqxqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqqgqqqqqqqqqqqqqqqqqqqqqqqqqqqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgqqsg3zyg3zyg3zygtzzqhwcuj966ma9n9nqwqtl032xeyv6755yeflt235pmww58egx6rxry',
    ],
    [
      'an odd field that nobody knows',
      'lno1pgx9getnwss8vetrw3hhyuckyypwa3eyt44h6txtxquqh7lz5djge4afgfjn7k4rgrkuag0jsd5xvxfppf5x2mrvdamk7unvvs',
    ],
    [
      'an odd field of an experiment',
      'lno1pgx9getnwss8vetrw3hhyuckyypwa3eyt44h6txtxquqh7lz5djge4afgfjn7k4rgrkuag0jsd5xvx078wdv5gg2dpjkcmr0wahhymry',
    ],
  ])('%s', (_, text) => expect(bolt12.decode(text)).toMatchObject(MEMO))

  test('a path in place of an issuer', () => {
    const text =
      'lno1pgx9getnwss8vetrw3hhyucs5ypjgef743p5fzqq9nqxh0ah7y87rzv3ud0eleps9kl2d5348hq2k8qzqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgqpqqqqqqqqqqqqqqqqqqqqqqqqqqqzqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqqzq3zyg3zyg3zygs'
    expect(bolt12.decode(text)).toMatchObject({ memo: 'Test vectors', issuerId: undefined })
  })
})

describe('offers that are refused', () => {
  test.each<[string, string]>([
    [
      'on another chain',
      'lno1qgsyxjtl6luzd9t3pr62xr7eemp6awnejusgf6gw45q75vcfqqqqqqq2p32x2um5ypmx2cm5dae8x93pqthvwfzadd7jejes8q9lhc4rvjxd022zv5l44g6qah82ru5rdpnpj',
    ],
    [
      'in another currency',
      'lno1qcp4256ypqpzwyq2p32x2um5ypmx2cm5dae8x93pqthvwfzadd7jejes8q9lhc4rvjxd022zv5l44g6qah82ru5rdpnpj',
    ],
    ['fields out of order', 'lno1zcssyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszpgz5znzfgdzs'],
    [
      'an even field that nobody knows',
      'lno1pgz5znzfgdz3vggzqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpysgr0u2xq4dh3kdevrf4zg6hx8a60jv0gxe0ptgyfc6xkryqqqqqqqq',
    ],
    ['empty', 'lno1'],
    ['cut off in a type', 'lno1pg'],
    ['cut off in a length', 'lno1pt7s'],
    ['cut off after a length', 'lno1pgpq'],
    ['cut off in a memo', 'lno1pgpyz'],
    ['half a chain', 'lno1qgqszzs9g9xyjs69zcssyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqsz'],
    ['a memo that is cut off in a character', 'lno1pgqcq93pqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqy'],
    ['a memo that is no UTF-8', 'lno1pgpgqsgkyypqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs'],
    [
      'an issuer that is cut off in a character',
      'lno1pgz5znzfgdz3yqvqzcssyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqsz',
    ],
    ['an issuer that is no UTF-8', 'lno1pgz5znzfgdz3yq5qgytzzqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqg'],
    ['an issuer id that is no public key', 'lno1pgz5znzfgdz3vggzqvpsxqcrqvpsxqcrqvpsxqcrqvpsxqcrqvpsxqcrqvpsxqcrqvps'],
    [
      'a field of something else',
      'lno1pgz5znzfgdz3vggzqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgp9qgr0u2xq4dh3kdevrf4zg6hx8a60jv0gxe0ptgyfc6xkryqqqqqqqq',
    ],
    [
      'a feature that nobody knows',
      'lno1pgx9getnwss8vetrw3hhyucvzqzqqqqqqqqqqqqqqqqqqqqqqqqpvggzamrjghtt05kvkvpcp0a79gmy3nt6jsn98ad2xs8de6sl9qmgvcvs',
    ],
    ['an amount for nothing', 'lno1pqpzwyqkyypwa3eyt44h6txtxquqh7lz5djge4afgfjn7k4rgrkuag0jsd5xvxg'],
    [
      'a currency without an amount',
      'lno1qcp4256ypgx9getnwss8vetrw3hhyuckyypwa3eyt44h6txtxquqh7lz5djge4afgfjn7k4rgrkuag0jsd5xvxg',
    ],
    ['nobody to ask', 'lno1pgx9getnwss8vetrw3hhyuc'],
    [
      'a second path without hops',
      'lno1pgx9getnwss8vetrw3hhyucsespjgef743p5fzqq9nqxh0ah7y87rzv3ud0eleps9kl2d5348hq2k8qzqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgqpqqqqqqqqqqqqqqqqqqqqqqqqqqqzqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqqzq3zyg3zyg3zygszqqqqyqqqqsqqvpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqsq',
    ],
    ['a letter that is none of bech32', 'lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pkseso'],
    ['an invoice', 'lnbc1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypq'],
    ['nothing', ''],
  ])('%s', (_, text) => expect(bolt12.decode(text)).toBeUndefined())
})

describe('what stands in an offer, field by field', () => {
  const MEMO = '0a054142434445'
  const ISSUER_ID = `1621${'02'.repeat(33)}`
  const written = (...fields: string[]): string => {
    const words = bech32.toWords(hexToBytes(fields.join('')))
    return `lno1${words.map((word) => 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'[word]).join('')}`
  }
  const POINT = '02'.repeat(33)
  const NO_POINT = '03'.repeat(33)
  const paths = (...bytes: string[]): string => {
    const value = bytes.join('')
    return `10${(value.length / 2).toString(16).padStart(2, '0')}${value}`
  }

  test.each<[string, string[]]>([
    ['a path', [MEMO, paths(POINT, POINT, '01', POINT, '0001', 'ff'), ISSUER_ID]],
    ['a field of the last type for experiments', [MEMO, ISSUER_ID, 'fe773593ff01ff']],
    ['the shortest form of a length', [`0afd0100${'41'.repeat(256)}`, ISSUER_ID]],
    ['an amount of less than a sat', ['080101', MEMO, ISSUER_ID]],
  ])('is read: %s', (_, fields) => expect(bolt12.decode(written(...fields))).toBeDefined())

  test.each<[string, string[]]>([
    ['no path', [MEMO, paths(), ISSUER_ID]],
    ['a path cut off', [MEMO, paths('02'), ISSUER_ID]],
    ['a path without hops', [MEMO, paths(POINT, POINT, '00'), ISSUER_ID]],
    ['a hop cut off', [MEMO, paths(POINT, POINT, '01', POINT, '0002', 'ff'), ISSUER_ID]],
    ['a path from no public key', [MEMO, paths(NO_POINT, POINT, '01', POINT, '0001', 'ff'), ISSUER_ID]],
    ['a path with a key that is none', [MEMO, paths(POINT, NO_POINT, '01', POINT, '0001', 'ff'), ISSUER_ID]],
    ['a hop to no public key', [MEMO, paths(POINT, POINT, '01', NO_POINT, '0001', 'ff'), ISSUER_ID]],
    ['a field beyond those of experiments', [MEMO, ISSUER_ID, 'fe7735940101ff']],
    ['a field between the usual ones and those of experiments', [MEMO, ISSUER_ID, '5101ff']],
    ['an even field of an experiment', [MEMO, ISSUER_ID, 'fe3b9aca0201ff']],
    ['a length in more bytes than it needs', ['0afd00054142434445', ISSUER_ID]],
    ['an amount with a leading zero', ['08020001', MEMO, ISSUER_ID]],
    ['an amount beyond 64 bits', ['0809010000000000000000', MEMO, ISSUER_ID]],
    ['more sat than can be counted', ['0808ffffffffffffffff', MEMO, ISSUER_ID]],
    ['a field twice', [MEMO, MEMO, ISSUER_ID]],
    ['an issuer id that is too long', [MEMO, `1622${POINT}02`]],
  ])('is refused: %s', (_, fields) => expect(bolt12.decode(written(...fields))).toBeUndefined())
})

describe('the spelling', () => {
  const whole =
    'lno1pqps7sjqpgtyzm3qv4uxzmtsd3jjqer9wd3hy6tsw35k7msjzfpy7nz5yqcnygrfdej82um5wf5k2uckyypwa3eyt44h6txtxquqh7lz5djge4afgfjn7k4rgrkuag0jsd5xvxg'
  const broken = (by: string) => [whole.slice(0, 15), whole.slice(15, 40), whole.slice(40)].join(by)

  test.each<[string, string]>([
    ['upper case', whole.toUpperCase()],
    ['a break anywhere', `l+${whole.slice(1)}`],
    ['breaks', broken('+')],
    ['breaks with spaces', broken('+  ')],
    ['breaks with lines', broken('+\r\n ')],
    ['breaks in upper case', broken('+\n').toUpperCase()],
  ])('may be in %s', (_, text) => {
    expect(bolt12.decode(text)).toEqual(bolt12.decode(whole))
    expect(bolt12.decode(text)).toMatchObject({ memo: 'An example description', amountSat: 1000, issuerId: ALICE })
  })

  test.each<[string, string]>([
    ['a break at its end', `${whole}+`],
    ['a break and a space at its end', `${whole}+ `],
    ['a break at its beginning', `+${whole}`],
    ['a break and a space at its beginning', `+ ${whole}`],
    ['two breaks in one place', broken('++')],
    ['a space without a break', broken(' ')],
    ['both cases', `L${whole.slice(1)}`],
  ])('may not have %s', (_, text) => expect(bolt12.decode(text)).toBeUndefined())
})

test.each([
  ['one field', '010203e8', 'b013756c8fee86503a0b4abdab4cddeb1af5d344ca6fc2fa8b6c08938caa6f93'],
  ['two fields', '010203e802080000010000020003', 'c3774abbf4815aa54ccaa026bff6581f01f3be5fe814c620a252534f434bc0d1'],
  [
    'three fields',
    '010203e80208000001000002000303310266e4598d1d3c415f572a8488830b60f7e744ed9235eb0b1ba93283b315c0351800000000000000010000000000000002',
    'ab2e79b1283b0b31e0b035258de23782df6b89a38cfa7237bde69aed1a658c5d',
  ],
  [
    'six fields',
    `0008000000000000000006035553440801640a1741204d617468656d61746963616c2054726561746973651621${ALICE}58210324653eac434488002cc06bbfb7f10fe18991e35f9fe4302dbea6d2353dc0ab1c`,
    '608407c18ad9a94d9ea2bcdbe170b6c20c462a7833a197621c916f78cf18e624',
  ],
])('the Merkle root of %s', (_, stream, root) => {
  expect(merkleRoot(hexToBytes(stream))).toBe(root)
})

test('an offer is known by the Merkle root of its fields', () => {
  expect(bolt12.decode(bolt12.encode({ ...MEMO, amountSat: undefined, expiryAt: undefined }))!.offerId).toBe(
    merkleRoot(hexToBytes(`0a0c5465737420766563746f72731621${ALICE}`)),
  )
})

const offer: fc.Arbitrary<Offer> = fc.record({
  metadata: fc.option(
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('hex')),
    {
      nil: undefined,
    },
  ),
  amountSat: fc.option(fc.nat({ max: 2 ** 43 }), { nil: undefined }),
  memo: fc.string({ unit: 'binary', maxLength: 700 }),
  expiryAt: fc.option(
    fc.nat({ max: 2 ** 33 }).map((seconds) => seconds * 1000),
    { nil: undefined },
  ),
  issuer: fc.option(fc.string({ unit: 'binary', maxLength: 20 }), { nil: undefined }),
  issuerId: fc.constantFrom(ALICE, '0324653eac434488002cc06bbfb7f10fe18991e35f9fe4302dbea6d2353dc0ab1c'),
})

test.each([
  ['BOLT 12', bolt12],
  ['plain text', plainOffer],
])('what is written in %s is read back', (_, codec) => {
  fc.assert(
    fc.property(offer, (written) => {
      const { offerId: _, ...read } = codec.decode(codec.encode(written))!
      expect(read).toEqual(written)
    }),
    { numRuns: 200, seed: 12 },
  )
})

test('what is changed in an offer is noticed in its id, or it is none', () => {
  const text = bolt12.encode({ ...MEMO, metadata: 'ab'.repeat(16), amountSat: 7, expiryAt: 9000 })
  const id = bolt12.decode(text)!.offerId
  fc.assert(
    fc.property(fc.integer({ min: 4, max: text.length - 1 }), fc.constantFrom('q', 'p', 'z', '8'), (at, letter) => {
      fc.pre(text[at] !== letter)
      expect(bolt12.decode(text.slice(0, at) + letter + text.slice(at + 1))?.offerId).not.toBe(id)
    }),
    { numRuns: 200, seed: 12 },
  )
})

test('a field that is too long is refused', () => {
  expect(() => bolt12.encode({ ...MEMO, amountSat: 1, expiryAt: undefined, memo: 'x'.repeat(65_536) })).toThrow(
    RangeError,
  )
})

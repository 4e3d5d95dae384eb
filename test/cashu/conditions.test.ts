/**
 * Goal: a coin is spent by those whom its condition names, and by nobody else.
 * Method: the vectors of the NUTs; a table of locks and witnesses, of which each is judged as its line says; and random
 * conditions and signers against the rule told once more in plain words. All of it is signed for real.
 */
import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sigAllMessage, type Spending } from '../../src/cashu/conditions.ts'
import { parseWellKnownSecret } from '../../src/cashu/conditions-secret.ts'
import {
  alice,
  bob,
  carol,
  dave,
  FUTURE,
  HASH,
  hash,
  htlc,
  isSpent,
  nonce,
  NOW,
  p2pk,
  PAST,
  point,
  PREIMAGE,
  publicKeys,
  sign,
  spendingOf,
  tag,
  twin,
  verdict,
  type Tag,
} from '../kits/cashu-conditions-kit.ts'
import { proposed, proposedDigest, vectors, vectorSpending } from '../kits/cashu-conditions-vectors.ts'

// Of tests/14-test.md are those whose names begin with HTLC.
const named = vectors.map((vector) => ({ ...vector, nut: vector.says.startsWith('HTLC') ? 'NUT-14' : 'NUT-11' }))

/** One test each, and each title begins with its NUT: `npm run conformance` counts them. */
describe('the vectors of the NUTs', () => {
  test.each(named)('$nut: $says: $spendable', (vector) => {
    const spending = vectorSpending(vector)
    expect(isSpent(spending)).toBe(vector.spendable)
  })

  test.each(named.filter(({ digest }) => digest))('$nut: $says: the message', (vector) => {
    expect(bytesToHex(hash(sigAllMessage(vectorSpending(vector))))).toBe(vector.digest)
  })

  test('a signature over the proposed message only is none', () => {
    const [{ secret, witness }] = proposed.inputs as [Spending['inputs'][0]]
    const { signatures } = JSON.parse(witness!) as { signatures: [string] }
    const key = hexToBytes(parseWellKnownSecret(secret)!.tags[0]![1]!.slice(2))
    expect(schnorr.verify(hexToBytes(signatures[0]), hexToBytes(proposedDigest), key)).toBe(true)
    expect(verdict(proposed)).toBe('input 0: too few valid signatures')
  })
})

describe('secrets that lock nothing', () => {
  test.each([
    ['random hex', bytesToHex(hash('secret'))],
    ['empty', ''],
    ['any text', '[P2PK] a note to myself'],
    ['JSON of another shape', JSON.stringify({ kind: 'P2PK', nonce, data: alice })],
    ['a list of another shape', '[]'],
    ['numbers', '[1, [2]]'],
    ['an unknown kind', JSON.stringify(['P2PK2', { nonce, data: alice }])],
    ['a kind in lower case', JSON.stringify(['p2pk', { nonce, data: alice }])],
    ['cut short', p2pk(alice).slice(0, -1)],
    ['long text', 'x'.repeat(100_000)],
  ])('%s', (_, secret) => {
    expect(verdict(spendingOf(secret))).toBe('spent')
    // A witness that nobody asked for changes nothing.
    expect(verdict(spendingOf(secret, { signatures: sign(secret, alice) }))).toBe('spent')
  })

  test('beside those that do', () => {
    const secret = p2pk(alice)
    const [locked] = spendingOf(secret, { signatures: sign(secret, alice) }).inputs as [Spending['inputs'][0]]
    const [plain] = spendingOf('plain').inputs as [Spending['inputs'][0]]
    const both = (input: typeof locked): Spending => ({ inputs: [plain, input], outputs: [], nowMs: 0 })
    expect(verdict(both(locked))).toBe('spent')
    expect(verdict(both({ ...locked, witness: undefined }))).toBe('input 1: too few valid signatures')
  })
})

describe('malformed locks are spent by nobody, whoever signs, also after the locktime', () => {
  const others = [bob, carol]
  const COUNT = 'number of signatures: 1 up to the number of keys'
  const ONCE = 'public keys: each key once'
  const FLAG = 'sigflag: SIG_ALL or SIG_INPUTS'
  const POINT = 'public key: a point'
  const deep = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
  test.each<[string, string, string]>([
    ['a tag twice', p2pk(alice, tag('locktime', PAST), tag('locktime', PAST)), 'locktime: one such tag'],
    ['keys twice', p2pk(alice, tag('pubkeys', bob), tag('pubkeys', carol)), 'pubkeys: one such tag'],
    ['an unknown sigflag', p2pk(alice, tag('sigflag', 'SIG_NONE')), FLAG],
    ['a sigflag without value', p2pk(alice, tag('sigflag')), FLAG],
    ['two sigflags in one', p2pk(alice, tag('sigflag', 'SIG_INPUTS', 'SIG_ALL')), FLAG],
    ...['0', '-1', '4', '1.5', '1e0', '0x1', ' 1', 'two', '9'.repeat(30)].map((count) => {
      const tags = [tag('pubkeys', ...others), tag('n_sigs', count)]
      return [`n_sigs ${count}`, p2pk(alice, ...tags), COUNT] as [string, string, string]
    }),
    ['n_sigs without value', p2pk(alice, tag('n_sigs')), COUNT],
    ['n_sigs with two', p2pk(alice, tag('n_sigs', '1', '1')), COUNT],
    ['n_sigs without keys', htlc(HASH, tag('n_sigs', '1')), COUNT],
    [
      'n_sigs_refund beyond its keys',
      p2pk(alice, tag('locktime', PAST), tag('refund', bob), tag('n_sigs_refund', '2')),
      COUNT,
    ],
    ['n_sigs_refund without keys', p2pk(alice, tag('n_sigs_refund', '1')), COUNT],
    ['one key twice', p2pk(alice, tag('pubkeys', alice)), ONCE],
    ['one key in both forms', p2pk(alice, tag('pubkeys', twin(alice)), tag('n_sigs', '2')), ONCE],
    ['one key in both cases', htlc(HASH, tag('pubkeys', bob, bob.toUpperCase())), ONCE],
    ['one refund key twice', p2pk(alice, tag('refund', bob, twin(bob))), ONCE],
    ['data that is no key', p2pk('alice'), POINT],
    ['an x-only key', p2pk(alice.slice(2)), POINT],
    ['an uncompressed key', p2pk(`04${alice.slice(2)}${alice.slice(2)}`), POINT],
    ['a bad key among good ones', p2pk(alice, tag('pubkeys', bob, 'carol')), POINT],
    ['a bad refund key', p2pk(alice, tag('refund', '')), 'tags[0][1]: a text'],
    ['a number in a tag', p2pk(alice, tag('locktime', NOW - 1)), 'tags[0][1]: a text'],
    ['a tag without name', p2pk(alice, []), 'tags[0]: a name'],
    ['a tag that is no list', p2pk(alice, 'locktime' as unknown as Tag), 'tags[0]: a list'],
    ['tags that are no list', p2pk(alice, tag('note')).replace('[["note"]]', '{}'), 'tags: a list'],
    ['no nonce', JSON.stringify(['P2PK', { data: alice }]), 'nonce: a text'],
    ['no data', JSON.stringify(['HTLC', { nonce }]), 'data: a text'],
    ['nothing but a kind', '["P2PK"]', 'secret: an object'],
    ['a key for its data', JSON.stringify(['P2PK', alice]), 'secret: an object'],
    ['more than kind and data', JSON.stringify(['P2PK', { nonce, data: alice }, 1]), 'secret: a kind and its data'],
    ['deep JSON', `["P2PK",{"nonce":"1","data":"${alice}","tags":${deep(400)}}]`, 'tags[0][0]: a text'],
    ['over-long', p2pk(alice, tag('note', 'x'.repeat(1000))), 'secret: at most 1024 characters'],
    ['over-long and deep', `["P2PK",${deep(500_000)}]`, 'secret: at most 1024 characters'],
    ['a kind with escapes', p2pk('alice').replace('P2PK', String.raw`\u00502PK`), POINT],
    ['blanks before it', ` \n${p2pk('alice')}`, POINT],
  ])('%s', (_, secret, reason) => {
    const witness = { preimage: PREIMAGE, signatures: sign(secret, alice, bob, carol) }
    expect(verdict(spendingOf(secret, witness))).toBe(`input 0: ${reason} expected`)
  })
})

describe('what a lock takes', () => {
  const TWO_OF_THREE = [tag('pubkeys', bob, carol), tag('n_sigs', '2')]
  const REFUND = [tag('refund', carol, dave), tag('n_sigs_refund', '2')]
  const AGREED = [tag('pubkeys', alice), tag('locktime', PAST), tag('refund', bob)]
  /** Who signs what lock, whether the preimage is shown, and whether that is enough. */
  test.each<[string, string, boolean, readonly string[], boolean]>([
    ['its key', p2pk(alice), true, [alice], false],
    ['its key in the other form', p2pk(twin(alice)), true, [alice], false],
    ['its key in capitals', p2pk(alice.toUpperCase()), true, [alice], false],
    ['another key', p2pk(alice), false, [bob], false],
    ['nobody', p2pk(alice), false, [], false],
    ['one of several', p2pk(alice, tag('pubkeys', bob, carol)), true, [carol], false],
    ['two of three', p2pk(alice, ...TWO_OF_THREE), true, [carol, alice], false],
    ['one of them and a stranger', p2pk(alice, ...TWO_OF_THREE), false, [carol, dave], false],
    ['one of them twice', p2pk(alice, ...TWO_OF_THREE), false, [carol, carol], false],
    ['more than needed', p2pk(alice, ...TWO_OF_THREE), true, [dave, alice, bob, carol], false],
    ['leading zeros', p2pk(alice, tag('pubkeys', bob), tag('n_sigs', '02')), false, [alice], false],
    ['a list of no more keys', p2pk(alice, tag('pubkeys')), true, [alice], false],
    ['an unknown tag', p2pk(alice, tag('note', 'hello', 'world')), true, [alice], false],
    ['a key that is no point', p2pk(`02${'f'.repeat(64)}`, tag('pubkeys', bob)), true, [bob], false],
    ['a preimage that nobody asks for', p2pk(alice), false, [], true],

    ['the key before the locktime', p2pk(alice, tag('locktime', FUTURE), ...REFUND), true, [alice], false],
    ['the refund before the locktime', p2pk(alice, tag('locktime', FUTURE), ...REFUND), false, [carol, dave], false],
    ['the refund at the locktime', p2pk(alice, tag('locktime', String(NOW)), ...REFUND), false, [carol, dave], false],
    ['the refund after the locktime', p2pk(alice, tag('locktime', PAST), ...REFUND), true, [carol, dave], false],
    ['half the refund', p2pk(alice, tag('locktime', PAST), ...REFUND), false, [carol], false],
    ['the key after the locktime', p2pk(alice, tag('locktime', PAST), ...REFUND), true, [alice], false],
    [
      'a key of each',
      p2pk(
        alice,
        ...TWO_OF_THREE,
        tag('locktime', PAST),
        tag('refund', dave, publicKeys[4]!),
        tag('n_sigs_refund', '2'),
      ),
      false,
      [alice, dave],
      false,
    ],
    ['a key in both pathways', p2pk(alice, tag('locktime', PAST), tag('refund', alice)), true, [alice], false],
    ['nobody after the locktime', p2pk(alice, tag('locktime', PAST)), true, [], false],
    ['nobody before it', p2pk(alice, tag('locktime', FUTURE)), false, [], false],
    ['a refund to no key', p2pk(alice, tag('locktime', PAST), tag('refund')), false, [], false],
    ['a refund without locktime', p2pk(alice, tag('refund', carol)), false, [carol], false],
    ...['soon', '-1', '1e3', '1.5', '0', '0x1', '9'.repeat(20)].flatMap(
      (time): [string, string, boolean, string[], boolean][] => [
        [`nobody at ${time}`, p2pk(alice, tag('locktime', time)), false, [], false],
        [`the key at ${time}`, p2pk(alice, tag('locktime', time)), true, [alice], false],
      ],
    ),
    ['nobody at two times', p2pk(alice, tag('locktime', PAST, PAST)), false, [], false],
    ['nobody at no time', p2pk(alice, tag('locktime')), false, [], false],

    ['preimage and key', htlc(HASH, tag('pubkeys', alice)), true, [alice], true],
    ['the key alone', htlc(HASH, tag('pubkeys', alice)), false, [alice], false],
    ['the preimage alone', htlc(HASH, tag('pubkeys', alice)), false, [], true],
    ['the preimage where no key is named', htlc(HASH), true, [], true],
    ['nothing where no key is named', htlc(HASH), false, [], false],
    ['a list of no keys', htlc(HASH, tag('pubkeys')), false, [alice], true],
    ['a hash in capitals', htlc(HASH.toUpperCase()), true, [], true],
    ['a hash that is none', htlc('hash'), false, [], true],
    ['a hash that is none, refunded', htlc('hash', tag('locktime', PAST), tag('refund', bob)), true, [bob], false],
    ['preimage and key after the locktime', htlc(HASH, ...AGREED), true, [alice], true],
    ['the refund without preimage', htlc(HASH, ...AGREED), true, [bob], false],
    [
      'the refund too early',
      htlc(HASH, tag('pubkeys', alice), tag('locktime', FUTURE), tag('refund', bob)),
      false,
      [bob],
      true,
    ],
    ['the receiver without preimage', htlc(HASH, ...AGREED), false, [alice], false],
    [
      'a key of both, without preimage',
      htlc(HASH, tag('pubkeys', bob), tag('locktime', PAST), tag('refund', bob)),
      true,
      [bob],
      false,
    ],
    ['nobody after the locktime of an HTLC', htlc(HASH, tag('pubkeys', alice), tag('locktime', PAST)), true, [], false],
  ])('%s', (_, secret, spendable, signers, shown) => {
    const witness = { ...(shown && { preimage: PREIMAGE }), signatures: sign(secret, ...signers) }
    expect(isSpent(spendingOf(secret, witness))).toBe(spendable)
  })
})

describe('witnesses', () => {
  const secret = p2pk(alice)
  const [good] = sign(secret, alice) as [string]
  const lock = htlc(HASH, tag('locktime', PAST), tag('refund', bob))
  test.each<[string, string, unknown, boolean]>([
    ['capitals', secret, { signatures: [good.toUpperCase()] }, true],
    ['others around it', secret, { signatures: [1, null, 'ff', [good], `${good}00`, 'g'.repeat(128), good] }, true],
    ['signatures of the proposed form beside it', secret, { signatures: [...sign('v1', alice), good] }, true],
    ['fields that mean nothing', secret, { signatures: [good], preimage: 7, note: {} }, true],
    ['null for the preimage', lock, { preimage: null, signatures: sign(lock, bob) }, true],
    ['an empty preimage', lock, { preimage: '', signatures: sign(lock, bob) }, true],
    ['the preimage in capitals', htlc(HASH), { preimage: PREIMAGE.toUpperCase() }, true],
    ['a preimage of 31 bytes', htlc(bytesToHex(sha256(new Uint8Array(31)))), { preimage: '00'.repeat(31) }, false],
    ['a preimage as text', htlc(bytesToHex(hash('hello'))), { preimage: 'hello' }, false],
    ['the hash for the preimage', htlc(HASH), { preimage: HASH }, false],
    ['one signature instead of a list', secret, { signatures: good }, false],
    ['a list', secret, [good], false],
    ['null', secret, 'null', false],
    ['no JSON', secret, '{"signatures":', false],
    ['a JSON text in a JSON text', secret, JSON.stringify(JSON.stringify({ signatures: [good] })), false],
    ['deep', secret, '['.repeat(8000), false],
    ['over-long', secret, { signatures: [good], note: 'x'.repeat(8192) }, false],
    ['zeros', secret, { signatures: ['00'.repeat(64)] }, false],
    ['a signature on the hash of the hash', secret, { signatures: sign(bytesToHex(hash(secret)), alice) }, false],
  ])('%s', (_, secret, witness, spendable) => {
    expect(isSpent(spendingOf(secret, witness))).toBe(spendable)
  })

  test('a changed signature is none', () => {
    fc.assert(
      fc.property(fc.nat({ max: 511 }), (bit) => {
        const bytes = hexToBytes(good)
        bytes[bit >> 3]! ^= 1 << (bit & 7)
        expect(isSpent(spendingOf(secret, { signatures: [bytesToHex(bytes)] }))).toBe(false)
      }),
      { numRuns: 60 },
    )
  })

  test('are not checked without end', () => {
    const keys = Array.from({ length: 12 }, (_, i) => point(`key ${i}`))
    const secret = p2pk(alice, tag('pubkeys', ...keys))
    const noise = Array.from({ length: 60 }, (_, i) => sign(`noise ${i}`, bob)[0])
    expect(verdict(spendingOf(secret, { signatures: noise }))).toBe('more than 216 signatures to check')
    // All of the keys, in the worst order, are within it.
    const owners = Array.from({ length: 13 }, (_, i) => hash(`owner ${i}`))
    const [first, ...rest] = owners.map((key) => bytesToHex(secp256k1.getPublicKey(key)))
    const all = p2pk(first!, tag('pubkeys', ...rest), tag('n_sigs', '13'))
    const signatures = owners.toReversed().map((key) => bytesToHex(schnorr.sign(hash(all), key)))
    expect(verdict(spendingOf(all, { signatures }))).toBe('spent')
  })
})

/** A condition in the words of the NUTs. Keys and signers are numbers of `publicKeys`. */
interface Lock {
  readonly kind: 'P2PK' | 'HTLC'
  readonly keys: readonly number[]
  readonly n?: number | undefined
  /** Seconds from now. */
  readonly locktime?: number | undefined
  readonly refund?: readonly number[] | undefined
  readonly nRefund?: number | undefined
}

interface Attempt {
  readonly signers: readonly number[]
  readonly preimage: 'right' | 'wrong' | 'none'
}

/** NUT-11 and NUT-14 in other words than the code's. */
function maySpend({ kind, keys, n, locktime, refund, nRefund }: Lock, { signers, preimage }: Attempt): boolean {
  const signedBy = (several: readonly number[]) => several.filter((key) => signers.includes(key)).length
  if (n !== undefined && (n === 0 || n > keys.length)) return false
  if (nRefund !== undefined && (nRefund === 0 || nRefund > (refund?.length ?? 0))) return false
  const isOver = locktime !== undefined && locktime < 0
  if (isOver && refund === undefined) return true
  if (isOver && signedBy(refund!) >= (nRefund ?? 1)) return true
  if (kind === 'P2PK') return signedBy(keys) >= (n ?? 1)
  return preimage === 'right' && (keys.length === 0 || signedBy(keys) >= (n ?? 1))
}

test('random locks are spent by whom they name', () => {
  const everybody = publicKeys.map((_, key) => key)
  const people = (minLength: number) => fc.shuffledSubarray(everybody, { minLength, maxLength: 4 })
  const counts = fc.constantFrom(undefined, undefined, undefined, 0, 1, 1, 2, 3)
  const perhaps = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
  const locks = fc.constantFrom<Lock['kind']>('P2PK', 'HTLC').chain((kind): fc.Arbitrary<Lock> =>
    fc.record({
      kind: fc.constant(kind),
      keys: people(kind === 'P2PK' ? 1 : 0),
      n: counts,
      locktime: perhaps(fc.constantFrom(-1000, -1, 0, 1, 1000)),
      refund: perhaps(people(1)),
      nRefund: counts,
    }),
  )
  const attempts = fc.record({
    /** Some of them twice. */
    signers: fc.shuffledSubarray([...everybody, ...everybody]),
    preimage: fc.constantFrom<Attempt['preimage']>('right', 'right', 'wrong', 'none'),
    /** How it is written. */
    signsAll: fc.boolean(),
    twins: fc.infiniteStream(fc.boolean()),
    noise: fc.array(fc.constantFrom<unknown>('', 'ff', null, 3, '00'.repeat(64), sign('noise', dave)[0])),
  })
  const seen = { spent: 0, refused: 0 }
  fc.assert(
    fc.property(locks, attempts, (lock, { twins, noise, signsAll, ...attempt }) => {
      const written = (key: number) => (twins.next().value ? twin : (key: string) => key)(publicKeys[key]!)
      const keys = lock.keys.map(written)
      const [data, ...more] = lock.kind === 'P2PK' ? keys : [HASH, ...keys]
      const tags = [
        ...(more.length > 0 ? [tag('pubkeys', ...more)] : []),
        ...(lock.n === undefined ? [] : [tag('n_sigs', String(lock.n))]),
        ...(lock.locktime === undefined ? [] : [tag('locktime', String(NOW + lock.locktime))]),
        ...(lock.refund === undefined ? [] : [tag('refund', ...lock.refund.map(written))]),
        ...(lock.nRefund === undefined ? [] : [tag('n_sigs_refund', String(lock.nRefund))]),
        ...(signsAll ? [tag('sigflag', 'SIG_ALL')] : []),
      ]
      const spending = spendingOf(JSON.stringify([lock.kind, { nonce, data, tags }]))
      const message = signsAll ? sigAllMessage(spending) : spending.inputs[0]!.secret
      const signatures = [...noise, ...sign(message, ...attempt.signers.map((key) => publicKeys[key]!))]
      const preimage = { right: PREIMAGE, wrong: HASH, none: undefined }[attempt.preimage]
      const witness = JSON.stringify({ signatures, preimage })
      const spent = isSpent({ ...spending, inputs: [{ ...spending.inputs[0]!, witness }] })
      expect(spent).toBe(maySpend(lock, attempt))
      seen[spent ? 'spent' : 'refused']++
    }),
    { numRuns: 250 },
  )
  // Both happen often, or the property says little.
  expect(Math.min(seen.spent, seen.refused)).toBeGreaterThan(30)
})

test('no text makes it fail in another way', () => {
  const secrets = fc.oneof(
    fc.string(),
    fc.json(),
    fc.json().map((body) => `["P2PK",${body}]`),
    fc
      .array(fc.array(fc.oneof(fc.constantFrom('pubkeys', 'refund', 'n_sigs', 'locktime', alice, '1'), fc.string())))
      .map((tags) => p2pk(alice, ...tags)),
  )
  fc.assert(
    fc.property(secrets, fc.oneof(fc.string(), fc.json(), fc.constant(undefined)), (secret, witness) => {
      expect(verdict(spendingOf(secret, witness))).toMatch(/^(spent|input 0: .+)$/)
    }),
    { numRuns: 500 },
  )
})

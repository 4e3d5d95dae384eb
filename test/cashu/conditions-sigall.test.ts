/**
 * Goal: SIG_ALL covers the whole request, and what cashu-ts signs, for one input or for all, is what we check.
 * Method: requests signed for real, then changed in one place; secrets, signatures and digests made by cashu-ts.
 */
import {
  Amount,
  createHTLCHash,
  OutputData,
  P2PKBuilder,
  SigAll,
  Wallet,
  type P2PKOptions,
  type Proof,
  type SigAllSigningPackage,
} from '@cashu/cashu-ts'
import { bytesToHex } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sigAllMessage, type Spending } from '../../src/cashu/conditions.ts'
import {
  alice,
  bob,
  carol,
  FUTURE,
  hash,
  isSpent,
  nonce,
  NOW,
  PAST,
  point,
  privateKeys,
  publicKeys,
  sign,
  tag,
  twin,
  verdict,
} from '../kits/cashu-conditions-kit.ts'

describe('SIG_ALL', () => {
  const ALL = [tag('sigflag', 'SIG_ALL')]
  const input = (secret: string, seed = secret) => ({ id: '00', amount: 4, secret, C: point(seed) })
  const locked = (nonce: string, data = alice, tags = ALL) => input(JSON.stringify(['P2PK', { nonce, data, tags }]))
  const outputs = [1, 1, 2].map((amount, i) => ({ id: '00', amount, B_: point(`B${i}`) }))
  const signed = (spending: Omit<Spending, 'nowMs'>, message: string, ...signers: string[]): Spending => {
    const [first, ...rest] = spending.inputs
    const witness = JSON.stringify({ signatures: sign(message, ...signers) })
    return { ...spending, inputs: [{ ...first!, witness }, ...rest], nowMs: NOW * 1000 }
  }
  const swap = { inputs: [locked('1'), locked('2')], outputs }
  const melt = { ...swap, outputs: [{ id: '00', amount: 0, B_: point('B') }], quoteId: 'quote' }

  test.each([
    ['swap', swap],
    ['melt', melt],
    ['melt without blank outputs', { ...melt, outputs: [] }],
  ])('a %s', (_, spending) => {
    expect(verdict(signed(spending, sigAllMessage(spending), alice))).toBe('spent')
    expect(verdict(signed(spending, sigAllMessage(spending), bob))).toBe('input 0: too few valid signatures')
  })

  test('is no matter of single inputs', () => {
    const each = swap.inputs.map((one) => ({
      ...one,
      witness: JSON.stringify({ signatures: sign(one.secret, alice) }),
    }))
    expect(verdict({ ...swap, inputs: each, nowMs: 0 })).toBe('input 0: too few valid signatures')
  })

  test('counts the witness of the first input only', () => {
    const [first, second] = signed(swap, sigAllMessage(swap), alice).inputs
    const moved = [
      { ...first!, witness: undefined },
      { ...second!, witness: first!.witness },
    ]
    expect(verdict({ ...swap, inputs: moved, nowMs: 0 })).toBe('input 0: too few valid signatures')
  })

  test.each([
    ['plain', input('plain')],
    ['of another kind', input(JSON.stringify(['HTLC', { nonce, data: alice, tags: ALL }]))],
    ['for another key', locked('2', bob)],
    ['for the same key in its other form', locked('2', twin(alice))],
    ['with other tags', locked('2', alice, [...ALL, tag('locktime', FUTURE)])],
    ['with SIG_INPUTS', locked('2', alice, [tag('sigflag', 'SIG_INPUTS')])],
    ['without flag', locked('2', alice, [])],
  ])('takes no other input %s', (_, other) => {
    for (const inputs of [
      [locked('1'), locked('3'), other],
      [other, locked('1')],
    ]) {
      const spending = { inputs, outputs }
      const odd = inputs[0] === other ? 1 : 2
      const reason = `input ${odd}: SIG_ALL goes with inputs of one condition only`
      expect(verdict(signed(spending, sigAllMessage(spending), alice, bob))).toBe(reason)
    }
  })

  test('a condition that is over is over for all of the inputs', () => {
    const over = [...ALL, tag('locktime', PAST)]
    const inputs = [locked('1', alice, over), locked('2', alice, over)]
    expect(verdict({ inputs, outputs, nowMs: NOW * 1000 })).toBe('spent')
    expect(verdict({ inputs: [...inputs, input('plain')], outputs, nowMs: NOW * 1000 })).toMatch(/one condition only/)
  })

  test('other messages than that of NUT-11 are not signed for', () => {
    const secrets = swap.inputs.map(({ secret }) => secret).join('')
    // As wallets signed until 2025: it covers neither C nor amount.
    const old = secrets + outputs.map(({ B_ }) => B_).join('')
    expect(isSpent(signed(swap, old, alice))).toBe(false)
    expect(isSpent(signed(melt, `${secrets}${melt.outputs[0]!.B_}quote`, alice))).toBe(false)
    expect(isSpent(signed(melt, sigAllMessage({ ...melt, quoteId: '' }), alice))).toBe(false)
  })

  const hex = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => point(bytesToHex(bytes)))
  test('covers everything', () => {
    const spendings = fc.record({
      inputs: fc.integer({ min: 1, max: 4 }),
      outputs: fc.array(fc.record({ amount: fc.nat(64), B_: hex }), { minLength: 1, maxLength: 3 }),
      quoteId: fc.option(fc.uuid(), { nil: undefined }),
    })
    const changes = fc.record({ what: fc.integer({ min: 0, max: 7 }), where: fc.nat(), to: hex })
    fc.assert(
      fc.property(spendings, changes, (made, { what, where, to }) => {
        const inputs = Array.from({ length: made.inputs }, (_, i) => locked(`${i}`))
        const { quoteId } = made
        const honest = { inputs, outputs: made.outputs.map((output) => ({ id: '00', ...output })) }
        const spending = { ...honest, ...(quoteId && { quoteId }) }
        // The digest is that of cashu-ts.
        const theirs = honest.outputs.map(({ amount, ...rest }) => ({ ...rest, amount: Amount.from(amount) }))
        const message = sigAllMessage(spending)
        expect(bytesToHex(hash(message))).toBe(SigAll.computeDigests(inputs, theirs, quoteId).v0)

        const valid = signed(spending, message, alice)
        expect(isSpent(valid)).toBe(true)
        const at = <T>(list: readonly T[], change: (entry: T) => T) =>
          list.map((entry, i) => (i === where % list.length ? change(entry) : entry))
        const changed: Spending = [
          () => ({ ...valid, outputs: at(valid.outputs, (output) => ({ ...output, amount: output.amount + 1 })) }),
          () => ({ ...valid, outputs: at(valid.outputs, (output) => ({ ...output, B_: to })) }),
          () => ({ ...valid, outputs: [...valid.outputs, { id: '00', amount: 0, B_: to }] }),
          () => ({ ...valid, outputs: valid.outputs.slice(1) }),
          () => ({ ...valid, inputs: at(valid.inputs, (one) => ({ ...one, C: to })) }),
          () => ({ ...valid, inputs: [...valid.inputs, locked('more')] }),
          () => ({ ...valid, quoteId: `${quoteId ?? ''}1` }),
          () => ({ ...valid, outputs: [valid.outputs.at(-1)!, ...valid.outputs], inputs: valid.inputs }),
        ][what]!()
        expect(isSpent(changed)).toBe(false)
      }),
      { numRuns: 60 },
    )
  })
})

describe('cashu-ts', () => {
  const wallet = new Wallet('https://mint.test')
  const keysetId = '00bfa73302d12ffd'
  const hexKey = (key: string) => bytesToHex(privateKeys[publicKeys.indexOf(key)]!)
  const proofOf = (options: P2PKOptions, amount: number): Proof => {
    const secret = new TextDecoder().decode(OutputData.createSingleP2PKData(options, amount, keysetId).secret)
    return { id: keysetId, amount: Amount.from(amount), secret, C: point(secret) }
  }
  /** As the proofs travel in a request. */
  const inputsOf = (proofs: readonly Proof[]): Spending['inputs'] =>
    proofs.map(({ id, secret, C, amount, witness }) => ({
      id,
      secret,
      C,
      amount: amount.toNumber(),
      witness: typeof witness === 'string' ? witness : JSON.stringify(witness),
    }))
  const lock = () => new P2PKBuilder().addLockPubkey(alice)
  const { hash: hashLock, preimage } = createHTLCHash()

  test.each<[string, P2PKBuilder, readonly string[], boolean]>([
    ['one key', lock(), [alice], true],
    ['a wrong key', lock(), [bob], false],
    ['two of three', lock().addLockPubkey([bob, carol]).requireLockSignatures(2), [carol, alice], true],
    ['one of the two', lock().addLockPubkey([bob, carol]).requireLockSignatures(2), [carol], false],
    [
      'a refund',
      lock()
        .lockUntil(NOW - 1)
        .addRefundPubkey([bob, carol])
        .requireRefundSignatures(2),
      [bob, carol],
      true,
    ],
    [
      'a refund too early',
      lock()
        .lockUntil(NOW + 10 ** 8)
        .addRefundPubkey(bob),
      [bob],
      false,
    ],
    ['HTLC', lock().addHashlock(hashLock), [alice], true],
    ['HTLC without the signature', lock().addHashlock(hashLock), [], false],
    ['HTLC without keys', new P2PKBuilder().addHashlock(hashLock), [], true],
  ])('signs each input: %s', (_, builder, signers, spendable) => {
    const proofs = [1, 2].map((amount) => ({ ...proofOf(builder.toOptions(), amount), witness: { preimage } as never }))
    const inputs = inputsOf(wallet.signP2PKProofs(proofs, signers.map(hexKey)))
    expect(isSpent({ inputs, outputs: [], nowMs: NOW * 1000 })).toBe(spendable)
  })

  test.each<[string, P2PKBuilder, readonly string[]]>([
    ['one key', lock().sigAll(), [alice]],
    ['two of two', lock().addLockPubkey(bob).requireLockSignatures(2).sigAll(), [bob, alice]],
    [
      'a refund',
      lock()
        .lockUntil(NOW - 1)
        .addRefundPubkey(bob)
        .sigAll(),
      [bob],
    ],
  ])('signs for all: %s', (_, builder, signers) => {
    const options = builder.toOptions()
    const proofs = [1, 2, 8].map((amount) => proofOf(options, amount))
    const made = [4, 7].map((amount) => OutputData.createSingleRandomData(amount, keysetId))
    const outputs = made.map(({ blindedMessage: { id, amount, B_ } }) => ({ id, amount: amount.toNumber(), B_ }))
    for (const quoteId of [undefined, 'cF8911fzT88aEi1d']) {
      const inputs = inputsOf(wallet.signP2PKProofs(proofs, signers.map(hexKey), made, quoteId))
      const spending: Spending = { inputs, outputs, nowMs: NOW * 1000, ...(quoteId && { quoteId }) }
      expect(verdict(spending)).toBe('spent')
      expect(isSpent({ ...spending, outputs: outputs.toReversed() })).toBe(false)
      expect(isSpent({ ...spending, quoteId: 'another' })).toBe(false)

      // As several signers do who pass a package around.
      const unsigned: SigAllSigningPackage = {
        version: 'sigallA',
        type: quoteId ? 'melt' : 'swap',
        ...(quoteId && { quote: quoteId }),
        inputs: proofs,
        outputs: made.map(({ blindedMessage }) => blindedMessage),
      }
      const { witness } = signers.reduce((so, key) => SigAll.signPackage(so, hexKey(key)), unsigned)
      const [first, ...rest] = inputsOf(proofs)
      expect(verdict({ ...spending, inputs: [{ ...first!, witness: JSON.stringify(witness) }, ...rest] })).toBe('spent')
    }
  })
})

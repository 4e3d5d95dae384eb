/** NUT-10, NUT-11, NUT-14 and NUT-07 at the mint: locked ecash is taken with its witness only, which is shown afterwards. */
import { describe, expect, test } from 'vitest'
import { sigAllMessage } from '../../src/cashu/conditions.ts'
import { codes } from '../../src/cashu/codes.ts'
import { alice, bob, HASH, htlc, p2pk, PREIMAGE, sign, tag } from '../kits/cashu-conditions-kit.ts'
import { blanksOf, meltQuote, messages, minted, outputsOf, strict, type Strict } from '../kits/mint-protocol-kit.ts'
import type { MeltQuote, Output, Proof } from '../kits/mint-server-client.ts'

interface State {
  readonly Y: string
  readonly state: string
  readonly witness: string | null
}

const stateOf = async ({ client }: Strict, { secret }: Proof): Promise<[string, string | null]> => {
  const Ys = [client.crypto.hashToCurve(secret)]
  const { states } = await client.post<{ states: State[] }>('/v1/checkstate', { Ys })
  return [states[0]!.state, states[0]!.witness]
}

const outputs = async ({ client }: Strict, amount: number): Promise<Output[]> =>
  messages(await outputsOf(client, amount))

const signedBy = (secret: string, ...signers: string[]): string =>
  JSON.stringify({ signatures: sign(secret, ...signers) })

/** A proof with what is to unlock it. */
type Unlocked = Proof & { readonly witness?: unknown }

/** A swap of inputs worth 8, and a melt of it: whatever locks it must lock it in both. */
const uses = {
  async swap(world: Strict) {
    const made = messages(world.client.blind([4, 4], (await world.client.keyset()).id))
    return {
      path: '/v1/swap',
      outputs: made,
      quoteId: undefined as string | undefined,
      body: (inputs: readonly Unlocked[]) => ({ inputs, outputs: made }),
    }
  },
  async melt(world: Strict) {
    const { quote } = await meltQuote(world, 5)
    const made = messages(await blanksOf(world.client, 2))
    return {
      path: '/v1/melt/bolt11',
      outputs: made,
      quoteId: quote as string | undefined,
      body: (inputs: readonly Unlocked[]) => ({ quote, inputs, outputs: made }),
    }
  },
}

describe.each(Object.entries(uses))('at a %s', (_, use) => {
  test('a P2PK lock: refused without a witness and with a wrong one, taken with the right one, and shown', async () => {
    const world = await strict()
    const secret = p2pk(alice)
    const [proof] = (await minted(world, 8, [secret])) as [Proof]
    const { path, body } = await use(world)
    const wrong = [undefined, '', '{}', 'no JSON', signedBy(secret, bob), signedBy('another', alice)]
    for (const witness of wrong)
      await world.refused(codes.signatureInvalid, path, body([{ ...proof, ...(witness !== undefined && { witness }) }]))
    expect(await stateOf(world, proof)).toEqual(['UNSPENT', null])

    const witness = signedBy(secret, alice)
    await world.client.post(path, body([{ ...proof, witness }]))
    expect(await stateOf(world, proof)).toEqual(['SPENT', witness])
  })

  test('one locked input among others that are not', async () => {
    const world = await strict()
    const secrets = ['plain', p2pk(bob)]
    const [plain, locked] = (await minted(world, 4, secrets)) as [Proof, Proof]
    const { path, body } = await use(world)
    await world.refused(codes.signatureInvalid, path, body([plain, locked]))
    await world.refused(codes.signatureInvalid, path, body([{ ...plain, witness: signedBy(secrets[1]!, bob) }, locked]))
    const witness = signedBy(secrets[1]!, bob)
    await world.client.post(path, body([plain, { ...locked, witness }]))
    expect([await stateOf(world, plain), await stateOf(world, locked)]).toEqual([
      ['SPENT', null],
      ['SPENT', witness],
    ])
  })

  test('two of two signatures', async () => {
    const world = await strict()
    const secret = p2pk(alice, tag('pubkeys', bob), tag('n_sigs', '2'))
    const [proof] = (await minted(world, 8, [secret])) as [Proof]
    const { path, body } = await use(world)
    for (const signers of [[alice], [bob], [alice, alice]])
      await world.refused(codes.signatureInvalid, path, body([{ ...proof, witness: signedBy(secret, ...signers) }]))
    await world.client.post(path, body([{ ...proof, witness: signedBy(secret, bob, alice) }]))
    expect(await stateOf(world, proof)).toMatchObject(['SPENT', expect.any(String)])
  })

  test('SIG_ALL: one signature, over everything that is asked for', async () => {
    const world = await strict()
    const secrets = ['a', 'b'].map((nonce) => p2pk(alice, tag('sigflag', 'SIG_ALL')).replace('c7f280eb55c1e856', nonce))
    const inputs = await minted(world, 4, secrets)
    const { path, outputs: made, quoteId, body } = await use(world)
    const whole = { inputs, outputs: made, ...(quoteId !== undefined && { quoteId }) }
    const signed = (message: string) => {
      const [first, ...rest] = inputs
      return body([{ ...first!, witness: signedBy(message, alice) }, ...rest])
    }
    await world.refused(codes.signatureInvalid, path, body(inputs))
    await world.refused(codes.signatureInvalid, path, signed(secrets[0]!))
    await world.refused(codes.signatureInvalid, path, signed(sigAllMessage({ ...whole, outputs: made.slice(1) })))
    await world.refused(codes.signatureInvalid, path, signed(sigAllMessage({ ...whole, quoteId: 'another' })))
    const right = signed(sigAllMessage(whole))
    await world.refused(codes.signatureInvalid, path, { ...right, outputs: made.toReversed() })
    await world.refused(codes.signatureInvalid, path, { ...right, inputs: body(inputs.toReversed()).inputs })
    await world.client.post(path, right)
    expect((await stateOf(world, inputs[1]!))[0]).toBe('SPENT')
  })

  test('a hash lock: preimage and signature', async () => {
    const world = await strict()
    const secret = htlc(HASH, tag('pubkeys', alice))
    const [proof] = (await minted(world, 8, [secret])) as [Proof]
    const { path, body } = await use(world)
    const { signatures } = JSON.parse(signedBy(secret, alice)) as { signatures: string[] }
    for (const witness of [
      { signatures },
      { preimage: PREIMAGE },
      { signatures, preimage: HASH },
      { signatures, preimage: 7 },
    ])
      // prettier-ignore
      await world.refused(codes.signatureInvalid, path, body([{ ...proof, witness: JSON.stringify(witness) }]))
    // Some wallets send the object itself.
    const witness = { preimage: PREIMAGE, signatures }
    await world.client.post(path, body([{ ...proof, witness }]))
    expect(await stateOf(world, proof)).toEqual(['SPENT', JSON.stringify(witness)])
  })

  test('a refund opens with the locktime, by the mint’s clock', async () => {
    const world = await strict()
    const locktime = 1_800_000_060
    const secret = htlc(HASH, tag('pubkeys', alice), tag('locktime', String(locktime)), tag('refund', bob))
    const [proof] = (await minted(world, 8, [secret])) as [Proof]
    const { path, body } = await use(world)
    const refund = body([{ ...proof, witness: signedBy(secret, bob) }])
    await world.refused(codes.signatureInvalid, path, refund)
    world.pass(60_000)
    await world.refused(codes.signatureInvalid, path, refund)
    world.pass(1)
    await world.refused(codes.signatureInvalid, path, body([proof]))
    await world.refused(codes.signatureInvalid, path, body([{ ...proof, witness: signedBy(secret, alice) }]))
    await world.client.post(path, refund)
    expect((await stateOf(world, proof))[0]).toBe('SPENT')
  })

  test('without a refund anybody has it after the locktime', async () => {
    const world = await strict()
    const [proof] = (await minted(world, 8, [p2pk(alice, tag('locktime', '1800000001'))])) as [Proof]
    const { path, body } = await use(world)
    await world.refused(codes.signatureInvalid, path, body([proof]))
    world.pass(1_001)
    await world.client.post(path, body([proof]))
    expect(await stateOf(world, proof)).toEqual(['SPENT', null])
  })

  test('secrets that want a lock and name none are never taken; other kinds and plain text lock nothing', async () => {
    const world = await strict()
    const broken = ['["P2PK",{"nonce":"n","data":"no key"}]', '["HTLC",{"nonce":"n"}]', '["P2PK"]', p2pk(alice, tag('n_sigs', '2'))] // prettier-ignore
    for (const [at, proof] of (await minted(world, 8, broken)).entries()) {
      const { path, body } = await use(world)
      await world.refused(codes.signatureInvalid, path, body([{ ...proof, witness: signedBy(broken[at]!, alice) }])) // prettier-ignore
    }
    for (const proof of await minted(world, 8, ['["LATER",{"nonce":"n","data":"d"}]', '[1', '{}', ' '])) {
      const { path, body } = await use(world)
      await world.client.post(path, body([proof]))
      expect((await stateOf(world, proof))[0]).toBe('SPENT')
    }
  })
})

test('others may have their turn at every signature', async () => {
  let turns = 0
  const world = await strict({ turn: async () => void turns++ })
  const secret = p2pk(alice, tag('pubkeys', bob), tag('n_sigs', '2'))
  const [locked, plain] = (await minted(world, 8, [secret, 'a secret without conditions'])) as [Proof, Proof]
  const witness = signedBy(secret, alice, bob)
  const turnsOf = async (input: object): Promise<number> => {
    const body = { inputs: [input], outputs: await outputs(world, 8) }
    turns = 0
    await world.client.post('/v1/swap', body)
    return turns
  }
  const others = await turnsOf(plain)
  expect(others).toBeGreaterThan(0)
  expect((await turnsOf({ ...locked, witness })) - others).toBe(2)
})

test('a witness is not shown while a melt is under way, and forgotten when it fails', async () => {
  const world = await strict()
  const secret = p2pk(alice)
  const [proof] = (await minted(world, 8, [secret])) as [Proof]
  const { quote, request } = await meltQuote(world, 5, { pay_invoice_state: 'PENDING' })
  const witness = signedBy(secret, alice)
  const told = await world.client.post<MeltQuote>('/v1/melt/bolt11', { quote, inputs: [{ ...proof, witness }] })
  expect(told.state).toBe('PENDING')
  expect(await stateOf(world, proof)).toEqual(['PENDING', null])
  await world.backend.decide(world.backend.decode('bolt11', request)!.requestId, 'failed')
  expect((await world.client.get<MeltQuote>(`/v1/melt/quote/bolt11/${quote}`)).state).toBe('UNPAID')
  expect(await stateOf(world, proof)).toEqual(['UNSPENT', null])
})

test('a locked proof is spent once, whatever unlocks it', async () => {
  const world = await strict()
  const secret = p2pk(alice, tag('pubkeys', bob))
  const [proof] = (await minted(world, 8, [secret])) as [Proof]
  const swap = async (signer: string) => ({
    inputs: [{ ...proof, witness: signedBy(secret, signer) }],
    outputs: await outputs(world, 8),
  })
  await world.client.post('/v1/swap', await swap(alice))
  const shown = await stateOf(world, proof)
  await world.refused(codes.alreadySpent, '/v1/swap', await swap(bob))
  expect(await stateOf(world, proof)).toEqual(shown)
})

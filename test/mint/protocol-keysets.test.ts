/** Keysets (NUT-01, NUT-02): their ids, rotation and fees; and how much of everything the mint takes at once. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codes } from '../../src/cashu/codes.ts'
import { nobleCrypto } from '../../src/cashu/noble-crypto.ts'
import { nobleMintCrypto } from '../../src/cashu/noble-mint-crypto.ts'
import { localSignatory, mintSchema } from '../../src/mint-server/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import {
  blanksOf,
  meltQuote,
  messages,
  minted,
  mintQuote,
  outputsOf,
  strict,
  type Signatures,
} from '../kits/mint-protocol-kit.ts'
import { client, simulated, sum, type Keyset, type MeltQuote, type Proof } from '../kits/mint-server-client.ts'

describe('keysets', () => {
  test.each([
    ['00', /^00[0-9a-f]{14}$/],
    ['01', /^01[0-9a-f]{64}$/],
    [undefined, /^01[0-9a-f]{64}$/],
  ] as const)('with ids of version %s follow from their keys, by the real hash', async (keysetVersion, shape) => {
    const real = { crypto: nobleMintCrypto, signatory: localSignatory({ seed: new Uint8Array(32), crypto: nobleMintCrypto }) } // prettier-ignore
    const { mint } = await simulated({ ...real, amounts: [1, 2, 4], feePpk: 100, keysetVersion })
    const wallet = client((...request) => mint.handle(...request), nobleCrypto)
    const { id, keys } = await wallet.keyset()
    expect(id).toMatch(shape)
    expect(nobleCrypto.keysetId(id, { keys, unit: 'sat', inputFeePpk: 100 })).toBe(id)
    expect(sum(await wallet.swap(await wallet.mint([1, 2, 4]), [2, 4]))).toBe(6)
  })

  test('of either version are good for inputs, together, however often the mint rotates', async () => {
    const store = await memoryStore().open(mintSchema)
    const old = await simulated({ store, keysetVersion: '00' })
    const proofs = await old.client.mint([1, 2])
    await old.mint.rotate('sat')
    proofs.push(...(await old.client.mint([4])))
    await old.mint.close()

    const { mint, client: wallet } = await simulated({ store, keysetVersion: '01' }, undefined, 1)
    // It keeps the keyset that it finds.
    expect((await wallet.keyset()).id).toBe(proofs[2]!.id)
    await mint.rotate('sat')
    const { id } = await wallet.keyset()
    const { keysets } = await wallet.get<{ keysets: Keyset[] }>('/v1/keysets')
    expect(keysets.map((keyset) => [keyset.id.slice(0, 2), keyset.active])).toEqual([
      ['00', false],
      ['00', false],
      ['01', true],
    ])
    for (const keyset of keysets)
      expect((await wallet.get<{ keysets: Keyset[] }>(`/v1/keys/${keyset.id}`)).keysets).toMatchObject([{ id: keyset.id, active: keyset.active }]) // prettier-ignore
    const outputs = wallet.blind([1, 2, 4], id)
    const { signatures } = await wallet.post<Signatures>('/v1/swap', { inputs: proofs, outputs: messages(outputs) })
    expect(sum(wallet.unblind(signatures, outputs))).toBe(7)
  })

  test('that are inactive sign nothing, at any endpoint', async () => {
    const world = await strict()
    const { mint, refused } = world
    const wallet = world.client
    const inputs = await wallet.mint([8])
    const stale = messages(await outputsOf(wallet, 8))
    const blank = messages(await blanksOf(wallet, 1))
    const { quote } = await mintQuote(world, 'bolt11', { amount: 8 })
    await wallet.get(`/v1/mint/quote/bolt11/${quote}`)
    const melt = await meltQuote(world, 4)
    await mint.rotate('sat')
    await refused(codes.keysetInactive, '/v1/swap', { inputs, outputs: stale })
    await refused(codes.keysetInactive, '/v1/mint/bolt11', { quote, outputs: stale })
    await refused(codes.keysetInactive, '/v1/mint/bolt11/batch', { quotes: [quote], outputs: stale })
    await refused(codes.keysetInactive, '/v1/melt/bolt11', { quote: melt.quote, inputs, outputs: blank })
    const fresh = messages(await outputsOf(wallet, 8))
    expect(await wallet.post('/v1/mint/bolt11', { quote, outputs: fresh })).toHaveProperty('signatures')
    expect(await wallet.post('/v1/melt/bolt11', { quote: melt.quote, inputs })).toMatchObject({ state: 'PAID' })
  })
})

describe('the input fee', () => {
  test('is rounded up once, over all inputs, whatever keysets they are of', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ feePpk: fc.integer({ min: 0, max: 1500 }), inputs: fc.integer({ min: 1, max: 12 }) }), { minLength: 1, maxLength: 3 }), // prettier-ignore
        async (rotations) => {
          const { client: wallet, mint } = await simulated()
          const proofs: Proof[] = []
          for (const { feePpk, inputs } of rotations) {
            await mint.rotate('sat', { feePpk })
            proofs.push(...(await wallet.mint(Array.from({ length: inputs }, () => 64))))
          }
          const ppk = rotations.reduce((total, { feePpk, inputs }) => total + feePpk * inputs, 0)
          const fee = Math.floor((ppk + 999) / 1000)
          const swap = async (amount: number) => {
            const outputs = messages(await outputsOf(wallet, amount))
            const { status, body } = await mint.handle('POST', '/v1/swap', JSON.stringify({ inputs: proofs, outputs }))
            return status === 200 ? 200 : (JSON.parse(body) as { code: number }).code
          }
          const worth = sum(proofs) - fee
          expect([await swap(worth + 1), await swap(worth - 1), await swap(worth)]).toEqual([
            ...[codes.unbalanced, codes.unbalanced, 200],
          ])
          expect((await mint.balanceSheet()).units['sat']).toMatchObject({ kept: fee, outstanding: worth })
        },
      ),
      { numRuns: 25, seed: 3 },
    )
  })

  test('may be more than an input is worth', async () => {
    const world = await strict({ feePpk: 3000 })
    const wallet = world.client
    const inputs = await wallet.mint([1, 1])
    await world.refused(codes.unbalanced, '/v1/swap', { inputs, outputs: messages(await outputsOf(wallet, 1)) })
    const [four] = await wallet.mint([4])
    expect(sum(await wallet.swap([four!]))).toBe(1)
  })

  test('comes off a melt too, before the reserve', async () => {
    const world = await strict({ feePpk: 400 }, { autoPayMs: 0, feeSat: 0 })
    const wallet = world.client
    const { quote, amount, fee_reserve } = await meltQuote(world, 8)
    expect([amount, fee_reserve]).toEqual([8, 2])
    // Three inputs cost 2: 11 would be one short.
    await world.refused(codes.unbalanced, '/v1/melt/bolt11', { quote, inputs: await wallet.mint([8, 2, 1]) })
    const blanks = await blanksOf(wallet, 4)
    const body = { quote, inputs: await wallet.mint([8, 2, 2]), outputs: messages(blanks) }
    const { change } = await wallet.post<MeltQuote>('/v1/melt/bolt11', body)
    expect(sum(wallet.unblind(change!, blanks))).toBe(2)
  })
})

describe('limits', () => {
  const ones = (count: number): number[] => Array.from({ length: count }, () => 1)

  test('a thousand inputs and a thousand outputs, and not one more', async () => {
    const world = await strict()
    const { client: wallet, refused } = world
    const { id } = await wallet.keyset()
    const inputs = [...(await wallet.mint(ones(1000))), ...(await wallet.mint([1]))]
    const outputs = messages(wallet.blind(ones(1001), id))
    const thousand = { inputs: inputs.slice(0, 1000), outputs: outputs.slice(0, 1000) }
    await refused(codes.tooManyInputs, '/v1/swap', { ...thousand, inputs })
    await refused(codes.tooManyOutputs, '/v1/swap', { ...thousand, outputs })
    const { signatures } = await wallet.post<Signatures>('/v1/swap', thousand)
    expect(signatures).toHaveLength(1000)

    const { quote } = await meltQuote(world, 900)
    const more = [...(await wallet.mint(ones(1000))), ...(await wallet.mint([1]))]
    await refused(codes.tooManyInputs, '/v1/melt/bolt11', { quote, inputs: more })
    expect(await wallet.post('/v1/melt/bolt11', { quote, inputs: more.slice(1) })).toMatchObject({ state: 'PAID' })
    const { quote: large } = await mintQuote(world, 'bolt11', { amount: 1001 })
    await wallet.get(`/v1/mint/quote/bolt11/${large}`)
    await refused(codes.tooManyOutputs, '/v1/mint/bolt11', { quote: large, outputs: messages(wallet.blind(ones(1001), id)) }) // prettier-ignore

    const Ys = more.map(({ secret }) => wallet.crypto.hashToCurve(secret))
    await refused(codes.tooManyInputs, '/v1/checkstate', { Ys })
    await refused(codes.tooManyOutputs, '/v1/restore', { outputs })
    expect((await wallet.post<{ states: object[] }>('/v1/checkstate', { Ys: Ys.slice(1) })).states).toHaveLength(1000)
    expect(await wallet.post<Signatures>('/v1/restore', { outputs: outputs.slice(1) })).toMatchObject({ signatures: signatures.slice(1) }) // prettier-ignore
  })

  test('the least and the most that a quote may be for', async () => {
    const { client: wallet, refused } = await strict({ minAmount: 10, maxAmount: 1000 })
    const quote = (amount: number) => ({ amount, unit: 'sat' })
    for (const amount of [0, 9, 1001, 2 ** 53 - 1])
      await refused(codes.amountOutOfRange, '/v1/mint/quote/bolt11', quote(amount))
    for (const amount of [10, 1000])
      expect(await wallet.post('/v1/mint/quote/bolt11', quote(amount))).toMatchObject({ amount })
    const { nuts } = await wallet.get<{ nuts: { 4: { methods: object[] } } }>('/v1/info')
    expect(nuts[4].methods[0]).toMatchObject({ method: 'bolt11', unit: 'sat', min_amount: 10, max_amount: 1000 })
  })

  test('secrets: 1,024 characters, of whatever kind, and none longer', async () => {
    const world = await strict()
    const wallet = world.client
    const secrets = ['', ' ', 'é'.repeat(1024), '\u0000'.repeat(1024), '\ud800', '🥜'.repeat(512), 'x'.repeat(1024)]
    const inputs = await minted(world, 1, secrets)
    const swap = async (input: object) => ({ inputs: [input], outputs: messages(await outputsOf(wallet, 1)) })
    for (const secret of ['x'.repeat(1025), '🥜'.repeat(513), 'x'.repeat(100_000)])
      await world.refused(codes.unclassified, '/v1/swap', await swap({ ...inputs[0], secret }))
    for (const input of inputs) await wallet.post('/v1/swap', await swap(input))
    expect(await wallet.states(inputs)).toEqual(inputs.map(() => 'SPENT'))
  })

  test('amounts beyond what numbers hold', async () => {
    const world = await strict({ amounts: [1, 2 ** 52] })
    const wallet = world.client
    const [input] = await wallet.mint([1])
    const outputs = messages(wallet.blind([2 ** 52, 2 ** 52, 2 ** 52], (await wallet.keyset()).id))
    await world.refused(codes.amountOutOfRange, '/v1/swap', { inputs: [input], outputs })
    for (const amount of [2 ** 53, '9007199254740992', '99999999999999999999', 1e21])
      await world.refused(codes.unclassified, '/v1/swap', { inputs: [{ ...input, amount }], outputs: outputs.slice(1) })
    expect(await wallet.states([input!])).toEqual(['UNSPENT'])
  })
})

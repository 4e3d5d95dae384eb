/** A hostile wallet at the mint: it wants ecash for nothing, others' ecash, or the mint to fail. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codes } from '../../src/cashu/codes.ts'
import { systemClock } from '../../src/kernel/util/ports.ts'
import { mintSchema, SignatoryRefusal, type Signatory } from '../../src/mint-server/index.ts'
import { sqliteStore } from '../../src/store/sqlite/index.ts'
import { stubCrypto } from '../../src/testing/environments/stub-crypto.ts'
import { alice, p2pk, tag, twin } from '../kits/cashu-conditions-kit.ts'
import { never, shaky } from '../kits/mint-attack-kit.ts'
import { blanksOf, gate, issueBody, key, meltQuote, messages, minted, mintQuote, outputsOf, paid, signatory, strict, type Signatures, type Strict } from '../kits/mint-protocol-kit.ts' // prettier-ignore
import { simulated, sum, type MeltQuote, type Proof } from '../kits/mint-server-client.ts'

const outputs = async ({ client: wallet }: Pick<Strict, 'client'>, amount: number) => messages(await outputsOf(wallet, amount)) // prettier-ignore

describe('ecash for nothing', () => {
  test('no number of the mint’s own invoices and offers, paid with its own ecash, makes more of it', async () => {
    const step = fc.record({ method: fc.constantFrom('bolt11', 'bolt12'), amount: fc.integer({ min: 1, max: 40 }), blanks: fc.nat(7) }) // prettier-ignore
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        const world = await strict({}, {})
        const { client: wallet, mint } = world
        const { quote } = await paid(world, await mintQuote(world, 'bolt11', { amount: 64 }))
        const first = await outputsOf(wallet, 64)
        let purse = wallet.unblind((await wallet.post<Signatures>('/v1/mint/bolt11', issueBody(quote, messages(first)))).signatures, first) // prettier-ignore
        const pubkey = stubCrypto.publicKey(key(1))
        for (const { method, amount, blanks } of steps) {
          if (amount > sum(purse)) continue
          const own = await mintQuote(world, method, { amount, pubkey })
          const melt = await wallet.post<MeltQuote>(`/v1/melt/quote/${method}`, { request: own.request, unit: 'sat' })
          const change = await blanksOf(wallet, blanks)
          const told = await wallet.post<MeltQuote>(`/v1/melt/${method}`, { quote: melt.quote, inputs: purse, outputs: messages(change) }) // prettier-ignore
          const made = await outputsOf(wallet, amount)
          const issued = await wallet.post<Signatures>(`/v1/mint/${method}`, issueBody(own.quote, messages(made), key(1))) // prettier-ignore
          const before = sum(purse)
          purse = [...wallet.unblind(told.change ?? [], change), ...wallet.unblind(issued.signatures, made)]
          expect(sum(purse)).toBeLessThanOrEqual(before)
        }
        const { outstanding, received, paidOut, kept } = (await mint.balanceSheet()).units['sat']!
        expect([outstanding, received - paidOut - kept]).toEqual([sum(purse), sum(purse)])
        expect(outstanding + kept).toBe(64)
      }),
      { numRuns: 40, seed: 4 },
    )
  })

  test('amounts on blank outputs are worth nothing', async () => {
    const world = await strict()
    const { client: wallet } = world
    const { quote } = await meltQuote(world, 8)
    const blanks = wallet.blind([2 ** 31, 2 ** 31], (await wallet.keyset()).id)
    const body = { quote, inputs: await wallet.mint([16]), outputs: messages(blanks) }
    const { change } = await wallet.post<MeltQuote>('/v1/melt/bolt11', body)
    expect(change!.map(({ amount }) => amount)).toEqual([2, 4])
  })

  test('a signature for one amount is none for another, nor for another keyset or unit', async () => {
    const world = await strict({ units: ['sat', 'usd'] })
    const { client: wallet } = world
    const [proof] = (await wallet.mint([8])) as [Proof]
    const old = proof.id
    await world.mint.rotate('sat')
    const forged = [{ amount: 16 }, { id: (await wallet.keyset()).id }, { id: (await wallet.keyset('usd')).id }, { secret: 'mine' }] // prettier-ignore
    for (const change of forged)
      await world.refused(codes.proofInvalid, '/v1/swap', { inputs: [{ ...proof, ...change }], outputs: await outputs(world, 8) }) // prettier-ignore
    expect(await wallet.swap([{ ...proof, id: old }])).toHaveLength(1)
  })

  test('two encodings of one key are one signer', async () => {
    const world = await strict()
    const [proof] = await minted(world, 8, [p2pk(alice, tag('pubkeys', twin(alice)), tag('n_sigs', '2'))])
    await world.refused(codes.signatureInvalid, '/v1/swap', { inputs: [proof], outputs: await outputs(world, 8) })
    expect(await world.client.states([proof!])).toEqual(['UNSPENT'])
  })

  test('points in capitals are the same points', async () => {
    const world = await strict()
    const { client: wallet } = world
    const [a, b] = (await wallet.mint([8, 8])) as [Proof, Proof]
    const [output] = await outputs(world, 8)
    const again = { ...output, B_: output!.B_.toUpperCase() }
    await wallet.post('/v1/swap', { inputs: [{ ...a, C: a.C.toUpperCase() }], outputs: [output] })
    await world.refused(codes.alreadySigned, '/v1/swap', { inputs: [b], outputs: [again] })
    const two = { inputs: [b], outputs: [...(await outputs(world, 4)), ...(await outputs(world, 4))] }
    const [one] = two.outputs
    await world.refused(codes.duplicateOutputs, '/v1/swap', { ...two, outputs: [one, { ...one, B_: one!.B_.toUpperCase() }] }) // prettier-ignore
    await world.refused(codes.alreadySpent, '/v1/swap', { ...two, inputs: [a] })
    expect(await wallet.states([a, b])).toEqual(['SPENT', 'UNSPENT'])
  })
})

describe('others’ ecash', () => {
  test('a quote for somebody else’s key is issued to nobody else, by no endpoint', async () => {
    const world = await strict({}, {})
    const pubkey = stubCrypto.publicKey(key(1))
    const quotes = [await mintQuote(world, 'bolt11', { amount: 8, pubkey }), await mintQuote(world, 'bolt12', { pubkey })] // prettier-ignore
    for (const quote of quotes) await paid(world, quote, 8)
    for (const { quote, method } of quotes) {
      const made = await outputs(world, 8)
      const signature = stubCrypto.signMintRequest(key(2), quote, made, 'framed')
      for (const more of [{}, { signature }, { signature: null }, { signature: [signature] }])
        await world.refused(codes.signatureInvalid, `/v1/mint/${method}`, { quote, outputs: made, ...more })
      const batch = { quotes: [quote], quote_amounts: [8], outputs: made }
      for (const more of [{}, { signatures: null }, { signatures: [null] }, { signatures: [signature] }])
        await world.refused(codes.signatureInvalid, `/v1/mint/${method}/batch`, { ...batch, ...more })
    }
    expect((await world.mint.balanceSheet()).units['sat']).toMatchObject({ unissued: 16, outstanding: 0 })
  })

  test('who goes away in the middle loses nothing: the same request is answered later', async () => {
    const held = gate()
    const slow: Signatory = { ...signatory, sign: (...of) => held.passed().then(() => signatory.sign(...of)) }
    const world = await strict({ signatory: slow })
    const { client: wallet, mint } = world
    const [input] = (await wallet.mint([8])) as [Proof]
    const made = await outputsOf(wallet, 8)
    const body = JSON.stringify({ inputs: [input], outputs: messages(made) })
    held.close()
    const gone = new AbortController()
    const answer = mint.handle('POST', '/v1/swap', body, { signal: gone.signal })
    await expect.poll(() => wallet.states([input])).toEqual(['PENDING'])
    gone.abort(new Error('gone'))
    await expect(answer).rejects.toThrow('gone')
    held.open()
    await expect.poll(() => wallet.states([input])).toEqual(['SPENT'])
    const { signatures } = JSON.parse((await mint.handle('POST', '/v1/swap', body)).body) as Signatures
    expect(sum(wallet.unblind(signatures, made))).toBe(8)
  })
})

describe('the mint fails', () => {
  test('no witness does that, whatever stands in it, also where none is needed', async () => {
    const world = await strict()
    const { client: wallet, refused } = world
    const deep = '['.repeat(50_000) + ']'.repeat(50_000)
    const [proof] = (await wallet.mint([8])) as [Proof]
    const body = JSON.stringify({ inputs: [{ ...proof, witness: 0 }], outputs: await outputs(world, 8) })
    const unfit = ['"\\ud800"', '"a\\udfff"', deep, `{"a":${deep}}`, '7', 'true', `"${'x'.repeat(4097)}"`]
    for (const witness of unfit) await refused(codes.unclassified, '/v1/swap', body.replace('"witness":0', `"witness":${witness}`)) // prettier-ignore
    const fit = ['"\\u0000"', '""', 'null', '{"a":"\\ud800"}', '[]', `"${'é'.repeat(4096)}"`, '"🥜"']
    for (const witness of fit) {
      const [input] = (await wallet.mint([8])) as [Proof]
      const made = await outputs(world, 8)
      const text = JSON.stringify({ inputs: [{ ...input, witness: 0 }], outputs: made })
      expect((await world.mint.handle('POST', '/v1/swap', text.replace('"witness":0', `"witness":${witness}`))).status).toBe(200) // prettier-ignore
    }
  })

  test('forged proofs do not make it check signatures for seconds', async () => {
    const world = await strict()
    const [proof] = (await world.client.mint([8])) as [Proof]
    const secret = p2pk(alice)
    const witness = JSON.stringify({ signatures: Array.from({ length: 30 }, (_, at) => `${at}`.padStart(128, '0')) })
    const inputs = Array.from({ length: 1000 }, (_, at) => ({ ...proof, secret: secret.replace('"nonce":"', `"nonce":"${at}`), witness })) // prettier-ignore
    const text = JSON.stringify({ inputs, outputs: await outputs(world, 8) })
    const { status, body } = await world.mint.handle('POST', '/v1/swap', text)
    expect([status, JSON.parse(body)]).toEqual([400, { code: codes.proofInvalid, detail: 'a proof is not of this mint' }]) // prettier-ignore
  })

  test('who asks for a payment a thousand times has the backend asked once', async () => {
    const world = await shaky()
    const { client: wallet, mint, calls } = world
    const { quote } = await meltQuote(world, 8, { pay_invoice_state: 'PENDING' })
    await wallet.post('/v1/melt/bolt11', { quote, inputs: await wallet.mint([16]) })
    const before = calls.outgoing
    const look = () => mint.handle('GET', `/v1/melt/quote/bolt11/${quote}`)
    const answers = await world.over(Promise.all(Array.from({ length: 1000 }, look)))
    expect(answers.every(({ body }) => body.includes('"PENDING"'))).toBe(true)
    expect(calls.outgoing - before).toBeLessThan(3)
  })

  test('hanging payments keep nobody from anything else', async () => {
    const world = await shaky()
    const { client: wallet } = world
    const inputs = await wallet.mint(Array.from({ length: 80 }, () => 16))
    const melts = await Promise.all(inputs.map(() => meltQuote(world, 8)))
    world.faults.pay = never
    const stuck = melts.map(({ quote }, at) => world.mint.handle('POST', '/v1/melt/bolt11', JSON.stringify({ quote, inputs: [inputs[at]] }))) // prettier-ignore
    await expect.poll(() => world.calls.pay).toBe(64)
    const proofs = await wallet.swap(await wallet.mint([8, 4]))
    const { quote } = await mintQuote(world, 'bolt11', { amount: 4 })
    const own = await wallet.post<MeltQuote>('/v1/melt/quote/bolt11', { request: (await mintQuote(world, 'bolt11', { amount: 4 })).request, unit: 'sat' }) // prettier-ignore
    expect(await wallet.post('/v1/mint/bolt11', { quote, outputs: await outputs(world, 4) })).toHaveProperty('signatures') // prettier-ignore
    expect([own.state, await wallet.states(proofs)]).toEqual(['UNPAID', proofs.map(() => 'UNSPENT')])
    await world.over(Promise.all(stuck))
    delete world.faults.pay
    await world.wait(600_000)
    expect(new Set(await wallet.states(inputs))).toEqual(new Set(['SPENT']))
  })
})

describe('two mints on one file, of which the second leaves the work to the first', () => {
  /** Their clocks go on by themselves: pauses are part of it. */
  const now = { clock: () => Date.now() }
  async function pair(options: Parameters<typeof simulated>[0]) {
    const directory = mkdtempSync(join(tmpdir(), 'mint-pair-'))
    const open = () => sqliteStore({ path: join(directory, 'mint.db') }).open(mintSchema)
    const stores = [await open(), await open()] as const
    const first = await simulated({ ...options, clock: systemClock, store: stores[0] }, { autoPayMs: 0, ...now })
    const second = await simulated({ ...options, clock: systemClock, store: stores[1] }, { autoPayMs: 0, ...now }, 1)
    const close = async () => {
      await Promise.all([first.mint.close(), second.mint.close()])
      await Promise.all(stores.map((store) => store.close()))
      rmSync(directory, { recursive: true })
    }
    return { first, second, close }
  }

  test.each([[[] as const], [[19] as const]])(
    'a melt is told of, though its change was refused once; without %j',
    async (without) => {
      // prettier-ignore
      let refusals = 0
      const moody: Signatory = {
        ...signatory,
        async sign(asked, signal) {
          if (asked.every(({ amount }) => amount < 8) && refusals++ === 0) throw new SignatoryRefusal('not now')
          return signatory.sign(asked, signal)
        },
      }
      const both = await pair({ without, signatory: moody })
      const { client: wallet, backend } = both.first
      const inputs = await wallet.mint([16])
      const { quote } = await meltQuote({ client: wallet, backend }, 8)
      const blanks = await blanksOf(wallet, 4)
      const body = JSON.stringify({ quote, inputs, outputs: messages(blanks) })
      const told = JSON.parse((await both.second.mint.handle('POST', '/v1/melt/bolt11', body)).body) as MeltQuote
      expect([told.state, told.change && sum(wallet.unblind(told.change, blanks)), refusals]).toEqual(['PAID', 7, 2])
      await both.close()
    },
  )

  test('a swap is answered', async () => {
    const both = await pair({})
    const inputs = await both.first.client.mint([8])
    const outputs = await outputsOf(both.first.client, 8)
    const body = JSON.stringify({ inputs, outputs: messages(outputs) })
    const { signatures } = JSON.parse((await both.second.mint.handle('POST', '/v1/swap', body)).body) as Signatures
    expect(sum(both.first.client.unblind(signatures, outputs))).toBe(8)
    await both.close()
  })
})

/** The mint as others see it: cashu-ts's wallet uses it, and invoices read as BOLT11 says. */
import { Amount, getEncodedToken, sumProofs, Wallet, type Proof } from '@cashu/cashu-ts'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { bech32 } from '@scure/base'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bolt11, createMintServer, type Invoice, type MintServer } from '../../src/mint-server/index.ts'
import { memoryStore } from '../../src/store/memory.ts'

describe("cashu-ts's wallet", () => {
  let server: MintServer
  let wallet: Wallet
  let purse: Proof[] = []
  const balance = () => Amount.from(sumProofs(purse)).toNumber()

  beforeAll(async () => {
    server = await createMintServer({ store: memoryStore(), feePpk: 100, lightning: { autoPayMs: 0, feeSat: 1 } })
    wallet = new Wallet(server.url, { unit: 'sat', bip39seed: new Uint8Array(64).fill(3) })
    await wallet.loadMint()
  })
  afterAll(() => server.close())

  test('mints', async () => {
    const quote = await wallet.createMintQuoteBolt11(200)
    expect((await wallet.checkMintQuoteBolt11(quote.quote)).state).toBe('PAID')
    purse = await wallet.mintProofsBolt11(200, quote.quote)
    expect(balance()).toBe(200)
    expect((await wallet.checkMintQuoteBolt11(quote.quote)).state).toBe('ISSUED')
  })

  test('mints a locked quote', async () => {
    const privkey = '11'.repeat(32)
    const pubkey = bytesToHex(secp256k1.getPublicKey(Buffer.from(privkey, 'hex')))
    const quote = await wallet.createLockedMintQuote(10, pubkey)
    purse.push(...(await wallet.mintProofsBolt11(10, quote, { privkey })))
    expect(balance()).toBe(210)
  })

  test('sends and receives', async () => {
    const { keep, send } = await wallet.send(50, purse, { includeFees: true })
    const token = getEncodedToken({ mint: server.url, proofs: send, unit: 'sat' })
    purse = [...keep, ...(await wallet.receive(token))]
    const states = await wallet.checkProofsStates([...send, ...purse])
    expect(new Set(states.slice(0, send.length).map(({ state }) => state))).toEqual(new Set(['SPENT']))
    expect(new Set(states.slice(send.length).map(({ state }) => state))).toEqual(new Set(['UNSPENT']))
    await expect(wallet.receive(token)).rejects.toMatchObject({ code: 11001 })
    expect(balance()).toBe((await server.mint.balanceSheet()).units['sat']!.outstanding)
  })

  test('melts, with change', async () => {
    const quote = await wallet.createMeltQuoteBolt11(server.backend.foreignInvoice({ amountSat: 100 }))
    const { keep, send } = await wallet.send(quote.amount.add(quote.fee_reserve), purse, { includeFees: true })
    const melted = await wallet.meltProofsBolt11(quote, send)
    expect(melted.quote.state).toBe('PAID')
    expect(melted.change.length).toBeGreaterThan(0)
    purse = [...keep, ...melted.change]
    expect(balance()).toBe((await server.mint.balanceSheet()).units['sat']!.outstanding)
  })

  test('restores', async () => {
    const again = new Wallet(server.url, { unit: 'sat', bip39seed: new Uint8Array(64).fill(3) })
    await again.loadMint()
    const { proofs } = await again.batchRestore(300, 100, 0, again.keysetId)
    const states = await again.checkProofsStates(proofs)
    const unspent = proofs.filter((_, index) => states[index]!.state === 'UNSPENT')
    const secrets = (all: readonly Proof[]) => all.map(({ secret }) => secret).toSorted()
    expect(secrets(unspent)).toEqual(secrets(purse))
  })
})

describe('invoices', () => {
  const invoice: Invoice = {
    paymentHash: '00112233445566778899aabbccddeeff'.repeat(2),
    paymentSecret: 'fe'.repeat(32),
    amountSat: 250_000,
    memo: 'Tee für zwei ☕',
    createdAt: 1_800_000_000_000,
    expiryAt: 1_800_000_060_000,
  }

  test('what is written is read again', () => {
    for (const amountSat of [undefined, 1, 10, 99, 100, 12_345, 100_000, 2_500_000, 100_000_000, 2_100_000_000_000_000])
      for (const memo of ['', 'a memo', invoice.memo, 'x'.repeat(639)]) {
        const written = { ...invoice, amountSat, memo }
        expect(bolt11.decode(bolt11.encode(written))).toEqual(written)
        expect(bolt11.decode(bolt11.encode(written).toUpperCase())).toEqual(written)
      }
    expect(() => bolt11.encode({ ...invoice, memo: 'x'.repeat(640) })).toThrow(RangeError)
  })

  test('amounts are written in the largest unit', () => {
    const prefix = (amountSat: number) => bolt11.encode({ ...invoice, amountSat }).split('1p')[0]
    expect([1, 100, 100_000, 250_000, 100_000_000].map(prefix)).toEqual([
      'lnbc10n',
      'lnbc1u',
      'lnbc1m',
      'lnbc2500u',
      'lnbc1',
    ])
  })

  test('the signature is of the whole, by one key', () => {
    const keys = [invoice, { ...invoice, memo: 'x' }, { ...invoice, memo: 'xy' }].map((each) => {
      const { prefix, words } = bech32.decode(bolt11.encode(each) as `${string}1${string}`, false)
      const data = words
        .slice(0, -104)
        .map((word) => word.toString(2).padStart(5, '0'))
        .join('')
      const bytes = (data + '0'.repeat((8 - (data.length % 8)) % 8)).match(/.{8}/g)!.map((bits) => parseInt(bits, 2))
      const signature = bech32.fromWords(words.slice(-104))
      const recoverable = Uint8Array.from([signature[64]!, ...signature.slice(0, 64)])
      const digest = sha256(Uint8Array.from([...Buffer.from(prefix), ...bytes]))
      return bytesToHex(secp256k1.recoverPublicKey(recoverable, digest, { prehash: false }))
    })
    expect(new Set(keys).size).toBe(1)
  })

  test('an invoice out of BOLT11', () => {
    const example =
      'lnbc2500u1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq' +
      '5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpu9qrsgquk0rl77nj30yxdy8j9vdx85fkpmdla2087ne0xh8nhedh8w27kyke0lp53ut353s06fv3q' +
      'fegext0eh0ymjpf39tuven09sam30g4vgpfna3rh'
    expect(bolt11.decode(example)).toEqual({
      paymentHash: '0001020304050607080900010203040506070809000102030405060708090102',
      paymentSecret: '11'.repeat(32),
      amountSat: 250_000,
      memo: '1 cup coffee',
      createdAt: 1_496_314_658_000,
      expiryAt: 1_496_314_718_000,
    })
    // One character wrong.
    expect(bolt11.decode(example.replace('2500u1pv', '2501u1pv'))).toBeUndefined()
  })

  test('what is no invoice', () => {
    for (const text of [
      '',
      'lnbc1',
      'text',
      bech32.encode('lnbc1', [1, 2, 3]),
      bech32.encode('bc', bech32.toWords(new Uint8Array(200)), false),
    ])
      expect(bolt11.decode(text)).toBeUndefined()
    // Amounts that are none, with a checksum that is right.
    const { words } = bech32.decode(bolt11.encode(invoice) as `${string}1${string}`, false)
    for (const prefix of ['lnbc01u', 'lnbcu', 'lnbc1p', 'lnbc99999999999999999999', 'lnbc1x'])
      expect(bolt11.decode(bech32.encode(prefix, words, false))).toBeUndefined()
    expect(bolt11.decode(bech32.encode('lnbc15n', words, false))!.amountSat).toBe(2)
    expect(bolt11.decode(bech32.encode('lnbcrt10u', words, false))!.amountSat).toBe(1000)
  })
})

/** A unit that is taken out of a mint's settings: nothing more is issued in it, and who has some can get out. */
import { expect, test } from 'vitest'
import { codes } from '../../src/cashu/codes.ts'
import { nobleCrypto } from '../../src/cashu/noble-crypto.ts'
import { openWallet } from '../../src/index.ts'
import { createMintServer, type MintServer } from '../../src/mint-server/index.ts'
import { memoryStore, type MemoryStore } from '../../src/store/memory.ts'
import {
  client,
  overHttp,
  split,
  type Keyset,
  type MeltQuote,
  type MintQuote,
  type Signature,
} from '../kits/mint-server-client.ts'

const starting = (store: MemoryStore, units: readonly string[], port = 0): Promise<MintServer> =>
  createMintServer({ store, units, port, lightning: { autoPayMs: 0, feeSat: 0 } })

const listed = async (url: string): Promise<string[]> => {
  const { keysets } = (await (await fetch(`${url}/v1/keysets`)).json()) as { keysets: Keyset[] }
  return keysets.map(({ unit, active }) => `${unit} ${active}`).toSorted()
}

interface Info {
  readonly nuts: Readonly<Record<4 | 5, { readonly methods: readonly { readonly unit: string }[] }>>
}

test('its holders swap, melt with change and have issued what they paid; it comes back when it is set again', async () => {
  const store = memoryStore()
  const before = await starting(store, ['sat', 'usd'])
  const wallet = client(overHttp(before.url), nobleCrypto)
  const coins = await wallet.mint([8, 16], 'usd')
  const owed = await wallet.post<MintQuote>('/v1/mint/quote/bolt11', { amount: 4, unit: 'usd' })
  const { id } = await wallet.keyset('usd')
  await before.close()

  const server = await starting(store, ['sat'])
  const holder = client(overHttp(server.url), nobleCrypto, 2)
  await holder.keyset()
  expect(await listed(server.url)).toEqual(['sat true', 'usd false'])
  await holder.refused(codes.unitUnsupported, '/v1/mint/quote/bolt11', { amount: 1, unit: 'usd' })
  await holder.refused(codes.unitUnsupported, '/v1/mint/quote/bolt11', { amount: 1, unit: 'eur' })
  const { nuts } = await holder.get<Info>('/v1/info')
  expect([4, 5].map((nut) => [...new Set(nuts[nut as 4 | 5].methods.map(({ unit }) => unit))])).toEqual([
    ['sat'],
    ['sat', 'usd'],
  ])
  await expect(server.mint.rotate('usd')).rejects.toThrow('no such unit')

  const outputs = holder.blind([8, 8, 8], id)
  const messages = outputs.map(({ message }) => message)
  const swapped = await holder.post<{ signatures: Signature[] }>('/v1/swap', { inputs: coins, outputs: messages })
  const { keysets } = await holder.get<{ keysets: Keyset[] }>(`/v1/keys/${id}`)
  const mine = swapped.signatures.map(({ C_ }, at) => {
    const { secret, r } = outputs[at]!
    return { id, amount: 8, secret, C: nobleCrypto.unblind(C_, r, keysets[0]!.keys[8]!) }
  })
  const request = server.backend.foreignInvoice({ amountSat: 10 })
  const quote = await holder.post<MeltQuote>('/v1/melt/quote/bolt11', { request, unit: 'usd' })
  const blanks = holder.blind([0, 0, 0], id).map(({ message }) => message)
  const melt = await holder.post<MeltQuote>('/v1/melt/bolt11', { quote: quote.quote, inputs: mine, outputs: blanks })
  expect([melt.state, melt.change!.map(({ amount }) => amount)]).toEqual(['PAID', [2, 4, 8]])
  const paid = holder.blind([4], id).map(({ message }) => message)
  await holder.post('/v1/mint/bolt11', { quote: owed.quote, outputs: paid })
  expect((await server.mint.balanceSheet()).units['usd']).toMatchObject({ outstanding: 18, received: 28, paidOut: 10 })
  await server.close()

  const again = await starting(store, ['usd', 'sat'])
  expect(await listed(again.url)).toEqual(['sat true', 'usd true'])
  expect(await client(overHttp(again.url), nobleCrypto, 3).mint(split(5), 'usd')).toHaveLength(2)
  await again.close()
})

test('this wallet pays with what it has of it', async () => {
  const store = memoryStore()
  const before = await starting(store, ['sat', 'usd'])
  const wallet = await openWallet({ store: memoryStore(), seed: new Uint8Array(64).fill(9) })
  const mintUrl = before.url
  await wallet.mints.trust(mintUrl)
  const minting = await wallet.mint.prepare({ mintUrl, amount: 12, unit: 'usd' })
  await minting.finished()
  await before.close()

  const server = await starting(store, ['sat'], Number(new URL(mintUrl).port))
  const request = server.backend.foreignInvoice({ amountSat: 10 })
  const melt = await wallet.melt.prepare({ mintUrl, request, unit: 'usd' })
  const { state } = await melt.execute()
  expect(state).toBe('paid')
  expect((await server.mint.balanceSheet()).units['usd']!.paidOut).toBe(10)
  await wallet.close()
  await server.close()
})

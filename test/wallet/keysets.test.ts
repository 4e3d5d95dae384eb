/** Goal: one keyset that cannot be used spoils nothing else, and no two keysets ever share their secrets. */
import { expect, test } from 'vitest'
import { openWallet, type Transport } from '../../src/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { stubCrypto } from '../../src/testing/environments/stub-crypto.ts'
import { bench, failure, money } from '../kits/wallet-kit.ts'

test('a keyset whose keys are not to be had is named, and the others are used', async () => {
  for (const how of [404, 500, 'other', 'empty'] as const) {
    const { open, server, mintUrl } = await bench({ stub: true })
    await server.mint.rotate('sat')
    const { wallet, wire } = await open()
    // Both are active for the wallet, and the keys of the one that it would choose cannot be had.
    const [first, second] = await listed(mintUrl)
    wire.plan = [[/keysets$/, ({ keysets, ...body }) => ({ ...body, keysets: (keysets as object[]).map((one) => ({ ...one, active: true })) })]] // prettier-ignore
    wire.dialect = { keysMissing: { keyset: { id: first! }, how } }
    const { keysets } = await wallet.mints.trust(mintUrl)
    const reasons = Object.fromEntries(keysets.map(({ id, reason }) => [id, reason?.split(':')[0]]))
    expect(reasons, `${how}`).toEqual({ [first!]: 'KEYS_MISSING', [second!]: undefined })
    // The next time it is tried again.
    wire.dialect = {}
    wire.plan = [[/keysets$/, ({ keysets, ...body }) => ({ ...body, keysets: (keysets as object[]).map((one) => ({ ...one, active: true })) })]] // prettier-ignore
    await wallet.mints.refresh(mintUrl)
    const after = await wallet.mints.get(mintUrl)
    expect(after.keysets.map(({ reason }) => reason)).toEqual([undefined, undefined])
  }
})

const listed = async (mintUrl: string): Promise<string[]> => {
  const { keysets } = (await (await fetch(`${mintUrl}/v1/keysets`)).json()) as { keysets: { id: string }[] }
  return keysets.map(({ id }) => id)
}

test('odd entries in the list of keysets are left out, and the others are used', async () => {
  const { open, mintUrl } = await bench({ stub: true })
  const { wallet, wire } = await open()
  const odd = [null, 7, { id: '00ff' }, { id: '', unit: 'sat', active: true }, { id: 'I2yN+iRYfkzT', unit: 'sat', active: true }] // prettier-ignore
  wire.plan = [[/keysets$/, ({ keysets, ...body }) => ({ ...body, keysets: [...odd, ...(keysets as object[])] })]]
  const { keysets } = await wallet.mints.trust(mintUrl)
  expect(new Set(keysets.map(({ reason }) => reason?.split(':')[0]))).toEqual(
    new Set(['KEYSET_UNSUPPORTED', undefined]),
  )
  const mint = await wallet.mint.prepare({ mintUrl, amount: 5 })
  await mint.refresh()
  await mint.finished()
  expect(await money({ wallet })).toMatchObject({ spendable: 5 })
})

/** A wallet and mints that list one keyset each, whose keys give whatever id they say. */
async function listing(ids: Readonly<Record<string, string>>) {
  const keys = { 1: `02${'ab'.repeat(32)}` }
  const transport: Transport = async ({ url }) => {
    const { origin, pathname } = new URL(url)
    const keyset = { id: ids[origin]!, unit: 'sat', active: true, input_fee_ppk: 0 }
    const body = pathname.includes('/keys/') ? { keysets: [{ ...keyset, keys }] } : { keysets: [keyset], nuts: {} }
    return { status: 200, body: JSON.stringify(body) }
  }
  const crypto = { ...stubCrypto, keysetId: (id: string) => id }
  return openWallet({ store: memoryStore(), seed: new Uint8Array(64).fill(7), transport, crypto })
}

test('a keyset that would have the secrets of another mint’s is refused', async () => {
  const [a, b] = ['https://a.example', 'https://b.example']
  const wallet = await listing({ [a]: '004207eabd8471c3', [b]: '00126af83de3aba8' })
  expect((await wallet.mints.trust(a)).keysets[0]!.reason).toBeUndefined()
  expect((await wallet.mints.trust(b)).keysets[0]!.reason).toMatch(/^KEYSET_COLLISION: .*004207eabd8471c3/)
  expect(await failure(wallet.mints.refresh(b))).toMatchObject({ code: 'KEYSET_COLLISION' })
  expect(await failure(wallet.mint.prepare({ mintUrl: b, amount: 1 }))).toMatchObject({ code: 'KEYSET_COLLISION' })
  // Not even when the other is trusted no more: its secrets are in the world.
  await wallet.mints.distrust(a)
  expect(await failure(wallet.mints.refresh(b))).toMatchObject({ code: 'KEYSET_COLLISION' })
  await wallet.close()
})

test('a keyset that two mints list is one mint’s; it may move when the other is trusted no more', async () => {
  const [old, now] = ['https://old.example', 'https://new.example']
  const wallet = await listing({ [old]: '004207eabd8471c3', [now]: '004207eabd8471c3' })
  await wallet.mints.trust(old)
  expect((await wallet.mints.trust(now)).keysets[0]!.reason).toMatch(/^KEYSET_COLLISION: https:\/\/old\.example/)
  await wallet.mints.distrust(old)
  await wallet.mints.refresh(now)
  expect((await wallet.mints.get(now)).keysets[0]!.reason).toBeUndefined()
  expect((await wallet.mints.trust(old)).keysets[0]!.reason).toMatch(/^KEYSET_COLLISION: https:\/\/new\.example/)
  await wallet.close()
})

test('of two active keysets the one that ends later is chosen for new money', async () => {
  const { open, server, mintUrl, rows } = await bench({ stub: true })
  await server.mint.rotate('sat')
  const ids = await listed(mintUrl)
  for (const ending of ids) {
    const { wallet, wire } = await open(`ends ${ending}`)
    wire.plan = [
      [
        /keysets$/,
        ({ keysets, ...body }) => ({
          ...body,
          keysets: (keysets as { id: string }[]).map((one) => ({
            ...one,
            active: true,
            ...(one.id === ending && { final_expiry: 2_000_000_000 }),
          })),
        }),
      ],
    ]
    await wallet.mints.trust(mintUrl)
    const { keysets } = await rows(`ends ${ending}`)
    const { activeKeyset } = await import('../../src/wallet/keysets.ts')
    const chosen = activeKeyset(new Map(keysets!.map((row) => [row['id'] as string, row as never])), 'sat')
    expect(chosen!.id).toBe(ids.find((id) => id !== ending))
  }
})

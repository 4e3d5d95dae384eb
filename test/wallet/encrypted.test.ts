/** What encryption is for: a wallet on an encrypted file shows nothing of itself on the disk, and lives on. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { changeKey, encryptedSqliteStore } from '../../src/store/sqlite/encrypted.ts'
import { sqliteStore } from '../../src/store/sqlite/index.ts'
import { inFolder, NEW, OLD, readable } from '../kits/encrypted-kit.ts'
import { bench, money } from '../kits/wallet-kit.ts'

let directory: string
let path: string

inFolder((made) => {
  directory = made
  path = join(made, 'store.db')
})

describe('what lies on the disk', () => {
  test('shows no secret, token, quote or key of a wallet: not the file, nor its log, nor what is left of both', async () => {
    const mint = await bench()
    const stores = {
      plain: () => sqliteStore({ path: `${directory}/plain.db` }),
      encrypted: () => encryptedSqliteStore({ path: `${directory}/encrypted.db`, key: OLD }),
    }
    for (const [name, store] of Object.entries(stores)) {
      const { wallet } = await mint.funded(100, name, { store: store() })
      const send = await wallet.send.prepare({ mintUrl: mint.mintUrl, amount: 21, memo: 'for the tea' })
      const { token } = await send.execute()
      const { snapshot, outputs } = (await wallet.operations.export(send.id, { secrets: true })) as unknown as {
        snapshot: object
        outputs: { secret: string; r: string }[]
      }
      const secrets = JSON.stringify(snapshot).match(/[0-9a-f]{64}/g)!
      const texts = [
        token,
        ...secrets,
        ...outputs.flatMap(({ secret, r }) => [secret, r]),
        'for the tea',
        'secret',
        OLD,
      ]
      expect(secrets.length).toBeGreaterThan(3)
      const shown = name === 'plain' ? ['plain.db', 'plain.db-wal'] : []
      const mine = async (): Promise<string[]> => (await readable(directory, texts)).filter((file) => file.startsWith(name)) // prettier-ignore
      // All is still in the log, and then in the file.
      expect(await mine()).toEqual(shown.slice(1))
      await wallet.close()
      expect(await mine()).toEqual(shown.slice(0, 1))
    }
  })
})

test('a wallet lives on it, is killed in the middle of a swap, and goes on after a change of the key', async () => {
  const mint = await bench()
  const store = (key: string) => encryptedSqliteStore({ path, key })
  const first = await mint.funded(64, 'alice', { store: store(OLD) })
  first.wire.plan = [[/swap$/, 'applied']]
  const applied = new Promise<void>((resolve) => (first.wire.onApplied = resolve))
  const swap = await first.wallet.swap.prepare({ mintUrl: mint.mintUrl, amounts: [32, 16, 8, 4, 2, 1] })
  void swap.execute().catch(() => {})
  await applied
  first.drop()
  await first.wallet.close()
  await changeKey({ path, from: OLD, to: NEW })
  const again = await mint.open('alice', { store: store(NEW) })
  await (await again.wallet.swap.get(swap.id)).finished()
  expect((await money(again)).spendable).toBe(await mint.outstanding())
  await again.wallet.close()
  expect(await readable(directory, ['secret', mint.mintUrl])).toEqual([])
})

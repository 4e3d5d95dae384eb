import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { memoryStore } from '../src/store/memory.ts'
import { sqliteStore } from '../src/store/sqlite.ts'
import { storeContract, type NewStore } from '../src/testing/store-contract.ts'

const stores: Record<string, NewStore> = {
  async memory() {
    return { adapter: memoryStore(), dispose: async () => {} }
  },
  async sqlite() {
    const directory = await mkdtemp(join(tmpdir(), 'store-'))
    return {
      adapter: sqliteStore({ path: join(directory, 'store.db') }),
      dispose: () => rm(directory, { recursive: true }),
    }
  },
}

describe.each(Object.entries(stores))('%s', (_, newStore) => {
  test.each(storeContract(newStore))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})

/** The store contract on a real PostgreSQL server. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { postgresStore } from '../src/store/postgres.ts'
import { storeContract, type NewStore } from '../src/testing/store-contract.ts'
import { startPostgres, type PostgresServer } from './postgres-server.ts'

let server: PostgresServer
let count = 0

beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server?.stop())

const newStore: NewStore = async () => {
  const adapter = postgresStore({ connection: server.connection, namespace: `contract${++count}` })
  return { adapter, dispose: async () => {} }
}

describe('the contract', () => {
  test.each(storeContract(newStore))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})

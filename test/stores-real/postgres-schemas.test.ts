/** Goal: every table of the programs fits PostgreSQL, column by column. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startPostgres, type PostgresServer } from '../../scripts/postgres-server.ts'
import { postgresStore } from '../../src/store/postgres/index.ts'
import { givesBack, schemas } from '../kits/schema-rows.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

test.each(Object.entries(schemas))('the tables of the %s', async (namespace, schema) => {
  const given = givesBack(() => postgresStore({ connection: server.connection, namespace }), schema)
  await expect(given).resolves.toBeUndefined()
})

/** A PostgreSQL server for each run of wallets, and in it a namespace for each wallet. */
import { Client } from 'pg'
import { postgresStore } from '../../../src/store/postgres/index.ts'
import { startPostgres } from '../../postgres-server.ts'
import type { LabStore } from './port.ts'

/** Longer than the server takes to start again on a busy machine. */
const BUSY_MS = 60_000

interface Place {
  readonly connection: string
  readonly namespace: string
}
const placeOf = (at: string): Place => JSON.parse(at) as Place

export const store: LabStore = {
  async start() {
    const server = await startPostgres()
    return {
      at: (name) => JSON.stringify({ connection: server.connection, namespace: wordOf(name) } satisfies Place),
      async crash() {
        await server.halt('kill')
        await server.start()
      },
      [Symbol.asyncDispose]: () => server.stop(),
    }
  },
  adapter: (at) => postgresStore({ ...placeOf(at), busyTimeoutMs: BUSY_MS }),
  async exists(at) {
    const { connection, namespace } = placeOf(at)
    const sql = 'SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1'
    return (await run(connection, sql, [namespace])) > 0
  },
  async remove(at) {
    const { connection, namespace } = placeOf(at)
    await run(connection, `DROP SCHEMA IF EXISTS "${namespace}" CASCADE`)
  },
}

/** Names of wallets have spaces, which those of namespaces lack. */
const wordOf = (name: string): string => `wallet_${name.replaceAll(/\W/g, '_')}`

/** Runs a statement, again where the server goes down meanwhile; gives the number of its rows. */
async function run(connection: string, sql: string, values: readonly string[] = []): Promise<number> {
  for (const deadlineMs = Date.now() + BUSY_MS; ; await new Promise((resolve) => setTimeout(resolve, 100))) {
    const client = new Client(connection)
    client.on('error', () => {})
    try {
      await client.connect()
      return (await client.query(sql, [...values])).rows.length
    } catch (error) {
      if (Date.now() > deadlineMs) throw error
    } finally {
      await client.end().catch(() => {})
    }
  }
}

/**
 * Goal: a store works behind PgBouncer, which gives each transaction another session of the server. Method: the real
 * program in front of a real server, with one session for all; skipped, with a message, where it is not installed.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openOperations } from '../../src/kernel/index.ts'
import { storeContract } from '../../src/testing/contracts/store-contract.ts'
import { postgresStore } from '../../src/store/postgres/index.ts'
import { freePort } from '../../scripts/free-port.ts'
import { order, tables as shopTables } from '../kits/owners-kit.ts'
import { bench, code, everything, put, step, until } from './postgres-kit.ts'

const BOUNCER = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer', '/usr/local/bin/pgbouncer', '/opt/homebrew/bin/pgbouncer']
const program = BOUNCER.find((path) => existsSync(path))
if (program === undefined) console.log('skipped: PgBouncer is not installed (apt-get install pgbouncer)')

const pg = bench()
let folder: string
let child: ChildProcess | undefined
let connection: string

/** Starts it before the server, in transaction mode unless said otherwise. */
async function bounce(settings: Readonly<Record<string, string>> = {}): Promise<void> {
  const port = await freePort()
  const users = join(folder, 'users.txt')
  const config = join(folder, `${port}.ini`)
  const all = {
    listen_addr: '127.0.0.1',
    listen_port: `${port}`,
    unix_socket_dir: '',
    auth_type: 'trust',
    auth_file: users,
    pool_mode: 'transaction',
    // One transaction of anybody after the other.
    default_pool_size: '3',
    server_round_robin: '1',
    ...settings,
  }
  writeFileSync(users, '"postgres" ""\n', { mode: 0o644 })
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`)
  const server = `postgres = host=127.0.0.1 port=${pg.server.port} dbname=postgres user=postgres`
  writeFileSync(config, ['[databases]', server, '[pgbouncer]', ...lines, ''].join('\n'), { mode: 0o644 })
  // It does not run as root.
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  child = spawn(program ?? '', [...user, '-q', config], { cwd: folder, stdio: 'ignore' })
  connection = `postgres://postgres@127.0.0.1:${port}/postgres`
  await until(() => answers(port))
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => (socket.destroy(), resolve(true)))
    socket.on('error', () => resolve(false))
  })

describe.skipIf(program === undefined)('behind PgBouncer', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pgbouncer-'))
    chmodSync(folder, 0o755)
    await bounce()
  })
  afterAll(() => {
    child?.kill('SIGKILL')
    rmSync(folder, { recursive: true })
  })

  let rounds = 0
  const contract = storeContract(async () => {
    const namespace = `contract${++rounds}`
    return {
      adapter: postgresStore({ connection, namespace }),
      dispose: async () => void (await pg.server.run(`DROP SCHEMA IF EXISTS ${namespace} CASCADE`)),
    }
  })
  test.each(contract)('the contract: $name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })

  test('many commits and reads at once, by several handles, lose nothing', async () => {
    const stores = await Promise.all([pg.open({ connection }), pg.open({ connection }), pg.open()])
    const work = stores.flatMap((store, by) =>
      Array.from({ length: 60 }, async (_, seq) => {
        await store.commit([step(`${by}`, seq), put(`c${seq % 7}-${by}`, seq)])
        await store.get('counters', [`c${seq % 7}-${by}`])
      }),
    )
    await Promise.all(work)
    const [first, second, direct] = await Promise.all(stores.map((store) => everything(store)))
    expect(first).toEqual(direct)
    expect(second).toEqual(direct)
    expect(direct?.[0]).toHaveLength(21)
    expect(direct?.[1]).toHaveLength(180)
  })

  test('what others commit is heard of soon, though no session of one’s own hears for one', async () => {
    const store = await pg.open({ connection })
    const other = await pg.open({ connection })
    let heard = 0
    store.watch('counters', () => heard++)
    await until(() => heard > 0)
    for (let round = 0; round < 3; round++) {
      const before = heard
      const startedMs = performance.now()
      await other.commit([put('a', round)])
      await until(() => heard > before)
      expect(performance.now() - startedMs).toBeLessThan(1_500)
    }
    const listening = await pg.server.run("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
    expect(listening).toEqual([])
  })

  test('limits of time hold, and none is left behind in a session for others', async () => {
    const store = await pg.open({ connection, busyTimeoutMs: 700 })
    await store.commit([put('a', 1)])
    await pg.server.run(`CREATE FUNCTION ${pg.namespace}.slow() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN PERFORM pg_sleep(2); RETURN new; END $$; CREATE TRIGGER slow BEFORE UPDATE ON ${pg.namespace}.counters
      FOR EACH ROW EXECUTE FUNCTION ${pg.namespace}.slow()`)
    const other = await pg.open({ connection, busyTimeoutMs: 10_000 })
    const holding = other.commit([put('a', 2)])
    await setTimeout(200)
    const startedMs = performance.now()
    await expect(store.commit([put('a', 3)])).rejects.toEqual(code('BUSY'))
    expect(performance.now() - startedMs).toBeLessThan(2_000)
    await holding
    expect(await store.get('counters', ['a'])).toMatchObject({ n: 2 })
    const { Client } = await import('pg')
    const client = new Client(connection)
    await client.connect()
    for (let session = 0; session < 6; session++) {
      const { rows } = await client.query<{ lock_timeout: string }>('SHOW lock_timeout')
      expect(rows).toEqual([{ lock_timeout: '0' }])
    }
    await client.end()
  })

  test('two processes share operations', async () => {
    const charged: string[] = []
    const open = async (name: string) => {
      const store = await pg.open({ connection }, { version: 1, tables: shopTables })
      const charge = async (id: string): Promise<void> => void charged.push(`${name} ${id}`)
      const operations = openOperations({ store, tables: shopTables, kinds: [order], ports: { charge } })
      await operations.resumed
      return operations
    }
    const [first, second] = [await open('first'), await open('second')]
    const ids = await Promise.all(Array.from({ length: 10 }, async () => (await first.of(order).create({})).id))
    await Promise.all(ids.map((id) => second.of(order).send(id, { type: 'pay' })))
    await Promise.all(ids.map((id) => first.until(id, ({ state }) => state === 'paid' || undefined)))
    expect(charged.toSorted()).toEqual(ids.map((id) => `second ${id}`).toSorted())
    for (const operations of [first, second]) {
      operations.close()
      await operations.closed
    }
  })

  test('a setting of one’s own that it does not know is refused by name', async () => {
    const url = new URL(connection)
    const own = {
      host: url.hostname,
      port: Number(url.port),
      user: 'postgres',
      database: 'postgres',
      lock_timeout: 100,
    }
    await expect(pg.open({ connection: own, busyTimeoutMs: 300 })).rejects.toThrow(
      /unsupported startup parameter: lock_timeout/,
    )
  })
})

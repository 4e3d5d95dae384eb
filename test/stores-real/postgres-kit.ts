/** What the tests of PostgreSQL stand on: a server, a wire to it that can be cut, stores that are closed in the end. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest'
import { StoreError, type Row, type Schema, type Store, type Write } from '../../src/store/port.ts'
import { postgresStore, type PostgresStoreOptions } from '../../src/store/postgres/index.ts'
import { startPostgres, type PostgresServer } from '../../scripts/postgres-server.ts'
import { tcpProxy, type TcpProxy } from './tcp-proxy.ts'

export interface Counter extends Row {
  readonly id: string
  readonly n: number
}

export const schema: Schema = {
  version: 1,
  tables: {
    counters: { columns: { id: 'text', n: 'integer', more: 'json?' }, key: ['id'], total: { of: 'n', by: ['id'] } },
    steps: { columns: { by: 'text', seq: 'integer', bulk: 'text' }, key: ['by', 'seq'] },
  },
}

export const put = (id: string, n: number, more: Row = {}): Write => ({
  put: 'counters',
  row: { id, n, more: null, ...more },
})
export const step = (by: string, seq: number, bulk = ''): Write => ({
  put: 'steps',
  row: { by, seq, bulk },
  if: 'absent',
})
export const code = (code: string): unknown => expect.objectContaining({ name: 'StoreError', code })
export const everything = (store: Store): Promise<unknown[]> =>
  Promise.all([store.query({ table: 'counters' }), store.query({ table: 'steps' }), store.sum('counters')])

export interface Bench {
  readonly server: PostgresServer
  readonly proxy: TcpProxy
  /** The namespace of this test. */
  readonly namespace: string
  /** The server's connection string, through the proxy. */
  readonly throughProxy: string
  open(options?: Partial<PostgresStoreOptions>, as?: Schema): Promise<Store>
  /** Another process, running a script in which `open`, `schema` and `say` stand ready. */
  script(body: string, connection?: string): Child
  /** Ends all sessions but the one that asks. */
  endSessions(): Promise<void>
}

export type Child = ChildProcess & { readonly lines: string[] }

/** Sets the hooks of a test file; each test has a namespace of its own. */
export function bench(): Bench {
  let server: PostgresServer
  let proxy: TcpProxy
  let namespace: string
  let rounds = 0
  const stores = new Set<Store>()
  const children = new Set<ChildProcess>()

  beforeAll(async () => {
    server = await startPostgres()
    proxy = await tcpProxy(server.port)
  })
  afterAll(async () => {
    await proxy?.close()
    await server?.stop()
  })
  beforeEach(() => {
    namespace = `test${++rounds}`
  })
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL')
    children.clear()
    proxy.rules = {}
    await Promise.all([...stores].map((store) => store.close()))
    stores.clear()
  })

  return {
    get server() {
      return server
    },
    get proxy() {
      return proxy
    },
    get namespace() {
      return namespace
    },
    get throughProxy() {
      return server.connection.replace(`:${server.port}/`, `:${proxy.port}/`)
    },
    async open(options = {}, as = schema) {
      const store = await postgresStore({ connection: server.connection, namespace, ...options }).open(as)
      stores.add(store)
      return store
    },
    script(body, connection = server.connection) {
      const options = { connection, namespace, busyTimeoutMs: 40_000 }
      const source = `
        import { postgresStore } from ${JSON.stringify(new URL('../../src/store/postgres/index.ts', import.meta.url).href)}
        const schema = ${JSON.stringify(schema)}
        const open = (as = schema) => postgresStore(${JSON.stringify(options)}).open(as)
        const say = (line) => process.stdout.write(line + '\\n')
        ${body}`
      const args = ['--input-type=module', '-e', source]
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      children.add(child)
      const lines: string[] = []
      let rest = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        const all = (rest + text).split('\n')
        rest = all.pop()!
        lines.push(...all)
      })
      return Object.assign(child, { lines })
    },
    async endSessions() {
      const others = 'datname = current_database() AND pid <> pg_backend_pid()'
      await server.run(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${others}`)
    },
  }
}

/** `landed`, or the code by which it did not, or may not have. */
export const outcomeOf = (commit: Promise<void>): Promise<string> =>
  commit.then(
    () => 'landed',
    (error: unknown) => (error instanceof StoreError ? error.code : String(error)),
  )

export async function exitCode(child: ChildProcess): Promise<number | null> {
  const [exit] = (await once(child, 'close')) as [number | null]
  return exit
}

export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await setTimeout(10)
}

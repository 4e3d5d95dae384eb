/** A PostgreSQL server of its own: in a temporary folder, on a free port, ended with the test that started it. */
import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, globSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { freePort } from './free-port.ts'

/** A busy machine takes its time. */
const READY_MS = 120_000
/** A server that is there answers at once, if only that it is not ready. */
const ANSWER_MS = 5_000
/** What a server says, and ends, where a child of the one that was killed before it is not gone yet. */
const STILL_IN_USE = 'pre-existing shared memory block'

export interface PostgresServer {
  readonly port: number
  readonly connection: string
  /** Runs statements as the superuser; gives the last one's rows. */
  run(sql: string): Promise<Record<string, unknown>[]>
  /** Ends the server: `fast` breaks all connections and shuts down in order, `kill` is a power cut for its processes. */
  halt(how: 'fast' | 'kill'): Promise<void>
  /** Starts it again, after `halt`. */
  start(): Promise<void>
  stop(): Promise<void>
}

export interface ServerOptions {
  /** Lines of its configuration, beyond the tests' own. */
  readonly settings?: Readonly<Record<string, string>>
}

/** Starts a server. Its default order of texts is a dictionary's, so that whoever relies on it is found out. */
export async function startPostgres({ settings = {} }: ServerOptions = {}): Promise<PostgresServer> {
  const bin = binaries()
  const user = unprivileged()
  const directory = await mkdtemp(join(tmpdir(), 'postgres-'))
  if (user) chownSync(directory, user.uid, user.gid)
  const data = join(directory, 'data')
  const order = ['--encoding=UTF8', '--locale=C.UTF-8', '--locale-provider=icu', '--icu-locale=en-US']
  const init = ['-D', data, '-U', 'postgres', '--auth=trust', '--no-sync', ...order]
  await promisify(execFile)(join(bin, 'initdb'), init, { ...user, cwd: directory })
  const port = await freePort()
  const connection = `postgres://postgres@127.0.0.1:${port}/postgres`
  const all = { listen_addresses: '127.0.0.1', unix_socket_directories: directory, fsync: 'off', ...settings }
  const args = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  let server: ChildProcess | undefined

  const killAll = (): void => {
    if (server?.exitCode !== null || server.signalCode !== null) return
    // Its children end by themselves once they notice; killed with it, they never touch the folder again. It is held
    // first, so that it has no more of them.
    kill(server.pid!, 'SIGSTOP')
    for (const pid of [...childrenOf(server.pid!), server.pid!]) kill(pid)
  }
  process.on('exit', killAll)

  const run = async (sql: string): Promise<Record<string, unknown>[]> => {
    const client = new Client({
      connectionString: connection,
      connectionTimeoutMillis: ANSWER_MS,
      query_timeout: READY_MS,
    })
    client.on('error', () => {})
    await client.connect()
    try {
      const results = await client.query<Record<string, unknown>>(sql)
      return (Array.isArray(results) ? (results as (typeof results)[]).at(-1)! : results).rows
    } finally {
      await client.end()
    }
  }

  const start = async (): Promise<void> => {
    let log = ''
    const begin = (): ChildProcess => {
      const child = spawn(join(bin, 'postgres'), ['-D', data, '-p', `${port}`, ...args], {
        ...user,
        cwd: directory,
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      child.stderr.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-10_000)))
      return child
    }
    server = begin()
    for (const deadlineMs = Date.now() + READY_MS; ; await setTimeout(50)) {
      // All that it said has been heard.
      if (server.exitCode !== null && server.stderr!.closed) {
        if (!log.includes(STILL_IN_USE)) throw new Error(`PostgreSQL did not start:\n${log}`)
        log = ''
        server = begin()
      }
      const isReady = await run('SELECT 1').then(
        () => true,
        () => false,
      )
      if (isReady) return
      if (Date.now() > deadlineMs) throw new Error(`PostgreSQL was not ready in time:\n${log}`)
    }
  }

  const halt = async (how: 'fast' | 'kill'): Promise<void> => {
    if (!server || server.exitCode !== null || server.signalCode !== null) return
    const ended = once(server, 'exit')
    if (how === 'fast') server.kill('SIGINT')
    else killAll()
    await ended
  }

  await start()
  return {
    port,
    connection,
    run,
    halt,
    start,
    async stop() {
      await halt('kill')
      process.off('exit', killAll)
      await rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
    },
  }
}

/** Where the server's programs are. */
function binaries(): string {
  const places = globSync('/usr/lib/postgresql/*/bin').toSorted((a, b) => versionOf(b) - versionOf(a))
  const found = [...places, ...(process.env['PATH'] ?? '').split(':')].find((place) =>
    existsSync(join(place, 'initdb')),
  )
  if (found === undefined)
    throw new Error(
      'These tests need a PostgreSQL server of version 15 or later: install Debian’s package `postgresql`.',
    )
  return found
}

const versionOf = (path: string): number => Number(/\d+/.exec(path)?.[0])

/** The server refuses to run as root; then it runs as the user that its package made. */
function unprivileged(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const id = (which: string): number => Number(execFileSync('id', [which, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

function kill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended by itself.
  }
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
  } catch {
    return []
  }
}

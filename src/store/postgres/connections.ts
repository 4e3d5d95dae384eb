/** Connections to PostgreSQL, one transaction on each at a time. */
import { Client, Pool, type PoolConfig } from 'pg'
import { StoreError, type StoreErrorCode } from '../port.ts'
import { coded, type Phase } from './errors.ts'
import { sure } from '../../sure.ts'

/** How the server is reached, and how long it is waited for. */
export interface ConnectionOptions {
  /** A connection string, or options of `pg`: host, user, password, TLS, the size of the pool. */
  readonly connection: string | PoolConfig
  /** How long to wait for locks, a lost server or a free connection before rejecting. 5,000 ms unless given. */
  readonly busyTimeoutMs?: number | undefined
  /** How long one statement may take, including those of migrations. 30,000 ms unless given. */
  readonly statementTimeoutMs?: number | undefined
}

/** A row as PostgreSQL returns it: every value is text. */
export type Found = Readonly<Record<string, string | null>>

/** A parameter of a statement. An array becomes an array. */
export type Value = string | number | null | readonly (string | number | null)[]

/** Without values, the text may hold several statements; the result is that of the last one. */
export interface Statement {
  readonly sql: string
  readonly values?: readonly Value[]
}

export interface Answer {
  readonly rows: readonly Found[]
  readonly count: number
  readonly command: string
}

/** Failures that the connection itself may cause. */
const SUSPECT: readonly StoreErrorCode[] = ['BUSY', 'IN_DOUBT', 'UNAVAILABLE']

/** After this time beyond the server's own time limit, the connection counts as dead. */
const NETWORK_MS = 2_000

/**
 * Nothing here is a parameter of the session: a pooler such as PgBouncer refuses those that it does not know, and hands each
 * transaction another session. What the server shall keep to is said within each transaction, see `beginning`.
 */
function configOf({ connection, busyTimeoutMs = 5_000, statementTimeoutMs = 30_000 }: ConnectionOptions): PoolConfig {
  return {
    keepAlive: true,
    allowExitOnIdle: true,
    connectionTimeoutMillis: Number.isFinite(busyTimeoutMs) ? busyTimeoutMs : 0,
    query_timeout: statementTimeoutMs + NETWORK_MS,
    ...(typeof connection === 'string' ? { connectionString: connection } : connection),
    // Columns know their types.
    types: { getTypeParser: () => (text: string) => text },
    // The statements of one step travel together.
    pipeline: true,
  } as PoolConfig
}

/** Releases the locks of a process that froze in a transaction. A transaction waits for nothing but its statements. */
const FROZEN_MS = 5_000

/** A duration as the server takes it, to whom 0 is none. */
const limit = (ms: number): number => (Number.isFinite(ms) ? Math.min(Math.max(1, Math.ceil(ms)), 2 ** 31 - 1) : 0)

/** Begins a transaction that waits for no lock and no statement for longer than the options say. */
export function beginning(
  { busyTimeoutMs = 5_000, statementTimeoutMs = 30_000 }: ConnectionOptions,
  { isolation = 'READ COMMITTED', thinks = false } = {},
): string {
  const limits = {
    lock_timeout: busyTimeoutMs,
    statement_timeout: statementTimeoutMs,
    // A migration may think for longer.
    ...(!thinks && { idle_in_transaction_session_timeout: Math.min(FROZEN_MS, statementTimeoutMs) }),
  }
  const set = Object.entries(limits).map(([name, ms]) => `SET LOCAL ${name} = ${limit(ms)}; `)
  return `BEGIN ISOLATION LEVEL ${isolation}; ${set.join('')}`
}

/** Connections of which it is known that nothing they are handed is sent any more. */
const broken = new WeakSet<Client>()

export class Connections {
  readonly #pool: Pool
  readonly #begin: string

  constructor(options: ConnectionOptions) {
    this.#pool = new Pool(configOf(options))
    this.#begin = beginning(options)
    // An idle connection that breaks is replaced; who uses one is told by his statement, and all that a connection says
    // besides is heard from its first moment on: nobody's listening would end the process.
    this.#pool.on('error', () => {})
    this.#pool.on('connect', (client) => client.on('error', () => void broken.add(client)))
  }

  /** One statement in its own transaction, in one round trip. @throws {StoreError} */
  read(sql: string, values: readonly Value[]): Promise<Answer> {
    return this.#use(async (client) => {
      // END is COMMIT; so written, whoever watches the wire can tell what changes rows of ours.
      const answers = await together(client, [{ sql: this.#begin }, { sql, values }, { sql: 'END' }], 'reading')
      return sure(answers[1], 'answer')
    })
  }

  /** Runs a transaction on a connection of its own. If `work` does not commit, the transaction is rolled back. */
  transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.#use(async (client) => {
      const transaction = new Transaction(client)
      try {
        return await work(transaction)
      } finally {
        await transaction.end()
      }
    })
  }

  async #use<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw coded(error, 'connecting')
    })
    let failure: unknown
    try {
      return await work(client)
    } catch (error) {
      failure = error
      throw error
    } finally {
      // A connection that may be at fault, or may still be in a transaction, is not reused.
      const isSuspect = failure instanceof StoreError && SUSPECT.includes(failure.code)
      client.release(isSuspect || client.getTransactionStatus() !== 'I')
    }
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }
}

/** A connection of its own, outside the pool; its transactions may think for longer. @throws {StoreError} */
export async function connect(options: ConnectionOptions): Promise<Client> {
  const client = new Client(configOf(options))
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (error) {
    throw coded(error, 'connecting')
  }
  return client
}

export class Transaction {
  readonly #client: Client
  #isOpen = true

  constructor(client: Client) {
    this.#client = client
  }

  /** Runs statements, which travel together. @throws {StoreError} as the first of them that fails says. */
  run(...statements: readonly Statement[]): Promise<Answer[]> {
    return together(this.#client, statements, 'working')
  }

  /** @throws {StoreError} `IN_DOUBT` where it may have landed. */
  async commit(): Promise<void> {
    if (broken.has(this.#client)) throw new StoreError('BUSY', 'the connection broke before the transaction was over')
    const { command } = await ask(this.#client, 'COMMIT', undefined, 'committing')
    this.#isOpen = false
    // A COMMIT of a failed transaction is answered with ROLLBACK.
    if (command !== 'COMMIT') throw new StoreError('BUSY', 'the transaction was rolled back')
  }

  /** Rolls back an open transaction. If that fails, the caller discards the connection. */
  async end(): Promise<void> {
    if (this.#isOpen) await ask(this.#client, 'ROLLBACK').catch(() => {})
  }
}

/** Runs statements, which travel together. @throws {StoreError} as the first of them that fails says. */
async function together(
  client: Client,
  statements: readonly Statement[],
  phase: 'reading' | 'working',
): Promise<Answer[]> {
  const results = await Promise.allSettled(statements.map(({ sql, values }) => ask(client, sql, values, phase)))
  return results.map((result) => {
    // Those after the first one fail for its sake.
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}

/** @throws {StoreError} */
export async function ask(
  client: Client,
  sql: string,
  values?: readonly Value[],
  phase: Exclude<Phase, 'connecting'> = 'working',
): Promise<Answer> {
  try {
    const results = await client.query<Found>(sql, values as Value[] | undefined)
    const { rows, rowCount, command } = Array.isArray(results) ? (results as (typeof results)[]).at(-1)! : results
    return { rows, count: rowCount ?? 0, command }
  } catch (error) {
    throw coded(error, phase)
  }
}

/**
 * Learns of the commits of other processes. Every handle keeps rows that count its changes of each table. All handles
 * poll these rows, and only they are reliable. A NOTIFY, if the database has it, makes it faster.
 */
import { ask, connect, type ConnectionOptions, type Connections, type Statement } from './connections.ts'
import { ownTables } from './tables.ts'
import { watchers } from '../kit/watchers.ts'
import { sure } from '../../sure.ts'

const POLL_MS = 200
/** The pause between polls when NOTIFY works. */
const POLL_LISTENING_MS = 2_000
const RECONNECT_MS = 5_000

/** The last change of a table by another handle. */
interface Mark {
  readonly name: string
  readonly seq: string
}

export class Changes {
  readonly #watchers = watchers(() => this.#begin())
  readonly #handle = crypto.randomUUID()
  readonly #table: string
  readonly #options: ConnectionOptions
  readonly #connections: Connections
  readonly #channel: string
  readonly #hasNotify: boolean
  readonly #unannounced = new Set<string>()
  #isTelling = false
  #count = 0

  constructor(options: ConnectionOptions, connections: Connections, namespace: string, hasNotify: boolean) {
    this.#options = options
    this.#connections = connections
    this.#table = ownTables(namespace).changes
    this.#channel = `hardshell:${namespace}`
    this.#hasNotify = hasNotify
  }

  /** Records, within a transaction, the tables that it changes. */
  mark(tables: readonly string[]): Statement {
    this.#count++
    const sql = `INSERT INTO ${this.#table} (handle, name, seq) SELECT $1, t.name, $2 FROM unnest($3::text[]) AS t (name)
      ON CONFLICT (handle, name) DO UPDATE SET seq = excluded.seq, at = CURRENT_TIMESTAMP`
    return { sql, values: [this.#handle, this.#count, tables] }
  }

  /** Notifies the watchers of tables that this handle has changed, in this process and in others. */
  touched(tables: Iterable<string>): void {
    this.#watchers.touched(tables)
    if (!this.#hasNotify) return
    for (const table of tables) this.#unannounced.add(table)
    if (!this.#isTelling) void this.#tell()
  }

  /**
   * Notifies others after the commit, outside its transaction: transactions with NOTIFY wait for each other until they
   * are on disk.
   */
  async #tell(): Promise<void> {
    this.#isTelling = true
    while (this.#unannounced.size > 0) {
      const payload = [this.#handle, ...this.#unannounced].join(' ')
      this.#unannounced.clear()
      const sql = `SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)`
      await this.#connections.read(sql, [this.#channel, payload]).catch(() => {})
    }
    this.#isTelling = false
  }

  watch(table: string, changed: () => void): () => void {
    return this.#watchers.add(table, changed)
  }

  end(): void {
    this.#watchers.clear()
  }

  #begin(): () => void {
    const stop = new AbortController()
    this.#poll(stop.signal, this.#hasNotify ? this.#listen(stop.signal) : () => false)
    return () => stop.abort()
  }

  #poll(signal: AbortSignal, isHeard: () => boolean): void {
    const sql = `SELECT handle, name, seq FROM ${this.#table} WHERE handle <> $1`
    let seen: ReadonlyMap<string, Mark> | undefined
    const poll = async (): Promise<void> => {
      const { rows } = await this.#connections.read(sql, [this.#handle])
      if (signal.aborted) return
      const found: ReadonlyMap<string, Mark> = new Map(
        rows.map(({ handle, name, seq }) => [
          `${name} ${handle}`,
          { name: sure(name, 'name'), seq: sure(seq, 'number') },
        ]),
      )
      // Changes between the call of `watch` and the first poll are unknown.
      if (seen === undefined) this.#watchers.touched()
      else
        this.#watchers.touched(
          [...found].flatMap(([key, { name, seq }]) => (seen?.get(key)?.seq === seq ? [] : [name])),
        )
      seen = found
    }
    const schedule = (): void => {
      if (signal.aborted) return
      const timer = setTimeout(() => void poll().then(schedule, schedule), isHeard() ? POLL_LISTENING_MS : POLL_MS)
      timer.unref()
    }
    // These are rows of handles that ended long ago. A living handle writes its rows again.
    const sweep = `DELETE FROM ${this.#table} WHERE at < CURRENT_TIMESTAMP - INTERVAL '1 day'`
    void this.#connections.read(sweep, []).then(poll).then(schedule, schedule)
  }

  /**
   * Listens for commits on a connection of its own, which is replaced when it breaks. Reports whether it is listening.
   */
  #listen(signal: AbortSignal): () => boolean {
    let hears = false
    const run = async (): Promise<void> => {
      const client = await connect(this.#options)
      const gone = new Promise<void>((resolve) => client.once('end', resolve))
      const end = (): void => void client.end().catch(() => {})
      try {
        client.on('notification', ({ payload = '' }) => {
          const [handle, ...tables] = payload.split(' ')
          if (handle !== this.#handle) this.#watchers.touched(tables)
        })
        await ask(client, `LISTEN "${this.#channel}"`)
        unref(client)
        hears = true
        signal.addEventListener('abort', end)
        if (signal.aborted) end()
        await gone
      } finally {
        hears = false
        signal.removeEventListener('abort', end)
        end()
      }
    }
    const schedule = (): void => {
      if (!signal.aborted) setTimeout(start, RECONNECT_MS).unref()
    }
    const start = (): void => {
      if (!signal.aborted) void run().then(schedule, schedule)
    }
    start()
    return () => hears
  }
}

/** Lets the process end while it listens. `pg` has this method, but its types do not. */

function unref(client: object): void {
  ;(client as { unref(): void }).unref()
}

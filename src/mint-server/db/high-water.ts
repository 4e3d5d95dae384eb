/**
 * Records how far a seed has signed. On an empty or older database, a seed would sign for spent ecash again. So a mark of
 * how far the database was is kept with the seed, outside the database.
 *
 * The database counts its own marks, at most one a second and only while something changes. A mark is committed to the
 * database first and kept beside the seed afterwards: the mark beside the seed may lag behind by a second, and is never
 * ahead. Every commit before a mark is in each database that has this mark.
 */
import { hex, type Clock, type Random } from '../../kernel/util/ports.ts'
import { reportLasting } from '../../kernel/util/report.ts'
import type { HighWaterRow, Store, Write } from './tables.ts'
import { transact } from './transact.ts'

/** How far a database was. */
export interface Mark {
  /** Names the database that the seed signs for; null where the seed has never signed. */
  readonly database: string | null
  /** Counts the database's marks. */
  readonly tick: number
  /** Differs in two copies of a database that both went on. */
  readonly nonce: string
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number
}

/** Where the mark is kept, outside of the database. `markFile` is one. */
export interface HighWaterMark {
  /**
   * The mark that was kept last. Undefined where the seed has never signed; `unknown` where nobody knows whether it has: an
   * empty database is not taken for a new one's then.
   *
   * @throws {Error} where it cannot be read or written
   */
  read(): Promise<Mark | 'unknown' | undefined>
  /**
   * Keeps a mark, durable when it resolves. It need not be atomic with anything.
   *
   * @throws {Error} where it cannot be read or written
   */
  write(mark: Mark): Promise<void>
}

/** The database is not the one that the seed has signed for, or it is older than that was. */
export class WrongDatabase extends Error {
  /** The name of the class, which tells it apart in logs. */
  override readonly name = 'WrongDatabase'
}

/** The tables whose changes a later database must have. */
const TABLES = ['proofs', 'signatures', 'mintQuotes', 'meltQuotes'] as const
const KEY = ['database'] as const
const PAUSE_MS = 1000

const rowOf = (store: Store): Promise<HighWaterRow | undefined> => store.get('highWater', KEY)

/** Whether no mint ever used the database. */
const isEmpty = async (store: Store): Promise<boolean> =>
  (await store.query({ table: 'keysets', limit: 1 })).length === 0

type Kept = Mark | 'unknown' | undefined

/** Why the mint must not sign on a database; undefined where it is the seed's. */
export function objection(mark: Kept, row: Mark | undefined, empty: boolean): string | undefined {
  if (mark === 'unknown')
    return empty ? 'the database is empty, and nothing says that the seed has never signed' : undefined
  if (!mark || mark.database === null) return undefined
  const until = new Date(mark.atMs).toISOString()
  if (empty) return `the seed has signed for another database, until ${until}, and this one is empty`
  if (row?.database !== mark.database) return `the seed has signed for another database, until ${until}`
  if (row.tick < mark.tick) return `the database is older than the seed's signatures: ${new Date(row.atMs).toISOString()}, and it has signed until ${until}` // prettier-ignore
  if (row.tick === mark.tick && row.nonce !== mark.nonce) return 'the seed has signed for another copy of this database'
  return undefined
}

export interface HighWaterOptions {
  readonly store: Store
  readonly mark: HighWaterMark
  /** Whether a database that is empty, older or another one is to be signed for from now on. */
  readonly acceptEmptyDatabase: boolean
  readonly clock: Clock
  readonly random: Random
}

export class HighWater {
  readonly #of: HighWaterOptions
  /** Set once another mint is found to sign with this seed. */
  #twin: WrongDatabase | undefined
  /** Whether it was, before the mint made its first keysets. */
  #wasEmpty = false
  #timer: unknown
  #isDue = false
  #isFailing = false
  #marking = Promise.resolve()
  #stops: (() => void)[] = []

  constructor(of: HighWaterOptions) {
    this.#of = of
  }

  /** Checks the database before the mint writes, and writes nothing. @throws {WrongDatabase} */
  async check(): Promise<void> {
    const { store, mark, acceptEmptyDatabase } = this.#of
    this.#wasEmpty = await isEmpty(store)
    const reason = objection(await mark.read(), await rowOf(store), this.#wasEmpty)
    if (reason !== undefined && !acceptEmptyDatabase) throw new WrongDatabase(reason)
  }

  /** Takes the database for the seed's from now on, and keeps marks of it until `stop`. @throws {WrongDatabase} */
  async start(): Promise<void> {
    const { store, mark, acceptEmptyDatabase } = this.#of
    const kept = await mark.read()
    const before = kept === 'unknown' ? undefined : kept
    await mark.write(
      await this.#commit((row) => {
        const reason = objection(kept, row, this.#wasEmpty)
        if (reason !== undefined && !acceptEmptyDatabase) throw new WrongDatabase(reason)
        // A new name reveals the former database, if it comes back.
        const isNew = !row || (reason !== undefined && row.database === before?.database)
        return { database: isNew ? this.#draw() : row.database, tick: Math.max(row?.tick ?? 0, before?.tick ?? 0) }
      }),
    )
    this.#stops = TABLES.map((table) => store.watch(table, () => this.#touch()))
  }

  /** @throws {WrongDatabase} Another mint signs with this seed, for another database. */
  assertAlone(): void {
    if (this.#twin) throw this.#twin
  }

  /** Keeps a last mark where something changed since the one before. */
  async stop(): Promise<void> {
    for (const stop of this.#stops) stop()
    this.#of.clock.clearTimeout(this.#timer)
    const isDue = this.#isDue
    this.#isDue = false
    await this.#marking
    if (isDue) await this.#mark()
  }

  #draw(): string {
    return hex(this.#of.random(16))
  }

  /** Something changed: it is marked within a second. */
  #touch(): void {
    if (this.#isDue) return
    this.#isDue = true
    this.#timer = this.#of.clock.setTimeout(() => {
      this.#isDue = false
      this.#marking = this.#marking.then(() => this.#mark())
    }, PAUSE_MS)
  }

  async #mark(): Promise<void> {
    const { store, mark } = this.#of
    try {
      const next = await this.#commit((row) => {
        if (!row) throw new WrongDatabase('the database has lost its mark')
        return row
      })
      const read = await mark.read()
      const kept = read === 'unknown' ? undefined : read
      // Another process on this database may have been faster; what it kept is in the database by now.
      const reason = objection(kept, kept && kept.tick > next.tick ? await rowOf(store) : next, false)
      if (reason !== undefined) throw new WrongDatabase(`another mint has this seed: ${reason}`)
      if (!kept || kept.database === null || kept.tick < next.tick) await mark.write(next)
      this.#isFailing = false
    } catch (error) {
      if (error instanceof WrongDatabase) this.#twin ??= error
      // A failed write is repeated with the next mark. Until then the mark lags behind.
      if (!this.#isFailing) reportLasting(error)
      this.#isFailing = true
    }
  }

  /** Commits the next mark of the database, and gives it. */
  #commit(
    next: (row: HighWaterRow | undefined) => { readonly database: string; readonly tick: number },
  ): Promise<Mark> {
    const { store, clock } = this.#of
    return transact(store, async () => {
      const row = await rowOf(store)
      const { database, tick } = next(row)
      const result = { database, tick: tick + 1, nonce: this.#draw(), atMs: clock.now() }
      const before = row ? { database: row.database, tick: row.tick, nonce: row.nonce } : ('absent' as const)
      const mark: Write = { put: 'highWater', row: { id: 'database', ...result }, if: before }
      return { writes: [mark], result }
    })
  }
}

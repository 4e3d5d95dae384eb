/**
 * Backups of a mint's database in SQLite. A backup is made while the mint runs; putting one in place forgets what was signed
 * and spent since, which is listed before anything is done.
 *
 * | crashed in | what is there | what helps |
 * |---|---|---|
 * | a backup | a draft beside its place, and no backup | made again; drafts may be deleted |
 * | a restore, before the old database is moved aside | the old database, and a draft | restored again, or not at all |
 * | between that and the new one's coming | no database: a mint refuses to start, as its mark says that there was one | restored again |
 * | before the mark is kept | the backup, which the mark does not know: a mint refuses to start | restored again |
 */
import { closeSync, copyFileSync, existsSync, linkSync, openSync, renameSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { hex, type Random } from '../../kernel/util/ports.ts'
import { sqliteOwnerLock } from '../../store/sqlite/owner.ts'
import { sqliteStore } from '../../store/sqlite/index.ts'
import { balanceSheet, type UnitBalance } from './balance-sheet.ts'
import { draftOf, syncFile, syncFolderOf } from './durable-files.ts'
import type { HighWaterMark } from './high-water.ts'
import { type HighWaterRow, type Store, mintSchema } from './tables.ts'

/** What a database says of itself. */
interface Summary {
  readonly mark: HighWaterRow | undefined
  readonly units: Readonly<Record<string, UnitBalance>>
}

export interface BackupReport {
  readonly backup: string
  /** How far the database was, to the second. */
  readonly at: string
}

const iso = (atMs: number): string => new Date(atMs).toISOString()

async function summary(store: Store): Promise<Summary> {
  const mark = await store.get('highWater', ['database'])
  return { mark, units: (await balanceSheet(store)).units }
}

/** Reads a database that no other process uses. @throws Error It is none of a mint, or it is broken. */
async function inspect(path: string): Promise<Summary> {
  const db = new DatabaseSync(path)
  const [{ quick_check: check } = {}] = db.prepare('PRAGMA quick_check(1)').all()
  db.close()
  if (check !== 'ok') throw new Error(`${path} is damaged`)
  const store = await sqliteStore({ path }).open(mintSchema)
  try {
    const [keyset] = await store.query({ table: 'keysets', limit: 1 })
    if (!keyset) throw new Error(`${path} is not the database of a mint`)
    return await summary(store)
  } finally {
    await store.close()
  }
}

/** Whatever SQLite keeps beside a database. */
const parts = (path: string): string[] => [path, `${path}-wal`, `${path}-shm`]

function remove(path: string): void {
  for (const part of parts(path)) rmSync(part, { force: true })
}

/**
 * Copies a mint's database as it is at one moment, whether or not the mint runs. What was committed before the call is in it.
 * @throws Error There is no such database, or something is in the backup's place already.
 */
export async function backUp({ path, to }: { readonly path: string; readonly to: string }): Promise<BackupReport> {
  if (existsSync(to)) throw new Error(`${to} is there already`)
  const draft = draftOf(to)
  closeSync(openSync(draft, 'wx', 0o600))
  try {
    const db = new DatabaseSync(path, { readOnly: true, timeout: 5000 })
    try {
      db.prepare('VACUUM INTO ?').run(draft)
    } finally {
      db.close()
    }
    const { mark } = await inspect(draft)
    syncFile(draft)
    linkSync(draft, to)
    syncFolderOf(to)
    return { backup: to, at: iso(mark?.atMs ?? 0) }
  } finally {
    remove(draft)
  }
}

/** What is forgotten with a backup: the units' accounts, each as much as it has grown since. */
export interface Loss {
  /** When the backup was made, and until when the seed has signed. */
  readonly since: string
  readonly until: string
  /** Undefined where the database that is lost cannot be read. */
  readonly units?: Readonly<Record<string, Partial<UnitBalance>>> | undefined
}

export interface RestoreReport {
  readonly restored: string
  readonly from: string
  /** Null where nothing is. */
  readonly lost: Loss | null
  /** Where the database is now that was in the way. */
  readonly aside: string | null
}

/** A backup would forget something, and nobody said that it may. Nothing was changed. */
export class LossRefused extends Error {
  override readonly name = 'LossRefused'
  readonly loss: Loss
  constructor(loss: Loss) {
    const sums = Object.entries(loss.units ?? {}).flatMap(([unit, grown]) =>
      Object.entries(grown).map(([account, amount]) => `${amount} ${unit} ${account}`),
    )
    const what = sums.length > 0 ? ` (${sums.join(', ')})` : ''
    super(`what the mint did from ${loss.since} until ${loss.until} would be forgotten${what}: --accept-loss does it`)
    this.loss = loss
  }
}

const ACCOUNTS = ['issued', 'redeemed', 'received', 'paidOut'] as const

function grown(now: Summary, then: Summary): Loss['units'] {
  const units = Object.entries(now.units).map(([unit, accounts]): [string, Partial<UnitBalance>] => {
    const more = ACCOUNTS.map((name) => [name, accounts[name] - (then.units[unit]?.[name] ?? 0)] as const)
    return [unit, Object.fromEntries(more.filter(([, amount]) => amount !== 0))]
  })
  return Object.fromEntries(units)
}

/** What is lost with the backup `then`, by the database in its place and by the mark. */
async function lossOf(
  then: Summary,
  now: Summary | undefined,
  kept: Awaited<ReturnType<HighWaterMark['read']>>,
): Promise<Loss | null> {
  const since = iso(then.mark?.atMs ?? 0)
  const marks = [now?.mark, typeof kept === 'object' && kept.database !== null ? kept : undefined]
  const later = marks.flatMap((mark) => {
    const isSame = mark?.database === then.mark?.database
    return mark && !(isSame && mark.tick <= then.mark!.tick) ? [mark.atMs] : []
  })
  const units = now && grown(now, then)
  const isMore = Object.values(units ?? {}).some((accounts) => Object.keys(accounts).length > 0)
  if (later.length === 0 && !isMore) return null
  return { since, until: iso(Math.max(...later, then.mark?.atMs ?? 0)), units }
}

/**
 * Puts a backup in the place of a mint's database, moves aside what is there, and sets the mark: a mint starts on the backup,
 * and on nothing older or later. To be called again where it was cut off.
 * @throws {LossRefused} Something would be forgotten. @throws Error A mint runs there, or the backup is none.
 */
export async function restore(of: {
  readonly path: string
  readonly from: string
  readonly mark: HighWaterMark
  readonly acceptLoss: boolean
  readonly random: Random
  readonly now: () => number
}): Promise<RestoreReport> {
  const { path, from, mark, acceptLoss, random, now } = of
  const lock = await sqliteOwnerLock(path)({ wait: false, signal: new AbortController().signal })
  if (!lock) throw new Error(`a mint runs on ${path}`)
  const draft = draftOf(path)
  try {
    copyFileSync(from, draft)
    const then = await inspect(draft)
    const present = existsSync(path) ? await inspect(path).catch(() => undefined) : undefined
    const kept = await mark.read()
    const lost = await lossOf(then, present, kept)
    if (lost && !acceptLoss) throw new LossRefused(lost)

    const draw = (): string => hex(random(16))
    const ticks = [then.mark, present?.mark, typeof kept === 'object' ? kept : undefined].map((one) => one?.tick ?? 0)
    const next = { database: draw(), tick: Math.max(...ticks) + 1, nonce: draw(), atMs: now() }
    const store = await sqliteStore({ path: draft }).open(mintSchema)
    await store.commit([{ put: 'highWater', row: { id: 'database', ...next } }])
    await store.close()
    syncFile(draft)

    const aside = `${path}.before-${iso(next.atMs).replace(/\W/g, '')}`
    const isThere = existsSync(path)
    // The file first: one without what is written beside it would be an older database, and is never under this name.
    for (const [at, part] of parts(path).entries()) if (existsSync(part)) renameSync(part, parts(aside)[at]!)
    syncFolderOf(path)
    renameSync(draft, path)
    syncFolderOf(path)
    await mark.write(next)
    return { restored: path, from, lost, aside: isThere ? aside : null }
  } finally {
    remove(draft)
    await lock.release()
  }
}

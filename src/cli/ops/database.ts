/**
 * A database of this package, opened as a client: it lists, explains, and hands over events, and runs nothing. It needs no
 * seed. What kind of database a file is, its tables say.
 */
import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { OperationView } from '../../kernel/define/operation.ts'
import { sqliteStore } from '../../store/sqlite/index.ts'
import { sqliteOwnerLock } from '../../store/sqlite/owner.ts'
import type { Call, Options } from '../command.ts'
import { openAs, type OpenedDatabase } from '../databases.ts'
import { describedFile, whose, type Whose } from '../described.ts'
import { Misused, Refused } from '../errors.ts'
import { HOME_OPTIONS, homeOf } from '../wallet/home.ts'

/** Which database. */
export const DATABASE_OPTIONS = {
  ...HOME_OPTIONS,
  store: {
    value: 'sqlite:PATH',
    help: "a wallet's, a mint's or bounties' database; that of the wallet's folder unless given",
  },
} as const satisfies Options

/** A call that opens a database. */
export type DatabaseCall = Call<keyof typeof DATABASE_OPTIONS>

/** An open database. */
export interface Database extends OpenedDatabase {
  readonly path: string
  /** Gives an operation up; false where it cannot be any more. */
  cancel(id: string): Promise<boolean>
}

/** The path of the database that is meant. @throws {Misused} */
export function pathOf(call: DatabaseCall): string {
  const store = call.given.text('store')
  if (store === undefined) return homeOf(call.given.text('home')).database
  const [, path] = /^sqlite:(.+)$/.exec(store) ?? []
  if (path === undefined) throw new Misused('--store: sqlite:PATH')
  return resolve(path)
}

/** Whose database a file is. @throws {Refused} `NO_DATABASE` */
export function kindOf(path: string): Whose {
  if (!existsSync(path)) throw new Refused('NO_DATABASE', `there is no file ${path}`, 'Another one is named by --home DIR or --store sqlite:PATH.') // prettier-ignore
  // To open a pipe would wait for whoever writes to it.
  if (!statSync(path).isFile()) throw new Refused('NO_DATABASE', `${path} is no file`)
  const described = describedFile(path)
  const of = described && whose(described)
  if (of) return of
  throw new Refused('NO_DATABASE', `${path} is no database of a wallet, a mint or bounties`, 'One that is encrypted cannot be opened here.') // prettier-ignore
}

/** Opens the database that is meant, and closes it behind what is done with it. */
export async function withDatabase<T>(call: DatabaseCall, act: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase(pathOf(call))
  try {
    return await act(database)
  } finally {
    await database.close()
  }
}

/** Opens a database. @throws {Refused} `NO_DATABASE`; {StoreError} */
export async function openDatabase(path: string): Promise<Database> {
  const opened = await openAs(kindOf(path), sqliteStore({ path }))
  const cancel =
    opened.inspectable.cancel ??
    (() => Promise.reject(new Refused('INVALID_STATE', "a mint's operations cannot be cancelled", 'They end by themselves.'))) // prettier-ignore
  return { ...opened, path, cancel }
}

/** Whether a process runs the operations of a database: whether somebody holds its owner's lock. */
export async function isRun(path: string): Promise<boolean> {
  if (!existsSync(`${path}-owner`)) return false
  const lock = await sqliteOwnerLock(path)({ wait: false, signal: new AbortController().signal })
  await lock?.release()
  return lock === undefined
}

/** One operation, by its id or the beginning of it. @throws {HardshellError} `NOT_FOUND`, {Misused} */
export async function operationOf({ operations }: Database, id: string): Promise<OperationView> {
  if (id.length >= 32) return operations.get(id)
  const found: OperationView[] = []
  for (let after: string | undefined; ;) {
    const page = await operations.page({ limit: 500, ...(after !== undefined && { after }) })
    found.push(...page.operations.filter((view) => view.id.startsWith(id)))
    if (found.length > 1) throw new Misused('ID: several operations begin with it')
    after = page.next
    if (after === undefined) break
  }
  return found[0] ?? operations.get(id)
}

/**
 * A database of this package, opened as a client: it lists, explains, and hands over events, and runs nothing. It needs no
 * seed. What kind of database a file is, its tables say.
 */
import { existsSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { resolve } from 'node:path'
import { openClient, type Operations } from '../../kernel/operations.ts'
import type { OperationView } from '../../kernel/define/operation.ts'
import type { Store } from '../../store/port.ts'
import { sqliteStore } from '../../store/sqlite/index.ts'
import { sqliteOwnerLock } from '../../store/sqlite/owner.ts'
import { mintSchema } from '../../mint-server/db/tables.ts'
import { mintKinds } from '../../mint-server/operations/index.ts'
import { cancelIn, walletKinds } from '../../wallet/kinds/index.ts'
import type { WalletPorts } from '../../wallet/ports.ts'
import { walletSchema } from '../../wallet/tables.ts'
import type { Call, Options } from '../command.ts'
import { Misused, Refused } from '../errors.ts'
import { HOME_OPTIONS, homeOf } from '../wallet/home.ts'

/** Which database. */
export const DATABASE_OPTIONS = {
  ...HOME_OPTIONS,
  store: { value: 'sqlite:PATH', help: "a wallet's or a mint's database; that of the wallet's folder unless given" },
} as const satisfies Options

/** A call that opens a database. */
export type DatabaseCall = Call<keyof typeof DATABASE_OPTIONS>

/** An open database. */
export interface Database {
  readonly path: string
  /** Whose it is. */
  readonly of: 'wallet' | 'mint'
  readonly operations: Operations
  readonly store: Store
  /** Gives an operation up; false where it cannot be any more. */
  cancel(id: string): Promise<boolean>
  close(): Promise<void>
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
export function kindOf(path: string): Database['of'] {
  if (!existsSync(path)) throw new Refused('NO_DATABASE', `there is no file ${path}`, 'Another one is named by --home DIR or --store sqlite:PATH.') // prettier-ignore
  // To open a pipe would wait for whoever writes to it.
  if (!statSync(path).isFile()) throw new Refused('NO_DATABASE', `${path} is no file`)
  const tables = tablesIn(path)
  if (tables.has('proofs') && tables.has('seeds') && tables.has('history')) return 'wallet'
  if (tables.has('operations') && tables.has('meltQuotes')) return 'mint'
  throw new Refused('NO_DATABASE', `${path} is no database of a wallet or a mint`, 'One that is encrypted cannot be opened here.') // prettier-ignore
}

function tablesIn(path: string): ReadonlySet<string> {
  try {
    using db = new DatabaseSync(path, { readOnly: true, timeout: 2_000 })
    const rows = db.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table'`).all()
    return new Set(rows.map(({ name }) => String(name)))
  } catch {
    return new Set()
  }
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
  const of = kindOf(path)
  const adapter = sqliteStore({ path })
  const onError = (): void => {}
  if (of === 'mint') {
    const store = await adapter.open(mintSchema)
    const operations = openClient({ store, tables: mintSchema.tables, kinds: mintKinds, onError })
    const cancel = (): Promise<never> =>
      Promise.reject(new Refused('INVALID_STATE', "a mint's operations cannot be cancelled", 'They end by themselves.'))
    return { path, of, operations, store, cancel, close: () => closed(operations, store) }
  }
  const store = await adapter.open(walletSchema)
  const operations = openClient<WalletPorts>({ store, tables: walletSchema.tables, kinds: walletKinds, onError })
  const cancel = (id: string): Promise<boolean> => cancelIn(operations, id)
  return { path, of, operations, store, cancel, close: () => closed(operations, store) }
}

async function closed(operations: Operations<never> | Operations, store: Store): Promise<void> {
  operations.close()
  await operations.closed
  await store.close()
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

/** What a database says of itself, and whose it is by that. It is read before the database is opened, and nothing is changed. */
import { DatabaseSync } from 'node:sqlite'
import type { EncryptionKey } from '../store/sqlite/encrypted.ts'
import { SCHEMA } from '../store/sqlite/tables.ts'
import { Misused } from './errors.ts'

/** The tables of a database. */
export interface Described {
  /** Which version of the tables it is. */
  readonly version: number
  /** The columns of each table. */
  readonly tables: ReadonlyMap<string, readonly string[]>
}

/** Whose operations a database has. */
export type Whose = 'wallet' | 'mint' | 'bounty'

/** Whose database it is, by its tables; undefined where it is none of this package's programs. */
export function whose({ tables }: Described): Whose | undefined {
  const has = (...names: readonly string[]): boolean => names.every((name) => tables.has(name))
  if (has('proofs', 'seeds', 'history')) return 'wallet'
  if (has('operations', 'meltQuotes')) return 'mint'
  const columns = tables.get('operations') ?? []
  return ['payer', 'worker', 'amount'].every((name) => columns.includes(name)) ? 'bounty' : undefined
}

const READ = `SELECT version, tables FROM ${SCHEMA}`

function describedBy(row: Readonly<Record<string, unknown>> | undefined): Described | undefined {
  if (row === undefined) return undefined
  const tables: unknown = JSON.parse(String(row['tables']))
  if (typeof tables !== 'object' || tables === null) return undefined
  const columns = Object.entries(tables).map(([name, table]) => [name, columnsOf(table)] as const)
  return { version: Number(row['version']), tables: new Map(columns) }
}

function columnsOf(table: unknown): readonly string[] {
  if (typeof table !== 'object' || table === null || !('columns' in table)) return []
  return typeof table.columns === 'object' && table.columns !== null ? Object.keys(table.columns) : []
}

/** Of a file of SQLite; undefined where it is none of this package, or encrypted. */
export function describedFile(path: string): Described | undefined {
  try {
    using db = new DatabaseSync(path, { readOnly: true, timeout: 2_000 })
    return describedBy(db.prepare(READ).get())
  } catch {
    return undefined
  }
}

/** Of an encrypted file. @throws {TypeError}; {StoreError} `WRONG_KEY`, `SALT_MISSING`, `BUSY` */
export async function describedEncrypted(path: string, key: EncryptionKey): Promise<Described | undefined> {
  const { cipherKey, secretOf } = await import('../store/sqlite/secret.ts')
  const { assertKey } = await import('../store/sqlite/key.ts')
  const { LibsqlConnection } = await import('../store/sqlite/libsql.ts')
  const secret = await cipherKey(path, secretOf(key, 'key'))
  await assertKey(path, secret, undefined)
  const db = new LibsqlConnection(path, secret)
  try {
    return describedBy(db.all(READ)[0])
  } finally {
    await db.close()
  }
}

/** A part of a PostgreSQL database that has tables of this package. */
interface DescribedNamespace {
  readonly namespace: string
  readonly described: Described
}

/**
 * The namespace of a PostgreSQL database that is meant: the one that is named, or the only one that is a program's of this
 * package; undefined where there is none.
 *
 * @throws {Misused} where there are several; {StoreError}
 */
export async function describedNamespace(
  connection: string,
  named: string | undefined,
): Promise<DescribedNamespace | undefined> {
  const { ask, connect } = await import('../store/postgres/connections.ts')
  const { ownTables } = await import('../store/postgres/tables.ts')
  const client = await connect({ connection })
  try {
    const sql = `SELECT table_schema FROM information_schema.tables WHERE table_name = 'hardshell:schema' ORDER BY 1`
    const found: DescribedNamespace[] = []
    for (const { table_schema: namespace } of (await ask(client, sql)).rows) {
      if (typeof namespace !== 'string' || (named !== undefined && named !== namespace)) continue
      const { rows } = await ask(client, `SELECT version, tables FROM ${ownTables(namespace).schema} WHERE id = 1`)
      const described = describedBy(rows[0])
      if (described && whose(described)) found.push({ namespace, described })
    }
    if (found.length > 1) throw new Misused(`--namespace: one of ${found.map(({ namespace }) => namespace).join(', ')}`)
    return found[0]
  } finally {
    await client.end().catch(() => {})
  }
}

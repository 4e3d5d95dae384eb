/**
 * Commits in PostgreSQL: several in one transaction, in three round trips.
 *
 * Under READ COMMITTED, a commit locks every row before it reads it, so what the conditions saw stays until the end. An
 * absent row cannot be locked. If the commit inserts the row, the primary key shows whether it is still absent. If the
 * commit only relies on its absence, which is rare, the whole transaction excludes all others. SERIALIZABLE would
 * promise the same. But every commit changes the few rows of the totals, and SERIALIZABLE aborts the second of two such
 * commits instead of letting it wait.
 */
import { StoreError, type Key, type Row, type Schema } from '../port.ts'
import type { Statement, Transaction } from './connections.ts'
import { constraintOf } from './errors.ts'
import type { PostgresTable } from './tables.ts'
import {
  encode,
  keyOf,
  needsJson,
  outcome,
  safe,
  TotalChanges,
  type CheckedWrite,
  type TotalChange,
} from '../kit/rows.ts'
import { checkVersion } from '../kit/sql.ts'
import { sure } from '../../sure.ts'

/** What a transaction needs of the store. */
export interface Target {
  readonly schema: Schema
  readonly tables: ReadonlyMap<string, PostgresTable>
  /** Begins a transaction. */
  readonly begin: string
  /** Reads the version of the schema. The caller appends the kind of lock on that row. */
  readonly gate: string
  /** Marks tables as changed. Takes their names. */
  readonly mark: (tables: readonly string[]) => Statement
}

/** The transaction relies on a row's absence, and must exclude others. */
export class NeedsExclusion extends Error {}

/**
 * Lands the commits that it can, and returns why it refused each of the others. If the transaction fails, all of them
 * fail, the refused ones too: they may have been refused because of what another one wrote.
 *
 * @throws {StoreError} `CONFLICT` where a unique index refused one that only the database can tell, `UNSTORABLE` where it
 *   refuses one for good; {NeedsExclusion}
 */
export async function land(
  transaction: Transaction,
  target: Target,
  commits: readonly (readonly CheckedWrite[])[],
  isExclusive: boolean,
): Promise<(StoreError | undefined)[]> {
  const begin = `${target.begin}${target.gate} FOR ${isExclusive ? 'UPDATE' : 'SHARE'}`
  const wanted = keysOf(commits, target)
  const [gate, ...found] = await transaction.run(
    { sql: begin },
    ...wanted.map(({ table, keys, isWhole }) => ({
      sql: isWhole ? table.lockWhole : table.lock,
      values: table.keys(keys),
    })),
  )
  checkVersion(Number(gate?.rows[0]?.['version']), target.schema)
  const draft = new Draft(target.tables)
  for (const [i, { table, isWhole }] of wanted.entries())
    for (const row of sure(found[i], 'answer').rows)
      draft.found(table, isWhole ? table.decode(row) : table.scalarsOf(row))
  const refusals = commits.map((writes) => draft.add(writes))
  if (draft.reliesOnAbsence && !isExclusive) throw new NeedsExclusion()
  if (draft.runs.length === 0) return refusals
  try {
    await write(transaction, target, draft)
    await transaction.commit()
  } catch (error) {
    throw ownConflict(error, target)
  }
  return refusals
}

/** A unique index that is none of ours refuses the same commit again, whatever is read anew before. */
function ownConflict(error: unknown, { tables }: Target): unknown {
  if (!(error instanceof StoreError) || error.code !== 'CONFLICT') return error
  const by = constraintOf(error)
  const isOurs = by === undefined || [...tables.values()].some(({ uniqueNames }) => uniqueNames.has(by))
  return isOurs ? error : new StoreError('UNSTORABLE', error.message, { cause: error.cause })
}

/** The keys that commits name, table by table in the schema's order, so that no two transactions wait in a circle. */
function keysOf(
  commits: readonly (readonly CheckedWrite[])[],
  { tables }: Target,
): { table: PostgresTable; keys: Key[]; isWhole: boolean }[] {
  const keys = new Map<string, Map<string, Key>>()
  const whole = new Set<string>()
  for (const write of commits.flat()) {
    const { table, key } = write
    if (needsJson(write)) whole.add(table)
    const named = keys.get(table) ?? new Map<string, Key>()
    keys.set(table, named)
    named.set(encode(key), key)
  }
  return [...tables.values()].flatMap((table) => {
    const named = keys.get(table.name)
    return named ? [{ table, keys: [...named.values()], isWhole: whole.has(table.name) }] : []
  })
}

/** Changes of one kind in one table, which are one statement. */
interface Run {
  readonly verb: 'insert' | 'update' | 'delete'
  readonly table: PostgresTable
  /** What an update sets. */
  readonly columns: readonly string[]
  readonly rows: Row[]
  readonly ids: Set<string>
}

/** The combined changes of the commits of one transaction. */
class Draft {
  readonly runs: Run[] = []
  readonly totals = new TotalChanges()
  reliesOnAbsence = false
  readonly #tables: ReadonlyMap<string, PostgresTable>
  readonly #rows = new Map<string, Row>()

  constructor(tables: ReadonlyMap<string, PostgresTable>) {
    this.#tables = tables
  }

  found({ name, table }: PostgresTable, row: Row): void {
    this.#rows.set(idOf(name, keyOf(table, row)), row)
  }

  /** Adds a whole commit, or nothing of it. */
  add(writes: readonly CheckedWrite[]): StoreError | undefined {
    const changed = new Map<string, Row | undefined>()
    const changes: { write: CheckedWrite; id: string; before: Row | undefined; after: Row | undefined }[] = []
    const absent = new Set<string>()
    try {
      for (const write of writes) {
        const id = idOf(write.table, write.key)
        const before = changed.has(id) ? changed.get(id) : this.#rows.get(id)
        const after = outcome(write, before)
        if (before === undefined && after === undefined) absent.add(id)
        if (after === before) continue
        changed.set(id, after)
        changes.push({ write, id, before, after })
      }
    } catch (error) {
      if (error instanceof StoreError) return error
      throw error
    }
    // Of rows that it inserts, the primary key tells.
    for (const { id, before } of changes) if (before === undefined) absent.delete(id)
    this.reliesOnAbsence ||= absent.size > 0
    for (const [id, row] of changed) {
      if (row) this.#rows.set(id, row)
      else this.#rows.delete(id)
    }
    for (const { write, id, before, after } of changes) {
      const table = sure(this.#tables.get(write.table), 'table')
      this.totals.add(write.table, table.table, before, after)
      if (before === undefined) this.#change('insert', table, [], id, sure(after, 'row'))
      else if (after === undefined) this.#change('delete', table, [], id, before)
      else {
        const columns = Object.keys(write.row ?? {}).filter((column) => after[column] !== before[column])
        if (columns.length > 0) this.#change('update', table, columns, id, after)
      }
    }
    return undefined
  }

  /** Adds a change to the last run, where its place among the others is the same there. */
  #change(verb: Run['verb'], table: PostgresTable, columns: readonly string[], id: string, row: Row): void {
    const last = this.runs.at(-1)
    const fits =
      last?.verb === verb &&
      last.table === table &&
      last.columns.join() === columns.join() &&
      !last.ids.has(id) &&
      !columns.some((column) => table.unique.has(column))
    if (fits) {
      last.rows.push(row)
      last.ids.add(id)
    } else this.runs.push({ verb, table, columns, rows: [row], ids: new Set([id]) })
  }
}

const idOf = (table: string, key: CheckedWrite['key']): string => encode([table, ...key])

/** Writes a draft. @throws {StoreError}, {RangeError} */
async function write(transaction: Transaction, target: Target, { runs, totals }: Draft): Promise<void> {
  const groups = byTable(totals).map(([name, changes]) => ({
    name,
    totals: sure(target.tables.get(name)?.totals, 'totals'),
    changes,
  }))
  const answers = await transaction.run(
    ...runs.map(statementOf),
    ...groups.map(({ totals, changes }) => ({ sql: totals.add, values: totals.arrays(changes) })),
    target.mark([...new Set(runs.map(({ table }) => table.name))]),
  )
  for (const [i, { verb, table, rows }] of runs.entries())
    if (answers[i]?.count !== rows.length)
      throw new StoreError('BUSY', `${verb} of ${table.name} met a row that has come or gone in the meantime`)
  for (const [i, { name, totals }] of groups.entries()) {
    const { rows } = sure(answers[runs.length + i], 'answer')
    for (const { sum } of rows) safe(name, Number(sum))
    if (rows.some(({ count }) => Number(count) === 0)) await transaction.run({ sql: totals.clean })
  }
}

function statementOf({ verb, table, columns, rows }: Run): Statement {
  if (verb === 'insert') return { sql: table.insert, values: table.arrays(rows, table.columns) }
  const { key } = table.table
  if (verb === 'delete') return { sql: table.delete, values: table.arrays(rows, key) }
  return { sql: table.update(columns), values: table.arrays(rows, [...key, ...columns]) }
}

/** The changes of each table's totals, in the same order for all transactions. */
function byTable(totals: TotalChanges): [string, TotalChange[]][] {
  const sorted = [...totals].toSorted((a, b) => (encode([a.table, ...a.key]) < encode([b.table, ...b.key]) ? -1 : 1))
  return [...Map.groupBy(sorted, ({ table }) => table)]
}

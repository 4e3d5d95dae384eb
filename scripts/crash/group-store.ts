/** SQLite files whose transactions meet what the explorer says, for the lane of groups. */
import { join } from 'node:path'
import type { Row, Schema } from '../../src/store/port.ts'
import type { SqlValue } from '../../src/store/sqlite/connection.ts'
import { NodeConnection } from '../../src/store/sqlite/node-connection.ts'
import { sqliteRows } from '../../src/store/sqlite/rows.ts'
import { openStore } from '../../src/store/sqlite/store.ts'
import type { GroupFault, GroupedStore } from '../../src/testing/lanes/grouped-rows.ts'
import { tested } from './stores.ts'

const [BUSY, IO_ERROR, FULL] = [5, 10, 13]

const failure = (errcode: number, message: string): Error =>
  Object.assign(new Error(message), { code: 'ERR_SQLITE_ERROR', errcode })

interface Befalls {
  fault: () => GroupFault
  died: () => void
}

/** A connection in whose transactions something may happen. */
class FaultyConnection extends NodeConnection {
  readonly #befalls: Befalls
  #fault: GroupFault = { does: 'ok' }
  /** Members of the group that have begun. */
  #members = 0

  constructor(path: string, befalls: Befalls) {
    super({ path })
    this.#befalls = befalls
  }

  override run(sql: string, values: readonly SqlValue[] = []): void {
    if (sql === 'BEGIN IMMEDIATE') return this.#begin()
    if (sql === 'COMMIT') return this.#commit()
    const isMark = /^(SAVEPOINT|RELEASE|ROLLBACK)/.test(sql)
    if (sql.startsWith('SAVEPOINT')) this.#members++
    if (!isMark) this.#assertSpace()
    super.run(sql, values)
  }

  #begin(): void {
    const fault = (this.#fault = this.#befalls.fault())
    this.#members = 0
    if (fault.does === 'busy') throw failure(BUSY, 'database is locked')
    super.run('BEGIN IMMEDIATE')
    if (fault.does === 'rival') this.#rival(fault)
  }

  /** Writes what another process committed just before. */
  #rival({ id, set, step }: { readonly id: string; readonly set: Row; readonly step: Row }): void {
    const valuesOf = (row: Row): SqlValue[] => Object.values(row) as SqlValue[]
    const assigned = Object.keys(set).map((column) => `"${column}" = ?`)
    super.run(`UPDATE operations SET ${assigned.join(', ')} WHERE id = ?`, [...valuesOf(set), id])
    const columns = Object.keys(step).map((column) => `"${column}"`)
    const marks = columns.map(() => '?')
    super.run(`INSERT INTO steps (${columns.join(', ')}) VALUES (${marks.join(', ')})`, valuesOf(step))
  }

  #assertSpace(): void {
    const fault = this.#fault
    if (fault.does !== 'fullForOne' && fault.does !== 'fullForAll') return
    if (this.#members !== fault.member + 1) return
    // A full disk may end the transaction, and may end the statement alone.
    if (fault.does === 'fullForAll') super.run('ROLLBACK')
    throw failure(FULL, 'database or disk is full')
  }

  #commit(): void {
    const { does } = this.#fault
    if (does === 'crashBefore' || does === 'inDoubtLost') super.run('ROLLBACK')
    else if (does !== 'busyInTheEnd') super.run('COMMIT')
    if (does === 'crashBefore' || does === 'crashAfter') this.#befalls.died()
    if (does === 'busyInTheEnd') throw failure(BUSY, 'database is locked')
    if (does.startsWith('crash') || does.startsWith('inDoubt')) throw failure(IO_ERROR, 'disk I/O error')
  }
}

/** The files of one thread. */
export function groupedStore(dir: string, thread: number): GroupedStore {
  const befalls: Befalls = { fault: () => ({ does: 'ok' }), died: () => {} }
  const store = tested((subject, schema) => {
    const path = join(dir, `${thread}-group-${subject}.db`)
    const options = { path, busyTimeoutMs: 0 }
    const open = (wanted: Schema) => openStore(() => new FaultyConnection(path, befalls), wanted, options)
    return { adapter: { open }, rows: () => sqliteRows(path, schema) }
  })
  return { ...store, befall: (fault, died) => void Object.assign(befalls, { fault, died }) }
}

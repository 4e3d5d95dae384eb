/**
 * What the local steps of one step got of the store, and the conditions by which its commit relies on that: a forgotten
 * one cannot be.
 */
import type { Key, Row, Write } from '../../store/port.ts'
import { encode, keyOf, tableOf, type Tables } from '../../store/kit/rows.ts'
import { HardshellError } from '../util/errors.ts'
import type { LocalReader, Reader } from '../define/operation.ts'
import { overlay } from './overlay.ts'

/** That a row is as it was read. */
export type RowCheck = Extract<Write, { readonly check: string }>

interface RowRead {
  readonly table: string
  readonly key: Key
  readonly row: Row | undefined
}

export class RowsRead {
  readonly #read: Reader
  readonly #tables: Tables
  readonly #rows = new Map<string, RowRead>()

  constructor(read: Reader, tables: Tables) {
    this.#read = read
    this.#tables = tables
  }

  /** A local step's reader, of the store as these writes will leave it. */
  reader(pending: readonly Write[]): LocalReader {
    const loose = overlay(this.#read, this.#tables, pending)
    const checked = overlay({ ...unchecked, get: (table, key) => this.#get(table, key) }, this.#tables, pending)
    return {
      ...unchecked,
      get: (table, key) => checked.get(table, key),
      loose(why) {
        if (typeof why !== 'string' || why.trim() === '')
          throw new TypeError('why: a text that says what makes it safe')
        return loose
      },
    }
  }

  /** Two calls get one answer: the commit cannot rely on two. */
  async #get<R extends Row>(table: string, key: Key): Promise<R | undefined> {
    const id = encode([table, ...key])
    const row = this.#rows.has(id) ? undefined : await this.#read.get(table, key)
    const first = this.#rows.get(id) ?? { table, key, row }
    this.#rows.set(id, first)
    return first.row as R | undefined
  }

  /**
   * The writes, and checks that go before them. The first write of a row that was read gets the condition itself, unless it
   * has one of the step's own.
   */
  conditioned(writes: readonly Write[]): { readonly checks: readonly RowCheck[]; readonly writes: readonly Write[] } {
    if (this.#rows.size === 0) return { checks: [], writes }
    const left = new Map(this.#rows)
    const conditioned = writes.map((write): Write => {
      const id = this.#idOf(write)
      const read = left.get(id)
      left.delete(id)
      return read && write.if === undefined ? { ...write, if: unchanged(read) } : write
    })
    const checks = [...left.values()].map((read) => ({ check: read.table, key: read.key, if: unchanged(read) }))
    return { checks, writes: conditioned }
  }

  #idOf(write: Write): string {
    if ('put' in write) return encode([write.put, ...keyOf(tableOf(this.#tables, write.put), write.row)])
    const table = 'patch' in write ? write.patch : 'delete' in write ? write.delete : write.check
    return encode([table, ...write.key])
  }
}

function unchanged({ table, row }: RowRead): RowCheck['if'] {
  if (row === undefined) return 'absent'
  // An operation's version says as much as all of its columns.
  const columns = table === 'operations' ? ['version'] : Object.keys(row)
  return Object.fromEntries(columns.map((column) => [column, row[column] ?? null]))
}

const refuse = (call: string) => (): never => {
  const why = 'its commit could not check that no row is added'
  throw new HardshellError('DEFECT', `a local step calls read.${call}: ${why}; use read.loose(why).${call}`)
}
const unchecked = { query: refuse('query'), sum: refuse('sum') }

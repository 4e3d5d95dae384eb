/** Reads rows by their keys. All keys that are requested before the loop turns share one statement for each table. */
import type { Key, Row } from '../port.ts'
import type { Found } from './connections.ts'
import type { PostgresTable } from './tables.ts'
import { encode } from '../kit/rows.ts'
import { sure } from '../../sure.ts'

interface Asked {
  readonly key: Key
  readonly resolve: (row: Row | undefined) => void
  readonly reject: (error: unknown) => void
}

export class Gets {
  readonly #read: (table: PostgresTable, keys: readonly Key[]) => Promise<readonly Found[]>
  readonly #asked = new Map<PostgresTable, Asked[]>()

  /** `read` returns the existing rows, in any order. */
  constructor(read: (table: PostgresTable, keys: readonly Key[]) => Promise<readonly Found[]>) {
    this.#read = read
  }

  /** @throws {StoreError} */
  get<R extends Row>(table: PostgresTable, key: Key): Promise<R | undefined> {
    return new Promise((resolve, reject) => {
      const asked = this.#asked.get(table) ?? []
      asked.push({ key, resolve: resolve as Asked['resolve'], reject })
      if (asked.length > 1) return
      this.#asked.set(table, asked)
      setImmediate(() => void this.#answer(table))
    })
  }

  async #answer(table: PostgresTable): Promise<void> {
    const asked = sure(this.#asked.get(table), 'question')
    this.#asked.delete(table)
    const keys = new Map(asked.map(({ key }) => [encode(key), key]))
    try {
      const rows = await this.#read(table, [...keys.values()])
      const found = new Map(rows.map((row) => [encode(table.keyOf(row)), row]))
      for (const { key, resolve, reject } of asked) {
        const row = found.get(encode(key))
        try {
          resolve(row && table.decode(row))
        } catch (error) {
          // A row that cannot be read must not fail the other reads.
          reject(error)
        }
      }
    } catch (error) {
      for (const { reject } of asked) reject(error)
    }
  }
}

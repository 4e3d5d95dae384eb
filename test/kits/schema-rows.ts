/** Rows of every table of a schema: what a store must give back as it took it. */
import { expect } from 'vitest'
import { bountySchema } from '../../src/bounty/kind.ts'
import { mintSchema } from '../../src/mint-server/db/tables.ts'
import type { ColumnType, Condition, Row, Schema, Store, StoreAdapter, Write } from '../../src/store/port.ts'
import { walletSchema } from '../../src/wallet/tables.ts'

export const schemas: Readonly<Record<string, Schema>> = {
  wallet: walletSchema,
  mint: mintSchema,
  bounty: bountySchema,
}

const LARGE = 2 ** 50

function value(type: ColumnType, name: string, at: number): unknown {
  if (type.endsWith('?') && at > 0) return null
  if (type.startsWith('text')) return `${name} ${at} ‘ü’`
  if (type.startsWith('json'))
    return [{ inputs: 1, ids: ['a', null], text: `${at}`, deep: { is: true } }, 'a', 7][at % 3]
  return LARGE - at
}

/** Of each table three rows, of which two have null wherever there may be one. */
function rowsOf({ tables }: Schema): [table: string, rows: Row[]][] {
  return Object.entries(tables).map(([table, { columns }]) => [
    table,
    [0, 1, 2].map(
      (at) => Object.fromEntries(Object.entries(columns).map(([name, type]) => [name, value(type, name, at)])) as Row,
    ),
  ])
}

const isScalar = (found: unknown): found is string | number => typeof found === 'string' || typeof found === 'number'

/** Writes rows into every table, changes each where it is as it was, and reads them again; also when the store was opened anew. */
export async function givesBack(adapter: () => StoreAdapter, schema: Schema): Promise<void> {
  const all = rowsOf(schema)
  const read = async (work: (store: Store) => Promise<void>): Promise<void> => {
    const store = await adapter().open(schema)
    try {
      await work(store)
      for (const [table, rows] of all) {
        const found = await store.query({ table })
        expect(found, table).toHaveLength(rows.length)
        expect(found, table).toEqual(expect.arrayContaining(rows))
      }
    } finally {
      await store.close()
    }
  }
  await read(async (store) => {
    await store.commit(all.flatMap(([table, rows]) => rows.map((row): Write => ({ put: table, row, if: 'absent' }))))
    const again = all.flatMap(([table, rows]) => {
      const { key, columns } = schema.tables[table]!
      return rows.map((row): Write => {
        const rest = Object.entries(row).filter(([name]) => !key.includes(name))
        const same = Object.fromEntries(
          Object.entries(row).filter(([name, found]) => isScalar(found) && !columns[name]!.startsWith('json')),
        )
        return {
          patch: table,
          key: key.map((name) => row[name]).filter(isScalar),
          set: Object.fromEntries(rest) as Row,
          if: same as Condition,
        }
      })
    })
    await store.commit(again)
  })
  await read(async () => {})
}

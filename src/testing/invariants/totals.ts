/** Compares running totals with a scan of their rows. */
import type { Dump } from '../../store/memory.ts'
import type { Reader, Row, Schema, Total } from '../../store/port.ts'

/** The violations in the totals of tables. Nobody may write meanwhile. */
export async function miscounted(of: {
  readonly store: Pick<Reader, 'sum'>
  readonly schema: Schema
  /** The tables to check. */
  readonly tables: readonly string[]
  /** The current rows. */
  readonly rows: Dump
}): Promise<string[]> {
  const { store, schema, tables, rows } = of
  const wrong = tables.map(async (name) => {
    const total = schema.tables[name]?.total
    if (!total) return []
    const told = textOf(await store.sum(name))
    const counted = textOf(scanned(rows[name] ?? [], total))
    return told === counted ? [] : [`totals: ${name} are said to come to ${told}, and are ${counted}`]
  })
  return (await Promise.all(wrong)).flat()
}

/** The groups of a total, recounted. */
function scanned(rows: readonly Row[], { of, by }: { readonly of: string; readonly by: readonly string[] }): Total[] {
  const groups = new Map<string, Total>()
  for (const row of rows) {
    const key = by.map((column) => row[column] as string | number)
    const { sum, count } = groups.get(JSON.stringify(key)) ?? { sum: 0, count: 0 }
    groups.set(JSON.stringify(key), { key, sum: sum + (row[of] as number), count: count + 1 })
  }
  return [...groups.values()]
}

const textOf = (totals: readonly Total[]): string =>
  totals
    .map(({ key, sum, count }) => `${key.join(' ')} ${sum} in ${count}`)
    .toSorted()
    .join(', ')

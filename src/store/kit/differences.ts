/** How tables differ, for people. */
import type { Table } from '../port.ts'
import type { Tables } from './rows.ts'

/** The parts of a table: each is there or not, and is so or otherwise. */
function partsOf({ columns, key, indexes = {}, total }: Table, withTotals: boolean): [string, string][] {
  return [
    ...Object.entries(columns).map(([column, type]): [string, string] => [`.${column}`, type]),
    [' key', key.join(', ')],
    ...Object.entries(indexes).map(([index, { columns: of, unique = false }]): [string, string] => [
      ` index ${index}`,
      `${unique ? 'unique ' : ''}${of.join(', ')}`,
    ]),
    ...(withTotals && total ? [[' total', `${total.of} by ${total.by.join(', ')}`] as [string, string]] : []),
  ]
}

function changes(was: ReadonlyMap<string, string>, is: ReadonlyMap<string, string>): string[] {
  const names = [...new Set([...was.keys(), ...is.keys()])].toSorted()
  return names.flatMap((name) => {
    const [before, now] = [was.get(name), is.get(name)]
    if (before === now) return []
    if (before === undefined) return [`${name} added`]
    return now === undefined ? [`${name} removed`] : [`${name} was ${before}, is ${now}`]
  })
}

/** What was made of the tables: `plans.title added`, `plans.price was text, is integer`, `plans index byTitle removed`. */
export function differences(was: Tables, is: Tables, withTotals: boolean): string[] {
  const names = [...new Set([...Object.keys(was), ...Object.keys(is)])].toSorted()
  return names.flatMap((name) => {
    const [before, now] = [was, is].map((tables) => (Object.hasOwn(tables, name) ? tables[name] : undefined))
    if (!before || !now) return [`${name} ${now ? 'added' : 'removed'}`]
    const [old, young] = [before, now].map((table) => new Map(partsOf(table, withTotals)))
    return changes(old ?? new Map(), young ?? new Map()).map((change) => `${name}${change}`)
  })
}

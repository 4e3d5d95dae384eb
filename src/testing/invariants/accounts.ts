/**
 * What accounts for rows. Each table of a program says when one of its rows is accounted for, by an operation that is alive or
 * by a stated end: a table that says nothing does not compile.
 */
import type { Dump } from '../../store/memory.ts'
import type { Row } from '../../store/port.ts'
import type { RowOf, Tables } from '../../store/typed.ts'

/** Says of a row why nothing accounts for it; something falsy where it is accounted for. */
type Account<R, Around> = (row: R, around: Around) => string | false | null | undefined

/** The account of each table. */
export type Accounts<T extends Tables, Around> = { readonly [N in keyof T]: Account<RowOf<T[N]>, Around> }

/** The rows of a dump for which nothing accounts: the table and why, one text each. */
export const unaccounted = <T extends Tables, Around>(
  accounts: Accounts<T, Around>,
  dump: Dump,
  around: Around,
): string[] =>
  Object.entries(accounts as unknown as Readonly<Record<string, Account<Row, Around>>>).flatMap(([table, account]) =>
    (dump[table] ?? []).flatMap((row) => {
      const why = account(row, around)
      return why ? [`${table}: ${why}`] : []
    }),
  )

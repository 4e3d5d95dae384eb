/**
 * Accounts of rows. Each table of a program states when one of its rows is accounted for: by a living operation, or by
 * a stated end. A table without an account does not compile.
 */
import type { Dump } from '../../store/memory.ts'
import type { Row } from '../../store/port.ts'
import type { RowOf, Tables } from '../../store/typed.ts'

/** The reason why nothing accounts for a row; falsy if the row is accounted for. */
type Account<R, Around> = (row: R, around: Around) => string | false | null | undefined

/** The account of each table. */
export type Accounts<T extends Tables, Around> = { readonly [N in keyof T]: Account<RowOf<T[N]>, Around> }

/** The rows of a dump for which nothing accounts. Each text names the table and the reason. */
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

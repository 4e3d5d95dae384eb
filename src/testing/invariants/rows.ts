/** Rows of dumps and writes, typed by their tables. */
import type { OperationKind, OperationRow } from '../../kernel/define/operation.ts'
import { mintTables, type MintTables } from '../../mint-server/db/tables.ts'
import type { Dump } from '../../store/memory.ts'
import type { Write } from '../../store/port.ts'
import type { RowOf, Tables } from '../../store/typed.ts'
import { walletTables, type WalletTables } from '../../wallet/tables.ts'

type RowsOf<T extends Tables> = { readonly [N in keyof T]: readonly RowOf<T[N]>[] }

/** The rows of a dump by table; empty for a table that it lacks. */
export const rowsOf = <T extends Tables>(tables: T, dump: Dump): RowsOf<T> =>
  Object.fromEntries(Object.keys(tables).map((name) => [name, dump[name] ?? []])) as RowsOf<T>

export const walletRows = (dump: Dump): RowsOf<WalletTables> => rowsOf(walletTables, dump)
export const mintRows = (dump: Dump): RowsOf<MintTables> => rowsOf(mintTables, dump)

/** The operations of a dump, whatever their kind. */
export const operationsIn = ({ operations = [] }: Dump): readonly OperationRow[] =>
  operations as readonly OperationRow[]

/** The operation that a write stores. */
export const operationIn = (write: Write): OperationRow | undefined =>
  'put' in write && write.put === 'operations' ? (write.row as OperationRow) : undefined

/** The kind of an operation, in the version that wrote its row. */
export const kindOf = <Ports>(
  kinds: readonly OperationKind<Ports>[],
  { kind, kindVersion }: Pick<OperationRow, 'kind' | 'kindVersion'>,
): OperationKind<Ports> | undefined => kinds.find((it) => it.kind === kind && it.version === kindVersion)

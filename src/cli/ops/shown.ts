/** Rows of operations as commands show them: no snapshot, no request, no secret. */
import type { OperationView } from '../../kernel/define/operation.ts'
import { amountText } from '../terminal.ts'
import type { Database } from './database.ts'

/** What an operation moves, where its row says so; a mint's rows do not. */
export function amountOf({ row }: OperationView): string {
  const { amount, unit } = row as { readonly amount?: unknown; readonly unit?: unknown }
  return typeof amount === 'number' && typeof unit === 'string' ? amountText(amount, unit) : ''
}

/** Columns that are shown of nobody's: what they hold may be secret, or says nothing. */
const HIDDEN = ['snapshot', 'request', 'commitId', 'timers']

/** The row of an operation, without what may be secret, in any database or in this one. */
export function operationJson({ status, row }: OperationView, { inspectable }: Database): Record<string, unknown> {
  const hidden = [...HIDDEN, ...(inspectable.hidden ?? [])]
  return { ...Object.fromEntries(Object.entries(row).filter(([name]) => !hidden.includes(name))), status }
}

/** Rows of operations as commands show them: no snapshot, no request, no secret. */
import type { OperationView } from '../../kernel/define/operation.ts'
import { amountText } from '../terminal.ts'

/** What an operation moves, where its row says so; a mint's rows do not. */
export function amountOf({ row }: OperationView): string {
  const { amount, unit } = row as { readonly amount?: unknown; readonly unit?: unknown }
  return typeof amount === 'number' && typeof unit === 'string' ? amountText(amount, unit) : ''
}

/** Columns that are shown to nobody: what they hold may be secret, or says nothing. */
const HIDDEN = new Set(['snapshot', 'request', 'requestKey', 'commitId', 'timers'])

/** The row of an operation, without what may be secret. */
export function operationJson({ status, row }: OperationView): Record<string, unknown> {
  return { ...Object.fromEntries(Object.entries(row).filter(([name]) => !HIDDEN.has(name))), status }
}

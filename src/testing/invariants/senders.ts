/** Finds the operation of a request. */
import type { OperationRow } from '../../kernel/define/operation.ts'
import type { Dump } from '../../store/memory.ts'
import { operationsIn } from './rows.ts'

/** The operation that has stored a request's body. */
export function senderOf(body: string, rows: Dump): OperationRow | undefined {
  const quoted = JSON.stringify(body).slice(1, -1)
  return operationsIn(rows).find(({ snapshot }) => snapshot.includes(quoted))
}

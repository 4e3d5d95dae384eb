/**
 * Invariants of step history: each commit that changes an operation's row writes its step, and no other; the steps that are kept
 * follow each other without a gap, and the last one leads to where the operation is.
 */
import type { OperationRow } from '../../kernel/define/operation.ts'
import { isStepsTable, type StepRow } from '../../kernel/define/steps.ts'
import type { Dump } from '../../store/memory.ts'
import type { Row, Schema, Write } from '../../store/port.ts'
import { operationIn, operationsIn } from './rows.ts'

export type HistoryBreach = `steps: ${string}`

interface Around {
  readonly before: Dump
  readonly after: Dump
}

const stepsIn = ({ steps = [] }: Dump): readonly StepRow[] => steps as readonly Row[] as readonly StepRow[]
const stepIn = (write: Write): StepRow | undefined =>
  'put' in write && write.put === 'steps' ? (write.row as Row as StepRow) : undefined
const nameOf = (id: string, version: number): string => `${id} ${version}`

/** What a commit that landed did to the history; nothing where the program keeps none. */
export function unhistoric(writes: readonly Write[], { before, after }: Around, { tables }: Schema): HistoryBreach[] {
  if (!isStepsTable(tables['steps'])) return []
  const changed = writes.flatMap((write) => changedBy(write) ?? [])
  const recorded = writes.flatMap((write) => stepIn(write) ?? [])
  const names = recorded.map(({ operation, version }) => nameOf(operation, version))
  const known = new Set(changed.map(({ id, version }) => nameOf(id, version)))
  const [was, is] = [byId(before), byId(after)]
  return [
    ...changed.flatMap(({ id, version }): HistoryBreach[] => {
      const times = names.filter((name) => name === nameOf(id, version)).length
      const row = is.get(id)
      if (times !== 1)
        return [`steps: a commit of ${row?.kind ?? 'nothing'} writes ${times} steps of version ${version}`]
      // By the time it is looked at, others may have moved it on.
      return row?.version === version ? [...broken(row, was.get(id), after)] : []
    }),
    // The mark of a sweep is of no operation.
    ...recorded.flatMap(({ operation, version }): HistoryBreach[] =>
      operation === '' || known.has(nameOf(operation, version))
        ? []
        : [`steps: a step of version ${version} is written without its operation`],
    ),
  ]
}

const byId = (dump: Dump): Map<string, OperationRow> => new Map(operationsIn(dump).map((row) => [row.id, row]))

/** The operation of which a write makes a new version. */
function changedBy(write: Write): { readonly id: string; readonly version: number } | undefined {
  const operation = operationIn(write)
  if (operation) return operation
  if (!('patch' in write) || write.patch !== 'operations' || write.set['version'] === undefined) return undefined
  return { id: String(write.key[0]), version: Number(write.set['version']) }
}

/** What is wrong with the kept steps of an operation. */
function* broken(row: OperationRow, before: OperationRow | undefined, dump: Dump): Iterable<HistoryBreach> {
  const { id, kind, state, version } = row
  const from = before?.state ?? null
  const steps = stepsIn(dump)
    .filter(({ operation }) => operation === id)
    .toSorted((a, b) => a.version - b.version)
  const last = steps.at(-1)
  if (last?.version !== version || last.to !== state)
    yield `steps: ${kind} is in '${state}' by version ${version}, and its last step leads to '${last?.to ?? 'nowhere'}'`
  if (last && last.from !== from && (before?.version ?? 0) === version - 1)
    yield `steps: ${kind} came from '${from ?? 'nowhere'}', and its step from '${last.from ?? 'nowhere'}'`
  for (const [at, step] of steps.entries()) {
    const next = steps[at + 1]
    if (next && (next.version !== step.version + 1 || next.from !== step.to))
      yield `steps: of ${kind} version ${step.version} leads to '${step.to}', and the next, ${next.version}, from '${next.from ?? 'nowhere'}'`
  }
}

/** Why nothing accounts for a step; falsy where its operation does. */
export function unheardOf(step: StepRow, operation: Pick<OperationRow, 'version'> | undefined): string | false {
  if (step.operation === '') return false
  if (!operation) return 'a step of no operation'
  return step.version > operation.version && `a step to come, of version ${step.version}`
}

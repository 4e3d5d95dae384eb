/** One operation, whole: why it is where it is, the way that it took, its row without secrets, what can be done to it. */
import type { OperationRow, OperationView } from '../kernel/define/operation.ts'
import type { Explanation } from '../kernel/inspect/explain.ts'
import { ACTS, type Act, type Detail, type Explained } from './feed.ts'
import type { Source } from './source.ts'

/** What holds secrets (`snapshot`), or what a caller said. A program may name more. */
const HIDDEN = ['snapshot', 'request']
/** How many children are named. */
const MOST_CHILDREN = 100

export async function detailOf(source: Source, id: string): Promise<Detail> {
  const { operations } = source.of
  const hidden = [...HIDDEN, ...(source.of.hidden ?? [])]
  const view = await operations.get(id)
  const explanation = await operations.explain(id)
  const children = await operations.list({ parent: id, limit: MOST_CHILDREN })
  const summary = source.summary(view.row)
  return {
    nowMs: source.parts.clock.now(),
    summary: {
      ...summary,
      status: view.status,
      reason: view.status === 'unloadable' ? explanation.why : summary.reason,
    },
    explained: explained(explanation),
    row: shown(view.row, hidden),
    hidden,
    steps: await operations.steps(id),
    children: children.map((child) => child.id),
    acts: actsOf(source, view, explanation),
  }
}

function explained(of: Explanation): Explained {
  const { why, lastError, lastAnswer, underWay, watching, timers, takes, needsHuman, laneClosed, lanePaused } = of
  return {
    ...{ why, underWay, takes, needsHuman, laneClosed },
    lastError: lastError ?? null,
    lastAnswer: lastAnswer ?? null,
    watching: watching ?? null,
    timers: timers.map(({ name, atMs }) => ({ name, atMs })),
    lanePaused: lanePaused ? { why: lanePaused.why, untilMs: lanePaused.untilMs } : null,
  }
}

/** The columns that are numbers and texts. */
function shown(row: OperationRow, hidden: readonly string[]): Detail['row'] {
  return Object.fromEntries(
    Object.entries(row).flatMap(([column, value]) => {
      if (hidden.includes(column)) return []
      return value === null || typeof value === 'string' || typeof value === 'number' ? [[column, value]] : []
    }),
  )
}

/** What can be done to an operation in its state, from here. */
export function actsOf(source: Source, { status, kind, row }: OperationView, { takes }: Explanation): readonly Act[] {
  const cancel = cancelEvent(source, kind, row)
  const isOpen = status === 'active'
  const can: Readonly<Record<Act, boolean>> = {
    resume: isOpen || status === 'quarantined',
    execute: isOpen && takes.includes('execute'),
    cancel: isOpen && cancel !== undefined && takes.includes(cancel),
  }
  const { acts: allowed = ACTS } = source.of
  return ACTS.filter((act) => can[act] && allowed.includes(act))
}

/** The event by which an operation of the kind gives up; undefined where there is none. */
export function cancelEvent(source: Source, kind: string, row: OperationRow): string | undefined {
  if (source.of.cancel) return 'cancel'
  return source.parts.kinds.get(kind)?.of(row).kind.cancel?.type
}

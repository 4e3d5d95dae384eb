/** Which operations want to be looked at first, and why. */
import type { Summary } from '../feed.ts'

/** From the most urgent. */
export type Group = 'stuck' | 'human' | 'active' | 'done'

/** A timer that should have fired so long ago did not: nobody runs the operation. */
const OVERDUE_MS = 60_000

export interface Attention {
  readonly group: Group
  readonly why: string | null
}

export function attentionOf(of: Summary, nowMs: number): Attention {
  const { status, reason, dueAt, human } = of
  if (status === 'quarantined') return { group: 'stuck', why: `set aside: ${reason ?? 'no reason is known'}` }
  if (status === 'unloadable') return { group: 'stuck', why: `cannot be loaded: ${reason ?? 'no reason is known'}` }
  if (status === 'done') return { group: 'done', why: null }
  if (reason !== null) return { group: 'stuck', why: `does not go on: ${reason}` }
  if (dueAt !== null && nowMs - dueAt > OVERDUE_MS)
    return { group: 'stuck', why: 'its timer is long over: does the process that runs it live?' }
  return human ? { group: 'human', why: 'waits for a person or a caller' } : { group: 'active', why: null }
}

const ORDER: Readonly<Record<Group, number>> = { stuck: 0, human: 1, active: 1, done: 1 }

/** Stuck ones first, and then what changed last. */
export const sorted = (operations: Iterable<Summary>, nowMs: number): Summary[] =>
  [...operations]
    .map((of) => ({ of, order: ORDER[attentionOf(of, nowMs).group] }))
    .sort((a, b) => a.order - b.order || b.of.updatedAt - a.of.updatedAt || (a.of.id < b.of.id ? -1 : 1))
    .map(({ of }) => of)

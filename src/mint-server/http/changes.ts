/**
 * Turns a mint's commits into changes for subscribers (NUT-17). Changes arrive in the order of their commits, so a state that
 * lasts for one commit is not missed.
 */
import type { Row, Store, Write } from '../../store/port.ts'
import { TOPICS_OF, type Topic } from './topics.ts'

/** One row as a commit of this process left it, as far as the commit wrote it. */
export interface Change {
  readonly topics: readonly Topic[]
  /** A quote's id, or a proof's Y. */
  readonly id: string
  /** What was written; undefined where the row is gone. */
  readonly set: Row | undefined
}

const KEYS: Readonly<Record<string, string>> = { proofs: 'Y', mintQuotes: 'id', meltQuotes: 'id' }

function changeOf(write: Write): Change | undefined {
  const [table, key, set] =
    'put' in write
      ? [write.put, write.row[KEYS[write.put] ?? ''], write.row]
      : 'patch' in write
        ? [write.patch, write.key[0], write.set]
        : 'delete' in write
          ? [write.delete, write.key[0], undefined]
          : [write.check, undefined, undefined]
  const topics = TOPICS_OF[table]
  return topics && typeof key === 'string' ? { topics, id: key, set } : undefined
}

/** Wraps a store: listeners hear of each commit before the caller of `commit` continues. */
export function announcing(store: Store): { store: Store; onCommit: (hear: (change: Change) => void) => () => void } {
  const listeners = new Set<{ readonly hear: (change: Change) => void }>()
  const announced: Store = {
    ...(store.ownership && { ownership: store.ownership }),
    get: (table, key) => store.get(table, key),
    query: (query) => store.query(query),
    sum: (table, prefix) => store.sum(table, prefix),
    watch: (table, changed) => store.watch(table, changed),
    close: () => store.close(),
    async commit(writes) {
      await store.commit(writes)
      if (listeners.size === 0) return
      for (const write of writes) {
        const change = 'check' in write ? undefined : changeOf(write)
        if (change) for (const { hear } of listeners) hear(change)
      }
    },
  }
  return {
    store: announced,
    onCommit(hear) {
      const listener = { hear }
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

/** The fields of a subscriber's payload that are read here. */
interface Payload {
  readonly state?: string
  readonly amount_paid?: number
  readonly amount_issued?: number
  readonly updated_at?: number
  readonly expiry?: number | null
}

const later = (known: number | undefined, stated: unknown): number => Math.max(known ?? 0, Number(stated ?? 0))

/** The payload after a change, computed from the payload before it. A poll would give the same. */
export function afterChange(topic: Topic, before: Payload, { id, set }: Change): object {
  if (topic === 'proof_state')
    return {
      Y: id,
      state: set?.['state'] ?? 'UNSPENT',
      witness: set?.['state'] === 'SPENT' ? (set['witness'] ?? null) : null,
    }
  if (!set) return before
  if (topic.endsWith('melt_quote')) {
    if (set['state'] === undefined) return before
    const { preimage, change } = set as { preimage?: string | null; change?: readonly unknown[] }
    return {
      ...before,
      state: set['state'] === 'FAILED' ? 'UNPAID' : set['state'],
      ...(preimage !== undefined && { payment_preimage: preimage }),
      ...(change && change.length > 0 && { change }),
    }
  }
  const paid = later(before.amount_paid, set['amountPaid'])
  const issued = later(before.amount_issued, set['amountIssued'])
  const state = paid === 0 ? 'UNPAID' : issued < paid ? 'PAID' : 'ISSUED'
  return {
    ...before,
    ...(before.state !== undefined && { state }),
    ...{ amount_paid: paid, amount_issued: issued },
    updated_at: later(before.updated_at, Math.floor(Number(set['updatedAt'] ?? 0) / 1000)),
  }
}

/**
 * The states between two polled ones, which another process may have passed through. Ecash is PENDING before it is SPENT, a payment before it is PAID, and a quote PAID before it is ISSUED.
 */
export function between(topic: Topic, before: Payload, after: Payload): object[] {
  const [from, to] = [before.state, after.state]
  if (topic === 'proof_state')
    return from === 'UNSPENT' && to === 'SPENT' ? [{ ...after, state: 'PENDING', witness: null }] : []
  if (topic.endsWith('melt_quote')) return from === 'UNPAID' && to === 'PAID' ? [{ ...before, state: 'PENDING' }] : []
  return from === 'UNPAID' && to === 'ISSUED' ? [{ ...after, state: 'PAID', amount_issued: 0 }] : []
}

/** What was paid just before a request ended may be settled after it. */
const GRACE_MS = 3_600_000

/** Whether a quote may change without a commit, so that the backend must be polled. */
export function mayHaveChanged(topic: Topic, payload: Payload, nowMs: number): boolean {
  const { state, expiry } = payload
  if (topic === 'proof_state') return false
  if (topic.endsWith('melt_quote')) return state === 'PENDING'
  const isOver = expiry !== null && expiry !== undefined && expiry * 1000 + GRACE_MS < nowMs
  return !isOver && (state === undefined || state === 'UNPAID')
}

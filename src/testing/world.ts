/**
 * The durable world: all that a crash leaves. What follows a crash depends on nothing else, so two worlds that differ
 * only in names, versions and the length of pauses have the same future, and are explored once.
 */
import type { Row } from '../store/port.ts'
import type { Dump } from '../store/memory.ts'

export interface LateRequest {
  readonly method: string
  readonly path: string
  readonly body?: string | undefined
}

export interface World {
  wallet: Dump
  mint: Dump
  nowMs: number
  /** How many random draws were made. */
  entropy: number
  /** Requests that the network still holds. */
  late: readonly LateRequest[]
  /** Output → the request that first carried it. */
  sent: Readonly<Record<string, string>>
  /** What the caller wrote down outside the wallet: tokens, proofs of others. */
  notes: Readonly<Record<string, unknown>>
}

export const copyOf = (world: World): World => ({ ...world })

/** Columns that say who wrote when, and nothing about what comes next. */
const BOOKKEEPING = new Set(['version', 'commitId', 'owner', 'tries', 'updatedAt', 'createdAt', 'infoAt'])

/** A text that is equal for worlds with the same future. */
export function fingerprint(world: World): string {
  const strip = (key: string, value: unknown): unknown => {
    if (BOOKKEEPING.has(key)) return undefined
    if (key === 'attempt') return Math.min(2, value as number)
    return value
  }
  const operations = (world.wallet['operations'] ?? []).map((row) => {
    const { timers, snapshot, dueAt: _, ...rest } = row as Row & { timers: string; snapshot: string }
    return { ...rest, timers: JSON.parse(timers) as unknown, snapshot: JSON.parse(snapshot) as unknown }
  })
  const { wallet, mint, late, notes } = world
  const text = JSON.stringify({ ...wallet, operations, mint, late, notes }, strip)
  return renamed(text, world.nowMs)
}

/** Ids by the order in which they appear; times by their order, those that are past as one. */
function renamed(text: string, nowMs: number): string {
  const ids = new Map<string, string>()
  const times = new Set<number>()
  for (const [match] of text.matchAll(/\b1[0-9]{12}\b/g)) times.add(Number(match))
  for (const [match] of text.matchAll(/\b1[0-9]{9}\b/g)) times.add(Number(match) * 1000)
  const future = [...times].filter((atMs) => atMs > nowMs).toSorted((a, b) => a - b)
  const rank = (atMs: number): string => (atMs <= nowMs ? 'past' : `future${future.indexOf(atMs)}`)
  return text
    .replaceAll(/\b[0-9a-f]{32}\b/g, (id) => ids.get(id) ?? (ids.set(id, `#${ids.size}`), ids.get(id)!))
    .replaceAll(/\b1[0-9]{12}\b/g, (at) => rank(Number(at)))
    .replaceAll(/\b1[0-9]{9}\b/g, (at) => rank(Number(at) * 1000))
}

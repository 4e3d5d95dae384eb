/**
 * Checks that the history adds up: compares the change of the wallet's money by each operation with the amounts of its
 * record.
 */
import type { Dump } from '../../store/memory.ts'
import type { Row, Write } from '../../store/port.ts'
import type { HistoryRow, ProofRow } from '../../wallet/tables.ts'
import { operationIn, walletRows } from './rows.ts'

/** What operations have done to the wallet's money so far. */
export interface Moved {
  /** The change by each operation. */
  readonly by: Readonly<Record<string, number>>
  /**
   * Operations that are not compared with their records: they took a coin that another device with the same seed had
   * made for itself, or they began before the counting.
   */
  readonly strayed: readonly string[]
}

export const NOTHING_MOVED: Moved = { by: {}, strayed: [] }

/**
 * The prefix of the reason of a coin that a restore found and that may be somebody else’s. Such a coin does not count
 * yet.
 */
const RESTORED = 'restored'

/** The value of a coin for the wallet. */
const worthOf = ({ state, amount, reason }: Pick<ProofRow, 'state' | 'amount' | 'reason'>): number =>
  state === 'spendable' || state === 'reserved' || (state === 'held' && reason?.startsWith(RESTORED) !== true) ? amount : 0 // prettier-ignore

/** The change of the wallet's money by a commit, and whether a new coin is another device's. */
function changeBy(
  writes: readonly Write[],
  { before, foreign }: { readonly before: Dump; readonly foreign: readonly string[] },
): { readonly change: number; readonly isStray: boolean } {
  const known = new Map(walletRows(before).proofs.map((row) => [row.Y, row]))
  let change = 0
  let isStray = false
  for (const write of writes) {
    const set = proofIn(write)
    if (!set) continue
    const was = known.get(set.Y)
    const is = { ...was, ...set.row } as ProofRow
    change += worthOf(is) - (was ? worthOf(was) : 0)
    isStray ||= !was && foreign.includes(set.Y)
    known.set(set.Y, is)
  }
  return { change, isStray }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

function proofIn(write: Write): { readonly Y: string; readonly row: Row } | undefined {
  if ('put' in write && write.put === 'proofs') return { Y: textOf(write.row['Y']), row: write.row }
  if ('patch' in write && write.patch === 'proofs') return { Y: textOf(write.key[0]), row: write.set }
  return undefined
}

/** The change of the wallet's money by an ended operation, according to its record. */
function said({ kind, amount, fee, spentElsewhere }: HistoryRow): number {
  // The record of what came excludes the fee. The part of a received token that somebody else had spent never came.
  if (kind === 'receive' || kind === 'mint' || kind === 'restore') return amount
  const gone = fee + spentElsewhere
  return kind === 'swap' ? -gone : -amount - gone
}

/** Counts a commit. If an operation ends with it, compares the operation's record with what it has moved. */
export function counted(
  writes: readonly Write[],
  of: {
    readonly before: Dump
    readonly moved: Moved
    /** The Ys of coins that others have, including another device with the same seed. */
    readonly foreign: readonly string[]
  },
): { readonly moved: Moved; readonly wrong: readonly `books: ${string}`[] } {
  const { by, strayed } = of.moved
  const [operation, another] = writes.flatMap((write) => operationIn(write) ?? [])
  const { change, isStray } = changeBy(writes, of)
  if (change !== 0 && (!operation || another)) return { moved: of.moved, wrong: [`books: ${change} by no operation`] }
  if (!operation) return { moved: of.moved, wrong: [] }
  const { id, kind, state, status } = operation
  const is = (by[id] ?? 0) + change
  const moved: Moved = {
    by: change === 0 ? by : { ...by, [id]: is },
    // A restore is meant to find such coins, and its record includes them.
    strayed: isStray && kind !== 'restore' ? [...strayed, id] : strayed,
  }
  if (status !== 'done' || moved.strayed.includes(id)) return { moved, wrong: [] }
  const record = writes.find((write) => 'put' in write && write.put === 'history' && write.row['id'] === id)
  const claimed = record && 'put' in record ? said(record.row as HistoryRow) : undefined
  if (claimed === is) return { moved, wrong: [] }
  const what = `${kind} ended in '${state}' and moved ${is}; its record says ${claimed ?? 'nothing'}`
  return { moved, wrong: [`books: ${what}`] }
}

/**
 * Whether all records add up to the wallet's money. An operation that has not ended counts with what it has moved so
 * far.
 */
export function unbalanced(wallet: Dump, { by, strayed }: Moved): readonly `books: ${string}`[] {
  const { history, operations, proofs } = walletRows(wallet)
  const isStated = new Set(
    operations.filter(({ id, status }) => status === 'done' && !strayed.includes(id)).map(({ id }) => id),
  )
  const told = history.reduce((sum, it) => sum + (isStated.has(it.id) ? said(it) : (by[it.id] ?? 0)), 0)
  const has = proofs.reduce((sum, row) => sum + worthOf(row), 0)
  return told === has ? [] : [`books: the wallet has ${has}, and its history comes to ${told}`]
}

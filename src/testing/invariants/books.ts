/**
 * Whether the history adds up: by how much each operation changed what the wallet has, against what its record says came
 * and went.
 */
import type { Dump } from '../../store/memory.ts'
import type { Row, Write } from '../../store/port.ts'
import type { HistoryRow, ProofRow } from '../../wallet/tables.ts'
import { operationIn, walletRows } from './rows.ts'

/** What operations have done to the wallet's money so far. */
export interface Moved {
  /** By how much each has changed it. */
  readonly by: Readonly<Record<string, number>>
  /**
   * Those that are not held against their records: they took a coin which another device with the same seed had made for
   * itself, or began before anybody counted.
   */
  readonly strayed: readonly string[]
}

export const NOTHING_MOVED: Moved = { by: {}, strayed: [] }

/** With this begins the reason of a coin that a restore found, and that may be somebody else’s: it has not come yet. */
const RESTORED = 'restored'

/** What a coin is worth to the wallet. */
const worthOf = ({ state, amount, reason }: Pick<ProofRow, 'state' | 'amount' | 'reason'>): number =>
  state === 'spendable' || state === 'reserved' || (state === 'held' && reason?.startsWith(RESTORED) !== true) ? amount : 0 // prettier-ignore

/** By how much a commit changes what the wallet has; and whether a coin of another device is among what came. */
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

/** By how much an operation that has ended has changed what the wallet has, as its record says. */
function said({ kind, amount, fee, spentElsewhere }: HistoryRow): number {
  // What came is told without the fee; of a token that is received, what somebody else had spent was never here.
  if (kind === 'receive' || kind === 'mint' || kind === 'restore') return amount
  const gone = fee + spentElsewhere
  return kind === 'swap' ? -gone : -amount - gone
}

/** Counts a commit; and where an operation ends with it, holds the operation's record against what it has moved. */
export function counted(
  writes: readonly Write[],
  of: {
    readonly before: Dump
    readonly moved: Moved
    /** The Ys of coins that others have, another device with the same seed among them. */
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
    // A restore is there to find such coins, and says so.
    strayed: isStray && kind !== 'restore' ? [...strayed, id] : strayed,
  }
  if (status !== 'done' || moved.strayed.includes(id)) return { moved, wrong: [] }
  const record = writes.find((write) => 'put' in write && write.put === 'history' && write.row['id'] === id)
  const claimed = record && 'put' in record ? said(record.row as HistoryRow) : undefined
  if (claimed === is) return { moved, wrong: [] }
  const what = `${kind} ended in '${state}' and moved ${is}; its record says ${claimed ?? 'nothing'}`
  return { moved, wrong: [`books: ${what}`] }
}

/** Whether what all records say adds up to what the wallet has. What has not ended counts as it is so far. */
export function unbalanced(wallet: Dump, { by, strayed }: Moved): readonly `books: ${string}`[] {
  const { history, operations, proofs } = walletRows(wallet)
  const isStated = new Set(
    operations.filter(({ id, status }) => status === 'done' && !strayed.includes(id)).map(({ id }) => id),
  )
  const told = history.reduce((sum, it) => sum + (isStated.has(it.id) ? said(it) : (by[it.id] ?? 0)), 0)
  const has = proofs.reduce((sum, row) => sum + worthOf(row), 0)
  return told === has ? [] : [`books: the wallet has ${has}, and its history comes to ${told}`]
}

/** What a run comes to: for people, and for machines. */
import { holds, type Audit, type Listed } from './balances.ts'
import type { Progress } from './lab.ts'

export interface Result {
  readonly kills: number
  /** Kills by `kind.state` of what was hit, as of its last reported commit. */
  readonly killedIn: Readonly<Record<string, number>>
  readonly operations: readonly {
    readonly id: string
    readonly kind: string
    readonly state: string
    readonly resumed: number
  }[]
  readonly stuck: number
  readonly mint: { readonly issued: number; readonly redeemed: number }
  readonly wallets: Readonly<Record<'spendable' | 'reserved' | 'outstanding' | 'held' | 'paid' | 'fees', number>>
  readonly conserved: boolean
}

export function resultOf(progress: Progress, audit: Audit): Result {
  const { kills, operations } = progress
  const { after, operations: listed, checks } = audit
  const killedIn: Record<string, number> = {}
  for (const { kind, state } of kills) {
    const at = `${kind}.${state}`
    killedIn[at] = (killedIn[at] ?? 0) + 1
  }
  const { spendable, reserved, outstanding, held, paid, fees } = after.wallets
  return {
    kills: kills.length,
    killedIn,
    operations: listed.map(({ id, kind, state }) => ({ id, kind, state, resumed: operations.get(id)?.resumed ?? 0 })),
    stuck: stuckOf(progress, audit).length,
    mint: { issued: after.mint.issued, redeemed: after.mint.redeemed },
    wallets: { spendable, reserved, outstanding, held, paid, fees },
    conserved: checks.every(holds),
  }
}

/** Operations that have not ended, or that a process waited for in vain. */
export function stuckOf({ stuck }: Progress, { operations }: Audit): Listed[] {
  return operations.filter(({ id, ended }) => !ended || stuck.some((seen) => seen.id === id))
}

/** How operations end that did what was asked. */
const SUCCESS = ['issued', 'paid', 'claimed', 'reclaimed', 'received', 'receivedPartly', 'swapped', 'restored']

/** Operations that ended otherwise than was asked: right where the mint says so, and nowhere else. */
export const failedOf = <O extends { readonly state: string }>({ operations }: { operations: readonly O[] }): O[] =>
  operations.filter(({ state }) => !SUCCESS.includes(state))

export const isFine = ({ stuck, conserved }: Result): boolean => stuck === 0 && conserved

const COLUMNS = [
  'issued',
  'received',
  'spendable',
  'reserved',
  'outstanding',
  'held',
  'claimed',
  'paid',
  'fees',
] as const

/** Of a column of figures. */
const LEAST_WIDTH = 7

/** The balances as a table, and what was compared; of the wallets' own sums only those that are wrong. */
export function printAudit(out: NodeJS.WritableStream, progress: Progress, audit: Audit): void {
  const { before, after, checks } = audit
  const wallets = Object.entries(before.byWallet)
  const width = Math.max(...wallets.map(([name]) => name.length), 'together'.length)
  const widths = COLUMNS.map((column) => Math.max(LEAST_WIDTH, column.length))
  const print = (name: string, cells: readonly (string | number)[]): void =>
    void out.write(`${name.padEnd(width)} ${widths.map((each, at) => String(cells[at]).padStart(each)).join(' ')}\n`)
  out.write('\n')
  print('sat', COLUMNS)
  for (const [name, figures] of [...wallets, ['together', before.wallets] as const])
    print(name, COLUMNS.map((column) => figures[column])) // prettier-ignore
  const { issued, redeemed, received, payments } = before.mint
  out.write(`the mint: signed ${issued}, redeemed ${redeemed}, received ${received}, paid ${payments} invoices\n`)
  out.write(`swapped once more by a fresh wallet: ${after.byWallet['auditor']?.spendable ?? 0}\n\n`)
  for (const check of checks.filter((check) => !holds(check) || check.wallet === undefined))
    out.write(`${holds(check) ? 'ok ' : 'BAD'} ${check.what}: ${check.left} = ${check.right}\n`)
  for (const { wallet, kind, state, id, ended, why } of stuckOf(progress, audit))
    out.write(`BAD ${wallet}: ${kind}.${state} ${ended ? 'was waited for in vain' : `goes on: ${why}`} (${id})\n`)
}

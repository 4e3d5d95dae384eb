/** What a run comes to: for people, and for machines. */
import { holds, type Audit } from './books.ts'
import type { Progress } from './lab.ts'

export interface Result {
  readonly kills: number
  /** Kills by `kind.state` of what was struck, as of its last reported commit. */
  readonly killedIn: Readonly<Record<string, number>>
  readonly operations: readonly {
    readonly id: string
    readonly kind: string
    readonly state: string
    readonly resumed: number
  }[]
  /** Operations that have not ended. */
  readonly stuck: number
  readonly mint: { readonly issued: number; readonly redeemed: number }
  readonly wallets: Readonly<Record<'spendable' | 'reserved' | 'outstanding' | 'held' | 'paid' | 'fees', number>>
  readonly conserved: boolean
}

export function resultOf({ kills, operations }: Progress, { after, operations: listed, checks }: Audit): Result {
  const killedIn: Record<string, number> = {}
  for (const { sight } of kills) {
    const at = `${sight.kind}.${sight.state}`
    killedIn[at] = (killedIn[at] ?? 0) + 1
  }
  const { spendable, reserved, outstanding, held, paid, fees } = after.wallets
  return {
    kills: kills.length,
    killedIn,
    operations: listed.map(({ id, kind, state }) => ({ id, kind, state, resumed: operations.get(id)?.resumed ?? 0 })),
    stuck: listed.filter(({ ended }) => !ended).length,
    mint: { issued: after.mint.issued, redeemed: after.mint.redeemed },
    wallets: { spendable, reserved, outstanding, held, paid, fees },
    conserved: checks.every(holds),
  }
}

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

/** The books as a table, and what was compared; of the wallets' own sums only those that are wrong. */
export function printAudit(out: NodeJS.WritableStream, { before, after, checks }: Audit): void {
  const wallets = Object.entries(before.byWallet)
  const width = Math.max(...wallets.map(([name]) => name.length), 'together'.length)
  const print = (name: string, cells: readonly (string | number)[]): void =>
    void out.write(`${name.padEnd(width)} ${cells.map((cell) => String(cell).padStart(11)).join(' ')}\n`)
  out.write('\n')
  print('sat', COLUMNS)
  for (const [name, figures] of [...wallets, ['together', before.wallets] as const])
    print(name, COLUMNS.map((column) => figures[column])) // prettier-ignore
  const { issued, redeemed, received, payments } = before.mint
  out.write(`the mint: signed ${issued}, redeemed ${redeemed}, received ${received}, paid ${payments} invoices\n`)
  out.write(`swapped once more by a fresh wallet: ${after.byWallet['auditor']?.spendable ?? 0}\n\n`)
  for (const check of checks.filter((check) => !holds(check) || check.wallet === undefined))
    out.write(`${holds(check) ? 'ok ' : 'BAD'} ${check.what}: ${check.left} = ${check.right}\n`)
}

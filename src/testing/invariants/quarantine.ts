/**
 * Operations that are set aside for a person. That is right after the mint has contradicted itself, once for each lie.
 * It is also right in states that the scenario names, because its mint lies or a person has to decide. In any other
 * case the wallet is at fault, and no person repairs it.
 */
import type { Dump } from '../../store/memory.ts'
import type { OperationKind, OperationRow, PersistedSnapshot } from '../../kernel/define/operation.ts'
import type { Write } from '../../store/port.ts'
import { walletKinds } from '../../wallet/kinds/index.ts'
import { operationIn, operationsIn } from './rows.ts'

/** The number of the mint's lies to the wallet, and the operations that were set aside for them. */
export interface Lies {
  readonly told: number
  readonly fooled: readonly string[]
}

export const isSetAside = (state: string): boolean => /quarantined$/i.test(state)

/**
 * The operations that a commit sets aside. Each needs a lie of its own, except in states in which the scenario expects
 * it.
 */
export function setAside(
  writes: readonly Write[],
  of: { readonly before: Dump; readonly lies: Lies; readonly expected: readonly string[] },
): { readonly lies: Lies; readonly wrong: readonly `quarantined: ${string}`[] } {
  const { before, expected } = of
  const fooled = [...of.lies.fooled]
  const wrong: `quarantined: ${string}`[] = []
  for (const write of writes) {
    const row = operationIn(write)
    if (!row || !isSetAside(row.state) || expected.includes(row.state)) continue
    if (operationsIn(before).some(({ id, state }) => id === row.id && state === row.state)) continue
    if (fooled.length < of.lies.told) fooled.push(row.id)
    else wrong.push(`quarantined: ${row.kind} in '${row.state}', and nobody has lied to it: ${reasonOf(row)}`)
  }
  return { lies: fooled.length === of.lies.fooled.length ? of.lies : { ...of.lies, fooled }, wrong }
}

/** Operations that are still set aside at the end, though the scenario does not expect it. */
export const leftAside = (rows: Dump, expected: readonly string[]): readonly `quarantined: ${string}`[] =>
  operationsIn(rows).flatMap((row): `quarantined: ${string}`[] =>
    isSetAside(row.state) && !expected.includes(row.state)
      ? [`quarantined: ${row.kind} in '${row.state}': ${reasonOf(row)}`]
      : [],
  )

/** Why a wallet’s chart set itself aside. */
function reasonOf({ kind, snapshot }: OperationRow): string {
  const { context } = JSON.parse(snapshot) as PersistedSnapshot
  const of: Pick<OperationKind, 'because'> | undefined = walletKinds.find((it) => it.kind === kind)
  return of?.because?.(context) ?? 'its chart does not say why'
}

/**
 * Mutants: the program with one mistake. The explorer must find each of them, by the invariant that it breaks. A mutant
 * that escapes shows a gap in the explorer. Mutants change the program's text while it is loaded, so the program itself
 * contains no code for them.
 */
import { bountyMutants } from './bounty.ts'
import { kernelMutants } from './kernel.ts'
import { laneMutants } from './lanes.ts'
import { lieMutants } from './lies.ts'
import { mintServerMutants } from './mint-server.ts'
import { moneyMutants } from './money.ts'
import type { Mutant } from './mutant.ts'
import { recoveryMutants } from './recovery.ts'
import { rowMutants } from './rows.ts'
import { sizeMutants } from './sizes.ts'
import { statementMutants } from './statements.ts'

export { mutated, type Mutant } from './mutant.ts'

export const mutants: readonly Mutant[] = [
  ...kernelMutants,
  ...[...moneyMutants, ...recoveryMutants].toSorted((a, b) => a.row! - b.row!),
  ...statementMutants,
  ...rowMutants,
  ...lieMutants,
  ...sizeMutants,
  ...bountyMutants,
  ...mintServerMutants,
  ...laneMutants,
]

/**
 * Mutants: the program with one thing wrong. The explorer must find each of them, by the invariant that it
 * breaks; one that escapes shows what the explorer cannot see. They are changes of the program's text, made while it
 * is loaded, so that the program itself knows nothing of them.
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

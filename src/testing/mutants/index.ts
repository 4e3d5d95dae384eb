/**
 * Planted mistakes: the program with one thing wrong. The explorer must find each of them, by the invariant that it
 * breaks; one that escapes shows what the explorer cannot see. They are changes of the program's text, made while it
 * is loaded, so that the program itself knows nothing of them.
 */
import { bountyPlants } from './bounty.ts'
import { kernelPlants } from './kernel.ts'
import { mintServerPlants } from './mint-server.ts'
import { moneyPlants } from './money.ts'
import type { Plant } from './plant.ts'
import { recoveryPlants } from './recovery.ts'
import { statementPlants } from './statements.ts'

export { planted, type Plant } from './plant.ts'

export const plants: readonly Plant[] = [
  ...kernelPlants,
  ...[...moneyPlants, ...recoveryPlants].toSorted((a, b) => a.row! - b.row!),
  ...statementPlants,
  ...bountyPlants,
  ...mintServerPlants,
]

/** All scenarios that the explorer runs; one list, so that nothing is left out by forgetting it. */
import type { Scenario, Stage } from '../subject.ts'
import { onWallet } from '../wallet-subject.ts'
import { alongside } from './alongside.ts'
import { bountyScenarios } from './bounty.ts'
import { mintServerScenarios } from './mint-server.ts'
import { melts } from './melt.ts'
import { mints } from './mint.ts'
import { receives } from './receive.ts'
import { restores } from './restore.ts'
import { sends } from './send.ts'
import { swaps } from './swap.ts'
import type { Table } from './table.ts'
import { acrossTheWire } from './wire.ts'

export const tables: readonly Table[] = [mints, melts, receives, swaps, sends, restores]
export const scenarios: readonly Scenario<Stage>[] = [
  ...[...tables.flatMap((table) => table.scenarios), ...alongside, ...acrossTheWire].map(onWallet),
  ...bountyScenarios,
  ...mintServerScenarios,
]

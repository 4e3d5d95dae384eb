/** All scenarios of the explorer, in one list, so that none is forgotten. */
import type { Scenario, Stage } from '../explorer/subject.ts'
import { onWallet } from '../environments/wallet-subject.ts'
import { alongside } from './alongside.ts'
import { receiveDialects, sendDialects, swapDialects } from './dialect-exchanges.ts'
import { lyingQuotes, meltDialects, mintDialects, oddAmount, restoreDialects } from './dialect-quotes.ts'
import { bountyScenarios } from './bounty.ts'
import { forged } from './forged.ts'
import { mintServerScenarios } from './mint-server.ts'
import { leasts, misproven } from './least.ts'
import { melts } from './melt.ts'
import { meltEnds } from './melt-ends.ts'
import { keysetsRefused, mints } from './mint.ts'
import { nonsense } from './nonsense.ts'
import { pairs } from './pairs.ts'
import { rarities } from './rare.ts'
import { receives } from './receive.ts'
import { restores } from './restore.ts'
import { sends } from './send.ts'
import { sizes } from './sizes.ts'
import { stateless } from './stateless.ts'
import { swaps } from './swap.ts'
import type { Table } from './table.ts'
import { upset } from './upset.ts'
import { acrossTheWire } from './wire.ts'

export const tables: readonly Table[] = [mints, melts, receives, swaps, sends, restores]
/** The scenarios of each kind at mints that differ permanently. */
export const dialectTables: readonly Table[] = [
  mintDialects,
  meltDialects,
  receiveDialects,
  swapDialects,
  sendDialects,
  restoreDialects,
]
const dialects = [...dialectTables.flatMap((table) => table.scenarios), ...lyingQuotes, oddAmount, keysetsRefused]
export const scenarios: readonly Scenario<Stage>[] = [
  ...[
    ...tables.flatMap((table) => table.scenarios),
    ...alongside,
    ...meltEnds,
    ...nonsense,
    ...acrossTheWire,
    ...dialects,
    ...upset,
    ...forged,
    ...sizes,
    ...pairs,
    ...rarities,
    ...stateless,
    ...leasts,
    misproven,
  ].map(onWallet),
  ...bountyScenarios,
  ...mintServerScenarios,
]

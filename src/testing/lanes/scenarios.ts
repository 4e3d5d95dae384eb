/** The scenarios of the lanes: one plain run of each kind of the wallet, and some that wait. */
import type { Scenario } from '../explorer/subject.ts'
import { onWallet, type WalletScenario, type WalletStage } from '../environments/wallet-subject.ts'
import { manyAtOnce } from '../scenarios/many.ts'
import { melts } from '../scenarios/melt.ts'
import { mints } from '../scenarios/mint.ts'
import { receives } from '../scenarios/receive.ts'
import { restores } from '../scenarios/restore.ts'
import { sends } from '../scenarios/send.ts'
import { swaps } from '../scenarios/swap.ts'
import type { Table } from '../scenarios/table.ts'
import { sure } from '../../sure.ts'

const named = ({ scenarios }: Table, name: string): WalletScenario =>
  sure(
    scenarios.find((it) => it.name === name),
    name,
  )

/** The scenarios of the lane of owners. A quick exploration runs only the first ones. */
export const ownersScenarios: readonly Scenario<WalletStage>[] = [
  named(swaps, 'plain'),
  named(melts, 'paid'),
  named(mints, 'plain'),
  named(sends, 'exact'),
  named(receives, 'plain'),
  named(restores, 'live-wallet'),
].map(onWallet)

/** The scenarios of the lane of groups: several operations that begin at the same moment. */
export const groupScenarios: readonly Scenario<WalletStage>[] = [
  {
    ...manyAtOnce([
      { kind: 'swap', amount: 3, way: 0 },
      { kind: 'send', amount: 8, way: 3 },
      { kind: 'mint', amount: 5, way: 0 },
    ]),
    name: 'kinds-at-once',
  },
  {
    ...manyAtOnce([
      { kind: 'melt', amount: 4, way: 0 },
      { kind: 'receive', amount: 6, way: 0 },
      { kind: 'swap', amount: 8, way: 0 },
    ]),
    name: 'payments-at-once',
  },
]

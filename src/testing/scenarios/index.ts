/** All scenarios that the explorer runs; one list, so that nothing is left out by forgetting it. */
import type { Scenario } from '../subject.ts'
import { onWallet, type WalletStage } from '../wallet-subject.ts'
import { meltScenarios } from './melt.ts'
import { mintScenarios } from './mint.ts'
import { receiveScenarios } from './receive.ts'
import { restoreScenarios } from './restore.ts'
import { sendScenarios } from './send.ts'
import { swapScenarios } from './swap.ts'

export const scenarios: readonly Scenario<WalletStage>[] = [
  ...mintScenarios,
  ...meltScenarios,
  ...receiveScenarios,
  ...swapScenarios,
  ...sendScenarios,
  ...restoreScenarios,
].map(onWallet)

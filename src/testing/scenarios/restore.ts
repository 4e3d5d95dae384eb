import { MINT_URL, type WalletScenario as Scenario, type WalletStage as Stage } from '../wallet-subject.ts'
import { burnCounters, ending, fund, hurry } from './stage.ts'

async function restoreAll(stage: Stage): Promise<void> {
  const { wallet } = stage
  await ending(
    stage,
    async () => (await wallet.restore.prepare({ mintUrl: MINT_URL, key: 'restore' })).execute(),
    'CANCELLED',
  )
}

const scenario = (name: string, rest: Partial<Scenario>): Scenario => ({
  kind: 'restore',
  name,
  setup: (stage) => fund(stage, 4),
  drive: restoreAll,
  ...rest,
})

export const restoreScenarios: readonly Scenario[] = [
  scenario('live-wallet', {}),
  scenario('another-device', {
    async setup(stage) {
      await fund(stage, 4)
      await burnCounters(stage, 2, 5)
    },
  }),
  scenario('empty-wallet', {
    async setup(stage) {
      await stage.wallet.mints.trust(MINT_URL)
      await burnCounters(stage, 2, 120)
    },
  }),
  scenario('old-keyset', {
    async setup(stage) {
      await stage.wallet.mints.trust(MINT_URL)
      await burnCounters(stage, 2, 3)
      await stage.mint.rotate('sat')
    },
  }),
  scenario('impatient', {
    async drive(stage) {
      hurry(stage)
      await restoreAll(stage)
    },
  }),
]

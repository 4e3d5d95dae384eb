import type { MintHandle } from '../../wallet/kinds/mint.ts'
import { MINT_URL, type WalletScenario as Scenario, type WalletStage as Stage } from '../wallet-subject.ts'
import { burnCounters, ending, reaches, hurry } from './stage.ts'

const prepare = ({ wallet }: Stage): Promise<MintHandle> =>
  wallet.mint.prepare({ mintUrl: MINT_URL, amount: 5, key: 'mint' })

/** The operation; undefined where it ended with one of these codes before it had a quote. */
async function quotedOr(stage: Stage, ...codes: string[]): Promise<MintHandle | undefined> {
  let mint: MintHandle | undefined
  await ending(
    stage,
    async () => {
      mint = await prepare(stage)
    },
    ...codes,
  )
  return mint
}

async function mintAmount(stage: Stage): Promise<void> {
  await ending(stage, async () => (await prepare(stage)).finished(), 'REFUSED', 'MINT_UNREACHABLE')
}

const scenario = (name: string, rest: Partial<Scenario>): Scenario => ({
  kind: 'mint',
  name,
  setup: async ({ wallet }) => void (await wallet.mints.trust(MINT_URL)),
  drive: mintAmount,
  ...rest,
})

export const mintScenarios: readonly Scenario[] = [
  scenario('plain', {}),
  scenario('no-replay-cache', { mint: { without: [19] } }),
  scenario('unlocked', { mint: { without: [20] } }),
  scenario('keyset-rotated', {
    async setup({ wallet, mint }) {
      await wallet.mints.trust(MINT_URL)
      await mint.rotate('sat')
    },
  }),
  scenario('counter-collision', {
    async setup(stage) {
      await stage.wallet.mints.trust(MINT_URL)
      await burnCounters(stage, 2)
    },
  }),
  scenario('expired', {
    mint: { autoPayMs: 10_000_000_000, quoteTtlMs: 60_000 },
    drive: (stage) =>
      ending(stage, async () => (await prepare(stage)).finished(), 'REFUSED', 'MINT_UNREACHABLE', 'QUOTE_EXPIRED'),
  }),
  scenario('paid-late', {
    mint: { autoPayMs: 7_200_000, quoteTtlMs: 60_000 },
    async drive(stage) {
      const mint = await quotedOr(stage, 'REFUSED', 'MINT_UNREACHABLE')
      if (mint) await reaches(stage, mint.id, 'issued')
    },
  }),
  scenario('cancelled', {
    mint: { autoPayMs: 10_000_000_000 },
    async drive(stage) {
      const mint = await quotedOr(stage, 'REFUSED', 'MINT_UNREACHABLE', 'CANCELLED')
      if (!mint) return
      if (mint.state === 'unpaid') await mint.cancel()
      await ending(stage, () => mint.finished(), 'CANCELLED')
    },
  }),
  scenario('impatient', {
    async drive(stage) {
      hurry(stage)
      await mintAmount(stage)
    },
  }),
]

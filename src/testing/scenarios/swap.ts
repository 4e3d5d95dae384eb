import type { ProofRow } from '../../wallet/tables.ts'
import { MINT_URL, type WalletScenario as Scenario, type WalletStage as Stage } from '../wallet-subject.ts'
import { burnCounters, ending, fund, spendElsewhere, hurry } from './stage.ts'

async function swapAmounts(stage: Stage, key = 'swap'): Promise<void> {
  const run = async (): Promise<unknown> =>
    (await stage.wallet.swap.prepare({ mintUrl: MINT_URL, amounts: [1, 2], key })).execute()
  await ending(stage, run, 'REFUSED', 'SPENT_ELSEWHERE', 'CANCELLED')
}

const scenario = (name: string, rest: Partial<Scenario>): Scenario => ({
  kind: 'swap',
  name,
  setup: (stage) => fund(stage, 8),
  drive: swapAmounts,
  ...rest,
})

export const swapScenarios: readonly Scenario[] = [
  scenario('plain', {}),
  scenario('fees', { mint: { feePpk: 500 }, setup: (stage) => fund(stage, 4, 4) }),
  scenario('no-replay-cache', { mint: { without: [19] } }),
  scenario('keyset-rotated', {
    async setup(stage) {
      await fund(stage, 8)
      await stage.mint.rotate('sat', { feePpk: 100 })
    },
  }),
  scenario('spent-elsewhere', {
    async setup(stage) {
      await fund(stage, 8)
      const { proofs } = stage.rows()
      await spendElsewhere(
        stage,
        (proofs as unknown as ProofRow[]).map((row) => ({ ...row, id: row.keysetId }) as never),
      )
    },
  }),
  scenario('counter-collision', {
    async setup(stage) {
      await fund(stage, 8)
      await burnCounters(stage, 1, 2)
    },
  }),
  scenario('cancelled', {
    async drive(stage) {
      const swap = await stage.wallet.swap.prepare({ mintUrl: MINT_URL, amounts: [1, 2], key: 'swap' })
      if (swap.state === 'prepared') await swap.cancel()
      await ending(stage, () => swap.finished(), 'CANCELLED')
    },
  }),
  scenario('forgotten', {
    async drive(stage) {
      const swap = await stage.wallet.swap.prepare({ mintUrl: MINT_URL, amounts: [1, 2], key: 'swap' })
      await ending(stage, () => swap.finished(), 'CANCELLED')
    },
  }),
  scenario('impatient', {
    async drive(stage) {
      hurry(stage)
      await swapAmounts(stage)
    },
  }),
  scenario('two-tabs', {
    setup: (stage) => fund(stage, 8, 8),
    async drive(stage) {
      const other = { ...stage, wallet: await stage.another() }
      await Promise.all([swapAmounts(stage), swapAmounts(other, 'other')])
      await other.wallet.close()
    },
  }),
  // One tab executes what the other cancels.
  scenario('two-minds', {
    async drive(stage) {
      const other = await stage.another()
      const swap = await stage.wallet.swap.prepare({ mintUrl: MINT_URL, amounts: [1, 2], key: 'swap' })
      const same = await other.swap.get(swap.id)
      const cancel = async (): Promise<void> => {
        await ending({ ...stage, wallet: other }, () => same.cancel(), 'NOT_NOW')
      }
      await Promise.all([ending(stage, () => swap.execute(), 'CANCELLED', 'REFUSED'), cancel()])
      await other.close()
    },
  }),
  // A listener that calls the wallet about the very operation that it hears of, and waits for the answer.
  scenario('listening', {
    async drive(stage) {
      const listener = async ({ id, state }: { id: string; state: string }): Promise<unknown> =>
        state === 'exchanging.swapping' && stage.wallet.operations.cancel(id).catch(() => {})
      stage.wallet.on('operation', listener as (event: object) => unknown)
      await swapAmounts(stage)
    },
  }),
]

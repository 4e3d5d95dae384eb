import { MINT_URL, type WalletScenario as Scenario, type WalletStage as Stage } from '../wallet-subject.ts'
import { ending, fund, reaches, hurry } from './stage.ts'

const ENDS = ['REFUSED', 'CANCELLED', 'PAYMENT_FAILED', 'PAYMENT_FENCED', 'INSUFFICIENT_FUNDS', 'MINT_UNREACHABLE']

const setup =
  (memo: object, ...amounts: number[]) =>
  async (stage: Stage): Promise<void> => {
    await fund(stage, ...amounts)
    stage.note('invoice', stage.invoice(4, memo))
  }

async function pay(stage: Stage): Promise<void> {
  const run = async (): Promise<void> => {
    const melt = await stage.wallet.melt.prepare({
      mintUrl: MINT_URL,
      request: stage.notes['invoice'] as string,
      key: 'melt',
    })
    await melt.execute()
    await melt.finished()
    // The change may come later, and belongs to the books.
    if (melt.state === 'changePending') await reaches(stage, melt.id, 'paid')
  }
  await ending(stage, run, ...ENDS)
}

const scenario = (name: string, rest: Partial<Scenario>): Scenario => ({
  kind: 'melt',
  name,
  setup: setup({}, 16),
  drive: pay,
  ...rest,
})

export const meltScenarios: readonly Scenario[] = [
  scenario('paid', {}),
  scenario('paid-fees', { mint: { feePpk: 300 }, setup: setup({}, 8, 4) }),
  scenario('no-replay-cache', { mint: { without: [19] } }),
  scenario('without-change', { mint: { without: [8] }, setup: setup({}, 4, 2) }),
  scenario('failed', { setup: setup({ pay_invoice_state: 'FAILED' }, 16) }),
  scenario('pending-then-paid', { setup: setup({ pay_invoice_state: 'PENDING', check_payment_state: 'PAID' }, 16) }),
  scenario('pending-then-failed', {
    setup: setup({ pay_invoice_state: 'PENDING', check_payment_state: 'FAILED' }, 16),
  }),
  scenario('unknown-then-paid', { setup: setup({ pay_err: true, check_payment_state: 'PAID' }, 16) }),
  scenario('keyset-rotated', {
    async setup(stage) {
      await setup({}, 16)(stage)
      await stage.mint.rotate('sat')
    },
  }),
  scenario('cancelled', {
    async drive(stage) {
      const run = async (): Promise<void> => {
        const melt = await stage.wallet.melt.prepare({
          mintUrl: MINT_URL,
          request: stage.notes['invoice'] as string,
          key: 'melt',
        })
        if (melt.state === 'prepared') await melt.cancel()
        await melt.finished()
      }
      await ending(stage, run, ...ENDS)
    },
  }),
  scenario('impatient', {
    setup: setup({ pay_invoice_state: 'PENDING', check_payment_state: 'PAID' }, 16),
    async drive(stage) {
      hurry(stage)
      await pay(stage)
    },
  }),
]

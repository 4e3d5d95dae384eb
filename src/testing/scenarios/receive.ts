import type { WalletScenario as Scenario, WalletStage as Stage } from '../wallet-subject.ts'
import { MINT_URL } from '../wallet-subject.ts'
import { burnCounters, ending, foreignProofs, giveUp, insist, pause, spendElsewhere, tokenOf, hurry } from './stage.ts'

const setup =
  (...amounts: number[]) =>
  async (stage: Stage): Promise<void> => {
    await stage.wallet.mints.trust(MINT_URL)
    stage.note('token', tokenOf(await foreignProofs(stage, amounts)))
  }

/** A mint that refuses for good leaves the token with whoever has it: that is an end like others. */
async function receiveToken(stage: Stage): Promise<void> {
  const { wallet, notes } = stage
  const run = async (): Promise<unknown> =>
    (await wallet.receive.prepare({ token: notes['token'] as string, key: 'receive' })).execute()
  await ending(stage, run, 'REFUSED', 'CANCELLED', ...((notes['ends'] as string[] | undefined) ?? []))
}

const scenario = (name: string, rest: Pick<Scenario, 'setup'> & Partial<Scenario>): Scenario => ({
  kind: 'receive',
  name,
  drive: receiveToken,
  ...rest,
})

export const receiveScenarios: readonly Scenario[] = [
  scenario('plain', { setup: setup(1, 4) }),
  scenario('fees', { mint: { feePpk: 300 }, setup: setup(1, 4) }),
  scenario('no-replay-cache', { mint: { without: [19] }, setup: setup(1, 4) }),
  scenario('partly-spent', {
    async setup(stage) {
      await stage.wallet.mints.trust(MINT_URL)
      const proofs = await foreignProofs(stage, [2, 8])
      stage.note('token', tokenOf(proofs))
      await spendElsewhere(stage, proofs.slice(0, 1))
    },
  }),
  scenario('all-spent', {
    async setup(stage) {
      await stage.wallet.mints.trust(MINT_URL)
      const proofs = await foreignProofs(stage, [2])
      stage.note('token', tokenOf(proofs))
      stage.note('ends', ['ALREADY_SPENT'])
      await spendElsewhere(stage, proofs)
    },
  }),
  scenario('keyset-rotated', {
    async setup(stage) {
      await setup(1, 4)(stage)
      await stage.mint.rotate('sat')
    },
  }),
  scenario('worthless', {
    async setup(stage) {
      await stage.wallet.mints.trust(MINT_URL)
      const [proof] = await foreignProofs(stage, [4])
      stage.note('token', tokenOf([{ ...proof!, secret: 'another secret' }]))
    },
    async drive(stage) {
      await giveUp(stage)
      await receiveToken(stage)
    },
  }),
  scenario('counter-collision', {
    async setup(stage) {
      await setup(1, 4)(stage)
      await burnCounters(stage, 2)
    },
  }),
  scenario('impatient', {
    setup: setup(1, 4),
    async drive(stage) {
      hurry(stage)
      await receiveToken(stage)
    },
  }),
  scenario('distrusted', {
    async setup(stage) {
      const { wallet } = stage
      await setup(1, 4)(stage)
      stage.note('id', (await wallet.receive.prepare({ token: stage.notes['token'] as string })).id)
      await wallet.mints.distrust(MINT_URL)
    },
    async drive(stage) {
      const { wallet, notes } = stage
      const receive = async (): Promise<unknown> => (await wallet.receive.get(notes['id'] as string)).execute()
      const trust = async (): Promise<void> => {
        await pause(stage, 60_000)
        await insist(stage, () => wallet.mints.trust(MINT_URL))
      }
      await Promise.all([ending(stage, receive, 'REFUSED', 'CANCELLED'), trust()])
    },
  }),
]

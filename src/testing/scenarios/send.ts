import type { SendHandle } from '../../wallet/kinds/send.ts'
import { MINT_URL, type WalletScenario as Scenario, type WalletStage as Stage } from '../wallet-subject.ts'
import { claim, ending, fund, hurry, pause } from './stage.ts'

const ENDS = ['REFUSED', 'SPENT_ELSEWHERE', 'CANCELLED']

const MANY = 12

/** Makes the token, and writes it down; the text must be the same in every life. */
async function makeToken(stage: Stage, amount: number): Promise<SendHandle | undefined> {
  let made: SendHandle | undefined
  const run = async (): Promise<void> => {
    const send = await stage.wallet.send.prepare({ mintUrl: MINT_URL, amount, key: 'send' })
    const { token } = await send.execute()
    const before = stage.notes['sent']
    if (before !== undefined && before !== token) throw new Error('asked again, the send gave another token')
    stage.note('sent', token)
    made = send
  }
  await ending(stage, run, ...ENDS)
  return made
}

async function claimed(stage: Stage, amount: number): Promise<void> {
  const send = await makeToken(stage, amount)
  if (!send) return
  if (stage.notes['claimed'] === undefined) {
    await claim(stage, send.token!)
    stage.note('claimed', true)
  }
  await ending(stage, () => send.finished())
}

async function reclaimed(stage: Stage, amount: number): Promise<void> {
  const send = await makeToken(stage, amount)
  if (send) await ending(stage, () => send.reclaim(), 'REFUSED')
}

const scenario = (name: string, rest: Partial<Scenario> & Pick<Scenario, 'drive'>): Scenario => ({
  kind: 'send',
  name,
  setup: (stage) => fund(stage, 8),
  ...rest,
})

export const sendScenarios: readonly Scenario[] = [
  scenario('exact', { drive: (stage) => claimed(stage, 8) }),
  scenario('swapped', { drive: (stage) => claimed(stage, 3) }),
  scenario('swapped-fees', { mint: { feePpk: 400 }, drive: (stage) => claimed(stage, 3) }),
  scenario('exact-reclaimed', { drive: (stage) => reclaimed(stage, 8) }),
  scenario('swapped-reclaimed', { mint: { without: [19] }, drive: (stage) => reclaimed(stage, 3) }),
  scenario('reclaimed-late', {
    async drive(stage) {
      const send = await makeToken(stage, 8)
      if (!send) return
      if (stage.notes['claimed'] === undefined) {
        await claim(stage, send.token!)
        stage.note('claimed', true)
      }
      await ending(stage, () => send.reclaim(), 'REFUSED', 'NOT_NOW')
      await ending(stage, () => send.finished())
    },
  }),
  scenario('partly-claimed', {
    setup: (stage) => fund(stage, 1, 2),
    async drive(stage) {
      const send = await makeToken(stage, 3)
      if (!send) return
      if (stage.notes['claimed'] === undefined) {
        await claim(stage, send.token!, 1)
        stage.note('claimed', true)
      }
      await ending(stage, () => send.reclaim(), 'REFUSED')
    },
  }),
  scenario('keyset-rotated', {
    async setup(stage) {
      await fund(stage, 8)
      await stage.mint.rotate('sat')
    },
    drive: (stage) => claimed(stage, 3),
  }),
  scenario('cancelled', {
    async drive(stage) {
      const send = await stage.wallet.send.prepare({ mintUrl: MINT_URL, amount: 3, key: 'send' })
      if (send.state === 'prepared') await send.cancel()
      await ending(stage, () => send.finished(), 'CANCELLED')
    },
  }),
  scenario('impatient', {
    async drive(stage) {
      hurry(stage)
      await reclaimed(stage, 3)
    },
  }),
  // Many tokens that nobody has claimed are asked about together.
  scenario('many', {
    async setup(stage) {
      await fund(stage, 8, 4)
      const amounts = Array.from({ length: MANY }, () => 1)
      await (await stage.wallet.swap.prepare({ mintUrl: MINT_URL, amounts })).execute()
      for (const amount of amounts) await (await stage.wallet.send.prepare({ mintUrl: MINT_URL, amount })).execute()
    },
    async drive(stage) {
      await pause(stage, 10_000)
      if (stage.requests() >= MANY) stage.violated(`start-up: ${stage.requests()} requests for ${MANY} tokens`)
    },
  }),
]

/**
 * A mint without state checks (NUT-07), for good: only its refusals and its signatures show what became of coins. Nobody
 * else has them, or somebody has spent some of them, or all.
 */
import { MINT_URL, type WalletScenario as Scenario, type WalletStage as Stage } from '../environments/wallet-subject.ts'
import { notedText } from '../explorer/notes.ts'
import { ending, foreignProofs, fund, rob, speak, spendable, spendElsewhere, tokenOf } from './stage.ts'

const SPENT = ['none', 'some', 'all'] as const
type Spent = (typeof SPENT)[number]

const ENDS = ['REFUSED', 'SPENT_ELSEWHERE', 'ALREADY_SPENT', 'INSUFFICIENT_FUNDS', 'CANCELLED']

/** Those of the coins that are spent. */
const spentOf = <P>(proofs: readonly P[], spent: Spent): readonly P[] =>
  spent === 'all' ? proofs : spent === 'some' ? proofs.slice(0, 1) : []

/** Another device has spent some of the wallet's coins, once. */
async function robbed(stage: Stage, spent: Spent): Promise<void> {
  if (spent === 'none' || stage.notes['robbed'] !== undefined) return
  await rob(stage, spentOf(spendable(stage), spent))
}

const byKind: Readonly<Record<string, (spent: Spent) => Pick<Scenario, 'setup' | 'drive'>>> = {
  swap: (spent) => ({
    async setup(stage) {
      await fund(stage, 8, 4)
      speak(stage, { without: [7] })
      await robbed(stage, spent)
    },
    async drive(stage) {
      const swap = await stage.wallet.swap.prepare({ mintUrl: MINT_URL, amounts: [1, 2, 8], key: 'swap' })
      await ending(stage, () => swap.execute(), ...ENDS)
    },
  }),
  receive: (spent) => ({
    async setup(stage) {
      await fund(stage)
      const proofs = await foreignProofs(stage, [2, 4, 8])
      stage.note('token', tokenOf(proofs))
      if (spent !== 'none') await spendElsewhere(stage, spentOf(proofs, spent))
      speak(stage, { without: [7] })
    },
    async drive(stage) {
      const receive = await stage.wallet.receive.prepare({ token: notedText(stage.notes, 'token'), key: 'receive' })
      await ending(stage, () => receive.execute(), ...ENDS)
      const { error } = await stage.wallet.history.get(receive.id)
      if (spent === 'some' && error?.detail.includes('every proof'))
        stage.violated('misstated: all proofs of a token are said to be spent, and one is')
    },
  }),
  send: (spent) => ({
    async setup(stage) {
      await fund(stage, 8, 4)
      speak(stage, { without: [7] })
      await robbed(stage, spent)
    },
    async drive(stage) {
      const run = async (): Promise<void> => {
        const send = await stage.wallet.send.prepare({ mintUrl: MINT_URL, amount: 9, key: 'send' })
        await send.execute()
        await send.reclaim()
      }
      await ending(stage, run, ...ENDS)
    },
  }),
}

export const stateless: readonly Scenario[] = Object.entries(byKind).flatMap(([kind, of]) =>
  SPENT.map((spent): Scenario => ({ kind, name: `stateless-spent-${spent}`, depth: 1, ...of(spent) })),
)

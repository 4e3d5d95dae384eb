import { MINT_URL, type WalletStage as Stage } from '../environments/wallet-subject.ts'
import { abandon, ending, fund, rob, spendable } from './stage.ts'
import { table, type Row } from './table.ts'
import { behave, retire, traits, faultyMint, MINT_FAULTS } from './mint-faults.ts'

const ENDS = ['REFUSED', 'NO_ACTIVE_KEYSET', 'TOO_SMALL', 'SPENT_ELSEWHERE', 'CANCELLED']

const prepare = ({ wallet }: Stage, key: string) => wallet.swap.prepare({ mintUrl: MINT_URL, amounts: [1, 2], key })

const FACTORS = {
  ...MINT_FAULTS,
  lacks: ['nothing', '09', '19'],
  /** Whose the inputs are: another device with the same seed may have spent them. */
  inputs: ['ours', 'spent'],
  /** `no`: one is forgotten, and one cancelled, before anything is sent. */
  wanted: ['yes', 'no'],
} as const

type SwapRow = Row<typeof FACTORS>

async function drive(stage: Stage, row: SwapRow): Promise<void> {
  if (row.wanted === 'no') {
    const forgotten = await prepare(stage, 'forgotten')
    await ending(stage, () => forgotten.finished(), 'CANCELLED')
  }
  const swap = await prepare(stage, 'swap')
  if (row.keyset === 'retired' && swap.state === 'prepared') await retire(stage)
  if (row.wanted === 'no') await abandon(stage, swap)
  await ending(stage, () => (row.wanted === 'no' ? swap.finished() : swap.execute()), ...ENDS)
}

export const swaps = table({
  kind: 'swap',
  factors: FACTORS,
  impossible: [['wanted: no', '*', 'it is given up before anything is sent']],
  rows: {
    plain: {},
    'no-replay-cache': { lacks: '19' },
    'keyset-rotated': { keyset: 'rotated' },
    cancelled: { wanted: 'no' },
    'rotated-dear': { keyset: 'rotated', mint: 'dear', fees: 'some', person: 'hasty' },
    'resigned-spent': { fees: 'some', counters: 'gap', mint: 'refuses', person: 'resigned', inputs: 'spent' },
    'without-09-resigned-spent': {
      keyset: 'retired',
      mint: 'refuses',
      lacks: '09',
      person: 'resigned',
      inputs: 'spent',
    },
    'without-19-hasty': {
      fees: 'some',
      keyset: 'retired',
      counters: 'collision',
      mint: 'refuses',
      lacks: '19',
      person: 'hasty',
    },
    'without-19-resigned-spent': {
      fees: 'some',
      keyset: 'rotated',
      counters: 'gap',
      lacks: '19',
      person: 'resigned',
      inputs: 'spent',
    },
    'hasty-spent': { keyset: 'retired', counters: 'collision', person: 'hasty', inputs: 'spent' },
    'without-19-resigned': { counters: 'collision', mint: 'dear', lacks: '19', person: 'resigned' },
    'without-09-hasty': { counters: 'gap', lacks: '09', person: 'hasty' },
    'without-09-spent': { keyset: 'retired', counters: 'gap', mint: 'dear', lacks: '09', inputs: 'spent' },
    'refuses-without-09': { fees: 'some', keyset: 'rotated', counters: 'collision', mint: 'refuses', lacks: '09' },
  },
  scenario: (row) => ({
    mint: traits(row),
    async setup(stage) {
      await fund(stage, 8)
      const ours = spendable(stage)
      await faultyMint(stage, row, 2)
      if (row.inputs === 'spent') await rob(stage, ours)
    },
    drive: (stage) => behave(stage, 'swap', row, () => drive(stage, row)),
  }),
})

import type { SendHandle } from '../../wallet/api-handles.ts'
import { MINT_URL, type WalletStage as Stage } from '../environments/wallet-subject.ts'
import { abandon, claim, ending, fund, rob, spendable } from './stage.ts'
import { table, type Row } from './table.ts'
import { behave, retire, traits, faultyMint, MINT_FAULTS } from './mint-faults.ts'

const ENDS = ['REFUSED', 'NO_ACTIVE_KEYSET', 'TOO_SMALL', 'SPENT_ELSEWHERE', 'CANCELLED', 'MINT_UNREACHABLE']

const prepare = ({ wallet }: Stage, key: string) => wallet.send.prepare({ mintUrl: MINT_URL, amount: 14, key })

/** Notes the token once it exists. Its text must be the same in every life. */
async function tokenOf(stage: Stage, send: SendHandle): Promise<string> {
  const { token } = await send.execute()
  const before = stage.notes['sent']
  if (before !== undefined && before !== token) throw new Error('asked again, the send gave another token')
  stage.note('sent', token)
  return token
}

const FACTORS = {
  ...MINT_FAULTS,
  lacks: ['nothing', '19'],
  form: ['exact', 'swapped'],
  /** `late`: it is claimed, and then a reclaim is tried. `partly`: the rest is reclaimed. */
  end: ['claimed', 'reclaimed', 'partly', 'late'],
  /** Whose the inputs are: another device with the same seed may have spent them. */
  inputs: ['ours', 'spent'],
  /** `no`: one is forgotten, and one cancelled, before anything is sent. */
  wanted: ['yes', 'no'],
} as const

type SendRow = Row<typeof FACTORS>

async function drive(stage: Stage, row: SendRow): Promise<void> {
  if (row.wanted === 'no') {
    const forgotten = await prepare(stage, 'forgotten')
    await ending(stage, () => forgotten.finished(), 'CANCELLED')
  }
  const send = await prepare(stage, 'send')
  if (row.keyset === 'retired' && send.state === 'prepared') await retire(stage)
  if (row.wanted === 'no') {
    await abandon(stage, send)
    return ending(stage, () => send.finished(), 'CANCELLED')
  }
  let token: string | undefined
  await ending(
    stage,
    async () => {
      token = await tokenOf(stage, send)
    },
    ...ENDS,
  )
  if (token === undefined) return
  if (row.end !== 'reclaimed' && stage.notes['claimed'] === undefined) {
    await claim(stage, token, row.end === 'partly' ? 1 : Infinity)
    stage.note('claimed', true)
  }
  if (row.end !== 'claimed') await ending(stage, () => send.reclaim(), 'REFUSED', 'INVALID_STATE')
  if (row.end === 'claimed' || row.end === 'late') await ending(stage, () => send.finished())
}

export const sends = table({
  kind: 'send',
  factors: FACTORS,
  impossible: [
    ['wanted: no', '*', 'it is given up before anything is sent'],
    ['inputs: spent', 'end: claimed', 'nobody can claim a token of spent proofs'],
    ['inputs: spent', 'end: partly', 'nobody can claim a token of spent proofs'],
    ['inputs: spent', 'end: late', 'nobody can claim a token of spent proofs'],
  ],
  rows: {
    exact: {},
    cancelled: { wanted: 'no' },
    'swapped-partly': {
      fees: 'some',
      keyset: 'retired',
      mint: 'dear',
      lacks: '19',
      person: 'hasty',
      form: 'swapped',
      end: 'partly',
    },
    'without-19-partly': { counters: 'gap', mint: 'refuses', lacks: '19', end: 'partly' },
    'reclaimed-spent': { keyset: 'retired', counters: 'gap', person: 'resigned', end: 'reclaimed', inputs: 'spent' },
    'hasty-late': { fees: 'some', keyset: 'rotated', counters: 'gap', lacks: '19', person: 'hasty', end: 'late' },
    'swapped-reclaimed-spent': {
      fees: 'some',
      counters: 'collision',
      mint: 'dear',
      lacks: '19',
      person: 'hasty',
      form: 'swapped',
      end: 'reclaimed',
      inputs: 'spent',
    },
    'swapped-late': { fees: 'some', mint: 'refuses', person: 'resigned', form: 'swapped', end: 'late' },
    'refuses-swapped-reclaimed-spent': {
      keyset: 'rotated',
      mint: 'refuses',
      form: 'swapped',
      end: 'reclaimed',
      inputs: 'spent',
    },
    'dear-late': { keyset: 'retired', counters: 'collision', mint: 'dear', end: 'late' },
    'swapped-reclaimed': { fees: 'some', keyset: 'retired', counters: 'collision', form: 'swapped', end: 'reclaimed' },
    'resigned-partly': { keyset: 'rotated', counters: 'collision', person: 'resigned', end: 'partly' },
    'resigned-swapped': {
      fees: 'some',
      keyset: 'rotated',
      counters: 'gap',
      mint: 'dear',
      lacks: '19',
      person: 'resigned',
      form: 'swapped',
    },
    'refuses-hasty': { keyset: 'retired', counters: 'collision', mint: 'refuses', person: 'hasty' },
  },
  scenario: (row) => ({
    mint: traits(row),
    async setup(stage) {
      await fund(stage, ...(row.form === 'exact' ? [2, 4, 8] : [32]))
      const ours = spendable(stage)
      await faultyMint(stage, row, 2)
      if (row.inputs === 'spent') await rob(stage, ours)
    },
    drive: (stage) => behave(stage, 'send', row, () => drive(stage, row)),
  }),
})

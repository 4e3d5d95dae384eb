import { MINT_URL, type WalletStage as Stage } from '../environments/wallet-subject.ts'
import { abandon, ending, foreignProofs, fund, spendElsewhere, tokenOf } from './stage.ts'
import { table, type Row } from './table.ts'
import { behave, retire, traits, faultyMint, MINT_FAULTS } from './mint-faults.ts'
import { notedText } from '../explorer/notes.ts'

/** After a definite refusal, the token stays with its owner. That is a valid end. */
const ENDS = ['REFUSED', 'NO_ACTIVE_KEYSET', 'TOO_SMALL', 'CANCELLED', 'ALREADY_SPENT']

const prepare = ({ wallet, notes }: Stage, key: string) =>
  wallet.receive.prepare({ token: notedText(notes, 'token'), key })

const FACTORS = {
  ...MINT_FAULTS,
  lacks: ['nothing', '07', '19'],
  token: ['whole', 'partly spent', 'spent'],
  /** `no`: one is forgotten, and one cancelled, before anything is sent. */
  wanted: ['yes', 'no'],
} as const

type ReceiveRow = Row<typeof FACTORS>

async function drive(stage: Stage, row: ReceiveRow): Promise<void> {
  if (row.wanted === 'no') {
    const forgotten = await prepare(stage, 'forgotten')
    await ending(stage, () => forgotten.finished(), 'CANCELLED')
  }
  const receive = await prepare(stage, 'receive')
  if (row.keyset === 'retired' && receive.state === 'prepared') await retire(stage)
  if (row.wanted === 'no') await abandon(stage, receive)
  await ending(stage, () => (row.wanted === 'no' ? receive.finished() : receive.execute()), ...ENDS)
  // What was given up may have come all the same.
  if (row.person !== 'resigned') return
  const restore = await stage.wallet.restore.prepare({ mintUrl: MINT_URL, key: 'restore' })
  await restore.execute()
  // Nor does such a person wait for what cannot be had now.
  if (restore.state === 'incomplete') await ending(stage, () => restore.cancel(), 'INVALID_STATE')
}

export const receives = table({
  kind: 'receive',
  factors: FACTORS,
  impossible: [['wanted: no', '*', 'it is given up before anything is sent']],
  rows: {
    plain: {},
    'no-replay-cache': { lacks: '19', person: 'hasty' },
    cancelled: { wanted: 'no' },
    'resigned-partly-spent': { fees: 'some', mint: 'dear', lacks: '19', person: 'resigned', token: 'partly spent' },
    'resigned-spent': { fees: 'some', counters: 'gap', lacks: '07', person: 'resigned', token: 'spent' },
    'dear-partly-spent': { keyset: 'retired', counters: 'gap', mint: 'dear', token: 'partly spent' },
    'refuses-resigned-spent': {
      keyset: 'rotated',
      counters: 'gap',
      mint: 'refuses',
      person: 'resigned',
      token: 'spent',
    },
    'hasty-partly-spent': {
      fees: 'some',
      counters: 'collision',
      mint: 'refuses',
      person: 'hasty',
      token: 'partly spent',
    },
    'without-19-hasty': {
      fees: 'some',
      keyset: 'rotated',
      counters: 'gap',
      mint: 'dear',
      lacks: '19',
      person: 'hasty',
    },
    'hasty-spent': {
      keyset: 'retired',
      counters: 'collision',
      mint: 'dear',
      lacks: '07',
      person: 'hasty',
      token: 'spent',
    },
    'without-07-resigned': { fees: 'some', keyset: 'retired', mint: 'refuses', lacks: '07', person: 'resigned' },
    'without-19-spent': { fees: 'some', keyset: 'rotated', mint: 'refuses', lacks: '19', token: 'spent' },
    'without-07-partly-spent': { keyset: 'rotated', counters: 'collision', lacks: '07', token: 'partly spent' },
    'without-19-resigned': { fees: 'some', keyset: 'retired', counters: 'collision', lacks: '19', person: 'resigned' },
  },
  scenario: (row) => ({
    mint: traits(row),
    async setup(stage) {
      await fund(stage)
      const proofs = await foreignProofs(stage, [2, 4, 8])
      stage.note('token', tokenOf(proofs))
      await faultyMint(stage, row, 52)
      if (row.token === 'partly spent') await spendElsewhere(stage, proofs.slice(0, 1))
      if (row.token === 'spent') await spendElsewhere(stage, proofs)
    },
    drive: (stage) => behave(stage, 'receive', row, () => drive(stage, row)),
  }),
})

import type { MintHandle } from '../../wallet/api-handles.ts'
import type { PrepareMint } from '../../wallet/kinds/mint.ts'
import { MINT_URL, type WalletScenario as Scenario, type WalletStage as Stage } from '../environments/wallet-subject.ts'
import { burnCounters, ending, foreignProofs, HOUR_MS, MINUTE_MS, mood, nearGap, nextCounter, quoteOutside, reaches } from './stage.ts' // prettier-ignore
import { table, type Row } from './table.ts'
import { behave, retire, MINT_FAULTS, whenIn } from './mint-faults.ts'
import { notedText } from '../explorer/notes.ts'

const WEEK_MS = 7 * 24 * HOUR_MS

const FACTORS = {
  /** `imported`: it was made elsewhere. */
  quote: ['asked', 'imported'],
  /** `late`: after the quote expired. `too late`: a moment after the wallet looked for the last time. */
  paid: ['soon', 'late', 'too late'],
  keyset: MINT_FAULTS.keyset,
  counters: MINT_FAULTS.counters,
  /** For a while, it refuses to issue; or says of every quote that it is pending, too. */
  mint: ['willing', 'refuses', 'pending'],
  lacks: ['nothing', '19', '20'],
  /** `hasty` resumes whatever waits, and cancels once, and regrets it. `resigned` gives up what waits. */
  person: ['patient', 'hasty', 'resigned'],
  /** `no`: the mint gives no quote; or one that is wrong, issued, or issued to somebody else as soon as it is paid. */
  quoted: ['yes', 'no'],
} as const

type Mint = Row<typeof FACTORS>

const AMOUNT = 7

const prepare = ({ wallet }: Stage, key: string, rest: Partial<PrepareMint> = {}): Promise<MintHandle> =>
  wallet.mint.prepare({ mintUrl: MINT_URL, amount: AMOUNT, key, ...rest })

/** Quotes that fail: unavailable, wrong, already issued, or issued to somebody else as soon as they are paid. */
async function inVain(stage: Stage): Promise<void> {
  const { notes } = stage
  const tried = (key: string, rest?: Partial<PrepareMint>): Promise<void> =>
    ending(stage, async () => (await prepare(stage, key, rest)).finished(), 'MINT_UNREACHABLE', 'REFUSED', 'QUOTE_WRONG', 'ALREADY_ISSUED', 'QUARANTINED') // prettier-ignore
  await tried('unreachable')
  await tried('unreachable too', { quoteId: notedText(notes, 'quote') })
  await tried('wrong', { quoteId: notedText(notes, 'quote'), amount: 4 })
  await tried('issued', { quoteId: notedText(notes, 'issued') })
  whenIn(stage, 'unpaid', () => {
    if (stage.notes['stolen'] !== undefined) return
    stage.note('stolen', true)
    void foreignProofs(stage, [1, 2, 4], notedText(notes, 'quote'))
  })
  await tried('stolen', { quoteId: notedText(notes, 'quote') })
}

const traits = ({ paid, lacks }: Mint): NonNullable<Scenario['mint']> => ({
  ...(paid === 'late' && { autoPayMs: 2 * HOUR_MS, quoteTtlMs: MINUTE_MS }),
  ...(paid === 'too late' && { autoPayMs: WEEK_MS + MINUTE_MS + 100, quoteTtlMs: MINUTE_MS }),
  without: lacks === '19' ? [19] : lacks === '20' ? [20] : [],
})

/** The wallet's part: the operation, minded until it is over. */
async function mind(stage: Stage, { quote, keyset, person }: Mint): Promise<void> {
  const { wallet } = stage
  let mint: MintHandle | undefined
  const ask = async (): Promise<void> => {
    mint = await prepare(stage, 'mint', quote === 'imported' ? { quoteId: notedText(stage.notes, 'quote') } : {})
  }
  await ending(stage, ask, 'REFUSED', 'MINT_UNREACHABLE', 'QUOTE_WRONG', 'CANCELLED', 'QUOTE_EXPIRED')
  if (!mint) return
  const { id } = mint
  if (keyset === 'retired' && mint.state === 'unpaid') await retire(stage)
  if (person === 'hasty' && mint.state === 'unpaid' && stage.notes['cancelled'] === undefined) {
    stage.note('cancelled', true)
    await wallet.operations.cancel(id).catch(() => {})
    await wallet.operations.resume(id)
  }
  // Whether it may be closed is for the oracle to say.
  await reaches(stage, id, 'issued', 'closed')
}

/** It refuses to issue once, and for some minutes to list its keysets: a person is told, and it goes on by itself. */
export const keysetsRefused: Scenario = {
  kind: 'mint',
  name: 'keysets-refused',
  depth: 1,
  async setup(stage) {
    await stage.wallet.mints.trust(MINT_URL)
    mood(stage, 'POST /v1/mint/bolt11', 'refused', MINUTE_MS / 2)
    mood(stage, 'GET /v1/keysets', 'refused', HOUR_MS / 2)
  },
  async drive(stage) {
    const run = async (): Promise<void> => reaches(stage, (await prepare(stage, 'mint')).id, 'issued')
    await ending(stage, run, 'REFUSED', 'MINT_UNREACHABLE', 'QUOTE_WRONG')
  },
}

export const mints = table({
  kind: 'mint',
  factors: FACTORS,
  impossible: [['quoted: no', '*', 'without a quote there is nothing to go on with']],
  rows: {
    plain: {},
    'in-vain': { quoted: 'no' },
    'without-20-resigned': {
      quote: 'imported',
      keyset: 'retired',
      counters: 'collision',
      lacks: '20',
      person: 'resigned',
    },
    'gap-hasty': { paid: 'late', keyset: 'retired', counters: 'gap', person: 'hasty' },
    'refuses-without-20': { paid: 'too late', keyset: 'rotated', counters: 'collision', mint: 'refuses', lacks: '20' },
    'pending-without-19': { quote: 'imported', paid: 'too late', keyset: 'retired', mint: 'pending', lacks: '19' },
    'refuses-resigned': { quote: 'imported', paid: 'late', keyset: 'rotated', mint: 'refuses', person: 'resigned' },
    'without-19-hasty': {
      quote: 'imported',
      paid: 'too late',
      keyset: 'rotated',
      counters: 'gap',
      lacks: '19',
      person: 'hasty',
    },
    'without-19-resigned': { keyset: 'retired', counters: 'gap', mint: 'refuses', lacks: '19', person: 'resigned' },
    'refuses-without-19-hasty': { paid: 'late', counters: 'collision', mint: 'refuses', lacks: '19', person: 'hasty' },
    'without-20-hasty': { quote: 'imported', keyset: 'rotated', mint: 'pending', lacks: '20', person: 'hasty' },
    'pending-resigned': {
      quote: 'imported',
      paid: 'too late',
      counters: 'collision',
      mint: 'pending',
      person: 'resigned',
    },
    'pending-without-20': { paid: 'late', counters: 'gap', mint: 'pending', lacks: '20' },
  },
  scenario: (row) => ({
    // Several operations, one after the other.
    ...(row.quoted === 'no' && { depth: 1 }),
    mint: traits(row),
    // The quote is issued to somebody else, which the mint cannot tell from us.
    ...(row.quoted === 'no' && { setsAside: ['quarantined'] }),
    async setup(stage) {
      await stage.wallet.mints.trust(MINT_URL)
      if (row.counters === 'gap') await nearGap(stage, 2)
      if (row.keyset === 'rotated') await stage.mint.rotate('sat')
      if (row.counters === 'collision') await burnCounters(stage, 2, await nextCounter(stage))
      if (row.quote === 'imported' || row.quoted === 'no') stage.note('quote', await quoteOutside(stage, AMOUNT))
      if (row.quoted === 'no') {
        stage.note('issued', await quoteOutside(stage, AMOUNT))
        await foreignProofs(stage, [1, 2, 4], notedText(stage.notes, 'issued'))
        mood(stage, 'POST /v1/mint/quote', 'notSent', 3 * MINUTE_MS)
        mood(stage, 'GET /v1/mint/quote', 'notSent', 4.1 * MINUTE_MS)
      }
      if (row.mint !== 'willing') mood(stage, 'POST /v1/mint/bolt11', 'refused', HOUR_MS)
      if (row.mint === 'pending') mood(stage, 'GET /v1/mint/quote', 'pending', HOUR_MS)
      if (row.mint === 'refuses' && row.paid === 'too late')
        mood(stage, 'GET /v1/mint/quote', 'refused', WEEK_MS + HOUR_MS)
    },
    drive: (stage) => behave(stage, 'mint', row, () => (row.quoted === 'no' ? inVain(stage) : mind(stage, row))),
  }),
})

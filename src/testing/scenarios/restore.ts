import { MINT_URL, type WalletStage as Stage } from '../environments/wallet-subject.ts'
import { abandon, burnCounters, ending, fund, giveUp, HOUR_MS, hurry, MINUTE_MS, mood, nextCounter, spendElsewhere } from './stage.ts' // prettier-ignore
import { table } from './table.ts'

const prepare = ({ wallet }: Stage, key: string) => wallet.restore.prepare({ mintUrl: MINT_URL, key })

export const restores = table({
  kind: 'restore',
  factors: {
    wallet: ['live', 'empty'],
    /** What another device with the same seed had signed: nothing, the next outputs, or some beyond a batch. */
    device: ['none', 'next', 'far'],
    /** Whether some of that is spent. */
    spent: ['none', 'some'],
    keyset: ['current', 'rotated'],
    /** `forging`: for a while its signatures do not verify. */
    mint: ['willing', 'forging'],
    /** The NUT that the mint does without, for some minutes. */
    lacks: ['nothing', '07', '09'],
    person: ['patient', 'hasty', 'resigned'],
    /** `no`: one is forgotten, and one cancelled, before anything is asked. */
    wanted: ['yes', 'no'],
  },
  impossible: [
    ['wanted: no', '*', 'it is given up before anything is asked'],
    ['device: none', 'spent: some', 'there is nothing to spend'],
    ['wallet: empty', 'device: none', 'there is nothing to find'],
  ],
  rows: {
    'live-wallet': {},
    cancelled: { wanted: 'no' },
    'rotated-without-07': { device: 'far', spent: 'some', keyset: 'rotated', lacks: '07' },
    'without-09-resigned': { wallet: 'empty', device: 'far', lacks: '09', person: 'resigned' },
    'without-07-resigned': { mint: 'forging', lacks: '07', person: 'resigned' },
    'without-07-hasty': { wallet: 'empty', device: 'next', keyset: 'rotated', lacks: '07', person: 'hasty' },
    'forging-resigned': { device: 'next', spent: 'some', keyset: 'rotated', mint: 'forging', person: 'resigned' },
    'forging-without-09': { wallet: 'empty', device: 'next', spent: 'some', mint: 'forging', lacks: '09' },
    'without-09-hasty': { keyset: 'rotated', lacks: '09', person: 'hasty' },
    'forging-hasty': { wallet: 'empty', device: 'far', spent: 'some', mint: 'forging', person: 'hasty' },
  },
  scenario: (row) => ({
    async setup(stage) {
      await fund(stage, ...(row.wallet === 'live' ? [4] : []))
      if (row.device !== 'none') {
        const theirs = await burnCounters(stage, 2, row.device === 'far' ? 120 : await nextCounter(stage))
        if (row.spent === 'some') await spendElsewhere(stage, theirs.slice(0, 1))
      }
      if (row.keyset === 'rotated') await stage.mint.rotate('sat')
      if (row.mint === 'forging') mood(stage, 'POST /v1/restore', 'forged', MINUTE_MS)
      if (row.lacks === '07') mood(stage, 'POST /v1/checkstate', 'refused', HOUR_MS / 6)
      if (row.lacks === '09') mood(stage, 'POST /v1/restore', 'refused', HOUR_MS / 6)
    },
    async drive(stage) {
      if (row.person === 'hasty') hurry(stage, 'restore')
      if (row.person === 'resigned') giveUp(stage, 'restore')
      if (row.wanted === 'no') {
        const forgotten = await prepare(stage, 'forgotten')
        await ending(stage, () => forgotten.finished(), 'CANCELLED')
      }
      const restore = await prepare(stage, 'restore')
      if (row.wanted === 'no') await abandon(stage, restore)
      await ending(stage, () => (row.wanted === 'no' ? restore.finished() : restore.execute()), 'CANCELLED')
    },
  }),
})

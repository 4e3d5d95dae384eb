import { blankOutputs } from '../../cashu/amounts.ts'
import { MINT_URL, type WalletScenario as Scenario, type WalletStage as Stage } from '../environments/wallet-subject.ts'
import {
  abandon,
  burnCounters,
  ending,
  fund,
  hurry,
  HOUR_MS,
  MINUTE_MS,
  mood,
  nextCounter,
  reaches,
  rob,
  spendable,
} from './stage.ts'
import { MELT_ENDS, writeOff } from './melt-ends.ts'
import { table, type Row } from './table.ts'
import { retire, whenIn } from './mint-faults.ts'
import { notedNumber, notedText } from '../explorer/notes.ts'

const DAY_MS = 24 * HOUR_MS

/** What happens to the payment at the payee; see `fakeBackend`. */
const SCRIPTS: Readonly<Record<string, object>> = {
  failed: { pay_invoice_state: 'FAILED' },
  'pending then paid': { pay_invoice_state: 'PENDING', check_payment_state: 'PENDING' },
  'pending then failed': { pay_invoice_state: 'PENDING', check_payment_state: 'PENDING' },
}

const FACTORS = {
  /** `unknown`: it is paid, and the mint's answer is lost. `lost`: the request never arrives, or late. */
  payment: ['paid', 'failed', 'pending then paid', 'pending then failed', 'unknown', 'lost'],
  fees: ['none', 'some'],
  /** `none`: the inputs are exact, and the mint gives no change (NUT-08), or has none to give. */
  change: ['given', 'none'],
  /** `long`: the network holds up each request to pay for longer than the wallet waits. */
  way: ['short', 'long'],
  /** `hidden`: while it pays, the wallet hears that none is active. */
  keyset: ['current', 'hidden'],
  /** `collision`: another device took the counters that a fence would use. */
  counters: ['free', 'collision'],
  /** `ailing`: for a while it refuses every swap, and says that its keysets cost more than they do. */
  mint: ['willing', 'ailing'],
  lacks: ['nothing', '19'],
  person: ['patient', 'hasty'],
  /** `no`: the faults before anything is paid, one after the other. */
  wanted: ['yes', 'no'],
} as const

type Melt = Row<typeof FACTORS>

const prepare = (stage: Stage, key: string, invoice = notedText(stage.notes, 'invoice')) =>
  stage.wallet.melt.prepare({ mintUrl: MINT_URL, request: invoice, key })

async function pay(stage: Stage): Promise<void> {
  if (stage.notes['inexact'] !== undefined) {
    const inexact = notedText(stage.notes, 'inexact')
    await ending(stage, async () => (await prepare(stage, 'inexact', inexact)).finished(), ...MELT_ENDS)
  }
  const melt = await prepare(stage, 'melt')
  await melt.execute()
  await melt.finished()
  // The change may come later, and the books count it.
  if (/^(change|last)/.test(melt.state)) await reaches(stage, melt.id, 'paid')
}

/** The mint forgets how to restore for longer than a wallet asks for change. */
function forget(stage: Stage): void {
  if (stage.notes['forgot'] !== undefined) return
  stage.note('forgot', true)
  mood(stage, 'POST /v1/restore', 'refused', 7.5 * DAY_MS)
}

/** How many blank outputs a payment of four takes, from eight or from an exact sum. */
const blanksOf = ({ fees, change, payment }: Melt): number =>
  change === 'given' ? blankOutputs(fees === 'some' ? 3 : 4) : payment === 'unknown' ? blankOutputs(1) : 0

/** Pending payments are decided some minutes later. */
function decide(stage: Stage, state: 'paid' | 'failed'): void {
  const again = (): void => {
    void stage.settle(state)
    stage.clock.setTimeout(again, 10 * MINUTE_MS)
  }
  stage.clock.setTimeout(again, 10 * MINUTE_MS)
}

/** All faults before anything is sent. */
async function unwanted(stage: Stage): Promise<void> {
  const { clock, wallet, notes } = stage
  const tried = (key: string, ...rest: [string?]): Promise<void> =>
    ending(stage, async () => (await prepare(stage, key, ...rest)).finished(), ...MELT_ENDS)
  await tried('unreachable')
  await tried('too much', notedText(stage.notes, 'dear'))
  await ending(
    stage,
    () =>
      stage.wallet.melt.prepare({ mintUrl: MINT_URL, request: notedText(notes, 'invoice'), key: 'cheap', maxFee: 0 }),
    ...MELT_ENDS,
  )
  await tried('forgotten')
  const late = notedNumber(stage.notes, 'madeMs') + 55 * MINUTE_MS
  await clock.pause(late - clock.rightMs)
  await tried('expired')
  const other = notedText(stage.notes, 'other')
  const cancelled = async (): Promise<void> => {
    const melt = await prepare(stage, 'cancelled', other)
    await abandon(stage, melt)
    await melt.finished()
  }
  await ending(stage, cancelled, ...MELT_ENDS)
  const run = async (): Promise<void> => {
    const melt = await prepare(stage, 'melt', other)
    if (melt.state === 'prepared') await retire(stage)
    // First it only waits, then it is resumed, then given up.
    let waits = 0
    whenIn(stage, 'readying.changeless', (id) => {
      waits++
      if (waits === 2) void wallet.operations.resume(id).catch(() => {})
      if (waits === 3) void wallet.operations.cancel(id).catch(() => {})
    })
    await melt.execute()
  }
  await ending(stage, run, ...MELT_ENDS)
  if (stage.notes['robbed'] === undefined) await rob(stage, spendable(stage).slice(0, 1))
  writeOff(stage)
  await ending(stage, async () => (await prepare(stage, 'robbed', other)).execute(), ...MELT_ENDS)
}

const traits = ({ fees, change, lacks, payment, mint }: Melt): NonNullable<Scenario['mint']> => ({
  // An id of version 01 holds the fee: another one would be found out.
  ...(mint === 'ailing' && { keysetVersion: '00' }),
  ...(fees === 'some' && { feePpk: 300 }),
  ...(change === 'none' && { feeReserve: () => 1 }),
  without: [
    ...(change === 'none' && payment !== 'unknown' ? [8 as const] : []),
    ...(lacks === '19' ? [19 as const] : []),
  ],
})

export const melts = table({
  kind: 'melt',
  factors: FACTORS,
  impossible: [['wanted: no', '*', 'nothing is paid']],
  rows: {
    paid: {},
    failed: { payment: 'failed' },
    cancelled: { wanted: 'no' },
    'change-late': { payment: 'unknown' },
    outrun: { payment: 'lost', way: 'long', fees: 'some', keyset: 'hidden', lacks: '19' },
    fenced: { payment: 'lost', change: 'none', counters: 'collision', mint: 'ailing', person: 'hasty' },
    'no-change': {
      payment: 'unknown',
      fees: 'some',
      change: 'none',
      way: 'long',
      keyset: 'hidden',
      counters: 'collision',
      mint: 'ailing',
      lacks: '19',
      person: 'hasty',
    },
    'without-19-hasty': {
      payment: 'failed',
      fees: 'some',
      change: 'none',
      way: 'long',
      keyset: 'hidden',
      counters: 'collision',
      mint: 'ailing',
      lacks: '19',
      person: 'hasty',
    },
    'long-without-19-hasty': {
      payment: 'pending then failed',
      change: 'none',
      way: 'long',
      lacks: '19',
      person: 'hasty',
    },
    'collision-without-19-hasty': {
      fees: 'some',
      change: 'none',
      way: 'long',
      counters: 'collision',
      lacks: '19',
      person: 'hasty',
    },
    'long-hasty': { payment: 'pending then paid', fees: 'some', way: 'long', person: 'hasty' },
    'ailing-without-19': {
      payment: 'pending then paid',
      change: 'none',
      keyset: 'hidden',
      counters: 'collision',
      mint: 'ailing',
      lacks: '19',
    },
    'collision-ailing': {
      payment: 'pending then failed',
      fees: 'some',
      keyset: 'hidden',
      counters: 'collision',
      mint: 'ailing',
    },
    'ailing-hasty': { way: 'long', keyset: 'hidden', mint: 'ailing', person: 'hasty' },
  },
  scenario: (row) => ({
    // Several operations, one after the other; or a mint that keeps things to itself for a month.
    ...((row.wanted === 'no' || row.payment === 'unknown') && { depth: 1 }),
    mint: traits(row),
    async setup(stage) {
      // Four are to be paid; where there is no change, one more and the fee make it exact.
      const amounts =
        row.change === 'none' ? (row.fees === 'some' ? [2, 4] : [1, 4]) : row.wanted === 'no' ? [2, 4] : [4, 8]
      await fund(stage, ...amounts)
      stage.note('invoice', stage.invoice(4, SCRIPTS[row.payment]))
      if (row.change === 'none' && row.payment === 'paid') stage.note('inexact', stage.invoice(1))
      if (row.wanted === 'no') {
        stage.note('madeMs', stage.clock.rightMs)
        stage.note('dear', stage.invoice(100))
        await stage.clock.pause(30 * MINUTE_MS)
        stage.note('other', stage.invoice(4))
        mood(stage, 'POST /v1/melt/quote', 'notSent', 3 * MINUTE_MS)
      }
      if (row.payment === 'unknown') {
        if (row.way === 'short') mood(stage, 'POST /v1/melt/bolt11', 'lost', HOUR_MS)
        mood(stage, 'GET /v1/melt/quote', 'bare', 30 * DAY_MS)
      }
      if (row.counters === 'collision') await burnCounters(stage, 1, (await nextCounter(stage)) + blanksOf(row))
      if (row.payment === 'lost' && row.way === 'short') mood(stage, 'POST /v1/melt/bolt11', 'notSent', HOUR_MS)
      if (row.way === 'long') mood(stage, 'POST /v1/melt/bolt11', 'held', HOUR_MS)
      if (row.mint === 'ailing') {
        mood(stage, 'POST /v1/swap', 'refused', 90 * MINUTE_MS)
        mood(stage, 'GET /v1/keysets', 'dearer', 45 * MINUTE_MS)
      }
    },
    async drive(stage) {
      if (row.person === 'hasty') hurry(stage, 'melt')
      if (row.payment.startsWith('pending')) decide(stage, row.payment === 'pending then paid' ? 'paid' : 'failed')
      if (row.keyset === 'hidden') whenIn(stage, 'melting', () => void retire(stage))
      if (row.payment === 'unknown' && row.change === 'given') whenIn(stage, 'changePending', () => forget(stage))
      await (row.wanted === 'no' ? unwanted(stage) : ending(stage, () => pay(stage), ...MELT_ENDS))
    },
  }),
})

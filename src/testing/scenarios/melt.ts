import { MINT_URL, type Scenario, type Stage } from '../explorer.ts'
import { ending, fund, hurry, HOUR_MS, MINUTE_MS, mood, reaches, rob, spendable } from './stage.ts'
import { table, type Row } from './table.ts'
import { retire, whenIn } from './troubles.ts'

const ENDS = [
  'REFUSED',
  'CANCELLED',
  'PAYMENT_FAILED',
  'PAYMENT_FENCED',
  'INSUFFICIENT_FUNDS',
  'INEXACT',
  'SPENT_ELSEWHERE',
  'MINT_UNREACHABLE',
  'QUOTE_WRONG',
]
const DAY_MS = 24 * HOUR_MS

/** How the payee's side goes; see `fakeBackend`. */
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
  /** `changing`: another is active than the wallet knows, and while it pays it hears of none. */
  keyset: ['current', 'changing'],
  /** `ailing`: for a while it refuses every swap, says that its keysets cost more, and cannot restore (NUT-09). */
  mint: ['willing', 'ailing'],
  lacks: ['nothing', '19'],
  person: ['patient', 'hasty'],
  /** `spent`: another device with the same seed spent one of them. */
  inputs: ['ours', 'spent'],
  wanted: ['yes', 'no'],
} as const

type Melt = Row<typeof FACTORS>

const prepare = (stage: Stage, key: string, invoice = stage.notes['invoice'] as string) =>
  stage.wallet.melt.prepare({ mintUrl: MINT_URL, request: invoice, key })

async function pay(stage: Stage): Promise<void> {
  const melt = await prepare(stage, 'melt')
  await melt.execute()
  await melt.finished()
  // The change may come later, and belongs to the books.
  if (melt.state.startsWith('change')) await reaches(stage, melt.id, 'paid')
}

/** Pending payments are decided some minutes later. */
function decide(stage: Stage, state: 'paid' | 'failed'): void {
  const again = (): void => {
    void stage.settle(state)
    stage.clock.setTimeout(again, 10 * MINUTE_MS)
  }
  stage.clock.setTimeout(again, 10 * MINUTE_MS)
}

/** Whatever can go wrong before anything is sent. */
async function unwanted(stage: Stage): Promise<void> {
  const { clock, wallet } = stage
  const tried = (key: string, ...rest: [string?]): Promise<void> =>
    ending(stage, async () => (await prepare(stage, key, ...rest)).finished(), ...ENDS)
  await tried('unreachable')
  await tried('too much', stage.notes['dear'] as string)
  await tried('forgotten')
  const late = (stage.notes['madeMs'] as number) + 55 * MINUTE_MS
  await new Promise<void>((resolve) => clock.setTimeout(resolve, late - clock.rightMs))
  await tried('expired')
  const run = async (): Promise<void> => {
    const melt = await prepare(stage, 'melt', stage.notes['other'] as string)
    if (melt.state === 'prepared') await retire(stage)
    // First it only waits, then it is resumed, then given up.
    let waits = 0
    whenIn(stage, 'waiting', (id) => {
      waits++
      if (waits === 2) void wallet.operations.resume(id).catch(() => {})
      if (waits === 3) void wallet.operations.cancel(id).catch(() => {})
    })
    await melt.execute()
  }
  await ending(stage, run, ...ENDS)
}

const traits = ({ fees, change, lacks, payment }: Melt): NonNullable<Scenario['mint']> => ({
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
  impossible: [
    ['wanted: no', '*', 'it is given up before anything is sent'],
    ['inputs: spent', '*', 'the mint refuses, and nothing else comes of it'],
  ],
  rows: {
    paid: {},
    failed: { payment: 'failed' },
    cancelled: { wanted: 'no' },
    'spent-elsewhere': { inputs: 'spent' },
    'changing-without-19': { payment: 'lost', fees: 'some', way: 'long', keyset: 'changing', lacks: '19' },
    'without-19-hasty': { payment: 'pending then failed', fees: 'some', mint: 'ailing', lacks: '19', person: 'hasty' },
    'changing-hasty': { payment: 'pending then paid', keyset: 'changing', person: 'hasty' },
    'ailing-hasty': { payment: 'lost', change: 'none', mint: 'ailing', person: 'hasty' },
    'ailing-without-19': { payment: 'unknown', mint: 'ailing', lacks: '19' },
    'ailing-without-19-hasty': {
      fees: 'some',
      change: 'none',
      way: 'long',
      keyset: 'changing',
      mint: 'ailing',
      lacks: '19',
      person: 'hasty',
    },
    'changing-ailing-without-19-hasty': {
      payment: 'failed',
      fees: 'some',
      change: 'none',
      way: 'long',
      keyset: 'changing',
      mint: 'ailing',
      lacks: '19',
      person: 'hasty',
    },
    'long-changing': { payment: 'pending then failed', change: 'none', way: 'long', keyset: 'changing' },
    'long-ailing-without-19': {
      payment: 'pending then paid',
      fees: 'some',
      change: 'none',
      way: 'long',
      mint: 'ailing',
      lacks: '19',
    },
    'long-changing-hasty': {
      payment: 'unknown',
      fees: 'some',
      change: 'none',
      way: 'long',
      keyset: 'changing',
      person: 'hasty',
    },
  },
  scenario: (row) => ({
    mint: traits(row),
    async setup(stage) {
      // Four are to be paid; where there is no change, one more and the fee make it exact.
      const amounts = row.change === 'none' ? (row.fees === 'some' ? [2, 4] : [1, 4]) : [4, 8]
      await fund(stage, ...amounts)
      stage.note('invoice', stage.invoice(4, SCRIPTS[row.payment]))
      if (row.wanted === 'no') {
        stage.note('madeMs', stage.clock.rightMs)
        stage.note('dear', stage.invoice(100))
        await new Promise<void>((resolve) => stage.clock.setTimeout(resolve, 30 * MINUTE_MS))
        stage.note('other', stage.invoice(4))
        mood(stage, 'POST /v1/melt/quote', 'notSent', 3 * MINUTE_MS)
      }
      if (row.inputs === 'spent') await rob(stage, spendable(stage).slice(0, 1))
      if (row.keyset === 'changing') await stage.mint.rotate('sat')
      if (row.payment === 'unknown') {
        if (row.way === 'short') mood(stage, 'POST /v1/melt/bolt11', 'lost', HOUR_MS)
        mood(stage, 'GET /v1/melt/quote', 'bare', 30 * DAY_MS)
        if (row.change === 'given') mood(stage, 'POST /v1/restore', 'refused', 7.5 * DAY_MS)
      }
      if (row.payment === 'lost' && row.way === 'short') mood(stage, 'POST /v1/melt/bolt11', 'notSent', HOUR_MS)
      if (row.way === 'long') mood(stage, 'POST /v1/melt/bolt11', 'held', HOUR_MS)
      if (row.mint === 'ailing') {
        mood(stage, 'POST /v1/swap', 'refused', 90 * MINUTE_MS)
        mood(stage, 'GET /v1/keysets', 'dearer', 30 * MINUTE_MS)
        mood(stage, 'POST /v1/restore', 'refused', 20 * MINUTE_MS)
      }
    },
    async drive(stage) {
      if (row.person === 'hasty') hurry(stage, 'melt')
      if (row.payment.startsWith('pending')) decide(stage, row.payment === 'pending then paid' ? 'paid' : 'failed')
      if (row.keyset === 'changing') whenIn(stage, 'melting', () => void retire(stage))
      await (row.wanted === 'no' ? unwanted(stage) : ending(stage, () => pay(stage), ...ENDS))
    },
  }),
})

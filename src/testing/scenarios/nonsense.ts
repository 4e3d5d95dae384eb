/** Mints that answer questions with a page for hours, as a portal does: somebody is asked, and it goes on by itself in the end. */
import { MINT_URL, type WalletScenario as Scenario, type WalletStage as Stage } from '../environments/wallet-subject.ts'
import { inTurn, pay } from './melt-ends.ts'
import { ending, fund, HOUR_MS, mood } from './stage.ts'
import { whenIn } from './mint-faults.ts'

const CHECK = 'POST /v1/checkstate'
const RESTORE = 'POST /v1/restore'
const PAY = 'POST /v1/melt/bolt11'
const QUOTE = 'GET /v1/melt/quote'

/** Somebody has the operation go on the first time that it comes into the state, and then leaves it to itself. */
const resumedOnce = (stage: Stage, state: string): void =>
  inTurn(
    stage,
    state,
    (id) => stage.wallet.operations.resume(id),
    () => Promise.resolve(),
  )

export const nonsense: readonly Scenario[] = [
  // A swap is refused, and of neither its inputs nor its outputs is anything to be learnt.
  {
    kind: 'swap',
    name: 'nonsense',
    depth: 1,
    async setup(stage) {
      await fund(stage, 8)
      mood(stage, 'POST /v1/swap', 'refused', HOUR_MS)
      mood(stage, CHECK, 'malformed', 2 * HOUR_MS)
      mood(stage, RESTORE, 'malformed', 4 * HOUR_MS)
    },
    async drive(stage) {
      resumedOnce(stage, 'exchanging.blocked')
      const swap = await stage.wallet.swap.prepare({ mintUrl: MINT_URL, amounts: [1, 2], key: 'swap' })
      await ending(stage, () => swap.execute(), 'REFUSED', 'CANCELLED')
    },
  },
  // The answer to a payment is lost, and of neither its inputs nor its quote is anything to be learnt.
  {
    kind: 'melt',
    name: 'nonsense',
    depth: 1,
    async setup(stage) {
      await fund(stage, 8)
      stage.note('invoice', stage.invoice(4))
      mood(stage, PAY, 'lost', HOUR_MS)
      mood(stage, CHECK, 'malformed', 2 * HOUR_MS)
      mood(stage, QUOTE, 'malformed', 3 * HOUR_MS)
    },
    async drive(stage) {
      resumedOnce(stage, 'blocked')
      await pay(stage)
    },
  },
  // The request to pay never arrives; once the inputs are taken back, nothing is to be learnt of the quote.
  {
    kind: 'melt',
    name: 'nonsense-fenced',
    depth: 1,
    async setup(stage) {
      await fund(stage, 8)
      stage.note('invoice', stage.invoice(4))
      mood(stage, PAY, 'notSent', HOUR_MS)
    },
    async drive(stage) {
      whenIn(stage, 'confirming', () => {
        if (stage.notes['portal'] !== undefined) return
        stage.note('portal', true)
        mood(stage, QUOTE, 'malformed', 3 * HOUR_MS)
      })
      resumedOnce(stage, 'unconfirmed')
      await pay(stage)
    },
  },
]

/** What takes more than one operation, more than one process or somebody who listens; beside the tables of the kinds. */
import { StoreError } from '../../store/port.ts'
import { MINT_URL, type WalletScenario as Scenario, type WalletStage as Stage } from '../wallet-subject.ts'
import { ending, foreignProofs, fund, MINUTE_MS, tokenOf } from './stage.ts'

const ENDS = ['REFUSED', 'SPENT_ELSEWHERE', 'CANCELLED']
const MANY = 12

const prepareSwap = ({ wallet }: Stage, key = 'swap') =>
  wallet.swap.prepare({ mintUrl: MINT_URL, amounts: [1, 2], key })

const swapped = (stage: Stage, key?: string): Promise<void> =>
  ending(stage, async () => (await prepareSwap(stage, key)).execute(), ...ENDS)

const pause = ({ clock }: Stage, delayMs: number): Promise<void> =>
  new Promise((resolve) => void clock.setTimeout(resolve, delayMs))

/** Does what must be done, however often the store fails. */
async function insist(stage: Stage, run: () => Promise<unknown>): Promise<void> {
  for (;;)
    try {
      await run()
      return
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      await pause(stage, 1_000)
    }
}

export const alongside: readonly Scenario[] = [
  {
    kind: 'swap',
    name: 'two-tabs',
    setup: (stage) => fund(stage, 8, 8),
    async drive(stage) {
      const other = { ...stage, wallet: await stage.another() }
      await Promise.all([swapped(stage), swapped(other, 'other')])
      await other.wallet.close()
    },
  },
  {
    // One tab executes what the other cancels.
    kind: 'swap',
    name: 'two-minds',
    setup: (stage) => fund(stage, 8),
    async drive(stage) {
      const other = await stage.another()
      const swap = await prepareSwap(stage)
      const same = await other.swap.get(swap.id)
      const cancel = (): Promise<void> => ending({ ...stage, wallet: other }, () => same.cancel(), 'NOT_NOW')
      await Promise.all([ending(stage, () => swap.execute(), 'CANCELLED', 'REFUSED'), cancel()])
      await other.close()
    },
  },
  {
    // A listener that calls the wallet about the very operation that it hears of, and waits for the answer.
    kind: 'swap',
    name: 'listening',
    setup: (stage) => fund(stage, 8),
    async drive(stage) {
      const listener = async ({ id, state }: { id: string; state: string }): Promise<unknown> =>
        state === 'exchanging.swapping' && stage.wallet.operations.cancel(id).catch(() => {})
      stage.wallet.on('operation', listener as (event: object) => unknown)
      await swapped(stage)
    },
  },
  {
    // No trouble of its own, so that two faults may strike in either exchange.
    kind: 'send',
    name: 'reclaimed',
    setup: (stage) => fund(stage, 8),
    async drive(stage) {
      const reclaimed = async (): Promise<void> => {
        const send = await stage.wallet.send.prepare({ mintUrl: MINT_URL, amount: 3, key: 'send' })
        await send.execute()
        await send.reclaim()
      }
      await ending(stage, reclaimed, ...ENDS)
    },
  },
  {
    // Many tokens that nobody has claimed are asked about together.
    kind: 'send',
    name: 'many',
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
  },
  {
    // Trust is taken away before the token is received, and given back a minute later.
    kind: 'receive',
    name: 'distrusted',
    async setup(stage) {
      const { wallet } = stage
      await wallet.mints.trust(MINT_URL)
      const token = tokenOf(await foreignProofs(stage, [1, 4]))
      stage.note('id', (await wallet.receive.prepare({ token })).id)
      await wallet.mints.distrust(MINT_URL)
    },
    async drive(stage) {
      const { wallet, notes } = stage
      const receive = async (): Promise<unknown> => (await wallet.receive.get(notes['id'] as string)).execute()
      const trust = async (): Promise<void> => {
        await pause(stage, MINUTE_MS)
        await insist(stage, () => wallet.mints.trust(MINT_URL))
      }
      await Promise.all([ending(stage, receive, 'REFUSED', 'CANCELLED'), trust()])
    },
  },
]

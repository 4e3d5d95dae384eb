/** Scenarios beside the tables of the kinds: several operations, several processes, or a listener. */
import { StoreError } from '../../store/port.ts'
import { MINT_URL, type WalletScenario as Scenario, type WalletStage as Stage } from '../environments/wallet-subject.ts'
import {
  anchor,
  anchored,
  ending,
  foreignProofs,
  fund,
  HOUR_MS,
  hurry,
  MINUTE_MS,
  mood,
  nearGap,
  reaches,
  tokenOf,
} from './stage.ts'
import { whenIn } from './mint-faults.ts'
import { notedText } from '../explorer/notes.ts'

const ENDS = ['REFUSED', 'SPENT_ELSEWHERE', 'CANCELLED']
const MANY = 12

const prepareSwap = ({ wallet }: Stage, key = 'swap') =>
  wallet.swap.prepare({ mintUrl: MINT_URL, amounts: [1, 2], key })

const swapped = (stage: Stage, key?: string): Promise<void> =>
  ending(stage, async () => (await prepareSwap(stage, key)).execute(), ...ENDS)

/** Makes a token and reclaims it. */
async function reclaimed(stage: Stage, amount: number): Promise<void> {
  const run = async (): Promise<void> => {
    const send = await stage.wallet.send.prepare({ mintUrl: MINT_URL, amount, key: 'send' })
    await send.execute()
    await send.reclaim()
  }
  await ending(stage, run, ...ENDS)
}

/** Repeats work until it succeeds, however often the store fails. */
async function insist(stage: Stage, run: () => Promise<unknown>): Promise<void> {
  for (;;)
    try {
      await run()
      return
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      await stage.clock.pause(1_000)
    }
}

/** No counters are left. A person cancels the operations that wait for counters; nothing of them was sent. */
const givenUpAtTheGap = (kind: 'swap' | 'send'): Scenario => ({
  kind,
  name: 'gap-given-up',
  depth: 1,
  async setup(stage) {
    await fund(stage, 8)
    await nearGap(stage, 0)
  },
  async drive(stage) {
    const cancel = (id: string): void => void stage.wallet.operations.cancel(id).catch(() => {})
    whenIn(stage, 'exchanging.blocked', cancel)
    whenIn(stage, 'reclaiming.blocked', cancel)
    if (kind === 'swap') return swapped(stage)
    await reclaimed(stage, 8)
    const send = (): Promise<unknown> => stage.wallet.send.prepare({ mintUrl: MINT_URL, amount: 1, key: 'other' }).then((it) => it.execute()) // prettier-ignore
    await ending(stage, send, ...ENDS)
  },
})

export const alongside: readonly Scenario[] = [
  givenUpAtTheGap('swap'),
  givenUpAtTheGap('send'),
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
      const cancel = (): Promise<void> => ending({ ...stage, wallet: other }, () => same.cancel(), 'INVALID_STATE')
      await Promise.all([ending(stage, () => swap.execute(), 'CANCELLED', 'REFUSED'), cancel()])
      await other.close()
    },
  },
  {
    // A listener calls the wallet about the operation of the event, and waits for the answer.
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
    // The scenario contains no fault, so that two faults can be injected in either exchange.
    kind: 'send',
    name: 'reclaimed',
    setup: (stage) => fund(stage, 8),
    async drive(stage) {
      await reclaimed(stage, 3)
    },
  },
  {
    // The same, with somebody who resumes whatever waits.
    kind: 'send',
    name: 'reclaimed-hastily',
    depth: 1,
    setup: (stage) => fund(stage, 8),
    async drive(stage) {
      hurry(stage, 'send')
      await reclaimed(stage, 8)
    },
  },
  {
    // A quote that is cancelled and never paid.
    kind: 'mint',
    name: 'given-up',
    depth: 1,
    mint: { autoPayMs: 1_000 * HOUR_MS },
    async setup({ wallet }) {
      await wallet.mints.trust(MINT_URL)
    },
    async drive(stage) {
      const { wallet } = stage
      const givenUp = async (): Promise<void> => {
        const mint = await wallet.mint.prepare({ mintUrl: MINT_URL, amount: 7, key: 'mint' })
        if (mint.state === 'unpaid') await wallet.operations.cancel(mint.id).catch(() => {})
        await reaches(stage, mint.id, 'closed')
      }
      await ending(stage, givenUp, ...ENDS, 'MINT_UNREACHABLE', 'QUOTE_WRONG')
    },
  },
  {
    // Requests to pay never arrive: the inputs are taken back, and two faults can be injected meanwhile.
    kind: 'melt',
    name: 'taken-back',
    async setup(stage) {
      await fund(stage, 4, 2)
      stage.note('invoice', stage.invoice(4))
      mood(stage, 'POST /v1/melt/bolt11', 'notSent', HOUR_MS)
    },
    async drive(stage) {
      const request = notedText(stage.notes, 'invoice')
      const pay = async (): Promise<void> => {
        const melt = await stage.wallet.melt.prepare({ mintUrl: MINT_URL, request, key: 'melt' })
        await melt.execute()
        await melt.finished()
        // The change may come later, and the books count it.
        if (melt.state.startsWith('change')) await reaches(stage, melt.id, 'paid')
      }
      await ending(
        stage,
        pay,
        ...ENDS,
        'PAYMENT_FAILED',
        'PAYMENT_FENCED',
        'INSUFFICIENT_FUNDS',
        'MINT_UNREACHABLE',
        'QUOTE_WRONG',
      )
    },
  },
  {
    // No counters are left for the received token until somebody has an output signed.
    kind: 'receive',
    name: 'at-the-gap',
    depth: 1,
    async setup(stage) {
      await fund(stage)
      stage.note('token', tokenOf(await foreignProofs(stage, [1, 4])))
      await nearGap(stage, 50)
    },
    async drive(stage) {
      anchor(stage)
      const token = notedText(stage.notes, 'token')
      await ending(
        stage,
        async () => (await stage.wallet.receive.prepare({ token, key: 'receive' })).execute(),
        ...ENDS,
      )
      await anchored(stage)
    },
  },
  {
    // One state check asks about many unclaimed tokens together.
    kind: 'send',
    name: 'many',
    async setup(stage) {
      await fund(stage, 8, 4)
      const amounts = Array.from({ length: MANY }, () => 1)
      await (await stage.wallet.swap.prepare({ mintUrl: MINT_URL, amounts })).execute()
      for (const amount of amounts) await (await stage.wallet.send.prepare({ mintUrl: MINT_URL, amount })).execute()
    },
    async drive(stage) {
      await stage.clock.pause(10_000)
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
      const receive = async (): Promise<unknown> => (await wallet.receive.get(notedText(notes, 'id'))).execute()
      const trust = async (): Promise<void> => {
        await stage.clock.pause(MINUTE_MS)
        await insist(stage, () => wallet.mints.trust(MINT_URL))
      }
      await Promise.all([ending(stage, receive, 'REFUSED', 'CANCELLED'), trust()])
    },
  },
]

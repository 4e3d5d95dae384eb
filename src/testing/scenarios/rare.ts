/** Rare branches of charts. Each scenario brings the circumstances of one, so that one injected fault reaches it. */
import { MINT_URL, type WalletScenario as Scenario, type WalletStage as Stage } from '../environments/wallet-subject.ts'
import { moods } from '../faults/faulty-mint.ts'
import { notedText } from '../explorer/notes.ts'
import { MELT_ENDS, pay } from './melt-ends.ts'
import { behave, faultyMint, retire, whenIn, type MINT_FAULTS } from './mint-faults.ts'
import {
  anchor,
  anchored,
  ending,
  foreignProofs,
  fund,
  HOUR_MS,
  MINUTE_MS,
  mood,
  nearGap,
  reaches,
  rob,
  speak,
  spendable,
  tokenOf,
} from './stage.ts'
import type { Row } from './table.ts'

const SWAP = 'POST /v1/swap'
const ENDS = ['REFUSED', 'CANCELLED', 'SPENT_ELSEWHERE', 'NO_ACTIVE_KEYSET', 'TOO_SMALL']

const rare = (kind: string, name: string, of: Omit<Scenario, 'kind' | 'name' | 'depth'>): Scenario => ({
  ...of,
  kind,
  name,
  depth: 1,
})

/** The answers to a request are lost for a while, and the mint leaves signatures out where it is asked for them. */
function forgetful(stage: Stage, at: string): void {
  mood(stage, at, 'lost', 30 * MINUTE_MS)
  mood(stage, 'POST /v1/restore', 'partly', 30 * MINUTE_MS)
}

const send = async ({ wallet }: Stage, amount: number, key: string) =>
  wallet.send.prepare({ mintUrl: MINT_URL, amount, key })

const partly: readonly Scenario[] = [
  rare('mint', 'partly', {
    async setup(stage) {
      await stage.wallet.mints.trust(MINT_URL)
      forgetful(stage, 'POST /v1/mint/bolt11')
    },
    async drive(stage) {
      const run = async (): Promise<void> => {
        const mint = await stage.wallet.mint.prepare({ mintUrl: MINT_URL, amount: 7, key: 'mint' })
        await reaches(stage, mint.id, 'issued')
      }
      await ending(stage, run, 'REFUSED', 'MINT_UNREACHABLE', 'QUOTE_WRONG')
    },
  }),
  rare('receive', 'partly', {
    async setup(stage) {
      await fund(stage)
      stage.note('token', tokenOf(await foreignProofs(stage, [2, 4])))
      forgetful(stage, SWAP)
    },
    async drive(stage) {
      const receive = await stage.wallet.receive.prepare({ token: notedText(stage.notes, 'token'), key: 'receive' })
      await ending(stage, () => receive.execute(), ...ENDS)
    },
  }),
  rare('send', 'partly', {
    async setup(stage) {
      await fund(stage, 8)
      forgetful(stage, SWAP)
    },
    async drive(stage) {
      const run = async (): Promise<void> => {
        const made = await send(stage, 3, 'send')
        await made.execute()
        if (stage.notes['made'] === undefined) forgetful(stage, SWAP)
        stage.note('made', true)
        await made.reclaim()
      }
      await ending(stage, run, ...ENDS)
    },
  }),
]

/** A quote is paid before its mint has said what it is. */
const paidAtOnce = rare('mint', 'paid-at-once', {
  async setup(stage) {
    await stage.wallet.mints.trust(MINT_URL)
    mood(stage, 'POST /v1/mint/quote', 'paidAtOnce', HOUR_MS)
  },
  async drive(stage) {
    const run = async (): Promise<void> => {
      const mint = await stage.wallet.mint.prepare({ mintUrl: MINT_URL, amount: 7, key: 'mint' })
      await mint.finished()
    }
    await ending(stage, run, 'REFUSED', 'MINT_UNREACHABLE', 'QUOTE_WRONG')
  },
})

/** Nothing is known that signs: exact coins are sent all the same, and others are not. */
const unlisted = rare('send', 'unlisted', {
  async setup(stage) {
    await fund(stage, 2, 4)
    await retire(stage)
  },
  async drive(stage) {
    await ending(stage, async () => (await send(stage, 1, 'other')).execute(), 'MINT_UNREACHABLE', ...ENDS)
    await ending(stage, async () => (await send(stage, 6, 'exact')).execute(), 'MINT_UNREACHABLE', ...ENDS)
  },
})

/** A token's request is lost, then refused; the keyset is another one by then, and costs more than the token is worth. */
const dearer = rare('receive', 'dearer', {
  mint: { keysetVersion: '00' },
  async setup(stage) {
    await fund(stage)
    stage.note('token', tokenOf(await foreignProofs(stage, [2, 4])))
    mood(stage, SWAP, 'notSent', HOUR_MS)
  },
  async drive(stage) {
    whenIn(stage, 'exchanging.backoff', () => {
      if (stage.notes['dearer'] !== undefined) return
      stage.note('dearer', true)
      moods.write(stage, [])
      mood(stage, SWAP, 'refused', 45 * MINUTE_MS)
      mood(stage, 'GET /v1/keysets', 'dearer', 45 * MINUTE_MS)
      void stage.mint.rotate('sat')
    })
    const receive = await stage.wallet.receive.prepare({ token: notedText(stage.notes, 'token'), key: 'receive' })
    await ending(stage, () => receive.execute(), ...ENDS)
  },
})

const melts: readonly Scenario[] = [
  // The coins would pay, and not also for being swapped for exact ones.
  rare('melt', 'exact-too-dear', {
    mint: { without: [8], feePpk: 500, feeReserve: () => 1 },
    async setup(stage) {
      await fund(stage, 8)
      stage.note('invoice', stage.invoice(5))
    },
    drive: (stage) => pay(stage),
  }),
  // The request to pay is lost; meanwhile other operations use up the counters that the fence would take.
  rare('melt', 'fence-at-the-gap', {
    quickDepth: 0,
    async setup(stage) {
      await fund(stage, 8)
      stage.note('invoice', stage.invoice(4))
      await nearGap(stage, 54)
      mood(stage, 'POST /v1/melt/bolt11', 'notSent', HOUR_MS)
      mood(stage, 'POST /v1/checkstate', 'notSent', 10 * MINUTE_MS)
      mood(stage, SWAP, 'refused', 20 * MINUTE_MS)
    },
    async drive(stage) {
      const { wallet } = stage
      const crowd = async (): Promise<void> => {
        const swap = await wallet.swap.prepare({ mintUrl: MINT_URL, amounts: Array<number>(25).fill(1), key: 'crowd' })
        await swap.execute()
      }
      whenIn(stage, 'pausing', () => void ending(stage, crowd, ...ENDS).catch(() => {}))
      anchor(stage)
      await pay(stage)
      await anchored(stage)
    },
  }),
  // The fence is refused as too large, and one coin alone is not worth its fee; later the mint takes more again.
  rare('melt', 'fence-too-small', {
    mint: { feePpk: 100, feeReserve: () => 1 },
    async setup(stage) {
      await fund(stage, 1, 1, 1)
      stage.note('invoice', stage.invoice(1))
      mood(stage, 'POST /v1/melt/bolt11', 'notSent', HOUR_MS)
    },
    async drive(stage) {
      whenIn(stage, 'fencing.swapping', () => {
        if (stage.notes['small'] !== undefined) return
        stage.note('small', true)
        speak(stage, { limits: { inputs: 1 } }, HOUR_MS / 2)
      })
      await pay(stage)
    },
  }),
]

type Faults = Row<Pick<typeof MINT_FAULTS, 'keyset' | 'counters' | 'mint' | 'person'>> & { readonly inputs: 'ours' | 'spent' } // prettier-ignore
const USUAL: Faults = { keyset: 'current', counters: 'free', mint: 'willing', person: 'patient', inputs: 'ours' }

/** The swap for exact coins before a payment, with the faults of any swap and each of its ends. */
const fits = Object.entries<Partial<Faults>>({
  refused: { mint: 'refuses' },
  robbed: { inputs: 'spent' },
  'given-up': { keyset: 'retired', person: 'resigned' },
  'rotated-hasty': { keyset: 'rotated', counters: 'collision', person: 'hasty' },
  gap: { counters: 'gap' },
}).map(([name, unusual]) => {
  const row = { ...USUAL, ...unusual }
  return rare('melt', `exact-first-${name}`, {
    mint: { without: [8], feeReserve: () => 1 },
    async setup(stage) {
      await fund(stage, 8)
      stage.note('invoice', stage.invoice(4))
      const ours = spendable(stage)
      await faultyMint(stage, { ...row, lacks: 'nothing' }, 2)
      if (row.inputs === 'spent') await rob(stage, ours)
    },
    drive: (stage) =>
      behave(stage, 'melt', row, async () => {
        const prepared = async (): Promise<void> => {
          const request = notedText(stage.notes, 'invoice')
          const melt = await stage.wallet.melt.prepare({ mintUrl: MINT_URL, request, key: 'melt' })
          if (melt.state === 'prepared') await retire(stage)
        }
        if (row.keyset === 'retired') await ending(stage, prepared, ...MELT_ENDS)
        await pay(stage)
      }),
  })
})

export const rarities: readonly Scenario[] = [...partly, paidAtOnce, unlisted, dearer, ...melts, ...fits]

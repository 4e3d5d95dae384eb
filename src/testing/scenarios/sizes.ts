/**
 * Exactly as much as fits into one page, batch, request or gap, and one more: a list that is read in parts must be
 * right at its limits. At a mint with coins of one sat only, an amount is a number of coins.
 */
import type { MintTraits } from '../environments/mint-fixture.ts'
import { MINT_URL, type WalletScenario as Scenario, type WalletStage as Stage } from '../environments/wallet-subject.ts'
import {
  anchor,
  anchored,
  burnCounters,
  claim,
  ending,
  foreignProofs,
  fund,
  HOUR_MS,
  nearGap,
  spendable,
  tokenOf,
} from './stage.ts'
import { whenIn } from './mint-faults.ts'
import { notedText } from '../explorer/notes.ts'
import { sure } from '../../sure.ts'

/** Of a denomination a selection looks at 16 coins first, and then at eight times as many, again and again. */
const PAGE = 16
const NEXT_PAGE = 8 * PAGE
/** The number of outputs in one request. */
const OUTPUTS = 100
/** The number of outputs for tokens of strangers that may be unsigned. */
const UNSIGNED = 150
/** The number of our own outputs that may be unsigned. */
const MOST_UNSIGNED = 200
/** So many coins are in one question whether tokens were claimed, and so many tokens. */
const ASKED = 100
const TOKENS = 25
/** A restore asks for so many counters at once, until so many in a row are not signed. */
const BATCH = 100
const GAP = 1_000

const ONES: MintTraits = { amounts: [1] }
const ones = (count: number): number[] => Array.from({ length: count }, () => 1)

/** Gives the wallet this many coins of one sat. */
async function fundOnes(stage: Stage, count: number): Promise<void> {
  await stage.wallet.mints.trust(MINT_URL)
  for (let rest = count; rest > 0; rest -= OUTPUTS) {
    const token = tokenOf(await foreignProofs(stage, ones(Math.min(rest, OUTPUTS))))
    await (await stage.wallet.receive.prepare({ token })).execute()
  }
}

const sum = (stage: Stage): number => spendable(stage).reduce((total, { amount }) => total + amount, 0)

/** The wallet's money at the end, whatever went wrong. */
function has(stage: Stage, amount: number): void {
  const found = sum(stage)
  if (found !== amount) stage.violated(`failed: the wallet has ${found}, and should have ${amount}`)
}

/** Only crashes are injected, and nothing in a quick exploration: the scenarios differ in size only. */
const sized = (kind: string, name: string, of: Omit<Scenario, 'kind' | 'name' | 'depth' | 'quickDepth'>): Scenario => ({
  ...{ kind, name: `size-${name}`, depth: 0, quickDepth: 0 },
  ...of,
})

/** All of its coins make one token, without a swap. */
const pages = [1, PAGE, PAGE + 1, NEXT_PAGE, NEXT_PAGE + 1].map((count) =>
  sized('send', `coins-${count}`, {
    mint: ONES,
    setup: (stage) => fundOnes(stage, count),
    async drive(stage) {
      const send = await stage.wallet.send.prepare({ mintUrl: MINT_URL, amount: count, key: 'send' })
      await ending(stage, () => send.execute(), 'REFUSED', 'CANCELLED')
      if (send.token === undefined) return
      await ending(stage, () => send.reclaim(), 'REFUSED', 'INVALID_STATE', 'SPENT_ELSEWHERE')
      if (send.state === 'reclaimed') has(stage, count)
    },
  }),
)

/** Tokens of as many coins as outputs are made at once, and as may be unsigned. */
const outputs = [OUTPUTS, OUTPUTS + 1, UNSIGNED, UNSIGNED + 1, 2 * OUTPUTS + 1].map((count) =>
  sized('receive', `outputs-${count}`, {
    mint: ONES,
    async setup(stage) {
      await stage.wallet.mints.trust(MINT_URL)
      stage.note('token', tokenOf(await foreignProofs(stage, ones(count))))
    },
    async drive(stage) {
      const token = notedText(stage.notes, 'token')
      const receive = await stage.wallet.receive.prepare({ token, key: 'receive' })
      await ending(stage, () => receive.execute(), 'REFUSED', 'CANCELLED')
      if (receive.state === 'received') has(stage, count)
    },
  }),
)

/** As many outputs as can be made before one must be signed, and one more, for which somebody has one signed first. */
const gaps = [
  [1, 2],
  [1, 2, 4],
].map((amounts) =>
  sized('receive', `gap-${amounts.length}`, {
    async setup(stage) {
      await fund(stage)
      stage.note('token', tokenOf(await foreignProofs(stage, amounts)))
      await nearGap(stage, MOST_UNSIGNED - UNSIGNED + 2)
    },
    async drive(stage) {
      whenIn(stage, 'exchanging.blocked', () => stage.note('blocked', true))
      anchor(stage)
      const token = notedText(stage.notes, 'token')
      const receive = await stage.wallet.receive.prepare({ token, key: 'receive' })
      await ending(stage, () => receive.execute(), 'REFUSED', 'CANCELLED')
      if ((stage.notes['blocked'] === true) !== amounts.length > 2)
        stage.violated(`failed: ${amounts.length} outputs ${stage.notes['blocked'] ? 'are too many' : 'are not'}`)
      await anchored(stage)
    },
  }),
)

/** As many as one request has are issued; of one more no quote is asked for, and of nothing neither. */
const issues = [0, 1, OUTPUTS, OUTPUTS + 1].map((amount) =>
  sized('mint', `outputs-${amount}`, {
    mint: ONES,
    setup: ({ wallet }) => wallet.mints.trust(MINT_URL).then(() => {}),
    async drive(stage) {
      const isPossible = amount > 0 && amount <= OUTPUTS
      const run = async (): Promise<void> => {
        const mint = await stage.wallet.mint.prepare({ mintUrl: MINT_URL, amount, key: 'mint' })
        if (!isPossible) stage.violated(`failed: a quote of ${amount} coins was asked for`)
        await mint.finished()
        has(stage, amount)
      }
      const passed = (error: unknown): void => {
        if (isPossible || !(error instanceof TypeError)) throw error
      }
      await ending(stage, () => run().catch(passed), 'AMOUNT_UNREACHABLE', 'REFUSED', 'MINT_UNREACHABLE', 'QUOTE_WRONG')
    },
  }),
)

/** Tokens that somebody claims are found out, however many coins they have. */
const claims = [ASKED, ASKED + 1].map((count) =>
  sized('send', `claimed-${count}`, {
    mint: ONES,
    setup: (stage) => fundOnes(stage, count),
    async drive(stage) {
      const send = await stage.wallet.send.prepare({ mintUrl: MINT_URL, amount: count, key: 'send' })
      await send.execute()
      if (stage.notes['claimed'] === undefined) await claim(stage, sure(send.token, 'token'))
      stage.note('claimed', true)
      await send.finished()
    },
  }),
)

/** A token of which all but the last coin are claimed is not over. */
const partly: Scenario = sized('send', `claimed-${ASKED}-of-${ASKED + 1}`, {
  mint: ONES,
  setup: (stage) => fundOnes(stage, ASKED + 1),
  async drive(stage) {
    const send = await stage.wallet.send.prepare({ mintUrl: MINT_URL, amount: ASKED + 1, key: 'send' })
    await send.execute()
    if (stage.notes['claimed'] === undefined) await claim(stage, sure(send.token, 'token'), ASKED)
    stage.note('claimed', true)
    await stage.clock.pause(HOUR_MS)
    await ending(stage, () => send.reclaim(), 'REFUSED')
    if (send.state === 'reclaimed') has(stage, 1)
  },
})

/** And so are as many tokens as are asked about together, and one more. */
const tokens = [TOKENS, TOKENS + 1].map((count) =>
  sized('send', `tokens-${count}`, {
    mint: ONES,
    async setup(stage) {
      await fundOnes(stage, count)
      for (let at = 0; at < count; at++) {
        const send = await stage.wallet.send.prepare({ mintUrl: MINT_URL, amount: 1, key: `${at}` })
        await send.execute()
        await claim(stage, sure(send.token, 'token'))
      }
    },
    async drive({ wallet }) {
      for (let at = 0; at < count; at++)
        await (await wallet.send.prepare({ mintUrl: MINT_URL, amount: 1, key: `${at}` })).finished()
    },
  }),
)

/** Another device with the same seed has had coins signed; of these the last comes after others, or after none. */
const restores = (
  [
    [BATCH - 1],
    [BATCH],
    [0, GAP - BATCH],
    [BATCH - 1, BATCH + GAP - 1],
    [2 * BATCH, 2 * BATCH + 300],
    [GAP - 1],
    [GAP - 1, 2 * GAP - 1],
  ] as const
).map((counters) =>
  sized('restore', `counters-${counters.join('-')}`, {
    async setup(stage) {
      await stage.wallet.mints.trust(MINT_URL)
      for (const counter of counters) await burnCounters(stage, 1, counter)
    },
    async drive(stage) {
      const restore = await stage.wallet.restore.prepare({ mintUrl: MINT_URL, key: 'restore' })
      await ending(stage, () => restore.execute())
      if (restore.state === 'restored') has(stage, 2 * counters.length)
    },
  }),
)

/** As many coins as a restore asks about at once, and one more. */
const batches = [BATCH, BATCH + 1].map((count) =>
  sized('restore', `coins-${count}`, {
    mint: ONES,
    async setup(stage) {
      await stage.wallet.mints.trust(MINT_URL)
      await burnCounters(stage, count, 0, 1)
    },
    async drive(stage) {
      const restore = await stage.wallet.restore.prepare({ mintUrl: MINT_URL, key: 'restore' })
      await ending(stage, () => restore.execute())
      if (restore.state === 'restored') has(stage, count)
    },
  }),
)

/** The fee decides which coins are selected. */
const fees: readonly Scenario[] = [
  // Four, two of reserve and the fee: of four and two, which come to six, nothing is left for it.
  sized('melt', 'fee-decides', {
    mint: { feePpk: 300 },
    async setup(stage) {
      await fund(stage, 4, 2, 8)
      stage.note('invoice', stage.invoice(4))
    },
    async drive(stage) {
      const request = notedText(stage.notes, 'invoice')
      const melt = await stage.wallet.melt.prepare({ mintUrl: MINT_URL, request, key: 'melt' })
      await melt.execute()
      await melt.finished()
    },
  }),
  // The coin of the old keyset, which is spent first elsewhere, costs more than it leaves.
  sized('swap', 'fee-decides', {
    mint: { feePpk: 2_000 },
    async setup(stage) {
      await stage.wallet.mints.trust(MINT_URL)
      const dear = tokenOf(await foreignProofs(stage, [8, 4]))
      await (await stage.wallet.receive.prepare({ token: dear })).execute()
      await stage.mint.rotate('sat', { feePpk: 0 })
      await stage.wallet.mints.refresh(MINT_URL)
      await fund(stage, 8)
    },
    async drive(stage) {
      const swap = await stage.wallet.swap.prepare({ mintUrl: MINT_URL, amounts: [4, 4], key: 'swap' })
      await ending(stage, () => swap.execute(), 'REFUSED', 'CANCELLED')
      // What both coins leave, and what was left of the fees that were paid with them.
      if (swap.state === 'swapped') has(stage, 17)
    },
  }),
]

/** Somebody sends a token to themselves. */
const own: Scenario = {
  kind: 'receive',
  name: 'own',
  depth: 1,
  setup: (stage) => fund(stage, 8),
  async drive(stage) {
    const { wallet } = stage
    const send = await wallet.send.prepare({ mintUrl: MINT_URL, amount: 3, key: 'send' })
    await ending(stage, () => send.execute(), 'REFUSED', 'CANCELLED')
    if (send.token === undefined) return
    const receive = await wallet.receive.prepare({ token: send.token, key: 'receive' })
    await ending(stage, () => receive.execute(), 'REFUSED', 'CANCELLED', 'ALREADY_SPENT')
    if (receive.state === 'received') await ending(stage, () => send.finished())
    else await ending(stage, () => send.reclaim(), 'REFUSED', 'INVALID_STATE', 'SPENT_ELSEWHERE')
    has(stage, 8)
  },
}

/** A token says the first bytes of its keyset's id, with which those of two keysets begin: whose it is, nobody can tell. */
const prefixes = [1, 2].map((keysets) =>
  sized('receive', `prefix-${keysets}`, {
    mint: { keysetVersion: '01' },
    async setup(stage) {
      const { wallet, mint } = stage
      for (let at = 1; at <= keysets; at++) {
        if (at > 1) await mint.rotate('sat')
        stage.note(`token ${at}`, tokenOf(await foreignProofs(stage, [1, 4])))
      }
      await wallet.mints.trust(MINT_URL)
    },
    async drive(stage) {
      for (let at = 1; at <= keysets; at++) {
        const token = notedText(stage.notes, `token ${at}`)
        const receive = await stage.wallet.receive.prepare({ token, key: `${at}` })
        await ending(stage, () => receive.execute(), 'REFUSED', 'CANCELLED', 'KEYSET_REFUSED')
        if ((receive.state === 'received') === keysets > 1)
          stage.violated(`failed: of ${keysets} keysets that begin alike, a token is ${receive.state}`)
      }
    },
  }),
)

export const sizes: readonly Scenario[] = [
  ...[...pages, ...outputs, ...issues, ...claims, partly, ...tokens, ...gaps],
  ...[...restores, ...batches, ...fees, ...prefixes],
  own,
]

/**
 * Mints that lie. Once: in a scenario of each kind, every answer is forged in every way, one at a time. For a while:
 * the mint's answers, also to repeated requests, are forged in the same way until the mint is honest again.
 */
import { MINT_URL, type WalletScenario as Scenario, type WalletStage as Stage } from '../environments/wallet-subject.ts'
import type { MintTraits } from '../environments/mint-fixture.ts'
import { lying, type Mood } from '../faults/faulty-mint.ts'
import { SIGNATURE_FORGERIES } from '../faults/forgery.ts'
import { alongside } from './alongside.ts'
import { melts } from './melt.ts'
import { mints } from './mint.ts'
import { receives } from './receive.ts'
import { restores } from './restore.ts'
import { burnCounters, ending, fund, HOUR_MS, MINUTE_MS, mood, nextCounter, spendable } from './stage.ts'
import { swaps } from './swap.ts'
import { sure } from '../../sure.ts'
import { walletRows } from '../invariants/rows.ts'

const SWAP = 'POST /v1/swap'
const ISSUE = 'POST /v1/mint/bolt11'
const PAY = 'POST /v1/melt/bolt11'
const RESTORE = 'POST /v1/restore'
const CHECK = 'POST /v1/checkstate'
const KEYSETS = 'GET /v1/keysets'
const KEYS = 'GET /v1/keys/'
const ISSUED = 'GET /v1/mint/quote'
const PAID = 'GET /v1/melt/quote'

/** The result of a restore of two coins that another device has. */
const found: Scenario = {
  kind: 'restore',
  name: 'found',
  async setup(stage) {
    await fund(stage, 4)
    await burnCounters(stage, 2, await nextCounter(stage))
  },
  async drive(stage) {
    const restore = await stage.wallet.restore.prepare({ mintUrl: MINT_URL, key: 'restore' })
    await ending(stage, () => restore.execute())
  },
}

const all = [...[mints, melts, receives, swaps, restores].flatMap(({ scenarios }) => scenarios), ...alongside, found]
const named = (name: string): Scenario =>
  sure(
    all.find((it) => `${it.kind}.${it.name}` === name),
    name,
  )

/** A scenario of each kind without other faults. */
const HONEST = {
  mint: named('mint.plain'),
  melt: named('melt.paid'),
  receive: named('receive.plain'),
  swap: named('swap.plain'),
  send: named('send.reclaimed'),
  restore: found,
}
type Kind = keyof typeof HONEST
const kinds = Object.keys(HONEST) as Kind[]

/** Scenarios at a mint that is honest until the set-up is over. */
const at = (kind: Kind, name: string, from: (stage: Stage) => unknown, more: Partial<Scenario> = {}): Scenario => {
  const honest = HONEST[kind]
  return {
    ...honest,
    name,
    depth: 1,
    ...more,
    async setup(stage) {
      await honest.setup?.(stage)
      await from(stage)
    },
  }
}

/** The request that moves the money of a kind. */
const MOVES = { mint: ISSUE, melt: PAY, receive: SWAP, swap: SWAP, send: SWAP } as const

/** The mint forges one answer. */
const once = kinds.map((kind) => at(kind, 'lies', (stage) => lying.write(stage, true)))
/**
 * The mint refuses a request that it carries out. When the wallet then asks for the result, the mint forges one answer.
 */
const asked = (['mint', 'melt', 'swap'] as const).map((kind) =>
  at(kind, 'lies-asked', (stage) => {
    lying.write(stage, true)
    mood(stage, MOVES[kind], 'refusedAfter', 500)
  }),
)

interface Lie {
  readonly at: string
  readonly does: Mood['does']
  readonly forMs?: number
}
const TWENTY_MINUTES_MS = 20 * MINUTE_MS

/** The lie is the fault. Crashes are injected as well, but not in a quick exploration. */
const LASTING = { depth: 0, quickDepth: 0 } as const

/** The mint lies for a while. */
const lasting = (kind: Kind, name: string, lies: readonly Lie[], more: Partial<Scenario> = {}): Scenario => {
  const from = (stage: Stage): void => {
    for (const lie of lies) mood(stage, lie.at, lie.does, lie.forMs ?? TWENTY_MINUTES_MS)
  }
  return at(kind, name, from, { ...LASTING, ...more })
}

const signatures = (['mint', 'melt', 'swap'] as const).flatMap((kind) =>
  SIGNATURE_FORGERIES.map((does) =>
    lasting(kind, `lies-${does}`, [
      { at: MOVES[kind], does },
      { at: RESTORE, does },
    ]),
  ),
)
const restored = SIGNATURE_FORGERIES.map((does) => lasting('restore', `lies-${does}`, [{ at: RESTORE, does }]))

/** For a while, the mint refuses requests in every way and carries them out. */
const refusals = (['mint', 'melt', 'receive', 'swap', 'send'] as const).flatMap((kind) =>
  (['refusedAfter', 'tooLargeAfter', 'brokenAfter', 'broken'] as const).map((does) =>
    lasting(kind, `lies-${does}`, [{ at: MOVES[kind], does }]),
  ),
)

/** Afterwards somebody restores the seed to see what it owns. */
const restoring = (scenario: Scenario): Scenario => ({
  ...scenario,
  async drive(stage) {
    await scenario.drive(stage)
    await stage.clock.pause(HOUR_MS)
    const restore = await stage.wallet.restore.prepare({ mintUrl: MINT_URL, key: 'afterwards' })
    await ending(stage, () => restore.execute())
  },
})

/** Answers are lost, and the mint forges states and quotes. */
const questions = [
  ...(['strangers', 'doubled', 'short'] as const).map((does) =>
    lasting('swap', `lies-states-${does}`, [
      { at: SWAP, does: 'lost' },
      { at: CHECK, does },
    ]),
  ),
  ...(['strangers', 'doubled', 'short'] as const).map((does) =>
    lasting('melt', `lies-states-${does}`, [
      { at: PAY, does: 'lost' },
      { at: CHECK, does },
    ]),
  ),
  restoring(
    lasting('swap', 'lies-states-unspent', [
      { at: SWAP, does: 'refusedAfter', forMs: 500 },
      { at: CHECK, does: 'unspent' },
    ]),
  ),
  ...(['otherQuote', 'otherAmount', 'otherRequest', 'otherwise'] as const).flatMap((does) => [
    lasting('mint', `lies-quote-${does}`, [
      { at: ISSUE, does: 'lost', forMs: 5 * MINUTE_MS },
      { at: ISSUED, does },
    ]),
    lasting('melt', `lies-quote-${does}`, [
      { at: PAY, does: 'lost', forMs: 5 * MINUTE_MS },
      { at: PAID, does },
    ]),
  ]),
  lasting('mint', 'lies-quote-issued', [
    { at: ISSUE, does: 'refused' },
    { at: ISSUED, does: 'issued' },
  ]),
  lasting(
    'mint',
    'lies-quote-unissued',
    [
      { at: ISSUE, does: 'lost', forMs: 1_200 },
      { at: ISSUED, does: 'unissued' },
    ],
    { mint: { without: [19] } },
  ),
]

/** The ends of operations that begin while keysets are listed with a higher fee or another unit. */
const UNUSABLE = ['INSUFFICIENT_FUNDS', 'KEYSET_CHANGED', 'NO_ACTIVE_KEYSET']

/** Runs a kind while its mint lies about keysets. An hour later the mint is honest, and a swap must succeed. */
const misled = (kind: Kind, name: string, from: (stage: Stage) => Promise<unknown>, mint?: MintTraits): Scenario =>
  at(kind, name, from, {
    ...LASTING,
    ...(mint && { mint }),
    async drive(stage) {
      const costs = walletRows(stage.rows()).keysets.map(({ feePpk }) => feePpk)
      if (mint?.keysetVersion === '01' && costs.some((feePpk) => feePpk !== mint.feePpk))
        stage.violated(`failed: a keyset whose id says ${mint.feePpk} is believed to cost ${costs.join(', ')}`)
      await ending(stage, () => HONEST[kind].drive(stage), ...UNUSABLE)
      await stage.clock.pause(HOUR_MS)
      const again = async (): Promise<void> => {
        await stage.wallet.mints.refresh(MINT_URL).catch(() => {})
        const swap = await stage.wallet.swap.prepare({ mintUrl: MINT_URL, amounts: [1], key: 'again' })
        await swap.execute()
      }
      if (spendable(stage).length > 0) await ending(stage, again, 'REFUSED', 'SPENT_ELSEWHERE', 'CANCELLED')
    },
  })

/** The mint forges keysets and keys, and the wallet asks for them. */
const keysets = (['swap', 'mint', 'receive'] as const).flatMap((kind) => [
  ...[
    ...(['cheaper', 'dearer', 'otherwise', 'doubled'] as const).map((does) => [does, '00'] as const),
    ...(['cheaper', 'dearer'] as const).map((does) => [does, '01'] as const),
  ].map(([does, version]) =>
    misled(
      kind,
      `lies-keysets-${does}${version === '01' ? '-01' : ''}`,
      async (stage) => {
        mood(stage, KEYSETS, does, TWENTY_MINUTES_MS)
        await stage.wallet.mints.refresh(MINT_URL).catch(() => {})
      },
      { feePpk: 300, ...(version === '01' && { keysetVersion: '01' as const }) },
    ),
  ),
  ...(['otherKeys', 'otherKeyset'] as const).map((does) =>
    misled(kind, `lies-keys-${does}`, async (stage) => {
      await stage.mint.rotate('sat')
      mood(stage, KEYS, does, TWENTY_MINUTES_MS)
    }),
  ),
])

export const forged: readonly Scenario[] = [
  ...once,
  ...asked,
  ...signatures,
  ...restored,
  ...refusals,
  ...questions,
  ...keysets,
]

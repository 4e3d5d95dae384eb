/**
 * Dialects as factors: permanent differences of a mint, shared by the tables of all kinds. Temporary faults of a mint
 * are in `mint-faults.ts`.
 */
import { codes } from '../../cashu/codes.ts'
import type { Dialect } from '../faults/dialects.ts'
import type { WalletScenario as Scenario, WalletStage as Stage } from '../environments/wallet-subject.ts'
import { MINT_URL } from '../environments/wallet-subject.ts'
import { burnCounters, ending, fund, HOUR_MS, MINUTE_MS, nextCounter, speak } from './stage.ts'
import type { Row } from './table.ts'
import { notedNumber } from '../explorer/notes.ts'
import { sure } from '../../sure.ts'

export const DIALECT = {
  /** The words of its refusals. */
  words: ['nut', 'nutshell', 'cdk', 'coded500', 'text'],
  /** `small`: fewer inputs, outputs and Ys than the operation has; refused as its words have it, or with a `pages` of a proxy's. */
  limits: ['none', 'small', 'pages'],
  /** `telling`: it says the limits. */
  info: ['telling', 'missing', 'odd'],
  /** `dead`: some coins are of a keyset that it does not take any more. `closing`: it signs nothing any more. */
  keyset: ['stays', 'dead', 'closing'],
  /** A second active keyset: one that ends in two minutes, or one whose keys are not available. */
  beside: ['nothing', 'ending', 'keyless'],
  lacks: ['nothing', '09', '12'],
  /** The wallet's clock, against the mint's: two hours ahead, or behind. */
  clock: ['right', 'fast', 'slow'],
  /** `behind`: the wallet is a backup, and the next outputs of the same seed are signed. */
  counters: ['free', 'behind'],
  /** `tens`: 10, 50, 100 and 1000. */
  amounts: ['powers', 'tens'],
  fees: ['none', 'some'],
} as const

export const AT_ONCE = [
  ['amounts: tens', 'fees: some', 'inputs less a fee are no sum of the amounts'],
  ['keyset: closing', 'beside: ending', 'there is none beside those that sign nothing'],
  ['keyset: closing', 'beside: keyless', 'there is none beside those that sign nothing'],
  ['keyset: dead', 'beside: ending', 'there are two keysets already'],
  ['keyset: dead', 'beside: keyless', 'there are two keysets already'],
] as const

type Of<Name extends keyof typeof DIALECT> = (typeof DIALECT)[Name][number]
/** A row of a table of dialects; a kind may leave factors out. */
export type DialectRow = Partial<Omit<Row<typeof DIALECT>, 'lacks'>> & { readonly lacks?: string }

const TENS = [10, 50, 100, 1000]
const LIMITS = { inputs: 3, outputs: 3, states: 2, restore: 40 }
/** How many counters a backup is behind. */
const BEHIND = 24
const DEAD: Readonly<Record<Of<'words'>, NonNullable<Dialect['dead']>['code']>> = {
  nut: codes.keysetUnknown,
  nutshell: codes.keysetUnknown,
  cdk: codes.keysetExpired,
  coded500: codes.keysetExpired,
  text: codes.proofInvalid,
}
const LACKED = { '07': 7, '08': 8, '09': 9, '12': 12 } as const

/** The amount of a coin. Operations take several of them. */
export const coinOf = ({ amounts }: DialectRow): number => (amounts === 'tens' ? 50 : 2)
/** The smallest amount. */
export const unitOf = ({ amounts }: DialectRow): number => (amounts === 'tens' ? 10 : 1)

/** A scenario's mint, and the wallet's clock. The dialect counts as one fault. */
export const madeFor = ({
  amounts,
  fees,
  clock,
}: DialectRow): Pick<Scenario, 'mint' | 'skewMs' | 'depth' | 'quickDepth'> => ({
  ...{ depth: 1, quickDepth: 0 },
  mint: { ...(amounts === 'tens' && { amounts: TENS }), ...(fees === 'some' && { feePpk: 300 }) },
  ...(clock === 'fast' && { skewMs: 2 * HOUR_MS }),
  ...(clock === 'slow' && { skewMs: -2 * HOUR_MS }),
})

/** The mint's dialect from the beginning. Its parts about keysets start later. */
export function manner({ words = 'nut', limits = 'none', info = 'telling', lacks = 'nothing' }: DialectRow): Dialect {
  return {
    ...(words !== 'nut' && { words }),
    ...(limits !== 'none' && { limits: LIMITS, tellsLimits: info === 'telling' }),
    ...(limits === 'pages' && { oversize: 'entity' }),
    ...(info !== 'telling' && { info, isSilent: true }),
    ...(lacks in LACKED && { without: [LACKED[lacks as keyof typeof LACKED]] }),
  }
}

/** The valid coins, and the number of coins of a dead keyset. */
const DEAD_COINS = 3

/**
 * Gives the wallet so many coins at a mint that speaks as the row says. Nothing stands in their way; afterwards everything
 * does.
 */
export async function dialectOf(stage: Stage, row: DialectRow, coins: number): Promise<void> {
  const { keyset = 'stays', beside = 'nothing', counters = 'free', words = 'nut' } = row
  const coin = coinOf(row)
  const fundCoins = (count: number): Promise<void> => fund(stage, ...Array.from({ length: count }, () => coin))
  const spoken = manner(row)
  speak(stage, spoken)
  if (keyset === 'dead') {
    await fundCoins(DEAD_COINS)
    await stage.mint.rotate('sat')
    // The info of a mint that gives none is not read again.
    await stage.wallet.mints.refresh(MINT_URL).catch(() => {})
  }
  if (beside === 'ending') {
    await fundCoins(1)
    const id = await firstKeyset(stage)
    await stage.mint.rotate('sat')
    await stage.activate(id)
  }
  await fundCoins(coins)
  if (beside === 'keyless') {
    const id = await firstKeyset(stage)
    await stage.mint.rotate('sat')
    await stage.activate(id)
  }
  if (counters === 'behind') await burnCounters(stage, BEHIND, await nextCounter(stage), unitOf(row))
  speak(stage, {
    ...spoken,
    ...(beside === 'keyless' && { keysMissing: { keyset: 'last', how: 404 } }),
    ...(keyset === 'dead' && { dead: { keyset: 'first', code: DEAD[words] } }),
    ...(keyset === 'closing' && { closing: true }),
    ...(beside === 'ending' && { ending: { keyset: 'lowest', atMs: stage.clock.rightMs + 2 * MINUTE_MS } }),
  })
}

async function firstKeyset({ outside }: Stage): Promise<string> {
  const listed = await outside.keysets({ signal: new AbortController().signal })
  if (listed.answer !== 'ok') throw new Error('the world outside has no faults')
  return sure(listed.body[0], 'keyset').id
}

/** Ends that any operation may come to where one thing goes wrong, and how long that takes at least. */
const ENDS: Readonly<Record<string, number>> = {
  CANCELLED: 9 * MINUTE_MS,
  QUOTE_EXPIRED: 9 * MINUTE_MS,
  MINT_UNREACHABLE: 1.8 * MINUTE_MS,
  QUOTE_WRONG: 0,
}

/**
 * Runs what ends with success or with one of the codes. Where it may rest, it may also come to wait for a person: then
 * that is all that is waited for.
 */
export async function settles(
  stage: Stage,
  run: () => Promise<unknown>,
  { mayRest = false, codes: more = [] }: { readonly mayRest?: boolean; readonly codes?: readonly string[] } = {},
): Promise<void> {
  if (stage.notes['begunMs'] === undefined) stage.note('begunMs', stage.clock.rightMs)
  const ended = ending(stage, () => patient(stage, run), ...Object.keys(ENDS), ...more)
  if (!mayRest) return ended
  await Promise.race([ended, waitsForSomebody(stage)])
}

/** An operation that ends because its time is over must have had its time, by the world's clock. */
async function patient(stage: Stage, run: () => Promise<unknown>): Promise<void> {
  try {
    await run()
  } catch (error) {
    const { code = '' } = error as { code?: string }
    const tookMs = stage.clock.rightMs - notedNumber(stage.notes, 'begunMs')
    const { [code]: leastMs = 0 } = ENDS
    if (tookMs < leastMs) stage.violated(`failed: ${code} after ${Math.round(tookMs / 1000)} s: ${String(error)}`)
    throw error
  }
}

/** After a contradiction of the mint, a person resumes the operation; see `attended` in `wallet-subject.ts`. */
const isQuarantined = (state: string): boolean => /quarantined$/i.test(state)

/** Resolves when an operation waits for a person, in whichever process. */
async function waitsForSomebody({ wallet, clock }: Stage): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  wallet.on('operation', ({ tags, state }) => {
    if (tags.includes('human') && !isQuarantined(state)) resolve()
  })
  const rests = async (): Promise<boolean> => {
    for (const { id, state } of await wallet.operations.list({ status: 'active' }))
      if (!isQuarantined(state) && (await wallet.operations.explain(id)).needsHuman) return true
    return false
  }
  const looks = async (): Promise<void> => {
    // A call of a failing store is repeated.
    while (!(await rests().catch(() => false))) await clock.pause(HOUR_MS)
  }
  return Promise.race([promise, looks()])
}
